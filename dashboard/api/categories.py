"""`/api/v1/categories`: the classes of the catalogue in force, with what people call them."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from core import clock
from dashboard.api.deps import InTransaction
from dashboard.mobile import classes
from dispatch.incidents import editions
from geo.initials import initials_of

router = APIRouter(prefix="/categories", tags=["incidents 事件"])
FOR_A_MINUTE = "private, max-age=60"


class CategoryOut(BaseModel):
    """One minor class (小类); `initials` and `words` are what a search box finds it by."""

    code: str = Field(examples=["0203"])
    name: str = Field(examples=["路灯不亮"])
    major: str
    level: int
    evidence: str
    public: bool
    confidential: bool
    initials: str = Field(examples=["ldbl"])
    words: list[str]


class CategoriesOut(BaseModel):
    """The catalogue in force, and which classes are offered before anything is typed."""

    edition: str
    version: int
    first: list[str]
    classes: list[CategoryOut]


@router.get("", summary="事件分类目录")
def list_categories(session: InTransaction, response: Response) -> CategoriesOut:
    """Return every class in code order."""
    response.headers["cache-control"] = FOR_A_MINUTE
    catalogue = editions.current(session, clock.now())
    plain = classes.plain_words()
    return CategoriesOut(
        edition=catalogue.edition,
        version=catalogue.version,
        first=plain["first"],
        classes=[
            CategoryOut(
                code=each.code,
                name=each.name,
                major=each.major,
                level=each.level,
                evidence=each.evidence,
                public=each.public,
                confidential=each.confidential,
                initials=initials_of(each.name),
                words=plain["words"].get(each.code, []),
            )
            for each in catalogue.categories.values()
        ],
    )
