"""The category catalogue as shipped, and files with something wrong in them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from core.settings import ROOT
from dispatch.incidents import editions
from dispatch.incidents.catalogue import differences, digest, read
from dispatch.incidents.clocks import Kind, Limit, Stage
from dispatch.incidents.faults import check

TREE = editions.read_file()
UNITS = yaml.safe_load((ROOT / "data" / "catalogue" / "units.yaml").read_text(encoding="utf-8"))
CODES = frozenset(each["code"] for each in UNITS["departments"]) | {UNITS["hall"]["code"]}
Tree = dict[str, Any]


def test_the_shipped_catalogue_is_sound_and_wide_enough() -> None:
    assert check(TREE, units=CODES) == []
    catalogue = read(TREE)
    assert len(catalogue.majors()) >= 12
    assert len(catalogue.categories) >= 80
    assert all(each.rules["source"] for each in catalogue.categories.values())


def test_a_category_is_found_by_code_and_by_name() -> None:
    catalogue = read(TREE)
    assert catalogue.find("0301") is catalogue.find("积水")
    assert catalogue.find("没有的") is None


def test_limits_follow_level_and_tier() -> None:
    water = read(TREE).find("积水")
    assert water
    assert water.stage_limit(Stage.ACCEPT, 3) == Limit(Kind.WORK_HOUR, 120)
    assert water.stage_limit(Stage.ACCEPT, 2) == Limit(Kind.CLOCK_HOUR, 15)
    assert water.handle_limit("village", 3) == Limit(Kind.WORKDAY, 480)
    assert water.handle_limit("town", 3) == Limit(Kind.WORKDAY, 1440)
    assert water.handle_limit("department", 4) == Limit(Kind.WORKDAY, 2400)
    assert water.handle_limit("county", 1) == Limit(Kind.CLOCK_HOUR, 120)


def test_a_confidential_class_is_never_public() -> None:
    for each in read(TREE).categories.values():
        assert not (each.public and each.confidential)
        assert not (each.major == "矛盾纠纷" and each.public)


def broken(change: Callable[[Tree], None]) -> list[str]:
    tree = copy.deepcopy(TREE)
    change(tree)
    return [f"{fault.where}: {fault.what}" for fault in check(tree, units=CODES)]


def minor(tree: Tree, **values: object) -> None:
    tree["majors"][0]["minors"][0].update(values)


def attribute(**values: object) -> Tree:
    return {"code": "depth", "name": "深度", **values}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tree: minor(tree, code="9101"), "编码"),
        (lambda tree: minor(tree, code="0102"), "重复"),
        (lambda tree: minor(tree, name="积存渣土"), "重复"),
        (lambda tree: minor(tree, level=5), "等级"),
        (lambda tree: minor(tree, evidence="video"), "证据"),
        (lambda tree: minor(tree, source=""), "来源"),
        (lambda tree: minor(tree, lead={"county": "D-XX"}), "主办单位"),
        (lambda tree: minor(tree, handle={"town": "soon"}), "时限"),
        (lambda tree: minor(tree, stages={"sign": {"normal": "4 h"}}), "时限"),
        (lambda tree: minor(tree, duplicate={"hours": "x"}), "疑似重复"),
        (lambda tree: minor(tree, auto_accept=["fax"]), "自动受理"),
        (lambda tree: minor(tree, colour="red"), "colour"),
        (lambda tree: minor(tree, public="yes"), "public 须为"),
        (lambda tree: minor(tree, evidence_within_m="near"), "evidence_within_m"),
        (lambda tree: minor(tree, confidential=True), "不能公开"),
        (lambda tree: minor(tree, recur={"days": 0}), "复发观察"),
        (lambda tree: minor(tree, attributes=[{"code": "深度"}]), "要素第 1 项"),
        (lambda tree: minor(tree, attributes=[{"code": "a", "name": "甲"}] * 2), "写了两次"),
        (lambda tree: minor(tree, attributes=[attribute(kind="date")]), "种类"),
        (lambda tree: minor(tree, attributes=[attribute(values=["有", "有"])]), "可选值"),
        (lambda tree: minor(tree, attributes=[attribute(unit="cm")]), "不认识的字段 unit"),
        (lambda tree: tree["majors"][1].update(name="市容环境"), "大类 02"),
        (lambda tree: tree["majors"][1].update(code="2"), "两位数字"),
        (lambda tree: tree.update(edition=""), "edition"),
        (lambda tree: tree.pop("majors"), "majors"),
        (lambda tree: tree["defaults"].pop("stages"), "时限"),
    ],
)
def test_each_fault_is_named_and_placed(change: Callable[[Tree], None], said: str) -> None:
    faults = broken(change)
    assert faults
    assert any(said in fault for fault in faults)


def test_a_difference_names_what_was_added_dropped_and_changed() -> None:
    other = copy.deepcopy(TREE)
    other["majors"][0]["minors"].pop()
    other["majors"][0]["minors"].append({"code": "0199", "name": "新设小类"})
    minor(other, level=1)
    lines = differences(read(TREE), read(other))
    assert "+ 0199 新设小类" in lines
    assert any(line.startswith("- 0112") for line in lines)
    assert any("level: 3 → 1" in line for line in lines)
    assert differences(read(TREE), read(TREE)) == []


def test_the_fingerprint_is_of_the_content_not_of_the_order() -> None:
    assert digest(dict(reversed(TREE.items()))) == digest(TREE)
