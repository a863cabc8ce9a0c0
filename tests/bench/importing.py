"""Row: a table of 100,000 reports imported, beside `COPY` of the very rows that it stored.

The floor copies every stored row of all seven tables, as text, into tables of the same columns
that have nothing but their primary keys: no validation, no place, no clock, no hash, no index else.
Both run alone, one after the other, on the same server; the background is at rest.
"""

import csv
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psycopg

from tests.bench.drafts import points_of
from tests.bench.shared import Bench, paused
from tests.bench.stack import Stack
from tests.bench.table import Row

ROOT = Path(__file__).resolve().parents[2]
SIZE = int(os.environ.get("YIWANG_BENCH_IMPORT", "100000"))
BAD_EVERY = 100
MOST_MB = 500
HEAD = ("工单编号", "小类", "诉求内容", "经度", "纬度", "坐标系", "村社区编码", "地址", "来源",
        "来电人", "来电号码", "受理时间")  # fmt: skip
TABLES = {
    "incidents": "id",
    "incident_keys": "number",
    "idempotency_keys": "actor, key",
    "timeline_entries": "incident_id, seq",
    "ledger_fresh": "incident_id, seq",
    "clock_segments": "incident_id, n",
    "outbox": "id",
}
_CATEGORIES = (
    "暴露垃圾",
    "占道经营",
    "路灯不亮",
    "井盖破损",
    "机动车乱停放",
    "道路不洁",
    "乱堆物料",
    "积水",
)
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Run:
    """How one run of the command ended."""

    seconds: float
    peak_mb: float
    steps: int
    said: str


def measure(bench: Bench) -> list[Row]:
    """A stack of its own: the file imported, its rows copied as the floor, the file again."""
    bench.fresh()
    with Stack("import") as stack:
        file, faults = stack.home / "reports.csv", stack.home / "faults.csv"
        bad = _write(file, stack)
        before = {name: stack.one(f"select count(*) from {name}") for name in TABLES}
        with paused(stack):
            ours = _import(stack, file, faults)
            stored = int(stack.one("select count(*) from incidents")) - before["incidents"]
            floor, plain, copied = _copy(stack, file)
            again = _import(stack, file, faults)
            named = len(faults.read_text("utf-8-sig").splitlines()) - 1
            stack.sql("truncate outbox")  # nobody waits for what follows: the stack ends at once
        twice = int(stack.one("select count(*) from incidents")) - before["incidents"] - stored
    rate, bare = SIZE / ours.seconds, SIZE / floor
    exact = stored == SIZE - bad and named == bad and twice == 0
    shown = ours.steps >= SIZE // 10_000
    return [
        Row(f"import of {SIZE:,} rows, located, with clocks", f"{rate:,.0f}/s", "≥ 0.15 of COPY",
            rate / bare >= 0.15 and exact, floor=f"{bare:,.0f}/s COPY of the stored rows",
            ratio=f"{rate / bare:.2f}", value=rate,
            note=f"{ours.seconds:.1f} s the whole command; {stored:,} stored, {named:,} bad rows "
                 f"named; {copied:,} rows of {len(TABLES)} tables copied in {floor:.1f} s; the "
                 f"bare file into one table {plain:.1f} s"),
        Row("import, peak memory", f"{ours.peak_mb:.0f} MB", f"≤ {MOST_MB} MB",
            ours.peak_mb <= MOST_MB, value=ours.peak_mb, note=f"progress said {ours.steps} times"),
        Row("import, progress shown", f"{ours.steps} steps", "≥ one in 10,000 rows", shown,
            value=ours.steps),
        Row("import of the same file again", f"{twice} new", "0", twice == 0, value=twice,
            note=f"{again.seconds:.1f} s; {again.said.strip().splitlines()[-1]}"),
    ]  # fmt: skip


