"""Acting on a case: seven people, guards, requests, clocks that pause, facts and what is owed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from core import clock
from core.access import Access
from core.db import transaction
from core.errors import Conflict, DomainError, Invalid, NotAllowed, NotFound
from dispatch.incidents.acting.under_way import SamePerson
from dispatch.incidents.lifecycle import ActionNotAllowed
from tests.cases import VILLAGE, Cast, cast, filed, in_hand, inside, one, rows, unit
from tests.county import County


@pytest.fixture(scope="module")
def people(database: str) -> Cast:
    del database
    return cast()


@pytest.fixture
def calm(database: str) -> Iterator[County]:
    """Give a test the module's county with no case in it."""
    del database
    emptied = (
        "incidents, incident_keys, idempotency_keys, timeline_entries, clock_segments, requests,"
        " case_fact, outbox, owed, proposals, orders, alerts"
    )
    with transaction(Access.owner()) as session:
        session.execute(text(f"truncate {emptied} cascade"))
    with County.opened() as opened:
        yield opened


def status(case: UUID) -> str:
    return str(one("select status from incidents where id = :id", id=case)["status"])


def test_a_case_walks_the_whole_way_through_different_hands(people: Cast, calm: County) -> None:
    case = people.worker.report("暴露垃圾", reporter_phone="13912347730").incident.id
    calm.settle_down()
    assert status(case) == "filed", "a grid worker's report is accepted by rule"
    (accepted,) = rows(
        "select * from timeline_entries where incident_id = :id and action = 'accept'", id=case
    )
    assert (accepted["actor_name"], accepted["reason_code"]) == ("自动受理", "auto_accept@1")
    assert people.town.act(case, "assign") == "assigned"
    assert one("select lead_unit from incidents where id = :id", id=case)["lead_unit"] == unit(
        str(VILLAGE)
    )
    assert people.worker.act(case, "sign") == "handling"
    assert people.worker.act(case, "feed_back", note="已清理") == "checking"
    assert people.town_second.act(case, "pass_check") == "closed"
    assert people.county.act(case, "archive") == "archived"
    calm.settle_down()
    seqs = rows("select seq from timeline_entries where incident_id = :id order by seq", id=case)
    assert [row["seq"] for row in seqs] == list(range(1, len(seqs) + 1))
    open_clocks = "select 1 from clock_segments where incident_id = :id and ended_at is null"
    assert not rows(open_clocks, id=case)
    fact = one("select * from case_fact where incident_id = :id", id=case)
    assert (fact["status"], fact["on_time"], fact["valid"]) == ("archived", True, True)
    assert calm.dead() == []


def test_a_person_who_was_quicker_beats_automation(people: Cast, calm: County) -> None:
    case = people.worker.report("暴露垃圾").incident.id
    people.town.act(case, "reject", note="不属实")
    calm.settle_down()
    assert status(case) == "rejected"


def test_the_handler_and_the_handling_unit_cannot_check(people: Cast, calm: County) -> None:
    del calm
    case = in_hand(people)
    people.worker.act(case, "feed_back", note="已清理")
    for hand in (people.worker, people.village):
        with pytest.raises(SamePerson):
            hand.act(case, "pass_check")
        assert not hand.actions(case) & {"pass_check", "fail_check"}
    assert people.town.act(case, "pass_check") == "closed"


def test_a_town_that_handled_is_checked_by_the_county(people: Cast, calm: County) -> None:
    case = filed(people)
    people.town.act(case, "assign", to_unit="430121001")
    people.town.act(case, "sign")
    people.town.act(case, "feed_back", note="已处理")
    with pytest.raises(SamePerson):
        people.town_second.act(case, "pass_check")
    calm.settle_down()
    (owed,) = rows("select kind, post_id from owed where subject = :id", id=str(case))
    post = one(
        "select p.kind, u.code from posts p join units u on u.id = p.unit_id where p.id = :id",
        id=owed["post_id"],
    )
    assert (owed["kind"], post) == ("incident.check", {"kind": "checker", "code": "430121"})
    assert people.county.act(case, "pass_check") == "closed"


def test_those_without_the_post_get_neither_button_nor_action(people: Cast, calm: County) -> None:
    del calm
    case = filed(people)
    assert "assign" in people.town.actions(case)
    assert "assign" not in people.worker.actions(case)
    with pytest.raises(NotAllowed):
        people.worker.act(case, "assign")
    with pytest.raises(NotFound):
        people.elsewhere.act(case, "assign")
    with pytest.raises(ActionNotAllowed):
        people.town.act(case, "pass_check")
    with pytest.raises(Invalid):
        people.town.act(case, "teleport")


def test_every_action_offered_is_taken_or_asks_for_what_it_needs(
    people: Cast, calm: County
) -> None:
    del calm
    case = filed(people)
    for action in people.town.actions(case):
        try:
            people.town.act(case, action)
        except DomainError as refused:
            refusal = refused
        else:
            case = filed(people)
            continue
        assert not isinstance(refusal, NotAllowed | ActionNotAllowed), action


