"""The transition table of 事件流转, walked whole."""

from __future__ import annotations

import itertools

import pytest

from core.settings import ROOT
from dispatch.incidents.diagram import markdown, mermaid
from dispatch.incidents.lifecycle import (
    ACTION_NAMES,
    ENDED,
    IN_WORK,
    OPEN,
    STATUS_NAMES,
    Action,
    ActionNotAllowed,
    Status,
    Turn,
    actions_from,
    advance,
    table,
    turns_of,
)
from dispatch.incidents.powers import Standing, may
from people.roles import Role

S, A, T = Status, Action, Turn

# the table of the specification, written out a second time by hand
MOVES = {
    (None, A.REPORT, T.PLAIN): S.REPORTED,
    (None, A.REPORT_DONE, T.PLAIN): S.CHECKING,
    (S.REPORTED, A.ACCEPT, T.PLAIN): S.FILED,
    (S.REPORTED, A.ACCEPT, T.VERIFY_FIRST): S.VERIFYING,
    (S.REPORTED, A.REJECT, T.PLAIN): S.REJECTED,
    (S.REPORTED, A.MERGE, T.PLAIN): S.MERGED,
    (S.VERIFYING, A.VERIFY, T.TRUE): S.FILED,
    (S.VERIFYING, A.VERIFY, T.FALSE): S.REJECTED,
    (S.FILED, A.ASSIGN, T.PLAIN): S.ASSIGNED,
    (S.FILED, A.MERGE, T.PLAIN): S.MERGED,
    (S.ASSIGNED, A.SIGN, T.PLAIN): S.HANDLING,
    (S.ASSIGNED, A.REASSIGN, T.PLAIN): S.ASSIGNED,
    (S.ASSIGNED, A.DECIDE, T.RETURN): S.FILED,
    (S.ASSIGNED, A.RULE, T.PLAIN): S.ASSIGNED,
    (S.HANDLING, A.FEED_BACK, T.PLAIN): S.CHECKING,
    (S.HANDLING, A.REASSIGN, T.PLAIN): S.ASSIGNED,
    (S.HANDLING, A.DECIDE, T.RETURN): S.FILED,
    (S.HANDLING, A.DECIDE, T.SUSPENSION): S.SUSPENDED,
    (S.SUSPENDED, A.RESUME, T.PLAIN): S.HANDLING,
    (S.CHECKING, A.PASS_CHECK, T.PLAIN): S.CLOSED,
    (S.CHECKING, A.FAIL_CHECK, T.PLAIN): S.HANDLING,
    (S.CLOSED, A.REOPEN, T.PLAIN): S.ASSIGNED,
    (S.CLOSED, A.ARCHIVE, T.PLAIN): S.ARCHIVED,
    (S.ARCHIVED, A.REOPEN, T.PLAIN): S.ASSIGNED,
    (S.REJECTED, A.REOPEN, T.PLAIN): S.REPORTED,
}
IN_WORK_BY_HAND = (S.FILED, S.ASSIGNED, S.HANDLING, S.SUSPENDED, S.CHECKING)
NO_MOVE = {
    A.URGE, A.SUPERVISE, A.INSTRUCT, A.REPLY, A.ADD_SUPPORT, A.REQUEST, A.CALL_BACK, A.RATE,
    A.NOTE, A.SHARE, A.UNSHARE, A.LOCATE, A.RECLASSIFY, A.REMOVE_SUPPORT,
}  # fmt: skip


def expected(status: Status | None, action: Action, turn: Turn) -> Status | None:
    if action in {A.ESCALATE, A.DE_ESCALATE} and turn is T.PLAIN and status in IN_WORK_BY_HAND:
        return S.FILED
    if (action, turn) == (A.DECIDE, T.FORCED_CLOSE) and status in IN_WORK_BY_HAND:
        return S.CLOSED
    return MOVES.get((status, action, turn))


def test_every_pair_of_status_and_action_is_a_row_of_the_table_or_refused() -> None:
    for status, action, turn in itertools.product((None, *Status), Action, Turn):
        if (status, action) == (S.MERGED, A.UNMERGE):
            continue
        after = expected(status, action, turn)
        found = taken(status, action, turn)
        if found is None:
            assert after is None
        elif after is None:
            deciding = action is A.DECIDE and turn in {T.EXTENSION, T.SHARE, T.REFUSED}
            taking = (status, action, turn) == (S.FILED, A.ACCEPT, T.HANDED_DOWN)
            assert action in NO_MOVE or deciding or taking
            assert found is status
        else:
            assert found is after


