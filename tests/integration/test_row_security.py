"""Raw SQL behind the pages: what each database login reads, table by table, from the catalog."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from core.access import SETTINGS, Access
from core.db import Base, dsn, transaction
from dispatch.command import service as command
from people.roles import Role
from people.scope import Holding, access_of
from tests.cases import TOWN, Cast, cast, in_hand, one, rows
from tests.county import County

OTHER_TOWN = 430121002
# tables that hold people's data and stand open to the web login, and why
OPEN_TO_THE_WEB = {
    "accounts": "a sign-in must find the account before it knows who calls",
    "sessions": "a cookie is looked up by the hash of its token",
    "api_keys": "a key is looked up by its hash",
    "recovery_codes": "hashes alone; a sign-in looks one up before it knows who calls",
    "kiosks": "a wall's link is looked up by its hash",
    "presence_exceptions": "when a unit's window is not manned is for everybody to know",
    "modes": "who declared a mode, and why, is for every unit to know",
    "heartbeats": "parts of the platform report here; no person and no case is named",
    "lockouts": "failures are counted for whoever tries",
    "rota_shifts": "whoever works here may know who is on duty: ids and times, no name",
    "rota_rotations": "by which rule turns are taken: ids, no name",
    "rota_months": "how often a month was saved",
    "rota_links": "a signed link is looked up before it is known who calls; ids alone",
}
PERSONAL = {"personal", "confidential"}
NAMELESS = ("responder_positions", "point")  # where a squad is, shown on maps without a name


@pytest.fixture(scope="module")
def people(database: str) -> Cast:
    del database
    return cast()


@pytest.fixture(scope="module")
def case(people: Cast) -> UUID:
    """Return a case of one town with everything about it: history, clocks, requests, orders."""
    found = in_hand(people)
    people.worker.act(found, "request", request_kind="extension", note="雨还在下")
    people.town.act(found, "urge", note="请抓紧")
    County(started=one("select now() as at")["at"]).settle_down()
    with transaction(people.town.access) as session:
        session.execute(text("select 1"))
        command.proposal_of(session, found)
    return found


def columns() -> dict[str, dict[str, str]]:
    """Return table → column → class, of every feature's tables."""
    return {
        table.name: {column.name: column.info.get("class", "") for column in table.columns}
        for table in Base.metadata.tables.values()
    }


def granted(role: str, table: str) -> bool:
    """Tell whether a login may read any column of a table."""
    found = one("select has_any_column_privilege(:r, :t, 'select') as may", r=role, t=table)
    return bool(found["may"])


def secured() -> list[str]:
    """Return every table whose rows are secured."""
    found = rows(
        "select relname from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind in ('r', 'p') and not relispartition and relrowsecurity order by 1"
    )
    return [row["relname"] for row in found]


def test_every_table_with_personal_or_case_content_has_row_security(database: str) -> None:
    del database
    behind, known = set(secured()), columns()
    every = rows(
        "select relname, array(select attname::text from pg_attribute where attrelid = c.oid"
        " and attnum > 0 and not attisdropped) as columns from pg_class c"
        " where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
        " and not relispartition"
    )
    bare = []
    for table in every:
        name = table["relname"]
        classes = set(known.get(name, {}).values())
        holds = classes & PERSONAL or {"incident_id", "subject"} & set(table["columns"])
        if holds and name not in behind - catalogues() and granted("yiwang_web", name):
            bare.append(name)
    assert set(bare) <= set(OPEN_TO_THE_WEB), (
        f"row security is missing on {sorted(set(bare) - set(OPEN_TO_THE_WEB))}; secure the table, "
        "take the grant away, or say in OPEN_TO_THE_WEB why it stands open"
    )


def catalogues() -> set[str]:
    """Return the tables whose every row the web login reads; a policy may still guard writing."""
    found = rows(
        "select distinct tablename from pg_policies where schemaname = 'public' and qual = 'true'"
        " and cmd in ('SELECT', 'ALL') and roles && '{yiwang_web,public}'"
    )
    return {row["tablename"] for row in found}


def test_the_web_and_worker_logins_own_nothing_and_bypass_nothing(database: str) -> None:
    del database
    owned = rows(
        "select relname from pg_class c join pg_roles r on r.oid = c.relowner"
        " where r.rolname in ('yiwang_web', 'yiwang_worker', 'gis_reader')"
    )
    assert owned == []
    strong = rows(
        "select rolname from pg_roles where rolname in ('yiwang_web', 'yiwang_worker',"
        " 'gis_reader') and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb)"
    )
    assert strong == []


@pytest.fixture
def web(database: str) -> Iterator[psycopg.Connection[Any]]:
    """Open a bare connection as the web login: no pool, no settings."""
    del database
    with psycopg.connect(dsn("web"), autocommit=True) as connection:
        yield connection


