"""A case told on its own page (案卷): steps, lines, frames, parties and requests, judged unseen."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from dashboard.casefile import asked, frames, history, parties, steps, strip
from dashboard.casefile.history import Names
from dispatch.incidents.lifecycle import Status

START = datetime(2026, 6, 11, 6, 22, tzinfo=UTC)
NAMES = Names(units={7: "城管局", 9: "星沙街道"}, categories={"0101": "暴露垃圾"}, source="热线")
MOVES = (
    ("report", None, "reported"), ("accept", "reported", "filed"), ("assign", "filed", "assigned"),
    ("sign", "assigned", "handling"), ("feed_back", "handling", "checking"),
    ("fail_check", "checking", "handling"),
)  # fmt: skip


def at(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat()


def line(
    seq: int, action: str, before: str | None = None, after: str | None = None, **more: Any
) -> dict[str, Any]:
    return {
        "seq": seq, "action": action, "label": more.pop("label", action), "status_before": before,
        "status_after": after, "actor": "罗建国", "role": "town_centre", "on_behalf": None,
        "unit_id": 9, "reason_code": None, "reason": "", "note": None, "photos": [], "data": {},
        "claimed_at": None, "recorded_at": at(seq), **more,
    }  # fmt: skip


def told(upto: int = 6, **last: Any) -> list[dict[str, Any]]:
    lines = [line(n, *move) for n, move in enumerate(MOVES[:upto], start=1)]
    if last:
        lines[-1] |= last
    return lines


def case(status: str = "handling", **more: Any) -> dict[str, Any]:
    return {
        "status": status, "status_name": "", "reported_at": at(1), "filed_at": at(2),
        "assigned_at": at(3), "signed_at": at(4), "fed_back_at": None, "closed_at": None,
        "reworks": 0, "requests": [], "allowed": [], "clocks": [], "evidence": "photo",
        "lead": {"id": 7, "name": "城管局"}, "holder": {"id": 9, "name": "星沙街道"},
        "orders": [], "due_at": at(40), **more,
    }  # fmt: skip


def photo(seq: int | None, kind: str = "after", **more: Any) -> dict[str, Any]:
    return {
        "seq": seq, "kind": kind, "captured_at": at(5), "taken_at": None, "uploaded_at": at(5),
        "uploaded_by": "谢小军", "unit_id": 7, "distance_m": 4.0, "reused": False, **more,
    }  # fmt: skip


# steps ------------------------------------------------------------------------------------------


def test_a_rework_is_the_second_time_of_handling_and_the_check_says_it_failed() -> None:
    found = steps.steps(case(reworks=1), told())
    assert [step.state for step in found] == ["done"] * 4 + ["now", "failed", "todo"]
    assert (found[4].name, found[4].at, found[4].since) == ("处置 第 2 次", at(6), True)
    assert found[5].note == "第 1 次未通过"


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_seven_steps_and_at_most_one_that_runs(status: Status) -> None:
    lines = [*told(1), line(2, "merge", "reported", "merged")] if status == "merged" else told()
    found = steps.steps(case(status.value, closed_at=at(9)), lines)
    assert [step.name.split()[0] for step in found] == list(steps.NAMES)
    running = [step for step in found if step.state == "now"]
    assert len(running) == (status in {*list(Status)[:7]})


def test_a_case_given_back_has_no_later_step_done_and_a_merged_one_stands_where_it_stood() -> None:
    returned = steps.steps(case("filed"), told(2))
    assert [step.state for step in returned[2:]] == ["now", "todo", "todo", "todo", "todo"]
    merged = steps.steps(case("merged"), [*told(2), line(3, "merge", "filed", "merged")])
    assert (merged[2].state, merged[2].note) == ("stopped", "已并案")


# the time line ----------------------------------------------------------------------------------


def entries(lines: list[dict[str, Any]], **more: Any) -> dict[int, history.Entry]:
    found = history.entries(case(**more), lines, more.get("shots", ()), NAMES)
    assert [each.seq for each in found] == sorted((each.seq for each in found), reverse=True)
    return {each.seq: each for each in found}


def test_units_and_surnames_stand_for_people_and_automation_names_its_rule() -> None:
    found = entries(
        [
            line(1, "report", None, "reported", role="citizen", unit_id=None),
            line(2, "accept", role="system", actor="自动受理", reason_code="auto_accept@3"),
            line(3, "assign", role="county_command", unit_id=1, data={"to_unit_name": "城管局"}),
            line(4, "sign", role="department", unit_id=7),
            line(5, "note", role="grid_worker", actor="谢小军", on_behalf="值班长"),
        ]
    )
    assert found[1].who == "群众"
    assert (found[2].who, found[2].facts) == ("系统", ("规则 自动受理 第 3 版",))
    assert found[3].who == "县指挥中心 罗某某"
    assert found[4].who == "城管局"
    assert (found[5].who, found[5].facts) == ("网格员 谢某某", ("代 值班长",))
    assert not any("建国" in f"{e.who}{e.words}{e.facts}" for e in found.values())


def test_what_a_phone_claimed_stands_beside_only_where_it_is_another_time() -> None:
    found = entries(
        [line(1, "sign", claimed_at=at(0.5)), line(2, "feed_back", claimed_at=at(2 - 1 / 120))]
    )
    assert found[1].claimed == at(0.5)
    assert found[2].claimed is None


def test_lines_that_failed_or_came_late_call_and_those_that_wait_say_for_whom() -> None:
    late = {"stage": "handle", "ended_at": at(5), "due_at": at(4.9)}
    lines = [
        *told(),
        line(7, "urge", role="system", actor="督办阶梯", reason_code="ladder",
             data={"mark": "orange", "percent": 100}),
        line(8, "urge", role="system", actor="督办阶梯", reason_code="ladder",
             data={"mark": "urge", "percent": 80}),
        line(9, "request", data={"request_id": "r1", "request_kind": "extension"}),
        line(10, "instruct", data={"reply_by": at(20)}, note="本周办结"),
    ]  # fmt: skip
    asked_for = {"id": "r1", "decided_at": None, "mine": False}
    found = entries(lines, clocks=[late], requests=[asked_for], allowed=["decide"])
    assert {n: e.mark for n, e in found.items() if e.mark != "done"} == {
        5: "failed", 6: "failed", 7: "failed", 9: "waits", 10: "others",
    }  # fmt: skip
    assert found[5].facts == ("超 6 分",)
    assert found[6].words == "核查未通过，返工 1 次"
    assert found[7].words == "到期，用到 100%"
    mine = entries(lines, requests=[asked_for | {"mine": True}], allowed=["decide", "reply"])
    assert (mine[9].mark, mine[10].mark) == ("others", "waits")


def test_chips_count_what_stands_under_them_and_a_photo_makes_a_line_evidence() -> None:
    lines = [*told(5), line(6, "instruct"), line(7, "call_back", data={"result": "unreached"})]
    found = history.entries(case(), lines, [photo(5)], NAMES)
    assert history.counted(found) == {"all": 7, "flow": 5, "proof": 1, "instruct": 1, "contact": 1}
    assert found[0].words == "回访未接通，第 1 次"
    assert found[0].mark == "failed"


def test_an_instruction_waits_until_a_reply_comes_after_it() -> None:
    told_twice = [line(1, "instruct", data={"reply_by": at(9)}), line(2, "reply"),
                  line(3, "instruct", data={"reply_by": at(9)}), line(4, "instruct")]  # fmt: skip
    assert [e["seq"] for e in history.unanswered(case(), told_twice)] == [3]
    assert history.unanswered(case("closed"), told_twice) == []


# evidence ---------------------------------------------------------------------------------------


def test_each_round_has_its_picture_with_what_the_check_found_and_the_next_one_lacks() -> None:
    lines = told(6, note="墙角没清")
    shots = [photo(1, "before"), photo(5), photo(None)]
    found = frames.frames(case(reworks=1), lines, shots, NAMES)
    assert [each.label for each in found] == ["前", "后", "处置中", "再后"]
    assert (found[1].found, found[1].bad) == ("核查未通过：墙角没清", True)
    assert (found[1].who, found[1].metres) == ("城管局 谢某某", 4.0)
    assert (found[3].lacks, found[3].why) == ("还缺处置后照片 1 张", "另有处置中照片 1 张")


def test_what_lacks_follows_the_category_and_nothing_lacks_once_it_is_over() -> None:
    def lack(**more: Any) -> list[str]:
        lines = told(4)
        found = frames.frames(case(**more), lines, more.get("shots", []), NAMES)
        return [each.lacks for each in found if each.owed]

    assert lack(evidence="photo") == ["还缺处置后照片 1 张"]
    assert lack(evidence="document") == ["还缺文书 1 份"]
    assert lack(evidence="document", shots=[photo(None, "document")]) == []
    assert lack(evidence="none") == []
    assert lack(status="closed") == []


def test_a_picture_seen_before_is_marked_and_a_citizen_has_no_name() -> None:
    shots = [photo(1, "before", reused=True, uploaded_by="群众", unit_id=None)]
    (first, *_) = frames.frames(case(), told(4), shots, NAMES)
    assert (first.reused, first.who) == (True, "群众")


# people -----------------------------------------------------------------------------------------


def test_lead_support_checker_and_supervisor_stand_with_their_states() -> None:
    lines = [
        *told(),
        line(7, "add_support", data={"to_unit": 3, "to_unit_name": "环保局"}),
        line(8, "add_support", data={"to_unit": 4, "to_unit_name": "水务局"}),
        line(9, "remove_support", data={"to_unit": 4, "to_unit_name": "水务局"}),
        line(10, "instruct", role="duty_leader", unit_id=1, data={"reply_by": at(30)}),
        line(11, "supervise", role="duty_leader", unit_id=1, data={"card": "red"}),
    ]
    order = {"name": "谢小军", "kind": "worker", "role": "lead", "state": "issued"}
    found = parties.parties(case(reworks=1, orders=[order]), lines, NAMES)
    assert [(p.role, p.name, p.state) for p in found] == [
        ("主办", "城管局", "处置中"),
        ("主办", "网格员 谢某某", "未签收"),
        ("协办", "环保局", "协办中"),
        ("核查", "星沙街道", "等第 2 次反馈"),
        ("督办", "县值班领导 罗某某", "批示待回复"),
    ]
    assert found[4].due == at(30)


# requests ---------------------------------------------------------------------------------------


def test_an_extension_says_its_number_the_days_of_rest_and_the_figure_after() -> None:
    request = {"kind": "extension", "rest": [date(2026, 6, d) for d in (19, 20, 21, 27)]}
    share = asked.Share("城管局", 9, 63, counted=False)
    found = dict(asked.facts(case(), request, nth=1, share=share))
    assert found["次数"] == "第 1 次申请，每案限延 1 次，不超过原时限"
    assert found["中间"] == "6 月 19 日至 21 日、6 月 27 日休息，不计"
    assert found["影响"] == "来电人会看到新时限；城管局本月延时 9/63 → 10/63"
    none = asked.facts(case(), {"kind": "extension"}, nth=2, share=None)
    assert dict(none)["影响"] == "来电人会看到新时限"


def test_days_of_rest_are_those_on_which_nobody_works() -> None:
    start = datetime(2026, 6, 18, 9, tzinfo=UTC)
    found = asked.rest_days(start, start + timedelta(days=5), lambda day: day.weekday() < 5)
    assert found == [date(2026, 6, 20), date(2026, 6, 21)]
    assert asked.resting([date(2026, 6, 30), date(2026, 7, 1)]) == "6 月 30 日至 7 月 1 日"


# the strip --------------------------------------------------------------------------------------


def block(kind: str, counted: float, stage: str = "处置") -> dict[str, Any]:
    return {"kind": kind, "counted": counted, "hands": f"城管局 {stage}", "what": stage,
            "stage_name": stage}  # fmt: skip


def test_short_stretches_share_a_label_and_every_label_has_room() -> None:
    segments = [block("done", 10, "受理"), block("done", 12, "派遣"), block("done", 15, "签收"),
                block("done", 1475), block("pause", 75, "核查"), block("now", 757),
                block("left", 168), block("ask", 960)]  # fmt: skip
    laid = strip.layout(segments)
    assert [group.label for group in laid.groups][:2] == ["受理至签收", "城管局 处置"]
    assert [group.kind for group in laid.groups][-3:] == ["now", "left", "ask"]
    assert all(group.width >= strip.LEAST - 1e-6 for group in laid.groups)
    assert sum(group.width for group in laid.groups) == pytest.approx(1)
    assert laid.groups[0].counted == 37
    assert laid.shortened


def test_a_long_history_keeps_few_labels_and_loses_no_minute() -> None:
    segments = [block("done", 60 + n % 7 * 50, "处置" if n % 2 else "核查") for n in range(60)]
    laid = strip.layout([*segments, block("now", 30)])
    assert len(laid.groups) <= strip.LABELS_AT_MOST
    assert sum(group.counted for group in laid.groups) == sum(s["counted"] for s in segments) + 30
    assert strip.layout([]).groups == ()


def test_a_remainder_of_weeks_does_not_hide_what_was_done() -> None:
    laid = strip.layout([block("done", 190), block("pause", 4000), block("left", 39_000)])
    assert laid.groups[-1].width < 0.8 < 39_000 / 43_190
    assert laid.shortened
