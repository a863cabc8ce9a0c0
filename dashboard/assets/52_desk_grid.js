/* The table of open cases (案件表): AG Grid draws only the rows in view; this feeds and filters it. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const { county, moments } = yw;
  const { esc, put } = yw.signs;
  const GRID = "desk-grid";
  const STATUS = {
    reported: "待受理",
    verifying: "核实中",
    filed: "待派遣",
    assigned: "待签收",
    handling: "处置中",
    suspended: "挂起",
    checking: "待核查",
    closed: "已结案",
    archived: "已归档",
    rejected: "不予受理",
    merged: "已并案",
  };
  const view = { api: null, tab: "", timer: 0 };

  const leftOf = (row) => moments.remaining(row.due, row.from);

  /** Functions that column definitions name; the grid calls them for the cells in view. */
  window.dashAgGridFunctions = Object.assign(window.dashAgGridFunctions || {}, {
    ywLeft: (params) => (params.data ? leftOf(params.data).words : ""),
    ywOver: (params) => Boolean(params.data) && leftOf(params.data).tone === "over",
    ywNear: (params) => Boolean(params.data) && leftOf(params.data).tone === "near",
    ywDue: (params) => (params.data ? params.data.due || Number.MAX_SAFE_INTEGER : 0),
  });
  const parts = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
  parts.ywStatus = ({ data }) => {
    const state = data.unsigned ? "unsigned" : data.dot;
    return window.React.createElement("span", {
      className: "st",
      dangerouslySetInnerHTML: { __html: `${yw.signs.dot(state)}${esc(data.state)}` },
    });
  };
  parts.ywTitle = ({ data }) =>
    window.React.createElement("span", {
      className: "ti",
      dangerouslySetInnerHTML: { __html: `<b>${esc(data.title)}</b>${yw.signs.level(data.level)}` },
    });
  parts.ywLeft = ({ data }) => {
    const left = leftOf(data);
    const ink = left.tone === "over" ? "orange b" : left.tone === "near" ? "yellow b" : "";
    const html = `<span class="${ink}">${left.words}</span>${yw.signs.bar(left.used, left.tone)}`;
    return window.React.createElement("span", {
      className: "rest-cell",
      dangerouslySetInnerHTML: { __html: html },
    });
  };

  const DOTS = {
    handling: "onsite",
    assigned: "signed",
    checking: "done",
    filed: "none",
    reported: "none",
    verifying: "signed",
    suspended: "none",
  };
  function rowOf(i) {
    return {
      id: i.id,
      number: i.number,
      short: `${i.number.slice(4, 8)}-${i.number.slice(8)}`,
      title: i.title,
      level: i.level,
      place: county.placeOf(i.place) || "未定位",
      status: i.status,
      state: i.unsigned ? "待签收" : STATUS[i.status] || i.status,
      dot: DOTS[i.status] || "none",
      unsigned: i.unsigned,
      hands: county.handsOf(i.who) || "—",
      due: i.due,
      from: i.reported,
      reported: moments.limit(i.reported),
      rev: i.rev,
    };
  }

  const TESTS = {
    "": () => true,
    overdue: (i, now) => county.isOverdue(i, now),
    unsigned: (i) => i.unsigned,
    unlocated: (i) => i.lon === null || i.lon === undefined,
  };
  const testOf = (tab) => TESTS[tab] || ((i) => i.status === tab);

  function tabs(now) {
    const all = [...county.state.incidents.values()];
    const counts = new Map();
    all.forEach((i) => counts.set(i.status, (counts.get(i.status) || 0) + 1));
    const entries = [
      ["", "全部在办", all.length],
      ["overdue", "超时", all.filter((i) => TESTS.overdue(i, now)).length],
      ...["reported", "verifying", "filed", "assigned", "handling", "checking", "suspended"]
        .filter((s) => counts.get(s))
        .map((s) => [s, STATUS[s], counts.get(s)]),
    ];
    const lost = all.filter(TESTS.unlocated).length;
    if (lost) entries.push(["unlocated", "未定位", lost]);
    return entries
      .map(
        ([id, word, n]) =>
          `<button type="button" role="tab" class="${view.tab === id ? "on" : ""}" aria-selected="${view.tab === id}" data-tab="${id}">${word} ${n}</button>`,
      )
      .join("");
  }

  /** The grid's own interface, once the grid stands; it is loaded after the page. */
  function api() {
    if (view.api && !view.api.isDestroyed?.()) return view.api;
    try {
      view.api = window.dash_ag_grid.getApi(GRID) || null;
    } catch {
      view.api = null;
    }
    return view.api;
  }

  /** Give the grid the rows of the chosen tab; rows keep their identity, so it redraws only what changed. */
  function feed() {
    view.timer = 0;
    const now = moments.now();
    put(document.getElementById("desk-tabs"), tabs(now));
    const box = document.getElementById("view-cases");
    if (!box || !box.offsetParent) return;
    const grid = api();
    if (!grid) return later();
    const test = testOf(view.tab);
    const rows = [];
    county.state.incidents.forEach((i) => {
      if (test(i, now)) rows.push(rowOf(i));
    });
    grid.setGridOption("rowData", rows);
    grid.setGridOption("loading", false);
    box.dataset.rows = String(rows.length);
  }
  function later() {
    view.timer = view.timer || setTimeout(feed, 500);
  }

  function start() {
    const bar = document.getElementById("desk-tabs");
    if (!bar) return;
    bar.addEventListener("click", (event) => {
      const button = event.target.closest("[data-tab]");
      if (!button) return;
      view.tab = button.dataset.tab;
      feed();
    });
    document.getElementById("desk-export")?.addEventListener("click", () => {
      api()?.exportDataAsCsv({
        fileName: `在办案件 ${moments.hm(moments.now()).replace(":", "")}.csv`,
      });
    });
    county.listen((change) => {
      if (change.full || change.incidents) later();
    });
    setInterval(() => api()?.refreshCells({ columns: ["due"], force: true }), 30e3);
    setTimeout(later, 3000); // the grid may have been made anew while the page was laid out
    feed();
  }

  yw.deskGrid = { start, feed, STATUS };
})();
