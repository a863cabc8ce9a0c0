"""`/admin/keys` 密钥与大屏: keys of connected systems and links of walls, issued and ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import dash
from dash import ALL, Input, Output, State, callback, dcc, html, no_update

from core import clock
from core.clock import local
from dashboard import ids
from dashboard.administering import administering, attempt
from dashboard.components import admin_frame as frame
from people.access import keys, kiosk
from people.catalogue import COUNTY

dash.register_page(__name__, path="/admin/keys", title="密钥与大屏 · 长沙县一网统管", name="密钥")

_SAID = (
    Output(ids.ADMIN_SAID, "children", allow_duplicate=True),
    Output(ids.ADMIN_CHANGED, "data", allow_duplicate=True),
)


def layout(**_query: str) -> html.Div:
    """Return keys on the left, walls on the right, each with the form for a new one."""
    scopes = [{"value": name, "label": words} for name, words in keys.SCOPES.items()]
    new_key = frame.fold(
        "发放密钥",
        frame.field("名称", frame.entry("key-name", hint="接入系统的名称，小写字母")),
        frame.field("权限范围", dcc.Checklist(scopes, [], id="key-scopes")),
        frame.field("每分钟次数", frame.entry("key-rate", str(keys.RATE_PER_MINUTE))),
        html.Div([frame.button("发放", "key-issue", go=True)], className="acts"),
    )
    new_wall = frame.fold(
        "发放大屏链接",
        frame.field("名称", frame.entry("wall-name", hint="例如 县指挥大厅主屏")),
        frame.field("地区编码", frame.entry("wall-area", COUNTY)),
        frame.field("有效天数", frame.entry("wall-days", str(kiosk.DAYS))),
        html.Div([frame.button("发放", "wall-issue", go=True)], className="acts"),
    )
    left = frame.pane(
        frame.head("接口密钥"),
        new_key,
        html.Div(id="key-secret"),
        html.Div(id="key-list", className="scroll"),
    )
    right = frame.pane(
        frame.head("大屏"),
        new_wall,
        html.Div(id="wall-secret"),
        html.Div(id="wall-list", className="scroll"),
        className="r",
    )
    main = html.Main([left, right], className="halves")
    return frame.page("人员", title="人员", tab="密钥与大屏", main=main)


@callback(
    Output("key-list", "children"),
    Output("wall-list", "children"),
    Input(ids.ADMIN_CHANGED, "data"),
)
def show(_changed: str | None) -> Any:
    """List keys and walls."""
    with administering() as (session, _actor):
        known, walls = keys.listed(session), kiosk.listed(session)
    return (
        [_key(each) for each in known] or [frame.empty("还没有接口密钥：接入系统前先发放一个")],
        [_wall(each) for each in walls] or [frame.empty("还没有大屏：发放链接后在大屏上打开一次")],
    )


def _day(at: datetime | None) -> str:
    return f"{local(at):%Y-%m-%d}" if at else "不限期"


def _key(each: keys.KeyLine) -> html.Div:
    used = f"{local(each.used_at):%m-%d %H:%M} 用过" if each.used_at else "没有用过"
    scopes = "、".join(keys.SCOPES.get(scope, scope) for scope in each.scopes)
    rate = f"每分钟 {each.rate_per_minute} 次" if each.rate_per_minute else "不限次数"
    words = f"{scopes}　{rate}　到期 {_day(each.expires_at)}　{used}"
    return _line(each.name, words, {"key": each.name}, gone=each.revoked_at is not None)


def _wall(each: kiosk.WallLine) -> html.Div:
    opened = "链接已打开" if each.exchanged_at else "链接还没打开"
    seen = f"{local(each.seen_at):%m-%d %H:%M} 在用" if each.seen_at else "没有在用"
    words = f"{each.area_name or each.area}　{opened}　到期 {_day(each.expires_at)}　{seen}"
    return _line(each.name, words, {"wall": str(each.id)}, gone=each.revoked_at is not None)


def _line(name: str, words: str, button_id: dict[str, str], *, gone: bool) -> html.Div:
    act = html.Span("已停用", className="t3") if gone else frame.button("停用", button_id)
    return html.Div(
        [html.B(name, className="t3" if gone else ""), act, html.Small(words)],
        className="item session",
    )


def _secret(words: str, secret: str) -> html.Div:
    return html.Div([html.P(words), html.Code(secret)], className="secret", role="status")


def _number(text: str | None) -> int:
    return int(text) if text and text.strip().isdigit() else 0


@callback(
    *_SAID,
    Output("key-secret", "children"),
    Input("key-issue", "n_clicks"),
    State("key-name", "value"),
    State("key-scopes", "value"),
    State("key-rate", "value"),
    prevent_initial_call=True,
)
def issue_key(
    clicks: int | None, name: str | None, scopes: list[str] | None, rate: str | None
) -> Any:
    """Issue a key and show it once."""
    shown: list[str] = []

    def go(session: Any, actor: Any) -> str:
        key = keys.issue(
            session,
            (name or "").strip(),
            scopes=scopes or [],
            rate_per_minute=_number(rate),
            actor=actor,
            at=clock.now(),
        )
        shown.append(key)
        return f"已发放密钥 {name}"

    words, changed = attempt(clicks, go)
    told = _secret("密钥只显示这一次，请马上交给接入方：", shown[0]) if shown else no_update
    return words, changed, told


@callback(*_SAID, Input({"key": ALL}, "n_clicks"), prevent_initial_call=True)
def revoke_key(clicks: list[int | None]) -> Any:
    """Close a key at once."""
    asked = dash.ctx.triggered_id
    if not any(clicks) or not isinstance(asked, dict):
        return no_update, no_update

    def go(session: Any, actor: Any) -> str:
        keys.revoke(session, asked["key"], actor=actor, at=clock.now())
        return f"密钥 {asked['key']} 已停用"

    return attempt(1, go)


@callback(
    *_SAID,
    Output("wall-secret", "children"),
    Input("wall-issue", "n_clicks"),
    State("wall-name", "value"),
    State("wall-area", "value"),
    State("wall-days", "value"),
    prevent_initial_call=True,
)
def issue_wall(clicks: int | None, name: str | None, area: str | None, days: str | None) -> Any:
    """Set up a wall and show its link once."""
    shown: list[str] = []

    def go(session: Any, actor: Any) -> str:
        made = kiosk.issue(
            session,
            (name or "").strip(),
            area=(area or "").strip(),
            days=_number(days),
            actor=actor,
            at=clock.now(),
        )
        shown.append(made.path)
        return f"已发放 {name} 的链接"

    words, changed = attempt(clicks, go)
    told = (
        _secret("链接只显示一次，也只能打开一次；在大屏上打开：", shown[0]) if shown else no_update
    )
    return words, changed, told


@callback(*_SAID, Input({"wall": ALL}, "n_clicks"), prevent_initial_call=True)
def revoke_wall(clicks: list[int | None]) -> Any:
    """Close a wall; it goes dark within seconds."""
    asked = dash.ctx.triggered_id
    if not any(clicks) or not isinstance(asked, dict):
        return no_update, no_update

    def go(session: Any, actor: Any) -> str:
        kiosk.revoke(session, int(asked["wall"]), actor=actor, at=clock.now())
        return "大屏已停用，几秒内变黑"

    return attempt(1, go)
