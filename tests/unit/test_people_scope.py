"""What each role sees, and that the live stream asks the same question as row security."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.access import Access
from core.live import Scope
from people.roles import ACCOUNT_ROLES, POST_NAMES, POSTS_OF_ROLE, ROLE_NAMES, Post, Role
from people.scope import Actor, Holding, access_of, may_hear

TOWN, OTHER_TOWN = 430121001, 430121002
VILLAGE, CELL = 430121001001, 430121001001003
HOLDING = Holding(
    unit=7,
    subunits=(8,),
    town_code=TOWN,
    village_code=VILLAGE,
    cells=(CELL,),
    person=42,
)
CASE = "018f0000-0000-7000-8000-000000000001"


@pytest.mark.parametrize("role", [Role.COUNTY_COMMAND, Role.DUTY_LEADER, Role.AUDITOR])
def test_county_wide_roles_see_every_area(role: Role) -> None:
    assert access_of(role, HOLDING).see_all


def test_a_town_sees_its_own_area_and_what_its_unit_takes_part_in() -> None:
    access = access_of(Role.TOWN_CENTRE, HOLDING)
    assert (access.towns, access.units, access.see_all) == ((TOWN,), (7, 8), False)
    assert may_hear(access, Scope(town_code=TOWN))
    assert may_hear(access, Scope(town_code=OTHER_TOWN, units=(7,)))
    assert not may_hear(access, Scope(town_code=OTHER_TOWN))


def test_a_village_sees_its_village_and_not_its_town() -> None:
    access = access_of(Role.VILLAGE_CENTRE, HOLDING)
    assert may_hear(access, Scope(town_code=TOWN, village_code=VILLAGE))
    assert not may_hear(access, Scope(town_code=TOWN, village_code=VILLAGE + 1))


def test_a_department_sees_only_cases_it_leads_or_supports() -> None:
    access = access_of(Role.DEPARTMENT, HOLDING)
    assert may_hear(access, Scope(town_code=OTHER_TOWN, units=(99, 8)))
    assert not may_hear(access, Scope(town_code=TOWN))


def test_a_grid_worker_sees_own_cells_and_own_orders() -> None:
    access = access_of(Role.GRID_WORKER, HOLDING)
    assert may_hear(access, Scope(town_code=TOWN, village_code=VILLAGE, cell_code=CELL))
    assert may_hear(access, Scope(town_code=OTHER_TOWN, persons=(42,)))
    assert not may_hear(access, Scope(town_code=TOWN, village_code=VILLAGE))
    assert not may_hear(access, Scope(units=(7,)))


def test_a_receptionist_sees_what_they_filed() -> None:
    access = access_of(Role.RECEPTIONIST, HOLDING)
    assert may_hear(access, Scope(persons=(42,)))
    assert not may_hear(access, Scope(town_code=TOWN, units=(7,)))


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MACHINE, Role.CITIZEN, Role.SYSTEM])
def test_other_roles_see_no_case(role: Role) -> None:
    access = access_of(role, HOLDING)
    everything = Scope(TOWN, VILLAGE, CELL, units=(7, 8), persons=(42,))
    assert not may_hear(access, everything)


def test_a_confidential_case_needs_a_grant_even_for_the_county() -> None:
    scope = Scope(town_code=TOWN, confidential=True)
    county = access_of(Role.COUNTY_COMMAND, HOLDING)
    assert not may_hear(county, scope, subject=CASE)
    granted = Access(Role.COUNTY_COMMAND, see_all=True, grants=(UUID(CASE),))
    assert may_hear(granted, scope, subject=CASE)
    assert not may_hear(Access("x", grants=(UUID(CASE),)), scope, subject=CASE)


def test_a_scope_without_codes_reaches_nobody_but_the_county() -> None:
    for role in ACCOUNT_ROLES:
        access = access_of(role, HOLDING)
        assert may_hear(access, Scope()) == access.see_all


def test_an_account_without_a_town_sees_no_town() -> None:
    assert access_of(Role.TOWN_CENTRE, Holding(unit=7)) == Access(Role.TOWN_CENTRE)


def test_only_the_auditor_and_a_wall_may_not_write() -> None:
    assert [role for role in Role if not Actor("某", role).may_write] == [
        Role.AUDITOR,
        Role.KIOSK,
    ]


def test_every_role_and_post_has_a_chinese_name_and_every_account_role_a_post() -> None:
    assert set(ROLE_NAMES) == set(Role)
    assert set(POST_NAMES) == set(Post)
    assert set(POSTS_OF_ROLE) == set(ACCOUNT_ROLES)
