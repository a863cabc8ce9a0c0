"""The house rules that no tool checks: who commits, where SQL stands, how long a file may be."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "core", "geo", "people", "dispatch", "alerts", "assessment", "dashboard", "workers",
    "simulator",
)  # fmt: skip
LINES_AT_MOST = 400
FUNCTION_LINES_AT_MOST = 40
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
KEEPS_SQL = re.compile(r"(^|/)((queries|tables)[a-z_]*)\.py$|^core/|^migrations/")
SQL_CALLS = {"select", "insert", "update", "delete", "text"}
PURE = {  # pure judgement -> what it may use beyond the standard library
    "geo/hierarchy.py": (),
    "geo/frames.py": ("numpy",),
    "people/roles.py": (),
    "people/permissions.py": (),
    "people/scope.py": (),
    "people/staff/presence.py": (),
    "people/rota/turns.py": (),
    "people/staff/sheet.py": (),
    "people/rota/checks.py": (),
    "people/rota/called.py": (),
    "people/calendars/workdays.py": (),
    "people/calendars/years.py": (),
    "dispatch/modes/grade.py": (),
    "dispatch/incidents/lifecycle.py": (),
    "dispatch/incidents/clocks.py": (),
    "dispatch/incidents/catalogue.py": (),
    "dispatch/incidents/faults.py": (),
    "dispatch/incidents/strip.py": (),
    "dispatch/incidents/duplicates.py": (),
    "dispatch/incidents/evidence.py": (),
    "dispatch/incidents/ledger.py": (),
    "dispatch/incidents/alike.py": ("numpy",),
    "dispatch/incidents/stages.py": (),
    "dispatch/incidents/chain.py": (),
    "dispatch/command/candidates.py": (),
    "dispatch/command/orders.py": (),
    "dispatch/command/policy.py": (),
    "alerts/rules.py": (),
    "alerts/lifecycle.py": (),
    "alerts/grouping.py": (),
    "alerts/escalation.py": (),
    "alerts/detect.py": ("numpy", "scipy"),
    "alerts/delivery/audience.py": (),
    "alerts/delivery/throttle.py": (),
}
PURE_TOO = {"core.errors", "core.access", "core.live.Scope"}  # exceptions, frozen dataclasses
MADE_TO_BE_READ_WHOLE = {"package-lock.json", "requirements.txt", "requirements-dev.txt"}


@cache
def tracked() -> tuple[str, ...]:
    """Return what is committed or about to be, as paths from the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return tuple(p for p in listed.stdout.splitlines() if (ROOT / p).is_file())


def ours(*suffixes: str) -> list[str]:
    """Return the product's files with these suffixes."""
    return [p for p in tracked() if p.endswith(suffixes) and p.startswith((*PACKAGES, "manage"))]


@cache
def tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), path)


