"""Figures carry their proof: an interval around every rate, a name of nobody on a board."""

from __future__ import annotations

import json

from fastapi.exceptions import RequestValidationError
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from core.errors import NotFound
from dashboard.api.problems import of_domain, of_http, of_validation
from dashboard.headers import policy
from dashboard.live import event_bytes
from dashboard.reads import rate, surname_only


def test_wilsons_interval_has_its_published_values() -> None:
    found = rate(81, 263)  # Newcombe 1998, table I: 0.2553 to 0.3662
    assert round(found["low"] / 100, 4) == 0.2553
    assert round(found["high"] / 100, 4) == 0.3662


@given(st.integers(1, 5_000), st.data())
def test_a_rate_lies_in_its_interval_and_the_interval_in_the_possible(
    d: int, data: st.DataObject
) -> None:
    n = data.draw(st.integers(0, d))
    found = rate(n, d)
    assert 0 <= found["low"] <= found["value"] + 1e-9
    assert found["value"] - 1e-9 <= found["high"] <= 100


def test_a_rate_of_nothing_is_no_number() -> None:
    assert rate(0, 0)["value"] is None


def test_boards_write_a_surname_only() -> None:
    assert surname_only("周建国") == "周某某"
    assert surname_only("") == ""


def test_a_refusal_keeps_its_sentence_and_code() -> None:
    answer = of_domain(NotFound("没有这件事", number="1", status=200))
    body = json.loads(bytes(answer.body))
    assert answer.media_type == "application/problem+json"
    assert (answer.status_code, body["status"], body["number"]) == (404, 404, "1")
    assert (body["detail"], body["code"]) == ("没有这件事", "not_found")


def test_validation_errors_name_the_field_and_never_repeat_what_was_sent() -> None:
    error = RequestValidationError(
        [
            {
                "type": "string_too_long",
                "loc": ("body", "description"),
                "msg": "String should have at most 10 characters",
                "input": "机密" * 10,
                "ctx": {"max_length": 10},
            },
            {"type": "unheard_of", "loc": ("body",), "msg": "odd", "input": float("nan")},
        ],
    )
    body = json.loads(bytes(of_validation(error).body))
    assert body["errors"][0] == {"field": "description", "message": "文字太长，最多 10 字"}
    assert "机密" not in json.dumps(body, ensure_ascii=False)
    assert body["status"] == 422


def test_framework_errors_speak_chinese() -> None:
    assert "地址" in json.loads(bytes(of_http(HTTPException(404)).body))["detail"]
    assert of_http(HTTPException(503)).headers["retry-after"]


def test_an_event_is_one_line_of_data() -> None:
    event = event_bytes("incident", {"title": "积\n水"}, event_id="k-1").decode()
    assert event == 'event: incident\nid: k-1\ndata: {"title":"积\\n水"}\n\n'


def test_the_content_policy_names_no_outside_host() -> None:
    words = policy(["'sha256-abc'"])
    assert "http" not in words.replace("'sha256-abc'", "")
    assert "script-src 'self' 'sha256-abc';" in words
