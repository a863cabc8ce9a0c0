"""指令: the life of an order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.command.orders import (
    ACTION_NAME,
    OVER,
    STATUS_NAME,
    Action,
    OrderActionNotAllowed,
    Status,
    advance,
    allowed,
)


def test_an_order_goes_from_issued_to_done() -> None:
    status = Status.ISSUED
    for action in (Action.ACKNOWLEDGE, Action.DEPART, Action.ARRIVE, Action.FINISH):
        status = advance(status, action).after
    assert status is Status.DONE


def test_a_paused_order_resumes_where_it_stood() -> None:
    pause = advance(Status.EN_ROUTE, Action.PAUSE)
    assert pause.paused_from is Status.EN_ROUTE
    resume = advance(pause.after, Action.RESUME, paused_from=pause.paused_from)
    assert (resume.after, resume.paused_from) == (Status.EN_ROUTE, None)


def test_reading_is_a_receipt_and_moves_nothing() -> None:
    step = advance(Status.ISSUED, Action.READ)
    assert step.before is step.after is Status.ISSUED


def test_someone_on_site_no_longer_declines() -> None:
    with pytest.raises(OrderActionNotAllowed, match="已到场"):
        advance(Status.ON_SITE, Action.DECLINE)


@given(st.lists(st.sampled_from(list(Action)), max_size=30))
def test_what_is_allowed_is_exactly_what_advances_and_an_end_is_an_end(
    actions: list[Action],
) -> None:
    status, paused = Status.ISSUED, None
    for action in actions:
        if action in allowed(status, paused_from=paused):
            step = advance(status, action, paused_from=paused)
            assert status not in OVER
            status, paused = step.after, step.paused_from
            assert (paused is not None) == (status is Status.PAUSED)
        else:
            with pytest.raises(OrderActionNotAllowed):
                advance(status, action, paused_from=paused)


def test_every_state_and_action_has_its_chinese_name() -> None:
    assert set(STATUS_NAME) == set(Status)
    assert set(ACTION_NAME) == set(Action)
