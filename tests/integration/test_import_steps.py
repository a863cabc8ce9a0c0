"""A table of reports over HTTP: columns guessed and confirmed, stored in parts, never twice."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from openpyxl import Workbook
from starlette.testclient import TestClient

from core import clock, outbox
from core.access import Access
from core.db import transaction
from dispatch.incidents.importing import service
from tests import web
from tests.cases import one, rows
from workers import effects

HEAD = [
    "工单编号",
    "诉求分类",
    "诉求内容",
    "事发地址",
    "经度",
    "纬度",
    "来电人",
    "来电号码",
    "受理时间",
    "备注",
]
AT = "2026-11-20 08:30:00"


@pytest.fixture(scope="module")
def client(database: str) -> Iterator[TestClient]:
    del database
    with web.serving() as served:
        yield served


@pytest.fixture(scope="module")
def county(client: TestClient) -> TestClient:
    return web.sign_in(client, "county1")


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(service, "PART", 20)
    return 20


def step(kinds: str = "timer.import%") -> int:
    """Carry out the imports' steps that are due, as a worker does; returns how many."""
    with transaction(Access.worker()) as session:
        due = [row["id"] for row in rows(
            "select id from outbox where kind like :kinds and done_at is null and due_at <= :at",
            kinds=kinds, at=clock.now(),
        )]  # fmt: skip
        changes = outbox.claim(session, due)
        outbox.carry_out(
            session, changes, lambda these: effects.apply(session, these, at=clock.now())
        )
    return len(due)


def die_while_storing(number: int) -> None:
    """Store the next part, and be gone before it commits."""
    with transaction(Access.worker()) as session:
        service.load_next(session, number, at=clock.now())
        raise KeyboardInterrupt


def table(count: int, *, tag: str) -> list[list[str]]:
    return [
        [f"{tag}{n:04d}", "暴露垃圾", f"{tag} 第 {n} 件", "星沙街道开元路社区", "113.0925",
         "28.2535", f"张{n}", f"139{n:08d}", AT, "无"]
        for n in range(count)
    ]  # fmt: skip


def as_csv(lines: list[list[str]], encoding: str = "utf-8-sig", delimiter: str = ",") -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows([HEAD, *lines])
    return out.getvalue().encode(encoding)


