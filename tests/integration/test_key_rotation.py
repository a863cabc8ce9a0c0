"""Keys are changed while reports come in, and a rotation that is cut off goes on where it was."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from core import clock, crypto, jobs, keyring, personal, rotation
from core.access import Access
from core.db import Base, transaction
from core.settings import settings
from tests.cases import Cast, cast, one, rows
from workers import keys

pytestmark = pytest.mark.usefixtures("database", "ring")
PHONE = "13912347730"


@pytest.fixture
def ring() -> Iterator[None]:
    """Let the test change the keys of the run's installation, and put them back afterwards."""
    path = settings().home / keyring.FILE
    keyring.read()
    before = path.read_bytes()
    yield
    fresh = path.with_name("keys.before")
    fresh.write_bytes(before)
    fresh.chmod(0o600)
    empty_sealed_columns()
    fresh.replace(path)
    keyring.read_anew()


def empty_sealed_columns() -> None:
    """Forget what the test sealed: its keys go away with it."""
    sealed = "reporter_name_enc = null, reporter_phone_enc = null, reporter_key = null"
    for statement in (f"update incidents set {sealed}", "delete from staff_contacts"):
        with transaction(Access.owner()) as session:
            session.execute(text(statement))


@pytest.fixture(scope="module")
def people(database: str) -> Cast:
    del database
    return cast()


def quiet(_done: int, _total: int) -> None:
    return


def rotate(*, hashes: bool = False) -> int:
    return keys.carry_out(hashes=hashes, at=clock.now(), progress=quiet)


def report(people: Cast, count: int) -> None:
    for n in range(count):
        people.county.report(reporter_name=f"刘{n}", reporter_phone=PHONE)


def add_contact() -> int:
    with transaction(Access.owner()) as session:
        unreached = (
            "select min(id) as id from staff where id not in (select staff_id from staff_contacts)"
        )
        staff = int(one(unreached)["id"])
        table = next(
            s for s in rotation.sealed_tables(Base.metadata) if s.table.name == "staff_contacts"
        ).table
        sealed = crypto.encrypt(PHONE, "staff_contact")
        row = {"staff_id": staff, "channel": "phone", "address_enc": sealed}
        session.execute(table.insert().values(row))
    return staff


def sealed_with() -> set[tuple[int, int]]:
    """Return the algorithm and key number of every sealed value in the database."""
    with transaction(Access.owner()) as session:
        return {
            (algorithm, number)
            for sealed in rotation.sealed_tables(Base.metadata)
            for _, algorithm, number, _ in rotation.tally(session, sealed)
        }


def test_every_sealed_value_is_under_the_new_key_and_the_old_one_is_retired(
    people: Cast,
) -> None:
    keys.load_tables()
    report(people, 3)
    staff = add_contact()
    old = keyring.read().current
    assert rotate() >= 4
    assert sealed_with() == {(crypto.AES_256_GCM, old + 1)}
    found = one("select reporter_name_enc, reporter_phone_enc from incidents order by id limit 1")
    assert crypto.decrypt(found["reporter_phone_enc"], "reporter_phone") == PHONE
    contact = one("select address_enc from staff_contacts where staff_id = :s", s=staff)
    assert crypto.decrypt(contact["address_enc"], "staff_contact") == PHONE
    assert old in keyring.read().retired
    actions = [r["action"] for r in rows("select action from audit where action ~ '^key' ")]
    assert actions == ["key.added", "key.rotated"]


def test_changing_the_algorithm_is_a_rotation_too(
    people: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys.load_tables()
    report(people, 2)
    monkeypatch.setenv("YIWANG_CRYPTO", "gm")
    settings.cache_clear()
    try:
        rotate()
        assert {algorithm for algorithm, _ in sealed_with()} == {crypto.SM4_GCM}
    finally:
        monkeypatch.delenv("YIWANG_CRYPTO")
        settings.cache_clear()
    found = one("select reporter_phone_enc from incidents order by id desc limit 1")
    assert crypto.decrypt(found["reporter_phone_enc"], "reporter_phone") == PHONE


def test_reports_that_arrive_meanwhile_lose_nothing(
    people: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys.load_tables()
    monkeypatch.setattr(rotation, "BATCH", 5)
    report(people, 40)
    stopped, told = threading.Event(), []

    def keep_reporting() -> None:
        while not stopped.is_set():
            told.append(people.town.report(reporter_phone=PHONE).incident.id)

    reporting = threading.Thread(target=keep_reporting)
    reporting.start()
    try:
        rotate()
    finally:
        stopped.set()
        reporting.join()
    current = keyring.read().current
    assert sealed_with() == {(crypto.AES_256_GCM, current)}
    assert told
    for row in rows("select reporter_phone_enc as p from incidents where reporter_phone_enc"
                    " is not null"):  # fmt: skip
        assert crypto.decrypt(row["p"], "reporter_phone") == PHONE


def test_a_rotation_that_was_cut_off_goes_on_with_the_same_key(
    people: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys.load_tables()
    monkeypatch.setattr(rotation, "BATCH", 4)
    report(people, 20)
    waiting = one("select count(*) as n from incidents where reporter_phone_enc is not null")["n"]

    def power_cut(done: int, _total: int) -> None:
        if done >= 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keys.carry_out(hashes=False, at=clock.now(), progress=power_cut)
    number = keyring.read().current
    assert len(sealed_with()) == 2
    with transaction(Access.owner()) as session:
        (job,) = [each for each in jobs.running(session) if each.kind == keys.KIND]
        assert job.done >= 8
    assert rotate() >= waiting
    assert keyring.read().current == number
    assert sealed_with() == {(crypto.AES_256_GCM, number)}


def test_a_new_hash_key_finds_earlier_reports_again(people: Cast) -> None:
    keys.load_tables()
    report(people, 3)
    before = bytes(
        one("select reporter_key from incidents order by id desc limit 1")["reporter_key"]
    )
    rotate(hashes=True)
    people.county.report(reporter_phone=PHONE)
    found = {
        bytes(row["k"])
        for row in rows("select distinct reporter_key as k from incidents where reporter_key"
                        " is not null")
    }  # fmt: skip
    assert found == {personal.phone_key(PHONE)}
    assert before not in found
    assert before in personal.phone_keys(PHONE)


def test_the_commands_tell_and_refuse(people: Cast) -> None:
    report(people, 1)
    run = CliRunner()
    told = run.invoke(keys.keys, ["status"])
    assert told.exit_code == 0, told.output
    assert "incidents.reporter_phone_enc\tAES-256-GCM" in told.output
    done = run.invoke(keys.keys, ["rotate"])
    assert "完成" in done.output
    current = keyring.read().current
    refused = run.invoke(keys.keys, ["forget", str(current), "--yes"])
    assert isinstance(refused.exception, keyring.KeysRefused)
    assert run.invoke(keys.keys, ["forget", str(current - 1), "--yes"]).exit_code == 0
    assert PHONE not in told.output + done.output
