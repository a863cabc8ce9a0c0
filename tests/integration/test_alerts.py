"""The engine on a real database: what fires, what does not, who owes an answer, what ends it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from alerts import queries, queries_board, service
from core import clock
from core.db import Access, transaction
from core.errors import DomainError, NotAllowed, NotFound
from core.live import Scope
from core.outbox import Change
from people.roles import Role
from people.scope import Actor
from tests.alerting import (
    acknowledge,
    alerts,
    leader,
    owed,
    pages,
    places_in,
    report,
    rows,
    sweep,
)
from tests.county import County

TOWN = "㮾梨街道"


@pytest.fixture
def calm(database: str) -> Iterator[County]:
    """Give a test the module's county with nothing going on in it: quicker than one of its own."""
    del database
    with transaction(Access.owner()) as session:
        emptied = (
            "alerts, alert_values, alert_entries, alert_cycles, notifications, owed, outbox,"
            " incidents, timeline_entries, clock_segments, incident_keys, proposals"
        )
        session.connection().exec_driver_sql(f"truncate {emptied} cascade")
    with County.opened() as opened:
        clock.shift(_until_evening())
        yield opened


def _until_evening() -> timedelta:
    """Return how long it is to 19:00: by day a case falls due on the way, and rules look again."""
    now = clock.local(clock.now())
    evening = now.replace(hour=19, minute=0, second=0, microsecond=0)
    return evening - now + timedelta(days=evening <= now)


def flood(count: int, *, county: County) -> UUID:
    """Report `count` flooded places and return the alert they raise."""
    report(places_in(TOWN, count))
    county.settle_down()
    (found,) = alerts(state="firing")
    return UUID(str(found["id"]))


def test_four_places_raise_nothing_and_the_fifth_raises_one_blue_alert(calm: County) -> None:
    points = places_in(TOWN, 5)
    report(points[:4])
    calm.settle_down()
    assert alerts() == []
    ids = report(points[4:])
    calm.settle_down()
    (alert,) = alerts()
    assert (alert["colour"], alert["state"], alert["value"]) == ("blue", "firing", 5.0)
    assert alert["title"] == "㮾梨街道 2 小时内积水 5 处"
    assert ids[0] in alert["incident_ids"]
    assert len(alert["places"]) == 5
    assert owed(alert["id"]) == ["duty_leader"]
    assert pages(alert["id"]) == ["duty_leader alert.fired blue"]
    assert calm.dead() == []


def test_nine_calls_about_one_puddle_raise_nothing(calm: County) -> None:
    (lon, lat), *_ = places_in(TOWN, 1)
    report([(lon + 0.0001 * n, lat) for n in range(9)])
    calm.settle_down()
    assert alerts() == []


def test_more_reports_are_the_same_alert_and_a_higher_colour_calls_again(calm: County) -> None:
    points = places_in(TOWN, 12)
    report(points[:5])
    calm.settle_down()
    report(points[5:7])
    calm.settle_down()
    (alert,) = alerts()
    assert pages(alert["id"]) == ["duty_leader alert.fired blue"]
    (line,) = rows("select title from owed where kind = 'alert'")
    assert line["title"] == "㮾梨街道 2 小时内积水 7 处"
    report(points[7:])
    calm.settle_down()
    (alert,) = alerts()
    assert (alert["colour"], alert["value"]) == ("orange", 12.0)
    assert pages(alert["id"])[-1] == "duty_leader alert.fired orange"
    assert len(rows("select 1 from alert_values where alert_id = :id", id=alert["id"])) >= 3


def test_rejected_merged_and_alert_born_cases_are_never_counted(calm: County) -> None:
    points = places_in(TOWN, 7)
    ids = report(points)
    with transaction(Access.owner()) as session:
        for number, change in enumerate(
            ("status = 'rejected'", "status = 'merged'", f"origin = 'alert:{ids[0]}'")
        ):
            session.execute(
                text(f"update incidents set {change} where id = :id"), {"id": ids[number]}
            )
    calm.settle_down()
    assert alerts() == []


