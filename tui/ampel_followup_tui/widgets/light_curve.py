"""The light curve of a target: one sign and one colour per band, error bars, limits, brighter upwards."""

from __future__ import annotations

import math

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.strip import Strip
from textual.widgets import Static
from textual_hires_canvas import Canvas

from ampel_followup.lightcurve import LightCurve
from ampel_followup_tui.axes import Axis, axis
from ampel_followup_tui.glyphs import GREY, LIMIT, band_sign, short_band
from ampel_followup_tui.photometry import Point, best_in_flux, n_negative, points

_LEFT = 7  # room for the labels of the vertical axis
_ROWS_PER_TICK = 2.5
_COLUMNS_PER_TICK = 10
# Steps of a braille sign: four to a row.
_DOTS = 4
# The night is on the picture if the last point is not longer ago than this [d].
_NIGHT_WITHIN = 30.0
# Half the length of an error bar, at most [mag].
_LONGEST_ERROR_BAR = 1.0


class Picture(Canvas):  # type: ignore[misc]  # mypy is told to skip the types of this package
    """A canvas whose every part has a style: without, Textual's filter for ``NO_COLOR`` fails on empty parts."""

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        strip: Strip = super().render_line(y)
        return strip.apply_style(self.rich_style)


class LightCurveView(Vertical):
    """A picture of one light curve, with its legend."""

    DEFAULT_CSS = """
    LightCurveView Picture {
        height: 1fr;
        width: 100%;
    }
    LightCurveView #legend {
        height: 1;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._curve: LightCurve | None = None
        self._night = 0.0
        self._absent = ""
        self._in_flux: bool | None = None

    def compose(self) -> ComposeResult:
        """Put the legend below the picture."""
        yield Picture(1, 1)
        yield Static(id="legend", markup=False)

    def show(self, curve: LightCurve | None, night: float, absent: str = "No light curve in the store.") -> None:
        """
        Draw a light curve.

        Parameters
        ----------
        curve : LightCurve or None
            None if the store has none for this target.
        night : float
            MJD from which days are counted [d].
        absent : str
            What to say where there is none.
        """
        self._curve, self._night, self._absent = curve, night, absent
        self._draw()

    def toggle_flux(self) -> None:
        """Change between magnitude and flux; the choice then holds for every target."""
        self._in_flux = not self._shows_flux
        self._draw()

    @property
    def _shows_flux(self) -> bool:
        if self._in_flux is None:
            return self._curve is not None and best_in_flux(self._curve)
        return self._in_flux

    def on_canvas_resize(self) -> None:
        """Draw for the new size."""
        self._draw()

    def _draw(self) -> None:
        canvas = self.query_one(Picture)
        size = canvas.size
        with canvas.batch_refresh():
            canvas.reset(size=size)
            curve = self._curve
            drawn = points(curve, in_flux=self._shows_flux) if curve else []
            self.query_one("#legend", Static).update(self._legend(drawn))
            if drawn and size.width > _LEFT + 10 and size.height > 3:
                _draw_points(canvas, drawn, self._night, in_flux=self._shows_flux)

    def _legend(self, drawn: list[Point]) -> Text:
        if self._curve is None:
            return Text(f" {self._absent}", GREY)
        legend = Text(" " * (_LEFT - 1), no_wrap=True)
        counts: dict[str, int] = {}
        for point in drawn:
            if not point.limit:
                counts[point.band] = counts.get(point.band, 0) + 1
        for band, count in counts.items():
            sign, style = band_sign(band)
            legend.append(f"{sign} {short_band(band)} ", style)
            legend.append(f"{count}  ")
        n_limits = sum(point.limit for point in drawn)
        if n_limits:
            legend.append(f"{LIMIT} limits {n_limits}  ", GREY)
        if self._shows_flux:
            notes = ["flux µJy", "f magnitude"]
        else:
            hidden = n_negative(self._curve)
            notes = ["AB mag", f"f flux ({hidden} negative)" if hidden else "f flux"]
        for note in notes:
            if legend.cell_len + len(note) <= self.size.width:
                legend.append(f"{note}  ", GREY)
        return legend


def _draw_points(canvas: Canvas, drawn: list[Point], night: float, *, in_flux: bool) -> None:
    """Draw axes, limits, error bars and signs, in this order, so that signs stay on top."""
    width, height = canvas.size.width - _LEFT - 1, canvas.size.height - 1
    days = [point.time - night for point in drawn]
    shown_days = [*days, 0.0] if -_NIGHT_WITHIN <= max(days) <= 0 else days
    detections = [point for point in drawn if not point.limit] or drawn
    longest = math.inf if in_flux else _LONGEST_ERROR_BAR
    ends = [end for point in detections for end in _error_bar(point, longest)]
    ends += [point.value for point in drawn if point.limit]
    if in_flux:
        ends.append(0.0)
    horizontal = axis(shown_days, width, margin=0.03)
    vertical = axis(ends, height, inverted=in_flux)
    _draw_axes(canvas, horizontal, vertical, in_flux=in_flux)
    for point, day in zip(drawn, days, strict=True):
        if point.limit:
            column, row = _LEFT + horizontal.cell(day), vertical.cell(point.value)
            canvas.set_pixel(column, row, LIMIT, f"dim {band_sign(point.band)[1]}")
    for point, day in zip(drawn, days, strict=True):
        if not point.limit:
            # Half a cell to the right is the right column of dots of a braille sign.
            middle = _LEFT + horizontal.cell(day) + 0.5
            top, bottom = sorted(_DOTS * vertical.position(end) for end in _error_bar(point, longest))
            dots = range(max(0, round(top)), min(_DOTS * height, round(bottom) + 1))
            canvas.set_hires_pixels([(middle, dot / _DOTS) for dot in dots], style=band_sign(point.band)[1])
    for point, day in zip(drawn, days, strict=True):
        if not point.limit:
            sign, style = band_sign(point.band)
            canvas.set_pixel(_LEFT + horizontal.cell(day), vertical.cell(point.value), sign, style)


def _error_bar(point: Point, longest: float) -> tuple[float, float]:
    """Return the ends of the error bar, cut so that one poor point does not flatten all the others."""
    reach = min(point.error, longest)
    return point.value - reach, point.value + reach


def _draw_axes(canvas: Canvas, horizontal: Axis, vertical: Axis, *, in_flux: bool) -> None:
    height = vertical.cells
    tick_columns = [
        (_LEFT + horizontal.cell(day), day) for day in horizontal.ticks(max(3, horizontal.cells // _COLUMNS_PER_TICK))
    ]
    values = vertical.ticks(max(3, int(height / _ROWS_PER_TICK)))
    digits = 1 if not in_flux and len(values) > 1 and values[1] - values[0] >= 0.1 else 2
    for value in values:
        row = vertical.cell(value)
        if in_flux and abs(values[-1] - values[0]) > 3:
            label = f"{value:.0f}" if abs(value) < 10_000 else f"{value / 1000:.0f}k"
        else:
            label = f"{value:.{digits}f}"
        _write(canvas, 0, row, label.replace("-", "−").rjust(_LEFT - 2))
        for column, _ in tick_columns:
            canvas.set_pixel(column, row, "·", GREY)
        if in_flux and abs(value) < 1e-12:
            for column in range(_LEFT, _LEFT + horizontal.cells):
                canvas.set_pixel(column, row, "┄", GREY)
    for column, day in tick_columns:
        caption = "tonight" if abs(day) < 1e-9 else f"{day:+g} d".replace("-", "−")
        start = min(column - len(caption) // 2, _LEFT + horizontal.cells - len(caption))
        _write(canvas, max(0, start), height, caption)


def _write(canvas: Canvas, column: int, row: int, text: str) -> None:
    for offset, character in enumerate(text):
        canvas.set_pixel(column + offset, row, character, GREY)
