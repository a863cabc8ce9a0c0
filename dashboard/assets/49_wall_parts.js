/* Parts of the wall (大屏各栏) as markup: each takes what is known and gives one piece of HTML. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const { county, moments } = yw;
  const { COLOURS, ORDER, ORDER_STATES, esc, sign, key, level, dot, bar } = yw.signs;
  const WHO = 2;

  const onSite = (c) => c.who.filter((w) => w.state === "onsite" || w.state === "done").length;

  /** How far help has come, in one phrase. */
  function progress(c) {
    if (c.who.length) return `${onSite(c)}/${c.who.length} 方到场`;
    if (c.unsigned) return "待签收";
    if (c.alert) return c.alert.acknowledged ? "已确认" : "待确认";
    return "待派遣";
  }

  function tally(skip) {
    const firing = county.firing();
    const totals = county.totals();
    const signs = ORDER.filter((colour) => colour !== skip).map((colour) => {
      const n = firing.filter((a) => a.colour === colour).length;
      const drawn = n ? sign(colour, ".44rem", "") : sign(colour, ".44rem", "", "没有");
      return `<span>${drawn}${COLOURS[colour].word} <b>${n}</b></span>`;
    });
    const hot = (n) => (n ? ' class="orange"' : "");
    const silenced = [...county.state.alerts.values()].filter((a) => a.silenced).length;
    return [
      ...signs,
      `<span${hot(totals.unsigned)}>${totals.unsigned ? dot("unsigned") : ""}无人签收 <b${hot(totals.unsigned)}>${totals.unsigned}</b></span>`,
      `<span${hot(totals.overdue)}>超时 <b${hot(totals.overdue)}>${totals.overdue}</b></span>`,
      `<span>在办 <b>${totals.open}</b></span>`,
      silenced ? `<span class="t3">静默 ${silenced}</span>` : "",
    ].join("");
  }

  /** Is anything wrong, in one sentence (判语). */
  function verdict(cases, calm) {
    if (calm) return `<div><h1>运行平稳</h1><div class="tally">${tally()}</div></div>`;
    const top = cases[0];
    if (!top.colour)
      return `<div><h1>没有预警　${plainVerdict(top)}</h1><div class="tally">${tally()}</div></div>`;
    const n = county.firing().filter((a) => a.colour === top.colour).length;
    const word = COLOURS[top.colour].word;
    const state = progress(top);
    const head = `${word}色预警 ${n} 起　${esc(top.spoken || top.title)}${state ? `，${state}` : ""}`;
    return `${sign(top.colour, "1.5rem")}<div><h1>${head}</h1><div class="tally">${tally(top.colour)}</div></div>`;
  }

  /** Without an alert, the first case of the board is what there is to say. */
  function plainVerdict(top) {
    const { urgent, overdue } = county.totals();
    const head = top.level === 1 ? `一级案件 ${urgent} 件` : `超时 ${overdue} 件`;
    const state = progress(top);
    return `${head}　${esc(top.title)}${state ? `，${state}` : ""}`;
  }

  function clock(now, beat) {
    return `<div class="num">${moments.hms(now)}</div><p>${moments.date(now)}　<span class="beat"></span>实时 ${beat}</p>`;
  }

  function whoLines(c, limit) {
    if (!c.who.length) {
      if (c.unsigned) return `<div>${dot("unsigned")}<b class="orange m">无人签收</b></div>`;
      if (c.kind === "alert") {
        const a = c.alert;
        return a.acknowledged
          ? `<div>${dot("signed")}<span>已确认</span><span class="t3">${esc(a.ack_by || "")}</span></div>`
          : `<div>${dot("unsigned")}<b class="m">待确认</b></div>`;
      }
      return `<div>${dot("none")}<span class="t2">待派遣</span></div>`;
    }
    const lines = c.who.slice(0, limit).map((w) => {
      const name =
        w.state === "unsigned"
          ? `<b class="orange m">${esc(w.name)}</b>`
          : `<span>${esc(w.name)}</span>`;
      return `<div>${dot(w.state)}${name}<span class="t3">${ORDER_STATES[w.state] || ""}</span></div>`;
    });
    if (c.who.length > limit)
      lines[limit - 1] = lines[limit - 1].replace(
        "</div>",
        `<span class="t3">等 ${c.who.length} 方</span></div>`,
      );
    return lines.join("");
  }

  function limitBlock(c, now, frozen, caption) {
    const left = moments.remaining(c.due, c.from, now);
    if (frozen) return `<div class="left"><div class="num t2">${left.limit}</div><p>时限</p></div>`;
    if (!c.due) {
      const since = moments.ago(c.from, now).replace(/前$/, "").trim();
      return `<div class="left"><div class="num">${since.replace(/ (\S)$/, "<small>$1</small>")}</div><p>已响，${moments.limit(c.from, now)} 起</p></div>`;
    }
    const ink = left.tone === "over" ? "orange" : left.tone === "near" ? "yellow" : "";
    const small = left.later ? " later" : "";
    return (
      `<div class="left ${ink}">${caption ? `<p>${caption}</p>` : ""}` +
      `<div class="num${small}">${left.figure}<small>${left.unit}</small></div>${bar(left.used, left.tone)}` +
      `<p class="lim">${caption ? `<span>上报 ${moments.limit(c.from, now)}</span>　` : ""}<span>时限 ${left.limit}</span></p></div>`
    );
  }

  const signOf = (c, size) => (c.colour ? sign(c.colour, size, c.key) : key(c.key));
  const colourWord = (c) =>
    c.colour ? `<span class="${COLOURS[c.colour].text}">${COLOURS[c.colour].word}色</span> · ` : "";

  function focusCard(c, now, frozen) {
    const ink = c.colour ? `var(${COLOURS[c.colour].fill})` : "var(--text)";
    const units = c.who.length
      ? c.who
          .slice(0, 3)
          .map(
            (w) =>
              `<div>${dot(w.state)}<span class="t3">${w.role === "support" ? "协办" : "主办"}</span><b class="m">${esc(w.name)}</b>` +
              `<span class="${w.state === "unsigned" ? "orange" : "force"}">${ORDER_STATES[w.state] || ""}</span></div>`,
          )
          .join("")
      : `<div class="one">${whoLines(c, 1)}</div>`;
    return (
      `<div class="focus" style="border-color:${ink}"><div><div class="row">${signOf(c, ".92rem")}<h3${[...c.title].length > 12 ? ' class="long"' : ""}>${esc(c.title)}</h3></div>` +
      `<div class="place">${level(c.level) || colourWord(c)} ${esc(c.place)}${c.alert && !c.level ? `　${c.incidents.length} 件` : ""}</div><div class="units">${units}</div></div>` +
      `${limitBlock(c, now, frozen, "距时限")}</div>`
    );
  }

  function caseRow(c, now, frozen) {
    return (
      `<div class="case">${signOf(c, ".84rem")}<div><h3><span>${esc(c.title)}</span>${level(c.level)}</h3>` +
      `<div class="p">${colourWord(c)}${esc(c.place)}</div></div><div class="who">${whoLines(c, WHO)}</div>${limitBlock(c, now, frozen)}</div>`
    );
  }

  function restLine(cases, now) {
    const totals = county.totals(now);
    const shown = new Set(cases.flatMap((c) => c.incidents.map((i) => i.id)));
    const rest = totals.open - [...shown].filter((id) => county.state.incidents.has(id)).length;
    const late = [...county.state.incidents.values()].filter(
      (i) => !shown.has(i.id) && county.isOverdue(i, now),
    ).length;
    return `<p class="rest">其余 ${Math.max(0, rest)} 件，${late ? `<span class="orange">超时 ${late}</span>` : "都在时限内"}</p>`;
  }

  function feed(limit) {
    const lines = county.state.feed
      .slice(0, limit)
      .map(
        (f) =>
          `<div><time>${moments.hm(f.at)}</time><span>${esc(f.words)}<span class="t3">　${esc(f.place || "")}</span></span></div>`,
      );
    return `<div class="feedbox"><h2>动态</h2><div class="feed">${lines.join("") || '<p class="t3">还没有动态</p>'}</div></div>`;
  }

  function board(cases, now, frozen) {
    const [first, ...others] = cases;
    return (
      `<h2>最要紧 <small>按颜色、等级、剩余时间排序</small></h2>${focusCard(first, now, frozen)}` +
      `<div class="cases">${others.map((c) => caseRow(c, now, frozen)).join("")}</div>${restLine(cases, now)}${feed(4)}`
    );
  }

  /** Every open case as a dot on its time left (在办分布): what calm looks like while work goes on. */
  function swarm(cases, now) {
    const w = 1380,
      h = 420,
      base = h - 88,
      columns = 30;
    const hours = [0, 1, 2, 3, 4, 6, 8, 12, 24, 48];
    const keys = new Map(cases.map((c) => [c.id, c.key]));
    const place = (due) => {
      const left = Math.max(0, (due - now) / 3600e3);
      const i = Math.min(
        hours.length - 2,
        hours.findLastIndex((x) => left >= x),
      );
      const part = Math.min(1, (left - hours[i]) / (hours[i + 1] - hours[i]));
      return Math.min(columns - 1, Math.floor(((i + part) / (hours.length - 1)) * columns));
    };
    const stacks = Array.from({ length: columns }, () => []);
    county.state.incidents.forEach((i) => {
      if (i.due) stacks[place(i.due)].push(i);
    });
    const most = Math.max(1, ...stacks.map((s) => s.length));
    const wide = (w - 130) / columns;
    let step = 42; // the largest pitch at which the fullest column still holds its dots
    while (step > 6 && Math.max(1, Math.floor(wide / step)) * Math.floor((base - 10) / step) < most)
      step -= 1;
    const abreast = Math.max(1, Math.floor(wide / step));
    const x = (c) => 90 + (c / columns) * (w - 130);
    let s = "";
    [
      ["现在", 0],
      ["2 小时", 2],
      ["4 小时", 4],
      ["8 小时", 6],
      ["明日", 8],
      ["后日及以后", 9],
    ].forEach(([word, i]) => {
      const px = x((i / (hours.length - 1)) * columns);
      s += `<path d="M${px} 14V${h - 58}" stroke="var(--line)" stroke-width="2"/><text x="${px}" y="${h - 12}" font-size="28" text-anchor="middle" fill="var(--text-3)">${word}</text>`;
    });
    s += `<path d="M${x(0)} ${h - 58}H${w}" stroke="var(--line-strong)" stroke-width="2"/>`;
    stacks.forEach((stack, c) => {
      let foot = base;
      stack
        .filter((i) => keys.has(i.id))
        .sort((a, b) => a.due - b.due)
        .forEach((i) => {
          s += keyed(x(c) + 20, foot, keys.get(i.id));
          foot -= 42;
        });
      stack
        .filter((i) => !keys.has(i.id))
        .forEach((i, q) => {
          const px = x(c) + step / 2 + (q % abreast) * step;
          const py = foot + (step < 30 ? 12 : 0) - Math.floor(q / abreast) * step;
          const late = county.isOverdue(i, now);
          s += `<circle cx="${px}" cy="${py}" r="${Math.min(14, step * 0.42)}" fill="${late ? "none" : "var(--chart-2)"}" stroke="${late ? "var(--orange)" : "none"}" stroke-width="3"/>`;
        });
    });
    return `<svg class="swarm" viewBox="0 0 ${w} ${h}" role="img" aria-label="在办各件的剩余时间分布">${s}</svg>`;
  }
  const keyed = (px, py, n) =>
    `<rect x="${px - 19}" y="${py - 19}" width="38" height="38" rx="8" fill="var(--text)"/>` +
    `<text x="${px}" y="${py}" text-anchor="middle" dominant-baseline="central" font-size="29" font-weight="700" fill="var(--text-inverse)">${n}</text>`;

  function calmBoard(cases, now) {
    if (!cases.length)
      return `<h2>在办 0 件</h2><p class="rest">现在没有在办的案件，新的上报会自己出现在这里</p>${feed(4)}`;
    const { open, overdue } = county.totals(now);
    const head = overdue
      ? `在办 ${open} 件，<span class="orange">超时 ${overdue}</span>`
      : `在办 ${open} 件，都在时限内`;
    return (
      `<h2>${head} <small>一点一件，横轴为剩余时间</small></h2>${swarm(cases, now)}` +
      `<h2 class="ruled">最先到时限</h2><div class="cases">${cases.map((c) => caseRow(c, now, false)).join("")}</div>${feed(3)}`
    );
  }

  function legend(calm) {
    const signs = ORDER.map((c) =>
      calm ? sign(c, ".34rem", "", "没有") : sign(c, ".34rem", ""),
    ).join("");
    return (
      `<div>${signs}${calm ? "没有预警" : "红橙黄蓝预警"}</div>` +
      `<div><i class="m-key"></i>${calm ? "最先到时限的 5 件" : "一、二级案件"}</div>` +
      '<div><i class="m-team"></i>队伍　<i class="m-worker"></i>网格员</div>' +
      '<div class="t3">空心 = 忙　灰 = 位置过时</div><div class="t3">灰圆 = 三、四级案件</div><div class="t3">镇名旁 = 其余在办件数</div>'
    );
  }

  function forces(now) {
    const n = { worker: 0, team: 0, freeTeam: 0, free: 0, stale: 0 };
    county.state.responders.forEach((r) => {
      const stale = r.state === "stale" || now - r.seen > 30 * 60e3;
      const worker = r.kind === "worker";
      if (stale) {
        n.stale += 1;
        return;
      }
      n[worker ? "worker" : "team"] += 1;
      if (r.state === "free") n[worker ? "free" : "freeTeam"] += 1;
    });
    const row = (name, value) =>
      `<tr><td class="t2">${name}</td><td class="num">${value}</td></tr>`;
    return (
      `<h2>可派力量</h2><table>${row("网格员在岗", n.worker.toLocaleString("en"))}${row("网格员空闲", n.free.toLocaleString("en"))}` +
      `${n.team ? row("机动队空闲", `${n.freeTeam}<span class="t3">/${n.team}</span>`) : ""}${row("位置过时", n.stale.toLocaleString("en"))}</table>`
    );
  }

  /** The mode (平战状态) under the name of the county: grade, where, until when. */
  function mode() {
    const now = county.state.mode || { name: "平时", detail: "常态运行" };
    const grade = now.code ? `war g${now.grade || 4}` : "";
    return `<b class="${grade}">${esc(now.name)}</b>${esc(now.detail)}`;
  }

  function duty() {
    const order = ["duty_leader", "shift_head", "duty_director", "deputy"];
    const rank = (d) => order.indexOf(d.post) + 1 || 9;
    const rows = [...county.state.duty].sort((a, b) => rank(a) - rank(b));
    const until = rows.find((d) => d.until)?.until;
    const head = until ? `<small>交接班 ${moments.limit(Date.parse(until))}</small>` : "";
    const lines = rows.slice(0, 4).map((d, i) => {
      const on = !["reachable", "standby", "gap"].includes(d.state) && d.post !== "deputy";
      const post = esc(d.post_name).replace(/^县/, "");
      if (d.state === "gap")
        return `<span class="t2">${post}</span><span class="orange">缺岗</span><span></span>`;
      const state = on
        ? `<span class="force">${dot("onsite")}在岗</span>`
        : `<span class="t2">${dot("signed")}可呼</span>`;
      const name = esc([d.name, ...(d.also || [])].join("、")); // 加岗、交接: these are called too
      return `<span class="t2">${post}</span>${i < 2 ? `<b>${name}</b>` : `<span>${name}</span>`}${state}`;
    });
    return `<h2>值班 ${head}</h2><div class="duty">${lines.join("") || '<span class="orange">今天没有排班</span>'}</div>`;
  }

  function figures(now) {
    const f = county.state.figures;
    const { open, overdue } = county.totals(now);
    const rate = (a, b) => (b ? `${((100 * a) / b).toFixed(1)}<small>%</small>` : "—");
    const cell = (figure, name, note) =>
      `<div><div class="num">${figure}</div><p>${name} <i>${note}</i></p></div>`;
    const weekday = moments.date(now).slice(-1);
    const last =
      f.reported_last_week === undefined || f.reported_last_week === null
        ? ""
        : `上周${weekday} ${f.reported_last_week}`;
    return (
      `<h2>今日 <small>截至 ${moments.hm(now)}</small></h2><div class="figs">` +
      cell(f.reported_today ?? "—", "上报", last) +
      cell(open, "在办", `超时 ${overdue}`) +
      cell(
        rate(f.on_time_num, f.on_time_den),
        "按期处置率",
        f.on_time_den ? `${f.on_time_num}/${f.on_time_den}` : "还没有到期的",
      ) +
      cell(f.closed_today ?? "—", "今日结案", "") +
      "</div>"
    );
  }

  const PARTS = {
    database: "数据库",
    redis: "消息",
    relay: "转发",
    workers: "后台",
    scheduler: "定时",
    engine: "规则引擎",
    web: "网页",
    watcher: "巡检",
  };
  /** What the platform watches while nothing calls (系统在看着), from its own readiness. */
  function watch(ready) {
    const parts = Object.entries((ready && (ready.parts || ready.checks)) || {})
      .slice(0, 6)
      .map(([name, part]) => {
        const age = part.age_s ?? part.age;
        const good = part.ok ?? part.ready ?? part.state === "ok";
        return (
          `<span class="t2">${PARTS[name] || esc(name)}</span><span class="m${good ? "" : " orange"}">${good ? "正常" : "异常"}</span>` +
          `<span class="t3">${typeof age === "number" ? `${age < 10 ? age.toFixed(1) : Math.round(age)} 秒前` : ""}</span>`
        );
      });
    return `<h2>系统在看着 <small>每 10 秒自检</small></h2><div class="watch">${parts.join("") || '<span class="t3">等待自检</span>'}</div>`;
  }

  const foot = (grid, approval) =>
    grid === "demo"
      ? "演示边界 · 轮廓据公开数据，镇村界为生成"
      : approval
        ? `审图号 ${esc(approval)}`
        : "";

  /** The band of 数据中断: since when, what holds instead. */
  function cut(now, since, info) {
    return (
      `<h1>数据中断</h1><p>画面停在 ${moments.hms(since)}，不代表现在<br>请以电话为准：按值班表呼叫　正在重连，第 ${Math.max(1, info.tries)} 次</p>` +
      `<div class="r"><div class="num">已 ${moments.stretch(now - since)}</div><p>现在 ${moments.hms(now)}</p></div>`
    );
  }

  yw.wallParts = {
    verdict,
    clock,
    board,
    calmBoard,
    legend,
    forces,
    duty,
    mode,
    figures,
    watch,
    foot,
    cut,
    progress,
  };
})();
