/* The local queue (本机待登记): numbered, kept on this computer, sent once each when we are back. */
(() => {
  "use strict";
  const read = (name, otherwise) => { try { return JSON.parse(localStorage.getItem(`window.${name}`)) ?? otherwise; } catch { return otherwise; } };
  const write = (name, value) => localStorage.setItem(`window.${name}`, JSON.stringify(value));
  const cookie = (name) => document.cookie.split("; ").find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1) || "";
  class Away extends Error {}
  class Refused extends Error { constructor(words, status) { super(words); this.status = status; } }
  /* Asks the platform; `Away` when it cannot answer now, `Refused` with a sentence when it will not. */
  const ask = async (method, path, body, headers = {}) => {
    let answer;
    const given = { accept: "application/json", "X-CSRF-Token": cookie("yiwang_csrf"), ...headers };
    if (body !== undefined) given["content-type"] = "application/json";
    try {
      answer = await fetch(path, { method, headers: given, body: body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body), signal: AbortSignal.timeout(6000) });
    } catch { throw new Away(); }
    if (answer.status >= 500) throw new Away();
    const said = await answer.json().catch(() => ({}));
    if (answer.status === 429) throw new Away(said.detail || "");
    if (!answer.ok) throw new Refused(said.detail || "没有成功，请重试", answer.status);
    return said;
  };
  const key = () => [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");
  const day = () => new Date().toLocaleDateString("zh-CN", { timeZone: "Asia/Shanghai" });
  const following = () => { const last = read("number", {}); return last.day === day() ? last.n + 1 : 1; };
  const nextNumber = () => String(following()).padStart(3, "0");
  const localNumber = () => { const given = nextNumber(); write("number", { day: day(), n: following() }); return given; };
  const waiting = () => read("queue", []);
  const send = (entry) => ask("POST", "/api/v1/incidents", entry.body, { "Idempotency-Key": entry.key });
  const keep = (entry) => write("queue", [...waiting(), entry]);
  const drop = (key_) => write("queue", waiting().filter((each) => each.key !== key_));
  let busy = false;
  /* Sends what waits, in order; `told(entry, receipt | null, sentence)` hears of each that is settled. */
  const flush = async (told) => {
    if (busy || !waiting().length) return;
    busy = true;
    const alone = navigator.locks ? (act) => navigator.locks.request("yiwang-window", act) : (act) => act();
    try {
      await alone(async () => {
        for (const entry of waiting()) {
          try {
            const receipt = await send(entry);
            drop(entry.key); told(entry, receipt, "");
          } catch (error) {
            if (error instanceof Away || error.status === 401 || error.status === 403) throw error;
            drop(entry.key); write("refused", [...read("refused", []), { ...entry, words: error.message }].slice(-20));
            told(entry, null, error.message);
          }
        }
      });
    } finally { busy = false; }
  };
  window.windowQueue = { ask, read, write, key, localNumber, nextNumber, waiting, send, keep, drop, flush, Away, Refused };
})();
