/* The desk's right panel (右栏) acts here: choosing responders, sending orders, acknowledging, telling how it went. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const { moments } = yw;
  const { esc, put } = yw.signs;
  const at = (id) => document.getElementById(id);

  const cookie = (name) =>
    document.cookie
      .split("; ")
      .find((c) => c.startsWith(`${name}=`))
      ?.slice(name.length + 1) || "";

  /** Send one unsafe request with the caller's token; a problem is thrown as a sentence. */
  async function send(method, url, body, headers = {}) {
    const answer = await fetch(url, {
      method,
      credentials: "same-origin",
      headers: {
        ...(body instanceof FormData ? {} : { "Content-Type": "application/json" }),
        "X-CSRF-Token": decodeURIComponent(cookie("yiwang_csrf")),
        ...headers,
      },
      body: body === undefined || body instanceof FormData ? body : JSON.stringify(body),
    });
    if (answer.ok) return answer.status === 204 ? null : answer.json();
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.detail || problem.title || `没有成功（${answer.status}），请再试一次`);
  }

  let toastTimer = 0;
  function toast(words, wrong) {
    const box = at("desk-toast");
    if (!box) return;
    box.className = wrong ? "wrong" : "";
    box.textContent = words;
    box.hidden = false;
    clearTimeout(toastTimer);
    toastTimer = setTimeout(
      () => {
        box.hidden = true;
      },
      wrong ? 8000 : 4000,
    );
  }

  async function attempt(button, work, done) {
    if (button) button.disabled = true;
    try {
      await work();
      toast(done);
      yw.desk.refreshPanel();
    } catch (error) {
      toast(error.message, true);
    } finally {
      if (button) button.disabled = false;
    }
  }

  const acknowledge = (id, button) =>
    attempt(button, () => send("POST", `/api/v1/alerts/${id}/ack`, {}), "已确认收到，呼叫停止");

  const chosenCandidates = () => [
    ...document.querySelectorAll("#desk-panel .cand[aria-checked=true]"),
  ];

  /** The button spells out the order: 派遣 2 方：甲 主办，乙 协办. */
  function spellOut() {
    const button = document.querySelector("#desk-panel [data-act=dispatch]");
    if (!button) return;
    const chosen = chosenCandidates();
    const parties = chosen.map((c, i) => `${c.dataset.name} ${i ? "协办" : "主办"}`).join("，");
    button.firstElementChild.textContent = chosen.length
      ? `派遣 ${chosen.length} 方：${parties}`
      : "先选人，再派遣";
    button.disabled = !chosen.length;
  }

  const dispatch = (id, button) =>
    attempt(
      button,
      () =>
        send("POST", "/api/v1/orders", {
          incident_id: id,
          responders: chosenCandidates().map((c, i) => ({
            id: Number(c.dataset.responder) || c.dataset.responder,
            role: i ? "support" : "lead",
          })),
        }),
      "已派出，等对方签收",
    );

  const PICTURES = "image/jpeg,image/png,image/webp";
  /** Let a photo be taken or a file chosen; null when nothing was. */
  const pick = (evidence) =>
    new Promise((resolve) => {
      const input = document.createElement("input");
      const paper = evidence === "document";
      Object.assign(input, {
        type: "file",
        accept: paper ? `application/pdf,${PICTURES}` : PICTURES,
      });
      if (!paper) input.setAttribute("capture", "environment");
      input.addEventListener("change", () => resolve(input.files[0] || null));
      input.addEventListener("cancel", () => resolve(null));
      input.click();
    });

  const whereAmI = () =>
    new Promise((resolve) => {
      if (!navigator.geolocation) return resolve(null);
      const found = ({ coords }) => resolve(coords);
      const options = { enableHighAccuracy: true, timeout: 8000, maximumAge: 30000 };
      return navigator.geolocation.getCurrentPosition(found, () => resolve(null), options);
    });

  /** Upload what feedback needs; a photo's place is signed as it is taken. Returns its id. */
  async function photograph(id, evidence, file) {
    const form = new FormData();
    form.append("file", file);
    form.append("incident_id", id);
    form.append("kind", evidence === "document" ? "document" : "after");
    const here = evidence === "photo" ? await whereAmI() : null;
    if (here) {
      const { token } = await send("POST", "/api/v1/uploads/captures", {
        incident_id: id,
        lon: here.longitude,
        lat: here.latitude,
        accuracy: here.accuracy,
      });
      form.append("token", token);
    }
    return (await send("POST", "/api/v1/uploads", form)).id;
  }

  /** A file may only be asked for within seconds of the press: before the words, not after. */
  async function act(button, id) {
    const { action, rev, note, unit, evidence } = button.dataset;
    const body = { action };
    const wanted = evidence && evidence !== "none";
    const file = wanted ? await pick(evidence) : null;
    if (wanted && !file) {
      const what = evidence === "document" ? "文书" : "照片";
      toast(`反馈要附${what}，没有选${what}就没有提交`, true);
      return;
    }
    if (action === "verify") body.approve = true;
    if (note) {
      const words = window.prompt(note);
      if (words === null) return;
      body.note = words;
    }
    if (unit) body.to_unit = Number(unit);
    attempt(
      button,
      async () => {
        if (file) body.photos = [await photograph(id, evidence, file)];
        return send("POST", `/api/v1/incidents/${id}/actions`, body, { "If-Match": rev });
      },
      `${button.textContent.trim()}，已记入时间线`,
    );
  }

  function press(event) {
    const cand = event.target.closest(".cand");
    if (cand) {
      cand.setAttribute("aria-checked", String(cand.getAttribute("aria-checked") !== "true"));
      spellOut();
      return;
    }
    const button = event.target.closest("[data-act]");
    if (!button) return;
    const id = button.dataset.id;
    if (button.dataset.act === "ack") acknowledge(id, button);
    if (button.dataset.act === "dispatch") dispatch(id, button);
    if (button.dataset.act === "action") act(button, id);
    if (button.dataset.act === "close") yw.desk.select(null);
    if (button.dataset.act === "show") yw.desk.select({ kind: button.dataset.kind, id });
  }

  /** Remainders in panels carry their moments; they run here, second by second. */
  function tick() {
    document.querySelectorAll("[data-due]").forEach((node) => {
      const left = moments.remaining(Number(node.dataset.due), Number(node.dataset.from));
      put(node, esc(left.words));
      node.classList.toggle("orange", left.tone === "over");
      node.classList.toggle("yellow", left.tone === "near");
    });
    document.querySelectorAll("[data-since]").forEach((node) => {
      put(
        node,
        moments.stretch(moments.now() - Number(node.dataset.since)).replace(/ \d+ 秒$/, ""),
      );
    });
  }

  function start() {
    at("desk").addEventListener("click", press);
    const panel = at("desk-panel");
    new MutationObserver(() => {
      spellOut();
      tick();
      drawTracks();
    }).observe(panel, { childList: true, subtree: false });
    setInterval(tick, 1000);
  }

  /** Dashed tracks from the first-ranked candidates to the case. */
  function drawTracks() {
    const map = yw.desk.map();
    const home = document.querySelector("#desk-panel [data-lon]");
    if (!map) return;
    const list = home
      ? chosenCandidates()
          .map((c) => ({
            r:
              yw.county.state.responders.get(Number(c.dataset.responder)) ||
              yw.county.state.responders.get(c.dataset.responder),
          }))
          .filter(({ r }) => r && Number.isFinite(r.lon))
          .map(({ r }) => ({
            from: [r.lon, r.lat],
            to: [Number(home.dataset.lon), Number(home.dataset.lat)],
          }))
      : [];
    map.sources?.showCandidates(list);
  }

  yw.deskPanel = { start, send, toast, acknowledge, dispatch, tick };
})();
