"""Who may come through which door (权限矩阵): one table for the server, the pages and the tests.

A door is a route of the application. Behind it the scope (辖区) still decides which rows are seen,
and `dispatch.incidents.powers` what may be done with a case. A door without a row stays shut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from people.roles import ACCOUNT_ROLES, Role

READS: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Permission:
    """Who may come through a door: account roles, keys with one of these scopes, or anybody."""

    roles: frozenset[Role] = frozenset()
    scopes: frozenset[str] = frozenset()
    any_key: bool = False
    """Every API key (接口密钥) opens it, whatever its scopes."""
    public: bool = False
    kiosk: bool = False
    """A wall's own link (大屏链接) opens it too."""
    asks_itself: bool = False
    """The route reads a key from the form or an address, so it refuses by itself."""

    def lets(self, role: Role | None, scopes: tuple[str, ...] = ()) -> bool:
        """Tell whether this caller passes; `role` is None for somebody not signed in."""
        if role is Role.KIOSK:
            return self.kiosk
        if self.public:
            return True
        if role is Role.MACHINE:
            return self.any_key or not self.scopes.isdisjoint(scopes)
        return role in self.roles


def _for(*roles: Role, scopes: tuple[str, ...] = (), kiosk: bool = False) -> Permission:
    return Permission(frozenset(roles), frozenset(scopes), kiosk=kiosk)


_R = Role
_EVERYONE: Final = frozenset(ACCOUNT_ROLES)
_STAFF: Final = _EVERYONE - {_R.AUDITOR, _R.ADMIN}
_COUNTY: Final = (_R.COUNTY_COMMAND, _R.DUTY_LEADER)
_CENTRES: Final = (*_COUNTY, _R.TOWN_CENTRE, _R.VILLAGE_CENTRE)

PUBLIC: Final = Permission(public=True)
FILES: Final = Permission(public=True, kiosk=True)  # from a wall somebody may sign in
SIGNED_IN: Final = Permission(_EVERYONE, any_key=True)
FRAME: Final = Permission(_EVERYONE, any_key=True, kiosk=True)
ACCOUNTS: Final = Permission(_EVERYONE)
SCREENS: Final = Permission(_EVERYONE, kiosk=True)
CASES_SEEN: Final = Permission(_STAFF | {_R.AUDITOR}, kiosk=True)
CASES_READ: Final = Permission(_STAFF | {_R.AUDITOR})
CASES_REPORTED: Final = Permission(_STAFF, frozenset({"incidents"}))
CASES_WORKED: Final = Permission(_STAFF)
IMPORTED: Final = _for(_R.COUNTY_COMMAND, _R.RECEPTIONIST, _R.TOWN_CENTRE, _R.DEPARTMENT)
RECEPTION: Final = _for(_R.RECEPTIONIST, *_COUNTY)
PAPERS_PRINTED: Final = _for(*_CENTRES, _R.DEPARTMENT)
ORDERS_GIVEN: Final = _for(*_CENTRES)
MODES_DECLARED: Final = _for(_R.COUNTY_COMMAND)
MODES_CONFIRMED: Final = _for(*_COUNTY)
ALERTS_TAKEN: Final = _for(*_COUNTY)
POSITIONS_SENT: Final = _for(_R.GRID_WORKER, scopes=("positions",))
RESPONDERS_SEEN: Final = Permission(_STAFF | {_R.AUDITOR}, frozenset({"positions"}))
ADMINISTERED: Final = _for(_R.ADMIN)
CONTACTS_SEEN: Final = _for(*_CENTRES, _R.ADMIN)  # in full, for a reason, on record
AUDITED: Final = _for(_R.AUDITOR)
TRAIL_READ: Final = _for(_R.AUDITOR, _R.ADMIN)  # an administrator reads administrative acts alone
WALL: Final = _for(*_COUNTY, _R.AUDITOR, kiosk=True)
ROTA_PLANNED: Final = _for(*_COUNTY, _R.TOWN_CENTRE)  # the county its own, a town its own
SWAPPED: Final = Permission(_EVERYONE - {_R.AUDITOR})  # whoever holds a shift
HANDED_READ: Final = _for(*_COUNTY, _R.TOWN_CENTRE, _R.AUDITOR)
OPEN311_POSTED: Final = Permission(scopes=frozenset({"open311"}), asks_itself=True)
WATCHED: Final = Permission(asks_itself=True)  # loopback, or the monitoring key

