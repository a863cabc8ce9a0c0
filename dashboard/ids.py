"""Names of what callbacks and scripts address on a page (组件标识)."""

from __future__ import annotations

from typing import Final

BOOT: Final = "yw-boot"  # store: written once when a page stands, starts its script
PULSE: Final = "yw-pulse"  # interval: charts are read again
SCALE: Final = "yw-scale"  # store: CSS pixels per design pixel, for charts on the wall
THEME: Final = "yw-theme"  # store: "dark" or "light"
COMMAND: Final = "yw-command"  # store: what the map is told {layers, fly, fit}
SELECTED: Final = "yw-selected"  # store: {"kind": "incident" | "alert", "id", "rev"}
NO_GL: Final = "yw-no-gl"  # store: written when the browser has no WebGL

WALL_TREND: Final = "wall-trend"
WALL_RANKING: Final = "wall-ranking"

DESK_TREND: Final = "desk-trend"
DESK_RANKING: Final = "desk-ranking"
DESK_PANEL: Final = "desk-panel"
DESK_GRID: Final = "desk-grid"
DESK_LAYERS: Final = "desk-layers"
DESK_PLAIN_MAP: Final = "desk-plain-map"

CASE_HEAD: Final = "case-head"
CASE_CHIPS: Final = "case-chips"
CASE_LINES: Final = "case-lines"
CASE_MIDDLE: Final = "case-middle"
CASE_SIDE: Final = "case-side"
CASE_FOOT: Final = "case-foot"
CASE_SHOWN: Final = "case-shown"  # store: {"at"} written when the case is to be read again
CASE_NUMBER: Final = "case-number"  # store: whose page this is
CASE_COMPARED: Final = "case-compared"  # store: {"number"} of the twin that stands beside it
CASE_COMPARE_BODY: Final = "case-compare-body"

ADMIN_SAID: Final = "admin-said"  # what an act on an administration page led to
ADMIN_CHANGED: Final = "admin-changed"  # store: when something was changed last
