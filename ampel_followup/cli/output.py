"""What the commands print: tables for people, JSON for scripts, one line for an error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ampel_followup.untrusted import clean

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
SiteOption = Annotated[
    str | None,
    typer.Option("--site", metavar="SITE", help="Observatory of the plan; by default that of the latest plan."),
]
BundleOption = Annotated[
    str | None, typer.Option("--bundle", metavar="NAME|DIR", help="Model bundle; by default the one that comes along.")
]


def console() -> Console:
    """Return the console for results, on standard output."""
    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


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


def print_json(data: Any) -> None:
    """Print one JSON value on standard output."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def print_table(columns: Sequence[str | tuple[str, str]], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """
    Print a table; its cells may come from alerts or comments, so they are cleaned and never read as markup.

    Parameters
    ----------
    columns : sequence of str or (str, justify)
    rows : iterable of sequences
        None and NaN are shown as a dash.
    title : str
    """
    table = Table(
        title=Text(title) if title else None, title_justify="left", box=None, pad_edge=False, header_style="bold"
    )
    for column in columns:
        name, justify = (column, "left") if isinstance(column, str) else column
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    # Where the output is no terminal, lines are as long as they need to be, for grep and files.
    printer = console() if sys.stdout.isatty() else Console(highlight=False, width=250)
    printer.print(table)


def _cell(value: object) -> str:
    if value is None or value != value:  # NaN differs from itself
        return "–"
    return clean(str(value))
