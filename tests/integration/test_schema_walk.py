"""The whole OpenAPI with values that fit it and values that do not: never our own mistake (5xx)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import FlakyStrategyDefinition, Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.core.result import Ok
from sqlalchemy import text
from starlette.testclient import TestClient

from core.access import Access
from core.db import transaction
from core.settings import settings as installation
from dashboard import limits
from tests import web

BUDGET_S = 45.0
EXAMPLES = 6
CALLERS = ("county1", "admin1", "auditor1", "open311", "positions", "readings")
ENDLESS = {"GET /live"}  # a stream: tests/integration/test_live_stream.py
TELLS_OF_OTHERS = {"GET /readyz"}  # 503 is what it is for, where no relay runs
KEYS = ("open311", "positions", "readings")


@pytest.fixture(scope="module")
def client(database: str) -> Iterator[TestClient]:
    """Serve without limits on how often: a walk asks more than any caller."""
    del database
    with pytest.MonkeyPatch.context() as changed, web.serving() as served:
        changed.setattr(installation(), "rate_scale", 1_000.0)
        limits.pace.cache_clear()
        yield served
    limits.pace.cache_clear()


class Callers:
    """The first of several callers whom a route does not turn away at the door."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.known = {name: self.arrive(name) for name in CALLERS}

    def arrive(self, name: str) -> TestClient:
        """Sign in; the address is let off what the walk itself made it guilty of."""
        with transaction(Access.owner()) as session:
            session.execute(text("delete from lockouts"))
        if name in KEYS:
            return web.with_key(self.client, name)
        return web.sign_in(self.client, name)

    def send(self, case: Case, name: str) -> int:
        """Send one request; signs in again where the request before ended the session."""
        told = dict(case.as_transport_kwargs(base_url="http://testserver"))
        told.pop("cookies", None)
        given = {k: v for k, v in (told.pop("headers", None) or {}).items() if _sendable(k, v)}
        if told.get("data") is not None and not isinstance(told["data"], dict):
            told["content"] = told.pop("data")
        allowed = {"method", "url", "params", "json", "data", "content", "files"}
        told = {key: value for key, value in told.items() if key in allowed}
        answer = self.known[name].request(**told, headers=given)
        if answer.status_code == 401 and name not in KEYS:
            self.known[name] = self.arrive(name)
            answer = self.known[name].request(**told, headers=given)
        return int(answer.status_code)

    def welcome(self, case: Case) -> str:
        """Return who gets past the door."""
        return next((n for n in CALLERS if self.send(case, n) not in {401, 403}), CALLERS[0])


def _sendable(name: str, value: object) -> bool:
    """Tell what a client could put on the wire; the caller's own proof is not replaced."""
    own = {"authorization", "cookie", "x-csrf-token", "user-agent", "accept-encoding"}
    return name.lower() not in own and str(value).isascii() and str(value).isprintable()


def test_no_request_that_the_schema_can_think_of_is_a_server_error(client: TestClient) -> None:
    """Every operation with values that fit, then with values that do not, while time lasts."""
    told = web.sign_in(client, "county1").get("/api/openapi.json").json()
    schema = schemathesis.openapi.from_dict(told)
    callers = Callers(client)
    began = time.monotonic()
    sent: Counter[str] = Counter()
    failed: list[str] = []
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        for found in schema.get_all_operations():
            assert isinstance(found, Ok), found
            operation = found.ok()
            here = f"{operation.method.upper()} {operation.path}"
            late = time.monotonic() > began + BUDGET_S
            if here in ENDLESS | TELLS_OF_OTHERS or (late and here in sent):
                continue
            wrong = _walk(operation, mode, callers, examples=1 if late else EXAMPLES)
            sent[here] += 1
            failed += [f"{here} {mode.value}: {words}" for words in wrong]
    assert failed == [], "\n".join(failed)
    known = {f"{verb.upper()} {path}" for path, verbs in told["paths"].items() for verb in verbs}
    assert set(sent) == known - ENDLESS - TELLS_OF_OTHERS


def _walk(
    operation: APIOperation[Any, Any, Any, Any],
    mode: GenerationMode,
    callers: Callers,
    *,
    examples: int,
) -> list[str]:
    """Send generated requests of one kind; returns what went wrong."""
    wrong: list[str] = []
    who: list[str] = []

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def play(case: Case) -> None:
        if not who:
            who.append(callers.welcome(case))
        status = callers.send(case, who[0])
        if status >= 500:
            wrong.append(f"{status} as {who[0]}: {case.as_curl_command()[:600]}")

    try:
        play()
    except (Unsatisfiable, FlakyStrategyDefinition):
        return wrong  # nothing to get wrong on a route that takes nothing; the generator's own
    except BaseException as broken:  # noqa: BLE001  the application's own exception is the finding
        wrong.append(repr(broken)[:900])
    return wrong
