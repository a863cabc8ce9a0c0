"""From flooded streets to the duty leader: the desk, the gateway, the chain, the answer."""

from __future__ import annotations

import json

import pytest

from alerts.delivery import webhook
from core import clock
from core.db import Access, transaction
from core.settings import settings
from people import service as people
from people.roles import Post
from tests.alerting import acknowledge, alerts, owed, pages, places_in, receiving, report, rows
from tests.county import County
from workers.senders import Senders, channels

TOWN = "㮾梨街道"
SECRET = "county"


def on_duty(post: Post) -> str:
    """Return who holds a county post now."""
    with transaction(Access.worker()) as session:
        found = people.on_duty(session, post, clock.now())
    assert found is not None
    return found.name


def test_five_flooded_places_reach_the_desk_and_the_signed_gateway_within_two_seconds(
    county: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as gateway:
        monkeypatch.setenv("YIWANG_ALERT_WEBHOOK_URL", gateway.url)
        monkeypatch.setenv("YIWANG_ALERT_WEBHOOK_SECRET", SECRET)
        monkeypatch.setenv("YIWANG_ALERT_WEBHOOK_ALLOW", "127.0.0.0/8")
        settings.cache_clear()
        senders = Senders(channels())
        ids = report(places_in(TOWN, 5))
        county.settle_down()
        senders.start_waiting()
        assert gateway.wait(2.0)
        senders.hands.shutdown(wait=True)
    (alert,) = alerts()
    assert alert["colour"] == "blue"
    assert owed(alert["id"]) == ["duty_leader"]
    ((headers, body),) = gateway.seen
    assert webhook.verify(SECRET, body, headers["X-Yiwang-Signature"], at=clock.now())
    said = json.loads(body)
    assert said["recipient"] == {"post": "duty_leader", "name": on_duty(Post.DUTY_LEADER)}
    assert said["alert"]["title"] == "㮾梨街道 2 小时内积水 5 处"
    assert set(said["alert"]["incident_ids"]) == {str(i) for i in ids}
    assert said["alert"]["rule_hash"] == alert["rule_hash"]
    acknowledge(alert["id"])
    assert owed(alert["id"]) == []
    assert rows("select 1 from owed where kind = 'alert'") == []
    assert county.dead() == []


def test_an_unacknowledged_red_alert_reaches_the_deputy_after_five_minutes(
    county: County,
) -> None:
    report(places_in(TOWN, 20, apart=160))
    county.settle_down()
    (alert,) = alerts()
    assert alert["colour"] == "red"
    assert pages(alert["id"]) == ["duty_leader alert.fired red"]
    county.fast_forward("5m")
    assert pages(alert["id"])[1:] == ["deputy alert.fired red"]
    (told,) = rows("select recipient from notifications where post = 'deputy'")
    assert told["recipient"] == on_duty(Post.DEPUTY)
