"""`yiwang rules`: faults are named, scenarios are played, versions follow the meaning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from sqlalchemy import text

from alerts.commands import rules
from alerts.rulebook import RULES_FOLDER, read_rules
from core.db import Access, transaction
from tests.alerting import places_in, report, rows, sweep
from tests.county import County


def run(*words: str) -> Result:
    return CliRunner().invoke(rules, list(words))


def write(folder: Path, documents: Sequence[object]) -> str:
    folder.joinpath("rules.yaml").write_text(
        yaml.safe_dump(list(documents), allow_unicode=True, sort_keys=False), encoding="utf-8"
    )
    return str(folder)


def shipped() -> list[dict[str, object]]:
    return [dict(entry.raw) for entry in read_rules(RULES_FOLDER)]


def in_force() -> dict[str, int]:
    return {r["name"]: r["version"] for r in rows("select * from alert_rules where active")}


def test_the_shipped_rules_are_right_and_their_scenarios_hold() -> None:
    assert run("check").exit_code == 0
    played = run("test")
    assert played.exit_code == 0
    assert "✗" not in played.output


def test_check_names_every_fault_and_fails(tmp_path: Path) -> None:
    broken = shipped()[0] | {"window": "soon", "select": {"category": ["没有这一类"]}}
    found = run("check", write(tmp_path, [broken]))
    assert found.exit_code != 0
    assert ".window: " in found.stderr
    unknown = shipped()[0] | {"select": {"category": ["没有这一类"]}, "notice": "nobody"}
    found = run("check", write(tmp_path, [unknown]))
    assert found.exit_code != 0
    assert "目录里没有“没有这一类”" in found.stderr
    assert "notices.yaml 里没有 nobody" in found.stderr


def test_a_scenario_that_pages_somebody_else_fails(tmp_path: Path) -> None:
    rule = next(r for r in shipped() if r["name"] == "town_waterlogging_surge")
    rule["scenarios"] = [
        {"name": "错", "kind": "firing", "values": {"0m": 5}, "paged": ["0m deputy screen blue"]}
    ]
    found = run("test", write(tmp_path, [rule]))
    assert found.exit_code != 0
    assert "实呼" in found.stderr


@pytest.mark.usefixtures("database")
def test_loading_again_changes_nothing_and_a_changed_meaning_is_a_new_version(
    tmp_path: Path,
) -> None:
    before = in_force()
    assert run("load").exit_code == 0
    assert in_force() == before
    changed = [r | {"window": "3h"} if r["scope"] == "town" else r for r in shipped()]
    assert run("load", write(tmp_path, changed)).exit_code == 0
    assert in_force()["town_waterlogging_surge"] == before["town_waterlogging_surge"] + 1
    only = [r for r in changed if r["name"] != "urgent_unsigned"]
    assert "停用" in run("load", write(tmp_path, only)).output
    assert "urgent_unsigned" not in in_force()
    assert rows("select 1 from audit where action = 'rules.load'")
    assert run("load").exit_code == 0


@pytest.mark.usefixtures("database")
def test_a_folder_with_a_fault_changes_nothing(tmp_path: Path) -> None:
    before = in_force()
    good, bad = shipped()[0], shipped()[1] | {"scope": "moon"}
    assert run("load", write(tmp_path, [good, bad])).exit_code != 0
    assert in_force() == before


@pytest.mark.usefixtures("database")
def test_a_stored_rule_that_cannot_be_read_stops_nothing_else() -> None:
    with transaction(Access.owner()) as session:
        session.execute(
            text("update alert_rules set spec = '{}' where name = 'urgent_unsigned' and active")
        )
    with County.opened() as county:
        report(places_in("㮾梨街道", 5))
        county.settle_down()
        sweep()
        assert county.dead() == []
    assert len(rows("select 1 from alerts where state = 'firing'")) == 1
    errors = rows("select rule from alert_cycles where error is not null")
    assert [r["rule"] for r in errors] == ["urgent_unsigned"]
