/* The map (地图): MapLibre GL with this county's sources. One object per pane; told what to show by
   `command`, by the store's changes, and telling of clicks through `onPick`. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const { county, mapStyle, mapMarks, moments } = yw;
  const VENDOR = "/vendor/maplibre-gl/";
  const COALESCE_MS = 250;
  const CALM_MS = 2500; // people on the move are no news while the whole county is in view
  const CELLS_FROM = 1.6; // zoom steps above the county fit at which cells replace villages
  let library = null;
  let boundaries = null;

  /** Whether this browser draws WebGL; without it the desk shows the Plotly map. */
  function supported() {
    try {
      const canvas = document.createElement("canvas");
      return Boolean(canvas.getContext("webgl2") || canvas.getContext("webgl"));
    } catch {
      return false;
    }
  }

  function loadLibrary() {
    library =
      library ||
      new Promise((done, fail) => {
        const style = document.createElement("link");
        style.rel = "stylesheet";
        style.href = `${VENDOR}maplibre-gl.css`;
        const script = document.createElement("script");
        script.src = `${VENDOR}maplibre-gl-csp.js`;
        script.onload = () => {
          window.maplibregl.setWorkerUrl(`${VENDOR}maplibre-gl-csp-worker.js`);
          done(window.maplibregl);
        };
        script.onerror = fail;
        document.head.append(style, script);
      });
    return library;
  }

  const urlOf = (tier, detail) => tier && (tier[detail] || tier.url);

  /** Boundaries by hashed address; every pane of the page shares one copy. */
  function loadBoundaries() {
    boundaries =
      boundaries ||
      (async () => {
        const manifest = await yw.live.getJson("/geo/manifest.json");
        const names = ["county", "towns", "villages", "neighbours", "airport"];
        const files = await Promise.all(
          names.map((name) => {
            const url = urlOf(manifest.tiers[name], "low");
            return url ? yw.live.getJson(url) : mapStyle.EMPTY;
          }),
        );
        const geo = Object.fromEntries(names.map((name, i) => [name, files[i]]));
        return {
          ...geo,
          approval: manifest.approval,
          cellsUrl: urlOf(manifest.tiers.cells, "mid"),
        };
      })();
    return boundaries;
  }

  function eachPoint(geometry, visit) {
    const walk = (part) => (typeof part[0] === "number" ? visit(part) : part.forEach(walk));
    walk(geometry.coordinates);
  }
  function boundsOf(features) {
    const b = [180, 90, -180, -90];
    features.forEach((f) =>
      eachPoint(f.geometry, ([x, y]) => {
        b[0] = Math.min(b[0], x);
        b[1] = Math.min(b[1], y);
        b[2] = Math.max(b[2], x);
        b[3] = Math.max(b[3], y);
      }),
    );
    return [
      [b[0], b[1]],
      [b[2], b[3]],
    ];
  }
  function labelPoint(feature) {
    const own = feature.properties.label || feature.properties.seat;
    const given = typeof own === "string" ? JSON.parse(own) : own;
    if (Array.isArray(given)) return given;
    const [[w, s], [e, n]] = boundsOf([feature]);
    return [(w + e) / 2, (s + n) / 2];
  }
  class CountyMap {
    /** `options`: {k, mark, label, interactive, own (town code), labelled, onPick, padding}. */
    constructor(pane, options) {
      this.pane = pane;
      this.options = {
        k: 1,
        unit: 4.6,
        stroke: 1,
        mark: 14,
        label: 14.5,
        interactive: true,
        padding: 18,
        ...options,
      };
      this.layers = { cases: true, responders: true, alerts: true, density: true };
      this.marks = [];
      this.locked = false;
      this.dirty = { cases: new Set(), responders: new Set(), full: true };
    }

    async open() {
      const [lib, geo] = await Promise.all([loadLibrary(), loadBoundaries()]);
      this.geo = geo;
      this.towns = new Map(geo.towns.features.map((f) => [f.properties.code, f]));
      this.villages = new Map(geo.villages.features.map((f) => [f.properties.code, f]));
      const canvas = document.createElement("div");
      canvas.className = "map-canvas";
      this.svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      this.svg.setAttribute("class", "map-marks");
      this.pane.replaceChildren(canvas, this.svg);
      this.map = new lib.Map({
        container: canvas,
        style: this.style(),
        bounds: this.homeBounds(),
        fitBoundsOptions: { padding: this.padding() },
        interactive: this.options.interactive,
        dragRotate: false,
        pitchWithRotate: false,
        touchPitch: false,
        fadeDuration: 0,
        attributionControl: false,
        maxZoom: 17,
        minZoom: 7,
        trackResize: false,
        keyboard: false,
        localIdeographFontFamily: '"Inter","Noto Sans CJK SC","Noto Sans SC",sans-serif',
      });
      if (this.options.interactive) this.map.touchZoomRotate.disableRotation();
      await new Promise((done) => this.map.once("load", done));
      mapStyle.addIcons(this.map, this.options);
      this.sources = new yw.MapSources(this.map, new Map([...this.villages, ...this.towns]));
      this.watch();
      this.markFit();
      this.flush();
      this.pane.dataset.ready = "1";
      return this;
    }

    style() {
      return {
        version: 8,
        sources: mapStyle.sources(this.geo),
        layers: mapStyle.layers(this.options),
      };
    }
    padding() {
      return this.options.padding * this.options.k;
    }
    homeBounds() {
      const own = this.options.own && this.towns.get(this.options.own);
      return boundsOf(own ? [own] : this.geo.towns.features);
    }

    watch() {
      const { map } = this;
      const redraw = () => this.drawMarks();
      map.on("move", redraw);
      map.on("zoomend", () => this.useCells());
      const lock = (event) => {
        if (event.originalEvent) this.locked = true;
      };
      map.on("dragstart", lock);
      map.on("zoomstart", lock);
      new ResizeObserver(() => this.resized()).observe(this.pane);
      this.svg.addEventListener("click", (event) => this.pickMark(event.target));
      this.svg.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") this.pickMark(event.target);
      });
      map.on("click", (event) => this.pickPoint(event));
      county.listen((change) => this.changed(change));
    }

    /** The pane changed: fit again, unless a person has moved the view. */
    resized() {
      if (!this.pane.clientWidth) return;
      this.map.resize();
      if (this.locked) this.drawMarks();
      else this.fit(0);
      this.markFit();
    }
    fit(duration = 600) {
      this.locked = false;
      this.map.fitBounds(this.homeBounds(), { padding: this.padding(), duration });
      if (!duration) this.drawMarks();
    }
    /** The share of the pane that the home area fills, told to tests and to the scale bar. */
    markFit() {
      const [[w, s], [e, n]] = this.homeBounds();
      const a = this.map.project([w, n]);
      const b = this.map.project([e, s]);
      if (!this.locked) {
        this.fitZoom = this.map.getZoom();
        this.map.setLayoutProperty("responders", "icon-size", mapStyle.iconSize(this.fitZoom));
        this.map.setPaintProperty("responders", "icon-opacity", mapStyle.iconOpacity(this.fitZoom));
      }
      const share = Math.max(
        (b.x - a.x) / this.pane.clientWidth,
        (b.y - a.y) / this.pane.clientHeight,
      );
      this.pane.dataset.fill = share.toFixed(2);
      this.drawMarks();
    }
    zoom(by) {
      this.locked = true;
      this.map.zoomTo(this.map.getZoom() + by, { duration: 200 });
    }
    fitFeature(feature) {
      this.locked = true;
      this.map.fitBounds(boundsOf([feature]), { padding: 60, duration: 600 });
    }
    flyTo(lon, lat, zoom = 13) {
      if (!Number.isFinite(lon)) return;
      this.locked = true;
      this.map.easeTo({
        center: [lon, lat],
        zoom: Math.max(zoom, this.map.getZoom()),
        duration: 600,
      });
    }

    /* ---- what is shown --------------------------------------------------------------------- */

    changed(change) {
      if (change.full) this.dirty.full = true;
      (change.incidents || []).forEach((id) => this.dirty.cases.add(id));
      (change.responders || []).forEach((id) => this.dirty.responders.add(id));
      if (change.full || change.incidents || change.alerts) this.later();
      else if (change.responders) this.later(this.isWhole() ? CALM_MS : COALESCE_MS);
    }
    isWhole() {
      return this.map.getZoom() < this.fitZoom + CELLS_FROM;
    }
    /** Draw at once after a quiet moment, else in 250 ms; urgent changes pass the pace of positions. */
    later(wait = Math.max(0, COALESCE_MS - (Date.now() - (this.flushedAt || 0)))) {
      const due = Date.now() + wait;
      if (this.timer && this.due <= due) return;
      clearTimeout(this.timer);
      this.due = due;
      this.timer = setTimeout(() => this.flush(), wait);
    }
    /** Marks of what matters, chosen by the page: the same keys stand in its lists. */
    setMarks(marks) {
      this.marks = marks;
      this.later();
    }
    /** A command from a callback: {layers?, selected?, fit?, fly?, candidates?}. */
    command(command) {
      if (!command) return;
      if (command.layers) this.setLayers(command.layers);
      if (command.fit) this.fit();
      if (command.fly) this.flyTo(command.fly[0], command.fly[1]);
      if ("candidates" in command) this.sources.showCandidates(command.candidates);
      this.later();
    }
    setLayers(layers) {
      this.layers = { ...this.layers, ...layers };
      const show = (ids, on) =>
        ids.forEach((id) => this.map.setLayoutProperty(id, "visibility", on ? "visible" : "none"));
      show(["cases-cluster", "cases-count", "cases-one"], this.layers.cases);
      show(["responders", "tracks"], this.layers.responders);
      show(["areas-fill", "areas-line"], this.layers.alerts);
      this.dirty.full = true;
    }
    repaint() {
      mapStyle.repaint(this.map, this.options);
    }

    flush() {
      clearTimeout(this.timer);
      this.timer = 0;
      this.flushedAt = Date.now();
      if (!this.map) return;
      const started = performance.now();
      const marked = this.marks.filter((m) => m.key).flatMap((m) => m.covers || [m.id]);
      this.sources.draw(this.dirty, { density: this.layers.density, marked: new Set(marked) });
      this.drawMarks();
      this.dirty = { cases: new Set(), responders: new Set(), full: false };
      this.pane.dataset.drawMs = (performance.now() - started).toFixed(1);
    }

    /** Cells are fetched once, when the view comes close enough to tell them apart. */
    async useCells() {
      if (this.sources.cellsLoaded || !this.geo.cellsUrl || this.isWhole()) return;
      this.sources.cellsLoaded = true;
      this.map.getSource("cells").setData(await yw.live.getJson(this.geo.cellsUrl));
      ["cells-fill", "cells-line"].forEach((id) =>
        this.map.setLayerZoomRange(id, Math.min(16, this.fitZoom + CELLS_FROM), 24),
      );
      this.later();
    }

    drawMarks() {
      if (!this.map || !this.svg) return;
      const pane = { w: this.pane.clientWidth, h: this.pane.clientHeight };
      const { own } = this.options;
      const names = own ? this.villageNames(own) : this.townNames();
      mapMarks.render(this.svg, (p) => this.map.project(p), pane, {
        k: this.options.k,
        mark: this.options.mark,
        label: this.options.label,
        labelled: this.options.labelled,
        marks: this.layers.alerts ? this.marks : [],
        names,
      });
      this.options.onMove?.(this);
    }
    townNames() {
      return [...this.towns.values()].map((f) => {
        const [lon, lat] = labelPoint(f);
        const count = this.sources.townCounts.get(f.properties.code) ?? 0;
        return {
          lon,
          lat,
          text: f.properties.short_name || f.properties.name,
          count: this.layers.cases ? String(count) : "",
        };
      });
    }
    villageNames(own) {
      return [...this.villages.values()]
        .filter((f) => f.properties.town_code === own)
        .map((f) => {
          const [lon, lat] = labelPoint(f);
          return {
            lon,
            lat,
            text: (f.properties.short_name || f.properties.name).replace(/(社区|村)$/, ""),
            count: "",
            village: true,
          };
        });
    }

    pickMark(target) {
      const mark = target.closest?.(".mark");
      if (mark) this.options.onPick?.({ kind: mark.dataset.kind, id: mark.dataset.id });
    }
    pickPoint(event) {
      const hits = this.map.queryRenderedFeatures(event.point, {
        layers: ["cases-one", "cases-cluster"],
      });
      if (!hits.length) return;
      const hit = hits[0];
      if (hit.properties.cluster) {
        this.flyTo(event.lngLat.lng, event.lngLat.lat, this.map.getZoom() + 1.5);
      } else {
        this.options.onPick?.({ kind: "incident", id: hit.properties.id });
      }
    }

    /** A round length for the scale bar and its pixels. */
    scale() {
      const y = this.pane.clientHeight - 10;
      const a = this.map.unproject([0, y]);
      const b = this.map.unproject([100, y]);
      const metres = a.distanceTo(b);
      const round =
        [100, 200, 500, 1000, 2000, 5000, 10000, 20000].find((m) => m >= metres * 0.45) || 20000;
      return {
        words: round < 1000 ? `${round} 米` : `${round / 1000} 千米`,
        px: (round / metres) * 100,
      };
    }
  }

  /** Fetch what a map needs before the page stands; it is read once the page has drawn its data. */
  function prepare() {
    const ahead = document.createElement("link");
    Object.assign(ahead, { rel: "preload", as: "script", href: `${VENDOR}maplibre-gl-csp.js` });
    document.head.append(ahead);
    loadBoundaries();
  }

  /** The library and the boundaries, for a page's own small map (选点). */
  const pieces = () => Promise.all([loadLibrary(), loadBoundaries()]);
  const open = (pane, options) => new CountyMap(pane, options).open();

  yw.map = { supported, prepare, pieces, labelPoint, boundsOf, open };
})();
