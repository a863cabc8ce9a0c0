"""Cut the place-name characters that no web font carries out of Debian's Noto Sans CJK.

㮾 (U+3BBE, 㮾梨街道) and 圫 (U+572B, 金圫村) are the known ones; a county that loads its own grid
may bring others, so the names decide. The result joins the family "Noto Sans SC Variable".
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

ROOT = Path(__file__).resolve().parent.parent
NAMES = [ROOT / "data/boundaries/villages.csv", ROOT / "data/boundaries/towns.csv"]
WEB_FONT = ROOT / "node_modules/@fontsource-variable/noto-sans-sc/files"
SOURCES = {  # weight range in CSS -> Debian's collection
    "100 550": Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
    "551 900": Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc"),
}
FAMILY = "Noto Sans SC Variable"
OUT = ROOT / ".local/static/fonts"
ALWAYS = "㮾圫"


def characters_of_places() -> set[str]:
    """Return every character beyond ASCII of every town and village name."""
    found: set[str] = set(ALWAYS)
    for path in NAMES:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                found.update(*(value or "" for key, value in row.items() if key.endswith("name")))
    return {character for character in found if not character.isascii()}


def drawn_by_web_font() -> set[int]:
    """Return the code points that the packaged web font draws, from the font files themselves."""
    drawn: set[int] = set()
    for path in WEB_FONT.glob("*-wght-normal.woff2"):
        with TTFont(path, lazy=True) as font:
            drawn.update(font.getBestCmap())
    return drawn


def simplified_face(path: Path) -> TTFont:
    """Open the Simplified Chinese face of a collection."""
    for number in range(10):
        font = TTFont(path, fontNumber=number, lazy=True)
        if font["name"].getDebugName(1).endswith("CJK SC"):
            return font
    raise SystemExit(f"{path}: 没有简体字面（no Simplified Chinese face）")


def cut(source: Path, characters: str, target: Path) -> None:
    """Write the glyphs of `characters` as woff2."""
    options = subset.Options(flavor="woff2", layout_features=[], notdef_outline=True)
    cutter = subset.Subsetter(options)
    cutter.populate(text=characters)
    font = simplified_face(source)
    missing = [c for c in characters if ord(c) not in font.getBestCmap()]
    if missing:
        raise SystemExit(f"{source.name} 缺字：{''.join(missing)}")
    cutter.subset(font)
    subset.save_font(font, target, options)


def main() -> None:
    """Write the rare characters' fonts and their style sheet."""
    absent = [path for path in SOURCES.values() if not path.exists()]
    if absent:
        raise SystemExit(f"缺少 {absent[0]}，请安装 fonts-noto-cjk（install fonts-noto-cjk）")
    drawn = drawn_by_web_font()
    rare = "".join(sorted(c for c in characters_of_places() if ord(c) not in drawn))
    OUT.mkdir(parents=True, exist_ok=True)
    ranges = ", ".join(f"U+{ord(c):X}" for c in rare)
    faces = []
    for number, (weight, source) in enumerate(SOURCES.items()):
        name = "rare.woff2" if number == 0 else f"rare-{number}.woff2"
        cut(source, rare, OUT / name)
        faces.append(
            f'@font-face {{ font-family: "{FAMILY}"; font-weight: {weight}; font-display: swap;\n'
            f'  src: url("{name}") format("woff2"); unicode-range: {ranges}; }}\n'
        )
    (OUT / "rare.css").write_text("".join(faces), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
