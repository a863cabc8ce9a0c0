"""The middle of the case page (人员与单位, 相似案件): who has it, what may be the same."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard.casefile.parties import Party
from dashboard.components import case_acts, words
from dashboard.components.case_beside import recurs_words
from dashboard.components.drawn import found_in

HOURS_A_DAY = 24


def people_section(case: dict[str, Any]) -> html.Div:
    """Return who has to do with the case: posts and units, each with its state in a word."""
    rows: list[Party] = case["parties"]
    head = html.H4([html.Span("人员与单位"), html.Span("任务派给岗位，不派给名字")])
    return html.Div(
        [head, html.Div([_party(each) for each in rows], className="ppl")], className="sec"
    )


def _party(party: Party) -> html.Div:
    due = f"，限 {words.day(party.due)}" if party.due else ""
    return html.Div(
        [
            html.Span(party.role, className="t3"),
            html.I(className=f"state {party.dot}", **{"aria-hidden": "true"}),
            html.Span([html.B(party.name), html.Span(party.detail, className="t2")]),
            html.Span(f"{party.state}{due}", className="orange" if party.late else "t2"),
        ]
    )


def twins_section(case: dict[str, Any]) -> html.Div:
    """Return likely twins with distance and score, and the cases that were merged into this one."""
    twins = case.get("twins") or []
    metres, hours = case["twin_reach"]
    span = f"{hours / HOURS_A_DAY:.0f} 天" if hours >= HOURS_A_DAY else f"{hours:.0f} 小时"
    head = html.H4(
        [html.Span("相似案件"), html.Span(f"{words.metres(metres)}、{span}内 {len(twins)} 件")]
    )
    body: list[Any] = [head]
    again = case.get("recurs")
    shown = twins or again
    body.append(_table(case, twins, again) if shown else html.P(_none(case), className="t3"))
    if case["merged"]:
        body.append(_merged(case["merged"]))
    return html.Div(body, className="sec twins-sec")


def _none(case: dict[str, Any]) -> str:
    if case.get("lon") is None:
        return "还没有落点，比不出附近的案件"
    return "附近没有相似的案件"


def _table(
    case: dict[str, Any], twins: list[dict[str, Any]], again: dict[str, Any] | None
) -> html.Table:
    names = ("案号", "事项", "时间", "距离", "相似", "")
    merging = found_in(case_acts.twins(case), "data-action", "merge")
    return html.Table(
        [
            html.Thead(html.Tr([html.Th(name) for name in names])),
            html.Tbody([_twin(each, merging) for each in twins] + _again(again, twins)),
        ]
    )


def _again(again: dict[str, Any] | None, twins: list[dict[str, Any]]) -> list[html.Tr]:
    """Return the row of the case that came up again (复发); as a likely twin it has one already."""
    if not again or again["id"] in {each["id"] for each in twins}:
        return []
    said = html.Span(recurs_words(again), className="t3")
    return [_row(again, "—", [_compare(again), said])]


def _twin(twin: dict[str, Any], merging: list[Any]) -> html.Tr:
    merge = [each for each in merging if twin["number"] in str(getattr(each, "data-said", ""))]
    return _row(twin, f"{twin['score']:.2f}", [_compare(twin), *merge])


def _compare(other: dict[str, Any]) -> html.Button:
    return html.Button(
        "对比", type="button", className="btn sm", **{"data-compare": other["number"]}
    )


def _row(other: dict[str, Any], likeness: str, do: list[Any]) -> html.Tr:
    return html.Tr(
        [
            html.Td(html.A(other["number"], href=f"/case/{other['number']}"), className="num"),
            html.Td(html.B(other["title"])),
            html.Td(f"{words.dated(other['reported_at'])} {other['status_name']}", className="t2"),
            html.Td(words.metres(other["distance_m"])),
            html.Td(likeness),
            html.Td(do, className="do"),
        ],
        key=other["id"],
    )


def _merged(cases: list[dict[str, Any]]) -> html.Div:
    links = [
        html.Li(
            [
                html.A(each["number"], href=f"/case/{each['number']}", className="num"),
                f"　{each['title']}　{words.dated(each['reported_at'])} 上报",
            ]
        )
        for each in cases
    ]
    return html.Div(
        [html.P(f"已并入本案 {len(cases)} 件，上报人各自收到结果", className="t3"), html.Ul(links)],
        className="merged",
    )
