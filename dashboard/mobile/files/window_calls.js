/* 回拨与回访 (F8): ring back whoever is on the form, or call whom we owe a call; by keyboard alone.
   A number stands here in full only while this is open, and every look at one is on record. */
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const { ask, Away } = window.windowQueue;
  const { node, keyed, span } = window.windowLists;
  const { moments } = window.yiwang;
  const A_PAGE = 9;
  const LEAST_DIGITS = 7;
  const box = $("call");
  const PARTS = ["call-away", "call-list", "call-who", "call-talk", "call-ring"];

  const ASKS = [
    { of: "result", words: "打通了吗", answers: [["打通了", "reached"], ["没打通", "unreached"]] },
    { of: "solved", words: "解决了吗", answers: [["解决了", true], ["没解决", false]] },
    { of: "satisfied", words: "满意吗", answers: [["满意", true], ["不满意", false], ["没说", null]] },
  ];
  const WORDS_AT = ASKS.length;
  let rows = [];
  let first = 0; // of the page of the list
  let now = null; // the call under way: {row, known, said, at}
  let ringing = null; // what is done when the number is to be mended

  /* ---- what is shown ------------------------------------------------------------------------ */

  const show = (title, facts, ...parts) => {
    $("call-title").textContent = title;
    $("call-facts").textContent = facts;
    for (const id of PARTS) $(id).hidden = !parts.includes(id);
    const keys = KEYS[parts.at(-1)].filter(([key]) => rows.length > (LEAST_ROWS[key] ?? -1));
    $("call-keys").replaceChildren(...keys.flatMap(([key, words]) => [keyed(key), words, "　"]));
    wrong("");
    if (!box.open) box.showModal();
  };
  const KEYS = {
    "call-away": [["Esc", "关上"]],
    "call-list": [["1–9", "选一件"], ["PgDn", "下一页"], ["Esc", "关上"]],
    "call-talk": [["1–3", "选答案"], ["Shift 回车", "上一问"], ["F8", "软电话拨出"], ["Esc", "回到名单"]],
    "call-ring": [["F8", "软电话拨出"], ["E", "改号码"], ["Esc", "关上"]],
  };
  const LEAST_ROWS = { "1–9": 0, PgDn: A_PAGE }; // a key is named where it does something
  const wrong = (words) => {
    $("call-wrong").textContent = words;
    $("call-wrong").hidden = !words;
  };
  const away = (what) => {
    $("call-away").textContent = `连不上平台：${what}`;
    show("回拨", "", "call-away");
  };
  const isAway = (error) => error instanceof Away && !error.message;
  const failed = (error, what) => (isAway(error) ? away(what) : wrong(error.message));

  /** A number as it is read out: 138 0000 0416. */
  const read = (phone) => {
    const figures = phone.replace(/\D/g, "");
    return figures.length === 11 ? `${figures.slice(0, 3)} ${figures.slice(3, 7)} ${figures.slice(7)}` : phone;
  };
  const showNumber = ({ phone, name, watermark }) => {
    $("call-phone").textContent = phone ? read(phone) : "没有留号码";
    $("call-phone").href = `tel:${(phone || "").replace(/[^\d+]/g, "")}`;
    $("call-name").textContent = name || "";
    $("call-mark").textContent = watermark ? `已留记录：${watermark}` : "";
  };
  const hideNumber = () => showNumber({ phone: "正在读取…" });

  /* ---- ring back whoever is on the form (登记时回拨) --------------------------------------------- */

  const ring = async (phone, mend) => {
    hideNumber();
    show("回拨来电人", "号码照读一遍，断线了就拨回去", "call-who", "call-ring");
    ringing = mend;
    try {
      showNumber(await ask("POST", "/api/v1/window/caller/number", { phone }));
      $("call-phone").focus();
    } catch (error) {
      failed(error, "看全号要留下记录，恢复后再回拨。这件先照常登记。");
    }
  };

  /* ---- whom we owe a call (待回访) ------------------------------------------------------------- */

  const due = (row) => {
    const left = moments.remaining(Date.parse(row.due_at), Date.parse(row.closed_at));
    const tone = { over: "orange", near: "near" }[left.tone] || "t2";
    const words = left.tone === "over" ? left.words : left.later ? `${left.words} 前` : `剩 ${left.words}`;
    return node("span", { className: `due num ${tone}` }, words, node("i", { className: `used ${tone}` }));
  };
  const line = (row, n) => {
    const made = node(
      "button",
      { type: "button", className: "owed-call" },
      keyed(n + 1),
      node("b", {}, row.title, ...(row.level <= 2 ? [span("level", row.level === 1 ? "特急" : "紧急")] : [])),
      due(row),
      node("small", {}, `${row.place || "地点不详"}　${row.agency || "县综治中心"} ${moments.limit(Date.parse(row.closed_at))} 办结`),
    );
    made.onclick = () => talk(row);
    return made;
  };
  const page = () => rows.slice(first, first + A_PAGE);
  const draw = () => {
    const none = node("p", { className: "none", textContent: "没有要回访的。办结的案件，留了号码的来访人一个工作日内回访。" });
    $("call-list").replaceChildren(...(rows.length ? page().map(line) : [none]));
    const to = Math.min(first + A_PAGE, rows.length);
    const part = rows.length > A_PAGE ? `，这里是第 ${first + 1} 到 ${to} 件` : "";
    show("回访", rows.length ? `${rows.length} 件，最急的在前${part}` : "", "call-list");
    ($("call-list").querySelector("button") || box).focus();
  };
  const list = async (said = "") => {
    now = null;
    box.dataset.view = "list";
    try {
      rows = await ask("GET", "/api/v1/window/call-backs");
      first = Math.min(first, Math.max(0, rows.length - 1));
      first -= first % A_PAGE;
      draw();
      $("call-said").textContent = said;
    } catch (error) {
      if (!box.open) show("回访", "", "call-list");
      failed(error, "看不到待回访的名单，也记不了结果，恢复后再打。");
    }
  };
  const turn = (step) => {
    const to = first + step * A_PAGE;
    if (to >= 0 && to < rows.length) {
      first = to;
      draw();
    }
  };

  /** A day as it is said on the telephone: 今天, 昨天, 11 月 28 日. */
  const spoken = (iso) => {
    const ms = Date.parse(iso);
    const gone = moments.dayOf(moments.now()) - moments.dayOf(ms);
    const [, month, day] = moments.date(ms).split(" ")[0].split("-").map(Number);
    return ["今天", "昨天"][gone] || ` ${month} 月 ${day} 日`;
  };

  /* ---- one call ----------------------------------------------------------------------------- */

  const talk = async (row) => {
    now = { row, known: {}, said: {}, at: 0 };
    $("call-said").textContent = "";
    $("call-note").value = "";
    hideNumber();
    $("call-say").textContent = `您好，这里是长沙县综治中心。您${spoken(row.reported_at)}反映的${row.title}${row.place ? `（${row.place}）` : ""}，${row.agency || "承办单位"}说${spoken(row.closed_at)}办好了，想问问您。`;
    show(`回访：${row.title}`, `${row.place || ""}　${row.number}`, "call-who", "call-talk");
    box.dataset.view = "talk";
    paint();
    try {
      now.known = await ask("POST", `/api/v1/window/call-backs/${row.id}/number`, {});
      showNumber(now.known);
      paint();
    } catch (error) {
      if (isAway(error)) return failed(error, "看不到号码，恢复后再打。");
      await list();
      wrong(error.message);
    }
  };
  /* The questions: those answered stay, the present one has the keys, later ones wait. */
  const question = (each, n) => {
    const answers = each.answers.map(([words, value], k) => {
      const made = node("button", { type: "button", role: "radio", tabIndex: n === now.at ? 0 : -1 }, keyed(k + 1), words);
      made.setAttribute("aria-checked", each.of in now.said && now.said[each.of] === value);
      made.disabled = n > now.at;
      made.onclick = () => answer(n, value);
      return made;
    });
    const group = node("div", { className: `question${n === now.at ? " now" : ""}` }, span("no", String(n + 1)), span("q", each.words), node("div", { className: "answers" }, ...answers));
    group.lastChild.setAttribute("role", "radiogroup");
    group.lastChild.setAttribute("aria-label", each.words);
    return group;
  };
  const what = () => {
    const { said, known } = now;
    if (said.result === "unreached") {
      const left = (known.calls_left ?? 1) - 1;
      return left > 0 ? `没打通：记下这一次，还要再打 ${left} 次` : "没打通：打满三次，不再打";
    }
    if (said.solved === false) return `没解决：重新办理，回到${known.reaches || "原承办单位"}`;
    return said.solved ? "解决了：记下，回访完成" : "";
  };
  const paint = () => {
    const asked = ASKS.filter((each, n) => n === 0 || now.said.result !== "unreached");
    $("call-asks").replaceChildren(...asked.map((each) => question(each, ASKS.indexOf(each))));
    $("call-words").classList.toggle("now", now.at === WORDS_AT);
    $("call-words").querySelector(".no").textContent = asked.length + 1;
    $("call-words").querySelector(".q").textContent = now.said.result === "unreached" ? "备注" : "还说了什么";
    $("call-note").disabled = $("call-keep").disabled = now.at !== WORDS_AT;
    $("call-then").textContent = what();
    $("call-then").classList.toggle("orange", now.said.solved === false);
    const at = now.at === WORDS_AT ? $("call-note") : $("call-asks").children[now.at].querySelector("button");
    at.focus();
  };
  const answer = (n, value) => {
    now.said[ASKS[n].of] = value;
    const over = n === 0 && value === "unreached";
    if (over) now.said = { result: value };
    now.at = over ? WORDS_AT : n + 1;
    paint();
  };
  const back = () => {
    if (now.at === WORDS_AT && now.said.result === "unreached") now.at = 0;
    else if (now.at) now.at -= 1;
    paint();
  };
  const keep = async () => {
    const { row, said } = now;
    const body = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== null));
    const note = $("call-note").value.trim();
    if (note) body.note = note;
    $("call-keep").disabled = true;
    try {
      const after = await ask("POST", `/api/v1/window/call-backs/${row.id}`, body);
      document.body.dataset.called = row.number;
      await list(told(row, said, after));
      window.windowWaiting.load();
    } catch (error) {
      $("call-keep").disabled = false;
      if (error.status === 404) {
        await list();
        wrong(error.message);
      } else wrong(isAway(error) ? "连不上平台，还没有记下。先别关，恢复后再按回车。" : error.message);
    }
  };
  const told = (row, said, after) => {
    if (said.result === "unreached") {
      return after.calls_left ? `${row.title}：没打通，还要再打 ${after.calls_left} 次` : `${row.title}：打了三次没打通，不再打`;
    }
    if (said.solved) return `${row.title}：已记下，回访完成`;
    return `${row.title}：已重新办理，到${after.reaches || "原承办单位"}等签收`;
  };

  /* ---- keys --------------------------------------------------------------------------------- */

  const onList = (key) => {
    if (/^[1-9]$/.test(key) && page()[key - 1]) return () => talk(page()[key - 1]);
    return { PageDown: () => turn(1), PageUp: () => turn(-1), ArrowDown: () => walk(1), ArrowUp: () => walk(-1) }[key];
  };
  const walk = (step) => {
    const all = [...$("call-list").querySelectorAll("button")];
    const at = all.indexOf(document.activeElement) + step;
    if (all.length) all[(at + all.length) % all.length].focus();
  };
  const onTalk = ({ key, shiftKey, target }) => {
    if (key === "Escape") return () => list();
    if (key === "Enter" && shiftKey) return back;
    if (target === $("call-note")) return key === "Enter" ? keep : null;
    if (key === "Backspace") return back;
    const answers = ASKS[now.at]?.answers;
    if (/^[1-3]$/.test(key) && answers?.[key - 1]) return () => answer(now.at, answers[key - 1][1]);
    if (/^Arrow/.test(key) && answers) return () => step(/Right|Down/.test(key) ? 1 : -1);
    return null;
  };
  const step = (by) => {
    const all = [...$("call-asks").children[now.at].querySelectorAll("button")];
    all[(all.indexOf(document.activeElement) + by + all.length) % all.length].focus();
  };
  const onRing = (key) => {
    if (key.toLowerCase() !== "e") return null;
    return () => {
      const mend = ringing;
      box.close();
      mend();
    };
  };
  const dial = () => {
    if (!$("call-who").hidden && $("call-phone").href.length > "tel:".length) $("call-phone").click();
  };
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const { key } = event;
    const act = key === "F8" ? dial : now ? onTalk(event) : ringing ? onRing(key) : $("call-list").hidden ? null : onList(key);
    if (!act) return;
    event.preventDefault();
    act();
  });
  box.addEventListener("close", () => {
    now = ringing = null;
    showNumber({ phone: "" });
    $("call-said").textContent = "";
  });
  $("call-keep").onclick = keep;

  /** F8: with a case begun its caller is rung back, else whom we owe a call; `away` says what cannot be. */
  const press = ({ begun, cut, phone, mend, lacking }) => {
    if (document.querySelector("dialog[open]")) return;
    if (begun && phone.replace(/\D/g, "").length < LEAST_DIGITS) return lacking();
    if (cut && begun) return away("看全号要留下记录，恢复后再回拨。这件先照常登记。");
    if (cut) return away("看不到待回访的名单，也记不了结果，恢复后再打。");
    if (begun) return ring(phone, mend);
    first = 0;
    return list();
  };
  window.windowCalls = { press };
})();
