"""What the drawings of a night share: fonts, colours, names that do not cover each other, files; needs matplotlib."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ampel_followup.errors import FollowupError
from ampel_followup.night_sheet.clock import moment
from ampel_followup.plan import NightSummary
from ampel_followup.plotting import figure_class
from ampel_followup.untrusted import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ft2font import FT2Font

#: Told apart also by people who see few colours (Okabe & Ito 2008); hatches tell what paper without any shows alike.
BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY_BLUE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
GREY, MOONLIGHT, TWILIGHT, DAYLIGHT = "#777777", "#F0E442", "#DDE3EC", "#F6EBD3"

#: Comes with matplotlib, and has Greek, primes, the minus sign and the Moon.
FONT = "DejaVu Sans"

_FORMATS = ("png", "svg")
_DPI = 150
_LEGEND_SIZE = 7.0
_POINTS_PER_INCH = 72.0


@contextmanager
def drawing() -> Iterator[type[Figure]]:
    """
    Draw alike on every machine, whatever its matplotlib is set to; text is never read as mathematics.

    Raises
    ------
    FollowupError
        If matplotlib is not installed.
    """
    figure_type = figure_class()
    import matplotlib as mpl  # after that, which says what to do where it is absent

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(
            {
                "font.family": [FONT],
                "font.size": 8.0,
                "text.parse_math": False,
                "hatch.linewidth": 0.6,
                "svg.hashsalt": "night sheet",
            }
        )
        yield figure_type


def font_file(*, bold: bool = False) -> Path:
    """Return the file of the font."""
    from matplotlib.font_manager import FontProperties, findfont

    return Path(findfont(FontProperties(family=FONT, weight="bold" if bold else "normal")))


def drawable(text: str, limit: int | None = None) -> str:
    """
    Return untrusted text as one line that the font can show; what it cannot becomes ``�``.

    Parameters
    ----------
    text : str
    limit : int, optional
        Longest text returned [characters].
    """
    known = _characters()
    return "".join(c if ord(c) in known else "\N{REPLACEMENT CHARACTER}" for c in clean(text, limit))


@cache
def _characters() -> frozenset[int]:
    return frozenset(_font().get_charmap())


@cache
def _font() -> FT2Font:
    from matplotlib.ft2font import FT2Font

    return FT2Font(str(font_file()))


def days(time: str | dt.datetime) -> float:
    """Return the place of a moment on an axis of time."""
    from matplotlib.dates import date2num

    return float(date2num(moment(time) if isinstance(time, str) else time))  # type: ignore[no-untyped-call]


def paler(colour: str, strength: float) -> tuple[float, ...]:
    """Return a colour mixed with white; unlike a transparent one it does not depend on what it covers."""
    from matplotlib.colors import to_rgb

    return tuple(1.0 - strength * (1.0 - part) for part in to_rgb(colour))


def text_width(text: str, size: float) -> float:
    """Return how wide a text is in a font of `size` points [inch]."""
    font = _font()
    # So large that letters are not aligned to pixels; those on screens are, which takes up to a twentieth more.
    font.set_size(1000.0, _POINTS_PER_INCH)
    font.set_text(text)
    width, _ = font.get_width_height()
    return 1.05 * width / 64.0 / 1000.0 * size / _POINTS_PER_INCH


def spread(wanted: ArrayLike, gap: float, low: float, high: float) -> NDArray[np.float64]:
    r"""
    Move positions apart, as little as possible.

    Minimises :math:`\sum_i (x_i - w_i)^2` with :math:`x_{i+1} - x_i \ge g` and :math:`l \le x_i \le h`: isotonic
    regression of :math:`w_i - i g`.

    Parameters
    ----------
    wanted : array_like, shape (n,)
        In ascending order.
    gap : float
        Least distance between neighbours; made less where n of them do not fit.
    low, high : float
        Between which they must be, in the unit of the others.

    Returns
    -------
    ndarray, shape (n,)
    """
    from scipy.optimize import isotonic_regression

    wanted = np.asarray(wanted, dtype=np.float64)
    n = len(wanted)
    if n == 0:
        return wanted
    gap = min(gap, (high - low) / max(n - 1, 1))
    steps = gap * np.arange(n)
    moved = isotonic_regression(wanted - steps).x
    return np.asarray(np.clip(moved, low, max(low, high - steps[-1])) + steps)


def write_names(
    axes: Axes,
    names: Sequence[tuple[float, str, str]],
    *,
    bottom: float,
    leader: float,
    width: float,
    size: float = 7.0,
) -> None:
    """
    Write names upright above the places they belong to, each on a line that leads there.

    Parameters
    ----------
    axes : Axes
        Its x axis is `width` inches long; its y axis is in inches.
    names : sequence of (float, str, str)
        Place on the x axis, name, and colour.
    bottom : float
        Where the lines begin, on the y axis.
    leader : float
        How long they are [inch].
    width : float
        Of the axes [inch].
    size : float
        Of the font [pt]; made less where the names are too many.
    """
    if not names:
        return
    names = sorted(names)
    low, high = axes.get_xlim()
    per_inch = (high - low) / width
    pitch = 1.25 * size / _POINTS_PER_INCH
    size = min(size, size * (width - pitch) / (pitch * max(len(names) - 1, 1)))
    places = np.array([place for place, _, _ in names])
    margin = 0.5 * pitch * per_inch
    moved = spread(places, pitch * per_inch, low + margin, high - margin)
    for place, x, (_, name, colour) in zip(places, moved, names, strict=True):
        corners = [place, place, x, x]
        heights = bottom + leader * np.array([0.0, 0.2, 0.8, 1.0])
        axes.plot(corners, heights, color=colour, linewidth=0.5, alpha=0.8)
        axes.text(x, heights[-1] + 0.03, name, rotation=90, ha="center", va="bottom", fontsize=size, color="black")


def time_axes(axes: Axes, night: NightSummary) -> None:
    """Put UTC below and the site's own time above; the x axis must be that of `days`."""
    from matplotlib.dates import HourLocator, num2date

    zone = ZoneInfo(night.timezone)
    low, high = axes.get_xlim()

    def hour(x: float, _: int | None, clock: dt.tzinfo) -> str:
        """Nothing at the right edge: there is the name of the clock."""
        if high - x < 0.02 * (high - low):
            return ""
        return f"{num2date(x, tz=clock):%H:%M}"  # type: ignore[no-untyped-call]

    every_hours = range(0, 24, 1 if 24 * (high - low) <= 16 else 2)
    top = axes.secondary_xaxis("top")
    for axis, clock in ((axes.xaxis, dt.UTC), (top.xaxis, zone)):
        axis.set_major_locator(HourLocator(byhour=every_hours))  # type: ignore[no-untyped-call]
        axis.set_major_formatter(partial(hour, clock=clock))
        axis.set_tick_params(labelsize=7, pad=2)
    name = f"{moment(night.dusk).astimezone(zone):%Z}"
    # Beside the axes, where no tick is. Zones without a name are called by their offset.
    beside: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "fontsize": 7}
    axes.annotate("UTC", (1.0, 0.0), xytext=(4, -3), va="top", **beside)
    axes.annotate("local" if name[:1] in "+-" else name, (1.0, 1.0), xytext=(4, 3), va="bottom", **beside)


