"""Looking into what is drawn (组件树): parts of one component taken into another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dash.development.base_component import Component


def parts(tree: Any) -> Iterator[Component]:
    """Return every component of a tree, each before what it holds."""
    if isinstance(tree, list | tuple):
        for each in tree:
            yield from parts(each)
    elif isinstance(tree, Component):
        yield tree
        yield from parts(getattr(tree, "children", None))


def found_in(tree: Any, prop: str, value: str) -> list[Component]:
    """Return the components whose property is, or holds as one of its words, this value."""
    return [each for each in parts(tree) if value in str(getattr(each, prop, "") or "").split()]
