"""How places are called: spellings in use beside the official one."""

from __future__ import annotations

from typing import Final

_OTHER_SPELLINGS: Final = {"㮾": "榔", "圫": "托"}  # rare characters and what people type instead
_OFFICES: Final = ("居民委员会", "居委会", "村民委员会", "村委会", "委员会", "街道")
_SHORTEST: Final = 2
_SUFFIXES: Final = ("社区居委会", "居委会", "村委会", "街道", "社区", "村", "镇", "乡")


def aliases_of(name: str, short_name: str) -> list[str]:
    """Return other spellings of a place: rare characters replaced, without its suffix."""
    found = []
    for given in dict.fromkeys((name, short_name)):
        for rare, usual in _OTHER_SPELLINGS.items():
            if rare in given:
                found.append(given.replace(rare, usual))
    return list(dict.fromkeys(alias for alias in found if alias not in {name, short_name}))


def short_of(name: str) -> str:
    """Return what people say for an official name: 金圫村 for 金圫村委会."""
    for office in _OFFICES:
        if name.endswith(office) and len(name) > len(office):
            said = name.removesuffix(office)
            return said + "村" if office == "村委会" and not said.endswith("村") else said
    return name.removesuffix("镇").removesuffix("乡") if len(name) > _SHORTEST else name


def root_of(name: str) -> str:
    """Return the part of a name that tells it from others: 土岭社区居委会 is 土岭."""
    for suffix in _SUFFIXES:
        if name.endswith(suffix) and len(name) - len(suffix) > 1:
            return name.removesuffix(suffix)
    return name
