/* Where Dash's callbacks and these scripts meet (页面桥): functions that clientside callbacks name. */
(() => {
  "use strict";
  const yw = window.yiwang;

  // the stream and the map need nothing of the page: they begin while Dash still builds it
  if (/^\/(wall|desk)\b/.test(location.pathname)) yw.map.prepare();
  if (/^\/(wall|desk|case)\b/.test(location.pathname)) yw.live.start();

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    yiwang: {
      /** The page stands: begin its script; tells the scale that its charts are drawn with. */
      start() {
        if (document.getElementById("wall")) return yw.wall.start();
        if (document.getElementById("desk")) return yw.desk.start();
        if (document.getElementById("rota")) return yw.rota.start();
        if (document.getElementById("case")) return yw.casePage.start();
        return 1;
      },
      /** Put a part in its place, once its store says something. */
      place: (said, part) => (said ? part : window.dash_clientside.no_update),
      /** Layers ticked on the page become a command for the map. */
      layers(ticked) {
        const names = ["cases", "responders", "alerts", "density"];
        return {
          layers: Object.fromEntries(names.map((name) => [name, (ticked || []).includes(name)])),
        };
      },
      /** Pass a command from a store to the map. */
      tellMap(command) {
        const map = yw.desk.map();
        if (map) map.command(command);
        return window.dash_clientside.no_update;
      },
      /** A row of the table was clicked. */
      pickRow(cell) {
        if (cell && cell.rowId) yw.desk.select({ kind: "incident", id: cell.rowId }, false);
        return window.dash_clientside.no_update;
      },
      /** A case of the plain map was clicked. */
      pickPoint(click) {
        const id = click && click.points && click.points[0].customdata;
        if (id) yw.desk.select({ kind: "incident", id }, false);
        return window.dash_clientside.no_update;
      },
    },
  });
})();
