"""Messages on their way out: signed, once in our books, one lane an address, never in a burst."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from alerts.delivery import service, webhook
from alerts.delivery.service import Notice, Outcome, Parcel, Recipient
from core import clock
from core.db import Access, transaction
from core.settings import settings
from tests.alerting import Receiver, receiving, rows
from workers.senders import Senders, channels

SECRET = "tested"
LOCAL = "127.0.0.0/8, ::1"
WHO = Recipient("duty_leader", None, None, "周")


@pytest.fixture
def set_up(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give delivery a gateway to be set up with; the test says where it is."""
    del database
    monkeypatch.setenv("YIWANG_ALERT_WEBHOOK_URL", "http://127.0.0.1:1/hook")
    monkeypatch.setenv("YIWANG_ALERT_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("YIWANG_ALERT_WEBHOOK_ALLOW", LOCAL)
    settings.cache_clear()
    with transaction(Access.owner()) as session:
        for table in ("notifications", "delivery_addresses"):
            session.connection().exec_driver_sql(f"delete from {table}")
    yield
    settings.cache_clear()


def notice(subject: str, *, colour: str = "blue", post: str = "duty_leader") -> Notice:
    return Notice(
        event="alert.fired", subject=subject, occasion="1:0:0",
        recipient=Recipient(post, None, None, "周"), channels=("screen", "webhook"),
        colour=colour, town_code=430121003, bundle="rule",
        proof={"alert": {"id": subject, "title": "㮾梨街道 2 小时内积水 5 处"}},
    )  # fmt: skip


def announce(*notices: Notice) -> int:
    with transaction(Access.worker()) as session:
        return service.announce(session, notices, at=clock.now())


def claim(*busy: str) -> list[Parcel]:
    with transaction(Access.worker()) as session:
        return service.claim(session, at=clock.now(), busy=busy)


def record(parcel: Parcel, outcome: Outcome, *, later: timedelta = timedelta()) -> None:
    with transaction(Access.worker()) as session:
        service.record(session, parcel, outcome, at=clock.now() + later)


def states(channel: str = "webhook") -> list[str]:
    found = rows(
        "select state from notifications where channel = :c order by created_at, id", c=channel
    )
    return [r["state"] for r in found]


def carry(gateway: Receiver, *, timeout_s: float = 5) -> None:
    """Let the senders work until nothing waits."""
    door = webhook.Gateway(gateway.url, SECRET, allow=LOCAL)
    senders = Senders({"webhook": lambda parcel, at: webhook.send(door, parcel, at=at)})
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        senders.start_waiting()
        if not senders.busy and not rows(
            "select 1 from notifications where state in ('pending', 'sending')"
        ):
            break
        time.sleep(0.02)
    senders.hands.shutdown(wait=True)


@pytest.mark.usefixtures("set_up")
def test_a_message_arrives_signed_with_our_id_as_its_key() -> None:
    announce(notice("a"))
    with receiving() as gateway:
        carry(gateway)
        ((headers, body),) = gateway.seen
    assert webhook.verify(SECRET, body, headers["X-Yiwang-Signature"], at=clock.now())
    said = json.loads(body)
    (row,) = rows("select id, state, attempts from notifications where channel = 'webhook'")
    assert headers["X-Yiwang-Notification"] == said["notification"] == str(row["id"])
    assert said["alert"]["title"] == "㮾梨街道 2 小时内积水 5 处"
    assert (row["state"], row["attempts"]) == ("delivered", 1)


@pytest.mark.usefixtures("set_up")
def test_the_same_occasion_told_twice_is_one_message() -> None:
    assert announce(notice("a")) == 2
    assert announce(notice("a")) == 0


@pytest.mark.usefixtures("set_up")
def test_a_storm_to_one_ear_is_one_message() -> None:
    announce(*[notice(f"v{n}") for n in range(225)])
    assert sorted(set(states())) == ["bundled", "pending"]
    assert states().count("pending") == 1
    (parcel,) = claim()
    assert len(parcel.body["bundled"]) == 224


@pytest.mark.usefixtures("set_up")
def test_red_goes_before_blue_and_one_address_gets_one_message_at_a_time() -> None:
    announce(notice("blue"))
    announce(notice("red", colour="red"))
    (first,) = claim()
    assert first.body["alert"]["id"] == "red"
    assert claim(first.lane) == []
    record(first, Outcome(delivered=True))
    (second,) = claim()
    assert second.body["alert"]["id"] == "blue"


@pytest.mark.usefixtures("set_up")
def test_a_failure_comes_again_later_under_the_same_id_and_is_shown_when_hopeless() -> None:
    announce(notice("a"))
    (parcel,) = claim()
    record(parcel, Outcome(delivered=False, error="HTTP 500"))
    assert states() == ["failed_temp"]
    assert claim() == []
    with transaction(Access.worker()) as session:
        again = service.claim(session, at=clock.now() + timedelta(seconds=5))
    assert [p.id for p in again] == [parcel.id]
    record(again[0], Outcome(delivered=False, final=True, error="HTTP 404"))
    (row,) = rows("select state, error from notifications where channel = 'webhook'")
    assert (row["state"], row["error"]) == ("failed_perm", "HTTP 404")


@pytest.mark.usefixtures("set_up")
def test_an_address_that_keeps_failing_is_left_alone_for_a_while() -> None:
    announce(*[notice(f"n{n}", post=f"post{n}") for n in range(6)])
    for _ in range(5):
        (parcel,) = claim()
        record(parcel, Outcome(delivered=False, error="refused"))
    assert claim() == []
    with transaction(Access.worker()) as session:
        assert len(service.claim(session, at=clock.now() + timedelta(seconds=30))) == 1


@pytest.mark.usefixtures("set_up")
def test_a_message_of_a_dead_sender_goes_out_again_after_its_lease() -> None:
    announce(notice("a"))
    (parcel,) = claim()
    assert claim() == []
    with transaction(Access.owner()) as session:
        session.connection().exec_driver_sql(
            "update notifications set lease_until = clock_timestamp() - interval '1 second'"
        )
    assert [p.id for p in claim()] == [parcel.id]


@pytest.mark.usefixtures("set_up")
def test_old_messages_expire_and_are_never_sent_in_a_burst() -> None:
    announce(notice("a"))
    with transaction(Access.worker()) as session:
        assert service.expire(session, at=clock.now() + timedelta(hours=13)) == 1
    assert states() == ["expired"]
    assert claim() == []


@pytest.mark.usefixtures("set_up")
def test_a_redirect_is_not_followed() -> None:
    announce(notice("a"))
    with receiving(302) as gateway:
        carry(gateway)
        assert len(gateway.seen) == 1
    assert states() == ["failed_perm"]


@pytest.mark.usefixtures("set_up")
def test_a_receiver_that_hangs_is_given_up_and_delays_no_other_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webhook, "DEADLINE_S", 1.5)
    announce(notice("a"))
    with transaction(Access.owner()) as session:
        session.connection().exec_driver_sql(
            "insert into notifications"
            " select gen_random_uuid(), dedupe || ':other', event, subject, post, post_id,"
            " staff_id, recipient, channel, 'other', colour, urgency, round, step, town_code,"
            " body, state, created_at, due_at, expires_at"
            " from notifications where channel = 'webhook'"
        )
    with receiving(hang=True) as slow, receiving() as quick:
        doors = {
            "default": webhook.Gateway(slow.url, SECRET, allow=LOCAL),
            "other": webhook.Gateway(quick.url, SECRET, allow=LOCAL),
        }
        senders = Senders(
            {"webhook": lambda parcel, at: webhook.send(doors[parcel.address], parcel, at=at)}
        )
        senders.start_waiting()
        assert quick.wait(1.0)
        senders.hands.shutdown(wait=True)
    found = rows("select address, state from notifications where channel = 'webhook'")
    assert {r["address"]: r["state"] for r in found} == {
        "default": "failed_temp",
        "other": "delivered",
    }


