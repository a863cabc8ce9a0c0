/* The wall (大屏): verdict, map, what matters most, who is on duty. Read-only, no mouse, never stale as live. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const { county, live, moments, wallParts } = yw;
  const { put } = yw.signs;
  const ROWS = 6;
  const at = (id) => document.getElementById(id);
  const view = { map: null, frozen: 0, watch: null, marksKey: "" };

  const scale = () => Math.min(window.innerWidth / 3840, window.innerHeight / 2160);

  /** Calm (平稳): no alert fires, nothing is past its limit, no case of level one is open. */
  function isCalm() {
    if (county.firing().length) return false;
    const { overdue, urgent } = county.totals(view.frozen || moments.now());
    return !overdue && !urgent;
  }

  function draw() {
    const root = at("wall");
    if (!root || !county.state.epoch) return;
    const now = view.frozen || moments.now();
    const calm = isCalm();
    const cases = calm ? county.soonest(5) : county.worst(ROWS, now);
    root.classList.toggle("calm", calm);
    put(at("wall-verdict"), wallParts.verdict(cases, calm, now));
    put(
      at("wall-board"),
      calm
        ? wallParts.calmBoard(cases, now, at("wall-board"))
        : wallParts.board(cases, now, Boolean(view.frozen)),
    );
    put(at("wall-legend"), wallParts.legend(calm));
    put(at("wall-forces"), wallParts.forces(now));
    put(at("wall-duty"), wallParts.duty());
    put(at("wall-mode"), wallParts.mode());
    put(at("wall-figures"), wallParts.figures(now));
    if (calm) put(at("wall-watch"), wallParts.watch(view.watch));
    put(at("wall-foot"), wallParts.foot(county.state.grid, view.map?.geo.approval));
    setMarks(cases, calm, now);
  }

  function setMarks(cases, calm, now) {
    if (!view.map) return;
    const covered = new Set(cases.flatMap((c) => c.incidents.map((i) => i.id)));
    const keyed = cases.map((c, i) => ({
      key: c.key,
      kind: c.kind,
      id: c.id,
      colour: c.colour,
      title: c.title,
      lon: c.lon,
      lat: c.lat,
      over: c.due > 0 && c.due < now,
      focus: i === 0 && !calm,
      covers: c.incidents.map((x) => x.id),
      pulse: c.colour === "red" && !c.alert?.acknowledged,
    }));
    const rest = [...county.state.incidents.values()]
      .filter((i) => i.level <= 2 && !covered.has(i.id))
      .map((i) => ({ kind: "incident", id: i.id, title: i.title, lon: i.lon, lat: i.lat }));
    const marks = [...keyed, ...rest];
    const key = JSON.stringify(marks);
    if (key === view.marksKey) return;
    view.marksKey = key;
    view.map.setMarks(marks);
  }

  let waiting = 0;
  /** Several changes within a moment are one drawing. */
  function later() {
    waiting =
      waiting ||
      setTimeout(() => {
        waiting = 0;
        draw();
      }, 150);
  }

  function tick() {
    const now = moments.now();
    const beat = live.info.beatAt ? moments.ago(live.info.beatAt, Date.now()) : "连接中";
    put(at("wall-clock"), wallParts.clock(now, beat));
    if (live.info.state === "stale") {
      put(at("wall-cut"), wallParts.cut(now, view.frozen || live.info.lostAt, live.info));
    }
    draw();
  }

  function showState(state) {
    const root = at("wall");
    if (!root) return;
    view.frozen = state === "stale" ? live.info.lostAt : 0;
    root.classList.toggle("stale", state === "stale");
    tick();
  }

  /** The engine's own health (系统在看着), shown while nothing else calls. */
  async function lookAfterSystem() {
    if (!isCalm()) return;
    try {
      const answer = await fetch("/readyz", { headers: { Accept: "application/json" } });
      view.watch = await answer.json();
    } catch {
      view.watch = null;
    }
  }

  function openMap() {
    if (!yw.map.supported()) return;
    const options = {
      k: scale(),
      mark: 27,
      label: 31,
      interactive: false,
      padding: 26,
      dots: true,
      unit: 7.5,
      stroke: 1.35,
    };
    yw.map.open(at("wall-map"), options).then((map) => {
      view.map = map;
      draw();
    });
    window.addEventListener("resize", () => {
      if (!view.map) return;
      view.map.options.k = scale();
      view.map.repaint();
      view.map.resized();
    });
  }

  /** Begin the wall; tells the scale that charts are drawn with, once the first data is seen. */
  async function start() {
    const pane = at("wall-map");
    if (!pane || pane.dataset.started) return scale();
    pane.dataset.started = "1";
    live.onState(showState);
    county.listen(later);
    setInterval(tick, 1000);
    setInterval(lookAfterSystem, 10e3);
    tick();
    await live.painted();
    openMap();
    lookAfterSystem();
    return scale();
  }

  yw.wall = { start, scale, map: () => view.map };
})();
