"""A staffed county for demonstration (演示数据), planned before anything is stored.

The same seed and the same grid give the same people. Names are drawn from lists of common ones;
nobody is meant.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from people.roles import POSTS_BY_UNIT_KIND, Post, Role

WORKFORCE = 4_260
SEED = 430121
_SURNAMES = (
    "李王张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
    "苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史"
    "顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
_GIVEN = (
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋",
    "勇", "艳", "杰", "娟", "涛", "明", "超", "霞", "平", "刚",
    "桂英", "建国", "建华", "志强", "志明", "海燕", "春梅", "玉兰", "文斌", "晓东",
    "晓红", "国庆", "新华", "立新", "金花", "秀英", "丽华", "红梅", "永康", "家豪",
    "子轩", "雨桐", "思远", "思敏", "雅婷", "嘉怡", "浩然", "俊杰", "湘平", "湘云",
    "星明", "岳林", "长庚", "秋菊", "冬生", "春生", "福生", "满秀", "德胜", "世杰",
    "正辉", "光辉", "爱民", "爱华", "友良", "再兴", "佑民", "克勤",
)  # fmt: skip
_SKILLS = ("调解", "消防", "防汛", "环卫", "治安", "急救", "劝导", "走访", "宣传", "安全检查")
_DEPARTMENT_HANDLERS = 8
_THIRD_PARTY = 3
_COUNTY_STAFF: tuple[tuple[Post, int], ...] = (
    (Post.DUTY_LEADER, 9),
    (Post.DUTY_DIRECTOR, 4),
    (Post.SHIFT_HEAD, 6),
    (Post.ACCEPTER, 8),
    (Post.DISPATCHER, 8),
    (Post.CHECKER, 8),
    (Post.RECEPTIONIST, 6),
    (Post.AUDITOR, 2),
    (Post.ADMINISTRATOR, 2),
)
_ALSO: dict[Post, tuple[Post, ...]] = {Post.DUTY_LEADER: (Post.DEPUTY,)}


@dataclass(frozen=True, slots=True)
class Person:
    """One planned member of staff; `unit` is a unit code."""

    code: str
    name: str
    unit: str
    posts: tuple[Post, ...]
    skills: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    cells: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedUnit:
    """What the plan needs to know of a unit."""

    code: str
    kind: str
    skills: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedAccount:
    """One demonstration account; `area` is the national code, or a department's unit code."""

    username: str
    role: Role
    area: str
    staff_code: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedContact:
    """How one duty person is called; one that is not verified counts as none."""

    staff_code: str
    channel: str
    address: str
    verified: bool


_DUTY_POSTS = frozenset({Post.DUTY_LEADER, Post.DUTY_DIRECTOR, Post.SHIFT_HEAD, Post.TOWN_LEADER})
_UNBOUND = "-duty_leader-4"  # one leader whose WeCom is not bound yet: the rota must say so


def plan_contacts(people: Sequence[Person]) -> list[PlannedContact]:
    """Give everyone who stands in the rota a WeCom name; invented, like the people."""
    return [
        PlannedContact(
            person.code,
            "wecom",
            f"demo-{person.code}",
            verified=not person.code.endswith(_UNBOUND),
        )
        for person in people
        if person.posts[0] in _DUTY_POSTS
    ]


@dataclass(slots=True)
class _Names:
    rng: random.Random = field(default_factory=lambda: random.Random(SEED))  # noqa: S311

    def next(self) -> str:
        return self.rng.choice(_SURNAMES) + self.rng.choice(_GIVEN)


def plan_staff(
    units: Sequence[PlannedUnit],
    cells: Sequence[tuple[int, int]],
    *,
    workforce: int = WORKFORCE,
) -> list[Person]:
    """Staff every unit, and every cell with a worker or more; `cells` are (code, residents)."""
    names = _Names()
    people: list[Person] = []
    for unit in sorted(units, key=lambda unit: unit.code):
        people += _office_of(unit, names)
    return people + _grid_workers(cells, workforce, names)


def _office_of(unit: PlannedUnit, names: _Names) -> list[Person]:
    if unit.kind == "county":
        seats = _COUNTY_STAFF
    elif unit.kind == "department":
        seats = ((Post.HANDLER, _DEPARTMENT_HANDLERS),)
    elif unit.kind in {"hall", "zone"}:
        seats = ()
    elif unit.kind in {"studio", "third_party"}:
        seats = ((Post.MEDIATOR, _THIRD_PARTY),)
    else:
        offices = POSTS_BY_UNIT_KIND[unit.kind]
        seats = tuple(
            (p, 3 if unit.kind == "town" else 1) for p in offices if p != Post.GRID_WORKER
        )
    return [
        Person(
            code=f"{unit.code}-{post.value}-{n + 1}",
            name=names.next(),
            unit=unit.code,
            posts=(post, *_ALSO.get(post, ())),
            skills=unit.skills,
        )
        for post, count in seats
        for n in range(count)
    ]


