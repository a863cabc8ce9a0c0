"""Ledger (台账链): the hash chain of each case, seals over all of them; evidence (附件).

A trigger chains every entry, whoever writes it and however; only the report's one statement, the
busiest, chains its own first line, which has none before it. What people said, who acted and who
reported stand in the chain as salted commitments only, so that a salt can be erased with its words
and a key can be rotated, and the chain still holds. The queue `ledger_fresh` gives the sealing job
what has been committed since, in any order.
"""

from __future__ import annotations

from alembic import op

revision = "0106_ledger"
down_revision = "0105_sharing"
branch_labels = None
depends_on = None

TABLES = """
alter table timeline_entries
  add column salts bytea[], add column commitments bytea[], add column hash bytea;
create table ledger_fresh (incident_id uuid not null, seq int not null, hash bytea not null);
create table ledger_seals (
  n bigint primary key, sealed_at timestamptz not null, cases int not null,
  digest bytea not null, hash bytea not null
);
create table ledger_leaves (
  incident_id uuid not null, seq int not null, hash bytea not null, seal bigint not null,
  number text, primary key (incident_id, seq)
);
create index ix_ledger_leaves_seal on ledger_leaves (seal);
"""

FUNCTIONS = """
create function yiwang.commitment(salt bytea, said jsonb) returns bytea
language sql stable parallel safe as $$
  select sha256(salt || convert_to(said::text, 'UTF8'))
$$;
create function yiwang.line_hash(prev bytea, incident_id uuid, seq int, recorded_at timestamptz,
  commitments bytea[], action text, status_before text, status_after text, actor_role text,
  person int, account int, on_behalf text, unit_id int, reason_code text,
  claimed_at timestamptz, data jsonb) returns bytea
language sql stable parallel safe as $$
  select sha256(coalesce(prev, '\\x00'::bytea) || uuid_send(incident_id) || int4send(seq)
    || timestamptz_send(recorded_at) || array_send(commitments)
    || convert_to(concat_ws(E'\\x1f', action, coalesce(status_before, ''), status_after,
         actor_role, coalesce(person, 0), coalesce(account, 0),
         coalesce(on_behalf, ''), coalesce(unit_id, 0), coalesce(reason_code, ''),
         coalesce((date_part('epoch', claimed_at) * 1000000)::bigint, 0), data::text),
       'UTF8'))
$$;
create function yiwang.entry_hash(prev bytea, e timeline_entries) returns bytea
language sql stable parallel safe as $$
  select yiwang.line_hash(prev, e.incident_id, e.seq, e.recorded_at, e.commitments, e.action,
    e.status_before, e.status_after, e.actor_role, e.person, e.account, e.on_behalf, e.unit_id,
    e.reason_code, e.claimed_at, e.data)
$$;
create function yiwang.chain_entry() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare prev bytea;
begin
  new.salts := array[new.salts[1], uuid_send(gen_random_uuid()), new.salts[3]];
  new.commitments := array[new.commitments[1],
    yiwang.commitment(new.salts[2], to_jsonb(new.actor_name)), new.commitments[3]];
  if new.commitments[1] is null and (new.note is not null or new.photos <> '[]') then
    new.salts[1] := uuid_send(gen_random_uuid());
    new.commitments[1] :=
      yiwang.commitment(new.salts[1], jsonb_build_array(new.note, new.photos));
  end if;
  if new.seq > 1 then
    select e.hash into prev from timeline_entries e
    where e.incident_id = new.incident_id and e.seq < new.seq order by e.seq desc limit 1;
  end if;
  new.hash := yiwang.entry_hash(prev, new);
  insert into ledger_fresh values (new.incident_id, new.seq, new.hash);
  return new;
end $$;
revoke all on function yiwang.chain_entry() from public;
"""

# what was written before the ledger stood is chained as it is found; the first line learns what
# deadlines are reckoned from
BACKFILL = """
update timeline_entries e set data = e.data || jsonb_build_object(
    'category_version', i.category_version,
    'holder_unit', (select u.id from units u where u.code = coalesce(i.town_code::text, '430121')))
from incidents i where i.id = e.incident_id and e.seq = 1;
do $$
declare
  e timeline_entries;
  prev bytea;
  prev_id uuid;
  said jsonb;
begin
  for e in select * from timeline_entries order by incident_id, seq loop
    if e.incident_id is distinct from prev_id then prev := null; end if;
    said := null;
    if e.action in ('report', 'report_done') then
      select jsonb_build_array(i.description, i.address, i.attributes, e.note, e.photos)
        into said from incidents i where i.id = e.incident_id;
    elsif e.note is not null or e.photos <> '[]' then
      said := jsonb_build_array(e.note, e.photos);
    end if;
    e.salts := array[case when said is not null then uuid_send(gen_random_uuid()) end,
                     uuid_send(gen_random_uuid()), e.salts[3]];
    e.commitments := array[yiwang.commitment(e.salts[1], said),
                           yiwang.commitment(e.salts[2], to_jsonb(e.actor_name)), e.commitments[3]];
    e.hash := yiwang.entry_hash(prev, e);
    update timeline_entries t set salts = e.salts, commitments = e.commitments, hash = e.hash
      where t.incident_id = e.incident_id and t.seq = e.seq;
    insert into ledger_fresh values (e.incident_id, e.seq, e.hash);
    prev := e.hash;
    prev_id := e.incident_id;
  end loop;
end $$;
alter table timeline_entries alter column hash set not null;
create trigger chained before insert on timeline_entries
  for each row when (new.hash is null) execute function yiwang.chain_entry();
"""

