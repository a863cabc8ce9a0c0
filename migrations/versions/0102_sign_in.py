"""Sign-in (登录): one-time codes, sessions that can be named, kiosk links, keys with limits."""

from __future__ import annotations

from alembic import op

revision = "0102_sign_in"
down_revision = "0101_audit_chain"
branch_labels = None
depends_on = None

_KIOSKS = """create table kiosks (
    id integer generated always as identity primary key,
    name text not null,
    area text not null check (area ~ '^(\\d{6}|\\d{9}|\\d{12})$'),
    token_hash bytea not null unique,
    created_at timestamptz not null,
    created_by integer references accounts,
    expires_at timestamptz not null,
    exchanged_at timestamptz,
    revoked_at timestamptz)"""

_TABLES = (
    """alter table accounts
        add totp_confirmed_at timestamptz,
        add totp_last_step bigint,
        add password_changed_at timestamptz""",
    """create table recovery_codes (
        account_id integer not null references accounts on delete cascade,
        code_hash bytea not null,
        used_at timestamptz,
        primary key (account_id, code_hash))""",
    _KIOSKS,
    """alter table sessions
        add id uuid not null default gen_random_uuid() unique,
        add device text,
        add kiosk_id integer references kiosks,
        alter account_id drop not null,
        drop constraint sessions_kind_check,
        add constraint sessions_kind_check check (kind in ('browser', 'kiosk', 'enrolment')),
        add constraint sessions_one_holder check (num_nonnulls(account_id, kiosk_id) = 1)""",
    "create index ix_sessions_kiosk_id on sessions (kiosk_id) where kiosk_id is not null",
    """alter table api_keys
        add rate_per_minute integer check (rate_per_minute > 0),
        add expires_at timestamptz,
        add created_by integer references accounts""",
    """create table api_key_uses (
        key_id integer primary key references api_keys on delete cascade,
        used_at timestamptz not null)""",
)

# A row policy cannot tell columns apart: what decides who somebody is changes for administrators.
_GUARD = (
    """create function yiwang.guard_accounts() returns trigger language plpgsql as $$
    begin
        if current_user = 'yiwang_web' and not yiwang.administers()
           and (new.username, new.role, new.unit_id, new.staff_id, new.disabled_at)
               is distinct from (old.username, old.role, old.unit_id, old.staff_id,
                                 old.disabled_at) then
            raise insufficient_privilege using message = 'only an administrator changes an account';
        end if;
        return new;
    end $$""",
    """create trigger guard_accounts before update on accounts
        for each row execute function yiwang.guard_accounts()""",
)

_GUARDED = ("accounts", "api_keys", "kiosks")
_POLICIES = (
    *(
        f"""create policy {table}_read on {table} for select to yiwang_web, yiwang_worker
            using (true)"""
        for table in _GUARDED
    ),
    *(
        f"""create policy {table}_added on {table} for insert to yiwang_web
            with check (yiwang.administers())"""
        for table in _GUARDED
    ),
    "create policy accounts_changed on accounts for update to yiwang_web using (true)",
    """create policy api_keys_changed on api_keys for update to yiwang_web
        using (yiwang.administers())""",
    # the exchange of a link for a session is made by a browser nobody has signed in to
    "create policy kiosks_changed on kiosks for update to yiwang_web using (true)",
)

_GRANTS = (
    """grant insert (username, password_hash, role, unit_id, staff_id, demo, created_at),
        update (role, unit_id, staff_id, disabled_at, totp_secret_enc, totp_confirmed_at,
                totp_last_step, password_changed_at) on accounts to yiwang_web""",
    "grant select, insert, delete, update (used_at) on recovery_codes to yiwang_web",
    """grant select, insert, update (token_hash, expires_at, exchanged_at, revoked_at)
        on kiosks to yiwang_web""",
    "grant select on kiosks to yiwang_worker",
    "grant insert, update (revoked_at, rate_per_minute, scopes) on api_keys to yiwang_web",
    "grant select, insert, update on api_key_uses to yiwang_web",
)


def upgrade() -> None:
    """Add to the tables, say who may change which rows; accounts, keys and links by admins."""
    for statement in (*_TABLES, *_GUARD):
        op.execute(statement)
    for table in _GUARDED:
        op.execute(f"alter table {table} enable row level security")
    for statement in (*_POLICIES, *_GRANTS):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
