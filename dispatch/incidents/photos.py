"""Photos as files (照片): taken apart and made anew with Pillow, kept by the hash of their content.

Nothing that was sent is ever stored: only pixels that we have encoded ourselves.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import threading
import warnings
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import imagehash
from PIL import ExifTags, Image, ImageOps, ImageStat

from core.clock import LOCAL
from core.errors import Busy, DomainError, Invalid

FORMATS: Final = ("JPEG", "PNG", "WEBP")
MAX_BYTES: Final = 10 * 1024 * 1024
MAX_PIXELS: Final = 40_000_000
LARGE: Final = 2048
SMALL: Final = 320
_QUALITY: Final = 85
_FLAT: Final = 4.0  # a wall, a night sky: its looks say nothing
_AT_ONCE: Final = threading.BoundedSemaphore(2)
_PATIENCE_S: Final = 10.0
_SIGNED: Final = 2**63


class NoRoom(DomainError):
    """The file could not be stored; nothing of it is left behind."""

    code = "no_room"
    status = 507
    sentence = "存储空间不足，附件没有保存：请联系管理员，案件可先不带附件提交"


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo made anew: large and small as JPEG, its looks, and what its EXIF said."""

    large: bytes
    small: bytes
    digest: bytes
    width: int
    height: int
    looks: int | None
    taken_at: datetime | None
    lon: float | None
    lat: float | None


def read(raw: bytes) -> Picture:
    """Take a photo apart and make it anew; refuses what is no photo, too large or a bomb."""
    if len(raw) > MAX_BYTES:
        raise Invalid(f"照片超过 {MAX_BYTES // 1024 // 1024} MB，请压缩后再传", field="file")
    if not _AT_ONCE.acquire(timeout=_PATIENCE_S):
        raise Busy
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _made_anew(raw)
    except DomainError:
        raise
    except Exception as broken:  # a library for hostile bytes fails in any way it likes
        raise Invalid("这不是可以打开的照片，只收 JPEG、PNG、WebP", field="file") from broken
    finally:
        _AT_ONCE.release()


def _made_anew(raw: bytes) -> Picture:
    with Image.open(io.BytesIO(raw), formats=FORMATS) as sent:
        if sent.width * sent.height > MAX_PIXELS:
            raise Invalid(
                f"照片超过 {MAX_PIXELS // 1_000_000} 百万像素，请缩小后再传", field="file"
            )
        taken_at, lon, lat = _exif(sent)
        sent.draft("RGB", (LARGE, LARGE))
        upright = ImageOps.exif_transpose(sent)
        image = _opaque(upright)
    image.thumbnail((LARGE, LARGE))
    large = _jpeg(image)
    small = image.copy()
    small.thumbnail((SMALL, SMALL))
    return Picture(
        large=large,
        small=_jpeg(small),
        digest=hashlib.sha256(large).digest(),
        width=image.width,
        height=image.height,
        looks=_looks(small),
        taken_at=taken_at,
        lon=lon,
        lat=lat,
    )


def _opaque(image: Image.Image) -> Image.Image:
    """Return plain RGB on white, without anything a file may carry beside its pixels."""
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        clear = image.convert("RGBA")
        ground = Image.new("RGB", clear.size, "white")
        ground.paste(clear, mask=clear.getchannel("A"))
        return ground
    plain = image.convert("RGB")
    plain.info = {}
    return plain


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=_QUALITY, optimize=True, exif=b"", icc_profile=None)
    return out.getvalue()


def _looks(image: Image.Image) -> int | None:
    """Return 64 bits that stay when a picture is saved again (perceptual hash), signed."""
    grey = image.convert("L")
    if ImageStat.Stat(grey).stddev[0] < _FLAT:
        return None
    value = int(str(imagehash.phash(grey)), 16)
    return value - 2 * _SIGNED if value >= _SIGNED else value


def _exif(image: Image.Image) -> tuple[datetime | None, float | None, float | None]:
    """Return when and where (WGS 84) the camera says the photo was taken; nonsense counts as no."""
    taken_at = lon = lat = None
    exif: Any = None
    with suppress(Exception):
        exif = image.getexif()
        more = exif.get_ifd(ExifTags.IFD.Exif)
        said = more.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
        naive = datetime.strptime(str(said)[:19], "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007
        taken_at = naive.replace(tzinfo=LOCAL)
    with suppress(Exception):
        gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
        north = _degrees(gps[ExifTags.GPS.GPSLatitude], gps[ExifTags.GPS.GPSLatitudeRef] == "S")
        east = _degrees(gps[ExifTags.GPS.GPSLongitude], gps[ExifTags.GPS.GPSLongitudeRef] == "W")
        if -90 <= north <= 90 and -180 <= east <= 180:  # noqa: PLR2004  degrees
            lon, lat = east, north
    return taken_at, lon, lat


def _degrees(parts: Any, negative: bool) -> float:  # noqa: FBT001
    degrees, minutes, seconds = (float(part) for part in parts)
    value = degrees + minutes / 60 + seconds / 3600
    return -value if negative else value


def keep(folder: Path, picture: Picture) -> None:
    """Write a photo and its thumbnail under its hash; all of it or nothing."""
    for name, content in (("", picture.large), ("s", picture.small)):
        store(path_of(folder, picture.digest, small=bool(name)), content)


def store(path: Path, content: bytes) -> None:
    """Write a file that is named by its content, once; all of it or nothing."""
    if path.exists():
        return
    try:
        _write(path, content)
    except OSError as full:
        raise NoRoom from full


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def path_of(folder: Path, digest: bytes, *, small: bool = False) -> Path:
    """Return where a photo lies under the folder of uploads."""
    name = digest.hex()
    return folder / name[:2] / f"{name}{'_s' if small else ''}.jpg"