def imported(path: str) -> set[str]:
    """Return every module that a file imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def test_only_core_db_commits_a_unit_of_work() -> None:
    calls = [
        f"{path}:{node.lineno}"
        for path in ours(".py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "commit"
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id != "connection"
    ]
    assert [call.split(":")[0] for call in calls] == ["core/db.py"]


def test_sql_stands_only_in_queries_tables_core_and_migrations() -> None:
    strangers = []
    for path in ours(".py"):
        if KEEPS_SQL.search(path):
            continue
        names = {name for name in imported(path) if name.startswith("sqlalchemy.")}
        strangers += [
            f"{path} imports {name}"
            for name in names
            if name.rpartition(".")[2] in SQL_CALLS or name.startswith("sqlalchemy.dialects")
        ]
        strangers += [
            f"{path}:{node.lineno} {node.value[:40]!r}"
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.match(r"\s*(select\s.+\sfrom\s|insert into\s|update \w+ set\s|delete from\s)",
                         node.value, re.IGNORECASE | re.DOTALL)
        ]  # fmt: skip
    assert strangers == []


def test_no_file_is_longer_than_one_idea() -> None:
    long = {
        path: lines
        for path in tracked()
        if path.endswith((".py", ".js", ".css", ".sh", ".sql"))
        and (lines := len((ROOT / path).read_text(encoding="utf-8").splitlines())) > LINES_AT_MOST
    }
    assert long == {}


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{path}:{node.name} {node.end_lineno - node.lineno + 1}"
        for path in ours(".py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > FUNCTION_LINES_AT_MOST
    ]
    assert long == []


def test_no_name_hides_what_a_file_is_about() -> None:
    vague = [path for path in ours(".py", ".js") if VAGUE & set(re.split(r"[/._]", path.lower()))]
    assert vague == []


@pytest.mark.parametrize("path", [path for path in PURE if (ROOT / path).exists()])
def test_pure_judgement_knows_no_database_no_clock_and_no_network(path: str) -> None:
    allowed = set(sys.stdlib_module_names) | set(PURE[path]) | {"__future__"}
    pure = PURE_TOO | {p.removesuffix(".py").replace("/", ".") for p in PURE}
    strangers = {
        name
        for name in imported(path)
        if name.split(".")[0] not in allowed
        and not any(name == known or name.startswith(f"{known}.") for known in pure)
    }
    assert strangers == set()
    asks_the_time = [
        node.lineno
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"}
        and isinstance(node.value, ast.Name) and node.value.id in {"datetime", "date"}
    ]  # fmt: skip
    assert asks_the_time == []


def test_only_entry_points_ask_what_time_it_is() -> None:
    entry = re.compile(
        r"^(core|dashboard|workers|simulator)/|(^|/)([a-z]+_)?commands\.py$|^manage\.py$"
    )
    askers = [
        path
        for path in ours(".py")
        if not entry.search(path)
        and any(
            isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"}
            and isinstance(node.value, ast.Name) and node.value.id in {"clock", "datetime", "date"}
            for node in ast.walk(tree(path))
        )
    ]  # fmt: skip
    assert askers == []


def test_nothing_imports_the_command_line() -> None:
    assert [p for p in ours(".py") if p != "manage.py" and "manage" in {
        name.split(".")[0] for name in imported(p)}] == []  # fmt: skip


def test_no_package_host_or_home_folder_is_written_down() -> None:
    hosts = re.compile(
        r"registry\.npm|files\.pythonhosted|pypi\.org|unpkg\.com|jsdelivr|cdnjs|googleapis\.com"
        r"|gstatic\.com|deb\.debian\.org|(?<![\w.])/(?:root|home)/[a-z]"
    )
    found = [
        f"{path}: {match.group()}"
        for path in tracked()
        if path.endswith((".py", ".js", ".css", ".json", ".txt", ".toml", ".sh", ".md", ".yaml"))
        and path != "tests/unit/test_house.py"
        for match in [hosts.search((ROOT / path).read_text(encoding="utf-8"))]
        if match
    ]
    assert found == []


def test_no_third_party_code_is_kept() -> None:
    foreign = [
        path
        for path in tracked()
        if "node_modules/" in path or re.search(r"\.min\.(js|css)$|\.woff2?$|\.whl$", path)
    ]
    assert foreign == []


def test_every_dependency_is_pinned_with_a_hash() -> None:
    for name in ("requirements.txt", "requirements-dev.txt", "deploy/requirements-uv.txt"):
        blocks = re.split(r"\n(?=[a-z0-9])", (ROOT / name).read_text(encoding="utf-8"))
        loose = [b.split("\n")[0] for b in blocks if "==" not in b or "--hash=sha256:" not in b]
        assert loose == [], name


def test_a_file_the_owner_reads_is_small_enough_to_read() -> None:
    heavy = [
        path
        for path in tracked()
        if path not in MADE_TO_BE_READ_WHOLE and (ROOT / path).stat().st_size > 5_000_000
    ]
    assert heavy == []
