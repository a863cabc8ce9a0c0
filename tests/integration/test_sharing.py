"""Shares (共享): a unit or person sees a case until its time; a confidential one by grant alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from core import clock, outbox
from core.access import Access
from core.db import transaction
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.live import Envelope
from dashboard.live import Hub
from people.roles import Role
from tests.cases import Cast, Hand, cast, filed, hand, in_hand, one, rows, unit
from tests.county import County

OTHER = "430121002"
SECRET = "传染病线索"


@pytest.fixture(scope="module")
def people(database: str) -> Cast:
    del database
    return cast()


@pytest.fixture
def opened() -> County:
    return County(started=clock.now())


def share(who: Hand, case: UUID, *, to: str = OTHER, days: float = 7, **asked: Any) -> str:
    until = clock.now() + timedelta(days=days)
    return who.act(case, "share", to_unit=to, until=until, note="需要联合处置", **asked)


def audited(case: UUID) -> list[dict[str, Any]]:
    number = one("select number from incidents where id = :id", id=case)["number"]
    return rows("select action, actor, after from audit where subject = :s order by id", s=number)


def told(hand_: Hand, case: UUID) -> list[str]:
    """Return the names of the events about a case that somebody's open page gets."""
    with transaction(Access.worker()) as session:
        outbox.number_new(session, 10_000)
        every: list[Envelope] = outbox.since(session, 0, 10_000)
    found = (Hub().event_for(hand_.access, each) for each in every if each.id == str(case))
    return [event.decode().split("\n")[0].removeprefix("event: ") for event in found if event]


def test_a_shared_case_is_seen_until_it_is_taken_back(people: Cast) -> None:
    case = filed(people)
    assert not people.elsewhere.sees(case)
    share(people.town, case)
    assert people.elsewhere.sees(case)
    with transaction(people.elsewhere.access) as session:
        listed = session.execute(text("select id from incidents")).scalars().all()
    assert case in listed
    people.town.act(case, "unshare", to_unit=OTHER)
    assert not people.elsewhere.sees(case)
    assert told(people.elsewhere, case) == ["incident", "gone"]
    assert [row["action"] for row in audited(case)] == ["grant.given", "grant.ended"]
    assert audited(case)[0]["actor"] == "派遣员丙"


def test_a_share_ends_by_itself_and_says_so(people: Cast, opened: County) -> None:
    case = filed(people)
    share(people.town, case, days=2)
    with clock.unshifted():
        opened.fast_forward("47h")
        assert people.elsewhere.sees(case)
        opened.fast_forward("2h")
    assert not people.elsewhere.sees(case)
    assert told(people.elsewhere, case)[-1] == "gone"
    line = rows(
        "select action, actor_role, note from timeline_entries where incident_id = :id"
        " order by seq desc limit 1", id=case,
    )[0]  # fmt: skip
    assert line == {"action": "unshare", "actor_role": "system", "note": "共享到期，自动收回"}
    assert opened.dead() == []


def test_sharing_again_moves_the_end_and_the_old_timer_ends_nothing(
    people: Cast, opened: County
) -> None:
    case = filed(people)
    share(people.town, case, days=1)
    share(people.town, case, days=3)
    live = one(
        "select count(*) as n from case_grants where incident_id = :id and ended_at is null",
        id=case,
    )
    assert live["n"] == 1
    with clock.unshifted():
        opened.fast_forward("2d")
        assert people.elsewhere.sees(case)
        opened.fast_forward("25h")
        assert not people.elsewhere.sees(case)


def test_who_takes_part_stays_when_a_share_ends(people: Cast) -> None:
    case = in_hand(people)
    share(people.town, case, to="D-CG")
    people.town.act(case, "add_support", to_unit="D-CG")
    people.town.act(case, "unshare", to_unit="D-CG")
    assert people.department.sees(case)


def test_a_support_that_is_struck_keeps_a_share_that_still_runs(people: Cast) -> None:
    case = in_hand(people)
    people.town.act(case, "add_support", to_unit="D-CG")
    with pytest.raises(Conflict):
        share(people.town, case, to="D-CG")  # it sees the case already
    people.town.act(case, "remove_support", to_unit="D-CG")
    assert not people.department.sees(case)
    share(people.town, case, to="D-CG")
    people.town.act(case, "add_support", to_unit="D-CG")
    people.town.act(case, "remove_support", to_unit="D-CG")
    assert people.department.sees(case)
    people.town.act(case, "unshare", to_unit="D-CG")
    assert not people.department.sees(case)


