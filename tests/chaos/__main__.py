"""`make chaos` (故障演练): break one thing at a time under load, then settle the accounts.

    python -m tests.chaos                 everything
    python -m tests.chaos worker postgres some of it

Loopback only, a stack of its own, and only its own processes are ended.
"""

import signal
import sys
import traceback
from pathlib import Path

from tests.bench.stack import Stack
from tests.bench.table import Row, show, write
from tests.chaos import reception, screens, under_load
from tests.chaos.faults import FAULTS

OUT = Path(__file__).parent / "out"
OTHERS = {
    "slow-commit": under_load.slow_commit,
    "tabs": screens.seven_tabs,
    "stripes": screens.relay_stopped,
    "reception": reception.database_stopped,
}


def main(names: list[str]) -> int:
    """Run the drills, print the table; non-zero when any account does not settle."""
    unknown = [name for name in names if name not in FAULTS and name not in OTHERS]
    if unknown:
        print(f"no such drill: {', '.join(unknown)}; there are {', '.join([*FAULTS, *OTHERS])}",
              file=sys.stderr)  # fmt: skip
        return 2
    rows: list[Row] = []
    with Stack("chaos") as stack:
        for name in names or [*FAULTS, *OTHERS]:
            print(f"· {name}", file=sys.stderr, flush=True)
            try:
                found = (
                    under_load.drill(stack, FAULTS[name]) if name in FAULTS else OTHERS[name](stack)
                )
            except Exception as error:  # noqa: BLE001  one drill that fails must not hide the others
                traceback.print_exc()
                found = [Row(name, f"{type(error).__name__}: {error}"[:90], "", ok=False)]
            write(name, found, OUT)
            rows += found
    print(show(rows))
    return 0 if all(row.ok for row in rows) else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the stack is ended too
    sys.exit(main(sys.argv[1:]))
