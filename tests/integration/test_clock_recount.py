"""A calendar or a catalogue is published: open clocks move, each with one line, and are listed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from click.testing import CliRunner
from sqlalchemy import text

from core import clock, jobs
from core.access import Access
from core.db import transaction
from core.errors import Conflict
from dispatch.incidents import editions, proving
from dispatch.incidents.commands import catalogue
from dispatch.incidents.intake import terms
from dispatch.incidents.listing import service as reading
from dispatch.incidents.reckoning import service as reckoning
from dispatch.incidents.reckoning.commands import calendar
from people.calendars import service as calendars
from tests.cases import TOWN, Cast, cast, in_hand, inside, one, rows
from tests.county import County

CST = timezone(timedelta(hours=8))


@pytest.fixture
def late(county: County) -> County:
    """Return a county of its own at 16:00 on Tuesday 29 December 2026, 2027 not yet announced."""
    county.settle_down()
    go_to(2026, 12, 29, 16)
    return county


def go_to(year: int, month: int, day: int, hour: int, minute: int = 0) -> None:
    clock.shift(datetime(year, month, day, hour, minute, tzinfo=CST) - clock.now())
    terms.forget()


def local(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=CST)


def run(command: Any, *arguments: str) -> str:
    done = CliRunner().invoke(command, list(arguments))
    assert done.exit_code == 0, done.output
    return str(done.output)


def case_of(case: UUID) -> dict[str, Any]:
    return one("select * from incidents where id = :id", id=case)


def due_of(case: UUID) -> datetime:
    return to_the_minute(case_of(case)["due_at"])


def to_the_minute(moment: datetime) -> datetime:
    return moment.astimezone(CST).replace(second=0, microsecond=0)


def read(people: Cast, case: UUID) -> dict[str, Any]:
    """Return a case as the town's desk reads it."""
    with transaction(people.town.access) as session:
        return reading.case(session, case, actor=people.town.actor, at=clock.now())


def timer_of(case: UUID) -> datetime:
    found = one("select due_at from outbox where timer_key = :key", key=f"incident:{case}")
    return found["due_at"]  # type: ignore[no-any-return]


def assigned_to_town(people: Cast, category: str = "暴露垃圾") -> UUID:
    """Return a case the town centre handles: three workdays."""
    case = people.town.report(category).incident.id
    people.town.act(case, "accept")
    people.town.act(case, "assign", to_unit=str(TOWN))
    people.town.act(case, "sign")
    return case


def announcement(path: Path, **said: Any) -> Path:
    file = path / "2027.yaml"
    year = {"year": 2027, "off": ["2027-01-01/2027-01-03"]} | said
    tree = {"source": "国办发明电（测试）", "years": [year]}
    file.write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8")
    return file


def test_a_case_of_december_moves_when_2027_is_published(late: County, tmp_path: Path) -> None:
    people = cast()
    crossing = assigned_to_town(people)
    inside_2026 = in_hand(people)  # one workday: 30 December 16:00
    shut = people.town.report("积水").incident.id
    people.town.act(shut, "reject", note="重复反映")
    late.settle_down()
    # 2 h on the 29th, 8 h each on the 30th and 31st, 6 h on Friday 1 January (as if it worked)
    assert due_of(crossing) == local(2027, 1, 1, 16)
    assert due_of(inside_2026) == local(2026, 12, 30, 16)
    with transaction(people.town.access) as session:
        seen = reading.case(session, crossing, actor=people.town.actor, at=clock.now())
        assert seen["due_provisional"]
        assert not reading.case(session, inside_2026, actor=people.town.actor, at=clock.now())[
            "due_provisional"
        ]
    revs = {case: case_of(case)["rev"] for case in (inside_2026, shut)}

    file = announcement(tmp_path)
    assert "没有错误" in run(calendar, "check", str(file))
    run(calendar, "load", str(file))
    assert "2027-01-01 改为休息" in run(calendar, "diff")
    assert due_of(crossing) == local(2027, 1, 1, 16), "loading alone moves nothing"
    run(calendar, "publish")
    late.settle_down()

    # 1 January is off: the six hours fall on Monday the 4th
    assert due_of(crossing) == local(2027, 1, 4, 16)
    assert {case: case_of(case)["rev"] for case in revs} == revs, "others are left alone"
    (told,) = rows(
        "select * from timeline_entries where incident_id = :id and reason_code like 'calendar@%'",
        id=crossing,
    )
    assert told["actor_name"] == "时限重算"
    assert told["data"]["moved"][0]["stage"] == "handle"
    with transaction(Access.worker()) as session:
        (job,) = reckoning.last_jobs(session)
        assert job["finished_at"]
        assert job["done"] == job["total"] == 2
        (moved,) = reckoning.differences(session, job["id"])
    assert (moved["number"], moved["stage"]) == (case_of(crossing)["number"], "处置")
    # half of three workdays is gone after 12 working hours: 31 December 10:00, not moved
    assert timer_of(crossing) == case_of(crossing)["next_mark_at"]
    assert "1 个时限变动" in run(calendar, "moves", str(job["id"]))
    with transaction(people.town.access) as session:
        assert not reading.case(session, crossing, actor=people.town.actor, at=clock.now())[
            "due_provisional"
        ]
    late.fast_forward("11s")
    assert list(proving.verify(processes=1)) == []
    assert late.dead() == []


