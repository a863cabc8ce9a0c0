/* Keeps the reception window at hand while the platform is away: the network first, then what was kept. */
"use strict";
const KEPT = "window-3";
const SHELL = ["/window", "/assets/09_fonts.css", "/assets/10_tokens.css", "/assets/10_moments.js", "/mobile/window.css", "/mobile/report_map.js", "/mobile/window_queue.js", "/mobile/window_lists.js", "/mobile/window_calls.js", "/mobile/window_waiting.js", "/mobile/window_more.js", "/mobile/window.js", "/mobile/icon.svg"];
self.addEventListener("install", (event) => event.waitUntil(caches.open(KEPT).then((kept) => kept.addAll(SHELL)).then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(caches.keys().then((names) => Promise.all(names.filter((name) => name.startsWith("window-") && name !== KEPT).map((name) => caches.delete(name)))).then(() => self.clients.claim())));
self.addEventListener("fetch", (event) => {
  const path = new URL(event.request.url).pathname;
  if (event.request.method !== "GET" || !SHELL.includes(path)) return;
  event.respondWith((async () => {
    const kept = await caches.open(KEPT);
    try {
      const answer = await fetch(event.request);
      if (answer.ok && !answer.redirected) { kept.put(path, answer.clone()); return answer; }
      return (answer.status >= 500 && await kept.match(path)) || answer;
    } catch {
      return (await kept.match(path)) || Response.error();
    }
  })());
});
