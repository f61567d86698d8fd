"""How high the targets of a night stand, and when each is observed; needs matplotlib."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import ScheduleError
from ampel_followup.night_sheet import figures
from ampel_followup.night_sheet.figures import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY_BLUE, VERMILLION, days, drawable
from ampel_followup.night_sheet.moon import mjd_of, moon_in_words, site_of
from ampel_followup.observing import sky
from ampel_followup.observing.airmass import altitude_of_airmass
from ampel_followup.observing.limits import ObservingLimits
from ampel_followup.plan import NightPlan, NightSummary
from ampel_followup.timetable import Block, BlockKind, TelescopeNight, Timetable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, SKY_BLUE, ORANGE)
_MOON_COLOUR = "#8A6D00"

#: Candidates that found no place, drawn in grey; more of them would hide the others.
_MOST_UNPLACED = 15

_AIRMASS_TICKS = (1.0, 1.05, 1.1, 1.2, 1.3, 1.5, 1.75, 2.0, 2.5, 3.0)
_STEPS = 181

# Inches: the axes, lines to names, ticks, titles; left, right and all.
_PLOT, _LEADER, _TICKS, _ROW_TITLE, _TITLE = 3.6, 0.16, 0.26, 0.3, 0.3
_LEFT, _RIGHT, _WIDTH = 0.55, 0.7, 12.0

#: What is below this altitude [deg] is not drawn.
_LOWEST = 15.0
_NAME_SIZE = 7.0


def draw_airmass(
    timetable: Timetable, plan: NightPlan, out: Path, *, max_airmass: Mapping[str, float] | None = None
) -> Path:
    """
    Draw altitude and airmass of the night's targets through the night, the time in which each is observed thick.

    Parameters
    ----------
    timetable : Timetable
    plan : NightPlan
        Its first candidates that found no place are drawn in grey.
    out : Path
        A PNG or SVG file, as its ending says; its folder is made if absent.
    max_airmass : mapping of str to float, optional
        Key of an instrument → its limit, at least 1; 2 where nothing is given.

    Returns
    -------
    Path
        The file. The same input gives the same bytes.

    Raises
    ------
    ScheduleError
        If there is no telescope to draw.
    FollowupError
        If matplotlib is not installed, or the file cannot be written.
    """
    figures.check_format(out)
    if not timetable.telescopes:
        raise ScheduleError(f"the timetable of {timetable.date} has no telescope; make it for at least one instrument")
    with figures.drawing():
        return figures.save(airmass_figure(timetable, plan, max_airmass or {}), out)


def altitude_curves(
    ra: NDArray[np.float64], dec: NDArray[np.float64], night: NightSummary, mjd: NDArray[np.float64]
) -> NDArray[np.float64]:
    """
    Altitudes of targets, without refraction, as in `ampel_followup.observing.visibility.altitudes`.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        ICRS [deg].
    night : NightSummary
        As a plan has it: where, and which night.
    mjd : ndarray, shape (t,)
        UTC, in that night.

    Returns
    -------
    ndarray, shape (n, t)
        [deg]
    """
    if len(ra) == 0:
        return np.empty((0, len(mjd)))
    stars = sky.cirs_directions(ra, dec, float(mjd_of(night.dusk, night.dawn).mean()))
    return np.asarray(np.degrees(np.arcsin(np.clip(stars @ sky.zenith(site_of(night), mjd).T, -1.0, 1.0))))


def airmass_figure(timetable: Timetable, plan: NightPlan, max_airmass: Mapping[str, float]) -> Figure:
    """Draw the same; within `figures.drawing`."""
    from matplotlib.figure import Figure

    parts = timetable.telescopes
    inner = _WIDTH - _LEFT - _RIGHT
    names = {part.telescope: _names(timetable.of(part.telescope)) for part in parts}
    strips = {
        key: _LEADER + 0.1 + max((figures.text_width(name, _NAME_SIZE) for _, name, _ in labels), default=-0.26)
        for key, labels in names.items()
    }
    left_out = _left_out(timetable, plan)
    handles = _legend(len(left_out))
    total = _TITLE + figures.legend_height(handles, _WIDTH)
    total += sum(_PLOT + strips[part.telescope] + 2 * _TICKS + _ROW_TITLE for part in parts)
    figure = Figure(figsize=(_WIDTH, total))
    figure.text(_LEFT / _WIDTH, 1 - 0.08 / total, f"Airmass in the night of {timetable.date}", fontsize=10,
                va="top", weight="bold")  # fmt: skip
    top = total - _TITLE
    for part in parts:
        strip = strips[part.telescope]
        top -= _ROW_TITLE
        words = f"{part.name} · {part.night.site_name} · {moon_in_words(part.night)}"
        figure.text(_LEFT / _WIDTH, (top + 0.06) / total, drawable(words), fontsize=8)
        top -= _TICKS + _PLOT + strip
        axes = figure.add_axes((_LEFT / _WIDTH, top / total, inner / _WIDTH, (_PLOT + strip) / total))
        # In inches, as the strip for the names is; altitudes are scaled to it.
        axes.set(xlim=_ends(part.night), ylim=(0.0, _PLOT + strip))
        _draw_curves(axes, timetable.of(part.telescope), left_out, part.night)
        _draw_limits(axes, part, max_airmass.get(part.telescope, ObservingLimits().max_airmass))
        figures.write_names(axes, names[part.telescope], bottom=_PLOT, leader=_LEADER, width=inner, size=_NAME_SIZE)
        _scales(axes)
        figures.time_axes(axes, part.night)
        top -= _TICKS
    figures.legend(figure, handles)
    return figure


def _names(blocks: tuple[Block, ...]) -> list[tuple[float, str, str]]:
    return [
        ((days(block.start) + days(block.end)) / 2, drawable(block.target, 36), colour)
        for block, colour in zip(blocks, _colours(blocks), strict=True)
    ]


def _colours(blocks: tuple[Block, ...]) -> list[str]:
    """In turn, so that neighbours differ; standard stars are grey."""
    return [
        GREY if block.kind == BlockKind.STANDARD else _COLOURS[number % len(_COLOURS)]
        for number, block in enumerate(blocks)
    ]


def _left_out(timetable: Timetable, plan: NightPlan) -> list[tuple[float, float]]:
    placed = {block.target for block in timetable.blocks}
    return [(target.ra, target.dec) for target in plan.targets if target.id not in placed][:_MOST_UNPLACED]


def _ends(night: NightSummary) -> tuple[float, float]:
    return days(night.sunset), days(night.sunrise)


def _height(altitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Altitude [deg] → place on the y axis [inch]; NaN below what is drawn."""
    return np.where(altitude >= _LOWEST, (altitude - _LOWEST) / (90.0 - _LOWEST) * _PLOT, np.nan)


