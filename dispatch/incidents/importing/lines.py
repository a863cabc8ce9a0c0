"""A row of somebody's table turned into a report (逐行转换), or what to mend in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Final

from core.errors import DomainError, Invalid
from dispatch.incidents.importing.columns import ATTRIBUTE, IGNORED, Book, Plan
from dispatch.incidents.intake.draft import MAX_KEY, Draft, check_point, tidy
from geo.frames import Frame, to_store

if TYPE_CHECKING:
    from dispatch.incidents.catalogue import Catalogue

_TIME: Final = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
    r"(?:[ T]*(\d{1,2})[:：时](\d{1,2})(?:[:：分](\d{1,2})(?:\.\d+)?秒?)?分?)?"
)
_YEARS: Final = range(1900, 9999)  # beyond, a moment could be stored and never read back
_PHONE_BLANKS: Final = re.compile(r"[\s()（）]")
_VILLAGE: Final = re.compile(r"\d{12}")
_MOST_ID: Final = MAX_KEY - 60
_FIELD_OF: Final = {"reporter.name": "reporter_name", "reporter.phone": "reporter_phone"}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row is no report: its number in the table program, the column, what to write."""

    row: int
    heading: str
    problem: str


@dataclass(frozen=True, slots=True)
class Reading:
    """How the rows of one file are read."""

    plan: Plan
    book: Book
    headings: Sequence[str]
    catalogue: Catalogue
    zone: tzinfo
    """The zone of times that name none: the county's."""

    def said(self, cells: Sequence[str]) -> dict[str, str]:
        """Return what a row says, by field; empty cells say nothing."""
        found = {
            field: words
            for field, cell in zip(self.plan.columns, cells, strict=False)
            if field != IGNORED and (words := tidy(cell))
        }
        for field, value in self.plan.defaults.items():
            if value:
                found.setdefault(field, value)
        return found

    def draft(self, cells: Sequence[str]) -> tuple[Draft, str | None]:
        """Return the report a row makes and the number it has in the other system, or refuse."""
        said = self.said(cells)
        lon, lat = self._point(said)
        village = said.get("village_code")
        if village and not _VILLAGE.fullmatch(village):
            raise Invalid("村（社区）编码应为 12 位数字", field="village_code")
        external = said.get("external_id")
        if external and len(external) > _MOST_ID:
            raise Invalid(f"编号太长：最多 {_MOST_ID} 字", field="external_id")
        phone = said.get("reporter_phone")
        draft = Draft(
            category=said.get("category", ""),
            description=said.get("description", ""),
            lon=lon,
            lat=lat,
            village_code=int(village) if village else None,
            address=said.get("address"),
            source=self._value("source", said.get("source")) or "batch",
            reporter_name=said.get("reporter_name"),
            reporter_phone=_PHONE_BLANKS.sub("", phone) if phone else None,
            attributes=self._attributes(said),
            claimed_at=self._moment(said.get("claimed_at")),
        )
        return draft, external

    def fault(self, row: int, refused: DomainError) -> Fault:
        """Return a refusal as a fault of the row, beside the heading of the column it is about."""
        about = str(refused.details.get("field", ""))
        field = _FIELD_OF.get(about, "lon" if about == "point" else about)
        return Fault(row, self.heading(field), refused.sentence)

    def heading(self, field: str) -> str:
        """Return the heading of the column that is this field, nothing where none is."""
        columns = zip(self.headings, self.plan.columns, strict=False)
        return next((heading for heading, found in columns if found == field), "")

    def _point(self, said: dict[str, str]) -> tuple[float | None, float | None]:
        if "lon" not in said and "lat" not in said:
            return None, None
        lon, lat = _number(said.get("lon"), "经度", "lon"), _number(said.get("lat"), "纬度", "lat")
        check_point(lon, lat)
        frame = self._value("frame", said.get("frame")) or Frame.WGS84
        return to_store(lon, lat, Frame(frame))

    def _value(self, field: str, word: str | None) -> str | None:
        """Return our value for what a cell says."""
        if word is None:
            return None
        known = self.book.values[field]
        ours = known.get(word.lower())
        if ours is None:
            said = {ours: word for word, ours in reversed(list(known.items()))}
            choices = "、".join(said[each] for each in dict.fromkeys(known.values()))
            raise Invalid(
                f"看不懂{self.book.names[field]}“{word[:20]}”，可以写：{choices}", field=field
            )
        return ours

    def _attributes(self, said: dict[str, str]) -> dict[str, str]:
        """Return the answers that belong to the row's own category."""
        given = {
            field.removeprefix(ATTRIBUTE): value
            for field, value in said.items()
            if field.startswith(ATTRIBUTE)
        }
        if not given:
            return {}
        category = self.catalogue.find(said.get("category", ""))
        asked = {each.code for each in category.attributes} if category else set()
        return {code: value for code, value in given.items() if code in asked}

    def _moment(self, words: str | None) -> datetime | None:
        if words is None:
            return None
        found = _TIME.fullmatch(words)
        known = found is not None and int(found[1]) in _YEARS
        parts = [int(part or 0) for part in found.groups()] if found and known else [0] * 6
        try:
            return datetime(*parts, tzinfo=self.zone)  # type: ignore[arg-type, misc]
        except ValueError:
            raise Invalid(
                f"看不懂时间“{words[:30]}”，请写成 2026-11-22 08:30", field="claimed_at"
            ) from None


def _number(cell: str | None, what: str, field: str) -> float:
    try:
        return float(cell or "")
    except ValueError:
        raise Invalid(f"{what}应为数字", field=field) from None
