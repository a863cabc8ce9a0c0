"""Alerts when the rota or the rules change: each test spoils a county of its own."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from alerts import queries
from core import clock
from core.db import Access, transaction
from tests.alerting import alerts, owed, pages, places_in, report, rows, sweep
from tests.county import County

TOWN = "㮾梨街道"


def flood(count: int, *, county: County) -> UUID:
    """Report `count` flooded places and return the alert they raise."""
    report(places_in(TOWN, count))
    county.settle_down()
    (found,) = alerts(state="firing")
    return UUID(str(found["id"]))


def test_an_empty_post_is_skipped_at_once_and_noted(county: County) -> None:
    with transaction(Access.owner()) as session:
        session.execute(
            text(
                "delete from rota_shifts where post_id in"
                " (select id from posts where kind = 'duty_leader')"
            )
        )
    alert_id = flood(8, county=county)
    assert pages(alert_id) == ["deputy alert.fired yellow"]
    gaps = rows("select data from alert_entries where change = 'duty_gap'")
    assert gaps[0]["data"] == {"post": "duty_leader"}


def test_nobody_on_duty_at_all_still_reaches_the_desk(county: County) -> None:
    with transaction(Access.owner()) as session:
        session.execute(text("delete from rota_shifts"))
        session.execute(
            text("update staff set left_at = now() where id in (select staff_id from staff_posts)")
        )
    alert_id = flood(5, county=county)
    assert owed(alert_id) == ["duty_leader"]


def test_a_retired_rule_ends_its_alerts(county: County) -> None:
    flood(5, county=county)
    with transaction(Access.owner()) as session:
        queries.retire_rule(session, "town_waterlogging_surge", at=clock.now())
    sweep()
    assert alerts()[0]["state"] == "resolved"
