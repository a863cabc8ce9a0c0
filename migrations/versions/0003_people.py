"""People (人员): units, posts, staff, accounts, sessions, keys, the rota and what is owed."""

from __future__ import annotations

from alembic import op

revision = "0003_people"
down_revision = "0002_geo"
branch_labels = None
depends_on = None

_ID = "id integer generated always as identity primary key"

_TABLES = {
    "units": f"""{_ID},
        code text not null unique,
        name text not null,
        short_name text not null,
        kind text not null check (kind in ('county', 'hall', 'town', 'village', 'department')),
        parent_id integer references units,
        town_code integer,
        village_code bigint,
        stationing text check (stationing in ('常驻', '轮驻', '随驻')),
        skills text[] not null default '{{}}'""",
    "posts": f"""{_ID},
        unit_id integer not null references units,
        kind text not null,
        name text not null,
        unique (unit_id, kind)""",
    "staff": f"""{_ID},
        code text not null unique,
        name text not null,
        unit_id integer not null references units,
        town_code integer,
        village_code bigint,
        skills text[] not null default '{{}}',
        attributes text[] not null default '{{}}',
        left_at timestamptz""",
    "staff_contacts": """
        staff_id integer not null references staff,
        channel text not null,
        address_enc bytea not null,
        verified_at timestamptz,
        primary key (staff_id, channel)""",
    "staff_posts": """
        staff_id integer not null references staff,
        post_id integer not null references posts,
        primary key (staff_id, post_id)""",
    "staff_cells": """
        staff_id integer not null references staff,
        cell_code bigint not null,
        primary key (staff_id, cell_code)""",
    "accounts": f"""{_ID},
        username text not null unique,
        password_hash text not null,
        role text not null,
        unit_id integer not null references units,
        staff_id integer references staff,
        totp_secret_enc bytea,
        demo boolean not null default false,
        created_at timestamptz not null,
        disabled_at timestamptz""",
    "sessions": """
        token_hash bytea primary key,
        account_id integer not null references accounts,
        kind text not null default 'browser' check (kind in ('browser', 'kiosk')),
        created_at timestamptz not null,
        seen_at timestamptz not null,
        expires_at timestamptz not null,
        revoked_at timestamptz,
        address text""",
    "lockouts": """
        key text primary key,
        failures integer not null check (failures > 0),
        last_failed_at timestamptz not null,
        locked_until timestamptz""",
    "api_keys": f"""{_ID},
        name text not null unique,
        key_hash bytea not null unique,
        scopes text[] not null default '{{}}',
        created_at timestamptz not null,
        revoked_at timestamptz""",
    "rota_shifts": f"""{_ID},
        post_id integer not null references posts,
        staff_id integer not null references staff,
        starts_at timestamptz not null,
        ends_at timestamptz not null,
        source text not null default 'rotation' check (source in ('rotation', 'override', 'swap')),
        check (ends_at > starts_at),
        constraint rota_shifts_one_at_a_time
            exclude using gist (post_id with =, tstzrange(starts_at, ends_at) with &&)""",
    "owed": """id bigint generated always as identity primary key,
        post_id integer not null references posts,
        unit_id integer not null references units,
        person integer references staff,
        kind text not null,
        subject text not null,
        title text not null default '',
        verb text not null default '',
        place text not null default '',
        level integer,
        colour text,
        due_at timestamptz,
        since timestamptz not null,
        note text,
        confidential boolean not null default false,
        unique nulls not distinct (post_id, person, kind, subject)""",
}

_INDEXES = (
    "units (parent_id)",
    "units (town_code)",
    "units (village_code)",
    "staff (unit_id)",
    "staff (village_code)",
    "staff_posts (post_id)",
    "staff_cells (cell_code)",
    "sessions (account_id)",
    "accounts (staff_id)",
    "accounts (unit_id)",
    "rota_shifts (staff_id)",
    "owed (unit_id)",
    "owed (person)",
    "owed (kind, subject)",
)

_OWN_PEOPLE = """yiwang.see_all() or unit_id = any(yiwang.units())
    or town_code = any(yiwang.towns()) or village_code = any(yiwang.villages())"""

_POLICIES = (
    f"""policy staff_seen on staff for select to yiwang_web
        using (id = yiwang.person() or {_OWN_PEOPLE})""",
    """policy contacts_seen on staff_contacts for select to yiwang_web
        using (staff_id in (select id from staff))""",
    """policy owed_seen on owed for select to yiwang_web
        using ((yiwang.see_all() and not confidential) or unit_id = any(yiwang.units())
            or person = yiwang.person())""",
    "policy worker_all on staff to yiwang_worker using (true) with check (true)",
    "policy worker_all on staff_contacts to yiwang_worker using (true) with check (true)",
    "policy worker_all on owed to yiwang_worker using (true) with check (true)",
)

