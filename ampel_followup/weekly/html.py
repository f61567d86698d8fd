"""The report of a week as one HTML file that needs nothing else: no scripts, no fonts, nothing from the network."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape

from ampel_followup.untrusted import clean
from ampel_followup.weekly.figures import draw_figures
from ampel_followup.weekly.summary import WeekReport
from ampel_followup.weekly.text import Column, Section, sections

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}
h1 {{ font-size: 1.5rem; }} h2 {{ font-size: 1.15rem; margin: 2rem 0 .3rem; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: .9rem; }}
th, td {{ padding: .2rem .7rem .2rem 0; text-align: left; vertical-align: top; }}
th {{ border-bottom: 1px solid #888; }} td {{ border-bottom: 1px solid #eee; }}
.right {{ text-align: right; font-variant-numeric: tabular-nums; }}
figure {{ margin: 1rem 0; }} figure img {{ max-width: 100%; }} figcaption {{ color: #555; font-size: .9rem; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


def render_html(week: WeekReport) -> str:
    """
    Return the page.

    Parameters
    ----------
    week : WeekReport
        What people, alerts and other surveys wrote in it is cleaned and escaped.

    Returns
    -------
    str
        The same week gives the same text.

    Raises
    ------
    FollowupError
        If matplotlib is not installed.
    """
    figures = draw_figures(week)
    parts = []
    for section in sections(week):
        parts.append(_section(section))
        if section.title in figures:
            parts.append(_figure(*figures[section.title]))
    return _PAGE.format(title=escape(week.title), body="\n".join(parts))


def _figure(caption: str, svg: str) -> str:
    # As an image, not inline: the figures' marks have the same names.
    data = b64encode(svg.encode()).decode("ascii")
    text = escape(caption)
    return (
        f'<figure><img alt="{text}" src="data:image/svg+xml;base64,{data}">\n<figcaption>{text}</figcaption></figure>'
    )


def _section(section: Section) -> str:
    parts = [f"<h2>{_text(section.title)}</h2>", *(f"<p>{_text(sentence)}</p>" for sentence in section.sentences)]
    if section.rows:
        sides = [" class=right" if isinstance(column, tuple) else "" for column in section.columns]
        parts += ["<div class=wide><table>", _row("th", [_title(column) for column in section.columns], sides)]
        parts += [_row("td", row, sides) for row in section.rows]
        parts.append("</table></div>")
    return "\n".join(parts)


def _row(tag: str, cells: Sequence[object], sides: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<{tag}{side}>{_text(c)}</{tag}>' for c, side in zip(cells, sides, strict=True))}</tr>"


def _title(column: Column) -> str:
    return column if isinstance(column, str) else column[0]


def _text(value: object) -> str:
    return "–" if value is None else escape(clean(str(value)))
