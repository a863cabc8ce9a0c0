"""Imports (批量导入): files of reports, their parts still to be stored, and their bad rows.

A file waits encrypted and is gone once it is stored; of a bad row its words stay encrypted until
they are forgotten. Whoever uploaded it, their unit and the county see it; a worker stores it.
"""

from __future__ import annotations

from alembic import op

revision = "0111_imports"
down_revision = "0110_posts"
branch_labels = None
depends_on = None

TABLES = """
create table incident_imports (
  id int generated always as identity primary key,
  job_id bigint references long_jobs,
  file_name text not null, digest bytea not null,
  state text not null check (state in
    ('reading', 'waiting', 'refused', 'loading', 'done', 'cancelled')),
  problem text not null default '',
  headings jsonb not null default '[]', columns jsonb not null default '[]',
  defaults jsonb not null default '{}', map_name text not null default '',
  sample_enc bytea,
  total int not null default 0, done int not null default 0, stored int not null default 0,
  repeated int not null default 0, refused int not null default 0,
  uploaded_by text not null, role text not null, account int, person int, unit_id int,
  on_behalf text, uploaded_at timestamptz not null, finished_at timestamptz
);
create index ix_incident_imports_unit_id on incident_imports (unit_id, id);
create index ix_incident_imports_job_id on incident_imports (job_id);
create table incident_import_parts (
  import_id int not null references incident_imports, n int not null, rows int not null,
  content_enc bytea not null, primary key (import_id, n)
);
create table incident_import_faults (
  import_id int not null references incident_imports, row int not null,
  heading text not null, problem text not null, cells_enc bytea,
  primary key (import_id, row)
);
"""
SEEN = """
  (select yiwang.see_all()) and not (select yiwang.audits())
  or unit_id = any ((select yiwang.units())::int[])
  or person = (select yiwang.person())
"""
ACCESS = f"""
alter table incident_imports enable row level security;
alter table incident_import_parts enable row level security;
alter table incident_import_faults enable row level security;
create policy everything on incident_imports to yiwang_worker using (true) with check (true);
create policy everything on incident_import_parts to yiwang_worker using (true) with check (true);
create policy everything on incident_import_faults to yiwang_worker using (true) with check (true);
create policy uploaded on incident_imports to yiwang_web using ({SEEN}) with check ({SEEN});
create policy uploaded on incident_import_parts for insert to yiwang_web
  with check (n < 0 and exists (select from incident_imports i where i.id = import_id));
create policy seen on incident_import_faults for select to yiwang_web
  using (exists (select from incident_imports i where i.id = import_id));
grant select, insert on incident_imports to yiwang_web, yiwang_worker;
grant update (state, columns, defaults, map_name) on incident_imports to yiwang_web;
grant update on incident_imports to yiwang_worker;
grant select, insert, delete, update (rows) on incident_import_parts to yiwang_worker;
grant insert on incident_import_parts to yiwang_web;
grant select on incident_import_faults to yiwang_web;
grant select, insert, update (cells_enc) on incident_import_faults to yiwang_worker;
"""


def upgrade() -> None:
    """Make the three tables, and say who reads and who stores."""
    op.execute(TABLES)
    op.execute(ACCESS)


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
