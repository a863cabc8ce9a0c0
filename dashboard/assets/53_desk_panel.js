/* The desk's right panel (右栏): acknowledging, showing, counting down; cases act by `caseActs`. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const { moments } = yw;
  const { esc, put } = yw.signs;
  const { send, toast } = yw.sending;
  const at = (id) => document.getElementById(id);

  async function acknowledge(id, button) {
    button.disabled = true;
    try {
      await send("POST", `/api/v1/alerts/${id}/ack`, {});
      toast("已确认收到，呼叫停止");
      yw.desk.refreshPanel();
    } catch (error) {
      toast(error.message, true);
    } finally {
      button.disabled = false;
    }
  }

  function press(event) {
    const button = event.target.closest("[data-act]");
    if (!button) return;
    const { act, id, kind } = button.dataset;
    if (act === "ack") acknowledge(id, button);
    if (act === "close") yw.desk.select(null);
    if (act === "show") yw.desk.select({ kind, id });
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
    yw.caseActs.start(at("desk"), { refresh: () => yw.desk.refreshPanel() });
    const panel = at("desk-panel");
    new MutationObserver(() => {
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
      ? yw.caseActs.chosen(at("desk-panel"))
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

  yw.deskPanel = { start, send, toast, tick };
})();
