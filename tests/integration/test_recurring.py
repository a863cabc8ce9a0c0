"""Recurrence watch (复发观察): what comes up again where it was closed says so, once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.access import Access
from core.db import transaction
from dispatch.incidents import proving
from dispatch.incidents import queries as cases
from dispatch.incidents.listing import beside
from dispatch.incidents.listing import service as listing
from tests.cases import TOWN, Cast, Hand, cast, in_hand, inside, one, rows
from tests.county import County

SOON, LATER = "10d", "31d"
A_METRE = 1 / 98_000  # degrees of longitude at 28° north


def closed(people: Cast) -> UUID:
    """Return a case that was handled, checked and closed."""
    case = in_hand(people)
    people.worker.act(case, "feed_back", note="已清理")
    people.town_second.act(case, "pass_check")
    return case


def again(people: Cast, category: str = "暴露垃圾", *, east_m: float = 0, **draft: Any) -> UUID:
    """Report so many metres east of where everything else happens."""
    lon, lat = inside(TOWN)
    place: dict[str, Any] = {"lon": lon + east_m * A_METRE, "lat": lat}
    return people.town.report(category, **place, **draft).incident.id


def noted(case: UUID) -> list[dict[str, Any]]:
    """Return what the watch wrote into a case."""
    return rows(
        "select note, data, actor_name from timeline_entries"
        " where incident_id = :id and reason_code = 'recurs'",
        id=case,
    )


def shown(hand: Hand, case: UUID) -> dict[str, Any] | None:
    """Return what the case's page shows of the earlier one."""
    with transaction(hand.access) as session:
        found = cases.get(session, case)
        assert found is not None
        return beside.recurrence(session, found, listing.timeline(session, case))


def test_the_same_class_near_a_closed_case_is_a_recurrence(county: County) -> None:
    people = cast()
    first = closed(people)
    county.fast_forward(SOON)
    near, far = again(people, east_m=30), again(people, east_m=80)
    other, drill = again(people, "井盖缺失"), again(people, drill=True)
    county.settle_down()
    (line,) = noted(near)
    number = one("select number from incidents where id = :id", id=first)["number"]
    assert line["note"] == f"疑似复发：案件 {number} 同类，相距 30 米，10 天前办结"
    assert line["data"]["recurs"] == {"id": str(first), "metres": 30}
    assert line["actor_name"] == "复发观察"
    assert [noted(each) for each in (far, other, drill)] == [[], [], []]
    county.settle_down()
    assert len(noted(near)) == 1
    seen = shown(people.town, near)
    assert seen is not None
    assert (seen["number"], seen["distance_m"], seen["days"]) == (number, 30, 30)
    assert shown(people.town, far) is None
    with transaction(Access.worker()) as session:
        assert [str(each) for each in proving.verify(processes=1)] == []
        assert cases.get(session, near) is not None


def test_what_was_closed_long_ago_or_is_open_still_does_not_come_up_again(county: County) -> None:
    people = cast()
    closed(people)
    in_hand(people)
    county.fast_forward(LATER)
    late = again(people)
    county.settle_down()
    assert noted(late) == []


def test_nobody_but_the_watch_says_so(county: County) -> None:
    people = cast()
    first = closed(people)
    county.fast_forward(LATER)
    case = again(people)
    people.town.act(
        case, "note", note="像是又来了", reason_code="recurs",
        data={"recurs": {"id": str(first), "metres": 1}},
    )  # fmt: skip
    assert shown(people.town, case) is None
