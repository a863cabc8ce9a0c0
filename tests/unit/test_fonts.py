"""Every character of every place name is drawn by a font of ours (字体)."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

ROOT = Path(__file__).resolve().parents[2]
RARE = ROOT / ".local/static/fonts"
WEB = ROOT / "node_modules/@fontsource-variable/noto-sans-sc/files"

pytestmark = pytest.mark.skipif(
    not (RARE / "rare.css").exists(), reason="fonts are made by deploy/setup.sh"
)


def names() -> set[str]:
    """Return every town and village name of the demonstration grid."""
    found: set[str] = set()
    for file in ("villages.csv", "towns.csv"):
        with (ROOT / "data/boundaries" / file).open(encoding="utf-8-sig", newline="") as rows:
            for row in csv.DictReader(rows):
                found.update(v for k, v in row.items() if k.endswith("name") and v)
    return found


def drawn_by(path: Path) -> set[int]:
    with TTFont(path, lazy=True) as font:
        return set(font.getBestCmap())


@pytest.fixture(scope="module")
def drawn() -> set[int]:
    fonts = [*WEB.glob("*-wght-normal.woff2"), *RARE.glob("*.woff2")]
    return set().union(*map(drawn_by, fonts))


def test_every_place_name_is_drawn_whole(drawn: set[int]) -> None:
    missing = {name: [c for c in name if ord(c) not in drawn] for name in names()}
    assert {name: chars for name, chars in missing.items() if chars} == {}


def test_both_weights_hold_the_characters_no_web_font_has() -> None:
    for path in RARE.glob("*.woff2"):
        assert {0x3BBE, 0x572B} <= drawn_by(path), path.name


def test_the_style_sheet_sends_browsers_to_the_rare_font_for_these_characters_alone() -> None:
    css = (RARE / "rare.css").read_text(encoding="utf-8")
    ranges = set(re.findall(r"U\+([0-9A-F]+)", css))
    assert {"3BBE", "572B"} <= ranges
    assert '"Noto Sans SC Variable"' in css
    assert "http" not in css
