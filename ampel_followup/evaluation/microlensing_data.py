"""
What a search for lenses meets: events put into real and simulated epochs, and what else was really there.

Every light curve that is no lens also gives its epochs to an event: how often and how deep a survey looked tells
nothing. Objects belong to a training or a test part by a digest of their names; events belong to the part of their
donors, and so do the residuals that make their noise.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.alerts.spool import light_curves
from ampel_followup.alerts.ztf import light_curve_from_candidates, ztf_stock
from ampel_followup.errors import FollowupError
from ampel_followup.evaluation.data import read_columns
from ampel_followup.evaluation.learning_data import one_per_object, read_bts
from ampel_followup.lightcurve import ZERO_POINT, LightCurve, flux_from_magnitude
from ampel_followup.microlensing.features import LEAST_POINTS
from ampel_followup.microlensing.injection import Epochs, Event, draw_event, observe

Array = NDArray[np.float64]
Part = Literal["training", "test", "all"]
Progress = Callable[[int, int | None], None]

#: Kinds of what is no lens.
SUPERNOVA, CATACLYSMIC, VARIABLE, NUCLEUS, ALERT = "supernova", "cataclysmic variable", "variable star", "AGN", "alert"

#: An event counts if so many points lie so many σ above the baseline.
SEEN_POINTS, SEEN_SIGMA = 6, 3.0

# SNANA's FLUXCAL has the zero point 27.5, ELAsTiCC's fluxes are in nJy.
_FLUXCAL = 10.0 ** (-0.4 * (27.5 - ZERO_POINT))
_NANOJANSKY = 1e-3

# The longest real histories of alerts are joined until they are so long [d], with such a gap.
_CHAIN, _GAP = (120.0, 260.0), 3.0

_TRIES = 12

#: Standardised noise where errors are right.
GAUSSIAN: Array = np.random.default_rng(0).standard_normal(10000)

# Labels of the simulation.
_SIMULATED = {
    "SN Ia": SUPERNOVA, "SN II": SUPERNOVA, "SN Ib/c": SUPERNOVA, "SLSN": SUPERNOVA, "TDE": SUPERNOVA,
    "CV": CATACLYSMIC, "variable star": VARIABLE, "AGN": NUCLEUS,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Donors:
    """
    Light curves of one survey.

    Parameters
    ----------
    name : str
    real : bool
        Photometry of the sky; else simulated.
    curves : tuple of LightCurve
    kinds : tuple of str
        What each is.
    total : bool
        Fluxes of stars, not differences.
    only_detections : bool
        Neither limits nor forced photometry are given.
    """

    name: str
    real: bool
    curves: tuple[LightCurve, ...]
    kinds: tuple[str, ...]
    total: bool = False
    only_detections: bool = False

    def part(self, part: Part) -> Donors:
        """Return the objects of a part."""
        if part == "all":
            return self
        rows = [i for i, curve in enumerate(self.curves) if (part_of(curve.id) == part)]
        return replace(self, curves=tuple(self.curves[i] for i in rows), kinds=tuple(self.kinds[i] for i in rows))

    def some(self, n: int | None, rng: np.random.Generator) -> Donors:
        """Return n objects at random, or all if there are no more."""
        if n is None or n >= len(self.curves):
            return self
        rows = np.sort(rng.choice(len(self.curves), n, replace=False)).tolist()
        return replace(self, curves=tuple(self.curves[i] for i in rows), kinds=tuple(self.kinds[i] for i in rows))


@dataclass(frozen=True, slots=True)
class Injected:
    """An event, and the light curve that a survey would have of it."""

    survey: str
    donor: str
    event: Event
    curve: LightCurve


def part_of(name: str) -> Part:
    """Return the part that an object belongs to: half of them are for training, by a digest of the name."""
    return "training" if hashlib.sha256(name.encode()).digest()[0] % 2 == 0 else "test"


def load_donors(
    folder: Path,
    *,
    simulated: int,
    seed: int,
    names: Sequence[str] | None = None,
    progress: Progress = lambda done, total: None,
) -> list[Donors]:
    """
    Read the data sets in a folder, and simulate ZTF.

    Parameters
    ----------
    folder : Path
        With any of the folders snpcc, elasticc, ztf_bts_snia, rr_lyrae, ztf_alerts.
    simulated : int
        Objects of the simulation of ZTF, with histories of half a year; 0 for none.
    seed : int
        Of the simulation.
    names : sequence of str, optional
        Which of these folders; by default all.
    progress : callable, optional
        Called with the number of surveys that are read, and of all.

    Raises
    ------
    FollowupError
        If there is no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise FollowupError(f"{folder} is no folder; give one with any of {', '.join(_READERS)}")
    wanted = [name for name in _READERS if names is None or name in names]
    there = {name: folder / name for name in wanted if (folder / name).is_dir()}
    if not there:
        raise FollowupError(f"{folder} holds no light curves that are known here; it needs any of {', '.join(wanted)}")
    found: list[Donors] = []
    for name, place in there.items():
        progress(len(found), None)
        found += _READERS[name](place)
    if simulated:
        found.append(simulate_ztf(simulated, seed))
    progress(len(found), len(found))
    return found


