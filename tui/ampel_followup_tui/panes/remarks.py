"""What is to be known of a schedule besides its blocks: telescopes that were left out, and what people wrote down."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from ampel_followup.notes import Note
from ampel_followup.timetable import LeftOut
from ampel_followup.untrusted import clean
from ampel_followup_tui.glyphs import GREY, LEFT_OUT, NOTE
from ampel_followup_tui.instants import clock


def left_out(telescopes: Sequence[LeftOut], width: int) -> Text:
    """Return a line for each telescope that was asked for and has no night, with the reason."""
    sign, word, style = LEFT_OUT
    text = Text(no_wrap=True)
    for telescope in telescopes:
        line = Text.assemble((f" {sign} ", style), (clean(telescope.name or telescope.telescope, 24), "bold"))
        line.append(f" {word}: {clean(telescope.reason)}", style)
        line.truncate(width, overflow="ellipsis")
        text.append_text(line).append("\n")
    return text


def notes(written: Sequence[Note], timezone: str, width: int, lines: int) -> Text:
    """
    Return the latest notes, the newest last: when, by whom, about what.

    Parameters
    ----------
    written : sequence of Note
        The oldest first.
    timezone : str
        IANA name of that of the clock.
    width : int
        Room [characters]; longer ones end in an ellipsis.
    lines : int
        At most so many.
    """
    text = Text(no_wrap=True)
    for note in written[-lines:] if lines > 0 else ():
        line = Text.assemble(
            (f" {NOTE[0]} ", NOTE[2]),
            (f"{clock(note.time, timezone)} ", GREY),
            f"{clean(note.observer, 16)}",
            (f" on {clean(note.subject, 28)}: ", GREY),
            clean(note.text),
        )
        line.truncate(width, overflow="ellipsis")
        text.append_text(line).append("\n")
    return text
