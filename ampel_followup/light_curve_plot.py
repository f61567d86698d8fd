"""A light curve on paper: bands, limits, and below it where a classifier looked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ampel_followup.attention_scores import AttentionScores
from ampel_followup.bands import by_wavelength
from ampel_followup.lightcurve import LIMIT_SIGMA, LightCurve
from ampel_followup.plotting import figure_class
from ampel_followup.untrusted import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Last letter of a band → marker, colour: told apart by all eyes (Okabe & Ito), and without colours.
_BANDS = {
    "u": ("^", "#cc79a7"),
    "g": ("o", "#009e73"),
    "r": ("s", "#d55e00"),
    "i": ("D", "#e69f00"),
    "z": ("v", "#56b4e9"),
    "y": ("P", "#0072b2"),
}
_OTHER = ("x", "#555555")

# Width of a bar of attention, as a share of the time that is drawn.
_BAR = 0.012


def plot_light_curve(
    curve: LightCurve, evening: float, *, in_flux: bool = False, attention: AttentionScores | None = None
) -> Figure:
    """
    Draw a light curve.

    Parameters
    ----------
    curve : LightCurve
    evening : float
        From which days are counted [MJD].
    in_flux : bool
        Difference fluxes; otherwise magnitudes, where negative differences have no place.
    attention : AttentionScores, optional
        Its classes are named in the title, and how much each point counted is drawn below, as bars.

    Returns
    -------
    Figure
        A matplotlib figure of one or two panels that share the time.

    Raises
    ------
    FollowupError
        If matplotlib is not installed.
    """
    attention = attention if attention is not None and attention.known else None
    figure = figure_class()(figsize=(6.5, 4.0), layout="constrained")
    if attention is None:
        upper = figure.subplots()
        upper.set_xlabel("days")
    else:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        _draw_attention(lower, attention, evening, curve)
    _draw_points(upper, curve, evening, in_flux)
    title = clean(curve.id, 40)
    if attention is not None:
        likely = max(attention.probabilities)
        title += f": by attention {clean(attention.class_now, 24)} {100 * likely:.0f} %"
    # Names come from alerts: a dollar in one is no formula.
    upper.set_title(title, fontsize=10, parse_math=False)
    return figure


def _draw_points(axes: Axes, curve: LightCurve, evening: float, in_flux: bool) -> None:
    days, (magnitude, magnitude_err) = curve.time - evening, curve.magnitude
    value, error = (curve.flux, curve.flux_err) if in_flux else (magnitude, magnitude_err)
    limit = LIMIT_SIGMA * curve.flux_err if in_flux else curve.limiting_magnitude
    for band in by_wavelength(set(curve.band.tolist())):
        marker, colour = _BANDS.get(band[-1:], _OTHER)
        of_band = curve.band == band
        seen = of_band & curve.detected & np.isfinite(value)
        unseen = of_band & curve.upper_limit & np.isfinite(limit)
        if seen.any():
            label = f"{clean(band, 12)} {int(seen.sum())}"
            axes.errorbar(days[seen], value[seen], error[seen], fmt=marker, ms=4, color=colour, lw=0.8, label=label)
        axes.plot(days[unseen], limit[unseen], "v", ms=4, mfc="none", color=colour, alpha=0.6)
    axes.set_ylabel("difference flux [µJy]" if in_flux else "AB magnitude")
    if in_flux:
        axes.axhline(0.0, color="0.7", lw=0.6)
    else:
        axes.invert_yaxis()
    if axes.get_legend_handles_labels()[0]:
        for text in axes.legend(fontsize=8, frameon=False, ncols=3).get_texts():
            text.set_parse_math(False)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_attention(axes: Axes, attention: AttentionScores, evening: float, curve: LightCurve) -> None:
    days = np.array(attention.times) - evening
    width = max(_BAR * float(np.ptp(curve.time)), 0.05)
    axes.bar(days, attention.attention, width=width, color="0.25")
    axes.set_ylabel("attention")
    axes.set_xlabel("days")
    axes.set_ylim(bottom=0.0)
    axes.spines[["top", "right"]].set_visible(False)
