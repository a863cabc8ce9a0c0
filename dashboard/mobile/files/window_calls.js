/* 回访: whom reception must call, one dialog a call, every look at a number on record. */
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id), { ask } = window.windowQueue;
  let rows = [];
  const when = (text) => new Date(text).toLocaleString("zh-CN", { timeZone: "Asia/Shanghai", month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false });
  const show = () => {
    $("calls-n").hidden = !rows.length; $("calls-n").textContent = rows.length;
    if (!rows.length) { $("calls").textContent = "没有要回访的。"; return; }
    const first = rows[0], late = new Date(first.due_at) < new Date();
    $("calls").replaceChildren(`${first.title}　${first.place || ""}`, document.createElement("br"));
    const due = document.createElement("span"); due.className = late ? "orange" : "t3"; due.textContent = `${late ? "已超时，原定" : "最迟"} ${when(first.due_at)}`;
    $("calls").append(due);
  };
  const load = async () => { try { rows = await ask("GET", "/api/v1/window/call-backs"); show(); } catch { $("calls").textContent = "连不上，恢复后再看。"; } };
  const open = async () => {
    const row = rows[0];
    if (!row || $("call").open) return;
    $("call-title").textContent = `回访：${row.title}`; $("call-facts").textContent = `${row.place || ""}　${row.agency || ""} ${when(row.closed_at)} 办结　${row.number}`;
    $("call-phone").textContent = "正在读取号码…"; $("call-note").value = ""; $("call-wrong").hidden = true; $("call").showModal();
    try {
      const found = await ask("POST", `/api/v1/window/call-backs/${row.id}/number`, {});
      $("call-phone").textContent = `${found.phone}　${found.name || ""}`;
    } catch (error) { $("call-phone").textContent = ""; wrong(error.message || "连不上，稍后再打"); }
  };
  const wrong = (words) => { $("call-wrong").textContent = words; $("call-wrong").hidden = false; };
  const RESULTS = { yes: { result: "reached", solved: true, satisfied: true }, meh: { result: "reached", solved: true, satisfied: false }, no: { result: "reached", solved: false, satisfied: false }, unreached: { result: "unreached" } };
  const say = async (which) => {
    const body = { ...RESULTS[which] };
    if ($("call-note").value.trim()) body.note = $("call-note").value.trim();
    try { await ask("POST", `/api/v1/window/call-backs/${rows[0].id}`, body); $("call").close(); await load(); }
    catch (error) { wrong(error.message || "连不上，稍后再记"); }
  };
  document.querySelectorAll("#call [data-said]").forEach((button) => { button.onclick = () => say(button.dataset.said); });
  $("call").addEventListener("keydown", (event) => {
    const which = ["yes", "meh", "no", "unreached"][Number(event.key) - 1];
    if (which && event.target !== $("call-note")) { event.preventDefault(); say(which); }
  });
  window.windowCalls = { load, open };
})();
