"""Photos of cases (附件): made anew, signed where taken, compared, seen by who sees the case."""

from __future__ import annotations

import hashlib
import io
import resource
import zipfile
import zlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from PIL import Image
from starlette.testclient import TestClient

from core import clock
from core.db import transaction
from core.errors import Invalid
from core.settings import settings
from dispatch.incidents import collecting, photos
from tests.cases import TOWN, Cast, cast, in_hand, inside, one, picture, rows
from tests.county import County
from tests.web import serving, sign_in

NEIGHBOUR = "town430121002"
TOWN_DESK = f"town{TOWN}"


@pytest.fixture(scope="module")
def people(database: str) -> Cast:
    del database
    return cast()


@pytest.fixture(scope="module")
def client(database: str) -> Iterator[TestClient]:
    del database
    with serving() as served:
        yield served


def send(browser: TestClient, raw: bytes, **fields: Any) -> Any:
    files = {"file": ("photo.jpg", raw, "image/jpeg")}
    return browser.post("/api/v1/uploads", data=fields, files=files)


def signed(browser: TestClient, case: UUID, lon: float, lat: float) -> str:
    body = {"incident_id": str(case), "lon": lon, "lat": lat, "frame": "cgcs2000", "accuracy": 8}
    answer = browser.post("/api/v1/uploads/captures", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["token"])


def located(seed: int) -> bytes:
    """Return a photo whose EXIF says when and where, and carries a camera's name."""
    lon, lat = inside(TOWN)
    exif = Image.Exif()
    exif[0x0110] = "SECRET-CAMERA"
    exif.get_ifd(0x8769)[0x9003] = "2026:11:20 09:30:00"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2] = "N", (int(lat), 0, round((lat % 1) * 3600, 3))
    gps[3], gps[4] = "E", (int(lon), 0, round((lon % 1) * 3600, 3))
    return picture(seed, exif=exif)


def test_a_photo_is_made_anew_and_seen_only_by_those_who_see_its_case(
    people: Cast, client: TestClient
) -> None:
    case = in_hand(people)
    town = sign_in(client, TOWN_DESK)
    lon, lat = inside(TOWN)
    answer = send(
        town, located(1), incident_id=str(case), token=signed(town, case, lon, lat), kind="before"
    )
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told["taken_at"].startswith("2026-11-20T01:30:00")
    assert (told["placed_by"], told["distance_m"] < 5) == ("capture", True)
    photo = town.get(told["url"])
    assert photo.headers["content-type"] == "image/jpeg"
    assert photo.headers["x-content-type-options"] == "nosniff"
    assert photo.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in photo.headers["content-security-policy"]
    with Image.open(io.BytesIO(photo.content)) as kept:
        assert not kept.getexif()
    assert b"SECRET" not in photo.content
    assert b"GPS" not in photo.content
    with Image.open(io.BytesIO(town.get(told["thumbnail"]).content)) as small:
        assert max(small.size) <= photos.SMALL
    for who in (NEIGHBOUR, "admin1"):
        assert sign_in(client, who).get(told["url"]).status_code in {403, 404}, who
    assert TestClient(client.app, follow_redirects=False).get(told["url"]).status_code == 401
    listed = town.get(f"/api/v1/incidents/{case}/evidence").json()
    assert [each["id"] for each in listed["photos"]] == [told["id"]]
    assert sign_in(client, NEIGHBOUR).get(f"/api/v1/incidents/{case}/evidence").status_code == 404


def bomb() -> bytes:
    """Return a PNG of a few kilobytes that says it is 9,000 by 9,000."""
    out = io.BytesIO()
    Image.new("1", (9_000, 9_000)).save(out, "PNG", optimize=False)
    return out.getvalue()


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", "x" * 100)
    return out.getvalue()


def test_what_is_no_photo_is_refused_and_leaves_nothing(people: Cast, client: TestClient) -> None:
    case = in_hand(people)
    town = sign_in(client, TOWN_DESK)
    before = rows("select count(*) as n from evidence")
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    gif = io.BytesIO()
    Image.new("P", (9, 9)).save(gif, "GIF")
    for raw in (
        b"", b"\xff\xd8\xff", b"<html><script>1</script></html>", svg, zipped(), b"%PDF-1.7",
        gif.getvalue(), picture(1)[:400], b"GIF89a/*" + picture(1), bomb(),
        b"\x00" * (photos.MAX_BYTES + 1),
    ):  # fmt: skip
        answer = send(town, raw, incident_id=str(case))
        assert answer.status_code in {413, 422}, (raw[:20], answer.text)
        assert answer.json()["detail"]
    assert rows("select count(*) as n from evidence") == before


