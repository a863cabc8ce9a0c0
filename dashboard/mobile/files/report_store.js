/* Offline queue (离线待发): each report waits on the phone with its key until the platform has said
   that it holds it; the key makes sure that it is stored once however often it is sent. */
(() => {
  "use strict";
  const open = () => new Promise((done, fail) => {
    const asked = indexedDB.open("yiwang-report", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("queue", { keyPath: "key" });
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => fail(asked.error);
  });
  const within = async (mode, act) => {
    const base = await open();
    return new Promise((done, fail) => {
      const work = base.transaction("queue", mode);
      const asked = act(work.objectStore("queue"));
      work.oncomplete = () => { base.close(); done(asked.result); };
      work.onerror = () => { base.close(); fail(work.error); };
    });
  };
  const put = (entry) => within("readwrite", (store) => store.put(entry));
  const all = () => within("readonly", (store) => store.getAll());
  const drop = (key) => within("readwrite", (store) => store.delete(key));

  const form = (entry) => {
    const body = new FormData();
    for (const [name, value] of entry.fields) body.append(name, value);
    for (const shot of entry.photos) body.append("photos", shot, "photo.jpg");
    return body;
  };
  /* Sends one report: "sent" with its receipt, "wrong" with a sentence, "later" when nobody answers. */
  const send = async (entry) => {
    let answer;
    try {
      answer = await fetch("/report", { method: "POST", body: form(entry), headers: { accept: "application/json" } });
    } catch {
      return { state: "later" };
    }
    if (answer.ok) return { state: "sent", receipt: await answer.json() };
    if (answer.status >= 500 || answer.status === 429) return { state: "later" };
    const said = await answer.json().catch(() => ({}));
    return { state: "wrong", words: said.detail || "没有提交成功，请检查后再试" };
  };
  let busy = false;
  const flush = async (told) => {
    if (busy) return;
    busy = true;
    try {
      const guarded = navigator.locks ? (act) => navigator.locks.request("yiwang-report", act) : (act) => act();
      await guarded(async () => {
        for (const entry of await all()) {
          const result = await send(entry);
          if (result.state === "later") break;
          await drop(entry.key);
          told(entry, result);
        }
      });
    } finally {
      busy = false;
    }
  };
  window.reportStore = { put, all, drop, send, flush };
})();
