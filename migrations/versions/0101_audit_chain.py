"""Audit (审计): a digest in every row, seals over rows, who may read which."""

from __future__ import annotations

from alembic import op

revision = "0101_audit_chain"
down_revision = "0090_gis_views"
branch_labels = None
depends_on = None

ACCESS_FUNCTIONS = """
create function yiwang.administers() returns boolean language sql stable parallel safe as
  $$ select coalesce(current_setting('yiwang.administers', true), '') = 'on' $$;
create function yiwang.audits() returns boolean language sql stable parallel safe as
  $$ select coalesce(current_setting('yiwang.audits', true), '') = 'on' $$;
create function yiwang.is_administrative(p_action text) returns boolean
language sql immutable parallel safe as $$
  select split_part(p_action, '.', 1) in (
    'account', 'audit', 'calendar', 'catalogue', 'cells', 'grid', 'job', 'key', 'keys', 'kiosk',
    'kiosks', 'lockout', 'people', 'person', 'post', 'posts', 'presence', 'privacy', 'role',
    'rota', 'rule', 'rules', 'session', 'sessions', 'staff', 'stationing', 'totp', 'unit', 'units')
$$;
"""

# The transaction takes its number before the row does: see `core.seals.seal`.
ROWS = """
create sequence audit_ids as bigint;
select setval('audit_ids', greatest((select max(id) from audit), 1),
              (select count(*) > 0 from audit));
alter table audit alter column id drop identity;
alter sequence audit_ids owned by audit.id;
alter table audit add column salt bytea, add column digest bytea;
update audit set salt = uuid_send(gen_random_uuid());
update audit set digest = DIGEST_OF_AUDIT;
alter table audit alter column salt set not null, alter column digest set not null;
create index ix_audit_actor on audit (actor, id);
create index ix_audit_action on audit (action, id);

create function yiwang.enter_audit() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform pg_current_xact_id();
  new.id := nextval('audit_ids');
  new.salt := uuid_send(gen_random_uuid());
  new.digest := DIGEST_OF_NEW;
  return new;
end $$;
create trigger enter before insert on audit for each row execute function yiwang.enter_audit();

create function yiwang.keep_audit() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and old.at < now() - interval '180 days' then return old; end if;
  raise exception 'audit rows never change and are kept for 180 days'
    using errcode = 'restrict_violation';
end $$;
create trigger keep before update or delete on audit
  for each row execute function yiwang.keep_audit();
create trigger keep_all before truncate on audit
  for each statement execute function yiwang.keep_audit();

create index ix_audit_account on audit (account, at) where account is not null;
create function yiwang.times_audited(p_account int, p_actions text[], p_since timestamptz)
returns bigint
language sql stable security definer set search_path = public, pg_temp as $$
  select count(*) from audit a
  where a.account = p_account and a.at >= p_since and a.action = any(p_actions)
$$;
revoke all on function yiwang.times_audited(int, text[], timestamptz) from public;
grant execute on function yiwang.times_audited(int, text[], timestamptz) to yiwang_web;

drop policy read_all on audit;
create policy read_as_auditor on audit for select to yiwang_web using ((select yiwang.audits()));
create policy read_as_administrator on audit for select to yiwang_web
  using ((select yiwang.administers()) and yiwang.is_administrative(action));
"""

DIGEST = """sha256({row}.salt || convert_to(jsonb_build_array({row}.id,
    extract(epoch from {row}.at), {row}.actor, {row}.account, {row}.on_behalf, {row}.origin,
    {row}.action, {row}.subject, {row}.before, {row}.after)::text, 'UTF8'))"""

SEALS = """
create table audit_seals (
  n bigint primary key, after_id bigint not null, last_id bigint not null,
  ids bigint[] not null, digests bytea not null, newest_at timestamptz,
  sealed_at timestamptz not null, mac bytea not null, pruned_at timestamptz
);
create table audit_marks (
  id int primary key check (id = 1), up_to bigint not null, horizon text not null
);
grant select, insert on audit_seals to yiwang_worker;
grant select, insert, update on audit_marks to yiwang_worker;
grant select on audit_seals to yiwang_web;
grant select on sequence audit_ids to yiwang_worker;
"""


def upgrade() -> None:
    """Seal what is there, and from now on every row as it comes."""
    op.execute(ACCESS_FUNCTIONS)
    rows = ROWS.replace("DIGEST_OF_AUDIT", DIGEST.format(row="audit"))
    op.execute(rows.replace("DIGEST_OF_NEW", DIGEST.format(row="new")))
    op.execute(SEALS)


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
