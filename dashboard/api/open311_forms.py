"""GeoReport v2 on the wire: the same answers as JSON arrays and as XML, errors as arrays."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

import orjson
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from core.errors import DomainError
from dashboard.api.problems import retry_after

FORMATS = ("json", "xml")
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BAD_REQUEST = 400
_STATUSES = frozenset({400, 401, 403, 404, 429, 503})


class GeoReportError(DomainError):
    """An error as GeoReport v2 defines it."""

    code = "400"
    status = _BAD_REQUEST
    sentence = "请求有误"

    def __init__(self, sentence: str, *, status: int = _BAD_REQUEST) -> None:
        super().__init__(sentence)
        self.status = status


def answer(
    body: Sequence[Mapping[str, Any]] | Mapping[str, Any],
    form: str,
    *,
    root: str,
    item: str = "",
    status: int = 200,
) -> Response:
    """Return `body` in the wanted form; XML wraps a list as `<root><item>…`."""
    if form == "xml":
        return Response(xml(body, root=root, item=item), status_code=status, media_type="text/xml")
    return Response(orjson.dumps(body), status_code=status, media_type="application/json")


def xml(body: Any, *, root: str, item: str) -> bytes:
    """Return the XML form of a JSON-like value."""
    top = ET.Element(root)
    if isinstance(body, Mapping):
        _fill(top, body)
    else:
        for each in body:
            _fill(ET.SubElement(top, item), each)
    return bytes(ET.tostring(top, encoding="utf-8", xml_declaration=True))


def _fill(element: ET.Element, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        child = ET.SubElement(element, name)
        if isinstance(value, Mapping):
            _fill(child, value)
        elif isinstance(value, list):
            _fill_list(child, name, value)
        elif value is not None:
            child.text = _UNPRINTABLE.sub("", _word(value))


def _fill_list(element: ET.Element, name: str, values: Sequence[Any]) -> None:
    for value in values:
        child = ET.SubElement(element, name.removesuffix("s"))
        if isinstance(value, Mapping):
            _fill(child, value)
        else:
            child.text = _UNPRINTABLE.sub("", _word(value))


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def refusal(status: int, sentence: str, form: str) -> Response:
    """Return one error as the array GeoReport asks for."""
    status = status if status in _STATUSES else _BAD_REQUEST
    body = [{"code": status, "description": sentence}]
    return answer(body, form, root="errors", item="error", status=status)


class GeoReportRoute(APIRoute):
    """Turns every refusal below `/open311` into an array of code and description."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """Return the handler that catches what the route raises."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            form = "xml" if request.url.path.endswith(".xml") else "json"
            try:
                found: Response = await handle(request)
            except DomainError as refused:
                response = refusal(refused.status, refused.sentence, form)
                response.headers.update(retry_after(refused))
                return response
            except RequestValidationError as invalid:
                places = {str(error["loc"][-1]) for error in invalid.errors()}
                return refusal(_BAD_REQUEST, f"参数有误：{'、'.join(sorted(places))}", form)
            return found

        return guarded
