/* Map style (底图样式): sources and layers, all colours from the tokens, sizes times the screen's scale. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const EMPTY = { type: "FeatureCollection", features: [] };
  const NONE = ["==", ["literal", 1], 0];
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function sources(geo) {
    return {
      neighbours: { type: "geojson", data: geo.neighbours || EMPTY },
      county: { type: "geojson", data: geo.county || EMPTY },
      towns: { type: "geojson", data: geo.towns || EMPTY, promoteId: "code" },
      villages: { type: "geojson", data: geo.villages || EMPTY, promoteId: "code" },
      cells: { type: "geojson", data: EMPTY, promoteId: "code" },
      airport: { type: "geojson", data: geo.airport || EMPTY },
      areas: { type: "geojson", data: EMPTY },
      tracks: { type: "geojson", data: EMPTY },
      responders: { type: "geojson", data: EMPTY, promoteId: "id" },
      cases: {
        type: "geojson",
        data: EMPTY,
        promoteId: "id",
        cluster: true,
        clusterRadius: 44,
        clusterMaxZoom: 14,
      },
    };
  }

  /** Fill by feature-state `step` (0–4), one neutral ramp; outside the caller's own area always step 0. */
  function rampPaint(own) {
    const step = ["number", ["feature-state", "step"], 0];
    const ramp = [
      "match",
      step,
      1,
      token("--ramp-1"),
      2,
      token("--ramp-2"),
      3,
      token("--ramp-3"),
      4,
      token("--ramp-4"),
      token("--ramp-0"),
    ];
    return own ? ["case", ["==", ["get", "town_code"], own], ramp, token("--ramp-0")] : ramp;
  }
  const dim = (own, lit, out) =>
    own ? ["case", ["==", ["get", "town_code"], own], lit, out] : lit;

  const COLOUR_MATCH = () => [
    "match",
    ["get", "colour"],
    "red",
    token("--red"),
    "orange",
    token("--orange"),
    "yellow",
    token("--yellow"),
    token("--blue"),
  ];

  const isTeam = ["!=", ["get", "kind"], "worker"];
  /** Free workers stand small while the whole county is in view; teams and those at work never shrink. */
  const iconSize = (fit) => [
    "interpolate",
    ["linear"],
    ["zoom"],
    fit + 0.4,
    ["case", isTeam, 1, ["==", ["get", "state"], "busy"], 0.85, 0.42],
    fit + 2.4,
    1,
  ];
  const iconOpacity = (fit) => [
    "interpolate",
    ["linear"],
    ["zoom"],
    fit + 0.4,
    ["case", isTeam, 1, ["==", ["get", "state"], "busy"], 1, 0.55],
    fit + 2.4,
    1,
  ];

  /** Cases of level 3–4: counted circles, or plain dots where small figures could not be read. */
  function caseLayers(k, dots) {
    const count = ["get", "point_count"];
    const circle = {
      id: "cases-cluster",
      source: "cases",
      type: "circle",
      filter: ["has", "point_count"],
      paint: {
        "circle-radius": dots
          ? ["interpolate", ["linear"], ["sqrt", count], 1, 7 * k, 8, 26 * k]
          : ["step", count, 10.5 * k, 10, 12 * k, 100, 15 * k],
        "circle-color": dots ? token("--text-3") : token("--surface-3"),
        "circle-opacity": dots ? 0.55 : 1,
        "circle-stroke-color": dots ? token("--map-casing") : token("--text-2"),
        "circle-stroke-width": 1.2 * k,
      },
    };
    const figure = {
      id: "cases-count",
      source: "cases",
      type: "symbol",
      filter: dots ? NONE : ["has", "point_count"],
      layout: {
        "text-field": ["get", "point_count_abbreviated"],
        "text-size": 11.5 * k,
        "text-allow-overlap": true,
        "text-ignore-placement": true,
      },
      paint: { "text-color": token("--text") },
    };
    const one = {
      id: "cases-one",
      source: "cases",
      type: "symbol",
      filter: ["!", ["has", "point_count"]],
      layout: {
        "icon-image": ["case", ["get", "over"], "case-over", "case"],
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
      },
    };
    return [circle, figure, one];
  }

  /** Layers from the floor up; `k` scales widths, `own` is the town whose neighbours stand dimmed. */
  function layers({ k: scale, stroke, own, dots }) {
    const k = scale * stroke;
    const line = (id, source, paint, more = {}) => ({
      id,
      source,
      type: "line",
      paint,
      layout: { "line-join": "round", "line-cap": "round" },
      ...more,
    });
    return [
      { id: "ground", type: "background", paint: { "background-color": token("--bg") } },
      line("neighbours", "neighbours", {
        "line-color": token("--line"),
        "line-width": 1.4 * k,
      }),
      {
        id: "villages-fill",
        source: "villages",
        type: "fill",
        paint: { "fill-color": rampPaint(own), "fill-antialias": false },
      },
      {
        id: "cells-fill",
        source: "cells",
        type: "fill",
        minzoom: 12,
        paint: { "fill-color": rampPaint(own), "fill-antialias": false },
      },
      line(
        "cells-line",
        "cells",
        {
          "line-color": token("--map-village"),
          "line-width": 0.8 * k,
          "line-opacity": 0.6,
        },
        { minzoom: 12 },
      ),
      line("villages-line", "villages", {
        "line-color": token("--map-village"),
        "line-width": 1.2 * k,
        "line-opacity": dim(own, 0.75, 0.35),
      }),
      line("towns-line", "towns", {
        "line-color": token("--map-town"),
        "line-width": 1.7 * k,
        "line-opacity": own ? ["case", ["==", ["get", "code"], own], 1, 0.35] : 0.85,
      }),
      line("county-line", "county", { "line-color": token("--map-county"), "line-width": 2.6 * k }),
      line(
        "own-line",
        "towns",
        { "line-color": token("--text-2"), "line-width": 2.6 * k },
        { filter: own ? ["==", ["get", "code"], own] : NONE },
      ),
      line(
        "airport",
        "airport",
        { "line-color": token("--text-3"), "line-width": 3 * k, "line-opacity": 0.8 },
        { layout: { "line-cap": "butt" } },
      ),
      {
        id: "areas-fill",
        source: "areas",
        type: "fill",
        paint: { "fill-color": COLOUR_MATCH(), "fill-opacity": 0.13 },
      },
      line(
        "areas-line",
        "areas",
        {
          "line-color": COLOUR_MATCH(),
          "line-width": 2.6 * k,
          "line-dasharray": [3.2, 2],
        },
        { layout: { "line-join": "round", "line-cap": "butt" } },
      ),
      line(
        "tracks",
        "tracks",
        {
          "line-color": token("--force"),
          "line-width": 1.8 * k,
          "line-dasharray": [2.4, 1.8],
        },
        { layout: { "line-cap": "butt" } },
      ),
      {
        id: "responders",
        source: "responders",
        type: "symbol",
        layout: {
          "icon-image": ["get", "icon"],
          "icon-allow-overlap": true,
          "icon-ignore-placement": true,
          "symbol-sort-key": ["get", "order"],
        },
      },
      ...caseLayers(scale, dots),
    ];
  }

  function draw(size, ratio, paint) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = Math.ceil(size * ratio);
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.translate(size / 2, size / 2);
    paint(pen);
    return pen.getImageData(0, 0, canvas.width, canvas.height);
  }
  function square(pen, r, round) {
    pen.beginPath();
    pen.roundRect(-r, -r, 2 * r, 2 * r, round);
  }

  /** Responder marks: square = team or vehicle, circle = worker; filled free, hollow busy, grey stale. */
  function addIcons(map, { k, unit }) {
    const ratio = Math.max(1, window.devicePixelRatio || 1) * 2;
    const put = (name, size, paint) => {
      if (map.hasImage(name)) map.removeImage(name);
      map.addImage(name, draw(size, ratio, paint), { pixelRatio: ratio });
    };
    const r = unit * k;
    [
      ["team", true],
      ["worker", false],
    ].forEach(([kind, boxed]) => {
      ["free", "busy", "stale", "rest"].forEach((state) => {
        put(`${kind}-${state}`, 4 * r, (pen) => {
          const size = boxed ? r : r * 0.86;
          const ink = state === "free" || state === "busy" ? token("--force") : token("--stale");
          if (boxed) square(pen, size, r * 0.3);
          else {
            pen.beginPath();
            pen.arc(0, 0, size, 0, 7);
          }
          pen.fillStyle = state === "free" ? ink : token("--bg");
          pen.fill();
          pen.lineWidth = r * 0.36;
          pen.strokeStyle = state === "free" ? token("--bg") : ink;
          pen.stroke();
        });
      });
    });
    [
      ["case", "--text-2"],
      ["case-over", "--orange"],
    ].forEach(([name, ink]) => {
      put(name, 18 * k, (pen) => {
        square(pen, 4.6 * k, 1.6 * k);
        pen.fillStyle = token("--surface-3");
        pen.fill();
        pen.lineWidth = 1.4 * k;
        pen.strokeStyle = token(ink);
        pen.stroke();
      });
    });
  }

  /** Take the colours of the present theme into layers that are already drawn. */
  function repaint(map, options) {
    layers(options).forEach((layer) => {
      Object.entries(layer.paint || {}).forEach(([name, value]) =>
        map.setPaintProperty(layer.id, name, value),
      );
    });
    addIcons(map, options);
  }

  yw.mapStyle = { EMPTY, sources, layers, addIcons, iconSize, iconOpacity, repaint };
})();