def _set(web: psycopg.Connection[Any], access: Access | None) -> None:
    wanted = access.as_settings() if access else dict.fromkeys(SETTINGS, "")
    for name, value in wanted.items():
        web.execute("select set_config(%s, %s, false)", [f"yiwang.{name}", value])


def test_without_a_setting_no_secured_table_gives_a_row(
    web: psycopg.Connection[Any], case: UUID
) -> None:
    del case
    leaks = []
    for table in secured():
        if granted("yiwang_web", table) and table not in catalogues():
            (count,) = web.execute(f'select count(*) from "{table}"'.encode()).fetchone() or (0,)
            if count:
                leaks.append((table, count))
    assert leaks == []


@pytest.mark.parametrize("role", [Role.TOWN_CENTRE, Role.DEPARTMENT, Role.GRID_WORKER])
def test_another_areas_settings_give_no_row_about_the_case(
    web: psycopg.Connection[Any], case: UUID, role: Role
) -> None:
    other = "select max(id) as id from units where kind = 'department' and code <> 'D-CG'"
    unit = one(other)["id"] if role is Role.DEPARTMENT else 0
    cell = one("select min(code) as code from grid_cells where town_code = :t", t=OTHER_TOWN)
    holding = Holding(unit=unit, town_code=OTHER_TOWN, cells=(cell["code"],), person=1_999_999)
    _set(web, access_of(role, holding))
    needle = one("select number, tracking_code from incidents where id = :id", id=case)
    words = [str(case), needle["number"], needle["tracking_code"]]
    leaks, tables = [], secured()
    for table in tables:
        if granted("yiwang_web", table):
            found = web.execute(
                f'select t::text from "{table}" t where {_names_it(table)}'.encode(),
                {"words": [f"%{word}%" for word in words]},
            ).fetchall()
            leaks += [(table, row) for row in found]
    assert leaks == []


def _names_it(table: str) -> str:
    """Return a condition on the columns this login may read: a row that names the case at all."""
    readable = rows(
        "select attname from pg_attribute where attrelid = cast(:t as regclass) and attnum > 0"
        " and not attisdropped and has_column_privilege('yiwang_web', attrelid, attnum, 'select')",
        t=table,
    )
    return " or ".join(f'"{row["attname"]}"::text like any(%(words)s)' for row in readable)


def test_the_town_itself_reads_what_others_could_not(
    web: psycopg.Connection[Any], case: UUID, people: Cast
) -> None:
    _set(web, people.town.access)
    for table in ("timeline_entries", "clock_segments", "case_fact"):
        found = web.execute(
            f"select count(*) from {table} where incident_id = %s".encode(), [case]
        ).fetchone()
        assert found is not None
        assert found[0] >= 1, table
    found = web.execute("select count(*) from incidents where town_code <> %s", [TOWN]).fetchone()
    assert found == (0,)


# gis -----------------------------------------------------------------------------------------


def gis_views() -> list[str]:
    found = rows(
        "select relname from pg_class where relnamespace = 'gis'::regnamespace"
        " and relkind in ('v', 'm', 'r') order by 1"
    )
    return [row["relname"] for row in found]


def test_the_gis_views_open_to_their_reader_and_to_no_account(case: UUID) -> None:
    del case
    views = gis_views()
    assert {"incidents", "alerts", "responders", "towns", "villages", "cells"} <= set(views)
    for view in views:
        assert granted("gis_reader", f"gis.{view}")
        for login in ("yiwang_web", "yiwang_worker"):  # every account and key is one of these
            assert not granted(login, f"gis.{view}"), (view, login)


def test_no_gis_view_shows_a_personal_or_confidential_column(database: str) -> None:
    del database
    read = rows(
        """
        select distinct v.relname as view, t.relname as table, a.attname as column
        from pg_depend d join pg_rewrite r on r.oid = d.objid join pg_class v on v.oid = r.ev_class
          join pg_class t on t.oid = d.refobjid
          join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
        where v.relnamespace = 'gis'::regnamespace and t.relnamespace = 'public'::regnamespace
          and d.refobjsubid > 0
        """
    )
    known = columns()
    shown = [row for row in read if known.get(row["table"], {}).get(row["column"]) in PERSONAL]
    assert [(row["table"], row["column"]) for row in shown] == [NAMELESS]
    assert {row["view"] for row in read} == set(gis_views())


def test_the_gis_reader_reads_no_confidential_case_nor_any_other_table(
    case: UUID, people: Cast
) -> None:
    secret = people.town.report("涉赌线索").incident.id
    with psycopg.connect(dsn("owner"), autocommit=True) as connection:
        connection.execute("set role gis_reader")
        seen = {row[0] for row in connection.execute("select id from gis.incidents").fetchall()}
        assert case in seen
        assert secret not in seen
        for statement in (
            "select description from incidents",
            "select reporter_phone_enc from incidents",
            "select * from timeline_entries",
            "select * from staff",
            "select name from responders",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())
