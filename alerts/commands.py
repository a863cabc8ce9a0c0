"""`yiwang rules`: check, rehearse and load the rules of early warning."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from core import clock
from core.db import Access, transaction

if TYPE_CHECKING:
    from alerts.rulebook import Entry
    from dispatch.incidents.catalogue import Catalogue

_FOLDER = click.argument(
    "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), required=False
)


@click.group()
def rules() -> None:
    """监测预警规则：检查、演练、生效 (warning rules)"""


@rules.command()
@_FOLDER
def check(folder: Path | None) -> None:
    """检查规则文件，逐条指出错在哪里 (name every fault; default data/catalogue/rules)"""
    entries = _entries(folder)
    _refuse(_misnamed(entries))
    for entry in entries:
        click.echo(f"✓ {entry.rule.name}  {entry.rule.title}  {entry.rule.hash[:12]}")


@rules.command()
@_FOLDER
def test(folder: Path | None) -> None:
    """在模拟时钟上演练每条规则的场景：状态，以及呼谁、何时、走哪个通道 (play the scenarios)"""
    from alerts.rehearsal import ScenarioRefused, parse_scenario, rehearse
    from alerts.rulebook import policies

    failed = 0
    for entry in _entries(folder):
        for raw in entry.scenarios:
            try:
                scenario = parse_scenario(raw)
                policy = policies()[entry.rule.notice]
                wrong = rehearse(entry.rule, policy, scenario=scenario)
            except ScenarioRefused as refused:
                wrong = [str(refused)]
            mark = "✗" if wrong else "✓"
            click.echo(f"{mark} {entry.rule.name}  {raw.get('name')}", err=bool(wrong))
            for line in wrong:
                click.echo(f"    {line}", err=True)
            failed += bool(wrong)
    if failed:
        raise click.ClickException(f"{failed} 个场景与预期不符")


@rules.command()
@_FOLDER
def load(folder: Path | None) -> None:
    """让规则生效；改过的成为新版本，文件里没有的停用 (put in force)"""
    from alerts import service
    from alerts.rulebook import words_of
    from alerts.rules import RuleRefused
    from dispatch.incidents import editions
    from people.scope import Actor

    entries, at = _entries(folder), clock.now()
    try:
        with transaction(Access.owner()) as session:
            known = words_of(editions.current(session, at))
            actor = Actor.system("yiwang rules load")
            done = service.load_rules(session, entries, known=known, actor=actor, at=at)
    except RuleRefused as refused:
        _refuse([str(fault) for fault in refused.faults])
        return
    said = {"same": "未变", "new": "新增", "changed": "新版本", "retired": "停用"}
    for name, what in done.items():
        click.echo(f"{said[what]}  {name}")


def _entries(folder: Path | None) -> list[Entry]:
    from alerts.rulebook import RULES_FOLDER, read_rules
    from alerts.rules import RuleRefused

    try:
        return read_rules(folder or RULES_FOLDER)
    except RuleRefused as refused:
        _refuse([str(fault) for fault in refused.faults])
        return []


def _misnamed(entries: list[Entry]) -> list[str]:
    """Hold the rules against the catalogue file and the notices file."""
    from alerts.rulebook import policies, unknown_words, words_of
    from dispatch.incidents import catalogue, editions

    made: Catalogue = catalogue.read(editions.read_file())
    faults = [str(fault) for fault in unknown_words(entries, words_of(made))]
    known = policies()
    return faults + [
        f"{e.rule.name}.notice: notices.yaml 里没有 {e.rule.notice}"
        for e in entries
        if e.rule.notice not in known
    ]


def _refuse(faults: list[str]) -> None:
    for fault in faults:
        click.echo(f"✗ {fault}", err=True)
    if faults:
        raise click.ClickException(f"{len(faults)} 处错误，规则未改动")
