"""The life of an incident (事件流转): one table drives the server, the buttons and the diagram."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from core.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Sequence


class Status(StrEnum):
    """Where a case stands (案件状态)."""

    REPORTED = "reported"
    VERIFYING = "verifying"
    FILED = "filed"
    ASSIGNED = "assigned"
    HANDLING = "handling"
    SUSPENDED = "suspended"
    CHECKING = "checking"
    CLOSED = "closed"
    ARCHIVED = "archived"
    REJECTED = "rejected"
    MERGED = "merged"


class Action(StrEnum):
    """What somebody does to a case (动作); the event kind is `incident.<action>`."""

    REPORT = "report"
    REPORT_DONE = "report_done"
    ACCEPT = "accept"
    REJECT = "reject"
    VERIFY = "verify"
    ASSIGN = "assign"
    REASSIGN = "reassign"
    RULE = "rule"
    SIGN = "sign"
    FEED_BACK = "feed_back"
    RESUME = "resume"
    PASS_CHECK = "pass_check"  # noqa: S105  an action, not a password
    FAIL_CHECK = "fail_check"
    REOPEN = "reopen"
    ARCHIVE = "archive"
    MERGE = "merge"
    UNMERGE = "unmerge"
    ESCALATE = "escalate"
    DE_ESCALATE = "de_escalate"
    REQUEST = "request"
    DECIDE = "decide"
    URGE = "urge"
    SUPERVISE = "supervise"
    INSTRUCT = "instruct"
    REPLY = "reply"
    ADD_SUPPORT = "add_support"
    REMOVE_SUPPORT = "remove_support"
    CALL_BACK = "call_back"
    RATE = "rate"
    NOTE = "note"
    SHARE = "share"
    UNSHARE = "unshare"
    LOCATE = "locate"
    RECLASSIFY = "reclassify"


class Turn(StrEnum):
    """Which way an action goes where one action has several ways (分支)."""

    PLAIN = ""
    VERIFY_FIRST = "verify_first"
    HANDED_DOWN = "handed_down"
    TRUE = "true"
    FALSE = "false"
    RETURN = "return"
    SUSPENSION = "suspension"
    FORCED_CLOSE = "forced_close"
    EXTENSION = "extension"
    SHARE = "share"
    REFUSED = "refused"


class RequestKind(StrEnum):
    """What waits for a decision (申请)."""

    RETURN = "return"
    EXTENSION = "extension"
    SUSPENSION = "suspension"
    FORCED_CLOSE = "forced_close"
    SHARE = "share"


STATUS_NAMES: Final[dict[Status, str]] = {
    Status.REPORTED: "待受理",
    Status.VERIFYING: "待核实",
    Status.FILED: "待派遣",
    Status.ASSIGNED: "待签收",
    Status.HANDLING: "处置中",
    Status.SUSPENDED: "已挂起",
    Status.CHECKING: "待核查",
    Status.CLOSED: "已结案",
    Status.ARCHIVED: "已归档",
    Status.REJECTED: "不予受理",
    Status.MERGED: "已并案",
}

ACTION_NAMES: Final[dict[Action, str]] = {
    Action.REPORT: "上报",
    Action.REPORT_DONE: "自行处置上报",
    Action.ACCEPT: "受理",
    Action.REJECT: "不予受理",
    Action.VERIFY: "核实",
    Action.ASSIGN: "派遣",
    Action.REASSIGN: "改派",
    Action.RULE: "裁定派单",
    Action.SIGN: "签收",
    Action.FEED_BACK: "反馈",
    Action.RESUME: "恢复办理",
    Action.PASS_CHECK: "核查通过",
    Action.FAIL_CHECK: "核查不通过",
    Action.REOPEN: "重启",
    Action.ARCHIVE: "归档",
    Action.MERGE: "并案",
    Action.UNMERGE: "撤销并案",
    Action.ESCALATE: "提级",
    Action.DE_ESCALATE: "下放",
    Action.REQUEST: "申请",
    Action.DECIDE: "审批",
    Action.URGE: "催办",
    Action.SUPERVISE: "督办",
    Action.INSTRUCT: "批示",
    Action.REPLY: "回复批示",
    Action.ADD_SUPPORT: "增加协办",
    Action.REMOVE_SUPPORT: "撤销协办",
    Action.CALL_BACK: "回访",
    Action.RATE: "评价",
    Action.NOTE: "备注",
    Action.SHARE: "共享",
    Action.UNSHARE: "取消共享",
    Action.LOCATE: "定位",
    Action.RECLASSIFY: "改类",
}

REQUEST_NAMES: Final[dict[RequestKind, str]] = {
    RequestKind.RETURN: "退回",
    RequestKind.EXTENSION: "延时",
    RequestKind.SUSPENSION: "挂起",
    RequestKind.FORCED_CLOSE: "强制结案",
    RequestKind.SHARE: "共享",
}

OPEN: Final[tuple[Status, ...]] = tuple(Status)[:7]
ENDED: Final[tuple[Status, ...]] = tuple(Status)[7:]
IN_WORK: Final[tuple[Status, ...]] = tuple(Status)[2:7]
HANDLED: Final = frozenset({Status.CHECKING, Status.CLOSED, Status.ARCHIVED})
"""Fed back and not sent back since: an extension decided now is of a late feedback (补认)."""
BLACK_AFTER_REWORKS: Final = 3
CALLS_AT_MOST: Final = 3  # nobody answers three times: the call-back is done

_Key = tuple[Status | None, Action, Turn]
_S, _A, _T = Status, Action, Turn
_MOVES: Final[dict[_Key, Status | None]] = {
    (None, _A.REPORT, _T.PLAIN): _S.REPORTED,
    (None, _A.REPORT_DONE, _T.PLAIN): _S.CHECKING,
    (_S.REPORTED, _A.ACCEPT, _T.PLAIN): _S.FILED,
    (_S.REPORTED, _A.ACCEPT, _T.VERIFY_FIRST): _S.VERIFYING,
    (_S.REPORTED, _A.REJECT, _T.PLAIN): _S.REJECTED,
    (_S.REPORTED, _A.MERGE, _T.PLAIN): _S.MERGED,
    (_S.VERIFYING, _A.VERIFY, _T.TRUE): _S.FILED,
    (_S.VERIFYING, _A.VERIFY, _T.FALSE): _S.REJECTED,
    (_S.FILED, _A.ASSIGN, _T.PLAIN): _S.ASSIGNED,
    (_S.FILED, _A.MERGE, _T.PLAIN): _S.MERGED,
    (_S.ASSIGNED, _A.SIGN, _T.PLAIN): _S.HANDLING,
    (_S.ASSIGNED, _A.REASSIGN, _T.PLAIN): _S.ASSIGNED,
    (_S.ASSIGNED, _A.DECIDE, _T.RETURN): _S.FILED,
    (_S.ASSIGNED, _A.RULE, _T.PLAIN): _S.ASSIGNED,
    (_S.HANDLING, _A.FEED_BACK, _T.PLAIN): _S.CHECKING,
    (_S.HANDLING, _A.REASSIGN, _T.PLAIN): _S.ASSIGNED,
    (_S.HANDLING, _A.DECIDE, _T.RETURN): _S.FILED,
    (_S.HANDLING, _A.DECIDE, _T.SUSPENSION): _S.SUSPENDED,
    (_S.SUSPENDED, _A.RESUME, _T.PLAIN): _S.HANDLING,
    (_S.CHECKING, _A.PASS_CHECK, _T.PLAIN): _S.CLOSED,
    (_S.CHECKING, _A.FAIL_CHECK, _T.PLAIN): _S.HANDLING,
    (_S.CLOSED, _A.REOPEN, _T.PLAIN): _S.ASSIGNED,
    (_S.CLOSED, _A.ARCHIVE, _T.PLAIN): _S.ARCHIVED,
    (_S.ARCHIVED, _A.REOPEN, _T.PLAIN): _S.ASSIGNED,
    (_S.REJECTED, _A.REOPEN, _T.PLAIN): _S.REPORTED,
    (_S.MERGED, _A.UNMERGE, _T.PLAIN): None,  # to the status before the merge
}
for _status in IN_WORK:
    _MOVES[_status, _A.ESCALATE, _T.PLAIN] = _S.FILED
    _MOVES[_status, _A.DE_ESCALATE, _T.PLAIN] = _S.FILED
    _MOVES[_status, _A.DECIDE, _T.FORCED_CLOSE] = _S.CLOSED

_ANY: Final[tuple[Status, ...]] = tuple(Status)
_NO_MOVE: Final[dict[tuple[Action, Turn], tuple[Status, ...]]] = {
    (_A.ACCEPT, _T.HANDED_DOWN): (_S.FILED,),
    (_A.URGE, _T.PLAIN): OPEN,
    (_A.SUPERVISE, _T.PLAIN): OPEN,
    (_A.INSTRUCT, _T.PLAIN): OPEN,
    (_A.REPLY, _T.PLAIN): OPEN,
    (_A.ADD_SUPPORT, _T.PLAIN): (_S.ASSIGNED, _S.HANDLING, _S.SUSPENDED),
    (_A.REMOVE_SUPPORT, _T.PLAIN): (_S.ASSIGNED, _S.HANDLING, _S.SUSPENDED),
    (_A.REQUEST, _T.RETURN): (_S.ASSIGNED, _S.HANDLING),
    (_A.REQUEST, _T.EXTENSION): (_S.ASSIGNED, _S.HANDLING),
    (_A.REQUEST, _T.SUSPENSION): (_S.HANDLING,),
    (_A.REQUEST, _T.FORCED_CLOSE): IN_WORK,
    (_A.REQUEST, _T.SHARE): _ANY,
    (_A.DECIDE, _T.EXTENSION): (_S.ASSIGNED, _S.HANDLING, _S.CHECKING, _S.CLOSED, _S.ARCHIVED),
    (_A.DECIDE, _T.SHARE): _ANY,
    (_A.DECIDE, _T.REFUSED): _ANY,
    (_A.CALL_BACK, _T.PLAIN): (_S.CHECKING, _S.CLOSED, _S.ARCHIVED, _S.REJECTED),
    (_A.RATE, _T.PLAIN): (_S.CLOSED, _S.ARCHIVED),
    (_A.NOTE, _T.PLAIN): _ANY,
    (_A.SHARE, _T.PLAIN): _ANY,
    (_A.UNSHARE, _T.PLAIN): _ANY,
    (_A.LOCATE, _T.PLAIN): OPEN,
    (_A.RECLASSIFY, _T.PLAIN): (_S.REPORTED, _S.VERIFYING, _S.FILED, _S.ASSIGNED, _S.HANDLING),
}


class ActionNotAllowed(Conflict):
    """The case is in a state that this action does not start from."""

    code = "action_not_allowed"


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the table, taken."""

    before: Status | None
    action: Action
    after: Status
    turn: Turn = Turn.PLAIN

    @property
    def moves(self) -> bool:
        """Tell a move from an entry that leaves the case where it stands."""
        return self.before is not self.after

    @property
    def ends(self) -> bool:
        """Tell the step that ends the work (了结); a closed case that is archived ended before."""
        return self.after in ENDED and self.before not in ENDED

    @property
    def begins_again(self) -> bool:
        """Tell the step that takes a case up again."""
        return self.before in ENDED and self.after not in ENDED


