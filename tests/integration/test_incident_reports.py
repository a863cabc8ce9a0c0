"""A report through the one door: located, keyed, clocked, told, and never lost or doubled."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core import clock, crypto
from core.access import Access
from core.db import async_rows, dispose_async, transaction
from core.errors import Invalid, NotAllowed
from dispatch.incidents.intake import terms
from dispatch.incidents.intake.draft import Draft
from dispatch.incidents.intake.service import KeyReused, Reported, report_async
from people.roles import Role
from people.scope import Actor
from tests.cases import TOWN, VILLAGE, Cast, cast, inside, one, rows

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(scope="module")
def people(database: str) -> Cast:
    del database
    return cast()


def test_a_point_becomes_a_case_with_history_clock_and_intents(people: Cast) -> None:
    told = people.town.report()
    case = one("select * from incidents where id = :id", id=told.incident.id)
    assert (case["status"], case["located_by"], case["town_code"]) == ("reported", "point", TOWN)
    assert case["number"].startswith(f"{clock.local(case['reported_at']):%Y%m%d}")
    assert len(case["tracking_code"]) == 10
    assert case["due_stage"] == "accept"
    (entry,) = rows("select * from timeline_entries where incident_id = :id", id=case["id"])
    assert (entry["seq"], entry["action"], entry["actor_name"]) == (1, "report", "派遣员丙")
    (segment,) = rows("select * from clock_segments where incident_id = :id", id=case["id"])
    assert segment["due_at"] == case["due_at"]
    told_rows = rows("select * from outbox where subject = :id order by id", id=str(case["id"]))
    assert [row["kind"] for row in told_rows] == ["incident.report", "timer.incident_due"]
    assert told_rows[0]["town_code"] == TOWN
    assert told_rows[1]["due_at"] == case["due_at"]


def test_a_vertex_shared_by_cells_has_one_answer_the_lowest_code(people: Cast) -> None:
    corner = one(
        """
        select st_x(d.geom) as lon, st_y(d.geom) as lat, min(o.code) as lowest, count(*) as n
        from (select (st_dumppoints(area)).geom from grid_cells
              where village_code = :village and valid_to is null) d
        join grid_cells o on o.valid_to is null and st_covers(o.area, d.geom)
        group by d.geom having count(distinct o.code) >= 3 order by 3, 1 limit 1
        """,
        village=VILLAGE,
    )
    told = people.town.report(lon=corner["lon"], lat=corner["lat"])
    assert told.incident.cell_code == corner["lowest"]


def test_a_village_or_an_address_is_enough_and_the_rest_waits_unlocated(people: Cast) -> None:
    by_village = people.county.report(village_code=VILLAGE, address="村口").incident
    assert (by_village.located_by, by_village.town_code) == ("village", TOWN)
    by_words = people.county.report(address="星沙街道开元路社区 3 栋").incident
    assert (by_words.located_by, by_words.village_code) == ("address", VILLAGE)
    nowhere = people.county.report(address="不知道什么地方").incident
    outside = people.county.report(lon=112.5, lat=28.2).incident
    waiting = rows("select id from incidents where located_by = 'unlocated'")
    assert {nowhere.id, outside.id} <= {row["id"] for row in waiting}
    assert people.county.sees(outside.id)
    assert people.county.sees(nowhere.id)


@pytest.mark.parametrize(
    ("draft", "said"),
    [
        ({"village_code": 430121999999, "address": "门口"}, "村"),
        ({"lon": 113.1}, "两个数字"),
        ({"lon": 28.2, "lat": 113.1}, "写反"),
        ({"lon": float("nan"), "lat": 28.2}, "有限"),
        ({"address": "a" * 300}, "地址"),
        ({"address": "a", "source": "pigeon"}, "来源"),
        ({"address": "a", "source": "grid_worker"}, "网格员"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_is_stored(
    people: Cast, draft: dict[str, Any], said: str
) -> None:
    before = one("select count(*) as n from incident_keys")["n"]
    with pytest.raises(Invalid) as caught:
        people.county.report(**draft)
    assert said in caught.value.sentence
    assert one("select count(*) as n from incident_keys")["n"] == before


def test_an_unknown_category_and_a_reader_are_refused(people: Cast) -> None:
    with pytest.raises(Invalid, match="分类"):
        people.town.report("没有这一类")
    auditor = Actor("审计员", Role.AUDITOR)
    with pytest.raises(NotAllowed):
        type(people.town)(auditor, people.county.access).report()


def test_a_grid_worker_is_always_the_source_of_their_own_report(people: Cast) -> None:
    told = people.worker.report(source="hotline")
    assert told.incident.source == "grid_worker"


def test_the_same_key_and_body_is_one_case_and_another_body_is_refused(people: Cast) -> None:
    lon, lat = inside(TOWN)
    first = people.town.report(key="k-1", lon=lon, lat=lat, description="同一件事")
    again = people.town.report(key="k-1", lon=lon, lat=lat, description="同一件事")
    assert (first.fresh, again.fresh) == (True, False)
    assert first.incident == again.incident
    with pytest.raises(KeyReused):
        people.town.report(key="k-1", lon=lon, lat=lat, description="另一件事")
    other = people.county.report(key="k-1", lon=lon, lat=lat, description="同一件事")
    assert other.fresh, "a key belongs to the caller who chose it"


def test_twenty_at_once_with_one_key_store_one_case(people: Cast) -> None:
    lon, lat = inside(TOWN)

    def send(_n: int) -> Reported:
        return people.town.report(key="k-many", lon=lon, lat=lat, description="一起来")

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(send, range(20)))
    assert len({each.incident.id for each in told}) == 1
    assert sum(each.fresh for each in told) == 1


def test_the_asynchronous_door_stores_the_same_case(people: Cast) -> None:
    lon, lat = inside(TOWN, nth=5)
    at = clock.now()
    with transaction(Access.owner()) as session:
        found = terms.current(session, at)
    draft = Draft("内涝", "地下车库进水", lon=lon, lat=lat)

    async def send() -> Reported:
        return await report_async(
            people.town.access,
            draft,
            found=found,
            actor=people.town.actor,
            at=at,
            key="async-1",
        )

    async def twice() -> tuple[Reported, Reported]:
        try:
            return await send(), await send()
        finally:
            await dispose_async()

    first, again = asyncio.run(twice())
    assert (first.fresh, again.fresh) == (True, False)
    assert first.incident == again.incident
    assert first.incident.urgent
    assert one("select source from incidents where id = :id", id=first.incident.id)["source"]


def test_twins_are_offered_to_those_who_may_see_them_and_to_no_one_else(people: Cast) -> None:
    lon, lat = inside(TOWN, nth=9)
    first = people.town.report("井盖破损", lon=lon, lat=lat, description="井盖裂成两半")
    again = people.town.report("井盖破损", lon=lon, lat=lat + 0.0001, description="井盖裂了")
    assert [twin.id for twin in again.twins] == [first.incident.id]
    assert 10 < again.twins[0].distance_m < 12
    stranger = people.elsewhere.report("井盖破损", lon=lon, lat=lat, description="井盖裂成两半")
    assert stranger.twins == []


def test_old_and_far_cases_are_no_twins(people: Cast) -> None:
    lon, lat = inside(TOWN, nth=12)
    with clock.unshifted():
        clock.shift(-timedelta(hours=25))
        people.town.report("路灯不亮", lon=lon, lat=lat, description="路灯不亮")
    people.town.report("路灯不亮", lon=lon + 0.01, lat=lat, description="路灯不亮")
    assert people.town.report("路灯不亮", lon=lon, lat=lat, description="路灯不亮").twins == []


def test_reporters_are_stored_encrypted_and_found_again_by_a_keyed_hash(people: Cast) -> None:
    one_call = people.county.report(reporter_name="刘一手", reporter_phone="139 1234 7730")
    other = people.county.report(reporter_name="刘一手", reporter_phone="+86 13912347730")
    found = rows(
        "select reporter_name_enc, reporter_phone_enc, reporter_key from incidents"
        " where id in (:a, :b) order by id",
        a=one_call.incident.id,
        b=other.incident.id,
    )
    assert "刘一手".encode() not in bytes(found[0]["reporter_name_enc"])
    assert crypto.decrypt(found[0]["reporter_name_enc"], "reporter_name") == "刘一手"
    with pytest.raises(crypto.Unreadable):
        crypto.decrypt(found[0]["reporter_name_enc"], "reporter_phone")
    assert found[0]["reporter_key"] == found[1]["reporter_key"]


def test_the_web_role_reads_no_key_and_no_case_outside_its_area(people: Cast) -> None:
    told = people.town.report(key="secret-key")
    with pytest.raises(DBAPIError), transaction(people.elsewhere.access) as session:
        session.execute(text("select * from idempotency_keys"))
    unseen = (
        "select 1 from incidents where id = :id",
        "select 1 from incident_keys where id = :id",
        "select 1 from timeline_entries where incident_id = :id",
        "select 1 from clock_segments where incident_id = :id",
    )
    for statement in unseen:
        for access, count in ((people.town.access, 1), (people.elsewhere.access, 0)):
            with transaction(access) as session:
                found = session.execute(text(statement), {"id": told.incident.id}).all()
                assert len(found) == count, statement


def test_a_tracking_code_opens_its_own_case_only(people: Cast) -> None:
    told, other = people.town.report().incident, people.town.report().incident
    with transaction(Access.citizen(told.tracking_code)) as session:
        seen = {row.id for row in session.execute(text("select id from incidents"))}
    assert seen == {told.id}
    assert other.id not in seen


def test_a_confidential_case_is_seen_by_grant_alone(people: Cast) -> None:
    told = people.town.report("传染病线索", description="疑似").incident
    assert not people.town.sees(told.id)
    assert not people.county.sees(told.id)
    granted = Access(role="county_command", see_all=True, grants=(told.id,))
    with transaction(granted) as session:
        found = text("select count(*) from incidents where id = :id")
        assert session.execute(found, {"id": told.id}).scalar_one() == 1


def test_a_case_lies_in_the_partition_of_its_local_month(people: Cast) -> None:
    told = people.town.report().incident
    where = one(
        "select tableoid::regclass::text as part from incidents where id = :id", id=told.id
    )["part"]
    assert where == f"incidents_{clock.local(told.reported_at):%Y_%m}"
    assert isinstance(told.id, UUID)


def _send_together(
    people: Cast, drafts: list[tuple[Access, Draft]], *, key: str | None = None
) -> list[Any]:
    """Send reports at the same moment; returns what came of each, refusals included."""
    at = clock.now()
    with transaction(Access.owner()) as session:
        found = terms.current(session, at)

    async def send() -> list[Any]:
        try:
            return await asyncio.gather(
                *(
                    report_async(
                        access, draft, found=found, actor=people.town.actor, at=at, key=key
                    )
                    for access, draft in drafts
                ),
                return_exceptions=True,
            )
        finally:
            await dispose_async()

    return asyncio.run(send())


def test_reports_that_share_a_statement_see_twins_each_by_its_own_area(people: Cast) -> None:
    lon, lat = inside(TOWN, nth=12)
    first = people.town.report("路灯不亮", lon=lon, lat=lat, description="路灯不亮了三天")
    draft = Draft("路灯不亮", "路灯不亮了", lon=lon, lat=lat)
    before = one("select count(distinct xmin::text) as n from incidents")["n"]
    told = _send_together(people, [(people.town.access, draft), (Access.nobody(), draft)] * 6)
    offered = [first.incident.id in {twin.id for twin in each.twins} for each in told]
    assert offered == [True, False] * 6
    assert not any(each.twins for each in told[1::2])
    assert len({each.incident.number for each in told}) == 12
    assert one("select count(distinct xmin::text) as n from incidents")["n"] - before < 12
    pieces = one(
        """
        select count(*) as cases, count(distinct s.incident_id) as clocks,
          count(distinct e.hash) as lines
        from incidents i left join clock_segments s on s.incident_id = i.id
        left join timeline_entries e on e.incident_id = i.id where i.id = any(:ids)
        """,
        ids=[each.incident.id for each in told],
    )
    assert pieces == {"cases": 12, "clocks": 12, "lines": 12}


def test_one_bad_report_falls_alone_and_takes_no_other_with_it(people: Cast) -> None:
    lon, lat = inside(TOWN, nth=13)
    taken = people.town.report(lon=lon, lat=lat).incident.tracking_code
    good = Draft("路灯不亮", "路灯不亮了", lon=lon, lat=lat)
    twice = Draft("路灯不亮", "路灯不亮了", lon=lon, lat=lat, tracking_code=taken)
    nowhere = Draft("路灯不亮", "路灯不亮了", village_code=430199999999)
    access = people.town.access
    told = _send_together(people, [(access, each) for each in (good, twice, nowhere, good)])
    assert [type(each) for each in told] == [
        Reported, psycopg.errors.UniqueViolation, Invalid, Reported,
    ]  # fmt: skip
    kept = [told[0].incident.id, told[3].incident.id]
    assert one("select count(*) as n from incidents where id = any(:ids)", ids=kept)["n"] == 2


def test_a_report_that_comes_twice_at_the_same_moment_is_one_case_told_to_both(
    people: Cast,
) -> None:
    lon, lat = inside(TOWN, nth=15)
    draft = Draft("路灯不亮", "路灯不亮了", lon=lon, lat=lat)
    other = Draft("路灯不亮", "路灯又不亮了", lon=lon, lat=lat)
    nobody = Access.nobody()  # sees no case: only the report's own code shows it the first one
    told = _send_together(
        people, [(nobody, draft), (nobody, draft), (nobody, other)] * 3, key="twice at once"
    )
    kept = [each for each in told if isinstance(each, Reported)]
    assert sorted(each.fresh for each in kept) == [False] * (len(kept) - 1) + [True]
    assert len({each.incident.id for each in kept}) == 1
    assert len({each.incident.tracking_code for each in kept}) == 1
    refused = [each for each in told if not isinstance(each, Reported)]
    assert {type(each) for each in refused} == {KeyReused}
    assert {len(kept), len(refused)} == {3, 6}


def test_a_callers_area_never_reaches_the_next_one_on_a_connection(people: Cast) -> None:
    lon, lat = inside(TOWN, nth=14)
    draft = Draft("路灯不亮", "路灯不亮了", lon=lon, lat=lat)
    seen: list[Any] = []

    async def walk() -> None:
        at = clock.now()
        with transaction(Access.owner()) as session:
            found = terms.current(session, at)
        try:
            for _ in range(8):
                await report_async(
                    people.town.access, draft, found=found, actor=people.town.actor, at=at
                )
                (row,) = await async_rows("web", b"select yiwang.towns() as towns", [])
                seen.append(row["towns"])
        finally:
            await dispose_async()

    asyncio.run(walk())
    assert seen == [None] * 8
