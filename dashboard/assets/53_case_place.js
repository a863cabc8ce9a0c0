/* Where a case is (定位): found by name, then a point on a small map; a village alone will do. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const make = (...given) => yw.caseForm.make(...given);
  const GROUND = [
    "ground", "neighbours", "villages-fill", "cells-line", "villages-line", "towns-line", "county-line", "airport",
  ];
  const KNOWN = ["neighbours", "cells", "villages", "towns", "county", "airport"];
  const NEAR = 13.4;
  const NAMES_FROM = 11.4; // below it towns are named, above it villages
  const STEP = 48; // pixels an arrow key moves the map
  const LIGHT = "/mobile/report_map.js";

  /* ---- the map ------------------------------------------------------------------------------- */

  const nameOf = (feature) => feature.properties.short_name || feature.properties.name;
  const labels = (features) =>
    features.map((f) => {
      const [lon, lat] = yw.map.labelPoint(f);
      return { lon, lat, text: nameOf(f), count: "", village: true };
    });

  /** Nothing but lines is drawn here, so those within a town stand out more than on the great map. */
  function lines() {
    const ink = getComputedStyle(document.documentElement).getPropertyValue("--line-strong").trim();
    return yw.mapStyle
      .layers({ k: 1, stroke: 1, own: null, dots: false })
      .filter((layer) => GROUND.includes(layer.id))
      .map((layer) =>
        ["cells-line", "villages-line"].includes(layer.id)
          ? { ...layer, paint: { ...layer.paint, "line-color": ink } }
          : layer,
      );
  }

  /** Draw the county into `pane`; a click, or Enter on the cross, tells `onPoint`. */
  async function drawMap(pane, at, onPoint) {
    const [lib, geo] = await yw.map.pieces();
    const all = yw.mapStyle.sources(geo);
    const canvas = make("div", { className: "map-canvas" });
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", "map-marks");
    const pin = make("i", { className: "pin", hidden: true });
    pane.prepend(canvas, svg, pin);
    const map = new lib.Map({
      container: canvas,
      style: {
        version: 8,
        sources: Object.fromEntries(KNOWN.map((name) => [name, all[name]])),
        layers: lines(),
      },
      ...(at
        ? { center: at, zoom: NEAR }
        : { bounds: yw.map.boundsOf(geo.towns.features), fitBoundsOptions: { padding: 8 } }),
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      fadeDuration: 0,
      attributionControl: false,
      keyboard: false,
      minZoom: 7,
      maxZoom: 17,
    });
    map.touchZoomRotate.disableRotation();
    const towns = labels(geo.towns.features);
    const villages = labels(geo.villages.features);
    let point = at;
    const redraw = () => {
      const size = { w: pane.clientWidth, h: pane.clientHeight };
      const names = map.getZoom() < NAMES_FROM ? towns : villages;
      yw.mapMarks.render(svg, (p) => map.project(p), size, { k: 1, mark: 10, label: 12, marks: [], names });
      pin.hidden = !point;
      if (!point) return;
      const { x, y } = map.project(point);
      pin.style.transform = `translate(${x}px, ${y}px)`;
    };
    map.on("move", redraw);
    map.on("click", ({ lngLat }) => onPoint([lngLat.lng, lngLat.lat]));
    await new Promise((done) => map.once("load", done));
    redraw();
    yw.live.getJson(geo.cellsUrl).then((cells) => map.getSource("cells")?.setData(cells), () => {});
    return {
      mark: (next) => {
        point = next;
        redraw();
      },
      go: (lon, lat, zoom) => map.easeTo({ center: [lon, lat], zoom: Math.max(zoom, map.getZoom()), duration: 400 }),
      pan: (x, y) => map.panBy([x * STEP, y * STEP], { duration: 120 }),
      zoom: (by) => map.zoomTo(map.getZoom() + by, { duration: 160 }),
      middle: () => [map.getCenter().lng, map.getCenter().lat],
      gone: () => map.remove(),
    };
  }

  /** Without WebGL: the boundaries around a found place as a light drawing, a click is a point. */
  async function drawLight(pane, at, onPoint) {
    await yw.caseChoose.script(LIGHT);
    const box = make("div", { className: "light" });
    pane.prepend(box);
    let centre = at;
    let span = 900;
    let point = at;
    async function draw() {
      if (!centre) return void (box.textContent = "先按名称找到大致位置，再在图上点");
      const [lon, lat] = centre;
      const found = await yw.live.getJson(`/report/near?lon=${lon}&lat=${lat}&frame=cgcs2000`);
      const size = { width: pane.clientWidth, height: pane.clientHeight };
      const offset = point ? metresBetween(centre, point) : [0, 0];
      const drawn = window.lightMap.draw(box, found, { ...size, span, pin: offset, labels: true });
      box.firstChild.addEventListener("click", (event) =>
        onPoint(window.lightMap.shift(centre, drawn.metres(event))),
      );
    }
    const move = (next) => {
      centre = next;
      return draw();
    };
    await draw();
    return {
      mark: (next) => {
        point = next;
        draw();
      },
      go: (lon, lat) => move([lon, lat]),
      pan: (x, y) => centre && move(window.lightMap.shift(centre, [x * span * 0.1, -y * span * 0.1])),
      zoom: (by) => {
        span = Math.min(2000, Math.max(300, span * (by > 0 ? 0.6 : 1.7)));
        draw();
      },
      middle: () => centre,
      gone: () => {},
    };
  }
  const metresBetween = ([lon, lat], [toLon, toLat]) => [
    (toLon - lon) * 111320 * Math.cos((lat * Math.PI) / 180),
    (toLat - lat) * 110940,
  ];

  /* ---- the field ----------------------------------------------------------------------------- */

  /** Say where a point lies, in words; null for a point outside the county. */
  async function placeOf([lon, lat]) {
    const where = await yw.live.getJson(`/api/v1/areas/at?lon=${lon}&lat=${lat}&frame=cgcs2000`);
    if (!where.cell_code) return null;
    const codes = [where.town_code, where.village_code];
    const areas = await Promise.all(codes.map((code) => yw.live.getJson(`/api/v1/areas/${code}`)));
    const names = areas.map((area) => area.short_name || area.name).join(" · ");
    return `${names} 第 ${Number(String(where.cell_code).slice(-3))} 网格`;
  }

  function field(spec) {
    const state = { point: null, village: null, outside: false, asked: 0 };
    const start = Number.isFinite(spec.lon) ? [spec.lon, spec.lat] : null;
    let map = null;
    const said = make("p", { className: "hint" });
    const pane = make("div", { className: "map-pick", tabIndex: 0 });
    pane.setAttribute("role", "application");
    pane.setAttribute("aria-label", "地图：方向键移动，加减号缩放，回车把十字处定为位置");
    const tools = make("div", { className: "tools" });
    for (const [word, title, by] of [["+", "放大", 1], ["−", "缩小", -1]]) {
      const button = make("button", { type: "button", textContent: word, title, ariaLabel: title });
      button.addEventListener("click", () => map?.zoom(by));
      tools.append(button);
    }
    pane.append(make("i", { className: "cross" }), tools);

    async function setPoint(point) {
      const turn = ++state.asked;
      Object.assign(state, { point, village: null, outside: false });
      map.mark(point);
      said.textContent = "正在查是哪个网格…";
      const words = await placeOf(point).catch(() => "");
      if (turn !== state.asked) return;
      state.outside = words === null;
      const where = `${point[0].toFixed(6)}，${point[1].toFixed(6)}`;
      said.textContent = words === null ? "这一点不在本县网格内，请重新选点" : `定在 ${words || where}`;
    }
    function take(place) {
      state.asked++;
      const whole = place.tier === "village";
      Object.assign(state, { point: null, outside: false, village: whole ? place : null });
      map?.mark(null);
      map?.go(place.lon, place.lat, place.tier === "town" ? 12 : NEAR);
      said.textContent = whole
        ? `只定到 ${place.label}；在图上点一下，可以定到点`
        : "请在图上点出位置，或选到村（社区）";
    }
    const search = yw.caseChoose.box({ ...yw.caseChoose.places(), label: spec.label, onTake: take });
    search.input.value = spec.said;
    search.input.addEventListener("focus", () => search.input.select());
    said.textContent = start ? "在图上点新的位置，或按名称找" : "按名称找，或直接在图上点";
    pane.addEventListener("keydown", (event) => {
      if (event.target !== pane || !map) return;
      const move = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
      if (move) map.pan(...move);
      else if (["+", "="].includes(event.key)) map.zoom(1);
      else if (["-", "_"].includes(event.key)) map.zoom(-1);
      else if (event.key === "Enter" && map.middle()) setPoint(map.middle());
      else return;
      event.preventDefault();
    });
    const begin = yw.map.supported() ? drawMap : drawLight;
    // once the pane has a size
    requestAnimationFrame(() =>
      begin(pane, start, setPoint).then(
        (made) => {
          map = made;
          pane.dataset.ready = "1";
          if (!pane.isConnected) map.gone();
        },
        () => {
          said.textContent = "没有取到地图，可以按名称选到村（社区）";
        },
      ),
    );
    const node = make("div", { className: "field where" });
    node.append(search.node, pane, said);
    return {
      node,
      check: () => {
        if (state.outside) return "这一点不在本县网格内，请重新选点";
        return state.point || state.village ? "" : "请在图上点出位置，或选一个村（社区）";
      },
      take: (body) => {
        if (state.village) return yw.caseFields.put(body, "data.village_code", state.village.code);
        const [lon, lat] = state.point;
        body.position = { lon, lat, frame: "cgcs2000" };
      },
      focus: search.focus,
      gone: () => {
        search.gone();
        map?.gone();
      },
    };
  }

  yw.casePlace = { field };
})();
