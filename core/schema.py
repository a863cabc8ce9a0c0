"""Bringing a database to the present schema."""

from __future__ import annotations

from alembic import command
from alembic.config import Config

from core.settings import ROOT


def upgrade(revision: str = "head") -> None:
    """Run the migrations up to `revision` as the owner; safe to run again."""
    command.upgrade(_config(), revision)


def head() -> str | None:
    """Return the newest revision in this checkout."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 (only doctor asks)

    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    return config
