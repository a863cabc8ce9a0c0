"""A county with so many open cases (在办案件): 0, 1, 80 or 5,000, and who owes what of them.

    YIWANG_HOME=… python -m tests.bench.crowd OPEN_CASES

Fills the installation of the environment as `million` does with whole histories, the newest still
open; then notes what each post owes, as the workers would have. Pages are looked at on top of it.
"""

import json
import sys

from sqlalchemy import text

from core import clock
from core.db import Access, transaction
from core.live import Scope
from core.outbox import Change
from core.settings import settings
from dispatch.incidents.following.service import after_changes
from tests.bench import million

A_DAY = 600  # the county's usual reports: open cases then reach back as far as they would
_BATCH = 200


def fill(open_cases: int) -> None:
    """Store so many open cases and the past they stand on."""
    past = max(open_cases, 20 * A_DAY if open_cases > A_DAY else 2 * A_DAY)
    million.fill(
        (settings().home / "database_url").read_text().strip(),
        count=past, still_open=open_cases, whole=True,
    )  # fmt: skip
    with transaction(Access.worker()) as session:
        found = session.execute(text("select id, rev from incidents where closed_at is null")).all()
    for n in range(0, len(found), _BATCH):
        at = clock.now()
        changes = [
            Change(0, "incident.note", str(row.id), row.rev, Scope(), {}, at, at)
            for row in found[n : n + _BATCH]
        ]
        with transaction(Access.worker()) as session:
            after_changes(session, changes, at=at)


if __name__ == "__main__":
    fill(int(sys.argv[1]))
    print(json.dumps({"open": int(sys.argv[1])}))
