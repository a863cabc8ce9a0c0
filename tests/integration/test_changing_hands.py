"""A case changes hands (换手): its clock, its requests and its view go with it, or are restored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from core import clock
from core.access import Access
from core.db import transaction
from core.errors import Conflict, NotAllowed
from dispatch.incidents import proving
from dispatch.incidents.citizens import service as citizens
from tests.cases import TOWN, VILLAGE, Cast, cast, filed, in_hand, inside, one, rows, unit
from tests.county import County


@pytest.fixture(scope="module")
def people(database: str) -> Cast:
    del database
    return cast()


@pytest.fixture
def county(people: Cast) -> Iterator[County]:
    del people
    with County.opened() as opened:
        yield opened


def stored(case: UUID) -> dict[str, Any]:
    return one("select * from incidents where id = :id", id=case)


def running(case: UUID) -> list[tuple[str, int]]:
    found = rows(
        "select stage, unit_id from clock_segments where incident_id = :id and ended_at is null"
        " order by n",
        id=case,
    )
    return [(row["stage"], row["unit_id"]) for row in found]


def waiting(case: UUID) -> list[str]:
    found = rows("select kind from requests where subject = :id and decided_at is null", id=case)
    return [row["kind"] for row in found]


# requests ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "to"), [("reassign", "D-JT"), ("rule", "D-CG"), ("rule", "D-JT")]
)
def test_what_a_unit_asked_for_is_void_once_the_case_is_given_out_anew(
    people: Cast, action: str, to: str
) -> None:
    case = filed(people)
    people.town.act(case, "assign", to_unit="D-CG")
    people.department.act(case, "request", request_kind="return", note="不属本单位")
    people.county.act(case, action, to_unit=to, note="按职责清单")
    assert waiting(case) == []
    assert stored(case)["returns"] == 0


def test_a_request_to_be_shown_a_case_outlasts_its_next_step(people: Cast) -> None:
    case = in_hand(people)
    until = clock.now() + timedelta(days=3)
    asked = {"request_kind": "share", "to_unit": "D-JT", "note": "请交警知晓", "until": until}
    people.worker.act(case, "request", **asked)
    people.worker.act(case, "feed_back", note="好了")
    assert waiting(case) == ["share"]
    people.town.act(case, "decide", approve=True)
    assert unit("D-JT") in stored(case)["units"]


def test_the_limit_that_is_stretched_is_the_one_of_the_unit_that_has_the_case(
    people: Cast,
) -> None:
    case = filed(people)
    people.town.act(case, "assign", to_unit="D-CG")
    people.town.act(case, "reassign", to_unit=str(VILLAGE), note="改由村里办")
    people.worker.act(case, "sign")
    people.worker.act(case, "request", request_kind="extension", note="雨大")
    people.town.act(case, "decide", approve=True)
    (line,) = rows(
        "select data from timeline_entries where incident_id = :id and action = 'decide'", id=case
    )
    assert line["data"]["extra_minutes"] == 480, "one workday, not the department's five"


# view ----------------------------------------------------------------------------------------


def test_a_unit_sees_a_case_no_longer_once_another_leads_it(people: Cast) -> None:
    case = filed(people)
    people.town.act(case, "assign", to_unit="D-CG")
    assert people.department.sees(case)
    people.town.act(case, "reassign", to_unit="D-JT", note="改派交警")
    assert not people.department.sees(case)
    last = rows("select before, units from outbox where subject = :id order by id", id=str(case))
    assert unit("D-CG") in last[-1]["before"]["units"], "its screens are told `gone`"


def test_a_unit_sees_a_case_no_longer_once_its_return_is_granted(people: Cast) -> None:
    case = filed(people)
    people.town.act(case, "assign", to_unit="D-CG")
    people.department.act(case, "request", request_kind="return", note="不属本单位")
    people.town.act(case, "decide", approve=True)
    assert not people.department.sees(case)


def test_a_unit_that_goes_on_supporting_goes_on_seeing(people: Cast) -> None:
    case = filed(people)
    people.town.act(case, "assign", to_unit="D-JT")
    people.town.act(case, "add_support", to_unit="D-CG")
    people.town.act(case, "reassign", to_unit="D-CG", note="由城管主办")
    people.town.act(case, "reassign", to_unit="D-JT", note="还由交警主办")
    assert people.department.sees(case)


def test_a_town_that_handled_and_passed_a_case_up_goes_on_seeing_it(people: Cast) -> None:
    case = filed(people)
    people.town.act(case, "assign", to_unit=str(TOWN))
    people.town.act(case, "escalate", reason_code="no_capacity")
    assert unit(str(TOWN)) in stored(case)["units"]


# clocks --------------------------------------------------------------------------------------


def test_the_clock_of_a_case_passed_up_and_down_runs_in_the_hands_of_its_holder(
    people: Cast,
) -> None:
    case = filed(people)
    people.town.act(case, "escalate", reason_code="beyond_powers")
    assert running(case) == [("assign", unit("430121"))]
    people.county.act(case, "de_escalate", to_unit=str(TOWN), note="镇里能办")
    assert running(case) == [("assign", unit(str(TOWN)))]
    assert list(proving.verify(processes=1)) == []


def test_the_clock_of_a_case_found_in_another_town_runs_in_that_towns_hands(people: Cast) -> None:
    case = people.county.report("暴露垃圾").incident.id
    people.town.act(case, "accept")
    lon, lat = inside(TOWN, nth=3)
    people.town.act(case, "locate", lon=lon, lat=lat)
    assert running(case) == [("assign", unit(str(TOWN)))]
    clocks = "select count(*) as n from clock_segments where incident_id = :id"
    before = one(clocks, id=case)
    lon, lat = inside(430121002)
    people.town.act(case, "locate", lon=lon, lat=lat)
    assert running(case) == [("assign", unit("430121002"))]
    assert one(clocks, id=case)["n"] == before["n"] + 1
    assert list(proving.verify(processes=1)) == []


def test_a_twin_that_comes_back_has_the_time_it_had_left_and_no_more(
    people: Cast, county: County
) -> None:
    master = filed(people)
    twin = people.town.report("停水").incident.id  # urgent: its clock runs by night
    due = stored(twin)["due_at"]
    county.fast_forward("10m")
    people.town.act(twin, "merge", into=str(master))
    assert people.town.act(twin, "unmerge") == "reported"
    assert abs(stored(twin)["due_at"] - due) < timedelta(minutes=1)
    assert list(proving.verify(processes=1)) == []


def test_a_case_closed_before_anybody_had_it_is_opened_again_in_its_holders_hands(
    people: Cast,
) -> None:
    case = filed(people)
    people.county.act(case, "request", request_kind="forced_close", note="重复交办")
    people.leader.act(case, "decide", approve=True)
    assert people.county.act(case, "reopen", note="又有了") == "assigned"
    assert stored(case)["lead_unit"] == unit(str(TOWN))
    assert people.town.act(case, "sign") == "handling"
    assert list(proving.verify(processes=1)) == []


# twins ---------------------------------------------------------------------------------------


def test_a_reporter_follows_a_case_that_was_merged_on(people: Cast) -> None:
    first, second, third = (filed(people) for _ in range(3))
    people.town.act(first, "merge", into=str(second))
    people.town.act(second, "merge", into=str(third))
    code = stored(first)["tracking_code"]
    with transaction(Access.citizen(code)) as session:
        assert citizens.master_code(session, code) == stored(third)["tracking_code"]
    people.town.act(second, "unmerge")
    with transaction(Access.citizen(code)) as session:
        assert citizens.master_code(session, code) == stored(second)["tracking_code"]


def test_what_comes_after_the_end_of_a_case_is_no_twin_of_it(people: Cast) -> None:
    earlier, master = filed(people), in_hand(people)
    people.worker.act(master, "feed_back", note="好了")
    people.town.act(master, "pass_check")
    again = filed(people)
    with pytest.raises(Conflict, match="复发"):
        people.town.act(again, "merge", into=str(master))
    assert people.town.act(earlier, "merge", into=str(master)) == "merged"


# guards --------------------------------------------------------------------------------------


def test_a_case_goes_up_from_whoever_holds_it_and_not_from_who_only_handles(people: Cast) -> None:
    case = filed(people)
    people.town.act(case, "assign", to_unit="D-CG")
    assert "escalate" not in people.department.actions(case)
    with pytest.raises(NotAllowed):
        people.department.act(case, "escalate", reason_code="beyond_powers")
    by_worker = in_hand(people)
    with pytest.raises(NotAllowed):
        people.worker.act(by_worker, "escalate", reason_code="beyond_powers")


def test_no_forced_close_either_while_a_leg_of_the_dispute_is_open(people: Cast) -> None:
    case = in_hand(people)
    with transaction(Access.owner()) as session:
        session.execute(text("update incidents set open_legs = 1 where id = :id"), {"id": case})
    people.county.act(case, "request", request_kind="forced_close", note="不可抗力")
    with pytest.raises(Conflict, match="纠纷环节"):
        people.leader.act(case, "decide", approve=True)


def test_a_ruling_binds_the_unit_it_names_and_not_who_is_given_the_case_later(
    people: Cast,
) -> None:
    case = filed(people)
    people.town.act(case, "assign", to_unit="D-JT")
    people.county.act(case, "rule", to_unit="D-JT", note="按职责清单")
    people.town.act(case, "escalate", reason_code="beyond_powers")
    people.county.act(case, "assign", to_unit="D-CG")
    people.department.act(case, "request", request_kind="return", note="不属本单位")
    assert waiting(case) == ["return"]
    assert list(proving.verify(processes=1)) == []


def test_a_report_found_to_be_of_an_urgent_class_is_to_be_accepted_as_one(people: Cast) -> None:
    case = people.town.report("暴露垃圾").incident.id
    people.town.act(case, "reclassify", data={"category": "焚烧垃圾"})
    found = stored(case)
    assert found["due_at"] - found["reported_at"] == timedelta(minutes=15)
    assert list(proving.verify(processes=1)) == []
