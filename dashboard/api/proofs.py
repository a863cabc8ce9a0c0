"""`…/incidents/{id}/proof`: the ledger of one case proved now (现在核验), for whoever sees it."""

from __future__ import annotations

from uuid import UUID

import orjson
from fastapi import APIRouter, Response

from core import clock
from core.db import transaction
from dashboard.api.deps import CallerAccess
from dispatch.incidents import proof

router = APIRouter(tags=["incidents 事件"])


@router.get("/incidents/{incident_id}/proof", response_model=None)
def prove(incident_id: UUID, access: CallerAccess) -> Response:
    """Prove the chain, the state and the seals of one case now; each difference is named."""
    with transaction(access, still=True) as session:
        found = proof.prove(session, incident_id, at=clock.now())
    return Response(orjson.dumps(found), media_type="application/json")
