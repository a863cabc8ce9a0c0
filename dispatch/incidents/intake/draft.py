"""A report before it is a case (上报草稿): what it may say, and what to mend when it may not."""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from core.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from dispatch.incidents.catalogue import Category

MAX_DESCRIPTION: Final = 4_000
MAX_ADDRESS: Final = 200
MAX_NAME: Final = 60
MAX_PHOTOS: Final = 9
MAX_ATTRIBUTES: Final = 16_000
MAX_KEY: Final = 200
CHINA: Final = (73.0, 135.1, 3.8, 53.6)
_PHONE: Final = re.compile(r"\+?\d[\d -]{4,18}\d")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_UNSTORABLE: Final = re.compile(r"\\u0000|[\ud800-\udfff]")
_VILLAGES: Final = range(10**11, 10**12)
_CANONICAL: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, default=str)


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody reports; `lon`, `lat` are already in the store frame (EPSG:4490)."""

    category: str
    description: str
    lon: float | None = None
    lat: float | None = None
    village_code: int | None = None
    address: str | None = None
    source: str = ""
    origin: str | None = None
    reporter_name: str | None = None
    reporter_phone: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    photos: tuple[str, ...] = ()
    claimed_at: datetime | None = None
    done: bool = False
    note: str | None = None
    drill: bool = False
    tracking_code: str | None = None

    @property
    def has_point(self) -> bool:
        """Tell whether the report names a point."""
        return self.lon is not None and self.lat is not None

    def body_hash(self) -> bytes:
        """Return the SHA-256 of what was said: equal bodies have equal hashes."""
        said = {name: getattr(self, name) for name in self.__slots__}
        return hashlib.sha256(_CANONICAL.encode(said).encode()).digest()


def check_point(lon: float | None, lat: float | None) -> None:
    """Refuse a point that cannot be in China; one merely outside the county is kept."""
    if lon is None or lat is None:
        raise Invalid("坐标要同时给出经度 lon 和纬度 lat 两个数字", field="point")
    if not (math.isfinite(lon) and math.isfinite(lat)):
        raise Invalid("坐标不是有限的数字，请重新定位", field="point")
    if _in_china(lon, lat):
        return
    if _in_china(lat, lon):
        raise Invalid("经纬度写反了：lon 是经度（约 113），lat 是纬度（约 28）", field="point")
    raise Invalid("坐标不在中国境内，请检查经纬度和坐标系", field="point")


def _in_china(lon: float, lat: float) -> bool:
    west, east, south, north = CHINA
    return west <= lon <= east and south <= lat <= north


def tidy(text: str | None) -> str | None:
    """Return `text` without control and direction marks and outer blanks; empty becomes None."""
    if text is None:
        return None
    if text.isprintable():  # nothing to take out: no control, no direction mark, no half character
        return text.strip() or None
    return _CONTROL.sub("", text).strip() or None


def check(draft: Draft, category: Category) -> None:
    """Refuse a report that lacks what a case needs, or says too much; the sentence says which."""
    if not draft.description:
        raise Invalid("请写明事件描述", field="description")
    _within(draft.description, MAX_DESCRIPTION, "事件描述", "description")
    _within(draft.address, MAX_ADDRESS, "地址", "address")
    _within(draft.reporter_name, MAX_NAME, "来访人姓名", "reporter.name")
    if draft.has_point or draft.lon is not None or draft.lat is not None:
        check_point(draft.lon, draft.lat)
    elif not draft.village_code and not draft.address:
        raise Invalid("请给出位置：坐标、村（社区）加地址，或只写地址", field="point")
    if draft.village_code is not None and draft.village_code not in _VILLAGES:
        raise Invalid("没有这个村（社区）编码，请用 12 位统计用区划代码", field="village_code")
    if draft.reporter_phone and not _PHONE.fullmatch(draft.reporter_phone):
        raise Invalid("联系电话只能是数字，可带区号", field="reporter.phone")
    if len(draft.photos) > MAX_PHOTOS:
        raise Invalid(f"照片最多 {MAX_PHOTOS} 张", field="photos")
    if draft.photos:
        as_json(draft.photos, most=MAX_ATTRIBUTES, name="photos")
    _check_attributes(draft.attributes, category)


def as_json(value: object, *, most: int, name: str) -> str:
    """Return `value` as JSON that PostgreSQL can keep; refuses what is too much or no JSON."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=str)
    except (ValueError, RecursionError):
        raise Invalid("附加内容含有无法保存的数值或层次过深", field=name) from None
    if len(text) > most:
        raise Invalid("附加内容过多", field=name)
    if _UNSTORABLE.search(text):
        raise Invalid("附加内容含有无法保存的字符", field=name)
    return text


def _within(text: str | None, most: int, what: str, name: str) -> None:
    if text and len(text) > most:
        raise Invalid(f"{what}太长：最多 {most} 字，收到 {len(text)} 字", field=name)


def _check_attributes(attributes: Mapping[str, Any], category: Category) -> None:
    if attributes:
        as_json(attributes, most=MAX_ATTRIBUTES, name="attributes")
    for each in category.attributes:
        value = attributes.get(each.code)
        if each.required and value in (None, "", []):
            where = f"attributes.{each.code}"
            raise Invalid(f"“{category.name}”必须填写：{each.name}", field=where)
        if value not in (None, "") and each.values and str(value) not in each.values:
            choices = "、".join(each.values)
            raise Invalid(f"{each.name}只能是：{choices}", field=f"attributes.{each.code}")
