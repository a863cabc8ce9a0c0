"""Proof of one case (逐案核验): whoever sees a case reads how it was sealed and has it proved.

A seal covers cases of the whole county. Whether it holds is reckoned for anybody who asks about a
case under it; of the other cases nothing is told but that.
"""

from __future__ import annotations

from alembic import op

revision = "0117_case_proof"
down_revision = "0116_editions_return"
branch_labels = None
depends_on = None

ACCESS = """
create policy seen on ledger_leaves for select to yiwang_web
  using (exists (select from incidents i where i.id = ledger_leaves.incident_id));
create policy seen on ledger_fresh for select to yiwang_web
  using (exists (select from incidents i where i.id = ledger_fresh.incident_id));
create policy seen on ledger_seals for select to yiwang_web using (true);
grant select on ledger_leaves, ledger_fresh, ledger_seals to yiwang_web;
"""

SEALS = """
create function yiwang.seals_over(p_case uuid) returns table (
  n bigint, seq int, sealed_at timestamptz, hash bytea, cases int, found int,
  missing boolean, skipped boolean, changed boolean, differs boolean
) language sql stable security definer set search_path = public, pg_temp as $$
  select l.seal, l.seq, s.sealed_at, s.hash, s.cases, coalesce(f.cases, 0),
    s.n is null, l.seal > 1 and p.n is null,
    coalesce(s.hash <> sha256(coalesce(p.hash, ''::bytea) || int8send(s.n)
      || timestamptz_send(s.sealed_at) || int4send(s.cases) || s.digest), false),
    s.n is not null and (f.cases is distinct from s.cases or f.digest is distinct from s.digest)
  from ledger_leaves l
  left join ledger_seals s on s.n = l.seal
  left join ledger_seals p on p.n = l.seal - 1
  left join lateral (
    select count(*)::int as cases, sha256(string_agg(
      uuid_send(o.incident_id) || int4send(o.seq) || o.hash, ''::bytea order by o.incident_id))
      as digest
    from ledger_leaves o where o.seal = l.seal
  ) f on true
  where l.incident_id = p_case order by l.seal
$$;
revoke all on function yiwang.seals_over(uuid) from public;
grant execute on function yiwang.seals_over(uuid) to yiwang_web, yiwang_worker;
"""


def upgrade() -> None:
    """Let the web read the leaves of the cases it sees, and reckon their seals."""
    op.execute(ACCESS)
    op.execute(SEALS)


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
