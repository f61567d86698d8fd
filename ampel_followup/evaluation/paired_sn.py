"""
Real supernovae with a light curve and a spectrum each: the shared folder ``paired_sn``.

One row per supernova: what its light curve shows at the moment when a spectrum is decided on, and the spectrum that was
taken nearest to that moment. **All of it is real; what is artificial is the choice.** The sample was put together from
surveys that each kept what they were after, so its classes differ in more than their physics (see `CONFOUNDS`).

Surveys calibrate against different standards, AB or like Vega, and the files do not say which. The photometric features
are therefore free of the calibration by construction: each describes the shape of the light curve in one band, or how a
colour changes, and is the same whatever factor the fluxes of a band are multiplied with.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from ampel_followup.errors import FollowupError
from ampel_followup.evaluation.data import PairedData, read_columns
from ampel_followup.spectra.features import GRID_RANGE, N_BINS, to_grid

Array = NDArray[np.float64]

#: The decision is made this long after the tabulated date of maximum light [d, observer frame].
DECISION_AFTER_PEAK = 5.0

#: Photometry older than this does not enter [d].
HISTORY = 60.0

#: The spectrum lies at most this far from the decision, before or after [d].
SPECTRUM_WITHIN = 15.0

#: Every spectrum is cut to this range, and must cover it: how far a spectrum reaches would name the survey [Å].
WINDOW = (4100.0, 6800.0)

#: Width of the Gaussian that the continuum is smoothed with [ln λ]: 24,000 km/s, wider than any line.
CONTINUUM_WIDTH = 0.08

#: Points fainter than this many standard deviations are left out.
SIGNIFICANCE = 3.0

#: Added in quadrature to the errors of magnitudes: below this, surveys disagree about what an error is [mag].
ERROR_FLOOR = 0.02

#: Photometry that a parabola is fitted to: so recent [d], so many points, over at least so long [d].
RECENT, FEWEST_POINTS, SHORTEST_SPAN = 20.0, 4, 6.0

#: Bands that are near enough in wavelength to take each other's place, by the letter that ends their name.
SLOTS = {"blue": "Bg", "red": "Rr", "far_red": "Ii"}

CLASSES = ("SN Ia", "stripped-envelope")

#: What else sets the classes apart; a score on this set is no promise for the sky.
CONFOUNDS = (
    "class and survey coincide: all stripped-envelope supernovae are from one compilation, all type Ia from others",
    "redshift differs: stripped-envelope z < 0.04, type Ia up to 0.7, and times and wavelengths are the observer's",
    "the compilation's light curves are better sampled and start earlier: which features are missing tells the class",
    "B and g, R and r, I and i stand in for one another: their wavelengths differ by up to 10 %",
    "the date of maximum is hindsight, known from the whole light curve",
    "class shares are those of the sample, not of the sky",
)

_MAG_PER_RELATIVE_FLUX = 2.5 / np.log(10.0)
_SHAPE = ("slope", "curvature", "time_since_maximum", "rise_from_half", "decline")
_PAIRS = (("blue", "red"), ("red", "far_red"))

#: Names of the photometric features; `shape_features` says what they are.
FEATURES = (
    *(f"{feature}_{slot}" for slot in SLOTS for feature in _SHAPE),
    *(f"{feature}_{a}_{b}" for a, b in _PAIRS for feature in ("colour_trend", "maximum_lag")),
)


def load(folder: Path, seed: int = 0) -> PairedData:
    """
    Load the supernovae that have a usable light curve before the decision and a usable spectrum near it.

    Parameters
    ----------
    folder : Path
        With ``objects.parquet``, ``photometry.parquet`` and ``spectra.parquet``.
    seed : int
        Not used: nothing here is left to chance. Every loader of pairs takes one.

    Returns
    -------
    PairedData
        Spectra on the common grid, without their continuum (`lines_of`); classes "SN Ia" and "stripped-envelope" (Ib,
        Ic, Ic-BL, IIb, Ibn: too few to keep apart). ``note`` says how many were left out and why, and lists the
        confounds.

    Raises
    ------
    FollowupError
        If pyarrow is missing, a file is no parquet or lacks a column, or no supernova is usable.
    """
    objects = read_columns(folder / "objects.parquet", ("name", "type", "survey", "peak_mjd"))
    photometry = read_columns(folder / "photometry.parquet", ("name", "mjd", "band", "flux", "flux_err"))
    spectra = read_columns(folder / "spectra.parquet", ("name", "mjd", "wavelength", "flux", "flag"))
    points_of, spectra_of = _rows_by_name(photometry["name"]), _rows_by_name(spectra["name"])
    none = np.empty(0, dtype=np.intp)

    kept: list[int] = []
    x_t: list[Array] = []
    gridded: list[Array] = []
    omitted: Counter[str] = Counter()
    for i, name in enumerate(objects["name"]):
        decision = float(objects["peak_mjd"][i]) + DECISION_AFTER_PEAK
        points = points_of.get(str(name), none)
        features = shape_features(
            photometry["mjd"][points].astype(np.float64) - decision,
            photometry["band"][points].astype(np.str_),
            photometry["flux"][points].astype(np.float64),
            photometry["flux_err"][points].astype(np.float64),
        )
        if not np.isfinite(features).any():
            omitted["too little photometry before the decision"] += 1
            continue
        spectrum = _nearest_spectrum(spectra, spectra_of.get(str(name), none), decision)
        if spectrum is None:
            omitted[
                f"no spectrum that covers {WINDOW[0]:.0f}–{WINDOW[1]:.0f} Å within {SPECTRUM_WITHIN:.0f} d of it"
            ] += 1
            continue
        kept.append(i)
        x_t.append(features)
        gridded.append(spectrum)
    if not kept:
        raise FollowupError(f"{folder}: none of {len(objects['name'])} supernovae is usable; is the folder complete?")
    return PairedData(
        name="paired_sn",
        x_t=np.array(x_t),
        features=FEATURES,
        x_s=None,
        spectra=np.array(gridded),
        y=(objects["type"][kept] != "Ia").astype(np.intp),
        classes=CLASSES,
        groups=objects["name"][kept].astype(np.str_),
        note=_note(len(kept), omitted),
    )


def shape_features(time: Array, band: NDArray[np.str_], flux: Array, flux_err: Array) -> Array:
    """
    Describe the shape of a light curve up to the decision, free of any calibration.

    Of each of three slots of bands (`SLOTS`; the band with the most points stands for its slot):

    - ``slope`` [mag/d] and ``curvature`` [mag/d²] at the decision: first and second derivative of the parabola fitted
      to the magnitudes of the last `RECENT` days; positive slope = fading;
    - ``time_since_maximum`` [d]: from the brightest point to the decision;
    - ``rise_from_half`` [d]: from half the largest flux to the largest, by linear interpolation;
    - ``decline`` [mag]: from the brightest point to the last.

    Of the slots blue and red, and of red and far red: ``colour_trend`` [mag/d], the difference of the slopes (positive
    where it reddens), and ``maximum_lag`` [d], how much later the redder one was brightest.

    A slot with a single point says nothing.

    Parameters
    ----------
    time : ndarray, shape (n,)
        Days since the decision; what comes after it is not looked at.
    band : ndarray of str, shape (n,)
        Names that end in the letter of the band, with or without an instrument's code: ``CFA3K-r/k``, ``BessellB``.
    flux, flux_err : ndarray, shape (n,)
        In any unit, which may differ from band to band.

    Returns
    -------
    ndarray, shape (19,)
        In the order of `FEATURES`; NaN = not measurable.
    """
    with np.errstate(invalid="ignore"):
        usable = (time > -HISTORY) & (time <= 0.0) & (flux_err > 0) & (flux > SIGNIFICANCE * flux_err)
    letters = np.array([_band_letter(name) for name in band], dtype=np.str_)
    shapes: dict[str, dict[str, float]] = {}
    for slot, alternatives in SLOTS.items():
        names, counts = np.unique(band[usable & np.isin(letters, list(alternatives))], return_counts=True)
        if len(names) == 0 or counts.max() < 2:
            shapes[slot] = dict.fromkeys(_SHAPE, np.nan)
            continue
        own = np.flatnonzero(usable & (band == names[counts.argmax()]))
        own = own[np.argsort(time[own], kind="stable")]
        shapes[slot] = _shape(time[own], flux[own], flux_err[own])
    return np.array(
        [
            *(shapes[slot][feature] for slot in SLOTS for feature in _SHAPE),
            *(
                shapes[a][feature] - shapes[b][feature]
                for a, b in _PAIRS
                for feature in ("slope", "time_since_maximum")
            ),
        ]
    )


def _shape(time: Array, flux: Array, flux_err: Array) -> dict[str, float]:
    mag, mag_err = -2.5 * np.log10(flux), np.hypot(_MAG_PER_RELATIVE_FLUX * flux_err / flux, ERROR_FLOOR)
    brightest = int(flux.argmax())
    slope = curvature = np.nan
    recent = time > -RECENT
    if recent.sum() >= FEWEST_POINTS and np.ptp(time[recent]) >= SHORTEST_SPAN:
        quadratic, slope, _ = np.polyfit(time[recent], mag[recent], 2, w=1.0 / mag_err[recent])
        curvature = 2.0 * quadratic
    half = 0.5 * flux[brightest]
    below = np.flatnonzero(flux[:brightest] < half)
    rise = np.nan
    if len(below):
        i = below[-1]
        crossing = time[i] + (half - flux[i]) / (flux[i + 1] - flux[i]) * (time[i + 1] - time[i])
        rise = time[brightest] - crossing
    return {
        "slope": float(slope),
        "curvature": float(curvature),
        "time_since_maximum": float(-time[brightest]),
        "rise_from_half": float(rise),
        "decline": float(mag[-1] - mag[brightest]),
    }


def lines_of(wavelength: Array, flux: Array) -> Array:
    """
    Put a spectrum on the common grid and take its continuum off.

    The continuum holds the surveys' flux calibration, dust and the light of the host, as much as the supernova's
    temperature; what is left are the lines.

    Parameters
    ----------
    wavelength, flux : ndarray, shape (m,)
        As for `ampel_followup.spectra.features.to_grid`.

    Returns
    -------
    ndarray, shape (N_BINS,)
        0.5 + the spectrum of `to_grid` − itself smoothed over `CONTINUUM_WIDTH`, within [0, 1].
    """
    scaled = to_grid(wavelength, flux)
    bins_per_ln = N_BINS / np.log(GRID_RANGE[1] / GRID_RANGE[0])
    continuum = gaussian_filter1d(scaled, CONTINUUM_WIDTH * bins_per_ln, mode="nearest")
    return np.asarray(np.clip(0.5 + scaled - continuum, 0.0, 1.0))


def _nearest_spectrum(spectra: dict[str, NDArray[np.generic]], rows: NDArray[np.intp], decision: float) -> Array | None:
    """Return the lines of the usable spectrum nearest in time to the decision; None if there is none."""
    distance = np.abs(spectra["mjd"][rows].astype(np.float64) - decision)
    for k in np.argsort(distance, kind="stable"):
        if distance[k] > SPECTRUM_WITHIN:
            break
        wavelength, flux, flag = (spectra[column][rows[k]] for column in ("wavelength", "flux", "flag"))
        inside = (wavelength >= WINDOW[0]) & (wavelength <= WINDOW[1]) & np.isfinite(flux)
        if flag is not None:
            inside &= np.asarray(flag) == 1
        seen = wavelength[inside]
        # A pixel or a chip gap may be missing at the ends, no more.
        if len(seen) and seen.min() < WINDOW[0] + 50.0 and seen.max() > WINDOW[1] - 50.0:
            return lines_of(seen.astype(np.float64), flux[inside].astype(np.float64))
    return None


def _band_letter(name: str) -> str:
    """Return the letter of the band: the last one of the name, before the instrument's code if there is one."""
    found = re.search(r"([A-Za-z])(?:/.)?$", name)
    return found[1] if found else ""


def _rows_by_name(names: NDArray[np.generic]) -> dict[str, NDArray[np.intp]]:
    unique, inverse = np.unique(names.astype(np.str_), return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(inverse))[:-1])
    return {str(name): rows for name, rows in zip(unique, parts, strict=True)}


def _note(n: int, omitted: Counter[str]) -> str:
    left_out = "; ".join(f"{count} with {reason}" for reason, count in sorted(omitted.items())) or "none"
    return (
        f"Real photometry and real spectra of {n} supernovae, one row each: photometry up to "
        f"{DECISION_AFTER_PEAK:.0f} d after maximum light, and the lines of the spectrum nearest to then. "
        f"Left out: {left_out}. "
        f"Confounds: {'; '.join(CONFOUNDS)}."
    )
