"""The case page (案件页): who may open it, what it shows of real cases, and all in Chinese."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from plotly.utils import PlotlyJSONEncoder
from starlette.testclient import TestClient

from core import clock
from dashboard.casefile import reading
from dashboard.components import case_page
from dashboard.components.drawn import parts
from dispatch.incidents.clocks import Mark, Stage
from dispatch.incidents.lifecycle import Action, RequestKind, Status
from tests.cases import TOWN, Cast, Hand, cast, filed, in_hand, one, rows
from tests.county import County
from tests.walking import Walk
from tests.web import serving, sign_in

TOWN_DESK, NEIGHBOUR = f"town{TOWN}", "town430121002"
CODES = {each.value for kind in (Action, Status, Stage, RequestKind, Mark) for each in kind}
SEED, ROUNDS, STEPS = 23, 9, 80
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def people(database: str) -> Cast:
    del database
    return cast()


@pytest.fixture(scope="module")
def client(database: str) -> Iterator[TestClient]:
    del database
    with serving() as served:
        yield served


def number_of(case: UUID) -> str:
    return str(one("select number from incidents where id = :id", id=case)["number"])


def page(hand: Hand, case: UUID | str) -> dict[str, Any] | None:
    number = case if isinstance(case, str) else number_of(case)
    return reading.page(hand.access, number, actor=hand.actor, at=clock.now())


def shown(case: dict[str, Any] | None) -> str:
    """Return every word that stands on the page, and prove that a browser can be sent it."""
    assert case is not None
    drawn = case_page.case_parts(case)
    json.dumps(drawn, cls=PlotlyJSONEncoder)
    said: list[str] = []
    for part in parts(drawn):
        children = getattr(part, "children", None)
        for each in children if isinstance(children, list) else [children]:
            said += [str(each)] if isinstance(each, str | int | float) else []
        said += [str(getattr(part, name)) for name in ("title", "alt") if getattr(part, name, None)]
    return "\n".join(said)


# who may open it --------------------------------------------------------------------------------


def test_another_town_gets_the_same_404_as_for_a_number_that_is_not(
    people: Cast, client: TestClient
) -> None:
    case = number_of(in_hand(people))
    allowed = {"county1": 200, "leader1": 200, TOWN_DESK: 200, "auditor1": 200}
    hidden = {NEIGHBOUR: 404, "dept-cg": 404, "reception1": 404}
    for who, status in {**allowed, **hidden}.items():
        answer = sign_in(client, who).get(f"/case/{case}")
        assert answer.status_code == status, (who, answer.text[:200])
        assert "html" in answer.headers["content-type"]
        if status == 200:
            assert "_dash-config" in answer.text
    neighbour = sign_in(client, NEIGHBOUR)
    there, nowhere = (neighbour.get(f"/case/{n}").text for n in (case, "20990101000001"))
    assert "没有找到，或不在您的管辖范围内" in there
    assert there.replace(case, "") == nowhere.replace("20990101000001", "")
    for wrong in ("1", "abc", "<script>", "2026112200000x"):
        assert neighbour.get(f"/case/{wrong}").status_code == 404
    assert "<script>" not in neighbour.get("/case/<script>").text


def test_an_administrator_is_refused_and_nobody_is_led_to_sign_in(
    people: Cast, client: TestClient
) -> None:
    case = number_of(filed(people))
    refused = sign_in(client, "admin1").get(f"/case/{case}", headers={"accept": "text/html"})
    assert refused.status_code == 403
    assert "您的岗位不能打开这个页面" in refused.text
    fresh = TestClient(client.app, follow_redirects=False)
    answer = fresh.get(f"/case/{case}")
    assert (answer.status_code, answer.headers["location"][:13]) == (303, "/sign-in?next")


def test_the_callback_draws_nothing_of_a_case_out_of_view(people: Cast, client: TestClient) -> None:
    case = in_hand(people)
    for who, sees in ((TOWN_DESK, True), (NEIGHBOUR, False)):
        answer = redrawn(client, who, number_of(case))
        assert answer.status_code == 200, answer.text
        assert ("暴露垃圾" in answer.text) is sees, who
        assert ("这一件已不在您的管辖范围内" in answer.text) is not sees


def redrawn(client: TestClient, who: str, number: str) -> Any:
    """Ask for the page's parts again, as its script does when the case has moved."""
    outputs = [{"id": part, "property": "children"} for part in case_page.PARTS]
    body = {
        "output": f"..{'...'.join(f'{part}.children' for part in case_page.PARTS)}..",
        "outputs": outputs,
        "inputs": [{"id": "case-shown", "property": "data", "value": {"at": 1}}],
        "state": [{"id": "case-number", "property": "data", "value": number}],
        "changedPropIds": ["case-shown.data"],
    }
    return sign_in(client, who).post("/_dash-update-component", json=body)


