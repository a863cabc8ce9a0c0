"""The head of the case page (案件页头): what, where, which steps, and one large remainder."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard.casefile.history import CARDS
from dashboard.casefile.steps import Step
from dashboard.components import words

_SHAPES = {"done": "d", "now": "c", "failed": "f", "stopped": "s", "todo": ""}
_ENDS = {"closed": "结案", "archived": "结案", "rejected": "决定", "merged": "并案"}
_SPOKEN = {"done": "已完成", "now": "进行中", "failed": "未通过", "stopped": "停止", "todo": "未到"}


def case_head(case: dict[str, Any]) -> html.Div:
    """Return the head of a case as the page reads it."""
    return html.Div([_title(case), _steps(case["steps"]), _remainder(case)], className="case-head")


def _title(case: dict[str, Any]) -> html.Div:
    where = " · ".join(part for part in (case.get("place"), case.get("address")) if part)
    return html.Div(
        [
            html.H1(
                [
                    html.A(
                        "‹ 工作台",
                        href=f"/desk#case={case['id']}",
                        className="back",
                        title="回到工作台，选中这一件",
                    ),
                    html.Span(case["title"], className="name", title=case["title"]),
                    html.Span(
                        words.LEVEL_WORDS.get(case["level"], ""),
                        className=f"grade g{case['level']}",
                    ),
                    *_tags(case),
                ],
                id="case-title",
                tabIndex=-1,
            ),
            html.P(
                [html.Span(case["number"], className="num"), html.Span(where or "还没有落点")],
                title=where,
            ),
        ],
        className="what",
    )


def _tags(case: dict[str, Any]) -> list[Any]:
    """Return what must be known before anything is done: card, mode, secrecy, rest, merger."""
    card = CARDS.get(case.get("card") or "")
    tags: list[Any] = [html.I(card, className="cardtag")] if card else []
    if case.get("mode"):
        grade = str(case["mode"]).partition("-")[2] or "4"
        tags.append(html.Span(case["mode_name"], className=f"pill war g{grade}"))
    flags = (
        (case["status"] == "suspended", "挂起中"),
        (bool(case.get("confidential")), "涉密"),
        (case.get("located_by") == "unlocated", "未落点"),
        (bool(case.get("drill")), "演练"),
    )
    tags += [html.Span(word, className="pill") for shown, word in flags if shown]
    return tags + _merged(case)


def _merged(case: dict[str, Any]) -> list[Any]:
    master = case.get("master")
    if master is None:
        return []
    if not master["seen"]:
        return [html.Span(f"已并入 {master['number']}，不在您的范围内", className="pill")]
    link = html.A(master["number"], href=f"/case/{master['number']}", title=master["title"])
    return [html.Span(["已并入 ", link], className="pill")]


def _steps(found: list[Step]) -> html.Ol:
    return html.Ol(
        [
            html.Li(
                [
                    html.Span(step.name),
                    html.Small(_under(step)),
                    html.Span(_SPOKEN[step.state], className="sr"),
                ],
                className=_SHAPES[step.state],
                title=" ".join(part for part in (step.name, step.note, _when(step)) if part),
                **({"aria-current": "step"} if step.state == "now" else {}),
            )
            for step in found
        ],
        className="steps",
        **{"aria-label": "办理环节"},
    )


def _under(step: Step) -> str:
    """Return what stands under a step: when, or since when; what failed or rests says so."""
    return step.note or _when(step) or "—"


def _when(step: Step) -> str:
    at = words.dated(step.at) if step.at else ""
    return f"{at} 起" if at and step.since else at


def _remainder(case: dict[str, Any]) -> html.Div:
    due = words.millis(case.get("due_at"))
    if not due:
        return html.Div(
            [html.Div(case["status_name"], className="num"), html.P(_ended(case))], className="lim"
        )
    stage = words.STAGE_WORDS.get(case.get("stage") or "", "挂起复查")
    clock = case["clock"]
    used = clock.get("used_percent")
    provisional = "（暂定）" if case.get("due_provisional") else ""
    parts = (
        f"{stage}限 {words.day(case['due_at'])}{provisional}",
        clock.get("kind_name") or "",
        f"已用 {used:.0f}%" if used is not None else "",
    )
    since = words.millis(case.get("stage_from") or case.get("reported_at"))
    figure = html.Div(
        className="num", role="timer", **{"data-left": str(due), "data-used": str(used or 0)},
        **{"data-from": str(since)},
    )  # fmt: skip
    return html.Div([figure, html.P(" · ".join(part for part in parts if part))], className="lim")


def _ended(case: dict[str, Any]) -> str:
    """Return when and how a case ended; one that runs without a limit says so."""
    if not case.get("closed_at"):
        return "没有时限"
    word = _ENDS.get(case["status"], "办结")
    return f"{words.day(case['closed_at'])} {word}"
