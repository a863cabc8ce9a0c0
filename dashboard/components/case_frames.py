"""Photos and documents of a case (证据): small in a line, large in pairs, a frame for none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.casefile.frames import RULES, Frame
from dashboard.components import words

KIND_WORDS = {"before": "处置前", "after": "处置后", "document": "文书"}


def small(photo: Mapping[str, Any]) -> Any:
    """Return a photo of a line as a thumbnail that opens; a document as a link."""
    word = KIND_WORDS[photo["kind"]]
    if not photo["thumbnail"]:
        return html.A("文书 PDF", href=photo["url"], className="pdf", target="_blank")
    return html.Button(
        html.Img(src=photo["thumbnail"], alt=word),
        type="button",
        **{"data-photo": photo["url"], "data-alt": word, "aria-label": f"看大图：{word}"},
    )


def frames_section(case: dict[str, Any]) -> html.Div:
    """Return before and after side by side, with what the check found and what still lacks."""
    rule = RULES.get(case["evidence"], "").format(within=f"{case['within_m']:.0f}")
    head = html.H4([html.Span("证据　前后对照"), html.Span(rule)])
    found: list[Frame] = case["frames"]
    if not found:
        return html.Div([head, html.P("还没有照片或文书", className="t3")], className="sec")
    return html.Div([head, frame_grid(found)], className="sec")


def frame_grid(found: list[Frame]) -> html.Div:
    """Return the frames alone, three in a row."""
    return html.Div([_frame(each) for each in found], className="frames")


def _frame(frame: Frame) -> html.Figure:
    return html.Figure(
        [_face(frame), html.Figcaption(_caption(frame))],
        className="lacks" if frame.photo is None else "",
    )


def _face(frame: Frame) -> Any:
    photo = frame.photo
    if photo is None:
        return html.Div(
            html.Span([frame.lacks, html.Br(), html.Small(frame.why)]), className="face empty"
        )
    if not photo["thumbnail"]:
        return html.A("PDF", href=photo["url"], target="_blank", className="face pdf")
    alt = f"{frame.label} {words.dated(frame.at)}"
    return html.Button(
        html.Img(src=photo["thumbnail"], alt=alt),
        type="button",
        className="face",
        **{"data-photo": photo["url"], "data-alt": alt, "aria-label": f"看大图：{alt}"},
    )


def _caption(frame: Frame) -> list[Any]:
    if frame.photo is None:
        word = "待拍" if frame.owed else "没有"
        return [html.B(frame.label), html.Span(f"　{word}", className="t3")]
    far = f"差 {words.metres(frame.metres)}" if frame.metres is not None else "没有拍摄位置"
    place = far if frame.photo["thumbnail"] else ""
    lines: list[Any] = [
        html.B(frame.label),
        f"　{words.dated(frame.at)}",
        html.Br(),
        html.Span("　".join(part for part in (frame.who, place) if part), className="t3"),
    ]
    if frame.reused:
        lines += [html.Br(), html.Span("疑似旧图：与其他案件的照片相似", className="orange")]
    if frame.found:
        tone = "orange" if frame.bad else "t2"
        lines.append(html.Span(frame.found, className=f"found-so {tone}", title=frame.found))
    return lines
