"""领导轮值: a watch is handed over; both are called until it is confirmed, half an hour at most."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock
from core.access import Access
from core.db import transaction
from core.errors import Conflict, DomainError
from dashboard import handover_lists, handover_sheet
from dashboard.api import handovers
from people import service as people
from people.roles import Post, Role
from people.rota import ahead as duty
from people.rota import handover, planning, queries_handover
from people.rota import queries as queries_rota
from people.rota.tables import Handover
from people.scope import Actor
from tests.alerting import alerts, places_in, report, rows
from tests.county import County

COUNTY = "430121"
SEES_ALL = Access("duty_leader", see_all=True)


def coming() -> handover.Change:
    with transaction(SEES_ALL) as session:
        found = handover.next_change(session, COUNTY, at=clock.now())
    assert found is not None
    return found


def leader(staff_id: int, name: str = "当班") -> Actor:
    return Actor(name, Role.DUTY_LEADER, person=staff_id)


def called() -> list[str]:
    """Return who is called for the duty leader's post now: staff id and part."""
    with transaction(Access.worker()) as session:
        found = people.everyone_on_duty(session, [Post.DUTY_LEADER], at=clock.now())
    return [f"{who.staff_id} {who.part.value}" for who in found.get(Post.DUTY_LEADER, ())]


def sign(actor: Actor) -> Handover:
    at = clock.now()
    with transaction(SEES_ALL) as session:
        lists = handover_lists.gather(session, COUNTY, at=at)
        return handover.hand_over(session, COUNTY, lists=lists, actor=actor, at=at)


def go_to(county: County, minutes_before: int) -> handover.Change:
    """Let time pass until so many minutes before the next change of hands."""
    change = coming()
    wait = change.changes_at - clock.now() - timedelta(minutes=minutes_before)
    if wait < timedelta():  # too close to the one that comes: take the one after it
        county.fast_forward(f"{int((wait + timedelta(hours=2)).total_seconds())}s")
        return go_to(county, minutes_before)
    clock.shift(wait)
    return coming()


def test_a_handover_calls_both_until_the_takeover_and_keeps_what_was_signed(
    county: County,
) -> None:
    change = go_to(county, 20)
    before, after = change.staff_out, change.staff_in
    report(places_in("㮾梨街道", 5))
    county.settle_down()
    with transaction(SEES_ALL) as session:
        note = handover.add_note(
            session, COUNTY, "备用泵车在安沙", lists={}, actor=leader(before), at=clock.now()
        )
    assert called() == [f"{before} holds"]
    with pytest.raises(DomainError, match="当班人签字"):
        sign(leader(after))
    sheet = sign(leader(before))
    assert sheet.number == note.number
    assert sheet.lists["open"] == 5
    assert [firing["colour"] for firing in sheet.lists["firing"]] == ["blue"]
    assert called() == [f"{before} holds", f"{after} incoming"]
    with pytest.raises(Conflict):
        sign(leader(before))
    clock.shift(timedelta(minutes=25))  # five minutes past the change
    assert called() == [f"{after} holds", f"{before} outgoing"]
    with transaction(SEES_ALL) as session, pytest.raises(DomainError, match="接班人确认"):
        handover.take_over(session, sheet.id, actor=leader(before), at=clock.now())
    with transaction(SEES_ALL) as session:
        taken = handover.take_over(session, sheet.id, actor=leader(after), at=clock.now())
        assert handover.holds(taken)
        shown = handovers.of(session, taken, actor=leader(after))
    assert called() == [f"{after} holds"]
    page = handover_sheet.page(shown.model_dump(), taken.signature_in)
    for words in (f"第 {sheet.number} 号", "备用泵车在安沙", "与签字时一致", "<svg", "size: A4"):
        assert words in page
    with transaction(SEES_ALL) as session, pytest.raises(Conflict):
        handover.take_over(session, sheet.id, actor=leader(after), at=clock.now())
    kinds = {row["kind"] for row in rows("select kind from outbox where kind like 'rota.%'")}
    assert {"rota.handover_note", "rota.handed_over", "rota.taken_over"} <= kinds
    county.fast_forward("1h")
    assert county.dead() == []


