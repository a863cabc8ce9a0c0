/* 导诊台旁的事: which mode runs, whom to transfer to (F9), all keys (F12), taking back (Ctrl+Z). */
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id), { ask, read, write } = window.windowQueue;
  const TAKEN_BACK_MS = 10000;
  const node = (name, text, className = "") => Object.assign(document.createElement(name), { textContent: text, className });
  const when = (text) => new Date(text).toLocaleString("zh-CN", { timeZone: "Asia/Shanghai", month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false });

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
    $("duty-list").replaceChildren(...posts.flatMap((each) => [node("span", each.post_name), node("b", each.name || "此刻没有人"), node("small", each.until ? `至 ${when(each.until)}` : "", "t3")]));
    $("duty-at").textContent = kept ? `值班表取自 ${when(kept.at)}` : "连不上，也没有存下值班表：请看墙上的值班表";
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
  window.windowMore = { load, duty, keys, remember, takeBack };
})();
