/* Signs (标志): every mark that carries meaning by shape and word, as SVG or HTML text. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const COLOURS = {
    red: { word: "红", fill: "--red", on: "--on-red", text: "redt" },
    orange: { word: "橙", fill: "--orange", on: "--on-orange", text: "orange" },
    yellow: { word: "黄", fill: "--yellow", on: "--on-yellow", text: "yellow" },
    blue: { word: "蓝", fill: "--blue", on: "--on-blue", text: "bluet" },
  };
  const ORDER = ["red", "orange", "yellow", "blue"];
  const ORDER_STATES = {
    unsigned: "未签收",
    signed: "已签收",
    enroute: "途中",
    onsite: "到场",
    done: "完成",
  };
  const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

  /** Text made safe for markup; every word from outside goes through here. */
  const esc = (text) => String(text ?? "").replace(/[&<>"']/g, (c) => ESCAPES[c]);

  function polygon(n, r, cx, cy, turn) {
    const points = [];
    for (let i = 0; i < n; i++) {
      const a = turn + (i * 2 * Math.PI) / n;
      points.push(`${(cx + r * Math.cos(a)).toFixed(1)},${(cy + r * Math.sin(a)).toFixed(1)}`);
    }
    return `<polygon points="${points.join(" ")}"/>`;
  }

  /** Octagon, diamond, triangle or circle of radius `r`: the shape an alert colour always has. */
  function shape(colour, r, cx = 0, cy = 0) {
    if (colour === "red") return polygon(8, r * 1.02, cx, cy, Math.PI / 8);
    if (colour === "orange") return polygon(4, r * 1.12, cx, cy, 0);
    if (colour === "yellow") {
      const base = cy + r * 0.86;
      return `<polygon points="${cx},${cy - r * 1.06} ${cx + r * 1.1},${base} ${cx - r * 1.1},${base}"/>`;
    }
    return `<circle cx="${cx}" cy="${cy}" r="${r * 0.96}"/>`;
  }

  /** An alert sign; `size` is a CSS length, `word` a key or "" for none, `hollow` says why it is hollow. */
  function sign(colour, size, word, hollow) {
    const c = COLOURS[colour];
    const text = word === undefined ? c.word : word;
    const box = `width="100" height="100" viewBox="-50 -50 100 100" style="width:${size};height:${size}"`;
    const dy = colour === "yellow" ? 16 : 0;
    if (hollow) {
      return (
        `<svg class="sign" ${box} role="img" aria-label="${c.word}色 ${esc(hollow)}">` +
        `<g fill="none" stroke="var(--text-3)" stroke-width="6">${shape(colour, 40)}</g></svg>`
      );
    }
    const px = /\d/.test(String(text)) || colour === "red" || colour === "blue" ? 46 : 40;
    const letter =
      text === ""
        ? ""
        : `<text y="${dy}" text-anchor="middle" dominant-baseline="central" font-size="${px}"` +
          ` font-weight="700" fill="var(${c.on})">${esc(text)}</text>`;
    return (
      `<svg class="sign" ${box} role="img" aria-label="${c.word}色">` +
      `<g fill="var(${c.fill})">${shape(colour, 44)}</g>${letter}</svg>`
    );
  }

  const key = (word) => `<span class="key">${esc(word)}</span>`;

  /** Incident level (级): 一级 filled, 二级 outlined, 三四级 faint. Never a hue. */
  const level = (n) =>
    n >= 1 && n <= 4 ? `<span class="grade g${n}">${"〇一二三四"[n]}级</span>` : "";

  const DOTS = {
    onsite: '<circle cx="10" cy="10" r="8" fill="var(--force)"/>',
    enroute:
      '<circle cx="10" cy="10" r="8" fill="none" stroke="var(--force)" stroke-width="2"/>' +
      '<path d="M10 2A8 8 0 0 1 10 18Z" fill="var(--force)"/>',
    signed: '<circle cx="10" cy="10" r="8" fill="none" stroke="var(--force)" stroke-width="2"/>',
    unsigned:
      '<circle cx="10" cy="10" r="8" fill="none" stroke="var(--orange)" stroke-width="2"' +
      ' stroke-dasharray="4 2.9"/>',
    done:
      '<circle cx="10" cy="10" r="8" fill="none" stroke="var(--text-3)" stroke-width="2"/>' +
      '<path d="M6 10l3 3.200 5-6.400" fill="none" stroke="var(--text-2)" stroke-width="2"/>',
    none:
      '<circle cx="10" cy="10" r="8" fill="none" stroke="var(--text-3)" stroke-width="2"' +
      ' stroke-dasharray="2 3"/>',
  };

  /** The dot of one order's state (状态点); the word always stands beside it. */
  const dot = (state) =>
    `<svg class="dot" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">${DOTS[state] || DOTS.none}</svg>`;

  /** Remaining time as a bar that fills: neutral to 80 %, yellow to 100 %, hatched orange after. */
  const bar = (used, tone) =>
    `<span class="bar ${tone}"><i style="width:${Math.round(Math.min(1, used) * 100)}%"></i></span>`;

  /** Write `html` into `node` only when it differs, so that what is still stays still. */
  function put(node, html) {
    if (!node || node.ywHtml === html) return;
    node.innerHTML = html;
    node.ywHtml = html;
  }

  yw.signs = { COLOURS, ORDER, ORDER_STATES, esc, shape, sign, key, level, dot, bar, put };
})();
