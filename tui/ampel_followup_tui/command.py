"""The `tui` command of `ampel-followup`."""

from __future__ import annotations

from typing import Annotated, Optional

import typer


def tui(
    store: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Path or URL of the store.", envvar="AMPEL_FOLLOWUP_STORE"),
    ] = None,
    night: Annotated[Optional[str], typer.Option(help="Evening date; the latest plan if not given.")] = None,  # noqa: UP045
    site: Annotated[Optional[str], typer.Option(help="Site; that of the latest plan if not given.")] = None,  # noqa: UP045
    observer: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Who decides; your login name if not given."),
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Look, but decide nothing; so is a store opened that cannot be written.")
    ] = False,
) -> None:
    """Page through tonight's targets on the terminal: approve, reject, defer, export."""
    from ampel_followup_tui.launch import launch

    if not launch(store, night=night, site=site, observer=observer or _login_name(), read_only=read_only):
        typer.echo("the terminal app needs a terminal; `ampel-followup plan show` prints the list", err=True)
        raise typer.Exit(2)


def _login_name() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # No entry in the password database, as in some containers.
        return "observer"
