"""Who is acting, and what part of the county that identity may see (辖区范围)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from core.access import Access
from core.live import Scope
from people.roles import COUNTY_WIDE_ROLES, READ_ONLY_ROLES, Role


@dataclass(frozen=True, slots=True)
class Actor:
    """The hand behind an act; `on_behalf` is the post's Chinese name when someone acts for it."""

    name: str
    role: Role
    account: int | None = None
    person: int | None = None
    unit: int | None = None
    posts: tuple[int, ...] = ()
    on_behalf: str | None = None
    area: str = ""
    scopes: tuple[str, ...] = ()

    @classmethod
    def system(cls, name: str) -> Actor:
        """Return automation itself: `name` says which rule or job."""
        return cls(name=name, role=Role.SYSTEM)

    @classmethod
    def citizen(cls, name: str = "群众") -> Actor:
        """Return somebody who reports or asks without an account."""
        return cls(name=name, role=Role.CITIZEN)

    @classmethod
    def machine(cls, name: str, scopes: tuple[str, ...]) -> Actor:
        """Return a system that came with an API key; `scopes` are the doors the key opens."""
        return cls(name=name, role=Role.MACHINE, scopes=scopes)

    @property
    def may_write(self) -> bool:
        """Tell whether this identity may change anything at all; an auditor may not."""
        return self.role not in READ_ONLY_ROLES


@dataclass(frozen=True, slots=True)
class Holding:
    """What an account is tied to: its unit, its place in the grid and its person."""

    unit: int | None = None
    subunits: tuple[int, ...] = ()
    town_code: int | None = None
    village_code: int | None = None
    cells: tuple[int, ...] = ()
    person: int | None = None
    grants: tuple[UUID, ...] = ()


def access_of(role: Role, holding: Holding) -> Access:
    """Derive what a role sees from what its account is tied to; other roles see nothing."""
    units = (*((holding.unit,) if holding.unit is not None else ()), *holding.subunits)
    person, grants = holding.person, holding.grants
    if role in COUNTY_WIDE_ROLES:
        audits = role is Role.AUDITOR
        hands = () if audits else units[:1]  # a confidential case in the county's own hands
        return Access(role, see_all=True, units=hands, person=person, grants=grants, audits=audits)
    if role is Role.ADMIN:
        return Access(role, administers=True)
    if role is Role.TOWN_CENTRE and holding.town_code is not None:
        return Access(role, towns=(holding.town_code,), units=units, person=person, grants=grants)
    if role is Role.VILLAGE_CENTRE and holding.village_code is not None:
        villages = (holding.village_code,)
        return Access(role, villages=villages, units=units, person=person, grants=grants)
    if role is Role.DEPARTMENT:
        return Access(role, units=units, person=person, grants=grants)
    if role is Role.GRID_WORKER:
        return Access(role, cells=holding.cells, person=person, grants=grants)
    if role is Role.RECEPTIONIST:
        return Access(role, person=person, grants=grants)
    return Access(role)


def access_of_wall(area: str) -> Access:
    """Derive what a wall (大屏) shows from its national code: the county, a town or a village."""
    if len(area) == len("430121"):
        return Access(Role.KIOSK, see_all=True)
    if len(area) == len("430121001"):
        return Access(Role.KIOSK, towns=(int(area),))
    return Access(Role.KIOSK, villages=(int(area),))


def may_hear(access: Access, scope: Scope, *, subject: str = "") -> bool:
    """Tell whether a live change reaches this caller: the same test as row security makes.

    A confidential case (涉密) names all who hold a grant in its units and persons: area opens none.
    """
    named = (scope.units and not set(access.units).isdisjoint(scope.units)) or (
        access.person is not None and access.person in scope.persons
    )
    if named:
        return True
    if scope.confidential and subject not in {str(grant) for grant in access.grants}:
        return False
    return bool(
        access.see_all
        or scope.town_code in access.towns
        or scope.village_code in access.villages
        or scope.cell_code in access.cells
    )