def test_two_people_with_one_revision_are_one_act_and_one_conflict(
    people: Cast, calm: County
) -> None:
    del calm
    case = people.town.report("暴露垃圾").incident.id

    def accept(hand: int) -> str:
        try:
            return (people.town, people.town_second)[hand].act(case, "accept", rev=1)
        except Conflict:
            return "conflict"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(accept, range(2))) == ["conflict", "filed"]


def test_a_return_is_decided_by_another_and_the_second_ends_in_a_ruling(
    people: Cast, calm: County
) -> None:
    del calm
    case = filed(people)
    for n in (1, 2):
        people.town.act(case, "assign", to_unit="D-CG")
        people.department.act(case, "request", request_kind="return", note="不属本单位")
        with pytest.raises(NotAllowed):
            people.department.act(case, "decide", approve=True)
        people.town.act(case, "decide", approve=True)
        assert one("select returns from incidents where id = :id", id=case)["returns"] == n
    entry = rows(
        "select data from timeline_entries where incident_id = :id and action = 'decide'"
        " order by seq",
        id=case,
    )[-1]
    assert entry["data"]["must_rule"] is True
    people.town.act(case, "assign", to_unit="D-CG")
    people.county.act(case, "rule", to_unit="D-CG", note="按职责清单")
    with pytest.raises(Conflict):
        people.department.act(case, "request", request_kind="return", note="还是不属")


def test_a_suspended_case_stops_its_clock_and_goes_on_with_what_was_left(
    people: Cast, calm: County
) -> None:
    case = in_hand(people)
    before = one("select due_at from incidents where id = :id", id=case)["due_at"]
    people.worker.act(case, "request", request_kind="suspension", note="等天晴")
    people.town.act(case, "decide", approve=True, request_kind="suspension")
    assert status(case) == "suspended"
    calm.fast_forward("10d")
    people.worker.act(case, "resume")
    after = one("select due_at, status from incidents where id = :id", id=case)
    assert after["status"] == "handling"
    assert after["due_at"] > before + timedelta(days=8)
    assert calm.dead() == []


def test_an_extension_is_granted_once(people: Cast, calm: County) -> None:
    del calm
    case = in_hand(people)
    before = one("select due_at from incidents where id = :id", id=case)["due_at"]
    people.worker.act(case, "request", request_kind="extension", note="雨大")
    with pytest.raises(Conflict):
        people.worker.act(case, "request", request_kind="extension", note="再问")
    people.town.act(case, "decide", approve=True)
    assert one("select due_at from incidents where id = :id", id=case)["due_at"] > before
    with pytest.raises(Conflict):
        people.worker.act(case, "request", request_kind="extension", note="第二次")


def test_a_refused_request_leaves_the_case_where_it_is(people: Cast, calm: County) -> None:
    del calm
    case = in_hand(people)
    people.worker.act(case, "request", request_kind="suspension", note="等天晴")
    assert people.town.act(case, "decide", approve=False, note="不同意") == "handling"
    with pytest.raises(NotFound):
        people.town.act(case, "decide", approve=True)


def test_a_forced_close_needs_two_people(people: Cast, calm: County) -> None:
    del calm
    case = filed(people)
    people.town.act(case, "assign", to_unit="430121001")
    people.town.act(case, "request", request_kind="forced_close", note="不可抗力")
    with pytest.raises(SamePerson):
        people.town.act(case, "decide", approve=True)
    assert people.county.act(case, "decide", approve=True, note="同意") == "closed"


def test_a_third_rework_shows_the_black_card(people: Cast, calm: County) -> None:
    del calm
    case = in_hand(people)
    for n in range(3):
        people.worker.act(case, "feed_back", note="好了")
        people.town.act(case, "fail_check", note="没好")
        card = one("select card from incidents where id = :id", id=case)["card"]
        assert card == ("black" if n == 2 else None)


def test_a_twin_is_merged_and_comes_back_as_it_was(people: Cast, calm: County) -> None:
    del calm
    master, twin = filed(people), filed(people)
    number = one("select number from incidents where id = :id", id=master)["number"]
    assert people.town.act(twin, "merge", into=number) == "merged"
    with pytest.raises(Invalid):
        people.town.act(master, "merge", into=str(master))
    with pytest.raises(Conflict):
        people.town.act(master, "merge", into=str(twin))
    assert people.town.act(twin, "unmerge") == "filed"
    assert one("select master_id, closed_at from incidents where id = :id", id=twin) == {
        "master_id": None,
        "closed_at": None,
    }


def test_a_case_goes_up_to_the_county_and_its_town_still_sees_it(
    people: Cast, calm: County
) -> None:
    case = filed(people)
    with pytest.raises(Invalid):
        people.town.act(case, "escalate")
    people.town.act(case, "escalate", reason_code="beyond_powers")
    held = one("select holder_unit, units from incidents where id = :id", id=case)
    assert held["holder_unit"] == unit("430121")
    assert unit("430121001") in held["units"]
    with pytest.raises(NotAllowed):
        people.town.act(case, "assign")
    people.county.act(case, "assign")
    lead = one("select lead_unit from incidents where id = :id", id=case)["lead_unit"]
    assert lead == unit("D-CG")
    assert people.department.act(case, "sign") == "handling"
    calm.settle_down()
    people.county.act(case, "de_escalate", to_unit="430121001", note="镇里能办")
    assert status(case) == "filed"
    assert people.town.act(case, "assign") == "assigned"


