"""Who may do what with a case (岗位权限): by role, and by how one's unit stands to the case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dispatch.incidents.lifecycle import Action, RequestKind
from people.roles import Role

A, R = Action, Role


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody stands to one case (与案件的关系)."""

    role: Role
    holds: bool = False
    """One's unit holds the case, or stands directly above the village that holds it."""
    leads: bool = False
    supports: bool = False
    handled: bool = False
    """One handled it, or belongs to the unit that did."""


_COUNTY: Final = frozenset({R.COUNTY_COMMAND, R.DUTY_LEADER})
_CENTRES: Final = frozenset({R.TOWN_CENTRE, R.VILLAGE_CENTRE})
_STAFF: Final = frozenset(
    {
        R.COUNTY_COMMAND,
        R.DUTY_LEADER,
        R.RECEPTIONIST,
        R.TOWN_CENTRE,
        R.VILLAGE_CENTRE,
        R.DEPARTMENT,
        R.GRID_WORKER,
    }
)
_HANDLERS: Final = frozenset({R.TOWN_CENTRE, R.VILLAGE_CENTRE, R.DEPARTMENT, R.GRID_WORKER})

_DISPATCHING: Final = frozenset(
    {
        A.ACCEPT, A.REJECT, A.VERIFY, A.ASSIGN, A.REASSIGN, A.MERGE, A.UNMERGE, A.REOPEN,
        A.ARCHIVE, A.DECIDE, A.URGE, A.ADD_SUPPORT, A.REMOVE_SUPPORT, A.SHARE, A.UNSHARE,
        A.LOCATE, A.RECLASSIFY, A.DE_ESCALATE, A.CALL_BACK, A.RATE, A.SUPERVISE,
        A.REQUEST,
    }
)  # fmt: skip
_TOWN_UP: Final = frozenset({A.INSTRUCT, A.SUPERVISE, A.RULE, A.DE_ESCALATE})
_HANDLING: Final = frozenset({A.SIGN, A.FEED_BACK, A.RESUME, A.REQUEST, A.REPLY})
_ASKED_BY_CENTRES: Final = frozenset({RequestKind.FORCED_CLOSE})
_CHECKING: Final = frozenset({A.PASS_CHECK, A.FAIL_CHECK})
_FOR_OTHERS: Final = _CHECKING | {A.CALL_BACK, A.RATE}  # who handled neither closes nor scores
_GIVING: Final = _DISPATCHING | _CHECKING
_RECEPTION: Final = frozenset({A.ACCEPT, A.REJECT, A.LOCATE})
_ON_THE_PHONE: Final = frozenset({A.CALL_BACK, A.RATE, A.REOPEN})
_REPORTER: Final = frozenset({A.RATE, A.REOPEN})
_AUTOMATION: Final = frozenset(
    {
        A.ACCEPT,
        A.ASSIGN,
        A.URGE,
        A.SUPERVISE,
        A.NOTE,
        A.ARCHIVE,
        A.LOCATE,
        A.ESCALATE,
        A.REOPEN,
        A.UNSHARE,
    }
)
_ONLY_BY_REPORTING: Final = frozenset({A.REPORT, A.REPORT_DONE})


def may(action: Action, standing: Standing) -> bool:
    """Tell whether someone of this standing may take `action`, whatever the case's status."""
    role = standing.role
    if action in _ONLY_BY_REPORTING:
        return False
    if role is Role.SYSTEM:
        return action in _AUTOMATION
    if role is Role.CITIZEN:
        return action in _REPORTER
    if role not in _STAFF or action is Action.NOTE:
        return role in _STAFF
    if standing.handled and action in _FOR_OTHERS:
        return False
    if role is Role.RECEPTIONIST:
        return action in _ON_THE_PHONE or (action in _RECEPTION and standing.holds)
    if action in _TOWN_UP:
        return role in _COUNTY or (role is Role.TOWN_CENTRE and standing.holds)
    return _may_handle(action, standing) or (action in _GIVING and _dispatches(standing))


def may_ask(kind: RequestKind, standing: Standing) -> bool:
    """Tell whether someone may put a request of this kind before a second person.

    Who handles a case may ask for anything; who gives it out may ask for its forced close.
    """
    if standing.leads and standing.role in _HANDLERS:
        return True
    return kind in _ASKED_BY_CENTRES and _dispatches(standing)


def may_reach_reporter(standing: Standing) -> bool:
    """Tell whether someone must reach the reporter: to call back, or to handle the case."""
    return may(Action.CALL_BACK, standing) or (standing.leads and standing.role in _HANDLERS)


def _dispatches(standing: Standing) -> bool:
    """Tell whether the case is in one's hands to give out: the county's always is."""
    return standing.role in _COUNTY or (standing.role in _CENTRES and standing.holds)


def _may_handle(action: Action, standing: Standing) -> bool:
    if action is Action.ESCALATE:  # up from whoever holds it; who only handles gives it back
        return standing.role in _CENTRES and standing.holds
    return action in _HANDLING and standing.leads and standing.role in _HANDLERS
