"""The sheet of a night as one HTML file that needs nothing else: no scripts, no fonts, nothing from the network."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape

from ampel_followup.night_sheet import figures
from ampel_followup.night_sheet.sheet import COLUMNS, RIGHT, Line, Sheet, sheets
from ampel_followup.night_sheet.timeline import timeline_figure
from ampel_followup.notes import Note
from ampel_followup.plan import RankedTarget
from ampel_followup.timetable import Timetable
from ampel_followup.untrusted import clean

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>Night of {date}</title>
<style>
@page {{ size: A4 portrait; margin: 8mm; }}
body {{ font: 9pt/1.3 "DejaVu Sans", system-ui, sans-serif; margin: 0; color: #222; }}
section {{ max-width: 194mm; margin: 0 auto 10mm; break-after: page; }}
section:last-child {{ break-after: auto; }}
h1 {{ font-size: 13pt; margin: 0 0 1mm; }} h2 {{ font-size: 9pt; margin: 2mm 0 .5mm; }}
p, ol {{ margin: 0; font-size: 7.5pt; }} ol {{ padding-left: 5mm; }}
img {{ width: 100%; margin: 1.5mm 0; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ padding: 0 .8mm; text-align: left; white-space: nowrap; border-bottom: .2mm solid #bbb; }}
th {{ border-bottom: .3mm solid #555; }}
.right {{ text-align: right; font-variant-numeric: tabular-nums; }}
.done td {{ color: #777; }}
.why, .comment {{ width: 50%; max-width: 0; overflow: hidden; text-overflow: ellipsis; }}
.comment {{ width: 30%; border-left: .2mm dotted #bbb; }}
.roomy .why, .roomy .comment {{ white-space: normal; font-size: .85em; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""

# Millimetres left for the table on a sheet of A4, and heights of its rows between which they are read and look well.
_TABLE_HEIGHT, _LOWEST_ROW, _HIGHEST_ROW, _ROOMY_ROW = 176.0, 2.6, 8.0, 5.5
_POINTS_PER_MM = 72.0 / 25.4


def render_sheet_html(
    timetable: Timetable,
    targets: Mapping[str, RankedTarget],
    *,
    comments: Mapping[str, str] | None = None,
    notes: Sequence[Note] = (),
) -> str:
    """
    Return the sheet of a night as a page: header, timeline, and what to observe in order of time.

    Printed, it takes one page of A4 per telescope, up to about 70 blocks.

    Parameters
    ----------
    timetable : Timetable
        What people, alerts and other programs wrote in it is cleaned and escaped.
    targets : mapping of str to RankedTarget
        Survey name → the target with its reasons; names that are not in it have none.
    comments : mapping of str to str, optional
        Survey name → what people wrote; printed into the space for comments.
    notes : sequence of Note
        What people wrote down about the night, oldest first.

    Returns
    -------
    str
        HTML. The same input gives the same text.

    Raises
    ------
    ScheduleError
        If the timetable has no telescope.
    FollowupError
        If matplotlib is not installed.
    """
    with figures.drawing():
        body = "\n".join(_section(timetable, sheet) for sheet in sheets(timetable, targets, comments, notes))
    return _PAGE.format(date=_text(timetable.date), body=body)


def _section(timetable: Timetable, sheet: Sheet) -> str:
    # As an image, not as elements of the page: the marks of several drawings have the same names.
    drawing = figures.svg(timeline_figure(timetable, [sheet.part], width=7.64, numbered=True))
    data = b64encode(drawing.encode()).decode("ascii")
    parts = [
        "<section>",
        f"<h1>{_text(sheet.title)}</h1>",
        *(f"<p>{_text(fact)}</p>" for fact in sheet.facts),
        f'<img alt="Timeline of the night" src="data:image/svg+xml;base64,{data}">',
        _table(sheet.lines) if sheet.lines else "<p>Nothing is scheduled.</p>",
    ]
    if sheet.unplaced:
        reserves = "\n".join(f"<li>{_text(name)}: {_text(reason)}</li>" for name, reason in sheet.unplaced)
        parts.append(f"<h2>Found no place</h2>\n<ol>\n{reserves}\n</ol>")
    if sheet.notes:
        parts.append(
            "<h2>Notes</h2>\n<ol>\n" + "\n".join(f"<li>{_text(note)}</li>" for note in sheet.notes) + "\n</ol>"
        )
    return "\n".join([*parts, "</section>"])


def _table(lines: tuple[Line, ...]) -> str:
    height = min(_HIGHEST_ROW, max(_LOWEST_ROW, _TABLE_HEIGHT / (len(lines) + 1)))
    size = min(7.0, 0.72 * height * _POINTS_PER_MM)
    roomy = " class=roomy" if height >= _ROOMY_ROW else ""
    rows = [
        f'<table{roomy} style="font-size: {size:.1f}pt; line-height: 1.2">',
        "<tr>" + "".join(f"<th{_class(name)}>{heading}</th>" for name, heading in COLUMNS.items()) + "</tr>",
    ]
    for line in lines:
        done = " class=done" if not line.number.isdecimal() else ""
        cells = "".join(f"<td{_class(name)}>{_text(getattr(line, name))}</td>" for name in COLUMNS)
        rows.append(f'<tr{done} style="height: {height:.1f}mm">{cells}</tr>')
    return "\n".join([*rows, "</table>"])


def _class(name: str) -> str:
    if name in RIGHT:
        return " class=right"
    return f" class={name}" if name in ("why", "comment") else ""


def _text(text: str) -> str:
    return escape(clean(text))