EVIDENCE = """
create table evidence (
  id uuid primary key, incident_id uuid, seq int,
  kind text not null check (kind in ('before', 'after', 'document')), before_id uuid,
  digest bytea not null, width int not null, height int not null, bytes int not null,
  looks bigint, taken_at timestamptz, captured_at timestamptz,
  lon float8, lat float8, accuracy_m float8, distance_m float8,
  placed_by text check (placed_by in ('capture', 'exif')), reused_of uuid,
  uploaded_at timestamptz not null, uploaded_by text not null,
  account int, person int, unit_id int
);
create index ix_evidence_incident_id on evidence (incident_id);
create index ix_evidence_uploaded_at on evidence (uploaded_at) include (looks, incident_id);
alter table evidence enable row level security;
create policy everything on evidence to yiwang_worker using (true) with check (true);
create policy seen on evidence for select to yiwang_web using (
  incident_id is null and person = (select yiwang.person())
  or exists (select from incidents i where i.id = evidence.incident_id));
create policy added on evidence for insert to yiwang_web with check (true);
create policy bound on evidence for update to yiwang_web using (
  incident_id is null and person = (select yiwang.person())
  or exists (select from incidents i where i.id = evidence.incident_id)) with check (true);
grant select, insert on evidence to yiwang_web, yiwang_worker;
grant update (incident_id, seq) on evidence to yiwang_web, yiwang_worker;

create function yiwang.photo_like(
  p_looks bigint, p_incident uuid, p_since timestamptz, p_most int
) returns uuid language sql stable security definer set search_path = public, pg_temp as $$
  select e.id from (
    select v.id, bit_count((v.looks # p_looks)::bit(64)) as apart from evidence v
    where v.uploaded_at >= p_since and v.looks is not null
      and v.incident_id is distinct from p_incident
  ) e where e.apart <= p_most order by e.apart, e.id limit 1
$$;
revoke all on function yiwang.photo_like(bigint, uuid, timestamptz, int) from public;
grant execute on function yiwang.photo_like(bigint, uuid, timestamptz, int)
  to yiwang_web, yiwang_worker;
"""

_REPORTED = """
select e.incident_id, i.reporter_name_enc, i.reporter_phone_enc
from timeline_entries e join incidents i on i.id = e.incident_id
where e.seq = 1 and (i.reporter_name_enc is not null or i.reporter_phone_enc is not null)
"""
_COMMITTED = """
update timeline_entries set salts = array[null, null, %(salt)s]::bytea[],
  commitments = array[null, null, %(commitment)s]::bytea[]
where incident_id = %(id)s and seq = 1
"""


def upgrade() -> None:
    """Chain what stands, then everything that comes."""
    op.execute(TABLES)
    op.execute(FUNCTIONS)
    _commit_to_reporters()
    op.execute(BACKFILL)
    op.execute(EVIDENCE)
    for table in ("ledger_fresh", "ledger_seals", "ledger_leaves"):
        op.execute(f"alter table {table} enable row level security")
        op.execute(
            f"create policy everything on {table} to yiwang_worker using (true) with check (true)"
        )
    op.execute("grant select, insert on ledger_seals, ledger_leaves to yiwang_worker")
    op.execute("grant select, insert, delete on ledger_fresh to yiwang_worker")
    op.execute("grant insert on ledger_fresh to yiwang_web")
    op.execute("create policy added on ledger_fresh for insert to yiwang_web with check (true)")


def _commit_to_reporters() -> None:
    """Bind the reporters of stored cases, whose names only this program can read."""
    from core import crypto  # noqa: PLC0415  only where a database with cases is upgraded
    from dispatch.incidents.chain import bind_reporter  # noqa: PLC0415

    connection = op.get_bind()
    for row in connection.exec_driver_sql(_REPORTED).all():
        name, phone = row.reporter_name_enc, row.reporter_phone_enc
        salt, commitment = bind_reporter(
            crypto.decrypt(name, "reporter_name") if name else None,
            crypto.decrypt(phone, "reporter_phone") if phone else None,
        )
        values = {"salt": salt, "commitment": commitment, "id": row.incident_id}
        connection.exec_driver_sql(_COMMITTED, values)


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
