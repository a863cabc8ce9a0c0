"""Twins near (疑似重复) are measured on the ellipsoid's own degrees: nothing is projected per case.

Within a few hundred metres the length of a degree at the report's latitude (CGCS2000) says the
distance to a centimetre, and every report is compared with up to forty cases. Whoever sees the
whole county needs half as many to fill the twelve that are told.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "0119_twins_in_degrees"
down_revision = "0118_merged_on"
branch_labels = None
depends_on = None

A, E2 = "6378137.0", "0.00669438002290"
CHANGES = (
    (
        "ST_Transform(point.here, 4547) as metric,",
        f"""t.lon as x, t.lat as y,
      radians({A}) * cos(radians(t.lat)) / sqrt(1 - {E2} * sin(radians(t.lat)) ^ 2) as mx,
      radians({A}) * (1 - {E2}) / (1 - {E2} * sin(radians(t.lat)) ^ 2) ^ 1.5 as my,""",
    ),
    (
        "ST_Distance(ST_Transform(i.point, 4547), a.metric) as metres",
        "sqrt(((ST_X(i.point) - a.x) * a.mx) ^ 2 + ((ST_Y(i.point) - a.y) * a.my) ^ 2) as metres",
    ),
    ("limit 40", "limit case when every or a.see_all then 20 else 40 end"),
)
TWINS = "select pg_get_functiondef(oid) from pg_proc where proname = 'twins_near'"


def upgrade() -> None:
    """Measure without projecting."""
    body = op.get_bind().scalar(text(TWINS))
    for before, after in CHANGES:
        if before not in body:
            message = f"twins_near has no {before!r}"
            raise ValueError(message)
        body = body.replace(before, after)
    op.execute(body)


def downgrade() -> None:
    """Refuse: migrations only go forward."""
    message = "migrations only go forward; restore a backup instead"
    raise NotImplementedError(message)