@pytest.mark.usefixtures("set_up")
def test_without_a_gateway_only_the_screen_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YIWANG_ALERT_WEBHOOK_URL")
    settings.cache_clear()
    announce(notice("a"))
    assert (states("screen"), states()) == (["sent"], [])


@pytest.mark.usefixtures("set_up")
def test_the_gateway_of_the_settings_is_the_one_that_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with receiving() as gateway:
        monkeypatch.setenv("YIWANG_ALERT_WEBHOOK_URL", gateway.url)
        settings.cache_clear()
        parcel = Parcel(UUID(int=5), "webhook", "default", "alert.fired", {"n": 1}, 1)
        assert channels()["webhook"](parcel, clock.now()).delivered
        assert gateway.seen[0][0]["Idempotency-Key"] == str(UUID(int=5))


@pytest.mark.usefixtures("set_up")
def test_a_gateway_that_is_away_is_not_now_rather_than_never() -> None:
    parcel = Parcel(UUID(int=6), "webhook", "default", "alert.fired", {}, 1)
    outcome = webhook.send(
        webhook.Gateway("http://127.0.0.1:1/x", SECRET, allow=LOCAL), parcel, at=clock.now()
    )
    assert (outcome.delivered, outcome.final) == (False, False)
    missing = webhook.send(webhook.Gateway("http://127.0.0.1:1/x", ""), parcel, at=clock.now())
    assert missing.final
