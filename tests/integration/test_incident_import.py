"""A table file becomes cases once, whatever its encoding; bad lines are named."""

from __future__ import annotations

import csv
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from core import clock
from core.access import Access
from core.db import transaction
from core.settings import ROOT
from dispatch.incidents import proving
from dispatch.incidents.commands import catalogue, incidents
from dispatch.incidents.intake.draft import Draft
from dispatch.incidents.service import report
from people.roles import Role
from people.scope import Actor
from tests.cases import VILLAGE, inside, one, rows

SLOWLY = """
import sys, time
from dispatch.incidents.importing import service
from dispatch.incidents.importing.commands import import_file
service.PART = 50
store = service.storing.store
def slow(*asked, **more):
    time.sleep(0.2)
    return store(*asked, **more)
service.storing.store = slow
import_file([sys.argv[1]])
"""

pytestmark = pytest.mark.usefixtures("database")
TABLE = """分类,描述,经度,纬度,坐标系,地址,来源,电话
积水,路口积水二十厘米,113.0925,28.2535,gcj02,,hotline,13912347730
积水,,113.0925,28.2535,,,,
没有这一类,某事,113.0925,28.2535,,,,
积水,写反了,28.2,113.1,,,,

暴露垃圾,"一堆垃圾 二十厘米,
两行字",,,,星沙街道开元路社区 3 栋,,
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(incidents, ["import", *arguments])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_good_lines_are_stored_once_and_bad_ones_named(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / f"{encoding}.csv"
    file.write_bytes(TABLE.replace("二十厘米", f"二十厘米 {encoding}").encode(encoding))
    before = one("select count(*) as n from incidents")["n"]
    first = run(str(file))
    assert first.exit_code == 0, first.output
    for said in ("第 3 行（描述）: 请写明事件描述", "没有这一类", "写反"):
        assert said in first.output
    assert "导入 2 行，0 行此前已导入，3 行有误" in first.output
    again = run(str(file))
    assert "导入 0 行，2 行此前已导入，3 行有误" in again.output
    assert one("select count(*) as n from incidents")["n"] == before + 2
    last = rows("select * from incidents order by id desc limit 2")
    assert {row["source"] for row in last} == {"hotline", "batch"}
    assert {row["village_code"] for row in last} >= {VILLAGE}
    job = rows("select * from long_jobs where kind = 'incidents.import' order by id")[-1]
    assert (job["done"], job["errors"], job["finished_at"] is not None) == (5, 3, True)


def test_a_file_without_the_needed_columns_is_refused_whole(tmp_path: Path) -> None:
    file = tmp_path / "wrong.csv"
    file.write_text("甲,乙\n1,2\n", encoding="utf-8")
    refused = run(str(file))
    assert refused.exit_code != 0
    assert "请指出哪一列是事件描述" in refused.output


def test_the_catalogue_is_checked_compared_and_loaded_once(tmp_path: Path) -> None:
    runner = CliRunner()
    assert "没有差别" in runner.invoke(catalogue, ["diff"]).output
    assert "与文件相同" in runner.invoke(catalogue, ["load"]).output
    broken = tmp_path / "categories.yaml"
    broken.write_text("edition: x\ndefaults: {}\nmajors: []\n", encoding="utf-8")
    refused = runner.invoke(catalogue, ["load", str(broken)])
    assert refused.exit_code != 0
    assert one("select max(version) as v from catalogue_versions")["v"] == 1


OWN = {
    "id",
    "number",
    "tracking_code",
    "incident_id",
    "hash",
    "salts",
    "commitments",
    "subject",
    "n",
    "lease_until",
    "published_at",
    "created_at",
    "reporter_name_enc",
    "reporter_phone_enc",
    "timer_key",
    "error",
    "key",
    "actor",
    "reported_at",
    "recorded_at",
    "started_at",
    "due_at",
}
TABLES = {
    "incidents": "id = :id",
    "timeline_entries": "incident_id = :id",
    "clock_segments": "incident_id = :id",
    "incident_keys": "id = :id",
    "idempotency_keys": "incident_id = :id",
    "ledger_fresh": "incident_id = :id",
    "outbox": "subject = cast(:id as text)",
}  # fmt: skip


def standing(case: Any) -> dict[str, list[dict[str, Any]]]:
    """Return all that is stored of a case, without what is every case's own."""
    return {
        table: [
            {name: value for name, value in row.items() if name not in OWN and name != "id"}
            | {"has": sorted(name for name, value in row.items() if value is not None)}
            for row in rows(f"select * from {table} where {where} order by 1", id=case)
        ]
        for table, where in TABLES.items()
    }


@pytest.mark.parametrize("place", ["point", "village", "address", "nowhere"])
def test_an_imported_case_stands_exactly_as_one_reported_alone(tmp_path: Path, place: str) -> None:
    actor = Actor("批量导入", Role.MACHINE, scopes=("incidents",))
    lon, lat = inside(VILLAGE)
    places: dict[str, dict[str, Any]] = {
        "point": {"lon": lon, "lat": lat},
        "village": {"village_code": VILLAGE, "address": "3 栋"},
        "address": {"address": "星沙街道开元路社区 3 栋"},
        "nowhere": {"address": "说不清在哪"},
    }
    said = {"category": "积水", "description": f"一样的话 {place}", "source": "hotline",
            "reporter_name": "张某", "reporter_phone": "13912347730", **places[place]}  # fmt: skip
    at = clock.now()
    with transaction(Access.worker()) as session:
        alone = report(session, Draft(**said), actor=actor, at=at, key=f"alone {place}").incident.id
    file = tmp_path / "one.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([said.keys(), said.values()])
    assert run(str(file)).exit_code == 0
    found = rows("select id from incidents where description = :d and id <> :id",
                 d=said["description"], id=alone)  # fmt: skip
    imported = found[0]["id"]
    assert standing(imported) == standing(alone)
    both = rows("select c.*, i.reported_at from clock_segments c join incidents i on i.id ="
                " c.incident_id where i.id in (:a, :b)", a=alone, b=imported)  # fmt: skip
    assert all(row["started_at"] == row["reported_at"] for row in both)
    assert list(proving.verify(processes=1)) == []


def test_a_run_killed_halfway_goes_on_and_doubles_nothing(tmp_path: Path) -> None:
    file, total = tmp_path / "long.csv", 600
    lines = [f"暴露垃圾,被打断的第 {n} 件,星沙街道开元路社区" for n in range(total)]
    file.write_text("\n".join(["分类,描述,地址", *lines]), encoding="utf-8")
    begun = subprocess.Popen(
        [sys.executable, "-c", SLOWLY, str(file)], cwd=ROOT, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    counting = "select count(*) as n from incidents where description like '被打断的%'"
    until = time.monotonic() + 60
    while one(counting)["n"] == 0 and time.monotonic() < until:
        time.sleep(0.02)
    begun.kill()
    begun.wait(10)
    halfway = one(counting)["n"]
    assert 0 < halfway < total
    left = one("select state, done from incident_imports order by id desc limit 1")
    assert left == {"state": "loading", "done": halfway}
    again = run(str(file))
    assert f"导入 {total} 行，0 行此前已导入，0 行有误" in again.output
    assert one(counting)["n"] == total
    assert one("select count(*) as n from incident_import_parts")["n"] == 0
