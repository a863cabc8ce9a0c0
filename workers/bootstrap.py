"""Brings the database to where this version needs it: migrate, load, seed (数据准备).

Each step is the command a person would type, so that doing it by hand gives the same result. A
step whose inputs have not changed since it was last done in this database is skipped.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from core import db, logs, upgrade
from core.errors import DomainError
from core.settings import ROOT, settings

DATA = ROOT / "data"
GRID_FILE = DATA / "boundaries" / "grid.gpkg"
CALENDAR = (ROOT / "people" / "holidays.py", ROOT / "requirements.txt")
REMEMBERED = "run/bootstrap.json"


@dataclass(frozen=True, slots=True)
class Step:
    """One command and the files it reads; `demo_only` steps make invented people."""

    module: str
    command: str
    arguments: tuple[str, ...]
    inputs: tuple[Path, ...]
    demo_only: bool = False

    @property
    def name(self) -> str:
        """Return what a person would type."""
        return " ".join((self.command, *self.arguments))


STEPS = (
    Step("geo.commands", "grid", ("load", str(GRID_FILE)), (GRID_FILE,)),
    Step(
        "dispatch.incidents.commands",
        "catalogue",
        ("load",),
        (DATA / "catalogue" / "categories.yaml",),
    ),
    Step("dispatch.incidents.reckoning.commands", "calendar", ("load",), CALENDAR),
    Step("dispatch.incidents.reckoning.commands", "calendar", ("publish", "--first"), CALENDAR),
    Step(
        "alerts.commands",
        "rules",
        ("load",),
        (DATA / "catalogue" / "rules", DATA / "catalogue" / "categories.yaml"),
    ),
    Step("people.commands", "people", ("load-units",), (DATA / "boundaries", ROOT / "people")),
    Step(
        "people.commands",
        "people",
        ("seed-demo",),
        (DATA / "boundaries", ROOT / "people"),
        demo_only=True,
    ),
    Step(
        "dispatch.command.commands",
        "responders",
        ("seed-demo",),
        (DATA / "boundaries", ROOT / "people", DATA / "catalogue" / "teams.yaml"),
        demo_only=True,
    ),
)


def prepare() -> None:
    """Run what is due, in order; the first failure ends the preparation with its sentence."""
    upgrade.to_head()
    remembered = _Remembered()
    for step in STEPS:
        if step.demo_only and not settings().demo:
            continue
        if remembered.done(step):
            continue
        began = time.monotonic()
        group = getattr(importlib.import_module(step.module), step.command)
        group.main(list(step.arguments), prog_name=f"yiwang {step.command}", standalone_mode=False)
        click.echo(f"{step.name}: {time.monotonic() - began:.1f} s")
        remembered.keep(step)


class _Remembered:
    """Which steps were done with which inputs, in which database."""

    def __init__(self) -> None:
        self.path = settings().home / REMEMBERED
        self.database = upgrade.identity_of_database()
        known = json.loads(self.path.read_text()) if self.path.exists() else {}
        self.steps: dict[str, str] = known.get(self.database, {})

    def done(self, step: Step) -> bool:
        return self.steps.get(step.name) == _digest(step.inputs)

    def keep(self, step: Step) -> None:
        self.steps[step.name] = _digest(step.inputs)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps({self.database: self.steps}, indent=1))


def _digest(inputs: Sequence[Path]) -> str:
    found = hashlib.sha256()
    for path in inputs:
        files = (
            sorted(f for f in path.rglob("*") if f.suffix != ".pyc") if path.is_dir() else [path]
        )
        for file in files:
            if file.is_file():
                found.update(file.name.encode() + b"\0" + file.read_bytes())
    return found.hexdigest()


def main() -> None:
    """Prepare; say why not on standard error."""
    logs.set_up("bootstrap")
    try:
        prepare()
    except (DomainError, click.ClickException) as refused:
        raise SystemExit(f"✗ {getattr(refused, 'message', '') or refused}") from refused
    finally:
        db.dispose()


if __name__ == "__main__":
    main()
