/* Acting on a case (办理): any page that draws the buttons of a case starts this on their container.
   The form is drawn over the nearest `[data-acts-root]`, so nothing here knows the desk. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const { send, toast } = yw.sending;
  const STALE = 409;

  const chosen = (root) => [...root.querySelectorAll(".cand[aria-checked=true]")];

  /** The button spells out the order: 派遣 2 方：甲 主办，乙 协办; a small one says how many. */
  function spellOut(root) {
    const button = root.querySelector("[data-act=dispatch]");
    if (!button) return;
    const parties = chosen(root);
    const said = parties.map((c, i) => `${c.dataset.name} ${i ? "协办" : "主办"}`).join("，");
    const short = parties.length ? `派人 ${parties.length} 方` : "先选人";
    const long = parties.length ? `派遣 ${parties.length} 方：${said}` : "先选人，再派遣";
    const words = button.dataset.short ? short : long;
    if (button.firstElementChild.textContent === words) return;
    button.firstElementChild.textContent = words;
    button.disabled = !parties.length;
    button.title = parties.length ? long : "";
  }

  async function attempt(button, work, done, refresh) {
    button.disabled = true;
    try {
      await work();
      toast(done);
    } catch (error) {
      toast(error.message.replace("请刷新后再试", "已读来新情况"), true);
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
    const { id, action, key, rev, title, said, asks } = button.dataset;
    const done = `${title}，已记入时间线`;
    const told = JSON.parse(said || "{}");
    const go = (body, seen) =>
      send(
        "POST",
        `/api/v1/incidents/${id}/actions`,
        { action, ...told, ...body, ...(told.data ? { data: { ...told.data, ...body.data } } : {}) },
        { "If-Match": seen },
      );
    if (!asks) return void attempt(button, () => go({}, rev), done, refresh);
    let seen = rev;
    const newest = () => root.querySelector(`[data-key=${key}][data-id="${id}"]`)?.dataset.rev;
    let stale = false;
    const finish = async (body) => {
      if (stale) seen = newest(); // somebody was quicker, and this form has said so
      if (!seen) throw new Error(`这件刚被他人处理过，现在不能“${title}”了：请取消，按新情况办`);
      try {
        await go(body, seen);
      } catch (error) {
        stale = error.status === STALE;
        if (!stale) throw error;
        refresh();
        throw new Error("这件刚被他人处理过，已读来新情况：请看过再提交；写好的还在");
      }
      toast(done);
      refresh();
    };
    const over = button.closest("[data-acts-root]") || root;
    yw.caseForm.open(over, { title, id, fields: JSON.parse(asks), opener: button, done: finish });
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
    yw.caseMenu.start(root);
    new MutationObserver(() => spellOut(root)).observe(root, { childList: true, subtree: true });
    spellOut(root);
  }

  yw.caseActs = { start, chosen };
})();
