/* The case page (案件页): drawn anew when the case moves, without losing place or focus; keys, chips,
   remainders, photos large, two cases side by side. What acts on the case is in caseActs. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const { bar, county, live, moments } = yw;
  const { put } = yw.signs;
  const at = (id) => document.getElementById(id);
  const root = () => at("case");
  const AGAIN_MS = 300;
  const PARTS = ["case-head", "case-chips", "case-lines", "case-middle", "case-side", "case-foot"];
  const SCROLLED = ["case-lines", "case-middle", "case-side"];
  const SETTLES_MS = 1500;
  const view = { chip: "all", timer: 0, focus: null, places: null };

  /* ---- drawing again ------------------------------------------------------------------------ */

  /** What tells one control from all others on the page, so that it can be found after drawing. */
  function markOf(node) {
    if (!node || !root().contains(node) || node === root()) return null;
    if (node.id) return `#${node.id}`;
    const own = [...node.attributes].filter((a) => /^(data-|href)/.test(a.name) && a.name !== "data-rev");
    if (!own.length) return null;
    return node.localName + own.map((a) => `[${a.name}="${CSS.escape(a.value)}"]`).join("");
  }
  function again() {
    if (view.timer) return;
    view.timer = setTimeout(() => {
      view.timer = 0;
      view.focus = markOf(document.activeElement);
      view.places = SCROLLED.map((id) => [at(id), at(id).scrollTop]);
      setTimeout(() => (view.places = null), SETTLES_MS);
      bar.setProps("case-shown", { data: { at: Date.now() } });
    }, AGAIN_MS);
  }
  /** After a drawing: chips as chosen, remainders running, every column where it was, and the focus. */
  function settle() {
    showChip();
    tick();
    view.places?.forEach(([node, top]) => (node.scrollTop = top));
    if (root().querySelector(".nothing")) root().dataset.id = "";
    if (!view.focus || document.activeElement !== document.body) return;
    (root().querySelector(view.focus) || at("case-title"))?.focus({ preventScroll: true });
    view.focus = null;
  }

  /** The case moved, was shown to others, or left this view: the server says which. */
  function hear(name, data) {
    const id = root()?.dataset.id;
    if (id && data.id === id) again();
  }
  function notice(change) {
    bar.counts();
    const id = root()?.dataset.id;
    if (id && (change.incidents || []).includes(id)) again();
  }

  /* ---- remainders --------------------------------------------------------------------------- */

  const MINUTE = 60e3;
  const HOUR = 60 * MINUTE;
  const DAY = 24 * HOUR;
  /** A stretch of time as one figure: 36 分, 2:05, 3 天. */
  function figure(ms) {
    if (ms < HOUR) return `${Math.floor(ms / MINUTE)} 分`;
    if (ms < 2 * DAY)
      return `${Math.floor(ms / HOUR)}:${String(Math.floor((ms % HOUR) / MINUTE)).padStart(2, "0")}`;
    return `${Math.floor(ms / DAY)} 天`;
  }
  function tick() {
    const now = moments.now();
    root()
      .querySelectorAll("[data-left]")
      .forEach((node) => {
        const due = Number(node.dataset.left);
        const over = now > due;
        const near = !over && (now - Number(node.dataset.from)) / (due - Number(node.dataset.from)) >= 0.8;
        put(node, `${over ? "超" : "剩"} ${figure(Math.abs(due - now))}`);
        node.classList.toggle("orange", over);
        node.classList.toggle("yellow", near || (!over && Number(node.dataset.used) >= 80));
      });
  }

  /* ---- the time line ------------------------------------------------------------------------- */

  function showChip() {
    const column = root().querySelector(".case-time");
    column.dataset.chip = view.chip;
    let shown = 0;
    column.querySelectorAll(".ev").forEach((line) => {
      const on = view.chip === "all" || line.dataset.kinds.split(" ").includes(view.chip);
      line.hidden = !on;
      shown += on ? 1 : 0;
    });
    column.querySelector(".none").hidden = shown > 0;
    column.querySelectorAll("[data-chip]").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.chip === view.chip));
    });
  }

  /* ---- dialogs -------------------------------------------------------------------------------- */

  function openPhoto(button) {
    at("case-photo-large").src = button.dataset.photo;
    at("case-photo-large").alt = button.dataset.alt;
    at("case-photo-words").textContent = button.dataset.alt;
    at("case-photo").showModal();
  }
  /** Two cases side by side are drawn by the server; the dialog opens when they stand. */
  function openComparison(number) {
    at("case-compare-body").replaceChildren();
    bar.setProps("case-compared", { data: { number, at: Date.now() } });
    at("case-compare").showModal();
  }

  /* ---- the proof ------------------------------------------------------------------------------ */

  const line = (className, words) =>
    Object.assign(document.createElement("p"), { className, textContent: words });
  async function prove(button) {
    const said = at("case-proof-said");
    button.disabled = true;
    said.replaceChildren(line("t2", "正在复算…"));
    try {
      const found = await live.getJson(`/api/v1/incidents/${button.dataset.prove}/proof`);
      const when = moments.hms(Date.parse(found.verified_at));
      at("case-proof-state").textContent = found.holds ? "✓ 可核验" : "✗ 核验不符";
      at("case-proof-state").className = found.holds ? "force" : "orange";
      said.replaceChildren(
        ...(found.holds
          ? [line("force", `✓ ${when} 核验：${found.entries.length} 条按台账重算，与页面、封存一致`)]
          : [
              line("orange", `✗ ${when} 核验：${found.findings.length} 处不符，请报审计员`),
              ...found.findings.map((each) => line("t2", `${each.where}：${each.what}`)),
            ]),
      );
    } catch {
      said.replaceChildren(line("orange", "没有核验成：没有连上平台，或这一件已不在您的范围内"));
    } finally {
      button.disabled = false;
    }
  }
  async function copy(path) {
    try {
      await navigator.clipboard.writeText(location.origin + path);
      yw.sending.toast("链接已复制；对方要登录，且看得到这一件");
    } catch {
      yw.sending.toast(`请手动复制：${location.origin}${path}`, true);
    }
  }

  /* ---- hands ---------------------------------------------------------------------------------- */

  function press({ target }) {
    const on = (name) => target.closest(`[data-${name}]`);
    if (on("chip") && on("chip").localName === "button") {
      view.chip = on("chip").dataset.chip;
      showChip();
    }
    if (on("photo")) openPhoto(on("photo"));
    if (on("compare")) openComparison(on("compare").dataset.compare);
    if (on("prove")) prove(on("prove"));
    if (on("copy")) copy(on("copy").dataset.copy);
    if (on("says")) say(on("says"));
    if (on("close")) target.closest("dialog").close();
    if (target.localName === "dialog") target.close(); // beside the dialog
  }
  function say(block) {
    const place = at("case-strip-said");
    if (place) place.textContent = block.dataset.says;
  }

  /** Y grants and N refuses what waits first, D sends whom is chosen; a form or a dialog that is open has its own keys. */
  function key(event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      return at("desk-search").focus();
    }
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "Escape" && event.target.id === "desk-search") return bar.closeSearch();
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (document.querySelector("dialog[open], .case-form:not([hidden]) form")) return;
    const [yes, no] = root().querySelectorAll(".asked:first-child .decide .btn");
    const send = root().querySelector("[data-act=dispatch]:not(:disabled)");
    const pressed = { y: yes, n: no, d: send }[event.key.toLowerCase()];
    if (!pressed) return;
    event.preventDefault();
    pressed.click();
  }

  function start() {
    if (!root() || root().dataset.started) return 1;
    root().dataset.started = "1";
    bar.start(root(), { take: (found) => location.assign(found.href) });
    yw.caseActs.start(root(), { refresh: again });
    root().addEventListener("click", press);
    root().addEventListener("focusin", ({ target }) => target.dataset.says && say(target));
    root().addEventListener("mouseover", ({ target }) => target.dataset.says && say(target));
    document.addEventListener("keydown", key);
    const drawing = new MutationObserver(settle);
    PARTS.forEach((id) => drawing.observe(at(id), { childList: true }));
    live.onEvent(hear);
    county.listen(notice);
    let was = live.info.state;
    live.onState((state) => {
      if (was === "stale" && state === "live") again();
      was = state;
    });
    setInterval(tick, 1000);
    live.start();
    bar.counts();
    settle();
    return 1;
  }

  yw.casePage = { start, again };
})();
