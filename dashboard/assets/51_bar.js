/* The bar (顶栏) of desk and case page: beat, clock, mode, search, theme, leaving. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const { county, live, moments } = yw;
  const { put } = yw.signs;
  const at = (id) => document.getElementById(id);
  const view = { root: null, take: null, geo: null, onTheme: null, found: [], chosen: 0 };

  /** Hand props to Dash; a person may choose before Dash has laid the page out, so try again. */
  function setProps(id, props) {
    try {
      window.dash_clientside?.set_props(id, props);
    } catch {
      setTimeout(() => setProps(id, props), 200);
    }
  }

  /** The bar says which mode runs here (平战状态), and until when. */
  function showMode() {
    const pill = at("desk-mode");
    const mode = county.state.mode;
    if (!pill || !mode) return;
    pill.className = mode.code ? `pill war g${mode.grade || 4}` : "pill";
    pill.title = mode.detail;
    pill.textContent = mode.code ? `${mode.name} · ${mode.detail}` : mode.name;
  }
  function counts() {
    put(at("nav-cases"), String(county.state.incidents.size));
    put(at("nav-alerts"), String(county.firing().length));
    showMode();
  }

  function tick() {
    const now = moments.now();
    const beat = live.info.beatAt ? `实时 ${moments.ago(live.info.beatAt, Date.now())}` : "连接中";
    put(at("desk-beat"), live.info.state === "stale" ? "数据中断" : beat);
    put(at("desk-clock"), moments.hms(now));
    if (live.info.state !== "stale") return;
    put(
      at("desk-stale"),
      `<b>数据中断</b> 已 ${moments.stretch(now - live.info.lostAt)}　画面停在 ${moments.hms(live.info.lostAt)}，请以电话为准`,
    );
  }

  /* ---- search ------------------------------------------------------------------------------ */

  function closeSearch() {
    at("desk-search").value = "";
    setProps("desk-search", { value: "" }); // Dash would write its own copy back
    at("desk-found").hidden = true;
    at("desk-search").blur();
  }
  function search() {
    const text = at("desk-search").value;
    view.found = yw.deskLists.find(text, view.geo?.());
    view.chosen = 0;
    at("desk-found").hidden = !text.trim();
    put(at("desk-found"), yw.deskLists.results(view.found, 0));
  }
  function take(found) {
    if (!found) return;
    closeSearch();
    if (found.kind === "page") return void location.assign(found.href);
    view.take(found);
  }
  function searchKey(event) {
    if (event.key === "Enter") take(view.found[view.chosen]);
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (!by) return;
    event.preventDefault();
    view.chosen = Math.max(0, Math.min(view.found.length - 1, view.chosen + by));
    put(at("desk-found"), yw.deskLists.results(view.found, view.chosen));
  }

  /* ---- tools ------------------------------------------------------------------------------- */

  async function leave() {
    await yw.sending.send("DELETE", "/api/session").catch(() => null);
    location.assign("/sign-in");
  }
  function setTheme(theme) {
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("yiwang-theme", theme);
    setProps("yw-theme", { data: theme });
    view.onTheme?.();
  }
  const switchTheme = () =>
    setTheme(document.documentElement.dataset.theme === "light" ? "dark" : "light");

  /**
   * Begin on `root`: `take` gets a case or a place that was found, `geo` gives the map whose places
   * are searched, `onTheme` paints anew what does not follow the tokens.
   */
  function start(root, { take: chosen, geo, onTheme }) {
    Object.assign(view, { root, take: chosen, geo, onTheme });
    if (localStorage.getItem("yiwang-theme") === "light") setTheme("light");
    root.addEventListener("click", (event) => {
      const tool = event.target.closest("[data-tool]")?.dataset.tool;
      if (tool === "theme") switchTheme();
      if (tool === "leave") leave();
    });
    at("desk-search").addEventListener("input", search);
    at("desk-search").addEventListener("keydown", searchKey);
    at("desk-found").addEventListener("mousedown", (event) => {
      const found = event.target.closest("[data-index]");
      if (!found || event.target.closest("a")) return;
      event.preventDefault();
      take(view.found[Number(found.dataset.index)]);
    });
    live.onState((state) => {
      root.classList.toggle("stale", state === "stale");
      tick();
    });
    setInterval(tick, 1000);
    tick();
  }

  yw.bar = { start, tick, counts, closeSearch, setProps };
})();
