"""Spectrophotometric standard stars, and when in a night to observe them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import yaml
from numpy.typing import NDArray

from ampel_followup.observing.telescope_time import DAY, STEP, TelescopeTime, telescope_time

#: Open shutter on a standard star [s]: they are bright.
EXPOSURE = 120.0

#: Nothing is calibrated between the last standard star and one this long before the end of the night [s].
_LAST_BEFORE_END = 1800.0


@dataclass(frozen=True, slots=True)
class Standard:
    """A standard star: `ra`, `dec` ICRS at epoch 2000 [deg], `magnitude` V [mag]."""

    name: str
    ra: float
    dec: float
    magnitude: float


@dataclass(frozen=True, slots=True)
class StandardVisit:
    """
    A standard star at a moment: `start` and `end` [MJD], `airmass`, and `moon_separation` [deg] at the start.

    The time from `start` to `end` holds acquisition, exposure and read-out.
    """

    star: Standard
    start: float
    end: float
    airmass: float
    moon_separation: float


@cache
def load_standards() -> tuple[Standard, ...]:
    """Return the standard stars of the table that comes with the package, in order of right ascension."""
    rows = yaml.safe_load(resources.files(__package__).joinpath("standards.yml").read_text(encoding="utf-8"))
    return tuple(
        Standard(row["name"], 15.0 * _degrees(row["ra"]), _degrees(row["dec"]), float(row["magnitude"])) for row in rows
    )


def standard_visits(
    time: TelescopeTime,
    busy: Sequence[tuple[float, float]] = (),
    *,
    last: float | None = None,
    every: float | None = None,
) -> list[StandardVisit]:
    """
    Choose standard stars for the beginning and the end of a telescope's night, and in between.

    Each is the one of least airmass that is within the limits of the telescope all the while; where the telescope is
    closed or busy, the next moment at which it is neither is taken (at the end, the last one).

    Parameters
    ----------
    time : TelescopeTime
        The night, from when on, and when it is closed.
    busy : sequence of (float, float)
        When the telescope does something else [MJD].
    last : float, optional
        When a standard star was observed last [MJD]: there is none at the beginning then.
    every : float, optional
        One every so many hours, besides [h]; positive.

    Returns
    -------
    list of StandardVisit
        In order of time; empty where no star is up while the telescope is open and free.
    """
    cost = time.instrument.overheads
    length = cost.acquisition + EXPOSURE + cost.readout
    stars = load_standards()
    sight = telescope_time(
        time.instrument,
        time.night,
        np.array([s.ra for s in stars]),
        np.array([s.dec for s in stars]),
        np.array([s.magnitude for s in stars]),
        closed=time.closed,
        begin=time.begin,
    )
    covered = math.ceil(length / STEP)
    starts = time.begin + STEP / DAY * np.arange(sight.steps - covered + 1)
    if len(starts) == 0:
        return []
    usable = np.lib.stride_tricks.sliding_window_view(sight.usable, covered, axis=1).all(axis=2)
    airmass = np.where(usable, sight.airmass[:, : len(starts)], np.inf)
    star = airmass.argmin(axis=0)
    possible = np.isfinite(airmass.min(axis=0))

    def free(occupied: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
        """Say at which starts a star is up, and the telescope not occupied."""
        fits: NDArray[np.bool_] = possible.copy()
        for begin, end in occupied:
            fits &= (starts + length / DAY <= begin + 1e-8) | (starts >= end - 1e-8)
        return fits

    since = time.begin if last is None else last
    wanted = [time.begin] if last is None else []
    if every is not None:
        until = time.begin + (time.steps * STEP - _LAST_BEFORE_END) / DAY
        wanted.extend(t for t in np.arange(since + every / 24.0, until, every / 24.0).tolist() if t >= time.begin)
    chosen: list[int] = []
    for moment in [*wanted, None]:
        occupied = [*busy, *((starts[j], starts[j] + length / DAY) for j in chosen)]
        fits = np.flatnonzero(free(occupied) & (True if moment is None else starts >= moment - 1e-8))
        if len(fits):
            chosen.append(int(fits[-1] if moment is None else fits[0]))
    return [
        StandardVisit(
            stars[star[j]],
            float(starts[j]),
            float(starts[j] + length / DAY),
            float(airmass[star[j], j]),
            float(sight.separation[star[j], j]),
        )
        for j in sorted(chosen)
    ]


def _degrees(sexagesimal: str) -> float:
    whole, minutes, seconds = (float(part) for part in sexagesimal.lstrip("+-").split(":"))
    size = whole + minutes / 60.0 + seconds / 3600.0
    return -size if sexagesimal.startswith("-") else size
