"""Lists by post over HTTP: counted, paged, left by what is done; a card reaches the duty leader."""

from __future__ import annotations

from datetime import timedelta

from starlette.testclient import TestClient

from core import clock
from tests.cases import TOWN, cast, filed, in_hand, one, rows
from tests.county import County
from tests.web import serving, sign_in


def counts(browser: TestClient) -> dict[str, int]:
    found = browser.get("/api/v1/owed/lists")
    assert found.status_code == 200, found.text
    return {each["label"]: each["count"] for each in found.json()}


def test_a_case_passes_from_list_to_list_and_the_card_reaches_the_leader(county: County) -> None:
    people = cast()
    with serving() as app:
        town, leader = sign_in(app, f"town{TOWN}"), sign_in(app, "leader1")
        before = counts(town)
        case = filed(people)
        county.settle_down()
        assert counts(town)["待派遣"] == before["待派遣"] + 1
        (line,) = [
            o for o in town.get("/api/v1/owed?list=assign").json() if o["subject"] == str(case)
        ]
        assert (
            line["number"] == one("select number from incidents where id = :id", id=case)["number"]
        )
        town.post(f"/api/v1/incidents/{case}/actions", json={"action": "supervise", "note": "催"})
        county.settle_down()
        assert counts(leader)["督办"] == 1
        (line,) = leader.get("/api/v1/owed?list=supervise").json()
        assert (line["verb"], line["card"], line["subject"]) == ("督办", "yellow", str(case))
        people.town.act(case, "assign")
        county.settle_down()
        assert counts(town)["待派遣"] == before["待派遣"]
        assert counts(leader)["督办"] == 1
        clock.shift(timedelta(days=30))
        assert counts(sign_in(app, "leader1"))["超期"] == 1


def test_lists_are_read_page_by_page_with_their_whole_count(county: County) -> None:
    people = cast()
    cases = [filed(people) for _ in range(5)]
    county.settle_down()
    with serving() as app:
        town = sign_in(app, f"town{TOWN}")
        seen: list[str] = []
        for offset in (0, 2, 4):
            page = town.get(f"/api/v1/owed?list=assign&limit=2&offset={offset}")
            assert page.headers["X-Total-Count"] == "5"
            seen += [line["subject"] for line in page.json()]
        assert sorted(seen) == sorted(map(str, cases))
        assert town.get("/api/v1/owed?list=nothing").status_code == 422
        elsewhere = sign_in(app, "town430121002")
        assert set(counts(elsewhere).values()) == {0}
        assert elsewhere.get("/api/v1/owed").json() == []


def test_an_instruction_that_wants_a_reply_is_owed_by_the_unit_until_it_replies(
    county: County,
) -> None:
    people = cast()
    case = in_hand(people)
    until = clock.now() + timedelta(days=2)
    people.leader.act(case, "instruct", note="请重视", data={"reply_by": "明天"})
    county.settle_down()
    replies = "select due_at, verb from owed where subject = :id and kind = 'incident.reply'"
    assert rows(replies, id=str(case)) == [], "nobody asked for one"
    people.leader.act(case, "instruct", note="本周内报结果", until=until)
    people.leader.act(case, "instruct", note="再催", until=until + timedelta(days=1))
    county.settle_down()
    assert rows(replies, id=str(case)) == [{"due_at": until, "verb": "回复批示"}]
    with serving() as app:
        village = sign_in(app, "village430121001001")
        assert counts(village)["待回复"] == 1
    people.worker.act(case, "reply", note="已安排，周五前清完")
    county.settle_down()
    assert rows(replies, id=str(case)) == []
    assert county.dead() == []
