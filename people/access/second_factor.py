"""The second factor (双因素): bind an authenticator, ask for its code, reset it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from core import audit, crypto
from core.errors import Conflict, Invalid, NotFound
from people.access import queries_accounts as accounts
from people.access import queries_factor as queries
from people.access import totp
from people.roles import Role
from people.scope import Actor

REQUIRED_OF: frozenset[Role] = frozenset({Role.COUNTY_COMMAND, Role.ADMIN})
_SECRET = "totp_secret"  # noqa: S105  what the sealed column is for, not a secret
_RECOVERY = "recovery_code"


class WrongCode(Invalid):
    """The code is not the authenticator's of this moment, or was used already."""

    code = "wrong_code"
    sentence = "动态口令不对，或已经用过：请等新的口令出现后再输入"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator needs; shown once, while binding."""

    secret: str
    uri: str


def begin(session: Session, account: int, *, actor: str, at: datetime) -> Enrolment:
    """Make a new secret for an account that has none in force; a half-made one is replaced."""
    factor = queries.lock_factor(session, account)
    if factor.totp_confirmed_at is not None:
        raise Conflict("已绑定动态口令；更换手机请联系系统管理员重置")
    secret = totp.new_secret()
    queries.put_secret(session, account, crypto.encrypt(secret, _SECRET))
    audit.record(
        session, "totp.begun", subject=factor.username, actor=actor, account=account, at=at
    )
    return Enrolment(secret, totp.provisioning_uri(secret, username=factor.username))


def is_bound(session: Session, account: int) -> bool:
    """Tell whether an account has a second factor in force."""
    return queries.lock_factor(session, account).totp_confirmed_at is not None


def under_way(session: Session, account: int) -> Enrolment | None:
    """Return the binding that was begun and not confirmed, to show its picture again."""
    factor = queries.lock_factor(session, account)
    if factor.totp_confirmed_at is not None or factor.totp_secret_enc is None:
        return None
    secret = crypto.decrypt(factor.totp_secret_enc, _SECRET)
    return Enrolment(secret, totp.provisioning_uri(secret, username=factor.username))


def confirm(session: Session, account: int, code: str, *, actor: str, at: datetime) -> list[str]:
    """Put the secret in force by its first code; returns the recovery codes, shown this once."""
    factor = queries.lock_factor(session, account)
    if factor.totp_confirmed_at is not None:
        raise Conflict("已绑定动态口令；更换手机请联系系统管理员重置")
    if factor.totp_secret_enc is None:
        raise NotFound("还没有开始绑定：请先获取二维码")
    secret = crypto.decrypt(factor.totp_secret_enc, _SECRET)
    step = totp.step_of(secret, totp.tidy(code), at=at, after=None)
    if step is None:
        raise WrongCode
    codes = totp.new_recovery_codes()
    queries.confirm_factor(session, account, step=step, at=at)
    queries.put_recovery_codes(
        session, account, [crypto.keyed_hash(each, _RECOVERY) for each in codes]
    )
    audit.record(
        session, "totp.bound", subject=factor.username, actor=actor, account=account, at=at
    )
    return codes


def passes(session: Session, account: int, code: str, *, at: datetime) -> bool:
    """Tell whether a code proves an account, and use it up: neither kind works twice."""
    given = totp.tidy(code)
    if totp.is_recovery_code(given):
        known = crypto.keyed_hashes(given, _RECOVERY)  # codes outlive a rotation of the hash key
        return any(queries.use_recovery_code(session, account, each, at=at) for each in known)
    factor = queries.lock_factor(session, account)
    if factor.totp_secret_enc is None:
        return False
    secret = crypto.decrypt(factor.totp_secret_enc, _SECRET)
    step = totp.step_of(secret, given, at=at, after=factor.totp_last_step)
    if step is None:
        return False
    queries.use_step(session, account, step)
    return True


def reset(session: Session, username: str, *, actor: Actor, at: datetime) -> None:
    """Unbind somebody's authenticator; only an administrator does this, and it is on record."""
    account = accounts.account_named(session, username)
    if account is None:
        raise NotFound(f"没有账号 {username}")
    queries.clear_factor(session, account.id)
    accounts.end_sessions(session, account.id, at=at)
    audit.record(
        session,
        "totp.reset",
        subject=username,
        actor=actor.name,
        account=actor.account,
        before={"bound": account.totp_confirmed_at is not None},
        after={"bound": False},
        at=at,
    )
