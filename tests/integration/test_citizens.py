"""随手拍 and 查进度 as citizens use them: plain forms, codes, ratings, call-backs."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from core.db import Access, transaction
from dispatch.incidents import proving
from dispatch.incidents.citizens import reception
from people.roles import Post
from tests import web
from tests.cases import TOWN, VILLAGE, Cast, cast, inside, one, picture, rows
from tests.county import County

PHONE = "13800000416"
KEPT = "source, village_code, located_by"


@pytest.fixture(scope="module")
def phone(database: str) -> Iterator[TestClient]:
    """A citizen's browser: no account, no cookie."""
    del database
    with web.serving() as client:
        yield client


@pytest.fixture
def people(database: str) -> Cast:
    del database
    return cast()


@pytest.fixture
def county(database: str) -> Iterator[County]:
    """The module's county, its clock the test's own."""
    del database
    with County.opened() as opened:
        yield opened


def said(**more: Any) -> dict[str, str]:
    """Return a filled form; every one is a new report."""
    lon, lat = inside(TOWN)
    filled = {
        "key": secrets.token_hex(16), "category": "0101", "description": "垃圾没人收",
        "lon": str(lon), "lat": str(lat), "phone": PHONE,
    }  # fmt: skip
    return {**filled, **more}


def report(phone: TestClient, **more: Any) -> str:
    """Send the plain form; returns the tracking code of its receipt."""
    answer = phone.post("/report", data=said(**more))
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"].rsplit("/", 1)[1])


def work(people: Cast, code: str) -> str:
    """Walk a case to its closing with the people of its town; returns its id."""
    case = one("select id from incidents where tracking_code = :c", c=code)["id"]
    people.town.act(case, "accept")
    people.town.act(case, "assign")
    people.worker.act(case, "sign")
    people.worker.act(case, "feed_back", note="已清走，老刘现场签字")
    people.county.act(case, "pass_check")
    return str(case)


def stored() -> int:
    """Return how many cases there are."""
    return int(one("select count(*) as n from incidents")["n"])


def owed(case: str) -> list[dict[str, Any]]:
    return rows(
        "select o.kind, p.kind as post, o.due_at from owed o join posts p on p.id = o.post_id"
        " where subject = :s",
        s=case,
    )


def test_a_plain_form_without_scripts_is_stored_once_and_answered_with_a_code(
    phone: TestClient,
) -> None:
    shown = phone.get("/report")
    assert shown.status_code == 200
    assert "星沙街道" in shown.text
    assert len(shown.content) < 100_000
    form = said(lon="", lat="", village_code=str(VILLAGE), address="菜场后门")
    first, again = phone.post("/report", data=form), phone.post("/report", data=form)
    assert first.headers["location"] == again.headers["location"]
    code = first.headers["location"].rsplit("/", 1)[1]
    kept = one(
        "select source, village_code, located_by from incidents where tracking_code=:c", c=code
    )
    assert kept == {"source": "snap", "village_code": VILLAGE, "located_by": "village"}
    receipt = phone.get(first.headers["location"])
    assert f"{code[:5]}-{code[5:]}" in receipt.text
    assert 'class="qr"' in receipt.text
    assert PHONE not in receipt.text


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"lon": "", "lat": ""}, "请说明在哪里"),
        ({"category": ""}, "请选一下是什么事"),
        ({"category": "0701"}, "请选一下是什么事"),
        ({"description": " "}, "请写明事件描述"),
        ({"lon": "nan"}, "坐标"),
        ({"phone": "abc"}, "联系电话"),
        ({"key": "1"}, "页面已过期"),
    ],
)
def test_a_form_that_lacks_something_comes_back_filled_with_the_reason(
    phone: TestClient, wrong: dict[str, str], sentence: str
) -> None:
    before = stored()
    answer = phone.post("/report", data=said(**wrong))
    assert answer.status_code == 422
    assert sentence in answer.text
    assert wrong.get("description") or "垃圾没人收" in answer.text
    assert stored() == before