def test_a_supporting_department_sees_the_case_until_it_is_removed(
    people: Cast, calm: County
) -> None:
    del calm
    case = in_hand(people)
    assert not people.department.sees(case)
    people.town.act(case, "add_support", to_unit="D-CG")
    assert people.department.sees(case)
    people.town.act(case, "remove_support", to_unit="D-CG")
    assert not people.department.sees(case)
    last = rows("select before, units from outbox where subject = :id order by id", id=str(case))
    told = [row for row in last if row["before"]][-1]
    assert unit("D-CG") in told["before"]["units"], "those who lose the case are told `gone`"
    assert unit("D-CG") not in told["units"]


def test_an_unlocated_case_is_put_on_the_map_and_given_to_its_town(
    people: Cast, calm: County
) -> None:
    del calm
    case = people.county.report(address="说不清").incident.id
    assert not people.town.sees(case)
    lon, lat = inside(VILLAGE)
    people.county.act(case, "locate", lon=lon, lat=lat)
    found = one("select * from incidents where id = :id", id=case)
    assert (found["village_code"], found["located_by"]) == (VILLAGE, "point")
    assert found["holder_unit"] == unit("430121001")
    assert people.town.sees(case)


def test_supervising_instructing_and_rating_leave_the_case_where_it_stands(
    people: Cast, calm: County
) -> None:
    del calm
    case = in_hand(people)
    assert "reply" not in people.worker.actions(case)
    with pytest.raises(Conflict, match="没有批示"):
        people.worker.act(case, "reply", note="明天完成")
    people.leader.act(case, "instruct", note="本周内办结", until=clock.now() + timedelta(days=2))
    people.leader.act(case, "supervise", data={"card": "red"})
    people.leader.act(case, "supervise", data={"card": "yellow"})
    assert "reply" in people.worker.actions(case)
    people.worker.act(case, "reply", note="明天完成")
    assert one("select card, status from incidents where id = :id", id=case) == {
        "card": "red",
        "status": "handling",
    }
    people.worker.act(case, "feed_back", note="好了")
    people.town.act(case, "pass_check")
    people.town.act(case, "rate", data={"solved": True, "satisfied": False})
    assert people.town.act(case, "reopen", note="来访人说没解决") == "assigned"
    assert one("select reopens from incidents where id = :id", id=case)["reopens"] == 1


def test_the_ladder_writes_each_mark_at_its_time_and_tells_the_outbox(
    people: Cast, calm: County
) -> None:
    case = in_hand(people)
    calm.fast_forward("14d")
    notes = [
        row["note"]
        for row in rows(
            "select note from timeline_entries where incident_id = :id"
            " and actor_name = '督办阶梯' order by seq",
            id=case,
        )
    ]
    assert notes == ["用时过半", "催办", "到期", "黄牌督办", "红牌督办", "黑牌督办"]
    assert one("select card from incidents where id = :id", id=case)["card"] == "black"
    assert calm.dead() == []


def test_an_acceptance_that_is_late_is_urged_once(people: Cast, calm: County) -> None:
    case = people.town.report("暴露垃圾").incident.id
    calm.fast_forward("6d")
    urged = rows(
        "select data from timeline_entries where incident_id = :id and action = 'urge'", id=case
    )
    assert [row["data"]["overdue"] for row in urged] == ["accept"]
    assert status(case) == "reported"


def test_what_is_owed_follows_the_case_from_post_to_post(people: Cast, calm: County) -> None:
    def owed(case: UUID) -> list[tuple[str, str]]:
        found = rows(
            "select o.kind, p.kind as post from owed o join posts p on p.id = o.post_id"
            " where o.subject = :id order by o.kind",
            id=str(case),
        )
        return [(row["kind"], row["post"]) for row in found]

    case = people.town.report("暴露垃圾").incident.id
    calm.settle_down()
    assert owed(case) == [("incident.accept", "town_dispatcher")]
    people.town.act(case, "accept")
    people.town.act(case, "assign")
    calm.settle_down()
    assert owed(case) == [("incident.sign", "village_officer")]
    people.worker.act(case, "sign")
    people.worker.act(case, "request", request_kind="suspension", note="等")
    calm.settle_down()
    assert owed(case) == [
        ("incident.decide", "town_dispatcher"),
        ("incident.handle", "village_officer"),
    ]
    people.worker.act(case, "feed_back", note="好了")
    people.town.act(case, "pass_check")
    calm.settle_down()
    assert owed(case) == []


def test_effects_run_twice_change_nothing(people: Cast, calm: County) -> None:
    case = people.worker.report("暴露垃圾").incident.id
    calm.settle_down()
    before = one("select rev from incidents where id = :id", id=case)
    with transaction(Access.owner()) as session:
        session.execute(text("update outbox set done_at = null where kind like 'incident.%'"))
    calm.settle_down()
    assert one("select rev from incidents where id = :id", id=case) == before
    assert calm.dead() == []
