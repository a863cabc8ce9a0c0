/* The county (县情) as this browser holds it: one store that the map, the lists and the clock all read. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const { ORDER } = yw.signs;

  const state = {
    epoch: "",
    n: 0,
    grid: "demo",
    at: 0,
    incidents: new Map(),
    alerts: new Map(),
    responders: new Map(),
    duty: [],
    owed: [],
    owed_total: 0,
    owed_lists: [],
    figures: {},
    feed: [],
    mode: null,
  };
  const listeners = new Set();

  const moment = (iso) => (iso ? Date.parse(iso) : 0);

  function readIncident(row) {
    return {
      ...row,
      reported: moment(row.reported_at),
      due: moment(row.due_at),
      who: row.who || [],
    };
  }
  function readAlert(row) {
    return { ...row, fired: moment(row.fired_at), incident_ids: row.incident_ids || [] };
  }
  function readResponder(row) {
    return { ...row, seen: moment(row.at) };
  }
  const keyed = (rows, read) => new Map((rows || []).map((row) => [row.id, read(row)]));

  /** Tell listeners what changed: `{full, incidents, alerts, responders, owed, duty, figures}`. */
  function tell(change) {
    listeners.forEach((listener) => listener(change));
  }
  function listen(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Replace everything by a snapshot; later changes carry on from its epoch and number. */
  function reset(snapshot) {
    state.epoch = snapshot.epoch;
    state.n = snapshot.n || 0;
    state.grid = snapshot.grid || "demo";
    state.at = moment(snapshot.at);
    state.incidents = keyed(snapshot.incidents, readIncident);
    state.alerts = keyed(snapshot.alerts, readAlert);
    state.responders = keyed(snapshot.responders, readResponder);
    state.duty = snapshot.duty || [];
    keepOwed(snapshot);
    state.figures = snapshot.figures || {};
    state.mode = snapshot.mode || null;
    if (!state.feed.length) state.feed = firstFeed();
    tell({ full: true });
  }

  /** Before the first live change the feed (动态) tells the latest reports and alerts. */
  function firstFeed() {
    const lines = [];
    state.incidents.forEach((i) =>
      lines.push({ at: i.reported, words: `${i.title} 上报`, place: i.place }),
    );
    state.alerts.forEach((a) => {
      const word = yw.signs.COLOURS[a.colour]?.word || "";
      lines.push({ at: a.fired, words: `${a.title} ${word}色预警`, place: "" });
    });
    return lines.sort((a, b) => b.at - a.at).slice(0, 12);
  }

  function addFeed(line) {
    state.feed.unshift(line);
    state.feed.length = Math.min(state.feed.length, 12);
  }

  /** Store fetched rows, keep the newer of two revisions, drop those that left; returns the ids touched. */
  function merge(into, rows, gone, read) {
    const touched = [];
    (rows || []).forEach((row) => {
      const known = into.get(row.id);
      if (known && known.rev > row.rev) return;
      into.set(row.id, read(row));
      touched.push(row.id);
    });
    (gone || []).forEach((id) => {
      if (into.delete(id)) touched.push(id);
    });
    return touched;
  }
  function takeIncidents(rows, gone) {
    const incidents = merge(state.incidents, rows, gone, readIncident);
    if (incidents.length) tell({ incidents });
  }
  function takeAlerts(rows, gone) {
    const alerts = merge(state.alerts, rows, gone, readAlert);
    if (alerts.length) tell({ alerts });
  }
  /** Positions (位置) of people and vehicles: the newest wins, unknown ones are added. */
  function takePositions(rows, at) {
    const responders = [];
    (rows || []).forEach((row) => {
      const known = state.responders.get(row.id);
      const seen = moment(row.at || at);
      if (known && known.seen > seen) return;
      if (row.lon === undefined || row.lon === null) return;
      state.responders.set(row.id, { ...known, ...row, seen });
      responders.push(row.id);
    });
    if (responders.length) tell({ responders });
  }
  /** What is owed (需要我处理): the first rows, of how many, and the lists of the post. */
  function keepOwed(got) {
    state.owed = got.owed || [];
    state.owed_total = got.owed_total ?? state.owed.length;
    state.owed_lists = got.owed_lists || [];
  }
  function takeOwed(got) {
    keepOwed(got);
    tell({ owed: true });
  }
  function take(part, value) {
    state[part] = value;
    tell({ [part]: true });
  }

  const openCount = (test) => {
    let n = 0;
    state.incidents.forEach((i) => {
      if (test(i)) n += 1;
    });
    return n;
  };
  const isOverdue = (i, at) => i.due > 0 && i.due < at;

  /**
   * Tallies of the rows in hand, so that every screen says the same number. `waiting` were sent and
   * not signed yet (待签收); `unsigned` of them are past their limit (无人签收).
   */
  function totals(at = yw.moments.now()) {
    return {
      open: state.incidents.size,
      overdue: openCount((i) => isOverdue(i, at)),
      waiting: openCount((i) => i.unsigned),
      unsigned: openCount((i) => i.unsigned && isOverdue(i, at)),
      urgent: openCount((i) => i.level === 1),
    };
  }

  /** Alerts that call (在响), worst colour first; silenced and inhibited ones stand apart. */
  function firing() {
    const live = [...state.alerts.values()].filter(
      (a) => a.state === "firing" && !a.silenced && !a.inhibited,
    );
    return live.sort(
      (a, b) => ORDER.indexOf(a.colour) - ORDER.indexOf(b.colour) || a.fired - b.fired,
    );
  }

  const partiesOf = (incidents) => {
    const seen = new Map();
    incidents.forEach((i) =>
      i.who.forEach((w) => {
        if (!seen.has(w.name)) seen.set(w.name, w);
      }),
    );
    return [...seen.values()];
  };

  /** A surge's title (江背镇 2 小时内积水 8 处) in its parts: what, where, within what time. */
  function partsOf(alert) {
    const found = /^(\S+)\s+(\d+\s*(?:小时|分钟|天)内)\s*(.+)$/.exec(alert.title);
    if (!found)
      return {
        title: alert.title,
        place: alert.place || alert.rule_title || "",
        spoken: alert.title,
      };
    return {
      title: found[3],
      place: `${found[1]} · ${found[2]}`,
      spoken: `${found[1]}${found[3]}`,
    };
  }

  function caseOfAlert(alert) {
    const parts = partsOf(alert);
    const own = alert.incident_ids.map((id) => state.incidents.get(id)).filter(Boolean);
    const single = own.length === 1 && alert.scope_kind === "incident" ? own[0] : null;
    const due =
      own
        .map((i) => i.due)
        .filter(Boolean)
        .sort((a, b) => a - b)[0] || 0;
    const started = own.map((i) => i.reported).sort((a, b) => a - b)[0] || alert.fired;
    return {
      id: alert.id,
      kind: "alert",
      colour: alert.colour,
      alert,
      title: parts.title,
      spoken: parts.spoken,
      level: single ? single.level : 0,
      place: single ? single.place : parts.place,
      due,
      from: started,
      who: partiesOf(own),
      unsigned: own.some((i) => i.unsigned && isOverdue(i, yw.moments.now())),
      incidents: own,
      lon: alert.lon ?? single?.lon ?? own[0]?.lon,
      lat: alert.lat ?? single?.lat ?? own[0]?.lat,
      town_code: alert.town_code,
    };
  }
  function caseOfIncident(i) {
    return {
      id: i.id,
      kind: "incident",
      colour: null,
      title: i.title,
      level: i.level,
      place: i.place,
      due: i.due,
      from: i.reported,
      who: i.who,
      unsigned: i.unsigned,
      incidents: [i],
      lon: i.lon,
      lat: i.lat,
      town_code: i.town_code,
    };
  }

  const rankOf = (c) => (c.colour ? ORDER.indexOf(c.colour) : ORDER.length);
  const later = (c) => c.due || Number.MAX_SAFE_INTEGER;

  /** What matters most (最要紧): alerts by colour, then cases of level 1–2 and overdue ones by time left. */
  function worst(limit, at = yw.moments.now()) {
    const alerts = firing().map(caseOfAlert);
    const covered = new Set(
      alerts.filter((a) => a.incidents.length === 1).map((a) => a.incidents[0].id),
    );
    const cases = [...state.incidents.values()]
      .filter((i) => !covered.has(i.id) && (i.level <= 2 || isOverdue(i, at)))
      .map(caseOfIncident);
    const all = [...alerts, ...cases].sort(
      (a, b) => rankOf(a) - rankOf(b) || (a.level || 5) - (b.level || 5) || later(a) - later(b),
    );
    return numbered(all, limit);
  }
  /** Those whose limit comes first (最先到时限): what a calm wall shows. */
  function soonest(limit) {
    const cases = [...state.incidents.values()].filter((i) => i.due).map(caseOfIncident);
    return numbered(
      cases.sort((a, b) => a.due - b.due),
      limit,
    );
  }
  const numbered = (cases, limit) => cases.slice(0, limit).map((c, i) => ({ ...c, key: i + 1 }));

  /** A place as this screen needs it: inside one's own town the town goes without saying. */
  function placeOf(place) {
    const own = document.getElementById("desk")?.dataset.town;
    const parts = String(place || "").split(" ");
    return own && parts.length > 1 ? parts.slice(1).join(" ") : place || "";
  }
  /** Who is on it, each name once: 网格员 2 人、路口镇. */
  function handsOf(who) {
    const counts = new Map();
    who.forEach((w) => counts.set(w.name, (counts.get(w.name) || 0) + 1));
    return [...counts].map(([name, n]) => (n > 1 ? `${name} ${n} 人` : name)).join("、");
  }

  yw.county = {
    state,
    placeOf,
    handsOf,
    listen,
    tell,
    reset,
    takeIncidents,
    takeAlerts,
    takePositions,
    take,
    takeOwed,
    addFeed,
    totals,
    firing,
    worst,
    soonest,
    isOverdue,
  };
})();