def _import(stack: Stack, file: Path, faults: Path) -> Run:
    """Run the command; its own peak comes from the kernel."""
    began = time.monotonic()
    with (stack.home / "import.out").open("w+", encoding="utf-8") as out:
        verb = [sys.executable, "manage.py", "incidents", "import", str(file)]
        process = subprocess.Popen(
            [*verb, "--faults", str(faults)],
            cwd=ROOT, env=stack.environment(), stdout=out, stderr=out,
        )  # fmt: skip
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        out.seek(0)
        said = out.read()
    if status:
        raise RuntimeError(said[-2000:])
    steps = len(set(re.findall(r"(\d+)/\d+", said)))
    return Run(seconds, used.ru_maxrss / 1024, steps, said)


def _copy(stack: Stack, file: Path) -> tuple[float, float, int]:
    """Copy every stored row once more; returns the seconds, those of the file alone, how many."""
    spent, rows = 0.0, 0
    with psycopg.connect(stack.owner_url(), autocommit=True) as connection:
        for name, key in TABLES.items():
            columns = ", ".join(
                row[0] for row in connection.execute(
                    "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0"
                    " and not attisdropped order by attnum", [name])
            )  # fmt: skip
            path = stack.home / f"{name}.copy"
            made = f"create table bare_{name} (like {name}, primary key ({key}))"
            connection.execute(made.encode())
            told = f"copy (select {columns} from {name}) to stdout".encode()
            with (
                path.open("wb") as out,
                connection.cursor() as cursor,
                cursor.copy(told) as stored,
            ):
                for block in stored:
                    out.write(block)
            rows += sum(1 for _ in path.open("rb"))
            spent += _timed(connection, f"copy bare_{name} ({columns}) from stdin", path)
        fields = ", ".join(f"c{n} text" for n in range(len(HEAD)))
        connection.execute(f"create table bare_file (n serial primary key, {fields})".encode())
        places = ", ".join(f"c{n}" for n in range(len(HEAD)))
        plain = _timed(
            connection,
            f"copy bare_file ({places}) from stdin (format csv, header, encoding 'gb18030')",
            file,
        )
    return spent, plain, rows


def _timed(connection: psycopg.Connection[tuple[object, ...]], statement: str, path: Path) -> float:
    began = time.perf_counter()
    with (
        path.open("rb") as rows,
        connection.cursor() as cursor,
        cursor.copy(statement.encode()) as copy,
    ):
        while block := rows.read(_BLOCK):
            copy.write(block)
    return time.perf_counter() - began


def _write(path: Path, stack: Stack) -> int:
    """Write the seeded table; returns how many of its rows are bad."""
    rng, points = Random(430121), points_of(stack)
    villages = [
        (str(code), str(name))
        for code, name in stack.sql("select code, name from grid_villages where valid_to is null")
    ]
    bad = 0
    with path.open("w", encoding="gb18030", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEAD)
        for n in range(SIZE):
            row = _row(n, rng, points, villages)
            if n % BAD_EVERY == 7:
                _spoil(row, n // BAD_EVERY)
                bad += 1
            writer.writerow(row)
    return bad


def _row(
    n: int, rng: Random, points: list[tuple[float, float]], villages: list[tuple[str, str]]
) -> list[str]:
    """Seven of ten have a point, the rest a village code or its name in the address alone."""
    lon, lat, code, (village, name) = "", "", "", rng.choice(villages)
    kind = rng.random()
    if kind < 0.7:
        lon, lat = (f"{each:.6f}" for each in rng.choice(points))
    elif kind < 0.85:
        code = village
    words = f"第 {n} 件：{rng.getrandbits(64):x}，请尽快安排处理，群众反映多次。"
    return [
        f"GD{n:012d}", rng.choice(_CATEGORIES), words, lon, lat,
        "cgcs2000" if lon else "", code, f"{name}第 {rng.randrange(300)} 号", "12345热线",
        f"市民{n % 9973}", f"139{n:08d}", f"2026-11-{1 + n % 20:02d} {n % 24:02d}:{n % 60:02d}",
    ]  # fmt: skip


def _spoil(row: list[str], turn: int) -> None:
    """Make a row bad in one of seven ways."""
    place, words = (
        (1, "没有这一类"), (2, ""), (3, "28.2"), (6, "4301"), (8, "不知道"), (10, "无"),
        (11, "前天"),
    )[turn % 7]  # fmt: skip
    row[place] = words
    if place == 3:
        row[4] = "113.1"
