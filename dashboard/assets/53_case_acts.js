/* Acting on a case (办理): any page that draws the buttons of a case starts this on their container.
   The form is drawn over the nearest `[data-acts-root]`, so nothing here knows the desk. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const { send, toast } = yw.sending;
  const STALE = 409;

  const chosen = (root) => [...root.querySelectorAll(".cand[aria-checked=true]")];

  /** The button spells out the order: 派遣 2 方：甲 主办，乙 协办. */
  function spellOut(root) {
    const button = root.querySelector("[data-act=dispatch]");
    if (!button) return;
    const parties = chosen(root);
    const said = parties.map((c, i) => `${c.dataset.name} ${i ? "协办" : "主办"}`).join("，");
    const words = parties.length ? `派遣 ${parties.length} 方：${said}` : "先选人，再派遣";
    if (button.firstElementChild.textContent === words) return;
    button.firstElementChild.textContent = words;
    button.disabled = !parties.length;
  }

  async function attempt(button, work, done, refresh) {
    button.disabled = true;
    try {
      await work();
      toast(done);
    } catch (error) {
      toast(error.message, true);
      if (error.status !== STALE) return;
    } finally {
      button.disabled = false;
    }
    refresh();
  }

  const sendOut = (root, button, refresh) =>
    attempt(
      button,
      () =>
        send("POST", "/api/v1/orders", {
          incident_id: button.dataset.id,
          responders: chosen(root).map((c, i) => ({
            id: Number(c.dataset.responder) || c.dataset.responder,
            role: i ? "support" : "lead",
          })),
        }),
      "已派出，等对方签收",
      refresh,
    );

  /** Take an action: at once, or after its form (办理表单) is filled in. */
  function act(root, button, refresh) {
    const { id, action, rev, said, asks } = button.dataset;
    const title = button.textContent.trim();
    const done = `${title}，已记入时间线`;
    const go = (body, seen = rev) =>
      send(
        "POST",
        `/api/v1/incidents/${id}/actions`,
        { action, ...JSON.parse(said || "{}"), ...body },
        { "If-Match": seen },
      );
    if (!asks) return void attempt(button, () => go({}), done, refresh);
    const over = button.closest("[data-acts-root]") || root;
    const finish = async (body) => {
      await go(body);
      toast(done);
      refresh();
    };
    yw.caseForm.open(over, { title, id, asks: JSON.parse(asks), done: finish });
  }

  /**
   * Let the buttons inside `root` act; `refresh` reads the case again and draws it anew.
   * Call it once for a page: what is drawn into `root` later is heard too.
   */
  function start(root, { refresh }) {
    root.addEventListener("click", ({ target }) => {
      const cand = target.closest(".cand");
      if (cand) {
        cand.setAttribute("aria-checked", String(cand.getAttribute("aria-checked") !== "true"));
        return spellOut(root);
      }
      const button = target.closest("[data-act]");
      if (button?.dataset.act === "dispatch") sendOut(root, button, refresh);
      if (button?.dataset.act === "action") act(root, button, refresh);
    });
    new MutationObserver(() => spellOut(root)).observe(root, { childList: true, subtree: true });
    spellOut(root);
  }

  yw.caseActs = { start, chosen };
})();
