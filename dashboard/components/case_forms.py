"""What each action asks for (办理表单), as a list of fields that the script of the form draws.

A field is a dictionary: its `type`, the `name` under which the action takes it, a `label`, whether
it `must` be filled, and `when`: shown only while another field has one of these values.
"""

from __future__ import annotations

from typing import Any, Final

from dispatch.incidents import reasons
from dispatch.incidents.lifecycle import REQUEST_NAMES, RequestKind

Field = dict[str, Any]
Case = dict[str, Any]
CARD_WORDS: Final = {"yellow": "黄牌", "red": "红牌", "black": "黑牌"}
YES_SOLVED: Final = {"true": "解决了", "false": "没解决"}
YES_SATISFIED: Final = {"true": "满意", "false": "不满意"}
REACHED: Final = {"reached": "打通了", "unreached": "没打通"}
OTHER_WORDS: Final = "说明（选“其他”时必填）"
_HANDLE: Final = ("department", "town", "village")  # the county gives out and checks
_REVIEW_DAYS: Final = (7, 15, 30)
_SHARE_DAYS: Final = (1, 3, 7, 30)
_REPLY_DAYS: Final = (1, 2, 3, 7)


def asks(case: Case, key: str) -> list[Field]:
    """Return the fields of one button's form; none: the action is taken at once."""
    form = _FORMS.get(key)
    return form(case) if form else []


# fields ----------------------------------------------------------------------------------------


def _words(label: str, *, must: bool = True) -> Field:
    return {"type": "words", "name": "note", "label": label, "must": must}


def _choice(name: str, label: str, options: dict[str, str], *, must: bool = True) -> Field:
    return {"type": "choice", "name": name, "label": label, "options": options, "must": must}


def _yes(name: str, label: str, options: dict[str, str], *, must: bool = True) -> Field:
    return _choice(name, label, options, must=must) | {"as": "bool"}


def _why(name: str, label: str = "事由") -> list[Field]:
    """Return the reasons of a list, and words beside them."""
    listed = _choice("reason_code", label, reasons.of(name))
    return [listed, _words(OTHER_WORDS, must=False)]


def _unit(label: str, **among: Any) -> Field:
    """Return a field for a unit; `kinds`, `town` and `but` (codes) narrow the choice."""
    return {"type": "unit", "name": "to_unit", "label": label, "must": True, **among}


def _moment(label: str, days: tuple[int, ...], *, must: bool = True, **more: Any) -> Field:
    quick = [{"days": n, "label": f"{n} 天"} for n in days]
    return {"type": "moment", "name": "until", "label": label, "quick": quick, "must": must, **more}


def _hint(words: str, **more: Any) -> Field:
    return {"type": "hint", "text": words, **more}


def _lead_code(case: Case) -> list[str]:
    lead = case.get("lead")
    return [lead["code"]] if lead else []


# forms -----------------------------------------------------------------------------------------


def _feed_back(case: Case) -> list[Field]:
    kind = case["evidence"]
    paper = kind == "document"
    photos = {
        "type": "photos",
        "kind": "document" if paper else "after",
        "must": True,
        "placed": case.get("lon") is not None and kind == "photo",
        "label": f"{'文书：照片或 PDF' if paper else '处置后照片'}（至少 1 张）",
    }
    return [_words("处置结果"), *([photos] if kind != "none" else [])]


def _request(case: Case) -> list[Field]:
    kinds = [RequestKind(kind) for kind in case.get("request_kinds") or []]
    several = {kind.value: REQUEST_NAMES[kind] for kind in kinds} if len(kinds) > 1 else {}
    fields = [_choice("request_kind", "申请什么", several)] if several else []
    for kind in kinds:
        only = {"when": {"request_kind": [kind.value]}} if several else {}
        fields += [field | only for field in _wanted(case, kind)]
        fields.append(_choice("reason_code", "事由", reasons.of(kind.value)) | only)
    return [*fields, _words(OTHER_WORDS, must=False)]


def _wanted(case: Case, kind: RequestKind) -> list[Field]:
    """Return what a kind of request must name beside its reason."""
    if kind is RequestKind.EXTENSION:
        ends = [
            {"until": each["until"], "label": f"加 {each['added']}"}
            for each in case.get("stretches") or []
        ]
        return [_moment("延到什么时候（不超过原时限和 10 天）", ()) | {"quick": ends}]
    if kind is RequestKind.SUSPENSION:
        return [_moment("挂起到哪天复查（最长 30 天）", _REVIEW_DAYS)]
    if kind is RequestKind.SHARE:
        return [_unit("共享给哪个单位"), _moment("共享到", _SHARE_DAYS, usual=7)]
    if kind is RequestKind.FORCED_CLOSE:
        return [_hint("要由第二人同意；同意后不再核查，直接结案")]
    return []


