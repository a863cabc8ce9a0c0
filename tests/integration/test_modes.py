"""An area enters a mode and leaves it: two people, clocks only shorten, screens say so."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from core import clock
from core.access import Access
from core.db import transaction
from core.errors import Conflict, Invalid, NotAllowed
from dispatch.incidents import proving
from dispatch.incidents.intake import terms
from dispatch.incidents.listing import service as reading
from dispatch.modes import service
from dispatch.modes.service import Declaration, SecondPersonNeeded
from tests.cases import TOWN, VILLAGE, Cast, Hand, cast, in_hand, inside, one, rows, unit
from tests.county import County
from tests.web import credentials, serving, sign_in

ELSEWHERE = 430121002


def case_of(case: UUID) -> dict[str, Any]:
    return one("select * from incidents where id = :id", id=case)


def due_in(case: UUID) -> timedelta:
    due: datetime = case_of(case)["due_at"]
    return due - clock.now()


def declare(hand: Hand, **said: Any) -> UUID:
    wanted: dict[str, Any] = {
        "kind": "emergency", "grade": 2, "area": TOWN, "reason": "强降雨红色预警",
        "order_number": "长县防指〔2026〕1号", "expires_at": clock.now() + timedelta(hours=12),
    } | said  # fmt: skip
    with transaction(hand.access) as session:
        return service.declare(session, Declaration(**wanted), actor=hand.actor, at=clock.now())


def confirm(hand: Hand, mode: UUID, *, approve: bool = True) -> None:
    with transaction(hand.access) as session:
        service.confirm(session, mode, approve=approve, actor=hand.actor, at=clock.now())


def enter(people: Cast, county: County, **said: Any) -> UUID:
    mode = declare(people.county, **said)
    confirm(people.leader, mode)
    county.settle_down()
    terms.forget()
    return mode


def leave(people: Cast, county: County, mode: UUID) -> None:
    with transaction(people.county.access) as session:
        service.ask_to_leave(
            session, mode, reason="雨停水退", actor=people.county.actor, at=clock.now()
        )
    confirm(people.leader, mode)
    county.settle_down()
    terms.forget()


def state(mode: UUID) -> str:
    with transaction(Access.worker()) as session:
        return str(service.one(session, mode)["state"])


def test_entering_shortens_the_clocks_of_the_area_and_leaving_lengthens_none(
    county: County,
) -> None:
    people = cast()
    county.settle_down()
    here, waiting = in_hand(people), people.town.report("暴露垃圾").incident.id
    lon, lat = inside(ELSEWHERE)
    other = people.elsewhere.report("暴露垃圾", lon=lon, lat=lat).incident.id
    usual, other_due = case_of(here)["due_at"], case_of(other)["due_at"]
    county.settle_down()

    mode = enter(people, county)
    # Ⅱ级: the urgent limits count for every level: two hours to handle, 15 minutes to accept
    assert timedelta(minutes=119) < due_in(here) <= timedelta(hours=2)
    assert timedelta(minutes=14) < due_in(waiting) <= timedelta(minutes=15)
    assert case_of(here)["mode"] == "emergency-2"
    assert case_of(other)["due_at"] == other_due
    assert case_of(other)["mode"] is None
    segments = rows("select * from clock_segments where incident_id = :id order by n", id=here)
    assert (segments[-1]["cause"], segments[-1]["approved_by"]) == ("mode", "值班领导己")
    assert segments[-2]["ended_at"] == segments[-1]["started_at"]
    assert segments[-2]["due_at"] == usual, "what it was stays on record"
    (told,) = rows(
        "select * from timeline_entries where incident_id = :id and reason_code like 'mode@%'",
        id=here,
    )
    assert told["note"] == "转入Ⅱ级应急，处置时限调整"
    timer = one("select due_at from outbox where timer_key = :key", key=f"incident:{here}")
    assert timer["due_at"] == min(case_of(here)["due_at"], case_of(here)["next_mark_at"])

    fresh = people.town.report("积水")
    assert fresh.incident.due_at is not None
    assert fresh.incident.due_at - fresh.incident.reported_at == timedelta(minutes=15)
    assert case_of(fresh.incident.id)["mode"] == "emergency-2"
    short = case_of(here)["due_at"]

    leave(people, county, mode)
    assert case_of(here)["due_at"] == short, "leaving never lengthens"
    assert case_of(here)["mode"] is None
    with transaction(people.town.access) as session:
        assert (
            reading.case(session, here, actor=people.town.actor, at=clock.now())["mode_name"]
            == "平时"
        )
    county.fast_forward("11s")
    peace = people.town.report("暴露垃圾").incident
    assert peace.due_at is not None
    assert peace.due_at - peace.reported_at >= timedelta(hours=2)
    assert list(proving.verify(processes=1)) == []
    assert county.dead() == []


def test_one_person_can_neither_enter_nor_leave_and_others_may_not_even_ask(
    county: County,
) -> None:
    people = cast()
    mode = declare(people.county)
    assert rows("select * from owed where kind = 'mode.confirm'")
    with pytest.raises(SecondPersonNeeded):
        confirm(people.county, mode)
    with pytest.raises(NotAllowed):
        confirm(people.town, mode)
    with pytest.raises(NotAllowed):
        declare(people.town)
    assert state(mode) == "proposed"
    confirm(people.leader, mode)
    assert state(mode) == "entered"
    with pytest.raises(Conflict):
        confirm(people.leader, mode)
    assert rows("select * from owed where kind = 'mode.confirm'") == []
    refused = declare(people.county, area=ELSEWHERE)
    confirm(people.leader, refused, approve=False)
    assert state(refused) == "refused"
    forgotten = declare(people.county, area=ELSEWHERE)
    county.fast_forward("61m")
    assert state(forgotten) == "refused", "no answer within the hour is no"
    acts = {row["action"] for row in rows("select action from audit where subject like 'mode:%'")}
    assert {"mode.propose", "mode.confirm", "mode.refuse"} <= acts


def test_a_mode_begins_and_ends_at_its_own_time(county: County) -> None:
    people = cast()
    at = clock.now()
    mode = enter(
        people, county, kind="event", grade=None, area=430121,
        starts_at=at + timedelta(hours=2), expires_at=at + timedelta(hours=6),
    )  # fmt: skip
    case = in_hand(people)
    assert case_of(case)["mode"] is None
    county.fast_forward("2h1m")
    assert case_of(case)["mode"] == "event"
    county.fast_forward("4h")
    assert state(mode) == "left"
    assert case_of(case)["mode"] is None
    assert one("select left_by from modes where id = :id", id=mode)["left_by"] == "到期自动解除"
    assert list(proving.verify(processes=1)) == []


def test_the_stronger_of_two_modes_prevails_and_the_weaker_follows_it(county: County) -> None:
    people = cast()
    enter(people, county, grade=4, area=430121)
    case = in_hand(people)
    assert case_of(case)["mode"] == "emergency-4"
    narrow = enter(people, county, grade=1, area=VILLAGE)
    assert case_of(case)["mode"] == "emergency-1"
    assert due_in(case) <= timedelta(hours=2)
    leave(people, county, narrow)
    assert case_of(case)["mode"] == "emergency-4"
    with transaction(people.village.access) as session:
        shown = service.picture(session, towns=(), villages=(VILLAGE,), at=clock.now())
    assert (shown["name"], shown["grade"]) == ("Ⅳ级应急", 4)
    assert list(proving.verify(processes=1)) == []


def test_suspension_extension_and_mode_add_up_to_the_minute(county: County) -> None:
    people = cast()
    case = people.town.report("暴露垃圾").incident.id
    people.town.act(case, "accept")
    people.town.act(case, "assign", to_unit="D-CG")
    people.department.act(case, "sign")
    segments = "select * from clock_segments where incident_id = :id order by n"
    granted = rows(segments, id=case)[-1]["limit_minutes"]
    assert granted == 5 * 480
    people.department.act(case, "request", request_kind="suspension", note="等材料")
    people.town.act(case, "decide", request_kind="suspension", approve=True)
    county.fast_forward("50h")
    people.department.act(case, "resume")
    resumed = rows(segments, id=case)[-1]
    assert abs(resumed["limit_minutes"] - granted) <= 1, "a suspension uses nothing of the limit"
    people.department.act(
        case, "request", request_kind="extension", note="工程量大", data={"minutes": 480}
    )
    people.town.act(case, "decide", request_kind="extension", approve=True)
    longer = rows(segments, id=case)[-1]
    assert longer["approved_by"] == "派遣员丙"
    assert longer["allowance_minutes"] == granted + 480
    assert unit("D-CG") == longer["unit_id"]
    enter(people, county, grade=1)
    assert timedelta(minutes=119) < due_in(case) <= timedelta(hours=2)
    assert case_of(case)["mark_percent"] == 0
    county.fast_forward("1h1m")
    assert case_of(case)["mark_percent"] == 50, "the ladder goes by the mode's own two hours"
    assert list(proving.verify(processes=1)) == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"kind": "war"}, "战时种类"),
        ({"grade": 5}, "应急等级"),
        ({"kind": "event", "grade": 2}, "不分等级"),
        ({"area": 430121999}, "区划编码"),
        ({"reason": ""}, "理由"),
        ({"expires_at": clock.now() - timedelta(hours=1)}, "到期"),
    ],
)
def test_a_wrong_declaration_is_refused_with_a_sentence(
    database: str, said: dict[str, Any], why: str
) -> None:
    del database
    with pytest.raises(Invalid, match=why):
        declare(cast().county, **said)


def account(role: str) -> str:
    return str(next(a["username"] for a in credentials()["accounts"] if a["role"] == role))


def test_over_http_two_accounts_declare_and_every_screen_is_told(county: County) -> None:
    body = {
        "kind": "emergency", "grade": 3, "reason": "防汛", "order_number": "1号",
        "until": (clock.now() + timedelta(hours=6)).isoformat(),
    }  # fmt: skip
    with serving() as client:
        first, second = sign_in(client, account("county_command")), _leader(client)
        made = first.post("/api/v1/modes", json=body)
        assert made.status_code == 201, made.text
        address = f"/api/v1/modes/{made.json()['id']}"
        own = first.post(f"{address}/decide", json={"approve": True})
        assert (own.status_code, own.json()["code"]) == (403, "same_person")
        done = second.post(f"{address}/decide", json={"approve": True})
        assert done.json()["state"] == "entered"
        assert done.json()["name"] == "Ⅲ级应急"
        town = sign_in(client, f"town{TOWN}")
        assert town.post("/api/v1/modes", json=body).status_code == 403
        shown = town.get("/live/snapshot").json()["mode"]
        assert shown["name"] == "Ⅲ级应急"
        assert shown["detail"].startswith("全县 至 ")
        asked = first.post(f"{address}/leave", json={"reason": "结束"})
        assert asked.json()["state"] == "leaving"
        second.post(f"{address}/decide", json={"approve": True})
        assert town.get(address).json()["state"] == "left"
        assert first.get("/api/v1/calendars").json()["edition"] == 1
        county.settle_down()
        causes = [each["cause"] for each in first.get("/api/v1/recounts").json()]
        assert sorted(cause.partition("@")[0] for cause in causes) == ["mode", "mode"]


def _leader(client: TestClient) -> TestClient:
    return sign_in(client, account("duty_leader"))
