"""The audit trail: sealed, so that what was altered, removed or slipped in is named."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import openpyxl
import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy import text
from starlette.testclient import TestClient

from core import audit, clock, db, seals
from core.access import Access
from core.commands import audit as command
from core.db import transaction
from core.settings import settings
from tests import web
from tests.cases import rows
from workers import sweeps

pytestmark = pytest.mark.usefixtures("database")
SEALED_WITHIN_S = 60.0


def record(action: str = "people.moved", *, age: timedelta = timedelta(), **more: Any) -> int:
    """Add one row as the web does; returns its number."""
    with transaction(Access("admin", administers=True)) as session:
        at = clock.now() - age
        audit.record(session, action, subject="staff:1", actor="管理员", at=at, **more)
    return int(rows("select max(id) as id from audit")[0]["id"])


def sweep(*, age: timedelta = timedelta()) -> None:
    """Run the sealing once: it seals what its last run noted, and notes what is there now."""
    with transaction(Access.worker()) as session:
        seals.seal(session, at=clock.now() - age)


def seal(*, age: timedelta = timedelta()) -> None:
    """Seal what is there; a transaction of any database of the server may hold it up a little."""
    newest = rows("select coalesce(max(id), 0) as id from audit")[0]["id"]
    until = time.monotonic() + SEALED_WITHIN_S
    sealed = -1
    while sealed < newest:
        assert time.monotonic() < until, "rows stay unsealed"
        sweep(age=age)
        sealed = rows("select coalesce(max(last_id), 0) as id from audit_seals")[0]["id"]


def tamper(statement: str) -> None:
    """Change the trail as somebody who owns the database and switches its guards off."""
    with psycopg.connect(db.dsn("owner"), autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(statement)


def verdict() -> seals.Verdict:
    with transaction(Access.owner()) as session:
        return seals.verify(session)


@pytest.fixture
def undone() -> Iterator[None]:
    """Put the trail back as it was, whatever the test does to it."""
    with psycopg.connect(db.dsn("owner"), autocommit=True) as connection:
        for table in ("audit", "audit_seals", "audit_marks"):
            connection.execute(f"create table kept_{table} as table {table}")
        yield
        connection.execute("set session_replication_role = replica")
        for table in ("audit", "audit_seals", "audit_marks"):
            connection.execute(f"delete from {table}")
            connection.execute(f"insert into {table} table kept_{table}")
            connection.execute(f"drop table kept_{table}")
        (settings().home / seals.HEAD_FILE).unlink(missing_ok=True)


@pytest.fixture(scope="module")
def client(database: str) -> Iterator[TestClient]:
    del database
    with web.serving() as served:
        yield served


@pytest.mark.usefixtures("undone")
def test_an_untouched_trail_holds() -> None:
    record()
    seal()
    last = record()
    found = verdict()
    assert found.faults == ()
    assert found.rows >= 1
    assert found.unsealed >= 1
    assert last


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("update audit set actor = '别人' where id = {row}", "第 {row} 条审计记录被改动过"),
        ("update audit set after = '{{\"x\": 1}}' where id = {row}", "第 {row} 条审计记录被改动过"),
        ("update audit set at = at - interval '1 hour' where id = {row}", "{row} 条审计记录被改动"),
        ("delete from audit where id = {row}", "第 {row} 条审计记录被删除"),
    ],
)
@pytest.mark.usefixtures("undone")
def test_a_sealed_row_that_was_changed_or_removed_is_named(change: str, said: str) -> None:
    record()
    row = record(after={"unit": "430121001"})
    record()
    seal()
    tamper(change.format(row=row))
    (fault,) = verdict().faults
    assert said.format(row=row) in fault.what
    assert fault.row == row


@pytest.mark.usefixtures("undone")
def test_a_row_whose_digest_was_forged_too_is_named() -> None:
    row = record()
    seal()
    digest = seals._RECOMPUTED.text.split("sha256(", 1)[1].split(" as recomputed")[0]
    tamper(f"update audit set actor = '别人' where id = {row}")
    tamper(f"update audit a set digest = sha256({digest} where id = {row}")
    (fault,) = verdict().faults
    assert fault.row == row


@pytest.mark.usefixtures("undone")
def test_an_altered_row_that_is_not_sealed_yet_is_named() -> None:
    row = record()
    tamper(f"update audit set subject = 'staff:2' where id = {row}")
    assert [fault.row for fault in verdict().faults] == [row]


@pytest.mark.usefixtures("undone")
def test_a_row_slipped_in_under_a_seal_is_named() -> None:
    record()
    row = record()
    record()
    tamper(f"delete from audit where id = {row}")
    seal()
    tamper(
        "insert into audit (id, at, actor, action, subject, salt, digest)"
        f" values ({row}, now(), '某人', 'people.moved', 'staff:9', 'x', 'y')"
    )
    (fault,) = verdict().faults
    assert fault.what == f"第 {row} 条审计记录是封印之后插入的"


@pytest.mark.usefixtures("undone")
def test_a_seal_that_was_rewritten_or_taken_out_is_named() -> None:
    for _ in range(3):
        record()
        seal()
    last = rows("select max(n) as n from audit_seals")[0]["n"]
    tamper(f"update audit_seals set sealed_at = sealed_at + interval '1 second' where n = {last}")
    assert [fault.seal for fault in verdict().faults] == [last]
    tamper(f"delete from audit_seals where n = {last - 1}")
    assert f"缺少第 {last - 1} 至 {last - 1} 号封印" in {f.what for f in verdict().faults}


@pytest.mark.usefixtures("undone")
def test_cutting_the_end_off_is_seen_by_the_note_beside_the_keys() -> None:
    record()
    seal()
    record()
    seal()
    with transaction(Access.worker()) as session:
        seals.note_head(session)
    last = rows("select n, after_id from audit_seals order by n desc limit 1")[0]
    tamper(f"delete from audit_seals where n = {last['n']}")
    tamper(f"delete from audit where id > {last['after_id']}")
    assert any("末尾的封印被截去" in fault.what for fault in verdict().faults)


@pytest.mark.usefixtures("undone")
def test_a_row_still_being_written_is_left_to_the_next_seal() -> None:
    seal()
    with psycopg.connect(db.dsn("owner")) as slow:
        slow.execute(
            "insert into audit (at, actor, action, subject) values (now(), '慢', 'x.y', 'z')"
        )
        record()
        for _ in range(3):
            sweep()
        slow.commit()
    assert verdict().faults == ()
    seal()
    found = verdict()
    assert found.faults == ()
    assert found.unsealed == 0


@pytest.mark.usefixtures("undone")
def test_a_row_begun_while_older_ones_are_sealed_is_left_to_the_next_seal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seal()
    record()
    sweep()
    real = seals._seal_up_to
    with psycopg.connect(db.dsn("owner")) as slow:

        def seal_while_another_writes(*known: Any, **more: Any) -> int:
            done = real(*known, **more)
            slow.execute(
                "insert into audit (at, actor, action, subject) values (now(), '慢', 'x.y', 'z')"
            )
            record()
            return done

        monkeypatch.setattr(seals, "_seal_up_to", seal_while_another_writes)
        seal()
        monkeypatch.undo()
        for _ in range(3):
            sweep()
        slow.commit()
    seal()
    found = verdict()
    assert found.faults == ()
    assert found.unsealed == 0


@pytest.mark.usefixtures("undone")
def test_two_hundred_writers_and_a_sealer_leave_a_sound_trail() -> None:
    import concurrent.futures  # noqa: PLC0415

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        writing = [pool.submit(record) for _ in range(200)]
        for _ in range(20):
            sweep()
        concurrent.futures.wait(writing)
    seal()
    assert all(each.exception() is None for each in writing)
    found = verdict()
    assert found.faults == ()
    assert found.unsealed == 0


@pytest.mark.usefixtures("undone")
def test_nothing_younger_than_180_days_can_be_removed() -> None:
    row = record()
    seal()
    at = clock.now()
    with transaction(Access.owner()) as session, pytest.raises(seals.TooYoung):
        seals.prune(session, before=at - timedelta(days=179), actor="t", at=at)
    with psycopg.connect(db.dsn("owner"), autocommit=True) as connection:
        for statement in (f"delete from audit where id = {row}", "truncate audit",
                          f"update audit set actor = 'x' where id = {row}"):  # fmt: skip
            with pytest.raises(psycopg.errors.RestrictViolation):
                connection.execute(statement)


@pytest.mark.usefixtures("undone")
def test_old_rows_go_their_seals_stay_and_the_rest_still_verifies() -> None:
    seal(age=timedelta(days=200))
    old = record(age=timedelta(days=200))
    seal(age=timedelta(days=200))
    young = record()
    seal()
    with transaction(Access.owner()) as session:
        before = clock.now() - timedelta(days=190)
        gone = seals.prune(session, before=before, actor="t", at=clock.now())
    assert gone >= 1
    assert not rows("select 1 from audit where id = :id", id=old)
    assert rows("select 1 from audit where id = :id", id=young)
    assert rows("select 1 from audit where action = 'audit.prune'")
    assert verdict().faults == ()


@pytest.mark.usefixtures("undone")
def test_rows_marked_as_pruned_too_early_are_named() -> None:
    record()
    seal()
    last = rows("select n, after_id from audit_seals order by n desc limit 1")[0]
    tamper(f"delete from audit where id > {last['after_id']}")
    tamper(f"update audit_seals set pruned_at = now() where n = {last['n']}")
    assert ["不足 180 天" in fault.what for fault in verdict().faults] == [True]


@pytest.mark.usefixtures("undone")
def test_the_command_names_the_row_and_fails() -> None:
    row = record()
    seal()
    assert CliRunner().invoke(command, ["verify"]).exit_code == 0
    tamper(f"delete from audit where id = {row}")
    done = CliRunner().invoke(command, ["verify"])
    assert done.exit_code == 1
    assert f"第 {row} 条审计记录被删除" in done.output


@pytest.mark.usefixtures("undone")
def test_the_scheduled_verification_tells_the_auditors_page(client: TestClient) -> None:
    row = record()
    seal()
    tamper(f"update audit set actor = '别人' where id = {row}")
    sweeps.run("audit_seal", at=clock.now())
    sweeps.run("audit_verify", at=clock.now())
    said = web.sign_in(client, "auditor1").get("/api/v1/audit/state").json()
    assert said["faults"] == [f"第 {row} 条审计记录被改动过"]
    assert said["seals"] >= 1


def test_an_auditor_reads_all_an_administrator_no_case_content_others_nothing(
    client: TestClient,
) -> None:
    record("people.moved")
    record("incident.unmask")
    of_auditor = web.sign_in(client, "auditor1").get("/api/v1/audit?limit=500").json()["entries"]
    assert {"people.moved", "incident.unmask"} <= {row["action"] for row in of_auditor}
    of_admin = web.sign_in(client, "admin1").get("/api/v1/audit?limit=500").json()["entries"]
    actions = {row["action"] for row in of_admin}
    assert "people.moved" in actions
    assert "incident.unmask" not in actions
    for username in ("county1", "leader1", "town430121001"):
        for path in ("/audit", "/audit:export", "/audit/state", "/audit/verification"):
            answer = web.sign_in(client, username).get(f"/api/v1{path}")
            assert answer.status_code == 403, (username, path)
    with transaction(Access("county_command", see_all=True)) as session:
        assert session.execute(text("select count(*) from audit")).scalar_one() == 0


def test_the_trail_is_searched_by_time_actor_action_and_subject_page_by_page(
    client: TestClient,
) -> None:
    with transaction(Access.owner()) as session:
        for n in range(7):
            audit.record(session, "rota.swap", subject=f"shift:{n}", actor="搜索人", at=clock.now())
    auditor = web.sign_in(client, "auditor1")

    def found(**asked: str) -> dict[str, Any]:
        said: dict[str, Any] = auditor.get("/api/v1/audit", params=asked).json()
        return said

    first = found(actor="搜索", action="rota.", limit="4")
    second = found(actor="搜索", action="rota.", limit="4", cursor=str(first["next_cursor"]))
    subjects = [row["subject"] for row in first["entries"] + second["entries"]]
    assert subjects == [f"shift:{n}" for n in reversed(range(7))]
    assert second["next_cursor"] is None
    assert len(found(actor="搜索人", subject="shift:3")["entries"]) == 1
    later = (clock.now() + timedelta(hours=1)).isoformat()
    assert found(actor="搜索人", since=later)["entries"] == []
    assert len(found(actor="搜索人", until=later)["entries"]) == 7
    assert found(actor="%")["entries"] == []


def test_a_file_names_who_took_it_and_taking_it_is_recorded(client: TestClient) -> None:
    record("people.named", before={"name": "=cmd|' /C calc'!A0"}, on_behalf="=1+1")
    auditor = web.sign_in(client, "auditor1")
    answer = auditor.get("/api/v1/audit:export?format=csv&action=people.named")
    assert answer.headers["content-type"].startswith("text/csv")
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert "审计员" in lines[0][0]
    assert lines[1][2] == "操作人"
    assert lines[2][4] == "'=1+1"
    book = auditor.get("/api/v1/audit:export?format=xlsx&action=people.named").content
    sheet = openpyxl.load_workbook(io.BytesIO(book)).active
    assert sheet is not None
    assert "审计员" in str(sheet["A1"].value)
    body = auditor.get("/api/v1/audit:export?format=json&action=people.named").json()
    assert "审计员" in body["watermark"]
    taken = rows("select after from audit where action = 'audit.export' order by id")
    assert [row["after"]["format"] for row in taken] == ["csv", "xlsx", "json"]
    assert taken[0]["after"]["asked"] == {"action": "people.named"}