def svg(figure: Figure) -> str:
    """Return a figure as SVG; the same figure gives the same text."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def png(figure: Figure, dpi: int = _DPI) -> bytes:
    """Return a figure as PNG."""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=dpi)
    return data.getvalue()


def check_format(out: Path) -> None:
    """Raise FollowupError if a file is not to be a picture of a kind that can be drawn, before anything is drawn."""
    if out.suffix[1:].lower() not in _FORMATS:
        raise FollowupError(f"cannot draw {out}: it is neither .png nor .svg; name it {out.stem or 'plot'}.png")


def save(figure: Figure, out: Path) -> Path:
    """
    Write a figure to a file, as its name says.

    Raises
    ------
    FollowupError
        If it cannot be written.
    """
    content = svg(figure).encode() if out.suffix.lower() == ".svg" else png(figure)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(content)
    except OSError as error:
        raise FollowupError(f"cannot write the plot {out} ({error.strerror}); name another file") from error
    return out


def legend(figure: Figure, handles: Sequence[Any]) -> None:
    """Explain the marks below the drawing, in the height that `legend_height` says."""
    figure.legend(
        handles=handles,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.06 / figure.get_figheight()),
        ncols=-(-len(handles) // _legend_rows(handles, figure.get_figwidth())),
        frameon=False,
        fontsize=_LEGEND_SIZE,
        handlelength=1.6,
        columnspacing=1.2,
        borderaxespad=0.0,
        borderpad=0.0,
    )


def legend_height(handles: Sequence[Any], width: float) -> float:
    """Return the height that `legend` takes in a figure of that width, with the space around it [inch]."""
    return 0.1 + 0.17 * _legend_rows(handles, width)


def _legend_rows(handles: Sequence[Any], width: float) -> int:
    # 0.4 inch: the handle, and the space around it.
    wide = sum(text_width(handle.get_label(), _LEGEND_SIZE) + 0.4 for handle in handles)
    return min(len(handles), max(1, -int(-wide // (width - 0.4))))
