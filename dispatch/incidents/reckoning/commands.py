"""`yiwang calendar`: load and publish the working calendar; open clocks move, and are listed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core import beats, clock, jobs, live
from core.db import Access, transaction

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from people.calendars.years import Year

_BY = "yiwang calendar"
_PATIENCE_S = 20.0
_LOOK_S = 0.25
_ALIVE_S = 15.0
_FILE = click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False
)


@click.group()
def calendar() -> None:
    """工作日历: check, load, compare and publish which days are workdays."""


@calendar.command()
@_FILE
def check(file: Path | None) -> None:
    """Name every fault of FILE (default: the announced years), and what a second source doubts."""
    from people.calendars import holidays

    years, source = _read(file)
    doubts = holidays.doubts(years)
    for doubt in doubts:
        click.echo(f"请核对 {doubt}", err=True)
    told = f"，{len(doubts)} 处与第二来源不同，请核对" if doubts else "，与第二来源一致"
    click.echo(f"{source}: {len(years)} 个年度，没有错误{told}")


@calendar.command()
@_FILE
def load(file: Path | None) -> None:
    """Load FILE (default: the announced years) as the next edition; it does not count yet."""
    from people.calendars import service

    years, source = _read(file)
    with transaction(Access.owner()) as session:
        edition, new = service.load(session, years, source=source, by=_BY, at=clock.now())
    click.echo(f"第 {edition} 版{'已载入，发布后生效' if new else '与载入内容相同，未改动'}")


@calendar.command()
@_FILE
def diff(file: Path | None) -> None:
    """Say what FILE, or the edition loaded last, would change against what counts now."""
    from people.calendars import queries, service
    from people.calendars.years import differences

    years = _read(file)[0] if file else None
    with transaction(Access.owner()) as session:
        newest = queries.newest(session)
        if years is None:
            years = service.years_of(session, newest.edition) if newest else []
        lines = differences(service.years_in_force(session), years)
    click.echo("\n".join(lines) if lines else "没有差别")


@calendar.command()
@click.argument("edition", type=int, required=False)
@click.option("--first", is_flag=True, help="only where no edition counts yet (first start)")
def publish(edition: int | None, *, first: bool) -> None:
    """Let EDITION (default: the one loaded last) count from now on; open clocks are recomputed."""
    from dispatch.incidents import service as incidents
    from people.calendars import queries, service

    at = clock.now()
    with transaction(Access.owner()) as session:
        before, newest = queries.in_force(session), queries.newest(session)
        if first and before is not None:
            click.echo(f"第 {before.edition} 版已生效，未改动")
            return
        number = edition or (newest.edition if newest else 0)
        done = service.publish(session, number, by=_BY, at=at)
        moves = done and before is not None
        job = incidents.recount_clocks(session, f"calendar@{number}", at=at) if moves else None
    click.echo(f"第 {number} 版{'已发布' if done else '早已发布，未改动'}")
    watch(job)


@calendar.command("list")
def list_editions() -> None:
    """List the editions, and which one counts."""
    from people.calendars import queries

    with transaction(Access.owner()) as session:
        for each in queries.editions(session):
            state = (
                f"{clock.local(each.published_at):%F %H:%M} 发布" if each.published_at else "未发布"
            )
            click.echo(f"{each.edition}\t{state}\t{each.source}")


@calendar.command("recounts")
def recounts() -> None:
    """List the last recomputations of open clocks, with their progress."""
    from dispatch.incidents.reckoning import service

    with transaction(Access.owner()) as session:
        for job in service.last_jobs(session):
            click.echo(f"{job['id']}\t{job['cause']}\t{job['done']}/{job['total']}\t{_state(job)}")


@calendar.command()
@click.argument("job", type=int)
def moves(job: int) -> None:
    """List every deadline that recomputation JOB moved."""
    _print_moves(job)


@calendar.command()
@click.argument("job", type=int)
def cancel(job: int) -> None:
    """Stop recomputation JOB at its next step; what it moved stays moved."""
    with transaction(Access.owner()) as session:
        jobs.cancel(session, job, at=clock.now())


def watch(job: int | None) -> None:
    """Show a recomputation's progress until it ends; without workers, say how it goes on."""
    from dispatch.incidents.reckoning import service

    if job is None:
        return
    live.poke()
    done, since = -1, time.monotonic()
    while True:
        with transaction(Access.owner()) as session:
            now, alive = service.progress(session, job), _workers_alive(session)
        if now["done"] != done:
            done, since = now["done"], time.monotonic()
            click.echo(f"\r时限重算 {done}/{now['total']}", nl=False, err=True)
        if now["finished_at"] or now["cancelled_at"]:
            break
        if not alive or time.monotonic() - since > _PATIENCE_S:
            later = f"后台启动后自动继续，用 yiwang calendar moves {job} 查看结果"
            click.echo(f"\n后台未在运行：{later}", err=True)
            return
        time.sleep(_LOOK_S)
    click.echo(err=True)
    _print_moves(job)


def _workers_alive(session: Session) -> bool:
    ages = beats.ages(session).values()
    return any(beat.name.startswith("worker:") and beat.age_s < _ALIVE_S for beat in ages)


def _print_moves(job: int) -> None:
    from dispatch.incidents.reckoning import service

    with transaction(Access.owner()) as session:
        found = service.differences(session, job)
    for each in found:
        was, now = clock.local(each["was"]), clock.local(each["now"])
        click.echo(f"{each['number']}\t{each['stage']}\t{was:%F %H:%M} → {now:%F %H:%M}")
    click.echo(f"共 {len(found)} 个时限变动", err=True)


def _read(file: Path | None) -> tuple[list[Year], str]:
    """Return the years of a file, or the announced ones, with their source; refuses faults."""
    import yaml

    from people.calendars import holidays, queries, years

    if file is None:
        return list(holidays.announced_years()), holidays.source()
    tree: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    tree = tree if isinstance(tree, dict) else {}
    with transaction(Access.owner()) as session:
        towns = queries.towns(session)
    faults = years.check(tree, towns=towns or None)
    for fault in faults:
        click.echo(f"{fault.where}: {fault.what}", err=True)
    if faults:
        raise click.ClickException(f"{len(faults)} 处错误，日历未改动")
    return years.read(tree), str(tree["source"])


def _state(job: dict[str, Any]) -> str:
    if job["finished_at"]:
        return f"{clock.local(job['finished_at']):%F %H:%M} 完成"
    return "已取消" if job["cancelled_at"] else "进行中"
