"""The `yiwang` command (一网统管): each feature brings its own group, loaded when it is used."""

from __future__ import annotations

import getpass
import importlib
import sys
from importlib.util import find_spec

import click

from core import audit
from core.errors import DomainError
from core.place import ServerUnavailable

GROUPS = {  # command -> where it lives
    "run": "workers.commands",
    "up": "workers.commands",
    "down": "workers.commands",
    "grid": "geo.commands",
    "catalogue": "dispatch.incidents.commands",
    "calendar": "dispatch.incidents.reckoning.commands",
    "incidents": "dispatch.incidents.commands",
    "ledger": "dispatch.incidents.commands",
    "responders": "dispatch.command.commands",
    "changes": "workers.changes",
    "rules": "alerts.commands",
    "people": "people.commands",
    "rota": "people.commands",
    "backup": "core.commands",
    "restore": "core.commands",
    "migrate": "core.commands",
    "doctor": "core.commands",
    "audit": "core.commands",
    "keys": "workers.keys",
    "privacy": "workers.privacy",
    "simulate": "simulator.commands",
}


class Features(click.Group):
    """Finds a command in its feature; a feature that is not installed is not listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands whose feature is present."""
        return [name for name in GROUPS if self.get_command(ctx, name)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the feature that holds the command."""
        del ctx
        module = GROUPS.get(cmd_name)
        if module is None or not _present(module):
            return None
        found = getattr(importlib.import_module(module), cmd_name, None)
        return found if isinstance(found, click.Command) else None


def _present(module: str) -> bool:
    parts = module.split(".")
    return all(find_spec(".".join(parts[: n + 1])) for n in range(len(parts)))


@click.group(cls=Features)
def yiwang() -> None:
    """一网统管：长沙县县域指挥平台的命令行。"""


def main() -> None:
    """Run a command; a refusal is one sentence on standard error and a non-zero exit."""
    try:
        with audit.coming_from(f"command line: {getpass.getuser()}"):
            yiwang(prog_name="yiwang")
    except (DomainError, ServerUnavailable) as refused:
        click.echo(f"✗ {refused}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
