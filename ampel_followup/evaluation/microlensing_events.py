"""
Real events, gone through night by night: when they are called lenses, and when their planets raise the alarm.

The photometry is that of the surveys and of those who followed them up, thinned to one point a night, or an hour, of
each telescope. Telescopes have fluxes of their own, and so each is taken for a band.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError
from ampel_followup.evaluation.data import read_columns
from ampel_followup.evaluation.microlensing_data import between
from ampel_followup.lightcurve import LightCurve, flux_from_magnitude
from ampel_followup.models.microlensing_bundle import MicrolensingBundle

Array = NDArray[np.float64]

#: Least time between two points of a telescope, by the name of the cadence [d].
CADENCES = {"nightly": 0.8, "hourly": 0.04}

#: Folder of the photometry below that of the data, and its files.
FOLDER, PHOTOMETRY, ANOTHER = "microlensing", "mulens_photometry.parquet", "lia_ml_event.parquet"

# A search is told as much of the past as that [d], and asked so often.
_HISTORY, _STEP = 200.0, 0.2

# It is gone through from so many t_E before the peak to so many after it, no more than so many days, no fewer.
_BEFORE, _AFTER, _LONGEST, _SHORTEST = 2.0, 1.5, 150.0, 15.0

# An alarm counts for a planet until so long after its last point [d].
_LATE = 1.0

# Points of larger errors than so many times the median, and fainter than so many σ, are left out.
_WORST = 5.0

_MJD = 2400000.5


@dataclass(frozen=True, slots=True)
class RealEvent:
    """
    An event that somebody observed.

    Parameters
    ----------
    name : str
    telescopes : tuple of str
        Names of the files of the telescopes that are taken, six at most.
    planet : tuple of float or None
        First and last time that the planet changes the light [HJD − 2400000.5], as published.
    note : str
        What is special about it, with the source.
    hourly : bool
        Also with a point an hour.
    """

    name: str
    telescopes: tuple[str, ...]
    planet: tuple[float, float] | None = None
    note: str = ""
    hourly: bool = False


EVENTS = (
    RealEvent(
        "OGLE-2003-BLG-235/MOA-2003-BLG-53",
        ("OB03235_OGLE.tbl.txt", "OB03235_MOA.tbl.txt"),
        (52834.5, 52841.7),
        "a planet for seven days before the peak (Bond et al. 2004, ApJ 606, L155)",
    ),
    RealEvent("OGLE-2005-BLG-086", ("starBLG234.6.I.218982.dat",), note="parallax"),
    RealEvent(
        "OGLE-2008-BLG-092",
        ("phot_ob08092_O4.dat",),
        note="the second star, 2010; the planet showed in 2008 (Poleski et al. 2014, ApJ 795, 42)",
    ),
    RealEvent(
        "MOA-2008-BLG-310",
        (
            "MOA_0300089_PLC_007.tbl",
            "CTIO_I_0300089_PLC_005.tbl",
            "CTIO_H_0300089_PLC_004.tbl",
            "Danish_0300089_PLC_006.tbl",
            "Auck_0300089_PLC_001.tbl",
            "Bron_0300089_PLC_002.tbl",
        ),
        (54655.7, 54656.2),
        "a planet for hours at the peak of 400 times (Janczak et al. 2010, ApJ 711, 731)",
        hourly=True,
    ),
    RealEvent("OGLE-2014-BLG-0939", ("ob140939_OGLE.dat",), note="parallax (Yee et al. 2015, ApJ 802, 76)"),
    RealEvent(
        "OGLE-2016-BLG-1195",
        ("KCT01I.dat", "KSA01I.dat", "KSS01I.dat"),
        (57568.5, 57568.7),
        "a planet for less than three hours (Bond et al. 2017, MNRAS 469, 2434; Shvartzvald et al. 2017, ApJ 840, L3)",
        hourly=True,
    ),
    RealEvent(
        "KMT-2018-BLG-0003",
        (
            "KMTA12_I.pysis",
            "KMTA14_I.pysis",
            "KMTC12_I.pysis",
            "KMTC14_I.pysis",
            "KMTS12_I.pysis",
            "KMTS14_I.pysis",
        ),
        note="ends before the season does",
    ),
)

_BANDS = ("lssti", "lsstr", "lsstz", "lsstg", "lssty", "lsstu")


def load_events(folder: Path, cadence: str) -> list[tuple[RealEvent, LightCurve]]:
    """
    Read the events.

    Parameters
    ----------
    folder : Path
        With mulens_photometry.parquet, and perhaps lia_ml_event.parquet.
    cadence : str
        Of `CADENCES`.

    Raises
    ------
    FollowupError
        If the photometry is not there.
    """
    if not (folder / PHOTOMETRY).is_file():
        raise FollowupError(f"{folder} has no {PHOTOMETRY}; it holds the photometry of the real events")
    columns = read_columns(folder / PHOTOMETRY, ("file", "hjd", "mag", "mag_err", "flux", "flux_err"))
    file = columns["file"].astype(np.str_)
    found = []
    for event in EVENTS:
        if cadence == "hourly" and not event.hourly:
            continue
        parts = []
        for band, telescope in zip(_BANDS, event.telescopes, strict=False):
            rows = file == telescope
            time, mag, mag_err, flux, flux_err = (columns[c][rows].astype(np.float64) for c in list(columns)[1:])
            flux, flux_err = _fluxes(mag, mag_err, flux, flux_err)
            parts.append((band, time - _MJD, flux, flux_err))
        found.append((event, _light_curve(event.name, parts, CADENCES[cadence])))
    if (folder / ANOTHER).is_file() and cadence == "nightly":
        another = read_columns(folder / ANOTHER, ("hjd_minus_2450000", "mag", "mag_err"))
        time, mag, mag_err = (column.astype(np.float64) for column in another.values())
        flux, flux_err = flux_from_magnitude(mag, mag_err)
        event = RealEvent("event of LIA", (ANOTHER,), note="survey not stated (Godines et al. 2019, A&C 28, 100298)")
        parts = [("lssti", time + 2450000.0 - _MJD, flux, flux_err)]
        found.append((event, _light_curve(event.name, parts, CADENCES[cadence])))
    return found


def go_through(event: RealEvent, curve: LightCurve, bundle: MicrolensingBundle) -> dict[str, Any]:
    """
    Search in an event as it came.

    Returns
    -------
    dict
        ``called_mjd`` is the first time from which on it was called a lens at all later times, ``ever_called_mjd`` the
        first one at all, ``planet_after_days`` how long after the first point that the planet changes it was urgent
        (None: not before its end), ``urgent_otherwise`` at how many of the ``times`` it was so without a planet there.
    """
    (whole,) = bundle.score([curve], watch=False)
    peak, width = whole.peak_mjd, float(np.clip(whole.einstein_days, _SHORTEST, _LONGEST))
    first, last = peak - _BEFORE * width, min(peak + _AFTER * width, float(curve.time[-1]))
    times = _thinned(curve.time[(curve.time >= first) & (curve.time <= last)], _STEP)
    scores = bundle.score([between(curve, time - _HISTORY, time) for time in times.tolist()])
    called = np.array([one.called for one in scores])
    urgent = np.array([one.urgent for one in scores])
    # Called for good: from the night after the last one at which it was not.
    begin = int(np.flatnonzero(~called)[-1]) + 1 if not called.all() else 0
    result: dict[str, Any] = {
        "event": event.name,
        "note": event.note,
        "points": int(np.count_nonzero((curve.time >= first - _HISTORY) & (curve.time <= last))),
        "times": len(times),
        "peak_mjd": peak,
        "einstein_days": whole.einstein_days,
        "p_microlensing": float(np.nan_to_num(scores[-1].p_microlensing)),
        "called_mjd": float(times[begin]) if begin < len(times) else None,
        "ever_called_mjd": float(times[np.argmax(called)]) if called.any() else None,
    }
    of_planet = np.zeros(len(times), dtype=np.bool_)
    if event.planet is not None:
        begins, ends = event.planet
        changed = curve.time[(curve.time >= begins) & (curve.time <= ends)]
        result["planet_points"] = len(changed)
        result["planet_after_days"] = None
        if len(changed):
            of_planet = (times >= changed[0]) & (times <= changed[-1] + _LATE)
            flagged = times[urgent & of_planet]
            result["planet_after_days"] = float(flagged[0] - changed[0]) if len(flagged) else None
    result["urgent_otherwise"] = int((urgent & ~of_planet).sum())
    result["urgent_mjd"] = [round(float(time), 2) for time in times[urgent]]
    return result


def evaluate_events(folder: Path, bundle: MicrolensingBundle) -> list[dict[str, Any]]:
    """Go through all events, with a point a night of each telescope, and those with a short planet with one an hour."""
    return [
        {"cadence": cadence, **go_through(event, curve, bundle)}
        for cadence in CADENCES
        for event, curve in load_events(folder, cadence)
    ]


def _fluxes(mag: Array, mag_err: Array, flux: Array, flux_err: Array) -> tuple[Array, Array]:
    """Return fluxes as given, where they are, else those of the magnitudes."""
    known = np.isfinite(flux) & np.isfinite(flux_err)
    of_mag, of_mag_err = flux_from_magnitude(mag, mag_err)
    return (flux, flux_err) if known.any() else (of_mag, of_mag_err)


def _light_curve(name: str, parts: Sequence[tuple[str, Array, Array, Array]], separation: float) -> LightCurve:
    kept = []
    for band, time, flux, flux_err in parts:
        good = np.isfinite(flux) & np.isfinite(flux_err) & (flux_err > 0)
        good &= (flux_err < _WORST * np.median(flux_err[good])) | (flux > _WORST * flux_err)
        order = np.argsort(time[good], kind="stable")
        time, flux, flux_err = (column[good][order] for column in (time, flux, flux_err))
        rows = np.searchsorted(time, _thinned(time, separation))
        kept.append((np.full(len(rows), band), time[rows], flux[rows], flux_err[rows]))
    bands, times, fluxes, errors = (np.concatenate(column) for column in zip(*kept, strict=True))
    order = np.argsort(times, kind="stable")
    none = np.zeros(len(times), dtype=np.bool_)
    return LightCurve(name, 0, times[order], bands[order], fluxes[order], errors[order], none, 0.0, 0.0)


def _thinned(time: Array, separation: float) -> Array:
    """Return the times, in order, of which each is so long after the one before."""
    kept: list[float] = []
    for one in time.tolist():
        if not kept or one - kept[-1] >= separation:
            kept.append(one)
    return np.array(kept)
