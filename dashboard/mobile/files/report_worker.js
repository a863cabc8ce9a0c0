/* Keeps 随手拍 at hand without signal: the network first, what was last seen when nobody answers. */
"use strict";
const KEPT = "report-1";
const SHELL = ["/report", "/assets/10_tokens.css", "/mobile/phone.css", "/mobile/report_store.js", "/mobile/report_map.js", "/mobile/report.js", "/mobile/icon.svg"];
self.addEventListener("install", (event) => event.waitUntil(caches.open(KEPT).then((kept) => kept.addAll(SHELL)).then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const path = new URL(event.request.url).pathname;
  if (event.request.method !== "GET" || !SHELL.includes(path)) return;
  event.respondWith((async () => {
    const kept = await caches.open(KEPT);
    try {
      const answer = await fetch(event.request);
      if (answer.ok) { kept.put(path, answer.clone()); return answer; }
      return (answer.status >= 500 && await kept.match(path)) || answer;
    } catch {
      return (await kept.match(path)) || Response.error();
    }
  })());
});
