"""Whole histories for stored cases (完整案卷): every line and clock, as the ledger tells them."""

import hashlib
import json
import secrets
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import psycopg

from core import crypto
from dispatch.incidents import catalogue, chain
from dispatch.incidents.ledger import PROJECTIONS, Books, Line, retell
from people.calendars.holidays import announced_years
from people.calendars.years import compile_book

ENTRY = (
    "incident_id seq action status_before status_after actor_name actor_role unit_id note data "
    "recorded_at salts commitments"
)
SEGMENT = (
    "incident_id n stage unit_id kind limit_minutes cause started_at due_at ended_at "
    "allowance_minutes spent_minutes calendar"
)
_NAME, _ROLE = "历史数据", "town_centre"
_CITIZENS = frozenset({"snap", "hotline", "window", "app"})
_REPORTER = "来电人"


def books(connection: psycopg.Connection[Any]) -> Books:
    """What stored cases are reckoned by: the loaded catalogue, the units, the national calendar."""
    found = connection.execute("select version, tree from catalogue_versions").fetchall()
    editions = {version: catalogue.read(tree, version=version) for version, tree in found}
    kinds = dict(connection.execute("select id, kind from units").fetchall())
    national = compile_book(0, announced_years())
    return Books(
        category=lambda version, code: editions[version].categories[code],
        tier=lambda unit: kinds.get(unit, "department") if unit else "department",
        calendars=lambda town: {0: national.of(town)},
    )


def whole(case: dict[str, Any], reckoned_by: Books) -> dict[str, Any]:
    """What the case must stand as after its lines, with the rows of its history and clocks."""
    lines = list(_lines(case, reckoned_by))
    told, segments = retell(lines, reckoned_by)
    bound = _reporter(case) if case["source"] in _CITIZENS else {}
    case = case | bound
    return {
        **bound,
        **{name: getattr(told, name) for name in PROJECTIONS},
        "rev": len(lines),
        "lines": [_entry(case, line) for line in lines],
        "segments": [
            [
                case["id"], n, each.stage.value, each.unit, each.limit.kind.value,
                each.limit.minutes, each.cause, each.started_at, each.due_at, each.ended_at,
                each.allowance, each.spent, 0,
            ]
            for n, each in enumerate(segments, start=1)
        ],
    }  # fmt: skip


def _reporter(case: dict[str, Any]) -> dict[str, Any]:
    """A citizen's name and telephone, sealed with the installation's own keys."""
    phone = "139" + case["number"][-8:]
    return {
        "reporter_name_enc": crypto.encrypt(_REPORTER, "reporter_name"),
        "reporter_phone_enc": crypto.encrypt(phone, "reporter_phone"),
        "bound": chain.bind_reporter(_REPORTER, phone),
    }


def _lines(case: dict[str, Any], reckoned_by: Books) -> Iterator[Line]:
    town_unit = case["units"][0]
    first = {
        "source": case["source"], "category": case["category"], "level": case["level"],
        "category_version": case["category_version"], "holder_unit": town_unit,
        "town_code": case["town_code"], "located_by": "point",
    }  # fmt: skip
    yield _line(1, "report", moves=(None, "reported"), at=case["reported_at"], data=first)
    before, seq = "reported", 1
    category = reckoned_by.category(case["category_version"], case["category"])
    steps: list[tuple[str, str, datetime | None, dict[str, Any]]] = [
        ("accept", "filed", case["filed_at"], {}),
        ("assign", "assigned", case["assigned_at"], {"to_unit": case["units"][-1]}),
        ("sign", "handling", case["signed_at"], {}),
        ("feed_back", "checking", case["fed_back_at"], {}),
        ("pass_check", "closed", case["closed_at"], {}),
    ]
    if category.verify_first:
        steps[:1] = [
            ("accept", "verifying", case["filed_at"], {}),
            ("verify", "filed", case["filed_at"], {"true": True}),
        ]
    for action, after, at, data in steps:
        if at is None:
            return
        seq += 1
        yield _line(seq, action, moves=(before, after), at=at, data=data)
        before = after


def _line(
    seq: int, action: str, *, moves: tuple[str | None, str], at: datetime, data: dict[str, Any]
) -> Line:
    return Line(seq, action, *moves, _ROLE, None, None, None, data, at)


def _entry(case: dict[str, Any], line: Line) -> list[Any]:
    note = "已处理。" if line.action == "feed_back" else None
    salts: list[bytes | None] | None = None
    commitments: list[bytes | None] | None = None
    if line.seq == 1:  # as PostgreSQL writes it
        salt = secrets.token_bytes(16)
        said = json.dumps([case["description"], None, {}, None, []], ensure_ascii=False)
        bound = case.get("bound", (None, None))
        salts = [salt, None, bound[0]]
        commitments = [hashlib.sha256(salt + said.encode()).digest(), None, bound[1]]
    return [
        case["id"], line.seq, line.action, line.status_before, line.status_after, _NAME, _ROLE,
        None, note, json.dumps(line.data), line.at, salts, commitments,
    ]  # fmt: skip
