"""指挥调度 on a real county: proposing, ordering, answering, and who may see it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock
from core.db import Access, transaction
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from dispatch.command import service as command
from dispatch.command.orders import Action, Role
from dispatch.command.service import Fix, Sent
from dispatch.incidents import service as incidents
from dispatch.incidents.catalogue import Category
from dispatch.incidents.tables import Incident
from people.roles import Role as AccountRole
from people.scope import Actor
from tests.county import County

CATEGORY = "0301"


@dataclass(frozen=True)
class Place:
    """A cell, a point inside it, and the workers who look after it."""

    cell: int
    town: int
    lon: float
    lat: float
    workers: tuple[int, ...]
    staff: tuple[int, ...]


@pytest.fixture
def place(county: County) -> Place:
    """Choose a cell with at least two workers, all of whom just reported their position in it."""
    del county
    with transaction(Access.worker()) as session:
        row = session.execute(
            text(
                """
                select c.code, c.town_code, st_x(p.inside) as lon, st_y(p.inside) as lat,
                  array_agg(r.id order by r.id) as workers,
                  array_agg(r.staff_id order by r.id) as staff
                from grid_cells c join responders r on c.code = any(r.cells) and r.kind = 'worker'
                cross join lateral (select st_pointonsurface(c.area) as inside) p
                where c.valid_to is null group by 1, 2, 3, 4 having count(*) > 1
                order by c.code limit 1
                """
            )
        ).one()
        at = clock.now()
        fixes = [Fix(who, row.lon + n * 1e-4, row.lat, at) for n, who in enumerate(row.workers)]
        assert command.take_positions(session, fixes, at=at).stored == len(row.workers)
    return Place(row.code, row.town_code, row.lon, row.lat, tuple(row.workers), tuple(row.staff))


def dispatcher(name: str = "派遣员甲") -> Actor:
    with transaction(Access.worker()) as session:
        unit = session.scalar(text("select id from units where kind = 'county'"))
    return Actor(name, AccountRole.COUNTY_COMMAND, account=1, unit=unit)


def holder(place: Place, which: int = 0) -> Actor:
    return Actor("网格员", AccountRole.GRID_WORKER, account=2, person=place.staff[which])


def report(place: Place) -> UUID:
    draft = incidents.Draft(CATEGORY, "路口积水", lon=place.lon, lat=place.lat, source="hotline")
    with transaction(COUNTY) as session:
        return incidents.report(session, draft, actor=dispatcher(), at=clock.now()).incident.id


COUNTY = Access(AccountRole.COUNTY_COMMAND, see_all=True)


def issue(place: Place, case: UUID, which: int = 0, role: Role = Role.LEAD) -> UUID:
    with transaction(COUNTY) as session:
        sent = [Sent(place.workers[which], role)]
        return command.issue(session, case, sent, actor=dispatcher(), at=clock.now())[0]


def act(
    order: UUID, action: Action, actor: Actor, *, access: Access = COUNTY, note: str | None = None
) -> str:
    with transaction(access) as session:
        done = command.advance_order(session, order, action, actor=actor, at=clock.now(), note=note)
        return done.status


def test_a_report_gets_one_proposal_with_reasons(county: County, place: Place) -> None:
    case = report(place)
    county.settle_down()
    county.settle_down()
    with transaction(COUNTY) as session:
        found = command.proposal_of(session, case)
        count = session.scalar(
            text("select count(*) from proposals where incident_id = :id"), {"id": case}
        )
    assert count == 1
    assert found is not None
    assert found["ranked"][0]["responder_id"] in place.workers
    assert "本网格" in found["ranked"][0]["plus"]
    assert county.dead() == []


def test_an_order_goes_from_issue_to_done(county: County, place: Place) -> None:
    case = report(place)
    order = issue(place, case)
    for action, status in (
        (Action.ACKNOWLEDGE, "acknowledged"),
        (Action.DEPART, "en_route"),
        (Action.ARRIVE, "on_site"),
        (Action.FINISH, "done"),
    ):
        assert act(order, action, holder(place)) == status
    county.fast_forward("1h")
    with transaction(COUNTY) as session:
        entries = command.history(session, order)
        state = session.scalar(
            text("select status from responders where id = :id"), {"id": place.workers[0]}
        )
    assert [line.action for line in entries] == [
        "issue",
        "acknowledge",
        "depart",
        "arrive",
        "finish",
    ]
    assert state == "available"
    assert county.dead() == []


def test_two_dispatchers_at_once_make_one_order(place: Place) -> None:
    case, outcomes = report(place), list[str]()
    together = threading.Barrier(2)

    def send(which: int) -> None:
        together.wait()
        try:
            issue(place, case, which)
            outcomes.append("order")
        except Conflict:
            outcomes.append("409")

    threads = [threading.Thread(target=send, args=(which,)) for which in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["409", "order"]


def test_an_order_needs_one_lead_and_takes_supports(place: Place) -> None:
    case = report(place)
    with pytest.raises(Invalid, match="主办"):
        issue(place, case, role=Role.SUPPORT)
    issue(place, case)
    issue(place, case, 1, role=Role.SUPPORT)
    with transaction(COUNTY) as session:
        rows = command.orders(session, dispatcher(), incident_id=case)
    assert {row.role for row in rows} == {"lead", "support"}
    assert len({row.set_id for row in rows}) == 1


def test_an_order_holder_sees_the_case_and_nobody_else_of_that_rank(
    county: County, place: Place
) -> None:
    case = report(place)
    own = Access(AccountRole.GRID_WORKER, person=place.staff[0])
    other = Access(AccountRole.GRID_WORKER, person=place.staff[1])
    order = issue(place, case)
    seen = text("select count(*) from incidents where id = :id")
    for access, count in ((own, 1), (other, 0)):
        with transaction(access) as session:
            assert session.scalar(seen, {"id": case}) == count
            assert len(command.orders(session, holder(place), incident_id=case)) == count
    with pytest.raises(NotFound):
        act(order, Action.ACKNOWLEDGE, holder(place, 1), access=other)
    assert act(order, Action.ACKNOWLEDGE, holder(place), access=own) == "acknowledged"
    act(order, Action.DECLINE, holder(place), access=own, note="车坏在路上")
    county.settle_down()
    with transaction(own) as session:
        assert session.scalar(seen, {"id": case}) == 0


def test_acknowledging_never_signs_the_case(county: County, place: Place) -> None:
    case = report(place)
    order = issue(place, case)
    act(order, Action.ACKNOWLEDGE, holder(place))
    county.settle_down()
    with transaction(COUNTY) as session:
        signed = text("select signed_at from incidents where id = :id")
        assert session.scalar(signed, {"id": case}) is None


def test_acknowledging_signs_where_the_category_says_so(
    county: County, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = report(place)
    county.settle_down()
    assigned = incidents.ActionRequest("assign")
    with transaction(COUNTY) as session:
        incidents.act(session, case, assigned, actor=dispatcher(), at=clock.now())
    order = issue(place, case)
    real = incidents.category_of

    def says_so(session: Session, incident: Incident) -> Category:
        found = real(session, incident)
        return replace(found, rules={**found.rules, "order_signs": True})

    monkeypatch.setattr(incidents, "category_of", says_so)
    act(order, Action.ACKNOWLEDGE, holder(place))
    county.settle_down()
    with transaction(COUNTY) as session:
        status = text("select status from incidents where id = :id")
        assert session.scalar(status, {"id": case}) == "handling"
    assert county.dead() == []


def test_silence_proposes_the_next_and_tells_the_dispatcher(county: County, place: Place) -> None:
    case = report(place)
    order = issue(place, case)
    county.fast_forward("20m")
    with transaction(COUNTY) as session:
        found = command.proposal_of(session, case)
        owed = session.scalars(
            text("select kind from owed where subject = :id order by kind"), {"id": str(order)}
        ).all()
        entries = [line.action for line in command.history(session, order)]
    assert found is not None
    assert found["cause"] == "unacknowledged"
    assert place.workers[0] not in [pick["responder_id"] for pick in found["ranked"]]
    assert owed == ["order", "order_unanswered"]
    assert entries == ["issue", "unacknowledged"]
    act(order, Action.ACKNOWLEDGE, holder(place))
    with transaction(COUNTY) as session:
        left = session.scalar(
            text("select count(*) from owed where subject = :id"), {"id": str(order)}
        )
    assert left == 0
    assert county.dead() == []


def test_a_refusal_needs_a_reason_and_brings_the_next(county: County, place: Place) -> None:
    case = report(place)
    order = issue(place, case)
    with pytest.raises(Invalid, match="原因"):
        act(order, Action.DECLINE, holder(place))
    act(order, Action.DECLINE, holder(place), note="正在处理另一起")
    county.settle_down()
    with transaction(COUNTY) as session:
        found = command.proposal_of(session, case)
    assert found is not None
    assert found["cause"] == "declined"
    issue(place, case, 1)


def test_a_dispatcher_notes_an_acknowledgement_by_phone(place: Place) -> None:
    order = issue(place, report(place))
    with pytest.raises(NotAllowed, match="电话"):
        act(order, Action.ACKNOWLEDGE, dispatcher())
    act(order, Action.ACKNOWLEDGE, dispatcher(), note="10:02 本人电话答复：马上到")
    with transaction(COUNTY) as session:
        last = command.history(session, order)[-1]
    assert last.on_behalf == "指令持有人（电话）"


def test_the_newest_position_wins_and_strangers_are_refused(place: Place) -> None:
    who, at = place.workers[0], clock.now()
    with transaction(Access.worker()) as session:
        later = Fix(who, place.lon, place.lat, at + timedelta(seconds=5))
        earlier = Fix(who, place.lon, place.lat, at - timedelta(minutes=5))
        taken = command.take_positions(
            session,
            [
                later,
                earlier,
                Fix(2_000_000, place.lon, place.lat, at),
                Fix(who, place.lat, place.lon, at),
                Fix(who, place.lon, place.lat, at + timedelta(hours=3)),
            ],
            at=at + timedelta(seconds=6),
        )
        again = command.take_positions(session, [earlier], at=at)
    assert taken.stored == 1
    assert [index for index, _ in taken.refused] == [2, 3, 4]
    assert (again.stored, again.older) == (0, 1)


def test_a_town_sees_and_sends_only_its_own_people(place: Place) -> None:
    town = Access(AccountRole.TOWN_CENTRE, towns=(place.town,))
    with transaction(town) as session:
        rows = command.responders(session, town_code=None, kind=None, after=0, limit=5000)
        shown = command.on_map(session, at=clock.now())
    assert {one.town_code for one, _ in rows} == {place.town}
    assert {row["id"] for row in shown} == set(place.workers)
    case = report(place)
    elsewhere = Access(AccountRole.TOWN_CENTRE, towns=(430121018,))
    actor = Actor("外镇", AccountRole.TOWN_CENTRE, account=9)
    sent = [Sent(place.workers[0], Role.LEAD)]
    with transaction(elsewhere) as session, pytest.raises(NotFound):
        command.issue(session, case, sent, actor=actor, at=clock.now())


def test_who_moved_is_told_once(place: Place) -> None:
    at = clock.now()
    with transaction(Access.worker()) as session:
        _, since = command.moved_since(session, None, at=at)
    with transaction(Access.worker()) as session:
        fix = Fix(place.workers[0], place.lon, place.lat, at + timedelta(seconds=1))
        command.take_positions(session, [fix], at=at + timedelta(seconds=1))
    with transaction(Access.worker()) as session:
        rows, later = command.moved_since(session, since, at=at)
        assert place.workers[0] in [row[0] for row in rows]
        assert command.moved_since(session, later, at=at) == ([], later)
