"""What the commands print: tables for people, JSON for scripts, one line for an error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ampel_followup.untrusted import clean, escaped_json, inert

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        envvar="AMPEL_FOLLOWUP_STORE",
        help="SQLite file, or database URL (postgresql://…). By default a file in the user's data folder.",
        show_default=False,
    ),
]
NightOption = Annotated[
    str | None,
    typer.Option("--night", metavar="DATE", help="Evening date at the site (2026-11-20); by default the latest plan."),
]


def _site_key(typed: str | None) -> str | None:
    """Return the key of the site that a person names in any of its ways, as plans have it."""
    if typed is None:
        return None
    from ampel_followup.observing.sites import get_site

    return get_site(typed).key


SiteOption = Annotated[
    str | None,
    typer.Option(
        "--site",
        metavar="SITE",
        help="Observatory of the plan; by default that of the latest plan.",
        callback=_site_key,
    ),
]
BundleOption = Annotated[
    str | None,
    typer.Option("--bundle", metavar="NAME|DIR", help="Model bundle; by default the one in use (`learn status`)."),
]


class _InertConsole(Console):
    """A console on which names, comments and files steer nothing, whoever wrote them."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as `rich` does; text loses what is not drawn."""
        super().print(*(inert(item) if isinstance(item, str) else item for item in objects), **options)


def console() -> Console:
    """Return the console for results, on standard output."""
    return _InertConsole(highlight=False, soft_wrap=not sys.stdout.isatty())


def progress(*, quiet: bool = False) -> Progress:
    """Return a progress display on standard error; nothing is drawn where that is no terminal, or if quiet."""
    errors = Console(stderr=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<26}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=errors,
        transient=True,
        disable=quiet or not errors.is_terminal,
    )


def print_json(data: Mapping[str, Any]) -> None:
    """
    Print one JSON object on standard output.

    A value that is an iterator becomes a list, written item by item: a long list need not be in memory as a whole.
    """
    write = sys.stdout.write
    separator = "{"
    for key, value in data.items():
        write(f"{separator}\n {json.dumps(key)}: ")
        separator = ","
        if isinstance(value, Iterator):
            bracket = "["
            for item in value:
                write(f"{bracket}\n  {_json(item)}")
                bracket = ","
            write("[]" if bracket == "[" else "\n ]")
        else:
            write(_json(value, indent=1).replace("\n", "\n "))
    write("\n}\n")


def _json(value: Any, indent: int | None = None) -> str:
    return escaped_json(json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False))


def print_table(
    columns: Sequence[str | tuple[str, str]],
    rows: Iterable[Sequence[object]],
    title: str = "",
    optional: Sequence[str] = (),
) -> None:
    """
    Print a table; its cells may come from alerts or comments, so they are cleaned and never read as markup.

    On a terminal every row is one line: the last column is cut, and `optional` ones left out, as its width demands.
    Elsewhere lines are as long as they need to be, for grep and files.

    Parameters
    ----------
    columns : sequence of str or (str, justify)
    rows : iterable of sequences
        None and NaN are shown as a dash.
    title : str
    optional : sequence of str
        Columns that can be left out, the first to go first.
    """
    names = [(column, "left") if isinstance(column, str) else column for column in columns]
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max([cell_len(name), *(cell_len(row[j]) for row in cells)]) for j, (name, _) in enumerate(names)]
    shown = list(range(len(names)))
    terminal = console()
    if terminal.is_terminal:
        for name in optional:
            # The last column may be cut, but to no less than this.
            if sum(widths[j] + 2 for j in shown[:-1]) + min(widths[shown[-1]], 24) <= terminal.width:
                break
            shown = [j for j in shown if names[j][0] != name]
    table = Table(
        title=Text(title) if title else None, title_justify="left", box=None, pad_edge=False, header_style="bold"
    )
    for j in shown:
        table.add_column(names[j][0], justify=names[j][1], no_wrap=True)  # type: ignore[arg-type]
    room = max(terminal.width - sum(widths[j] + 2 for j in shown[:-1]), 8)
    for row in cells:
        texts = [Text(row[j]) for j in shown]
        if terminal.is_terminal:
            texts[-1].truncate(room, overflow="ellipsis")
        table.add_row(*texts)
    if not terminal.is_terminal:
        terminal.width = sum(widths) + 2 * len(widths)
    terminal.print(table, crop=terminal.is_terminal)


def _cell(value: object) -> str:
    if value is None or value != value:  # NaN differs from itself
        return "–"
    return clean(str(value))
