"""Proof of work done again (返工后的凭证): new photos, measured from where the case now lies."""

from __future__ import annotations

import pytest

from core.errors import Invalid
from tests.cases import VILLAGE, Cast, cast, in_hand, inside


@pytest.fixture(scope="module")
def people(database: str) -> Cast:
    del database
    return cast()


def test_a_photo_taken_before_the_check_failed_proves_no_rework(people: Cast) -> None:
    case = in_hand(people)
    old, spare = people.worker.photograph(case), people.worker.photograph(case)
    people.worker.act(case, "feed_back", note="清完了", photos=(old,))
    people.town.act(case, "fail_check", note="角落里还有")
    for photos in ((old,), (spare,), (old, spare)):
        with pytest.raises(Invalid, match="重新拍照"):
            people.worker.act(case, "feed_back", note="又清了", photos=photos)
    new = people.worker.photograph(case)
    assert people.worker.act(case, "feed_back", note="又清了", photos=(old, new)) == "checking"


def test_a_case_opened_again_wants_a_new_photo_too(people: Cast) -> None:
    case = in_hand(people)
    old = people.worker.photograph(case)
    people.worker.act(case, "feed_back", note="清完了", photos=(old,))
    people.town.act(case, "pass_check")
    people.town.act(case, "reopen", note="又堆上了")
    people.worker.act(case, "sign")
    with pytest.raises(Invalid, match="重新拍照"):
        people.worker.act(case, "feed_back", note="清完了", photos=(old,))
    assert people.worker.act(case, "feed_back", note="清完了") == "checking"


def test_a_photo_is_near_where_the_case_is_now_known_to_be(people: Cast) -> None:
    case = in_hand(people)
    before = people.worker.photograph(case)
    lon, lat = inside(VILLAGE, nth=3)
    there = people.worker.photograph(case, lon=lon, lat=lat)
    people.town.act(case, "locate", lon=lon, lat=lat)
    with pytest.raises(Invalid, match="离事发地点"):
        people.worker.act(case, "feed_back", note="好了", photos=(before,))
    assert people.worker.act(case, "feed_back", note="好了", photos=(there,)) == "checking"
