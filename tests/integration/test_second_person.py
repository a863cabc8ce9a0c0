"""Who handled a case never checks it (处置者不核查): by API, by job, or through a merged twin."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from core import clock
from core.access import Access
from core.db import transaction
from core.errors import Invalid, NotAllowed
from core.live import Scope
from core.outbox import Change
from core.settings import ROOT
from dispatch.incidents import queries, service
from dispatch.incidents.acting.service import act_held
from dispatch.incidents.acting.under_way import SamePerson
from dispatch.incidents.lifecycle import Action
from dispatch.incidents.powers import Standing, may
from dispatch.incidents.service import ActionRequest
from people.roles import Role
from people.scope import Actor
from tests import web
from tests.cases import TOWN, Cast, Hand, cast, filed, in_hand, one
from tests.county import County
from workers import effects

CHECKS = (Action.PASS_CHECK, Action.FAIL_CHECK)
STATE = "select status, rev, handled_by, closed_at from incidents where id = :id"
PRODUCT = ("core", "geo", "people", "dispatch", "alerts", "dashboard", "workers", "assessment")


@pytest.fixture(scope="module")
def people(database: str) -> Cast:
    del database
    return cast()


@pytest.fixture(scope="module")
def served(people: Cast) -> Iterator[TestClient]:
    del people
    with web.serving() as client:
        yield client


def by_the_town(people: Cast) -> UUID:
    """Return a case that a clerk of the town has handled, waiting to be checked."""
    case = filed(people)
    people.town.act(case, "assign", to_unit=str(TOWN))
    people.town.act(case, "sign")
    people.town.act(case, "feed_back", note="已处理")
    return case


# by API --------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", [str(each) for each in CHECKS])
def test_by_api(served: TestClient, people: Cast, action: str) -> None:
    town, county = web.sign_in(served, f"town{TOWN}"), web.sign_in(served, "county1")
    case = by_the_town(people)
    before = one(STATE, id=case)
    where, body = f"/api/v1/incidents/{case}/actions", {"action": action, "note": "好了"}
    headers = {"If-Match": str(before["rev"])}
    refused = town.post(where, json=body, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "same_person"), refused.text
    assert "请由其他单位核查" in refused.json()["detail"]
    offered = {each["action"] for each in town.get(f"/api/v1/incidents/{case}").json()["actions"]}
    assert not offered & set(CHECKS)
    assert one(STATE, id=case) == before
    taken = county.post(where, json=body, headers=headers)
    assert taken.status_code == 200, taken.text


# through a merged twin -----------------------------------------------------------------------


def test_through_a_merged_twin(served: TestClient, people: Cast) -> None:
    town = web.sign_in(served, f"town{TOWN}")
    twin = by_the_town(people)
    people.county.act(twin, "fail_check", note="没好")
    people.town.act(twin, "request", request_kind="return", note="应由村里办")
    people.county.act(twin, "decide", approve=True)
    master = in_hand(people)
    people.town.act(twin, "merge", into=str(master))
    people.worker.act(master, "feed_back", note="已清理")
    for action in CHECKS:
        refused = town.post(
            f"/api/v1/incidents/{master}/actions", json={"action": action, "note": "好了"}
        )
        assert (refused.status_code, refused.json()["code"]) == (403, "same_person")
        for hand in (people.town, people.town_second):
            with pytest.raises(SamePerson):
                as_a_job(hand.actor, master, action)
    people.county.act(master, "pass_check")


# by job --------------------------------------------------------------------------------------


def as_a_job(actor: Actor, case: UUID, action: str, *, held: bool = False) -> None:
    """Act for somebody as a worker does: its own access, by id or on a row it holds."""
    asked = ActionRequest(action, note="自动核查", reason_code="not_done")
    with transaction(Access.worker()) as session:
        if held:
            incident = queries.get_all(session, [case], lock=True)[case]
            act_held(session, incident, asked, actor=actor, at=clock.now())
        else:
            service.act(session, case, asked, actor=actor, at=clock.now())


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("action", [str(each) for each in CHECKS])
def test_a_job_that_acts_for_the_handler_is_refused(
    people: Cast, action: str, *, held: bool
) -> None:
    case = by_the_town(people)
    before = one(STATE, id=case)
    for_the_handler = (
        people.town.actor,
        people.town_second.actor,
        replace(people.town.actor, on_behalf="值班"),
        replace(people.town.actor, account=None),
        replace(people.county.actor, person=people.town.actor.person),
        replace(people.county.actor, unit=people.town.actor.unit),
    )
    for actor in for_the_handler:
        with pytest.raises(SamePerson):
            as_a_job(actor, case, action, held=held)
    assert one(STATE, id=case) == before
    as_a_job(people.county.actor, case, action, held=held)


@pytest.mark.parametrize("held", [False, True])
def test_no_machine_of_the_platform_can_check_at_all(people: Cast, *, held: bool) -> None:
    case = by_the_town(people)
    before = one(STATE, id=case)
    machines = [
        Actor.system("自动核查"),
        replace(Actor.system("自动核查"), unit=people.county.actor.unit),
        Actor("接口", Role.MACHINE, scopes=("incidents",), unit=people.county.actor.unit),
        Actor("来电人", Role.CITIZEN),
    ]
    for actor in machines:
        for action in CHECKS:
            with pytest.raises(NotAllowed):
                as_a_job(actor, case, action, held=held)
    assert one(STATE, id=case) == before


@pytest.mark.parametrize("role", list(Role))
def test_a_power_to_check_belongs_to_persons_who_did_not_handle(role: Role) -> None:
    for holds, leads in ((True, True), (True, False), (False, True)):
        handled = Standing(role, holds=holds, leads=leads, supports=True, handled=True)
        assert not any(may(action, handled) for action in CHECKS)
        if role in {Role.SYSTEM, Role.MACHINE, Role.CITIZEN}:
            assert not any(may(action, replace(handled, handled=False)) for action in CHECKS)


def test_a_case_reported_as_done_is_not_checked_by_who_did_it(people: Cast) -> None:
    case = people.worker.report("暴露垃圾", done=True, note="顺手清了").incident.id
    assert one(STATE, id=case)["handled_by"] == people.worker.actor.person
    for hand in (people.worker, people.village):
        for action in CHECKS:
            with pytest.raises(SamePerson):
                hand.act(case, action, note="好了")
            with pytest.raises(SamePerson):
                as_a_job(hand.actor, case, action)
    people.town.act(case, "pass_check")


# closing and scoring by other ways -----------------------------------------------------------


def test_the_unit_that_handles_does_not_grant_the_forced_close_of_its_case(people: Cast) -> None:
    case = filed(people)
    people.town.act(case, "assign", to_unit=str(TOWN))
    people.town.act(case, "request", request_kind="forced_close", note="不可抗力")
    assert "decide" not in people.town_second.actions(case)
    with pytest.raises(SamePerson, match="请由其他单位审批"):
        people.town_second.act(case, "decide", approve=True)
    assert people.county.act(case, "decide", approve=True) == "closed"


def test_nobody_grants_their_own_request_under_another_account(people: Cast) -> None:
    case = in_hand(people)
    people.town.act(case, "request", request_kind="forced_close", note="不可抗力")
    other = replace(people.town, actor=replace(people.town.actor, account=999_999))
    assert "decide" not in other.actions(case)
    with pytest.raises(SamePerson):
        other.act(case, "decide", approve=True)
    assert people.town_second.act(case, "decide", approve=True) == "closed"


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("rate", {"solved": True, "satisfied": True}),
        ("call_back", {"result": "reached", "solved": True}),
    ],
)
def test_the_unit_that_handled_does_not_score_its_case(
    people: Cast, action: str, said: dict[str, Any]
) -> None:
    case = by_the_town(people)
    people.county.act(case, "pass_check")
    for hand in (people.town, people.town_second):
        assert action not in hand.actions(case)
        with pytest.raises(NotAllowed):
            hand.act(case, action, data=said)
    people.county.act(case, action, data=said)


def test_who_handled_a_case_that_was_merged_on_does_not_check_where_it_ended(
    people: Cast,
) -> None:
    twin, between = by_the_town(people), filed(people)
    people.county.act(twin, "fail_check", note="没好")
    people.town.act(twin, "request", request_kind="return", note="应由村里办")
    people.county.act(twin, "decide", approve=True)
    master = in_hand(people)
    people.town.act(twin, "merge", into=str(between))
    people.town.act(between, "merge", into=str(master))
    people.worker.act(master, "feed_back", note="已清理")
    with pytest.raises(SamePerson):
        people.town_second.act(master, "pass_check")


def test_a_confidential_case_that_its_holder_handled_is_checked_one_step_up(people: Cast) -> None:
    with County.opened() as county:
        case = people.town.report("传染病线索", description="疑似").incident.id
        county.settle_down()
        people.town.act(case, "accept")
        if one(STATE, id=case)["status"] == "verifying":
            people.town.act(case, "verify", approve=True)
        people.town.act(case, "assign", to_unit=str(TOWN))
        people.town.act(case, "sign")
        assert not people.county.sees(case)
        photos = tuple(people.town.photograph(case, kind=kind) for kind in ("document", "after"))
        people.town.act(case, "feed_back", note="已处置", photos=photos)
        county.settle_down()
        owed = one(
            "select o.kind, u.code from owed o join posts p on p.id = o.post_id"
            " join units u on u.id = p.unit_id where o.subject = :id",
            id=str(case),
        )
        assert owed == {"kind": "incident.check", "code": "430121"}
        assert people.county.act(case, "pass_check") == "closed"


def kinds_of_work() -> list[str]:
    """Return every kind of change and timer that some effect answers to."""
    return [
        *(f"incident.{action}" for action in Action),
        *effects.MOVES_CLOCKS,
        *(prefix if prefix.count(".") > 1 else f"{prefix}_x" for prefix in effects.TIMERS),
        "timer.incident_due", "order.done", "order.acknowledged", "order.declined",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", sorted(kinds_of_work()))
def test_no_change_and_no_timer_checks_a_case_whatever_it_carries(
    people: Cast, waiting: UUID, kind: str
) -> None:
    before = one(STATE, id=waiting)
    forged = {
        "action": "pass_check", "actor": people.county.actor.name, "approve": True,
        "person": people.county.actor.person, "codes": [], "area": 430121, "town": TOWN,
    }  # fmt: skip
    at = clock.now()
    change = Change(0, kind, str(waiting), before["rev"], Scope(), forged, at, at)
    with transaction(Access.worker()) as session:
        refused: Exception | None = None
        try:
            effects.apply(session, [change], at=clock.now())
        except Exception as error:  # noqa: BLE001  a change that names no such thing may fail
            refused = error
        session.rollback() if refused else session.flush()
    after = one(STATE, id=waiting)
    assert (after["status"], after["closed_at"]) == ("checking", None)


@pytest.fixture(scope="module")
def waiting(people: Cast) -> UUID:
    return by_the_town(people)


def test_a_case_left_alone_waits_for_a_person_however_long(people: Cast) -> None:
    case = by_the_town(people)
    with County.opened() as county:
        county.fast_forward("5d")
        assert one(STATE, id=case)["status"] == "checking"


def test_a_stored_status_is_written_behind_the_guard_only() -> None:
    """Both doors, `act` and `act_held`, pass `_require_power`; nothing else sets a status."""
    writers: dict[str, set[str]] = {}
    for folder in PRODUCT:
        for path in sorted(Path(ROOT, folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                targets = node.targets if isinstance(node, ast.Assign) else []
                for target in targets:
                    if (
                        isinstance(target, ast.Attribute)
                        and target.attr == "status"
                        and isinstance(target.value, ast.Name)
                        and target.value.id in {"incident", "case"}
                    ):
                        writers.setdefault(name, set()).add(ast.unparse(target))
    assert writers == {"dispatch/incidents/acting/service.py": {"incident.status"}}
    tree = ast.parse(Path(ROOT, "dispatch/incidents/acting/service.py").read_text("utf-8"))
    calls = {
        node.name: [ast.unparse(call.func) for call in ast.walk(node) if isinstance(call, ast.Call)]
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }
    assert "act_held" in calls["act"]
    assert calls["act_held"].index("_require_power") < calls["act_held"].index("_take")
    assert [name for name, called in calls.items() if "_take" in called] == ["act_held"]


def test_the_county_gives_out_and_checks_and_is_given_nothing(people: Cast) -> None:
    case = filed(people)
    with pytest.raises(Invalid, match="不处置"):
        people.county.act(case, "assign", to_unit="430121")
    people.county.act(case, "assign")
    with pytest.raises(Invalid, match="不处置"):
        people.county.act(case, "reassign", to_unit="430121", reason_code="no_capacity")


def test_hands_of_the_cast_are_who_they_seem(people: Cast) -> None:
    hands: list[Hand] = [people.town, people.town_second, people.county]
    assert len({hand.actor.person for hand in hands}) == len(hands)
    assert people.town.actor.unit == people.town_second.actor.unit != people.county.actor.unit
