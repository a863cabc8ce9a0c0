"""The commands `yiwang people` (人员) and `yiwang rota` (值班)."""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from core import clock, db
from core.access import Access
from core.settings import settings
from people.roles import ACCOUNT_ROLES, COUNTY_DUTY, POST_NAMES, Role
from people.rota import Shift, gaps

CREDENTIALS = "credentials.json"


@click.group()
def people() -> None:
    """单位、人员和账号 (units, staff, accounts)."""


@people.command("load-units")
def load_units() -> None:
    """按 data/ 中的目录增补单位和岗位 (add and rename units); 可重复执行."""
    from people import staffing

    with db.transaction(Access.owner()) as session:
        found = staffing.load_units(session)
    click.echo(f"单位 {len(found)} 个")


@people.command("seed-demo")
def seed_demo() -> None:
    """演示数据: 人员、账号、接口密钥和三个月排班, 密码写入 credentials.json; 可重复执行."""
    from people import staffing
    from people.credentials import Credentials

    if not settings().demo:
        raise click.ClickException("演示账号只在 YIWANG_DEMO=1 时建立 (demo accounts are off)")
    path = settings().home / CREDENTIALS
    credentials = Credentials.read(path)
    with db.transaction(Access.owner()) as session:
        made = staffing.seed_demo(session, credentials, at=clock.now())
        credentials.write(path)
    if not made.grid_workers:
        raise click.ClickException("网格尚未加载, 没有网格员: 请先运行 yiwang grid load")
    click.echo(
        f"单位 {made.units} · 人员 {made.staff} (网格员 {made.grid_workers})"
        f" · 账号 {made.accounts} · 新排班 {made.shifts}",
    )
    click.echo(f"密码在 {path}")


@people.command("add-account")
@click.argument("username")
@click.option("--role", type=click.Choice([r.value for r in ACCOUNT_ROLES]), required=True)
@click.option("--unit", required=True, help="单位编码 (unit code): 430121, 430121001, D-CG …")
@click.option("--staff", default=None, help="工号 (staff number)")
def add_account(username: str, role: str, unit: str, staff: str | None) -> None:
    """开立账号, 或重设其密码 (new account or new password); 密码只显示这一次."""
    from people import staffing

    with db.transaction(Access.owner()) as session:
        password = staffing.open_account(
            session,
            username=username,
            role=Role(role),
            unit_code=unit,
            staff_code=staff,
            at=clock.now(),
        )
    click.echo(password)


@click.group()
def rota() -> None:
    """领导轮值和值班表 (the duty rota)."""


@rota.command("show")
@click.option("--days", default=7, show_default=True, help="显示的天数 (days shown)")
def show(days: int) -> None:
    """列出县级值班 (who is on duty in the county centre)."""
    from people import queries
    from people.catalogue import COUNTY

    at = clock.now()
    until = at + timedelta(days=days)
    with db.transaction(Access.owner()) as session:
        rows = queries.shifts_between(session, starts_at=at, ends_at=until, unit_code=COUNTY)
    for post in COUNTY_DUTY:
        held = [
            Shift(r.post_id, r.staff_id, r.starts_at, r.ends_at) for r in rows if r.post == post
        ]
        for starts, ends in gaps(held, starts_at=at, ends_at=until):
            click.echo(f"缺口 {POST_NAMES[post]} {_span(starts, ends)}", err=True)
    for row in rows:
        span = _span(row.starts_at, row.ends_at)
        click.echo(f"{row.post_name}\t{row.staff_name}\t{span}")


def _span(starts: datetime, ends: datetime) -> str:
    local = (moment.astimezone(clock.LOCAL) for moment in (starts, ends))
    return " – ".join(f"{moment:%m-%d %H:%M}" for moment in local)


@rota.command("extend")
def extend() -> None:
    """按现有人员把空缺的班次排到三个月以后 (plan what nobody is planned for)."""
    from people import staffing

    with db.transaction(Access.owner()) as session:
        added = staffing.extend_rota(session, at=clock.now())
    click.echo(f"新排班 {added} 班")


GROUPS = (people, rota)
