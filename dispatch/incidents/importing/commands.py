"""`yiwang incidents import`: a table file becomes cases from the command line (批量导入)."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core import clock
from core.db import Access, transaction
from core.errors import DomainError, Invalid

_SHOWN = 20
_HANDS = 2

if TYPE_CHECKING:
    from people.scope import Actor


def _pair(_context: object, _option: object, values: tuple[str, ...]) -> dict[str, str]:
    found = dict(value.partition("=")[::2] for value in values)
    if not all(found.values()):
        raise click.BadParameter("写成 名=值，例如 诉求内容=description")
    return found


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--by", default="批量导入", show_default=True, help="who answers for this file")
@click.option(
    "--map", "columns", multiple=True, callback=_pair, metavar="HEADING=FIELD",
    help="what a column is, where its heading does not say it; repeat for more",
)  # fmt: skip
@click.option(
    "--default", "defaults", multiple=True, callback=_pair, metavar="FIELD=VALUE",
    help="category, source or frame of rows that name none",
)  # fmt: skip
@click.option(
    "--faults", type=click.Path(dir_okay=False, path_type=Path), help="write the bad rows here"
)
def import_file(
    file: Path, by: str, columns: dict[str, str], defaults: dict[str, str], faults: Path | None
) -> None:
    """Import reports from a CSV or Excel FILE: bad rows are named, a second run doubles nothing.

    A run that was interrupted goes on where it was when the same file is given again.
    """
    from dispatch.incidents.importing import service
    from people.roles import Role
    from people.scope import Actor

    actor = Actor(by, Role.MACHINE, scopes=("incidents",))
    with transaction(Access.worker()) as session:
        content = file.read_bytes()
        found = service.receive(session, content, name=file.name, actor=actor, at=clock.now())
    number = found.id
    with transaction(Access.worker()) as session:
        found = service.read_in(session, number, at=clock.now())
    if found.state == "refused":
        raise click.ClickException(found.problem)
    if found.state == "waiting":
        _begin(number, columns, defaults, actor)
    _carry_on(number)
    _report(number, faults)


def _begin(number: int, columns: dict[str, str], defaults: dict[str, str], actor: Actor) -> None:
    from dispatch.incidents.importing import service
    from dispatch.incidents.importing.columns import Plan

    try:
        with transaction(Access.worker()) as session:
            found = service.one(session, number)
            unknown = columns.keys() - set(found.headings)
            if unknown:
                raise Invalid(f"表里没有这些列：{'、'.join(sorted(unknown))}")
            named = zip(found.headings, found.columns, strict=True)
            plan = Plan(
                tuple(columns.get(heading, field) for heading, field in named),
                {**found.defaults, **defaults},
            )
            service.load(session, number, plan=plan, actor=actor, at=clock.now())
    except DomainError as refused:
        with transaction(Access.worker()) as session:
            service.cancel(session, number, actor=actor, at=clock.now())
        raise click.ClickException(refused.sentence) from None


def _carry_on(number: int) -> None:
    from dispatch.incidents.importing import service

    def store() -> None:
        more = True
        while more:
            with transaction(Access.worker()) as session:
                more = service.load_next(session, number, at=clock.now())
                found = service.one(session, number)
            click.echo(f"\r{found.done}/{found.total}", nl=False, err=True)

    # one hand prepares while the database stores for the other
    with ThreadPoolExecutor(_HANDS) as hands:
        for hand in [hands.submit(store) for _ in range(_HANDS)]:
            hand.result()
    click.echo("", err=True)


def _report(number: int, faults: Path | None) -> None:
    from dispatch.incidents.importing import service

    with transaction(Access.worker()) as session:
        found = service.one(session, number)
        shown = service.bad_rows(session, found, limit=_SHOWN)
        if faults:
            with faults.open("w", encoding="utf-8-sig", newline="") as out:
                csv.writer(out).writerows(service.hand_back(session, found))
    for bad in shown:
        column = f"（{bad.heading}）" if bad.heading else ""
        click.echo(f"第 {bad.row} 行{column}: {bad.problem}", err=True)
    if found.refused > len(shown):
        click.echo(f"…… 另有 {found.refused - len(shown)} 行，用 --faults 写出全部", err=True)
    if found.state == "cancelled":
        raise click.ClickException(f"已停止：导入 {found.stored} 行，可再次运行继续")
    click.echo(f"导入 {found.stored} 行，{found.repeated} 行此前已导入，{found.refused} 行有误")
