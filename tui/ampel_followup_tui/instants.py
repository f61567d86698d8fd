"""Moments of the night: ISO 8601 text to local clock time and Julian date."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from ampel_followup.untrusted import clean

_MJD_OF_UNIX_EPOCH = 40587.0


def utc_now() -> datetime:
    """Return the present moment, UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """Write a moment as the store keeps it: UTC, ISO 8601 with microseconds and a trailing ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@lru_cache(maxsize=64)
def zone(name: str) -> tzinfo:
    """Return the time zone of that IANA name; UTC where the computer does not know it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def clock(iso: str | None, timezone: str) -> str:
    """Write an ISO 8601 moment as ``hh:mm`` in a time zone; ``–`` for none."""
    if iso is None:
        return "–"
    return datetime.fromisoformat(iso).astimezone(zone(timezone)).strftime("%H:%M")


def day_and_month(iso: str) -> str:
    """Write an ISO 8601 date as ``23 Nov``, which is enough within a season; another text as it is."""
    try:
        day = date.fromisoformat(iso)
    except ValueError:
        return clean(iso, 12)
    return f"{day.day} {day:%b}"


def mjd(iso: str) -> float:
    """Convert an ISO 8601 moment to a Modified Julian Date, UTC [d]."""
    return datetime.fromisoformat(iso).timestamp() / 86400.0 + _MJD_OF_UNIX_EPOCH


def date_of_mjd(mjd: float) -> str:
    """Write the date of a Modified Julian Date, UTC: ``20 Nov 2026``; ``–`` where it is none."""
    try:
        day = date(1858, 11, 17) + timedelta(days=int(mjd))
    except (ValueError, OverflowError):
        return "–"
    return f"{day.day} {day:%b %Y}"


def clock_of_mjd(mjd: float, timezone: str) -> str:
    """Write a Modified Julian Date, UTC, as ``hh:mm`` in a time zone."""
    moment = datetime.fromtimestamp((mjd - _MJD_OF_UNIX_EPOCH) * 86400.0, UTC)
    return moment.astimezone(zone(timezone)).strftime("%H:%M")