def real_pulls(donors: Sequence[Donors], part: Part) -> Array:
    """
    Return standardised residuals of real photometry: what noise is like beyond its errors.

    Of three successive points of a type Ia supernova in one band within eight days, the middle one is compared with
    the line through the others. Errors of alerts are on the whole larger than the scatter; the tails are long.

    Returns
    -------
    ndarray, shape (n,)
        Gaussian ones if there are no such data.
    """
    pulls = []
    for donor in donors:
        if donor.name != "ztf_bts_snia":
            continue
        for curve in donor.part(part).curves:
            for band in np.unique(curve.band):
                one = curve.band == band
                t, f, e = curve.time[one], curve.flux[one], curve.flux_err[one]
                if len(t) < 3:
                    continue
                close = (t[2:] - t[:-2] < 8.0) & (t[2:] - t[:-2] > 0.5)
                share = (t[1:-1] - t[:-2]) / np.maximum(t[2:] - t[:-2], 1e-3)
                line = (1.0 - share) * f[:-2] + share * f[2:]
                error = np.sqrt(e[1:-1] ** 2 + ((1.0 - share) * e[:-2]) ** 2 + (share * e[2:]) ** 2)
                pulls.append(((f[1:-1] - line) / error)[close])
    if not pulls:
        return GAUSSIAN
    every = np.concatenate(pulls)
    return np.asarray(every - np.median(every))


def chains(donors: Sequence[Donors], part: Part, n: int, rng: np.random.Generator) -> Iterator[tuple[str, Epochs]]:
    """
    Yield n long runs of real epochs of ZTF: the histories of alerts of a part, one behind the other, in any order.

    The cadence within each, its gaps and its depth are those of the survey.
    """
    curves = [c for d in donors if d.name == "ztf_alerts" for c in d.part(part).curves if np.ptp(c.time) > 10.0]
    if not curves:
        return
    for _ in range(n):
        wanted, end = rng.uniform(*_CHAIN), 0.0
        parts: list[Epochs] = []
        names: list[str] = []
        while end < wanted:
            curve = curves[int(rng.integers(len(curves)))]
            epochs = replace(Epochs.of(curve), forced=False)
            epochs = epochs.select(epochs.time > epochs.time[-1] - 60.0)
            start = end + _GAP if parts else 0.0
            parts.append(replace(epochs, time=epochs.time - epochs.time[0] + start))
            end = float(parts[-1].time[-1])
            names.append(curve.id)
        joined = Epochs(
            58000.0 + np.concatenate([p.time for p in parts]),
            np.concatenate([p.band for p in parts]),
            np.concatenate([p.sky for p in parts]),
            np.concatenate([p.level for p in parts]),
            forced=False,
        )
        yield "+".join(names), joined


