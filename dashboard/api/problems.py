"""Every error as RFC 9457 `application/problem+json`, with a sentence that says what to do."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from core.db import is_outage
from core.errors import Busy, Conflict, DomainError, Invalid

RETRY_AFTER_S = 2
_OWN_MEMBERS = frozenset({"status", "code", "detail", "headers"})
log = logging.getLogger(__name__)

TITLES = {
    400: "请求有误",
    401: "需要登录",
    403: "没有权限",
    404: "没有找到",
    405: "不支持这种操作",
    409: "已被他人处理",
    410: "已失效",
    413: "内容太大",
    415: "格式不支持",
    422: "内容有误",
    428: "缺少版本号",
    429: "操作过于频繁",
    500: "系统出错",
    503: "暂时繁忙",
}
SENTENCES = {
    400: "请求无法解析，请检查格式",
    404: "没有这个地址或资源，请检查网址",
    405: "这个地址不支持该方法，请查看接口文档 /api/docs",
    413: "提交的内容超过上限，请缩短文字或压缩附件",
    415: "请以 application/json 提交",
    500: "系统出错，已记录；请稍后重试",
}
_FIELD_SENTENCES = {
    "missing": "缺少此项，请填写",
    "json_invalid": "不是有效的 JSON，请检查括号、引号和逗号",
    "string_too_long": "文字太长，最多 {max_length} 字",
    "string_too_short": "文字太短，至少 {min_length} 字",
    "string_type": "应为文字",
    "string_pattern_mismatch": "格式不符",
    "int_parsing": "应为整数",
    "int_type": "应为整数",
    "int_from_float": "应为整数",
    "float_parsing": "应为数字",
    "float_type": "应为数字",
    "finite_number": "应为有限的数字，不能是 NaN 或无穷大",
    "greater_than_equal": "不能小于 {ge}",
    "greater_than": "应大于 {gt}",
    "less_than_equal": "不能大于 {le}",
    "less_than": "应小于 {lt}",
    "enum": "只能是 {expected} 之一",
    "literal_error": "只能是 {expected} 之一",
    "extra_forbidden": "没有这一项，请删除或检查拼写",
    "datetime_parsing": "时间格式应为 2026-01-01T08:00:00+08:00",
    "datetime_from_date_parsing": "时间格式应为 2026-01-01T08:00:00+08:00",
    "timezone_aware": "时间必须带时区，例如 +08:00",
    "uuid_parsing": "不是有效的编号",
    "bool_parsing": "应为 true 或 false",
    "list_type": "应为列表",
    "dict_type": "应为对象",
    "model_attributes_type": "应为 JSON 对象，请以 application/json 提交",
    "too_long": "最多 {max_length} 项",
    "too_short": "至少 {min_length} 项",
}


def problem(
    status: int,
    *,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **more: object,
) -> Response:
    """Return one problem; `more` are extension members and never hold what a person sent."""
    return Response(
        problem_bytes(status, code=code, detail=detail, **more),
        status_code=status,
        media_type="application/problem+json",
        headers={**_retry(status), **(headers or {})},
    )


def problem_bytes(status: int, *, code: str, detail: str, **more: object) -> bytes:
    """Return the JSON body of a problem."""
    body = {
        **more,
        "type": f"urn:yiwang:problem:{code}",
        "title": TITLES.get(status, "请求未完成"),
        "status": status,
        "detail": detail,
        "code": code,
    }
    return json.dumps(body, ensure_ascii=False, default=str, allow_nan=False).encode()


def _retry(status: int) -> dict[str, str]:
    return {"retry-after": str(RETRY_AFTER_S)} if status in {429, 503} else {}


def of_domain(error: DomainError) -> Response:
    """Return a refusal as a problem; its details become extension members."""
    more = {k: v for k, v in error.details.items() if k not in _OWN_MEMBERS}
    headers = retry_after(error)
    return problem(error.status, code=error.code, detail=error.sentence, headers=headers, **more)


def retry_after(error: DomainError) -> dict[str, str]:
    """Return the header that says when to try again, where the refusal knows it."""
    seconds = error.details.get("retry_after_s")
    return {"retry-after": str(seconds)} if isinstance(seconds, int) else {}


def of_database(error: DBAPIError | psycopg.Error) -> Response:
    """Return what PostgreSQL could not do: away, a value it cannot hold, or our own mistake."""
    if is_outage(error):
        return of_domain(Busy())
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, psycopg.DataError):
        return of_domain(Invalid("内容里有无法保存的字符，或超出范围的数字，请检查后重试"))
    if isinstance(cause, psycopg.errors.UniqueViolation):
        return of_domain(Conflict("同样的内容已经登记过，请刷新后查看"))
    log.error("statement failed", exc_info=error)
    return problem(500, code="failed", detail=SENTENCES[500])


def of_http(error: HTTPException) -> Response:
    """Return a framework's own error (unknown path, wrong method) as a problem."""
    chosen = error.detail if _is_chinese(error.detail) else SENTENCES.get(error.status_code, "")
    return problem(
        error.status_code,
        code=f"http_{error.status_code}",
        detail=chosen or "请求未完成，请稍后重试",
        headers=error.headers,
    )


def of_validation(error: RequestValidationError) -> Response:
    """Return what is wrong with a request, field by field, without repeating what was sent."""
    errors = [_field(item) for item in error.errors()]
    first = errors[0] if errors else {"field": "", "message": "内容有误"}
    where = f"“{first['field']}”" if first["field"] else "请求"
    more = f"，另有 {len(errors) - 1} 处" if len(errors) > 1 else ""
    return problem(
        422,
        code="invalid",
        detail=f"{where}：{first['message']}{more}",
        errors=errors,
    )


def _field(item: Mapping[str, Any]) -> dict[str, str]:
    place = [str(part) for part in item["loc"] if part not in {"body", "query", "path", "header"}]
    message = str(item.get("msg", "")).removeprefix("Value error, ")
    template = _FIELD_SENTENCES.get(item["type"])
    if template and not _is_chinese(message):
        message = template.format_map(_Known(item.get("ctx") or {}))
    elif not _is_chinese(message):
        message = "内容有误，请按接口文档 /api/docs 填写"
    return {"field": ".".join(place), "message": message}


class _Known(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "…"


def _is_chinese(words: object) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in str(words))


_ANSWERS: tuple[tuple[type[Exception], Callable[[Any], Response]], ...] = (
    (DomainError, of_domain),
    (RequestValidationError, of_validation),
    (HTTPException, of_http),
    (psycopg.Error, of_database),
    (DBAPIError, of_database),
)


def answer(error: Exception) -> Response | None:
    """Return the problem of a failure that is foreseen; of any other nothing."""
    for kind, answer_of in _ANSWERS:
        if isinstance(error, kind):
            return answer_of(error)
    return None


def install(api: FastAPI) -> None:
    """Make every failure of a route a problem."""

    async def refused(_request: Request, error: Exception) -> Response:
        found = answer(error)
        if found is None:
            log.error("request failed", exc_info=error)
            return problem(500, code="failed", detail=SENTENCES[500])
        return found

    for kind in (*(kind for kind, _ in _ANSWERS), Exception):
        api.add_exception_handler(kind, refused)
