"""Rows of the bench (测速表): each figure beside its floor, measured in the same run."""

import json
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

OUT = Path(__file__).parent / "out"
_HEAD = ("row", "figure", "floor", "ratio", "must", "ok")


@dataclass(frozen=True)
class Row:
    """One figure, what stands beside it, and what it must be."""

    name: str
    figure: str
    must: str
    ok: bool | None
    floor: str = ""
    ratio: str = ""
    value: float | None = None
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        said = {True: "yes", False: "NO", None: "-"}[self.ok]
        return (self.name, self.figure, self.floor, self.ratio, self.must, said)


def _width(text: str) -> int:
    return sum(2 if ord(char) > 0x2E7F else 1 for char in text)


def show(rows: list[Row]) -> str:
    """The rows as a text table, aligned for a terminal that draws Chinese two columns wide."""
    lines = [_HEAD, *(row.cells() for row in rows)]
    widths = [max(_width(line[i]) for line in lines) for i in range(len(_HEAD))]
    drawn = [
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)
        )
        for line in lines
    ]
    notes = [f"  {row.name}: {row.note}" for row in rows if row.note]
    return "\n".join([drawn[0], "-" * (sum(widths) + 2 * len(widths)), *drawn[1:], *notes])


def write(name: str, rows: list[Row], out: Path = OUT) -> Path:
    """Keep the rows as JSON beside what machine and when."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}.json"
    said = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cpu": platform.machine(), "python": platform.python_version()},
        "rows": [asdict(row) for row in rows],
    }
    path.write_text(json.dumps(said, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path
