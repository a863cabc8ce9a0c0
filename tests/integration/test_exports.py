"""Files handed out: only one's own area, masked by class, marked, inert, and recorded."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator

import openpyxl
import pytest
from starlette.testclient import TestClient

from core import clock
from core.access import Access
from core.db import Base, transaction
from core.errors import Invalid
from dashboard import exports
from dashboard.api import exports as routes
from people.roles import Role
from people.scope import Actor
from tests import web
from tests.cases import inside, one, rows
from workers.keys import load_tables

TOWN, NEXT = 430121001, 430121002
NAME, PHONE = "=HYPERLINK(1)张", "13912347730"
LISTS = ("incidents", "orders", "alerts", "responders")


@pytest.fixture(scope="module")
def client(database: str) -> Iterator[TestClient]:
    del database
    with web.serving() as served:
        county = web.sign_in(served, "county1")
        for town in (TOWN, NEXT):
            lon, lat = inside(town)
            body = {
                "category": "积水",
                "description": "机密描述不外传",
                "address": "某路 7 号",
                "point": {"lon": lon, "lat": lat, "frame": "cgcs2000"},
                "reporter": {"name": NAME, "phone": PHONE},
            }
            made = county.post("/api/v1/incidents", json=body)
            assert made.status_code == 201, made.text
        yield served


def table_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_cases_go_out_masked_marked_and_without_their_words(client: TestClient) -> None:
    county = web.sign_in(client, "county1")
    answer = county.get("/api/v1/incidents:export?format=csv")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["cache-control"] == "no-store"
    lines = table_of(answer.content)
    assert county.get("/api/session").json()["name"] in lines[0][0]
    assert f"{clock.local(clock.now()):%Y-%m-%d}" in lines[0][0]
    assert len(lines) == 4
    said = answer.content.decode()
    assert PHONE not in said
    assert "139****7730" in said
    assert "机密描述" not in said
    assert "某路" not in said
    person = lines[1].index("来电人")
    assert {line[person] for line in lines[2:]} == {"'=*"}


def test_a_town_takes_only_its_own_cases(client: TestClient) -> None:
    town = web.sign_in(client, f"town{NEXT}")
    lines = table_of(town.get("/api/v1/incidents:export").content)
    own = {row["number"] for row in rows("select number from incidents where town_code = :t",
                                         t=NEXT)}  # fmt: skip
    assert {line[0] for line in lines[2:]} == own
    other = town.get(f"/api/v1/incidents:export?town_code={TOWN}")
    assert len(table_of(other.content)) == 2


def test_a_workbook_opens_and_carries_the_mark(client: TestClient) -> None:
    county = web.sign_in(client, "county1")
    content = county.get("/api/v1/incidents:export?format=xlsx").content
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    assert "仅限工作使用" in str(sheet["A1"].value)
    cells = [cell for line in sheet.iter_rows(min_row=3) for cell in line]
    assert all(cell.data_type != "f" for cell in cells)


@pytest.mark.parametrize("form", ["csv", "xlsx", "json"])
@pytest.mark.parametrize("what", LISTS)
def test_every_list_has_a_file_and_the_trail_knows_which(
    client: TestClient, what: str, form: str
) -> None:
    answer = web.sign_in(client, "county1").get(f"/api/v1/{what}:export?format={form}")
    assert answer.status_code == 200, answer.text
    row = one(
        "select after from audit where action = :a order by id desc limit 1", a=f"{what}.export"
    )
    assert row["after"]["sha256"] == hashlib.sha256(answer.content).hexdigest()
    assert row["after"]["format"] == form


def test_who_sees_no_cases_takes_none(client: TestClient) -> None:
    admin = web.sign_in(client, "admin1")
    for what in LISTS:
        assert admin.get(f"/api/v1/{what}:export").status_code == 403
        answer = web.with_key(client, "open311").get(f"/api/v1/{what}:export")
        assert answer.status_code == 403


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@sum(a1)", "\t=1", "\r=1", " =1", "=cmd|' /C calc'!A0"],
)
def test_no_cell_is_a_formula(text: str) -> None:
    assert str(exports.inert(text)).startswith("'")


def test_a_file_too_large_is_refused_with_what_to_do() -> None:
    actor = Actor("张三", Role.COUNTY_COMMAND, account=1)
    many = ({"x": n} for n in range(exports.ROWS_AT_MOST + 1))
    columns = [exports.Column("x", "数")]
    with transaction(Access.nobody()) as session, pytest.raises(Invalid, match="缩小"):
        exports.hand_out(session, "x", columns, many, form="csv", actor=actor, at=clock.now())


def test_a_file_is_no_more_open_than_the_table_it_comes_from() -> None:
    load_tables()
    order = ("public", "internal", "personal", "confidential")
    lists = {"incidents": routes.INCIDENTS, "orders": routes.ORDERS, "alerts": routes.ALERTS,
             "responders": routes.RESPONDERS}  # fmt: skip
    looser = [
        f"{table}.{column.key}"
        for table, columns in lists.items()
        for column in columns
        if column.key in Base.metadata.tables[table].columns
        and order.index(column.klass)
        < order.index(Base.metadata.tables[table].columns[column.key].info["class"])
    ]
    assert looser == []
