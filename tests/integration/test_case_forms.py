"""What the forms of a case rest on: reasons, going down, new ends, places, answers, offers."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from core import clock
from core.access import Access
from core.db import transaction
from core.errors import Conflict, Invalid, NotAllowed
from dispatch.incidents import editions, proving
from dispatch.incidents.acting.under_way import SamePerson
from dispatch.incidents.lifecycle import ActionNotAllowed
from dispatch.incidents.listing import service as reading
from tests import web
from tests.cases import TOWN, VILLAGE, Cast, Hand, cast, filed, in_hand, inside, one, rows, unit
from tests.county import County
from tests.integration.test_ledger import EMPTIED

STATE = "select * from incidents where id = :id"


@pytest.fixture(scope="module")
def people(database: str) -> Cast:
    del database
    return cast()


@pytest.fixture
def calm(database: str) -> Iterator[County]:
    """Give a test the module's county with no case in it, and prove the ledger after it."""
    del database
    with transaction(Access.owner()) as session:
        session.execute(text(f"truncate {EMPTIED} cascade"))
    with County.opened() as opened:
        yield opened
    with transaction(Access.worker()) as session:
        proving.seal(session, at=clock.now())
    assert [str(each) for each in proving.verify(processes=1)] == []


def read(hand: Hand, case: UUID) -> dict[str, Any]:
    with transaction(hand.access) as session:
        return reading.case(session, case, actor=hand.actor, at=clock.now())


def last(case: UUID) -> dict[str, Any]:
    return rows("select * from timeline_entries where incident_id = :id order by seq", id=case)[-1]


# reasons -------------------------------------------------------------------------------------


def test_going_up_needs_a_reason_of_the_list_and_other_needs_words(
    people: Cast, calm: County
) -> None:
    del calm
    case = filed(people)
    for asked in (
        {"note": "办不了"},
        {"reason_code": "because", "note": "办不了"},
        {"reason_code": "other"},
    ):
        with pytest.raises(Invalid):
            people.town.act(case, "escalate", **asked)
    people.town.act(case, "escalate", reason_code="other", note="要省里协调")
    assert last(case)["reason_code"] == "other"


def test_a_reason_that_no_list_knows_is_refused_with_the_list(people: Cast, calm: County) -> None:
    del calm
    case = people.town.report("暴露垃圾").incident.id
    with pytest.raises(Invalid, match="not_ours 不属受理范围"):
        people.town.act(case, "reject", reason_code="nonsense", note="不归我们")
    assert people.town.act(case, "reject", reason_code="not_ours") == "rejected"


def test_what_is_not_so_is_said_with_a_reason(people: Cast, calm: County) -> None:
    del calm
    case = people.town.report("油烟污染").incident.id
    assert people.town.act(case, "accept") == "verifying"
    with pytest.raises(Invalid):
        people.town.act(case, "verify", approve=False)
    assert people.town.act(case, "verify", approve=False, reason_code="not_found") == "rejected"


# going down ----------------------------------------------------------------------------------


def handed_down(people: Cast) -> UUID:
    case = filed(people)
    people.town.act(case, "escalate", reason_code="no_capacity")
    people.county.act(case, "de_escalate", to_unit=str(TOWN), reason_code="local_can")
    return case


def test_what_is_handed_down_waits_until_its_new_holder_takes_it(
    people: Cast, calm: County
) -> None:
    del calm
    case = handed_down(people)
    assert read(people.town, case)["handed_down"] is not None
    assert not {"accept", "assign"} & people.county.actions(case)
    with pytest.raises(Conflict, match="等星沙街道接收"):
        people.county.act(case, "assign", to_unit="D-CG")
    with pytest.raises(NotAllowed):
        people.county.act(case, "accept")
    assert {"accept", "assign", "escalate"} <= people.town.actions(case)
    assert people.town.act(case, "accept") == "filed"
    assert read(people.town, case)["handed_down"] is None
    assert "accept" not in people.town.actions(case)
    with pytest.raises(Conflict):
        people.town.act(case, "accept")
    with transaction(people.town.access) as session:
        assert reading.timeline(session, case)[-1]["label"] == "接收下放"
    assert people.county.act(case, "assign", to_unit="D-CG") == "assigned"


