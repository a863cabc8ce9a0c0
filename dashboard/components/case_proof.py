"""The ledger's proof on the case page (台账证明): the newest hashes, the seal, proving now."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard.components import words

_ENDS = 4  # hexadecimal figures shown of each end of a hash


def proof_section(case: dict[str, Any]) -> html.Div:
    """Return hashes and seal as they are stored, and the button that proves them now."""
    proof = case["proof"]
    rows = [
        cell
        for link in proof["links"]
        for cell in _row(f"第 {link['seq']} 条", link["hash"], link["recorded_at"])
    ]
    if proof["seal"]:
        seal = proof["seal"]
        rows += _row(f"封存 {seal['n']}", seal["hash"], seal["sealed_at"])
    return html.Div(
        [
            html.H4(
                [
                    html.Span("台账证明"),
                    html.Span("✓ 可核验", id="case-proof-state", className="force"),
                ]
            ),
            html.Div(rows, className="hashes"),
            html.P(_words(proof), className="t2"),
            html.Div(id="case-proof-said", role="status"),
            html.Div(_buttons(case), className="row"),
        ],
        className="sec proof",
    )


def _row(name: str, digest: str, at: str) -> list[html.Span]:
    return [
        html.Span(name),
        html.Span(_short(digest), className="num", title=digest),
        html.Span(words.exact(at)[5:], title=words.exact(at)),
    ]


def _short(digest: str) -> str:
    """Return both ends of a hash: b41c 7e09 … 5d22."""
    return f"{digest[:_ENDS]} {digest[_ENDS : 2 * _ENDS]} … {digest[-_ENDS:]}"


def _words(proof: dict[str, Any]) -> str:
    held = f"{proof['count']} 条首尾相连"
    if not proof["seal"]:
        return f"{held}，等第一次封存（每分钟一次）。"
    waits = f"，其中 {proof['unsealed']} 条等下一次封存" if proof["unsealed"] else ""
    return f"{held}，每分钟封存{waits}。"


def _buttons(case: dict[str, Any]) -> list[Any]:
    address = f"/api/v1/incidents/{case['id']}/proof"
    return [
        html.Button(
            "现在核验", type="button", className="btn sm", **{"data-prove": str(case["id"])}
        ),
        html.A(
            "导出证明", href=address, download=f"台账证明-{case['number']}.json", className="btn sm"
        ),
        html.Button(
            "复制链接",
            type="button",
            className="btn sm",
            **{"data-copy": f"/case/{case['number']}"},
        ),
    ]
