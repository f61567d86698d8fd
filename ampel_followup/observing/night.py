"""The night: from which moment to which a site can observe, and where the Moon is meanwhile."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import NightError
from ampel_followup.observing import sky
from ampel_followup.observing.sites import Site
from ampel_followup.plan import NightSummary

#: Depression of the Sun at the ends of civil, of nautical and of astronomical twilight [deg].
CIVIL, NAUTICAL, ASTRONOMICAL = 6.0, 12.0, 18.0

#: Longest step of the time grid [d].
GRID_STEP = 5.0 / 1440.0

#: ERFA's orbit of the Earth is fitted to 1900–2100, and who asks when a target returns looks a year ahead.
FIRST_YEAR, LAST_YEAR = 1901, 2097

_MJD_OF_ORDINAL_0 = dt.date(1858, 11, 17).toordinal()
_MJD_EPOCH = dt.datetime(1858, 11, 17)

_Altitude = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class Night:
    """
    One night at one site. Times are MJD, UTC.

    Parameters
    ----------
    site : Site
    date : datetime.date
        Civil date at the site on the evening when the night begins.
    twilight : float
        Depression of the Sun at dusk and dawn [deg].
    sunset, dusk, midnight, dawn, sunrise : float
        Dusk and dawn bound the dark time, `midnight` is the middle between them. At sunset and sunrise the Sun's upper
        limb is on a sea-level horizon with mean refraction.
    civil, nautical, astronomical : tuple of (float, float)
        When the Sun is 6°, 12° and 18° below the horizon, evening and morning; NaN where it does not get so low.
    times : ndarray, shape (t,)
        Equal steps of 5 min or a little less, from dusk to dawn inclusive; t is odd, so that `midnight` is one of them.
    moon_ra, moon_dec : ndarray, shape (t,)
        The Moon at `times` as the site sees it, along the axes of the ICRS [deg].
    moon_altitude : ndarray, shape (t,)
        Its altitude, without refraction [deg].
    moon_illumination : float
        Illuminated fraction of its disc at `midnight`, 0 to 1.
    moon_phase : float
        Its ecliptic longitude from the Sun at `midnight`, 0 to 360 [deg]: 0 new, below 180 waxing, 180 full.
    moon_rise, moon_set : float
        First rise and first set of its upper limb between sunset and sunrise; NaN if there is none.
    delta_ut1 : float
        The UT1 − UTC that all this was computed with [s].
    """

    site: Site
    date: dt.date
    twilight: float
    sunset: float
    dusk: float
    midnight: float
    dawn: float
    sunrise: float
    civil: tuple[float, float]
    nautical: tuple[float, float]
    astronomical: tuple[float, float]
    times: NDArray[np.float64]
    moon_ra: NDArray[np.float64]
    moon_dec: NDArray[np.float64]
    moon_altitude: NDArray[np.float64]
    moon_illumination: float
    moon_phase: float
    moon_rise: float
    moon_set: float
    delta_ut1: float

    def summary(self) -> NightSummary:
        """Return the circumstances of the night in plain Python, for a plan."""
        return NightSummary(
            date=self.date.isoformat(),
            site=self.site.key,
            site_name=self.site.name,
            latitude=self.site.latitude,
            longitude=self.site.longitude,
            timezone=self.site.timezone,
            sunset=utc_isoformat(self.sunset),
            dusk=utc_isoformat(self.dusk),
            dawn=utc_isoformat(self.dawn),
            sunrise=utc_isoformat(self.sunrise),
            moon_illumination=self.moon_illumination,
            moon_rise=None if math.isnan(self.moon_rise) else utc_isoformat(self.moon_rise),
            moon_set=None if math.isnan(self.moon_set) else utc_isoformat(self.moon_set),
        )


def utc_isoformat(mjd: float) -> str:
    """Write a Modified Julian Date (UTC) as ISO 8601, to the nearest second, with a trailing ``Z``."""
    return (_MJD_EPOCH + dt.timedelta(seconds=round(mjd * 86400.0))).isoformat() + "Z"


def mjd_of(utc: str) -> float:
    """
    Read a time, ISO 8601, as a Modified Julian Date; it is UTC unless it names another zone.

    Raises
    ------
    ValueError
        If it is no time.
    """
    time = dt.datetime.fromisoformat(utc)
    if time.tzinfo is not None:
        time = time.astimezone(dt.UTC).replace(tzinfo=None)
    return (time - _MJD_EPOCH) / dt.timedelta(days=1)


def night_at(site: Site, date: dt.date | str, *, twilight: float = NAUTICAL, delta_ut1: float = 0.0) -> Night:
    """
    Find the night that begins at a site on the evening of a date.

    Parameters
    ----------
    site : Site
    date : datetime.date or str
        Civil date at the site, 1901 to 2097; a string as ``YYYY-MM-DD``.
    twilight : float, optional
        The time to plan for begins and ends with the Sun this far below the horizon [deg], 1 to 18.
    delta_ut1 : float, optional
        UT1 − UTC [s], for those who need better than a second.

    Raises
    ------
    NightError
        If `date` is no date or too far away, if the Sun does not set (polar day), does not rise (polar night) or does
        not get low enough for `twilight`, or if `twilight` is out of range. Where there is a brighter twilight
        (nautical, else civil), the message says for how long.
    """
    day = _date(date)
    if not 1.0 <= twilight <= ASTRONOMICAL:
        raise NightError(
            f"twilight {twilight:g}° of the night of {day}: give 1° to 18° (12° is nautical, 18° astronomical)"
        )

    def sun(mjd: NDArray[np.float64]) -> NDArray[np.float64]:
        return sky.sun_altitude(site, mjd, delta_ut1)

    noon = _local_noon(site, day)
    grid = noon + np.linspace(0.0, 1.0, 289)
    altitude = sun(grid)
    lowest = int(np.argmin(altitude))
    where = f"{site.name} on {day}"
    if altitude[lowest] > sky.HORIZON:
        raise NightError(f"polar day at {where}: the Sun does not set; choose another date or site")
    if min(altitude[: lowest + 1].max(), altitude[lowest:].max()) <= sky.HORIZON:
        raise NightError(
            f"polar night at {where}: the Sun does not rise between two noons; choose another date or site"
        )

    def twilights(depression: float) -> tuple[float, float]:
        """Evening and morning at which the Sun is so far below the horizon; NaN if it never is."""
        if altitude[lowest] > -depression:
            return math.nan, math.nan
        evening, morning = slice(None, lowest + 1), slice(lowest, None)
        return (
            _last_crossing(sun, grid[evening], altitude[evening], -depression),
            _first_crossing(sun, grid[morning], altitude[morning], -depression),
        )

    ends = {depression: twilights(depression) for depression in (CIVIL, NAUTICAL, ASTRONOMICAL)}
    dusk, dawn = ends.get(twilight) or twilights(twilight)
    if math.isnan(dusk):
        raise NightError(
            f"no dark time at {where}: the Sun is never more than {-altitude[lowest]:.1f}° below the horizon"
            f" ({twilight:g}° wanted); {_brighter(ends, twilight)}choose another date or site"
        )
    sunset, sunrise = twilights(-sky.HORIZON)
    times = np.linspace(dusk, dawn, 1 + 2 * max(1, math.ceil((dawn - dusk) / (2.0 * GRID_STEP))))
    midnight = float(times[len(times) // 2])
    moon_ra, moon_dec, moon_altitude = sky.moon(site, times, delta_ut1)
    moon_rise, moon_set = _moon_crossings(site, sunset, sunrise, delta_ut1)
    return Night(
        site=site,
        date=day,
        twilight=twilight,
        sunset=sunset,
        dusk=dusk,
        midnight=midnight,
        dawn=dawn,
        sunrise=sunrise,
        civil=ends[CIVIL],
        nautical=ends[NAUTICAL],
        astronomical=ends[ASTRONOMICAL],
        times=times,
        moon_ra=moon_ra,
        moon_dec=moon_dec,
        moon_altitude=moon_altitude,
        moon_illumination=sky.moon_illumination(midnight),
        moon_phase=sky.moon_phase(midnight),
        moon_rise=moon_rise,
        moon_set=moon_set,
        delta_ut1=delta_ut1,
    )


def _brighter(ends: dict[float, tuple[float, float]], twilight: float) -> str:
    """Offer the darkest of the named twilights that there is, in words; nothing if there is none."""
    for depression, name in ((NAUTICAL, "nautical"), (CIVIL, "civil")):
        evening, morning = ends[depression]
        if depression < twilight and not math.isnan(evening):
            minutes = round((morning - evening) * 1440.0)
            return f"take {name} twilight ({depression:g}°), {minutes // 60} h {minutes % 60:02d} min long, or "
    return ""


def _date(date: dt.date | str) -> dt.date:
    if isinstance(date, str):
        try:
            day = dt.date.fromisoformat(date.strip())
        except ValueError:
            raise NightError(
                f"night {date!r} is not a date; give the local date of the evening as YYYY-MM-DD, such as 2026-03-01"
            ) from None
    else:
        day = date.date() if isinstance(date, dt.datetime) else date
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise NightError(f"night {day.isoformat()} is too far away; choose a date from {FIRST_YEAR} to {LAST_YEAR}")
    return day


def _local_noon(site: Site, day: dt.date) -> float:
    """
    Give the mean solar noon [MJD, UTC] nearest to 12 o'clock civil time on `day`.

    The longitude alone says when noon is, but not which date people there call it: Samoa, at 172° west, keeps the date
    of places east of the date line.
    """
    offset = ZoneInfo(site.timezone).utcoffset(dt.datetime.combine(day, dt.time(12)))
    civil = day.toordinal() - _MJD_OF_ORDINAL_0 + 0.5 - (offset or dt.timedelta()) / dt.timedelta(days=1)
    mean = 0.5 - site.longitude / 360.0
    return mean + round(civil - mean)


def _first_crossing(
    altitude_at: _Altitude, times: NDArray[np.float64], altitude: NDArray[np.float64], level: float
) -> float:
    """Find when the altitude first crosses `level`, to 0.1 s; NaN if it does not. `altitude` is that at `times`."""
    sides = altitude > level
    changes = np.flatnonzero(sides[1:] != sides[:-1])
    if len(changes) == 0:
        return math.nan
    fine = np.linspace(times[changes[0]], times[changes[0] + 1], 31)
    height = altitude_at(fine) - level
    k = int(np.argmax((height > 0) != (height[0] > 0)))
    if k == 0:  # the crossing is at the very end: the coarse and the fine altitude differ there by rounding
        return float(fine[-1])
    return float(fine[k - 1] + (fine[k] - fine[k - 1]) * height[k - 1] / (height[k - 1] - height[k]))


def _last_crossing(
    altitude_at: _Altitude, times: NDArray[np.float64], altitude: NDArray[np.float64], level: float
) -> float:
    """Find when the altitude last crosses `level`; see `_first_crossing`."""
    return _first_crossing(altitude_at, times[::-1], altitude[::-1], level)


def _moon_crossings(site: Site, start: float, end: float, delta_ut1: float) -> tuple[float, float]:
    """Find the first rise and the first set between two times [MJD]."""

    def altitude_at(mjd: NDArray[np.float64]) -> NDArray[np.float64]:
        return sky.moon(site, mjd, delta_ut1)[2]

    times = np.linspace(start, end, 1 + math.ceil((end - start) / GRID_STEP))
    altitude = altitude_at(times)
    up = altitude > sky.HORIZON
    found = {True: math.nan, False: math.nan}
    for rising in found:
        changes = np.flatnonzero((up[1:] != up[:-1]) & (up[1:] == rising))
        if len(changes):
            step = slice(changes[0], changes[0] + 2)
            found[rising] = _first_crossing(altitude_at, times[step], altitude[step], sky.HORIZON)
    return found[True], found[False]
