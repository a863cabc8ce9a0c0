"""`make bench` (测速): each row beside its floor, on this machine, in this run.

python -m tests.bench            every row
python -m tests.bench report map some of them
"""

import importlib
import signal
import sys
import time
import traceback

from tests.bench.shared import Bench
from tests.bench.table import Row, show, write

ROWS = (
    "start",
    "report",
    "locate",
    "backlog",
    "proposal",
    "breach",
    "live",
    "map",
    "rotation",
    "crowded",
    "scale",
    "security",
    "ledger",
    "importing",
)


def main(names: list[str]) -> int:
    """Measure, print the table, keep the figures; non-zero when a row could not be measured."""
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        print(f"no such row: {', '.join(unknown)}; rows are {', '.join(ROWS)}", file=sys.stderr)
        return 2
    bench, rows, failed = Bench(), list[Row](), 0
    try:
        for name in names or ROWS:
            began = time.monotonic()
            try:
                found = importlib.import_module(f"tests.bench.{name}").measure(bench)
            except Exception as error:  # noqa: BLE001  one row that fails must not hide the others
                traceback.print_exc()
                found = [Row(name, f"not measured: {type(error).__name__}: {error}"[:90], "", None)]
                failed += 1
            write(name, found)
            rows += found
            print(f"· {name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    finally:
        bench.fresh()
    print(show(rows))
    return 1 if failed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the stack is ended too
    sys.exit(main(sys.argv[1:]))
