"""Which tests share a process: those of a file, whose county is one; all of the browser."""

from __future__ import annotations

import pytest


@pytest.hookimpl(tryfirst=True)  # before xdist writes the group into each test's name
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test its group for `--dist loadgroup`; the slow browser group goes first."""
    for item in items:
        browser = "tests/browser/" in item.path.as_posix()
        item.add_marker(pytest.mark.xdist_group("browser" if browser else item.path.as_posix()))
    items.sort(key=lambda item: "tests/browser/" not in item.path.as_posix())
