"""Printed papers (交办单, 督办单): who may print them, what they say, who is on record."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from dashboard.mobile import papers
from dashboard.mobile.drawing import qr_path
from dispatch.incidents.clocks import Kind, Limit
from dispatch.incidents.papers import telling
from people.roles import Role
from tests.cases import TOWN, VILLAGE, Cast, cast, filed, in_hand, inside, one, rows
from tests.web import serving, sign_in

TOWN_DESK, NEIGHBOUR = f"town{TOWN}", "town430121002"
PHONE, NAME = "13800000416", "文三丰"


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


def given_out(people: Cast) -> UUID:
    """Return a case with a reporter that its town has given to the village."""
    lon, lat = inside(VILLAGE)
    told = people.town.report(
        "暴露垃圾", lon=lon, lat=lat, description="金圫村路口垃圾没人收", address="㮾梨桥头",
        reporter_name=NAME, reporter_phone=PHONE,
    )  # fmt: skip
    people.town.act(told.incident.id, "accept")
    people.town.act(told.incident.id, "assign", note="今天清完")
    return told.incident.id


def test_an_order_says_who_must_do_what_by_when_and_who_ordered_it(
    people: Cast, client: TestClient
) -> None:
    case = given_out(people)
    people.town.act(case, "add_support", to_unit="D-CG")
    people.county.act(case, "instruct", note="请镇里重视")
    number = number_of(case)
    paper = sign_in(client, TOWN_DESK).get(f"/print/order/{number}")
    assert paper.status_code == 200
    for said in (
        number, "第 1 次交办", "开元路社区综治中心", "协办　城管局", "金圫村路口垃圾没人收",
        "㮾梨桥头", "派遣员丙（镇街综治中心）", "今天清完", "请镇里重视", "值班长戊（县指挥中心）",
        "4 个工作小时", "1 个工作日", "分类目录 2026-01 版 0101 暴露垃圾；县拟定，待确认",
        "处置后现场照片，在事发处 300 米内拍摄", "2 个工作日内申请退回", 'class="qr"', "签收人",
        "仅限工作使用",
    ):  # fmt: skip
        assert said in paper.text, said
    assert qr_path(f"http://testserver/case/{number}")[0] in paper.text, "the code opens the case"
    assert NAME not in paper.text
    assert PHONE not in paper.text
    assert "文* 138****0416" in paper.text
    assert paper.headers["cache-control"] == "no-store"
    kept = rows("select actor, after from audit where subject = :s", s=f"incident:{number}")
    assert [row["after"] for row in kept if row["after"]] == [{"paper": "交办单"}]


def test_a_rework_and_a_second_giving_stand_on_the_order(people: Cast, client: TestClient) -> None:
    case = in_hand(people)
    people.worker.act(case, "feed_back", note="清完了")
    people.town_second.act(case, "fail_check", note="角落里还有")
    people.town.act(case, "reassign", to_unit="D-CG", note="改由城管办")
    paper = sign_in(client, TOWN_DESK).get(f"/print/order/{number_of(case)}").text
    assert "第 2 次交办" in paper
    whole_name = one("select name from units where code = 'D-CG'")["name"]
    assert f"<b>{whole_name}</b>" in paper
    assert "角落里还有" not in paper, "that was the village's work"


def test_who_sees_the_case_prints_it_and_nobody_else_learns_that_it_is_there(
    people: Cast, client: TestClient
) -> None:
    case = given_out(people)
    people.town.act(case, "supervise", note="请加快")
    number = number_of(case)
    allowed = {"county1": 200, "leader1": 200, TOWN_DESK: 200, "dept-cg": 404, NEIGHBOUR: 404}
    refused = dict.fromkeys(("reception1", "admin1", "auditor1"), 403)
    for kind in ("order", "supervision"):
        for who, status in {**allowed, **refused}.items():
            answer = sign_in(client, who).get(f"/print/{kind}/{number}")
            assert answer.status_code == status, (kind, who)
            if status == 404:
                assert "不在您的管辖范围内" in answer.text
                assert "html" in answer.headers["content-type"]
        fresh = TestClient(client.app, follow_redirects=False)
        assert fresh.get(f"/print/{kind}/{number}").status_code == 303
    people.town.act(case, "add_support", to_unit="D-CG")
    assert sign_in(client, "dept-cg").get(f"/print/order/{number}").status_code == 200


def test_no_paper_before_its_time_and_the_sentence_says_why(
    people: Cast, client: TestClient
) -> None:
    town = sign_in(client, TOWN_DESK)
    waiting = number_of(filed(people))
    answer = town.get(f"/print/order/{waiting}")
    assert answer.status_code == 409
    assert "派遣以后才有交办单" in answer.text
    quiet = number_of(given_out(people))
    answer = town.get(f"/print/supervision/{quiet}")
    assert answer.status_code == 409
    assert "没有被督办" in answer.text
    assert town.get("/print/order/20260101000001").status_code == 404
    assert rows("select 1 from audit where subject = :s", s=f"incident:{waiting}") == []


def test_a_supervision_slip_says_why_by_whom_and_what_comes_next(
    people: Cast, client: TestClient
) -> None:
    case = in_hand(people)
    people.town.act(case, "urge", note="怎么还没动")
    people.leader.act(case, "supervise", note="群众反映强烈", data={"card": "red"})
    paper = sign_in(client, TOWN_DESK).get(f"/print/supervision/{number_of(case)}").text
    for said in (
        'class="plate red">红牌督办', "群众反映强烈", "值班领导己（县值班领导）", "怎么还没动",
        "原定时限前办结并反馈", "120% 黄牌督办，150% 红牌督办，200% 黑牌督办", "被督办单位（章）",
    ):  # fmt: skip
        assert said in paper, said


def test_the_third_rework_is_a_ground_of_its_own() -> None:
    line = telling.Line(action="fail_check", at=None, by="丁", role="town_centre")  # type: ignore[arg-type]
    assert telling.supervised("black", [line.action])
    assert "返工 3 次" in telling.ground(None, card="black", reworks=3)
    marked = telling.Line(
        "supervise", None, "督办阶梯", "system", data={"mark": "red", "percent": 150},  # type: ignore[arg-type]
    )  # fmt: skip
    assert "150%" in telling.ground(marked, card="red", reworks=0)
    assert telling.offered(led=True, card=None, actions=["urge"]) == ("order",)
    assert telling.offered(led=False, card=None, actions=["supervise"]) == ("supervision",)


def test_limits_and_long_words_are_said_as_people_say_them() -> None:
    said = [
        (Limit(Kind.WORKDAY, 1440), "3 个工作日"),
        (Limit(Kind.WORK_HOUR, 240), "4 个工作小时"),
        (Limit(Kind.CLOCK_HOUR, 15), "15 分钟"),
        (Limit(Kind.CLOCK_HOUR, 120), "2 小时"),
        (Limit(Kind.CALENDAR_DAY, 7200), "5 个自然日"),
        (Limit(Kind.WORKDAY, 720), "720 个工作分钟"),
    ]
    for limit, words in said:
        assert telling.limit_words(limit) == words
    assert telling.clipped("一\n\n二  三", 10) == "一 二 三"
    assert telling.clipped("长" * 99, 40).endswith("……（余下见平台）")
    assert {len(telling.clipped("长" * 99, n)) for n in (10, 40)} == {10, 40}
    assert (
        telling.source_words("assumed, 参照 GB/T 30428.2") == "县拟定，待确认（参照 GB/T 30428.2）"
    )


def test_papers_are_offered_as_links_to_those_who_pass_their_door() -> None:
    case = {"number": "20261120000001", "lead": {"id": 1}, "card": "yellow"}
    links = papers.offered(case, ["assign"], Role.DEPARTMENT)
    assert [link["name"] for link in links] == ["交办单", "督办单"]
    assert links[0]["href"] == "/print/order/20261120000001"
    assert papers.offered({**case, "lead": None, "card": None}, ["report"], Role.DEPARTMENT) == []
    for role in (Role.GRID_WORKER, Role.RECEPTIONIST, Role.AUDITOR, Role.ADMIN):
        assert papers.offered(case, ["assign"], role) == []
