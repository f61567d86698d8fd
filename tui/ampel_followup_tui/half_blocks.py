"""Pictures made of half blocks: two pixels to a character, one above the other; or of shades, without colours."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style

from ampel_followup.cutouts import LEVELS, Cutout

_UPPER_HALF = "▀"

# From dark to light, where there are no greys; what has no value is a dot.
_SHADES, _NO_SHADE = " ░▒▓█", "·"

# Where an image has no value.
_NOTHING, _NOTHING_GREY = "#30343c", 0x34


def resampled(cutout: Cutout, width: int, height: int) -> NDArray[np.float64]:
    """
    Return a picture at another size, by area: every pixel is the mean of what it covers.

    Parameters
    ----------
    cutout : Cutout
        The picture.
    width, height : int
        Wanted [pixels].

    Returns
    -------
    ndarray, shape (height, width)
        Levels, 1 to `LEVELS`; NaN where more than half of what a pixel covers has no value.
    """
    levels = np.frombuffer(cutout.pixels, np.uint8).reshape(cutout.height, cutout.width).astype(np.float64)
    rows, columns = _overlaps(cutout.height, height), _overlaps(cutout.width, width)
    covered = rows @ (levels > 0) @ columns.T
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(covered >= 0.5, rows @ levels @ columns.T / covered, np.nan))


def half_block_lines(cutout: Cutout, width: int, rows: int) -> list[list[Segment]]:
    """
    Draw a picture.

    Parameters
    ----------
    cutout : Cutout
        The picture.
    width, rows : int
        Size on the terminal [characters]; a character is twice as high as wide, hence two pixels.

    Returns
    -------
    list of list of Segment
        `rows` lines of `width` characters.
    """
    levels = np.nan_to_num(np.round(resampled(cutout, width, 2 * rows))).astype(int)
    return [
        [Segment(_UPPER_HALF, _style(above, below)) for above, below in zip(*pair, strict=True)]
        for pair in zip(levels[::2].tolist(), levels[1::2].tolist(), strict=True)
    ]


def shade_lines(cutout: Cutout, width: int, rows: int) -> list[list[Segment]]:
    """Draw a picture without any colour, in five shades, one pixel to a character; as `half_block_lines`."""
    levels = resampled(cutout, width, rows)
    shades = np.clip((np.nan_to_num(levels) - 1) / LEVELS * len(_SHADES), 0, len(_SHADES) - 1).astype(int)
    known = np.isfinite(levels).tolist()
    return [
        [Segment("".join(_SHADES[shade] if there else _NO_SHADE for shade, there in zip(*line, strict=True)))]
        for line in zip(shades.tolist(), known, strict=True)
    ]


def _overlaps(old: int, new: int) -> NDArray[np.float64]:
    """Return which share of each new pixel lies on each old one, shape (new, old)."""
    edges, ends = np.arange(old)[None, :], np.linspace(0.0, old, new + 1)
    low, high = np.maximum(ends[:-1, None], edges), np.minimum(ends[1:, None], edges + 1)
    return np.asarray(np.maximum(high - low, 0.0) * (new / old))


@lru_cache(maxsize=(LEVELS + 1) ** 2)
def _style(above: int, below: int) -> Style:
    return Style(color=_grey(above), bgcolor=_grey(below))


def grey_value(level: int) -> int:
    """Return how light a level is, 0 to 255."""
    return _NOTHING_GREY if level == 0 else round(8 + 240 * (level - 1) / (LEVELS - 1))


def _grey(level: int) -> str:
    return _NOTHING if level == 0 else f"#{grey_value(level):02x}" + 2 * f"{grey_value(level):02x}"
