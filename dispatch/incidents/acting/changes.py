"""What each action changes on the case itself (动作的效果); clocks and history are elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from core.errors import Conflict, Invalid
from dispatch.incidents import queries, queries_parties
from dispatch.incidents.acting import decisions
from dispatch.incidents.acting.grants import Grantee, hold, take_part
from dispatch.incidents.acting.locating import locate
from dispatch.incidents.acting.parties import (
    accept_down,
    add_support,
    remove_support,
    require_taken,
)
from dispatch.incidents.acting.sharing import share, unshare
from dispatch.incidents.acting.under_way import (
    Acting,
    check_reason,
    named_unit,
    require_code,
    require_reason,
)
from dispatch.incidents.catalogue import URGENT_LEVEL, Category
from dispatch.incidents.evidence import lacking
from dispatch.incidents.lifecycle import (
    BLACK_AFTER_REWORKS,
    CALLS_AT_MOST,
    Action,
    Status,
)
from dispatch.incidents.tables import Incident


def carry_out(acting: Acting) -> None:
    """Change the case as the action says; refuses with a sentence that says what is missing."""
    check_reason(acting)
    change = _CHANGES.get(acting.step.action)
    if change:
        change(acting)
    incident, step = acting.incident, acting.step
    if step.ends:
        incident.closed_at = acting.at
    elif step.begins_again:
        incident.closed_at = incident.called_back_at = None
    if step.after is Status.FILED and step.moves:
        incident.filed_at = incident.filed_at or acting.at
        incident.lead_unit = None


def _reject(acting: Acting) -> None:
    require_reason(acting, "不予受理")


def _verify(acting: Acting) -> None:
    if acting.asked.approve is None:
        raise Invalid("核实要写明是否属实（approve）", field="approve")
    if not acting.asked.approve:
        require_reason(acting, "核实不属实")
    acting.data["true"] = acting.asked.approve


def _assign(acting: Acting) -> None:
    require_taken(acting)
    unit = named_unit(acting, what="主办单位") if acting.asked.to_unit else _default_lead(acting)
    acting.incident.binding = False
    _give_to(acting, unit)


def _reassign(acting: Acting) -> None:
    unit = named_unit(acting, what="改派的单位")
    if unit.id == acting.incident.lead_unit and acting.step.action is Action.REASSIGN:
        raise Invalid("案件已在该单位，请选择其他单位", field="to_unit")
    if acting.incident.binding and acting.step.action is Action.REASSIGN:
        raise Conflict("案件已裁定派单，不能再改派")
    require_reason(acting, "改派")
    acting.incident.binding = acting.step.action is Action.RULE
    _give_to(acting, unit)


def _give_to(acting: Acting, unit: Row[Any]) -> None:
    if unit.kind == "county":  # nobody would be left to check what it handled
        raise Invalid("县指挥中心派遣、核查，不处置：请派给部门、镇街或村社区", field="to_unit")
    incident = acting.incident
    incident.lead_unit = unit.id
    take_part(acting.session, incident, Grantee(unit=unit.id))
    incident.assigned_at, incident.signed_at = acting.at, None
    incident.mark_percent = 0
    acting.data |= {"to_unit": unit.id, "to_unit_name": unit.short_name}


def default_lead(
    session: Session, incident: Incident, category: Category, *, holder: Row[Any] | None
) -> Row[Any] | None:
    """Return who the catalogue says handles here: the place's own centre, or a department."""
    tier = holder.kind if holder else "county"
    word = category.lead(tier if tier in {"village", "town"} else "county")
    code = {"village": incident.village_code, "town": incident.town_code}.get(word, word)
    if word == "village" and code is None:
        code = incident.town_code
    return queries.unit_by_code(session, str(code)) if code else None


def _default_lead(acting: Acting) -> Row[Any]:
    found = default_lead(acting.session, acting.incident, acting.category, holder=acting.holder)
    if found is None:
        raise Invalid("分类目录没有给出可用的主办单位，请选择单位", field="to_unit")
    return found


def _sign(acting: Acting) -> None:
    acting.incident.signed_at = acting.at


