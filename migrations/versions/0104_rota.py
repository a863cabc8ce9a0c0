"""Rota (领导轮值): rotations, overrides, swaps, leave, handovers, calendar links."""

from __future__ import annotations

from alembic import op

revision = "0104_rota"
down_revision = "0103_staffing"
branch_labels = None
depends_on = None

_ID = "id integer generated always as identity primary key"

_TABLES = {
    "rota_rotations": f"""{_ID},
        post_id integer not null references posts,
        staff_ids integer[] not null check (cardinality(staff_ids) > 0),
        pattern text not null check (pattern in ('whole_day', 'day_night', 'weekly')),
        changes_on integer[] not null default '{{}}' check (changes_on <@ '{{1,2,3,4,5,6,7}}'),
        holiday_rule text not null default 'same'
            check (holiday_rule in ('same', 'holidays_apart', 'rest_apart')),
        starts_on date not null,
        stride integer not null default 1 check (stride between 1 and 50),
        offset_by integer not null default 0 check (offset_by between 0 and 500),
        on_call boolean not null default false,
        made_by text not null,
        made_at timestamptz not null,
        unique (post_id, starts_on)""",
    "rota_swaps": f"""{_ID},
        post_id integer not null references posts,
        first_staff integer not null references staff,
        first_starts_at timestamptz not null,
        first_ends_at timestamptz not null,
        second_staff integer not null references staff,
        second_starts_at timestamptz not null,
        second_ends_at timestamptz not null,
        note text not null default '',
        state text not null default 'asked'
            check (state in ('asked', 'applied', 'refused', 'withdrawn')),
        asked_by text not null,
        asked_at timestamptz not null,
        first_agreed_at timestamptz,
        second_agreed_at timestamptz,
        called integer not null default 0,
        decided_at timestamptz,
        check (first_staff <> second_staff),
        check (first_ends_at > first_starts_at and second_ends_at > second_starts_at),
        check (state <> 'applied' or (first_agreed_at is not null and second_agreed_at is not null))
        """,
    "rota_overrides": f"""{_ID},
        post_id integer not null references posts,
        kind text not null check (kind in ('add', 'remove', 'replace', 'swap')),
        staff_out integer references staff,
        staff_in integer references staff,
        starts_at timestamptz not null,
        ends_at timestamptz not null,
        reason text not null default '',
        swap_id integer references rota_swaps,
        made_by text not null,
        made_at timestamptz not null,
        ended_at timestamptz,
        check (ends_at > starts_at),
        check (kind = 'remove' or staff_in is not null),
        constraint rota_overrides_one_at_a_time
            exclude using gist (post_id with =, tstzrange(starts_at, ends_at) with &&)
            where (ended_at is null and kind <> 'add'),
        constraint rota_overrides_add_once
            exclude using gist (post_id with =, staff_in with =,
                tstzrange(starts_at, ends_at) with &&)
            where (ended_at is null and kind = 'add')""",
    "rota_months": """
        unit_id integer not null references units,
        month date not null check (extract(day from month) = 1),
        draft integer not null default 1,
        saved_by text not null,
        saved_at timestamptz not null,
        primary key (unit_id, month)""",
    "staff_leave": f"""{_ID},
        staff_id integer not null references staff,
        starts_at timestamptz not null,
        ends_at timestamptz not null,
        reason text not null default '',
        approved_by text not null,
        approved_at timestamptz not null,
        check (ends_at > starts_at),
        constraint staff_leave_once
            exclude using gist (staff_id with =, tstzrange(starts_at, ends_at) with &&)""",
    "handovers": f"""{_ID},
        unit_id integer not null references units,
        number integer not null,
        post_id integer not null references posts,
        changes_at timestamptz not null,
        staff_out integer not null references staff,
        staff_in integer not null references staff,
        lists jsonb not null,
        notes jsonb not null default '[]',
        signed_by text,
        signed_at timestamptz,
        signature_out text,
        taken_by text,
        taken_at timestamptz,
        signature_in text,
        lapsed_at timestamptz,
        opened_at timestamptz not null,
        unique (unit_id, number),
        unique (post_id, changes_at),
        check (staff_out <> staff_in),
        check ((signed_at is null) = (signature_out is null)),
        check (taken_at is null or (signed_at is not null and signature_in is not null))""",
    "rota_links": f"""{_ID},
        account integer not null references accounts,
        staff_id integer references staff,
        post_id integer references posts,
        made_at timestamptz not null,
        revoked_at timestamptz,
        check ((staff_id is null) <> (post_id is null))""",
}

_INDEXES = (
    "rota_swaps (post_id)",
    "rota_swaps (first_staff)",
    "rota_swaps (second_staff)",
    "rota_overrides (swap_id)",
    "rota_links (account)",
)

# One holder at a time; whoever stands beside (加岗) is outside that rule. Nobody is in two places.
_SHIFTS = (
    "alter table rota_shifts drop constraint rota_shifts_source_check",
    """alter table rota_shifts add constraint rota_shifts_source_check
        check (source in ('rotation', 'override', 'swap', 'extra'))""",
    "alter table rota_shifts drop constraint rota_shifts_one_at_a_time",
    """alter table rota_shifts add constraint rota_shifts_one_at_a_time
        exclude using gist (post_id with =, tstzrange(starts_at, ends_at) with &&)
        where (source <> 'extra')""",
    """alter table rota_shifts add constraint rota_shifts_one_place
        exclude using gist (staff_id with =, tstzrange(starts_at, ends_at) with &&)""",
    "create index ix_rota_shifts_starts_at on rota_shifts (starts_at)",
)

