"""The county's reasons (事由): every list there is, in words that fit a form; faults are named."""

from __future__ import annotations

import copy

import pytest

from dispatch.incidents import reasons
from dispatch.incidents.lifecycle import Action, RequestKind, Status, Step, Turn, table


def test_the_file_in_the_catalogue_has_no_fault() -> None:
    assert reasons.check(reasons.read_file()) == []


def test_every_list_ends_with_other_which_asks_for_words() -> None:
    for name in reasons.LISTS:
        assert list(reasons.of(name))[-1] == reasons.OTHER
        assert len(set(reasons.of(name).values())) == len(reasons.of(name))


def test_whatever_is_asked_for_or_refused_has_reasons_to_choose_from() -> None:
    for step in table():
        name = reasons.list_of(step)
        if step.action is Action.REQUEST:
            assert name in {kind.value for kind in RequestKind}
        if name is not None:
            assert reasons.of(name)
    refused = Step(Status.HANDLING, Action.DECIDE, Status.HANDLING, Turn.REFUSED)
    untrue = Step(Status.VERIFYING, Action.VERIFY, Status.REJECTED, Turn.FALSE)
    true = Step(Status.VERIFYING, Action.VERIFY, Status.FILED, Turn.TRUE)
    assert [reasons.list_of(step) for step in (refused, untrue, true)] == ["refuse", "verify", None]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda lists: lists.pop("escalate"), "缺少清单 escalate"),
        (lambda lists: lists.update(extra={"other": "其他"}), "不认识的清单 extra"),
        (lambda lists: lists["share"].update({"Ä": "坏"}), "share：代码 Ä 只能用小写字母和下划线"),
        (lambda lists: lists["share"].update(know=""), "share：know 的名称要有 1 至 14 个字"),
        (lambda lists: lists["return"].pop("other"), "return：最后要有 other（其他）"),
    ],
)
def test_a_spoiled_file_is_told_what_is_wrong_with_it(spoil: object, said: str) -> None:
    tree = copy.deepcopy(reasons.read_file())
    spoil(tree["lists"])  # type: ignore[operator]
    assert said in reasons.check(tree)


def test_a_reason_is_said_in_words_and_a_rule_of_the_platform_is_not_one() -> None:
    assert reasons.name_of("beyond_powers", among="escalate") == "超出本级职权"
    assert reasons.name_of("auto_accept@1", among="reject") == ""
    assert reasons.name_of("other", among=None) == ""
