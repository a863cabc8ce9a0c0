"""`/admin/accounts` 账号: who may sign in, where they are signed in, ending it, helping them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import dash
from dash import ALL, Input, Output, State, callback, dcc, html, no_update

from core import clock
from core.clock import local
from core.errors import DomainError
from dashboard import ids
from dashboard.administering import administering, attempt
from dashboard.components import admin_frame as frame
from people.access import accounts, sessions
from people.access.accounts import AccountLine
from people.access.sessions import OpenSession
from people.roles import ACCOUNT_ROLES, ROLE_NAMES, Role

dash.register_page(__name__, path="/admin/accounts", title="账号 · 长沙县一网统管", name="账号")

GRID = "accounts-grid"
COLUMNS = (
    {"headerName": "用户名", "field": "username", "flex": 1, "minWidth": 150},
    {"headerName": "姓名", "field": "name", "width": 120},
    {"headerName": "角色", "field": "role_name", "width": 130, "cellClass": "t2"},
    {"headerName": "单位", "field": "unit_name", "flex": 1, "minWidth": 160, "cellClass": "t2"},
    {"headerName": "状态", "field": "state", "width": 110},
    {"headerName": "在线", "field": "sessions", "width": 76, "cellClass": "num"},
    {"headerName": "最近使用", "field": "seen", "width": 120, "cellClass": "t3 num"},
)
KINDS = {"browser": "浏览器", "kiosk": "大屏", "enrolment": "待绑定动态口令"}
_SAID = (
    Output(ids.ADMIN_SAID, "children", allow_duplicate=True),
    Output(ids.ADMIN_CHANGED, "data", allow_duplicate=True),
)
_CHOSEN = State("account-chosen", "data")


def layout(**_query: str) -> html.Div:
    """Return the list of accounts and an empty panel."""
    tools = html.Div(
        dcc.Input(
            id="account-words", type="search", placeholder="查用户名、姓名、单位", debounce=0.3,
            autoComplete="off", maxLength=60,
        ),
        className="filters",
    )  # fmt: skip
    listing = frame.pane(
        frame.head("账号", frame.button("开立", "account-new"), count_id="account-count"),
        tools,
        frame.grid(GRID, COLUMNS, row_id="params.data.username", none="没有符合条件的账号"),
    )
    panel = html.Div(_nobody(), id="account-panel", className="panel")
    stores = [dcc.Store(id="account-chosen"), html.Div(id="account-secret-at", hidden=True)]
    main = html.Main([listing, frame.pane(panel, className="r"), *stores], className="split")
    return frame.page("人员", title="人员", tab="账号", main=main)


def _nobody() -> list[Any]:
    return [frame.empty("选一个账号，可看它在哪里登录、结束登录、重设密码或动态口令")]


@callback(
    Output(GRID, "rowData"),
    Output("account-count", "children"),
    Input("account-words", "value"),
    Input(ids.ADMIN_CHANGED, "data"),
)
def show_rows(words: str | None, _changed: str | None) -> Any:
    """List the accounts that fit."""
    with administering() as (session, _actor):
        found = accounts.listed(session, at=clock.now(), words=(words or "").strip()[:60])
    more = "+" if len(found) == accounts.MOST else ""
    return [_row(each) for each in found], f"{len(found)}{more}"


def _row(each: AccountLine) -> dict[str, Any]:
    return {
        "username": each.username,
        "name": each.name,
        "role_name": each.role_name,
        "unit_name": each.unit_name,
        "state": _state(each),
        "sessions": each.sessions,
        "seen": f"{local(each.seen_at):%m-%d %H:%M}" if each.seen_at else "",
    }


def _state(each: AccountLine) -> str:
    if each.disabled_at:
        return "已停用"
    return "登录锁定" if each.locked_until else "在用"


@callback(Output("account-chosen", "data"), Input(GRID, "selectedRows"), prevent_initial_call=True)
def choose(rows: list[dict[str, Any]] | None) -> Any:
    """Remember which account was chosen."""
    return rows[0]["username"] if rows else no_update


@callback(
    Output("account-panel", "children"),
    Input("account-chosen", "data"),
    Input(ids.ADMIN_CHANGED, "data"),
    Input("account-new", "n_clicks"),
    State("account-secret-at", "children"),
    prevent_initial_call=True,
)
def show(username: str | None, _changed: str | None, _new: int, _secret: Any) -> list[Any]:
    """Draw the chosen account with its sign-ins, or the form for a new one."""
    if dash.ctx.triggered_id == "account-new":
        return _new_account()
    if username is None:
        return _nobody()
    at = clock.now()
    with administering() as (session, _actor):
        try:
            found = accounts.listed(session, at=at, words=username)
            line = next(each for each in found if each.username == username)
            account = accounts.id_of(session, username)
        except (DomainError, StopIteration):
            return [frame.empty("没有这个账号了，请重新选择")]
        signed_in = sessions.of_account(session, account, at=at)
    return _panel(line, list(signed_in))


def _panel(line: AccountLine, signed_in: list[OpenSession]) -> list[Any]:
    factor = "已绑定" if line.factor_bound else "未绑定"
    facts = [
        ("角色", line.role_name),
        ("单位", line.unit_name),
        ("开立", f"{local(line.created_at):%Y-%m-%d}"),
        ("动态口令", factor + ("（此角色必须）" if line.factor_required else "")),
        ("状态", _state(line)),
    ]
    acts = [
        frame.button("启用", {"act": "enable"})
        if line.disabled_at
        else frame.button("停用", {"act": "disable"}),
        frame.button("重设密码", {"act": "password"}),
        frame.button("重置动态口令", {"act": "totp"}) if line.factor_bound else None,
        frame.button("解除锁定", {"act": "unlock"}) if line.locked_until else None,
    ]
    return [
        html.Div([html.H1([html.Span(line.name), html.Small(line.username)])], className="title"),
        html.Div(style={"height": "8px"}),
        frame.pairs(facts),
        html.Div(acts, className="acts form"),
        html.Div(id="account-secret"),
        frame.head(
            "登录",
            frame.button("全部结束", {"act": "end_all"}) if signed_in else None,
            count=str(len(signed_in)),
        ),
        *([_session(each) for each in signed_in] or [frame.empty("现在没有在任何地方登录")]),
    ]


def _session(each: OpenSession) -> html.Div:
    when = f"{local(each.created_at):%m-%d %H:%M} 登录，{local(each.seen_at):%H:%M} 用过"
    return html.Div(
        [
            html.Span([html.B(KINDS.get(each.kind, each.kind)), f"　{each.address}"]),
            frame.button("结束", {"end": str(each.id)}),
            html.Small(f"{when}　{_device(each.device)}"),
        ],
        className="item session",
    )


def _device(device: str) -> str:
    return next((w for w in ("Edg", "Firefox", "Chrome", "Safari") if w in device), device[:20])


def _new_account() -> list[Any]:
    roles = [{"value": role.value, "label": ROLE_NAMES[role]} for role in ACCOUNT_ROLES]
    return [
        frame.head("开立账号"),
        html.Div(
            [
                frame.field("用户名", frame.entry("open-name", hint="小写字母、数字和 . _ -")),
                frame.field("角色", frame.pick("open-role", roles)),
                frame.field("单位编码", frame.entry("open-unit", hint="430121、430121001、D-CG")),
                frame.field("工号", frame.entry("open-staff", hint="是某个人的就填")),
                html.Div([frame.button("开立", "open-save", go=True)], className="acts"),
                html.Div(id="account-secret"),
            ],
            className="form",
        ),
    ]


def _secret(username: str, password: str) -> html.Div:
    words = f"{username} 的密码，只显示这一次，请当面告知本人："
    return html.Div([html.P(words), html.Code(password)], className="secret", role="status")


@callback(
    *_SAID,
    Output("account-secret", "children"),
    Input({"act": ALL}, "n_clicks"),
    _CHOSEN,
    prevent_initial_call=True,
)
def act(clicks: list[int | None], username: str) -> Any:
    """Close, open, unlock, give a new password, unbind, or end every sign-in."""
    asked = dash.ctx.triggered_id
    if not any(clicks) or not isinstance(asked, dict):
        return no_update, no_update, no_update
    shown: list[str] = []

    def go(session: Any, actor: Any) -> str:
        at, name = clock.now(), asked["act"]
        if name == "password":
            password = accounts.reset_password(session, username, actor=actor, at=at)
            shown.append(password)
            return "密码已重设，原来的登录都已结束"
        if name == "end_all":
            account = accounts.id_of(session, username)
            ended = sessions.revoke_all(session, account, actor=actor, at=at)
            return f"已结束 {ended} 处登录"
        verbs = {
            "disable": (accounts.disable, "账号已停用，登录已结束"),
            "enable": (accounts.enable, "账号已启用"),
            "unlock": (accounts.unlock, "已解除锁定"),
            "totp": (accounts.reset_totp, "动态口令已重置，下次登录重新绑定"),
        }
        verb, words = verbs[name]
        verb(session, username, actor=actor, at=at)
        return words

    words, changed = attempt(1, go)
    if shown:  # the panel is not drawn anew, or the password would be gone
        return words, no_update, _secret(username, shown[0])
    return words, changed, no_update


@callback(*_SAID, Input({"end": ALL}, "n_clicks"), _CHOSEN, prevent_initial_call=True)
def end_one(clicks: list[int | None], username: str) -> Any:
    """End one sign-in; its pages are out within seconds."""
    asked = dash.ctx.triggered_id
    if not any(clicks) or not isinstance(asked, dict):
        return no_update, no_update

    def go(session: Any, actor: Any) -> str:
        account = accounts.id_of(session, username)
        sessions.revoke(session, account, UUID(asked["end"]), actor=actor, at=clock.now())
        return "已结束这处登录，几秒内退出"

    return attempt(1, go)


@callback(
    *_SAID,
    Output("account-secret", "children", allow_duplicate=True),
    Input("open-save", "n_clicks"),
    State("open-name", "value"),
    State("open-role", "value"),
    State("open-unit", "value"),
    State("open-staff", "value"),
    prevent_initial_call=True,
)
def open_account(
    clicks: int | None, username: str | None, role: str | None, unit: str | None, staff: str | None
) -> Any:
    """Open an account and show its first password once."""
    shown: list[str] = []

    def go(session: Any, actor: Any) -> str:
        password = accounts.open_account(
            session,
            (username or "").strip(),
            role=Role(role or Role.CITIZEN.value),
            unit_code=(unit or "").strip(),
            staff_code=(staff or "").strip() or None,
            actor=actor,
            at=clock.now(),
        )
        shown.append(password)
        return f"已开立 {username}"

    words, _changed = attempt(clicks, go)
    return words, no_update, _secret(username or "", shown[0]) if shown else no_update
