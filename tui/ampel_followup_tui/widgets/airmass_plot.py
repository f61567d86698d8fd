"""The airmass of a target from sunset to sunrise: 1 at the top, the scheduled block thick, twilight shaded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from textual_hires_canvas import Canvas

from ampel_followup.plan import NightSummary, RankedTarget
from ampel_followup_tui.axes import Axis
from ampel_followup_tui.course import Step
from ampel_followup_tui.glyphs import GREEN, GREY, MOON_UP, SKY_BLUE, TWILIGHT, VERMILION, sparkline
from ampel_followup_tui.panes.night_scale import NightScale, dark_scale, moon_is_up, whole_scale
from ampel_followup_tui.widgets.picture import Picture, write

if TYPE_CHECKING:
    from ampel_followup.observing.tracks import SkyTrack

_LEFT = 5  # room for the labels of the vertical axis
_BEST, _WORST = 1.0, 3.0
_LABELLED = (1.0, 1.5, 2.0, 2.5, 3.0)
_SHORTEST, _NARROWEST = 5, 20
# Steps of a braille sign: two to a column, four to a row.
_DOTS_ACROSS, _DOTS_DOWN = 2, 4
_THICK = "█"
_ZENITH = 90.0


class AirmassPlot(Picture):
    """A picture of one target's airmass from sunset to sunrise, with the height of the Moon below."""

    DEFAULT_CSS = """
    AirmassPlot {
        width: 100%;
        height: 10;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._drawn: tuple[RankedTarget, NightSummary, datetime, Step | None, SkyTrack | None] | None = None

    def show(
        self,
        target: RankedTarget,
        night: NightSummary,
        now: datetime,
        scheduled: Step | None,
        track: SkyTrack | None = None,
    ) -> None:
        """
        Draw a target's airmass.

        Parameters
        ----------
        target : RankedTarget
            The target.
        night : NightSummary
            The night; hours are on its clock.
        now : datetime
            The present moment.
        scheduled : Step or None
            Its block, if it has one at this site.
        track : SkyTrack, optional
            For the airmass in twilight and the altitude of the Moon.
        """
        self._drawn = (target, night, now, scheduled, track)
        self.draw_with(self._paint)

    def add(self, track: SkyTrack) -> None:
        """Draw what is known of twilight and of the Moon, too."""
        if self._drawn is not None:
            self._drawn = (*self._drawn[:4], track)
            self.draw_with(self._paint)

    def _paint(self, canvas: Picture) -> None:
        if self._drawn is not None and canvas.size.width > _NARROWEST and canvas.size.height > _SHORTEST:
            _draw_night(canvas, *self._drawn)


def airmass_at(airmass: Sequence[float], share: float) -> float:
    """
    Interpolate the airmass of a target.

    Parameters
    ----------
    airmass : sequence of float
        At equal steps of time, both ends included; NaN below the horizon.
    share : float
        Share of the time that has passed, 0 to 1.

    Returns
    -------
    float
        NaN below the horizon, and beside it. The inverse of the airmass is near the sine of the altitude, which bends
        so little within half an hour that a straight line is right to
        1 % up to airmass 3.
    """
    index = share * (len(airmass) - 1)
    before = min(max(0, len(airmass) - 2), int(index))
    if len(airmass) < 2:
        return math.nan
    part = index - before
    return 1.0 / ((1.0 - part) / airmass[before] + part / airmass[before + 1])


def _draw_night(
    canvas: Canvas,
    target: RankedTarget,
    night: NightSummary,
    now: datetime,
    step: Step | None,
    track: SkyTrack | None,
) -> None:
    """Draw twilight, grid, Moon and present moment, then the curve, so that it stays on top."""
    scale = whole_scale(night, canvas.size.width - _LEFT - 1)
    dark = dark_scale(night, 1)
    vertical = Axis(_BEST - 0.05, _WORST, canvas.size.height - 2)
    _draw_twilight(canvas, scale, vertical, dark)
    _draw_axes(canvas, scale, vertical, night, track)
    seen = target.visibility
    window = _moments(seen.start, seen.end) if seen.observable else None
    for moment in window or ():
        _draw_vertical(canvas, scale, vertical, moment, "┊", GREY)
    if scale.holds(now):
        _draw_vertical(canvas, scale, vertical, now, "│", VERMILION)

    def airmass(column: float) -> float:
        """Airmass so many characters from the left: that of the plan in the dark, else that of the track."""
        share = dark.position(scale.first + (scale.last - scale.first) * (column / scale.width))
        if 0.0 <= share <= 1.0:
            return airmass_at(seen.airmass, share)
        return airmass_at(track.airmass, column / scale.width) if track is not None else math.nan

    curve = [(dot / _DOTS_ACROSS, airmass((dot + 0.5) / _DOTS_ACROSS)) for dot in range(scale.width * _DOTS_ACROSS)]
    # One colour to a character: what is within the limits is drawn last.
    for inside, style in ((False, GREY), (True, SKY_BLUE)):
        dots = [
            (_LEFT + column, math.floor(vertical.position(value) * _DOTS_DOWN) / _DOTS_DOWN)
            for column, value in curve
            if value <= _WORST and _within(window, scale.middle(int(column))) == inside
        ]
        canvas.set_hires_pixels(dots, style=style)
    if step is not None:
        for cell in range(scale.width):
            value = airmass(cell + 0.5)
            first, last = scale.position(step.start), scale.position(step.end)
            if value <= _WORST and (first <= cell + 0.5 < last or int(first) == cell):
                canvas.set_pixel(_LEFT + cell, vertical.cell(value), _THICK, GREEN)


def _draw_twilight(canvas: Canvas, scale: NightScale, vertical: Axis, dark: NightScale) -> None:
    for cell in range(scale.width):
        if not dark.holds(scale.middle(cell)):
            for row in range(vertical.cells):
                canvas.set_pixel(_LEFT + cell, row, TWILIGHT[0], f"dim {TWILIGHT[2]}")


def _draw_axes(canvas: Canvas, scale: NightScale, vertical: Axis, night: NightSummary, track: SkyTrack | None) -> None:
    rows = {vertical.cell(value): value for value in reversed(_LABELLED)}
    for row, value in rows.items():
        write(canvas, 0, row, f"{value:.1f}".rjust(_LEFT - 1), GREY)
        for cell in range(0, scale.width, 4):
            canvas.set_pixel(_LEFT + cell, row, "·", GREY)
    write(canvas, 0, vertical.cells, "☾".rjust(_LEFT - 1), MOON_UP[2])
    for cell in range(scale.width):
        if track is not None:
            altitude = track.moon_altitude[round((cell + 0.5) / scale.width * (len(track.moon_altitude) - 1))]
            sign = sparkline([altitude], _ZENITH) if altitude > 0.0 else ""
        else:
            sign = "─" if moon_is_up(night, scale.middle(cell)) else ""
        if sign:
            canvas.set_pixel(_LEFT + cell, vertical.cells, sign, MOON_UP[2])
    for cell, character in enumerate(scale.hours()):
        canvas.set_pixel(_LEFT + cell, vertical.cells + 1, character, GREY)


def _draw_vertical(canvas: Canvas, scale: NightScale, vertical: Axis, moment: datetime, sign: str, style: str) -> None:
    column = min(scale.width - 1, max(0, int(scale.position(moment))))
    for row in range(vertical.cells):
        canvas.set_pixel(_LEFT + column, row, sign, style)


def _moments(start: str | None, end: str | None) -> tuple[datetime, datetime] | None:
    return (datetime.fromisoformat(start), datetime.fromisoformat(end)) if start and end else None


def _within(window: tuple[datetime, datetime] | None, moment: datetime) -> bool:
    return window is not None and window[0] <= moment <= window[1]
