"""What the gateway may be, how messages are signed, how fast an address is spoken to."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.delivery import webhook
from alerts.delivery.audience import Manner, NoticesRefused, not_before, parse_policies
from alerts.delivery.service import Parcel
from alerts.delivery.throttle import MAX_ATTEMPTS, Breaker, retry_at, urgency
from alerts.rulebook import NOTICES_FILE, policies, read_yaml

AT = datetime(2026, 6, 17, 6, tzinfo=UTC)
CHANGSHA = ZoneInfo("Asia/Shanghai")
POSTS = ("duty_leader", "deputy", "duty_director")


def test_a_signature_proves_body_secret_and_time() -> None:
    body = webhook.encode({"标题": "积水", "n": 1})
    header = webhook.sign("secret", body, at=AT)
    assert webhook.verify("secret", body, header, at=AT)
    assert not webhook.verify("other", body, header, at=AT)
    assert not webhook.verify("secret", body + b" ", header, at=AT)
    assert not webhook.verify("secret", body, header, at=AT + timedelta(minutes=6))


@given(st.text(max_size=60))
def test_no_garbage_in_the_header_passes_or_breaks(header: str) -> None:
    assert not webhook.verify("secret", b"{}", header, at=AT)


@pytest.mark.parametrize(
    ("status", "means"),
    [
        (200, "taken"),
        (204, "taken"),
        (302, "never"),
        (404, "never"),
        (410, "never"),
        (408, "later"),
        (429, "later"),
        (500, "later"),
    ],
)
def test_only_a_2xx_is_taken_and_a_redirect_is_never_followed(status: int, means: str) -> None:
    outcome = webhook.judge(status, "")
    assert outcome.delivered is (means == "taken")
    assert outcome.final is (means == "never")


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "224.0.0.1", "0.0.0.0", "::", "fe80::1%eth0", "255.255.255.255",
     "::ffff:169.254.169.254", "::ffff:0.0.0.0", "64:ff9b::a01:203"],
)  # fmt: skip
def test_metadata_and_multicast_addresses_are_refused(address: str) -> None:
    with pytest.raises(webhook.AddressRefused):
        webhook.require_callable(address)


INNER = ["127.0.0.1", "::1", "10.1.2.3", "192.168.1.1", "fd00::1", "100.64.0.1",
         "::ffff:10.1.2.3", "2002:a01:203::1"]  # fmt: skip


@pytest.mark.parametrize("address", INNER)
def test_an_inner_address_is_called_only_where_the_settings_list_its_network(address: str) -> None:
    with pytest.raises(webhook.AddressRefused, match="YIWANG_ALERT_WEBHOOK_ALLOW"):
        webhook.require_callable(address)
    with pytest.raises(webhook.AddressRefused):
        webhook.require_callable(address, webhook.networks("172.16.0.0/12"))
    listed = webhook.networks(
        "10.0.0.0/8, 127.0.0.1 ::1/128,192.168.0.0/16 fd00::/8 100.64.0.0/10 2002::/16"
    )
    webhook.require_callable(address, listed)


def test_listing_everything_still_does_not_open_cloud_metadata() -> None:
    with pytest.raises(webhook.AddressRefused):
        webhook.require_callable("169.254.169.254", webhook.networks("0.0.0.0/0"))


def test_outside_addresses_need_no_listing_and_a_misspelt_list_opens_nothing() -> None:
    webhook.require_callable("203.107.6.88")
    with pytest.raises(webhook.AddressRefused, match="网段"):
        webhook.networks("our network")


def test_a_name_that_leads_inside_is_refused_by_where_it_leads() -> None:
    parcel = Parcel(uuid4(), "webhook", "default", "alert.fired", {}, 1)
    outcome = webhook.send(webhook.Gateway("http://localhost:9/x", "secret"), parcel, at=AT)
    assert outcome.final
    assert "内网" in (outcome.error or "")


@pytest.mark.parametrize(
    "url", ["ftp://a/b", "http://", "file:///etc/passwd", "http://user:word@host/", "words"]
)
def test_only_plain_http_addresses_are_called(url: str) -> None:
    parcel = Parcel(
        id=uuid4(),
        channel="webhook",
        address="default",
        event="alert.fired",
        body={},
        attempts=1,
    )
    outcome = webhook.send(webhook.Gateway(url, "secret"), parcel, at=AT)
    assert outcome.final
    assert not outcome.delivered


def test_red_goes_before_blue() -> None:
    order = sorted(["blue", None, "red", "yellow", "orange"], key=urgency)
    assert order == ["red", "orange", "yellow", "blue", None]


def test_tries_come_later_each_time_and_end() -> None:
    waits = [retry_at(n, at=AT) for n in range(1, MAX_ATTEMPTS)]
    gaps = [(w - AT).total_seconds() for w in waits if w]
    assert gaps == sorted(gaps)
    assert gaps[0] == 1
    assert retry_at(MAX_ATTEMPTS, at=AT) is None


def test_five_failures_open_the_breaker_and_one_success_closes_it() -> None:
    breaker = Breaker()
    for _ in range(4):
        breaker = breaker.after_failure(AT)
        assert breaker.lets_through(AT)
    breaker = breaker.after_failure(AT)
    assert not breaker.lets_through(AT)
    assert breaker.lets_through(AT + timedelta(seconds=10))
    assert breaker.after_success() == Breaker()


@pytest.mark.parametrize(
    ("local", "due"),
    [("06:59", "07:00"), ("07:00", "07:00"), ("21:59", "21:59"), ("23:10", "07:00+1")],
)
def test_a_message_that_may_wait_goes_out_after_the_night(local: str, due: str) -> None:
    manner = Manner(("webhook",), False, timedelta(hours=2), None, time(7))
    made = datetime.combine(AT.date(), time.fromisoformat(local), CHANGSHA)
    clock, _, days = due.partition("+")
    expected = datetime.combine(made.date(), time.fromisoformat(clock), CHANGSHA)
    expected += timedelta(days=int(days or 0))
    assert not_before(manner, at=made.astimezone(UTC), zone=CHANGSHA) == expected


def test_the_shipped_notices_tell_blue_at_once_and_do_not_escalate_it() -> None:
    blue = policies()["duty_leader"].manner("blue")
    assert not blue.escalate
    assert blue.wait_until is None
    assert "webhook" in blue.channels


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("steps",), []),
        (("steps", 0, "post"), "king"),
        (("steps", 0, "after"), "9m"),
        (("steps", 0, "after"), 5),
        (("rounds",), 0),
        (("colours",), {"red": {}}),
        (("colours", "red", "channels"), ["pigeon"]),
        (("colours", "red", "acknowledged_for"), None),
        (("colours", "blue", "wait_until"), "7 o'clock"),
        (("name",), None),
    ],
)
def test_notices_that_cannot_be_carried_out_are_refused(path: tuple[Any, ...], value: Any) -> None:
    raw: Any = deepcopy(read_yaml(NOTICES_FILE.read_text(encoding="utf-8"), name="notices"))
    place = raw[0]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(NoticesRefused):
        parse_policies(raw, posts=POSTS)
