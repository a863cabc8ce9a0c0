"""4,200 staff from a file: checked, loaded in batches, rerun, stopped (人员导入)."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from starlette.testclient import TestClient

from core import clock, outbox
from core.access import Access
from core.db import transaction
from people.commands import people
from tests import web
from workers import effects

MANY = 4_200
HEAD = ["工号", "姓名", "单位编码", "岗位", "网格编码", "专长", "手机号"]


@pytest.fixture(scope="module")
def client(database: str) -> Iterator[TestClient]:
    del database
    with web.serving() as served:
        yield served


@pytest.fixture(scope="module")
def admin(client: TestClient) -> TestClient:
    return web.sign_in(client, "admin1")


def ask(statement: str, **values: Any) -> list[Any]:
    with transaction(Access.owner()) as session:
        return list(session.execute(text(statement), values))


def step() -> int:
    """Carry out what is due once; returns how many rows there were."""
    with transaction(Access.worker()) as session:
        ids = outbox.lease_due(session, 200, at=clock.now())
        changes = outbox.claim(session, ids)
        outbox.carry_out(
            session, changes, lambda these: effects.apply(session, these, at=clock.now())
        )
    return len(ids)


def staff(count: int, *, prefix: str = "N") -> list[list[str]]:
    cells = [row.code for row in ask("select code from grid_cells where valid_to is null"
                                     " order by code")]  # fmt: skip
    return [
        [f"{prefix}{n:05d}", f"员{n}", str(cells[n % len(cells)] // 1000), "网格员",
         str(cells[n % len(cells)]), "防汛、调解", f"139{n:08d}"]
        for n in range(count)
    ]  # fmt: skip


def as_csv(rows: list[list[str]], encoding: str = "utf-8-sig") -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([HEAD, *rows])
    return out.getvalue().encode(encoding)


def upload(admin: TestClient, content: bytes) -> str:
    files = {"file": ("人员.csv", content, "text/csv")}
    answer = admin.post("/api/v1/staff-imports", files=files)
    assert answer.status_code == 202, answer.text
    assert answer.json()["state"] == "checking"
    step()
    return f"/api/v1/staff-imports/{answer.json()['id']}"


def test_4200_staff_are_checked_then_loaded_once_with_every_bad_row_named(
    admin: TestClient,
) -> None:
    rows = staff(MANY)
    rows[10][4] = "430121001001999"
    rows[99][6] = "123"
    rows[4000][0] = rows[3999][0]
    before = ask("select count(*) as n from staff")[0].n
    began = time.monotonic()
    path = upload(admin, as_csv(rows, "gb18030"))
    found = admin.get(path).json()
    assert found["state"] == "checked", found
    assert (found["good"], found["total"], found["done"]) == (MANY - 3, MANY - 3, 0)
    assert [(f["row"], f["column"]) for f in found["findings"]] == [
        (12, "E"), (101, "G"), (4002, "A"),
    ]  # fmt: skip
    assert ask("select count(*) as n from staff")[0].n == before
    assert admin.post(f"{path}/load").status_code == 200
    step()
    going = admin.get(path).json()
    assert 0 < going["done"] < going["total"]
    while step():
        pass
    took = time.monotonic() - began
    done = admin.get(path).json()
    assert (done["state"], done["done"]) == ("done", MANY - 3)
    assert done["outcome"]["added"] == MANY - 3
    assert ask("select count(*) as n from staff")[0].n == before + MANY - 3
    assert took < 60, took
    sealed = ask("select content_enc, rows_enc from staff_imports order by id desc limit 1")[0]
    assert (sealed.content_enc, sealed.rows_enc) == (None, None)
    responders = ask("select count(*) as n from responders where code like 'W-N%'")[0].n
    assert responders == MANY - 3
    again = upload(admin, as_csv(staff(MANY)))
    assert admin.post(f"{again}/load").status_code == 200
    while step():
        pass
    outcome = admin.get(again).json()["outcome"]
    assert outcome["added"] == 3
    assert outcome["changed"] == 0
    assert ask("select count(*) as n from staff")[0].n == before + MANY
    assert ask("select count(*) as n from outbox where dead_at is not null or error is not null"
               )[0].n == 0  # fmt: skip


def test_an_import_is_stopped_between_batches_and_goes_on_when_run_again(
    admin: TestClient,
) -> None:
    content = as_csv(staff(1_200, prefix="Q"))
    path = upload(admin, content)
    admin.post(f"{path}/load")
    step()
    assert admin.post(f"{path}/cancel").json()["state"] == "cancelled"
    while step():
        pass
    stored = ask("select count(*) as n from staff where code like 'Q%'")[0].n
    assert 0 < stored < 1_200
    assert admin.post(f"{path}/load").status_code == 409
    again = upload(admin, content)
    admin.post(f"{again}/load")
    while step():
        pass
    assert ask("select count(*) as n from staff where code like 'Q%'")[0].n == 1_200


def test_a_file_that_is_none_says_so_and_changes_nothing(admin: TestClient) -> None:
    path = upload(admin, "甲,乙\n1,2\n".encode())
    found = admin.get(path).json()
    assert found["state"] == "refused"
    assert "缺少列：工号" in found["findings"][0]["problem"]
    assert admin.post(f"{path}/load").status_code == 409


def test_only_administrators_import(client: TestClient) -> None:
    other = web.sign_in(client, "county1")
    files = {"file": ("x.csv", b"x", "text/csv")}
    assert other.post("/api/v1/staff-imports", files=files).status_code == 403
    assert other.get("/api/v1/staff-imports/1").status_code == 403


def test_the_command_line_checks_imports_and_lists(client: TestClient, tmp_path: Any) -> None:
    del client
    run = CliRunner().invoke
    rows = staff(3, prefix="C")
    rows[1][3] = "局长"
    file = tmp_path / "人员.csv"
    file.write_bytes(as_csv(rows))
    checked = run(people, ["check", str(file)])
    assert checked.exit_code == 1
    assert "第 3 行 D 列（岗位）" in checked.output
    assert run(people, ["import", str(file)]).exit_code == 1
    loaded = run(people, ["import", str(file), "--skip-bad"])
    assert "新增 2 人" in loaded.output, loaded.output
    listed = run(people, ["list", "C0000"])
    assert [line.split("\t")[0] for line in listed.output.splitlines()] == ["C00000", "C00002"]
    unit = rows[0][2]
    posted = run(people, ["post", "C00000", "--post", "mediator"])
    assert "请先移交网格" in str(posted.exception)
    left = run(people, ["leave", "C00000", "--reason", "离职"])
    assert left.exit_code == 0, left.output
    back = run(people, ["return", "C00000", "--post", "grid_worker", "--cell", rows[0][4]])
    assert back.exit_code == 0, (back.output, back.exception)
    opened = run(people, ["account", "open", "c00000", "--role", "grid_worker", "--unit", unit,
                          "--staff", "C00000"])  # fmt: skip
    assert opened.exit_code == 0, (opened.output, opened.exception)
    assert run(people, ["account", "set", "c00000", "disabled"]).exit_code == 0
    state = ask("select disabled_at is not null as gone from accounts where username = 'c00000'")
    assert state[0].gone
