"""`/api/docs`: the interface as one plain page, drawn from the OpenAPI text, no outside file."""

from __future__ import annotations

from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

_PAGE = """<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<link rel="stylesheet" href="/assets/10_tokens.css"><style>
body {{ margin: 0 auto; max-width: 960px; padding: 24px; background: var(--bg, #0e1318);
  color: var(--text, #e8ecef); font: 14px/1.6 Inter, "Noto Sans SC", sans-serif; }}
h1 {{ font-size: 20px; }} h2 {{ font-size: 16px; margin: 28px 0 8px; }}
details {{ border-top: 1px solid var(--line, #2a333c); padding: 8px 0; }}
summary {{ cursor: pointer; }} code, pre {{ font: 13px/1.5 ui-monospace, monospace; }}
b {{ display: inline-block; width: 64px; }} td, th {{ padding: 2px 16px 2px 0; text-align: left;
  vertical-align: top; }} p, td {{ color: var(--text-2, #aab4bd); }}
a {{ color: inherit; }}</style></head><body><h1>{title}</h1>
<p>机器可读的全文：<a href="/api/openapi.json">/api/openapi.json</a>（OpenAPI 3.1）。
机器接入用 <code>Authorization: Bearer 密钥</code>；浏览器会话的修改请求须带
<code>X-CSRF-Token</code>。出错时返回 <code>application/problem+json</code>，其中
<code>detail</code> 说明怎样改正。</p>{body}</body></html>"""


@router.get("/api/docs")
def page(request: Request) -> HTMLResponse:
    """Return the page."""
    text: dict[str, Any] = request.app.openapi()
    by_tag: dict[str, list[str]] = {}
    for path, operations in text["paths"].items():
        for method, operation in operations.items():
            tag = (operation.get("tags") or ["其他"])[0]
            by_tag.setdefault(tag, []).append(_operation(path, method, operation, text))
    body = "".join(f"<h2>{escape(tag)}</h2>{''.join(ops)}" for tag, ops in by_tag.items())
    return HTMLResponse(_PAGE.format(title=escape(text["info"]["title"]), body=body))


def _operation(path: str, method: str, operation: dict[str, Any], text: dict[str, Any]) -> str:
    rows = [
        _row(each["name"], each["in"], each.get("schema", {}), required=each.get("required", False))
        for each in operation.get("parameters", ())
    ]
    content = operation.get("requestBody", {}).get("content", {})
    for media, given in content.items():
        schema = _resolve(given.get("schema", {}), text)
        needed = schema.get("required", ())
        rows += [
            _row(name, media, _resolve(value, text), required=name in needed)
            for name, value in schema.get("properties", {}).items()
        ]
    table = f"<table>{''.join(rows)}</table>" if rows else ""
    return (
        f"<details><summary><b>{method.upper()}</b><code>{escape(path)}</code> "
        f"{escape(operation.get('summary', ''))}</summary>"
        f"<p>{escape(operation.get('description', ''))}</p>{table}</details>"
    )


def _row(name: str, place: str, schema: dict[str, Any], *, required: bool) -> str:
    kinds = [str(option.get("type", "")) for option in schema.get("anyOf", ())]
    kind = schema.get("type") or " | ".join(kind for kind in kinds if kind) or "object"
    if "enum" in schema:
        kind = " | ".join(str(value) for value in schema["enum"])
    must = "必填" if required else ""
    return (
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(place)}</td>"
        f"<td>{escape(str(kind))}</td><td>{must}</td>"
        f"<td>{escape(schema.get('description', ''))}</td></tr>"
    )


def _resolve(schema: dict[str, Any], text: dict[str, Any]) -> dict[str, Any]:
    ref = schema.get("$ref", "")
    if not ref:
        return schema
    found: dict[str, Any] = text["components"]["schemas"].get(ref.rsplit("/", 1)[-1], {})
    return found
