"""The checklists name tests and files that exist, and say of every line how it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(test_\w+\.py)::(test_\w+)`")
FILES = re.compile(
    r"(?<![\w./])((?:docs|people|dashboard|core|data|dispatch|deploy)/[\w./-]+\.\w+)"
)
STATUS = {
    "asvs.md": {"yes", "part", "no", "n.a."},
    "dengbao-level-3.md": {"是", "部分", "无", "县"},
}
PROVED = {"yes", "是"}
DOCUMENTS = ("asvs.md", "dengbao-level-3.md", "threat-model.md")


def defined() -> dict[str, str]:
    """Return file name → source of every test file; two of one name count together."""
    found: dict[str, str] = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        found[path.name] = found.get(path.name, "") + path.read_text("utf-8")
    return found


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_named_test_and_file_exists(document: str) -> None:
    text, sources = (ROOT / "docs" / document).read_text("utf-8"), defined()
    lost = [
        f"{file}::{name}"
        for file, name in NAMED.findall(text)
        if f"def {name}(" not in sources.get(file, "")
    ]
    lost += [path for path in FILES.findall(text) if not (ROOT / path).exists()]
    assert lost == []


@pytest.mark.parametrize("document", STATUS)
def test_every_line_says_how_it_stands_and_what_is_done_has_its_proof(document: str) -> None:
    place = 2 if document == "asvs.md" else 1
    rows = [
        [cell.strip() for cell in line.strip("| \n").split("|")]
        for line in (ROOT / "docs" / document).read_text("utf-8").splitlines()
        if line.startswith("|") and not set(line) <= set("|-: ")
    ]
    rows = [row for row in rows if row[place] not in {"status", "状态"}]
    assert len(rows) > 30
    for row in rows:
        assert row[place] in STATUS[document], row
        proof = row[-1]
        if row[place] in PROVED:
            assert NAMED.search(proof) or re.search(r"[\w-]+\.\w+", proof), row
