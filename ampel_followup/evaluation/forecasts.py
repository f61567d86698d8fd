"""How well `ampel_followup.brightness` says tomorrow's brightness: of simulated objects, and of real ones cut short."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, stdtr, stdtrit

from ampel_followup.alerts.ztf import light_curve_from_candidates, ztf_stock
from ampel_followup.bands import BANDS, MICROJANSKY, SPEED_OF_LIGHT
from ampel_followup.brightness import brightness_at
from ampel_followup.learning.light_curve_files import until
from ampel_followup.lightcurve import ZERO_POINT, LightCurve, flux_from_magnitude, magnitude_from_flux
from ampel_followup.simulate import simulate_objects
from ampel_followup.trend import MODEL, TrendModel

#: Days after the night at which the truth of simulated objects is asked for.
GAPS = (1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0)

#: Hidden points this long after the last one that is shown are asked for [d].
_FIRST_HIDDEN, _LAST_HIDDEN = 0.5, 20.0

#: Filters of several surveys that are near enough to a letter for a brightness relative to the same filter.
_FILTER = re.compile(r"(?:-|_)([griz])(?:/.)?$|Bessell-?([RI])(?:/.)?$|CFA3S-([RI])/.$")


@dataclass(frozen=True, slots=True, eq=False)
class Questions:
    """
    What n objects were at a later time, of which light curves know nothing.

    Parameters
    ----------
    light_curves : list of LightCurve, length n
        Until then.
    label : ndarray of str, shape (n,)
        Class of the object.
    mjd : ndarray, shape (n,)
        When.
    letter : ndarray of str, shape (n,)
        Band.
    gap : ndarray, shape (n,)
        Since the last detection [d].
    mag, mag_err : ndarray, shape (n,)
        What it was, and how well that is known [mag]; infinite where it had gone below the reference image.
    """

    light_curves: list[LightCurve]
    label: NDArray[np.str_]
    mjd: NDArray[np.float64]
    letter: NDArray[np.str_]
    gap: NDArray[np.float64]
    mag: NDArray[np.float64]
    mag_err: NDArray[np.float64]

    def select(self, mask: NDArray[np.bool_]) -> Questions:
        """Return the questions where `mask` is True."""
        return Questions(
            [light_curve for light_curve, kept in zip(self.light_curves, mask, strict=True) if kept],
            self.label[mask],
            self.mjd[mask],
            self.letter[mask],
            self.gap[mask],
            self.mag[mask],
            self.mag_err[mask],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """
    What the forecast said to n questions.

    Parameters
    ----------
    error : ndarray, shape (n,)
        True minus forecast magnitude [mag]; NaN where there was no forecast, infinite where the object had gone.
    mag_err : ndarray, shape (n,)
        Of the forecast [mag].
    level : ndarray, shape (n,)
        Probability of a brighter magnitude than the true one, by the forecast and the error of the truth; evenly spread
        between 0 and 1 if all is well.
    log_likelihood : ndarray, shape (n,)
        Of the truth, per mag.
    """

    error: NDArray[np.float64]
    mag_err: NDArray[np.float64]
    level: NDArray[np.float64]
    log_likelihood: NDArray[np.float64]

    def coverage(self, content: float) -> float:
        """Return how many of the truths are in the central interval that should have `content` of them."""
        return float(np.mean(np.abs(self.level[np.isfinite(self.level)] - 0.5) <= content / 2.0))


def ask(questions: Questions, model: TrendModel = MODEL) -> Answers:
    """Forecast what the questions ask for, and compare with the truth."""
    n = len(questions.mjd)
    mag, mag_err, freedom = np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan)
    for letter in np.unique(questions.letter):
        rows = np.flatnonzero(questions.letter == letter)
        curves = [questions.light_curves[i] for i in rows]
        said = brightness_at(curves, questions.mjd[rows], band=str(letter), model=model)
        mag[rows], mag_err[rows], freedom[rows] = said.mag, said.mag_err, said.freedom
    error = questions.mag - mag
    # The scale of Student's t; the error of the truth, small beside it, is added in quadrature.
    scale = np.hypot(mag_err / stdtrit(freedom, 0.8413447460685429), questions.mag_err)
    z = error / scale
    log_likelihood = (
        gammaln((freedom + 1.0) / 2.0)
        - gammaln(freedom / 2.0)
        - 0.5 * np.log(freedom * np.pi)
        - np.log(scale)
        - (freedom + 1.0) / 2.0 * np.log1p(z * z / freedom)
    )
    return Answers(error, mag_err, np.where(np.isnan(z), np.nan, stdtr(freedom, z)), log_likelihood)


def simulated_questions(n: int, night: dt.date, rng: np.random.Generator, gaps: Sequence[float] = GAPS) -> Questions:
    """
    Ask for the true brightness of simulated objects, without noise, some days after their last alert.

    Parameters
    ----------
    n : int
        Objects, one question each: the gap and the band (g or r) are drawn.
    night : datetime.date
        Of the last alert.
    rng : numpy.random.Generator
    gaps : sequence of float
        To choose from [d].

    Returns
    -------
    Questions
        Without those objects that are none (bogus).
    """
    nodes = {letter: BANDS[f"ztf{letter}"].quadrature() for letter in "gr"}
    rows = []
    for simulated in simulate_objects(n, night, rng):
        gap, letter = rng.choice(gaps), rng.choice(["g", "r"])
        if simulated.label == "bogus":
            continue
        curve = light_curve_from_candidates(simulated.id, ztf_stock(simulated.id), simulated.candidates)
        positive = curve.detected & (curve.flux > 0)
        if not positive.any():
            continue
        mjd = float(curve.time[positive][-1] + gap)
        wavelength, weights = nodes[letter]
        flux = float((simulated.difference(np.array([mjd]), wavelength) @ weights)[0])
        mag = float(magnitude_from_flux(flux, 0.0)[0]) if flux > 0 else np.inf
        rows.append((curve, simulated.label, mjd, letter, gap, mag, 0.0))
    return _questions(rows)


def hidden_questions(light_curves: Sequence[LightCurve], label: Sequence[str], rng: np.random.Generator) -> Questions:
    """
    Cut light curves at a random detection, and ask for one of those that follow.

    That there is a later detection makes the truth brighter than that of all objects: what has faded below the limit is
    not asked for.

    Parameters
    ----------
    light_curves : sequence of LightCurve
    label : sequence of str
        Class of each.
    rng : numpy.random.Generator

    Returns
    -------
    Questions
        One for each object with a detection 0.5 to 20 d after another one.
    """
    rows = []
    for curve, name in zip(light_curves, label, strict=True):
        mag, mag_err = curve.magnitude
        good = np.flatnonzero(np.isfinite(mag))
        later = curve.time[good][:, np.newaxis] - curve.time[good]
        here, there = np.nonzero((later.T > _FIRST_HIDDEN) & (later.T < _LAST_HIDDEN))
        if len(here) == 0:
            continue
        # The cut first, then the point: points in crowds of points are not asked for more often.
        cut = rng.choice(np.unique(here))
        hidden = good[rng.choice(there[here == cut])]
        last = float(curve.time[good[cut]])
        gap = float(curve.time[hidden]) - last
        rows.append(
            (
                until(curve, last),
                name,
                float(curve.time[hidden]),
                BANDS[str(curve.band[hidden])].letter,
                gap,
                float(mag[hidden]),
                float(mag_err[hidden]),
            )
        )
    return _questions(rows)


def bts_light_curves(folder: Path) -> list[LightCurve]:
    """Read the light curves of type Ia supernovae of ZTF's Bright Transient Survey, from a folder of test data."""
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "lightcurves.parquet")
    columns = {name: table[name].to_numpy() for name in ("mjd", "mag", "magerr")}
    flux, flux_err = flux_from_magnitude(columns["mag"], columns["magerr"])
    band = np.array([{"g": "ztfg", "R": "ztfr", "i": "ztfi"}[name] for name in table["band"].to_pylist()])
    return list(_by_name(table["name"].to_pylist(), columns["mjd"], band, flux, flux_err))