def test_a_holder_that_cannot_take_it_has_it_go_up_again(people: Cast, calm: County) -> None:
    del calm
    case = handed_down(people)
    people.town.act(case, "escalate", reason_code="beyond_powers")
    assert one(STATE, id=case)["holder_unit"] == unit("430121")
    assert read(people.county, case)["handed_down"] is None


def test_to_give_it_out_is_to_take_it(people: Cast, calm: County) -> None:
    del calm
    case = handed_down(people)
    assert people.town.act(case, "assign", to_unit=str(VILLAGE)) == "assigned"
    assert "accept" not in people.town.actions(case)


def test_automation_gives_nothing_out_that_its_new_holder_has_not_taken(
    people: Cast, calm: County
) -> None:
    with given_out_by_itself("暴露垃圾"):
        case = people.town.report("暴露垃圾").incident.id
        people.town.act(case, "accept")
        people.town.act(case, "escalate", reason_code="no_capacity")
        people.county.act(case, "de_escalate", to_unit=str(TOWN), reason_code="local_can")
        calm.settle_down()
        assert one(STATE, id=case)["status"] == "filed"
        people.town.act(case, "accept")
        calm.settle_down()
        assert one(STATE, id=case)["status"] == "assigned"
    assert calm.dead() == []


@contextmanager
def given_out_by_itself(name: str) -> Iterator[None]:
    """Let an edition of the catalogue hold by which automation gives out cases of one class."""
    tree = editions.read_file()
    changed = copy.deepcopy(tree)
    minors = [minor for major in changed["majors"] for minor in major["minors"]]
    next(minor for minor in minors if minor["name"] == name)["auto_assign"] = True
    with transaction(Access.owner()) as session:
        editions.load(session, changed, by="测试", at=clock.now())
    yield
    with transaction(Access.owner()) as session:
        editions.load(session, tree | {"edition": "照旧"}, by="测试", at=clock.now())


# requests ------------------------------------------------------------------------------------


def test_an_extension_is_asked_for_by_its_new_end_and_shown_before_and_after(
    people: Cast, calm: County
) -> None:
    del calm
    case = in_hand(people)
    before = one(STATE, id=case)["due_at"]
    seen = read(people.worker, case)
    assert "extension" in seen["request_kinds"]
    ends = [each["until"] for each in seen["stretches"]]
    assert ends == sorted(ends)
    assert ends[0] > before.isoformat()
    too_far = before + timedelta(days=60)
    for until in (before - timedelta(hours=1), before, too_far):
        with pytest.raises(Invalid):
            people.worker.act(
                case, "request", request_kind="extension", until=until, reason_code="weather"
            )
    until = one("select cast(:u as timestamptz) as u", u=ends[0])["u"]
    people.worker.act(case, "request", request_kind="extension", until=until, reason_code="weather")
    (asked,) = read(people.town, case)["requests"]
    assert (asked["reason_name"], asked["mine"]) == ("天气影响", False)
    people.town.act(case, "decide", approve=True)
    after = one(STATE, id=case)["due_at"]
    assert abs(after - until) < timedelta(minutes=2)
    shown = one("select cast(:u as timestamptz) as u", u=asked["due_after"])["u"]
    assert abs(after - shown) < timedelta(minutes=2)


def test_a_suspension_is_reviewed_on_the_day_that_was_asked_for(people: Cast, calm: County) -> None:
    del calm
    case, until = in_hand(people), clock.now() + timedelta(days=7)
    for wrong in (clock.now() - timedelta(days=1), clock.now() + timedelta(days=31)):
        with pytest.raises(Invalid):
            people.worker.act(
                case, "request", request_kind="suspension", until=wrong, reason_code="weather"
            )
    people.worker.act(case, "request", request_kind="suspension", until=until, reason_code="funds")
    people.town.act(case, "decide", approve=True)
    stored = one(STATE, id=case)
    assert stored["due_stage"] == "review"
    assert abs(stored["due_at"] - until) < timedelta(minutes=2)


