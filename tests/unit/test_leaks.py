"""The search for leaks finds them, and the logs black out what slipped in."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import pytest

from core import logs
from tests import leaks

PHONE, KEY = "139" + "12347730", "yw_" + "A1b2C3d4E5f6G7h8I9j0K1"
HARMLESS = (
    "20261122000417", "430121001001009", "018f1234-5678-7abc-9def-13912347730a",
    "took 0.13912347730 s", "x1391234773", "postgresql://yiwang_web@/county", "at 1763820000123",
    "postgresql://yiwang_web:****@db/county", "139****7730",
)  # fmt: skip
LEAKED = (
    f"called {PHONE}", f'{{"phone": "{PHONE}"}}', f"key {KEY} used", "15407310042",
    "postgresql://yiwang_web:hunter22@db/county", f"Authorization: Bearer {KEY[3:]}",
    f"yiwang_session={KEY[3:]}", "-----BEGIN EC PRIVATE KEY-----",
)  # fmt: skip


@pytest.mark.parametrize("text", HARMLESS)
def test_numbers_of_cases_places_and_moments_are_no_telephones(text: str) -> None:
    assert list(leaks.leaks_in(text, {})) == []


@pytest.mark.parametrize("text", LEAKED)
def test_what_looks_personal_or_secret_is_found(text: str) -> None:
    assert list(leaks.leaks_in(text, {}))


def test_real_secrets_are_found_whatever_they_look_like(tmp_path: Path) -> None:
    account = {"username": "county1", "password": "correct-horse"}
    (tmp_path / "credentials.json").write_text(json.dumps({"accounts": [account]}))
    ring = {
        "keys": {"1": "c2VjcmV0LWtleQ=="},
        "hashes": {"1": {"kind": "intl", "key": "aGFzaA===="}},
    }
    (tmp_path / "keys").write_text(json.dumps(ring))
    folder = tmp_path / "log"
    folder.mkdir()
    (folder / "web.log").write_text("old correct-horse\n")
    sizes = {folder / "web.log": (folder / "web.log").stat().st_size}
    secrets = leaks.secrets_of(tmp_path)
    assert leaks.leaks_under(folder, secrets, sizes) == []
    with (folder / "web.log").open("a") as log:
        log.write("x" * 5_000_000 + " c2VjcmV0LWtleQ== and correct-horse\n")
    found = leaks.leaks_under(folder, secrets, sizes)
    assert found == ["web.log: encryption key 1", "web.log: the password of county1"]
    assert "correct-horse" not in str(found)


@pytest.mark.parametrize("text", [text for text in LEAKED if "BEGIN" not in text])
def test_a_log_line_is_blacked_out(text: str) -> None:
    record = logging.makeLogRecord({"msg": "said %s", "args": (text,), "extra_field": text})
    line = logs.JsonLines("web").format(record)
    assert list(leaks.leaks_in(line, {})) == []


def test_an_exception_is_logged_without_its_words() -> None:
    try:
        raise ValueError(f"bad phone {PHONE}")  # noqa: TRY301
    except ValueError:
        record = logging.makeLogRecord({"msg": "failed", "exc_info": sys.exc_info()})
    assert PHONE not in json.dumps(logs.JsonLines("web").fields(record))
