"""The ledger (台账): what was altered by hand is named, what was done by right is not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from core import clock
from core.access import Access
from core.db import transaction
from dispatch.incidents import chain, proving
from manage import yiwang
from tests.cases import VILLAGE, Cast, cast, filed, in_hand, inside, one, rows
from tests.county import County

EMPTIED = (
    "incidents, incident_keys, idempotency_keys, timeline_entries, clock_segments, requests,"
    " case_fact, outbox, owed, proposals, orders, alerts, ledger_fresh, ledger_leaves, ledger_seals"
)


@pytest.fixture(scope="module")
def people(database: str) -> Cast:
    del database
    return cast()


@pytest.fixture
def calm(database: str) -> Iterator[County]:
    """Give a test the module's county with no case in it."""
    del database
    sql(f"truncate {EMPTIED} cascade")
    with County.opened() as opened:
        yield opened


def sql(statement: str, **values: object) -> None:
    """Change the database as somebody who holds it could."""
    with transaction(Access.owner()) as session:
        session.execute(text(statement), values)


def seal() -> None:
    with transaction(Access.worker()) as session:
        proving.seal(session, at=clock.now())


def findings() -> list[str]:
    return [str(each) for each in proving.verify(processes=1)]


def number(case: UUID) -> str:
    return str(one("select number from incidents where id = :id", id=case)["number"])


def closed(people: Cast) -> UUID:
    case = in_hand(people)
    people.worker.act(case, "feed_back", note="已清理")
    people.town_second.act(case, "pass_check")
    return case


def long_life(people: Cast, county: County) -> UUID:
    """Return a case that went every way a case can go without ending."""
    case = people.worker.report(
        "暴露垃圾",
        reporter_name="张三",
        reporter_phone="13912347730",
        address="东门",
        village_code=VILLAGE,
    ).incident.id
    county.settle_down()
    people.county.act(
        case, "locate", lon=inside(430121001, nth=3)[0], lat=inside(430121001, nth=3)[1]
    )
    people.town.act(case, "reclassify", data={"category": "积存渣土"})
    people.town.act(case, "assign")
    people.worker.act(case, "sign")
    people.worker.act(case, "request", request_kind="extension", note="雨大")
    people.town.act(case, "decide", approve=True)
    county.fast_forward("3h")
    people.worker.act(case, "request", request_kind="suspension", note="等天晴")
    people.town.act(case, "decide", approve=True)
    county.fast_forward("30h")
    people.worker.act(case, "resume")
    for _ in range(3):
        people.worker.act(case, "feed_back", note="好了")
        people.town.act(case, "fail_check", note="没好")
    county.fast_forward("12d")
    people.town.act(case, "reassign", to_unit="D-CG", note="请城管办")
    people.department.act(case, "request", request_kind="return", note="不属本单位")
    people.town.act(case, "decide", approve=True)
    people.town.act(case, "escalate", reason_code="no_capacity", note="超出能力")
    people.county.act(case, "de_escalate", to_unit="430121001", note="镇里能办")
    people.leader.act(case, "supervise", data={"card": "red"})
    people.town.act(case, "assign", to_unit="D-CG")
    people.county.act(case, "rule", to_unit="D-JT", note="按职责清单")
    people.county.act(case, "add_support", to_unit="D-CG")
    return case


def test_every_way_a_case_can_go_is_told_again_to_the_minute(people: Cast, calm: County) -> None:
    case = long_life(people, calm)
    twin = filed(people)
    people.town.act(twin, "merge", into=str(case))
    people.town.act(twin, "unmerge")
    refused = people.town.report("暴露垃圾").incident.id
    people.town.act(refused, "reject", note="不属实")
    people.town.act(refused, "reopen", note="查明属实")
    again = closed(people)
    people.town.act(again, "reopen", note="来访人说没解决")
    people.worker.report("暴露垃圾", done=True, note="已顺手清理")
    people.county.report(address="说不清")
    assert findings() == []
    seal()
    assert findings() == []
    assert calm.dead() == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("note = '没人来过'", "文字"),
        ("recorded_at = recorded_at - interval '1 hour'", "改动"),
        ("actor_name = '他人'", "姓名"),
        ("data = data || '{\"x\": 1}'", "改动"),
        ("salts[1] = null", "文字"),
        ("person = 1", "改动"),
        ("hash = sha256(hash)", "改动"),
    ],
)
def test_one_line_edited_by_hand_is_named(
    people: Cast, calm: County, change: str, what: str
) -> None:
    del calm
    closed(people)
    case = closed(people)
    closed(people)
    seal()
    sql(f"update timeline_entries set {change} where incident_id = :id and seq = 5", id=case)
    found = findings()
    assert any(each.startswith(f"案件 {number(case)} 第 5 条") and what in each for each in found)
    assert all(number(case) in each for each in found)


def test_the_report_itself_and_its_reporter_are_part_of_the_chain(
    people: Cast, calm: County
) -> None:
    del calm
    case = people.town.report("暴露垃圾", reporter_phone="13912347730").incident.id
    other = people.town.report("暴露垃圾", reporter_phone="13912347731").incident.id
    seal()
    sql("update incidents set description = '没事' where id = :id", id=case)
    assert findings() == [f"案件 {number(case)} 第 1 条：文字或附件被改动"]
    sql("update incidents set description = '路口积水二十厘米' where id = :id", id=case)
    assert findings() == []
    sql("update incidents i set reporter_phone_enc = o.reporter_phone_enc from incidents o"
        " where i.id = :id and o.id = :other", id=case, other=other)  # fmt: skip
    assert findings() == [f"案件 {number(case)} 第 1 条：上报人信息被改动"]


