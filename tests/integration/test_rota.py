"""The rota on a real database and over HTTP: saving, refusing, two at once, swaps, leave, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from core import clock
from core.access import Access
from core.db import transaction
from core.errors import Conflict, DomainError
from people import service as people
from people.roles import Post, Role
from people.rota import ahead as duty
from people.rota import overrides, planning, swaps
from people.rota import queries as queries_rota
from people.rota.checks import candidates
from people.rota.turns import Change, ChangeKind, Shift
from people.scope import Actor
from tests.rota import (
    as_json,
    candidate,
    holder,
    replacing,
    shifts_ahead,
    swappable,
)
from tests.web import serving, sign_in

pytestmark = pytest.mark.usefixtures("database")
COUNTY = "430121"
EDITOR = Actor("排班员", Role.COUNTY_COMMAND)


@pytest.fixture(scope="module")
def web(database: str) -> Iterator[TestClient]:
    del database
    with serving() as client:
        yield client


@pytest.fixture(scope="module")
def planner(web: TestClient) -> TestClient:
    return sign_in(web, "county1")


def month_of(shift: Shift) -> str:
    return f"{clock.local(shift.starts_at):%Y-%m}"


def test_the_seeded_rota_has_no_flaw_and_is_planned_two_months_ahead() -> None:
    with transaction(Access.worker()) as session:
        assert duty.flaws(session, at=clock.now(), days=45) == []
        assert duty.extend(session, at=clock.now()) == 0


def test_a_month_is_shown_to_everyone_and_its_flaws_to_whoever_plans(
    web: TestClient, planner: TestClient
) -> None:
    shown = planner.get("/api/v1/rota/month").json()
    assert shown["editable"] is True
    assert {post["kind"] for post in shown["posts"]} == {
        "duty_leader", "deputy", "duty_director", "shift_head",
    }  # fmt: skip
    assert len(shown["days"]) in {28, 35, 42}
    assert shown["problems"] == []
    village = sign_in(web, "village430121001001")
    read = village.get("/api/v1/rota/month").json()
    assert (read["editable"], read["people"], read["problems"]) == (False, [], [])
    assert [s["holders"] for s in read["slots"]] == [s["holders"] for s in shown["slots"]]


def test_a_gap_is_refused_with_the_day_the_shift_and_who_could_fill_in(
    planner: TestClient,
) -> None:
    night = next(s for s in shifts_ahead() if clock.local(s.starts_at).hour == 18)
    gone = Change(ChangeKind.REMOVE, night.post_id, night.starts_at, night.ends_at, night.staff_id)
    body = {"month": month_of(night), "changes": [as_json(gone)]}
    drawn = planner.post("/api/v1/rota/check", json=body).json()
    (problem,) = drawn["problems"]
    assert problem["title"] == f"{clock.local(night.starts_at).day} 日夜班没有领导"
    assert problem["flaw"] == "gap"
    assert any(c["fits"] and c["reason"].startswith("本月") for c in problem["candidates"])
    assert any(c["reason"] == "没有呼得到的渠道，企业微信未绑" for c in problem["candidates"])
    saved = planner.post("/api/v1/rota/save", json=body | {"draft": drawn["draft"]})
    assert saved.status_code == 422
    assert "夜班没有领导" in saved.json()["detail"]
    assert holder(night.post_id, night.starts_at) == [(night.staff_id, "rotation")]


def test_a_person_nobody_can_call_is_refused(planner: TestClient) -> None:
    shift = shifts_ahead()[4]
    with transaction(Access.worker()) as session:
        mute = session.execute(
            text("select id from staff where code = :code"), {"code": f"{COUNTY}-duty_leader-4"}
        ).scalar_one()
    answer = planner.post("/api/v1/rota/overrides", json=as_json(replacing(shift, mute)))
    assert answer.status_code == 422
    assert "没有呼得到的渠道" in answer.json()["detail"]


def test_day_and_night_in_a_row_are_refused_as_24_hours(planner: TestClient) -> None:
    ahead = shifts_ahead()
    day = next(s for s in ahead if clock.local(s.starts_at).hour == 8)
    night = next(s for s in ahead if s.starts_at == day.ends_at)
    answer = planner.post("/api/v1/rota/overrides", json=as_json(replacing(night, day.staff_id)))
    assert answer.status_code == 422
    assert re.search("会连上 (24|34) 小时", answer.json()["detail"])


def test_a_saved_draft_is_kept_with_its_mark_and_a_second_editor_is_told(
    planner: TestClient,
) -> None:
    shift = shifts_ahead(after="4d")[0]
    change = replacing(shift, candidate(shift))
    month = month_of(shift)
    seen = planner.get("/api/v1/rota/month", params={"month": month}).json()["draft"]
    body = {"month": month, "draft": seen, "changes": [as_json(change)]}
    saved = planner.post("/api/v1/rota/save", json=body)
    assert saved.status_code == 200, saved.text
    assert saved.json()["draft"] == seen + 1
    assert holder(shift.post_id, shift.starts_at) == [(change.staff_in, "override")]
    assert planner.post("/api/v1/rota/save", json=body).status_code == 409
    with transaction(Access.owner()) as session:
        row = session.execute(text("select after from audit where action = 'rota.saved'")).one()
        kinds = session.execute(text("select kind from outbox where kind = 'rota.saved'")).all()
    assert row.after["changes"][0]["in"] == change.staff_in
    assert len(kinds) == 1


def test_planning_a_month_anew_by_the_rules_keeps_overrides_and_history(
    planner: TestClient,
) -> None:
    shift = shifts_ahead(after="8d")[0]
    change = replacing(shift, candidate(shift))
    assert planner.post("/api/v1/rota/overrides", json=as_json(change)).status_code == 201
    month = month_of(shift)
    before = planner.get("/api/v1/rota/month", params={"month": month}).json()
    body = {"month": month, "replan": True}
    drawn = planner.post("/api/v1/rota/check", json=body).json()
    assert drawn["problems"] == []
    past = [s for s in before["slots"] if s["state"] != "ahead"]
    assert [s for s in drawn["slots"] if s["state"] != "ahead"] == past
    kept = next(
        s for s in drawn["slots"]
        if s["post_id"] == shift.post_id
        and datetime.fromisoformat(s["starts_at"]) == shift.starts_at
    )  # fmt: skip
    assert [h["staff_id"] for h in kept["holders"]] == [change.staff_in]
    saved = planner.post("/api/v1/rota/save", json=body | {"draft": before["draft"]})
    assert saved.status_code == 200, saved.text


def test_of_two_concurrent_overlapping_overrides_one_fails() -> None:
    shift = shifts_ahead(after="12d")[0]
    first = candidate(shift)
    with transaction(Access.worker()) as session:
        board = planning.board(session, COUNTY, clock.local(shift.starts_at).date())
        slot = next(s for s in board.slots if (s.post_id, s.starts_at) == (
            shift.post_id, shift.starts_at))  # fmt: skip
        second = next(
            c.staff_id for c in candidates(board.desk, slot)
            if c.fits and c.staff_id not in {first, shift.staff_id}
        )  # fmt: skip
    together = Barrier(2)
    county = Access("county_command", see_all=True)

    def replace(staff: int) -> str:
        try:
            with transaction(county) as session:
                overrides.board_of(session, replacing(shift, staff))
                together.wait(20)
                overrides.override(session, replacing(shift, staff), actor=EDITOR, at=clock.now())
        except Conflict as refused:
            return refused.code
        return "kept"

    with ThreadPoolExecutor(2) as pool:
        results = sorted(pool.map(replace, (first, second)))
    assert results == ["conflict", "kept"]
    assert len(holder(shift.post_id, shift.starts_at)) == 1


def test_the_constraint_itself_keeps_two_overrides_off_one_stretch() -> None:
    shift = shifts_ahead(after="12d")[3]
    one, other = candidate(shift), shift.staff_id
    with transaction(Access("county_command", see_all=True)) as session:
        overrides.record(session, replacing(shift, one), (), actor=EDITOR, at=clock.now())
        with pytest.raises(Conflict):
            overrides.record(session, replacing(shift, other), (), actor=EDITOR, at=clock.now())
        session.rollback()


def test_a_swap_counts_once_both_agree_and_is_taken_once() -> None:
    a, b = swappable(shifts_ahead(after="16d", days=25))
    actors = [Actor("甲", Role.DUTY_LEADER, person=a.staff_id),
              Actor("乙", Role.DUTY_LEADER, person=b.staff_id)]  # fmt: skip
    county = Access("duty_leader", see_all=True)
    legs = [swaps.Stretch(s.staff_id, s.starts_at, s.ends_at) for s in (a, b)]
    with transaction(county) as session:
        swap = swaps.ask(session, a.post_id, first=legs[0], second=legs[1], actor=actors[0],
                         at=clock.now())  # fmt: skip
        with pytest.raises(DomainError, match="本人同意"):
            swaps.agree(session, swap, actor=EDITOR, at=clock.now())
    assert holder(a.post_id, a.starts_at)[0][0] == a.staff_id
    with transaction(county) as session:
        assert swaps.agree(session, swap, actor=actors[1], at=clock.now()) == "applied"
    assert holder(a.post_id, a.starts_at) == [(b.staff_id, "swap")]
    assert holder(b.post_id, b.starts_at) == [(a.staff_id, "swap")]
    with transaction(county) as session, pytest.raises(Conflict):
        swaps.agree(session, swap, actor=actors[1], at=clock.now())
    with transaction(county) as session, pytest.raises(Conflict):
        swaps.ask(session, a.post_id, first=legs[0], second=legs[1], actor=EDITOR, at=clock.now())


def test_leave_opens_the_shifts_tells_the_planner_and_the_fill_settles_it(
    planner: TestClient,
) -> None:
    shift = shifts_ahead(after="5d")[2]
    body = {
        "staff_id": shift.staff_id,
        "starts_at": shift.starts_at.isoformat(),
        "ends_at": shift.ends_at.isoformat(),
        "reason": "看病",
    }
    answer = planner.post("/api/v1/rota/leave", json=body)
    assert (answer.status_code, answer.json()["opened"]) == (201, 1)
    shown = planner.get("/api/v1/rota/month", params={"month": month_of(shift)}).json()
    (gap,) = [p for p in shown["problems"] if p["flaw"] == "gap"]
    assert "请假" in gap["detail"]
    lines = [o for o in planner.get("/api/v1/owed").json() if o["kind"] == "rota_gap"]
    assert [line["verb"] for line in lines] == ["排班"]
    stands_in = next(c for c in gap["candidates"] if c["fits"])
    fill = {
        "kind": "replace", "post_id": gap["post_id"], "starts_at": gap["starts_at"],
        "ends_at": gap["ends_at"], "staff_in": stands_in["staff_id"],
    }  # fmt: skip
    assert planner.post("/api/v1/rota/overrides", json=fill).status_code == 201
    assert [o for o in planner.get("/api/v1/owed").json() if o["kind"] == "rota_gap"] == []
    assert planner.post("/api/v1/rota/leave", json=body).status_code == 409


def test_somebody_added_beside_is_called_too_and_leaves_again(planner: TestClient) -> None:
    shift = shifts_ahead(after="6d")[5]
    change = Change(
        ChangeKind.ADD, shift.post_id, shift.starts_at, shift.ends_at, None, candidate(shift)
    )
    assert planner.post("/api/v1/rota/overrides", json=as_json(change)).status_code == 201
    at = shift.starts_at + timedelta(hours=2)
    with transaction(Access.worker()) as session:
        called = people.everyone_on_duty(session, [Post.DUTY_LEADER], at=at)[Post.DUTY_LEADER]
        alone = people.on_duty(session, Post.DUTY_LEADER, at)
    assert [c.staff_id for c in called] == [shift.staff_id, change.staff_in]
    assert alone is not None
    assert alone.staff_id == shift.staff_id
    gone = Change(ChangeKind.REMOVE, shift.post_id, shift.starts_at, shift.ends_at, change.staff_in)
    assert planner.post("/api/v1/rota/overrides", json=as_json(gone)).status_code == 201
    assert holder(shift.post_id, at) == [(shift.staff_id, "rotation")]


def test_a_shift_that_has_begun_can_be_changed_by_nobody(planner: TestClient) -> None:
    with transaction(Access.worker()) as session:
        now = people.on_duty(session, Post.DUTY_LEADER, clock.now())
        assert now is not None
        begun = next(
            s for s in queries_rota.shifts_of_posts(
                session, [now.post_id], starts_at=clock.now(), ends_at=clock.now()
                + timedelta(seconds=1))
        )  # fmt: skip
    answer = planner.post(
        "/api/v1/rota/overrides", json=as_json(replacing(begun, begun.staff_id + 1))
    )
    assert answer.status_code == 422
    assert "已经开始" in answer.json()["detail"]
    with transaction(Access("county_command", see_all=True)) as session:
        gone = session.execute(
            text("delete from rota_shifts where post_id = :post and starts_at <= now()"),
            {"post": now.post_id},
        )
        assert gone.rowcount == 0  # type: ignore[attr-defined]


def test_a_town_plans_its_own_rota_and_reads_the_countys(web: TestClient) -> None:
    town = sign_in(web, "town430121001")
    assert town.get("/api/v1/rota/month", params={"unit": "430121001"}).json()["editable"]
    assert not town.get("/api/v1/rota/month").json()["editable"]
    shift = shifts_ahead(after="9d")[0]
    assert town.post(
        "/api/v1/rota/overrides", json=as_json(replacing(shift, candidate(shift)))
    ).status_code in {403, 404}
    own = town.get("/api/v1/rota/month", params={"unit": "430121001"}).json()
    body = {"unit": "430121001", "month": own["month"], "draft": own["draft"], "replan": True}
    assert town.post("/api/v1/rota/save", json=body).status_code == 200
    auditor = sign_in(web, "auditor1")
    assert auditor.post("/api/v1/rota/save", json=body).status_code == 403
