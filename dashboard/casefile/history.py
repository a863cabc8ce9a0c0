"""The history of a case in words (时间线): who did what, for whom, which lines call for care."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from dispatch.incidents.clocks import MARK_NAMES, Mark, Stage
from dispatch.incidents.lifecycle import ACTION_NAMES, REQUEST_NAMES, Action, RequestKind, Status
from people.roles import ROLE_NAMES, Role

CHIPS: Final[dict[str, str]] = {
    "all": "全部",
    "flow": "流转",
    "proof": "证据",
    "instruct": "批示",
    "contact": "联系",
}
CARDS: Final[dict[str, str]] = {"yellow": "黄牌", "red": "红牌", "black": "黑牌"}
APART: Final = timedelta(minutes=1)
"""From here on what a phone claimed and when it was recorded are two times (手机时间)."""
OVERDUE_PERCENT: Final = 100
_A = Action
_INSTRUCTING: Final = frozenset({_A.INSTRUCT, _A.REPLY})
_CONTACTING: Final = frozenset({_A.CALL_BACK, _A.RATE})
_OVERDUE: Final = frozenset({"overdue", "call_back_overdue"})
_UNIT_ROLES: Final = frozenset({Role.DEPARTMENT, Role.TOWN_CENTRE, Role.VILLAGE_CENTRE})
# which action ends a stage: one that comes after the stage's limit was late (超时)
_ENDS: Final[dict[str, frozenset[str]]] = {
    Stage.ACCEPT: frozenset({_A.ACCEPT, _A.REJECT, _A.MERGE}),
    Stage.VERIFY: frozenset({_A.VERIFY}),
    Stage.ASSIGN: frozenset({_A.ASSIGN}),
    Stage.SIGN: frozenset({_A.SIGN}),
    Stage.HANDLE: frozenset({_A.FEED_BACK}),
    Stage.CHECK: frozenset({_A.PASS_CHECK, _A.FAIL_CHECK}),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: `mark` is done, failed (or overdue), waits (for you) or others (for somebody)."""

    seq: int
    at: str
    who: str
    words: str
    note: str = ""
    facts: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()
    mark: str = "done"
    claimed: str | None = None
    photos: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Names:
    """What lines only hold the numbers of: units, categories, the way it was reported."""

    units: Mapping[int, str] = field(default_factory=dict)
    categories: Mapping[str, str] = field(default_factory=dict)
    source: str = ""


def entries(
    case: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    photos: Sequence[Mapping[str, Any]],
    names: Names,
) -> list[Entry]:
    """Return the lines of a history, newest first."""
    late, waiting = _late(case, history), _waiting(case, history)
    of_line: dict[Any, list[Mapping[str, Any]]] = {}
    for photo in photos:
        of_line.setdefault(photo["seq"], []).append(photo)
    found, reworks = [], 0
    for line in history:
        reworks += line["action"] == _A.FAIL_CHECK
        shown = tuple(of_line.get(line["seq"], ()))
        found.append(
            Entry(
                seq=line["seq"],
                at=line["recorded_at"],
                who=who(line, names),
                words=words(line, names, reworks=reworks),
                note=_note(line),
                facts=_facts(line, late.get(line["seq"])),
                kinds=kinds(line, shown),
                mark=_mark(line, waiting, late=line["seq"] in late),
                claimed=_claimed(line),
                photos=shown,
            )
        )
    return found[::-1]


def counted(lines: Sequence[Entry]) -> dict[str, int]:
    """Return how many lines stand under each chip."""
    return {
        chip: len(lines) if chip == "all" else sum(chip in line.kinds for line in lines)
        for chip in CHIPS
    }