def test_a_mark_in_the_new_year_moves_too_and_the_ladder_keeps_its_place(
    late: County, tmp_path: Path
) -> None:
    people = cast()
    case = in_hand(people)  # one workday from 29 December 16:00
    late.fast_forward("48h")  # 31 December 16:00: 200 % is reached, the black card is given
    assert case_of(case)["card"] == "black"
    go_to(2026, 12, 31, 17)
    second = in_hand(people)  # due 1 January 17:00; 50 % at 12:00 of the 1st
    assert to_the_minute(case_of(second)["next_mark_at"]) == local(2027, 1, 1, 11)
    run(calendar, "load", str(announcement(tmp_path)))
    run(calendar, "publish")
    late.settle_down()
    assert due_of(second) == local(2027, 1, 4, 17)
    assert to_the_minute(case_of(second)["next_mark_at"]) == local(2027, 1, 4, 11)
    assert abs(timer_of(second) - case_of(second)["next_mark_at"]) < timedelta(seconds=1)
    assert list(proving.verify(processes=1)) == []


def test_a_town_may_keep_days_of_its_own(late: County, tmp_path: Path) -> None:
    people = cast()
    file = tmp_path / "town.yaml"
    own = {"year": 2026, "town": TOWN, "off": ["2026-12-30"]}
    file.write_text(yaml.safe_dump({"source": "assumed", "years": [own]}), encoding="utf-8")
    run(calendar, "load", str(file))
    run(calendar, "publish")
    late.settle_down()
    terms.forget()
    go_to(2026, 12, 29, 17)
    here = people.town.report("暴露垃圾").incident
    lon, lat = inside(430121002)
    there = people.elsewhere.report("暴露垃圾", lon=lon, lat=lat).incident
    assert there.due_at
    assert here.due_at
    # two work hours to accept: one on the 29th, one on the next working morning of the place
    assert there.due_at.astimezone(CST).date() == date(2026, 12, 30)
    assert here.due_at.astimezone(CST).date() == date(2026, 12, 31)
    assert case_of(here.id)["due_at"] == here.due_at
    assert list(proving.verify(processes=1)) == []


def test_a_newer_catalogue_moves_what_is_not_yet_filed(late: County, tmp_path: Path) -> None:
    people = cast()
    waiting = people.town.report("暴露垃圾").incident.id  # accept within 2 work hours: 18:00
    filed = in_hand(people)
    tree = editions.read_file()
    tree["edition"] = "2026-02"
    tree["defaults"]["stages"]["accept"]["normal"] = "4wh"
    tree["defaults"]["handle"]["normal"]["village"] = "5wd"
    file = tmp_path / "categories.yaml"
    file.write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8")
    was = due_of(filed)
    run(catalogue, "load", str(file))
    late.settle_down()
    assert case_of(waiting)["category_version"] == 2
    assert due_of(waiting) == local(2026, 12, 30, 10)
    assert case_of(filed)["category_version"] == 1, "a filed case keeps its edition"
    assert due_of(filed) == was
    people.town.act(waiting, "accept")
    people.town.act(waiting, "assign")
    assert case_of(waiting)["category_version"] == 2
    assert list(proving.verify(processes=1)) == []
    run(catalogue, "load")  # as it was before: a third version, not a refusal
    late.settle_down()
    assert one("select max(version) as newest from catalogue_versions")["newest"] == 3
    assert list(proving.verify(processes=1)) == []


def test_a_recomputation_can_be_stopped_and_goes_slice_by_slice(
    late: County, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = cast()
    several = [assigned_to_town(people) for _ in range(5)]
    late.settle_down()
    monkeypatch.setattr(reckoning, "SLICE", 2)
    run(calendar, "load", str(announcement(tmp_path)))
    run(calendar, "publish")
    with transaction(Access.owner()) as session:
        (job,) = reckoning.last_jobs(session)
        jobs.cancel(session, job["id"], at=clock.now())
    late.settle_down()
    moved = [case for case in several if due_of(case) == local(2027, 1, 4, 16)]
    assert len(moved) == 2, "the slice under way ends, the next does not begin"
    with transaction(Access.owner()) as session:
        again = reckoning.start(session, "calendar@2", at=clock.now())
    late.settle_down()
    assert all(due_of(case) == local(2027, 1, 4, 16) for case in several)
    with transaction(Access.owner()) as session:
        assert reckoning.progress(session, again)["done"] == 5
        assert len(reckoning.differences(session, again)) == 3
    assert list(proving.verify(processes=1)) == []


def test_an_older_edition_is_not_published_over_a_newer_one(late: County, tmp_path: Path) -> None:
    del late
    run(calendar, "load", str(announcement(tmp_path)))
    run(calendar, "load", str(announcement(tmp_path, off=["2027-01-01"])))
    run(calendar, "publish")
    with transaction(Access.owner()) as session:
        first, newest = 2, 3
        assert calendars.book(session).edition == newest
        with pytest.raises(Conflict, match="重新载入"):
            calendars.publish(session, first, by="测试", at=datetime.now(UTC))
        found = session.execute(
            text("select after from audit where action = 'calendar.publish' order by id desc")
        ).first()
        assert found is not None
        assert found.after["edition"] == newest


def test_faults_of_a_calendar_file_are_named(late: County, tmp_path: Path) -> None:
    del late
    bad = announcement(tmp_path, off=["2026-12-31"], work=["2027-01-04"], periods=["08:00-12:00"])
    done = CliRunner().invoke(calendar, ["load", str(bad)])
    assert done.exit_code == 1
    for said in ("2026-12-31 不在 2027 年", "2027-01-04 本是工作日", "合计须为 8 小时"):
        assert said in done.output