def test_what_hides_behind_a_photo_does_not_survive(people: Cast, client: TestClient) -> None:
    case = in_hand(people)
    town = sign_in(client, TOWN_DESK)
    hidden = picture(7, comment=b"<script>alert(2)</script>") + b"<?php echo 1 ?>" + zipped()
    told = send(town, hidden, incident_id=str(case)).json()
    kept = town.get(told["url"]).content
    for word in (b"script", b"php", b"PK\x03\x04"):
        assert word not in kept


def test_feedback_needs_a_photo_taken_at_the_place(people: Cast, database: str) -> None:
    del database
    case = in_hand(people)
    with pytest.raises(Invalid, match="处置后的照片"):
        people.worker.act(case, "feed_back", note="好了", photos=())
    before = people.worker.photograph(case, kind="before")
    with pytest.raises(Invalid, match="处置后的照片"):
        people.worker.act(case, "feed_back", note="好了", photos=(before,))
    lon, lat = inside(TOWN)
    far = people.worker.photograph(case, lon=lon + 0.02, lat=lat)
    with pytest.raises(Invalid, match="请到现场拍照"):
        people.worker.act(case, "feed_back", note="好了", photos=(far,))
    with pytest.raises(Invalid, match="先上传"):
        people.worker.act(case, "feed_back", note="好了", photos=("随便",))
    elsewhere = people.worker.photograph(in_hand(people))
    with pytest.raises(Invalid, match="不属于此案件"):
        people.worker.act(case, "feed_back", note="好了", photos=(elsewhere,))
    near = people.worker.photograph(case, lon=lon + 0.001, lat=lat)
    assert people.worker.act(case, "feed_back", note="好了", photos=(near,)) == "checking"
    bound = one("select seq, before_id from evidence where id = :id", id=near)
    assert str(bound["before_id"]) == before
    assert bound["seq"] == one("select rev from incidents where id = :id", id=case)["rev"]


def test_a_photo_without_a_position_proves_nothing_but_its_own_exif_does(
    people: Cast, client: TestClient
) -> None:
    case = in_hand(people)
    town = sign_in(client, TOWN_DESK)
    placeless = send(town, picture(), incident_id=str(case)).json()
    assert placeless["kind"] == "after"
    with pytest.raises(Invalid, match="没有拍摄位置"):
        people.worker.act(case, "feed_back", note="好了", photos=(placeless["id"],))
    placed = send(town, located(77), incident_id=str(case)).json()
    assert (placed["placed_by"], placed["distance_m"] < 100) == ("exif", True)
    assert people.worker.act(case, "feed_back", note="好", photos=(placed["id"],)) == "checking"


def test_some_categories_want_a_document_and_some_want_nothing(people: Cast, database: str) -> None:
    del database
    case = in_hand(people, "停水")
    assert people.worker.act(case, "feed_back", note="已送水", photos=()) == "checking"
    case = in_hand(people, "动物疫情线索")
    with pytest.raises(Invalid, match="文书"):
        people.worker.act(case, "feed_back", note="已处置")
    paper = people.worker.photograph(case, kind="document")
    assert people.worker.act(case, "feed_back", note="已处置", photos=(paper,)) == "checking"


def sheet(*, says: bytes = b"", packed: bytes | None = None, version: bytes = b"1.7") -> bytes:
    """Return a PDF of one page with a true cross-reference table; `says` goes into its catalog."""
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R " + says + b" >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        page if packed is None else b"<< >>",
    ]
    if packed is not None:
        held = zlib.compress(packed)
        head = b"<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d >>" % len(held)
        objects.append(head + b"\nstream\n" + held + b"\nendstream")
    out, places = b"%PDF-" + version + b"\n", []
    for n, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n" % n + body + b"\nendobj\n"
    rows_ = b"".join(b"%010d 00000 n \n" % place for place in places)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + rows_
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\n" % (len(objects) + 1)
    return out + table + trailer + b"startxref\n%d\n%%%%EOF\n" % len(out)


