"""Reading a body: without the framework's machinery for the busy route; moments with a zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from core.errors import Invalid

Model = TypeVar("Model", bound=BaseModel)
_YEARS: Final = range(1900, 9999)


async def read_as(model: type[Model], request: Request) -> Model:
    """Return the JSON body as `model`; refuses as a declared body would, for half the time."""
    if "json" not in request.headers.get("content-type", ""):
        raise HTTPException(415)
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as wrong:
        raise RequestValidationError(wrong.errors(include_url=False, include_input=False)) from None


def taking(model: type[BaseModel], *, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return what OpenAPI says of a body read by `read_as`; parts of the model stand inside it."""
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _whole(schema, parts)}},
        },
        "parameters": [
            {"name": name, "in": "header", "description": said, "schema": {"type": "string"}}
            for name, said in headers.items()
        ],
    }


def need_zone(**moments: datetime | None) -> None:
    """Refuse a moment that does not say which zone it is told in."""
    for name, moment in moments.items():
        if moment is not None and moment.tzinfo is None:
            raise Invalid(f"{name} 必须带时区，例如 2026-01-01T08:00:00+08:00", field=name)


def need_storable(**moments: datetime | None) -> None:
    """Refuse a moment without its zone, or of a year that could be stored and never read back."""
    need_zone(**moments)
    for name, moment in moments.items():
        if moment is not None and moment.year not in _YEARS:
            raise Invalid(f"{name} 的年份要在 {_YEARS[0]} 至 {_YEARS[-1]} 之间", field=name)


def _whole(schema: Any, parts: Mapping[str, Any]) -> Any:
    """Put each part in the place that refers to it."""
    if isinstance(schema, list):
        return [_whole(each, parts) for each in schema]
    if not isinstance(schema, dict):
        return schema
    named = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    if named in parts:
        return _whole({**parts[named], **{k: v for k, v in schema.items() if k != "$ref"}}, parts)
    return {key: _whole(value, parts) for key, value in schema.items()}
