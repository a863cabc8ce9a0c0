/* The administration pages (管理): clock, theme, leaving, and asking a table for its rows again. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const at = (id) => document.getElementById(id);

  function tick() {
    const clock = at("admin-clock");
    if (!clock) return;
    const now = new Intl.DateTimeFormat("zh-CN", {
      timeZone: "Asia/Shanghai",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      hour12: false,
    }).format(new Date());
    if (clock.textContent !== now) clock.textContent = now;
  }
  setInterval(tick, 500);

  function setTheme(theme) {
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("yiwang-theme", theme);
  }
  if (/^\/admin\b/.test(location.pathname) && localStorage.getItem("yiwang-theme") === "light") {
    setTheme("light");
  }

  const cookie = (name) =>
    document.cookie
      .split("; ")
      .find((c) => c.startsWith(`${name}=`))
      ?.slice(name.length + 1) || "";

  document.addEventListener("click", async (event) => {
    const tool = event.target.closest("[data-admin]")?.dataset.admin;
    if (tool === "theme") {
      setTheme(document.documentElement.dataset.theme === "light" ? "dark" : "light");
    } else if (tool === "leave") {
      const headers = { "X-CSRF-Token": decodeURIComponent(cookie("yiwang_csrf")) };
      await fetch("/api/session", { method: "DELETE", headers }).catch(() => null);
      location.assign("/sign-in");
    }
  });

  /* Enter on a row chooses it, as a click does. */
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.closest?.("#admin .ag-row")) return;
    event.target.click();
  });

  /* A double click (双击) is one click: the second would be refused, and its answer drawn over the first's. */
  document.addEventListener(
    "click",
    (event) => {
      if (event.detail < 2 || !event.target.closest?.("#admin .btn.go")) return;
      event.preventDefault();
      event.stopPropagation();
    },
    true,
  );

  // A session that an administrator ended answers 401: an open page then leads to signing in.
  const asked = window.fetch;
  window.fetch = async (...args) => {
    const answer = await asked(...args);
    const url = String(args[0]?.url || args[0] || "");
    const page = at("admin") || at("desk") || at("case");
    const writing = window.yiwang?.caseForm?.isOpen(); // whoever writes is told when sending
    if (answer.status === 401 && page && !writing && url.includes("_dash-update-component")) {
      location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
    }
    return answer;
  };

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    yiwangAdmin: {
      /** The fields above a table changed, or somebody was: read its rows again. */
      againRows() {
        window.dash_ag_grid
          .getApiAsync("people-grid")
          .then((grid) => grid.purgeInfiniteCache())
          .catch(() => null);
        return window.dash_clientside.no_update;
      },
    },
  });
})();