def test_a_pdf_is_a_document_handed_out_as_an_attachment_alone(
    people: Cast, client: TestClient
) -> None:
    case = in_hand(people, "动物疫情线索")
    town = sign_in(client, TOWN_DESK)
    raw = sheet(says=b"/Lang (zh-CN)")
    told = send(town, raw, incident_id=str(case))
    assert told.status_code == 201, told.text
    paper = told.json()
    assert (paper["kind"], paper["format"], paper["thumbnail"]) == ("document", "pdf", None)
    got = town.get(paper["url"])
    assert got.content == raw
    assert got.headers["content-type"] == "application/pdf"
    assert got.headers["content-disposition"].startswith("attachment")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert got.headers["cache-control"] == "no-store"
    for size in ("photo", "small"):
        assert town.get(f"/evidence/{paper['id']}/{size}.jpg").status_code == 404
    photo = people.worker.photograph(case)
    assert town.get(f"/evidence/{photo}/document.pdf").status_code == 404
    for who in (NEIGHBOUR, "admin1"):
        assert sign_in(client, who).get(paper["url"]).status_code in {403, 404}, who
    digest = hashlib.sha256(raw).hexdigest()
    assert (settings().home / "uploads" / digest[:2] / f"{digest}.pdf").read_bytes() == raw
    again = send(town, raw, incident_id=str(case)).json()
    assert again["id"] != paper["id"]
    assert len(list((settings().home / "uploads").rglob(f"{digest}*"))) == 1
    assert people.worker.act(case, "feed_back", note="已扑杀", photos=(paper["id"],)) == "checking"


def test_a_document_proves_no_place_and_a_photo_class_still_wants_its_photo(
    people: Cast, client: TestClient
) -> None:
    case = in_hand(people)
    town = sign_in(client, TOWN_DESK)
    paper = send(town, sheet(), incident_id=str(case)).json()
    with pytest.raises(Invalid, match="处置后的照片"):
        people.worker.act(case, "feed_back", note="好了", photos=(paper["id"],))
    for kind in ("before", "after"):
        refused = send(town, sheet(), incident_id=str(case), kind=kind)
        assert refused.status_code == 422
        assert "只能作为文书" in refused.json()["detail"]


def test_locked_living_broken_and_swelling_pdfs_are_refused_and_leave_nothing(
    people: Cast, client: TestClient
) -> None:
    case = in_hand(people)
    town = sign_in(client, TOWN_DESK)
    before = rows("select count(*) as n from evidence")
    script = b"/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>"
    for raw, said in (
        (sheet(says=b"/Encrypt 9 0 R"), "加密"), (sheet(says=b"/En#63rypt 9 0 R"), "加密"),
        (sheet(says=script), "脚本"), (sheet(says=b"/A << /S /Java#53cript >>"), "脚本"),
        (sheet(packed=b"3 0 << /Type /Page /AA << /S /JavaScript >> >>"), "脚本"),
        (sheet(says=b"/Names << /EmbeddedFiles 8 0 R >>"), "附带文件"),
        (sheet(packed=b"3 0 " + b" " * (17 * 1024 * 1024)), "太大"),
        (sheet(packed=b"3 0 << /Type /Pages >>"), "没有页"),
        (sheet()[:-8], "完整"), (sheet() + zipped(), "完整"), (b" " + sheet(), "照片"),
        (sheet(version=b"9.9"), "完整"), (b"%PDF-1.7\n", "完整"),
        (b"%PDF-1.7\n<script>alert(1)</script>", "完整"),
        (sheet(says=b"#41" * 30_000), "普通"),
        (sheet(says=b" " * (photos.MAX_BYTES + 1)), "10 MB"),
    ):  # fmt: skip
        answer = send(town, raw, incident_id=str(case), kind="document")
        assert answer.status_code == 422, (said, answer.text)
        assert said in answer.json()["detail"], (said, answer.json()["detail"])
    assert rows("select count(*) as n from evidence") == before
    packed = send(town, sheet(packed=b"3 0 << /Type /Page >>"), incident_id=str(case))
    assert packed.status_code == 201, packed.text


