"""The simulated day (模拟的一天): seeded, at the published rates, and inside its cells."""

import asyncio
import json
from collections import Counter
from random import Random

import pytest

from simulator import conduct, mix, places, walk, words
from simulator.load import Steady, Target, percentile
from simulator.wire import Connection

KNOWN = frozenset(name for shares in mix.CATEGORY_WEIGHTS.values() for name in shares)


def a_cell(code: int, lon: float, lat: float, *, size: float = 0.004) -> places.Cell:
    corners = ((0, 0), (size, 0), (size, size), (0, size), (0, 0))
    ring = tuple(places.Spot(lon + dx, lat + dy) for dx, dy in corners)
    return places.Cell(
        code=code, name=f"网格{code % 1000}", village_code=code // 1000, village="开元路社区",
        town_code=code // 1_000_000, town="星沙街道", ring=ring, centre=places.middle(ring),
    )  # fmt: skip


def a_county() -> places.County:
    crowded = [a_cell(430121001001000 + i, 113.08 + i * 0.005, 28.24) for i in range(8)]
    quiet = [a_cell(430121112201000 + i, 113.15 + i * 0.005, 28.43) for i in range(8)]
    return places.County([*crowded, *quiet])


def drawn(seed: int, count: int) -> list[tuple[str, str]]:
    rng = Random(seed)
    return [
        (event.source, event.category)
        for event in (mix.happening(rng, KNOWN) for _ in range(count))
    ]


def test_the_same_seed_plays_the_same_day() -> None:
    assert drawn(7, 300) == drawn(7, 300)
    assert drawn(7, 300) != drawn(8, 300)


def test_a_day_at_the_default_rate_brings_about_six_hundred_reports() -> None:
    days, rng, count = 20, Random(3), 0
    seconds = 0.0
    while seconds < days * mix.SECONDS_A_DAY:
        hour = seconds % mix.SECONDS_A_DAY / 3600
        seconds += mix.gap(rng, per_day=mix.DAILY_EVENTS, hour=hour)
        count += 1
    assert count / days == pytest.approx(600, rel=0.05)


def test_ten_in_the_morning_is_busier_than_three_at_night_but_night_is_not_silent() -> None:
    assert mix.hour_factor(10) > 4 * mix.hour_factor(3)
    assert mix.hour_factor(3) > 0.2
    assert sum(mix.hour_factor(h) for h in range(24)) == pytest.approx(24)


def test_sources_keep_the_published_proportions() -> None:
    shares = Counter(source for source, _ in drawn(1, 12_000))
    assert shares["grid_worker"] / 12_000 == pytest.approx(430 / 600, abs=0.02)
    assert 0.01 <= shares["sensor"] / 12_000 <= 0.06
    doors = sum(shares[s] for s in ("hotline", "snap", "app", "window"))
    assert doors / 12_000 == pytest.approx(140 / 600, abs=0.02)


def test_a_category_missing_from_the_catalogue_is_never_reported() -> None:
    rng = Random(2)
    known = frozenset({"积水", "路灯不亮"})
    assert {mix.happening(rng, known).category for _ in range(200)} <= known


def test_crowded_towns_get_more_and_every_point_lies_in_its_cell() -> None:
    rng, county = Random(5), a_county()
    cells = [county.cell(rng) for _ in range(2000)]
    towns = Counter(cell.town_code for cell in cells)
    assert towns[430121001] > 8 * towns[430121112]
    for cell in cells[:200]:
        assert places.covers(cell.ring, places.inside(rng, cell))


def test_a_burst_keeps_its_places_apart_so_that_each_counts() -> None:
    rng, county = Random(5), a_county()
    spots = places.scattered(rng, county, around=county.towns[430121001][0], count=8, apart=170)
    assert len(spots) == 8
    gaps = [places.metres(a, b) for i, a in enumerate(spots) for b in spots[:i]]
    assert min(gaps) >= 170


def test_a_shifted_point_is_as_far_as_asked() -> None:
    here = places.Spot(113.08, 28.24)
    assert places.metres(here, places.shifted(here, east=30, north=40)) == pytest.approx(
        50, rel=0.01
    )


def test_a_worker_walks_at_walking_pace_and_rides_to_an_errand() -> None:
    rng, county = Random(4), a_county()
    beat = tuple(county.towns[430121001][:1])
    walker = walk.Walker(beat=beat, spot=beat[0].centre)
    walker.target = places.shifted(beat[0].centre, east=5000, north=0)
    before = walker.spot
    assert places.metres(before, walker.step(rng, 60)) == pytest.approx(60 * walk.WALK_MS, rel=0.01)
    walker.errand = places.shifted(walker.spot, east=300, north=0)
    for _ in range(3):
        walker.step(rng, 20)
    assert walker.arrived