def test_an_alert_calls_both_hands_and_after_half_an_hour_only_the_one_who_came(
    county: County,
) -> None:
    change = go_to(county, 10)
    sheet = sign(leader(change.staff_out))
    clock.shift(timedelta(minutes=12))
    report(places_in("㮾梨街道", 5))
    county.settle_down()
    (alert,) = alerts()
    told = recipients(alert["id"])
    assert told == {change.staff_out, change.staff_in}
    county.fast_forward("29m")
    assert called() == [f"{change.staff_in} holds"]
    with transaction(Access.worker()) as session:
        lapsed = queries_handover.handover(session, sheet.id)
    assert lapsed is not None
    assert lapsed.lapsed_at is not None
    assert county.dead() == []


def recipients(alert_id: Any) -> set[int]:
    found = rows(
        "select staff_id from notifications where subject = :id and post = 'duty_leader'",
        id=str(alert_id),
    )
    return {int(row["staff_id"]) for row in found}


def test_a_sheet_changed_after_it_was_signed_is_found_out(county: County) -> None:
    change = go_to(county, 15)
    sheet = sign(leader(change.staff_out))
    with transaction(Access.owner()) as session:
        session.execute(
            text("update handovers set lists = jsonb_set(lists, '{overdue}', '99') where id = :id"),
            {"id": sheet.id},
        )
    with transaction(SEES_ALL) as session:
        stored = queries_handover.handover(session, sheet.id)
        assert stored is not None
        assert not handover.holds(stored)
    assert county.dead() == []


def test_the_rota_keeps_itself_ahead_and_says_where_it_cannot(county: County) -> None:
    at = clock.now()
    with transaction(Access.owner()) as session:
        later = {"after": at + timedelta(days=5)}
        session.execute(text("delete from rota_shifts where starts_at > :after"), later)
        session.execute(
            text("update staff_contacts set verified_at = null where staff_id in (select staff_id"
                 " from staff_posts sp join posts p on p.id = sp.post_id"
                 " where p.kind = 'duty_leader')")
        )  # fmt: skip
    with transaction(Access.worker()) as session:
        duty.keep_ahead(session, at=at)
        ends = queries_rota.planned_until(session, [line.id for line in lines(session)])
        kinds = {line.kind: ends[line.id] - at for line in lines(session)}
    assert kinds[Post.SHIFT_HEAD] > timedelta(days=60)
    assert kinds[Post.DUTY_LEADER] < timedelta(days=7)
    owed = rows("select title, verb, due_at from owed where kind = 'rota_gap' order by due_at")
    assert owed[0]["title"].startswith("县值班领导排的人值不了")
    assert owed[0]["verb"] == "排班"
    with transaction(Access.owner()) as session:
        session.execute(text("update staff_contacts set verified_at = now()"))
    with transaction(Access.worker()) as session:
        duty.keep_ahead(session, at=at)
    assert rows("select 1 from owed where kind = 'rota_gap'") == []
    with transaction(Access.owner()) as session:  # somebody leaves who is planned
        session.execute(
            text("update staff set left_at = now() where id = (select staff_id from rota_shifts"
                 " where post_id = :post and starts_at > now() order by starts_at limit 1)"),
            {"post": next(line.id for line in lines(session) if line.kind == Post.DUTY_LEADER)},
        )  # fmt: skip
    with transaction(Access.worker()) as session:
        duty.keep_ahead(session, at=at)
    (line,) = rows("select title from owed where kind = 'rota_gap' and title like '县值班领导%'")
    assert "排的人值不了" in line["title"]
    assert county.dead() == []


def lines(session: Session) -> list[planning.PostLine]:
    """Return the county's posts with their rules."""
    return list(planning.lines(session, [planning.unit_with_rota(session, COUNTY).id]))


def test_screens_are_told_when_a_post_changes_hands(county: County) -> None:
    with transaction(Access.worker()) as session:
        duty.keep_ahead(session, at=clock.now())
    county.fast_forward("25h")
    told = rows("select distinct subject from outbox where kind = 'rota.changed'")
    assert COUNTY in {row["subject"] for row in told}
    assert len(told) == 19  # the county and its 18 towns
    assert rows("select 1 from outbox where timer_key = 'duty:next' and done_at is null") != []
    assert county.dead() == []
