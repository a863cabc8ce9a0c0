"""`/api/v1/incidents` and `/open311/v2` as clients use them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest
from starlette.testclient import TestClient

from geo.frames import Frame, from_store
from tests import web
from tests.cases import TOWN, VILLAGE, inside, one, rows

REPORTS = "/api/v1/incidents"
POINT = {
    "id", "number", "status", "level", "category", "rev", "cell_code", "village_code", "town_code",
    "reported_at", "due_at", "tracking_code", "twins",
}  # fmt: skip


@pytest.fixture(scope="module")
def served(database: str) -> Iterator[TestClient]:
    del database
    with web.serving() as client:
        yield client


@pytest.fixture(scope="module")
def town(served: TestClient) -> TestClient:
    return web.sign_in(served, f"town{TOWN}")


@pytest.fixture(scope="module")
def county(served: TestClient) -> TestClient:
    return web.sign_in(served, "county1")


@pytest.fixture(scope="module")
def key(served: TestClient) -> str:
    del served
    return str(web.credentials()["open311_api_key"])


def body(**more: object) -> dict[str, object]:
    lon, lat = inside(TOWN)
    plain: dict[str, object] = {"category": "积水", "description": "积水很深"}
    return plain | {"point": {"lon": lon, "lat": lat}} | more


def test_a_point_in_the_phones_frame_lies_in_its_true_cell(town: TestClient) -> None:
    lon, lat = inside(TOWN, nth=7)
    shifted = from_store(lon, lat, Frame.GCJ02)
    point = {"lon": shifted.lon, "lat": shifted.lat, "frame": "gcj02"}
    answer = town.post(REPORTS, json=body(point=point))
    assert answer.status_code == 201, answer.text
    assert answer.json().keys() >= POINT
    where = one(
        "select st_distance(st_transform(point, 4547), st_transform(st_setsrid("
        "st_makepoint(:lon, :lat), 4490), 4547)) as metres, cell_code from incidents"
        " where id = :id",
        lon=lon,
        lat=lat,
        id=answer.json()["id"],
    )
    assert where["metres"] < 0.01
    assert where["cell_code"] == answer.json()["cell_code"]


def test_the_same_key_answers_the_same_case_and_another_body_422(town: TestClient) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    same = body(description="同一件事", category="路灯不亮")
    first = town.post(REPORTS, json=same, headers=headers)
    again = town.post(REPORTS, json=same, headers=headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    other = town.post(REPORTS, json=body(description="另一件事"), headers=headers)
    assert other.status_code == 422
    assert other.headers["content-type"] == "application/problem+json"
    assert other.json()["code"] == "idempotency_key_reused"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"point": {"lon": 113.1}}, "两个数字"),
        ({"point": None}, "位置"),
        ({"point": {"lon": 28.2, "lat": 113.1}}, "写反"),
        ({"point": {"lon": 2.35, "lat": 48.85}}, "境内"),
        ({"point": {"lon": 113.1, "lat": 28.2, "frame": "mars"}}, "gcj02"),
        ({"category": "没有这一类"}, "分类"),
        ({"description": "深" * 400_000}, "4000"),
        ({"description": ""}, "描述"),
        ({"reporter": {"phone": "=HYPERLINK(1)"}}, "电话"),
        ({"photos": ["x"] * 10}, "照片"),
        ({"level": 1}, "没有这一项"),
    ],
)
def test_what_cannot_be_used_says_what_to_mend(
    town: TestClient, change: dict[str, object], said: str
) -> None:
    answer = town.post(REPORTS, json=body(**change))
    assert answer.status_code == 422, answer.text
    assert said in answer.json()["detail"]


def test_not_a_number_is_refused_as_a_sentence_too(town: TestClient) -> None:
    raw = '{"category":"积水","description":"x","point":{"lon":NaN,"lat":28.2}}'
    headers = {"Content-Type": "application/json"}
    answer = town.post(REPORTS, content=raw.encode(), headers=headers)
    assert answer.status_code == 422
    assert "有限" in answer.json()["detail"]


def test_nobody_reports_without_signing_in_and_an_auditor_never(served: TestClient) -> None:
    assert served.post(REPORTS, json=body()).status_code in {401, 403}
    auditor = web.sign_in(served, "auditor1")
    assert auditor.post(REPORTS, json=body()).status_code == 403


def test_a_batch_stands_or_falls_line_by_line(town: TestClient) -> None:
    lines = [
        body(key="b-1"),
        body(category="没有"),
        {"nonsense": 1},
        body(point=None, address="星沙街道"),
        body(key="b-1"),
    ]
    answer = town.post(f"{REPORTS}:batch", json={"incidents": lines})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["stored"], told["refused"]) == (3, 2)
    assert told["lines"][0]["number"] == told["lines"][4]["number"]
    assert [("problem" in line) for line in told["lines"]] == [False, True, True, False, False]


def test_a_case_is_looked_up_acted_on_and_refused_when_seen_too_early(town: TestClient) -> None:
    made = town.post(REPORTS, json=body(reporter={"name": "刘一手", "phone": "13912347730"}))
    address = f"{REPORTS}/{made.json()['id']}"
    shown = town.get(address)
    assert shown.headers["etag"] == '"1"'
    assert shown.json()["reporter"] == {"name": "刘*", "phone": "139****7730"}
    assert "13912347730" not in shown.text
    assert "accept" in {each["action"] for each in shown.json()["actions"]}
    early = town.post(f"{address}/actions", json={"action": "accept"}, headers={"If-Match": "9"})
    assert early.status_code == 409
    done = town.post(f"{address}/actions", json={"action": "accept"}, headers={"If-Match": '"1"'})
    assert (done.status_code, done.json()["status"], done.headers["etag"]) == (200, "filed", '"2"')
    wrong = town.post(f"{address}/actions", json={"action": "sign"})
    assert wrong.status_code == 409
    assert "待派遣" in wrong.json()["detail"]
    entries = town.get(f"{address}/timeline").json()["entries"]
    assert [entry["label"] for entry in entries] == ["上报", "受理"]


def test_lists_filter_page_and_stay_inside_the_area(
    served: TestClient, county: TestClient, town: TestClient
) -> None:
    for _ in range(3):
        town.post(REPORTS, json=body(category="路灯不亮", description="灯不亮"))
    first = town.get(REPORTS, params={"limit": 2, "category": "路灯不亮"}).json()
    assert len(first["incidents"]) == 2
    rest = town.get(
        REPORTS, params={"limit": 2, "category": "路灯不亮", "cursor": first["next_cursor"]}
    ).json()
    numbers = [row["number"] for row in first["incidents"] + rest["incidents"]]
    assert numbers == sorted(set(numbers), reverse=True)
    elsewhere = web.sign_in(served, "town430121002")
    assert elsewhere.get(REPORTS, params={"town_code": TOWN}).json()["incidents"] == []
    assert county.get(REPORTS, params={"status": "merged"}).json()["incidents"] == []
    assert county.get(REPORTS, params={"limit": 9999}).status_code == 422
    assert county.get(REPORTS, params={"since": "2026-01-01T00:00:00"}).status_code == 422
    shown = county.get(REPORTS).json()["incidents"][0]
    assert "tracking_code" not in shown
    assert "description" not in shown


# Open311 -------------------------------------------------------------------------------------

G = "/open311/v2"


def test_a_foreign_client_finds_its_way_in_xml(served: TestClient, key: str) -> None:
    found = ET.fromstring(served.get(f"{G}/discovery.xml").content)
    assert found.findtext("endpoints/endpoint/url", "").endswith(G)
    listed = ET.fromstring(served.get(f"{G}/services.xml").content)
    codes = [each.text for each in listed.findall("service/service_code")]
    assert "0301" in codes
    assert "0701" not in codes, "a dispute is no public service"
    defined = ET.fromstring(served.get(f"{G}/services/0301.xml").content)
    assert defined.findtext("service_code") == "0301"
    lon, lat = inside(TOWN)
    sent = {
        "api_key": key, "service_code": "0301", "lat": str(lat), "long": str(lon),
        "description": "电话 13912345678 的刘某说积水", "phone": "13912345678",
        "attribute[depth]": "30",
    }  # fmt: skip
    posted = ET.fromstring(served.post(f"{G}/requests.xml", data=sent).content)
    token = posted.findtext("request/token")
    behind = ET.fromstring(served.get(f"{G}/tokens/{token}.xml").content)
    number = behind.findtext("request/service_request_id")
    assert number == posted.findtext("request/service_request_id")
    shown = served.get(f"{G}/requests/{number}.xml")
    assert ET.fromstring(shown.content).findtext("request/status") == "open"
    assert "13912345678" not in shown.text
    assert "刘某" not in shown.text


def test_a_foreign_client_finds_its_way_in_json_and_sends_bare_chinese(
    served: TestClient, key: str
) -> None:
    form = f"api_key={key}&service_code=0301&address_string=星沙街道开元路社区&description=积水"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    posted = served.post(f"{G}/requests.json", content=form.encode(), headers=headers)
    assert posted.status_code == 201, posted.text
    number = posted.json()[0]["service_request_id"]
    kept = one("select village_code, source from incidents where number = :n", n=number)
    assert kept == {"village_code": VILLAGE, "source": "app"}
    listed = served.get(f"{G}/requests.json", params={"status": "open", "service_code": "0301"})
    assert number in {each["service_request_id"] for each in listed.json()}
    closed = served.get(f"{G}/requests.json", params={"status": "closed"})
    assert number not in {each["service_request_id"] for each in closed.json()}


def test_what_is_not_public_never_appears(served: TestClient, county: TestClient) -> None:
    hidden = [
        county.post(REPORTS, json=body(category=name)).json()["number"]
        for name in ("邻里纠纷", "传染病线索", "困难救助")
    ]
    listed = served.get(f"{G}/requests.json", params={"page_size": 1000}).json()
    assert not {each["service_request_id"] for each in listed} & set(hidden)
    for number in hidden:
        assert served.get(f"{G}/requests/{number}.json").status_code == 404
    by_id = served.get(f"{G}/requests.json", params={"service_request_id": ",".join(hidden)})
    assert by_id.json() == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"service_code": "0301", "lat": "28.2", "long": "113.1"}, 403),
        ({"api_key": "wrong", "service_code": "0301", "lat": "28.2", "long": "113.1"}, 403),
        ({"api_key": "", "lat": "28.2", "long": "113.1"}, 400),
        ({"api_key": "", "service_code": "9999", "lat": "28.2", "long": "113.1"}, 404),
        ({"api_key": "", "service_code": "0301"}, 400),
        ({"api_key": "", "service_code": "0301", "lat": "nan", "long": "113.1"}, 400),
        ({"api_key": "", "service_code": "0301", "lat": "113.1", "long": "28.2"}, 400),
        ({"api_key": "", "service_code": "0301", "lat": "x", "long": "y"}, 400),
        ({"api_key": "", "service_code": "0301", "address_string": "a" * 300}, 400),
        ({"api_key": "", "service_code": "0301", "jurisdiction_id": "x", "lat": "1"}, 404),
    ],
)
def test_errors_are_arrays_with_code_and_description(
    served: TestClient, key: str, sent: dict[str, str], status: int
) -> None:
    if sent.get("api_key") == "":
        sent = {**sent, "api_key": key}
    before = one("select count(*) as n from incident_keys")
    for form in ("json", "xml"):
        answer = served.post(f"{G}/requests.{form}", data=sent)
        assert answer.status_code == status, answer.text
        if form == "json":
            assert answer.json()[0].keys() == {"code", "description"}
        else:
            assert ET.fromstring(answer.content).findtext("error/description")
    assert one("select count(*) as n from incident_keys") == before


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-06-01T00:00:00Z"}, 400),
        ({"start_date": "2026-06-01T00:00:00Z", "end_date": "2026-05-01T00:00:00Z"}, 400),
        ({"start_date": "yesterday"}, 400),
        ({"status": "lost"}, 400),
        ({"page_size": "1001"}, 400),
        ({"page": "0"}, 400),
        ({"jurisdiction_id": "elsewhere"}, 404),
        ({"page": "2", "page_size": "1000"}, 200),
    ],
)
def test_limits_of_a_listing_are_kept(
    served: TestClient, asked: dict[str, str], status: int
) -> None:
    answer = served.get(f"{G}/requests.json", params=asked)
    assert answer.status_code == status, answer.text
    assert isinstance(answer.json(), list)


def test_nothing_was_stored_half(served: TestClient) -> None:
    del served
    orphans = rows(
        "select k.number from incident_keys k left join incidents i on i.id = k.id"
        " where i.id is null union all"
        " select i.number from incidents i where not exists"
        " (select from timeline_entries e where e.incident_id = i.id and e.seq = 1)"
        " or not exists (select from clock_segments s where s.incident_id = i.id)"
    )
    assert orphans == []


HOSTILE = [
    {"attributes": {"a": "\x00"}},
    {"attributes": {"a": {"b": ["\ud800"]}}},
    {"attributes": {"n" * 20_000: 1}},
    {"photos": ["\x00"]},
    {"village_code": 10**30, "point": None},
    {"village_code": -1, "point": None},
    {"category": "\x00"},
    {"source": "\x00"},
    {"claimed_at": "2026-01-01T00:00:00"},
    {"claimed_at": "9999-12-31T23:59:59-12:00"},
    {"claimed_at": "0001-01-01T00:00:00+14:00"},
    {"point": {"lon": 1e308, "lat": 28.2}},
    {"point": {"lon": 0, "lat": 90}},
    {"reporter": {"name": "名" * 100}},
]


@pytest.mark.parametrize("change", HOSTILE)
def test_hostile_values_are_refused_with_a_sentence_never_a_failure(
    town: TestClient, change: dict[str, object]
) -> None:
    raw = json.dumps(body(**change)).encode()
    answer = town.post(REPORTS, content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"]


@pytest.mark.parametrize("year", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"])
def test_no_action_leaves_a_moment_that_nobody_could_read_again(
    town: TestClient, year: str
) -> None:
    case = town.post(REPORTS, json=body()).json()["id"]
    said = {"action": "note", "note": "到场", "claimed_at": year}
    assert town.post(f"{REPORTS}/{case}/actions", json=said).status_code == 422
    assert town.get(f"{REPORTS}/{case}/timeline").status_code == 200


def test_a_revision_of_a_thousand_digits_is_refused_with_a_sentence(town: TestClient) -> None:
    case = town.post(REPORTS, json=body()).json()["id"]
    said, headers = {"action": "note", "note": "到场"}, {"If-Match": "9" * 5_000}
    refused = town.post(f"{REPORTS}/{case}/actions", json=said, headers=headers)
    assert (refused.status_code, refused.json()["field"]) == (422, "If-Match")


def test_strange_letters_are_kept_and_harmless(town: TestClient) -> None:
    said = "<script>alert(1)</script> 😀 =HYPERLINK(1) \u202e反向\u202c '; drop table incidents; --"
    answer = town.post(REPORTS, json=body(description=f"\x00{said}\x07"))
    assert answer.status_code == 201, answer.text
    kept = one("select description from incidents where id = :id", id=answer.json()["id"])
    assert "drop table" in kept["description"]
    assert not set(kept["description"]) & set("\x00\x07\u202e\u202c")


@pytest.mark.parametrize(
    "asked",
    [
        {"action": "note", "note": "x", "data": {"a": "\x00"}},
        {"action": "assign", "to_unit": -(10**30)},
        {"action": "assign", "to_unit": "\x01"},
        {"action": "merge", "into": "\x01"},
        {"action": "instruct", "note": "x", "until": "2026-01-01T00:00:00"},
        {"action": "request", "request_kind": "everything"},
        {"action": "\x00"},
        {"action": "locate", "position": {"lon": 113.1}},
    ],
)
def test_hostile_actions_are_refused_with_a_sentence(
    town: TestClient, asked: dict[str, object]
) -> None:
    made = town.post(REPORTS, json=body()).json()["id"]
    town.post(f"{REPORTS}/{made}/actions", json={"action": "accept"})
    answer = town.post(f"{REPORTS}/{made}/actions", json=asked)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        f"{REPORTS}?status=%00",
        f"{REPORTS}?category=%00",
        f"{REPORTS}?town_code=99999999999999999999",
        f"{REPORTS}?since=0001-01-01T00:00:00%2B08:00",
        f"{REPORTS}/not-an-id",
        "/open311/v2/requests/%00.json",
        "/open311/v2/tokens/%00.json",
        "/open311/v2/services/%00.xml",
        "/open311/v2/requests.json?service_code=%00",
        "/open311/v2/requests.json?start_date=0001-01-01T00:00:00%2B08:00",
        "/open311/v2/requests.json?end_date=9999-12-31T23:59:59-12:00",
    ],
)
def test_hostile_addresses_never_fail(town: TestClient, path: str) -> None:
    assert town.get(path).status_code < 500
