/* 导诊台: one case from the first key to the printed slip, by keyboard alone, with or without us. */
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id), queue = window.windowQueue, lists = window.windowLists, map = window.lightMap, more = window.windowMore, waits = window.windowWaiting;
  const { ask, read, write } = queue, { node } = lists, { moments } = window.yiwang;
  const PROXY = "proxy", SENDERS = { F1: "hotline", F2: "window", F3: PROXY };
  const EMPTY = { source: "hotline", cls: null, place: null, point: null, twins: [], same: "", known: null, meant: 0, started: 0 };
  let book = read("book", null), now = { ...EMPTY }, cut = false, cutSince = 0, heardAt = 0, last = read("last", null), asked = 0;
  const clock = (at, day = false) => new Date(at).toLocaleString("zh-CN", { timeZone: "Asia/Shanghai", ...(day ? { month: "long", day: "numeric" } : {}), hour: "2-digit", minute: "2-digit", ...(day === null ? { second: "2-digit" } : {}), hour12: false });
  const sameDay = (at) => new Date(at).toDateString() === new Date().toDateString();
  const moment = (at) => sameDay(at) ? clock(at) : clock(at, true);
  const spoken = (code) => `${code.slice(0, 5)}-${code.slice(5)}`;
  const masked = (phone) => phone.length > 6 ? `${phone.slice(0, 3)}\u00a0****\u00a0${phone.slice(-4)}` : phone;
  /* the number stands in full only while it is being typed; F8 shows it again, on record */
  const phone = () => $("phone").dataset.full ?? $("phone").value;
  const veil = () => { const said = phone(); if (said.replace(/\D/g, "").length > 6) { $("phone").dataset.full = said; $("phone").value = masked(said.replace(/\D/g, "")); } };
  const anew = () => { if ($("phone").dataset.full === undefined) return; delete $("phone").dataset.full; $("phone").value = ""; };
  const mend = () => { $("phone").value = phone(); delete $("phone").dataset.full; $("phone").focus(); $("phone").setSelectionRange(99, 99); };
  const sayRing = () => { $("phone-said").hidden = phone().replace(/\D/g, "").length < 7; };
  const wrong = (words, id) => { $("wrong").textContent = words; $("wrong").hidden = !words; if (words && id) $(id).focus(); };

  /* fields in the order a conversation takes */
  const order = () => ["phone", "name", "words", "what", "where", ...[...$("asks").querySelectorAll("input,select")].map((each) => each.id), "send"];
  const go = (step) => {
    const ids = order(), at = ids.indexOf(document.activeElement.id), next = $(ids[Math.min(Math.max(at + step, 0), ids.length - 1)]);
    next.focus(); if (next.select) next.select();
  };
  const start = () => { if (!now.started) now.started = Date.now(); };

  /* who (谁) */
  const earlier = (...children) => $("earlier").replaceChildren(...children);
  const lookUp = async () => {
    const number = phone().replace(/\D/g, "");
    $("earlier-said").textContent = "";
    if (number.length < 7) { $("earlier-n").hidden = true; return; }
    try {
      const { cases } = await ask("POST", "/api/v1/window/caller", { phone: number });
      $("earlier-n").hidden = !cases.length; $("earlier-n").textContent = cases.length;
      earlier(...(cases.length ? cases.slice(0, 3).map((each) => node("div", { className: "old" }, lists.span("t3", clock(each.reported_at, true).split(" ")[0]), node("b", { textContent: each.title }), lists.span("t2", each.status), node("small", { textContent: `${each.place} · ${each.source} · 尾号 ${each.number.slice(-6)}`, title: each.number }))) : [node("p", { className: "none", textContent: "这个号码以前没有来过。" })]));
      const days = cases.filter((each) => Date.now() - new Date(each.reported_at) < 30 * 864e5).length;
      $("earlier-said").textContent = days ? `30 天内第 ${days + 1} 次${cases.length > 3 ? `，另有 ${cases.length - 3} 件更早的没列出` : ""}` : "";
    } catch { $("earlier-n").hidden = true; earlier(node("p", { className: "none", innerHTML: "连不上时查不到来电人的旧案。<br>恢复后自动再查。" })); }
  };

  /* what (什么) */
  const what = new lists.List($("what-list"), (each, n) => [lists.keyed(n + 1), node("span", {}, node("b", { textContent: each.name }), lists.spelled(each.initials, what.typed)), lists.span("t3 s", `${each.major}　${["", "特急", "紧急", "一般", "可缓"][each.level]}`)], (each) => { setClass(each); go(1); });
  const offerClasses = () => { if (book) what.show(lists.classesFor(book, $("what").value), $("what").value); };
  const usual = (each) => { const n = read("often", {})[each.code] || 0; return n ? `${each.major}，本机选过 ${n} 次` : each.major; };
  const setClass = (each) => {
    now.cls = each; now.same = ""; $("step-2").classList.add("done"); $("what").value = each.name; what.mark(each);
    $("what-said").textContent = usual(each);
    $("asks").replaceChildren(...each.ask.map((one) => {
      const into = node(one.choices.length ? "select" : "input", { id: `ask-${one.code}`, required: one.required });
      if (one.choices.length) into.append(new Option("", ""), ...one.choices.map((value) => new Option(value)));
      return node("label", {}, one.name + (one.required ? " 必填" : ""), into);
    }));
    triage(); beside();
  };

  /* where (哪里) */
  const WHERE_HINT = "路名、小区、村名都行；村名可打首字母 kylsq";
  const where = new lists.List($("where-list"), (each) => [lists.keyed(each.kind), node("span", {}, node("b", { textContent: each.label })), lists.span("t3 s", each.aside)], (each) => { setPlace(each); go(1); });
  const ofVillage = (each, typed) => ({ kind: "V", label: `${each.town} ${each.name}`, aside: "没有点也行", town: each.town, village_code: each.code, lon: each.lon, lat: each.lat, address: /^[a-z]+$/i.test(typed.trim()) ? "" : typed.trim() });
  const offerPlaces = () => {
    const typed = $("where").value;
    const local = book ? lists.villagesFor(book, typed).map((each) => ofVillage(each, typed)) : [];
    const bare = typed.trim() && !/^[a-z]+$/i.test(typed.trim()) && !local.length ? [{ kind: "A", label: typed.trim(), aside: "只记地址，位置待定", address: typed.trim() }] : [];
    where.show([...local, ...bare].slice(0, 4), typed);
    if (!typed.trim()) $("where-said").textContent = WHERE_HINT;
    clearTimeout(asked);
    if (typed.trim() && !cut) asked = setTimeout(() => search(typed, local), 120);
  };
  const search = async (typed, local) => {
    const found = await ask("GET", `/geo/places?q=${encodeURIComponent(typed)}&limit=6`).catch(() => null);
    if (!found || $("where").value !== typed) return;
    const known = new Set(local.map((each) => each.village_code));
    const more = (found.places || found).filter((each) => each.village_code && !known.has(each.village_code)).map((each) => ({ kind: "V", label: each.label, aside: "没有点也行", town: each.label.split(" · ")[0], village_code: each.village_code, lon: each.lon, lat: each.lat, address: /^[a-z]+$/i.test(typed.trim()) ? "" : typed.trim() }));
    if (more.length) { const at = where.at, rows = [...where.rows.filter((each) => each.kind !== "A"), ...more].slice(0, 4); where.show(rows, typed); where.at = Math.min(at, rows.length - 1); where.paint(); }
  };
  const sayPlace = () => {
    const { village_code: village, label, address } = now.place;
    $("where-said").title = address || "";
    $("where-said").textContent = now.point ? "已在图上定点" : village ? `位置：${label}${address ? `，${address}` : ""}` : "位置待定，登记后由县中心定点";
  };
  const setPlace = (each) => {
    now.place = each; now.point = null; now.same = ""; $("step-3").classList.add("done");
    sayPlace();
    $("where").value = each.address || each.label; triage(); beside();
  };
  const drawMap = () => {
    if (!now.known || !now.known.around) { $("map").replaceChildren(); $("map-said").textContent = cut ? "连不上时不出图，只说村名也行" : "选了地方，这里出图；点一下图可以定点"; return; }
    $("map-said").textContent = read("grid", "");
    const base = now.point || [now.place.lon, now.place.lat];
    const marks = now.twins.map((each, n) => ({ key: n + 1, lon: each.lon, lat: each.lat })).filter((each) => each.lon !== null).map((each) => ({ key: each.key, at: [(each.lon - base[0]) * 111320 * Math.cos(base[1] * Math.PI / 180), (each.lat - base[1]) * 110940] }));
    const drawn = map.draw($("map"), now.known.around, { width: 276, height: 226, span: 1600, labels: true, marks });
    $("map").onclick = (event) => { now.point = map.shift(base, drawn.metres(event)); sayPlace(); beside(); };
  };

  /* twins (旁边的相似案件) and deadlines */
  const beside = async () => {
    if (!now.cls || !now.place) { render(); return; }
    const mine = now, body = { category: now.cls.code, description: $("words").value };
    if (now.point) [body.lon, body.lat] = now.point; else if (now.place.village_code) body.village_code = now.place.village_code;
    try {
      const found = await ask("POST", "/api/v1/window/beside", body);
      if (mine !== now) return;
      now.known = found; now.twins = found.twins; now.meant = 0;
    } catch { if (mine !== now) return; now.known = null; now.twins = []; }
    render(); drawMap();
  };
  const showTwins = () => {
    $("step-4").classList.toggle("done", Boolean(now.known)); $("step-4").classList.toggle("off", cut && !now.known); $("twin-acts").hidden = !now.twins.length;
    $("twins-said").textContent = now.known && now.twins.length ? `30 天、1 千米内 ${now.twins.length} 件` : "";
    $("twins-by").textContent = !cut ? "只提示，不自动并" : now.twins.length ? "断开前查到的" : "恢复后再看";
    if (cut && !now.twins.length) { $("twins").replaceChildren(node("p", { className: "none", textContent: "连不上时查不到相似案件。恢复后照常登记，受理时再看是不是同一件，不会悄悄合并。" }), node("p", { className: "none", textContent: `本机仍可用：分类、村名、分诊、打印。${book ? `分类和值班表按 ${moment(book.at)} 存下的。` : ""}查询码取自本机预留号段，还剩 ${codes().length} 个。` })); return; }
    $("twins").replaceChildren(...(now.twins.length ? now.twins.map((each, n) => {
      const card = node("button", { type: "button", className: "twin" }, node("h3", {}, lists.span("mark num", String(n + 1)), each.title, node("small", { textContent: each.distance_m === null ? "同一村" : `${(each.distance_m / 1000).toFixed(1)} 千米` })), node("p", { innerHTML: "" }, `${each.number}　相似 ${each.score.toFixed(2)}`, document.createElement("br"), `${ago(each.hours)}　${each.status}${each.agency ? `　${each.agency} 主办` : ""}`));
      card.setAttribute("aria-pressed", now.same === each.number); card.classList.toggle("meant", n === now.meant); card.onclick = () => { now.meant = n; same(each.number); }; return card;
    }) : [node("p", { className: "none", textContent: now.known ? "附近没有相似的案件。" : "选了分类和地方，这里列出旁边的相似案件。" })]));
    $("twin-yes-words").textContent = now.twins.length ? `并入 ${now.twins[now.meant].number.slice(-6)}，作为一方` : "";
    $("twin-yes").setAttribute("aria-pressed", Boolean(now.same)); $("twin-no").setAttribute("aria-pressed", now.same === "");
  };
  const ago = (hours) => hours < 1 ? `${Math.max(1, Math.round(hours * 60))} 分钟前` : hours < 24 ? `${Math.round(hours)} 小时前` : `${Math.round(hours / 24)} 天前`;
  const same = (number) => { now.same = number; render(); };
  const join = () => same(now.twins[now.meant].number);

  /* triage (分诊) and the slip (受理单) */
  const triage = () => {
    const each = now.cls; $("step-5").classList.toggle("done", Boolean(each));
    if (!each) return;
    $("triage").replaceChildren(node("div", { className: "big" }, `${each.window.n} 号窗口`, node("span", { textContent: each.window.name })),
      node("p", { className: "t2 s" }, each.unit, each.sits ? "　" : "", each.sits ? lists.span(each.sits_now && !cut ? "force" : "t2", cut ? `${each.sits}（按存下的表）` : each.sits) : ""),
      node("div", { className: "way" }, ...each.ways.map((way, n) => node("span", { textContent: `${n + 1} ${way}` }))),
      node("div", { className: "facts" }, node("span", { textContent: "承接" }), node("b", { textContent: centre() }), node("span", { textContent: "主办" }), node("b", { textContent: each.lead === each.unit ? each.unit : `${each.lead}　${each.unit} 配合` }), ...(each.urgent ? [node("span", { className: "orange", textContent: "特急" }), node("b", { textContent: "登记后立即电话报值班长" })] : [])));
    $("triage-by").textContent = cut ? "按本机规则" : "按分类给出";
  };
  const codes = () => read("codes", []);
  const slip = (entry) => {
    const rows = [["来访", `${entry.name || "未留姓名"}${entry.proxy ? "（代录）" : ""}　${entry.phone?.includes("*") ? entry.phone : masked(entry.phone || "")}`], ["事项", entry.title], ["地点", entry.place], ["承接", entry.lead], ["窗口", entry.window]];
    if (entry.due) rows.push(["答复", `${clock(entry.due, true)} 前办好`]); else if (entry.local || (cut && entry.title)) rows.push(["正式号", "恢复后补登"]);
    if (entry.title && !entry.reserved) rows.push(["查询码", "登记后由导诊台告知"]); // none was left of those kept for us
    if (entry.at) rows.push(["登记", clock(entry.at, true)]);
    const code = entry.reserved, picture = code && entry.title ? `<svg class="qr" role="img" aria-label="查进度的二维码" viewBox="-2 -2 ${code.side + 4} ${code.side + 4}" shape-rendering="crispEdges"><path d="${code.qr}" fill="#000"/></svg><div class="code num">${spoken(code.code)}</div>` : "";
    $("slip").replaceChildren(node("h4", {}, "长沙县综治中心　受理单", node("small", { className: "num", textContent: entry.number || (entry.local ? `本机 ${entry.local}` : cut && entry.title ? `本机 ${queue.nextNumber()}` : "") })),
      node("div", { className: "facts" }, ...rows.flatMap(([k, v]) => [node("span", { textContent: k }), node("b", { textContent: v })])), node("div", { innerHTML: picture }));
  };
  const centre = () => now.place?.town ? `${now.place.town}综治中心` : "县综治中心";
  const draft = () => ({ proxy: now.source === PROXY, name: $("name").value.trim(), phone: phone().replace(/[^\d+-]/g, ""), title: now.cls?.name || "", place: now.place ? [now.place.village_code ? now.place.label : "", now.place.address].filter(Boolean).join(" ") : "", lead: now.cls ? centre() : "", window: now.cls ? `${now.cls.window.n} 号窗口 ${now.cls.window.name}` : "", due: now.known?.handled_by || "", reserved: codes()[0] });
  const render = () => {
    showTwins(); triage(); slip(draft());
    const each = now.cls, due = now.known?.handled_by;
    $("say").textContent = each ? `您反映的${each.name}，${centre()}受理，由${each.lead}办${each.lead === each.unit ? "" : `，${each.unit}配合`}${due ? `，${moment(due)} 前办好` : ""}。${each.bring ? `要来的话到县综治中心 ${each.window.n} 号窗口，带${each.bring}。` : ""}查询码在受理单上，可随时查进度。` : "选了分类和地方，这里给出答复。";
    $("after").textContent = each && now.place ? cut ? `恢复即补登，受理时刻按现在 ${clock(Date.now())} 算` : now.known?.accept_by ? `登记后到${centre()}待受理，受理限 ${moment(now.known.accept_by)}` : "" : "";
    $("send-words").textContent = cut ? "存本机并打印" : "登记并打印";
  };

  /* sending (登记) */
  const lack = () => {
    if (!now.cls) return ["请选分类", "what"];
    if (!now.place) return ["请说明在哪里", "where"];
    if (!$("words").value.trim()) return ["请写原话", "words"];
    const open = [...$("asks").querySelectorAll("[required]")].find((each) => !each.value);
    return open ? ["请填必填要素", open.id] : null;
  };
  const entryOf = () => {
    const said = draft(), attributes = Object.fromEntries([...$("asks").querySelectorAll("input,select")].filter((each) => each.value).map((each) => [each.id.slice(4), each.value]));
    if (now.same) attributes.same_as = now.same;
    if (said.proxy) attributes.recorded_for = "代录";
    const body = { category: now.cls.code, description: $("words").value.trim(), source: said.proxy ? "window" : now.source, attributes, claimed_at: new Date().toISOString(), reporter: { name: said.name || null, phone: said.phone || null } };
    if (now.place.address || !now.place.village_code) body.address = now.place.address;
    if (now.point) body.point = { lon: now.point[0], lat: now.point[1], frame: "cgcs2000" }; else if (now.place.village_code) body.village_code = now.place.village_code;
    if (said.reserved) body.reserved = { code: said.reserved.code, seal: said.reserved.seal };
    return { ...said, key: queue.key(), body: JSON.stringify(body), at: Date.now(), spent: now.started ? Date.now() - now.started : 0 };
  };
  const submit = async () => {
    const missing = lack();
    if (missing) { wrong(...missing); return; }
    if ($("send").disabled) return;
    wrong(""); $("send").disabled = true; $("send-words").textContent = "正在登记…";
    const entry = entryOf(), said = form();
    try {
      if (cut) throw new queue.Away();
      const receipt = await queue.send(entry);
      entry.number = receipt.number; entry.due = entry.due || "";
    } catch (error) {
      if (!(error instanceof queue.Away) && error.status !== 401) { $("send").disabled = false; render(); wrong(error.message); return; }
      entry.local = queue.localNumber(); queue.keep(entry); goAway();
    }
    more.remember(entry.local ? { ...said, key: entry.key, code: entry.reserved } : { number: entry.number });
    write("codes", codes().slice(1)); lists.remember(now.cls.code); write("last", last = { ...entry, phone: masked(entry.phone), body: undefined });
    write("spent", { day: today(), of: { ...spentToday(), [clerk().username]: [...mySpent(), entry.spent] } });
    slip(entry); document.body.dataset.stored = entry.number || `本机 ${entry.local}`; window.print();
    $("send").disabled = false; clear(); showStrip(); showToday();
    slip(last); $("after").textContent = entry.number ? `刚登记 ${entry.number}，F6 再打一张` : `刚存本机 ${entry.local}，恢复后自动补登`;
    if (codes().length < 15) reserve();
    waits.load();
  };
  /* what stands in the form, to be put back */
  const FIELDS = ["phone", "name", "words", "what", "where"];
  const form = () => ({ now, fields: Object.fromEntries([...FIELDS.map((id) => [id, id === "phone" ? phone() : $(id).value]), ...[...$("asks").querySelectorAll("input,select")].map((each) => [each.id, each.value])]) });
  const empty = () => FIELDS.every((id) => !$(id).value);
  const lacking = () => wrong("还没有填来电号码，填了 F8 才能回拨。要做回访，请先登记或按 Esc 清空", "phone");
  const callBack = () => { wrong(""); window.windowCalls.press({ begun: !empty(), cut, phone: phone(), mend, lacking }); };
  const putBack = ({ now: was, fields }) => {
    clear(); now = was; if (was.cls) setClass(was.cls); now.same = was.same;
    for (const id in fields) if ($(id)) $(id).value = fields[id];
    $("step-1").classList.toggle("done", Boolean(fields.phone)); $("step-3").classList.toggle("done", Boolean(was.place)); if (was.place) sayPlace(); veil(); sayRing(); setSource(was.source); render(); drawMap(); $("send").focus();
  };
  const undo = () => {
    const found = more.takeBack();
    if (!found) { wrong("没有可以撤回的：清空和存本机后 10 秒内才能撤回"); return; }
    if (found.number) { wrong(`${found.number} 已经登记，不能撤回：登错了请告诉承接单位，再登一件对的`); return; }
    if (found.key) {
      if (!queue.waiting().some((each) => each.key === found.key)) { wrong("这件已经补登，不能撤回：登错了请告诉承接单位"); return; }
      queue.drop(found.key); if (found.code) write("codes", [found.code, ...codes()]); showStrip();
    }
    putBack(found); $("after").textContent = "已撤回，改好再登记";
  };
  /* reloading (刷新) in the middle of a call: what was written waits in this tab for the same clerk */
  const hold = () => { if (!empty() && !document.body.dataset.out) sessionStorage.setItem("window.begun", JSON.stringify({ ...form(), by: clerk().username })); };
  const takeUp = () => {
    const held = JSON.parse(sessionStorage.getItem("window.begun") || "null"); sessionStorage.removeItem("window.begun");
    if (held?.by && held.by === clerk().username) { putBack(held); if (!cut) lookUp(); $("after").textContent = "页面刷新过，没登完的还在"; }
  };
  window.addEventListener("pagehide", hold);
  const wipe = () => { if (!empty()) more.remember(form()); clear(); };
  const clear = () => {
    now = { ...EMPTY, source: now.source }; delete $("phone").dataset.full; for (const id of FIELDS) $(id).value = ""; sayRing();
    document.querySelectorAll(".step.done").forEach((each) => each.classList.remove("done")); $("asks").replaceChildren(); $("earlier-said").textContent = ""; $("what-said").textContent = book ? `${book.classes.length} 小类，常用在前` : ""; $("where-said").textContent = WHERE_HINT;
    $("earlier-n").hidden = true; earlier(node("p", { className: "none", textContent: "输入号码后按回车，这里列出以前的案件。" })); $("triage").replaceChildren(node("p", { className: "none", textContent: "选了分类，这里告诉您去几号窗口、谁来办、走哪条路。" })); where.show([]); offerClasses(); wrong(""); drawMap(); render(); $("phone").focus();
  };

  /* away and back (断开与恢复) */
  const goAway = () => { if (!cut) { cut = true; cutSince = Date.now(); document.body.classList.add("cut"); render(); drawMap(); waits.forget(); } showStrip(); };
  const comeBack = () => { heardAt = Date.now(); if (cut) { cut = false; document.body.classList.remove("cut"); beside(); showStrip(); waits.load(); if (phone()) lookUp(); } };
  const showStrip = () => {
    const kept = queue.waiting(); $("strip").hidden = !cut; document.body.dataset.waiting = kept.length; document.body.dataset.state = cut ? "cut" : "live";
    $("strip-words").textContent = `连不上平台，本机已存 ${kept.length} 件`;
    $("strip-queue").replaceChildren(...kept.slice(-3).map((each) => node("span", {}, `本机 ${each.local} `, node("i", { textContent: `${each.title} ${clock(each.at)}` }))));
    waits.show();
  };
  const told = (entry, receipt, words) => {
    if (receipt) { $("after").textContent = `本机 ${entry.local} 已补登为 ${receipt.number}`; document.body.dataset.filed = receipt.number; }
    else wrong(`本机 ${entry.local} 没有登上：${words}。请重新录入`);
  };
  const beat = async () => {
    let up = false;
    try { const said = await (await fetch("/readyz", { signal: AbortSignal.timeout(4000) })).json(); up = Boolean(said.parts?.database?.ok); } catch { up = false; }
    if (!up) { goAway(); return; }
    try { await queue.flush(told); comeBack(); } catch (error) { if (error.status === 401) wrong("登录已过期：请在新窗口登录，本机存的会自动补登"); else goAway(); }
    showStrip();
  };
  const reserve = async () => { try { write("codes", [...codes(), ...(await ask("POST", "/api/v1/window/codes", {})).codes].slice(0, 60)); render(); } catch { /* asked again with the next case */ } };
  /* what this clerk (受理员) took today on this computer, and the middle of the times it took */
  const today = () => moments.date(Date.now()), clerk = () => read("clerk", {});
  const spentToday = () => { const spent = read("spent", {}); return spent.day === today() ? spent.of || {} : {}; };
  const mySpent = () => spentToday()[clerk().username] || [];
  const showToday = () => {
    const list = [...mySpent()].sort((a, b) => a - b), half = list.length >> 1;
    const middle = list.length % 2 ? list[half] : (list[half - 1] + list[half]) / 2;
    $("today").textContent = list.length ? `今日 ${list.length} 件，中位 ${Math.round(middle / 1000)} 秒` : "今日 0 件";
    $("clerk").textContent = [clerk().name, clerk().role].filter(Boolean).join("　");
  };

  /* keys (按键) */
  const setSource = (source) => { now.source = source; $("for-whom").textContent = source === PROXY ? "代录" : "本人"; slip(draft()); document.querySelectorAll("[data-source]").forEach((each) => each.setAttribute("aria-pressed", each.dataset.source === source)); };
  const enter = (target) => {
    if (target.id === "phone") { lookUp(); $("step-1").classList.add("done"); }
    if (target.id === "what") { what.take(); if (!what.now) go(1); return; }
    if (target.id === "where") { where.take(); if (!where.now) go(1); return; }
    if (target.id === "words" && now.cls && now.place) beside();
    if (target.id === "send") submit(); else go(1);
  };
  const LISTS = { what, where };
  document.addEventListener("keydown", (event) => {
    const { key, target } = event, list = LISTS[target.id];
    if (document.querySelector("dialog[open]")) return;
    const done = () => { event.preventDefault(); event.stopPropagation(); };
    if (event.isComposing) return;
    if (key === "Enter" && event.ctrlKey) { done(); submit(); }
    else if (key === "Enter" && event.shiftKey) { done(); go(-1); }
    else if (key === "Enter" && target.closest(".twin, .acts, .src, .plain")) return;
    else if (key === "Enter") { done(); enter(target); }
    else if (SENDERS[key]) { done(); setSource(SENDERS[key]); }
    else if (key === "F6") { done(); reprint(); }
    else if (key === "F7") { done(); paper(); }
    else if (key === "F8") { done(); callBack(); }
    else if (key === "F9") { done(); more.duty(); }
    else if (key === "F10") { done(); more.stepAway(); }
    else if (key === "F12") { done(); more.keys(); }
    else if (key.toLowerCase() === "z" && event.ctrlKey && empty()) { done(); undo(); }
    else if (key === "Escape") { done(); wipe(); }
    else if (event.altKey && "12346w".includes(key.toLowerCase())) { done(); ($({ 1: "phone", 2: "what", 3: "where", 4: now.twins.length ? "twin-yes" : "where", 6: "send", w: "words" }[key.toLowerCase()])).focus(); }
    else if (list && (key === "ArrowDown" || key === "ArrowUp")) { done(); list.move(key === "ArrowDown" ? 1 : -1); }
    else if (target.id === "what" && /^[1-9]$/.test(key) && what.rows[key - 1]) { done(); what.at = key - 1; what.take(); }
    else if (target.id === "send" && now.twins[key - 1]) { done(); now.meant = key - 1; same(now.same && now.twins[now.meant].number); }
    else if (target.id === "send" && now.twins.length && /^[mn]$/i.test(key)) { done(); if (key.toLowerCase() === "m") join(); else same(""); }
  });
  document.querySelector("main").addEventListener("input", start);
  const reprint = () => { if (last) { slip(last); window.print(); } else wrong("本机还没有打过受理单"); };
  const paper = () => { const narrow = document.body.classList.toggle("narrow"); write("narrow", narrow); $("paper").textContent = narrow ? "80 毫米纸" : "A4 纸"; };
  $("what").addEventListener("input", () => { now.cls = null; offerClasses(); });
  $("where").addEventListener("input", () => { now.place = null; offerPlaces(); });
  for (const id of ["phone", "name"]) $(id).addEventListener("input", () => { sayRing(); slip(draft()); });
  $("phone").addEventListener("blur", veil); $("phone").addEventListener("beforeinput", anew);
  $("send").onclick = submit; $("paper").onclick = paper; $("twin-yes").onclick = join; $("leave").onclick = () => more.stepAway(); $("twin-no").onclick = () => same("");
  document.querySelectorAll("[data-source]").forEach((each) => { each.onclick = () => setSource(each.dataset.source); });
  setInterval(() => {
    const spent = now.started ? (Date.now() - now.started) / 1000 : 0;
    $("clock").textContent = clock(Date.now(), null); $("spent").textContent = `${Math.floor(spent / 60)}:${String(Math.floor(spent % 60)).padStart(2, "0")}`;
    $("spent-bar").style.width = `${Math.min(100, spent / .3)}%`;
    if (cut) $("strip-since").textContent = `断开 ${moments.stretch(Date.now() - cutSince)}，正在重连　恢复后按号补登，每件只登一次`;
    $("beat").hidden = cut || !heardAt; $("beat-said").textContent = `实时 ${moments.ago(heardAt, Date.now())}`;
  }, 500);

  const open = async () => {
    if (read("narrow", false)) paper();
    clear(); showToday(); showStrip();
    try { write("book", book = await ask("GET", "/api/v1/window/book")); const me = await ask("GET", "/api/session"); write("clerk", { username: me.username, name: me.name, role: me.role_name }); } catch { goAway(); }
    ask("GET", "/geo/manifest.json").then(({ title }) => write("grid", title)).catch(() => undefined);
    showToday();
    if (book) $("what-said").textContent = `${book.classes.length} 小类，常用在前`;
    offerClasses();
    if (codes().length < 15) await reserve();
    if (cut) waits.show(); else await waits.load();
    await more.load(); render(); await beat(); setInterval(beat, 4000); setInterval(more.load, 60000);
    setInterval(() => { if (!cut && !more.isAway()) waits.load(); }, 20000);
    takeUp();
    document.body.dataset.ready = "1";
  };
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("/window/worker.js", { scope: "/window" }).catch(() => undefined);
  open();
})();
