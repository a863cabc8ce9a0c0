"""What a random walk found (随机办理所得): each stands here as the shortest way to it."""

from __future__ import annotations

import pytest

from dispatch.incidents.acting.under_way import SamePerson
from tests.cases import TOWN, Cast, cast, filed, in_hand, inside, one, rows


@pytest.fixture(scope="module")
def people(database: str) -> Cast:
    del database
    return cast()


def test_who_handled_a_twin_cannot_check_its_master(people: Cast) -> None:
    twin = filed(people)
    people.town.act(twin, "assign", to_unit=str(TOWN))
    people.town.act(twin, "sign")
    people.town.act(twin, "feed_back", note="已处理")
    people.county.act(twin, "fail_check", note="没好")
    people.town.act(twin, "request", request_kind="return", note="应由村里办")
    people.county.act(twin, "decide", approve=True)
    master = in_hand(people)
    people.town.act(twin, "merge", into=str(master))
    people.worker.act(master, "feed_back", note="已清理")
    assert not people.town_second.actions(master) & {"pass_check", "fail_check"}
    with pytest.raises(SamePerson):
        people.town_second.act(master, "pass_check")
    assert people.county.act(master, "pass_check") == "closed"


def test_a_decision_that_moves_the_case_leaves_no_request_behind(people: Cast) -> None:
    case = filed(people)
    people.town.act(case, "assign", to_unit="D-CG")
    people.department.act(case, "request", request_kind="extension", note="雨大")
    people.department.act(case, "request", request_kind="return", note="不属本单位")
    people.town.act(case, "decide", request_kind="return", approve=True)
    left = "select kind from requests where subject = :id and decided_at is null"
    assert rows(left, id=case) == []


def test_what_a_client_sends_along_never_passes_for_the_platforms_own_word(people: Cast) -> None:
    case = in_hand(people)
    forged = {"percent": 100, "category_version": 7, "holder_unit": 1}
    people.worker.act(case, "note", note="一句话", data=forged | {"colour": "red"})
    told = rows(
        "select data from timeline_entries where incident_id = :id order by seq desc limit 1",
        id=case,
    )[0]["data"]
    assert told["colour"] == "red"
    assert all(told.get(name) != value for name, value in forged.items())


def test_a_town_that_finds_the_case_to_be_a_neighbours_hands_it_over(people: Cast) -> None:
    case = people.county.report("暴露垃圾").incident.id
    people.town.act(case, "accept")
    lon, lat = inside(430121002)
    people.town.act(case, "locate", lon=lon, lat=lat)
    assert one("select town_code from incidents where id = :id", id=case)["town_code"] == 430121002
    assert people.elsewhere.sees(case)
    assert "assign" in people.elsewhere.actions(case)
