"""Text from alerts and from people, made safe to show on a terminal and to keep in a list."""

from __future__ import annotations

import json
import re
import unicodedata

#: What ends a text that was cut.
ELLIPSIS = "…"

#: Unicode categories that draw nothing and can steer a terminal or hide text: control characters (C0, DEL, C1), format
#: characters (the bidirectional overrides and isolates, zero-width characters, tags), surrogates, private use,
#: unassigned; line and paragraph separators. A joiner lost from an emoji or from a script is the price.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

#: Marks and letters that draw nothing either (Default_Ignorable_Code_Point), or whose only work is to change the width
#: or the look of the sign before: fillers, joiners, variation selectors, skin tones. Terminals disagree about them.
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff]"
)

#: Marks that stack on one letter; more than these few bury the lines above.
_MAX_COMBINING_MARKS = 4


def clean(text: str, limit: int | None = None) -> str:
    """
    Return untrusted text as one printable line.

    White space of every kind, line breaks and tabs included, becomes single blanks; characters that are not drawn
    (escape sequences' control bytes, bidirectional marks, zero-width characters) are removed; combining marks are kept
    up to four per letter. Markup such as ``[red]`` is left as it is: whoever shows the text must not parse it.

    Parameters
    ----------
    text : str
        Anything.
    limit : int, optional
        Longest text returned [characters]; what is longer is cut and ends in ``…``. At least 1.

    Returns
    -------
    str
        Printable, without leading or trailing blanks; ``clean(clean(x)) == clean(x)``.

    Raises
    ------
    ValueError
        If `limit` is less than 1: a mistake of the caller, not of the text.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit is {limit}; give at least 1 character")
    if not (text.isascii() and text.isprintable()):
        text = _drawn(text)
    text = " ".join(text.split())
    if limit is not None and len(text) > limit:
        text = text[: limit - 1].rstrip() + ELLIPSIS
    return text


def inert(text: str) -> str:
    """
    Return text that we wrote, with untrusted parts in it, so that it steers nothing: line breaks and blanks stay.

    Parameters
    ----------
    text : str
        Anything, of any number of lines.

    Returns
    -------
    str
        Its lines, each with the characters that `clean` keeps; tabs become single blanks.
    """
    return "\n".join(line if line.isascii() and line.isprintable() else _drawn(line) for line in text.split("\n"))


def escaped_json(text: str) -> str:
    """
    Return JSON in which what is not drawn is written as an escape: the same JSON, and nothing for a terminal to obey.

    Parameters
    ----------
    text : str
        A JSON document; beside its strings it has only ASCII and line breaks.
    """
    return "\n".join(line if line.isprintable() else _escaped(line) for line in text.split("\n"))


def _escaped(text: str) -> str:
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def _drawn(text: str) -> str:
    """Return the characters that are drawn, white space as blanks."""
    text = _IGNORABLE.sub("", text)
    kept: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        if character.isspace():
            character, category = " ", "Zs"
        elif category in _INVISIBLE:
            continue
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks <= _MAX_COMBINING_MARKS:
            kept.append(character)
    return "".join(kept)
