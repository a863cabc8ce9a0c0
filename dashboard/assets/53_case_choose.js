/* Finding in a list (查找): units, classes, cases by their name, part of it, or pinyin initials.
   Ranking and drawing of lists are those of the reception window, fetched when first needed. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const make = (...given) => yw.caseForm.make(...given);
  const LISTS = "/mobile/window_lists.js";
  const SHOWN = 6;
  const KINDS = ["department", "town", "county", "village"];
  const NUMBER = /^\d{14}$/;
  const kept = new Map();

  /** Ask once a page, again after a failure. */
  function once(url, ask) {
    if (!kept.has(url)) {
      const asked = ask(url);
      kept.set(url, asked);
      asked.catch(() => kept.delete(url));
    }
    return kept.get(url);
  }
  const read = (url) => once(url, (where) => yw.live.getJson(where));
  const script = (src) =>
    once(
      src,
      () =>
        new Promise((done, fail) => {
          const node = make("script", { src });
          node.onload = done;
          node.onerror = () => fail(new Error("没有取到查找列表，请再试一次"));
          document.head.append(node);
        }),
    );

  /* ---- what is searched ---------------------------------------------------------------------- */

  const small = (words) => window.windowLists.span("t3", words);
  const named = (row, typed) => {
    const name = make("b", { textContent: row.name });
    return row.initials && /^[a-z]+$/i.test(typed.trim())
      ? [name, window.windowLists.spelled(row.initials, typed)]
      : [name];
  };

  /** Units (单位): departments first; `kinds`, `town` and `but` narrow the choice. */
  function units({ kinds = KINDS, town = null, but = [] }) {
    let pool = [];
    return {
      placeholder: "名称或拼音首字母，例如 城管局、cgj",
      load: async () => {
        pool = (await read("/api/v1/units"))
          .filter((u) => kinds.includes(u.kind) && !but.includes(u.code))
          .filter((u) => town === null || u.town_code === town)
          .sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || (a.code < b.code ? -1 : 1))
          .map((u) => ({ ...u, full: u.name, name: u.short_name, words: [u.name] }));
      },
      find: (typed) => {
        if (!typed.trim()) return pool.slice(0, SHOWN);
        const said = typed.trim();
        const whole = pool.filter((u) => u.full === said || u.name === said);
        return whole.length ? whole : window.windowLists.classesFor({ classes: pool, first: [] }, said);
      },
      draw: (row, typed) => [...named(row, typed), small(row.full === row.name ? "" : row.full)],
    };
  }

  /** Classes (事件分类) of the catalogue in force. */
  function categories({ but }) {
    let book = { classes: [], first: [] };
    return {
      placeholder: "名称、说法或拼音首字母，例如 路灯、ldbl",
      load: async () => {
        const all = await read("/api/v1/categories");
        book = { first: all.first, classes: all.classes.filter((each) => each.code !== but) };
      },
      find: (typed) => window.windowLists.classesFor(book, typed),
      draw: (row, typed) => [...named(row, typed), small(`${row.major} · ${"〇一二三四"[row.level]}级`)],
    };
  }

  /** Cases to merge into (并案): the likely twins by name, any other by its number. */
  function cases({ near }) {
    const pool = Object.entries(near).map(([number, name]) => ({ number, name, code: number }));
    return {
      placeholder: "案号，例如 20260131000012",
      load: async () => {},
      find: (typed) => {
        const said = typed.trim();
        const found = pool.filter((each) => `${each.number} ${each.name}`.includes(said));
        return found.length || !NUMBER.test(said) ? found : [{ number: said, name: said, code: said }];
      },
      draw: (row) => [make("b", { textContent: row.name }), small(row.name === row.number ? "" : row.number)],
    };
  }

  /** Areas of the grid (网格地名); the server finds them by name, alias or initials. */
  function places() {
    return {
      placeholder: "地址、村（社区）名或拼音首字母",
      slow: true,
      load: async () => {},
      find: async (typed) => {
        const said = typed.trim();
        if (!said) return [];
        const found = await yw.live.getJson(`/geo/places?limit=${SHOWN}&q=${encodeURIComponent(said)}`);
        return found.map((each) => ({ ...each, name: each.label }));
      },
      draw: (row) => [
        make("b", { textContent: row.name }),
        small({ town: "镇街", village: "村（社区）", cell: "网格" }[row.tier] || ""),
      ],
    };
  }

  /* ---- the box ------------------------------------------------------------------------------- */

  /** A combobox: type, arrows choose, Enter takes, Esc shuts the list; a name typed whole is taken. */
  function box({ label, placeholder, load, find, draw, slow = false, onTake = () => {} }) {
    const id = yw.caseFields.newId();
    const input = make("input", { id, placeholder, autocomplete: "off" });
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-controls", `${id}-list`);
    const rows = make("div", { id: `${id}-list`, className: "options", hidden: true });
    rows.setAttribute("role", "listbox");
    rows.setAttribute("aria-label", label);
    const none = make("p", { className: "hint", hidden: true });
    const node = make("div", { className: "field choose" });
    node.append(make("label", { htmlFor: id, textContent: label }), input, rows, none);
    let list = null;
    let taken = null;
    let asked = 0;
    let timer = 0;

    const show = (open) => {
      rows.hidden = !open;
      input.setAttribute("aria-expanded", String(open));
      if (open && list?.now) input.setAttribute("aria-activedescendant", `${rows.id}-${list.at}`);
      else input.removeAttribute("aria-activedescendant");
    };
    const say = (words) => {
      none.textContent = words;
      none.hidden = !words;
    };
    function take(row) {
      taken = row;
      input.value = row.name;
      say("");
      show(false);
      onTake(row);
    }
    async function look(typed = true) {
      const turn = ++asked;
      try {
        await Promise.all([script(LISTS), load()]);
        list ||= new window.windowLists.List(rows, (row) => draw(row, input.value), (row) => take(row));
        const found = await find(input.value);
        if (turn !== asked) return;
        list.show(found);
        show(found.length > 0);
        say(typed && !found.length && input.value.trim() ? "没有找到，请换个说法" : "");
      } catch (error) {
        say(error.message);
      }
    }
    const later = (typed) => {
      clearTimeout(timer);
      timer = setTimeout(() => look(typed), slow ? 180 : 0);
    };
    input.addEventListener("input", () => {
      taken = null;
      later(true);
    });
    input.addEventListener("focus", () => {
      if (!taken) later(false);
    });
    input.addEventListener("blur", () => setTimeout(() => show(false), 150));
    rows.addEventListener("mousedown", (event) => event.preventDefault());
    input.addEventListener("keydown", (event) => {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (by && rows.hidden) look();
      else if (by) {
        list.move(by);
        show(true);
      } else if (event.key === "Enter" && !rows.hidden && list.now) list.take();
      else if (event.key === "Escape" && !rows.hidden) {
        event.stopPropagation();
        show(false);
      } else return;
      event.preventDefault();
    });

    /** What was chosen, or what the typed words mean when they mean one thing only. */
    const chosen = () => {
      if (taken || !list || slow) return taken;
      const said = input.value.trim();
      const whole = list.rows.filter((row) => [row.name, row.full, row.code].includes(said));
      return whole[0] || (said && list.rows.length === 1 ? list.rows[0] : null);
    };
    return { node, input, chosen, focus: () => input.focus(), gone: () => clearTimeout(timer) };
  }

  yw.caseChoose = { box, units, categories, cases, places, script };
})();