# The two views run as their owner on purpose: whoever is signed in may know who is on duty, and
# a sign-in must find out who somebody is before it can say what that person may see.
_VIEWS = (
    """create view rota_named as
        select s.id, s.post_id, p.kind as post, p.name as post_name, p.unit_id, u.code as unit_code,
               s.staff_id, f.name as staff_name, s.starts_at, s.ends_at, s.source
        from rota_shifts s join posts p on p.id = s.post_id join units u on u.id = p.unit_id
             join staff f on f.id = s.staff_id""",
    """create view account_identities as
        select a.id, a.username, a.role, a.unit_id, u.code as area, u.kind as unit_kind,
               u.name as unit_name, u.town_code, u.village_code, a.staff_id,
               coalesce(f.name, u.short_name) as name, a.disabled_at,
               array(select c.id from units c where c.parent_id = u.id and u.kind = 'department')
                   as subunits,
               array(select c.cell_code from staff_cells c where c.staff_id = a.staff_id
                     order by 1) as cells,
               array(select p.id from posts p where p.unit_id = u.id order by p.id) as posts,
               array(select p.kind from posts p where p.unit_id = u.id order by p.id) as post_kinds
        from accounts a join units u on u.id = a.unit_id left join staff f on f.id = a.staff_id""",
)

# Work is owed by posts outside the area of the person whose act makes or ends it, so the two
# writes run as the owner; both tell which units and persons must look again.
_FUNCTIONS = (
    """create function yiwang.owe(
        for_post integer, for_person integer, of_kind text, of_subject text, entry jsonb)
    returns table (unit_id integer, person integer)
    language sql security definer set search_path = public, pg_temp as $$
        insert into owed as o (post_id, unit_id, person, kind, subject, title, verb, place, level,
            colour, due_at, since, note, confidential)
        select p.id, p.unit_id, for_person, of_kind, of_subject, entry->>'title', entry->>'verb',
            entry->>'place', (entry->>'level')::integer, entry->>'colour',
            (entry->>'due_at')::timestamptz, (entry->>'since')::timestamptz, entry->>'note',
            coalesce((entry->>'confidential')::boolean, false)
        from posts p where p.id = for_post
        on conflict (post_id, person, kind, subject) do update
            set title = excluded.title, verb = excluded.verb, place = excluded.place,
                level = excluded.level, colour = excluded.colour, due_at = excluded.due_at,
                note = excluded.note, confidential = excluded.confidential
            where (o.title, o.verb, o.place, o.level, o.colour, o.due_at, o.note, o.confidential)
                is distinct from (excluded.title, excluded.verb, excluded.place, excluded.level,
                excluded.colour, excluded.due_at, excluded.note, excluded.confidential)
        returning o.unit_id, o.person
    $$""",
    """create function yiwang.settle(of_kind text, of_subject text, at_post integer,
        by_person integer)
    returns table (unit_id integer, person integer)
    language sql security definer set search_path = public, pg_temp as $$
        delete from owed o where o.subject = of_subject and (of_kind is null or o.kind = of_kind)
            and (at_post is null or o.post_id = at_post)
            and (by_person is null or o.person = by_person)
        returning o.unit_id, o.person
    $$""",
)


def upgrade() -> None:
    """Make the tables, then say who may read which rows; only the owner adds units and staff."""
    for table, columns in _TABLES.items():
        op.execute(f"create table {table} ({columns})")
    for place in _INDEXES:
        table, columns = place.split(" ", 1)
        name = f"ix_{table}_" + columns.strip("()").replace(", ", "_")
        op.execute(f"create index {name} on {table} {columns}")
    for statement in (*_VIEWS, *_FUNCTIONS):
        op.execute(statement)
    for table in ("staff", "staff_contacts", "owed"):
        op.execute(f"alter table {table} enable row level security")
    for policy in _POLICIES:
        op.execute(f"create {policy}")
    _grant()


def _grant() -> None:
    both = "yiwang_web, yiwang_worker"
    readable = "units, posts, staff, staff_contacts, staff_posts, staff_cells, rota_shifts, owed"
    op.execute(f"grant select on {readable}, rota_named, account_identities to {both}")
    op.execute(f"grant select on accounts, sessions, api_keys, lockouts to {both}")
    op.execute("grant insert, delete on sessions to yiwang_web")
    op.execute("grant update (seen_at, revoked_at) on sessions to yiwang_web")
    op.execute("grant insert, update, delete on lockouts to yiwang_web")
    op.execute("grant update (password_hash) on accounts to yiwang_web")
    op.execute("grant delete on sessions, lockouts to yiwang_worker")
    for function in (
        "owe(integer, integer, text, text, jsonb)",
        "settle(text, text, integer, integer)",
    ):
        op.execute(f"revoke all on function yiwang.{function} from public")
        op.execute(f"grant execute on function yiwang.{function} to {both}")


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
