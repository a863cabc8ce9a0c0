"""Processes are started again with growing patience; the watcher pages once a trouble."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from alerts.delivery import webhook
from core import parts
from core.settings import Settings
from workers import lan, supervise
from workers.children import PATIENCE_S, STEADY_S, Child, patience
from workers.ready import Ready, explain
from workers.watch import AGAIN_AFTER_S, FIRST_START_S, TROUBLE_AFTER_S, Page, Vigil, faults, tell

AT = datetime(2026, 7, 1, 4, tzinfo=UTC)
UP, DOWN = Ready(ok=True, said=""), Ready(ok=False, said="ConnectError")


def child(tmp_path: Path, *argv: str) -> Child:
    return Child("odd", [sys.executable, "-c", *argv], tmp_path / "odd.log")


def wait_for_death(kept: Child) -> None:
    assert kept.process is not None
    kept.process.wait(10)


def test_patience_grows_with_each_death_and_has_an_end() -> None:
    assert [patience(n) for n in range(1, 7)] == [*PATIENCE_S, PATIENCE_S[-1]]


def test_a_process_that_dies_is_started_again_after_its_wait_and_counted(tmp_path: Path) -> None:
    kept = child(tmp_path, "raise SystemExit(3)")
    assert kept.look(at=AT, tick=100.0)
    wait_for_death(kept)
    assert kept.look(at=AT, tick=100.1)
    assert (kept.restarts, kept.reason, kept.part().state) == (1, "退出，代码 3", "waiting")
    assert not kept.look(at=AT, tick=100.1 + PATIENCE_S[0] - 0.01)
    assert kept.look(at=AT, tick=100.1 + PATIENCE_S[0])
    wait_for_death(kept)


def test_a_long_life_earns_a_quick_restart_again(tmp_path: Path) -> None:
    kept = child(tmp_path, "pass")
    kept.deaths = 4
    kept.look(at=AT, tick=0.0)
    wait_for_death(kept)
    kept.look(at=AT, tick=STEADY_S)
    assert kept.deaths == 1


def test_a_killed_process_says_which_signal_ended_it(tmp_path: Path) -> None:
    kept = child(tmp_path, "import time; time.sleep(60)")
    kept.look(at=AT, tick=0.0)
    assert kept.process is not None
    kept.process.kill()
    wait_for_death(kept)
    kept.look(at=AT, tick=1.0)
    assert kept.reason == "被信号 SIGKILL 结束"


def test_a_process_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    deaf = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    kept = child(tmp_path, f"{deaf}; print('deaf', flush=True); time.sleep(60)")
    kept.look(at=AT, tick=0.0)
    until = time.monotonic() + 10
    while "deaf" not in (tmp_path / "odd.log").read_text() and time.monotonic() < until:
        time.sleep(0.02)
    kept.end()
    assert not kept.ended(0.2)
    assert kept.process is not None
    assert kept.process.poll() is not None


def test_the_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    web = parts.Part("web", "running", 7, 2, AT, "退出，代码 1")
    written = parts.Report(AT, 42, "http://127.0.0.1:8050", "运行中", (web,))
    parts.write(tmp_path, written)
    assert parts.read(tmp_path) == written


def test_only_one_supervisor_holds_an_installation(tmp_path: Path) -> None:
    with parts.only_supervisor(tmp_path) as first, parts.only_supervisor(tmp_path) as second:
        assert (first, second) == (True, False)
        assert parts.supervisor_of(tmp_path)
    assert parts.supervisor_of(tmp_path) is None


def test_a_taken_port_is_said_with_the_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(supervise.CannotStart, match=f"端口 {port} 已被占用.*YIWANG_PORT"):
            supervise.require_free_port(Settings(home=tmp_path, port=port))


def test_a_demo_lives_unless_told_otherwise(tmp_path: Path) -> None:
    assert supervise.events_a_day(Settings(home=tmp_path, demo=True)) == 600
    assert supervise.events_a_day(Settings(home=tmp_path, demo=True, simulate=0)) == 0
    assert supervise.events_a_day(Settings(home=tmp_path, demo=False)) == 0


def test_why_it_is_not_ready_names_the_part() -> None:
    late = parts.Part("relay", "waiting", None, 3, AT, "退出，代码 1")
    report = parts.Report(AT, 1, "", "启动进程", (late,))
    assert "relay（退出，代码 1，重启 3 次）" in explain(DOWN, report)


def test_the_watcher_gives_a_first_start_its_time() -> None:
    vigil = Vigil(0.0)
    assert vigil.judge(DOWN, 1.0) is None
    assert vigil.judge(DOWN, FIRST_START_S - 1) is None
    assert vigil.judge(DOWN, FIRST_START_S + 1) is not None


def test_the_watcher_pages_once_a_trouble_again_after_a_while_and_when_it_is_over() -> None:
    vigil = Vigil(0.0)
    vigil.judge(UP, 0.0)
    assert vigil.judge(DOWN, 10.0) is None
    page = vigil.judge(DOWN, 10.0 + TROUBLE_AFTER_S)
    assert page is not None
    assert page.event == "platform.trouble"
    assert vigil.judge(DOWN, 30.0) is None
    assert vigil.judge(DOWN, 30.0 + AGAIN_AFTER_S) is not None
    over = vigil.judge(UP, 1000.0)
    assert over is not None
    assert over.event == "platform.recovered"
    assert vigil.judge(UP, 1001.0) is None


def test_a_short_restart_pages_nobody() -> None:
    vigil = Vigil(0.0)
    vigil.judge(UP, 0.0)
    assert [vigil.judge(seen, tick) for seen, tick in ((DOWN, 3.0), (DOWN, 6.0), (UP, 9.0))] == [
        None, None, None,
    ]  # fmt: skip


def test_the_page_names_the_silent_parts() -> None:
    said = '{"parts":{"relay":{"ok":false,"age_s":31.4},"web":{"ok":true},"redis":{"ok":false}}}'
    assert faults(said) == "relay 31 秒没有动静、redis"
    assert faults("ConnectError") == "网页服务没有应答"


def test_the_network_certificate_is_kept_until_it_nears_its_end(tmp_path: Path) -> None:
    first = lan.certificate_for(tmp_path, at=AT)
    made = first.certificate.read_bytes()
    assert first.key.stat().st_mode & 0o077 == 0
    assert lan.certificate_for(tmp_path, at=AT + timedelta(days=200)).addresses
    assert first.certificate.read_bytes() == made
    lan.certificate_for(tmp_path, at=AT + timedelta(days=390))
    assert first.certificate.read_bytes() != made


class Receiver(BaseHTTPRequestHandler):
    """A gateway that keeps what it is sent, with its proof."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((body, self.headers["X-Yiwang-Signature"]))  # type: ignore[attr-defined]
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing: the test looks at what was heard."""


def test_the_watcher_pages_through_a_sender_of_its_own_and_signs(tmp_path: Path) -> None:
    gateway = HTTPServer(("127.0.0.1", 0), Receiver)
    gateway.heard = []  # type: ignore[attr-defined]
    threading.Thread(target=gateway.handle_request, daemon=True).start()
    chosen = Settings(
        home=tmp_path,
        alert_webhook_url=f"http://127.0.0.1:{gateway.server_port}/page",
        alert_webhook_secret="shared",
        alert_webhook_allow="127.0.0.0/8",
    )
    outcome = tell(Page("platform.trouble", "平台有故障：redis"), chosen, at=AT)
    gateway.server_close()
    assert outcome is not None
    assert outcome.delivered
    ((body, proof),) = gateway.heard  # type: ignore[attr-defined]
    assert json.loads(body)["text"] == "平台有故障：redis"
    assert webhook.verify("shared", body, proof, at=AT)


def test_without_a_gateway_the_page_is_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert (
        tell(Page("platform.trouble", "平台有故障：redis"), Settings(home=tmp_path), at=AT) is None
    )
    assert "平台有故障：redis" in caplog.text
