/* Lists of the desk (工作台各表): what needs me, the alerts, the strip of figures, search results. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const { county, moments } = yw;
  const { COLOURS, esc, sign, key, level, bar, dot } = yw.signs;
  const SHEET =
    '<svg width="22" height="22" aria-hidden="true"><rect x="3" y="2" width="16" height="18" rx="3" fill="none" stroke="var(--text-2)" stroke-width="1.5"/>' +
    '<path d="M7 8h8M7 12h8M7 16h4" stroke="var(--text-2)" stroke-width="1.5"/></svg>';
  const SQUARE =
    '<svg width="22" height="22" aria-hidden="true"><rect x="3" y="3" width="16" height="16" rx="4" fill="var(--text-2)"/></svg>';

  const CARDS = { yellow: "黄牌", red: "红牌", black: "黑牌" };
  /** A number without its year: 1122-000034. */
  const shortNumber = (number) => `${number.slice(4, 8)}-${number.slice(8)}`;

  const bareId = (subject) =>
    String(subject || "")
      .split(":")
      .pop();

  /** One owed matter joined with the case or alert it is about. */
  function matter(owed) {
    const id = bareId(owed.subject);
    const alert = county.state.alerts.get(id);
    const incident = county.state.incidents.get(id);
    const alarm = alert || String(owed.kind).startsWith("alert");
    const kind = alarm ? "alert" : owed.kind === "rota_gap" ? "rota" : "incident";
    const colour = owed.colour || alert?.colour || null;
    return {
      ...owed,
      id,
      kind,
      colour,
      title: owed.title || alert?.title || incident?.title || owed.kind,
      place: county.placeOf(owed.place || incident?.place),
      level: owed.level || incident?.level || 0,
      due: owed.due_at ? Date.parse(owed.due_at) : 0,
      from: owed.since ? Date.parse(owed.since) : 0,
      note: owed.note || noteOf(alert, incident),
      pinned: colour === "red" && alert && !alert.acknowledged,
      alert,
      incident,
    };
  }
  /** Of today the time; of other days the day, which the number tells already, is enough. */
  const reportedAt = (at) => moments.limit(at).split(" ")[0];
  function noteOf(alert, incident) {
    if (alert)
      return alert.acknowledged
        ? `已确认 ${alert.ack_by || ""}`
        : `${moments.hm(alert.fired)} 响起，值 ${alert.value ?? ""}`;
    if (!incident) return "";
    if (incident.unsigned)
      return county.isOverdue(incident, moments.now())
        ? "无人签收"
        : `待${incident.holder || "对方"}签收`;
    const lead = incident.who[0];
    return lead
      ? `${lead.name} ${yw.signs.ORDER_STATES[lead.state] || ""}`
      : `${reportedAt(incident.reported)} 上报`;
  }

  /** What needs me as the stream brought it; an unacknowledged red alert is pinned above. */
  const matters = () =>
    county.state.owed.map(matter).sort((a, b) => Number(Boolean(b.pinned)) - Number(Boolean(a.pinned)));

  function icon(m, keys) {
    const n = keys.get(m.id);
    if (m.colour) return sign(m.colour, "27px", n);
    if (n) return key(n);
    return ["批准", "裁定", "审批"].includes(m.verb) ? SHEET : SQUARE;
  }

  function needRow(m, keys, chosen, now) {
    const left = moments.remaining(m.due, m.from, now);
    const ink = left.tone === "over" ? "orange" : left.tone === "near" ? "yellow" : "";
    const colour = m.colour
      ? `<span class="${COLOURS[m.colour].text}">${COLOURS[m.colour].word}色</span> · `
      : "";
    const on = m.id === chosen;
    const card = m.card ? `<i class="cardtag">${CARDS[m.card] || ""}</i>` : "";
    const number = m.number ? `<span class="no">${shortNumber(m.number)}</span>` : "";
    return (
      `<div class="need${on ? " on" : ""}" role="option" tabindex="${on ? 0 : -1}" aria-selected="${on}" data-kind="${m.kind}" data-id="${esc(m.id)}">` +
      `${icon(m, keys)}<div><h3><span>${esc(m.title)}</span>${level(m.level)}${card}</h3><p>${colour}${esc(m.place)}</p></div>` +
      `<div class="lft ${ink}">${left.words}<small>${m.due ? `限 ${left.limit}` : ""}</small></div>` +
      `<div class="ask"><b>${esc(m.verb || "办理")}</b>${number}<span class="t2">${esc(m.note)}</span></div>${m.due ? bar(left.used, left.tone) : ""}</div>`
    );
  }

  function alertRow(a, keys, chosen, now) {
    const c = COLOURS[a.colour];
    const quiet = a.silenced || a.inhibited || a.state !== "firing";
    const why = a.silenced ? "静默" : a.inhibited ? "由上级代表" : "恢复中";
    const drawn = quiet ? sign(a.colour, "28px", "", why) : sign(a.colour, "28px", keys.get(a.id));
    const state = quiet ? why : a.acknowledged ? "已确认" : "<b>待确认</b>";
    const note =
      a.acknowledged && !quiet
        ? `${esc(a.ack_by || "")}${a.ack_until ? ` 至 ${moments.limit(Date.parse(a.ack_until), now)}` : ""}`
        : `${moments.limit(a.fired, now)} 起`;
    const ack =
      !quiet && !a.acknowledged
        ? `<button type="button" class="btn sm" data-act="ack" data-id="${esc(a.id)}">确认</button>`
        : "";
    return (
      `<div class="alert-row${quiet ? " quiet" : ""}${a.id === chosen ? " on" : ""}" role="option" tabindex="-1" data-kind="alert" data-id="${esc(a.id)}">` +
      `${drawn}<div><h3>${esc(a.title)}</h3><p><span class="${c.text}">${c.word}色</span> · ${esc(a.rule_title || a.rule)}　${a.incident_ids.length} 件</p></div>` +
      `<div class="r">${state}<small>${note}</small></div><div class="a">${ack}</div></div>`
    );
  }
  function alertList(keys, chosen, now) {
    const order = (a) =>
      (a.state === "firing" && !a.silenced && !a.inhibited ? 0 : 10) +
      yw.signs.ORDER.indexOf(a.colour) +
      (a.acknowledged ? 0.5 : 0);
    const at = (a) => keys.get(a.id) || Number.MAX_SAFE_INTEGER; // as the map numbers them
    const rows = [...county.state.alerts.values()].sort(
      (a, b) => order(a) - order(b) || at(a) - at(b) || a.fired - b.fired,
    );
    if (!rows.length) return '<p class="empty">没有预警在响<br>规则随每次案件变动重算</p>';
    return rows.map((a) => alertRow(a, keys, chosen, now)).join("");
  }

  function figures(now) {
    const f = county.state.figures;
    const { open, overdue, waiting, unsigned } = county.totals(now);
    const rate = f.on_time_den
      ? `${((100 * f.on_time_num) / f.on_time_den).toFixed(1)}<small>%</small>`
      : "—";
    const last = Number.isFinite(f.reported_last_week) ? `上周同日 ${f.reported_last_week}` : "";
    const cell = (figure, name, note) =>
      `<div><div class="num">${figure}</div><p>${name}<i>${note}</i></p></div>`;
    return (
      cell(f.reported_today ?? "—", "今日上报", last) +
      cell(open, "在办", `<span class="${overdue ? "orange" : ""}">超时 ${overdue}</span>`) +
      cell(waiting, "待签收", unsigned ? `<span class="orange">过时限 ${unsigned}</span>` : "") +
      cell(rate, "按期处置", f.on_time_den ? `${f.on_time_num}/${f.on_time_den}` : "")
    );
  }

  function responders(now, limit) {
    const rows = [...county.state.responders.values()];
    const fresh = rows.filter((r) => now - r.seen <= 30 * 60e3 && r.state !== "stale");
    const shown = [...rows]
      .sort((a, b) => (b.state === "busy") - (a.state === "busy") || b.seen - a.seen)
      .slice(0, limit);
    const words = { free: "空闲", busy: "在办", rest: "休息", stale: "位置过时" };
    const line = (r) => {
      const stale = now - r.seen > 30 * 60e3 || r.state === "stale";
      const mark = stale ? dot("none") : dot(r.state === "busy" ? "enroute" : "onsite");
      return `${mark}<span class="${stale ? "t3" : ""}">${esc(r.name)}</span><span class="t3">${stale ? `位置 ${moments.ago(r.seen, now)}` : words[r.state] || ""}</span>`;
    };
    return `<h4><span>网格员与队伍　有位置 ${fresh.length}/${rows.length}</span><span>位置 30 分内</span></h4><div class="gw">${shown.map(line).join("") || '<span class="t3">还没有位置上来</span>'}</div>`;
  }

  /** Open cases by number, title or place, then towns and villages by name. */
  function find(text, geo) {
    const want = text.trim().toLowerCase();
    if (!want) return [];
    const found = [];
    for (const i of county.state.incidents.values()) {
      if (`${i.number} ${i.title} ${i.place}`.toLowerCase().includes(want)) {
        found.push({
          kind: "incident",
          id: i.id,
          title: i.title,
          note: `${i.number}　${i.place || ""}`,
          href: `/case/${i.number}`,
          lon: i.lon,
          lat: i.lat,
        });
      }
      if (found.length >= 8) break;
    }
    // a case that is over is not in hand: its whole number leads to its page
    if (/^\d{14}$/.test(want) && !found.length)
      found.push({ kind: "page", href: `/case/${want}`, title: want, note: "打开案件页" });
    const places = geo ? [...geo.towns.values(), ...geo.villages.values()] : [];
    places
      .filter((f) => f.properties.name.includes(want))
      .slice(0, 6)
      .forEach((f) =>
        found.push({
          kind: "place",
          id: f.properties.code,
          title: f.properties.name,
          note: "地点",
          feature: f,
        }),
      );
    return found;
  }
  function results(found, chosen) {
    if (!found.length) return '<p class="empty">没有找到，试试案号、事项或村名</p>';
    return found
      .map(
        (f, i) =>
          `<div role="option" class="found${i === chosen ? " on" : ""}" aria-selected="${i === chosen}" data-index="${i}"><b>${esc(f.title)}</b><span>${esc(f.note)}</span>${f.kind === "incident" ? `<a href="${f.href}">案件页</a>` : ""}</div>`,
      )
      .join("");
  }

  yw.deskLists = { matter, matters, needRow, alertList, figures, responders, find, results };
})();
