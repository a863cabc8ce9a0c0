"""Who is called next (逐级呼叫), when, and how long an acknowledgement holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.delivery.audience import Policy


@dataclass(frozen=True)
class Callee:
    """One person a step calls, frozen from the rota when the chain started."""

    post: str
    post_id: int
    staff_id: int | None
    name: str


@dataclass(frozen=True)
class Step:
    """One step of a frozen chain; `after` counts from the start of its round."""

    post: str
    after: timedelta
    callees: tuple[Callee, ...]


@dataclass(frozen=True)
class Chain:
    """A chain as it stood when it started; later changes of the rota do not touch it."""

    steps: tuple[Step, ...]
    rounds: int
    repeat: timedelta | None
    started_at: datetime


@dataclass(frozen=True)
class Call:
    """The step to call and the moment for it."""

    round: int
    step: int
    due_at: datetime


def chain_of(
    policy: Policy, colour: str, *, callees: Mapping[str, tuple[Callee, ...]], at: datetime
) -> Chain:
    """Return the chain of a colour, frozen now; a colour that does not escalate is one step."""
    manner = policy.manner(colour)
    steps = tuple(Step(post, after, callees.get(post, ())) for post, after in policy.steps)
    if manner.escalate:
        return Chain(steps, policy.rounds, manner.repeat, at)
    filled = next((s for s in steps if s.callees), steps[0])
    return Chain((replace(filled, after=timedelta()),), 1, None, at)


def next_call(chain: Chain, *, after: Call | None) -> Call | None:
    """Return the call that follows `after` (None: the first); empty steps are skipped at once.

    None when every round has been called, or when nobody at all stands in the chain.
    """
    filled = [i for i, step in enumerate(chain.steps) if step.callees]
    if not filled:
        return None
    if after is None:
        return _call(chain, 0, filled[0], filled)
    later = [i for i in filled if i > after.step]
    if later:
        return _call(chain, after.round, later[0], filled)
    if chain.repeat is None or after.round + 1 >= chain.rounds:
        return None
    return _call(chain, after.round + 1, filled[0], filled)


def _call(chain: Chain, turn: int, step: int, filled: Sequence[int]) -> Call:
    """Time a step; a step behind empty ones is called at the time of the first of those."""
    gap_from = max((i for i in filled if i < step), default=-1) + 1
    begin = chain.started_at + turn * (chain.repeat or timedelta())
    return Call(turn, step, begin + chain.steps[gap_from].after)


def duty_gaps(chain: Chain) -> tuple[str, ...]:
    """Return the posts of the chain that nobody stands in (值班空档)."""
    return tuple(step.post for step in chain.steps if not step.callees)
