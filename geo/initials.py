"""Pinyin initials (拼音首字母) of place names, by pypinyin; made once, when a grid is loaded."""

from __future__ import annotations

from functools import cache

from pypinyin import Style, lazy_pinyin


@cache
def initials_of(name: str) -> str:
    """Return lower-case initials: 陶公庙社区 is `tgmsq`; digits and Latin letters stay."""
    return "".join(
        part[:1] if part.isascii() and part.isalpha() else part for part in _parts(name)
    ).lower()


def _parts(name: str) -> list[str]:
    return [str(part).strip() for part in lazy_pinyin(name, style=Style.FIRST_LETTER)]


def search_text(*names: str) -> str:
    """Return every name and its initials, one a line, lower case, without blanks."""
    spellings = [name.replace(" ", "").lower() for name in names if name]
    return "\n".join(dict.fromkeys([*spellings, *(initials_of(name) for name in spellings)]))
