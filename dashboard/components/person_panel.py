"""The panel of one person (人员): who, posts over time, cells, contacts, moving and leaving."""

from __future__ import annotations

from typing import Any

from dash import dcc, html

from core.clock import local
from dashboard.components.admin_frame import button, empty, entry, field, fold, head, pick
from people.roles import ROLE_NAMES, Role
from people.staff.contacting import CHANNEL_NAMES

CHOOSE = "选一名人员：点击左边表格的一行，或按方向键后回车"
SAME_VILLAGE = "同村另有人负责时可不填"
ATTRIBUTES = ("专职", "兼职", "党员", "志愿者")


def nobody() -> list[Any]:
    """Return the panel before somebody is chosen."""
    return [empty(CHOOSE)]


def person_panel(person: dict[str, Any]) -> list[Any]:
    """Draw one person with everything that can be changed."""
    gone = person["left_at"]
    words = f"已于 {local(gone):%Y-%m-%d} 离岗" if gone else f"{person['orders']} 条未完成指令"
    top = html.Div(
        [
            html.H1([html.Span(person["name"]), html.Small(person["code"])]),
            html.P(f"{person['unit_name']}　{person['kind']}"),
            html.P(words, className="fine"),
        ],
        className="title",
    )
    parts = [top, _profile(person)]
    if gone:
        parts.append(_return(person))
    else:
        parts += [_posts(person), _cells(person), _contacts(person), _move(person), _leave(person)]
    return [*parts, _history(person), _accounts(person)]


def new_person(units: list[dict[str, str]]) -> list[Any]:
    """Draw the form for a new person."""
    return [
        head("新增人员"),
        html.Div(
            [
                field("工号", entry("new-code", hint="字母、数字、短横线")),
                field("姓名", entry("new-name")),
                field("单位", pick("new-unit", units, hint="输入单位名称查找")),
                field("岗位", pick("new-posts", [], many=True, hint="先选单位")),
                field("网格", pick("new-cells", [], many=True, hint="网格员至少一个")),
                field("专长", entry("new-skills", hint="用、隔开")),
                field("党支部", entry("new-branch", hint="没有就留空")),
                html.Div([button("新增", "new-save", go=True)], className="acts"),
            ],
            className="form",
        ),
    ]


def _profile(person: dict[str, Any]) -> html.Details:
    return fold(
        "资料",
        field("姓名", entry("person-name", person["name"])),
        field("专长", entry("person-skills", "、".join(person["skills"]), hint="用、隔开")),
        field("党支部", entry("person-branch", person["party_branch"], hint="没有就留空")),
        field(
            "属性",
            dcc.Checklist(
                list(ATTRIBUTES),
                [a for a in person["attributes"] if a in ATTRIBUTES],
                id="person-attributes",
                inline=True,
            ),
        ),
        html.Div([button("保存资料", "person-save")], className="acts"),
        note="、".join([*person["attributes"], *person["skills"]]),
    )


def _posts(person: dict[str, Any]) -> html.Details:
    choices = person["choices"]["posts"]
    names = {each["value"]: each["label"] for each in choices}
    return fold(
        "岗位",
        field("在本单位的岗位", pick("person-posts", choices, person["posts"], many=True)),
        html.Div([button("保存岗位", "posts-save")], className="acts"),
        note="、".join(names.get(post, post) for post in person["posts"]),
        is_open=True,
    )


def _cells(person: dict[str, Any]) -> html.Details | None:
    cells = person["choices"]["cells"]
    if not cells:
        return None
    return fold(
        "网格",
        field("负责的网格", pick("person-cells", cells, person["cells"], many=True)),
        field("交出的网格由谁接手", pick("cells-heir", person["heirs"], hint=SAME_VILLAGE)),
        html.Div([button("保存网格", "cells-save")], className="acts"),
        note=f"{len(person['cells'])} 个",
        is_open=True,
    )


def _contacts(person: dict[str, Any]) -> html.Details:
    known = [
        html.Div(
            [
                html.Span(each.name, className="t3"),
                html.Span(each.masked, className="num"),
                html.Span(
                    f"已核实 {local(each.verified_at):%m-%d}" if each.verified_at else "未核实",
                    className="force" if each.verified_at else "orange",
                ),
            ],
            className="reach",
        )
        for each in person["contacts"]
    ]
    return fold(
        "联系方式",
        *(known or [empty("还没有登记，值班时将呼叫不到此人")]),
        html.Div(
            [
                pick(
                    "contact-channel",
                    [{"value": key, "label": name} for key, name in CHANNEL_NAMES.items()],
                    "phone",
                    clear=False,
                ),
                entry("contact-address", hint="留空并保存即删除"),
            ],
            className="two",
        ),
        html.Div(
            [button("标为已核实", "contact-verify"), button("保存", "contact-save")],
            className="acts",
        ),
        note="加密保存，只显示前三后四位",
    )


def _move(person: dict[str, Any]) -> html.Details:
    parts: list[Any] = [
        field("调到", pick("move-unit", person["units"], hint="输入单位名称查找")),
        field("新岗位", pick("move-posts", [], many=True, hint="先选单位")),
        field("新网格", pick("move-cells", [], many=True, hint="网格员至少一个")),
    ]
    if person["cells"]:
        parts.append(field("原网格由谁接手", pick("move-heir", person["heirs"], hint=SAME_VILLAGE)))
    else:
        parts.append(html.Div(pick("move-heir", []), hidden=True))
    return fold(
        "调动",
        *parts,
        html.Div([button("调动", "move-save")], className="acts"),
        note="换单位或换村社区",
    )


def _leave(person: dict[str, Any]) -> html.Details:
    heir = field("网格由谁接手", pick("leave-heir", person["heirs"], hint=SAME_VILLAGE))
    return fold(
        "离岗",
        field("原因", entry("leave-reason", hint="例如 调离、离职")),
        heir if person["cells"] else html.Div(pick("leave-heir", []), hidden=True),
        html.Div([button("办理离岗", "leave-save")], className="acts"),
        note="免去岗位，停用账号",
    )


def _return(person: dict[str, Any]) -> html.Details:
    choices = person["choices"]
    return fold(
        "复岗",
        field("岗位", pick("return-posts", choices["posts"], many=True)),
        field("网格", pick("return-cells", choices["cells"], many=True, hint="网格员至少一个")),
        html.Div([button("办理复岗", "return-save")], className="acts"),
        is_open=True,
    )


def _history(person: dict[str, Any]) -> html.Details:
    lines = [
        html.Div(
            [
                html.Span(f"{local(row.valid_from):%Y-%m-%d}", className="t3 num"),
                html.Span(f"至 {local(row.valid_to):%Y-%m-%d}" if row.valid_to else "至今"),
                html.Span(f"{row.unit_name}　{row.name}"),
            ],
            className="was",
        )
        for row in person["history"]
    ]
    return fold("履历", *(lines or [empty("没有任过岗位")]), note=f"{len(lines)} 条")


def _accounts(person: dict[str, Any]) -> html.Details:
    lines = [
        html.Div(
            [
                html.Span(row.username),
                html.Span(ROLE_NAMES[Role(row.role)], className="t2"),
                html.Span("已停用" if row.disabled_at else "在用", className="t3"),
            ],
            className="was",
        )
        for row in person["accounts"]
    ]
    none = empty("没有账号；需要登录时到“账号”页开立")
    return fold("账号", *(lines or [none]), note=f"{len(lines)} 个")