def as_xlsx(lines: list[list[str]]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for line in [HEAD, *lines]:
        sheet.append([float(c) if c.startswith(("113.", "28.")) else c for c in line])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def upload(client: TestClient, content: bytes, name: str = "工单.csv") -> dict[str, Any]:
    answer = client.post("/api/v1/incident-imports", files={"file": (name, content)})
    assert answer.status_code == 202, answer.text
    step("timer.import.read")
    found: dict[str, Any] = client.get(f"/api/v1/incident-imports/{answer.json()['id']}").json()
    return found


def finished(client: TestClient, content: bytes, **asked: Any) -> dict[str, Any]:
    """Upload, confirm and store a whole table; returns how it ended."""
    path = f"/api/v1/incident-imports/{upload(client, content)['id']}"
    assert client.post(f"{path}/load", json=asked).status_code == 202
    while step():
        pass
    found: dict[str, Any] = client.get(path).json()
    assert found["state"] == "done", found
    return found


def count(tag: str) -> int:
    return int(
        one("select count(*) as n from incidents where description like :t", t=f"{tag}%")["n"]
    )


@pytest.mark.usefixtures("small_parts")
def test_a_known_table_is_recognised_and_each_bad_row_is_named(county: TestClient) -> None:
    lines = table(50, tag="甲")
    lines[3][1], lines[21][4], lines[40][2], lines[44][8] = "没有这一类", "28.2", "", "昨天"
    lines[49][7] = "电话不详"
    found = upload(county, as_csv(lines, "gb18030"))
    assert (found["state"], found["total"], found["map_name"]) == ("waiting", 50, "12345 热线工单")
    assert found["columns"] == [
        "external_id", "category", "description", "address", "lon", "lat", "reporter_name",
        "reporter_phone", "claimed_at", "",
    ]  # fmt: skip
    assert found["defaults"] == {"source": "hotline"}
    assert found["samples"][0] == lines[0]
    assert count("甲") == 0
    path = f"/api/v1/incident-imports/{found['id']}"
    assert county.post(f"{path}/load", json={}).status_code == 202
    step()
    going = county.get(path).json()
    assert (going["state"], going["done"]) == ("loading", 20)
    while step():
        pass
    done = county.get(path).json()
    assert (done["state"], done["stored"], done["refused"]) == ("done", 45, 5)
    faults = county.get(f"{path}/faults").json()["faults"]
    assert [(f["row"], f["heading"]) for f in faults] == [
        (5, "诉求分类"), (23, "经度"), (42, "诉求内容"), (46, "受理时间"), (51, "来电号码"),
    ]  # fmt: skip
    assert "没有“没有这一类”这个事件分类" in faults[0]["problem"]
    file = county.get(f"{path}/faults.csv").content.decode("utf-8-sig")
    back = list(csv.reader(io.StringIO(file)))
    assert back[0] == ["行号", "列", "问题", *HEAD]
    assert back[1][3:] == lines[3]
    kept = one("select * from incidents where description = '甲 第 0 件'")
    assert (kept["source"], kept["status"], kept["rev"]) == ("hotline", "reported", 1)
    entry = one("select * from timeline_entries where incident_id = :id", id=kept["id"])
    assert entry["actor_role"] == "county_command"
    assert f"{clock.local(entry['claimed_at']):%Y-%m-%d %H:%M:%S}" == AT
    assert rows("select 1 from incident_import_parts") == []


@pytest.mark.usefixtures("small_parts")
def test_the_same_rows_are_stored_once_in_whatever_file_they_come(county: TestClient) -> None:
    lines = table(45, tag="乙")
    assert finished(county, as_csv(lines))["stored"] == 45
    again = finished(county, as_xlsx(lines[::-1]))
    assert (again["stored"], again["repeated"], again["refused"]) == (0, 45, 0)
    lines[7][2] = "乙 说法变了"
    changed = finished(county, as_csv(lines, "utf-16", "\t"))
    assert (changed["stored"], changed["repeated"], changed["refused"]) == (0, 44, 1)
    faults = county.get(f"/api/v1/incident-imports/{changed['id']}/faults").json()["faults"]
    assert (faults[0]["row"], faults[0]["heading"]) == (9, "工单编号")
    assert count("乙") == 45


@pytest.mark.usefixtures("small_parts")
def test_rows_without_a_number_are_known_by_their_words_and_equal_rows_are_two(
    county: TestClient,
) -> None:
    lines = [[*row[:0], "", *row[1:]] for row in table(30, tag="丙")]
    lines.append(lines[4])
    assert finished(county, as_csv(lines))["stored"] == 31
    lines.insert(0, lines.pop(20))
    lines.append(table(31, tag="丙")[30])
    more = finished(county, as_csv(lines))
    assert (more["stored"], more["repeated"]) == (1, 31)


@pytest.mark.usefixtures("small_parts")
def test_an_import_whose_worker_died_goes_on_where_it_was(county: TestClient) -> None:
    path = f"/api/v1/incident-imports/{upload(county, as_csv(table(90, tag='丁')))['id']}"
    county.post(f"{path}/load", json={})
    step()
    number = int(path.rpartition("/")[2])
    with pytest.raises(KeyboardInterrupt):
        die_while_storing(number)
    assert count("丁") == 20
    assert county.get(path).json()["done"] == 20
    while step():
        pass
    done = county.get(path).json()
    assert (done["state"], done["done"], done["stored"]) == ("done", 90, 90)
    assert count("丁") == 90
    numbers = rows("select number from incidents where description like '丁%'")
    assert len({row["number"] for row in numbers}) == 90


@pytest.mark.usefixtures("small_parts")
def test_an_import_is_stopped_and_its_words_are_gone(county: TestClient) -> None:
    content = as_csv(table(90, tag="戊"))
    path = f"/api/v1/incident-imports/{upload(county, content)['id']}"
    county.post(f"{path}/load", json={})
    step()
    assert county.post(f"{path}/cancel").json()["state"] == "cancelled"
    while step():
        pass
    assert 0 < count("戊") < 90
    assert rows("select 1 from incident_import_parts") == []
    assert county.post(f"{path}/load", json={}).status_code == 409
    again = finished(county, content)
    assert again["stored"] + again["repeated"] == 90
    assert count("戊") == 90


def test_columns_are_confirmed_by_hand_and_remembered(county: TestClient) -> None:
    lines = [["路灯坏了一盏", "开元路社区 5 栋"], ["", "开元路社区 6 栋"]]
    out = io.StringIO()
    csv.writer(out).writerows([["说明", "在哪"], *lines])
    found = upload(county, out.getvalue().encode())
    assert found["columns"] == ["", ""]
    path = f"/api/v1/incident-imports/{found['id']}"
    refused = county.post(f"{path}/load", json={})
    assert (refused.status_code, refused.json()["detail"]) == (422, "请指出哪一列是事件描述")
    plan = {"columns": ["description", "address"], "defaults": {"category": "路灯不亮"}}
    assert county.post(f"{path}/load", json=plan).status_code == 202
    while step():
        pass
    assert county.get(path).json()["stored"] == 1
    again = upload(county, out.getvalue().replace("6 栋", "7 栋").encode())
    assert again["columns"] == plan["columns"]
    assert again["map_name"] == "上次确认的对照"


def test_a_file_that_is_no_table_is_refused_in_words(county: TestClient) -> None:
    found = upload(county, b"PK\x03\x04 no workbook", "坏.xlsx")
    assert found["state"] == "refused"
    assert "另存为 .xlsx" in found["problem"]


def test_a_town_sees_its_own_imports_and_reports_under_its_own_name(
    client: TestClient, county: TestClient
) -> None:
    name = rows("select username from accounts where role = 'town_centre' order by 1")[0]
    town = web.sign_in(client, name["username"])
    done = finished(town, as_csv(table(3, tag="己")))
    assert done["stored"] == 3
    entry = one(
        "select e.* from timeline_entries e join incidents i on i.id = e.incident_id"
        " where i.description = '己 第 0 件'"
    )
    assert entry["actor_role"] == "town_centre"
    listed = town.get("/api/v1/incident-imports").json()
    assert [each["id"] for each in listed] == [done["id"]]
    theirs = county.get("/api/v1/incident-imports").json()
    assert done["id"] in {each["id"] for each in theirs}
    other = next(each["id"] for each in theirs if each["id"] != done["id"])
    assert town.get(f"/api/v1/incident-imports/{other}").status_code == 404
    worker = rows("select username from accounts where role = 'grid_worker' order by 1")[0]
    signed = web.sign_in(client, worker["username"])
    assert signed.get("/api/v1/incident-imports").status_code == 403


def test_the_template_is_recognised_column_by_column(county: TestClient) -> None:
    content = county.get("/api/v1/incident-imports/template").content
    found = upload(county, content, "模板.xlsx")
    assert found["state"] == "refused"  # nothing is filled in
    assert found["problem"] == "只有列名，没有内容"
