/* 随手拍: photos made small, place by GPS, the class guessed from words, twins offered, sent once. */
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const form = $("report"), classes = JSON.parse($("classes").textContent), store = window.reportStore, map = window.lightMap;
  const field = (name) => form.elements.namedItem(name);
  const shots = [], most = 9;
  let here = null, around = null, accuracy = 0, chosenByHand = Boolean(field("category").value), settled = "";

  /* photos (照片) */
  const smaller = async (file) => {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, 2048 / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale); canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    return new Promise((done) => canvas.toBlob(done, "image/jpeg", .82));
  };
  const showShots = () => {
    document.querySelectorAll(".shot").forEach((old) => old.remove());
    shots.forEach((shot, n) => {
      const box = document.createElement("div"); box.className = "shot";
      const picture = document.createElement("img"); picture.src = shot.url; picture.alt = `照片 ${n + 1}`;
      const away = document.createElement("button"); away.type = "button"; away.textContent = "×"; away.setAttribute("aria-label", `去掉照片 ${n + 1}`);
      away.onclick = () => { URL.revokeObjectURL(shot.url); shots.splice(n, 1); showShots(); };
      box.append(picture, away); $("photos").insertBefore(box, $("add"));
    });
    const add = $("add"), left = most - shots.length;
    add.classList.toggle("first", !shots.length); add.hidden = !left;
    add.querySelector("span").innerHTML = shots.length ? `加一张<br>还可 ${left} 张` : `<b>拍照或选照片</b><br><small>最多 ${most} 张，可不传</small>`;
  };
  $("files").addEventListener("change", async () => {
    for (const file of [...$("files").files].slice(0, most - shots.length)) {
      const blob = await smaller(file).catch(() => null);
      if (blob) shots.push({ blob, url: URL.createObjectURL(blob) });
      else wrong("有一张照片打不开，请换一张");
    }
    $("files").value = ""; showShots();
  });

  /* place (位置) */
  const byWords = (yes) => {
    $("by-words").hidden = !yes; $("place").hidden = yes && !here; $("swap").hidden = yes && !here;
    $("swap").textContent = yes ? "改用定位" : "改说村名";
    if (yes) { field("lon").value = ""; field("lat").value = ""; $("place").hidden = true; }
    else if (here) { [field("lon").value, field("lat").value] = here.map((n) => n.toFixed(7)); }
  };
  const showPlace = () => {
    $("street").textContent = around.village ? `${around.village}` : "不在本县范围内";
    $("village").textContent = around.village ? around.town : "请检查定位，或改用村名和地址";
    $("move").hidden = false;
    $("accuracy").textContent = accuracy ? `定位误差约 ${Math.round(accuracy)} 米` : "";
    map.draw($("map"), around, { width: 104, height: 96, span: 320, accuracy });
  };
  const settle = async (point, error) => {
    const answer = await fetch(`/report/near?lon=${point[0]}&lat=${point[1]}`).catch(() => null);
    here = point; accuracy = error; $("place").hidden = false; byWords(false);
    if (answer && answer.ok) { around = await answer.json(); showPlace(); offerTwin(); return; }
    $("street").textContent = "已定位"; $("village").textContent = "没有信号，村名稍后补上";
    $("accuracy").textContent = `定位误差约 ${Math.round(error)} 米`;
  };
  const locate = () => {
    if (!window.isSecureContext) { $("accuracy").textContent = "此网址不能定位，请选村名"; return; }
    if (!navigator.geolocation) { $("accuracy").textContent = "这部手机不能定位，请选村名"; return; }
    $("accuracy").textContent = "正在定位…";
    navigator.geolocation.getCurrentPosition(
      (fix) => settle([fix.coords.longitude, fix.coords.latitude], fix.coords.accuracy),
      () => { $("accuracy").textContent = "没有定位权限，请选村名"; },
      { enableHighAccuracy: true, timeout: 12000, maximumAge: 30000 });
  };
  $("swap").onclick = () => byWords($("by-words").hidden);
  let pin = [0, 0], big = null;
  const drawBig = () => { big = map.draw($("bigmap"), around, { width: 350, height: 420, span: 700, pin, labels: true }); $("bigwhere").textContent = `挪了 ${Math.round(Math.hypot(...pin))} 米`; };
  $("move").onclick = () => { pin = [0, 0]; $("big").showModal(); drawBig(); $("bigmap").focus(); };
  $("bigmap").onclick = (event) => { pin = big.metres(event); drawBig(); };
  $("bigmap").onkeydown = (event) => {
    const step = { ArrowUp: [0, 5], ArrowDown: [0, -5], ArrowLeft: [-5, 0], ArrowRight: [5, 0] }[event.key];
    if (step) { event.preventDefault(); pin = [pin[0] + step[0], pin[1] + step[1]]; drawBig(); }
  };
  $("big-no").onclick = () => $("big").close();
  $("big-yes").onclick = () => { $("big").close(); settle(map.shift(here, pin), 0); };

  /* class (分类): guessed until somebody chooses */
  const score = (each, words) => each.words.concat(each.name).reduce((sum, word) => sum + (words.includes(word) ? word.length * 2 : 0), 0)
    + [...each.name].slice(1).reduce((sum, _, n) => sum + (words.includes(each.name.slice(n, n + 2)) ? 1 : 0), 0);
  const guess = (words) => classes.all.map((each) => [score(each, words), each]).filter(([n]) => n > 0)
    .sort((a, b) => b[0] - a[0]).slice(0, 3).map(([, each]) => each);
  const named = (code) => classes.all.find((each) => each.code === code);
  const chips = () => {
    const words = field("description").value, guessed = guess(words);
    const shown = (guessed.length ? guessed : classes.first.map(named)).slice(0, 3), code = field("category").value;
    if (!chosenByHand && guessed.length) field("category").value = guessed[0].code;
    const now = field("category").value;
    if (now && !shown.some((each) => each.code === now)) shown.splice(0, shown.length, named(now), ...shown.slice(0, 2));
    $("guessed").textContent = guessed.length && !chosenByHand ? "按文字猜的，可改" : "";
    const box = $("chips");
    box.replaceChildren(...shown.filter(Boolean).map((each) => chip(each.name, each.code === now, () => { chosenByHand = true; choose(each.code); })),
      chip("其他…", false, () => { $("all").hidden = false; field("category").focus(); }));
    box.hidden = false;
    if (now !== code || !box.dataset.asked) { box.dataset.asked = now; ask(now); offerTwin(); }
  };
  const chip = (name, on, act) => {
    const made = document.createElement("button"); made.type = "button"; made.textContent = name;
    made.setAttribute("role", "radio"); made.setAttribute("aria-checked", on); made.onclick = act; return made;
  };
  const choose = (code) => { field("category").value = code; ask(code); chips(); offerTwin(); };
  const ask = (code) => {
    const each = named(code);
    $("questions").replaceChildren(...(each ? each.ask : []).map((one) => {
      const row = document.createElement("label"); row.className = "card field";
      const name = document.createElement("span"); name.className = "t2"; name.textContent = one.name + (one.required ? "" : "（可不填）");
      const into = document.createElement(one.choices.length ? "select" : "input");
      into.name = `attribute[${one.code}]`; into.required = one.required;
      if (one.choices.length) into.append(new Option("请选择", ""), ...one.choices.map((value) => new Option(value)));
      else if (one.kind === "number") into.inputMode = "decimal";
      row.append(name, into); return row;
    }));
  };
  field("category").addEventListener("change", () => { chosenByHand = true; choose(field("category").value); });
  field("description").addEventListener("input", () => chips());

  /* twins (疑似重复): offered, never merged here */
  const ago = (minutes) => minutes < 60 ? `${Math.max(1, minutes)} 分钟前` : minutes < 1440 ? `${Math.round(minutes / 60)} 小时前` : `${Math.round(minutes / 1440)} 天前`;
  const offerTwin = () => {
    const code = field("category").value;
    const twin = around && (around.near || []).find((each) => each.category === code && settled !== `no ${each.number}`);
    $("twin").hidden = !twin;
    if (!twin) { field("same_as").value = ""; return; }
    $("twin-what").textContent = `${twin.distance_m < 5 ? "就在这里" : `${twin.distance_m} 米外`} ${ago(twin.minutes)}有人报过${twin.title}`;
    $("twin").classList.toggle("settled", field("same_as").value === twin.number);
    $("twin-yes").onclick = () => { field("same_as").value = twin.number; $("twin").classList.add("settled"); $("twin-what").textContent = "已选：和那一件是同一处"; };
    $("twin-no").onclick = () => { settled = `no ${twin.number}`; field("same_as").value = ""; offerTwin(); };
  };

  /* sending (发出) */
  const wrong = (words) => { $("wrong").textContent = words; $("wrong").hidden = !words; };
  const receipts = () => JSON.parse(localStorage.getItem("yiwang-receipts") || "[]");
  const showWaiting = async (words) => {
    const waiting = await store.all().catch(() => []), box = $("waiting"), last = receipts()[0];
    box.replaceChildren();
    if (waiting.length) box.append(`${waiting.length} 件存在手机里，有信号后自动发出，每件只发一次`);
    else if (words) box.append(words);
    if (!waiting.length && last) {
      const link = document.createElement("a"); link.href = `/track/${last.code}`; link.textContent = `上次报的${last.title}，查进度`;
      if (words) box.append(document.createElement("br"));
      box.append(link);
    }
    box.hidden = !box.childNodes.length; box.dataset.waiting = waiting.length;
  };
  const sent = (entry, result) => {
    if (result.state === "wrong") { wrong(`有一件没有发成：${result.words}`); return; }
    localStorage.setItem("yiwang-receipts", JSON.stringify([{ code: result.receipt.code, title: entry.title, at: Date.now() }, ...receipts()].slice(0, 10)));
  };
  const flush = async () => { await store.flush(sent).catch(() => undefined); await showWaiting(""); };
  const missing = () => {
    if (!field("lon").value && !field("village_code").value && !field("address").value.trim()) return ["请说明在哪里：打开定位，或选村（社区）、写地址", "village_code"];
    if (!field("category").value) return ["请选一下是什么事", "category"];
    const asked = [...$("questions").querySelectorAll("[required]")].find((each) => !each.value);
    if (asked) return [`请填写${asked.parentElement.querySelector("span").textContent}`, asked.name];
    if (!field("description").value.trim()) return ["请说一说怎么了", "description"];
    if (!/^\+?[\d\s-]*$/.test(field("phone").value.trim())) return ["手机号只能是数字，可带区号", "phone"];
    return null;
  };
  const freshKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");
  /* what was written stays in this tab while the camera or a reload takes the page away (草稿) */
  const KEPT = ["village_code", "address", "category", "description", "phone"];
  const keep = () => sessionStorage.setItem("yiwang-begun", JSON.stringify(KEPT.map((name) => name !== "category" || chosenByHand ? field(name).value : "")));
  const takeUp = () => {
    const begun = JSON.parse(sessionStorage.getItem("yiwang-begun") || "[]");
    KEPT.forEach((name, n) => { if (begun[n] && !field(name).value) field(name).value = begun[n]; });
    chosenByHand ||= Boolean(field("category").value);
  };
  const anew = () => {
    form.reset(); sessionStorage.removeItem("yiwang-begun"); field("key").value = freshKey();
    field("same_as").value = settled = ""; delete $("chips").dataset.asked;
    shots.splice(0); showShots(); chosenByHand = false; chips();
  };
  form.addEventListener("input", keep);
  form.addEventListener("submit", async (event) => {
    event.preventDefault(); wrong("");
    const lack = missing();
    if (lack) { wrong(lack[0]); const at = field(lack[1]); if (at && at.focus) { if (lack[1] === "category") $("all").hidden = false; at.focus(); } return; }
    const fields = [...new FormData(form)].filter(([name, value]) => typeof value === "string" && (value || name === "key"));
    const entry = { key: field("key").value, title: named(field("category").value)?.name || "", fields, photos: shots.map((shot) => shot.blob), at: Date.now() };
    $("send").disabled = true; $("send").textContent = "正在提交…";
    try { await store.put(entry); } catch { /* a private window keeps nothing: it is sent all the same */ }
    const result = await store.send(entry);
    $("send").disabled = false; $("send").textContent = "提交";
    if (result.state === "wrong") { await store.drop(entry.key).catch(() => undefined); wrong(result.words); return; }
    if (result.state === "sent") { await store.drop(entry.key).catch(() => undefined); sent(entry, result); anew(); location.href = result.receipt.receipt; return; }
    anew(); await showWaiting("");
    if (here) byWords(false);
    window.scrollTo(0, 0);
  });
  field("key").value = freshKey();  // a page kept for offline use must not repeat its key
  window.addEventListener("pageshow", (event) => { if (event.persisted) field("key").value = freshKey(); });
  window.addEventListener("online", flush);
  setInterval(flush, 15000);

  if ("serviceWorker" in navigator) navigator.serviceWorker.register("/report/worker.js", { scope: "/report" }).catch(() => undefined);
  takeUp(); $("all").hidden = Boolean(classes.first.length); chips(); locate(); flush();
  document.body.dataset.ready = "1";
})();
