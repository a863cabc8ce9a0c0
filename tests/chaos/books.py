"""What must be true afterwards (对账): acknowledged, stored, proposed, drawn, heard: once each."""

import time
from dataclasses import dataclass, field

import httpx

from simulator.load import LoadRun
from tests.bench.shared import settled
from tests.bench.stack import Stack
from tests.chaos.listener import Listener

_DRAIN_S = 240.0  # fifty reports a second may be more than a busy machine works off at once


@dataclass
class Findings:
    """Counts that must all be nought, and how many reports they are about."""

    acknowledged: int
    faults: dict[str, int] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        return self.acknowledged > 0 and not any(self.faults.values())

    def said(self) -> str:
        bad = [f"{name} {count}" for name, count in self.faults.items() if count]
        return ", ".join(bad) or "all accounted for"


def audit(stack: Stack, run: LoadRun, listener: Listener, *, headers: dict[str, str]) -> Findings:
    """Compare what was acknowledged with the books, the map and the stream."""
    settled(stack, _DRAIN_S)
    ids = sorted({ack.id for ack in run.acks})
    found = Findings(len(ids))
    stored = stack.one("select count(*) from incidents where id = any(%s::uuid[])", [ids])
    twice = stack.one(
        "select count(*) from (select description from incidents where description like '压测%'"
        " group by description having count(*) > 1) as d"
    )
    proposed = stack.sql(
        "select n, count(*) from (select i.id, count(p.id) as n from incidents i left join"
        " proposals p on p.incident_id = i.id and p.round = 1 where i.id = any(%s::uuid[])"
        " group by i.id) as s group by n",
        [ids],
    )
    by_count = {int(n): int(cases) for n, cases in proposed}
    _wait_until_heard(listener, set(ids))
    drawn = _on_the_map(stack, headers)
    found.faults = {
        "acknowledged, not stored": len(ids) - stored,
        "stored twice": twice,
        "same id acknowledged for two reports": len(run.acks) - len(ids),
        "not proposed": by_count.get(0, 0),
        "proposed twice": sum(cases for n, cases in by_count.items() if n > 1),
        "not on the map": len(set(ids) - drawn),
        "missed by the stream": len(set(ids) - listener.heard),
        "stream went backwards": listener.backwards,
        "effects given up": stack.one("select count(*) from outbox where dead_at is not null"),
        "reports given up": len(run.given_up),
        "reports refused": len(run.refused),
    }
    return found


def _wait_until_heard(listener: Listener, ids: set[str], seconds: float = 15.0) -> None:
    until = time.monotonic() + seconds
    while ids - listener.heard and time.monotonic() < until:
        time.sleep(0.2)


def _on_the_map(stack: Stack, headers: dict[str, str]) -> set[str]:
    answer = httpx.get(f"{stack.url}/live/snapshot", headers=headers, timeout=30, trust_env=False)
    answer.raise_for_status()
    return {row["id"] for row in answer.json()["incidents"] if row["lon"] is not None}
