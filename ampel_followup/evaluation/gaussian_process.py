"""How well Gaussian processes predict points that they have not seen, and how much they wiggle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ampel_followup.bands import BANDS
from ampel_followup.evaluation.gaussian_process_data import Explosions, Truth
from ampel_followup.gaussian_process.fit import fit_gaussian_processes
from ampel_followup.gaussian_process.kernels import KERNELS, Kernel
from ampel_followup.gaussian_process.process import GaussianProcess
from ampel_followup.lightcurve import LightCurve

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
HeldOut = Literal["points", "gap"]
Progress = Callable[[str, int, int | None], None]

#: Points at random, or all within a window: which share of them is held out, and how long the window is [d].
SHARE, GAP = 0.2, (15.0, 40.0)

#: Kernel that the others are compared with.
USUAL = "stationary"

#: A turning point counts if the light curve goes back by more than this share of its peak.
SWING = 0.01

_KINDS: tuple[HeldOut, ...] = ("points", "gap")

# The 97.5th percentile of the normal distribution.
_95 = 1.959964


def evaluate(
    sets: Sequence[Explosions],
    kernels: Mapping[str, Kernel] = KERNELS,
    *,
    objects: int = 300,
    seeds: Sequence[int] = (1, 2, 3),
    threads: int | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> dict[str, Any]:
    """
    Fit each kernel to parts of light curves and predict the rest.

    Parameters
    ----------
    sets : sequence of Explosions
    kernels : mapping of str to Kernel
        By their names in the result.
    objects : int
        Of each set, with each seed.
    seeds : sequence of int
        Objects, and points held out, are drawn anew with each.
    threads : int, optional
    progress : callable

    Returns
    -------
    dict
        ``held_out``: by set, what was held out, and kernel, the logarithm of the predictive density per point in
        units of the object's flux (mean over points of an object, then over objects; mean and standard deviation
        over seeds), its difference to that of the stationary kernel with a 95 % interval over objects (each counts
        once, with the mean of its seeds), the root mean square of (flux − prediction) / σ, and the share of points
        within the 95 % interval of the prediction. ``wiggle``: by set
        and kernel, turning points of the mean after the peak per band, and where the truth is known the number it has,
        the ratio of ∫ f″² dt, and the error of the mean relative to the peak.
    """
    held: list[dict[str, Any]] = []
    wiggle: list[dict[str, Any]] = []
    for one in sets:
        scores: dict[tuple[HeldOut, str], list[Array]] = {}
        names: dict[HeldOut, list[str]] = {"points": [], "gap": []}
        shapes: dict[str, list[Array]] = {}
        for number, seed in enumerate(seeds):
            rng = np.random.default_rng([seed, len(one.name)])
            curves = one.some(objects, rng)
            for what in _KINDS:
                pairs = [(curve, hold_out(curve, what, rng)) for curve in curves]
                pairs = [(curve, mask) for curve, mask in pairs if _testable(curve, mask)]
                names[what] += [curve.id for curve, _ in pairs]
                for name, kernel in kernels.items():
                    progress(f"{one.name}, {name}", number, len(seeds))
                    fits = fit_gaussian_processes([points_where(c, ~m) for c, m in pairs], kernel, threads=threads)
                    scored = [_scores(p, c, m) for p, (c, m) in zip(fits.processes, pairs, strict=True)]
                    scores.setdefault((what, name), []).append(np.array(scored))
            for name, kernel in kernels.items():
                fits = fit_gaussian_processes(curves, kernel, threads=threads)
                measured = [_shape(p, c, one.truth.get(c.id)) for p, c in zip(fits.processes, curves, strict=True)]
                shapes.setdefault(name, []).append(np.array(measured))
        held += [
            {"set": one.name, "real": one.real, "held_out": what, "kernel": name,
             **_summary(runs, scores.get((what, USUAL)), names[what])}
            for (what, name), runs in scores.items()
        ]  # fmt: skip
        wiggle += [
            {"set": one.name, "real": one.real, "kernel": name, **_shape_summary(runs, bool(one.truth))}
            for name, runs in shapes.items()
        ]
    return {
        "objects": objects, "seeds": list(seeds), "kernels": list(kernels), "held_out": held, "wiggle": wiggle,
    }  # fmt: skip


def hold_out(curve: LightCurve, what: HeldOut, rng: np.random.Generator) -> Mask:
    """
    Choose points to hold out, shape (n,).

    Parameters
    ----------
    curve : LightCurve
    what : {"points", "gap"}
        A fifth of the points at random, or all of a window of 15 to 40 days that begins between the first and the last
        detection.
    rng : numpy.random.Generator
    """
    if what == "points":
        return np.asarray(rng.uniform(size=len(curve)) < SHARE)
    seen = curve.time[curve.detected & (curve.flux > 5.0 * curve.flux_err)]
    width = float(rng.uniform(*GAP))
    begin = float(rng.uniform(seen[0], max(seen[-1] - width, seen[0])))
    return np.asarray((curve.time >= begin) & (curve.time <= begin + width))


def turning_points(flux: Array, swing: float) -> int:
    """
    Return how often a curve turns round, by at least a swing.

    Parameters
    ----------
    flux : ndarray, shape (m,)
    swing : float
        How far it has to go back, in the unit of the flux.
    """
    turns, direction, extreme = 0, 0, float(flux[0])
    for value in flux.tolist():
        if direction == 0:
            if abs(value - extreme) >= swing:
                direction, extreme = (1 if value > extreme else -1), value
        elif (value - extreme) * direction >= 0:
            extreme = value
        elif abs(value - extreme) >= swing:
            turns, direction, extreme = turns + 1, -direction, value
    return turns


def _testable(curve: LightCurve, mask: Mask) -> bool:
    seen = curve.detected & (curve.flux > 5.0 * curve.flux_err)
    return bool((mask & curve.detected).any() and (seen & ~mask).sum() >= 3)


def points_where(curve: LightCurve, mask: Mask) -> LightCurve:
    """Return a light curve with some of its points."""
    time, band, limit = curve.time[mask], curve.band[mask], curve.upper_limit[mask]
    flux, flux_err = curve.flux[mask], curve.flux_err[mask]
    return LightCurve(curve.id, curve.stock, time, band, flux, flux_err, limit, curve.ra, curve.dec)


def _wavelengths(band: NDArray[np.str_]) -> Array:
    return np.array([BANDS[name].effective_wavelength for name in band.tolist()])


def _scores(process: GaussianProcess, curve: LightCurve, mask: Mask) -> tuple[float, float, float]:
    """Return ln p per held-out point in units of the flux scale, mean squared pull, and share within 95 %."""
    mask = mask & curve.detected
    mean, deviation = process.posterior(curve.time[mask], _wavelengths(curve.band[mask]))
    variance = deviation**2 + curve.flux_err[mask] ** 2 + process.white_noise**2
    square = (curve.flux[mask] - mean) ** 2 / variance
    # In units of the brightest flux, which does not depend on the kernel.
    unit = float(np.abs(curve.flux).max())
    density = -0.5 * (square + np.log(2.0 * np.pi * variance / unit**2))
    return float(density.mean()), float(square.mean()), float((square < _95**2).mean())


def _shape(process: GaussianProcess, curve: LightCurve, truth: Truth | None) -> Array:
    """Return turning points of mean and truth after the peak per band, ratio of roughness, and error of the mean."""
    measured = []
    for band in np.unique(curve.band[curve.detected]).tolist():
        seen = curve.time[(curve.band == band) & curve.detected & (curve.flux > 5.0 * curve.flux_err)]
        if len(seen) < 4:
            continue
        last = float(curve.time[curve.band == band][-1])
        grid = np.arange(seen[0], last + 0.5, 1.0)
        mean = process.posterior(grid, BANDS[band].effective_wavelength)[0]
        top = int(np.argmax(mean))
        if len(grid) - top < 5:
            continue
        after = mean[top:]
        turns = turning_points(after, SWING * float(after[0]))
        if truth is None:
            measured.append((turns, np.nan, np.nan, np.nan))
            continue
        true = np.interp(grid, truth.mjd, truth.flux[band])
        peak = float(true.max())
        true_turns = turning_points(true[int(np.argmax(true)) :], SWING * peak)
        rough = _roughness(after) / max(_roughness(true[top:]), 1e-12 * peak**2)
        measured.append((turns, true_turns, np.log(rough), float(np.sqrt(((mean - true) ** 2).mean())) / peak))
    return np.mean(measured, axis=0) if measured else np.full(4, np.nan)


def _roughness(flux: Array) -> float:
    """∫ f″² dt of daily values."""
    return float((np.diff(flux, 2) ** 2).sum())


def _summary(runs: list[Array], usual: list[Array] | None, names: list[str]) -> dict[str, Any]:
    every = np.concatenate(runs)
    _, which = np.unique(names, return_inverse=True)
    counts = np.bincount(which)
    summary: dict[str, Any] = {
        "objects": len(counts),
        **_spread("log_density", [run[:, 0].mean() for run in runs]),
        "median_log_density": float(np.median(every[:, 0])),
        "rms_pull": float(np.sqrt(every[:, 1].mean())),
        "median_rms_pull": float(np.median(np.sqrt(every[:, 1]))),
        "within_95": float(every[:, 2].mean()),
    }
    if usual is not None:
        gain = np.bincount(which, every[:, 0] - np.concatenate(usual)[:, 0]) / counts
        half = _95 * float(gain.std(ddof=1)) / np.sqrt(len(gain)) if len(gain) > 1 else float("inf")
        summary |= {"gain": float(gain.mean()), "gain_low": float(gain.mean() - half),
                    "gain_high": float(gain.mean() + half), "better": float((gain > 0).mean())}  # fmt: skip
    return summary


def _shape_summary(runs: list[Array], known: bool) -> dict[str, Any]:
    summary = _spread("turns", [float(np.nanmean(run[:, 0])) for run in runs])
    if known:
        every = np.concatenate(runs)
        summary |= _spread("true_turns", [float(np.nanmean(run[:, 1])) for run in runs])
        summary["roughness_ratio"] = float(np.exp(np.nanmedian(every[:, 2])))
        summary |= _spread("error", [float(np.nanmedian(run[:, 3])) for run in runs])
    return summary


def _spread(name: str, values: Sequence[float]) -> dict[str, float | None]:
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {name: float(np.mean(values)), f"{name}_sd": deviation}
