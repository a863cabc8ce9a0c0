"""Ground floor: settings, database, clock, outbox, live stream, logs. No business words."""
