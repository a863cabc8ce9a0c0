/* 后面还有: what waits in this hall and on this computer; nothing old is shown as if it were now. */
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const { ask, waiting } = window.windowQueue;
  const { span } = window.windowLists;
  const { moments } = window.yiwang;
  const TOO_OLD_MS = 120e3;
  let found = null;

  const fresh = () => found && Date.now() - found.heard < TOO_OLD_MS;
  const unknown = () => [span("t3", "连不上，恢复后再看")];
  const accept = ({ n, since }) =>
    n ? [`${n} 件，最早 ${moments.limit(Date.parse(since))} 报来`] : ["没有"];
  const callBacks = ({ n, due_at: dueAt }) => {
    if (!n) return ["没有"];
    const left = moments.remaining(Date.parse(dueAt), null);
    const over = left.tone === "over";
    const words = over ? `最急的已${left.words}` : left.later ? `最急 ${left.words}` : `最急剩 ${left.words}`;
    return [`${n} 件，`, span(over ? "orange" : "", words)];
  };
  const desks = (n) => (n ? `另 ${n} 个导诊台开着` : "没有别的导诊台开着");
  const here = () => {
    const n = waiting().length;
    return [n ? `${n} 件` : "没有", "　", span("t3", fresh() ? desks(found.other_desks) : "")];
  };

  const show = () => {
    const lines = { accept, call_backs: callBacks };
    for (const name in lines) {
      const words = fresh() && found[name] ? lines[name](found[name]) : unknown();
      $(`waits-${name}`).replaceChildren(...words);
    }
    $("waits-here").replaceChildren(...here());
  };
  /** Ask how much waits; what was heard before stays for two minutes and no longer. */
  const load = async () => {
    try {
      const said = await ask("GET", "/api/v1/window/waiting");
      moments.tellServerTime(said.at);
      found = { ...said, heard: Date.now() };
    } catch {
      /* `show` says what is not known any more */
    }
    show();
  };
  const forget = () => {
    found = null;
    show();
  };
  window.windowWaiting = { load, show, forget };
})();
