"""The catalogue in force, kept in memory (分类目录缓存) and looked at again every few seconds."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy.orm import Session

from core.errors import Busy
from core.settings import ROOT
from dispatch.incidents import catalogue, queries

FILE = ROOT / "data" / "catalogue" / "categories.yaml"
_LOOK_AGAIN = timedelta(seconds=5)
_kept: dict[tuple[int, str], catalogue.Catalogue] = {}
_current: list[tuple[datetime, catalogue.Catalogue]] = []


def read_file(path: Path = FILE) -> dict[str, Any]:
    """Return the tree of a catalogue file."""
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    return tree if isinstance(tree, dict) else {}


def in_hand(at: datetime) -> catalogue.Catalogue | None:
    """Return the catalogue in force if it was looked at lately; no database is asked."""
    if _current and abs(at - _current[0][0]) < _LOOK_AGAIN:
        return _current[0][1]
    return None


def current(session: Session, at: datetime) -> catalogue.Catalogue:
    """Return the catalogue in force; raises `Busy` when none was ever loaded."""
    found = in_hand(at)
    if found:
        return found
    newest = queries.newest_version(session)
    if newest is None:
        raise Busy("事件分类目录尚未载入：请运行 yiwang catalogue load")
    kept = of_version(session, newest.version, newest.digest)
    _current[:] = [(at, kept)]
    return kept


def of_version(session: Session, version: int, digest: str | None = None) -> catalogue.Catalogue:
    """Return the catalogue an incident was filed under."""
    for (number, known), kept in _kept.items():
        if number == version and digest in (None, known):
            return kept
    tree = queries.catalogue_tree(session, version)
    if not tree:
        raise Busy("事件分类目录版本缺失：请运行 yiwang doctor")
    made = catalogue.read(tree, version=version)
    _kept[version, made.digest] = made
    return made


def forget() -> None:
    """Drop what is kept: a new edition was loaded, or another database is in use."""
    _kept.clear()
    _current.clear()


def load(session: Session, tree: dict[str, Any], *, by: str, at: datetime) -> tuple[int, bool]:
    """Load a checked tree as the next version; the same content twice is one version.

    Returns the version in force and whether it is new.
    """
    newest = queries.newest_version(session)
    fingerprint = catalogue.digest(tree)
    if newest is not None and newest.digest == fingerprint:
        return newest.version, False
    version = newest.version + 1 if newest else 1
    made = catalogue.read(tree, version=version)
    queries.add_version(
        session,
        {
            "version": version,
            "edition": made.edition,
            "digest": fingerprint,
            "tree": tree,
            "loaded_at": at,
            "loaded_by": by,
        },
        (
            {
                "version": version,
                "code": each.code,
                "name": each.name,
                "major_code": each.major_code,
                "major": each.major,
                "level": each.level,
                "public": each.public,
                "confidential": each.confidential,
            }
            for each in made.categories.values()
        ),
    )
    forget()
    return version, True
