/* The rota (领导轮值): the draft lives here until it is saved; the server draws and judges it. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const { county, live, moments, deskPanel } = yw;
  const { put } = yw.signs;
  const at = (id) => document.getElementById(id);
  const root = () => at("rota");
  const state = {
    unit: "",
    month: "",
    second: false,
    changes: [],
    replan: false,
    chosen: null,
    mode: "",
    rules: null,
    rule: null,
  };
  let swapFrom = null;
  let armed = null;

  const key = () => `yiwang-rota:${state.unit}:${state.month}`;

  /** What is not saved outlives a reload of the page, not of the browser. */
  function keep() {
    const { changes, replan } = state;
    if (changes.length || replan) sessionStorage.setItem(key(), JSON.stringify({ changes, replan }));
    else sessionStorage.removeItem(key());
  }
  function recall() {
    const kept = JSON.parse(sessionStorage.getItem(key()) || "{}");
    state.changes = kept.changes || [];
    state.replan = Boolean(kept.replan);
  }
  function draw() {
    keep();
    try {
      window.dash_clientside.set_props("rota-draft", { data: { ...state, n: Date.now() } });
    } catch {
      setTimeout(draw, 200);
    }
  }
  function go(month) {
    state.month = month;
    state.chosen = null;
    recall();
    history.replaceState(null, "", `/rota?month=${month}${unitQuery()}`);
    draw();
  }
  const unitQuery = () => (state.unit === root().dataset.own ? "" : `&unit=${state.unit}`);

  /** One slot and who leaves it, as the buttons of the side panel name it. */
  const slotOf = (button) => ({
    post_id: Number(button.dataset.post),
    starts_at: button.dataset.starts,
    ends_at: button.dataset.ends,
    staff_out: Number(button.dataset.out || button.dataset.staff) || null,
  });
  const same = (a, b) => a.post_id === b.post_id && a.starts_at === b.starts_at;

  /** A second change of the same slot takes the place of the first. */
  function change(kind, slot, staffIn) {
    const first = state.changes.find((c) => same(c, slot) && c.kind !== "add");
    const added = state.changes.findIndex(
      (c) => kind === "remove" && same(c, slot) && c.kind === "add" && c.staff_in === slot.staff_out,
    );
    if (added >= 0) {
      state.changes.splice(added, 1);
    } else if (kind === "add") {
      state.changes.push({ ...slot, staff_out: null, staff_in: staffIn, kind });
    } else {
      const out = first ? first.staff_out : slot.staff_out;
      state.changes = state.changes.filter((c) => c !== first);
      if (staffIn !== out || kind === "remove")
        state.changes.push({ ...slot, staff_out: out, staff_in: staffIn, kind });
    }
    state.chosen = null;
    state.mode = "";
    draw();
  }

  async function attempt(work, done) {
    try {
      const answer = await work();
      deskPanel.toast(done);
      return answer;
    } catch (error) {
      deskPanel.toast(error.message, true);
      return null;
    }
  }
  async function post(path, body, done) {
    const answer = await attempt(() => deskPanel.send("POST", `/api/v1/rota${path}`, body), done);
    draw();
    return answer;
  }
  async function save(button) {
    const body = {
      unit: state.unit,
      month: state.month,
      changes: state.changes,
      replan: state.replan,
      draft: Number(button.dataset.draft),
    };
    button.disabled = true;
    if (await attempt(() => deskPanel.send("POST", "/api/v1/rota/save", body), "已保存"))
      discard();
    else draw();
  }
  function discard() {
    state.changes = [];
    state.replan = false;
    state.chosen = null;
    draw();
  }

  /** What cannot be taken back asks for a second press of the same button. */
  function sure(button, words) {
    if (armed === button) {
      armed = null;
      return true;
    }
    armed = button;
    button.dataset.was = button.textContent;
    button.textContent = words;
    setTimeout(() => {
      if (armed !== button) return;
      armed = null;
      button.textContent = button.dataset.was;
    }, 4000);
    return false;
  }

  const ACTS = {
    fill: (b) => change("replace", slotOf(b), Number(b.dataset.in)),
    beside: (b) => change("add", slotOf(b), Number(b.dataset.in)),
    remove: (b) => change("remove", slotOf(b), null),
    replace: () => setMode("replace"),
    add: () => setMode("add"),
    swap: (b) => {
      swapFrom = slotOf(b);
      setMode("swap");
    },
    leave: (b) => {
      const slot = slotOf(b);
      if (!sure(b, "再按一次，批准请假")) return;
      post(
        "/leave",
        { unit: state.unit, staff_id: slot.staff_out, starts_at: slot.starts_at, ends_at: slot.ends_at },
        "已批假，这一班成了空档",
      );
    },
    undo: (b) => {
      if (b.dataset.index === "replan") state.replan = false;
      else state.changes.splice(Number(b.dataset.index), 1);
      draw();
    },
    replan: () => {
      state.replan = true;
      draw();
    },
    discard,
    save,
    "swap-agree": (b) => post(`/swaps/${b.dataset.swap}/agree`, {}, "已同意换班"),
    "swap-close": (b) => post(`/swaps/${b.dataset.swap}/close`, {}, "换班已取消"),
    "hand-sign": (b) => {
      if (sure(b, "再按一次，签字交班"))
        post("/handovers/sign", { unit: state.unit }, "已签字，等接班人确认");
    },
    "hand-take": (b) => post(`/handovers/${b.dataset.sheet}/take`, {}, "已接班"),
    "hand-note": (b) => askNote(b),
    "link-make": () => post("/links", {}, "链接已开，复制给自己的手机日历"),
    "link-stop": async (b) => {
      const stop = () => deskPanel.send("DELETE", `/api/v1/rota/links/${b.dataset.in}`);
      if (sure(b, "再按一次停用")) (await attempt(stop, "链接已停用"), draw());
    },
  };
  /* The rule of a post: the server says how it stands, presses change it, saving sends it whole. */
  const ruleNow = () => JSON.parse(at("rota-rule").dataset.rule);
  function changeRule(work) {
    const rule = ruleNow();
    work(rule);
    state.rule = rule;
    draw();
  }
  const moved = (list, from, by) => list.splice(from + by, 0, ...list.splice(from, 1));
  Object.assign(ACTS, {
    rules: (b) => {
      const post = Number(b.dataset.post);
      state.rules = b.id === "rota-rules" && state.rules ? null : post;
      state.rule = null;
      draw();
    },
    "rule-close": () => {
      state.rules = state.rule = null;
      draw();
    },
    "rule-pattern": (b) => changeRule((r) => (r.pattern = b.dataset.value)),
    "rule-holiday": (b) => changeRule((r) => (r.holiday_rule = b.dataset.value)),
    "rule-day": (b) =>
      changeRule((r) => {
        const day = Number(b.dataset.value);
        if (!day) r.changes_on = [];
        else if (r.changes_on.includes(day)) r.changes_on = r.changes_on.filter((d) => d !== day);
        else r.changes_on = [...r.changes_on, day].sort();
      }),
    "rule-up": (b) => changeRule((r) => moved(r.staff, Number(b.dataset.index), -1)),
    "rule-down": (b) => changeRule((r) => moved(r.staff, Number(b.dataset.index), 1)),
    "rule-out": (b) => changeRule((r) => r.staff.splice(Number(b.dataset.index), 1)),
    "rule-in": (b) => changeRule((r) => r.staff.push(Number(b.dataset.in))),
    "rule-save": async () => {
      const rule = ruleNow();
      const put = () => deskPanel.send("PUT", "/api/v1/rota/rotations", rule);
      if (await attempt(put, "规则已保存，可以按规则排了")) state.rules = state.rule = null;
      draw();
    },
  });
  function setMode(mode) {
    state.mode = mode;
    draw();
  }

  /** Put a line to write in beside the button; Enter adds it to the sheet. */
  function askNote(button) {
    const box = document.createElement("input");
    box.className = "note";
    box.maxLength = 200;
    box.placeholder = "一句话，回车加上";
    box.setAttribute("aria-label", "加一句交代");
    button.replaceWith(box);
    box.focus();
    box.addEventListener("keydown", (event) => {
      if (event.key === "Escape") draw();
      if (event.key === "Enter" && box.value.trim())
        post("/handovers/notes", { unit: state.unit, words: box.value.trim() }, "已加上");
    });
  }

  function pick(seg) {
    const slot = slotOf(seg);
    if (state.mode === "swap" && swapFrom && slot.post_id === swapFrom.post_id) {
      const leg = (s) => ({ staff_id: s.staff_out, starts_at: s.starts_at, ends_at: s.ends_at });
      const from = swapFrom;
      swapFrom = null;
      state.mode = "";
      state.chosen = null;
      if (!slot.staff_out || slot.starts_at === from.starts_at) return void draw();
      post("/swaps", { post_id: from.post_id, first: leg(from), second: leg(slot) }, "已请对方同意");
      return;
    }
    const again = state.chosen?.post === slot.post_id && state.chosen?.starts === slot.starts_at;
    state.chosen = again ? null : { post: slot.post_id, starts: slot.starts_at };
    state.mode = "";
    draw();
  }

  function click(event) {
    const button = event.target.closest("button");
    if (!button || button.disabled) return;
    if (button.dataset.go) return void go(button.dataset.go);
    if (button.dataset.unitCode) {
      state.unit = button.dataset.unitCode;
      return void go(state.month);
    }
    if ("second" in button.dataset) {
      state.second = button.dataset.second === "1";
      return void draw();
    }
    const act = ACTS[button.dataset.act];
    if (act) return void act(button);
    if (button.classList.contains("seg") || button.dataset.slot) pick(button);
  }

  /* Arrows walk from shift to shift, over days and lanes; Escape lets go. */
  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  function walk(event) {
    if (event.key === "Escape" && !event.target.closest("input")) {
      state.chosen = null;
      state.mode = "";
      swapFrom = null;
      return void draw();
    }
    const step = STEPS[event.key];
    const here = event.target.closest?.(".seg");
    if (!step || !here) return;
    event.preventDefault();
    const box = here.getBoundingClientRect();
    let best = null;
    for (const seg of document.querySelectorAll("#rota-calendar .seg:not(:disabled)")) {
      const other = seg.getBoundingClientRect();
      const dx = other.left + other.width / 2 - (box.left + box.width / 2);
      const dy = other.top + other.height / 2 - (box.top + box.height / 2);
      const along = dx * step[0] + dy * step[1];
      const aside = Math.abs(dx * step[1]) + Math.abs(dy * step[0]);
      if (along > 4 && (!best || along + 4 * aside < best.cost)) best = { seg, cost: along + 4 * aside };
    }
    best?.seg.focus();
  }

  function tick() {
    const beat = live.info.beatAt ? `实时 ${moments.ago(live.info.beatAt, Date.now())}` : "连接中";
    put(at("desk-beat"), live.info.state === "stale" ? "数据中断" : beat);
    put(at("desk-clock"), moments.hms(moments.now()));
  }

  function start() {
    if (!root() || root().dataset.started) return 1;
    root().dataset.started = "1";
    if (localStorage.getItem("yiwang-theme") === "light")
      document.documentElement.dataset.theme = "light";
    const month = root().dataset.month || new Date(moments.now() + 8 * 3600e3).toISOString().slice(0, 7);
    Object.assign(state, { unit: root().dataset.unit, month });
    recall();
    root().addEventListener("click", click);
    document.addEventListener("keydown", walk);
    // others plan too: a change of the rota draws the month anew, the draft laid on top
    county.listen((heard) => heard.full && draw());
    setInterval(tick, 1000);
    setInterval(draw, 60e3);
    live.start();
    tick();
    draw();
    return 1;
  }

  yw.rota = { start, state };
})();
