"""荐员: which responders should go, why these, and why not the others who are near."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import nsmallest
from math import ceil, hypot, inf
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dispatch.command.policy import Policy

BUCKET_M: Final = 500.0
_AWAY: Final = frozenset({"resting", "off"})
_KM: Final = 1000


class State(StrEnum):
    """What a responder is doing now (在岗状态)."""

    AVAILABLE = "available"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    BUSY = "busy"
    RESTING = "resting"
    OFF = "off"


class Shortfall(StrEnum):
    """Why fewer responders than wanted could be proposed (缺员原因)."""

    NO_CANDIDATE = "no_candidate"
    OUTSIDE_RADIUS = "outside_radius"
    STALE_POSITIONS = "stale_positions"
    NO_SKILL = "no_skill"
    ALL_RESTING = "all_resting"
    ALL_BUSY = "all_busy"
    UNLOCATED = "unlocated"


SHORTFALL_SENTENCE: Final = {
    Shortfall.NO_CANDIDATE: "没有任何人员上报过位置",
    Shortfall.OUTSIDE_RADIUS: "派员半径内没有合适人员",
    Shortfall.STALE_POSITIONS: "附近人员的位置都已过期",
    Shortfall.NO_SKILL: "附近人员都不具备所需技能",
    Shortfall.ALL_RESTING: "附近人员都在休息或不在岗",
    Shortfall.ALL_BUSY: "附近人员手上任务都已满",
    Shortfall.UNLOCATED: "事件尚未落到网格，无法按距离荐员",
}


class Candidate(NamedTuple):
    """One responder as known now; `x`, `y` metres in EPSG:4547, times in Unix seconds."""

    id: int
    kind: str
    x: float
    y: float
    seen_at: float
    state: str = State.AVAILABLE
    cells: Collection[int] = ()
    skills: Collection[str] = ()
    load: int = 0
    last_order_at: float = -inf


@dataclass(frozen=True, slots=True)
class Need:
    """What an incident asks for; `x`, `y` metres in EPSG:4547."""

    x: float
    y: float
    level: int
    cell_code: int | None = None
    preferred: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    not_again: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Pick:
    """A responder worth sending, with the reasons a dispatcher reads."""

    id: int
    kind: str
    distance_m: int
    eta_min: int
    cost_m: int
    plus: tuple[str, ...]
    minus: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A responder who is near and was left out, with the reason."""

    id: int
    distance_m: int
    kind: Shortfall
    why: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The answer: best first; `shortfall` is set when fewer than wanted were found."""

    picks: tuple[Pick, ...]
    near_misses: tuple[NearMiss, ...]
    shortfall: Shortfall | None


@dataclass(slots=True)
class Snapshot:
    """Everyone's last position, bucketed by 500 m squares so that a search stays near."""

    everyone: tuple[Candidate, ...]
    _buckets: dict[tuple[int, int], list[Candidate]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Sort by id first: equal costs are then decided the same way every time."""
        self.everyone = tuple(sorted(self.everyone, key=lambda one: one.id))
        buckets: dict[tuple[int, int], list[Candidate]] = defaultdict(list)
        for one in self.everyone:
            buckets[int(one.x // BUCKET_M), int(one.y // BUCKET_M)].append(one)
        self._buckets = dict(buckets)

    @classmethod
    def of(cls, everyone: Iterable[Candidate]) -> Snapshot:
        """Build from any iterable of candidates."""
        return cls(tuple(everyone))

    def rings(self, x: float, y: float, radius: float) -> Iterator[tuple[float, list[Candidate]]]:
        """Yield (least possible distance, candidates) ring by ring until past `radius` metres."""
        column, row = int(x // BUCKET_M), int(y // BUCKET_M)
        for ring in range(ceil(radius / BUCKET_M) + 2):
            nearest = max(0.0, (ring - 1) * BUCKET_M)
            if nearest > radius:
                return
            found: list[Candidate] = []
            for key in _ring(column, row, ring):
                found.extend(self._buckets.get(key, ()))
            yield nearest, found


def _ring(column: int, row: int, ring: int) -> Iterator[tuple[int, int]]:
    if ring == 0:
        yield column, row
        return
    for across in range(column - ring, column + ring + 1):
        yield across, row - ring
        yield across, row + ring
    for down in range(row - ring + 1, row + ring):
        yield column - ring, down
        yield column + ring, down


def recommend(snapshot: Snapshot, need: Need, policy: Policy, *, at: float) -> Recommendation:
    """Rank who should go at Unix time `at`; every cost is metres, so no reason is hidden.

    The search goes outward ring by ring and stops when no one farther out can be cheaper
    than the picks at hand, as a cost is never below its distance.
    """
    radius = policy.radius(need.level)
    fit: list[tuple[float, float, Candidate]] = []
    missed: list[tuple[float, int, Shortfall, Candidate]] = []
    worst = inf
    for nearest, found in snapshot.rings(need.x, need.y, radius):
        if nearest > worst:
            break
        for one in found:
            distance = hypot(one.x - need.x, one.y - need.y)
            if distance > radius or distance > worst or one.id in need.not_again:
                continue
            kind = _unfit(one, need, policy, at=at)
            if kind is None:
                fit.append((_cost(one, need, policy, distance=distance, at=at), distance, one))
            else:
                missed.append((distance, one.id, kind, one))
        if len(fit) >= policy.picks:
            fit = nsmallest(policy.picks, fit, key=_order)
            worst = fit[-1][0]
    fit.sort(key=_order)
    picks = tuple(
        _pick(one, need, policy, cost=cost, distance=distance, at=at)
        for cost, distance, one in fit[: policy.picks]
    )
    if len(picks) == policy.picks:
        return Recommendation(picks, _near_misses(missed, need, policy, at=at), None)
    if missed:
        counts = Counter(miss[2] for miss in missed)
        most = max(counts, key=lambda kind: (counts[kind], kind))
        return Recommendation(picks, _near_misses(missed, need, policy, at=at), most)
    none = Shortfall.OUTSIDE_RADIUS if snapshot.everyone else Shortfall.NO_CANDIDATE
    return Recommendation(picks, _beyond(snapshot, need, policy, radius=radius, at=at), none)


def unlocated() -> Recommendation:
    """The answer for an incident that stands nowhere yet."""
    return Recommendation((), (), Shortfall.UNLOCATED)


def _order(item: tuple[float, float, Candidate]) -> tuple[float, float, int]:
    return item[0], item[1], item[2].id


def _near_misses(
    missed: Iterable[tuple[float, int, Shortfall, Candidate]],
    need: Need,
    policy: Policy,
    *,
    at: float,
) -> tuple[NearMiss, ...]:
    nearest = nsmallest(policy.near_misses, missed, key=itemgetter(0, 1))
    return tuple(
        NearMiss(number, round(distance), kind, _why_not(kind, one, need, at=at))
        for distance, number, kind, one in nearest
    )


def _unfit(one: Candidate, need: Need, policy: Policy, *, at: float) -> Shortfall | None:
    """Return what rules somebody out; None when they may be sent."""
    if one.state in _AWAY:
        return Shortfall.ALL_RESTING
    if at - one.seen_at > policy.stale_after_s:
        return Shortfall.STALE_POSITIONS
    if need.required and not need.required.issubset(one.skills):
        return Shortfall.NO_SKILL
    if one.load >= policy.max_load or one.state == State.BUSY:
        return Shortfall.ALL_BUSY
    return None


def _why_not(kind: Shortfall, one: Candidate, need: Need, *, at: float) -> str:
    if kind is Shortfall.ALL_RESTING:
        return "正在休息" if one.state == State.RESTING else "不在岗"
    if kind is Shortfall.STALE_POSITIONS:
        return f"位置已过 {int((at - one.seen_at) // 60)} 分钟"
    if kind is Shortfall.NO_SKILL:
        return f"不具备技能：{'、'.join(sorted(need.required.difference(one.skills)))}"
    return f"手上已有 {one.load} 项任务" if one.load else "正在处理其他事项"


def _cost(one: Candidate, need: Need, policy: Policy, *, distance: float, at: float) -> float:
    cost = distance + policy.kind_cost(one.kind, need.level) + one.load * policy.per_order_m
    if need.cell_code is None or need.cell_code not in one.cells:
        cost += policy.other_cell_m
    if need.preferred and need.preferred.isdisjoint(one.skills):
        cost += policy.missing_skill_m
    if at - one.last_order_at < policy.recent_order_s:
        cost += policy.recent_order_m
    return cost


def _pick(
    one: Candidate, need: Need, policy: Policy, *, cost: float, distance: float, at: float
) -> Pick:
    plus, minus = [_way(distance)], []
    if need.cell_code is not None and need.cell_code in one.cells:
        plus.append("本网格")
    helpful = sorted((need.preferred | need.required).intersection(one.skills))
    if helpful:
        plus.append(f"具备{'、'.join(helpful)}技能")
    elif need.preferred:
        minus.append(f"不具备{'、'.join(sorted(need.preferred))}技能")
    if one.load:
        minus.append(f"手上 {one.load} 项任务")
    else:
        plus.append("手上无任务")
    if at - one.last_order_at < policy.recent_order_s:
        minus.append(f"{int((at - one.last_order_at) // 60)} 分钟前刚接过指令")
    minutes = policy.minutes(one.kind, distance)
    return Pick(one.id, one.kind, round(distance), minutes, round(cost), tuple(plus), tuple(minus))


def _way(distance: float) -> str:
    return f"距现场 {round(distance)} 米" if distance < _KM else f"距现场 {distance / _KM:.1f} 公里"


def _beyond(
    snapshot: Snapshot, need: Need, policy: Policy, *, radius: float, at: float
) -> tuple[NearMiss, ...]:
    far = (
        (hypot(one.x - need.x, one.y - need.y), one.id)
        for one in snapshot.everyone
        if one.id not in need.not_again and _unfit(one, need, policy, at=at) is None
    )
    limit = f" {radius / _KM:g} 公里派员半径"
    return tuple(
        NearMiss(who, round(distance), Shortfall.OUTSIDE_RADIUS, f"{_way(distance)}，超出{limit}")
        for distance, who in nsmallest(policy.near_misses, (f for f in far if f[0] > radius))
    )
