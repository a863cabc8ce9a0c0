"""Reporting up (信息报送): a 特急 case is owed to the level above until the county has told it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core import clock
from core.access import Access
from core.db import transaction
from dispatch.incidents import proving
from dispatch.incidents.listing import service as listing
from tests.cases import Cast, cast, one, rows
from tests.county import County

URGENT, USUAL = "燃气泄漏", "暴露垃圾"


def owed(case: UUID) -> set[str]:
    """Return what is owed upwards for a case."""
    found = rows("select kind from owed where subject = :id", id=str(case))
    kinds = {row["kind"].removeprefix("incident.") for row in found}
    return {kind for kind in kinds if kind.startswith("report_up")}


def told(people: Cast, case: UUID) -> list[dict[str, Any]]:
    """Return the errands as the county's page shows them."""
    with transaction(people.county.access) as session:
        whole = listing.case(session, case, actor=people.county.actor, at=clock.now())
        found: list[dict[str, Any]] = whole["report_up"]
        return found


def test_a_level_one_case_is_told_upwards_by_phone_and_in_writing(county: County) -> None:
    people = cast()
    case = people.town.report(URGENT).incident.id
    county.settle_down()
    assert owed(case) == {"report_up_phone", "report_up_written"}
    reported = one("select reported_at from incidents where id = :id", id=case)["reported_at"]
    dues = [datetime.fromisoformat(each["due_at"]) - reported for each in told(people, case)]
    assert [round(due / timedelta(minutes=1)) for due in dues] == [30, 60]
    people.town.act(case, "note", note="镇里打了", reason_code="report_up_phone")
    county.settle_down()
    assert len(owed(case)) == 2, "the county tells the level above, not a town"
    people.county.act(case, "note", note="已报市应急局值班室", reason_code="report_up_phone")
    county.settle_down()
    assert owed(case) == {"report_up_written"}
    phone, written = told(people, case)
    assert (phone["done_by"], written["done_at"]) == (people.county.actor.name, None)
    clock.shift(timedelta(hours=2))
    assert told(people, case)[1]["late"]
    people.county.act(case, "note", note="报告已传真", reason_code="report_up_written")
    county.settle_down()
    assert owed(case) == set()
    with transaction(people.county.access) as session:
        labels = [line["label"] for line in listing.timeline(session, case)]
    assert labels.count("电话报送") == 2
    assert labels.count("书面报送") == 1
    assert [str(each) for each in proving.verify(processes=1)] == []


@pytest.mark.parametrize("drill", [True, False])
def test_a_drill_or_an_ordinary_case_is_not(county: County, *, drill: bool) -> None:
    people = cast()
    case = people.town.report(URGENT if drill else USUAL, drill=drill).incident.id
    county.settle_down()
    assert owed(case) == set()
    assert told(people, case) == []


def test_what_turns_out_to_be_urgent_is_told_from_then_on(county: County) -> None:
    people = cast()
    case = people.town.report(USUAL).incident.id
    county.fast_forward("3h")
    assert owed(case) == set()
    people.town.act(case, "reclassify", data={"category": URGENT})
    county.settle_down()
    due = datetime.fromisoformat(told(people, case)[0]["due_at"])
    assert timedelta(minutes=28) < due - clock.now() <= timedelta(minutes=30)
    with transaction(Access.worker()) as session:
        assert listing.timeline(session, case)
    people.town.act(case, "reject", reason_code="duplicate", note="重复")
    county.settle_down()
    assert owed(case) == set()