def advance(
    status: Status | None,
    action: Action,
    *,
    turn: Turn = Turn.PLAIN,
    before_merge: Status | None = None,
) -> Step:
    """Return the step `action` takes from `status`, or raise `ActionNotAllowed`."""
    key = (status, action, turn)
    if key in _MOVES:
        after = _MOVES[key] or before_merge
        if after is not None:
            return Step(before=status, action=action, after=after, turn=turn)
    elif status is not None and status in _NO_MOVE.get((action, turn), ()):
        return Step(before=status, action=action, after=status, turn=turn)
    where = STATUS_NAMES[status] if status else "未上报"
    raise ActionNotAllowed(f"案件{where}，不能{ACTION_NAMES[action]}")


def calls_made(actions: Sequence[str]) -> int:
    """Count the calls (回访) among a case's actions since it was last opened again."""
    calls = 0
    for action in reversed(actions):
        if action == Action.REOPEN:
            break
        calls += action == Action.CALL_BACK
    return calls


def actions_from(status: Status) -> tuple[Action, ...]:
    """Return every action the table knows from `status`, in the order of `Action`."""
    found = {action for (before, action, _turn) in _MOVES if before is status}
    found |= {action for (action, _turn), places in _NO_MOVE.items() if status in places}
    return tuple(action for action in Action if action in found)


def turns_of(status: Status, action: Action) -> tuple[Turn, ...]:
    """Return the ways `action` can go from `status`."""
    return tuple(
        turn
        for turn in Turn
        if (status, action, turn) in _MOVES or status in _NO_MOVE.get((action, turn), ())
    )


def table() -> tuple[Step, ...]:
    """Return every row; an entry that moves nothing has the same status on both sides."""
    moves = [
        Step(before=before, action=action, after=after or Status.REPORTED, turn=turn)
        for (before, action, turn), after in _MOVES.items()
    ]
    still = [
        Step(before=status, action=action, after=status, turn=turn)
        for (action, turn), places in _NO_MOVE.items()
        for status in places
    ]
    return (*moves, *still)
