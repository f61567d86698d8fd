"""The Moon of a night, as a schedule knows it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ampel_followup.lightcurve import MJD_OFFSET
from ampel_followup.night_sheet.clock import Span, local, moment, span, utc
from ampel_followup.observing import sky
from ampel_followup.observing.sites import Site
from ampel_followup.plan import NightSummary

_UNIX_EPOCH = 2440587.5 - MJD_OFFSET
_SECONDS_PER_DAY = 86400.0


def site_of(night: NightSummary) -> Site:
    """Return the place of a night. Its height is left out: it moves the Moon by 0.2″ per kilometre, and no star."""
    return Site(night.site, night.site_name, night.latitude, night.longitude, 0.0, night.timezone)


def mjd_of(*times: str) -> NDArray[np.float64]:
    """Return moments in ISO 8601 as Modified Julian Dates, UTC."""
    return np.array([moment(time).timestamp() / _SECONDS_PER_DAY + _UNIX_EPOCH for time in times])


def moon_up(night: NightSummary) -> list[Span]:
    """Return from when to when the Moon is above the horizon, between sunset and sunrise."""
    sunset, sunrise = night.sunset, night.sunrise
    rise, set_ = night.moon_rise, night.moon_set
    if rise is None and set_ is None:
        return [span(sunset, sunrise)] if _is_up_all_night(night) else []
    if rise is None:
        return [span(sunset, str(set_))]
    if set_ is None:
        return [span(rise, sunrise)]
    if moment(rise) < moment(set_):
        return [span(rise, set_)]
    return [span(sunset, set_), span(rise, sunrise)]


def moon_in_words(night: NightSummary) -> str:
    """Return how bright the Moon is and when it rises and sets, in both times."""
    events = [
        f"{verb} {utc(time)} UTC ({local(time, night)} local)"
        for verb, time in (("rises", night.moon_rise), ("sets", night.moon_set))
        if time is not None
    ]
    if not events:
        events = ["up all night" if _is_up_all_night(night) else "below the horizon all night"]
    return f"Moon {100 * night.moon_illumination:.0f} %, {', '.join(events)}"


def _is_up_all_night(night: NightSummary) -> bool:
    """Of a Moon that does not cross the horizon between sunset and sunrise."""
    middle = mjd_of(night.sunset, night.sunrise).mean()
    return bool(sky.moon(site_of(night), np.array([middle]))[2][0] > sky.HORIZON)
