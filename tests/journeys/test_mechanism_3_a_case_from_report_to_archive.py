"""流转交办: one oily-smoke complaint walks all seven links, each by somebody else."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.alerting import places_in
from tests.cases import picture
from tests.county import County
from tests.web import serving, sign_in, with_key

TOWN = "㮾梨街道"
TOWN_CODE = 430121004


class Case:
    """One case as its people act on it over HTTP."""

    def __init__(self, county: County, client: TestClient) -> None:
        self.county = county
        self.client = client
        self.people: dict[str, TestClient] = {}
        lon, lat = places_in(TOWN, 1)[0]
        body = {
            "category": "油烟污染",
            "description": "夜宵摊油烟直排，熏到二楼住户",
            "point": {"lon": lon, "lat": lat, "frame": "wgs84"},
            "source": "app",
        }
        answer = with_key(client, "open311").post("/api/v1/incidents", json=body)
        assert answer.status_code == 201, answer.text
        self.report = answer.json()
        self.id: str = self.report["id"]
        county.settle_down()

    def by(self, username: str) -> TestClient:
        """Return somebody's own signed-in browser."""
        if username not in self.people:
            self.people[username] = sign_in(self.client, username)
        return self.people[username]

    def see(self, username: str = "county1") -> dict[str, Any]:
        """Return the case as somebody sees it."""
        answer = self.by(username).get(f"/api/v1/incidents/{self.id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def act(self, username: str, action: str, **more: Any) -> str:
        """Take an action that must be allowed; returns the status it leads to."""
        if action == "feed_back":
            more["photos"] = [self.photograph(username)]
        answer = self.by(username).post(
            f"/api/v1/incidents/{self.id}/actions", json={"action": action, **more}
        )
        assert answer.status_code == 200, f"{action}: {answer.text}"
        self.county.settle_down()
        return str(answer.json()["status"])

    def photograph(self, username: str) -> str:
        """Take a photo at the place of the case and upload it, as a phone's page does."""
        by, seen = self.by(username), self.see(username)
        here = {"incident_id": self.id, "frame": "cgcs2000", "lon": seen["lon"], "lat": seen["lat"]}
        token = by.post("/api/v1/uploads/captures", json=here).json()["token"]
        sent = by.post(
            "/api/v1/uploads",
            data={"incident_id": self.id, "kind": "after", "token": token},
            files={"file": ("photo.jpg", picture(), "image/jpeg")},
        )
        assert sent.status_code == 201, sent.text
        return str(sent.json()["id"])

    def refuse(self, username: str, action: str, **more: Any) -> int:
        """Try an action that must be refused; returns the HTTP status."""
        answer = self.by(username).post(
            f"/api/v1/incidents/{self.id}/actions", json={"action": action, **more}
        )
        assert 400 <= answer.status_code < 500, f"{action} was allowed: {answer.text}"
        assert answer.headers["content-type"] == "application/problem+json"
        return int(answer.status_code)

    def timeline(self) -> list[dict[str, Any]]:
        """Return the case's history, oldest first."""
        answer = self.by("county1").get(f"/api/v1/incidents/{self.id}/timeline")
        found: list[dict[str, Any]] = answer.json()["entries"]
        return found


@pytest.fixture
def unit_ids(county: County) -> dict[str, int]:
    """Return every unit's id by its code."""
    del county
    with serving() as client:
        rows = sign_in(client, "county1").get("/api/v1/units").json()
    return {row["code"]: row["id"] for row in rows}


def test_seven_people_carry_one_case_to_the_archive(
    county: County, unit_ids: dict[str, int]
) -> None:
    with serving() as client:
        case = Case(county, client)
        assert case.see()["status"] == "reported"
        town = f"town{TOWN_CODE}"
        assert case.act(town, "accept") == "verifying"
        assert case.act("county1", "verify", approve=True) == "filed"
        assert case.act("county2", "assign", to_unit=unit_ids["D-CG"]) == "assigned"
        assert case.refuse("dept-ga", "sign") in {403, 404}
        assert case.act("dept-cg", "sign") == "handling"
        assert case.refuse("dept-cg", "feed_back", note="没有照片") == 422
        assert case.act("dept-cg", "feed_back", note="已责令安装净化器") == "checking"
        assert case.refuse("dept-cg", "pass_check") in {403, 409}
        assert case.act("checker1", "fail_check", note="仍有油烟") == "handling"
        assert case.act("dept-cg", "feed_back", note="净化器已运行，附检测单") == "checking"
        assert case.act("checker2", "pass_check") == "closed"
        closed_at = case.see()["closed_at"]
        assert case.act("leader1", "archive") == "archived"
        assert case.see()["closed_at"] == closed_at, "archiving is not closing once more"

        moves = [
            entry for entry in case.timeline() if entry["status_before"] != entry["status_after"]
        ]
        assert [entry["action"] for entry in moves][-2:] == ["pass_check", "archive"]
        assert len({entry["actor"] for entry in moves}) >= 7
        assert case.see()["due_at"] is None
        assert county.dead() == []


def test_two_people_who_act_on_the_same_revision_get_one_yes_and_one_conflict(
    county: County,
) -> None:
    with serving() as client:
        case = Case(county, client)
        rev = str(case.see()["rev"])
        answers = [
            case.by(who).post(
                f"/api/v1/incidents/{case.id}/actions",
                json={"action": "accept"},
                headers={"If-Match": rev},
            )
            for who in ("county1", "county2")
        ]
        assert [answer.status_code for answer in answers] == [200, 409]


def test_a_town_neither_lists_nor_opens_nor_acts_on_its_neighbours_case(county: County) -> None:
    with serving() as client:
        case = Case(county, client)
        neighbour = "town430121001"
        assert case.by(neighbour).get(f"/api/v1/incidents/{case.id}").status_code == 404
        assert case.refuse(neighbour, "accept") == 404
        listed = case.by(neighbour).get("/api/v1/incidents").json()["incidents"]
        assert case.id not in {row["id"] for row in listed}
        snapshot = case.by(neighbour).get("/live/snapshot").json()
        assert case.id not in {row["id"] for row in snapshot["incidents"]}
        own = case.by(f"town{TOWN_CODE}").get("/live/snapshot").json()
        assert case.id in {row["id"] for row in own["incidents"]}
