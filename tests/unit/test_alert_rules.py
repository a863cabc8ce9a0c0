"""What a rule file may say, and how exactly each fault is named."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.lifecycle import Colour
from alerts.rehearsal import KINDS, parse_scenario, rehearse
from alerts.rulebook import (
    Entry,
    entries_of,
    policies,
    read_rules,
    read_yaml,
    unknown_words,
    words_of,
)
from alerts.rules import RuleRefused, chinese_time, parse_duration, parse_rule, rule_hash
from dispatch.incidents import catalogue, editions

SHIPPED = read_rules()
FLOOD = next(e for e in SHIPPED if e.rule.name == "town_waterlogging_surge")
GOOD: dict[str, Any] = dict(FLOOD.raw)


def faults_of(**changed: Any) -> list[str]:
    raw = deepcopy(GOOD) | changed
    with pytest.raises(RuleRefused) as refused:
        parse_rule({k: v for k, v in raw.items() if v is not ...})
    return sorted({fault.field for fault in refused.value.faults})


def test_the_flood_rule_means_what_the_county_agreed() -> None:
    rule = parse_rule(GOOD)
    assert rule.on_change
    assert rule.window == parse_duration("2h")
    assert (rule.measure.name, rule.measure.argument) == ("distinct_places", 150.0)
    assert dict(rule.levels.colours) == {
        Colour.BLUE: 5, Colour.YELLOW: 8, Colour.ORANGE: 12, Colour.RED: 20,
    }  # fmt: skip
    assert rule.levels.clear.value == 3
    assert rule.headline_for(place="㮾梨街道", value=5.0) == "㮾梨街道 2 小时内积水 5 处"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": "积水"}, "name"),
        ({"title": ""}, "title"),
        ({"headline": "{place.__class__}"}, "headline"),
        ({"headline": "{secret}"}, "headline"),
        ({"headline": "{value"}, "headline"),
        ({"scope": "planet"}, "scope"),
        ({"window": "2 hours"}, "window"),
        ({"window": ...}, "window"),
        ({"every": "1s"}, "every"),
        ({"select": {"colour": ["x"]}}, "select"),
        ({"select": {"category": "积水"}}, "select.category"),
        ({"select": {"status": ["dreaming"]}}, "select.status"),
        ({"select": {"status": ["rejected"]}}, "select.status"),
        ({"measure": "distinct_places"}, "measure"),
        ({"measure": "distinct_places(2h)"}, "measure"),
        ({"measure": "count(5m)"}, "measure"),
        ({"measure": "drop table"}, "measure"),
        ({"fire": {"op": "=", "value": 5}}, "fire"),
        ({"fire": {"op": ">=", "value": float("nan")}}, "fire"),
        ({"fire": {"op": ">=", "value": True}}, "fire"),
        ({"clear": {"op": "<", "value": 9}}, "clear"),
        ({"clear": {"op": ">", "value": 3}}, "clear"),
        ({"keep_firing_for": -5}, "keep_firing_for"),
        ({"colours": {"green": 5}}, "colours"),
        ({"colours": {}}, "colours"),
        ({"colours": {"blue": 5, "yellow": 5}}, "colours"),
        ({"colours": {"blue": 6}}, "colours"),
        ({"on_error": "ignore"}, "on_error"),
        ({"limit": 0}, "limit"),
        ({"limit": 1.5}, "limit"),
        ({"notice": None}, "notice"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_each_fault_is_named_by_its_field(changed: dict[str, Any], field: str) -> None:
    assert field in faults_of(**changed)


def test_every_fault_is_named_not_only_the_first() -> None:
    assert faults_of(scope="x", window="x", measure="x") == ["measure", "scope", "window"]


def test_rejected_and_merged_cases_are_never_counted_whatever_the_rule_says() -> None:
    rule = parse_rule(deepcopy(GOOD) | {"select": {"status_not": ["closed"]}})
    assert set(rule.select.status_not) == {"closed", "rejected", "merged"}


def test_the_hash_follows_the_meaning_not_the_order_or_the_scenarios() -> None:
    turned = dict(reversed(GOOD.items())) | {"scenarios": []}
    assert rule_hash(turned) == rule_hash(GOOD)
    assert rule_hash(GOOD | {"window": "3h"}) != rule_hash(GOOD)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=20),
                    lambda c: st.lists(c, max_size=3) | st.dictionaries(st.text(max_size=8), c,
                                                                        max_size=3), max_leaves=8),
       st.sampled_from(sorted(GOOD)))  # fmt: skip
def test_no_value_of_any_field_does_worse_than_a_named_fault(value: Any, field: str) -> None:
    try:
        parse_rule(deepcopy(GOOD) | {field: value})
    except RuleRefused as refused:
        named = bool(refused.faults)
    else:
        named = True
    assert named


@pytest.mark.parametrize(
    "text",
    ["- name: [", "a: 1\na: 2", "just words", "- 5", "!!python/object/apply:os.system [ls]",
     "- &a [*a]", "{" * 3000],
)  # fmt: skip
def test_a_file_that_is_no_list_of_rules_is_refused(text: str) -> None:
    with pytest.raises(RuleRefused):
        entries_of(text, name="broken.yaml")


def test_two_rules_of_one_name_are_refused(tmp_path: Path) -> None:
    text = SHIPPED[0].source.replace("\n", "\n  ")
    (tmp_path / "a.yaml").write_text(f"- {text}", encoding="utf-8")
    (tmp_path / "b.yaml").write_text(f"- {text}", encoding="utf-8")
    with pytest.raises(RuleRefused, match="重名"):
        read_rules(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuleRefused, match="没有找到规则文件"):
        read_rules(tmp_path)


def test_times_are_read_and_said() -> None:
    assert [chinese_time(parse_duration(t)) for t in ("2h", "90m", "30s", "7d", "0s")] == [
        "2 小时", "90 分钟", "30 秒", "7 天", "0 秒",
    ]  # fmt: skip


def test_every_shipped_rule_speaks_of_categories_and_notices_that_exist() -> None:
    known = words_of(catalogue.read(editions.read_file()))
    assert unknown_words(SHIPPED, known) == []
    assert {e.rule.notice for e in SHIPPED} <= set(policies())


def test_the_stored_text_of_a_rule_has_the_hash_the_alert_carries() -> None:
    for entry in SHIPPED:
        assert rule_hash(read_yaml(entry.source, name="proof")) == entry.rule.hash


@pytest.mark.parametrize("entry", SHIPPED, ids=lambda e: str(e.rule.name))
def test_every_shipped_rule_has_a_firing_a_quiet_and_a_flapping_scenario(entry: Entry) -> None:
    assert {s["kind"] for s in entry.scenarios} == set(KINDS)


@pytest.mark.parametrize(
    ("entry", "number"),
    [(e, n) for e in SHIPPED for n in range(len(e.scenarios))],
    ids=lambda x: x.rule.name if isinstance(x, Entry) else str(x),
)
def test_a_scenario_pages_exactly_who_it_names(entry: Entry, number: int) -> None:
    scenario = parse_scenario(entry.scenarios[number])
    assert rehearse(entry.rule, policies()[entry.rule.notice], scenario=scenario) == []


def test_a_page_nobody_expected_fails_the_scenario() -> None:
    expected = {"paged": [], "states": {"10m": "pending"}}
    scenario = parse_scenario(dict(FLOOD.scenarios[0]) | expected)
    wrong = rehearse(FLOOD.rule, policies()["duty_leader"], scenario=scenario)
    assert len(wrong) == 2