def _draw_curves(
    axes: Axes, blocks: tuple[Block, ...], left_out: list[tuple[float, float]], night: NightSummary
) -> None:
    low, high = axes.get_xlim()
    x = np.linspace(low, high, _STEPS)
    sunset, sunrise = mjd_of(night.sunset, night.sunrise)
    mjd = np.linspace(sunset, sunrise, _STEPS)

    for curve in altitude_curves(*_positions(left_out), night, mjd):
        axes.plot(x, _height(curve), color="#C8C8C8", linewidth=0.7, zorder=1)
    positions = [(block.ra, block.dec) for block in blocks]
    for block, curve, colour in zip(
        blocks, altitude_curves(*_positions(positions), night, mjd), _colours(blocks), strict=True
    ):
        standard = block.kind == BlockKind.STANDARD
        pale = 0.6 if len(blocks) < 25 else 0.25
        axes.plot(x, _height(curve), color=colour, linewidth=0.8, alpha=pale, linestyle="--" if standard else "-")
        # The ends of the block lie between the steps.
        start, end = np.interp(mjd_of(block.start, block.end), mjd, x)
        within = np.concatenate([[start], x[(x > start) & (x < end)], [end]])
        axes.plot(within, _height(np.interp(within, x, curve)), color=colour, linewidth=3.2, zorder=3)
        middle = (start + end) / 2
        foot = _height(np.interp([middle], x, curve))[0]
        axes.plot([middle, middle], [foot, _PLOT], color=colour, linewidth=0.4, alpha=0.5, zorder=0.5)
    moon = sky.moon(site_of(night), mjd)[2]
    axes.plot(x, _height(moon), color=_MOON_COLOUR, linewidth=1.6, linestyle=(0, (6, 3)), zorder=2)


def _positions(pairs: list[tuple[float, float]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    ra, dec = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
    return ra, dec


def _draw_limits(axes: Axes, part: TelescopeNight, max_airmass: float) -> None:
    night = part.night
    limit = float(_height(np.array([max(altitude_of_airmass(max_airmass), _LOWEST)]))[0])
    axes.axhspan(0.0, limit, facecolor="none", edgecolor="#DDDDDD", hatch="////", linewidth=0, zorder=0)
    axes.axhline(limit, color="black", linewidth=0.8, linestyle=":")
    axes.axhline(_PLOT, color="black", linewidth=0.6)
    sunset, dusk, dawn, sunrise = map(days, (night.sunset, night.dusk, night.dawn, night.sunrise))
    for start, end in ((sunset, dusk), (dawn, sunrise)):
        axes.axvspan(start, end, color=figures.TWILIGHT, linewidth=0, zorder=0)
    for closure in part.closures:
        start, end = days(closure.start), days(closure.end)
        axes.axvspan(start, end, facecolor="#EEEEEE", edgecolor="#BBBBBB", hatch="////", linewidth=0.4, zorder=0)


def _scales(axes: Axes) -> None:
    """Airmass on the left, altitude on the right."""
    airmass_heights = _height(np.array([altitude_of_airmass(x) for x in _AIRMASS_TICKS]))
    axes.set_yticks(airmass_heights, [f"{x:g}" for x in _AIRMASS_TICKS], fontsize=7)
    axes.set_ylabel("airmass", y=0.5 * _PLOT / axes.get_ylim()[1], fontsize=8, labelpad=2)
    right = axes.secondary_yaxis("right")
    altitudes = np.arange(20.0, 91.0, 10.0)
    right.set_yticks(_height(altitudes), [f"{altitude:.0f}°" for altitude in altitudes], fontsize=7)
    right.tick_params(axis="y", pad=2)


def _legend(n_left_out: int) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [
        Line2D([], [], color=BLUE, linewidth=3.2, label="observed then"),
        Line2D([], [], color=BLUE, linewidth=0.8, alpha=0.6, label="the same target"),
        Line2D([], [], color=GREY, linewidth=0.8, linestyle="--", label="standard star"),
    ]
    if n_left_out:
        handles.append(Line2D([], [], color="#C8C8C8", linewidth=0.8, label=f"no place found (first {n_left_out})"))
    handles += [
        Line2D([], [], color=_MOON_COLOUR, linewidth=1.6, linestyle=(0, (6, 3)), label="Moon"),
        Patch(facecolor="white", edgecolor="#CCCCCC", hatch="////", linewidth=0, label="beyond the limit, or closed"),
        Patch(facecolor=figures.TWILIGHT, label="twilight"),
    ]
    return handles
