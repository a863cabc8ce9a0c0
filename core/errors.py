"""Refusals a person can act on: a code for machines, a sentence for people."""

from __future__ import annotations


class DomainError(Exception):
    """A refusal; `sentence` is Chinese and says what to do, `details` never holds personal data."""

    code = "refused"
    status = 422
    sentence = "请求无法执行"

    def __init__(self, sentence: str = "", **details: object) -> None:
        self.sentence = sentence or self.sentence
        self.details = details
        super().__init__(self.sentence)


class Invalid(DomainError):
    """What was sent cannot be understood or used."""

    code = "invalid"
    sentence = "提交的内容有误，请检查后重试"


class SignInNeeded(DomainError):
    """Nobody is signed in."""

    code = "sign_in_needed"
    status = 401
    sentence = "请先登录"


class NotAllowed(DomainError):
    """The person is known and may not do this."""

    code = "not_allowed"
    status = 403
    sentence = "您的岗位不能执行此操作"


class NotFound(DomainError):
    """There is no such thing, or it is outside the caller's area; the two look the same."""

    code = "not_found"
    status = 404
    sentence = "没有找到，或不在您的管辖范围内"


class Conflict(DomainError):
    """Somebody else acted first."""

    code = "conflict"
    status = 409
    sentence = "刚被他人处理过，请刷新后再试"


class TooMany(DomainError):
    """Too many requests or attempts."""

    code = "too_many"
    status = 429
    sentence = "操作过于频繁，请稍后再试"


class Busy(DomainError):
    """A part of the platform is away for the moment; trying again is right."""

    code = "busy"
    status = 503
    sentence = "系统暂时繁忙，请稍后重试"
