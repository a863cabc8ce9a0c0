/* 导诊台旁的事: which mode runs, whom to transfer to (F9), stepping away (F10), all keys (F12), taking back (Ctrl+Z). */
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id), { ask, read, write, waiting, Away } = window.windowQueue, { node, span } = window.windowLists, { moments } = window.yiwang;
  const TAKEN_BACK_MS = 10000;

  /* mode (平战): what was heard last stays while we are away */
  const showMode = () => {
    const found = read("modes", []), pill = $("mode");
    pill.textContent = found.length ? found.map((each) => `${each.name} ${each.area_name}`).join("、") : "平时";
    pill.classList.toggle("war", found.length > 0);
  };
  const load = async () => {
    try {
      const modes = await ask("GET", "/api/v1/modes"), runs = new Set(["entered", "leaving"]);
      write("modes", modes.filter((each) => runs.has(each.state)).map(({ name, area_name }) => ({ name, area_name })));
      write("duty", { at: Date.now(), posts: await ask("GET", "/api/v1/rota/now") });
    } catch { /* what was kept is shown with its time */ }
    showMode();
  };

  /* whom to transfer to (转值班长): the shift head first */
  const duty = async () => {
    if (document.querySelector("dialog[open]")) return;
    $("duty").showModal();
    await load();
    const kept = read("duty", null), order = ["shift_head", "duty_director", "duty_leader", "deputy"];
    const posts = (kept?.posts || []).filter((each) => order.includes(each.post)).sort((a, b) => order.indexOf(a.post) - order.indexOf(b.post));
    $("duty-list").replaceChildren(...posts.flatMap((each) => [span("", each.post_name), node("b", { textContent: each.name || "此刻没有人" }), node("small", { className: "t3", textContent: each.until ? `至 ${moments.limit(Date.parse(each.until))}` : "" })]));
    $("duty-at").textContent = kept ? `值班表取自 ${moments.limit(kept.at)}` : "连不上，也没有存下值班表：请看墙上的值班表";
  };
  const keys = () => { if (!document.querySelector("dialog[open]")) $("help").showModal(); };

  /* taking back (撤回): what 清空 wiped, or what was kept on this computer and is still here */
  let taken = null;
  const remember = (what) => { taken = { ...what, until: Date.now() + TAKEN_BACK_MS }; };
  const takeBack = () => {
    const found = taken && taken.until > Date.now() ? taken : null;
    taken = null;
    return found;
  };

  /* stepping away (暂离): covers what stands on the screen; the queue of this computer goes on */
  const stepAway = () => {
    if (document.querySelector("dialog[open]")) return;
    const kept = waiting().length;
    $("gone-since").textContent = `${read("clerk", {}).name || "受理员"}　${moments.hm(Date.now())} 离开`;
    $("gone-kept").textContent = kept ? `本机还有 ${kept} 件待发，签退后由下一位登录时补登` : "";
    $("gone-wrong").hidden = true; $("gone").showModal(); $("gone-back").focus();
  };
  const signOut = async () => {
    try { await ask("DELETE", "/api/session"); document.body.dataset.out = "1"; location.assign("/sign-out"); }
    catch (error) { $("gone-wrong").textContent = error instanceof Away ? "连不上平台，现在签不了退，请先锁屏" : error.message; $("gone-wrong").hidden = false; }
  };
  $("gone").addEventListener("close", () => window.windowWaiting.load());
  $("gone-out").onclick = signOut;
  const isAway = () => $("gone").open;
  window.windowMore = { load, duty, keys, remember, takeBack, stepAway, isAway };
})();
