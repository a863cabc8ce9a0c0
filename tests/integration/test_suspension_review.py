"""A suspended case is looked at every 30 days (挂起复查), for as long as it rests."""

from __future__ import annotations

from datetime import timedelta

from tests.cases import cast, in_hand, rows
from tests.county import County


def test_a_review_that_nobody_makes_is_urged_again_every_thirty_days(county: County) -> None:
    people = cast()
    case = in_hand(people)
    people.worker.act(case, "request", request_kind="suspension", note="等天晴")
    people.town.act(case, "decide", approve=True)
    county.fast_forward("65d")
    urged = [
        row["recorded_at"]
        for row in rows(
            "select recorded_at from timeline_entries where incident_id = :id"
            " and action = 'urge' and data->>'overdue' = 'review' order by seq",
            id=case,
        )
    ]
    assert len(urged) == 2
    assert abs(urged[1] - urged[0] - timedelta(days=30)) < timedelta(minutes=1)
    people.worker.act(case, "resume")
    county.fast_forward("1d")
    again = "select 1 from timeline_entries where incident_id = :id and data->>'overdue' = 'review'"
    assert len(rows(again, id=case)) == 2
    assert county.dead() == []
