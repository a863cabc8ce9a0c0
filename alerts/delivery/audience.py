"""Who is told of what, on which channel, and how soon: the meaning of `notices.yaml`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

ALL_LEADERS = "all_leaders"
CHANNELS = ("screen", "webhook")
COLOURS = ("blue", "yellow", "orange", "red")
_NIGHT_BEGINS = time(22)
_LENGTH = re.compile(r"(\d{1,4})([mh])")


class NoticesRefused(ValueError):
    """`notices.yaml` says something that cannot be carried out; the sentence names the place."""


@dataclass(frozen=True)
class Manner:
    """How one colour is told: channels, whether the chain goes on, how long an ack holds."""

    channels: tuple[str, ...]
    escalate: bool
    acknowledged_for: timedelta
    repeat: timedelta | None
    wait_until: time | None


@dataclass(frozen=True)
class Policy:
    """One named notice: the posts called in turn, the rounds, and the manner of each colour."""

    name: str
    steps: tuple[tuple[str, timedelta], ...]
    rounds: int
    manners: Mapping[str, Manner]
    resolved: tuple[str, ...]

    def manner(self, colour: str) -> Manner:
        """Return how `colour` is told."""
        return self.manners[colour]


def parse_policies(raw: object, *, posts: Sequence[str]) -> dict[str, Policy]:
    """Return the policies by name, or raise `NoticesRefused` naming the first bad place."""
    if not isinstance(raw, list) or not raw:
        raise NoticesRefused("notices: 写成一列通知办法")
    found = [_policy(item, posts) for item in raw]
    return {policy.name: policy for policy in found}


def not_before(manner: Manner, *, at: datetime, zone: ZoneInfo) -> datetime:
    """Return when a message made at `at` may go out: at once, or after the night."""
    if manner.wait_until is None:
        return at
    local = at.astimezone(zone)
    morning = local.replace(
        hour=manner.wait_until.hour, minute=manner.wait_until.minute, second=0, microsecond=0
    )
    if local.time() < manner.wait_until:
        return morning.astimezone(at.tzinfo)
    if local.time() >= _NIGHT_BEGINS:
        return (morning + timedelta(days=1)).astimezone(at.tzinfo)
    return at


def _policy(raw: object, posts: Sequence[str]) -> Policy:
    if not isinstance(raw, Mapping) or not isinstance(raw.get("name"), str):
        raise NoticesRefused("notices: 每个通知办法都要有 name")
    name = raw["name"]
    steps = tuple(_step(name, s, posts) for s in _listed(raw.get("steps"), f"{name}.steps"))
    if [after for _, after in steps] != sorted(after for _, after in steps):
        raise NoticesRefused(f"{name}.steps: 时间要从早到晚")
    colours = raw.get("colours")
    if not isinstance(colours, Mapping) or set(colours) != set(COLOURS):
        raise NoticesRefused(f"{name}.colours: 四种颜色 {'、'.join(COLOURS)} 都要写")
    rounds = raw.get("rounds", 1)
    if not isinstance(rounds, int) or not 1 <= rounds <= 10:  # noqa: PLR2004 - ten calls at most
        raise NoticesRefused(f"{name}.rounds: 写 1 到 10 的整数")
    manners = {c: _manner(f"{name}.colours.{c}", m) for c, m in colours.items()}
    return Policy(name, steps, rounds, manners, _channels(name, raw.get("resolved", [])))


def _step(name: str, raw: Any, posts: Sequence[str]) -> tuple[str, timedelta]:
    post = raw.get("post") if isinstance(raw, Mapping) else None
    if post not in (*posts, ALL_LEADERS):
        raise NoticesRefused(f"{name}.steps: 没有岗位 {post}")
    return str(post), _length(f"{name}.steps.{post}", raw.get("after"))


def _manner(where: str, raw: Any) -> Manner:
    if not isinstance(raw, Mapping):
        raise NoticesRefused(f"{where}: 写 channels、escalate、acknowledged_for、repeat")
    wait = raw.get("wait_until")
    if wait is not None and not re.fullmatch(r"0[0-9]:[0-5][0-9]", str(wait)):
        raise NoticesRefused(f"{where}.wait_until: 写成 07:00")
    return Manner(
        channels=_channels(where, raw.get("channels")),
        escalate=raw.get("escalate") is True,
        acknowledged_for=_length(f"{where}.acknowledged_for", raw.get("acknowledged_for")),
        repeat=_length(f"{where}.repeat", raw["repeat"]) if "repeat" in raw else None,
        wait_until=time.fromisoformat(str(wait)) if wait is not None else None,
    )


def _channels(where: str, raw: Any) -> tuple[str, ...]:
    if not isinstance(raw, list) or set(raw) - set(CHANNELS):
        raise NoticesRefused(f"{where}.channels: 只能是 {'、'.join(CHANNELS)}")
    return tuple(raw)


def _listed(raw: Any, where: str) -> list[Any]:
    if not isinstance(raw, list) or not raw:
        raise NoticesRefused(f"{where}: 至少写一步")
    return raw


def _length(where: str, raw: Any) -> timedelta:
    match = _LENGTH.fullmatch(str(raw))
    if match is None:
        raise NoticesRefused(f"{where}: 写成 15m 或 2h")
    return timedelta(minutes=int(match[1]) * (60 if match[2] == "h" else 1))