def test_a_line_put_in_taken_out_or_exchanged_is_named(people: Cast, calm: County) -> None:
    del calm
    taken, put, swapped = closed(people), closed(people), closed(people)
    seal()
    sql("delete from timeline_entries where incident_id = :id and seq = 3", id=taken)
    sql("insert into timeline_entries (incident_id, seq, action, status_before, status_after,"
        " actor_name, actor_role, recorded_at) select id, 7, 'note', 'closed', 'closed', '某人',"
        " 'town_centre', now() from incidents where id = :id", id=put)  # fmt: skip
    sql("update timeline_entries set seq = -seq where incident_id = :id and seq in (3, 4)",
        id=swapped)  # fmt: skip
    sql("update timeline_entries set seq = 7 + seq where incident_id = :id and seq < 0", id=swapped)
    found = findings()
    for case, row in ((taken, 4), (put, 7), (swapped, 3)):
        assert any(each.startswith(f"案件 {number(case)} 第 {row} 条") for each in found), found


def test_a_case_deleted_whole_is_named_by_the_seal(people: Cast, calm: County) -> None:
    del calm
    closed(people)
    case = closed(people)
    seal()
    closed(people)
    seal()
    name = number(case)
    for table, key in (
        ("timeline_entries", "incident_id"), ("clock_segments", "incident_id"),
        ("case_fact", "incident_id"), ("incident_keys", "id"), ("incidents", "id"),
    ):  # fmt: skip
        sql(f"delete from {table} where {key} = :id", id=case)
    assert findings() == [f"案件 {name}：封存 1 记有此案，现在没有了"]
    sql("delete from ledger_leaves where incident_id = :id", id=case)
    assert findings() == ["封存 1：封存时 2 件，现存 1 件，或内容不同"]
    sql("delete from ledger_seals where n = 1")
    assert any("前面的封存缺失" in each for each in findings())


def test_a_stored_state_deadline_or_clock_that_history_does_not_give_is_named(
    people: Cast, calm: County
) -> None:
    del calm
    case = in_hand(people)
    name = number(case)
    sql("update incidents set due_at = due_at + interval '1 minute' where id = :id", id=case)
    assert [each for each in findings() if "到期时间" in each and name in each]
    sql("update incidents set due_at = due_at - interval '1 minute', lead_unit = holder_unit"
        " where id = :id", id=case)  # fmt: skip
    assert [each for each in findings() if "主办单位" in each and name in each]
    sql("update incidents set lead_unit = (select (data->>'to_unit')::int from timeline_entries"
        " where incident_id = :id and action = 'assign') where id = :id", id=case)  # fmt: skip
    assert findings() == []
    sql("update clock_segments set due_at = due_at + interval '1 day' where incident_id = :id"
        " and n = 4", id=case)  # fmt: skip
    assert findings() == [f"案件 {name} 时钟第 4 段：与时间线复算的不同"]


def test_erased_words_and_reporters_leave_the_ledger_whole(people: Cast, calm: County) -> None:
    del calm
    case = people.town.report("暴露垃圾", reporter_phone="13912347730").incident.id
    people.town.act(case, "note", note="来访人张三，电话 13912347730")
    seal()
    with transaction(Access.owner()) as session:
        proving.forget_reporter(session, case)
        proving.forget_words(session, case)
    values = {"id": case, "erased": chain.ERASED}
    sql("update incidents set reporter_phone_enc = null, reporter_key = null,"
        " description = :erased where id = :id", **values)  # fmt: skip
    sql("update timeline_entries set note = :erased where incident_id = :id and note is not null",
        **values)  # fmt: skip
    assert findings() == []
    left = rows("select salts[1] as words, salts[3] as reporter from timeline_entries"
                " where incident_id = :id", id=case)  # fmt: skip
    assert {row["words"] for row in left} | {row["reporter"] for row in left} == {None}


def test_a_seal_covers_what_came_late_and_an_empty_minute_makes_none(
    people: Cast, calm: County
) -> None:
    del calm
    case = filed(people)
    seal()
    seal()
    with transaction(people.town.access) as waiting:
        waiting.execute(text("select 1"))
        people.town.act(case, "assign")
        seal()
    people.worker.act(case, "sign")
    seal()
    made = rows("select n, cases from ledger_seals order by n")
    assert made == [{"n": n, "cases": 1} for n in (1, 2, 3)]
    assert rows("select 1 from ledger_fresh") == []
    assert findings() == []


def test_the_command_says_where_and_fails(people: Cast, calm: County) -> None:
    case = closed(people)
    assert CliRunner().invoke(yiwang, ["ledger", "seal"]).output.startswith("封存 1：1 件")
    calm.fast_forward("1m")
    good = CliRunner().invoke(yiwang, ["ledger", "verify"])
    assert (good.exit_code, "台账完整" in good.output) == (0, True), good.output
    sql("update timeline_entries set note = '改' where incident_id = :id and seq = 5", id=case)
    bad = CliRunner().invoke(yiwang, ["ledger", "verify", "--processes", "1"])
    assert bad.exit_code == 1
    assert f"案件 {number(case)} 第 5 条：文字或附件被改动" in bad.output
    assert timedelta() < clock.now() - calm.started
