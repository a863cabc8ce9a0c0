"""A stored past (历史案件): seeded incidents over 90 days, copied in bulk into a database.

    python -m tests.bench.million DATABASE_URL [COUNT [whole]]

Cases stand in their cells, categories and hours follow the simulator's mix, and all but the newest
few thousand are closed.  Each has its report and its last line in the timeline, its keys and its
facts: a weight for scale tests.  Filled `whole`, each has its full history, and the ledger holds.
"""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from core.ids import CROCKFORD
from simulator import mix
from simulator.places import TOWN_PEOPLE
from tests.bench import history

DAYS = 90
OPEN_CASES = 5_000
SEED = 430121
LOCAL = ZoneInfo("Asia/Shanghai")
_BATCH = 20_000
_POINTS_A_CELL = 24
_REST_S = 120.0
_SWEEPING = "select count(*) from pg_stat_activity where backend_type = 'autovacuum worker'"
_CASE = (
    "id number tracking_code rev status level category category_version title description "
    "source point address located_by cell_code village_code town_code units persons "
    "lead_unit holder_unit handled_by handling_unit urgent reported_at filed_at "
    "assigned_at signed_at fed_back_at closed_at due_at due_stage mark_percent next_mark_at "
    "reporter_name_enc reporter_phone_enc"
)
_ENTRY = (
    "incident_id seq action status_before status_after actor_name actor_role unit_id note "
    "recorded_at"
)
_FACT = (
    "incident_id rev town_code village_code cell_code units persons confidential lead_unit "
    "category level source status drill valid reported_at filed_at handled_at closed_at "
    "handle_due_at on_time accepted_on_time assigned_on_time signed_on_time "
    "checked_on_time returns reworks extensions suspended reopens formula"
)
_OPEN_STATES = ("reported", "filed", "assigned", "handling", "checking")
_OPEN_SHARES = (8, 7, 20, 55, 10)


@dataclass(frozen=True)
class Ground:
    """What the cases stand on, read from the stack's own tables."""

    places: list[tuple[int, int, int, str]]  # cell, village, town, point as EWKT
    weights: list[float]
    categories: dict[str, tuple[str, int]]  # name -> code, level
    version: int
    town_units: dict[int, int]
    departments: list[int]


def read_ground(connection: psycopg.Connection[Any]) -> Ground:
    """Points inside every current cell, the loaded catalogue and the units."""
    rows = connection.execute(
        f"""
        select code, village_code, town_code, ST_AsEWKT((ST_Dump(
            ST_GeneratePoints(area, {_POINTS_A_CELL}, 1 + (code % 9973)::int))).geom)
        from grid_cells where valid_to is null order by code
        """.encode()
    ).fetchall()
    cells: dict[int, set[int]] = {}
    for cell, _, town, _ in rows:
        cells.setdefault(town, set()).add(cell)
    weights = [TOWN_PEOPLE.get(town, 10.0) / len(cells[town]) for _, _, town, _ in rows]
    found = connection.execute(
        "select name, code, level, version from categories"
        " where version = (select max(version) from categories)"
    ).fetchall()
    units = connection.execute("select id, kind, town_code from units").fetchall()
    return Ground(
        places=rows,
        weights=weights,
        categories={name: (code, level) for name, code, level, _ in found},
        version=found[0][3],
        town_units={town: unit for unit, kind, town in units if kind == "town"},
        departments=[unit for unit, kind, _ in units if kind == "department"],
    )


def times(rng: Random, count: int, *, now: datetime) -> list[datetime]:
    """`count` ascending moments of the last 90 days that follow the hours of a day."""
    midnight = now.astimezone(LOCAL).replace(hour=0, minute=0, second=0, microsecond=0)
    hours = rng.choices(range(24), weights=mix.HOUR_WEIGHTS, k=count)
    days = rng.choices(range(DAYS + 1), k=count)
    drawn = (
        midnight - timedelta(days=day) + timedelta(seconds=hour * 3600 + rng.random() * 3600)
        for day, hour in zip(days, hours, strict=True)
    )
    first = now - timedelta(days=DAYS)
    return sorted(
        (at if first < at < now else now - timedelta(seconds=rng.random() * DAYS * 86_400))
        .astimezone(UTC) for at in drawn
    )  # fmt: skip


