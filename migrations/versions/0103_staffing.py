"""Staffing (人员管理): units of the hall, presence calendar, posts over time, who may edit."""

from __future__ import annotations

from alembic import op

revision = "0103_staffing"
down_revision = "0102_sign_in"
branch_labels = None
depends_on = None

UNITS = """
alter table units drop constraint units_kind_check;
alter table units add constraint units_kind_check check (kind in ('county', 'hall', 'zone',
  'studio', 'town', 'village', 'department', 'third_party'));
alter table units add column edited_at timestamptz, add column closed_at timestamptz;

create table presence_patterns (
  id int generated always as identity primary key,
  unit_id int not null references units,
  weekday int not null check (weekday between 1 and 7),
  half text not null check (half in ('am', 'pm')),
  valid_from date not null,
  valid_to date,
  check (valid_to is null or valid_to >= valid_from)
);
create unique index uq_presence_patterns_open on presence_patterns (unit_id, weekday, half)
  where valid_to is null;
create index ix_presence_patterns_unit_id on presence_patterns (unit_id);

create table presence_exceptions (
  unit_id int not null references units,
  day date not null,
  half text not null check (half in ('am', 'pm')),
  present boolean not null,
  reason text not null check (reason <> ''),
  noted_by text not null,
  noted_at timestamptz not null,
  primary key (unit_id, day, half)
);
create index ix_presence_exceptions_day on presence_exceptions (day);
"""

STAFF = """
alter table staff add column party_branch text;
alter table staff_posts drop constraint staff_posts_pkey;
alter table staff_posts
  add column id bigint generated always as identity primary key,
  add column valid_from timestamptz not null default now(),
  add column valid_to timestamptz,
  add constraint staff_posts_times_check check (valid_to is null or valid_to >= valid_from);
create unique index uq_staff_posts_held on staff_posts (staff_id, post_id) where valid_to is null;
create index ix_staff_posts_staff_id on staff_posts (staff_id);
alter table staff_cells add column since timestamptz not null default now();
create index ix_staff_town_code on staff (town_code);

create table staff_imports (
  id int generated always as identity primary key,
  job_id bigint not null references long_jobs,
  file_name text not null,
  state text not null check (state in ('checking', 'checked', 'refused', 'loading', 'done',
    'cancelled')),
  content_enc bytea,
  rows_enc bytea,
  findings jsonb not null default '[]',
  good int not null default 0,
  outcome jsonb not null default '{}',
  account int,
  uploaded_by text not null,
  uploaded_at timestamptz not null
);
create index ix_staff_imports_job_id on staff_imports (job_id);
"""

# Everyone may know which units, posts and presences there are, and whose cell is whose (names
# stay behind the policy of staff); an administrator alone writes them from the web process.
EVERYONE_READS = (
    "units", "posts", "staff_posts", "staff_cells", "presence_patterns", "presence_exceptions",
)  # fmt: skip
ADMINISTERED = (*EVERYONE_READS, "staff", "staff_contacts", "staff_imports")
CONTENT_OF_WORKER = (*EVERYONE_READS, "staff_imports")
GRANTS = """
grant insert, update on units, posts, staff, staff_posts, presence_patterns to yiwang_web;
grant insert, update, delete on staff_contacts, staff_cells, presence_exceptions to yiwang_web;
grant insert, update on staff, staff_posts to yiwang_worker;
grant insert, update, delete on staff_contacts, staff_cells to yiwang_worker;
grant select on presence_patterns, presence_exceptions to yiwang_web, yiwang_worker;
grant select, insert, update on staff_imports to yiwang_web, yiwang_worker;
"""

# An administrator sees no case and changes no password here: how many orders somebody still
# holds, and that a person's accounts go where the person goes, is all that is answered.
FUNCTIONS = """
create function yiwang.open_orders_of(of_staff integer) returns bigint
language sql stable security definer set search_path = public, pg_temp as $$
  select count(*) from orders where staff_id = of_staff and yiwang.administers()
    and status not in ('done', 'declined', 'recalled')
$$;
create function yiwang.accounts_follow(of_staff integer, to_unit integer, at timestamptz)
returns setof text
language sql security definer set search_path = public, pg_temp as $$
  with ended as (
    update sessions set revoked_at = at where revoked_at is null and yiwang.administers()
      and account_id in (select id from accounts where staff_id = of_staff)
  )
  update accounts set unit_id = coalesce(to_unit, unit_id),
    disabled_at = case when to_unit is null then at else disabled_at end
  where staff_id = of_staff and disabled_at is null and yiwang.administers()
  returning username
$$;
revoke all on function yiwang.open_orders_of(integer) from public;
revoke all on function yiwang.accounts_follow(integer, integer, timestamptz) from public;
grant execute on function yiwang.open_orders_of(integer) to yiwang_web, yiwang_worker;
grant execute on function yiwang.accounts_follow(integer, integer, timestamptz)
  to yiwang_web, yiwang_worker;
"""


def upgrade() -> None:
    """Widen units and staff, then say who may read and who may edit them."""
    for block in (UNITS, STAFF):
        op.execute(block)
    for table in {*ADMINISTERED} - {"staff", "staff_contacts"}:
        op.execute(f"alter table {table} enable row level security")
    for table in EVERYONE_READS:
        op.execute(f"create policy seen on {table} for select using (true)")
    for table in ADMINISTERED:
        op.execute(
            f"create policy administered on {table} to yiwang_web"
            " using ((select yiwang.administers())) with check ((select yiwang.administers()))"
        )
    for table in CONTENT_OF_WORKER:
        op.execute(
            f"create policy worker_all on {table} to yiwang_worker using (true) with check (true)"
        )
    op.execute(GRANTS)
    op.execute(FUNCTIONS)


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
