"""`/admin/audit` 审计: search the trail, see before and after, see that it is whole, take it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import dash
from dash import Input, Output, State, callback, dcc, html, no_update
from sqlalchemy.orm import Session

from core import audit, beats, clock, seals
from core.clock import LOCAL, local
from core.tables import AuditEntry
from dashboard import ids
from dashboard.administering import administering, said
from dashboard.auth import current_identity
from dashboard.components import admin_frame as frame
from dashboard.components.audit_words import action_words, difference
from people.roles import Role

dash.register_page(__name__, path="/admin/audit", title="审计 · 长沙县一网统管", name="审计")

GRID = "audit-grid"
READERS = (Role.ADMIN, Role.AUDITOR)
MOST = 500
COLUMNS = (
    {"headerName": "时间", "field": "at", "width": 150, "cellClass": "t2 num"},
    {"headerName": "操作人", "field": "actor", "width": 120},
    {"headerName": "操作", "field": "words", "flex": 1, "minWidth": 140},
    {"headerName": "对象", "field": "subject", "flex": 1, "minWidth": 150, "cellClass": "t2 num"},
    {"headerName": "来源", "field": "origin", "width": 140, "cellClass": "t3 num"},
    {"headerName": "序号", "field": "id", "width": 90, "cellClass": "t3 num"},
)
KINDS = {
    "": "全部操作", "staff.": "人员", "unit.": "单位", "account.": "账号", "session.": "登录",
    "rota.": "轮值", "key.": "密钥", "kiosk.": "大屏", "grant.": "共享授权", "audit": "审计",
    "incident.": "事件",
}  # fmt: skip
DAYS = {"1": "今天", "7": "7 天", "30": "30 天", "": "不限"}


def layout(**_query: str) -> html.Div:
    """Return the search, the rows, and how far the trail is sealed."""
    tools = html.Div(
        [
            dcc.Input(id="audit-actor", placeholder="操作人", debounce=0.3, maxLength=64),
            dcc.Input(id="audit-subject", placeholder="对象：工号、用户名、编码", debounce=0.3,
                      maxLength=100),
            frame.pick("audit-kind", _choices(KINDS), "", clear=False),
            frame.pick("audit-days", _choices(DAYS), "7", clear=False),
        ],
        className="filters four",
    )  # fmt: skip
    rows = frame.pane(
        frame.head(
            "审计记录",
            html.Button("刷新", id="audit-again", className="btn sm", type="button"),
            html.A("导出", id="audit-export", href="/api/v1/audit:export", className="btn sm"),
            count_id="audit-count",
        ),
        tools,
        frame.grid(GRID, COLUMNS, none="这段时间没有符合条件的记录：放宽条件再查"),
    )
    return frame.page("审计", title="审计", main=html.Main([rows, _side()], className="split"))


def _side() -> html.Section:
    identity = current_identity()
    may_verify = identity is not None and identity.actor.role is Role.AUDITOR
    verify = html.Button(
        "立即核验", id="audit-verify", className="btn sm", type="button", hidden=not may_verify
    )
    return frame.pane(
        frame.head("封印", verify),
        html.Div(id="audit-state"),
        html.Div(frame.empty("选一条记录，看改动前后"), id="audit-row", className="panel"),
        className="r",
    )


def _choices(words: dict[str, str]) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in words.items()]


def _wanted(
    actor: str | None, subject: str | None, kind: str | None, days: str | None
) -> audit.Search:
    since: datetime | None = None
    if days:
        midnight = clock.local(clock.now()).replace(hour=0, minute=0, second=0, microsecond=0)
        since = midnight - timedelta(days=int(days) - 1)
    return audit.Search(since, None, (actor or "").strip(), kind or "", (subject or "").strip())


@callback(
    Output(GRID, "rowData"),
    Output("audit-count", "children"),
    Output("audit-export", "href"),
    Input("audit-actor", "value"),
    Input("audit-subject", "value"),
    Input("audit-kind", "value"),
    Input("audit-days", "value"),
    Input("audit-again", "n_clicks"),
)
def show_rows(
    actor: str | None, subject: str | None, kind: str | None, days: str | None, _again: int | None
) -> Any:
    """List the newest rows that fit."""
    wanted = _wanted(actor, subject, kind, days)
    with administering(*READERS) as (session, _actor):
        found = audit.page(session, wanted, limit=MOST)
    asked = {"actor": wanted.actor, "action": wanted.action, "subject": wanted.subject}
    if wanted.since:
        asked["since"] = wanted.since.isoformat()
    href = "/api/v1/audit:export?" + urlencode({k: v for k, v in asked.items() if v})
    more = "+" if len(found) == MOST else ""
    return [_row(each) for each in found], f"{len(found)}{more}", href


def _row(each: AuditEntry) -> dict[str, Any]:
    return {
        "id": str(each.id),
        "at": f"{each.at.astimezone(LOCAL):%m-%d %H:%M:%S}",
        "actor": each.actor,
        "words": action_words(each.action),
        "subject": each.subject,
        "origin": each.origin or "",
    }


@callback(Output("audit-row", "children"), Input(GRID, "selectedRows"), prevent_initial_call=True)
def show_one(rows: list[dict[str, Any]] | None) -> Any:
    """Draw one row: who, for whom, from where, before and after."""
    if not rows:
        return no_update
    with administering(*READERS) as (session, _actor):
        found = _one(session, int(rows[0]["id"]))
    if found is None:
        return frame.empty("这条记录不在您可查看的范围内")
    facts = [
        ("时间", f"{local(found.at):%Y-%m-%d %H:%M:%S}"),
        ("操作人", found.actor),
        ("代表岗位", found.on_behalf or "—"),
        ("来源", found.origin or "—"),
        ("对象", found.subject),
        ("摘要", html.Span(found.digest.hex()[:32], className="num t3")),
    ]
    changed = found.before or found.after
    return [
        html.Div(html.H1([html.Span(action_words(found.action)), html.Small(f"{found.id}")]),
                 className="title"),
        frame.pairs(facts),
        difference(found.before, found.after) if changed else frame.empty("这项操作没有改动内容"),
    ]  # fmt: skip


def _one(session: Session, number: int) -> AuditEntry | None:
    found = audit.page(session, audit.Search(), limit=1, before=number + 1)
    return found[0] if found and found[0].id == number else None


@callback(
    Output("audit-state", "children"),
    Output(ids.ADMIN_SAID, "children", allow_duplicate=True),
    Input("audit-again", "n_clicks"),
    Input("audit-verify", "n_clicks"),
    State("audit-state", "id"),
    prevent_initial_call="initial_duplicate",
)
def show_state(_again: int | None, verify: int | None, _id: str) -> Any:
    """Say how far the trail is sealed; on the auditor's word, verify all of it now."""
    told: Any = no_update
    with administering(*READERS) as (session, actor):
        if dash.ctx.triggered_id == "audit-verify" and verify and actor.role is Role.AUDITOR:
            found = seals.verify(session)
            faults = [fault.what for fault in found.faults]
            words = f"核验了 {found.seals} 个封印、{found.rows} 行：没有被改动"
            told = said("；".join(faults[:3]) or words, wrong=bool(faults))
        state = seals.state(session)
        seen = beats.ages(session).get(seals.VERIFIED_BEAT)
    return _state(state, seen), told


def _state(state: dict[str, Any], seen: beats.Beat | None) -> list[Any]:
    faults = [str(fault) for fault in seen.detail.get("faults", [])] if seen else []
    sealed = state["sealed_at"]
    whole = "✗ 发现改动" if faults else "✓ 没有发现改动"
    verified = f"{int(seen.age_s // 60)} 分前" if seen else "还没有核验"
    return [
        frame.pairs(
            [
                ("是否完整", html.Span(whole, className="bad" if faults else "ok")),
                ("封印数", str(state["seals"])),
                ("最近封印", f"{local(sealed):%m-%d %H:%M}" if sealed else "还没有"),
                ("封到第几行", str(state["sealed_up_to"] or "—")),
                ("最近核验", verified),
                *[("发现", fault) for fault in faults],
            ]
        ),
    ]