def uuid7_of(rng: Random, at: datetime) -> str:
    """A version-7 id of that moment from the seeded source."""
    value = int(at.timestamp() * 1000) << 80 | 7 << 76 | rng.getrandbits(12) << 64
    text = f"{value | 2 << 62 | rng.getrandbits(62):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def cases(
    ground: Ground, *, count: int, now: datetime, first: int = 0, still_open: int = OPEN_CASES
) -> Iterator[dict[str, Any]]:
    """One dict a case with every column of the tables below; `first`: the first running number."""
    rng = Random(f"{SEED}:{first}")
    known = frozenset(ground.categories)
    stands = rng.choices(range(len(ground.places)), weights=ground.weights, k=count)
    for n, (at, stand) in enumerate(zip(times(rng, count, now=now), stands, strict=True)):
        event = mix.happening(rng, known)
        cell, village, town, point = ground.places[stand]
        code, level = ground.categories[event.category]
        is_open = count - n <= still_open
        case = {
            "id": uuid7_of(rng, at),
            "number": f"{at.astimezone(LOCAL):%Y%m%d}{(first + n) % 1_000_000:06d}",
            "tracking_code": "".join(rng.choices(CROCKFORD, k=10)),
            "category": code, "category_version": ground.version, "level": level,
            "title": event.category, "description": f"{event.category}，请处理。",
            "source": str(event.source), "point": point, "located_by": "point",
            "cell_code": cell, "village_code": village, "town_code": town,
            "urgent": level <= 2, "reported_at": at, "persons": [], "mark_percent": 0,
        }  # fmt: skip
        yield case | _course(rng, case, ground, still_open=is_open)


def _course(
    rng: Random, case: dict[str, Any], ground: Ground, *, still_open: bool
) -> dict[str, Any]:
    """How far the case came, and when."""
    at, town_unit = case["reported_at"], ground.town_units[case["town_code"]]
    lead = rng.choice(ground.departments) if rng.random() < 0.4 else town_unit
    limit = timedelta(hours=2 if case["urgent"] else 24)
    worked = limit * rng.lognormvariate(-0.9, 0.7)
    steps = [timedelta(minutes=rng.uniform(1, 40)) for _ in range(3)]
    filed, assigned = at + steps[0], at + steps[0] + steps[1]
    signed = assigned + steps[2]
    status = rng.choices(_OPEN_STATES, weights=_OPEN_SHARES)[0] if still_open else "closed"
    reached = ("reported", "filed", "assigned", "handling", "checking", "closed").index(status)
    due = signed + limit
    fed_back = signed + worked
    moments = (filed, assigned, signed, fed_back, fed_back + timedelta(minutes=30))
    kept = [moment if reached > n else None for n, moment in enumerate(moments)]
    return {
        "status": status, "rev": reached + 1, "address": None,
        "units": [town_unit] if lead == town_unit else [town_unit, lead],
        "lead_unit": lead if reached >= 2 else None,
        "holder_unit": lead if reached in {2, 3} else town_unit,
        "handling_unit": lead if reached >= 4 else None, "handled_by": None,
        "filed_at": kept[0], "assigned_at": kept[1], "signed_at": kept[2],
        "fed_back_at": kept[3], "closed_at": kept[4],
        "due_at": None if status == "closed" else due, "due_stage": "handle",
        "handle_due_at": due if reached >= 3 else None,
        "on_time": fed_back <= due if reached >= 4 else None,
    }  # fmt: skip


