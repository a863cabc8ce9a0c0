"""A case's history in words a citizen understands (进度): no names of persons, no inner notes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from dispatch.incidents.lifecycle import Action, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

_CITIZEN: Final = "citizen"
_CARDS: Final = {"yellow": "黄牌", "red": "红牌", "black": "黑牌"}


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of the history, as far as it may be told."""

    action: str
    at: datetime
    after: str
    unit: str = ""
    by: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """One step in plain words; `small` adds who or why."""

    at: datetime
    words: str
    small: str = ""


@dataclass(frozen=True, slots=True)
class Headline:
    """Where the case stands, in one line, and whether it has ended."""

    state: str
    words: str
    ended: bool = False


def told(lines: Sequence[Line]) -> list[Told]:
    """Return the steps worth telling, oldest first; two alike in a row are one."""
    found: list[Told] = []
    for line in lines:
        say = _WORDS.get(line.action)
        said = say(line) if say else None
        if not said:
            continue
        if found and found[-1].words == said[0]:
            found[-1] = Told(found[-1].at, *said)
        else:
            found.append(Told(line.at, *said))
    return found


_Said = tuple[str, str] | None


def _accepted(line: Line) -> _Said:
    if line.after == Status.VERIFYING:
        return "已受理", "先派人到现场核实"
    return "已受理，已立案", ""


def _verified(line: Line) -> _Said:
    if line.after == Status.FILED:
        return "到现场看过，属实，已立案", ""
    return "到现场看过，情况不符，不予受理", "有异议请拨打接待电话"


def _decided(line: Line) -> _Said:
    if not line.data.get("approved"):
        return None
    words = {
        "return": ("承办单位退回，重新派人", line.unit),
        "extension": ("办理时限延长", "已经审批"),
        "suspension": ("暂缓办理", "已经审批，每 30 天复查一次"),
        "forced_close": ("经两级审批办结", ""),
    }
    return words.get(str(line.data.get("request_kind")))


def _moved(line: Line) -> _Said:
    to = str(line.data.get("to_unit_name") or "")
    return (f"转到{to}办理" if to else "转到上级办理"), ""


def _given(verb: str) -> Callable[[Line], _Said]:
    def say(line: Line) -> _Said:
        to = str(line.data.get("to_unit_name") or "")
        return (f"{verb}{to}" if to else f"{verb}承办单位"), ""

    return say


def _reopened(line: Line) -> _Said:
    if line.by == _CITIZEN:
        return "您说没解决，已重新派人", ""
    return "已重新办理", ""


def _supervised(line: Line) -> _Said:
    card = _CARDS.get(str(line.data.get("card") or ""))
    return (f"办得慢，已{card}督办" if card else "已督办"), ""


def _called(line: Line) -> _Said:
    if line.data.get("result") == "unreached":
        tries = line.data.get("tries")
        return "打电话回访，没有接通", f"打了 {tries} 次" if tries else ""
    return "电话回访过了", _opinion(line, "电话里说：")


def _rated(line: Line) -> _Said:
    return "您评价了", _opinion(line)


def _opinion(line: Line, before: str = "") -> str:
    """Return what the reporter said of the outcome: solved or not, and how content."""
    solved = {True: "办好了", False: "没办好"}.get(line.data.get("solved"), "")  # type: ignore[arg-type]
    grade = line.data.get("grade")
    content = {True: "满意", False: "不满意"}.get(line.data.get("satisfied"), "")  # type: ignore[arg-type]
    if isinstance(grade, int) and 0 < grade <= len(GRADES):
        content = GRADES[grade - 1]
    said = "，".join(filter(None, (solved, content)))
    return f"{before}{said}" if said else ""


def _always(words: str, small: str = "") -> Callable[[Line], _Said]:
    return lambda _line: (words, small)


def _with_unit(words: str) -> Callable[[Line], _Said]:
    return lambda line: (words, line.unit)


_WORDS: Final[dict[str, Callable[[Line], _Said]]] = {
    Action.REPORT: _always("您上报了"),
    Action.REPORT_DONE: _with_unit("发现后当场处置，等待核查"),
    Action.ACCEPT: _accepted,
    Action.VERIFY: _verified,
    Action.REJECT: _always("不予受理", "有异议请拨打接待电话"),
    Action.ASSIGN: _given("派给"),
    Action.REASSIGN: _given("改派给"),
    Action.RULE: _given("裁定派给"),
    Action.SIGN: _with_unit("已签收，开始处理"),
    Action.FEED_BACK: _with_unit("处理完了，等另一方去看"),
    Action.PASS_CHECK: _always("另一方去看过，属实，已结案"),
    Action.FAIL_CHECK: _always("去看过，没有处理好，退回重做"),
    Action.DECIDE: _decided,
    Action.RESUME: _always("恢复办理"),
    Action.REOPEN: _reopened,
    Action.ARCHIVE: _always("已归档"),
    Action.MERGE: _always("与另一位邻居报的合成一件", "进度一样能查"),
    Action.UNMERGE: _always("重新单独办理"),
    Action.ESCALATE: _moved,
    Action.DE_ESCALATE: _moved,
    Action.URGE: _always("超过时间，已催办"),
    Action.SUPERVISE: _supervised,
    Action.CALL_BACK: _called,
    Action.RATE: _rated,
}

_HEADLINES: Final[dict[Status, tuple[str, str]]] = {
    Status.REPORTED: ("待受理", "收到了，正在看"),
    Status.VERIFYING: ("核实中", "先派人到现场看看"),
    Status.FILED: ("已立案", "已立案，正在派人"),
    Status.ASSIGNED: ("已派单", "已派人，等签收"),
    Status.HANDLING: ("处理中", "正在处理"),
    Status.SUSPENDED: ("暂缓", "暂缓办理，定期复查"),
    Status.CHECKING: ("核查中", "处理完了，正在核查"),
    Status.CLOSED: ("已结案", "办好了，请您看看"),
    Status.ARCHIVED: ("已归档", "办好了，已归档"),
    Status.REJECTED: ("不予受理", "这件没有受理"),
    Status.MERGED: ("合并办理", "与另一件合并办理"),
}
_ENDED: Final = frozenset({Status.CLOSED, Status.ARCHIVED, Status.REJECTED})


def headline(status: str, *, answered: bool = False) -> Headline:
    """Return where a case of this status stands; who has answered is not asked to look again."""
    known = Status(status)
    state, words = _HEADLINES[known]
    if known is Status.CLOSED and answered:
        words = "办好了，您已经评价"
    return Headline(state, words, ended=known in _ENDED)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a citizen says of a closed case (评价): solved or not, and a grade from 1 to 5."""

    solved: bool
    grade: int | None = None
    words: str | None = None

    @property
    def satisfied(self) -> bool | None:
        """满意 from grade 4, 不满意 up to grade 2; a middling grade says neither."""
        if self.grade is None or self.grade == _MIDDLE:
            return None
        return self.grade > _MIDDLE


_MIDDLE: Final = 3
GRADES: Final[tuple[str, ...]] = ("很不满", "不满", "一般", "满意", "很满意")


def may_answer(status: str, lines: Sequence[Line]) -> bool:
    """Tell whether the reporter is still asked: the case ended and nobody has answered since."""
    if status not in {Status.CLOSED, Status.ARCHIVED}:
        return False
    for line in reversed(lines):
        if line.action == Action.RATE:
            return False
        if line.after == Status.CLOSED and line.action in _CLOSING:
            return True
    return True


_CLOSING: Final = frozenset({Action.PASS_CHECK, Action.DECIDE})
