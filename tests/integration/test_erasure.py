"""A citizen is forgotten everywhere; figures, ledger and trail stay as they were."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from core import clock
from core.access import Access
from core.db import Base, transaction
from dispatch.incidents import proving
from tests.cases import Cast, cast, one, rows
from tests.county import County
from workers.keys import load_tables
from workers.privacy import privacy

NAME, PHONE, OTHER = "欧阳测试", "13912347730", "13800001111"
SAID = f"我是{NAME}，电话 139 1234 7730，楼下垃圾没人收"


@pytest.fixture
def people(county: County) -> Cast:
    del county
    return cast()


def run(*arguments: str, said: str | None = None) -> Result:
    return CliRunner().invoke(privacy, list(arguments), input=said)


def report(people: Cast, phone: str = PHONE, **more: str) -> UUID:
    made = people.town.report("暴露垃圾", reporter_name=NAME, reporter_phone=phone, **more)
    return made.incident.id


def whole_course(people: Cast, county: County) -> UUID:
    """Return a closed case whose words name the citizen on the way."""
    case = report(people, description=SAID)
    people.town.act(case, "accept")
    people.town.act(case, "assign")
    people.worker.act(case, "note", note=f"已与{NAME}（{PHONE}）联系")
    people.worker.act(case, "sign", note="马上去")
    people.worker.act(case, "feed_back", note="清完了")
    people.town_second.act(case, "pass_check")
    county.settle_down()
    return case


def figures() -> list[dict[str, object]]:
    return rows("select * from case_fact order by incident_id")


def findings() -> list[str]:
    return [str(each) for each in proving.verify(processes=1)]


def everywhere(word: str) -> list[str]:
    """Return every table whose rows still hold the word, however they hold it."""
    load_tables()
    with transaction(Access.owner()) as session:
        return [
            table.name
            for table in Base.metadata.sorted_tables
            if session.execute(
                text(f"select 1 from {table.name} t where t::text like :w limit 1"),
                {"w": f"%{word}%"},
            ).first()
        ]


def test_a_citizen_is_forgotten_by_phone_and_nothing_else_changes(
    people: Cast, county: County
) -> None:
    case, second = whole_course(people, county), report(people)
    stranger = report(people, OTHER)
    county.settle_down()
    with transaction(Access.worker()) as session:
        proving.seal(session, at=clock.now())
    before, course = (
        figures(),
        rows("select seq, action, hash from timeline_entries order by incident_id, seq"),
    )
    assert everywhere(NAME)
    done = run("erase", "--phone", "-", "--reason", f"本人 {PHONE} 申请", "--yes",
               said="+86 139-1234-7730\n")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "清除 2 件" in done.output
    county.settle_down()
    for word in (PHONE, "139 1234 7730", NAME):
        assert everywhere(word) == []
    assert figures() == before
    assert (
        rows("select seq, action, hash from timeline_entries order by incident_id, seq") == course
    )
    assert findings() == []
    for gone in (case, second):
        row = one("select * from incidents where id = :id", id=gone)
        assert row["reporter_name_enc"] is row["reporter_phone_enc"] is row["reporter_key"] is None
    kept = one("select reporter_phone_enc from incidents where id = :id", id=stranger)
    assert kept["reporter_phone_enc"] is not None
    notes = {row["note"] for row in rows("select note from timeline_entries where incident_id"
                                         " = :id", id=case)}  # fmt: skip
    assert {"马上去", "清完了"} <= notes
    trail = rows("select subject, after from audit where action = 'privacy.erased'")
    assert len(trail) == 2
    assert PHONE not in str(trail)
    assert "申请" in trail[0]["after"]["reason"]


def test_words_that_name_nobody_stay_unless_asked_for(people: Cast, county: County) -> None:
    plain = report(people, description="路灯不亮三天了")
    number = one("select number from incidents where id = :id", id=plain)["number"]
    assert run("erase", "--incident", number, "--reason", "本人申请", "--yes").exit_code == 0
    assert one("select description from incidents")["description"] == "路灯不亮三天了"
    assert findings() == []
    assert run("erase", "--incident", number, "--words", "--reason", "再", "--yes").exit_code == 0
    assert "路灯" not in one("select description from incidents")["description"]
    county.settle_down()
    assert findings() == []


def test_a_telephone_in_a_message_or_a_task_goes_too(people: Cast, county: County) -> None:
    case = report(people)
    county.settle_down()
    with transaction(Access.owner()) as session:
        session.execute(
            text("insert into owed (post_id, unit_id, kind, subject, title, since) select id,"
                 " unit_id, 'x', :case, :title, now() from posts limit 1"),
            {"case": str(case), "title": f"回访{NAME} {PHONE}"},
        )  # fmt: skip
        responder = one("select id, unit_id from responders order by id limit 1")
        session.execute(
            text("insert into orders (id, set_id, incident_id, incident_rev, responder_id, unit_id,"
                 " role, task, status, rev, issued_by, issued_at, ack_due_at) values (:case, :case,"
                 " :case, 1, :r, :u, 'lead', :task, 'issued', 1, '值班长', now(), now())"),
            {"case": case, "r": responder["id"], "u": responder["unit_id"], "task": f"找{NAME}"},
        )  # fmt: skip
        session.execute(
            text("insert into order_entries (order_id, seq, action, status_after, actor_name, note,"
                 " recorded_at) values (:case, 1, 'issue', 'issued', '值班长', :note, now())"),
            {"case": case, "note": f"{NAME}在家"},
        )  # fmt: skip
    assert run("erase", "--phone", PHONE, "--reason", "申请", "--yes").exit_code == 0
    assert everywhere(PHONE) == []
    assert everywhere(NAME) == []
    assert one("select title from owed where kind = 'x'")["title"].startswith("回访（已清除）")


def test_a_number_nobody_reported_from_is_said_so(people: Cast) -> None:
    del people
    done = run("erase", "--phone", OTHER, "--reason", "申请", "--yes")
    assert done.exit_code == 1
    assert "没有找到" in done.output
    assert OTHER not in done.output
    assert run("erase", "--reason", "申请", "--yes").exit_code == 2


def test_reporters_of_cases_long_ended_are_forgotten_and_open_ones_are_not(
    people: Cast, county: County
) -> None:
    old, fresh = whole_course(people, county), report(people)
    unreached = "select id from staff where id not in (select staff_id from staff_contacts) limit 1"
    person = one(unreached)["id"]
    with transaction(Access.owner()) as session:
        session.execute(
            text("insert into staff_contacts (staff_id, channel, address_enc) values"
                 " (:id, 'phone', 'x')"), {"id": person}
        )  # fmt: skip
        session.execute(
            text("update staff set left_at = :at where id = :id"),
            {"at": clock.now(), "id": person},
        )
    assert "到期 0 件" in run("retain", "--dry-run").output
    clock.shift(timedelta(days=1100))
    assert "到期 1 件" in run("retain", "--dry-run").output
    done = run("retain")
    assert done.exit_code == 0, done.output
    assert "来电人 1 件，离职人员联系方式 1 条" in done.output
    known = "select reporter_key is not null as known from incidents where id = :id"
    assert one(known, id=old)["known"] is False
    assert one(known, id=fresh)["known"] is True
    assert rows("select 1 from audit where action = 'privacy.retained'")
