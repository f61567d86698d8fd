"""Pieces of text set one after the other, broken only between them."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap

from rich.text import Text

_GAP = "   "


def flow(pieces: Iterable[Text], width: int) -> Text:
    """
    Set pieces of text in lines.

    Parameters
    ----------
    pieces : iterable of Text
        None is broken, even if it is longer than a line.
    width : int
        Length of a line [characters].

    Returns
    -------
    Text
        Ends with a line break.
    """
    text, column = Text(), 0
    for piece in pieces:
        if column and column + len(_GAP) + piece.cell_len > width:
            text.append("\n")
            column = 0
        elif column:
            text.append(_GAP)
            column += len(_GAP)
        text.append_text(piece)
        column += piece.cell_len
    return text.append("\n")


def paragraph(text: str, width: int, sign: str = "") -> str:
    """
    Break a text into lines behind a sign, without parting a number from its per cent.

    Parameters
    ----------
    text : str
        Printable.
    width : int
        Length of a line, the sign included [characters].
    sign : str
        Begins the first line; the others are indented by as much.

    Returns
    -------
    str
        Ends with a line break.
    """
    lines = wrap(text.replace(" %", "\u00a0%"), width, initial_indent=sign, subsequent_indent=" " * len(sign))
    return "\n".join(lines) + "\n"
