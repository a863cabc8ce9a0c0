"""Cases as tests make and move them: real posts of one town, acting under their own access."""

from __future__ import annotations

import io
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from PIL import Image, ImageDraw
from sqlalchemy import text

from core import clock
from core.access import Access
from core.db import transaction
from dispatch.incidents import collecting, queries, service
from dispatch.incidents.intake.draft import Draft
from dispatch.incidents.listing import service as reading
from dispatch.incidents.service import ActionRequest, Reported
from people.roles import Role
from people.scope import Actor, Holding, access_of

TOWN, VILLAGE = 430121001, 430121001001


def rows(statement: str, **values: Any) -> list[dict[str, Any]]:
    """Return what a statement finds, as the owner sees it."""
    with transaction(Access.owner()) as session:
        return [dict(row) for row in session.execute(text(statement), values).mappings()]


def one(statement: str, **values: Any) -> dict[str, Any]:
    """Return the only row of a statement."""
    (found,) = rows(statement, **values)
    return found


@dataclass(frozen=True)
class Hand:
    """Somebody who acts, and what they see."""

    actor: Actor
    access: Access

    def act(self, incident_id: UUID, action: str, **asked: Any) -> str:
        """Take one action now; returns the status after it. Feedback brings its own photo."""
        if action == "feed_back" and "photos" not in asked:
            asked["photos"] = (self.photograph(incident_id),)
        with transaction(self.access) as session:
            request = ActionRequest(action, **asked)
            done = service.act(session, incident_id, request, actor=self.actor, at=clock.now())
            return done.status

    def photograph(self, incident_id: UUID, *, kind: str = "after", **taken: Any) -> str:
        """Upload a new photo of a case, taken where it is unless `lon`, `lat` say otherwise."""
        at = clock.now()
        with transaction(Access.owner()) as session:
            lon, lat = queries.point_of(session, incident_id)
        with transaction(self.access) as session:
            token = None
            if lon is not None or "lon" in taken:
                token = collecting.sign_capture(
                    session,
                    incident_id,
                    lon=taken.get("lon", lon or 0.0),
                    lat=taken.get("lat", lat or 0.0),
                    accuracy_m=5,
                    actor=self.actor,
                    at=at,
                )
            raw = taken.get("raw") or picture()
            row = collecting.take_in(
                session,
                raw,
                incident_id=incident_id,
                kind=kind,
                token=token,
                actor=self.actor,
                at=at,
            )
            return str(row.id)

    def report(self, category: str = "积水", *, key: str | None = None, **draft: Any) -> Reported:
        """Report a case now; without a place it is in the first cell of the town."""
        if not draft.keys() & {"lon", "lat", "village_code", "address"}:
            lon, lat = inside(TOWN)
            draft |= {"lon": lon, "lat": lat}
        made = Draft(category, draft.pop("description", "路口积水二十厘米"), **draft)
        with transaction(self.access) as session:
            return service.report(session, made, actor=self.actor, at=clock.now(), key=key)

    def sees(self, incident_id: UUID) -> bool:
        """Tell whether the case is in view."""
        with transaction(self.access) as session:
            found = text("select count(*) from incidents where id = :id")
            return bool(session.execute(found, {"id": incident_id}).scalar_one())

    def actions(self, incident_id: UUID) -> set[str]:
        """Return the actions offered now."""
        with transaction(self.access) as session:
            case = reading.case(session, incident_id, actor=self.actor, at=clock.now())
            return {each["action"] for each in case["actions"]}


def picture(seed: int | None = None, *, form: str = "JPEG", **more: Any) -> bytes:
    """Return a small photo that looks like no other, or like the one of the same `seed`."""
    rng = Random(seed)
    image = Image.new("RGB", (160, 120), (rng.randrange(256), rng.randrange(256), 90))
    draw = ImageDraw.Draw(image)
    for _ in range(24):
        x, y = rng.randrange(160), rng.randrange(120)
        shade = tuple(rng.randrange(256) for _ in range(3))
        draw.ellipse((x - 20, y - 20, x + rng.randrange(30), y + rng.randrange(30)), fill=shade)
    out = io.BytesIO()
    image.save(out, form, **more)
    return out.getvalue()


def inside(area: int, *, nth: int = 0) -> tuple[float, float]:
    """Return a point well inside the nth cell of a town, village or cell."""
    found = rows(
        "select st_x(p) as lon, st_y(p) as lat from (select st_pointonsurface(area) as p"
        " from grid_cells where valid_to is null and (town_code = :area or village_code = :area"
        " or code = :area) order by code offset :nth limit 1) f",
        area=area,
        nth=nth,
    )
    return found[0]["lon"], found[0]["lat"]


def unit(code: str) -> int:
    """Return a unit's id."""
    return int(one("select id from units where code = :code", code=code)["id"])


def hand(name: str, role: Role, unit_code: str, *, person: int, account: int) -> Hand:
    """Return somebody of a unit; the numbers tell people apart."""
    found = one("select id, town_code, village_code from units where code = :c", c=unit_code)
    cells: tuple[int, ...] = ()
    if role is Role.GRID_WORKER:
        cells = tuple(
            row["code"]
            for row in rows(
                "select code from grid_cells where valid_to is null and village_code = :v",
                v=found["village_code"],
            )
        )
    holding = Holding(
        unit=found["id"],
        town_code=found["town_code"],
        village_code=found["village_code"],
        cells=cells,
        person=person,
    )
    actor = Actor(name, role, account=account, person=person, unit=found["id"])
    return Hand(actor, access_of(role, holding))


@dataclass(frozen=True)
class Cast:
    """The people of one town's cases."""

    worker: Hand
    village: Hand
    town: Hand
    town_second: Hand
    county: Hand
    leader: Hand
    department: Hand
    elsewhere: Hand


def cast() -> Cast:
    """Return the people of 星沙街道, and somebody of the next town."""
    parts = {
        "worker": ("网格员甲", Role.GRID_WORKER, str(VILLAGE)),
        "village": ("村干部乙", Role.VILLAGE_CENTRE, str(VILLAGE)),
        "town": ("派遣员丙", Role.TOWN_CENTRE, str(TOWN)),
        "town_second": ("核查员丁", Role.TOWN_CENTRE, str(TOWN)),
        "county": ("值班长戊", Role.COUNTY_COMMAND, "430121"),
        "leader": ("值班领导己", Role.DUTY_LEADER, "430121"),
        "department": ("承办人庚", Role.DEPARTMENT, "D-CG"),
        "elsewhere": ("外镇辛", Role.TOWN_CENTRE, "430121002"),
    }
    numbered = enumerate(parts.items(), start=900_001)
    return Cast(
        **{
            part: hand(name, role, code, person=n, account=n)
            for n, (part, (name, role, code)) in numbered
        }
    )


def filed(people: Cast, category: str = "暴露垃圾") -> UUID:
    """Return a case of the town, accepted."""
    case = people.town.report(category).incident.id
    people.town.act(case, "accept")
    return case


def in_hand(people: Cast, category: str = "暴露垃圾") -> UUID:
    """Return a case that the village's grid worker is working on."""
    case = filed(people, category)
    people.town.act(case, "assign")
    people.worker.act(case, "sign")
    return case
