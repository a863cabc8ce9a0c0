"""Asks our own `/readyz` from outside the web process."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from core.parts import Report


@dataclass(frozen=True, slots=True)
class Ready:
    """One answer of `/readyz`; `said` is its body or why there was none."""

    ok: bool
    said: str


def ask(url: str, *, within_s: float) -> Ready:
    """Ask once; no answer is an answer too."""
    try:
        answer = httpx.get(f"{url}/readyz", timeout=within_s, verify=False)  # noqa: S501 (ourselves)
    except httpx.HTTPError as error:
        return Ready(ok=False, said=f"{type(error).__name__}: {error}")
    return Ready(ok=answer.status_code == httpx.codes.OK, said=answer.text[:2000])


def explain(last: Ready, report: Report | None) -> str:
    """Say in one paragraph why the platform is not ready."""
    if report is None:
        return last.said or "看护进程没有留下报告，详见 .local/log/supervisor.log"
    if report.failure:
        return report.failure
    troubled = [
        f"{part.name}（{part.reason or '未运行'}，重启 {part.restarts} 次）"
        for part in report.parts
        if part.state != "running" or part.restarts
    ]
    said = [f"阶段：{report.stage}", *troubled, f"/readyz：{last.said}" if last.said else ""]
    return "；".join(each for each in said if each)
