"""`/admin/health` 健康: each part's last sign of life, queues, dead letters, scheduled work."""

from __future__ import annotations

from typing import Any

import dash
from dash import Input, Output, callback, dcc, html

from core import beats, jobs
from core.clock import local
from dashboard import health
from dashboard.administering import administering
from dashboard.components import admin_frame as frame

dash.register_page(__name__, path="/admin/health", title="健康 · 长沙县一网统管", name="健康")

PARTS = {
    "database": "数据库", "redis": "消息缓存", "relay": "转发", "workers": "后台处理",
    "scheduler": "定时", "engine": "预警引擎",
}  # fmt: skip
SWEEPS = {
    "alerts": "预警巡查", "seal_ledger": "台账封印", "audit_seal": "审计封印",
    "audit_verify": "审计核验", "trim_outbox": "清理已办变更", "sessions": "清理过期登录",
    "report_keys": "清理重复提交记录", "months": "准备分区", "rota": "排班续排",
}  # fmt: skip
EVERY_MS = 5_000
LATE = 3.0


def layout(**_query: str) -> html.Div:
    """Return the page; it is read again every five seconds."""
    left = frame.pane(
        frame.head("部件"),
        html.Div(id="health-parts", className="scroll"),
    )
    right = frame.pane(
        frame.head("定时任务", html.Span("每项最近一次完成", className="t3")),
        html.Div(id="health-sweeps", className="scroll"),
        className="r",
    )
    beat = dcc.Interval(id="health-beat", interval=EVERY_MS)
    main = html.Main([left, right, beat], className="halves")
    return frame.page("健康", title="健康", main=main)


@callback(
    Output("health-parts", "children"),
    Output("health-sweeps", "children"),
    Input("health-beat", "n_intervals"),
)
def show(_beat: int | None) -> Any:
    """Draw what each part last said of itself."""
    report = health.report()
    with administering() as (session, _actor):
        seen = beats.ages(session)
        running = jobs.running(session)
    shown = [*_parts(report), *_queues(report), *_dead(report["dead"]), *_jobs(running)]
    return shown, _sweeps(seen)


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "没有声息"
    if seconds < 120:  # noqa: PLR2004  two minutes
        return f"{seconds:.0f} 秒前"
    return f"{seconds / 60:.0f} 分前" if seconds < 7200 else f"{seconds / 3600:.0f} 小时前"  # noqa: PLR2004


def _mark(ok: bool) -> html.Span:  # noqa: FBT001  one word says it
    return html.Span("✓ 正常" if ok else "✗ 没有声息", className="ok" if ok else "bad")


def _parts(report: dict[str, Any]) -> list[Any]:
    rows = [
        html.Tr(
            [
                html.Td(PARTS.get(name, name)),
                html.Td(_mark(part["ok"])),
                html.Td(_age(part["age_s"]), className="num t2"),
                html.Td(_restarts(part), className="t3"),
            ]
        )
        for name, part in report["parts"].items()
    ]
    return [html.Table(html.Tbody(rows))]


def _restarts(part: dict[str, Any]) -> str:
    words = [f"重启 {part['restarts']} 次"] if part.get("restarts") else []
    words += [f"{part['count']} 个在工作"] if part.get("count") else []
    return "　".join([*words, str(part.get("reason") or "")]).strip()


def _queues(report: dict[str, Any]) -> list[Any]:
    relay, workers = report["parts"]["relay"], report["parts"]["workers"]
    figures = (
        (f"{relay.get('oldest_unpublished_s', 0):.0f} 秒", "最早未转发的变更"),
        (f"{workers.get('oldest_undone_s', 0):.0f} 秒", "最早未处理的变更"),
        (str(report["queued"]), "排队的批次"),
        (str(workers.get("dead_letters", 0)), "放弃的变更"),
    )
    shown = [html.Div([html.Div(n, className="num"), html.P(words)]) for n, words in figures]
    return [frame.head("队列"), html.Div(shown, className="figs")]


def _dead(rows: list[dict[str, Any]]) -> list[Any]:
    if not rows:
        return [frame.head("放弃的变更"), frame.empty("没有：每项变更都处理完了")]
    lines = [
        html.Tr(
            [
                html.Td(f"{row['id']}", className="num t3"),
                html.Td(row["kind"]),
                html.Td(f"{local(row['dead_at']):%m-%d %H:%M}", className="num t2"),
                html.Td(row["why"], className="t2"),
            ]
        )
        for row in rows
    ]
    hint = "修复原因后运行 yiwang changes replay 重新处理"
    return [
        frame.head("放弃的变更", html.Span(hint, className="t3"), count=str(len(rows))),
        html.Table(html.Tbody(lines)),
    ]


def _jobs(running: list[Any]) -> list[Any]:
    kinds = {"people.import": "导入人员", "incidents.import": "导入事件", "keys.rotate": "轮换密钥"}
    lines = [
        html.Tr(
            [
                html.Td(kinds.get(job.kind, job.kind)),
                html.Td(f"{job.done} / {job.total or '？'}", className="num"),
                html.Td(f"{local(job.started_at):%m-%d %H:%M} 开始", className="t2"),
            ]
        )
        for job in running
    ]
    none = frame.empty("没有正在进行的长任务")
    return [frame.head("长任务"), html.Table(html.Tbody(lines)) if lines else none]


def _sweeps(seen: dict[str, beats.Beat]) -> list[Any]:
    found = sorted((n.partition(":")[2], b) for n, b in seen.items() if n.startswith("sweep:"))
    rows = [
        html.Tr(
            [
                html.Td(SWEEPS.get(name, name)),
                html.Td(_mark(beat.age_s <= LATE * float(beat.detail.get("every_s", 3600)) + 60)),
                html.Td(_age(beat.age_s), className="num t2"),
                html.Td(f"每 {_every(beat.detail.get('every_s'))}", className="t3"),
            ]
        )
        for name, beat in found
    ]
    if not rows:
        return [frame.empty("定时任务还没有运行过：请看左边“定时”和“后台处理”是否正常")]
    return [html.Table(html.Tbody(rows))]


def _every(seconds: float | None) -> str:
    if not seconds:
        return "—"
    return f"{seconds:.0f} 秒" if seconds < 60 else f"{seconds / 60:.0f} 分"  # noqa: PLR2004
