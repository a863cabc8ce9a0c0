"""Processes of the product, born of one that has read its libraries already.

A county is served anew for every module; reading Dash, pandas and the rest four times over would
take longer than most of the tests. Each part still is a process of its own that runs its own
`main` with its own environment.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
from multiprocessing.context import ForkServerProcess
from pathlib import Path

READ_BEFORE = (
    "uvicorn.main",
    "dash",
    "dashboard.callbacks",
    "dashboard.case_door",
    "dashboard.mobile.routes",
    "dashboard.sign_in",
    "dashboard.api.incidents",
    "dashboard.api.geo",
    "workers.jobs",
    "workers.relay",
    "workers.schedule",
)
nursery = multiprocessing.get_context("forkserver")
nursery.set_forkserver_preload(list(READ_BEFORE))


def born(argv: tuple[str, ...], log: Path) -> ForkServerProcess:
    """Start the `main` of module `argv[0]` with the rest as its arguments; it writes to `log`."""
    part = nursery.Process(target=_live, args=(argv, dict(os.environ), log), name=argv[0])
    part.start()
    return part


def _live(argv: tuple[str, ...], environment: dict[str, str], log: Path) -> None:
    """Become that part: its environment, its arguments, its output."""
    with log.open("wb", buffering=0) as out:
        os.dup2(out.fileno(), sys.stdout.fileno())
        os.dup2(out.fileno(), sys.stderr.fileno())
    os.environ.clear()
    os.environ.update(environment)
    settings = importlib.import_module("core.settings")
    settings.settings.cache_clear()
    sys.argv = list(argv)
    importlib.import_module(argv[0]).main()