def _feed_back(acting: Acting) -> None:
    if not acting.asked.note:
        raise Invalid("请写明处置结果", field="note")
    incident, category = acting.incident, acting.category
    missing = lacking(
        category.evidence,
        acting.shots,
        within_m=category.evidence_within_m,
        placed=incident.located_by == "point",
        since=_sent_back_at(acting),
    )
    if missing:
        raise Invalid(missing, field="photos")
    acting.data["reused_photos"] = sum(shot.reused for shot in acting.shots)
    incident.fed_back_at = acting.at
    incident.handled_by = acting.actor.person
    incident.handling_unit = incident.lead_unit


def _sent_back_at(acting: Acting) -> datetime | None:
    """Return when the work was found not to be done (返工, 重启): what proves it now is newer."""
    incident = acting.incident
    if not incident.reworks and not incident.reopens:
        return None
    return queries_parties.sent_back_at(acting.session, incident.id)


def _pass(acting: Acting) -> None:
    decisions.require_legs_over(acting)


def _fail(acting: Acting) -> None:
    require_reason(acting, "核查不通过")
    incident = acting.incident
    incident.reworks += 1
    incident.fed_back_at = None
    if incident.reworks >= BLACK_AFTER_REWORKS:
        incident.card = "black"
        acting.data["card"] = "black"


def _reopen(acting: Acting) -> None:
    require_reason(acting, "重启")
    incident = acting.incident
    incident.reopens += 1
    incident.fed_back_at = None
    if acting.step.after is Status.ASSIGNED:
        incident.lead_unit = incident.lead_unit or incident.holder_unit
        incident.assigned_at, incident.signed_at, incident.mark_percent = acting.at, None, 0


def _merge(acting: Acting) -> None:
    master = _master(acting)
    if master.id == acting.incident.id:
        raise Invalid("不能并入自己", field="into")
    if master.status in {Status.MERGED, Status.REJECTED}:
        raise Conflict("目标案件已并案或未受理，请选择其他案件")
    if master.closed_at is not None and acting.incident.reported_at > master.closed_at:
        raise Conflict("目标案件办结后又报来的是复发，不能并案：请重启原案，或另行办理")
    acting.incident.master_id = master.id
    acting.incident.status_before = acting.incident.status
    acting.data |= {"into": str(master.id), "into_number": master.number}


def _master(acting: Acting) -> Incident:
    into = acting.asked.into or ""
    try:
        found = queries.get(acting.session, UUID(into))
    except ValueError:
        found = queries.by_number(acting.session, into) if into else None
    if found is None:
        raise Invalid("请给出要并入的案件编号", field="into")
    return found


def _unmerge(acting: Acting) -> None:
    acting.incident.master_id = None
    acting.incident.status_before = None


def _escalate(acting: Acting) -> None:
    require_code(acting, "提级", why="为什么本级办不了")
    holder = acting.holder
    above = queries.unit(acting.session, holder.parent_id) if holder else None
    if holder is None or above is None or holder.kind == "county":
        raise Conflict("案件已在县级，不能再提级")
    incident = acting.incident
    take_part(acting.session, incident, Grantee(unit=holder.id))
    incident.holder_unit = above.id
    acting.data |= {"from_unit": holder.id, "to_unit": above.id, "to_unit_name": above.short_name}


def _de_escalate(acting: Acting) -> None:
    require_reason(acting, "下放")
    unit = named_unit(acting, what="下放的单位")
    holder = acting.holder
    if holder is None or unit.parent_id != holder.id or unit.kind not in {"town", "village"}:
        raise Invalid("只能下放给直接下级的镇街或村（社区）", field="to_unit")
    take_part(acting.session, acting.incident, Grantee(unit=unit.id))
    acting.incident.holder_unit = unit.id
    acting.data |= {"to_unit": unit.id, "to_unit_name": unit.short_name}


def _supervise(acting: Acting) -> None:
    card = str(acting.asked.data.get("card") or "yellow")
    if card not in {"yellow", "red", "black"}:
        raise Invalid("督办牌只能是 yellow（黄牌）、red（红牌）或 black（黑牌）", field="data.card")
    order = ("yellow", "red", "black")
    held = acting.incident.card
    if held is None or order.index(card) > order.index(held):
        acting.incident.card = card
    acting.data["card"] = card


