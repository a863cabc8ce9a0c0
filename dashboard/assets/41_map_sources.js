/* Map sources (图上数据): turns the store into what MapLibre draws, a diff at a time. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const { county, moments } = yw;
  const STALE_MS = 30 * 60e3; // an older position (位置) is drawn hollow

  const feature = (id, lon, lat, properties) => ({
    type: "Feature",
    id,
    geometry: { type: "Point", coordinates: [lon, lat] },
    properties: { id, ...properties },
  });

  /** Steps 0–4 of the neutral ramp for a count, against the fullest area. */
  const stepOf = (count, most) =>
    count
      ? Math.min(4, Math.max(1, Math.ceil((4 * Math.log1p(count)) / Math.log1p(Math.max(most, 6)))))
      : 0;

  class MapSources {
    /** `areas`: features by code, to draw the area of an alert. */
    constructor(map, areas) {
      this.map = map;
      this.areas = areas;
      this.steps = new Map();
      this.townCounts = new Map();
      this.cellsLoaded = false;
      this.drawn = { cases: new Map(), responders: new Map() };
    }

    /** Draw what changed; `dirty` names the rows, `shown` says what density and marks take. */
    draw(dirty, shown) {
      this.count(shown);
      if (dirty.full || dirty.cases.size) this.drawCases(dirty);
      if (dirty.full || dirty.responders.size) this.drawResponders(dirty);
      this.drawAreas();
    }

    /** Open cases by town, village and cell: names carry the first, the ramp the others. */
    count({ density, marked }) {
      const towns = new Map();
      const villages = new Map();
      const cells = new Map();
      const add = (map, code) => {
        if (code) map.set(code, (map.get(code) || 0) + 1);
      };
      county.state.incidents.forEach((i) => {
        if (!marked.has(i.id)) add(towns, i.town_code);
        add(villages, i.village_code);
        add(cells, i.cell_code);
      });
      this.townCounts = towns;
      this.shade(density ? villages : new Map(), density ? cells : new Map());
    }
    shade(villages, cells) {
      const next = new Map();
      const put = (source, counts) => {
        const most = Math.max(0, ...counts.values());
        counts.forEach((count, id) =>
          next.set(`${source}:${id}`, [source, id, stepOf(count, most)]),
        );
      };
      put("villages", villages);
      if (this.cellsLoaded) put("cells", cells);
      next.forEach(([source, id, step], key) => {
        if (this.steps.get(key)?.[2] !== step) this.map.setFeatureState({ source, id }, { step });
      });
      this.steps.forEach(([source, id], key) => {
        if (!next.has(key)) this.map.setFeatureState({ source, id }, { step: 0 });
      });
      this.steps = next;
    }

    drawCases(dirty) {
      const at = moments.now();
      const wanted = (i) => i && i.lon !== null && i.lon !== undefined && i.level > 2;
      const shown = (i) => feature(i.id, i.lon, i.lat, { over: county.isOverdue(i, at) });
      this.apply(
        "cases",
        dirty.cases,
        dirty.full,
        county.state.incidents,
        wanted,
        shown,
        (i) => `${i.lon},${i.lat},${county.isOverdue(i, at)}`,
      );
    }
    drawResponders(dirty) {
      const at = moments.now();
      const wanted = (r) => r && r.lon !== null && r.lon !== undefined && r.state !== "off";
      const looks = (r) => {
        const state = at - r.seen > STALE_MS ? "stale" : r.state || "free";
        return `${r.kind === "worker" ? "worker" : "team"}-${state === "rest" ? "rest" : state}`;
      };
      const shown = (r) =>
        feature(r.id, r.lon, r.lat, {
          icon: looks(r),
          kind: r.kind,
          state: looks(r).split("-")[1],
          order: (r.kind === "worker" ? 0 : 2) + (r.state === "busy" ? 1 : 0),
        });
      this.apply(
        "responders",
        dirty.responders,
        dirty.full,
        county.state.responders,
        wanted,
        shown,
        (r) => `${r.lon},${r.lat},${looks(r)}`,
      );
    }
    /** Give one source its changes: a diff of what differs, or everything after a snapshot. */
    apply(name, ids, full, rows, wanted, shown, digest) {
      const source = this.map.getSource(name);
      const drawn = this.drawn[name];
      if (full) {
        drawn.clear();
        const features = [];
        rows.forEach((row) => {
          if (!wanted(row)) return;
          drawn.set(row.id, digest(row));
          features.push(shown(row));
        });
        return void source.setData({ type: "FeatureCollection", features });
      }
      const diff = { add: [], remove: [], update: [] };
      ids.forEach((id) => {
        const row = rows.get(id);
        const want = wanted(row) ? digest(row) : null;
        if (want === (drawn.get(id) ?? null)) return;
        if (want === null) {
          diff.remove.push(id);
          drawn.delete(id);
          return;
        }
        const f = shown(row);
        if (!drawn.has(id)) diff.add.push(f);
        else
          diff.update.push({
            id,
            newGeometry: f.geometry,
            addOrUpdateProperties: Object.entries(f.properties).map(([key, value]) => ({
              key,
              value,
            })),
          });
        drawn.set(id, want);
      });
      if (diff.add.length + diff.remove.length + diff.update.length) source.updateData(diff);
    }
    drawAreas() {
      const areas = county.firing().map((alert) => {
        const code = Number(alert.scope_code);
        const area = this.areas.get(code);
        return (
          area && { type: "Feature", geometry: area.geometry, properties: { colour: alert.colour } }
        );
      });
      const key = areas.map((a) => a && a.properties.colour + a.geometry.coordinates[0][0]).join();
      if (key === this.areasKey) return;
      this.areasKey = key;
      this.map
        .getSource("areas")
        .setData({ type: "FeatureCollection", features: areas.filter(Boolean).reverse() });
    }
    /** Candidates (推荐) with a dashed track to the case. */
    showCandidates(list) {
      const lines = (list || []).map((c) => ({
        type: "Feature",
        properties: {},
        geometry: { type: "LineString", coordinates: [c.from, c.to] },
      }));
      this.map.getSource("tracks").setData({ type: "FeatureCollection", features: lines });
    }
  }

  yw.MapSources = MapSources;
})();
