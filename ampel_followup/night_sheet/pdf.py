"""The sheet of a night as PDF, one page of A4 per telescope; needs matplotlib and fpdf2."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ampel_followup.errors import FollowupError
from ampel_followup.night_sheet import figures
from ampel_followup.night_sheet.clock import moment
from ampel_followup.night_sheet.figures import drawable
from ampel_followup.night_sheet.sheet import COLUMNS, RIGHT, Line, Sheet, sheets
from ampel_followup.night_sheet.timeline import timeline_figure
from ampel_followup.notes import Note
from ampel_followup.plan import RankedTarget
from ampel_followup.timetable import Timetable
from ampel_followup.untrusted import ELLIPSIS

if TYPE_CHECKING:
    from fpdf import FPDF

# Millimetres.
_WIDTH, _HEIGHT, _MARGIN = 210.0, 297.0, 8.0
_INNER = _WIDTH - 2 * _MARGIN
_LOWEST_ROW, _HIGHEST_ROW, _ROOMY_ROW = 2.6, 9.0, 5.6
_FACT, _RESERVE, _GAP = 3.4, 3.2, 1.6

_MM_PER_POINT = 25.4 / 72.0
_LARGEST, _SMALLEST = 7.0, 3.5
_TIMELINE_DPI = 250

#: Columns as wide as what is in them; the rest of the page is for the others.
_FITTED = tuple(name for name in COLUMNS if name not in ("why", "comment"))
_SHARE_OF_COMMENT = 0.42


def render_sheet_pdf(
    timetable: Timetable,
    targets: Mapping[str, RankedTarget],
    *,
    comments: Mapping[str, str] | None = None,
    notes: Sequence[Note] = (),
) -> bytes:
    """
    Return the sheet of a night as PDF: header, timeline, and what to observe in order of time.

    A page of A4 per telescope; only more than about 75 blocks, which nobody could read on one, go on on the next.

    Parameters
    ----------
    timetable : Timetable
        Characters that the font does not have become ``�``.
    targets : mapping of str to RankedTarget
        Survey name → the target with its reasons; names that are not in it have none.
    comments : mapping of str to str, optional
        Survey name → what people wrote; printed into the space for comments.
    notes : sequence of Note
        What people wrote down about the night, oldest first.

    Returns
    -------
    bytes
        The same input gives the same bytes.

    Raises
    ------
    ScheduleError
        If the timetable has no telescope.
    FollowupError
        If matplotlib or fpdf2 is not installed.
    """
    try:
        from fpdf import FPDF
    except ImportError as error:
        raise FollowupError("night sheets need fpdf2; install it with: pip install 'ampel-followup[plots]'") from error

    with figures.drawing():
        pages = sheets(timetable, targets, comments, notes)
        pdf = FPDF(format="A4")
        pdf.set_auto_page_break(False)
        pdf.set_margin(_MARGIN)
        pdf.c_margin = 0.0
        for style in ("", "B"):
            pdf.add_font("sheet", style, figures.font_file(bold=bool(style)))
        pdf.set_title(f"Night of {timetable.date}")
        # Not the clock's time: the same night gives the same bytes.
        pdf.set_creation_date(moment(timetable.planned_from or pages[0].part.night.dusk))
        for sheet in pages:
            _draw_sheet(pdf, timetable, sheet)
    return bytes(pdf.output())


def _draw_sheet(pdf: FPDF, timetable: Timetable, sheet: Sheet) -> None:
    pdf.add_page()
    _write(pdf, _MARGIN, _MARGIN, _INNER, 6.0, sheet.title, 12.0, bold=True)
    y = _MARGIN + 6.5
    for fact in sheet.facts:
        _write(pdf, _MARGIN, y, _INNER, _FACT, fact, 7.0)
        y += _FACT
    drawing = timeline_figure(timetable, [sheet.part], width=_INNER / 25.4, numbered=True)
    height = drawing.get_figheight() * 25.4
    pdf.image(io.BytesIO(figures.png(drawing, _TIMELINE_DPI)), _MARGIN, y + _GAP, _INNER, height)
    y += height + 2 * _GAP

    reserves = sum(_GAP + _RESERVE * (1 + len(below)) for below in (sheet.unplaced, sheet.notes) if below)
    bottom = _HEIGHT - _MARGIN - reserves
    if not sheet.lines:
        _write(pdf, _MARGIN, y, _INNER, _FACT, "Nothing is scheduled.", 8.0)
        y += _FACT
    lines = sheet.lines
    while lines:
        y, lines = _draw_table(pdf, sheet.lines, lines, y, bottom)
        if lines:
            pdf.add_page()
            _write(pdf, _MARGIN, _MARGIN, _INNER, 6.0, f"{sheet.title}, continued", 12.0, bold=True)
            y = _MARGIN + 8.0
    unplaced = [f"{name}: {reason}" for name, reason in sheet.unplaced]
    for heading, below in (("Found no place", unplaced), ("Notes", sheet.notes)):
        if not below:
            continue
        y += _GAP
        _write(pdf, _MARGIN, y, _INNER, _RESERVE, heading, 7.0, bold=True)
        for number, text in enumerate(below, 1):
            y += _RESERVE
            _write(pdf, _MARGIN, y, _INNER, _RESERVE, f"{number}. {text}", 6.5)
        y += _RESERVE


def _draw_table(
    pdf: FPDF, every_line: Sequence[Line], lines: tuple[Line, ...], y: float, bottom: float
) -> tuple[float, tuple[Line, ...]]:
    """Draw what finds place; return where it ends, and the lines that are left."""
    n = min(len(lines), int((bottom - y) / _LOWEST_ROW) - 1)
    row = min(_HIGHEST_ROW, (bottom - y) / (n + 1))
    size = min(_LARGEST, 0.75 * row / _MM_PER_POINT)
    head = min(row, 4.0)
    widths = _widths(pdf, every_line, size)
    x = _MARGIN
    for name, heading in COLUMNS.items():
        _write(pdf, x, y, widths[name], head, heading, size, bold=True, right=name in RIGHT)
        x += widths[name] + _GAP
    y += head
    pdf.set_draw_color(90)
    pdf.set_line_width(0.25)
    pdf.line(_MARGIN, y, _MARGIN + _INNER, y)
    pdf.set_draw_color(190)
    pdf.set_line_width(0.1)
    for line in lines[:n]:
        x = _MARGIN
        pdf.set_text_color(*(3 * [0 if line.number.isdecimal() else 120]))
        for name in COLUMNS:
            text = getattr(line, name)
            if name in _FITTED:
                _write(pdf, x, y, widths[name], row, text, size, right=name in RIGHT)
            else:
                _wrap(pdf, x, y, widths[name], row, text, 0.85 * size)
            x += widths[name] + _GAP
        y += row
        pdf.line(_MARGIN, y, _MARGIN + _INNER, y)
    pdf.set_text_color(0)
    start = _MARGIN + _INNER - widths["comment"] - _GAP / 2
    pdf.line(start, y - n * row, start, y)
    return y, lines[n:]


def _widths(pdf: FPDF, lines: Sequence[Line], size: float) -> dict[str, float]:
    """As wide as what is in them [mm]; why and comment share what is left."""
    pdf.set_font("sheet", "B", size)
    heads = {name: pdf.get_string_width(heading) for name, heading in COLUMNS.items()}
    pdf.set_font("sheet", "", size)
    widths = {
        name: max(heads[name], *(pdf.get_string_width(drawable(getattr(line, name))) for line in lines))
        for name in _FITTED
    }
    # A name without end must not push the others off the page: it is written smaller, then cut.
    widths["target"] = min(widths["target"], 36.0)
    rest = _INNER - sum(widths.values()) - _GAP * (len(COLUMNS) - 1)
    return {**widths, "why": (1 - _SHARE_OF_COMMENT) * rest, "comment": _SHARE_OF_COMMENT * rest}


def _write(
    pdf: FPDF, x: float, y: float, width: float, height: float, text: str, size: float, *, bold: bool = False,
    right: bool = False,
) -> None:  # fmt: skip
    """Write one line, smaller where it is too long, and cut where that does not help."""
    text = drawable(text)
    pdf.set_font("sheet", "B" if bold else "", size)
    wide = pdf.get_string_width(text)
    if wide > width:
        pdf.set_font_size(max(_SMALLEST, size * width / wide * 0.99))
        text = _cut(pdf, text, width)
    pdf.set_xy(x, y)
    pdf.cell(width, height, text, align="R" if right else "L")


def _wrap(pdf: FPDF, x: float, y: float, width: float, height: float, text: str, size: float) -> None:
    """Write as many lines as the height has place for; what does not fit is cut."""
    pdf.set_font("sheet", "", size)
    step = 1.15 * size * _MM_PER_POINT
    room = max(1, int(height / step))
    lines: list[str] = []
    for word in drawable(text).split():
        if lines and pdf.get_string_width(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    if len(lines) > room:
        lines = [*lines[: room - 1], " ".join(lines[room - 1 :])]
    top = y + (height - step * len(lines)) / 2
    for number, line in enumerate(lines):
        pdf.set_xy(x, top + number * step)
        pdf.cell(width, step, _cut(pdf, line, width))


def _cut(pdf: FPDF, text: str, width: float) -> str:
    if pdf.get_string_width(text) <= width:
        return text
    while text and pdf.get_string_width(text + ELLIPSIS) > width:
        text = text[:-1]
    return text.rstrip() + ELLIPSIS
