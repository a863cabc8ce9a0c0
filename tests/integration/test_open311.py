"""`/open311/v2`: a foreign client's whole way, in both forms, and every documented error."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from core import clock
from tests import web
from tests.cases import TOWN, VILLAGE, Cast, cast, inside, one, picture, rows

G = "/open311/v2"
FORMS = ("json", "xml")
REQUEST_FIELDS = {
    "service_request_id", "status", "status_notes", "service_name", "service_code", "description",
    "agency_responsible", "service_notice", "requested_datetime", "updated_datetime",
    "expected_datetime", "address", "address_id", "zipcode", "lat", "long", "media_url",
}  # fmt: skip


@pytest.fixture(scope="module")
def served(database: str) -> Iterator[TestClient]:
    del database
    with web.serving() as client:
        yield client


@pytest.fixture(scope="module")
def key(served: TestClient) -> str:
    del served
    return str(web.credentials()["open311_api_key"])


@pytest.fixture(scope="module")
def people(database: str) -> Cast:
    del database
    return cast()


def told(answer: Any, form: str, item: str = "") -> Any:
    """Return an answer as plain data: lists of fields, whichever form it came in."""
    if form == "json":
        return answer.json()
    root = ET.fromstring(answer.content)
    return [_fields(each) for each in root.findall(item)] if item else _fields(root)


def _fields(element: ET.Element) -> dict[str, Any]:
    return {
        child.tag: [_fields(each) for each in child] if len(child) else child.text
        for child in element
    }


@pytest.mark.parametrize("form", FORMS)
def test_a_foreign_client_goes_its_whole_way(
    served: TestClient, key: str, people: Cast, form: str
) -> None:
    start = told(served.get(f"{G}/discovery.{form}"), form)
    endpoint = start["endpoints"][0]
    assert endpoint["url"].endswith(G)
    assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2"
    services = told(served.get(f"{G}/services.{form}"), form, "service")
    water = next(each for each in services if each["service_code"] == "0301")
    assert water.keys() == {
        "service_code", "service_name", "description", "metadata", "type", "keywords", "group",
    }  # fmt: skip
    assert str(water["metadata"]).lower() == "true"
    definition = told(served.get(f"{G}/services/0301.{form}"), form)
    assert {each["code"] for each in definition["attributes"]} == {"depth_cm", "passable"}
    lon, lat = inside(TOWN)
    began = clock.now() - timedelta(minutes=1)
    sent = {
        "api_key": key, "service_code": "0301", "lat": str(lat), "long": str(lon),
        "description": "深到膝盖", "phone": "13912345678", "email": "a@example.com",
        "first_name": "三", "last_name": "刘", "device_id": "x", "account_id": "y",
        "attribute[depth_cm]": "40", "attribute[passable]": "不能",
        "media_url": "http://192.0.2.1/never-fetched.jpg",
    }  # fmt: skip
    posted = served.post(f"{G}/requests.{form}", data=sent)
    assert posted.status_code == 201
    token = told(posted, form, "request")[0]["token"]
    (behind,) = told(served.get(f"{G}/tokens/{token}.{form}"), form, "request")
    number = behind["service_request_id"]
    kept = one("select id, attributes from incidents where number = :n", n=number)
    assert kept["attributes"]["passable"] == "不能"
    (shown,) = told(served.get(f"{G}/requests/{number}.{form}"), form, "request")
    assert shown.keys() == REQUEST_FIELDS
    assert (shown["status"], shown["service_code"]) == ("open", "0301")
    span = {"start_date": began.isoformat(), "end_date": (clock.now()).isoformat()}
    for asked, found in (
        ({"status": "open", **span}, True),
        ({"status": "closed", **span}, False),
        ({"status": "open,closed", "service_code": "0301,0302"}, True),
        ({"service_code": "0101"}, False),
        ({"service_code": "no-such"}, False),
        ({"service_code": "no-such,0301"}, True),
        ({"start_date": (clock.now() + timedelta(days=1)).isoformat()}, False),
        ({"service_request_id": f"{number},20200101000001"}, True),
        ({"end_date": began.isoformat()}, False),
        ({"page": "2", "page_size": "1000"}, False),
    ):
        listed = told(served.get(f"{G}/requests.{form}", params=asked), form, "request")
        assert (number in {each["service_request_id"] for each in listed}) is found, asked
    for secret in ("13912345678", "刘", "深到膝盖", "a@example.com", "never-fetched", token):
        assert secret not in served.get(f"{G}/requests/{number}.{form}").text
    people.county.act(kept["id"], "reject", note="测试")
    (closed,) = told(served.get(f"{G}/requests/{number}.{form}"), form, "request")
    assert closed["status"] == "closed"


def test_what_is_promised_is_the_handling_deadline_of_the_working_calendar(
    served: TestClient, key: str, people: Cast
) -> None:
    lon, lat = inside(TOWN)
    sent = {"api_key": key, "service_code": "0101", "lat": str(lat), "long": str(lon)}
    number = served.post(f"{G}/requests.json", data=sent).json()[0]["service_request_id"]
    case = one("select id, due_at from incidents where number = :n", n=number)

    def expected() -> datetime:
        shown = served.get(f"{G}/requests/{number}.json").json()[0]["expected_datetime"]
        return datetime.fromisoformat(shown)

    assert expected() > case["due_at"], "the whole way, not acceptance alone"
    people.town.act(case["id"], "accept")
    people.town.act(case["id"], "assign")
    handling = one(
        "select due_at from clock_segments where incident_id = :i and stage = 'handle'"
        " and ended_at is null", i=case["id"],
    )  # fmt: skip
    assert expected() == handling["due_at"].replace(microsecond=0)


def test_media_of_a_multipart_form_are_made_anew_and_shown_to_nobody_here(
    served: TestClient, key: str
) -> None:
    sent = {"api_key": key, "service_code": "0101", "address_string": "星沙街道开元路社区"}
    photos = [("media", ("a.jpg", picture(), "image/jpeg")) for _ in range(2)]
    posted = served.post(f"{G}/requests.json", data=sent, files=photos)
    assert posted.status_code == 201, posted.text
    number = posted.json()[0]["service_request_id"]
    kept = rows(
        "select kind from evidence where incident_id ="
        " (select id from incident_keys where number = :n)", n=number,
    )  # fmt: skip
    assert [each["kind"] for each in kept] == ["before", "before"]
    assert served.get(f"{G}/requests/{number}.json").json()[0]["media_url"] is None
    broken = [("media", ("a.jpg", b"<svg onload=alert(1)>", "image/jpeg"))]
    before = one("select count(*) as n from incidents")
    refused = served.post(f"{G}/requests.xml", data=sent, files=broken)
    assert refused.status_code == 400
    assert "照片" in told(refused, "xml", "error")[0]["description"]
    assert one("select count(*) as n from incidents") == before


ERRORS: list[tuple[str, str, dict[str, str], int]] = [
    ("GET", "services", {"jurisdiction_id": "elsewhere"}, 404),
    ("GET", "services/9999", {}, 404),
    ("GET", "services/0701", {}, 404),
    ("GET", "requests/20200101000001", {}, 404),
    ("GET", "tokens/0000000000", {}, 404),
    ("GET", "requests", {"jurisdiction_id": "elsewhere"}, 404),
    ("GET", "requests", {"start_date": "yesterday"}, 400),
    ("GET", "requests", {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-09-01"}, 400),
    ("GET", "requests", {"status": "lost"}, 400),
    ("GET", "requests", {"status": "still-open"}, 400),
    ("GET", "requests", {"page_size": "1001"}, 400),
    ("POST", "requests", {"service_code": "0301", "lat": "28.2", "long": "113.1"}, 403),
    ("POST", "requests", {"api_key": "wrong", "service_code": "0301"}, 403),
    ("POST", "requests", {"api_key": "", "lat": "28.2", "long": "113.1"}, 400),
    ("POST", "requests", {"api_key": "", "service_code": "0701", "lat": "28.2"}, 404),
    ("POST", "requests", {"api_key": "", "service_code": "0301"}, 400),
    ("POST", "requests", {"api_key": "", "service_code": "0301", "jurisdiction_id": "x"}, 404),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("wrong", ERRORS)
def test_each_documented_error_has_its_status_and_says_why(
    served: TestClient, key: str, wrong: tuple[str, str, dict[str, str], int], form: str
) -> None:
    method, path, sent, status = wrong
    given = {**sent, "api_key": sent["api_key"] or key} if "api_key" in sent else sent
    url = f"{G}/{path}.{form}"
    posted = method == "POST"
    answer = served.post(url, data=given) if posted else served.get(url, params=given)
    assert answer.status_code == status, answer.text
    expected = "text/xml" if form == "xml" else "application/json"
    assert answer.headers["content-type"].startswith(expected)
    (error,) = told(answer, form, "error")
    assert error.keys() == {"code", "description"}
    assert int(error["code"]) == status
    assert error["description"]


def test_a_village_is_named_by_its_national_code(served: TestClient, key: str) -> None:
    sent = {"api_key": key, "service_code": "0101", "address_string": "星沙街道开元路社区"}
    number = served.post(f"{G}/requests.json", data=sent).json()[0]["service_request_id"]
    shown = served.get(f"{G}/requests/{number}.json").json()[0]
    assert shown["address_id"] == str(VILLAGE)
    assert (shown["lat"], shown["long"]) == (None, None)