def _grid_workers(
    cells: Sequence[tuple[int, int]],
    workforce: int,
    names: _Names,
) -> list[Person]:
    by_residents = sorted(cells, key=lambda cell: (-cell[1], cell[0]))
    spare = max(0, workforce - len(cells))
    extra = {code: 0 for code, _ in cells}
    for turn in range(spare):
        extra[by_residents[turn % len(by_residents)][0]] += 1
    ordered = sorted(extra)
    following = dict(pairwise(ordered))
    people: list[Person] = []
    for code in ordered:
        for n in range(1 + extra[code]):
            neighbour = following.get(code)
            shares = n == 0 and names.rng.random() < 0.2  # noqa: PLR2004  one in five
            beside = neighbour is not None and neighbour // 1000 == code // 1000
            people.append(
                Person(
                    code=f"{code}-{n + 1}",
                    name=names.next(),
                    unit=str(code // 1000),
                    posts=(Post.GRID_WORKER,),
                    skills=tuple(sorted(names.rng.sample(_SKILLS, names.rng.randint(1, 4)))),
                    attributes=_attributes(names.rng),
                    cells=(code, neighbour) if shares and beside and neighbour else (code,),
                ),
            )
    return people


def _attributes(rng: random.Random) -> tuple[str, ...]:
    found = [("专职", "兼职")[rng.random() < 0.3]]  # noqa: PLR2004  assumed share
    found += ["党员"] if rng.random() < 0.25 else []  # noqa: PLR2004  assumed share
    found += ["志愿者"] if rng.random() < 0.1 else []  # noqa: PLR2004  assumed share
    return tuple(found)


_COUNTY_ACCOUNTS: tuple[tuple[str, Role, Post, int], ...] = (
    ("county", Role.COUNTY_COMMAND, Post.DISPATCHER, 2),
    ("checker", Role.COUNTY_COMMAND, Post.CHECKER, 2),
    ("leader", Role.DUTY_LEADER, Post.DUTY_LEADER, 9),
    ("reception", Role.RECEPTIONIST, Post.RECEPTIONIST, 2),
    ("auditor", Role.AUDITOR, Post.AUDITOR, 1),
    ("admin", Role.ADMIN, Post.ADMINISTRATOR, 1),
)


def plan_accounts(units: Sequence[PlannedUnit], people: Sequence[Person]) -> list[PlannedAccount]:
    """Give every role, every town, every department and some villages and workers an account."""
    by_unit: dict[tuple[str, Post], list[Person]] = {}
    for person in people:
        by_unit.setdefault((person.unit, person.posts[0]), []).append(person)
    county = next(unit.code for unit in units if unit.kind == "county")
    accounts = [
        PlannedAccount(f"{username}{n}", role, county, person.code)
        for username, role, post, count in _COUNTY_ACCOUNTS
        for n, person in enumerate(by_unit[county, post][:count], start=1)
    ]
    firsts: dict[str, str] = {}
    for code in sorted(unit.code for unit in units if unit.kind == "village"):
        firsts.setdefault(code[:9], code)
    for unit in sorted(units, key=lambda unit: unit.code):
        accounts += _unit_account(unit, by_unit, frozenset(firsts.values()))
    return accounts + _worker_accounts(people)


def _unit_account(
    unit: PlannedUnit,
    by_unit: dict[tuple[str, Post], list[Person]],
    first_villages: frozenset[str],
) -> list[PlannedAccount]:
    if unit.kind == "town":
        person = by_unit[unit.code, Post.TOWN_DISPATCHER][0]
        return [PlannedAccount(f"town{unit.code}", Role.TOWN_CENTRE, unit.code, person.code)]
    if unit.code in first_villages:
        person = by_unit[unit.code, Post.VILLAGE_OFFICER][0]
        return [PlannedAccount(f"village{unit.code}", Role.VILLAGE_CENTRE, unit.code, person.code)]
    if unit.kind == "department":
        person = by_unit[unit.code, Post.HANDLER][0]
        username = f"dept-{unit.code.removeprefix('D-').lower()}"
        return [PlannedAccount(username, Role.DEPARTMENT, unit.code, person.code)]
    return []


def _worker_accounts(people: Sequence[Person]) -> list[PlannedAccount]:
    """Pick four workers of every town, from different villages where there are four."""
    chosen: dict[str, list[Person]] = {}
    villages: set[str] = set()
    workers = [p for p in people if p.posts == (Post.GRID_WORKER,) and p.code.endswith("-1")]
    for first_round in (True, False):
        for person in workers:
            of_town = chosen.setdefault(person.unit[:9], [])
            fresh = person.unit not in villages if first_round else person not in of_town
            if len(of_town) < 4 and fresh:  # noqa: PLR2004  four of each town
                of_town.append(person)
                villages.add(person.unit)
    return [
        PlannedAccount(f"worker{town}{n}", Role.GRID_WORKER, str(person.cells[0]), person.code)
        for town, picked in sorted(chosen.items())
        for n, person in enumerate(picked, start=1)
    ]
