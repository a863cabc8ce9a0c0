"""People on a real database: the seeded county, who is on duty, what each post owes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock
from core.access import Access
from core.db import transaction
from core.errors import NotFound
from people import service, staffing
from people.access.credentials import Credentials
from people.roles import COUNTY_DUTY, Post, Role
from people.scope import Actor, Holding, access_of
from people.service import OwedEntry

pytestmark = pytest.mark.usefixtures("database")
TOWN = 430121001


@pytest.fixture
def session(database: str) -> Iterator[Session]:
    del database
    with transaction(Access.worker()) as found:
        yield found


def count(session: Session, what: str) -> int:
    return int(session.execute(text(f"select count(*) from {what}")).scalar_one())


def changes(session: Session) -> list[tuple[str, str, list[int], list[int]]]:
    rows = session.execute(
        text(
            "select kind, subject, units, persons from outbox where kind like 'owed.%' order by id"
        ),
    )
    return [(row.kind, row.subject, row.units, row.persons) for row in rows]


def test_the_county_is_staffed(session: Session) -> None:
    assert count(session, "units where kind = 'town'") == 18
    assert count(session, "units where kind = 'village'") == 225
    workers = "staff s where exists (select from staff_cells c where c.staff_id = s.id)"
    assert count(session, workers) >= 4_200
    empty = ("grid_cells g where g.valid_to is null and not exists"
             " (select from staff_cells c where c.cell_code = g.code)")  # fmt: skip
    assert count(session, empty) == 0


def test_seeding_again_changes_nothing_and_keeps_known_passwords() -> None:
    with transaction(Access.owner()) as session:
        before = count(session, "staff"), count(session, "accounts"), count(session, "rota_shifts")
        credentials = Credentials()
        staffing.seed_demo(session, credentials, at=clock.now())
        told = dict(credentials.accounts)
        made = staffing.seed_demo(session, credentials, at=clock.now())
        after = count(session, "staff"), count(session, "accounts"), count(session, "rota_shifts")
        session.rollback()
    assert before == after
    assert credentials.accounts == told
    assert made.shifts == 0


def test_somebody_leads_the_county_every_hour_of_the_next_weeks(session: Session) -> None:
    for hours in range(0, 24 * 27, 7):
        at = clock.now() + timedelta(hours=hours)
        held = service.all_on_duty(
            session,
            COUNTY_DUTY,
            at=at,
        )
        assert len(held) == 4
        assert held[Post.DUTY_LEADER].staff_id != held[Post.DEPUTY].staff_id
        assert held[Post.DUTY_LEADER].until > at


def test_a_post_nobody_holds_is_a_gap(session: Session) -> None:
    assert service.on_duty(session, Post.DUTY_LEADER, clock.now() + timedelta(days=900)) is None


def test_every_signed_in_person_may_know_who_is_on_duty() -> None:
    with transaction(access_of(Role.TOWN_CENTRE, Holding(town_code=TOWN))) as session:
        assert service.on_duty(session, Post.DUTY_LEADER, clock.now()) is not None


def test_units_are_found_by_area_and_by_code(session: Session) -> None:
    town = service.unit_for_code(session, str(TOWN))
    village = service.unit_for_code(session, "430121001001")
    department = service.unit_for_code(session, "D-CG")
    assert town is not None
    assert village is not None
    assert department is not None
    assert len({town, village, department}) == 3
    posts = [service.leading_post(session, unit) for unit in (town, village, department)]
    assert len(set(posts)) == 3
    with pytest.raises(NotFound):
        service.post_of(session, department, Post.TOWN_LEADER)


def test_owing_twice_is_one_line_and_told_only_when_it_changed(session: Session) -> None:
    unit = service.unit_for_code(session, str(TOWN))
    assert unit is not None
    post, at = service.leading_post(session, unit), clock.now()
    actor = Actor("镇", Role.TOWN_CENTRE, unit=unit, posts=(post,))
    before = changes(session)
    for due in (1, 1, 2):
        service.owe(
            session, post_id=post, kind="incident.assign", subject="case-1", since=at,
            due_at=at + timedelta(hours=due), entry=OwedEntry(title="积水", verb="派遣"),
        )  # fmt: skip
    mine = [line for line in service.owed_to(session, actor) if line.subject == "case-1"]
    assert [(line.title, line.verb, line.due_at) for line in mine] == [
        ("积水", "派遣", at + timedelta(hours=2)),
    ]
    assert changes(session)[len(before) :] == [("owed.added", "case-1", [unit], [])] * 2
    assert service.settle(session, "incident.assign", "case-1", at=at) == 1
    assert service.settle(session, "incident.assign", "case-1", at=at) == 0
    assert changes(session)[-1] == ("owed.settled", "case-1", [unit], [])


def test_a_line_for_one_person_is_not_shown_to_others_in_the_same_post(session: Session) -> None:
    row = session.execute(
        text("select sp.post_id, array_agg(sp.staff_id order by sp.staff_id) as people"
             " from staff_posts sp join posts p on p.id = sp.post_id where p.kind = 'grid_worker'"
             " group by 1 having count(*) > 1 limit 1"),
    ).one()  # fmt: skip
    first, second = row.people[:2]
    service.owe(
        session, post_id=row.post_id, person=first, kind="order.sign", subject="order-1",
        since=clock.now(),
    )  # fmt: skip
    seen = {
        person: [
            line.subject
            for line in service.owed_to(
                session,
                Actor("员", Role.GRID_WORKER, person=person, posts=(row.post_id,)),
            )
        ]
        for person in (first, second)
    }
    assert "order-1" in seen[first]
    assert "order-1" not in seen[second]
    service.settle(session, None, "order-1", at=clock.now())


def test_a_town_ends_what_another_post_owes_without_seeing_it() -> None:
    with transaction(Access.owner()) as session:
        unit = service.unit_for_code(session, "D-CG")
        assert unit is not None
        post = service.leading_post(session, unit)
    town = access_of(Role.TOWN_CENTRE, Holding(town_code=TOWN))
    with transaction(town) as session:
        service.owe(session, post_id=post, kind="x", subject="case-9", since=clock.now())
    with transaction(town) as session:
        assert count(session, "owed where subject = 'case-9'") == 0
    with transaction(Access.worker()) as session:
        assert count(session, "owed where subject = 'case-9'") == 1
    with transaction(town) as session:
        assert service.settle(session, "x", "case-9", at=clock.now()) == 1


def test_two_people_never_hold_one_post_at_once() -> None:
    with (
        pytest.raises(Exception, match="rota_shifts_one_at_a_time"),
        transaction(
            Access.owner(),
        ) as session,
    ):
        session.execute(
            text("insert into rota_shifts (post_id, staff_id, starts_at, ends_at) select post_id,"
                 " staff_id, starts_at, ends_at from rota_shifts limit 1"),
        )  # fmt: skip
