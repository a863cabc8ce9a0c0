"""`…:export`: the lists as files (导出), within the caller's area, masked, marked and recorded.

Descriptions and addresses are confidential: they are read on the case, never taken by the thousand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import AwareDatetime

from alerts import queries as alerts
from core import clock, masking
from dashboard.api.deps import InTransaction, SignedIn, require
from dashboard.components.words import COLOUR_WORDS, LEVEL_WORDS, STAGE_WORDS
from dashboard.exports import ROWS_AT_MOST, Column, Format, hand_out
from dispatch.command import service as command
from dispatch.incidents import reporters
from dispatch.incidents.catalogue import SOURCES
from dispatch.incidents.lifecycle import STATUS_NAMES, Status
from dispatch.incidents.listing import service as reading
from people.roles import ACCOUNT_ROLES, Role

CASE_ROLES: Final = tuple(role for role in ACCOUNT_ROLES if role is not Role.ADMIN)
router = APIRouter(tags=["export 导出"])
AsFile = Annotated[Format, Query(alias="format", description="csv, xlsx or json")]
Town = Annotated[int | None, Query(ge=100_000_000, le=999_999_999)]
_ONE_MORE: Final = ROWS_AT_MOST + 1

INCIDENTS: Final = (
    Column("number", "案号", "public"),
    Column("title", "标题", "public"),
    Column("category_name", "类别", "public"),
    Column("level", "级别", "public"),
    Column("status", "状态", "public"),
    Column("place", "地点", "public"),
    Column("source", "来源"),
    Column("reporter_name", "来电人", "personal"),
    Column("reporter_phone", "联系电话", "personal", masking.phone),
    Column("reported_at", "上报时间", "public"),
    Column("due_at", "时限", "public"),
    Column("due_stage", "当前阶段"),
    Column("urgent", "紧急"),
    Column("card", "督办牌"),
)
ORDERS: Final = (
    Column("number", "案号", "public"),
    Column("title", "事件", "public"),
    Column("responder", "处置力量", "personal"),
    Column("role", "分工"),
    Column("status", "状态"),
    Column("issued_by", "下达人", "personal"),
    Column("issued_at", "下达时间"),
    Column("ack_due_at", "接令时限"),
    Column("acknowledged_at", "接令时间"),
    Column("arrived_at", "到场时间"),
    Column("over_at", "结束时间"),
)
ALERTS: Final = (
    Column("title", "预警"),
    Column("colour", "等级"),
    Column("state", "状态"),
    Column("rule_title", "规则"),
    Column("town_code", "镇街编码"),
    Column("value", "数值"),
    Column("fired_at", "触发时间"),
    Column("ack_by", "确认人", "personal"),
    Column("ack_until", "确认有效至"),
    Column("drill", "演练"),
)
RESPONDERS: Final = (
    Column("code", "编号"),
    Column("name", "名称", "personal"),
    Column("kind", "种类"),
    Column("status", "状态"),
    Column("skills", "技能"),
    Column("town_code", "镇街编码"),
    Column("village_code", "村社区编码"),
)
_ORDER_WORDS: Final = {
    "issued": "已下达", "acknowledged": "已接令", "en_route": "途中", "on_site": "到场",
    "done": "完成", "declined": "拒绝", "recalled": "撤回", "paused": "暂停",
    "lead": "主办", "support": "协办",
}  # fmt: skip
_ALERT_WORDS: Final = {"firing": "预警中", "recovering": "恢复中", "resolved": "已解除",
                       "closed": "已关闭"}  # fmt: skip
_KIND_WORDS: Final = {"grid_worker": "网格员", "squad": "队伍", "vehicle": "车辆"}


@router.get(
    "/incidents:export",
    response_class=Response,
    dependencies=[require(*CASE_ROLES)],
    summary="导出事件",
)
def incidents(
    session: InTransaction,
    caller: SignedIn,
    *,
    form: AsFile = "csv",
    status: Annotated[list[Status] | None, Query(max_length=11)] = None,
    town_code: Town = None,
    category: Annotated[list[str] | None, Query(max_length=50)] = None,
    since: AwareDatetime | None = None,
) -> Response:
    """Take the cases of your area as a file; the reporter masked, no description."""
    at = clock.now()
    asked = {"status": status, "town_code": town_code, "category": category, "since": since}
    found = reading.rows_for_file(
        session,
        at=at,
        limit=_ONE_MORE,
        status=tuple(status or ()),
        town_code=town_code,
        category=tuple(category or ()),
        since=since,
    )
    rows = [_incident(row) for row in found]
    return hand_out(
        session, "incidents", INCIDENTS, rows, form=form, actor=caller, at=at, asked=_plain(asked)
    )


@router.get(
    "/orders:export",
    response_class=Response,
    dependencies=[require(*CASE_ROLES)],
    summary="导出指令",
)
def orders(session: InTransaction, caller: SignedIn, *, form: AsFile = "csv") -> Response:
    """Take the orders of your area as a file, newest first."""
    found = command.orders(session, caller, limit=_ONE_MORE)
    rows = [_worded(row._asdict(), _ORDER_WORDS, "role", "status") for row in found]
    return hand_out(session, "orders", ORDERS, rows, form=form, actor=caller, at=clock.now())


@router.get(
    "/alerts:export",
    response_class=Response,
    dependencies=[require(*CASE_ROLES)],
    summary="导出预警",
)
def alerts_file(
    session: InTransaction,
    caller: SignedIn,
    *,
    form: AsFile = "csv",
    town_code: Town = None,
    since: AwareDatetime | None = None,
) -> Response:
    """Take the fired alerts of your area as a file, newest first."""
    found = alerts.filtered(
        session, states=(), colours=(), town_code=town_code, since=since, limit=_ONE_MORE
    )
    words = {**_ALERT_WORDS, **COLOUR_WORDS}
    rows = [_worded(row, words, "state", "colour") for row in found]
    asked = _plain({"town_code": town_code, "since": since})
    return hand_out(
        session, "alerts", ALERTS, rows, form=form, actor=caller, at=clock.now(), asked=asked
    )


@router.get(
    "/responders:export",
    response_class=Response,
    dependencies=[require(*CASE_ROLES)],
    summary="导出处置力量",
)
def responders(
    session: InTransaction, caller: SignedIn, *, form: AsFile = "csv", town_code: Town = None
) -> Response:
    """Take the responders of your area as a file; a person's name masked."""
    found = command.responders(session, town_code=town_code, kind=None, after=0, limit=_ONE_MORE)
    keys = [column.key for column in RESPONDERS]
    rows = [{key: getattr(one, key) for key in keys} for one, _ in found]
    return hand_out(
        session,
        "responders",
        RESPONDERS,
        [_worded(row, _KIND_WORDS, "kind") for row in rows],
        form=form,
        actor=caller,
        at=clock.now(),
        asked=_plain({"town_code": town_code}),
    )


def _incident(row: Mapping[str, Any]) -> dict[str, Any]:
    reporter: reporters.Reporter = row["reporter"]
    return {
        **row,
        "level": LEVEL_WORDS.get(row["level"], row["level"]),
        "status": STATUS_NAMES[Status(row["status"])],
        "source": SOURCES.get(row["source"], row["source"]),
        "due_stage": STAGE_WORDS.get(row["due_stage"], row["due_stage"]),
        "reporter_name": reporter.name,
        "reporter_phone": reporter.phone,
    }


def _worded(row: Mapping[str, Any], words: Mapping[str, str], *keys: str) -> dict[str, Any]:
    return {**row, **{key: words.get(str(row[key]), row[key]) for key in keys}}


def _plain(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {key: str(value) for key, value in asked.items() if value}
