"""Storing a staffed county: units of the catalogue, and invented people for a demonstration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from core import audit, crypto
from core.clock import LOCAL
from core.errors import NotFound
from people import queries, seeding
from people.access import passwords, queries_accounts
from people.access.credentials import Credentials
from people.catalogue import UnitLine, read_units
from people.roles import Post, Role
from people.rota import ahead as duty
from people.rota import queries as queries_rota
from people.rota.turns import weeks_of
from people.staff import contacting, queries_presence
from people.staff.presence import read_slot

API_KEYS = {
    "open311": ("open311", "incidents"),
    "positions": ("positions",),
    "readings": ("readings",),
}


@dataclass(frozen=True, slots=True)
class Seeded:
    """What a seeding found or made."""

    units: int
    staff: int
    grid_workers: int
    accounts: int
    shifts: int


def load_units(session: Session) -> list[seeding.PlannedUnit]:
    """Add and rename units as `data/` lists them, and give each its posts; safe to repeat."""
    lines = read_units()
    for kinds in (
        ("county",),
        ("hall", "town", "department"),
        ("village", "zone", "studio", "third_party"),
    ):
        rows = [
            {
                "code": line.code,
                "name": line.name,
                "short_name": line.short_name,
                "kind": line.kind,
                "parent": line.parent,
                "town_code": line.town_code,
                "village_code": line.village_code,
                "stationing": line.stationing,
                "skills": list(line.skills),
            }
            for line in lines
            if line.kind in kinds
        ]
        queries.upsert_units(session, rows)
    queries.add_missing_posts(session)
    _load_presence(session, lines)
    return [seeding.PlannedUnit(line.code, line.kind, line.skills) for line in lines]


def _load_presence(session: Session, lines: Sequence[UnitLine]) -> None:
    """Give units the weekly pattern they are listed with; one that has any keeps its own."""
    ids = queries.unit_ids(session)
    for line in lines:
        if line.presence and not queries_presence.has_pattern(session, ids[line.code]):
            slots = [read_slot(words) for words in line.presence]
            queries_presence.add_patterns(session, ids[line.code], slots, on=date(2026, 1, 1))


def seed_demo(session: Session, credentials: Credentials, *, at: datetime) -> Seeded:
    """Staff the county, open the demonstration accounts and plan the rota; safe to repeat.

    `credentials` is changed in place: what it does not know the secret of gets a new one.
    """
    units = load_units(session)
    people = seeding.plan_staff(units, queries.current_cells(session))
    staff = _add_staff(session, people)
    accounts = seeding.plan_accounts(units, people)
    _open_accounts(session, accounts, credentials, staff=staff, at=at)
    _issue_keys(session, credentials, at=at)
    shifts = _plan_rota(session, people, staff, at=at)
    workers = sum(1 for person in people if person.posts == (Post.GRID_WORKER,))
    return Seeded(len(units), len(people), workers, len(accounts), shifts)


def _add_staff(session: Session, people: Sequence[seeding.Person]) -> dict[str, int]:
    known = queries.staff_ids(session)
    unit_ids = queries.unit_ids(session)
    fresh = [person for person in people if person.code not in known and person.unit in unit_ids]
    queries.copy_staff(session, (_staff_row(person, unit_ids) for person in fresh))
    ids = queries.staff_ids(session)
    posts = queries.post_ids(session)
    queries.copy_ties(
        session,
        posts=((ids[p.code], posts[p.unit, post]) for p in fresh for post in p.posts),
        cells=((ids[p.code], cell) for p in fresh for cell in p.cells),
    )
    return ids


def _staff_row(person: seeding.Person, unit_ids: dict[str, int]) -> tuple[object, ...]:
    in_grid = person.unit.isdigit() and len(person.unit) > len("430121")
    town = int(person.unit[:9]) if in_grid else None
    village = int(person.unit) if in_grid and len(person.unit) == len("430121001001") else None
    unit = unit_ids[person.unit]
    return (person.code, person.name, unit, town, village, [*person.skills], [*person.attributes])


def _open_accounts(
    session: Session,
    accounts: Sequence[seeding.PlannedAccount],
    credentials: Credentials,
    *,
    staff: dict[str, int],
    at: datetime,
) -> None:
    unit_ids = queries.unit_ids(session)
    unit_of = {
        account.username: account.area if account.area in unit_ids else account.area[:12]
        for account in accounts
    }
    existing = queries_accounts.usernames(session)
    rows = []
    for account in accounts:
        if account.username in existing and account.username in credentials.accounts:
            continue
        password = passwords.new_password()
        rows.append(
            {
                "username": account.username,
                "password_hash": passwords.hash_password(password),
                "role": account.role.value,
                "unit_id": unit_ids[unit_of[account.username]],
                "staff_id": staff.get(account.staff_code or ""),
                "demo": True,
                "created_at": at,
            },
        )
        credentials.tell(account.username, password, role=account.role, area=account.area)
    queries_accounts.put_accounts(session, rows)
    credentials.keep_only({account.username for account in accounts})


def open_account(
    session: Session,
    *,
    username: str,
    role: Role,
    unit_code: str,
    staff_code: str | None,
    at: datetime,
) -> str:
    """Open an account, or give it a new password and role; returns the password."""
    unit = queries.unit_by_code(session, unit_code)
    if unit is None:
        raise NotFound(f"没有单位 {unit_code}，请先运行 yiwang people load-units")
    staff = queries.staff_ids(session)
    if staff_code is not None and staff_code not in staff:
        raise NotFound(f"没有工号 {staff_code}")
    password = passwords.new_password()
    row = {
        "username": username,
        "password_hash": passwords.hash_password(password),
        "role": role.value,
        "unit_id": unit.id,
        "staff_id": staff.get(staff_code or ""),
        "demo": False,
        "created_at": at,
    }
    queries_accounts.put_accounts(session, [row])
    audit.record(session, "account.opened", subject=username, actor="command line", at=at)
    return password


def _issue_keys(session: Session, credentials: Credentials, *, at: datetime) -> None:
    existing = queries_accounts.key_names(session)
    for name, scopes in API_KEYS.items():
        if name in existing and credentials.api_keys.get(name):
            continue
        key = f"yw_{passwords.new_token()}"
        credentials.api_keys[name] = key
        hashed = passwords.token_hash(key)
        values = {"name": name, "key_hash": hashed, "scopes": list(scopes), "created_at": at}
        queries_accounts.put_api_key(session, values)


def _plan_rota(
    session: Session, people: Sequence[seeding.Person], staff: dict[str, int], *, at: datetime
) -> int:
    """Make duty people reachable, give their posts a rotation and plan from this month on."""
    contacts = [
        {
            "staff_id": staff[contact.staff_code],
            "channel": contact.channel,
            "address_enc": crypto.encrypt(contact.address, contacting.PURPOSE),
            "verified_at": at if contact.verified else None,
        }
        for contact in seeding.plan_contacts(people)
        if contact.staff_code in staff
    ]
    queries_rota.put_contacts(session, contacts)
    first = weeks_of(at.astimezone(LOCAL).date())[0][0]
    duty.begin_rotations(session, starts_on=first, at=at)
    return duty.extend(session, at=at, since=first)