def fill(
    url: str,
    *,
    count: int = 1_000_000,
    first: int = 0,
    still_open: int = OPEN_CASES,
    whole: bool = False,
) -> float:
    """Copy `count` cases into the database at `url` and return the seconds it took.

    `whole`: each with every line of its history and every clock, so that the ledger proves it.
    """
    began = time.monotonic()
    with psycopg.connect(url) as connection:
        connection.execute("set synchronous_commit = off")
        for n in range(-4, 1):
            connection.execute(
                "select yiwang.ensure_incident_month(now() + make_interval(months => %s))", [n]
            )
        ground = read_ground(connection)
        indexes = _drop_indexes(connection)
        made, batch = 0, []
        source = cases(
            ground, count=count, now=datetime.now(UTC), first=first, still_open=still_open
        )
        reckoned_by = history.books(connection) if whole else None
        for case in source:
            batch.append(case | history.whole(case, reckoned_by) if reckoned_by else case)
            if len(batch) == _BATCH:
                _copy_all(connection, batch)
                made, batch = made + len(batch), []
                if made % (5 * _BATCH) == 0:
                    print(
                        f"{made:,} of {count:,}, {time.monotonic() - began:.0f} s", file=sys.stderr
                    )
        _copy_all(connection, batch)
        for statement in indexes:
            connection.execute(statement.encode())
        connection.execute("select setval('incident_numbers', %s)", [first + count])
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "vacuum (analyze) incidents, timeline_entries, clock_segments, case_fact, incident_keys"
        )
        seconds = time.monotonic() - began
        _rest(connection)
    return seconds


def _rest(connection: psycopg.Connection[Any]) -> None:
    """Wait until the database has written out and swept what was copied: a past is not news."""
    connection.execute("checkpoint")
    until = time.monotonic() + _REST_S
    while time.monotonic() < until and connection.execute(_SWEEPING).fetchone() != (0,):
        time.sleep(0.5)


def _drop_indexes(connection: psycopg.Connection[Any]) -> list[str]:
    """Drop the plain indexes of `incidents` and return the statements that make them again."""
    found = connection.execute(
        """
        select c.relname, pg_get_indexdef(i.indexrelid)
        from pg_index i join pg_class c on c.oid = i.indexrelid
        where i.indrelid = 'incidents'::regclass and not i.indisprimary and not i.indisunique
        """
    ).fetchall()
    for name, _ in found:
        connection.execute(f'drop index "{name}"'.encode())
    return [statement.replace(" ON ONLY ", " ON ") for _, statement in found]


def _copy_all(connection: psycopg.Connection[Any], batch: list[dict[str, Any]]) -> None:
    _copy(connection, "incidents", _CASE, [_case(case) for case in batch])
    keys = [[case["number"], case["tracking_code"], case["id"]] for case in batch]
    _copy(connection, "incident_keys", "number tracking_code id", keys)
    told = [case for case in batch if "lines" in case]
    _copy(connection, "timeline_entries", history.ENTRY, [row for c in told for row in c["lines"]])
    _copy(connection, "clock_segments", history.SEGMENT,
          [row for case in told for row in case["segments"]])  # fmt: skip
    lines = [line for case in batch if "lines" not in case for line in _lines(case)]
    _copy(connection, "timeline_entries", _ENTRY, lines)
    _copy(connection, "case_fact", _FACT, [_fact(case) for case in batch])


def _copy(
    connection: psycopg.Connection[Any], table: str, columns: str, rows: list[list[Any]]
) -> None:
    statement = f"copy {table} ({', '.join(columns.split())}) from stdin".encode()
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _case(case: dict[str, Any]) -> list[Any]:
    return [case.get(column) for column in _CASE.split()]


def _lines(case: dict[str, Any]) -> Iterator[list[Any]]:
    unit = case["units"][0]
    yield [case["id"], 1, "report", None, "reported", "历史数据", "machine", unit, None,
           case["reported_at"]]  # fmt: skip
    if case["status"] == "closed":
        yield [case["id"], 2, "pass_check", "checking", "closed", "历史数据", "machine", unit, None,
               case["closed_at"]]  # fmt: skip


def _fact(case: dict[str, Any]) -> list[Any]:
    known = case | {
        "incident_id": case["id"], "confidential": False, "drill": False, "valid": True,
        "handled_at": case["fed_back_at"], "accepted_on_time": True, "assigned_on_time": True,
        "signed_on_time": True, "checked_on_time": case["status"] == "closed" or None,
        "returns": 0, "reworks": 0, "extensions": 0, "suspended": False, "reopens": 0, "formula": 1,
    }  # fmt: skip
    return [known.get(column) for column in _FACT.split()]


if __name__ == "__main__":
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    spent = fill(sys.argv[1], count=size, whole="whole" in sys.argv[3:])
    print(json.dumps({"cases": size, "seconds": round(spent, 1)}))
