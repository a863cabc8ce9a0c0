"""How personal data is shown to those who need not know it (脱敏): 张*, 138****1234."""

from __future__ import annotations

STAR = "*"
_ALL_HIDDEN_UP_TO = 4
_SHORT = 8


def name(full: str | None) -> str | None:
    """Return a name with only its first character: 张三丰 → 张*."""
    return f"{full[0]}{STAR}" if full else None


def phone(number: str | None) -> str | None:
    """Return a telephone number with four figures hidden, a short one with all but two."""
    if not number:
        return None
    figures = [letter for letter in number if letter.isdigit()]
    if len(figures) <= _ALL_HIDDEN_UP_TO:
        return STAR * len(figures)
    if len(figures) < _SHORT:
        return STAR * (len(figures) - 2) + "".join(figures[-2:])
    return "".join(figures[:-8]) + STAR * 4 + "".join(figures[-4:])


def address(where: str | None) -> str | None:
    """Return where a message is sent without what identifies its reader, whatever the channel."""
    if not where:
        return None
    if sum(letter.isdigit() for letter in where) >= _SHORT:
        return phone(where)
    return where[:2] + STAR * 4 if len(where) > _ALL_HIDDEN_UP_TO else STAR * len(where)
