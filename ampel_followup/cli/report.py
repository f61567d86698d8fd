"""`ampel-followup report`: what happened, for people who were not there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ampel_followup.cli.output import JsonOption, StoreOption, console, print_json, print_table
from ampel_followup.errors import FollowupError
from ampel_followup.untrusted import clean

if TYPE_CHECKING:
    from ampel_followup.store import Store

app = typer.Typer(no_args_is_help=True, help="Reports from the store.")


@app.callback()
def _group() -> None: ...


@app.command()
def week(
    week: Annotated[
        str | None,
        typer.Option("--week", metavar="WEEK", help="ISO week, as 2026-W47; by default that of the last plan."),
    ] = None,
    ending: Annotated[
        str | None, typer.Option("--ending", metavar="DATE", help="The seven nights that end with this one.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with plots there; needs matplotlib.")
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    Say what a week brought: nights, queues, decisions, labels, misses, and what moved.

    Example: `ampel-followup report week --week 2026-W47 --html week.html`
    """
    from ampel_followup.store import Store
    from ampel_followup.weekly import summarise_week, week_ending, week_of
    from ampel_followup.weekly.text import sections

    if week is not None and ending is not None:
        raise FollowupError(f"--week {week} and --ending {ending} exclude each other; give one of them")
    nights = week_of(week) if week is not None else week_ending(ending) if ending is not None else None
    with Store.open(store, read_only=True) as opened:
        if nights is None:
            nights = _week_of_the_last_plan(opened)
        report = summarise_week(opened, *nights)
    if html is not None:
        from ampel_followup.weekly.html import render_html

        _write(html, render_html(report))
    if as_json:
        print_json(report.to_dict())
        return
    out = console()
    out.print(report.title, markup=False, style="bold")
    for section in sections(report):
        out.print(f"\n{section.title}", markup=False, style="bold")
        for sentence in section.sentences:
            out.print(clean(sentence), markup=False)
        if section.rows:
            print_table(section.columns, section.rows, optional=_OPTIONAL)
    if html is not None:
        out.print(f"\nWritten to {html}", markup=False)


# On a narrow terminal the first of these columns go first.
_OPTIONAL = ("stage", "galactic", "real", "policy", "assistant", "bundle", "strategy", "source", "by")


def _week_of_the_last_plan(store: Store) -> tuple[str, str]:
    from datetime import date

    from ampel_followup.weekly import week_of

    last = max((info.night for info in store.plans()), default=None)
    if last is None:
        raise FollowupError(f"the store {store.url} has no plan yet; say which week with --week 2026-W47")
    year, number, _ = date.fromisoformat(last).isocalendar()
    return week_of(f"{year}-W{number:02d}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FollowupError(
            f"cannot write {path} ({error.strerror or error}); name another file with --html"
        ) from error