def test_a_capture_is_for_one_case_one_person_and_one_shift(people: Cast, database: str) -> None:
    del database
    everyone = people
    case, other = in_hand(everyone), in_hand(everyone)
    lon, lat = inside(TOWN)
    at = clock.now()
    worker, town = everyone.worker, everyone.town
    with transaction(worker.access) as session:
        token = collecting.sign_capture(
            session, case, lon=lon, lat=lat, accuracy_m=3, actor=worker.actor, at=at
        )
    opened = collecting.open_capture(token, case, actor=worker.actor, at=at)
    assert (opened.lon, opened.lat, opened.at) == (lon, lat, at)
    late = at + collecting.TOKEN_LIVES + timedelta(seconds=1)
    forged = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
    for said, of, who, when in (
        (token, other, worker.actor, at), (token, case, town.actor, at),
        (token, case, worker.actor, late), (forged, case, worker.actor, at),
        ("x", case, worker.actor, at), ("", case, worker.actor, at),
        ("é.ü", case, worker.actor, at),
    ):  # fmt: skip
        with pytest.raises(Invalid):
            collecting.open_capture(said, of, actor=who, at=when)


def test_the_same_picture_in_another_case_is_marked_even_saved_again(
    people: Cast, database: str
) -> None:
    del database
    first, second = in_hand(people), in_hand(people)
    original = picture(4242)
    people.worker.photograph(first, raw=original)
    with Image.open(io.BytesIO(original)) as image:
        smaller = image.resize((120, 90))
        out = io.BytesIO()
        smaller.save(out, "JPEG", quality=60)
    again = people.worker.photograph(second, raw=out.getvalue())
    assert one("select reused_of is not null as marked from evidence where id = :id", id=again) == {
        "marked": True
    }
    people.worker.act(second, "feed_back", note="好了", photos=(again,))
    entry = rows(
        "select data from timeline_entries where incident_id = :id order by seq desc limit 1",
        id=second,
    )[0]
    assert entry["data"]["reused_photos"] == 1
    fresh = people.worker.photograph(in_hand(people), raw=picture(999))
    flat = io.BytesIO()
    Image.new("RGB", (60, 60), "navy").save(flat, "PNG")
    people.worker.photograph(in_hand(people), raw=flat.getvalue())
    wall = people.worker.photograph(in_hand(people), raw=flat.getvalue())
    for unlike in (fresh, wall):
        assert one("select reused_of from evidence where id = :id", id=unlike)["reused_of"] is None


def test_a_photo_sent_before_its_report_belongs_to_the_case_afterwards(
    client: TestClient,
) -> None:
    with County.opened() as county:
        worker = sign_in(client, TOWN_DESK)
        sent = send(worker, picture(5)).json()
        assert (sent["incident_id"], sent["kind"]) == (None, "before")
        lon, lat = inside(TOWN)
        body = {"category": "暴露垃圾", "description": "路口一堆垃圾", "photos": [sent["id"]],
                "point": {"lon": lon, "lat": lat, "frame": "cgcs2000"}}  # fmt: skip
        case = worker.post("/api/v1/incidents", json=body).json()["id"]
        county.settle_down()
        listed = worker.get(f"/api/v1/incidents/{case}/evidence").json()["photos"]
        assert [(each["id"], each["seq"]) for each in listed] == [(sent["id"], 1)]
        assert county.dead() == []


def test_a_full_disk_is_one_sentence_and_nothing_half_written(
    people: Cast, client: TestClient
) -> None:
    case = in_hand(people)
    town = sign_in(client, TOWN_DESK)
    folder = settings().home / "uploads"
    before = {path for path in folder.rglob("*") if path.is_file()}
    counted = rows("select count(*) as n from evidence")
    raw = picture()  # one that lies in no folder yet: a known one is not written again
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))  # every file stops at 1 kB
    try:
        answer = send(town, raw, incident_id=str(case))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert answer.status_code == 507, answer.text
    assert "存储空间不足" in answer.json()["detail"]
    after = {path for path in folder.rglob("*") if path.is_file()}
    assert after <= before
    assert rows("select count(*) as n from evidence") == counted
    assert send(town, raw, incident_id=str(case)).status_code == 201
