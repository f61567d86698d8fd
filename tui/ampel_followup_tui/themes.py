"""
How the app looks: three themes, each with inks for the signs.

Signs are drawn with the colours of `glyphs`, which are the inks of the dark theme. In the other themes, and without
colours, they are exchanged when a line goes to the terminal, so that what draws them need not know the theme.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter, NoColor
from textual.theme import Theme

from ampel_followup.errors import PreferencesError
from ampel_followup_tui.glyphs import (
    BLOCK_CHOSEN,
    BLOCK_INK,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    PURPLE,
    SKY_BLUE,
    VERMILION,
    YELLOW,
)

#: The theme where none is asked for.
DEFAULT = "dark"

#: The colours that signs are drawn with.
INKS = (SKY_BLUE, GREEN, ORANGE, VERMILION, PURPLE, YELLOW, GREY, PALE, BLOCK_INK, BLOCK_CHOSEN)


@dataclass(frozen=True, slots=True)
class Look:
    """
    A theme.

    Parameters
    ----------
    theme : Theme
        What Textual makes of it.
    inks : mapping of str to str
        What stands in place of each of `INKS`; what is not named stays.
    dims : bool
        What matters less is dimmed.
    """

    theme: Theme
    inks: Mapping[str, str]
    dims: bool = True


def _cursor(background: str, foreground: str, style: str = "none") -> dict[str, str]:
    """Return the variables of style sheets that say how what is under a cursor looks: Textual's, and those of lists."""
    looks = {"background": background, "foreground": foreground, "text-style": style}
    blocks = {f"block-cursor{blurred}-{name}": look for blurred in ("", "-blurred") for name, look in looks.items()}
    return {"cursor-row": background, "cursor-row-style": style, **blocks}


#: What of these variables is different where there are no colours.
WITHOUT_COLOURS = {name: "reverse" for name in _cursor("", "") if name.endswith("style")}


_DARK = Theme(
    name="dark",
    primary="#0178d4",
    secondary="#56b4e9",
    accent=ORANGE,
    warning=ORANGE,
    error=VERMILION,
    success=GREEN,
    foreground="#e0e0e0",
    background="#121212",
    surface="#1e1e1e",
    panel="#1f2830",
    variables=_cursor("#0d2f48", "#e0e0e0"),
)
_LIGHT = Theme(
    name="light",
    primary="#006aa6",
    secondary="#006aa6",
    accent="#4a3200",
    warning="#4a3200",
    error="#a01c22",
    success="#00655a",
    foreground="#1b2026",
    background="#ffffff",
    surface="#f5f6f8",
    panel="#e9ecf0",
    dark=False,
    variables=_cursor("#d6e6f5", "#1b2026"),
)
_HIGH_CONTRAST = Theme(
    name="high-contrast",
    primary="#73c6ff",
    secondary="#73c6ff",
    accent="#ffb81f",
    warning="#ffb81f",
    error="#ff8d5c",
    success="#2fd9a8",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    # Reversed, a row has the contrast that it has otherwise, and cannot be overlooked.
    variables={
        **_cursor("#000000", "#ffffff", "reverse"),
        "text-muted": "auto 85%",
        "input-selection-background": "#003a5c",
    },
)

#: The themes by name, in the order in which a key goes through them.
THEMES = {
    "dark": Look(_DARK, {}),
    "light": Look(
        _LIGHT,
        {
            SKY_BLUE: "#006aa6",
            GREEN: "#00655a",
            ORANGE: "#4a3200",
            VERMILION: "#a01c22",
            PURPLE: "#8d2a8f",
            YELLOW: "#686900",
            GREY: "#565e69",
            PALE: "#3c434c",
            BLOCK_INK: "#fdfdfe",
            BLOCK_CHOSEN: "#0b0e12",
        },
    ),
    "high-contrast": Look(
        _HIGH_CONTRAST,
        {
            SKY_BLUE: "#73c6ff",
            GREEN: "#2fd9a8",
            ORANGE: "#ffb81f",
            VERMILION: "#ff8d5c",
            PURPLE: "#f3a6d2",
            YELLOW: "#fff35c",
            GREY: "#c6ccd6",
            PALE: "#fefefe",
            BLOCK_INK: "#010101",
        },
        dims=False,
    ),
}


def checked_theme(name: str, place: str) -> str:
    """
    Return the name of a theme.

    Raises
    ------
    PreferencesError
        If there is no such theme; `place` is where it was named.
    """
    if name not in THEMES:
        near = difflib.get_close_matches(name, THEMES, 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else f"take {', '.join(THEMES)}"
        raise PreferencesError(f"{place}: there is no theme {name!r}; {hint}")
    return name


def next_theme(name: str) -> str:
    """Return the theme after another one, after the last the first."""
    names = list(THEMES)
    return names[(names.index(name) + 1) % len(names)]


class Inks(LineFilter):
    """
    Draw signs with the inks of a theme.

    Parameters
    ----------
    inks : mapping of str to str
    dims : bool
        As in `Look`.
    """

    def __init__(self, inks: Mapping[str, str], *, dims: bool = True) -> None:
        super().__init__(enabled=bool(inks) or not dims)
        self._bright = Style() if dims else Style(dim=False)
        self._inks = {RichColor.parse(ink).triplet: RichColor.parse(other) for ink, other in inks.items()}
        self._exchanged: dict[Style, Style] = {}

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Exchange the colours of a line."""
        return [
            segment if segment.style is None else Segment(segment.text, self._exchange(segment.style), segment.control)
            for segment in segments
        ]

    def _exchange(self, style: Style) -> Style:
        if style not in self._exchanged:
            color, behind = (
                self._inks.get(known.triplet) if known is not None else None for known in (style.color, style.bgcolor)
            )
            self._exchanged[style] = style + Style(color=color, bgcolor=behind) + self._bright
        return self._exchanged[style]


class NoInks(LineFilter):
    """Draw without any colour; what is drawn on an ink is reversed, so that it keeps its edges."""

    _INKS = frozenset(RichColor.parse(ink).triplet for ink in INKS)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Take the colours from a line."""
        return [
            segment if segment.style is None else Segment(segment.text, _colourless(segment.style), segment.control)
            for segment in segments
        ]


@cache
def _colourless(style: Style) -> Style:
    on_ink = style.bgcolor is not None and style.bgcolor.triplet in NoInks._INKS
    return style + NoColor.DEFAULT_COLORS + Style(reverse=True if on_ink else None)