def inject(donors: Donors, pulls: Array, rng: np.random.Generator, n: int | None = None) -> list[Injected]:
    """
    Put an event that can be seen into the epochs of each of n donors.

    Parameters
    ----------
    donors : Donors
    pulls : ndarray
        What the noise of real alerts is drawn from, as from `real_pulls`; all other noise is Gaussian.
    rng : numpy.random.Generator
    n : int, optional
        By default all.
    """
    found = []
    pulls = pulls if donors.name in ("ztf_bts_snia", "ztf_alerts") else GAUSSIAN
    for curve in donors.some(n, rng).curves:
        epochs = Epochs.of(curve, total=donors.total)
        if donors.only_detections:
            epochs = replace(epochs, forced=False)
        made = inject_into(f"lens-{curve.id}", epochs, pulls, rng, only_detections=donors.only_detections)
        if made is not None:
            found.append(Injected(donors.name, curve.id, *made))
    return found


def inject_into(
    name: str, epochs: Epochs, pulls: Array, rng: np.random.Generator, *, only_detections: bool = False
) -> tuple[Event, LightCurve] | None:
    """Return an event in these epochs that can be seen, and its light curve; None if none was found."""
    if len(epochs.time) < LEAST_POINTS:
        return None
    for _ in range(_TRIES):
        event = draw_event(epochs, rng)
        curve = observe(name, epochs, event, rng.choice(pulls, len(epochs.time)))
        if only_detections:
            curve = without_limits(curve)
        if is_seen(curve, epochs, event):
            return event, curve
    return None


def is_seen(curve: LightCurve, epochs: Epochs, event: Event) -> bool:
    """Say whether an event stands out of its light curve."""
    source = np.array([event.source[band] for band in curve.band.tolist()])
    added = source * (event.magnification(curve.time) - 1.0)
    return int((curve.detected & (added > SEEN_SIGMA * curve.flux_err)).sum()) >= SEEN_POINTS


def without_limits(curve: LightCurve) -> LightCurve:
    """Return a light curve without its limits."""
    return _points(curve, curve.detected)


def until(curve: LightCurve, time: float) -> LightCurve:
    """Return a light curve as it was at a time [MJD]."""
    return _points(curve, curve.time <= time)


def between(curve: LightCurve, begin: float, end: float) -> LightCurve:
    """Return what is known of a light curve from one time to another [MJD]."""
    return _points(curve, (curve.time >= begin) & (curve.time <= end))


def _points(curve: LightCurve, mask: NDArray[np.bool_]) -> LightCurve:
    time, band, limit = curve.time[mask], curve.band[mask], curve.upper_limit[mask]
    flux, flux_err = curve.flux[mask], curve.flux_err[mask]
    return LightCurve(curve.id, curve.stock, time, band, flux, flux_err, limit, curve.ra, curve.dec)


def simulate_ztf(n: int, seed: int) -> Donors:
    """Simulate ZTF's supernovae, cataclysmic variables, variable stars and nuclei, half a year of each."""
    from ampel_followup.simulate import simulate_objects

    mix = {"SN Ia": 0.2, "SN II": 0.15, "SN Ib/c": 0.05, "SLSN": 0.05, "TDE": 0.05, "CV": 0.2, "variable star": 0.2}
    mix["AGN"] = 0.1
    curves, kinds, nights = [], [], 8
    for k in range(nights):
        night = datetime.date(2019, 1, 15) + datetime.timedelta(days=97 * k)
        share = n // nights + (k < n % nights)
        rng = np.random.default_rng([seed, k])
        for one in simulate_objects(share, night, rng, mix=mix, first_number=k * n, history=180):
            curves.append(light_curve_from_candidates(one.id, ztf_stock(one.id), one.candidates))
            kinds.append(_SIMULATED[one.label])
    return Donors("simulated ZTF", False, tuple(curves), tuple(kinds))


def _bts(folder: Path) -> list[Donors]:
    curves = read_bts(folder)
    return [Donors("ztf_bts_snia", True, curves, (SUPERNOVA,) * len(curves), only_detections=True)]


def _snpcc(folder: Path) -> list[Donors]:
    points = read_columns(folder / "lightcurves.parquet", ("snid", "mjd", "band", "flux", "flux_err"))
    band = np.char.add("lsst", points["band"].astype(np.str_))
    names = np.char.add("snpcc", points["snid"].astype(np.str_))
    flux, error = (points[name].astype(np.float64) * _FLUXCAL for name in ("flux", "flux_err"))
    curves = tuple(one_per_object(names, points["mjd"], band, flux, error))
    return [Donors("snpcc", False, curves, (SUPERNOVA,) * len(curves))]


