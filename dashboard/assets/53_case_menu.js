/* The menu of what is done more seldom (更多): opened by mouse or keys, arrows move, Esc shuts. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});

  const itemsOf = (menu) => [...menu.querySelectorAll("[role=menuitem]")];
  const opened = () => document.querySelector(".more .menu:not([hidden])");

  let kept = null; // the case whose menu is open: drawn anew, it opens again

  function shut(menu, back) {
    kept = null;
    if (!menu) return;
    const opener = menu.closest(".more").querySelector("[data-menu]");
    menu.hidden = true;
    opener.setAttribute("aria-expanded", "false");
    if (back) opener.focus();
  }
  function open(opener, at = 0) {
    const menu = opener.closest(".more").querySelector(".menu");
    menu.hidden = false;
    opener.setAttribute("aria-expanded", "true");
    itemsOf(menu).at(at)?.focus();
    kept = menu.querySelector("[data-id]")?.dataset.id || null;
  }
  /** A change of the case draws its panel anew: a menu in use must not shut under the hand. */
  function keep(root) {
    if (!kept || opened()) return;
    const item = root.querySelector(".more .menu [data-id]");
    if (!item) return; // not drawn yet
    if (item.dataset.id === kept) open(item.closest(".more").querySelector("[data-menu]"));
    else kept = null;
  }

  const STEPS = {
    ArrowDown: (items, i) => items[(i + 1) % items.length],
    ArrowUp: (items, i) => items.at(i - 1),
    Home: (items) => items[0],
    End: (items) => items.at(-1),
  };
  function key(event) {
    const { target } = event;
    const opener = target.closest?.("[data-menu]");
    if (opener && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      return open(opener, event.key === "ArrowUp" ? -1 : 0);
    }
    const menu = target.closest?.(".more .menu");
    if (!menu) return;
    if (event.key === "Escape") shut(menu, true);
    if (event.key === "Tab") return shut(menu, false);
    const step = STEPS[event.key];
    if (step) {
      const items = itemsOf(menu);
      step(items, items.indexOf(target.closest("[role=menuitem]"))).focus();
    }
    if (step || event.key === "Escape") event.preventDefault();
    event.stopPropagation(); // the page's own keys are not meant here
  }

  /** Let the menus inside `root` open; one drawn later opens as well. */
  function start(root) {
    root.addEventListener("keydown", key);
    new MutationObserver(() => keep(root)).observe(root, { childList: true, subtree: true });
    document.addEventListener("click", (event) => {
      const opener = event.target.closest?.("[data-menu]");
      const menu = opened();
      const again = menu && opener && menu.closest(".more") === opener.closest(".more");
      shut(menu, again);
      if (opener && !again && root.contains(opener)) open(opener);
    });
  }

  yw.caseMenu = { start };
})();
