"""After the last test: no telephone, password, token or key stands in any log or output (泄露检查).

Every record is written as the product would write it but for its own blacking out; what tests print
is kept too; then all of it, and the logs of every server the run started, are searched for real
values and for what such values look like.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core import logs

LOOKS_LIKE = {
    "a mobile number (手机号)": re.compile(r"(?<![\w.])1[3-9]\d{9}(?![\w.])"),
    "a demonstration's telephone": re.compile(r"(?<![\w.])1540731\d{4}(?![\w.])"),
    "an API key (接口密钥)": re.compile(r"\byw_[\w-]{20,}"),
    "a password in an address": re.compile(r"://[^\s/:@\"']+:[^\s/@*\"']{4,}@"),
    "a session (会话)": re.compile(r"yiwang_session=[\w-]{20,}"),
    "a bearer token": re.compile(r"[Bb]earer\s+[\w-]{20,}"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
}
_SHORTEST = 8
_CHUNK = 1 << 22
_OVERLAP = 400


def secrets_of(home: Path) -> dict[str, str]:
    """Return the real secrets of an installation, each with what it is."""
    found: dict[str, str] = {}
    credentials = _json(home / "credentials.json")
    for account in credentials.get("accounts", []):
        found[account["password"]] = f"the password of {account['username']}"
    for name, key in credentials.get("api_keys", {}).items():
        found[key] = f"the API key {name}"
    found[credentials.get("open311_api_key", "")] = "the API key open311"
    ring = _json(home / "keys")
    for number, key in ring.get("keys", {}).items():
        found[key] = f"encryption key {number}"
    for number, each in ring.get("hashes", {}).items():
        found[each["key"]] = f"hash key {number}"
    return {secret: what for secret, what in found.items() if len(secret) >= _SHORTEST}


def leaks_in(text: str, secrets: dict[str, str]) -> Iterator[str]:
    """Yield what is wrong with a text, never repeating the secret itself."""
    for what, pattern in LOOKS_LIKE.items():
        if pattern.search(text):
            yield what
    for secret, what in secrets.items():
        if secret in text:
            yield what


def leaks_under(folder: Path, secrets: dict[str, str], since: dict[Path, int]) -> list[str]:
    """Return what leaked into the logs of a folder, beyond the sizes that they began with."""
    found = []
    for path in sorted(folder.glob("*.log*")):
        with path.open("rb") as log:
            start = since.get(path, 0)
            log.seek(start if start <= path.stat().st_size else 0)
            before = ""
            while chunk := log.read(_CHUNK):
                text = before + chunk.decode("utf-8", "replace")
                found += [f"{path.name}: {what}" for what in leaks_in(text, secrets)]
                before = text[-_OVERLAP:]
    return sorted(set(found))


class Lines(logging.FileHandler):
    """Writes records as the product's logs would hold them, before they are blacked out."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line with all its fields."""
        return json.dumps(logs.JsonLines("tests").fields(record), ensure_ascii=False, default=str)


class Watch:
    """The pytest plugin: keeps what is said during a run, and reads it at the end."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "log"
        self.worker = os.environ.get("PYTEST_XDIST_WORKER", "")
        self.leaks: list[str] = []
        self.folder.mkdir(parents=True, exist_ok=True)
        for begun_anew in ("tests-*.log", "browser-*.log") if not self.worker else ():
            for path in self.folder.glob(begun_anew):
                path.unlink()
        self.sizes = {path: path.stat().st_size for path in self.folder.glob("*.log*")}
        self._handler = Lines(self.folder / f"tests-{self.worker or 'main'}.log")
        logs.quieten()
        logging.getLogger().setLevel(logging.INFO)
        self._listening = pytest.MonkeyPatch()
        self._listening.setattr(logging.Logger, "handle", self._overhearing(logging.Logger.handle))

    def _overhearing(self, handle: Callable[[logging.Logger, logging.LogRecord], None]) -> Any:
        """Hear every record: a process that sets up its own logs lets no other handler listen."""

        def heard(logger: logging.Logger, record: logging.LogRecord) -> None:
            self._handler.handle(record)
            handle(logger, record)

        return heard

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a test and the product beneath it printed."""
        if self.worker or report.when != "teardown":
            return
        said = [text for _, text in report.sections if text]
        if said:
            with (self.folder / "tests-output.log").open("a", encoding="utf-8") as out:
                out.write("\n".join((report.nodeid, *said, "")))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run when something leaked; the process that handed out the tests looks."""
        self._listening.undo()
        self._handler.close()
        if self.worker:
            return
        self.leaks = leaks_under(self.folder, secrets_of(self.home), self.sizes)
        if self.leaks:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Name each file and what stands in it."""
        if self.leaks:
            terminalreporter.section("leaked into a log (泄露)", red=True)
            for line in self.leaks:
                terminalreporter.line(line)


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8")) if path.exists() else {}
