"""The night of each telescope as a line of blocks; needs matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ampel_followup.errors import ScheduleError
from ampel_followup.night_sheet import figures
from ampel_followup.night_sheet.clock import moment, utc
from ampel_followup.night_sheet.figures import BLUE, GREY, MOONLIGHT, PURPLE, VERMILLION, days, drawable
from ampel_followup.night_sheet.moon import moon_in_words, moon_up
from ampel_followup.night_sheet.sheet import value_in_words
from ampel_followup.timetable import BlockKind, BlockStatus, TelescopeNight, Timetable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Kind of block → colour and hatch.
_KINDS: Mapping[str, tuple[str, str | None]] = {
    BlockKind.TARGET: (BLUE, None),
    BlockKind.FIXED: (PURPLE, "\\\\\\\\"),
    BlockKind.INTERRUPT: (VERMILLION, "xxxx"),
    BlockKind.STANDARD: (GREY, "--"),
}
#: What is marked below a block.
_DONE = (BlockStatus.OBSERVED, BlockStatus.FAILED)

# Heights [inch], from below: the Moon, marks of what was done, the blocks, lines to names.
_MOON, _STATUS, _BAR, _LEADER = 0.07, 0.13, 0.34, 0.16
# Around each row: ticks below and above it, its title. Around all of them: title, left and right.
_TICKS, _ROW_TITLE, _TITLE, _LEFT, _RIGHT = 0.24, 0.26, 0.3, 0.3, 0.45
_NAME_SIZE, _NUMBER_SIZE = 7.0, 5.0
_LONGEST_NAME = 36


def draw_timeline(timetable: Timetable, out: Path) -> Path:
    """
    Draw the night of each telescope, from sunset to sunrise.

    Blocks are told apart by kind (targets, fixed, interrupting, standards) and by what became of them; closures are
    hatched, twilight is shaded, a yellow line says when the Moon is up. Time is UTC below, and the site's own above.

    Parameters
    ----------
    timetable : Timetable
    out : Path
        A PNG or SVG file, as its ending says; its folder is made if absent.

    Returns
    -------
    Path
        The file. The same timetable gives the same bytes.

    Raises
    ------
    ScheduleError
        If there is no telescope to draw.
    FollowupError
        If matplotlib is not installed, or the file cannot be written.
    """
    figures.check_format(out)
    with figures.drawing():
        title = f"Night of {timetable.date} · value {value_in_words(timetable)} · {timetable.strategy}"
        return figures.save(timeline_figure(timetable, timetable.telescopes, title=title), out)


def timeline_figure(
    timetable: Timetable,
    parts: Sequence[TelescopeNight],
    *,
    title: str = "",
    width: float = 12.0,
    numbered: bool = False,
) -> Figure:
    """
    Draw the rows of some telescopes; within `figures.drawing`.

    Parameters
    ----------
    timetable : Timetable
    parts : sequence of TelescopeNight
        Which rows.
    title : str
        Above them; none if empty.
    width : float
        Of the figure [inch].
    numbered : bool
        Blocks have their numbers, from 1 on each telescope, in place of names; rows have no title.

    Raises
    ------
    ScheduleError
        If there is no row.
    """
    from matplotlib.figure import Figure

    if not parts:
        raise ScheduleError(f"the timetable of {timetable.date} has no telescope; make it for at least one instrument")
    low = min(days(part.night.sunset) for part in parts)
    high = max(days(part.night.sunrise) for part in parts)
    inner = width - _LEFT - _RIGHT
    per_day = inner / (high - low)
    size = _NUMBER_SIZE if numbered else _NAME_SIZE
    rows = [_labels(timetable, part, per_day, numbered=numbered) for part in parts]
    heights = [
        _MOON + _STATUS + _BAR + (_LEADER + 0.08 + max(figures.text_width(name, size) for _, name, _ in above))
        if above
        else _MOON + _STATUS + _BAR + 0.06
        for _, above in rows
    ]
    row_title = 0.05 if numbered else _ROW_TITLE
    handles = _legend(timetable, parts)
    total = (
        figures.legend_height(handles, width)
        + sum(heights)
        + len(parts) * (2 * _TICKS + row_title)
        + (_TITLE if title else 0.0)
    )
    figure = Figure(figsize=(width, total))
    top = total - (_TITLE if title else 0.0)
    if title:
        figure.text(_LEFT / width, 1 - 0.08 / total, drawable(title), fontsize=10, va="top", weight="bold")
    for part, height, (inside, above) in zip(parts, heights, rows, strict=True):
        top -= row_title
        if not numbered:
            words = f"{part.name} · {part.night.site_name} · {moon_in_words(part.night)}"
            figure.text(_LEFT / width, (top + 0.04) / total, drawable(words), fontsize=8)
        top -= _TICKS + height
        axes = figure.add_axes((_LEFT / width, top / total, inner / width, height / total))
        axes.set(xlim=(low, high), ylim=(0, height), yticks=[])
        _draw_sky(axes, part)
        _draw_blocks(axes, timetable, part)
        _draw_closures(axes, part)
        for place, name in inside:
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
            middle = _MOON + _STATUS + _BAR / 2
            axes.text(place, middle, name, ha="center", va="center", fontsize=_NAME_SIZE, bbox=box)
        figures.write_names(axes, above, bottom=_MOON + _STATUS + _BAR, leader=_LEADER, width=inner, size=size)
        if _is_within(timetable.planned_from, part):
            axes.plot([days(timetable.planned_from)] * 2, [0, _MOON + _STATUS + _BAR + 0.05], **_NOW)
        figures.time_axes(axes, part.night)
        top -= _TICKS
    figures.legend(figure, handles)
    return figure


_Inside = list[tuple[float, str]]
_Above = list[tuple[float, str, str]]


def _labels(timetable: Timetable, part: TelescopeNight, per_day: float, *, numbered: bool) -> tuple[_Inside, _Above]:
    """Names of blocks and closures that find place inside them, and those of blocks that must go above."""
    inside: _Inside = []
    above: _Above = []
    for number, block in enumerate(timetable.of(part.telescope), 1):
        start, end = days(block.start), days(block.end)
        name = str(number) if numbered else drawable(block.target, _LONGEST_NAME)
        if _fits(name, (end - start) * per_day):
            inside.append(((start + end) / 2, name))
        else:
            above.append(((start + end) / 2, name, _KINDS[block.kind][0]))
    for closure in part.closures:
        start, end = days(closure.start), days(closure.end)
        reason = drawable(f"closed: {closure.reason}", 60) if closure.reason else "closed"
        # Hatched it is in any case.
        inside += [((start + end) / 2, name) for name in (reason, "closed") if _fits(name, (end - start) * per_day)][:1]
    return inside, above


def _fits(name: str, room: float) -> bool:
    return figures.text_width(name, _NAME_SIZE) + 0.06 < room


def _draw_sky(axes: Axes, part: TelescopeNight) -> None:
    low, high = axes.get_xlim()
    night = part.night
    sunset, dusk, dawn, sunrise = map(days, (night.sunset, night.dusk, night.dawn, night.sunrise))
    for start, end, colour in (
        (low, sunset, figures.DAYLIGHT),
        (sunset, dusk, figures.TWILIGHT),
        (dawn, sunrise, figures.TWILIGHT),
        (sunrise, high, figures.DAYLIGHT),
    ):
        if end > start:
            axes.axvspan(start, end, color=colour, linewidth=0, zorder=0)
    for rise, set_ in moon_up(night):
        start, end = days(rise), days(set_)
        axes.broken_barh([(start, end - start)], (0, _MOON), facecolor=MOONLIGHT, edgecolor=GREY, linewidth=0.4)


def _draw_blocks(axes: Axes, timetable: Timetable, part: TelescopeNight) -> None:
    for block in timetable.of(part.telescope):
        start, end = days(block.start), days(block.end)
        axes.broken_barh([(start, end - start)], (_MOON + _STATUS, _BAR), **_style(block.kind, block.status))
        if block.status in _DONE:
            _draw_mark(axes, (start + end) / 2, block.status)


def _draw_closures(axes: Axes, part: TelescopeNight) -> None:
    for closure in part.closures:
        start, end = days(closure.start), days(closure.end)
        axes.broken_barh([(start, end - start)], (_MOON, _STATUS + _BAR), **_CLOSED)


_NOW: dict[str, Any] = {"color": "black", "linewidth": 1.0, "linestyle": ":"}
_CLOSED: dict[str, Any] = {"facecolor": "#EEEEEE", "edgecolor": "#999999", "hatch": "////", "linewidth": 0.4}


def _is_within(time: str, part: TelescopeNight) -> bool:
    return bool(time) and moment(part.night.dusk) < moment(time) < moment(part.night.sunrise)


def _style(kind: str, status: str) -> dict[str, Any]:
    """Full colour for what was observed, pale for what is planned, empty for what failed."""
    colour, hatch = _KINDS[kind]
    fill: Mapping[str, tuple[float, ...]] = {
        BlockStatus.PLANNED: figures.paler(colour, 0.4),
        BlockStatus.OBSERVED: figures.paler(colour, 0.9),
    }
    return {
        "facecolor": fill.get(status, "white"),
        "edgecolor": colour if status != BlockStatus.OBSERVED or hatch is None else "white",
        "hatch": hatch,
        "linewidth": 0.7,
        "linestyle": "--" if status == BlockStatus.FAILED else "-",
    }


def _draw_mark(axes: Axes, place: float, status: str) -> None:
    axes.plot(place, _MOON + _STATUS / 2, **_mark(status))


def _mark(status: str) -> dict[str, Any]:
    # A tick as a path: markers of text are mathematics to matplotlib, whatever it is told.
    tick = [(-1.0, 0.1), (-0.3, -0.7), (1.0, 0.9)]
    marker: Any = "x" if status == BlockStatus.FAILED else _open_path(tick)
    return {
        "marker": marker,
        "markersize": 4.5,
        "markeredgewidth": 1.1,
        "markerfacecolor": "none",
        "color": VERMILLION if status == BlockStatus.FAILED else figures.GREEN,
        "linestyle": "none",
    }


def _open_path(points: list[tuple[float, float]]) -> Any:
    from matplotlib.path import Path as Outline

    return Outline(points)


def _legend(timetable: Timetable, parts: Sequence[TelescopeNight]) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    blocks = [block for part in parts for block in timetable.of(part.telescope)]
    kinds = {block.kind for block in blocks}
    states = {block.status for block in blocks}
    handles: list[Any] = [
        Patch(label=str(kind), **_style(kind, BlockStatus.PLANNED)) for kind in BlockKind if kind in kinds
    ]
    handles += [Line2D([], [], label=str(status), **_mark(status)) for status in _DONE if status in states]
    if any(part.closures for part in parts):
        handles.append(Patch(label="closed", **_CLOSED))
    handles.append(Patch(facecolor=figures.TWILIGHT, label="twilight"))
    if any(moon_up(part.night) for part in parts):
        handles.append(Patch(facecolor=MOONLIGHT, edgecolor=GREY, linewidth=0.4, label="Moon up"))
    if any(_is_within(timetable.planned_from, part) for part in parts):
        words = f"planned from {utc(timetable.planned_from)} UTC"
        handles.append(Line2D([], [], label=words, **_NOW))
    return handles