DOORS: Final[dict[str, Permission]] = {
    # the platform itself
    "GET /healthz": FILES,
    "GET /readyz": FILES,
    "GET /metrics": WATCHED,
    "GET /sign-in": FILES,
    "POST /sign-in": FILES,
    "GET /sign-out": FILES,
    "GET /sign-in/bind": ACCOUNTS,
    "POST /sign-in/bind": ACCOUNTS,
    "GET /account": ACCOUNTS,
    "POST /account": ACCOUNTS,
    "POST /api/session": FILES,
    "GET /api/session": FRAME,
    "DELETE /api/session": SIGNED_IN,
    "PUT /api/session/password": ACCOUNTS,
    "POST /api/session/totp": ACCOUNTS,
    "PUT /api/session/totp": ACCOUNTS,
    "GET /api/v1/sessions": ACCOUNTS,
    "DELETE /api/v1/sessions": ACCOUNTS,
    "DELETE /api/v1/sessions/{session_id}": ACCOUNTS,
    # accounts, keys and walls, 账号与密钥
    "GET /api/v1/accounts": ADMINISTERED,
    "POST /api/v1/accounts": ADMINISTERED,
    "POST /api/v1/accounts/{username}/disable": ADMINISTERED,
    "POST /api/v1/accounts/{username}/enable": ADMINISTERED,
    "POST /api/v1/accounts/{username}/unlock": ADMINISTERED,
    "POST /api/v1/accounts/{username}/password": ADMINISTERED,
    "DELETE /api/v1/accounts/{username}/totp": ADMINISTERED,
    "GET /api/v1/accounts/{username}/sessions": ADMINISTERED,
    "DELETE /api/v1/accounts/{username}/sessions": ADMINISTERED,
    "DELETE /api/v1/accounts/{username}/sessions/{session_id}": ADMINISTERED,
    "GET /api/v1/keys": ADMINISTERED,
    "POST /api/v1/keys": ADMINISTERED,
    "DELETE /api/v1/keys/{name}": ADMINISTERED,
    "GET /api/v1/kiosks": ADMINISTERED,
    "POST /api/v1/kiosks": ADMINISTERED,
    "POST /api/v1/kiosks/{kiosk_id}/renew": ADMINISTERED,
    "DELETE /api/v1/kiosks/{kiosk_id}": ADMINISTERED,
    "GET /api/docs": SIGNED_IN,
    "GET /api/openapi.json": SIGNED_IN,
    # cases, 事件
    "POST /api/v1/incidents": CASES_REPORTED,
    "POST /api/v1/incidents:batch": CASES_REPORTED,
    "GET /api/v1/incident-imports/template": IMPORTED,
    "POST /api/v1/incident-imports": IMPORTED,
    "GET /api/v1/incident-imports": IMPORTED,
    "GET /api/v1/incident-imports/{number}": IMPORTED,
    "POST /api/v1/incident-imports/{number}/load": IMPORTED,
    "POST /api/v1/incident-imports/{number}/cancel": IMPORTED,
    "GET /api/v1/incident-imports/{number}/faults": IMPORTED,
    "GET /api/v1/incident-imports/{number}/faults.csv": IMPORTED,
    "GET /api/v1/categories": SIGNED_IN,
    "GET /api/v1/incidents": CASES_READ,
    "GET /api/v1/incidents/{incident_id}": CASES_READ,
    "GET /api/v1/incidents/{incident_id}/timeline": CASES_READ,
    "GET /api/v1/incidents/{incident_id}/proof": CASES_READ,
    "POST /api/v1/incidents/{incident_id}/actions": CASES_WORKED,
    "POST /api/v1/incidents/{incident_id}/unmask": CASES_WORKED,
    "GET /api/v1/incidents:export": CASES_READ,
    "POST /api/v1/uploads/captures": CASES_REPORTED,
    "POST /api/v1/uploads": CASES_REPORTED,
    "GET /api/v1/incidents/{incident_id}/evidence": CASES_READ,
    "GET /evidence/{evidence_id}/{size}.jpg": CASES_READ,
    "GET /evidence/{evidence_id}/document.pdf": CASES_READ,
    # reception, 导诊台
    "GET /window": RECEPTION,
    "GET /window/worker.js": RECEPTION,
    "GET /window/slip/{number}": RECEPTION,
    "GET /api/v1/window/book": RECEPTION,
    "POST /api/v1/window/codes": RECEPTION,
    "POST /api/v1/window/caller": RECEPTION,
    "POST /api/v1/window/caller/number": RECEPTION,
    "POST /api/v1/window/beside": RECEPTION,
    "GET /api/v1/window/waiting": RECEPTION,
    "GET /api/v1/window/call-backs": RECEPTION,
    "POST /api/v1/window/call-backs/{incident_id}": RECEPTION,
    "POST /api/v1/window/call-backs/{incident_id}/number": RECEPTION,
    # papers of a case, 打印文书
    "GET /print/order/{number}": PAPERS_PRINTED,
    "GET /print/supervision/{number}": PAPERS_PRINTED,
    # command, 指挥
    "GET /api/v1/incidents/{incident_id}/proposal": CASES_READ,
    "POST /api/v1/incidents/{incident_id}/proposal": ORDERS_GIVEN,
    "POST /api/v1/orders": ORDERS_GIVEN,
    "GET /api/v1/orders": CASES_READ,
    "GET /api/v1/orders/{order_id}": CASES_READ,
    "POST /api/v1/orders/{order_id}/actions": CASES_WORKED,
    "GET /api/v1/orders:export": CASES_READ,
    "GET /api/v1/responders:export": CASES_READ,
    "POST /api/v1/positions": POSITIONS_SENT,
    "GET /api/v1/responders": RESPONDERS_SEEN,
    # modes and calendars, 平战与工作日历
    "GET /api/v1/modes": ACCOUNTS,
    "GET /api/v1/modes/{mode_id}": ACCOUNTS,
    "POST /api/v1/modes": MODES_DECLARED,
    "POST /api/v1/modes/{mode_id}/leave": MODES_DECLARED,
    "POST /api/v1/modes/{mode_id}/decide": MODES_CONFIRMED,
    "GET /api/v1/calendars": SIGNED_IN,
    "GET /api/v1/recounts": ACCOUNTS,
    "GET /api/v1/recounts/{job}/moves": CASES_READ,
    "POST /api/v1/recounts/{job}/cancel": MODES_DECLARED,
    # early warning (预警)
    "GET /api/v1/alerts": CASES_READ,
    "GET /api/v1/alerts:export": CASES_READ,
    "GET /api/v1/alerts/{alert_id}": CASES_READ,
    "POST /api/v1/alerts/{alert_id}/ack": ALERTS_TAKEN,
    "GET /api/v1/rules": ACCOUNTS,
    # people, 人员
    "GET /api/v1/units": SIGNED_IN,
    "GET /api/v1/units/{code}": SIGNED_IN,
    "GET /api/v1/units/{code}/staff": ACCOUNTS,
    "POST /api/v1/units": ADMINISTERED,
    "PATCH /api/v1/units/{code}": ADMINISTERED,
    "DELETE /api/v1/units/{code}": ADMINISTERED,
    "GET /api/v1/presence": ACCOUNTS,
    "GET /api/v1/presence/{code}": ACCOUNTS,
    "PUT /api/v1/presence/{code}/pattern": ADMINISTERED,
    "PUT /api/v1/presence/{code}/exceptions": ADMINISTERED,
    "GET /api/v1/staff": ADMINISTERED,
    "POST /api/v1/staff": ADMINISTERED,
    "GET /api/v1/staff:export": ADMINISTERED,
    "GET /api/v1/staff/{code}": ADMINISTERED,
    "PATCH /api/v1/staff/{code}": ADMINISTERED,
    "PUT /api/v1/staff/{code}/posts": ADMINISTERED,
    "PUT /api/v1/staff/{code}/cells": ADMINISTERED,
    "PUT /api/v1/staff/{code}/contacts/{channel}": ADMINISTERED,
    "POST /api/v1/staff/{code}/contacts/{channel}/verified": ADMINISTERED,
    "POST /api/v1/staff/{code}/contacts/unmask": CONTACTS_SEEN,
    "POST /api/v1/staff/{code}/move": ADMINISTERED,
    "POST /api/v1/staff/{code}/leave": ADMINISTERED,
    "POST /api/v1/staff/{code}/return": ADMINISTERED,
    "GET /api/v1/staff-imports/template": ADMINISTERED,
    "POST /api/v1/staff-imports": ADMINISTERED,
    "GET /api/v1/staff-imports/{number}": ADMINISTERED,
    "POST /api/v1/staff-imports/{number}/load": ADMINISTERED,
    "POST /api/v1/staff-imports/{number}/cancel": ADMINISTERED,
    "GET /api/v1/rota": ACCOUNTS,
    "GET /api/v1/rota/now": ACCOUNTS,
    "GET /api/v1/rota/month": ACCOUNTS,
    "POST /api/v1/rota/check": ROTA_PLANNED,
    "POST /api/v1/rota/save": ROTA_PLANNED,
    "POST /api/v1/rota/overrides": ROTA_PLANNED,
    "POST /api/v1/rota/leave": ROTA_PLANNED,
    "POST /api/v1/rota/swaps": SWAPPED,
    "POST /api/v1/rota/swaps/{swap_id}/agree": SWAPPED,
    "POST /api/v1/rota/swaps/{swap_id}/close": SWAPPED,
    "GET /api/v1/rota/rotations": ACCOUNTS,
    "PUT /api/v1/rota/rotations": ROTA_PLANNED,
    "GET /api/v1/rota/handovers": HANDED_READ,
    "GET /api/v1/rota/handovers/now": HANDED_READ,
    "POST /api/v1/rota/handovers/notes": ROTA_PLANNED,
    "POST /api/v1/rota/handovers/sign": ROTA_PLANNED,
    "POST /api/v1/rota/handovers/{handover_id}/take": ROTA_PLANNED,
    "GET /api/v1/rota/handovers/{handover_id}/print": HANDED_READ,
    "GET /api/v1/rota.ics": ACCOUNTS,
    "GET /api/v1/rota/links": ACCOUNTS,
    "POST /api/v1/rota/links": SWAPPED,
    "DELETE /api/v1/rota/links/{number}": SWAPPED,
    "GET /api/v1/rota/calendar/{link}": PUBLIC,  # the signed link (日历链接) is the key
    "GET /api/v1/owed": ACCOUNTS,
    "GET /api/v1/owed/lists": ACCOUNTS,
    # the audit trail, 审计
    "GET /api/v1/audit": TRAIL_READ,
    "GET /api/v1/audit:export": TRAIL_READ,
    "GET /api/v1/audit/state": TRAIL_READ,
    "GET /api/v1/audit/verification": AUDITED,
    # the grid (网格)
    "GET /api/v1/areas": SIGNED_IN,
    "GET /api/v1/areas/at": SIGNED_IN,
    "GET /api/v1/areas/{code}": SIGNED_IN,
    "GET /geo/manifest.json": FRAME,
    "GET /geo/places": FRAME,
    "GET /geo/{tier}/{digest}.json": FRAME,
    # Open311: anybody reads what is public
    "GET /open311/v2/discovery.{form}": PUBLIC,
    "GET /open311/v2/services.{form}": PUBLIC,
    "GET /open311/v2/services/{code}.{form}": PUBLIC,
    "GET /open311/v2/requests.{form}": PUBLIC,
    "GET /open311/v2/requests/{number}.{form}": PUBLIC,
    "GET /open311/v2/tokens/{token}.{form}": PUBLIC,
    "POST /open311/v2/requests.{form}": OPEN311_POSTED,
    # citizens, 群众: a form of the public, and one case by its code
    "GET /report": PUBLIC,
    "POST /report": PUBLIC,
    "GET /report/done/{code}": PUBLIC,
    "GET /report/near": PUBLIC,
    "GET /report/worker.js": PUBLIC,
    "GET /report/manifest.webmanifest": PUBLIC,
    "GET /track": PUBLIC,
    "GET /track/{code}": PUBLIC,
    "POST /track/{code}": PUBLIC,
    "GET /track/{code}/photo/{photo_id}.jpg": PUBLIC,
    # what is live, 实时
    "GET /live": SCREENS,
    "GET /live/snapshot": SCREENS,
    "GET /live/incidents": CASES_SEEN,
    "GET /live/alerts": CASES_SEEN,
    "GET /live/owed": SCREENS,
    "GET /live/figures": SCREENS,
    # pages (页面): what their scripts ask for passes the doors above
    "GET /": FRAME,
    "GET /desk": ACCOUNTS,
    "GET /admin": ADMINISTERED,
    "GET /admin/import": ADMINISTERED,
    "GET /admin/units": ADMINISTERED,
    "GET /admin/accounts": ADMINISTERED,
    "GET /admin/keys": ADMINISTERED,
    "GET /admin/catalogue": ADMINISTERED,
    "GET /admin/rules": ADMINISTERED,
    "GET /admin/grid": ADMINISTERED,
    "GET /admin/audit": TRAIL_READ,
    "GET /admin/health": ADMINISTERED,
    "GET /case": CASES_READ,
    "GET /case/{number}": CASES_READ,
    "GET /wall": WALL,
    "GET /rota": ACCOUNTS,
    "GET /import": IMPORTED,
    "GET /{path:path}": SIGNED_IN,  # an unknown page says so
    "GET /_dash-layout": FRAME,
    "GET /_dash-dependencies": FRAME,
    "POST /_dash-update-component": FRAME,  # each page's callbacks pass the page's own door
    "GET /_reload-hash": SIGNED_IN,
    "GET /_favicon.ico": FRAME,
    "GET /_dash-component-suites/{package_name}/{fingerprinted_path:path}": FILES,
    # files that hold nothing of the county
    "MOUNT /assets": FILES,
    "MOUNT /vendor/maplibre-gl": FILES,
    "MOUNT /vendor/inter": FILES,
    "MOUNT /vendor/noto-sans-sc": FILES,
    "MOUNT /vendor/fonts": FILES,
    "MOUNT /mobile": FILES,
    # 404 below the addresses that pages must not take
    "ANY /api/{rest:path}": SIGNED_IN,
    "ANY /live/{rest:path}": FRAME,
    "ANY /geo/{rest:path}": FRAME,
    "ANY /open311/{rest:path}": PUBLIC,
    "ANY /evidence/{rest:path}": SIGNED_IN,
    "ANY /vendor/{rest:path}": FILES,
    "ANY /fonts/{rest:path}": FILES,
}

EVENTS: Final[dict[str, Permission]] = {
    # change kinds of the live stream by their first word; scope filters each of them as well
    "incident": CASES_SEEN,
    "order": CASES_SEEN,
    "alert": CASES_SEEN,
    "owed": SCREENS,
    "rota": SCREENS,
    "mode": SCREENS,
    "request": CASES_SEEN,
    "grant": CASES_SEEN,
    "staff": SCREENS,
    "unit": SCREENS,
}


def door(method: str, path: str) -> Permission | None:
    """Return who may ask `method path` (a route's template), or None when no row names it."""
    return DOORS.get(f"{method} {path}") or DOORS.get(f"ANY {path}")


def row_for(method: str, path: str) -> str:
    """Return the line to add for a door that has no row, as the failing test prints it."""
    return f'    "{method} {path}": …,  # one of the permissions above, in people/permissions.py'
