"""Twins of a stored case (疑似同一处): offered to those who see them, merged where allowed."""

from __future__ import annotations

from typing import Any

from core.db import transaction
from dispatch.incidents import queries
from dispatch.incidents.listing import beside
from tests.cases import TOWN, Hand, cast, inside, one
from tests.county import County


def seen(who: Hand, case: Any) -> list[dict[str, Any]]:
    with transaction(who.access) as session:
        incident = queries.get(session, case)
        assert incident is not None
        return beside.twins(session, incident)


def test_an_earlier_case_at_the_same_place_is_offered_and_takes_the_later_one_in(
    county: County,
) -> None:
    people = cast()
    first = people.town.report("积水").incident
    county.settle_down()
    second = people.town.report("积水").incident
    (twin,) = seen(people.town, second.id)
    assert (twin["id"], twin["number"]) == (str(first.id), first.number)
    assert twin["distance_m"] < 1
    assert twin["score"] > 0.9
    assert seen(people.town, first.id) == [], "a later case is no twin of an earlier one"
    assert people.town.act(second.id, "merge", into=twin["number"]) == "merged"


def test_how_far_off_a_twin_lies_is_said_as_on_the_ground(county: County) -> None:
    del county
    people = cast()
    lon, lat = inside(TOWN)
    first = people.county.report("暴露垃圾", lon=lon, lat=lat, source="hotline").incident
    second = people.county.report(
        "暴露垃圾", lon=lon + 0.0015, lat=lat + 0.001, source="hotline"
    ).incident
    ground = one(
        "select ST_Distance(a.point::geography, b.point::geography) as metres"
        " from incidents a, incidents b where a.id = :a and b.id = :b",
        a=first.id,
        b=second.id,
    )["metres"]
    (twin,) = seen(people.county, second.id)
    assert 180 < ground < 190
    assert abs(twin["distance_m"] - ground) < 0.1