def test_an_exercise_is_an_alert_of_its_own(calm: County) -> None:
    points = places_in(TOWN, 8)
    report(points[:4])
    report(points[3:8], drill=True)
    calm.settle_down()
    (alert,) = alerts()
    assert alert["drill"]
    assert alert["title"].startswith("【演练】")


def test_an_alert_recovers_when_the_window_has_passed_and_tells_who_was_told(
    calm: County,
) -> None:
    alert_id = flood(5, county=calm)
    calm.fast_forward("2h1m")
    sweep()
    assert alerts()[0]["state"] == "recovering"
    calm.fast_forward("19m")
    sweep()
    assert alerts()[0]["state"] == "recovering"
    calm.fast_forward("2m")
    sweep()
    (alert,) = alerts()
    assert alert["state"] == "resolved"
    assert owed(alert_id) == []
    acknowledge(alert_id)
    assert alerts()[0]["state"] == "closed"


def test_an_acknowledgement_clears_every_desk_and_stops_the_chain(calm: County) -> None:
    alert_id = flood(8, county=calm)
    calm.fast_forward("6m")
    assert owed(alert_id) == ["duty_leader", "deputy"]
    acknowledge(alert_id, note="已派排涝二组")
    calm.settle_down()
    assert owed(alert_id) == []
    before = pages(alert_id)
    calm.fast_forward("30m")
    assert pages(alert_id) == before
    states = {r["state"] for r in rows("select state from notifications where channel = 'screen'")}
    assert states == {"read"}
    (alert,) = alerts()
    assert alert["ack_note"] == "已派排涝二组"
    assert rows("select 1 from audit where action = 'alert.acknowledge'")


def test_an_unanswered_alert_climbs_to_all_leaders(calm: County) -> None:
    alert_id = flood(8, county=calm)
    calm.fast_forward("5m")
    assert pages(alert_id)[-1] == "deputy alert.fired yellow"
    calm.fast_forward("5m")
    assert pages(alert_id)[-1] == "duty_director alert.fired yellow"
    calm.fast_forward("5m")
    assert pages(alert_id)[-1] == "all_leaders alert.fired yellow"
    told = len(pages(alert_id))
    assert told > 4
    calm.fast_forward("3h")
    assert len(pages(alert_id)) == told
    assert calm.dead() == []


def test_blue_is_told_once_and_climbs_nowhere(calm: County) -> None:
    alert_id = flood(5, county=calm)
    calm.fast_forward("1h")
    assert pages(alert_id) == ["duty_leader alert.fired blue"]


def test_an_acknowledgement_runs_out_when_nothing_was_done(calm: County) -> None:
    alert_id = flood(12, county=calm)
    acknowledge(alert_id)
    calm.settle_down()
    calm.fast_forward("29m")
    assert owed(alert_id) == []
    calm.fast_forward("2m")
    assert owed(alert_id) == ["duty_leader"]
    (alert,) = alerts()
    assert alert["ack_at"] is None
    changes = [r["change"] for r in rows("select change from alert_entries order by id")]
    assert "ack_expired" in changes


def test_an_acknowledgement_of_blue_does_not_hold_for_yellow(calm: County) -> None:
    points = places_in(TOWN, 8)
    report(points[:5])
    calm.settle_down()
    acknowledge(alerts()[0]["id"])
    report(points[5:])
    calm.settle_down()
    (alert,) = alerts()
    assert alert["colour"] == "yellow"
    assert alert["ack_at"] is None
    assert owed(alert["id"]) == ["duty_leader"]


