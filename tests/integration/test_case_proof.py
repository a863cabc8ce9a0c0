"""One case proved for whoever sees it (现在核验): what was edited is named, no more is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from core import clock
from core.access import Access
from core.db import transaction
from dispatch.incidents import proof, proving
from tests.cases import TOWN, Cast, cast, in_hand, one
from tests.integration.test_ledger import closed, seal, sql
from tests.web import serving, sign_in

TOWN_DESK, NEIGHBOUR = f"town{TOWN}", "town430121002"
PHONE, NAME, WORDS = "13912347730", "文三丰", "围墙边堆了三车垃圾"


@pytest.fixture(scope="module")
def people(database: str) -> Cast:
    del database
    return cast()


@pytest.fixture(scope="module")
def client(database: str) -> Iterator[TestClient]:
    del database
    with serving() as served:
        yield served


def proved(client: TestClient, case: UUID, who: str = TOWN_DESK) -> dict[str, Any]:
    answer = sign_in(client, who).get(f"/api/v1/incidents/{case}/proof")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_sound_case_holds_and_its_proof_tells_nothing_that_anybody_said(
    people: Cast, client: TestClient
) -> None:
    told = people.town.report(
        "暴露垃圾", description=WORDS, reporter_name=NAME, reporter_phone=PHONE
    )
    people.town.act(told.incident.id, "accept")
    before = proved(client, told.incident.id)
    assert (before["holds"], before["unsealed"], before["seals"]) == (True, 2, [])
    seal()
    found = proved(client, told.incident.id)
    assert (found["holds"], found["findings"], found["unsealed"]) == (True, [], 0)
    assert found["number"] == told.incident.number
    assert [each["seq"] for each in found["entries"]] == [1, 2]
    assert found["entries"][1]["seal"] == found["seals"][0]["n"]
    assert len(found["entries"][0]["commitments"][0]) == 64
    whole = json.dumps(found, ensure_ascii=False)
    for personal in (NAME, PHONE, WORDS, "派遣员丙"):
        assert personal not in whole


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("note = '没人来过'", "文字或附件被改动"),
        ("recorded_at = recorded_at - interval '1 hour'", "内容、次序或链接被改动"),
        ("actor_name = '他人'", "经办人姓名被改动"),
    ],
)
def test_an_edited_line_is_named_to_whoever_sees_the_case(
    people: Cast, client: TestClient, change: str, what: str
) -> None:
    case, beside = closed(people), closed(people)
    seal()
    sql(f"update timeline_entries set {change} where incident_id = :id and seq = 5", id=case)
    found = proved(client, case)
    number = one("select number from incidents where id = :id", id=case)["number"]
    assert not found["holds"]
    assert {"where": f"案件 {number} 第 5 条", "what": what} in found["findings"]
    assert all(number in each["where"] for each in found["findings"])
    assert proved(client, beside)["holds"], "another case of the same seal is not blamed"


def test_a_state_that_history_does_not_give_is_named_in_words(
    people: Cast, client: TestClient
) -> None:
    case = in_hand(people)
    sql("update incidents set status = 'closed' where id = :id", id=case)
    found = [each["what"] for each in proved(client, case)["findings"]]
    assert "状态应为 处置中，存为 已结案" in found


def test_a_line_cut_off_after_its_seal_and_a_seal_rewritten_are_named(
    people: Cast, client: TestClient
) -> None:
    cut, other = in_hand(people), in_hand(people)
    seal()
    sql("delete from timeline_entries where incident_id = :id and seq = 4", id=cut)
    found = [each["what"] for each in proved(client, cut)["findings"]]
    assert any("第 4 条不见了" in each for each in found), found
    seal_of = one("select max(seal) as n from ledger_leaves where incident_id = :id", id=other)["n"]
    sql("update ledger_seals set cases = cases + 1 where n = :n", n=seal_of)
    found = [f"{each['where']}：{each['what']}" for each in proved(client, other)["findings"]]
    assert f"封存 {seal_of}：封存内容或链接被改动" in found


def test_it_finds_for_one_case_what_the_command_finds_for_all(people: Cast) -> None:
    case = closed(people)
    seal()
    sql("update timeline_entries set note = '改' where incident_id = :id and seq = 5", id=case)
    number = one("select number from incidents where id = :id", id=case)["number"]
    everywhere = {str(each) for each in proving.verify(processes=1)}
    with transaction(people.town.access, still=True) as session:
        here = proof.prove(session, case, at=clock.now())
    told = {f"{each['where']}：{each['what']}" for each in here["findings"]}
    assert told == {each for each in everywhere if number in each}
    assert told


def test_who_does_not_see_the_case_gets_no_proof_and_an_auditor_does(
    people: Cast, client: TestClient
) -> None:
    case = in_hand(people)
    seen = {"county1": 200, "leader1": 200, TOWN_DESK: 200, "auditor1": 200}
    unseen = {NEIGHBOUR: 404, "dept-cg": 404, "reception1": 404, "admin1": 403}
    for who, status in {**seen, **unseen}.items():
        answer = sign_in(client, who).get(f"/api/v1/incidents/{case}/proof")
        assert answer.status_code == status, (who, answer.text)
    with transaction(people.elsewhere.access) as session:
        shown = proof.shown(session, case)
    assert (shown["count"], shown["links"], shown["seal"]) == (0, [], None)


def test_acts_and_seals_that_come_while_a_case_is_proved_make_nobody_a_forger(
    people: Cast,
) -> None:
    case = in_hand(people)
    with transaction(people.town.access, still=True) as session:
        first = proof.prove(session, case, at=clock.now())
        people.town.act(case, "urge", note="快一点")
        with transaction(Access.worker()) as sealing:
            proving.seal(sealing, at=clock.now())
        again = proof.prove(session, case, at=clock.now())
        held = session.execute(text("show transaction_isolation")).scalar_one()
    with transaction(people.town.access) as session:
        usual = session.execute(text("show transaction_isolation")).scalar_one()
    assert (held, usual) == ("repeatable read", "read committed"), (
        "the pool gives it back as it was"
    )
    assert first["holds"]
    assert again["holds"], again["findings"]
    assert len(again["entries"]) == len(first["entries"])
