"""The left column of the case page (时间线): newest first, sifted by chips, however many."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard import ids
from dashboard.casefile.history import CHIPS, Entry
from dashboard.components import words
from dashboard.components.case_frames import small

_SHAPES = {"done": "d", "failed": "x", "waits": "w", "others": "f"}
FOLDED_FROM = 120  # characters: five lines of the column
SHOWN = 60
_SPOKEN = {"failed": "出了问题", "waits": "等您处理", "others": "等对方处理"}


def column() -> html.Section:
    """Return the column before any line stands in it; its list scrolls and is never replaced."""
    return html.Section(
        [
            html.Div(id=ids.CASE_CHIPS),
            html.Ol(id=ids.CASE_LINES, className="evs", tabIndex=0, **{"aria-label": "时间线"}),
            html.P("没有这一类记录", className="none t3", hidden=True),
            html.P("手机时间与入账时间都保留", className="foot t3"),
        ],
        className="pane l case-time",
        **{"aria-label": "时间线"},
    )


def above(case: dict[str, Any]) -> list[Any]:
    """Return what stands over the lines: how many there are, and the chips that sift them."""
    head = html.Div(
        [
            html.H2("时间线"),
            html.Span(str(len(case["entries"])), className="n"),
            html.Span(className="sp"),
            html.Span("新的在上", className="t3"),
        ],
        className="hd",
    )
    return [head, _chips(case["chips"])]


def lines(case: dict[str, Any]) -> list[html.Li]:
    """Return the lines themselves, newest first."""
    return [_line(each) for each in case["entries"]]


def _chips(counts: dict[str, int]) -> html.Div:
    return html.Div(
        [
            html.Button(
                [word, html.Small(str(counts[chip]))] if chip != "all" else word,
                type="button",
                **{"data-chip": chip, "aria-pressed": "true" if chip == "all" else "false"},
            )
            for chip, word in CHIPS.items()
        ],
        className="chips",
        role="group",
        **{"aria-label": "只看"},
    )


def _line(entry: Entry) -> html.Li:
    spoken = _SPOKEN.get(entry.mark)
    return html.Li(
        [
            html.Time(
                [words.dated(entry.at), *_claimed(entry)],
                dateTime=entry.at,
                title=words.exact(entry.at),
            ),
            html.I(**{"aria-hidden": "true"}),
            html.Div(
                [
                    html.B(f"{entry.who} {entry.words}"),
                    html.Span(f"（{spoken}）", className="sr") if spoken else None,
                    *_below(entry),
                    _photos(entry),
                ]
            ),
        ],
        className=f"ev {_SHAPES[entry.mark]}",
        **{"data-kinds": " ".join(sorted(entry.kinds)), "data-seq": str(entry.seq)},
    )


def _below(entry: Entry) -> list[Any]:
    """Return words and facts of a line; long words stay folded, the next line in view."""
    if len(entry.note) <= FOLDED_FROM:
        words_of = "　".join(part for part in (entry.note, *entry.facts) if part)
        return [html.P(words_of)] if words_of else []
    folded = html.Details([html.Summary(f"{entry.note[:SHOWN]}…"), html.P(entry.note)])
    return [folded, *([html.P("　".join(entry.facts))] if entry.facts else [])]


def _claimed(entry: Entry) -> list[Any]:
    """Return the phone's own time beside the one that counts (手机时间)."""
    if entry.claimed is None:
        return []
    said = f"手机 {words.since(entry.claimed, entry.at)}"
    return [html.Small(said, title=f"手机上是 {words.exact(entry.claimed)}；计时按入账时间")]


def _photos(entry: Entry) -> html.Div | None:
    if not entry.photos:
        return None
    return html.Div([small(photo) for photo in entry.photos], className="thumbs")
