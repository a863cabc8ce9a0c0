"""The weights file `data/catalogue/dispatch.yaml` (派员口径)."""

from __future__ import annotations

from functools import cache

import yaml

from core.settings import ROOT
from dispatch.command.policy import Policy, parse

PATH = ROOT / "data" / "catalogue" / "dispatch.yaml"


@cache
def current() -> Policy:
    """Return the installed weights, read once per process; raises `PolicyError` on a bad file."""
    return parse(yaml.safe_load(PATH.read_text(encoding="utf-8")))