def test_a_form_of_another_site_is_refused(phone: TestClient) -> None:
    before = stored()
    answer = phone.post("/report", data=said(), headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert stored() == before


def test_a_phone_learns_its_village_and_what_is_near_but_nothing_withheld(
    phone: TestClient, people: Cast
) -> None:
    lon, lat = inside(TOWN, nth=3)
    here = {"lon": str(lon), "lat": str(lat)}
    report(phone, **here)
    people.town.report("邻里纠纷", lon=lon, lat=lat)
    found = phone.get("/report/near", params={"lon": lon, "lat": lat, "frame": "cgcs2000"}).json()
    assert found["village"]
    assert [each["title"] for each in found["near"]] == ["暴露垃圾"]
    assert found["near"][0].keys() == {"number", "category", "title", "distance_m", "minutes"}
    assert {line["tier"] for line in found["lines"]} == {"cell", "village"}
    same = report(phone, **here, same_as=found["near"][0]["number"])
    kept = one("select attributes from incidents where tracking_code = :c", c=same)
    assert kept["attributes"] == {"same_as": found["near"][0]["number"]}


def test_progress_is_told_in_plain_words_without_persons_notes_or_numbers(
    phone: TestClient, people: Cast
) -> None:
    code = report(phone)
    before = phone.get(f"/track/{code}").text
    assert "收到了，正在看" in before
    assert "最迟" in before
    work(people, code)
    shown = phone.get(f"/track/{code}").text
    steps = re.findall(r'<b class="m">([^<]+)', shown)
    assert steps[0] == "您上报了"
    assert steps[-1] == "另一方去看过，属实，已结案"
    assert any(step.startswith("派给") for step in steps)
    for secret in ("老刘", PHONE, "0416", "网格员甲", "派遣员丙", "垃圾没人收"):
        assert secret not in shown


@pytest.mark.parametrize("typed", ["ABCDEFGHJK", "x" * 300, "0", "%00", "'--"])
def test_a_wrong_code_gets_a_friendly_page(phone: TestClient, typed: str) -> None:
    answer = phone.get(f"/track/{typed}")
    assert answer.status_code == 404
    assert "没有这个查询码" in answer.text


def test_a_code_is_understood_however_it_is_typed(phone: TestClient) -> None:
    code = report(phone)
    loose = f" {code[:5].lower()}-{code[5:].lower()} ".replace("0", "o").replace("1", "l")
    assert phone.get("/track", params={"code": loose}).headers["location"] == f"/track/{code}"


def test_not_solved_reopens_the_case_and_reaches_its_unit_once(
    phone: TestClient, people: Cast, county: County
) -> None:
    code = report(phone)
    early = phone.post(f"/track/{code}", data={"solved": "no"})
    assert early.status_code == 409
    case = work(people, code)
    county.settle_down()
    answer = phone.post(f"/track/{code}", data={"solved": "no", "grade": "1", "words": "还在"})
    assert answer.status_code == 303, answer.text
    county.settle_down()
    kept = one("select status, reopens, lead_unit from incidents where id = :id", id=case)
    assert (kept["status"], kept["reopens"]) == ("assigned", 1)
    rated = one("select data from timeline_entries where incident_id=:i and action='rate'", i=case)
    assert rated["data"] == {"solved": False, "satisfied": False, "grade": 1}
    (line,) = owed(case)
    assert line["kind"] == "incident.sign"
    assert "您说没解决，已重新派人" in phone.get(f"/track/{code}").text
    assert phone.post(f"/track/{code}", data={"solved": "yes"}).status_code == 409
    assert list(proving.verify(processes=1)) == [], "the ledger tells the same story"


def test_a_reporter_of_a_merged_case_follows_and_rates_the_case_it_went_into(
    phone: TestClient, people: Cast
) -> None:
    first, second = report(phone), report(phone, description="这里也有垃圾")
    master = one("select number from incidents where tracking_code = :c", c=first)["number"]
    twin = one("select id from incidents where tracking_code = :c", c=second)["id"]
    people.town.act(twin, "merge", into=master)
    work(people, first)
    shown = phone.get(f"/track/{second}").text
    assert "与另一位邻居报的合成一件" in shown
    assert "办好了吗" in shown
    assert first not in shown
    assert phone.post(f"/track/{second}", data={"solved": "yes", "grade": "5"}).status_code == 303
    rated = phone.get(f"/track/{first}").text
    for said in ("您评价了", "办好了，很满意", "办好了，您已经评价"):
        assert said in rated, said
    assert "请您看看" not in rated


def test_the_reporter_is_called_back_within_a_workday_and_lateness_is_written_down(
    phone: TestClient, people: Cast, county: County
) -> None:
    code = report(phone)
    case = work(people, code)
    county.settle_down()
    (line,) = owed(case)
    assert (line["kind"], line["post"]) == ("incident.call_back", Post.RECEPTIONIST.value)
    county.fast_forward("6d")
    late = rows(
        "select 1 from timeline_entries where incident_id = :i and reason_code = :r",
        i=case, r="call_back_overdue",
    )  # fmt: skip
    assert len(late) == 1
    assert len(owed(case)) == 1, "late, and still owed"
    with transaction(Access.nobody()) as session:
        assert case in [str(row["id"]) for row in reception.call_backs_owed(session)]
    assert county.dead() == []


def test_photos_of_a_report_are_made_anew_kept_once_and_shown_to_their_reporter_alone(
    phone: TestClient, people: Cast
) -> None:
    form = said(description="垃圾堆满了")
    shots = [("photos", (f"{n}.jpg", picture(n), "image/jpeg")) for n in (1, 2)]
    first = phone.post("/report", data=form, files=shots)
    again = phone.post("/report", data=form, files=shots)
    assert first.headers["location"] == again.headers["location"]
    code = first.headers["location"].rsplit("/", 1)[1]
    kept = rows(
        "select e.id from evidence e join incidents i on i.id = e.incident_id"
        " where i.tracking_code = :c", c=code,
    )  # fmt: skip
    assert len(kept) == 2, "sent twice, kept once"
    work(people, code)
    shown = re.findall(r'src="(/track/[^"]+)"', phone.get(f"/track/{code}").text)
    assert len(shown) == 2, "before and after"
    for url in shown:
        assert phone.get(url).headers["content-type"] == "image/jpeg"
    other = report(phone)
    assert phone.get(shown[0].replace(code, other)).status_code == 404
    direct = phone.get(f"/evidence/{kept[0]['id']}/photo.jpg")
    assert direct.status_code in {303, 401}, "sign in first"


def test_what_is_no_photo_is_refused_before_anything_is_stored(phone: TestClient) -> None:
    before = stored()
    broken = [("photos", ("a.jpg", b"<svg onload=alert(1)>", "image/jpeg"))]
    answer = phone.post("/report", data=said(), files=broken)
    assert answer.status_code == 422
    assert "照片" in answer.text
    assert stored() == before


def test_codes_cannot_be_tried_out_without_end(phone: TestClient) -> None:
    answers = [phone.get(f"/track/{n:010d}") for n in range(80)]
    assert {answer.status_code for answer in answers} == {404, 429}
    refused = answers[-1]
    assert refused.status_code == 429
    assert "秒后再试" in refused.text
    assert refused.headers["content-type"].startswith("text/html")