def paired_light_curves(folder: Path) -> tuple[list[LightCurve], list[str]]:
    """
    Read the light curves of well-observed supernovae, and their types, from a folder of test data.

    Filters like g, r, i and z count as these, in whatever magnitude system: differences within a filter are asked for.
    """
    import pyarrow.parquet as pq

    objects = pq.read_table(folder / "objects.parquet")
    types = dict(zip(objects["name"].to_pylist(), objects["type"].to_pylist(), strict=True))
    table = pq.read_table(folder / "photometry.parquet")
    found = [_FILTER.search(name) for name in table["band"].to_pylist()]
    letters = [next(filter(None, match.groups())).lower() if match else "" for match in found]
    keep = np.array([letter != "" for letter in letters])
    band = np.array([f"lsst{letter}" for letter in letters])
    flux, flux_err = table["flux"].to_numpy(), table["flux_err"].to_numpy()
    # Zero point 27.5, or f_λ, taken at one wavelength: what all points of a filter share is of no matter here.
    calibrated = np.array([unit == "fluxcal_zp27.5" for unit in table["flux_unit"].to_pylist()])
    factor = np.where(calibrated, 10.0 ** (0.4 * (ZERO_POINT - 27.5)), 6200.0**2 / SPEED_OF_LIGHT / MICROJANSKY)
    names = table["name"].to_pylist()
    curves = list(
        _by_name(
            [name for name, kept in zip(names, keep, strict=True) if kept],
            table["mjd"].to_numpy()[keep],
            band[keep],
            (flux * factor)[keep],
            (flux_err * factor)[keep],
        )
    )
    return curves, [types[curve.id] for curve in curves]


def _by_name(
    names: Sequence[str],
    mjd: NDArray[np.float64],
    band: NDArray[np.str_],
    flux: NDArray[np.float64],
    flux_err: NDArray[np.float64],
) -> Iterator[LightCurve]:
    order: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        order.setdefault(name, []).append(i)
    for name, rows in order.items():
        # Below five sigma no survey reports a detection.
        kept = np.array(rows)[flux[rows] > 5.0 * flux_err[rows]]
        if len(kept) > 1:
            yield LightCurve(
                name, 0, mjd[kept], band[kept], flux[kept], flux_err[kept], np.zeros(len(kept), bool), 0.0, 0.0
            )


def _questions(rows: Sequence[tuple[LightCurve, str, float, str, float, float, float]]) -> Questions:
    columns = list(zip(*rows, strict=True)) if rows else [()] * 7
    return Questions(
        list(columns[0]),
        np.array(columns[1], dtype=np.str_),
        np.array(columns[2], dtype=np.float64),
        np.array(columns[3], dtype=np.str_),
        np.array(columns[4], dtype=np.float64),
        np.array(columns[5], dtype=np.float64),
        np.array(columns[6], dtype=np.float64),
    )
