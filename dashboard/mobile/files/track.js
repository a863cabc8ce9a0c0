/* 查进度: remembers the code on this phone; asks what is wrong only when it is not solved. */
(() => {
  "use strict";
  const ask = document.querySelector("form.ask");
  if (!ask) return;
  const more = ask.querySelector(".more");
  more.hidden = true;
  ask.addEventListener("change", () => { more.hidden = ask.elements.solved.value !== "no"; });
})();