def test_a_forced_close_is_asked_by_a_centre_and_decided_by_a_second_person(
    people: Cast, calm: County
) -> None:
    del calm
    case = filed(people)
    assert read(people.county, case)["request_kinds"] == ["forced_close"]
    with pytest.raises(NotAllowed, match="申请退回"):
        people.county.act(in_hand(people), "request", request_kind="return", note="退回")
    people.county.act(case, "request", request_kind="forced_close", reason_code="legacy")
    assert "decide" not in people.county.actions(case)
    with pytest.raises(SamePerson):
        people.county.act(case, "decide", approve=True)
    assert "decide" in people.leader.actions(case)
    assert people.leader.act(case, "decide", approve=True) == "closed"


def test_a_case_that_came_back_twice_waits_for_a_ruling(people: Cast, calm: County) -> None:
    del calm
    case = filed(people)
    for _ in range(2):
        people.town.act(case, "assign", to_unit="D-CG")
        people.department.act(case, "request", request_kind="return", reason_code="not_ours")
        people.town.act(case, "decide", approve=True)
    people.town.act(case, "assign", to_unit="D-CG")
    assert read(people.town, case)["must_rule"] is True
    assert "return" not in read(people.department, case)["request_kinds"]
    with pytest.raises(Conflict, match="等裁定派单"):
        people.department.act(case, "request", request_kind="return", reason_code="not_ours")
    people.county.act(case, "rule", to_unit="D-CG", reason_code="duty_list")
    assert "reassign" not in people.county.actions(case)
    assert read(people.town, case)["must_rule"] is False


# places, supports, answers -------------------------------------------------------------------


def test_a_case_without_a_point_is_located_by_its_village_alone(people: Cast, calm: County) -> None:
    del calm
    case = people.county.report(address="说不清").incident.id
    for wrong in (None, 43, "430121001001", 430121999999, True):
        with pytest.raises(Invalid):
            people.county.act(case, "locate", data={"village_code": wrong})
    people.county.act(case, "locate", data={"village_code": VILLAGE}, note="东门旁")
    found = one(STATE, id=case)
    assert (found["village_code"], found["located_by"]) == (VILLAGE, "village")
    assert (found["cell_code"], found["town_code"]) == (None, TOWN)
    assert found["holder_unit"] == unit(str(TOWN))
    lon, lat = inside(VILLAGE)
    people.town.act(case, "locate", lon=lon, lat=lat)
    people.town.act(case, "locate", data={"village_code": VILLAGE})
    assert one("select point from incidents where id = :id", id=case)["point"] is None


def test_only_a_supporting_unit_is_let_go(people: Cast, calm: County) -> None:
    del calm
    case = in_hand(people)
    assert "remove_support" not in people.town.actions(case)
    with pytest.raises(Conflict):
        people.town.act(case, "remove_support", to_unit="D-JT")
    with pytest.raises(Conflict):
        people.town.act(case, "add_support", to_unit=str(VILLAGE))
    people.town.act(case, "add_support", to_unit="D-CG")
    people.town.act(case, "add_support", to_unit="D-JT")
    people.town.act(case, "remove_support", to_unit="D-CG")
    assert [each["code"] for each in read(people.town, case)["supports"]] == ["D-JT"]


def closed(people: Cast, **reported: str) -> UUID:
    case = people.town.report("暴露垃圾", **reported).incident.id
    people.town.act(case, "accept")
    people.town.act(case, "assign")
    people.worker.act(case, "sign")
    people.worker.act(case, "feed_back", note="已清理")
    people.town.act(case, "pass_check")
    return case


@pytest.fixture(scope="module")
def served(people: Cast) -> Iterator[TestClient]:
    del people
    with web.serving() as client:
        yield client