def _elasticc(folder: Path) -> list[Donors]:
    columns = ("object_id", "alert_mjd", "forced_mjd", "forced_band", "forced_flux", "forced_flux_err")
    alerts = read_columns(folder / "elasticc_alerts.parquet", columns)
    order = np.lexsort((alerts["alert_mjd"].astype(np.float64), alerts["object_id"].astype(np.int64)))
    last = order[np.append(np.diff(alerts["object_id"][order].astype(np.int64)) != 0, True)]
    curves = []
    for i in last.tolist():
        time, band, flux, error = (alerts[f"forced_{c}"][i] for c in ("mjd", "band", "flux", "flux_err"))
        if time is None or len(time) < LEAST_POINTS:
            continue
        letters = np.char.add("lsst", np.char.lower(np.asarray(band, dtype=np.str_)))
        flux, error = (np.asarray(v, dtype=np.float64) * _NANOJANSKY for v in (flux, error))
        none = np.zeros(len(flux), dtype=np.bool_)
        name = f"elasticc{alerts['object_id'][i]}"
        curves.append(LightCurve(name, 0, np.asarray(time, dtype=np.float64), letters, flux, error, none, 0.0, 0.0))
    return [Donors("elasticc", False, tuple(curves), (SUPERNOVA,) * len(curves))]


def _variables(folder: Path) -> list[Donors]:
    found = []
    file = folder / "stripe82_rrlyrae_lightcurves.parquet"
    if file.is_file():
        points = read_columns(file, ("id", "mjd", "band", "mag", "magerr"))
        good = (points["mag"].astype(np.float64) < 30.0) & (points["magerr"].astype(np.float64) < 1.0)
        flux, error = flux_from_magnitude(points["mag"][good], points["magerr"][good])
        band = np.char.add("lsst", points["band"][good].astype(np.str_))
        names = np.char.add("stripe82-", points["id"][good].astype(np.str_))
        curves = tuple(one_per_object(names, points["mjd"][good], band, flux, error))
        found.append(Donors("stripe82", True, curves, (VARIABLE,) * len(curves), total=True))
    file = folder / "eros_variable_stars_train.parquet"
    if file.is_file():
        columns = tuple(f"{kind}_points_{side}" for side in "br" for kind in ("time", "light", "error"))
        stars = read_columns(file, ("id", *columns))
        curves_of_stars = []
        for i, name in enumerate(stars["id"].tolist()):
            sides = [[np.asarray(stars[f"{k}_points_{s}"][i], float) for k in ("time", "light", "error")] for s in "br"]
            time, mag, err = (np.concatenate(pair) for pair in zip(*sides, strict=True))
            band = np.repeat(["ztfg", "ztfr"], [len(side[0]) for side in sides])
            flux, error = flux_from_magnitude(mag, err)
            none = np.zeros(len(flux), dtype=np.bool_)
            curves_of_stars.append(LightCurve(f"eros-{name}", 0, time, band, flux, error, none, 0.0, 0.0))
        curves = tuple(curves_of_stars)
        found.append(Donors("eros", True, curves, (VARIABLE,) * len(curves), total=True))
    return found


def _alerts(folder: Path) -> list[Donors]:
    files = [f for f in sorted(folder.iterdir()) if f.suffix in (".gz", ".parquet")]
    files += sorted((folder / "single").glob("*.avro")) if (folder / "single").is_dir() else []
    curves = tuple(light_curves(files, quarantine=Quarantine(None)))
    return [Donors("ztf_alerts", True, curves, (ALERT,) * len(curves))]


_READERS: dict[str, Callable[[Path], list[Donors]]] = {
    "ztf_bts_snia": _bts,
    "snpcc": _snpcc,
    "elasticc": _elasticc,
    "rr_lyrae": _variables,
    "ztf_alerts": _alerts,
}