def _instruct(acting: Acting) -> None:
    if not acting.asked.note and not acting.asked.photos:
        raise Invalid("批示要有文字或纸面照片", field="note")
    if acting.asked.until is not None and acting.asked.until <= acting.at:
        raise Invalid("批示的答复时限要晚于现在", field="until")
    if acting.asked.until:
        acting.data["reply_by"] = acting.asked.until.isoformat()


def _say(acting: Acting) -> None:
    if not acting.asked.note:
        raise Invalid("请写内容", field="note")


def _reply(acting: Acting) -> None:
    if not queries_parties.is_instructed(acting.session, acting.incident.id):
        raise Conflict("这件案件没有批示，不用回复批示：要说明情况请写备注")
    _say(acting)


def _rate(acting: Acting) -> None:
    said = {key: acting.asked.data.get(key) for key in ("solved", "satisfied")}
    if not any(isinstance(value, bool) for value in said.values()):
        raise Invalid("评价要写是否解决、是否满意", field="data")
    acting.data |= said
    acting.incident.called_back_at = acting.at


def _call_back(acting: Acting) -> None:
    result = acting.asked.data.get("result")
    if result not in {"reached", "unreached"}:
        raise Invalid("回访要写结果：接通 reached 或未接通 unreached", field="data.result")
    solved = acting.asked.data.get("solved")
    if result == "reached" and not isinstance(solved, bool):
        raise Invalid("接通后要问是否解决（data.solved）", field="data.solved")
    tries = 1 + queries_parties.calls_made(acting.session, acting.incident.id)
    acting.data |= {"result": result, "tries": tries}
    if result == "reached" or tries >= CALLS_AT_MOST:
        acting.incident.called_back_at = acting.at


def _reclassify(acting: Acting) -> None:
    wanted = str(acting.asked.data.get("category") or "")
    found = acting.catalogue.find(wanted)
    if found is None:
        raise Invalid("请选择新的事件分类（data.category）", field="data.category")
    incident = acting.incident
    acting.data |= {"from": incident.category, "to": found.code, "level": found.level}
    acting.data["category_version"] = acting.catalogue.version
    if found.confidential and not incident.confidential:  # first the eyes, then the veil
        for unit in {incident.holder_unit, incident.lead_unit, acting.actor.unit} - {None}:
            hold(acting.session, incident, Grantee(unit=unit), by=acting.actor, at=acting.at)
    incident.category, incident.title = found.code, found.name
    incident.category_version = acting.catalogue.version
    incident.level, incident.urgent = found.level, found.level <= URGENT_LEVEL
    incident.confidential = incident.confidential or found.confidential


_CHANGES: dict[Action, Callable[[Acting], None]] = {
    Action.ACCEPT: accept_down,
    Action.REJECT: _reject,
    Action.VERIFY: _verify,
    Action.ASSIGN: _assign,
    Action.REASSIGN: _reassign,
    Action.RULE: _reassign,
    Action.SIGN: _sign,
    Action.FEED_BACK: _feed_back,
    Action.PASS_CHECK: _pass,
    Action.FAIL_CHECK: _fail,
    Action.REOPEN: _reopen,
    Action.MERGE: _merge,
    Action.UNMERGE: _unmerge,
    Action.ESCALATE: _escalate,
    Action.DE_ESCALATE: _de_escalate,
    Action.REQUEST: decisions.ask,
    Action.DECIDE: decisions.decide,
    Action.SUPERVISE: _supervise,
    Action.INSTRUCT: _instruct,
    Action.REPLY: _reply,
    Action.NOTE: _say,
    Action.ADD_SUPPORT: add_support,
    Action.REMOVE_SUPPORT: remove_support,
    Action.SHARE: share,
    Action.UNSHARE: unshare,
    Action.RATE: _rate,
    Action.CALL_BACK: _call_back,
    Action.LOCATE: locate,
    Action.RECLASSIFY: _reclassify,
}
