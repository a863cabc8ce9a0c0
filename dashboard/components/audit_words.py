"""How the audit trail says what was done (审计用语), and a row's before beside its after."""

from __future__ import annotations

from typing import Any, Final

from dash import html

_OF: Final = {
    "account": "账号", "audit": "审计", "grant": "共享授权", "incident": "事件", "key": "密钥",
    "keys": "加密密钥", "kiosk": "大屏", "mode": "平战", "rota": "轮值", "session": "登录",
    "staff": "人员", "totp": "动态口令", "unit": "单位", "alert": "预警", "order": "指令",
    "rules": "规则", "grid": "网格", "calendar": "工作日历", "catalogue": "目录",
    "caller": "来电人",
}  # fmt: skip
_DONE: Final = {
    "added": "新增", "edited": "修改资料", "moved": "调动", "left": "离岗", "returned": "复岗",
    "posts": "改岗位", "cells": "改网格", "contact": "改联系方式", "import": "导入",
    "unmask": "查看明文", "export": "导出", "print": "打印", "closed": "结束", "opened": "开启",
    "refused": "被拒绝", "revoked": "停用", "disabled": "停用", "enabled": "启用",
    "unlocked": "解除锁定", "password_reset": "重设密码", "password_changed": "改密码",
    "issued": "发放", "renewed": "重发", "pattern": "改轮驻周表", "presence": "临时调整进驻",
    "reset": "重置", "bound": "绑定", "begun": "开始绑定", "given": "授予", "ended": "到期",
    "saved": "保存", "extended": "续排", "swapped": "换班", "swap_asked": "申请换班",
    "swap_agreed": "同意换班", "leave": "请假", "handed_over": "交班", "taken_over": "接班",
    "handover_note": "补记交班", "handover_lapsed": "交班逾期", "link_made": "发放日历链接",
    "link_revoked": "停用日历链接", "rotation": "设轮换", "rotate": "轮换", "rotated": "轮换",
    "prune": "清理到期记录", "forgotten": "销毁", "erased": "删除个人信息",
    "load": "载入", "publish": "发布", "propose": "提议", "confirm": "确认",
}  # fmt: skip
_NAMED: Final = {
    "unit": "单位", "posts": "岗位", "cells": "网格", "name": "名称", "short_name": "简称",
    "skills": "专长", "attributes": "属性", "party_branch": "党支部", "stationing": "进驻方式",
    "handed_to": "接手人", "open_orders": "未完成指令", "accounts": "账号", "reason": "原因",
    "paper": "文书",
    "file": "文件", "state": "状态", "good": "可导入行", "added": "新增", "changed": "更新",
    "bad_rows": "有误行", "findings": "错误数", "bare_cells": "无人网格", "rows": "行数",
    "format": "格式", "sha256": "文件摘要", "asked": "条件", "ended": "结束数", "session": "会话",
    "role": "角色", "staff": "工号", "scopes": "权限范围", "rate_per_minute": "每分钟次数",
    "slots": "周表", "from": "生效日", "day": "日期", "half": "半天", "present": "到场",
    "channel": "渠道", "change": "改动", "kind": "类别", "starts_at": "开始", "ends_at": "结束",
    "post": "岗位", "until": "至", "note": "说明", "area": "地区", "days": "天数",
}  # fmt: skip


_VALUES: Final = {
    "browser": "浏览器", "kiosk": "大屏", "am": "上午", "pm": "下午", "phone": "手机",
    "wecom": "企业微信", "email": "邮箱", "verified": "已核实", "removed": "删除", "done": "完成",
    "cancelled": "已停止", "all": "全部",
}  # fmt: skip


def action_words(action: str) -> str:
    """Return an action in words: staff.moved → 人员 调动; an unknown one stands as it is."""
    of, _, done = action.replace(" ", ".").partition(".")
    if action == "session.opened":
        return "登录 成功"
    if action == "account.opened":
        return "账号 开立"
    return f"{_OF.get(of, of)} {_DONE.get(done, done)}"


def value_words(value: Any) -> str:
    """Return a stored value as people read it."""
    if value is None or value in ("", [], {}):
        return "—"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(value_words(each) for each in value)
    if isinstance(value, dict):
        return "；".join(f"{_NAMED.get(k, k)} {value_words(v)}" for k, v in value.items())
    return _VALUES.get(str(value), str(value))


def difference(before: dict[str, Any] | None, after: dict[str, Any] | None) -> html.Table:
    """Return a table of what stood before and what after, a line a field."""
    was, now = before or {}, after or {}
    lines = [
        html.Tr(
            [
                html.Th(_NAMED.get(key, key)),
                html.Td(value_words(was.get(key)) if key in was else "", className="t3"),
                html.Td(value_words(now.get(key)) if key in now else ""),
            ]
        )
        for key in dict.fromkeys([*was, *now])
    ]
    head = html.Tr([html.Th(""), html.Th("之前"), html.Th("之后")])
    return html.Table([html.Thead(head), html.Tbody(lines)])