@pytest.mark.parametrize("source", list(mix.Source))
def test_every_category_of_every_source_has_words_of_its_own(source: mix.Source) -> None:
    cell = a_county().towns[430121001][0]
    for category in mix.CATEGORY_WEIGHTS[source]:
        assert category in words._SAID
        text = words.describe(Random(1), category=category, source=source, cell=cell)
        assert "开元路社区" in text
        assert "{" not in text


def test_percentile_is_the_value_the_share_stays_within() -> None:
    assert percentile([3.0, 1.0, 2.0, 4.0], 0.5) == 2.0
    assert percentile([3.0, 1.0, 2.0, 4.0], 0.95) == 4.0


async def _a_moody_server(answers: list[bytes], keys: list[str]) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            fields = dict(
                line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line
            )
            await reader.readexactly(int(fields["content-length"]))
            keys.append(fields["idempotency-key"])
            reply = answers.pop(0) if answers else b""
            if not reply:
                writer.close()
                return
            writer.write(reply)

    return await asyncio.start_server(serve, "127.0.0.1", 0)


def _reply(status: str, body: bytes, extra: bytes = b"") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n".encode()
    return head + extra + b"\r\n" + body


def test_the_load_repeats_one_key_until_acknowledged_and_waits_as_retry_after_says() -> None:
    async def play() -> None:
        created = _reply("201 Created", json.dumps({"id": "a", "number": "1"}).encode())
        keys: list[str] = []
        busy = _reply("503 Busy", b"{}", b"retry-after: 1\r\n")
        server = await _a_moody_server([busy, b"", created], keys)
        port = server.sockets[0].getsockname()[1]
        load = Steady(Target("127.0.0.1", port, {}), lambda: {"category": "积水"}, rate=1)
        run = await load.play(0.5, clients=1)
        server.close()
        assert [ack.id for ack in run.acks] == ["a"]
        assert (run.busy, run.broken, run.acks[0].tries) == (1, 1, 3)
        assert len(set(keys)) == 1
        assert run.acks[0].waited >= 1.0

    asyncio.run(play())


def test_a_refusal_is_kept_and_not_repeated() -> None:
    async def play() -> None:
        keys: list[str] = []
        server = await _a_moody_server([_reply("422 No", b'{"code":"x"}')], keys)
        port = server.sockets[0].getsockname()[1]
        load = Steady(Target("127.0.0.1", port, {}), dict, rate=1)
        run = await load.play(0.5, clients=1)
        server.close()
        assert run.refused == [(422, '{"code":"x"}')]
        assert (run.acks, len(keys)) == ([], 1)

    asyncio.run(play())


def test_a_chunked_answer_is_read_whole() -> None:
    async def play() -> None:
        chunked = (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        )
        server = await _a_moody_server([chunked], [])
        port = server.sockets[0].getsockname()[1]
        connection = Connection("127.0.0.1", port)
        answer = await connection.send("POST", "/", headers={"idempotency-key": "k"})
        connection.close()
        server.close()
        assert answer.body == b"abcde"

    asyncio.run(play())


def test_a_case_goes_all_the_way_to_closed_and_some_are_forgotten() -> None:
    rng = Random(11)
    after = {
        "accept": "filed", "reject": "over", "verify": "filed", "assign": "assigned",
        "sign": "handling", "feed_back": "checking", "fail_check": "handling",
        "pass_check": "closed",
    }  # fmt: skip
    ends: Counter[str] = Counter()
    for _ in range(500):
        status = "reported"
        while status not in {"over", "closed"}:
            move = conduct.next_move(
                rng, status=status, level=3, category="积水", town_code=430121001
            )
            if move is None:
                break
            assert move.minutes > 0
            status = after[move.action]
        ends[status] += 1
    assert ends["closed"] > 400
    assert 5 < ends["filed"] + ends["assigned"] + ends["handling"] < 60


def test_a_town_gives_a_case_to_itself_and_the_county_to_a_department() -> None:
    rng = Random(3)
    moves = [
        conduct.next_move(rng, status="filed", level=3, category="积水", town_code=430121001)
        for _ in range(100)
    ]
    given = {(move.hand, move.fields["to_unit"]) for move in moves if move}
    assert given == {(conduct.Hand.TOWN, "430121001"), (conduct.Hand.COUNTY, "D-ZJ")}


def test_an_order_is_carried_out_step_by_step() -> None:
    rng = Random(1)
    duties = [conduct.next_duty(rng, status=s) for s in ("issued", "acknowledged", "on_site")]
    assert [duty.action for duty in duties if duty] == ["acknowledge", "depart", "finish"]
    ride = conduct.next_duty(rng, status="en_route")
    assert ride is not None
    assert ride.rides
    assert conduct.next_duty(rng, status="done") is None
