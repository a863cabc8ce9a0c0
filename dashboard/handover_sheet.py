"""The handover as it is printed (交接表): A4, its number, a QR code, both signatures."""

from __future__ import annotations

import io
from datetime import datetime
from html import escape
from typing import Any

import qrcode
import qrcode.image.svg

from core.clock import LOCAL
from core.settings import settings
from dashboard.components.words import COLOUR_WORDS, LEVEL_WORDS

_PAGE = """<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">
<title>交接表 第 {number} 号</title><link rel="stylesheet" href="/assets/09_fonts.css"><style>
@page {{ size: A4; margin: 16mm 15mm; }}
body {{ font: 13px/1.6 "Inter Variable", "Noto Sans CJK SC", "Noto Sans SC Variable", sans-serif;
  color: #14181c; background: #fff; max-width: 180mm; margin: 0 auto; padding: 10mm 0; }}
header {{ display: grid; grid-template-columns: 1fr 26mm; column-gap: 8mm; align-items: start;
  border-bottom: 2px solid #14181c; padding-bottom: 4mm; }}
h1 {{ font-size: 22px; margin: 0; }} h2 {{ font-size: 14px; margin: 5mm 0 1.5mm; }}
header p {{ margin: 1mm 0 0; }} header svg {{ width: 26mm; height: 26mm; }}
.four {{ display: grid; grid-template-columns: repeat(4, 1fr); margin: 5mm 0 0; }}
.four b {{ font-size: 24px; display: block; line-height: 1.2; }}
table {{ width: 100%; border-collapse: collapse; }}
td, th {{ text-align: left; padding: 1mm 2mm 1mm 0; border-bottom: 1px solid #dde2e7;
  vertical-align: top; font-weight: 400; }} th {{ color: #47515b; }}
.none {{ color: #5a6570; margin: 0; }} ol {{ margin: 0; padding-left: 6mm; }}
.sg {{ display: grid; grid-template-columns: 1fr 1fr; column-gap: 12mm; margin-top: 10mm; }}
.sg div {{ border-top: 1px solid #14181c; padding-top: 2mm; }} .sg p {{ margin: 0; }}
footer {{ margin-top: 6mm; color: #5a6570; font-size: 11px; word-break: break-all; }}
</style></head><body>
<header><div><h1>值班交接表</h1><p>第 {number} 号　{unit}　{post}</p>
<p>{out} 交 {into}　{changes}</p></div>{qr}</header>
<div class="four"><div><b>{open}</b>在办，超时 {overdue}</div><div><b>{suspended}</b>挂起</div>
<div><b>{disputed}</b>有争议</div><div><b>{firing}</b>在响 {colours}</div></div>
<h2>交代</h2>{notes}<h2>在响预警</h2>{alerts}<h2>超时案件</h2>{overdue_cases}
<h2>紧急案件</h2>{urgent_cases}<h2>挂起案件</h2>{suspended_cases}
<div class="sg"><div><p>交班　{out}</p><p>{signed}</p></div>
<div><p>接班　{into}</p><p>{taken}</p></div></div>
<footer>名单取自 {listed}。{seal}</footer></body></html>"""


def page(sheet: dict[str, Any], signature: str | None) -> str:
    """Return the sheet as HTML that prints on A4; without signatures it says so."""
    lists = sheet["lists"]
    chosen = settings()
    address = f"http://{chosen.host}:{chosen.port}/api/v1/rota/handovers/{sheet['id']}/print"
    return _PAGE.format(
        number=sheet["number"],
        unit="长沙县社会治安综合治理中心" if sheet["unit_code"] == "430121" else "镇街综治中心",
        post=escape(sheet["post_name"]),
        out=escape(sheet["out_name"]),
        into=escape(sheet["in_name"]),
        changes=_moment(sheet["changes_at"]),
        qr=_qr(f"{address}#{(signature or '')[:16]}"),
        open=lists["open"],
        overdue=lists["overdue"],
        suspended=lists["suspended"],
        disputed=lists["disputed"],
        firing=sum(lists["alerts"].values()),
        colours=colours(lists["alerts"]),
        notes=_notes(sheet["notes"]),
        alerts=_alerts(lists["firing"]),
        overdue_cases=_cases(lists["overdue_cases"]),
        urgent_cases=_cases(lists["urgent_cases"]),
        suspended_cases=_cases(lists["suspended_cases"]),
        signed=_hand(sheet["signed_by"], sheet["signed_at"], sheet["out_name"], "待签"),
        taken=_hand(sheet["taken_by"], sheet["taken_at"], sheet["in_name"], "待签"),
        listed=_moment(datetime.fromisoformat(lists["at"])),
        seal=_seal(sheet["intact"], signature),
    )


def colours(counts: dict[str, int]) -> str:
    """Say alerts by colour: 红1 橙1 黄2 蓝3; nothing when none fires."""
    return " ".join(f"{COLOUR_WORDS[c]}{n}" for c, n in counts.items() if n)


def _seal(intact: bool | None, signature: str | None) -> str:  # noqa: FBT001  three-valued
    if intact is None:
        return "尚未签字。"
    state = "与签字时一致" if intact else "与签字时不一致，请核查"
    return f"签名 {escape((signature or '')[:32])}，{state}。"


def _hand(by: str | None, at: datetime | None, own: str, waiting: str) -> str:
    if at is None:
        return waiting
    stands_in = f"（{escape(by)} 代签）" if by and by != own else ""
    return f"{_moment(at)} 已签{stands_in}"


def _notes(notes: list[dict[str, Any]]) -> str:
    if not notes:
        return '<p class="none">没有</p>'
    lines = "".join(f"<li>{escape(note['words'])}</li>" for note in notes)
    return f"<ol>{lines}</ol>"


def _alerts(firing: list[dict[str, Any]]) -> str:
    if not firing:
        return '<p class="none">没有</p>'
    rows = "".join(
        f"<tr><td>{COLOUR_WORDS[a['colour']]}</td><td>{escape(a['title'])}</td>"
        f"<td>{'已确认' if a['acknowledged'] else '没有人确认'}</td></tr>"
        for a in firing
    )
    return f"<table>{rows}</table>"


def _cases(cases: list[dict[str, Any]]) -> str:
    if not cases:
        return '<p class="none">没有</p>'
    rows = "".join(
        f"<tr><td>{c['number']}</td><td>{LEVEL_WORDS.get(c['level'], '')}</td>"
        f"<td>{escape(c['title'])}</td><td>{escape(c['place'] or '')}</td>"
        f"<td>{escape(c['holder'] or '')}</td><td>{_due(c['due_at'])}</td></tr>"
        for c in cases
    )
    names = ("案号", "等级", "事项", "地点", "在谁手里", "时限")
    head = f"<tr>{''.join(f'<th>{name}</th>' for name in names)}</tr>"
    return f"<table>{head}{rows}</table>"


def _due(text: str | None) -> str:
    return _moment(datetime.fromisoformat(text)) if text else ""


def _moment(at: datetime) -> str:
    local = at.astimezone(LOCAL)
    return f"{local.month} 月 {local.day} 日 {local:%H:%M}"


def _qr(content: str) -> str:
    image = qrcode.make(content, image_factory=qrcode.image.svg.SvgPathImage, border=1)
    out = io.BytesIO()
    image.save(out)
    return out.getvalue().decode().partition("?>")[2]
