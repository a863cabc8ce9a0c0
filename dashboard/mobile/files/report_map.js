/* A light map (简图): the boundaries around a point as SVG, in metres; no tiles, no library. */
(() => {
  "use strict";
  const NS = "http://www.w3.org/2000/svg";
  const make = (name, values, parent) => {
    const node = document.createElementNS(NS, name);
    for (const key in values) node.setAttribute(key, values[key]);
    if (parent) parent.appendChild(node);
    return node;
  };
  const path = (lines) => lines.map((line) => line.map(([x, y], n) => `${n ? "L" : "M"}${x} ${-y}`).join("")).join("");
  const LETTER = 13, MARGIN = 5;
  /* Where names stand, in pixels from the middle: whole, within the picture, not on the pin, the caption or another. */
  const placed = (lines, { width, height, scale, pin }) => {
    const taken = [{ x: pin[0] / scale, y: -pin[1] / scale - 6, w: 30, h: 34 }, { x: 44 - width / 2, y: height / 2 - 14, w: 88, h: 28 }], found = [];
    const free = (box) => taken.every((each) => Math.abs(each.x - box.x) * 2 >= each.w + box.w || Math.abs(each.y - box.y) * 2 >= each.h + box.h);
    const within = (at, half) => Math.min(Math.max(at, -half), half);
    for (const line of lines) {
      if (!line.name || !line.at) continue;
      const w = line.name.length * LETTER + MARGIN, x = within(line.at[0] / scale, (width - w) / 2 - MARGIN), at = -line.at[1] / scale;
      const box = [0, 24, -24].map((by) => ({ name: line.name, x, y: within(at + by, height / 2 - LETTER - MARGIN), w, h: LETTER + MARGIN })).find(free);
      if (!box || Math.abs(box.x - line.at[0] / scale) > w / 2) continue;
      taken.push({ ...box, y: box.y - LETTER / 3 }); found.push(box);
    }
    return found;
  };
  /* Draws `found` (answer of /report/near) `span` metres wide; `pin` is where the mark stands. */
  const draw = (box, found, { width, height, span, accuracy = 0, pin = [0, 0], labels = false, marks = [] }) => {
    const scale = span / width, tall = span * height / width;
    const svg = make("svg", { width, height, viewBox: `${-span / 2} ${-tall / 2} ${span} ${tall}`, role: "img", "aria-label": "位置图" });
    make("rect", { x: -span, y: -span * 2, width: span * 2, height: span * 4, fill: "var(--ramp-1)" }, svg);
    for (const line of found.lines) {
      const strong = line.tier === "village";
      make("path", { d: path(line.paths), fill: "none", stroke: strong ? "var(--map-town)" : "var(--surface-1)", "stroke-width": scale * (strong ? 2.5 : 2), "stroke-linejoin": "round" }, svg);
    }
    if (labels) for (const { name, x, y } of placed(found.lines, { width, height, scale, pin })) {
      const words = make("text", { x: x * scale, y: y * scale, fill: "var(--text-2)", "font-size": scale * LETTER, "text-anchor": "middle", stroke: "var(--ramp-1)", "stroke-width": scale * 3, "paint-order": "stroke" }, svg);
      words.textContent = name;
    }
    for (const mark of marks) {
      const size = scale * 18;
      make("rect", { x: mark.at[0] - size / 2, y: -mark.at[1] - size / 2, width: size, height: size, rx: scale * 3, fill: "var(--bg)", stroke: "var(--text-2)", "stroke-width": scale * 1.6 }, svg);
      const key = make("text", { x: mark.at[0], y: -mark.at[1] + scale * 4.5, fill: "var(--text)", "font-size": scale * 12, "text-anchor": "middle" }, svg);
      key.textContent = mark.key;
    }
    if (accuracy) make("circle", { cx: pin[0], cy: -pin[1], r: Math.min(Math.max(accuracy, scale * 14), span / 2), fill: "var(--text)", opacity: .12 }, svg);
    const at = make("g", { transform: `translate(${pin[0]} ${-pin[1]}) scale(${scale})` }, svg);
    make("path", { d: "M0 8c-9-10-11-13-11-18a11 11 0 0 1 22 0c0 5-2 8-11 18z", fill: "var(--text)" }, at);
    make("circle", { cx: 0, cy: -10, r: 4, fill: "var(--bg)" }, at);
    box.replaceChildren(svg);
    return { metres: (event) => {
      const size = svg.getBoundingClientRect();
      return [((event.clientX - size.left) / size.width - .5) * span, -((event.clientY - size.top) / size.height - .5) * tall];
    } };
  };
  /* Moves a point by metres; good to a millimetre over a few hundred metres. */
  const shift = ([lon, lat], [east, north]) => [lon + east / (111320 * Math.cos(lat * Math.PI / 180)), lat + north / 110940];
  window.lightMap = { draw, shift };
})();