def test_a_town_sees_its_own_alert_and_no_other_and_may_not_silence_it(calm: County) -> None:
    alert_id = flood(5, county=calm)
    town = alerts()[0]["town_code"]
    at = clock.now()
    with transaction(Access("town_centre", towns=(town,))) as session:
        assert [row.id for row in queries_board.active_rows(session, at=at)] == [alert_id]
        actor = Actor("镇", Role.TOWN_CENTRE, account=1)
        with pytest.raises(NotAllowed):
            service.acknowledge(session, alert_id, actor=actor, at=at)
    with transaction(Access("town_centre", towns=(town + 1,))) as session:
        assert queries_board.active_rows(session, at=at) == []
        assert queries.get(session, alert_id) is None
        assert queries.values_of(session, alert_id) == []
        assert queries.entries_of(session, alert_id) == []


def test_only_a_person_of_the_county_acknowledges(calm: County) -> None:
    alert_id = flood(5, county=calm)
    actor, access = leader()
    auditor, nameless = Actor("审计", Role.AUDITOR, account=3), Actor("周", actor.role)
    for hand in (Actor.system("引擎"), auditor, nameless):
        with pytest.raises(NotAllowed), transaction(access) as session:
            service.acknowledge(session, alert_id, actor=hand, at=clock.now())
    with pytest.raises(NotFound), transaction(access) as session:
        service.acknowledge(session, UUID(int=7), actor=actor, at=clock.now())


def test_an_urgent_case_nobody_signed_raises_a_yellow_alert_that_ends_when_signed(
    calm: County,
) -> None:
    (incident,) = report(places_in(TOWN, 1), category="内涝")
    calm.settle_down()
    with transaction(Access.owner()) as session:
        session.execute(
            text("update incidents set status = 'assigned', assigned_at = :at where id = :id"),
            {"at": clock.now(), "id": incident},
        )
    calm.fast_forward("14m")
    sweep()
    assert alerts() == []
    calm.fast_forward("2m")
    sweep()
    (alert,) = alerts()
    assert (alert["rule"], alert["colour"]) == ("urgent_unsigned", "yellow")
    assert alert["title"] == "㮾梨街道 1 件急件派出 15 分钟无人签收"
    with transaction(Access.owner()) as session:
        session.execute(text("update incidents set status = 'handling'"))
    calm.fast_forward("10s")
    sweep()
    calm.fast_forward("2m")
    sweep()
    assert alerts()[0]["state"] == "resolved"


def test_a_failing_measure_freezes_what_stands_and_is_shown(
    calm: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    flood(5, county=calm)
    calm.fast_forward("3h")
    monkeypatch.setattr("alerts.queries_cases._filters", lambda *_: "1 / 0 = 1")
    sweep()
    (alert,) = alerts()
    assert (alert["state"], alert["stale"]) == ("firing", True)
    assert rows("select error from alert_cycles where error is not null")
    monkeypatch.undo()
    sweep()
    (alert,) = alerts()
    assert (alert["state"], alert["stale"]) == ("recovering", False)


def test_two_workers_judging_at_once_make_one_alert(calm: County) -> None:
    report(places_in(TOWN, 6))
    changes = rows("select kind, subject from outbox where kind like 'incident.%'")
    barrier = threading.Barrier(4)
    failures: list[DomainError] = []

    def judge() -> None:
        try:
            barrier.wait(10)
            with transaction(Access.worker()) as session:
                found = [
                    Change(0, c["kind"], c["subject"], 0, Scope(), {}, at, at) for c in changes
                ]
                service.judge_changes(session, found, at=at)
        except DomainError as failed:
            failures.append(failed)

    at = clock.now()
    hands = [threading.Thread(target=judge) for _ in range(4)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join(30)
    assert failures == []
    assert len(alerts()) == 1
    assert len(pages(alerts()[0]["id"])) == 1
    calm.settle_down()


def test_the_engine_beats_and_notes_every_rule(calm: County) -> None:
    sweep()
    assert rows("select 1 from heartbeats where name = 'engine'")
    judged = {r["rule"] for r in rows("select rule from alert_cycles where error is null")}
    assert {"town_waterlogging_surge", "urgent_unsigned"} <= judged
    assert calm.dead() == []
