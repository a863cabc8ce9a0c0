"""Roles (账号角色) decide what is seen; posts (岗位) decide whose hands the work is in."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What an identity may see; the first nine are account roles, the rest never sign in."""

    COUNTY_COMMAND = "county_command"
    DUTY_LEADER = "duty_leader"
    RECEPTIONIST = "receptionist"
    TOWN_CENTRE = "town_centre"
    VILLAGE_CENTRE = "village_centre"
    DEPARTMENT = "department"
    GRID_WORKER = "grid_worker"
    AUDITOR = "auditor"
    ADMIN = "admin"
    MACHINE = "machine"
    CITIZEN = "citizen"
    SYSTEM = "system"
    KIOSK = "kiosk"


class Post(StrEnum):
    """A chair that work goes to (岗位), whoever sits in it today."""

    DUTY_LEADER = "duty_leader"
    DEPUTY = "deputy"
    DUTY_DIRECTOR = "duty_director"
    SHIFT_HEAD = "shift_head"
    ACCEPTER = "accepter"
    DISPATCHER = "dispatcher"
    CHECKER = "checker"
    RECEPTIONIST = "receptionist"
    TOWN_LEADER = "town_leader"
    TOWN_DISPATCHER = "town_dispatcher"
    VILLAGE_OFFICER = "village_officer"
    HANDLER = "handler"
    MEDIATOR = "mediator"
    GRID_WORKER = "grid_worker"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


ACCOUNT_ROLES: tuple[Role, ...] = tuple(Role)[:9]
READ_ONLY_ROLES: frozenset[Role] = frozenset({Role.AUDITOR, Role.KIOSK})
COUNTY_WIDE_ROLES: frozenset[Role] = frozenset(
    {Role.COUNTY_COMMAND, Role.DUTY_LEADER, Role.AUDITOR},
)

ROLE_NAMES: dict[Role, str] = {
    Role.COUNTY_COMMAND: "县指挥中心",
    Role.DUTY_LEADER: "县值班领导",
    Role.RECEPTIONIST: "导诊台",
    Role.TOWN_CENTRE: "镇街综治中心",
    Role.VILLAGE_CENTRE: "村社区综治中心",
    Role.DEPARTMENT: "县直部门",
    Role.GRID_WORKER: "网格员",
    Role.AUDITOR: "审计员",
    Role.ADMIN: "系统管理员",
    Role.MACHINE: "接入系统",
    Role.CITIZEN: "群众",
    Role.SYSTEM: "系统",
    Role.KIOSK: "大屏",
}

POST_NAMES: dict[Post, str] = {
    Post.DUTY_LEADER: "县值班领导",
    Post.DEPUTY: "备班领导",
    Post.DUTY_DIRECTOR: "县值班主任",
    Post.SHIFT_HEAD: "值班长",
    Post.ACCEPTER: "受理员",
    Post.DISPATCHER: "派遣员",
    Post.CHECKER: "核查员",
    Post.RECEPTIONIST: "导诊员",
    Post.TOWN_LEADER: "镇街值班领导",
    Post.TOWN_DISPATCHER: "镇街派遣员",
    Post.VILLAGE_OFFICER: "村社区值班干部",
    Post.HANDLER: "承办人",
    Post.MEDIATOR: "调解员",
    Post.GRID_WORKER: "网格员",
    Post.AUDITOR: "审计员",
    Post.ADMINISTRATOR: "系统管理员",
}

COUNTY_POSTS: tuple[Post, ...] = (
    Post.DUTY_LEADER,
    Post.DEPUTY,
    Post.DUTY_DIRECTOR,
    Post.SHIFT_HEAD,
    Post.ACCEPTER,
    Post.DISPATCHER,
    Post.CHECKER,
    Post.RECEPTIONIST,
    Post.AUDITOR,
    Post.ADMINISTRATOR,
)
COUNTY_DUTY: tuple[Post, ...] = (
    Post.DUTY_LEADER,
    Post.DEPUTY,
    Post.DUTY_DIRECTOR,
    Post.SHIFT_HEAD,
)
POSTS_BY_UNIT_KIND: dict[str, tuple[Post, ...]] = {
    "county": COUNTY_POSTS,
    "town": (Post.TOWN_LEADER, Post.TOWN_DISPATCHER, Post.MEDIATOR),
    "village": (Post.VILLAGE_OFFICER, Post.MEDIATOR, Post.GRID_WORKER),
    "department": (Post.HANDLER,),
    "studio": (Post.MEDIATOR,),
    "third_party": (Post.HANDLER, Post.MEDIATOR),
}
LEADING_POST: dict[str, Post] = {
    "county": Post.DISPATCHER,
    "town": Post.TOWN_DISPATCHER,
    "village": Post.VILLAGE_OFFICER,
    "department": Post.HANDLER,
    "third_party": Post.HANDLER,
}
POSTS_OF_ROLE: dict[Role, tuple[Post, ...]] = {
    Role.COUNTY_COMMAND: (
        Post.DUTY_DIRECTOR,
        Post.SHIFT_HEAD,
        Post.ACCEPTER,
        Post.DISPATCHER,
        Post.CHECKER,
    ),
    Role.DUTY_LEADER: (Post.DUTY_LEADER, Post.DEPUTY),
    Role.RECEPTIONIST: (Post.RECEPTIONIST,),
    Role.TOWN_CENTRE: (Post.TOWN_LEADER, Post.TOWN_DISPATCHER),
    Role.VILLAGE_CENTRE: (Post.VILLAGE_OFFICER, Post.MEDIATOR),
    Role.DEPARTMENT: (Post.HANDLER,),
    Role.GRID_WORKER: (Post.GRID_WORKER,),
    Role.AUDITOR: (Post.AUDITOR,),
    Role.ADMIN: (Post.ADMINISTRATOR,),
}
