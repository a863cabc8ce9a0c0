"""The caller's area as a condition (辖区条件), said in the query as well as by row security.

Row security decides; its condition is one no index answers, since it asks for the caller's role
first. The same area in plain columns lets a town or a department read by index.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from core.access import Access


def area_of(session: Session) -> tuple[str, dict[str, Any]]:
    """Return the condition of the access a transaction was begun with."""
    access = session.info.get("access")
    return area(access) if access else ("", {})


def area(access: Access) -> tuple[str, dict[str, Any]]:
    """Return a condition on `incidents i` and its values; nothing for whoever sees the county."""
    arms = (
        ("i.town_code = any(cast(:towns as int[]))", "towns", list(access.towns)),
        ("i.village_code = any(cast(:villages as bigint[]))", "villages", list(access.villages)),
        ("i.cell_code = any(cast(:cells as bigint[]))", "cells", list(access.cells)),
        ("i.units && cast(:units as int[])", "units", list(access.units)),
        (
            "i.persons && cast(:persons as int[])",
            "persons",
            [access.person] if access.person is not None else [],
        ),
    )
    held = [arm for arm in arms if arm[2]]
    if access.see_all or not held:
        return "", {}
    condition = " or ".join(text for text, _, _ in held)
    return f" and ({condition})", {name: values for _, name, values in held}
