"""Shifts as an iCalendar file (RFC 5545) for phones and calendars: posts and times, no contacts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from icalendar import Calendar, Event

from people.rota.turns import Source

_MARKS = {Source.OVERRIDE: "替", Source.SWAP: "换", Source.EXTRA: "加"}


def write(name: str, shifts: Iterable[Any], *, at: datetime) -> bytes:
    """Return a calendar called `name` of named shifts; the same shift keeps its UID."""
    calendar = Calendar()
    calendar.add("prodid", "-//长沙县一网统管//值班//ZH")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval;value=duration", "PT1H")
    for shift in shifts:
        event = Event()
        mark = _MARKS.get(Source(shift.source))
        summary = f"{shift.post_name} {shift.staff_name}" + (f"（{mark}）" if mark else "")
        begins = shift.starts_at
        event.add("uid", f"{shift.post_id}-{shift.staff_id}-{begins:%Y%m%dT%H%MZ}@yiwang")
        event.add("dtstamp", at)
        event.add("dtstart", begins)
        event.add("dtend", shift.ends_at)
        event.add("summary", summary)
        event.add("transp", "OPAQUE")
        calendar.add_component(event)
    return bytes(calendar.to_ical())
