/* Sending and telling (提交与提示): one unsafe request with the caller's token, and how it went. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const STAYS_MS = 4000;
  const WRONG_STAYS_MS = 8000;
  const PATIENCE_MS = 30_000; // a server that hangs must not hold a form for ever; photos take longer
  const PHOTO_PATIENCE_MS = 180_000;
  const SIGNED_OUT = "登录已失效：请另开一个标签页登录，再回这里提交；写好的还在";

  const cookie = (name) =>
    document.cookie
      .split("; ")
      .find((c) => c.startsWith(`${name}=`))
      ?.slice(name.length + 1) || "";

  /** Send one unsafe request; a problem is thrown as a sentence, with its `status`. */
  async function send(method, url, body, headers = {}) {
    const answer = await fetch(url, {
      method,
      credentials: "same-origin",
      headers: {
        ...(body instanceof FormData ? {} : { "Content-Type": "application/json" }),
        "X-CSRF-Token": decodeURIComponent(cookie("yiwang_csrf")),
        ...headers,
      },
      body: body === undefined || body instanceof FormData ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(body instanceof FormData ? PHOTO_PATIENCE_MS : PATIENCE_MS),
    }).catch((error) => {
      throw new Error(
        error.name === "TimeoutError"
          ? "平台很久没有答复：先看记上没有，没有再提交一次；写好的还在"
          : "没有连上平台，请稍后再试；没有提交的内容还在",
      );
    });
    if (answer.ok) return answer.status === 204 ? null : answer.json();
    const problem = await answer.json().catch(() => ({}));
    const said = (answer.status === 401 && SIGNED_OUT) || problem.detail || problem.title || `没有成功（${answer.status}），请再试一次`;
    throw Object.assign(new Error(said), { status: answer.status, code: problem.code });
  }

  /** The page's own place for messages, or one that is made for a page without. */
  function place() {
    const own = document.getElementById("desk-toast") || document.getElementById("page-toast");
    if (own) return own;
    const made = Object.assign(document.createElement("div"), { id: "page-toast", hidden: true });
    made.setAttribute("role", "status");
    document.body.append(made);
    return made;
  }
  let timer = 0;
  function toast(words, wrong) {
    const box = place();
    box.className = wrong ? "wrong" : "";
    box.textContent = words;
    box.hidden = false;
    clearTimeout(timer);
    timer = setTimeout(
      () => {
        box.hidden = true;
      },
      wrong ? WRONG_STAYS_MS : STAYS_MS,
    );
  }

  yw.sending = { send, toast };
})();
