"""Who reported, on the desk: masked, shown for a reason under one's own name, hidden again."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from tests.browser.conftest import open_live, until
from tests.cases import rows

if TYPE_CHECKING:
    from tests.browser.conftest import Opener, Site

PHONE = "13912347730"
ROW = "#desk-panel .who-row"


def test_a_telephone_is_shown_for_a_reason_and_hidden_after_a_minute(
    site: Site, signed_in: Opener
) -> None:
    body = {
        "category": "路灯不亮",
        "description": "路灯不亮三天了",
        "point": {"lon": 113.085, "lat": 28.246, "frame": "wgs84"},
        "reporter": {"name": "欧阳测试", "phone": PHONE},
    }
    with closing(site.client("county1")) as client:
        case = client.post("/api/v1/incidents", json=body).json()["id"]
    desk = open_live(signed_in("leader1"), site, "/desk")
    until(desk, "id => yiwang.county.state.incidents.has(id)", case)
    desk.evaluate("id => yiwang.desk.select({ kind: 'incident', id })", case)
    desk.wait_for_selector(f"{ROW} [data-unmask]")
    assert "欧*" in desk.inner_text(ROW)
    assert "139****7730" in desk.inner_text(ROW)
    desk.click(f"{ROW} [data-unmask]")
    desk.select_option(f"{ROW} select", "verify")
    desk.click(f"{ROW} .go")
    desk.wait_for_selector(f"{ROW}.open")
    assert PHONE in desk.inner_text(ROW)
    assert "已记入审计" in desk.inner_text(ROW)
    assert "县值班领导" in desk.inner_text(ROW)
    desk.evaluate("() => { const now = Date.now; Date.now = () => now() + 61_000; }")
    desk.wait_for_selector(f"{ROW}:not(.open)")
    assert PHONE not in desk.inner_text(ROW)
    asked = rows("select after from audit where action = 'incident.unmask' and after @> :r",
                 r='{"reason": "verify"}')  # fmt: skip
    assert len(asked) == 1
