/* Who reported (来电人): asks why, shows name and number for a minute, then hides them again. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const SHOWN_S = 60;

  const make = (tag, className, words) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (words) node.textContent = words;
    return node;
  };

  /** The small form under the row: a reason, words where it is 其他, and two buttons. */
  function ask(row, button) {
    if (row.querySelector(".ask")) return;
    const form = make("form", "ask");
    const why = make("select");
    why.setAttribute("aria-label", "查看原因");
    for (const [value, name] of Object.entries(JSON.parse(button.dataset.reasons))) {
      why.append(new Option(name, value));
    }
    const words = make("input");
    Object.assign(words, { placeholder: "说明（选“其他”时必填）", maxLength: 200 });
    const go = make("button", "btn sm go", "查看");
    const stop = make("button", "btn sm", "取消");
    stop.type = "button";
    stop.addEventListener("click", () => form.remove());
    form.append(why, words, go, stop);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (why.value === "other" && !words.value.trim()) return words.focus();
      return show(row, button.dataset.unmask, { reason: why.value, note: words.value }, go);
    });
    row.append(form);
    why.focus();
  }

  async function show(row, id, body, go) {
    go.disabled = true;
    try {
      const found = await yw.deskPanel.send("POST", `/api/v1/incidents/${id}/unmask`, body);
      const masked = [...row.childNodes].filter((node) => !node.classList?.contains("ask"));
      const left = make("span", "t3");
      row.classList.add("open");
      row.replaceChildren(
        make("span", "t3", "来电人"),
        make("b", "", found.name || "未留姓名"),
        make("span", "num", found.phone || "未留电话"),
        left,
        make("span", "mark", `已记入审计：${found.watermark}`),
      );
      hideAfter(row, masked, left);
    } catch (error) {
      yw.deskPanel.toast(error.message, true);
      go.disabled = false;
    }
  }

  function hideAfter(row, masked, left) {
    const until = Date.now() + SHOWN_S * 1000;
    const timer = setInterval(() => {
      const rest = Math.ceil((until - Date.now()) / 1000);
      left.textContent = `${Math.max(rest, 0)} 秒后隐藏`;
      if (rest > 0 && row.isConnected) return;
      clearInterval(timer);
      row.classList.remove("open");
      row.replaceChildren(...masked);
    }, 500);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-unmask]");
    if (button) ask(button.closest(".who-row"), button);
  });
})();
