"""Pictures of Gaussian processes: the same light curves under two kernels, and what is gained; needs matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.bands import BANDS
from ampel_followup.evaluation.gaussian_process import hold_out, points_where
from ampel_followup.evaluation.gaussian_process_data import Explosions
from ampel_followup.gaussian_process.fit import fit_gaussian_processes
from ampel_followup.gaussian_process.kernels import KERNELS
from ampel_followup.plotting import figure_class, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ampel_followup.gaussian_process.process import GaussianProcess
    from ampel_followup.lightcurve import LightCurve

#: Colours of bands by letter, told apart by the colour-blind (Okabe & Ito 2008).
COLOURS = {"u": "#CC79A7", "g": "#009E73", "r": "#D55E00", "i": "#56B4E9", "z": "#000000", "y": "#E69F00"}

#: What is drawn beside each other.
PAIR = ("stationary", "warped")

_TRIES = 200


def write_gaussian_process_figures(
    folder: Path, sets: Sequence[Explosions], result: dict[str, Any], seed: int
) -> list[Path]:
    """
    Draw light curves of each set under the stationary and the warped kernel, with a gap held out.

    Parameters
    ----------
    folder : Path
        Made if absent.
    sets : sequence of Explosions
    result : dict
        From `ampel_followup.evaluation.gaussian_process.evaluate`.
    seed : int
        Of the choice of the light curves, and of the gaps.

    Returns
    -------
    list of Path

    Raises
    ------
    FollowupError
        If matplotlib is not installed or the folder cannot be written.
    """
    figure = figure_class()(figsize=(11.0, 2.9 * len(sets)), layout="constrained")
    rows = figure.subplots(len(sets), 2, squeeze=False, sharey="row", sharex="row")
    for axes, one in zip(rows, sets, strict=True):
        rng = np.random.default_rng([seed, len(one.name)])
        curve, held = _example(one.curves, rng)
        for axis, name in zip(axes, PAIR, strict=True):
            (process,) = fit_gaussian_processes([points_where(curve, ~held)], KERNELS[name]).processes
            _draw(axis, process, curve, held)
            if one.truth:
                truth = one.truth[curve.id]
                for band, flux in truth.flux.items():
                    axis.plot(truth.mjd, flux, color=COLOURS[BANDS[band].letter], linewidth=0.8, linestyle=":")
            axis.set_title(f"{curve.id} ({one.name}{'' if one.real else ', simulated'}): {name}", fontsize=8)
        axes[0].set_ylabel("flux [µJy]")
    for axis in rows[-1]:
        axis.set_xlabel("MJD")
    return [*save_figure(figure, folder, "gaussian_process"), *_draw_gains(folder, result)]


def _example(curves: Sequence[LightCurve], rng: np.random.Generator) -> tuple[LightCurve, NDArray[np.bool_]]:
    """Return a light curve and a gap that leaves enough of it, the last of some tries if none does."""
    for _ in range(_TRIES):
        curve = curves[int(rng.integers(len(curves)))]
        held = hold_out(curve, "gap", rng)
        seen = curve.flux > 5.0 * curve.flux_err
        if np.ptp(curve.time[seen]) > 50.0 and 0.1 < held[seen].mean() < 0.35 and (seen & ~held).sum() >= 12:
            break
    return curve, held


def _draw(axis: Axes, process: GaussianProcess, curve: LightCurve, held: NDArray[np.bool_]) -> None:
    grid = np.linspace(curve.time[0], curve.time[-1], 400)
    seen = curve.time[curve.flux > 5.0 * curve.flux_err]
    for band in sorted(set(curve.band.tolist()), key=lambda name: BANDS[name].effective_wavelength):
        colour = COLOURS.get(BANDS[band].letter, "#777777")
        mean, deviation = process.posterior(grid, BANDS[band].effective_wavelength)
        axis.plot(grid, mean, color=colour, linewidth=1.1, label=band)
        axis.fill_between(grid, mean - deviation, mean + deviation, color=colour, alpha=0.2, linewidth=0)
        for mask, filled in ((~held, True), (held, False)):
            rows = (curve.band == band) & curve.detected & mask
            axis.errorbar(
                curve.time[rows], curve.flux[rows], curve.flux_err[rows], fmt="o", color=colour, markersize=3,
                linewidth=0.7, markerfacecolor=colour if filled else "white", zorder=3,
            )  # fmt: skip
    top = float(curve.flux.max())
    axis.set(ylim=(-0.25 * top, 1.25 * top), xlim=(max(curve.time[0], seen[0] - 40.0), curve.time[-1]))
    axis.legend(fontsize=6, loc="upper right")


def _draw_gains(folder: Path, result: dict[str, Any]) -> list[Path]:
    figure = figure_class()(figsize=(11.0, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    kernels = [name for name in result["kernels"] if name != "stationary"]
    colours = dict(zip(kernels, ("#D55E00", "#E69F00", "#56B4E9"), strict=False))
    places = list(dict.fromkeys((one["set"], one["held_out"]) for one in result["held_out"]))
    for k, name in enumerate(kernels):
        rows = [one for one in result["held_out"] if one["kernel"] == name]
        at = np.arange(len(rows)) + 0.2 * (k - 1)
        gain = np.array([one["gain"] for one in rows])
        error = [gain - [one["gain_low"] for one in rows], [one["gain_high"] for one in rows] - gain]
        left.errorbar(gain, at, xerr=error, fmt="o", markersize=4, color=colours[name], label=name)
    left.axvline(0.0, color="black", linewidth=0.8)
    left.set_yticks(range(len(places)), [f"{name}\n{what}" for name, what in places], fontsize=7)
    left.invert_yaxis()
    left.set_xlabel("ln p per held-out point, more than stationary")
    left.legend(fontsize=7, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    for k, name in enumerate(result["kernels"]):
        rows = [one for one in result["wiggle"] if one["kernel"] == name]
        at = np.arange(len(rows)) + 0.18 * (k - 1.5)
        right.bar(at, [one["turns"] for one in rows], 0.18, label=name, color=colours.get(name, "#777777"))
    names = [one["set"] for one in result["wiggle"] if one["kernel"] == result["kernels"][0]]
    right.set_xticks(range(len(names)), [name.replace(" in ", "\nin ") for name in names], fontsize=7)
    right.set_ylabel("turning points after the peak, per band")
    right.legend(fontsize=7)
    return save_figure(figure, folder, "gaussian_process_gain")
