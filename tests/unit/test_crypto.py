"""Sealing values: two algorithms, numbered keys, and nothing readable without them."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from core import crypto, keyring, masking, personal
from core.settings import settings

BOTH = pytest.mark.parametrize("kind", ["intl", "gm"])


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the test an installation of its own."""
    monkeypatch.setenv("YIWANG_HOME", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def use(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIWANG_CRYPTO", kind)
    settings.cache_clear()


@BOTH
def test_a_value_names_its_algorithm_and_key(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use(kind, monkeypatch)
    sealed = crypto.encrypt("13812341234", "phone")
    assert sealed[0] == crypto.ALGORITHMS[kind]
    assert sealed[1] == 1
    assert crypto.decrypt(sealed, "phone") == "13812341234"
    assert sealed != crypto.encrypt("13812341234", "phone")


@BOTH
@examples(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(text=st.text(max_size=200), place=st.integers(0), bit=st.integers(0, 7))
def test_no_altered_value_opens(
    kind: str, monkeypatch: pytest.MonkeyPatch, text: str, place: int, bit: int
) -> None:
    use(kind, monkeypatch)
    sealed = bytearray(crypto.encrypt(text, "note"))
    assert crypto.decrypt(bytes(sealed), "note") == text
    sealed[place % len(sealed)] ^= 1 << bit
    with pytest.raises(crypto.Unreadable):
        crypto.decrypt(bytes(sealed), "note")


@BOTH
def test_a_value_opens_only_for_its_purpose(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use(kind, monkeypatch)
    with pytest.raises(crypto.Unreadable):
        crypto.decrypt(crypto.encrypt("张三", "name"), "phone")


def test_both_algorithms_are_read_whichever_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    use("intl", monkeypatch)
    western = crypto.encrypt("张三", "name")
    use("gm", monkeypatch)
    national = crypto.encrypt("李四", "name")
    assert crypto.decrypt(western, "name") == "张三"
    use("intl", monkeypatch)
    assert crypto.decrypt(national, "name") == "李四"


def test_sm4_gcm_agrees_with_the_published_example() -> None:
    # RFC 8998, appendix A.1
    key = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
    nonce = bytes.fromhex("00001234567800000000ABCD")
    about = bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2")
    plain = bytes.fromhex(
        "AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD"
        "EEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFEEEEEEEEEEEEEEEEAAAAAAAAAAAAAAAA"
    )
    expected = (
        "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
        "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
        "83DE3541E4C2B58177E065A9BF7B62EC"
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(crypto, "_sm4", lambda key: key)
        assert crypto._seal_sm4(key, nonce, plain, about).hex().upper() == expected


def test_a_new_key_is_used_at_once_and_the_old_one_still_opens() -> None:
    old = crypto.encrypt("张三", "name")
    assert keyring.add_key() == 2
    assert crypto.encrypt("张三", "name")[1] == 2
    assert crypto.decrypt(old, "name") == "张三"
    assert not crypto.is_current(old)


def test_a_key_is_forgotten_only_once_it_is_retired() -> None:
    old = crypto.encrypt("张三", "name")
    keyring.add_key()
    with pytest.raises(keyring.KeysRefused):
        keyring.forget(1)
    assert keyring.retire_others("2026-11-22") == [1]
    keyring.forget(1)
    with pytest.raises(crypto.Unreadable):
        crypto.decrypt(old, "name")


def test_the_first_form_of_the_key_file_is_still_read(home: Path) -> None:
    keyring.read()
    stored = json.loads((home / "keys").read_text())
    first = {"current": "1", "keys": stored["keys"], "hash": stored["hashes"]["1"]["key"]}
    hashed = crypto.keyed_hash("138", "phone")
    (home / "keys").write_text(json.dumps(first))
    keyring.read_anew()
    assert crypto.keyed_hash("138", "phone") == hashed
    assert keyring.add_key() == 2


def test_the_key_file_is_its_owners_alone_and_never_shows(home: Path) -> None:
    ring = keyring.read()
    keyring.add_key()
    assert stat.S_IMODE((home / "keys").stat().st_mode) == 0o600
    shown = repr(keyring.read())
    assert all(str(key) not in shown for key in ring.keys.values())


def test_a_hash_key_keeps_its_own_algorithm(monkeypatch: pytest.MonkeyPatch) -> None:
    before = personal.phone_key("138 1234 1234")
    use("gm", monkeypatch)
    assert personal.phone_key("+86 13812341234") == before
    keyring.add_hash_key()
    assert personal.phone_key("13812341234") != before
    assert before in personal.phone_keys("13812341234")


def test_a_seal_holds_for_its_message_and_purpose_even_after_a_new_hash_key() -> None:
    sealed = crypto.mac(b"rows", "audit")
    keyring.add_hash_key()
    assert crypto.mac_holds(sealed, b"rows", "audit")
    assert not crypto.mac_holds(sealed, b"rows!", "audit")
    assert not crypto.mac_holds(sealed, b"rows", "ledger")
    assert not crypto.mac_holds(b"", b"rows", "audit")


@pytest.mark.parametrize(
    ("shown", "full"),
    [
        ("138****1234", "13812341234"), ("138****1234", "138 1234 1234"),
        ("0731****1234", "0731-8401 1234"), ("*****45", "6512345"), ("***", "110"), (None, ""),
    ],
)  # fmt: skip
def test_a_telephone_shows_without_the_figures_that_tell_it_apart(
    shown: str | None, full: str
) -> None:
    assert masking.phone(full) == shown


def test_a_name_shows_its_first_character_only() -> None:
    assert masking.name("欧阳小明") == "欧*"
    assert masking.name(None) is None


@given(st.text())
def test_no_masked_text_is_the_text(full: str) -> None:
    if len(full) > 1:
        assert masking.name(full) != full or full[1:] == "*"
        assert masking.address(full) != full or set(full) == {"*"} or full.endswith("****")
