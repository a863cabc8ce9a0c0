"""Random posts doing random things to random cases (随机办理); a seed walks the same way again."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, fields
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import clock, outbox
from core.db import transaction
from core.errors import DomainError, NotFound
from dispatch.incidents import collecting, queries, reasons, service
from dispatch.incidents.acting.service import act_held, scope_of
from dispatch.incidents.lifecycle import Action, RequestKind, Status, actions_from, table
from dispatch.incidents.service import ActionRequest
from dispatch.incidents.tables import Incident
from tests.cases import TOWN, VILLAGE, Cast, Hand, inside, picture
from tests.county import County

CATEGORIES = (
    "暴露垃圾", "暴露垃圾", "停水", "停水", "停电", "油烟污染", "井盖缺失", "交通拥堵",
    "传染病线索", "动物疫情线索",
)  # fmt: skip
UNITS = (str(TOWN), str(VILLAGE), "430121", "430121002", "D-CG", "D-JT", 1, 7, "没有", None)
WORDS = ("已到场", "来访人说没解决", "请抓紧", "x" * 500, "🚧\u202e", "")
SENTENCE = re.compile(r"[\u4e00-\u9fff]{2}")
ROWS = {(step.before, step.action, step.after) for step in table()}
ALIVE = 12
BY_ID = 0.1
TURN = (8, 20)
"""How many acts somebody takes before the next comes on."""
MOVING = {step.action.value for step in table() if step.moves} | {"request"}
MOVING -= {"reject", "merge", "escalate", "de_escalate", "archive", "reassign", "rule"}
GOOD = {
    "assign": (None, str(TOWN), "D-CG", str(VILLAGE)),
    "rule": ("D-CG", str(TOWN)),
    "de_escalate": (str(TOWN), str(VILLAGE)),
    "add_support": ("D-JT",),
    "remove_support": ("D-JT",),
    "share": ("D-JT", "D-CG"),
    "unshare": ("D-JT",),
}
DATA: tuple[dict[str, Any], ...] = (
    {},
    {"card": "yellow"},
    {"card": "粉"},
    {"category": "积存渣土"},
    {"category": "停水"},
    {"village_code": VILLAGE},
    {"solved": False, "satisfied": True},
    {"percent": 150, "extra_minutes": 1, "approved": False, "to_unit": 3, "minutes": 90},
    {"holder_unit": 1, "calendar": 99, "mode": {"code": "x"}},
    {"category_version": 77, "true": False, "request_kind": "share"},
)


class Lost(AssertionError):
    """What must never be, with the way that led there."""


@dataclass
class Walk:
    """One walk through one county: every step is taken, or refused with a reason."""

    people: Cast
    county: County
    seed: int
    cases: list[UUID] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    kinds: list[str] = field(default_factory=list)
    """What the button for a request offered last."""

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.hands: list[Hand] = [getattr(self.people, each.name) for each in fields(Cast)]
        self.photo = picture(self.seed)
        self.places = [inside(TOWN, nth=n) for n in range(5)]

    def go(self, steps: int) -> None:
        """Take so many steps, a few by one pair of hands before the next comes on."""
        until = steps + sum(self.told.values())
        while sum(self.told.values()) < until:
            draw = self.rng.random()
            if not self.cases or (draw > 0.9 and len(self.cases) < steps // 25):
                self.report()
            elif draw < 0.002:
                self.county.fast_forward(self.rng.choice(("20m", "3h", "2d")))
                self.told["time passed"] += 1
            elif draw < 0.02:
                self.county.settle_down()
                self.told["effects"] += 1
            else:
                self.turn_of(self.rng.choice(self.hands))

    def report(self) -> None:
        """Report something somewhere, or nowhere."""
        rng, hand = self.rng, self.rng.choice(self.hands)
        place: dict[str, Any] = rng.choice(
            [
                dict(zip(("lon", "lat"), rng.choice(self.places), strict=True)),
                {"village_code": VILLAGE, "address": "东门"},
                {"address": "说不清的地方"},
                {"lon": 112.0, "lat": 28.0},
                {},
            ]
        )
        more: dict[str, Any] = {
            "done": rng.random() < 0.1,
            "reporter_phone": rng.choice((None, "13912347730")),
        }
        said = f"{hand.actor.name} 上报 {place}"
        try:
            told = hand.report(rng.choice(CATEGORIES), description="事由", **place, **more)
        except DomainError as refused:
            self.refused(refused, said)
        else:
            self.cases.append(told.incident.id)
            self.told["reported"] += 1

    def turn_of(self, hand: Hand) -> None:
        """Let somebody act on some cases, more often than not as the buttons offer.

        Their rows are locked at once, as a batch does; a case that went to others is read again.
        """
        with transaction(hand.access) as session, outbox.gathered(session):
            near = self.cases[-ALIVE:]
            desk: dict[UUID, Incident | None] = {**queries.get_all(session, near, lock=True)}
            stale = set[UUID]()
            for _ in range(self.rng.randint(*TURN)):
                case = self.rng.choice(near)
                if case in stale:
                    stale.discard(case)
                    desk[case] = queries.lock(session, case)
                incident = desk.get(case)
                action = self.chosen(session, incident, hand)
                try:
                    seen = scope_of(incident) if incident else None
                    with session.begin_nested():
                        self.act(session, incident, case, hand, action)
                    if incident is None or scope_of(incident) != seen:
                        stale.add(case)
                except DomainError as refused:
                    self.refused(refused, f"{case} {hand.actor.name} {action}")

    def chosen(self, session: Session, incident: Incident | None, hand: Hand) -> str:
        """Return a button this person sees, those that move the case first; or one of any post.

        Of any post: what the table allows the case just now, or just anything.
        """
        draw = self.rng.random()
        if incident is None or draw < 0.15:
            return str(self.rng.choice(list(Action)))
        if draw < 0.4:
            return str(self.rng.choice(actions_from(Status(incident.status))))
        offered = service.allowed_actions(session, incident, hand.actor, at=clock.now())
        self.kinds = [kind for each in offered for kind in each.get("kinds", ())]
        shown = [each["action"] for each in offered]
        moving = [each for each in shown if each in MOVING]
        best = moving if moving and self.rng.random() < 0.8 else shown
        return str(self.rng.choice(best or list(Action)))

    def act(
        self, session: Session, incident: Incident | None, case: UUID, hand: Hand, action: str
    ) -> None:
        """Take one action, and look at what became of the case."""
        asked = self.details(session, action, case, hand)
        said = f"{case} {hand.actor.name} {action} {asked}"
        before = (incident.status, incident.status_before) if incident else ("", None)
        handled = {incident.handled_by, incident.handling_unit} if incident else set()
        request = ActionRequest(action, **asked)
        after = self.through_a_door(session, incident, case, hand, request)
        self.told[action] += 1
        self.trace.append(f"{said} -> {after}")
        self.allowed(action, before, after, said=said)
        if action in {"pass_check", "fail_check"}:
            mine = {hand.actor.person, hand.actor.unit} & (handled - {None})
            if mine:
                raise Lost(f"seed {self.seed}: 处置者核查了自己的案件：{said}")

    def through_a_door(
        self,
        session: Session,
        incident: Incident | None,
        case: UUID,
        hand: Hand,
        request: ActionRequest,
    ) -> str:
        """Act as a person does, by id, or as a batch does, on a row it has locked."""
        at = clock.now()
        if incident is None or request.rev is not None or self.rng.random() < BY_ID:
            return service.act(session, case, request, actor=hand.actor, at=at).status
        act_held(session, incident, request, actor=hand.actor, at=at)
        session.flush()
        return incident.status

    def details(self, session: Session, action: str, case: UUID, hand: Hand) -> dict[str, Any]:
        """Return what goes with an action: sensible, missing or nonsense."""
        rng = self.rng
        lon, lat = rng.choice(self.places)
        nonsense = rng.random() < 0.25
        units = UNITS if nonsense or action == Action.REASSIGN else GOOD.get(action, (None,))
        listed = tuple(reasons.of(action)) if action in reasons.LISTS else (None, "other")
        data = rng.choice(DATA)
        asked: dict[str, Any] = {
            "note": (rng.choice(WORDS) or None) if nonsense else "已到场",
            "reason_code": rng.choice((None, "other", *listed) if nonsense else listed),
            "to_unit": rng.choice(units),
            "into": str(rng.choice(self.cases)),
            "until": clock.now() + timedelta(days=rng.randint(-1, 9)) if nonsense else None,
            "request_kind": str(rng.choice(self.kinds or list(RequestKind)))
            if nonsense or action == Action.REQUEST
            else None,
            "approve": rng.choice((True, True, False, None)) if nonsense else rng.random() < 0.8,
            "lon": None if "village_code" in data else lon,
            "lat": 29.9 if nonsense else lat,
            "data": data,
        }
        if action == Action.FEED_BACK and not nonsense:
            asked["photos"] = (self.photograph(session, case, hand),)
        if nonsense and rng.random() < 0.3:
            asked["rev"] = rng.randint(1, 9)
        return asked

    def photograph(self, session: Session, case: UUID, hand: Hand) -> str:
        """Upload a photo or a document of a case."""
        at, who = clock.now(), hand.actor
        if queries.get(session, case) is None:
            raise NotFound
        lon, lat = queries.point_of(session, case)
        token = None
        if lon is not None and lat is not None:
            token = collecting.sign_capture(
                session, case, lon=lon, lat=lat, accuracy_m=5, actor=who, at=at
            )
        kind = self.rng.choice(("after", "after", "document"))
        row = collecting.take_in(
            session, self.photo, incident_id=case, kind=kind, token=token, actor=who, at=at
        )
        return str(row.id)

    def refused(self, refused: DomainError, said: str) -> None:
        """Every refusal is a sentence somebody can act on."""
        self.told["refused"] += 1
        if not SENTENCE.search(refused.sentence) or not 400 <= refused.status < 500:
            raise Lost(f"seed {self.seed}: 拒绝没有说明理由：{said}: {refused!r}")

    def allowed(self, action: str, before: tuple[Any, ...], after: str, *, said: str) -> None:
        """Every step that was taken stands in the table."""
        status, merged_from = before
        if action == Action.UNMERGE and after == merged_from:
            return
        if (Status(status), Action(action), Status(after)) not in ROWS:
            raise Lost(f"seed {self.seed}: {status} -{action}-> {after} 不在流转表中：{said}")

    def way_of(self, case: str) -> str:
        """Return what was done to one case."""
        return "\n".join(line for line in self.trace if line.startswith(case))
