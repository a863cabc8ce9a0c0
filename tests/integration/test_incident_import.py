"""A table file becomes cases once, whatever its encoding; bad lines are named."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dispatch.incidents.commands import catalogue, incidents
from tests.cases import VILLAGE, one, rows

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