def taken(status: Status | None, action: Action, turn: Turn) -> Status | None:
    try:
        return advance(status, action, turn=turn).after
    except ActionNotAllowed:
        return None


def test_a_refusal_says_where_the_case_stands_and_what_was_asked() -> None:
    with pytest.raises(ActionNotAllowed, match="案件待受理，不能签收"):
        advance(S.REPORTED, A.SIGN)


def test_unmerge_goes_back_to_the_status_before_the_merge() -> None:
    for before in (S.REPORTED, S.FILED):
        assert advance(S.MERGED, A.UNMERGE, before_merge=before).after is before
    with pytest.raises(ActionNotAllowed):
        advance(S.MERGED, A.UNMERGE)


def test_eleven_statuses_are_open_or_ended_and_all_have_a_chinese_name() -> None:
    assert len(Status) == 11
    assert set(OPEN) | set(ENDED) == set(Status)
    assert not set(OPEN) & set(ENDED)
    assert set(IN_WORK) == set(IN_WORK_BY_HAND)
    assert set(STATUS_NAMES) == set(Status)
    assert set(ACTION_NAMES) == set(Action)


def test_offered_actions_are_exactly_those_that_advance_somewhere() -> None:
    for status, action in itertools.product(Status, Action):
        works = False
        for turn in Turn:
            try:
                advance(status, action, turn=turn, before_merge=S.REPORTED)
            except ActionNotAllowed:
                continue
            works = True
            assert turn in turns_of(status, action)
        assert (action in actions_from(status)) is works


def test_every_open_status_leads_to_an_end() -> None:
    reached = {S.CLOSED}
    for _ in Status:
        reached |= {step.before for step in table() if step.before and step.after in reached}
    assert set(OPEN) <= reached


def test_the_diagram_draws_every_move() -> None:
    drawn = mermaid()
    for (before, _action, _turn), after in MOVES.items():
        assert f"{before or '[*]'} --> {after}" in drawn
    assert "批示" in markdown()


def test_the_page_in_the_docs_is_the_table_of_today() -> None:
    written = (ROOT / "docs" / "lifecycle.md").read_text(encoding="utf-8")
    assert written == markdown(), "run: yiwang incidents diagram --out docs/lifecycle.md"


def test_the_handler_never_checks_whatever_the_role() -> None:
    for role, holds, leads in itertools.product(Role, (True, False), (True, False)):
        standing = Standing(role, holds=holds, leads=leads, handled=True)
        assert not may(A.PASS_CHECK, standing)
        assert not may(A.FAIL_CHECK, standing)


def test_a_reporter_may_rate_and_say_it_is_not_solved_and_nothing_else() -> None:
    standing = Standing(Role.CITIZEN, holds=True, leads=True, supports=True)
    allowed = {action for action in Action if may(action, standing)}
    assert allowed == {Action.RATE, Action.REOPEN}


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ADMIN, Role.MACHINE])
def test_those_without_a_part_in_the_work_have_no_action(role: Role) -> None:
    standing = Standing(role, holds=True, leads=True, supports=True)
    assert not [action for action in Action if may(action, standing)]


def test_a_unit_signs_only_what_it_leads_and_gives_out_only_what_it_holds() -> None:
    department = Standing(Role.DEPARTMENT, leads=True)
    assert may(A.SIGN, department)
    assert may(A.FEED_BACK, department)
    assert not may(A.ASSIGN, department)
    assert not may(A.SIGN, Standing(Role.DEPARTMENT, supports=True))
    assert may(A.ASSIGN, Standing(Role.TOWN_CENTRE, holds=True))
    assert not may(A.ASSIGN, Standing(Role.TOWN_CENTRE))
    assert not may(A.ASSIGN, Standing(Role.GRID_WORKER, holds=True))


def test_automation_never_signs_checks_or_decides() -> None:
    system = Standing(Role.SYSTEM)
    for action in (A.SIGN, A.FEED_BACK, A.PASS_CHECK, A.FAIL_CHECK, A.DECIDE, A.REJECT, A.MERGE):
        assert not may(action, system)
    assert may(A.ACCEPT, system)
