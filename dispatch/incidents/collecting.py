"""Taking evidence in (取证): where photos were taken is signed, what they show is compared."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from core import crypto, ids
from core.errors import Invalid, NotFound
from core.live import stamp
from core.settings import settings
from dispatch.incidents import documents, evidence, photos, queries
from dispatch.incidents import queries_evidence as kept
from dispatch.incidents.evidence import AFTER, BEFORE, CAPTURE, DOCUMENT, EXIF, KINDS, Shot
from dispatch.incidents.lifecycle import Status
from dispatch.incidents.tables import Incident
from dispatch.incidents.tables_evidence import Evidence
from geo.frames import Frame, to_store
from people.scope import Actor

TOKEN_LIVES: Final = timedelta(hours=12)  # a phone may be without a signal for a shift
LOOKED_BACK: Final = timedelta(days=365)
_PURPOSE: Final = "capture"


@dataclass(frozen=True, slots=True)
class Capture:
    """Where and when a page says a photo was taken (EPSG:4490), for one case and one person."""

    incident_id: UUID | None
    account: int | None
    lon: float
    lat: float
    accuracy_m: float
    at: datetime


def sign_capture(
    session: Session,
    incident_id: UUID | None,
    *,
    lon: float,
    lat: float,
    accuracy_m: float,
    actor: Actor,
    at: datetime,
) -> str:
    """Return a token that binds a position to a case, a person and this moment."""
    if incident_id is not None and queries.get(session, incident_id) is None:
        raise NotFound
    said = {
        "i": str(incident_id) if incident_id else None,
        "a": actor.account,
        "p": [lon, lat, min(max(accuracy_m, 0.0), 10_000.0)],
        "t": at.isoformat(),
    }
    body = _packed(json.dumps(said).encode())
    return f"{body}.{_packed(crypto.keyed_hash(body, _PURPOSE))}"


def open_capture(token: str, incident_id: UUID | None, *, actor: Actor, at: datetime) -> Capture:
    """Return what `sign_capture` bound; refuses another's, another case's and an old one."""
    body, _, signature = token.partition(".")
    try:
        given = base64.urlsafe_b64decode(signature + "==")
        genuine = any(
            hmac.compare_digest(given, each) for each in crypto.keyed_hashes(body, _PURPOSE)
        )
        if not genuine:
            raise Invalid("拍摄凭据无效，请重新拍照", field="token")
        said: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=="))
    except (binascii.Error, ValueError):
        raise Invalid("拍摄凭据无效，请重新拍照", field="token") from None
    lon, lat, accuracy = said["p"]
    found = Capture(
        incident_id=UUID(said["i"]) if said["i"] else None,
        account=said["a"],
        lon=lon,
        lat=lat,
        accuracy_m=accuracy,
        at=datetime.fromisoformat(said["t"]),
    )
    if found.incident_id != incident_id or found.account != actor.account:
        raise Invalid("拍摄凭据属于另一案件或另一人，请重新拍照", field="token")
    if not timedelta(minutes=-1) <= at - found.at <= TOKEN_LIVES:
        raise Invalid("拍摄凭据已过期，请重新拍照", field="token")
    return found


def _packed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def folder() -> Path:
    """Return where photos and documents lie."""
    return settings().home / "uploads"


def take_in(
    session: Session,
    raw: bytes,
    *,
    incident_id: UUID | None,
    kind: str | None,
    token: str | None,
    actor: Actor,
    at: datetime,
) -> Evidence:
    """Keep a photo or a document of a case, or of a report to come; an old picture is marked so."""
    incident = None
    if incident_id is not None:
        incident = queries.get(session, incident_id)
        if incident is None:
            raise NotFound
    if kind is not None and kind not in KINDS:
        raise Invalid(f"附件种类只能是：{'、'.join(KINDS)}", field="kind")
    if documents.looks_like(raw):
        return _take_paper(session, raw, incident, kind=kind, actor=actor, at=at)
    capture = open_capture(token, incident_id, actor=actor, at=at) if token else None
    picture = photos.read(raw)
    row = _row(picture, capture, kind=kind or _kind_now(incident), actor=actor, at=at)
    if incident is not None:
        _relate(session, row, incident)
    if row.looks is not None:
        row.reused_of = kept.alike(
            session,
            row.looks,
            incident_id=incident_id,
            since=at - LOOKED_BACK,
            most=evidence.ALIKE_AT_MOST,
        )
    photos.keep(folder(), picture)
    kept.add(session, row)
    return row


def _take_paper(
    session: Session,
    raw: bytes,
    incident: Incident | None,
    *,
    kind: str | None,
    actor: Actor,
    at: datetime,
) -> Evidence:
    """Keep a PDF; it proves what it says, and never how a place looks."""
    if kind not in {None, DOCUMENT}:
        raise Invalid("PDF 只能作为文书上传，现场情况请拍照", field="kind")
    paper = documents.read(raw)
    row = Evidence(
        kind=DOCUMENT,
        digest=paper.digest,
        width=0,
        height=0,
        bytes=len(paper.content),
        **_by(actor, at=at),
    )
    row.incident_id = incident.id if incident else None
    documents.keep(folder(), paper)
    kept.add(session, row)
    return row


def _by(actor: Actor, *, at: datetime) -> dict[str, Any]:
    return {
        "id": ids.uuid7(at),
        "uploaded_at": at,
        "uploaded_by": actor.name,
        "account": actor.account,
        "person": actor.person,
        "unit_id": actor.unit,
    }


def _kind_now(incident: Incident | None) -> str:
    return AFTER if incident and incident.status == Status.HANDLING else BEFORE


def _row(
    picture: photos.Picture, capture: Capture | None, *, kind: str, actor: Actor, at: datetime
) -> Evidence:
    row = Evidence(
        kind=kind,
        digest=picture.digest,
        width=picture.width,
        height=picture.height,
        bytes=len(picture.large),
        looks=picture.looks,
        taken_at=picture.taken_at,
        **_by(actor, at=at),
    )
    if capture:
        row.lon, row.lat, row.placed_by = capture.lon, capture.lat, CAPTURE
        row.accuracy_m, row.captured_at = capture.accuracy_m, capture.at
    elif picture.lon is not None and picture.lat is not None:
        row.lon, row.lat = to_store(picture.lon, picture.lat, Frame.WGS84)
        row.placed_by = EXIF
    return row


def _relate(session: Session, row: Evidence, incident: Incident) -> None:
    """Say how far from the case a photo was taken, and which picture it is the answer to."""
    row.incident_id = incident.id
    lon, lat = queries.point_of(session, incident.id)
    if lon is not None and lat is not None and row.lon is not None and row.lat is not None:
        row.distance_m = round(evidence.metres(row.lon, row.lat, lon, lat), 1)
    if row.kind == AFTER:
        row.before_id = kept.first_before(session, incident.id)


def attach(
    session: Session, incident: Incident, said: Sequence[str], *, seq: int, actor: Actor
) -> list[Shot]:
    """Bind uploaded photos to the line being written, and return what they prove."""
    if not said:
        return []
    try:
        wanted = [UUID(each) for each in said]
    except ValueError:
        raise Invalid("照片要先上传，这里填上传后得到的编号", field="photos") from None
    found = kept.usable(session, wanted, incident_id=incident.id, account=actor.account)
    if set(wanted) - found.keys():
        raise Invalid("有照片不存在，或不属于此案件：请重新上传", field="photos")
    kept.attach(session, wanted, incident_id=incident.id, seq=seq)
    at = queries.point_of(session, incident.id)
    return [shot_of(found[each], _metres_from(found[each], *at)) for each in wanted]


def attach_of_reports(session: Session, cases: Sequence[Incident]) -> None:
    """Bind the photos of fresh reports to their cases."""
    with_photos = [case.id for case in cases if case.photos]
    if with_photos:
        kept.attach_of_reports(session, with_photos)


def shot_of(row: Evidence, distance_m: float | None) -> Shot:
    """Return what a photo proves, taken so far from where the case is."""
    return Shot(
        kind=row.kind,
        distance_m=distance_m,
        accuracy_m=row.accuracy_m or 0.0,
        placed_by=row.placed_by,
        reused=row.reused_of is not None,
        taken_at=row.captured_at or row.uploaded_at,
    )


def file_of(session: Session, evidence_id: UUID, *, small: bool) -> Path:
    """Return the file of a photo the caller may see."""
    row = kept.get(session, evidence_id)
    if row is None or row.paged:
        raise NotFound
    return _there(photos.path_of(folder(), row.digest, small=small))


def document_of(session: Session, evidence_id: UUID) -> Path:
    """Return the file of a document (PDF) the caller may see."""
    row = kept.get(session, evidence_id)
    if row is None or not row.paged:
        raise NotFound
    return _there(documents.path_of(folder(), row.digest))


def _there(path: Path) -> Path:
    if not path.exists():
        raise NotFound("附件文件不在了，请联系管理员从备份恢复")
    return path


def of_case(session: Session, incident_id: UUID) -> dict[str, Any]:
    """Return the photos of a case and which answers which (before, after)."""
    if queries.get(session, incident_id) is None:
        raise NotFound
    at = queries.point_of(session, incident_id)
    shown = [
        as_dict(row) | {"distance_m": _metres_from(row, *at)}
        for row in kept.of_case(session, incident_id)
    ]
    pairs = [{"before": row["before_id"], "after": row["id"]} for row in shown if row["before_id"]]
    return {"photos": shown, "pairs": pairs}


def _metres_from(row: Evidence, lon: float | None, lat: float | None) -> float | None:
    """Return how far a photo was taken from where the case is now known to be (定位更正后重算)."""
    if row.lon is None or row.lat is None or lon is None or lat is None:
        return None
    return round(evidence.metres(row.lon, row.lat, lon, lat), 1)


def as_dict(row: Evidence) -> dict[str, Any]:
    """Return a photo or a document as screens and clients know it."""
    return {
        "id": str(row.id),
        "incident_id": str(row.incident_id) if row.incident_id else None,
        "seq": row.seq,
        "kind": row.kind,
        "before_id": str(row.before_id) if row.before_id else None,
        "format": "pdf" if row.paged else "jpeg",
        "url": f"/evidence/{row.id}/{'document.pdf' if row.paged else 'photo.jpg'}",
        "thumbnail": None if row.paged else f"/evidence/{row.id}/small.jpg",
        "width": row.width,
        "height": row.height,
        "bytes": row.bytes,
        "taken_at": stamp(row.taken_at) if row.taken_at else None,
        "captured_at": stamp(row.captured_at) if row.captured_at else None,
        "placed_by": row.placed_by,
        "distance_m": row.distance_m,
        "reused": row.reused_of is not None,
        "uploaded_at": stamp(row.uploaded_at),
        "uploaded_by": row.uploaded_by,
        "unit_id": row.unit_id,
    }