def kinds(line: Mapping[str, Any], photos: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Return under which chips a line stands; with a photo it is evidence as well."""
    proof = {"proof"} if photos or line["photos"] else set()
    if line["action"] in _INSTRUCTING:
        return frozenset({"instruct"} | proof)
    if line["action"] in _CONTACTING:
        return frozenset({"contact"} | proof)
    if line["action"] == _A.NOTE and proof:
        return frozenset(proof)
    return frozenset({"flow"} | proof)


# who -------------------------------------------------------------------------------------------


def surname(name: str) -> str:
    """Return a person as screens write them: 周建国 → 周某某."""
    return f"{name[:1]}某某" if name else ""


def who(line: Mapping[str, Any], names: Names) -> str:
    """Return post and unit of whoever acted, of a person no more than the surname."""
    role, unit = line["role"], names.units.get(line["unit_id"] or 0, "")
    if role == Role.SYSTEM:
        return "系统"
    if role in {Role.CITIZEN, Role.MACHINE}:
        return ROLE_NAMES[Role(role)]
    if role == Role.GRID_WORKER:
        return f"网格员 {surname(line['actor'])}"
    if role in _UNIT_ROLES and unit:
        return unit
    post = ROLE_NAMES[Role(role)] if role in set(Role) else ""
    return f"{post} {surname(line['actor'])}".strip()


# what ------------------------------------------------------------------------------------------


def words(line: Mapping[str, Any], names: Names, *, reworks: int) -> str:
    """Return what was done; of a request which, of a decision how it went."""
    data = line["data"] or {}
    say = _SAID.get(line["action"])
    if say:
        return say(line, data, names, reworks)
    name = str(line["label"])
    return f"{name} {data['to_unit_name']}" if data.get("to_unit_name") else name


_Data = Mapping[str, Any]


def _reported(line: _Data, _data: _Data, names: Names, _n: int) -> str:
    done = "，当场办好" if line["action"] == _A.REPORT_DONE else ""
    return f"{names.source}上报{done}"


def _verified(_line: _Data, data: _Data, _names: Names, _n: int) -> str:
    return "核实属实" if data.get("true") else "核实不属实"


def _failed(_line: _Data, _data: _Data, _names: Names, reworks: int) -> str:
    return f"核查未通过，返工 {reworks} 次"


def _marked(line: _Data, data: _Data, _names: Names, _n: int) -> str:
    """Return a rung of the ladder with the share of the limit, or what a person did."""
    mark = data.get("mark")
    if mark in set(Mark):
        return f"{MARK_NAMES[Mark(mark)]}，用到 {data.get('percent')}%"
    name = ACTION_NAMES[Action(line["action"])]
    card = CARDS.get(str(data.get("card") or ""))
    return f"{name} {card}" if line["action"] == _A.SUPERVISE and card else name


def _asked(_line: _Data, data: _Data, _names: Names, _n: int) -> str:
    return f"申请{_request(data)}"


def _decided(_line: _Data, data: _Data, _names: Names, _n: int) -> str:
    rule = "，须裁定派单" if data.get("must_rule") else ""
    return f"{'同意' if data.get('approved') else '不同意'}{_request(data)}{rule}"


def _request(data: _Data) -> str:
    kind = data.get("request_kind")
    return REQUEST_NAMES[RequestKind(kind)] if kind in set(RequestKind) else "申请"


def _called(_line: _Data, data: _Data, _names: Names, _n: int) -> str:
    if data.get("result") != "reached":
        return f"回访未接通，第 {data.get('tries', 1)} 次"
    return f"回访{_opinion(data)}"


def _rated(_line: _Data, data: _Data, _names: Names, _n: int) -> str:
    return f"评价{_opinion(data)}"


def _opinion(data: _Data) -> str:
    said = {"solved": ("已解决", "没解决"), "satisfied": ("满意", "不满意")}
    told = [(data.get(key), words) for key, words in said.items()]
    found = [yes if each else no for each, (yes, no) in told if isinstance(each, bool)]
    return f"：{'，'.join(found)}" if found else ""


def _merged(_line: _Data, data: _Data, _names: Names, _n: int) -> str:
    return f"并入 {data.get('into_number', '')}".strip()


def _reclassified(_line: _Data, data: _Data, names: Names, _n: int) -> str:
    was, now = (names.categories.get(str(data.get(key)), "") for key in ("from", "to"))
    return f"改类 {was} → {now}" if was and now else "改类"


_Saying = Callable[[_Data, _Data, Names, int], str]
_SAID: Final[dict[str, _Saying]] = {
    _A.REPORT: _reported,
    _A.REPORT_DONE: _reported,
    _A.VERIFY: _verified,
    _A.FAIL_CHECK: _failed,
    _A.URGE: _marked,
    _A.SUPERVISE: _marked,
    _A.NOTE: _marked,
    _A.REQUEST: _asked,
    _A.DECIDE: _decided,
    _A.CALL_BACK: _called,
    _A.RATE: _rated,
    _A.MERGE: _merged,
    _A.RECLASSIFY: _reclassified,
}


def _note(line: Mapping[str, Any]) -> str:
    """Return the reason that was chosen and the words beside it; a rung repeats no name."""
    if (line["data"] or {}).get("mark"):
        return ""
    chosen = line.get("reason") or ""
    return "：".join(part for part in (chosen, line["note"] or "") if part)


def _facts(line: Mapping[str, Any], late_by: timedelta | None) -> tuple[str, ...]:
    """Return what stands under a line: the rule, for whom, by how much it was late."""
    found = []
    if line["role"] == Role.SYSTEM:
        _, _, version = str(line["reason_code"] or "").partition("@")
        found.append(f"规则 {line['actor']}{f' 第 {version} 版' if version.isdecimal() else ''}")
    if line["on_behalf"]:
        found.append(f"代 {line['on_behalf']}")
    if late_by is not None:
        found.append(f"超 {_stretch(late_by)}")
    return tuple(found)


def _stretch(length: timedelta) -> str:
    minutes = int(length / timedelta(minutes=1))
    if minutes < 60:  # noqa: PLR2004  an hour
        return f"{minutes} 分"
    return f"{minutes // 60}:{minutes % 60:02d}" if minutes < 1440 else f"{minutes // 1440} 天"  # noqa: PLR2004  a day


def _claimed(line: Mapping[str, Any]) -> str | None:
    """Return what an offline phone said the time was, where that is another time."""
    said = line["claimed_at"]
    if not said:
        return None
    apart = abs(_moment(line["recorded_at"]) - _moment(said))
    return str(said) if apart >= APART else None


# which lines call ------------------------------------------------------------------------------


def _mark(line: Mapping[str, Any], waiting: Mapping[int, bool], *, late: bool) -> str:
    if line["seq"] in waiting:
        return "waits" if waiting[line["seq"]] else "others"
    return "failed" if late or _is_bad(line) else "done"


def _is_bad(line: Mapping[str, Any]) -> bool:
    """Tell whether a line says that something went wrong, or that a limit has passed."""
    data = line["data"] or {}
    if line["action"] == _A.FAIL_CHECK or line["reason_code"] in _OVERDUE:
        return True
    if line["action"] == _A.VERIFY:
        return not data.get("true")
    if data.get("mark"):
        return int(data.get("percent") or 0) >= OVERDUE_PERCENT
    if line["action"] in _CONTACTING:
        return data.get("solved") is False or data.get("result") == "unreached"
    return False


def _waiting(case: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> dict[int, bool]:
    """Return the lines that still wait, and whether it is the reader who must answer."""
    allowed = set(case.get("allowed") or ())
    open_ = {r["id"]: r for r in case.get("requests") or () if not r["decided_at"]}
    found: dict[int, bool] = {}
    for line in history:
        asked = open_.get((line["data"] or {}).get("request_id"))
        if line["action"] == _A.REQUEST and asked:
            found[line["seq"]] = "decide" in allowed and not asked["mine"]
    for line in unanswered(case, history):
        found[line["seq"]] = "reply" in allowed
    return found


def unanswered(
    case: Mapping[str, Any], history: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return the instructions (批示) that asked for a reply and have none; oldest first."""
    if case["status"] in {Status.CLOSED, Status.ARCHIVED, Status.REJECTED, Status.MERGED}:
        return []
    replied = max((e["seq"] for e in history if e["action"] == _A.REPLY), default=0)
    return [
        each
        for each in history
        if each["action"] == _A.INSTRUCT
        and (each["data"] or {}).get("reply_by")
        and each["seq"] > replied
    ]


def _late(case: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> dict[int, timedelta]:
    """Return the lines that ended a stage after its limit, and by how much."""
    found: dict[int, timedelta] = {}
    over = [
        (clock["stage"], clock["ended_at"], _moment(clock["ended_at"]) - _moment(clock["due_at"]))
        for clock in case.get("clocks") or ()
        if clock["ended_at"] and _moment(clock["ended_at"]) > _moment(clock["due_at"])
    ]
    for stage, ended, by in over:
        for line in history:
            if line["recorded_at"] == ended and line["action"] in _ENDS.get(stage, ()):
                found[line["seq"]] = by
    return found


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
