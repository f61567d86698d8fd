"""Moments of a schedule, as datetimes and on the clocks of the world and of the site."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from ampel_followup.plan import NightSummary

Span = tuple[dt.datetime, dt.datetime]


def moment(text: str) -> dt.datetime:
    """Return a moment written in ISO 8601; one without an offset is UTC."""
    time = dt.datetime.fromisoformat(text)
    return time.replace(tzinfo=dt.UTC) if time.tzinfo is None else time.astimezone(dt.UTC)


def span(start: str, end: str) -> Span:
    """Return two moments."""
    return moment(start), moment(end)


def utc(text: str) -> str:
    """Return a moment as ``hh:mm`` UTC, to the nearest minute."""
    return _clock(moment(text))


def local(text: str, night: NightSummary) -> str:
    """Return a moment as ``hh:mm`` on the clocks of the site, to the nearest minute."""
    return _clock(moment(text).astimezone(ZoneInfo(night.timezone)))


def _clock(time: dt.datetime) -> str:
    return f"{time + dt.timedelta(seconds=30):%H:%M}"