# what it shows ----------------------------------------------------------------------------------


def test_a_waiting_extension_shows_before_and_after_to_who_decides_and_not_to_who_asks(
    people: Cast,
) -> None:
    case = in_hand(people)
    people.worker.act(case, "request", request_kind="extension", note="等清运车")
    town, worker = page(people.town, case), page(people.worker, case)
    assert town is not None
    (request,) = town["asked"]
    assert request["due_after"] > request["due_before"]
    assert [block["kind"] for block in town["segments"]][-1] == "ask"
    words = shown(town)
    for said in ("延时申请", "等清运车", "第 1 次申请，每案限延 1 次", "若批准延时", "批准后，加"):
        assert said in words, said
    assert re.search(r"^同意到 \d", words, re.MULTILINE)
    own = shown(worker)
    assert "自己的申请，由别人审批" in own
    assert "同意到" not in own


def test_a_rework_an_instruction_a_merger_and_a_case_without_a_place_are_told(
    people: Cast,
) -> None:
    case = in_hand(people)
    people.worker.act(case, "feed_back", note="清了")
    people.town_second.act(case, "fail_check", note="角落里还有")
    people.leader.act(case, "instruct", note="本周办结", until=clock.now() + DAY)
    words = shown(page(people.town, case))
    for said in ("处置 第 2 次", "第 1 次未通过", "核查未通过：角落里还有", "再后", "批示待回复"):
        assert said in words, said
    twin = people.town.report("暴露垃圾").incident.id
    people.town.act(twin, "merge", into=str(case))
    merged = shown(page(people.town, twin))
    assert f"已并入 \n{number_of(case)}" in merged
    assert "已并入本案 1 件，上报人各自收到结果" in shown(page(people.town, case))
    lost = people.county.report("积水", address="说不清").incident.id
    assert "未落点" in shown(page(people.county, lost))


def test_of_a_master_out_of_view_the_page_says_no_more_than_the_history(people: Cast) -> None:
    master = people.elsewhere.report("油烟污染", village_code=430121002001).incident
    twin = people.town.report("暴露垃圾").incident.id
    people.county.act(twin, "merge", into=str(master.id))
    case = page(people.town, twin)
    assert f"已并入 {master.number}，不在您的范围内" in shown(case)
    assert "油烟污染" not in shown(case)
    assert f"/case/{master.number}" not in json.dumps(
        case_page.case_parts(case or {}), cls=PlotlyJSONEncoder
    )


def test_names_of_people_stand_on_the_page_as_surnames(people: Cast) -> None:
    case = in_hand(people)
    people.worker.act(case, "feed_back", note="清了")
    people.leader.act(case, "instruct", note="抓紧")
    words = shown(page(people.county, case))
    for person in ("派遣员丙", "网格员甲", "值班领导己"):
        assert person not in words
    assert "网格员 网某某" in words


def test_two_cases_stand_side_by_side_only_for_who_sees_both(people: Cast) -> None:
    one_case, other = (people.town.report("占道经营").incident for _ in range(2))
    case = page(people.town, other.id)
    assert case is not None
    twin = next(each for each in case["twins"] if each["number"] == one_case.number)
    own, near = (
        reading.beside(people.town.access, n, actor=people.town.actor, at=clock.now())
        for n in (other.number, one_case.number)
    )
    assert own is not None
    assert near is not None
    drawn = json.dumps(case_page.comparison(own, near, twin), cls=PlotlyJSONEncoder)
    assert one_case.number in drawn
    assert other.number in drawn
    hidden = reading.beside(
        people.elsewhere.access, other.number, actor=people.elsewhere.actor, at=clock.now()
    )
    assert hidden is None


def test_whatever_was_done_to_a_case_its_page_stands_and_speaks_chinese(people: Cast) -> None:
    """Random hands do random things; on the way each case is drawn for posts near and far."""
    seen: Counter[str] = Counter()
    with County.opened() as county:
        walk = Walk(people, county, SEED)
        for _ in range(ROUNDS):
            walk.go(STEPS)
            for row in rows("select number from incidents order by rev desc limit 6"):
                for hand in (people.county, people.town, people.department):
                    case = page(hand, str(row["number"]))
                    if case is None:
                        continue
                    seen[case["status"]] += 1
                    told = set(re.findall(r"[a-z_]{4,}", shown(case)))
                    assert not CODES & told, CODES & told
    assert len(seen) > 4, seen
    assert seen.total() > 40, seen
