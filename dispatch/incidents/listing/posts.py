"""Lists by post (按岗位的清单): which duties stand in which list, and whose work each list is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dispatch.incidents import reporting_up
from people.roles import Role

_R = Role
_CENTRES: Final = frozenset({_R.COUNTY_COMMAND, _R.TOWN_CENTRE, _R.VILLAGE_CENTRE})
_HANDLERS: Final = frozenset({_R.TOWN_CENTRE, _R.VILLAGE_CENTRE, _R.DEPARTMENT})
_WATCHERS: Final = _CENTRES | _HANDLERS | {_R.DUTY_LEADER}


@dataclass(frozen=True, slots=True)
class Tally:
    """So many duties of one kind that are alike in bearing a card and in being late."""

    kind: str
    carded: bool
    late: bool
    count: int


@dataclass(frozen=True, slots=True)
class PostList:
    """One list: duties of these kinds (none: any kind), narrowed to carded or late ones."""

    name: str
    label: str
    kinds: tuple[str, ...] = ()
    carded: bool = False
    late: bool = False
    roles: frozenset[Role] = frozenset()
    """Whose work it is: they see the list even when it is empty."""

    def takes(self, tally: Tally) -> bool:
        """Tell whether these duties stand in this list."""
        of_kind = not self.kinds or tally.kind in self.kinds
        return of_kind and (tally.carded or not self.carded) and (tally.late or not self.late)


_TURNS: Final = (
    PostList("accept", "待受理", ("incident.accept",), roles=_CENTRES),
    PostList("verify", "待核实", ("incident.verify",), roles=_CENTRES),
    PostList("assign", "待派遣", ("incident.assign",), roles=_CENTRES),
    PostList("sign", "待签收", ("incident.sign",), roles=_HANDLERS),
    PostList("handle", "处置中", ("incident.handle", "incident.resume"), roles=_HANDLERS),
    PostList("check", "待核查", ("incident.check",), roles=_CENTRES),
    PostList("decide", "待审批", ("incident.decide",), roles=_CENTRES),
    PostList("reply", "待回复", ("incident.reply",)),
    PostList("report_up", "待报送", tuple(f"incident.{code}" for code in reporting_up.NAMES)),
    PostList("call_back", "待回访", ("incident.call_back",), roles=frozenset({_R.RECEPTIONIST})),
)
SUPERVISE: Final = "incident.supervise"
_OF_CASES: Final = (*(kind for each in _TURNS for kind in each.kinds), SUPERVISE)
LISTS: Final[tuple[PostList, ...]] = (
    *_TURNS,
    PostList("supervise", "督办", _OF_CASES, carded=True, roles=_WATCHERS),
    PostList("overdue", "超期", _OF_CASES, late=True, roles=_WATCHERS | {_R.RECEPTIONIST}),
)
BY_NAME: Final[dict[str, PostList]] = {each.name: each for each in LISTS}


def counted(tallies: list[Tally], role: Role) -> list[tuple[PostList, int]]:
    """Return the lists of a role with their counts; those of others where something stands."""
    counts = [(each, sum(t.count for t in tallies if each.takes(t))) for each in LISTS]
    return [(each, count) for each, count in counts if count or role in each.roles]