def test_a_share_needs_a_reason_and_an_end_within_a_year(people: Cast) -> None:
    case = filed(people)
    soon = clock.now() + timedelta(days=1)
    for asked in (
        {"to_unit": OTHER, "until": soon},
        {"to_unit": OTHER, "note": "需要"},
        {"to_unit": OTHER, "note": "需要", "until": clock.now() - timedelta(minutes=1)},
        {"to_unit": OTHER, "note": "需要", "until": clock.now() + timedelta(days=500)},
        {"note": "需要", "until": soon},
        {"note": "需要", "until": soon, "data": {"person": "1 or 1=1"}},
    ):
        with pytest.raises(Invalid):
            people.town.act(case, "share", **asked)
    with pytest.raises(NotFound):
        people.town.act(case, "share", note="需要", until=soon, data={"person": 2_000_000_000})
    with pytest.raises(Conflict):
        people.town.act(case, "unshare", to_unit=OTHER)


def test_only_who_holds_the_case_shares_it(people: Cast) -> None:
    case = in_hand(people)
    for who in (people.worker, people.village):
        with pytest.raises(NotAllowed):
            share(who, case)
    with pytest.raises(NotFound):
        share(people.elsewhere, case, to="430121003")


def test_a_case_is_shared_with_one_person_of_another_town(people: Cast) -> None:
    staff = one(
        "select min(s.id) as id from staff s where s.town_code = :t", t=int(OTHER)
    )["id"]  # fmt: skip
    worker = hand("网格员壬", Role.GRID_WORKER, f"{OTHER}001", person=staff, account=910_001)
    case = filed(people)
    until = clock.now() + timedelta(days=1)
    people.town.act(case, "share", note="熟悉当事人", until=until, data={"person": staff})
    assert worker.sees(case)
    assert not people.elsewhere.sees(case)
    people.town.act(case, "unshare", data={"person": staff})
    assert not worker.sees(case)
    assert told(worker, case)[-1] == "gone"


def test_a_unit_asks_for_a_share_and_the_holder_decides(people: Cast, opened: County) -> None:
    case = in_hand(people)
    until = clock.now() + timedelta(days=2)
    people.village.act(
        case, "request", request_kind="share", to_unit=OTHER, until=until, note="当事人住在邻镇"
    )
    assert not people.elsewhere.sees(case)
    people.town.act(case, "decide", approve=True, request_kind="share")
    assert people.elsewhere.sees(case)
    with clock.unshifted():
        opened.fast_forward("49h")
        assert not people.elsewhere.sees(case)


def test_a_confidential_case_is_opened_by_grants_alone(people: Cast, opened: County) -> None:
    case = people.village.report(SECRET, description="疑似").incident.id
    everybody = (people.town, people.village, people.county, people.leader, people.worker)
    assert not any(who.sees(case) for who in everybody)
    opened.settle_down()
    assert [who.sees(case) for who in everybody] == [True, False, False, False, False]
    assert told(people.county, case) == []
    assert "incident" in told(people.town, case)
    people.town.act(case, "accept")
    people.town.act(case, "verify", approve=True) if _status(case) == "verifying" else None
    share(people.town, case, to="430121", days=1)
    assert people.county.sees(case)
    assert not people.elsewhere.sees(case)
    with clock.unshifted():
        opened.fast_forward("25h")
        assert not people.county.sees(case)
    assert told(people.county, case)[-1] == "gone"


def test_grants_of_a_confidential_case_follow_its_hands(people: Cast, opened: County) -> None:
    case = people.town.report(SECRET, description="疑似").incident.id
    opened.settle_down()
    people.town.act(case, "accept")
    if _status(case) == "verifying":
        people.town.act(case, "verify", approve=True)
    people.town.act(case, "assign", to_unit="D-CG")
    assert people.department.sees(case)
    assert not people.village.sees(case)
    people.town.act(case, "reassign", to_unit=str(430121001001), note="由村里核查")
    assert not people.department.sees(case)
    assert told(people.department, case)[-1] == "gone"
    assert people.village.sees(case)


def test_a_case_made_confidential_leaves_all_who_hold_no_grant(people: Cast) -> None:
    case = filed(people)
    assert people.county.sees(case)
    people.town.act(case, "reclassify", data={"category": "1201"})
    assert people.town.sees(case)
    assert not people.county.sees(case)
    assert not people.worker.sees(case)
    assert told(people.county, case)[-1] == "gone"


def test_grants_are_seen_with_their_case_only(people: Cast) -> None:
    case = filed(people)
    share(people.town, case, to="430121003")
    count = text("select count(*) from case_grants where incident_id = :id")
    for who, seen in ((people.town, 1), (people.elsewhere, 0)):
        with transaction(who.access) as session:
            assert session.execute(count, {"id": case}).scalar_one() == seen
    assert unit("430121003")


def _status(case: UUID) -> str:
    return str(one("select status from incidents where id = :id", id=case)["status"])