def _instruct(_case: Case) -> list[Field]:
    paper = {
        "type": "photos", "kind": "document", "must": False, "placed": False,
        "label": "批示原件（照片或 PDF，没有文字时必附）",
    }  # fmt: skip
    reply = _moment("什么时候前回复（可不填）", _REPLY_DAYS, must=False, empty=True)
    return [_words("批示内容", must=False), reply, paper]


def _de_escalate(case: Case) -> list[Field]:
    holder = case.get("holder") or {}
    among: dict[str, Any] = {"kinds": [case.get("down_to") or "town"]}
    if case.get("down_to") == "village":
        among["town"] = int(holder["code"])
    below = _unit("下放给哪个镇街或村（社区）", **among)
    return [below, _hint("对方接收后再派遣；对方也可以写明事由退回"), *_why("de_escalate")]


def _remove_support(case: Case) -> list[Field]:
    units = {each["code"]: each["name"] for each in case.get("supports") or []}
    return [_choice("to_unit", "撤销哪个协办单位", units), _words("说明", must=False)]


def _add_support(case: Case) -> list[Field]:
    known = [each["code"] for each in case.get("supports") or []]
    taken = [*_lead_code(case), *known]
    return [_unit("协办单位", but=taken), _words("请协办什么", must=False)]


def _merge(case: Case) -> list[Field]:
    twins = {each["number"]: each["title"] for each in case.get("twins") or []}
    into = {"type": "case", "name": "into", "label": "并入哪一件（案号）", "must": True}
    return [into | {"near": twins}, _words("说明", must=False)]


def _call_back(case: Case) -> list[Field]:
    calls = case.get("calls") or {"made": 0, "most": 3}
    heard = {"when": {"data.result": ["reached"]}}
    again = f"第 {calls['made'] + 1} 次回访；打 {calls['most']} 次都没打通就算完成"
    return [
        _hint(again),
        _choice("data.result", "打通了吗", REACHED),
        _yes("data.solved", "解决了吗", YES_SOLVED) | heard,
        _hint("说没解决的，案件自动重启，退回原单位", when={"data.solved": ["false"]}),
        _yes("data.satisfied", "满意吗", YES_SATISFIED, must=False) | heard,
        _words("对方说了什么", must=False),
    ]


def _rate(_case: Case) -> list[Field]:
    return [
        _yes("data.solved", "解决了吗", YES_SOLVED),
        _hint("说没解决的，案件自动重启，退回原单位", when={"data.solved": ["false"]}),
        _yes("data.satisfied", "满意吗", YES_SATISFIED),
        _words("评价的话", must=False),
    ]


def _locate(case: Case) -> list[Field]:
    place = {
        "type": "place", "must": True, "label": "在哪里", "lon": case.get("lon"),
        "lat": case.get("lat"), "village": case.get("village_code"),
        "said": case.get("address") or "",
    }  # fmt: skip
    return [place, _words("说明（门牌、参照物）", must=False)]


def _reclassify(case: Case) -> list[Field]:
    now = f"现在是：{case.get('category_name') or case.get('title') or ''}"
    asked = {"type": "category", "name": "data.category", "label": "改为哪一类", "must": True,
             "but": case.get("category")}  # fmt: skip
    return [_hint(now), asked, _words("为什么改", must=False)]


_FORMS: Final[dict[str, Any]] = {
    "untrue": lambda _case: _why("verify", "哪里不属实"),
    "reject": lambda _case: _why("reject"),
    "give": lambda case: [
        _unit("主办单位", kinds=_HANDLE, but=_lead_code(case)), _words("要求", must=False),
    ],
    "reassign": lambda case: [
        _unit("改派给哪个单位", kinds=_HANDLE, but=_lead_code(case)), *_why("reassign"),
    ],
    "rule": lambda _case: [
        _unit("裁定由哪个单位主办", kinds=_HANDLE),
        _hint("裁定后对方不能再退回，也不能再改派"),
        *_why("rule", "依据"),
    ],
    "feed_back": _feed_back,
    "fail_check": lambda _case: _why("fail_check", "哪里没有做好"),
    "reopen": lambda _case: _why("reopen", "为什么重启"),
    "escalate": lambda _case: _why("escalate", "为什么本级办不了"),
    "de_escalate": _de_escalate,
    "request": _request,
    "refuse": lambda _case: _why("refuse", "为什么不同意"),
    "urge": lambda _case: [_words("催办的话")],
    "supervise": lambda _case: [_choice("data.card", "督办牌", CARD_WORDS), _words("督办要求")],
    "instruct": _instruct,
    "reply": lambda _case: [_words("怎样落实批示")],
    "note": lambda _case: [_words("备注")],
    "add_support": _add_support,
    "remove_support": _remove_support,
    "share": lambda _case: [
        _unit("共享给哪个单位"), _moment("共享到", _SHARE_DAYS, usual=7), *_why("share"),
    ],
    "merge": _merge,
    "call_back": _call_back,
    "rate": _rate,
    "locate": _locate,
    "reclassify": _reclassify,
}  # fmt: skip
