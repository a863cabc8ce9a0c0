"""Who reported (来电人), on a panel: masked; in full for a minute, for a reason, on record."""

from __future__ import annotations

import json
from typing import Any

from dash import html

from people.staff.unmasking import REASON_NAMES


def reporter_row(case: dict[str, Any]) -> list[html.Div]:
    """Return the row of a case's reporter, or nothing when nobody gave a name or number."""
    known = case.get("reporter") or {}
    if not known.get("name") and not known.get("phone"):
        return []
    words = [html.Span("来电人", className="t3"), html.B(known.get("name") or "未留姓名")]
    if known.get("phone"):
        words.append(html.Span(known["phone"], className="num"))
    if case.get("may_unmask"):
        words.append(
            html.Button(
                "查看",
                className="btn sm",
                **{
                    "data-unmask": case["id"],
                    "data-reasons": json.dumps(
                        {reason.value: name for reason, name in REASON_NAMES.items()},
                        ensure_ascii=False,
                    ),
                },
            )
        )
    return [html.Div(words, className="sec who-row")]
