/* The desk (工作台): holds the panes together; views, selection, keyboard, search, clock. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const { bar, county, live, moments, deskLists, deskGrid, deskPanel, deskPosts } = yw;
  const { setProps } = bar;
  const { put } = yw.signs;
  const at = (id) => document.getElementById(id);
  const view = {
    map: null,
    selected: null,
    marksKey: "",
    timer: 0,
  };

  const root = () => at("desk");

  const keys = () =>
    new Map(
      county
        .worst(9)
        .flatMap((c) => [
          [c.id, c.key],
          ...(c.incidents.length === 1 ? [[c.incidents[0].id, c.key]] : []),
        ]),
    );

  /* ---- drawing ----------------------------------------------------------------------------- */

  function draw() {
    view.timer = 0;
    if (!root() || !county.state.epoch) return;
    const now = moments.now();
    const known = keys();
    const chosen = view.selected?.id;
    deskPosts.draw(known, chosen);
    bar.counts();
    root().classList.toggle("nothing", !county.state.incidents.size);
    put(at("desk-figures"), deskLists.figures(now));
    if (root().dataset.view === "alerts")
      put(at("view-alerts"), deskLists.alertList(known, chosen, now));
    if (at("desk-responders")) put(at("desk-responders"), deskLists.responders(now, 5));
    drawNote();
    setMarks(now);
  }
  function later() {
    view.timer = view.timer || setTimeout(draw, 120);
  }
  function setMarks(now) {
    if (!view.map) return;
    const chosen = view.selected?.id;
    const worst = county.worst(9, now);
    const covered = new Set(worst.flatMap((c) => c.incidents.map((i) => i.id)));
    const marks = worst.map((c) => ({
      key: c.key,
      kind: c.kind,
      id: c.id,
      colour: c.colour,
      title: c.title,
      lon: c.lon,
      lat: c.lat,
      over: c.due > 0 && c.due < now,
      focus: c.id === chosen,
      covers: c.incidents.map((i) => i.id),
      pulse: c.colour === "red" && !c.alert?.acknowledged && c.id === chosen,
    }));
    county.state.incidents.forEach((i) => {
      const own = i.id === chosen;
      if ((i.level <= 2 || own) && !covered.has(i.id)) {
        marks.push({
          kind: "incident",
          id: i.id,
          title: i.title,
          lon: i.lon,
          lat: i.lat,
          focus: own,
          key: own ? "•" : undefined,
        });
      }
    });
    const key = JSON.stringify(marks);
    if (key === view.marksKey) return;
    view.marksKey = key;
    view.map.setMarks(marks);
  }
  function boundaryNote() {
    if (county.state.grid === "demo") return "演示边界";
    const approval = view.map?.geo.approval;
    return approval ? `审图号 ${yw.signs.esc(approval)}` : "";
  }
  function drawNote() {
    const note = at("desk-note");
    if (!note) return;
    const scale = view.map ? view.map.scale() : null;
    const bar = scale
      ? `<span class="scale" style="width:${Math.round(scale.px)}px">${scale.words}</span>`
      : "";
    put(note, `${boundaryNote()}　${bar}`);
  }

  /* ---- choosing ---------------------------------------------------------------------------- */

  /** Choose a case or an alert everywhere at once: list, map, panel. */
  function select(item, fly = true) {
    if (!root()) return void setTimeout(() => select(item, fly), 100); // the page is still being built
    if (item?.id !== view.selected?.id) yw.caseForm.close();
    view.selected = item;
    const row = item && (county.state.incidents.get(item.id) || county.state.alerts.get(item.id));
    setProps("yw-selected", { data: item ? { ...item, rev: row?.rev ?? 0 } : null });
    root().classList.toggle("chosen", Boolean(item));
    if (row && fly && root().dataset.view === "map" && root().classList.contains("county"))
      view.map?.flyTo(row.lon, row.lat, 12);
    if (item) deskPosts.showChosen(item.id);
    draw();
  }
  /** Read the panel again after an action or when the chosen row has a newer revision. */
  function refreshPanel() {
    if (!view.selected) return;
    const row =
      county.state.incidents.get(view.selected.id) || county.state.alerts.get(view.selected.id);
    setProps("yw-selected", { data: { ...view.selected, rev: row?.rev ?? 0, at: Date.now() } });
  }
  function noticeChange(change) {
    later();
    if (change.full && !view.selected && root()?.classList.contains("county")) chooseFirst();
    const id = view.selected?.id;
    if (id && [...(change.incidents || []), ...(change.alerts || [])].includes(id)) refreshPanel();
  }
  function chooseFirst() {
    const first = deskLists.matters()[0] || county.worst(1)[0] || county.soonest(1)[0];
    if (first) select({ kind: first.kind, id: first.id }, false);
  }
  function step(by) {
    const next = deskPosts.neighbour(by);
    if (next) select({ kind: next.kind, id: next.id });
  }
  function show(name) {
    root().dataset.view = name;
    document.querySelectorAll("#desk nav [data-show]").forEach((b) => {
      b.classList.toggle("on", b.dataset.show === name);
      b.setAttribute("aria-current", b.dataset.show === name ? "page" : "false");
    });
    if (name === "cases") deskGrid.feed();
    if (name === "map") view.map?.resized();
    draw();
  }

  /* ---- keyboard and search ----------------------------------------------------------------- */

  const KEYS = {
    j: () => step(1),
    k: () => step(-1),
    "[": () => deskPosts.turn(-1),
    "]": () => deskPosts.turn(1),
    "?": () => {
      at("desk-keys").hidden = !at("desk-keys").hidden;
    },
    a: () => press("ack"),
    d: () => press("dispatch"),
    f: () => view.map?.fit(),
    1: () => show("map"),
    2: () => show("cases"),
    3: () => show("alerts"),
  };
  const press = (act) => document.querySelector(`#desk-panel [data-act=${act}]`)?.click();

  function key(event) {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      at("desk-search").focus();
    } else if (event.key === "Escape") {
      at("desk-keys").hidden = true;
      if (typing) bar.closeSearch();
      else select(null);
    } else if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const act = KEYS[event.key.toLowerCase()];
      if (act) {
        event.preventDefault();
        act();
      }
    }
  }

  function take(found) {
    if (found.kind === "incident") return void select({ kind: "incident", id: found.id });
    show("map");
    view.map?.fitFeature(found.feature);
  }

  /* ---- beginning --------------------------------------------------------------------------- */

  function wire() {
    const pick = (event) => {
      const row = event.target.closest("[data-kind][data-id]");
      if (row && !event.target.closest("button"))
        select({ kind: row.dataset.kind, id: row.dataset.id });
    };
    at("need-list").addEventListener("click", pick);
    at("view-alerts")?.addEventListener("click", pick);
    root().addEventListener("click", (event) => {
      const to = event.target.closest("[data-show]");
      if (to) show(to.dataset.show);
      const tool = event.target.closest("[data-tool]")?.dataset.tool;
      if (tool === "in") view.map?.zoom(1);
      if (tool === "out") view.map?.zoom(-1);
      if (tool === "fit") view.map?.fit();
      if (tool === "keys") KEYS["?"]();
    });
    document.addEventListener("keydown", key);
  }

  function openMap() {
    const pane = at("desk-map");
    if (!yw.map.supported()) {
      root().classList.add("no-gl");
      setProps("yw-no-gl", { data: true });
      return;
    }
    const own = Number(root().dataset.town) || null;
    yw.map
      .open(pane, {
        own,
        mark: own ? 11 : 14,
        label: own ? 12 : 14.5,
        padding: own ? 26 : 20,
        onPick: (item) => select(item, false),
        onMove: drawNote,
      })
      .then((map) => {
        view.map = map;
        draw();
      });
  }

  /** A link may name a view (`#cases`) or a case (`#case=…`); the address is then plain again. */
  function openFromAddress() {
    const wanted = location.hash.slice(1);
    if (!wanted) return;
    history.replaceState(null, "", location.pathname + location.search);
    if (wanted.startsWith("case=")) select({ kind: "incident", id: wanted.slice(5) });
    else if (["map", "cases", "alerts"].includes(wanted)) show(wanted);
  }

  /** Begin the desk; tells the scale that charts are drawn with, once the first data is seen. */
  async function start() {
    if (!root() || root().dataset.started) return 1;
    root().dataset.started = "1";
    bar.start(root(), { take, geo: () => view.map, onTheme: () => view.map?.repaint() });
    wire();
    deskPanel.start();
    deskPosts.start();
    deskGrid.start();
    live.onState(draw);
    county.listen(noticeChange);
    setInterval(draw, 1000);
    if (county.state.epoch) noticeChange({ full: true });
    openFromAddress();
    await live.painted();
    openMap();
    return 1;
  }

  yw.desk = { start, select, draw, refreshPanel, show, map: () => view.map };
})();
