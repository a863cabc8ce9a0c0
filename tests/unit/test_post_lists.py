"""Lists by post (按岗位的清单): which duty stands where, and whose lists are shown."""

from __future__ import annotations

import pytest

from dispatch.incidents.following.owing import CALL_BACK, TURNS
from dispatch.incidents.listing.posts import LISTS, Tally, counted
from people.roles import Role

OF_A_TOWN = ["待受理", "待核实", "待派遣", "待签收", "处置中", "待核查", "待审批", "督办", "超期"]
TALLIES = [
    Tally("incident.sign", carded=False, late=False, count=3),
    Tally("incident.handle", carded=True, late=True, count=2),
    Tally("incident.handle", carded=False, late=True, count=5),
    Tally(CALL_BACK, carded=False, late=True, count=1),
    Tally("alert", carded=False, late=True, count=7),
]


def named(role: Role, tallies: list[Tally] | None = None) -> dict[str, int]:
    return {each.label: count for each, count in counted(tallies or [], role)}


@pytest.mark.parametrize(
    ("role", "labels"),
    [
        (Role.TOWN_CENTRE, OF_A_TOWN),
        (Role.VILLAGE_CENTRE, OF_A_TOWN),
        (Role.DEPARTMENT, ["待签收", "处置中", "督办", "超期"]),
        (Role.DUTY_LEADER, ["督办", "超期"]),
        (Role.RECEPTIONIST, ["待回访", "超期"]),
        (Role.AUDITOR, []),
        (Role.ADMIN, []),
    ],
)
def test_a_role_sees_its_own_lists_even_when_they_are_empty(role: Role, labels: list[str]) -> None:
    assert named(role) == dict.fromkeys(labels, 0)


def test_a_late_duty_with_a_card_stands_in_three_lists_an_alert_in_none() -> None:
    found = named(Role.DEPARTMENT, TALLIES)
    assert found == {"待签收": 3, "处置中": 7, "待回访": 1, "督办": 2, "超期": 8}


def test_every_turn_of_a_case_stands_in_exactly_one_list_of_turns() -> None:
    for kind, _verb in TURNS.values():
        tally = Tally(kind, carded=False, late=False, count=1)
        assert len([each for each in LISTS if each.takes(tally)]) == 1, kind
