"""The ledger outlasts what is forgotten and what is re-keyed (清除与换钥后台账仍完整)."""

from __future__ import annotations

from uuid import UUID

import pytest
from click.testing import CliRunner

from core import clock, crypto, keyring
from core.access import Access
from core.db import transaction
from dispatch.incidents import chain, proving
from tests.cases import TOWN, Cast, cast, one, rows
from tests.county import County
from tests.integration.test_erasure import everywhere
from tests.integration.test_key_rotation import ring
from tests.integration.test_ledger import number, sql
from workers import keys
from workers.privacy import privacy

__all__ = ["ring"]
pytestmark = pytest.mark.usefixtures("database", "ring")
NAME, PHONE, OTHER = "刘志远", "13912347730", "13800001111"


@pytest.fixture(scope="module")
def people(database: str) -> Cast:
    del database
    return cast()


def told_fully(people: Cast, phone: str) -> UUID:
    """Return a closed case with name, phone, attributes, words, address, photos and a document."""
    case = people.county.report(
        "火灾",
        description=f"我是{NAME}，电话 {phone[:3]} {phone[3:7]} {phone[7:]}，楼道里有人烧东西",
        address=f"{NAME}家门口",
        village_code=430121001001,
        attributes={"burning": f"{NAME}家的旧沙发", "trapped": "无"},
        reporter_name=NAME,
        reporter_phone=phone,
    ).incident.id
    if one("select status from incidents where id = :id", id=case)["status"] == "reported":
        people.county.act(case, "accept")
    people.county.act(case, "assign", to_unit=str(TOWN))
    people.town.act(case, "note", note=f"已给{NAME}（{phone}）回电")
    people.town.act(case, "sign", note="马上去")
    shot = people.town.photograph(case, kind="before", lon=113.08, lat=28.24)
    people.town.act(case, "note", note="现场情况", photos=(shot,))
    people.town.act(case, "feed_back", note="火已扑灭，沙发清走")
    people.county.act(case, "pass_check", note=f"{NAME}本人确认")
    return case


def findings() -> list[str]:
    """Return what both proofs find: by column, and each case by itself."""
    by_column = [str(found) for found in proving.verify(processes=1)]
    each = [str(found) for found in proving.verify(processes=1, each=True)]
    assert sorted(by_column) == sorted(each)
    return each


def seal() -> None:
    with transaction(Access.worker()) as session:
        proving.seal(session, at=clock.now())


def erase(phone: str) -> None:
    done = CliRunner().invoke(
        privacy, ["erase", "--phone", "-", "--reason", "本人申请", "--yes"], input=phone
    )
    assert done.exit_code == 0, done.output
    assert "清除 2 件" in done.output


def rotate(*, hashes: bool = False) -> None:
    keys.carry_out(hashes=hashes, at=clock.now(), progress=lambda _done, _total: None)


def test_erasing_citizens_and_rotating_keys_leave_every_line_and_seal_proved(people: Cast) -> None:
    with County.opened() as county:
        gone = [told_fully(people, PHONE) for _ in range(2)]
        later = [told_fully(people, OTHER) for _ in range(2)]
        kept = people.town.report("暴露垃圾", reporter_name="周全", reporter_phone="13700002222")
        county.settle_down()
        seal()
        assert findings() == []
        course = rows("select incident_id, seq, hash from timeline_entries order by 1, 2")
        first_key = keyring.read().current

        erase(PHONE)
        assert findings() == []
        rotate()
        rotate(hashes=True)
        assert findings() == []
        erase(OTHER)
        rotate()
        assert CliRunner().invoke(keys.keys, ["forget", str(first_key), "--yes"]).exit_code == 0
        assert first_key not in keyring.read().keys
        county.settle_down()
        seal()
        assert findings() == []

        for word in (NAME, PHONE, OTHER):
            assert everywhere(word) == []
        assert rows("select incident_id, seq, hash from timeline_entries order by 1, 2")[
            : len(course)
        ] == course  # fmt: skip
        assert rows("select 1 from evidence where incident_id = :id", id=gone[0])
        known = one("select reporter_phone_enc as p from incidents where id = :id",
                    id=kept.incident.id)["p"]  # fmt: skip
        assert crypto.decrypt(known, "reporter_phone") == "13700002222"
        still_proves(gone[0], later[1], kept.incident.id)


def still_proves(gone: UUID, later: UUID, kept: UUID) -> None:
    """What was erased may only stay erased, and everything else is bound as before."""
    found = "select min(seq) as seq from timeline_entries where incident_id = :id and seq > 1"
    silent = one(f"{found} and note = :erased", id=gone, erased=chain.ERASED)["seq"]
    words, reporter = "文字或附件被改动", "上报人信息被改动"
    line = f"timeline_entries where incident_id = '{gone}' and seq = {silent}"
    for where, column, value, finding in (
        (line, "note", "'有人来过'", f"案件 {number(gone)} 第 {silent} 条：{words}"),
        (f"incidents where id = '{later}'", "description", "'没有这回事'",
         f"案件 {number(later)} 第 1 条：{words}"),
        (f"incidents where id = '{kept}'", "reporter_name_enc", "reporter_phone_enc",
         f"案件 {number(kept)} 第 1 条：{reporter}"),
        (f"incidents where id = '{kept}'", "reporter_phone_enc", "null",
         f"案件 {number(kept)} 第 1 条：{reporter}"),
    ):  # fmt: skip
        table, _, which = where.partition(" ")
        was = one(f"select {column} as was from {where}")["was"]
        sql(f"update {table} set {column} = {value} {which}")
        assert findings() == [finding]
        sql(f"update {table} set {column} = :was {which}", was=was)
    assert findings() == []
