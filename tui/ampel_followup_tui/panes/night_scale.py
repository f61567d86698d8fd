"""A stretch of a night on a line of characters: full hours, the present moment, the Moon."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ampel_followup.plan import NightSummary
from ampel_followup_tui.instants import zone

_NOW_BELOW = "▼now"
_NOW, _NOW_TO_THE_LEFT = "▲ now", "now ▲"
# More of the Moon than this is lit: it is opposite to the Sun rather than beside it.
_HALF_LIT = 0.5


@dataclass(frozen=True, slots=True)
class NightScale:
    """
    A linear map from moments to characters.

    Parameters
    ----------
    first, last : datetime
        At the near edge of the first character and at the far edge of the last; with time zone.
    width : int
        Length of the line [characters].
    timezone : str
        IANA name of the time zone whose hours are written.
    """

    first: datetime
    last: datetime
    width: int
    timezone: str

    def position(self, moment: datetime) -> float:
        """Return where a moment lies, in fractions of a character; outside 0 to `width` for other moments."""
        return (moment - self.first) / (self.last - self.first) * self.width

    def holds(self, moment: datetime) -> bool:
        """Return whether a moment lies on the line."""
        return self.first <= moment < self.last

    def middle(self, cell: int) -> datetime:
        """Return the moment in the middle of a character."""
        return self.first + (self.last - self.first) * ((cell + 0.5) / self.width)

    def hours(self, now: datetime | None = None) -> str:
        """Write full local hours where they fall, as many as have room, and point down at the present moment."""
        local = self.first.astimezone(zone(self.timezone))
        hour = local.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        scale = [" "] * self.width
        last = -3
        mark = range(0)
        if now is not None and self.holds(now):
            cell = min(int(self.position(now)), max(0, self.width - 1))
            caption = _NOW_BELOW if cell + len(_NOW_BELOW) <= self.width else _NOW_BELOW[0]
            mark = range(cell, cell + len(caption))
            scale[mark.start : mark.stop] = caption
        while hour < self.last:
            cell = int(self.position(hour))
            if last + 3 <= cell <= self.width - 2 and not (mark and mark.start - 2 <= cell <= mark.stop):
                scale[cell : cell + 2] = f"{hour:%H}"
                last = cell
            hour += timedelta(hours=1)
        return "".join(scale)

    def now_mark(self, now: datetime) -> str:
        """Point at the present moment from the line below; nothing if it is not on the line."""
        if not self.holds(now):
            return ""
        cell = int(self.position(now))
        return " " * cell + _NOW if cell + len(_NOW) <= self.width else _NOW_TO_THE_LEFT.rjust(cell + 1)


def dark_scale(night: NightSummary, width: int) -> NightScale:
    """Return the scale of the dark time of a night, from dusk to dawn."""
    first, last = datetime.fromisoformat(night.dusk), datetime.fromisoformat(night.dawn)
    return NightScale(first, last, width, night.timezone)


def whole_scale(night: NightSummary, width: int) -> NightScale:
    """Return the scale of a night with its twilight, from sunset to sunrise."""
    first, last = datetime.fromisoformat(night.sunset), datetime.fromisoformat(night.sunrise)
    return NightScale(first, last, width, night.timezone)


def moon_is_up(night: NightSummary, moment: datetime) -> bool:
    """Return whether the Moon is above the horizon at a moment between sunset and sunrise."""
    rise = datetime.fromisoformat(night.moon_rise) if night.moon_rise else None
    set_ = datetime.fromisoformat(night.moon_set) if night.moon_set else None
    if rise is None and set_ is None:
        # It crosses the horizon by day: a full Moon is then up all night, a new one never.
        return night.moon_illumination > _HALF_LIT
    if rise is None or set_ is None:
        return moment < set_ if set_ is not None else rise is not None and moment >= rise
    return rise <= moment < set_ if rise < set_ else moment < set_ or moment >= rise
