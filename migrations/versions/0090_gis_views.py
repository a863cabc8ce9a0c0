"""Schema `gis`: read-only views for GIS clients and BI, with their own role and policies.

The views run as their reader (security_invoker), who may read only the columns shown here and no
confidential case. The web login has no business in this schema.
"""

from __future__ import annotations

from alembic import op

revision = "0090_gis_views"
down_revision = "0007_delivery"
branch_labels = None
depends_on = None

GRID = """
create schema gis;
revoke all on schema gis from public;
grant usage on schema gis to gis_reader;

create view gis.towns with (security_invoker = true) as
  select code, name, code / 1000 as parent_code, area as geom
  from grid_towns where valid_to is null;
create view gis.villages with (security_invoker = true) as
  select code, name, town_code as parent_code, area as geom
  from grid_villages where valid_to is null;
create view gis.cells with (security_invoker = true) as
  select code, name, village_code as parent_code, area as geom
  from grid_cells where valid_to is null;
create function gis.cells_at(day date)
returns table (code bigint, name text, parent_code bigint, geom geometry)
language sql stable as $$
  with close as (select (day + 1)::timestamp at time zone 'Asia/Shanghai' as at)
  select c.code, c.name, c.village_code, c.area from grid_cells c, close
  where c.valid_from < close.at and (c.valid_to is null or c.valid_to >= close.at)
$$;
revoke all on function gis.cells_at(date) from public;
grant execute on function gis.cells_at(date) to gis_reader;
grant select (code, name, area, valid_from, valid_to) on grid_towns to gis_reader;
grant select (code, name, town_code, area, valid_from, valid_to) on grid_villages to gis_reader;
grant select (code, name, village_code, area, valid_from, valid_to) on grid_cells to gis_reader;
comment on view gis.towns is '现行乡镇街道（一级网格）';
comment on view gis.villages is '现行村社区（二级网格）';
comment on view gis.cells is '现行三级网格';
comment on function gis.cells_at(date) is '某日终了时的三级网格';
"""

INCIDENTS = """
create view gis.incidents with (security_invoker = true) as
  select id, number, category, level, status, town_code, village_code, cell_code,
         reported_at, due_at, closed_at, drill, point as geom
  from incidents where not confidential;
grant select (id, number, category, level, status, town_code, village_code, cell_code,
              reported_at, due_at, closed_at, drill, confidential, point)
  on incidents to gis_reader;
create policy map on incidents for select to gis_reader using (not confidential);
comment on view gis.incidents is '事件，不含涉密事件和个人信息；drill 为演练';
"""

ALERTS = """
create view gis.alerts with (security_invoker = true) as
  select id, rule, colour, state, scope_kind, scope_code, town_code, village_code, cell_code,
         value, fired_at, resolved_at, closed_at, drill, centre as geom
  from alerts where fired_at is not null;
grant select (id, rule, colour, state, scope_kind, scope_code, town_code, village_code, cell_code,
              value, fired_at, resolved_at, closed_at, drill, centre)
  on alerts to gis_reader;
create policy map on alerts for select to gis_reader using (fired_at is not null);
comment on view gis.alerts is '预警；drill 为演练';
"""

RESPONDERS = """
create view gis.responders with (security_invoker = true) as
  select r.id, r.code, r.kind, r.unit_id, r.status, r.town_code, r.village_code,
         p.at, p.accuracy, p.point as geom
  from responders r join responder_positions p on p.responder_id = r.id
  where r.left_at is null;
grant select (id, code, kind, unit_id, status, town_code, village_code, left_at)
  on responders to gis_reader;
grant select (responder_id, at, accuracy, point) on responder_positions to gis_reader;
comment on view gis.responders is '处置力量的最近位置，不含姓名';
"""


def upgrade() -> None:
    """Make the views, what their reader may see beneath them, and nothing else."""
    for part in (GRID, INCIDENTS, ALERTS, RESPONDERS):
        op.execute(part)
    for view in ("towns", "villages", "cells", "incidents", "alerts", "responders"):
        op.execute(f"grant select on gis.{view} to gis_reader")


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
