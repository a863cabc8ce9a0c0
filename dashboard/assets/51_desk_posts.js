/* Lists by post (按岗位的清单): which list is open, its rows as they are scrolled to, what is drawn of them. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const { county, live, moments, deskLists } = yw;
  const { esc, put } = yw.signs;
  const at = (id) => document.getElementById(id);
  const ROW_PX = 88; // every row of the list is as high: only those in view are drawn
  const SPARE = 6;
  const PAGE = 100;
  const view = { list: "", rows: [], total: 0, asking: new Set(), turn: 0, again: 0, chosen: null };

  const lists = () => county.state.owed_lists || [];
  const countOf = (name) =>
    name ? lists().find((l) => l.name === name)?.count || 0 : county.state.owed_total;
  const labelOf = (name) => lists().find((l) => l.name === name)?.label || "";

  /** Rows of the open list by place; a gap is a row that nobody has scrolled to yet. */
  function rows() {
    if (!view.list) deskLists.matters().forEach((m, i) => (view.rows[i] = m));
    view.total = countOf(view.list);
    view.rows.length = Math.min(view.rows.length, view.total);
    return view.rows;
  }

  async function fetchPage(page) {
    const { turn, list } = view;
    const from = page * PAGE;
    if (view.asking.has(page)) return;
    view.asking.add(page);
    try {
      const asked = new URLSearchParams({ list, offset: from, limit: PAGE });
      const got = await live.getJson(`/api/v1/owed?${asked}`);
      if (turn !== view.turn) return;
      got.forEach((line, i) => (view.rows[from + i] = deskLists.matter(line)));
      if (got.length < PAGE) view.rows.length = from + got.length;
      draw();
    } catch (error) {
      console.warn("owed", error);
    } finally {
      if (turn === view.turn) view.asking.delete(page);
    }
  }

  /** Pages that the rows in view lie on; the whole list begins with what the stream brought. */
  function pagesInView() {
    const [first, last] = inView();
    const known = view.list ? 0 : county.state.owed.length;
    const pages = [];
    for (let page = Math.floor(first / PAGE); page * PAGE < last; page++)
      if ((page + 1) * PAGE > known) pages.push(page);
    return pages;
  }
  function inView() {
    const box = at("need-list");
    const first = Math.max(0, Math.floor(box.scrollTop / ROW_PX) - SPARE);
    return [first, Math.min(view.total, first + Math.ceil(box.clientHeight / ROW_PX) + 2 * SPARE)];
  }

  function open(name) {
    Object.assign(view, { list: name, rows: [], asking: new Set(), turn: view.turn + 1 });
    at("need-list").scrollTop = 0;
    yw.desk.draw();
    if (name) fetchPage(0);
  }
  /** What is owed has changed: the counts are new at once, rows in view are asked for again. */
  function changed() {
    if (!view.list || view.again) return;
    view.again = setTimeout(() => {
      Object.assign(view, { again: 0, asking: new Set(), turn: view.turn + 1 });
      rows();
      pagesInView().forEach(fetchPage);
    }, 150);
  }

  function tabs() {
    const all = [{ name: "", label: "全部", count: county.state.owed_total }, ...lists()];
    return all
      .map(({ name, label, count }) => {
        const on = view.list === name;
        const words = `class="${on ? "on" : ""}${count ? "" : " none"}" aria-selected="${on}" tabindex="${on ? 0 : -1}"`;
        return `<button type="button" role="tab" ${words} data-list="${esc(name)}">${esc(label)}<b>${count}</b></button>`;
      })
      .join("");
  }

  function empty() {
    const label = labelOf(view.list);
    const next = county.soonest(1)[0];
    const soon = next ? `<br>下一个时限 ${moments.limit(next.due)}　${esc(next.title)}` : "";
    if (view.list) return `<p class="empty"><b>${esc(label)}清单是空的</b><br>有新的会自动出现在这里</p>`;
    return `<p class="empty"><b>没有需要您处理的事</b>${soon || "<br>辖区内也没有在办案件，一切平稳"}</p>`;
  }

  /** Draw the lists, and of the open one the rows in view. */
  function draw(keys = view.keys || new Map(), chosen = view.chosen) {
    Object.assign(view, { keys, chosen });
    const box = at("need-list");
    if (!box) return;
    const known = rows();
    put(at("need-lists"), tabs());
    put(at("need-count"), String(county.state.owed_total));
    box.dataset.total = String(view.total);
    if (!view.total) return void put(box, empty());
    const [first, last] = inView();
    const now = moments.now();
    let html = "";
    for (let i = first; i < last; i++) {
      const row = known[i];
      const body = row ? deskLists.needRow(row, keys, chosen, now) : '<div class="need wait"></div>';
      html += `<div class="at" style="top:${i * ROW_PX}px">${body}</div>`;
    }
    const had = box.contains(document.activeElement) && document.activeElement !== box;
    put(box, `<div style="height:${view.total * ROW_PX}px">${html}</div>`);
    if (had) (box.querySelector(".need.on") || box).focus({ preventScroll: true });
    if (known.slice(first, last).length < last - first || html.includes("need wait"))
      pagesInView().forEach(fetchPage);
  }

  /** The row `by` places from the chosen one, brought into view. */
  function neighbour(by) {
    const known = rows();
    if (!known.length) return null;
    const i = known.findIndex((m) => m && m.id === view.chosen);
    const to = Math.min(known.length - 1, Math.max(0, i + by));
    show(to);
    return known[to] || known[0];
  }
  function show(index) {
    const box = at("need-list");
    const top = index * ROW_PX;
    if (top < box.scrollTop) box.scrollTop = top;
    if (top + ROW_PX > box.scrollTop + box.clientHeight)
      box.scrollTop = top + ROW_PX - box.clientHeight;
  }
  /** Bring the chosen row into view, if the open list has it. */
  function showChosen(id) {
    const i = rows().findIndex((m) => m && m.id === id);
    if (i >= 0) show(i);
  }
  /** Open the list `by` places further. */
  function turn(by) {
    const names = ["", ...lists().map((l) => l.name)];
    const next = (names.indexOf(view.list) + by + names.length) % names.length;
    open(names[next]);
    at("need-lists").querySelector(".on")?.focus();
  }

  function start() {
    at("need-lists").addEventListener("click", (event) => {
      const tab = event.target.closest("[data-list]");
      if (tab) open(tab.dataset.list);
    });
    at("need-lists").addEventListener("keydown", (event) => {
      const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
      if (!by) return;
      event.preventDefault();
      turn(by);
    });
    let asked = 0;
    at("need-list").addEventListener("scroll", () => {
      asked = asked || requestAnimationFrame(() => ((asked = 0), draw()));
    });
    county.listen((change) => {
      if (change.full || change.owed) changed();
    });
    setInterval(() => live.refreshOwed(), 60e3); // time alone makes a matter late (超期)
  }

  yw.deskPosts = { start, draw, neighbour, showChosen, turn, open };
})();
