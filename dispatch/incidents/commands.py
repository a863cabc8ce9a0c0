"""`yiwang catalogue` and `yiwang incidents`: the category catalogue and the life-cycle diagram."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core import clock
from core.db import Access, transaction
from dispatch.incidents.importing.commands import import_file

if TYPE_CHECKING:
    from dispatch.incidents.faults import Fault


@click.group()
def catalogue() -> None:
    """事件分类目录: check, load and compare the category catalogue."""


_FILE = click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False
)


@catalogue.command()
@_FILE
def check(file: Path | None) -> None:
    """Name every fault of FILE (default: data/catalogue/categories.yaml, and the reasons 事由)."""
    from dispatch.incidents import catalogue as judge
    from dispatch.incidents import editions, faults

    tree = editions.read_file(file or editions.FILE)
    _refuse_faults(faults.check(tree))
    made = judge.read(tree)
    click.echo(f"{made.edition}: {len(made.majors())} 大类, {len(made.categories)} 小类, 没有错误")
    if file is None:
        _check_reasons()


def _check_reasons() -> None:
    from dispatch.incidents import reasons

    tree = reasons.read_file()
    found = reasons.check(tree)
    for fault in found:
        click.echo(f"{reasons.FILE.name}: {fault}", err=True)
    if found:
        raise click.ClickException(f"{len(found)} 处错误")
    click.echo(f"{tree['edition']}: {len(tree['lists'])} 张事由清单, 没有错误")


@catalogue.command()
@_FILE
def load(file: Path | None) -> None:
    """Load FILE as the version in force; filed incidents keep theirs, others follow the new one."""
    from dispatch.incidents import editions, faults, queries, service
    from dispatch.incidents.reckoning.commands import watch

    tree = editions.read_file(file or editions.FILE)
    with transaction(Access.owner()) as session:
        units = queries.unit_codes(session)
        _refuse_faults(faults.check(tree, units=units or None))
        at = clock.now()
        version, new = editions.load(session, tree, by="yiwang catalogue load", at=at)
        moves = new and version > 1
        job = service.recount_clocks(session, f"catalogue@{version}", at=at) if moves else None
    click.echo(f"第 {version} 版{'已载入' if new else '与文件相同，未改动'}")
    watch(job)


@catalogue.command()
@_FILE
def diff(file: Path | None) -> None:
    """Say what FILE would change against the version in force."""
    from dispatch.incidents import catalogue as judge
    from dispatch.incidents import editions, faults

    tree = editions.read_file(file or editions.FILE)
    _refuse_faults(faults.check(tree))
    with transaction(Access.owner()) as session:
        now = editions.current(session, clock.now())
    lines = judge.differences(now, judge.read(tree))
    click.echo("\n".join(lines) if lines else "没有差别")


def _refuse_faults(found: Sequence[Fault]) -> None:
    for fault in found:
        click.echo(f"{fault.where}: {fault.what}", err=True)
    if found:
        raise click.ClickException(f"{len(found)} 处错误，目录未改动")


@click.group()
def incidents() -> None:
    """事件流转: incidents and how they move."""


@incidents.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="write here")
def diagram(out: Path | None) -> None:
    """Print the life cycle as Markdown with a Mermaid diagram, from the server's own table."""
    from dispatch.incidents.diagram import markdown

    if out:
        out.write_text(markdown(), encoding="utf-8")
        click.echo(f"{out}")
    else:
        click.echo(markdown())


incidents.add_command(import_file)


@incidents.command("ensure-months")
@click.option("--ahead", default=3, show_default=True, help="months to prepare")
def ensure_months(ahead: int) -> None:
    """Prepare the monthly partitions (按月分区) of the coming months."""
    from dispatch.incidents import service

    with transaction(Access.owner()) as session:
        for name in service.ensure_months(session, at=clock.now(), ahead=ahead):
            click.echo(name)


@click.group()
def ledger() -> None:
    """台账链: prove that no history was altered and no case removed."""


@ledger.command()
@click.option("--processes", type=click.IntRange(1, 64), help="how many (default: every core)")
@click.option("--most", default=100, show_default=True, help="stop after so many findings")
@click.option("--each", is_flag=True, help="tell each case by itself, cases alike too (slow)")
def verify(processes: int | None, most: int, *, each: bool) -> None:
    """Tell every case again from its history, compare, and reckon every seal anew."""
    from dispatch.incidents import proving

    def progress(done: int, total: int) -> None:
        click.echo(f"\r{done:,}/{total:,}", nl=False, err=True)

    found = 0
    for finding in proving.verify(processes=processes, each=each, progress=progress):
        found += 1
        click.echo(f"\r{finding}")
        if found >= most:
            break
    click.echo("", err=True)
    if found:
        raise click.ClickException(f"台账有 {found} 处不符，见上")
    click.echo("台账完整：所有案件与时间线一致，所有封存成立")


@ledger.command("seal")
def seal_now() -> None:
    """Seal what moved since the last seal, without waiting for the minute."""
    from dispatch.incidents import proving

    with transaction(Access.worker()) as session:
        made = proving.seal(session, at=clock.now())
    click.echo(f"封存 {made['n']}：{made['cases']} 件，{made['hash']}" if made else "没有新的记录")
