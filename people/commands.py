"""The commands `yiwang people` (人员) and `yiwang rota` (值班)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core import clock, db
from core.access import Access
from core.settings import settings
from people.key_commands import key, unbind
from people.roles import ACCOUNT_ROLES, Post, Role
from people.scope import Actor

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from people.staff.sheet import StaffLine

CREDENTIALS = "credentials.json"
BY_HAND = Actor.system("命令行")


@click.group()
def people() -> None:
    """单位、人员和账号 (units, staff, accounts)."""


people.add_command(key)
people.add_command(unbind)


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
    from people.access.credentials import Credentials

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


@people.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--skip-bad", is_flag=True, help="有误的行跳过, 其余照常导入 (load the good rows)")
def import_staff(file: Path, *, skip_bad: bool) -> None:
    """从 CSV 或 Excel 导入人员: 先检查后导入, 按工号更新, 可重复执行."""
    from core import audit
    from people.staff import importing

    with db.transaction(Access.owner()) as session:
        lines = _judged(session, file, skip_bad=skip_bad)
        added, changed = importing.load_whole(
            session,
            lines,
            at=clock.now(),
            said=lambda done: click.echo(f"\r{done}/{len(lines)}", nl=False, err=True),
        )
        after = {"file": file.name, "good": len(lines), "added": added, "changed": changed}
        audit.record(
            session,
            "staff.import",
            subject=file.name,
            actor=BY_HAND.name,
            after=after,
            at=clock.now(),
        )
    click.echo(f"\n新增 {added} 人，更新 {changed} 人，未变 {len(lines) - added - changed} 人")


@people.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check_staff(file: Path) -> None:
    """只检查人员文件, 逐行说明哪一列错在哪里; 不改动数据 (check only)."""
    with db.transaction(Access.owner()) as session:
        lines = _judged(session, file, skip_bad=False)
    click.echo(f"{len(lines)} 行都可以导入")


def _judged(session: Session, file: Path, *, skip_bad: bool) -> list[StaffLine]:
    from people.staff import importing

    lines, findings = importing.judge(session, file.read_bytes(), at=clock.now())
    for finding in findings:
        click.echo(finding.words, err=True)
    if findings and not skip_bad:
        bad = len({finding.row for finding in findings})
        raise click.ClickException(f"{bad} 行有误，未导入；请改正，或加 --skip-bad 只导入其余行")
    return lines


@people.command("template")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def template(file: Path) -> None:
    """写出导入模板 (an empty Excel file with the right headings)."""
    from people.staff import files as staff_files

    file.write_bytes(staff_files.template())
    click.echo(f"{file}")


@people.command("list")
@click.option("--unit", default="", help="单位编码, 含下级 (unit and below)")
@click.option("--post", default="", help="岗位代码, 例如 grid_worker (post)")
@click.option("--left", is_flag=True, help="只列离岗人员 (who left)")
@click.argument("words", default="")
def list_staff(words: str, unit: str, post: str, *, left: bool) -> None:
    """列出人员: 工号 姓名 单位 岗位 网格 (staff, without contacts)."""
    from people.staff import queries as queries_staff
    from people.staff.queries import Wanted

    wanted = Wanted(words=words, unit=unit, post=post, left=left)
    with db.transaction(Access.owner()) as session:
        for row in queries_staff.every(session, wanted):
            cells = "、".join(str(cell) for cell in row.cells or ())
            posts = "、".join(row.posts or ())
            click.echo(f"{row.code}\t{row.name}\t{row.unit_name}\t{posts}\t{cells}")


_POSTS = click.option(
    "--post",
    "posts",
    multiple=True,
    required=True,
    type=click.Choice([post.value for post in Post]),
    help="岗位, 可写几次 (posts, repeatable)",
)
_CELLS = click.option("--cell", "cells", multiple=True, type=int, help="网格编码, 可写几次 (cells)")
_HEIR = click.option("--hand-to", default=None, help="网格接手人的工号 (who takes the cells over)")


@people.command("move")
@click.argument("code")
@click.option("--unit", required=True, help="新单位编码 (unit code)")
@_POSTS
@_CELLS
@_HEIR
def move(
    code: str, unit: str, posts: tuple[str, ...], cells: tuple[int, ...], hand_to: str | None
) -> None:
    """把一个人调到另一个单位或村社区 (move between units or villages)."""
    from people.staff import posting

    with _by_hand() as session:
        came = posting.move(
            session,
            code,
            unit_code=unit,
            posts=[Post(post) for post in posts],
            cells=cells,
            hand_to=hand_to,
            actor=BY_HAND,
            at=clock.now(),
        )
    click.echo(f"已调动。{came.words}")


@people.command("post")
@click.argument("code")
@_POSTS
def set_posts(code: str, posts: tuple[str, ...]) -> None:
    """设定一个人在本单位的岗位; 原岗位留作履历 (posts; history is kept)."""
    from people.staff import posting

    with _by_hand() as session:
        kinds = [Post(post) for post in posts]
        posting.set_posts(session, code, kinds, actor=BY_HAND, at=clock.now())
    click.echo("已更新岗位")


@people.command("leave")
@click.argument("code")
@click.option("--reason", required=True, help="离岗原因 (why)")
@_HEIR
def leave(code: str, reason: str, hand_to: str | None) -> None:
    """办理离岗: 免去岗位, 移交网格, 停用账号 (a person leaves)."""
    from people.staff import posting

    with _by_hand() as session:
        came = posting.leave(
            session, code, reason=reason, hand_to=hand_to, actor=BY_HAND, at=clock.now()
        )
    click.echo(f"已离岗。{came.words}")


@people.command("return")
@click.argument("code")
@_POSTS
@_CELLS
def come_back(code: str, posts: tuple[str, ...], cells: tuple[int, ...]) -> None:
    """办理复岗; 账号要另行开立 (a person comes back)."""
    from people.staff import posting

    with _by_hand() as session:
        kinds = [Post(post) for post in posts]
        posting.come_back(session, code, posts=kinds, cells=cells, actor=BY_HAND, at=clock.now())
    click.echo("已复岗")


@people.command("present")
def present() -> None:
    """列出此刻谁在大厅 (who sits in the hall now)."""
    from people.staff import stationing

    with db.transaction(Access.owner()) as session:
        for each in stationing.present_at(session, at=clock.now()):
            there = "在" if each.answer.present else "不在"
            click.echo(f"{there}\t{each.code}\t{each.name}\t{each.stationing}\t{each.answer.why}")


@people.group("account")
def account() -> None:
    """账号: 开立、停用、启用、解锁、重设密码、结束登录 (accounts)."""


@account.command("open")
@click.argument("username")
@click.option("--role", type=click.Choice([r.value for r in ACCOUNT_ROLES]), required=True)
@click.option("--unit", required=True, help="单位编码 (unit code): 430121, 430121001, D-CG …")
@click.option("--staff", default=None, help="工号 (staff number)")
def account_open(username: str, role: str, unit: str, staff: str | None) -> None:
    """开立账号; 初始密码只显示这一次 (open an account)."""
    from people.access import accounts

    with _by_hand() as session:
        password = accounts.open_account(
            session,
            username,
            role=Role(role),
            unit_code=unit,
            staff_code=staff,
            actor=BY_HAND,
            at=clock.now(),
        )
    click.echo(password)


@account.command("password")
@click.argument("username")
def account_password(username: str) -> None:
    """重设密码, 只显示这一次; 已有登录全部结束 (new password)."""
    from people.access import accounts

    with _by_hand() as session:
        click.echo(accounts.reset_password(session, username, actor=BY_HAND, at=clock.now()))


@account.command("set")
@click.argument("username")
@click.argument("what", type=click.Choice(["disabled", "enabled", "unlocked", "signed-out"]))
def account_set(username: str, what: str) -> None:
    """停用、启用、解除锁定, 或结束全部登录 (close, open, unlock, end sign-ins)."""
    from people.access import accounts, sessions

    with _by_hand() as session:
        at = clock.now()
        if what == "signed-out":
            number = accounts.id_of(session, username)
            sessions.revoke_all(session, number, actor=BY_HAND, at=at)
        else:
            verbs = {
                "disabled": accounts.disable,
                "enabled": accounts.enable,
                "unlocked": accounts.unlock,
            }
            verbs[what](session, username, actor=BY_HAND, at=at)
    click.echo("已办理")


@contextmanager
def _by_hand() -> Iterator[Session]:
    """Open a transaction of the owner that acts as an administrator does."""
    from people.staff import queries as queries_staff

    with db.transaction(Access.owner()) as session:
        queries_staff.administer(session)
        yield session


@click.group()
def rota() -> None:
    """领导轮值和值班表 (the duty rota)."""


@rota.command("show")
@click.option("--days", default=7, show_default=True, help="显示的天数 (days shown)")
@click.option("--unit", default="430121", show_default=True, help="单位编码 (unit code)")
def show(days: int, unit: str) -> None:
    """列出一个单位的值班和缺口 (who is on duty, and gaps)."""
    from people import queries
    from people.rota import ahead as duty

    at = clock.now()
    with db.transaction(Access.owner()) as session:
        rows = queries.shifts_between(
            session, starts_at=at, ends_at=at + timedelta(days=days), unit_code=unit
        )
        names = {row.post_id: row.post_name for row in rows}
        found = duty.open_slots(session, at=at, days=days)
    for row in rows:
        mark = {"override": "替", "swap": "换", "extra": "加"}.get(row.source, "")
        click.echo(
            f"{row.post_name}\t{row.staff_name}\t{_span(row.starts_at, row.ends_at)}\t{mark}"
        )
    for post_id, slots in found.items():
        for slot in slots if post_id in names else ():
            words = _span(slot.starts_at, slot.ends_at)
            click.echo(f"缺口 {names[post_id]} {words}", err=True)


def _span(starts: datetime, ends: datetime) -> str:
    local = (moment.astimezone(clock.LOCAL) for moment in (starts, ends))
    return " – ".join(f"{moment:%m-%d %H:%M}" for moment in local)


@rota.command("extend")
def extend() -> None:
    """按轮值规则把班次续排到 62 天以后 (plan what nobody planned yet); 每小时也会自动执行."""
    from people.rota import ahead as duty

    with db.transaction(Access.owner()) as session:
        added = duty.extend(session, at=clock.now())
        gaps = duty.tell_gaps(session, at=clock.now())
    click.echo(f"新排班 {added} 班，{gaps} 个岗位有空档")


@rota.command("check")
@click.option("--days", default=14, show_default=True, help="检查的天数 (days checked)")
def check(days: int) -> None:
    """检查空档、叫不到的人和连班 (gaps, people out of reach, 24 hours in a row); 有则以 1 退出."""
    from people.rota import ahead as duty

    with db.transaction(Access.owner()) as session:
        found = duty.flaws(session, at=clock.now(), days=days)
    for unit, problem in found:
        click.echo(f"{unit} {problem.title} {problem.detail}", err=True)
    click.echo(f"共 {len(found)} 处")
    sys.exit(1 if found else 0)


GROUPS = (people, rota)
