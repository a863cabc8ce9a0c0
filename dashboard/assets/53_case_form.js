/* What an action asks for (办理表单): words, a unit, a time, photos; drawn over the foot of its container. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const { esc } = yw.signs;
  const { moments } = yw;
  const box = () => state.box;
  const MOST_PHOTOS = 9;
  const PICTURES = "image/jpeg,image/png,image/webp";
  const DAYS = [1, 3, 7, 30];
  const state = { box: null, shots: [], here: null, asks: {}, units: null, done: null };

  const two = (n) => String(n).padStart(2, "0");
  /** A moment of the county's clock as one types it; a date field would follow the browser's tongue. */
  function asField(ms) {
    const d = new Date(ms + 8 * 3600e3);
    const day = `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())}`;
    return `${day} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
  }
  const inDays = (n) => asField(moments.now() + n * 86400e3);

  /* ---- fields -------------------------------------------------------------------------------- */

  const label = (words, field, more = "") =>
    `<label><span>${esc(words)}</span>${field}</label>${more}`;
  const select = (name, options) =>
    `<select name="${name}">${Object.entries(options)
      .map(([value, word]) => `<option value="${esc(value)}">${esc(word)}</option>`)
      .join("")}</select>`;
  const words = (question, must) =>
    label(
      question,
      `<textarea name="note" rows="3" maxlength="2000" ${must ? "required" : ""}></textarea>`,
    );
  function until(question, days = 7) {
    const quick = DAYS.map(
      (n) => `<button type="button" class="btn sm" data-days="${n}">${n} 天</button>`,
    ).join("");
    const field = `<input name="until" required pattern="\\d{4}-\\d\\d?-\\d\\d? \\d\\d?:\\d\\d" title="写成 2026-01-31 18:00" value="${inDays(days)}">`;
    return `<div class="until">${label(question, field)}<div class="quick">${quick}</div></div>`;
  }
  const unit = (question) =>
    label(
      question,
      '<input name="unit" list="case-units" autocomplete="off" required placeholder="输入名称查找，例如 城管局">',
      '<datalist id="case-units"></datalist>',
    );
  function photos(kind, placed) {
    const paper = kind === "document";
    const what = paper ? "文书：照片或 PDF" : "处置后照片";
    const taken = paper ? `application/pdf,${PICTURES}` : PICTURES;
    const near = placed && kind === "photo";
    const place = near ? '<p class="place" data-part="place">正在取位置…</p>' : "";
    return (
      `<div class="photos"><span>${what}（至少 1 张）</span><div class="shots" data-part="shots"></div>` +
      `<label class="btn sm pick" tabindex="0">${paper ? "选文书" : "选照片"}<input type="file" name="file" accept="${taken}" multiple></label>${place}</div>`
    );
  }

  function fields(asks) {
    return [
      asks.kind && label("申请什么", select("kind", asks.kind)),
      asks.unit && unit(asks.unit),
      asks.card && label("督办牌", select("card", asks.card)),
      asks.reason && label("事由", select("reason", asks.reason)),
      asks.until && until(asks.until),
      asks.until_for && `<div data-part="until_for"></div>`,
      asks.note && words(asks.note, true),
      asks.note_maybe && words(asks.note_maybe, false),
      asks.photos && photos(asks.photos, asks.placed),
    ]
      .filter(Boolean)
      .join("");
  }

  /* ---- photos -------------------------------------------------------------------------------- */

  const face = ({ file, url }) =>
    file.type.startsWith("image/")
      ? `<img src="${url}" alt="${esc(file.name)}">`
      : `<b>PDF<small>${esc(file.name)}</small></b>`;
  function showShots() {
    const part = box().querySelector("[data-part=shots]");
    if (!part) return;
    part.innerHTML = state.shots
      .map(
        (shot, i) =>
          `<figure>${face(shot)}<button type="button" data-drop="${i}" aria-label="去掉这张">×</button></figure>`,
      )
      .join("");
    part.hidden = !state.shots.length;
  }
  function takeShots(files) {
    for (const file of files) {
      if (state.shots.length >= MOST_PHOTOS) break;
      state.shots.push({ file, url: URL.createObjectURL(file) });
    }
    showShots();
  }
  function dropShot(i) {
    URL.revokeObjectURL(state.shots[i].url);
    state.shots.splice(i, 1);
    showShots();
  }
  function locate() {
    const part = box().querySelector("[data-part=place]");
    if (!part) return;
    const say = (text, wrong) => {
      part.textContent = text;
      part.classList.toggle("orange", Boolean(wrong));
    };
    const lost = () =>
      say("没有取得位置：用现场拍的原图（带位置），或在手机上打开定位后反馈", true);
    if (!navigator.geolocation) return lost();
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        state.here = coords;
        say(`已取得位置，误差约 ${Math.round(coords.accuracy)} 米，随照片签名`);
      },
      lost,
      { enableHighAccuracy: true, timeout: 8000, maximumAge: 30000 },
    );
  }

  /** Upload the chosen photos, signed where the page is; returns their ids. */
  async function upload(id) {
    const kind = state.asks.photos === "document" ? "document" : "after";
    const { send } = yw.sending;
    const ids = [];
    for (const shot of state.shots) {
      const form = new FormData();
      form.append("file", shot.file);
      form.append("incident_id", id);
      form.append("kind", kind);
      if (state.here) {
        const { longitude: lon, latitude: lat, accuracy } = state.here;
        const place = { incident_id: id, lon, lat, accuracy };
        form.append("token", (await send("POST", "/api/v1/uploads/captures", place)).token);
      }
      ids.push((await send("POST", "/api/v1/uploads", form)).id);
    }
    return ids;
  }

  /* ---- units --------------------------------------------------------------------------------- */

  const RANK = { department: 0, town: 1, county: 2, village: 3 };
  async function loadUnits() {
    const list = box().querySelector("#case-units");
    if (!list) return;
    const all = state.units || (await yw.live.getJson("/api/v1/units"));
    state.units = all
      .filter((u) => u.kind in RANK)
      .sort((a, b) => RANK[a.kind] - RANK[b.kind] || a.code.localeCompare(b.code));
    list.innerHTML = state.units.map((u) => `<option value="${esc(u.name)}">${esc(u.short_name)}</option>`).join("");
  }
  /** The unit meant by what was typed: its name, or the only one that holds these words. */
  function unitOf(text) {
    const said = text.trim();
    const exact = state.units?.find((u) => u.name === said || u.short_name === said);
    if (exact) return exact;
    const near = (state.units || []).filter((u) => said && `${u.name} ${u.short_name}`.includes(said));
    return near.length === 1 ? near[0] : null;
  }

  /* ---- the answer ---------------------------------------------------------------------------- */

  function read(form) {
    const value = (name) => form.elements[name]?.value?.trim() || "";
    const body = {};
    if (value("note")) body.note = value("note");
    if (value("kind")) body.request_kind = value("kind");
    if (value("card")) body.data = { card: value("card") };
    if (value("reason")) body.reason_code = value("reason");
    if (value("until")) body.until = momentOf(value("until"));
    if (body.reason_code === "other" && !body.note) throw new Error("事由选了“其他”，请写说明");
    if (state.asks.unit) {
      const found = unitOf(value("unit"));
      if (!found) throw new Error("没有找到这个单位，请从列表里选一个");
      body.to_unit = found.code;
    }
    if (state.asks.photos && !state.shots.length) throw new Error(state.asks.photos === "document" ? "请先选文书，再提交" : "请先选照片，再提交");
    return body;
  }
  function momentOf(text) {
    const [year, month, day, hour, minute] = text.split(/[- :]/);
    return `${year}-${two(month)}-${two(day)}T${two(hour)}:${minute}:00+08:00`;
  }
  function complain(text) {
    const part = box().querySelector("[data-part=wrong]");
    part.textContent = text;
    part.hidden = !text;
  }
  async function submit(event) {
    event.preventDefault();
    const form = event.target;
    const button = form.querySelector("[type=submit]");
    complain("");
    button.disabled = true;
    try {
      const body = read(form);
      if (state.asks.photos) body.photos = await upload(state.id);
      await state.done(body);
      close();
    } catch (error) {
      complain(error.message);
    } finally {
      button.disabled = false;
    }
  }

  function close() {
    state.shots.splice(0).forEach((shot) => URL.revokeObjectURL(shot.url));
    state.box?.remove();
    state.box = null;
  }
  /** Some requests name an end, others do not. */
  function askForEnd(form) {
    const part = form.querySelector("[data-part=until_for]");
    if (!part) return;
    const question = state.asks.until_for[form.elements.kind.value];
    part.innerHTML = question ? until(question) : "";
  }

  function wire(form) {
    form.addEventListener("submit", submit);
    form.addEventListener("change", ({ target }) => {
      if (target.name === "kind") askForEnd(form);
      if (target.type !== "file") return;
      takeShots(target.files);
      target.value = "";
    });
    form.addEventListener("click", ({ target }) => {
      if (target.dataset.days) form.elements.until.value = inDays(Number(target.dataset.days));
      if (target.dataset.drop) dropShot(Number(target.dataset.drop));
      if (target.dataset.stop) close();
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target.matches(".pick")) event.target.click();
      if (event.key !== "Escape") return;
      event.stopPropagation();
      close();
    });
  }

  /** Ask over `root` for what the action needs; `done` sends it and throws a sentence when refused. */
  function open(root, { title, id, asks, done }) {
    close();
    Object.assign(state, { asks, id, done, here: null, box: document.createElement("div") });
    box().className = "case-form";
    box().setAttribute("role", "dialog");
    box().setAttribute("aria-label", title);
    root.append(box());
    box().innerHTML =
      `<form><h3>${esc(title)}</h3>${fields(asks)}<p class="orange" role="alert" data-part="wrong" hidden></p>` +
      '<div class="row"><button class="btn go" type="submit">提交</button><button class="btn" type="button" data-stop="1">取消</button></div></form>';
    const form = box().querySelector("form");
    wire(form);
    askForEnd(form);
    showShots();
    locate();
    loadUnits().catch((error) => complain(error.message));
    form.querySelector("select, input:not([type=file]), textarea")?.focus();
  }

  yw.caseForm = { open, close };
})();
