"""How a light curve is drawn: axes, limits, the fit, error bars and signs, in this order, so that signs stay on top."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from textual_hires_canvas import Canvas

from ampel_followup.attention_scores import AttentionScores
from ampel_followup.light_curve_fit import BandFit
from ampel_followup.lightcurve import ZERO_POINT
from ampel_followup_tui.attention import attention_strip
from ampel_followup_tui.axes import Axis, axis
from ampel_followup_tui.glyphs import ATTENTION, EXPECTED, GREY, LIMIT, PALE, band_sign
from ampel_followup_tui.photometry import Point
from ampel_followup_tui.widgets.picture import DOTS_ACROSS, DOTS_DOWN, write
from ampel_followup_tui.zoom import Window

#: Room for the labels of the vertical axis [characters].
LEFT = 7

_ROWS_PER_TICK = 2.5
_COLUMNS_PER_TICK = 10
# The night is on the picture if the last point is not longer ago than this [d].
_NIGHT_WITHIN = 30.0
# A picture of fewer lines has none to give away [characters].
_HIGH_ENOUGH_FOR_ATTENTION = 8
# Half the length of an error bar, at most [mag].
_LONGEST_ERROR_BAR = 1.0
# Free room at either end of the time, as a share of it.
_MARGIN = 0.03


@dataclass(frozen=True, slots=True)
class Scene:
    """
    What is drawn.

    Parameters
    ----------
    points : tuple of Point
        With values as they are drawn, but for the shift.
    night : float
        MJD from which days are counted [d].
    in_flux : bool
        Values are fluxes, brighter ones larger.
    shift : float
        Is taken off magnitudes: a distance modulus [mag]; 0 for none.
    fits : tuple of BandFit
        The fit in each band, the most important first.
    window : tuple of float or None
        The days that are seen; None for all.
    attention : AttentionScores or None
        Which points counted how much, for a classifier; None if there is none, or it said nothing.
    """

    points: tuple[Point, ...]
    night: float
    in_flux: bool
    shift: float = 0.0
    fits: tuple[BandFit, ...] = ()
    window: Window | None = None
    attention: AttentionScores | None = None

    @property
    def whole(self) -> Window:
        """All days that there is something to see on, with a margin."""
        days = [point.time - self.night for point in self.points]
        if -_NIGHT_WITHIN <= max(days) <= 0:
            days += [0.0, *(fit.time[-1] - self.night for fit in self.fits)]
        all_days = axis(days, 1, margin=_MARGIN)
        return all_days.first, all_days.last

    @property
    def seen(self) -> Window:
        """The days that are seen."""
        return self.window or self.whole

    def magnitude(self, mag: float) -> float:
        """Return what is drawn for an apparent magnitude."""
        return 10.0 ** (0.4 * (ZERO_POINT - mag)) if self.in_flux else mag - self.shift

    def expected(self, fit: BandFit) -> tuple[float, float, float]:
        """Return what is expected in the night, and its faint and its bright end, as they are drawn."""
        mag, mag_err = fit.tonight
        reach = min(mag_err, _LONGEST_ERROR_BAR)
        return self.magnitude(mag), self.magnitude(mag + reach), self.magnitude(mag - reach)

    def error_bar(self, point: Point) -> tuple[float, float]:
        """Return the ends of an error bar, cut so that one poor point does not flatten all the others."""
        reach = point.error if self.in_flux else min(point.error, _LONGEST_ERROR_BAR)
        return point.value - reach - self.shift, point.value + reach - self.shift


def draw_light_curve(canvas: Canvas, scene: Scene) -> None:
    """Draw a light curve over the whole canvas."""
    first, last = scene.seen
    horizontal, height = Axis(first, last, canvas.size.width - LEFT - 1), canvas.size.height
    if scene.attention is not None and height >= _HIGH_ENOUGH_FOR_ATTENTION:
        height -= 1
        write(canvas, 0, height, ATTENTION.rjust(LEFT - 2))
        for column, sign in enumerate(attention_strip(scene.attention, horizontal, scene.night)):
            if sign != " ":
                canvas.set_pixel(LEFT + column, height, sign, PALE)
    seen = [(point, day) for point in scene.points if first <= (day := point.time - scene.night) <= last]
    fits = [fit for fit in scene.fits if fit.time[-1] - scene.night >= first]
    ends = _vertical_ends(scene, [point for point, _ in seen], fits)
    vertical = axis(ends, height - 1, inverted=scene.in_flux)
    _draw_axes(canvas, horizontal, vertical, scene)
    for point, day in seen:
        if point.limit:
            column, row = LEFT + horizontal.cell(day), vertical.cell(point.value - scene.shift)
            canvas.set_pixel(column, row, LIMIT, f"dim {band_sign(point.band)[1]}")
    for fit in reversed(fits):
        _draw_fit(canvas, horizontal, vertical, scene, fit)
    for point, day in seen:
        if not point.limit:
            style = band_sign(point.band)[1]
            _draw_error_bar(canvas, LEFT + horizontal.cell(day), vertical, scene.error_bar(point), style)
    for point, day in seen:
        if not point.limit:
            sign, style = band_sign(point.band)
            canvas.set_pixel(LEFT + horizontal.cell(day), vertical.cell(point.value - scene.shift), sign, style)


def _vertical_ends(scene: Scene, seen: list[Point], fits: list[BandFit]) -> list[float]:
    """Return what the vertical axis must hold."""
    drawn = seen or scene.points
    detections = [point for point in drawn if not point.limit] or drawn
    ends = [end for point in detections for end in scene.error_bar(point)]
    ends += [point.value - scene.shift for point in drawn if point.limit]
    ends += [end for fit in fits if fit.time[-1] - scene.night <= scene.seen[1] for end in scene.expected(fit)]
    if scene.in_flux:
        ends.append(0.0)
    return ends


def _draw_fit(canvas: Canvas, horizontal: Axis, vertical: Axis, scene: Scene, fit: BandFit) -> None:
    """Draw the fit as a line of dots, between its 68 % where it is extrapolated, and what is expected in the night."""
    style = band_sign(fit.band)[1]
    columns = (np.arange(horizontal.cells * DOTS_ACROSS) + 0.5) / DOTS_ACROSS
    days = horizontal.first + (horizontal.last - horizontal.first) * columns / horizontal.cells
    time = days + scene.night
    known = (time >= fit.time[0]) & (time <= fit.time[-1])
    mag = np.interp(time, fit.time, fit.mag)
    mag_err = np.interp(time, fit.time, fit.mag_err)
    _draw_dots(canvas, vertical, scene.magnitude, columns[known], mag[known], style)
    later = known & (time > fit.last) & (np.arange(len(time)) % DOTS_ACROSS == 0)
    for sign in (-1.0, 1.0):
        _draw_dots(canvas, vertical, scene.magnitude, columns[later], (mag + sign * mag_err)[later], f"dim {style}")
    day = fit.time[-1] - scene.night
    if horizontal.first <= day <= horizontal.last:
        value, faint, bright = scene.expected(fit)
        column = LEFT + horizontal.cell(day)
        _draw_error_bar(canvas, column, vertical, (faint, bright), style)
        canvas.set_pixel(column, vertical.cell(value), EXPECTED[0], style)


def _draw_dots(
    canvas: Canvas,
    vertical: Axis,
    value_of: Callable[[float], float],
    columns: np.ndarray,
    mag: np.ndarray,
    style: str,
) -> None:
    dots = []
    for column, value in zip(columns.tolist(), mag.tolist(), strict=True):
        dot = math.floor(vertical.position(value_of(value)) * DOTS_DOWN)
        if 0 <= dot < vertical.cells * DOTS_DOWN:
            dots.append((LEFT + column, dot / DOTS_DOWN))
    canvas.set_hires_pixels(dots, style=style)


def _draw_error_bar(canvas: Canvas, column: int, vertical: Axis, ends: tuple[float, float], style: str) -> None:
    # Half a cell to the right is the right column of dots of a braille sign.
    top, bottom = sorted(DOTS_DOWN * vertical.position(end) for end in ends)
    dots = range(max(0, round(top)), min(DOTS_DOWN * vertical.cells, round(bottom) + 1))
    canvas.set_hires_pixels([(column + 0.5, dot / DOTS_DOWN) for dot in dots], style=style)


def _draw_axes(canvas: Canvas, horizontal: Axis, vertical: Axis, scene: Scene) -> None:
    height, in_flux = vertical.cells, scene.in_flux
    tick_columns = [
        (LEFT + horizontal.cell(day), day) for day in horizontal.ticks(max(3, horizontal.cells // _COLUMNS_PER_TICK))
    ]
    values = vertical.ticks(max(3, int(height / _ROWS_PER_TICK)))
    digits = 1 if not in_flux and len(values) > 1 and values[1] - values[0] >= 0.1 else 2
    for value in values:
        row = vertical.cell(value)
        if in_flux and abs(values[-1] - values[0]) > 3:
            label = f"{value:.0f}" if abs(value) < 10_000 else f"{value / 1000:.0f}k"
        else:
            label = f"{value:.{digits}f}"
        write(canvas, 0, row, label.replace("-", "−").rjust(LEFT - 2))
        for column, _ in tick_columns:
            canvas.set_pixel(column, row, "·", GREY)
        if in_flux and abs(value) < 1e-12:
            for column in range(LEFT, LEFT + horizontal.cells):
                canvas.set_pixel(column, row, "┄", GREY)
    for column, day in tick_columns:
        caption = "tonight" if abs(day) < 1e-9 else f"{day:+g} d".replace("-", "−")
        start = min(column - len(caption) // 2, LEFT + horizontal.cells - len(caption))
        write(canvas, max(0, start), height, caption)
