/* Choosing (选列表): classes and places by pinyin initials or Chinese, best first, by keys alone. */
(() => {
  "use strict";
  const often = () => window.windowQueue?.read("often", {}) || {};  // the desk keeps no such count
  /* Ranks an entry for what was typed: whole initials, then their beginning, then a part, then words. */
  const rank = (typed, name, initials, words = []) => {
    const asked = typed.trim().toLowerCase();
    if (!asked) return 0;
    if (name === asked || initials === asked) return 9;
    if (initials.startsWith(asked) || name.startsWith(asked)) return 7;
    if (name.includes(asked)) return 6;
    if (initials.includes(asked)) return 5;
    const heard = words.filter((word) => asked.includes(word) || word.includes(asked));
    if (heard.length) return 3 + Math.min(heard.length, 2) / 2;
    if (name.length > 1 && asked.includes(name)) return 4;
    return -1;
  };
  const classesFor = (book, typed) => {
    const used = often();
    const usual = (each) => (used[each.code] || 0) + (book.first.includes(each.code) ? .5 : 0);
    return book.classes.map((each) => [rank(typed, each.name, each.initials, each.words), usual(each), each])
      .filter(([n]) => n >= 0).sort((a, b) => b[0] - a[0] || b[1] - a[1] || (a[2].code < b[2].code ? -1 : 1))
      .slice(0, 4).map(([, , each]) => each);
  };
  const villagesFor = (book, typed) => {
    const asked = typed.trim();
    if (!asked) return [];
    const short = (name) => name.replace(/(社区|村)$/, "");
    return book.villages.map((each) => {
      const named = Math.max(rank(asked, each.name, each.initials), rank(asked, short(each.name), each.initials.slice(0, short(each.name).length)));
      const heard = short(each.name).length > 1 && asked.includes(short(each.name)) ? 8 : -1;
      return [Math.max(named, heard) + (asked.includes(each.town.replace(/(街道|镇)$/, "")) ? .5 : 0), each];
    }).filter(([n]) => n >= 0).sort((a, b) => b[0] - a[0] || a[1].name.length - b[1].name.length || a[1].code - b[1].code).slice(0, 4).map(([, each]) => each);
  };
  const remember = (code) => { const used = often(); used[code] = (used[code] || 0) + 1; window.windowQueue.write("often", used); };
  /* A list under a field: shows `rows`, keeps which one is marked, tells `chosen`. */
  class List {
    constructor(box, draw, chosen) { this.box = box; this.draw = draw; this.chosen = chosen; this.rows = []; this.at = 0; }
    show(rows) { this.rows = rows; this.at = 0; this.paint(); }
    paint() {
      this.box.replaceChildren(...this.rows.map((row, n) => {
        const made = document.createElement("div"); made.className = "opt"; made.id = `${this.box.id}-${n}`;
        made.setAttribute("role", "option"); made.setAttribute("aria-selected", n === this.at);
        made.append(...this.draw(row, n)); made.onclick = () => { this.at = n; this.paint(); this.take(); };
        return made;
      }));
    }
    move(step) { if (this.rows.length) { this.at = (this.at + step + this.rows.length) % this.rows.length; this.paint(); } }
    get now() { return this.rows[this.at]; }
    take() { if (this.now) this.chosen(this.now); }
  }
  const span = (name, words) => { const made = document.createElement("span"); made.className = name; made.textContent = words; return made; };
  const keyed = (words) => { const made = document.createElement("kbd"); made.textContent = words; return made; };
  /* The initials with what was typed underlined. */
  const spelled = (initials, typed) => {
    const made = span("py", ""), at = initials.indexOf(typed.trim().toLowerCase());
    if (at < 0 || !typed.trim()) { made.textContent = initials; return made; }
    const mark = document.createElement("u"); mark.textContent = initials.slice(at, at + typed.trim().length);
    made.append(initials.slice(0, at), mark, initials.slice(at + typed.trim().length)); return made;
  };
  window.windowLists = { classesFor, villagesFor, remember, List, span, keyed, spelled };
})();