# What has begun is history: neither login may change it, whatever the program believes.
_PLANS = """
create function yiwang.plans_for(at_post integer) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select (yiwang.see_all() and not yiwang.audits()) or exists (
    select from posts p where p.id = at_post and p.unit_id = any(yiwang.units()))
$$;
create function yiwang.plans_for_unit(of_unit integer) returns boolean
language sql stable as $$
  select (yiwang.see_all() and not yiwang.audits()) or of_unit = any(yiwang.units())
$$;
"""
# Whoever asks who is on duty must know how far a handover has come; its lists stay with its unit.
_VIEW = """create view rota_takeovers as
    select post_id, changes_at, staff_out, staff_in, signed_at, taken_at from handovers"""
# ids and times alone: whoever works here may know who is on duty and by which rule
_READ_BY_ALL = ("rota_shifts", "rota_rotations", "rota_months")
_POLICIES = (
    *(f"policy seen on {table} for select using (true)" for table in _READ_BY_ALL),
    """policy planned on rota_shifts for insert to yiwang_web
        with check (yiwang.plans_for(post_id) and ends_at > now())""",
    """policy unplanned on rota_shifts for delete to yiwang_web
        using (yiwang.plans_for(post_id) and starts_at > now())""",
    "policy planned_ahead on rota_shifts for insert to yiwang_worker with check (ends_at > now())",
    "policy cleared_ahead on rota_shifts for delete to yiwang_worker using (starts_at > now())",
    """policy planned on rota_rotations to yiwang_web
        using (yiwang.plans_for(post_id)) with check (yiwang.plans_for(post_id))""",
    """policy planned on rota_overrides to yiwang_web
        using (yiwang.see_all() or yiwang.plans_for(post_id))
        with check (yiwang.plans_for(post_id))""",
    """policy planned on rota_months to yiwang_web
        using (yiwang.plans_for_unit(unit_id)) with check (yiwang.plans_for_unit(unit_id))""",
    """policy swapped on rota_swaps to yiwang_web
        using (yiwang.see_all() or yiwang.plans_for(post_id)
            or yiwang.person() in (first_staff, second_staff))
        with check (yiwang.plans_for(post_id) or yiwang.person() in (first_staff, second_staff))""",
    """policy away on staff_leave to yiwang_web
        using (staff_id in (select id from staff)) with check (staff_id in (select id from staff))
        """,
    """policy handed on handovers to yiwang_web
        using (yiwang.see_all() or yiwang.plans_for(post_id))
        with check (yiwang.plans_for(post_id))""",
    "policy linked on rota_links to yiwang_web using (true) with check (true)",
    *(
        f"policy worker_all on {table} to yiwang_worker using (true) with check (true)"
        for table in ("rota_overrides", "rota_months", "rota_swaps", "staff_leave", "handovers")
    ),
)
_GRANTS = (
    "grant select on rota_takeovers to yiwang_web, yiwang_worker",
    (
        "grant select on rota_rotations, rota_overrides, rota_swaps, rota_months, staff_leave,"
        " handovers, rota_links to yiwang_web, yiwang_worker"
    ),
    "grant insert, delete on rota_shifts to yiwang_web, yiwang_worker",
    (
        "grant insert on rota_rotations, rota_overrides, rota_swaps, rota_months, staff_leave,"
        " handovers, rota_links to yiwang_web"
    ),
    (
        "grant update (staff_ids, pattern, changes_on, holiday_rule, stride, offset_by, on_call,"
        " made_by, made_at) on rota_rotations to yiwang_web"
    ),
    "grant update (ended_at) on rota_overrides to yiwang_web",
    (
        "grant update (state, first_agreed_at, second_agreed_at, called, decided_at) on rota_swaps"
        " to yiwang_web"
    ),
    "grant update (draft, saved_by, saved_at) on rota_months to yiwang_web",
    (
        "grant update (lists, notes, signed_by, signed_at, signature_out, taken_by, taken_at,"
        " signature_in) on handovers to yiwang_web"
    ),
    "grant update (lapsed_at) on handovers to yiwang_worker",
    "grant update (revoked_at) on rota_links to yiwang_web",
    (
        "grant execute on function yiwang.plans_for(integer), yiwang.plans_for_unit(integer)"
        " to yiwang_web"
    ),
)


def upgrade() -> None:
    """Make the tables, let a post hold a second person beside, lock what has begun."""
    for table, columns in _TABLES.items():
        op.execute(f"create table {table} ({columns})")
    for place in _INDEXES:
        table, columns = place.split(" ", 1)
        name = f"ix_{table}_" + columns.strip("()").replace(", ", "_")
        op.execute(f"create index {name} on {table} {columns}")
    for statement in (*_SHIFTS, _PLANS, _VIEW):
        op.execute(statement)
    for table in ("rota_shifts", *_TABLES):
        op.execute(f"alter table {table} enable row level security")
    for policy in _POLICIES:
        op.execute(f"create {policy}")
    for grant in _GRANTS:
        op.execute(grant)


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
