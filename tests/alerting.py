"""What alert tests do again and again: report flooding, look at alerts, pages and desks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from uuid import UUID

from sqlalchemy import text

from alerts import service
from alerts.detect import distinct_places
from core import clock
from core.db import Access, transaction
from dispatch.incidents.intake import service as intake
from dispatch.incidents.intake.draft import Draft
from people.roles import Role
from people.scope import Actor

REPORTER = Actor("测试接口", Role.MACHINE, scopes=("open311",))
Point = tuple[float, float]


def rows(statement: str, **values: Any) -> list[dict[str, Any]]:
    """Return what a statement finds, as the worker sees it."""
    with transaction(Access.worker()) as session:
        return [dict(row._mapping) for row in session.execute(text(statement), values)]


def places_in(town: str, count: int, *, apart: float = 200) -> list[Point]:
    """Return points inside a town, each at least `apart` metres from every other."""
    found = rows(
        """
        select st_x(p.at) as lon, st_y(p.at) as lat, st_x(m.at) as x, st_y(m.at) as y
        from grid_cells c join grid_towns t on t.code = c.town_code and t.valid_to is null,
             lateral (select st_pointonsurface(c.area) as at) p,
             lateral (select st_transform(p.at, 4547) as at) m
        where t.name = :town and c.valid_to is null order by c.code
        """,
        town=town,
    )
    kept = distinct_places([(r["x"], r["y"]) for r in found], apart=apart)
    assert len(kept) >= count, f"{town} has only {len(kept)} such places"
    return [(found[k]["lon"], found[k]["lat"]) for k in kept[:count]]


def report(
    points: Sequence[Point], *, category: str = "积水", drill: bool = False, phone: str = ""
) -> list[UUID]:
    """Report one case at each point, as a connected system would; returns their ids."""
    ids = []
    for lon, lat in points:
        draft = Draft(
            category=category,
            description="路面积水，车辆无法通行",
            lon=lon,
            lat=lat,
            source="app",
            drill=drill,
            reporter_phone=phone or None,
        )
        with transaction(Access.worker()) as session:
            at = clock.now()
            done = intake.report(session, draft, actor=REPORTER, at=at)
            ids.append(done.incident.id)
    return ids


def alerts(**wanted: Any) -> list[dict[str, Any]]:
    """Return alert rows, oldest first, by column values."""
    where = " and ".join(f"{name} = :{name}" for name in wanted) or "true"
    return rows(f"select * from alerts where {where} order by id", **wanted)


def pages(alert_id: object, channel: str = "screen") -> list[str]:
    """Return who was told of an alert on a channel, in order, as `post event colour`."""
    found = rows(
        "select post, event, colour from notifications where subject = :id and channel = :channel"
        " order by created_at, step, staff_id",
        id=str(alert_id), channel=channel,
    )  # fmt: skip
    return [f"{r['post']} {r['event']} {r['colour']}" for r in found]


def owed(alert_id: object) -> list[str]:
    """Return which posts still owe an answer to an alert."""
    found = rows(
        "select p.kind from owed o join posts p on p.id = o.post_id"
        " where o.kind = 'alert' and o.subject = :id order by o.id",
        id=str(alert_id),
    )
    return [r["kind"] for r in found]


def leader(role: Role = Role.DUTY_LEADER) -> tuple[Actor, Access]:
    """Return a signed-in person of a role and what that person sees."""
    account = rows("select id, staff_id from accounts where role = :r limit 1", r=role.value)[0]
    actor = Actor("周值班", role, account=account["id"], person=account["staff_id"])
    return actor, Access(role.value, see_all=True, person=account["staff_id"])


def acknowledge(alert_id: UUID, *, role: Role = Role.DUTY_LEADER, note: str = "") -> None:
    """Acknowledge an alert as the web would."""
    actor, access = leader(role)
    with transaction(access) as session:
        service.acknowledge(session, alert_id, actor=actor, at=clock.now(), note=note)


def sweep() -> None:
    """Run the engine's sweep once, now."""
    with transaction(Access.worker()) as session:
        service.sweep(session, at=clock.now())


@dataclass
class Receiver:
    """A real HTTP server that keeps what it was sent and answers as it is told."""

    url: str
    status: int = 200
    seen: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    arrived: Event = field(default_factory=Event)
    hold: Event = field(default_factory=Event)

    def wait(self, seconds: float) -> bool:
        """Wait for the next message; returns whether one came."""
        came = self.arrived.wait(seconds)
        self.arrived.clear()
        return came


@contextmanager
def receiving(status: int = 200, *, hang: bool = False) -> Iterator[Receiver]:
    """Open a receiver on a free port of this machine; a hanging one answers when let go."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.seen.append((dict(self.headers), body))
            receiver.arrived.set()
            if hang:
                receiver.hold.wait(20)
            self.send_response(receiver.status)
            if 300 <= receiver.status < 400:
                self.send_header("Location", receiver.url + "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}/hook", status)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        receiver.hold.set()
        server.shutdown()
        server.server_close()
