"""
Signs and their colours: every colour repeats what a sign already says.

Colours after Okabe & Ito (2008), lightened for a dark ground; `themes` has what stands in their place in other themes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ampel_followup.survey_names import lsst_number
from ampel_followup.untrusted import clean

SKY_BLUE = "#56b4e9"
GREEN = "#2bbd94"
ORANGE = "#e69f00"
VERMILION = "#ee7f48"
PURPLE = "#d287b3"
YELLOW = "#f0e442"
GREY = "#9aa1ac"
PALE = "#d0d4da"

#: On the colours of blocks, and behind the block under the cursor.
BLOCK_INK, BLOCK_CHOSEN = "#10151c", "#f7f8fa"

#: Verdict → sign, word, style.
STATUS = {
    "approve": ("●", "approved", GREEN),
    "reject": ("✗", "rejected", VERMILION),
    "defer": ("◐", "deferred", ORANGE),
    "observed": ("✓", "observed", SKY_BLUE),
    "failed": ("!", "failed", PURPLE),
    "comment": ("”", "comment", GREY),
    "undo": ("↶", "undone", GREY),
}
UNDECIDED = ("·", "undecided", GREY)

#: Sign, word, style of an object that is outside what the models were trained on.
OUTSIDE = ("?", "outside", ORANGE)

#: Sign, word, style of an object that the policy wants looked at before all others.
URGENT = ("»", "urgent", VERMILION)

#: Sign, word, style of an object whose last points are not what was to be expected.
ANOMALY = ("!", "anomaly", PURPLE)

#: Sign, word, style of an object on which observers disagree.
DISAGREE = ("‼", "disagree", VERMILION)

#: Sign and style of an object that is selected for the next verdict.
SELECTED = ("+", YELLOW)

#: Word and style of an object that the site will soon have seen the last of.
CLOSING = ("closing", ORANGE)

#: Why a block is in the schedule → sign, word, style.
BLOCK_KIND = {
    "target": ("▌", "planned", GREEN),
    "fixed": ("◆", "fixed", YELLOW),
    "interrupt": ("»", "interrupt", VERMILION),
    "standard": ("★", "standard", ORANGE),
}

#: Sign, word, style of a note, and of a telescope that has no night.
NOTE = ("”", "note", YELLOW)
LEFT_OUT = ("∅", "left out", VERMILION)

#: Behind the blocks of the schedule: sign, word, style.
TWILIGHT = ("░", "twilight", GREY)
MOON_UP = ("·", "Moon up", YELLOW)
CLOSED = ("╱", "closed", VERMILION)

#: What a feature did to a score → sign, style.
RAISES, LOWERS = ("▲", GREEN), ("▼", VERMILION)

#: A model compared with another one → sign, style; and the sign of the one in use.
BETTER, WORSE, SAME = ("▲", GREEN), ("▼", VERMILION), ("≈", GREY)
IN_USE = ("●", GREEN)

#: Last letters of a band name → sign, style: the same letter looks the same in every survey.
BAND = {
    "u": ("▲", PURPLE),
    "g": ("●", GREEN),
    "r": ("■", VERMILION),
    "i": ("◆", YELLOW),
    "z": ("▼", ORANGE),
    "y": ("★", SKY_BLUE),
    "c": ("○", SKY_BLUE),
    "o": ("□", ORANGE),
}
OTHER_BAND = ("•", PALE)
LIMIT = "▽"

#: Below the light curve, before the signs of where a classifier looked.
ATTENTION = "attn."

#: Sign and word of a brightness that is expected.
EXPECTED = ("×", "tonight")

_LEVELS = "▁▂▃▄▅▆▇█"
_UNKNOWN_LEVEL = "·"

# Airmass up to this → sign: the higher, the better.
_HEIGHTS = ((1.1, "▇"), (1.3, "▆"), (1.5, "▅"), (1.75, "▄"), (2.0, "▃"), (2.5, "▂"), (3.0, "▁"))
AIRMASS_LEGEND = "▇ ≤ 1.1  ▅ ≤ 1.5  ▃ ≤ 2  ▁ ≤ 3"

# Slower than this counts as constant [mag/d].
_CONSTANT = 0.02


def band_sign(band: str) -> tuple[str, str]:
    """Return sign and style of a band such as ``ztfr``."""
    return BAND.get(band[-1:], OTHER_BAND)


def short_band(band: str) -> str:
    """Return the letter of a band of the surveys that are read; the whole name of another."""
    return clean(band[-1:] if band.startswith(("ztf", "lsst", "atlas")) else band, 12)


def short_name(name: str, width: int) -> str:
    """
    Return the name of an object in so many characters.

    What is too long is cut at its end; of the numbers of LSST the end is kept, for objects of one night begin alike.
    """
    whole = clean(name)
    if len(whole) <= width or lsst_number(whole) is None:
        return clean(name, width)
    return "…" + whole[len(whole) - width + 1 :]


def trend_sign(trend: float) -> str:
    """Return an arrow for a change of brightness [mag/d, negative = brightening]: up is brighter."""
    if math.isnan(trend):
        return " "
    if abs(trend) < _CONSTANT:
        return "→"
    return "↗" if trend < 0 else "↘"


def airmass_bar(airmass: Sequence[float], width: int) -> str:
    """
    Draw the airmass through the night, one sign per step of time.

    Parameters
    ----------
    airmass : sequence of float
        At equal steps from dusk to dawn, both included; NaN below the horizon.
    width : int
        Length of the bar [characters].

    Returns
    -------
    str
        `width` characters; blank above airmass 3 and below the horizon.
    """
    if not airmass:
        return " " * width
    steps = len(airmass) - 1
    return "".join(_height(_between(airmass, (cell + 0.5) / width * steps)) for cell in range(width))


def sparkline(values: Sequence[float], high: float) -> str:
    """Draw numbers from 0 to `high`, one sign each; NaN is a dot."""
    top = len(_LEVELS) - 1
    return "".join(
        _UNKNOWN_LEVEL if math.isnan(value) else _LEVELS[min(top, max(0, round(value / high * top)))]
        for value in values
    )


def level(share: float) -> str:
    """Draw a share of the highest as a sign of its height; the least is still seen."""
    return _LEVELS[min(len(_LEVELS) - 1, max(0, math.ceil(share * len(_LEVELS)) - 1))]


def two_digits(p: float) -> str:
    """Write a probability as ``.98``: what rounds to certainty is .99; ``–`` for NaN."""
    return "–" if math.isnan(p) else f"{min(0.99, max(0.0, p)):.2f}"[1:]


def share_bar(share: float, width: int) -> str:
    """Draw a share of 1, to the half of a character, at most `width` characters long."""
    full, half = divmod(round(min(1.0, max(0.0, share)) * width * 2), 2)
    return "━" * full + "╸" * half


def _between(values: Sequence[float], index: float) -> float:
    """Interpolate between neighbours; beside a NaN take the nearer one."""
    before = min(int(index), max(0, len(values) - 2))
    share = index - before
    if share == 0.0:
        return values[before]
    interpolated = values[before] * (1.0 - share) + values[before + 1] * share
    return values[round(index)] if math.isnan(interpolated) else interpolated


def _height(airmass: float) -> str:
    for limit, sign in _HEIGHTS:
        if airmass <= limit:
            return sign
    return " "
