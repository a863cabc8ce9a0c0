/* The desk's right panel (右栏) acts here: choosing responders, sending orders, acknowledging, telling how it went. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const { moments } = yw;
  const { esc, put } = yw.signs;
  const at = (id) => document.getElementById(id);

  const cookie = (name) =>
    document.cookie
      .split("; ")
      .find((c) => c.startsWith(`${name}=`))
      ?.slice(name.length + 1) || "";

  /** Send one unsafe request with the caller's token; a problem is thrown as a sentence. */
  async function send(method, url, body, headers = {}) {
    const answer = await fetch(url, {
      method,
      credentials: "same-origin",
      headers: {
        ...(body instanceof FormData ? {} : { "Content-Type": "application/json" }),
        "X-CSRF-Token": decodeURIComponent(cookie("yiwang_csrf")),
        ...headers,
      },
      body: body === undefined || body instanceof FormData ? body : JSON.stringify(body),
    });
    if (answer.ok) return answer.status === 204 ? null : answer.json();
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.detail || problem.title || `没有成功（${answer.status}），请再试一次`);
  }

  let toastTimer = 0;
  function toast(words, wrong) {
    const box = at("desk-toast");
    if (!box) return;
    box.className = wrong ? "wrong" : "";
    box.textContent = words;
    box.hidden = false;
    clearTimeout(toastTimer);
    toastTimer = setTimeout(
      () => {
        box.hidden = true;
      },
      wrong ? 8000 : 4000,
    );
  }

  async function attempt(button, work, done) {
    if (button) button.disabled = true;
    try {
      await work();
      toast(done);
      yw.desk.refreshPanel();
    } catch (error) {
      toast(error.message, true);
    } finally {
      if (button) button.disabled = false;
    }
  }

  const acknowledge = (id, button) =>
    attempt(button, () => send("POST", `/api/v1/alerts/${id}/ack`, {}), "已确认收到，呼叫停止");

  const chosenCandidates = () => [
    ...document.querySelectorAll("#desk-panel .cand[aria-checked=true]"),
  ];

  /** The button spells out the order: 派遣 2 方：甲 主办，乙 协办. */
  function spellOut() {
    const button = document.querySelector("#desk-panel [data-act=dispatch]");
    if (!button) return;
    const chosen = chosenCandidates();
    const parties = chosen.map((c, i) => `${c.dataset.name} ${i ? "协办" : "主办"}`).join("，");
    button.firstElementChild.textContent = chosen.length
      ? `派遣 ${chosen.length} 方：${parties}`
      : "先选人，再派遣";
    button.disabled = !chosen.length;
  }

  const dispatch = (id, button) =>
    attempt(
      button,
      () =>
        send("POST", "/api/v1/orders", {
          incident_id: id,
          responders: chosenCandidates().map((c, i) => ({
            id: Number(c.dataset.responder) || c.dataset.responder,
            role: i ? "support" : "lead",
          })),
        }),
      "已派出，等对方签收",
    );

  /** Take an action: at once, or after its form (办理表单) is filled in. */
  function act(button, id) {
    const { action, rev, said, asks } = button.dataset;
    const title = button.textContent.trim();
    const go = (body) =>
      send(
        "POST",
        `/api/v1/incidents/${id}/actions`,
        { action, ...JSON.parse(said || "{}"), ...body },
        { "If-Match": rev },
      );
    const done = `${title}，已记入时间线`;
    if (!asks) return void attempt(button, () => go({}), done);
    const finish = async (body) => {
      await go(body);
      toast(done);
      yw.desk.refreshPanel();
    };
    yw.deskForm.open({ title, id, asks: JSON.parse(asks), done: finish });
  }

  function press(event) {
    const cand = event.target.closest(".cand");
    if (cand) {
      cand.setAttribute("aria-checked", String(cand.getAttribute("aria-checked") !== "true"));
      spellOut();
      return;
    }
    const button = event.target.closest("[data-act]");
    if (!button) return;
    const id = button.dataset.id;
    if (button.dataset.act === "ack") acknowledge(id, button);
    if (button.dataset.act === "dispatch") dispatch(id, button);
    if (button.dataset.act === "action") act(button, id);
    if (button.dataset.act === "close") yw.desk.select(null);
    if (button.dataset.act === "show") yw.desk.select({ kind: button.dataset.kind, id });
  }

  /** Remainders in panels carry their moments; they run here, second by second. */
  function tick() {
    document.querySelectorAll("[data-due]").forEach((node) => {
      const left = moments.remaining(Number(node.dataset.due), Number(node.dataset.from));
      put(node, esc(left.words));
      node.classList.toggle("orange", left.tone === "over");
      node.classList.toggle("yellow", left.tone === "near");
    });
    document.querySelectorAll("[data-since]").forEach((node) => {
      put(
        node,
        moments.stretch(moments.now() - Number(node.dataset.since)).replace(/ \d+ 秒$/, ""),
      );
    });
  }

  function start() {
    at("desk").addEventListener("click", press);
    const panel = at("desk-panel");
    new MutationObserver(() => {
      spellOut();
      tick();
      drawTracks();
    }).observe(panel, { childList: true, subtree: false });
    setInterval(tick, 1000);
  }

  /** Dashed tracks from the first-ranked candidates to the case. */
  function drawTracks() {
    const map = yw.desk.map();
    const home = document.querySelector("#desk-panel [data-lon]");
    if (!map) return;
    const list = home
      ? chosenCandidates()
          .map((c) => ({
            r:
              yw.county.state.responders.get(Number(c.dataset.responder)) ||
              yw.county.state.responders.get(c.dataset.responder),
          }))
          .filter(({ r }) => r && Number.isFinite(r.lon))
          .map(({ r }) => ({
            from: [r.lon, r.lat],
            to: [Number(home.dataset.lon), Number(home.dataset.lat)],
          }))
      : [];
    map.sources?.showCandidates(list);
  }

  yw.deskPanel = { start, send, toast, acknowledge, dispatch, tick };
})();