def test_what_the_reporter_says_is_not_solved_opens_again(
    served: TestClient, people: Cast, calm: County
) -> None:
    del calm
    town = web.sign_in(served, f"town{TOWN}")
    answers = (
        ("call_back", {"result": "reached", "solved": False}, "assigned"),
        ("call_back", {"result": "reached", "solved": True}, "closed"),
        ("call_back", {"result": "unreached"}, "closed"),
        ("rate", {"solved": False, "satisfied": False}, "assigned"),
        ("rate", {"solved": True, "satisfied": True}, "closed"),
    )
    for action, said, status in answers:
        case = closed(people, reporter_phone="13912347730")
        body = {"action": action, "data": said, "note": "说了"}
        answer = town.post(f"/api/v1/incidents/{case}/actions", json=body)
        assert (answer.status_code, answer.json()["status"]) == (200, status), answer.text
        assert one(STATE, id=case)["reopens"] == (status == "assigned")


def test_a_third_call_that_nobody_answers_ends_the_call_back(people: Cast, calm: County) -> None:
    del calm
    case = closed(people, reporter_phone="13912347730")
    for made in range(3):
        assert read(people.town, case)["calls"] == {"made": made, "most": 3, "done": False}
        people.town.act(case, "call_back", data={"result": "unreached"})
    assert read(people.town, case)["calls"] == {"made": 3, "most": 3, "done": True}
    with transaction(people.town.access) as session:
        assert reading.timeline(session, case)[-1]["label"] == "回访（没打通）"


def test_classes_and_units_are_found_by_their_initials(served: TestClient, people: Cast) -> None:
    del people
    village = web.sign_in(served, f"village{VILLAGE}")
    told = village.get("/api/v1/categories").json()
    (lamp,) = [each for each in told["classes"] if each["initials"] == "ldbl"]
    assert (lamp["name"], "灯不亮" in lamp["words"]) == ("路灯不亮", True)
    assert set(told["first"]) <= {each["code"] for each in told["classes"]}
    (unit_,) = [each for each in village.get("/api/v1/units").json() if each["code"] == "D-CG"]
    assert unit_["initials"] == "cgj"
    assert served.get("/api/v1/categories").status_code == 401


# offers --------------------------------------------------------------------------------------


def test_nothing_is_offered_that_the_case_refuses_as_it_stands(people: Cast, calm: County) -> None:
    del calm
    case = filed(people)
    everybody = (people.town, people.county, people.leader)
    for hand in everybody:
        assert not {"unshare", "decide", "remove_support", "accept"} & hand.actions(case)
    assert "escalate" in people.town.actions(case)
    people.town.act(case, "escalate", reason_code="serious")
    assert not any("escalate" in hand.actions(case) for hand in everybody)
    people.county.act(case, "assign", to_unit=str(VILLAGE))
    with transaction(Access.owner()) as session:
        session.execute(text("update incidents set open_legs = 1 where id = :id"), {"id": case})
    people.worker.act(case, "sign")
    people.worker.act(case, "feed_back", note="好了")
    assert "pass_check" not in people.county.actions(case)
    with pytest.raises(Conflict, match="未办结的纠纷环节"):
        people.county.act(case, "pass_check")
    assert "fail_check" in people.county.actions(case)
    with pytest.raises(ActionNotAllowed):
        people.county.act(case, "accept")
    with transaction(Access.owner()) as session:
        session.execute(text("update incidents set open_legs = 0 where id = :id"), {"id": case})


def test_each_action_offered_names_the_reasons_to_choose_from(people: Cast, calm: County) -> None:
    del calm
    case = in_hand(people)
    offered = {each["action"]: each for each in read(people.worker, case)["actions"]}
    kinds = offered["request"]["kinds"]
    assert set(kinds) == set(read(people.worker, case)["request_kinds"])
    assert "weather" in kinds["extension"]
    town = {each["action"]: each for each in read(people.town, case)["actions"]}
    assert town["reassign"]["reasons"]["wrong_unit"] == "派错单位"
    assert "reasons" not in town["urge"]
