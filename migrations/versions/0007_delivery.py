"""Delivery (送达): every message to anyone, and the addresses that were spoken to."""

from __future__ import annotations

from alembic import op

revision = "0007_delivery"
down_revision = "0006_alerts"
branch_labels = None
depends_on = None

NOTIFICATIONS = """
create table notifications (
  id uuid primary key, dedupe text not null constraint uq_notifications_dedupe unique,
  event text not null, subject text not null,
  post text not null, post_id int, staff_id int, recipient text not null,
  channel text not null, address text not null, colour text, urgency int not null,
  round int not null default 0, step int not null default 0, town_code int,
  body jsonb not null,
  state text not null check (state in ('pending', 'sending', 'sent', 'delivered', 'opened',
    'read', 'failed_temp', 'failed_perm', 'bundled', 'expired')),
  created_at timestamptz not null, due_at timestamptz not null, expires_at timestamptz not null,
  lease_until timestamptz, attempts int not null default 0,
  sent_at timestamptz, delivered_at timestamptz, opened_at timestamptz, read_at timestamptz,
  failed_at timestamptz, error text, bundled_into uuid references notifications (id)
);
create index ix_notifications_waiting on notifications (channel, address, urgency, due_at, id)
  where state in ('pending', 'failed_temp', 'sending');
create index ix_notifications_subject on notifications (subject, created_at);
create index ix_notifications_failed on notifications (failed_at) where state = 'failed_perm';
alter table notifications enable row level security;
create policy everything on notifications to yiwang_worker using (true) with check (true);
create policy area on notifications for select to yiwang_web using (
  (select yiwang.see_all()) or town_code = any ((select yiwang.towns())::int[])
);
create policy read_by_a_person on notifications for update to yiwang_web
  using ((select yiwang.see_all())) with check ((select yiwang.see_all()));
grant select on notifications to yiwang_web;
grant update (state, opened_at, read_at) on notifications to yiwang_web;
grant select, insert, update on notifications to yiwang_worker;

create table delivery_addresses (
  channel text not null, address text not null, failures int not null default 0,
  open_until timestamptz, last_error text, changed_at timestamptz not null,
  primary key (channel, address)
);
grant select on delivery_addresses to yiwang_web;
grant select, insert, update on delivery_addresses to yiwang_worker;
"""


def upgrade() -> None:
    """Create the notifications and the addresses' breakers."""
    op.execute(NOTIFICATIONS)
