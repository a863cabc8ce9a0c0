/* Map marks (标记): names of towns and the signs of what matters, drawn as SVG over the map.
   A mark keeps its place; where it would cover another it moves out on a leader, its anchor stays. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const { esc, shape, COLOURS } = yw.signs;
  const SHORT = 9;
  const CROWD = 60; // more marks without a key than this are drawn small, and names lie over them

  const HERE = { dx: 0, dy: 0, side: "r" };

  const width = (text, px) =>
    [...String(text)].reduce((w, c) => w + (c.charCodeAt(0) > 0x2e7f ? 1 : 0.58), 0) * px;
  const box = (x, y, w, h) => ({ l: x - w / 2, r: x + w / 2, t: y - h / 2, b: y + h / 2 });
  function overlap(a, b) {
    const w = Math.min(a.r, b.r) - Math.max(a.l, b.l);
    const h = Math.min(a.b, b.b) - Math.max(a.t, b.t);
    return w > 0 && h > 0 ? w * h : 0;
  }
  const sum = (rect, others) => others.reduce((n, other) => n + overlap(rect, other), 0);
  function outside(rect, pane) {
    return (
      Math.max(0, -rect.l) +
      Math.max(0, rect.r - pane.w) +
      Math.max(0, -rect.t) +
      Math.max(0, rect.b - pane.h)
    );
  }

  /** Places a mark may take: on its spot first, then out along a leader, near before far. */
  function seats(r) {
    const out = [
      { dx: 0, dy: 0, side: "r" },
      { dx: 0, dy: 0, side: "l" },
    ];
    [3, 4.6, 6.6, 9].forEach((far) => {
      for (let i = 0; i < 16; i++) {
        const a = (i / 16) * 2 * Math.PI;
        const side = Math.cos(a) < -0.1 ? "l" : "r";
        out.push({ dx: far * r * Math.cos(a), dy: far * r * Math.sin(a), side });
      }
    });
    return out;
  }

  function boxesOf(mark, seat, r, font) {
    const x = mark.x + seat.dx;
    const y = mark.y + seat.dy;
    const size = (mark.focus ? 3.9 : 2.3) * r;
    const boxes = [box(x, y, size, size)];
    if (mark.label) {
      const w = width(mark.label, font) + r * 0.6;
      const gap = r * (mark.focus ? 2.1 : 1.3) + w / 2;
      boxes.push(box(x + (seat.side === "l" ? -gap : gap), y, w, font * 1.25));
    }
    return boxes;
  }

  /** Choose a seat for every mark: what was placed is not covered, leaders stay short, nothing leaves the pane. */
  function seatMarks(marks, pane, r, font) {
    const taken = [];
    const seated = marks.filter((m) => !m.small);
    const anchors = seated.map((m) => box(m.x, m.y, r, r));
    const order = seated
      .map((mark, index) => [mark, index])
      .sort(([a], [b]) => Number(Boolean(b.focus)) - Number(Boolean(a.focus)));
    order.forEach(([mark, index]) => {
      const others = anchors.filter((_, i) => i !== index);
      let best = null;
      seats(r)
        .slice(0, mark.focus ? 2 : mark.key ? undefined : 1)
        .forEach((seat) => {
          const boxes = boxesOf(mark, seat, r, font);
          const far = Math.hypot(seat.dx, seat.dy);
          const cost =
            boxes.reduce(
              (n, b) => n + sum(b, taken) * 3 + sum(b, others) + outside(b, pane) * r * 9,
              0,
            ) +
            far * r * 0.34 +
            (seat.side === "l" ? 2 : 0);
          if (!best || cost < best.cost) best = { cost, seat, boxes };
        });
      mark.seat = best.seat;
      taken.push(...best.boxes);
    });
    return taken;
  }

  function seatNames(names, taken, font) {
    const shifts = [
      [0, 0],
      [0, -1.1],
      [0, 1.1],
      [-1.2, 0],
      [1.2, 0],
      [-1.2, -1.1],
      [1.2, -1.1],
      [-1.2, 1.1],
      [1.2, 1.1],
      [0, -2.2],
      [0, 2.2],
    ];
    const placed = [...taken];
    names.forEach((name) => {
      const w = width(name.text, font) + width(name.count, font * 0.92) + font * 0.4;
      let best = null;
      shifts.forEach(([sx, sy]) => {
        const b = box(name.x + sx * font, name.y + sy * font, w, font * 1.3);
        const cost = sum(b, placed) + Math.hypot(sx, sy) * font * font * 0.35;
        if (!best || cost < best.cost) best = { cost, b, dx: sx * font, dy: sy * font };
      });
      // a village's name that would lie over others is left out; a town's always stands
      const own = (best.b.r - best.b.l) * (best.b.b - best.b.t);
      name.hidden = name.village && sum(best.b, placed) > own * 0.3;
      if (name.hidden) return;
      name.dx = best.dx;
      name.dy = best.dy;
      placed.push(best.b);
    });
  }

  function drawName(n, font) {
    const count =
      n.count === ""
        ? ""
        : `<tspan class="n" dx="${font * 0.28}" font-size="${font * 0.92}">${esc(n.count)}</tspan>`;
    return `<text class="town halo${n.dim ? " dim" : ""}" x="${n.x + n.dx}" y="${n.y + n.dy}" font-size="${font}">${esc(n.text)}${count}</text>`;
  }

  function drawLeader(m, r) {
    const { dx, dy } = m.seat;
    if (!dx && !dy) return "";
    const d = `M${m.x} ${m.y}L${m.x + dx} ${m.y + dy}`;
    return (
      `<path d="${d}" class="leader-case" stroke-width="${r * 0.28}"/>` +
      `<path d="${d}" class="leader" stroke-width="${r * 0.09}"/>` +
      `<circle cx="${m.x}" cy="${m.y}" r="${r * 0.26}" class="anchor" stroke-width="${r * 0.1}"/>`
    );
  }

  function drawMark(m, base, font) {
    const r = base * (m.focus ? 1.2 : m.key ? 1 : m.small ? 0.27 : 0.55);
    const x = m.x + m.seat.dx;
    const y = m.y + m.seat.dy;
    const colour = COLOURS[m.colour];
    const ink = colour ? `var(${colour.fill})` : "var(--text)";
    let s = "";
    if (m.focus) {
      const loop = m.pulse ? ' class="pulse"' : "";
      s += `<circle cx="${x}" cy="${y}" r="${r * 1.5}" fill="none" stroke="${ink}" stroke-width="${r * 0.13}"/>`;
      s += `<circle${loop} cx="${x}" cy="${y}" r="${r * 1.95}" fill="none" stroke="${ink}" stroke-opacity=".4" stroke-width="${r * 0.1}"/>`;
    }
    s += colour
      ? `<g fill="${ink}" stroke="var(--map-casing)" stroke-width="${r * 0.16}" paint-order="stroke">${shape(m.colour, r, x, y)}</g>`
      : `<rect x="${x - r * 0.86}" y="${y - r * 0.86}" width="${r * 1.72}" height="${r * 1.72}" rx="${r * 0.3}" fill="${ink}" stroke="var(--map-casing)" stroke-width="${r * 0.16}"/>`;
    if (m.key) {
      const dy = m.colour === "yellow" ? r * 0.22 : 0;
      const on = colour ? `var(${colour.on})` : "var(--text-inverse)";
      s += `<text class="mark-key" x="${x}" y="${y + dy}" font-size="${r * 1.05}" fill="${on}">${esc(m.key)}</text>`;
    }
    if (m.over) {
      s += `<rect x="${x - r * 1.15}" y="${y - r * 1.15}" width="${r * 2.3}" height="${r * 2.3}" rx="${r * 0.4}" class="over" stroke-width="${r * 0.16}" stroke-dasharray="${r * 0.4} ${r * 0.25}"/>`;
    }
    if (m.label) {
      const left = m.seat.side === "l";
      const gap = r * (m.focus ? 2.25 : 1.45);
      s += `<text class="mark-label halo" x="${x + (left ? -gap : gap)}" y="${y}" text-anchor="${left ? "end" : "start"}" font-size="${font}">${esc(m.label)}</text>`;
    }
    const name = `${m.key ? `${m.key} ` : ""}${colour ? `${colour.word}色预警 ` : ""}${m.title}`;
    return `<g class="mark" data-kind="${m.kind}" data-id="${esc(m.id)}" role="button" tabindex="${m.key ? 0 : -1}" aria-label="${esc(name)}">${s}</g>`;
  }

  const shorten = (title) => {
    const chars = [...String(title)];
    return chars.length > SHORT ? `${chars.slice(0, SHORT - 1).join("")}…` : title;
  };

  /**
   * Draw names and marks for the present view. `project` turns [lon, lat] into pixels;
   * `options` = {k, mark, label, marks, names}. Seats are kept between calls with the same `seatKey`.
   */
  function render(svg, project, pane, options) {
    const r = options.mark * options.k;
    const font = options.label * options.k;
    const spot = (item) => {
      const p = project([item.lon, item.lat]);
      return { ...item, x: p.x, y: p.y };
    };
    const marks = options.marks
      .filter((m) => Number.isFinite(m.lon))
      .map((m) => {
        const label = options.labelled !== false && m.key ? shorten(m.title) : "";
        return { ...spot(m), label };
      })
      .filter((m) => m.x > -r && m.x < pane.w + r && m.y > -r && m.y < pane.h + r);
    const plain = marks.filter((m) => !m.key && !m.focus);
    if (plain.length > CROWD) plain.forEach((m) => Object.assign(m, { small: true, seat: HERE }));
    const names = options.names
      .map(spot)
      .filter((n) => n.x > 0 && n.x < pane.w && n.y > font && n.y < pane.h);
    seatNames(names, seatMarks(marks, pane, r, font), font);
    svg.setAttribute("viewBox", `0 0 ${pane.w} ${pane.h}`);
    const back = marks.filter((m) => !m.small).reverse();
    const small = marks.filter((m) => m.small);
    const html =
      small.map((m) => drawMark(m, r, font)).join("") +
      names.map((n) => (n.hidden ? "" : drawName(n, font))).join("") +
      back.map((m) => drawLeader(m, r)).join("") +
      back.map((m) => drawMark(m, r, font)).join("");
    yw.signs.put(svg, html);
  }

  yw.mapMarks = { render };
})();
