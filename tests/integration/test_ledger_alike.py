"""Cases proved by column: whatever is altered in one of many alike is named, and nothing else."""

from __future__ import annotations

from uuid import UUID

import pytest

from dispatch.incidents import proving
from dispatch.incidents.ledger import PROJECTIONS
from tests.cases import TOWN, Cast, cast, filed, in_hand, one, rows
from tests.county import County
from tests.integration.test_ledger import calm, closed, findings, number, seal, sql

__all__ = ["calm"]
CHANGES = {
    "text": "coalesce(%s, '') || 'x'",
    "integer": "coalesce(%s, 0) + 1",
    "smallint": "coalesce(%s, 0) + 1",
    "boolean": "not %s",
    "timestamp with time zone": "coalesce(%s, now()) + interval '1 microsecond'",
}
OF_A_CLOCK = (
    "stage", "kind", "limit_minutes", "cause", "unit_id", "started_at", "due_at", "ended_at",
)  # fmt: skip
MORE = 3


@pytest.fixture(scope="module")
def people(database: str) -> Cast:
    del database
    return cast()


@pytest.fixture
def alike(people: Cast, calm: County) -> list[UUID]:
    """Return cases of one kind in each of two states, and one of its own."""
    cases = [closed(people) for _ in range(MORE)] + [in_hand(people) for _ in range(MORE)]
    cases.append(people.worker.report("暴露垃圾", done=True, note="顺手清了").incident.id)
    calm.settle_down()
    seal()
    return cases


def types_of(table: str) -> dict[str, str]:
    found = rows("select column_name as name, data_type as kind from information_schema.columns"
                 " where table_name = :table", table=table)  # fmt: skip
    return {row["name"]: row["kind"] for row in found}


def altered(table: str, key: str, column: str, case: UUID, *, more: str = "") -> list[str]:
    """Return what is found while one stored value of one case is another one."""
    change = CHANGES[types_of(table)[column]] % column
    was = one(f"select {column} as was from {table} where {key} = :id{more}", id=case)["was"]
    sql(f"update {table} set {column} = {change} where {key} = :id{more}", id=case)
    try:
        return findings()
    finally:
        sql(f"update {table} set {column} = :was where {key} = :id{more}", id=case, was=was)


def test_every_stored_projection_of_every_one_is_compared(alike: list[UUID]) -> None:
    assert findings() == []
    for case in (alike[0], alike[MORE - 1], alike[2 * MORE - 1]):
        name = f"案件 {number(case)}"
        for column in PROJECTIONS:
            if column in {"status", "category"}:
                continue  # nothing of that name exists; the next test alters them
            found = altered("incidents", "id", column, case)
            assert found, column
            assert all(each.startswith(name) for each in found), (column, found)
    assert findings() == []


def test_every_clock_of_every_one_is_compared(alike: list[UUID]) -> None:
    for case in (alike[MORE - 1], alike[2 * MORE - 1]):
        last = one("select max(n) as n from clock_segments where incident_id = :id", id=case)["n"]
        for column in OF_A_CLOCK:
            more = f" and n = {last}"
            found = altered("clock_segments", "incident_id", column, case, more=more)
            assert found == [f"案件 {number(case)} 时钟第 {last} 段：与时间线复算的不同"], column
    sql("delete from clock_segments where incident_id = :id and n = 2", id=alike[1])
    assert [each for each in findings() if "时钟段应有" in each]


def test_another_state_of_one_of_many_is_named(alike: list[UUID]) -> None:
    case = alike[2 * MORE - 1]
    name = f"案件 {number(case)}"
    sql("update incidents set status = 'checking' where id = :id", id=case)
    assert findings() == [f"{name}：状态应为 处置中，存为 待核查"]
    sql("update incidents set status = 'handling', category = (select max(code) from categories)"
        " where id = :id", id=case)  # fmt: skip
    assert [each for each in findings() if each.startswith(f"{name}：分类")]


def test_a_reporter_exchanged_between_cases_alike_is_named(people: Cast, calm: County) -> None:
    del calm
    first, second = (
        people.town.report("暴露垃圾", reporter_phone=f"1391234773{n}").incident.id
        for n in range(2)
    )
    assert findings() == []
    sql("update incidents set reporter_phone_enc = (select reporter_phone_enc from incidents"
        " where id = :other) where id = :id", id=first, other=second)  # fmt: skip
    assert findings() == [f"案件 {number(first)} 第 1 条：上报人信息被改动"]


def test_the_proof_by_column_and_the_proof_of_each_find_the_same(
    people: Cast, alike: list[UUID], calm: County
) -> None:
    escalated = filed(people)
    people.town.act(escalated, "escalate", reason_code="no_capacity", note="超出能力")
    people.county.act(escalated, "de_escalate", to_unit=str(TOWN), note="镇里能办")
    calm.fast_forward("3d")
    seal()
    sql("update incidents set next_mark_at = next_mark_at + interval '1 second', card = 'red'"
        " where id = :id", id=alike[MORE])  # fmt: skip
    sql("update timeline_entries set recorded_at = recorded_at + interval '1 second'"
        " where incident_id = :id and seq = 4", id=alike[1])  # fmt: skip
    sql("update clock_segments set due_at = ended_at where incident_id = :id and n = 1",
        id=alike[2])  # fmt: skip
    by_column = sorted(findings())
    each = sorted(str(found) for found in proving.verify(processes=1, each=True))
    assert by_column == each
    assert len({line[3:17] for line in each}) == 3
