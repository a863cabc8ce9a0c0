"""Late, but claimed in time (补认): a request that others decide, never a silent credit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core import clock
from core.db import transaction
from dispatch.incidents import proving
from dispatch.incidents.acting.under_way import SamePerson
from dispatch.incidents.listing import service as reading
from tests.cases import TOWN, Cast, Hand, cast, filed, in_hand, one, rows
from tests.county import County


@pytest.fixture(scope="module")
def people(database: str) -> Cast:
    del database
    return cast()


@pytest.fixture
def county(people: Cast) -> Iterator[County]:
    del people
    with County.opened() as opened:
        yield opened


def due(case: UUID) -> datetime:
    found = one(
        "select due_at from clock_segments where incident_id = :id and stage = 'handle'"
        " order by n desc limit 1",
        id=case,
    )["due_at"]
    assert isinstance(found, datetime)
    return found


def waiting(case: UUID) -> list[dict[str, Any]]:
    return rows(
        "select kind, asked_by, data from requests where subject = :id and decided_at is null",
        id=case,
    )


def on_time(case: UUID) -> object:
    return one("select on_time from case_fact where incident_id = :id", id=case)["on_time"]


def fed_back_late(people: Cast, county: County, *, by: Hand | None = None) -> UUID:
    """Return a case whose feedback came in after the limit and claims an hour before it."""
    case = in_hand(people) if by is None else filed(people)
    if by is not None:
        people.town.act(case, "assign", to_unit=str(TOWN))
        by.act(case, "sign")
    claimed = due(case) - timedelta(hours=1)
    county.fast_forward("6d")
    (by or people.worker).act(case, "feed_back", note="断网时已清完", claimed_at=claimed)
    county.settle_down()
    return case


def test_it_stays_late_until_somebody_else_grants_it(people: Cast, county: County) -> None:
    case = fed_back_late(people, county)
    assert on_time(case) is False
    (asked,) = waiting(case)
    assert (asked["kind"], asked["asked_by"]) == ("extension", people.worker.actor.name)
    with transaction(people.town.access) as session:
        shown = reading.case(session, case, actor=people.town.actor, at=clock.now())
    (told,) = shown["requests"]
    assert (told["claim"], told["effect"]) == (True, "按手机记录的时间，认定为按期处置")
    people.town.act(case, "decide", approve=True)
    county.settle_down()
    assert on_time(case) is True
    assert one("select extensions from incidents where id = :id", id=case)["extensions"] == 0
    assert people.town.act(case, "pass_check") == "closed"
    assert list(proving.verify(processes=1)) == []
    assert county.dead() == []


def test_refused_it_is_late_for_good(people: Cast, county: County) -> None:
    case = fed_back_late(people, county)
    people.town.act(case, "decide", approve=False, note="无凭据", reason_code="other")
    county.settle_down()
    assert (on_time(case), waiting(case)) == (False, [])


def test_it_may_be_granted_after_the_case_has_closed(people: Cast, county: County) -> None:
    case = fed_back_late(people, county)
    people.town.act(case, "pass_check")
    assert len(waiting(case)) == 1
    people.town.act(case, "decide", approve=True)
    county.settle_down()
    assert on_time(case) is True
    assert list(proving.verify(processes=1)) == []


def test_nobody_grants_it_to_their_own_unit(people: Cast, county: County) -> None:
    case = fed_back_late(people, county, by=people.town)
    assert "decide" not in people.town_second.actions(case)
    with pytest.raises(SamePerson):
        people.town_second.act(case, "decide", approve=True)
    owed = rows(
        "select u.code from owed o join posts p on p.id = o.post_id"
        " join units u on u.id = p.unit_id where o.subject = :id and o.kind = 'incident.decide'",
        id=str(case),
    )
    assert owed == [{"code": "430121"}]
    people.county.act(case, "decide", approve=True)
    county.settle_down()
    assert on_time(case) is True


def test_work_that_was_not_done_leaves_nothing_to_grant(people: Cast, county: County) -> None:
    case = fed_back_late(people, county)
    people.town.act(case, "fail_check", note="没清")
    assert waiting(case) == []


def test_what_claims_no_time_within_the_limit_asks_for_nothing(
    people: Cast, county: County
) -> None:
    for claimed in (None, timedelta(hours=1), timedelta(days=-30)):
        case = in_hand(people)
        moment = None if claimed is None else due(case) + claimed
        county.fast_forward("6d")
        people.worker.act(case, "feed_back", note="清完了", claimed_at=moment)
        assert waiting(case) == [], claimed
    in_time = in_hand(people)
    people.worker.act(in_time, "feed_back", note="清完了", claimed_at=clock.now())
    assert waiting(in_time) == []
