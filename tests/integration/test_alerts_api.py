"""`/api/v1/alerts` and `/api/v1/rules` over the real application: who sees, who may acknowledge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from core.settings import settings
from dashboard.app import server
from tests.alerting import acknowledge, alerts, owed, places_in, report, rows
from tests.county import County

TOWN = "㮾梨街道"


class Caller:
    """A signed-in client that sends its form token with every change."""

    def __init__(self, web: TestClient, role: str, area: str = "") -> None:
        known = json.loads((settings().home / "credentials.json").read_text())["accounts"]
        found = next(a for a in known if a["role"] == role and area in {"", a["area"]})
        web.cookies.clear()
        answer = web.post(
            "/api/session",
            json={"username": found["username"], "password": found["password"]},
        )
        assert answer.status_code == 200, answer.text
        self.web, self.cookies = web, dict(answer.cookies)
        self.token = answer.json()["csrf_token"]

    def get(self, path: str, **params: Any) -> Any:
        self._become()
        return self.web.get(f"/api/v1{path}", params=params)

    def post(self, path: str, body: Any) -> Any:
        self._become()
        headers = {"X-CSRF-Token": self.token}
        return self.web.post(f"/api/v1{path}", json=body, headers=headers)

    def _become(self) -> None:
        self.web.cookies.clear()
        self.web.cookies.update(self.cookies)


@pytest.fixture(scope="module")
def web(database: str) -> Iterator[TestClient]:
    """Serve the application in this process, with its own start and end."""
    del database
    with TestClient(server, base_url="http://testserver") as client:
        yield client


@pytest.fixture(scope="module")
def alert(web: TestClient) -> dict[str, Any]:
    """Return a blue alert of a flooded town."""
    del web
    with County.opened() as county:
        report(places_in(TOWN, 5))
        county.settle_down()
    (found,) = alerts()
    return found


def test_the_duty_leader_lists_filters_and_reads_the_proof(
    web: TestClient, alert: dict[str, Any]
) -> None:
    leader = Caller(web, "duty_leader")
    (row,) = leader.get("/alerts", state="firing", colour="blue").json()["alerts"]
    assert (row["id"], row["value"], row["acknowledged"]) == (str(alert["id"]), 5.0, False)
    assert leader.get("/alerts", colour="red").json()["alerts"] == []
    assert leader.get("/alerts", since="2099-01-01T00:00:00Z").json()["alerts"] == []
    proof = leader.get(f"/alerts/{alert['id']}").json()
    assert proof["rule_hash"] == alert["rule_hash"]
    assert "distinct_places(150m)" in proof["rule_text"]
    assert proof["thresholds"] == {"blue": 5, "yellow": 8, "orange": 12, "red": 20}
    assert [v["value"] for v in proof["values"]] == [5.0]
    assert len(proof["incident_ids"]) == 5
    assert [m["post"] for m in proof["messages"]] == ["duty_leader"]
    assert proof["chain"]["steps"][0]["post"] == "duty_leader"


def test_reading_never_acknowledges(web: TestClient, alert: dict[str, Any]) -> None:
    Caller(web, "duty_leader").get(f"/alerts/{alert['id']}")
    assert alerts()[0]["ack_at"] is None


@pytest.mark.parametrize(
    ("role", "seen"),
    [("county_command", 200), ("auditor", 200), ("department", 404), ("grid_worker", 404),
     ("receptionist", 404), ("admin", 403)],
)  # fmt: skip
def test_who_sees_a_towns_alert(
    web: TestClient, alert: dict[str, Any], role: str, seen: int
) -> None:
    assert Caller(web, role).get(f"/alerts/{alert['id']}").status_code == seen


def test_a_town_sees_its_own_alert_only_and_cannot_silence_it(
    web: TestClient, alert: dict[str, Any]
) -> None:
    own = Caller(web, "town_centre", str(alert["town_code"]))
    assert len(own.get("/alerts").json()["alerts"]) == 1
    refused = own.post(f"/alerts/{alert['id']}/ack", {})
    assert refused.status_code == 403
    assert refused.headers["content-type"].startswith("application/problem+json")
    other = rows("select code from grid_towns where code <> :c limit 1", c=alert["town_code"])
    stranger = Caller(web, "town_centre", str(other[0]["code"]))
    assert stranger.get("/alerts").json()["alerts"] == []
    assert stranger.get(f"/alerts/{alert['id']}").status_code == 404


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/alerts", {"state": "pending"}),
        ("/alerts", {"colour": "green"}),
        ("/alerts", {"town_code": "1' or '1'='1"}),
        ("/alerts", {"town_code": 99999999999999}),
        ("/alerts", {"since": "yesterday"}),
        ("/alerts", {"since": "2026-01-01T00:00:00"}),
        ("/alerts", {"limit": 100000}),
        ("/alerts/not-an-id", {}),
    ],
)
def test_bad_questions_get_a_problem(
    web: TestClient, alert: dict[str, Any], path: str, params: dict[str, Any]
) -> None:
    del alert
    answer = Caller(web, "duty_leader").get(path, **params)
    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize(
    "body", [{"note": "字" * 501}, {"note": "a\x00b"}, {"surprise": 1}, {"by_phone": "perhaps"}, 5]
)
def test_bad_acknowledgements_change_nothing(
    web: TestClient, alert: dict[str, Any], body: Any
) -> None:
    answer = Caller(web, "duty_leader").post(f"/alerts/{alert['id']}/ack", body)
    assert answer.status_code == 422
    assert alerts()[0]["ack_at"] is None


def test_nobody_reads_alerts_without_signing_in(web: TestClient) -> None:
    web.cookies.clear()
    assert web.get("/api/v1/alerts").status_code == 401
    assert web.get("/api/v1/rules").status_code == 401


def test_the_rules_stand_with_text_and_hash(web: TestClient) -> None:
    found = {r["name"]: r for r in Caller(web, "duty_leader").get("/rules").json()["rules"]}
    assert {"town_waterlogging_surge", "urgent_unsigned"} <= set(found)
    assert len(found["urgent_unsigned"]["hash"]) == 64


def test_an_acknowledgement_answers_until_when_and_clears_the_desk(
    web: TestClient, alert: dict[str, Any]
) -> None:
    assert owed(alert["id"]) == ["duty_leader"]
    answer = Caller(web, "duty_leader").post(
        f"/alerts/{alert['id']}/ack", {"note": "<b>收到</b>", "by_phone": True}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["ack_until"] is not None
    assert owed(alert["id"]) == []
    (row,) = alerts()
    assert (row["ack_note"], row["ack_by_phone"]) == ("<b>收到</b>", True)
    acknowledge(alert["id"])
    assert alerts()[0]["rev"] > row["rev"]
