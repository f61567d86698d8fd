"""The `tui` command of `ampel-followup`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer


def _site_key(typed: Optional[str]) -> Optional[str]:  # noqa: UP045
    """Return the key of the site that a person names in any of its ways, as plans have it."""
    if typed is None:
        return None
    from ampel_followup.observing.sites import get_site

    return get_site(typed).key


StoreOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        metavar="URL",
        envvar="AMPEL_FOLLOWUP_STORE",
        help="SQLite file, or database URL (postgresql://…). By default a file in the user's data folder.",
        show_default=False,
    ),
]
NightOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(metavar="DATE", help="Evening date at the site (2026-11-20); by default the latest plan."),
]
SiteOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        metavar="SITE", help="Observatory of the plan; by default that of the latest plan.", callback=_site_key
    ),
]
KeysOption = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--keys",
        metavar="FILE",
        help="Keys, YAML; by default what AMPEL_FOLLOWUP_KEYS names, or keys.yml in your configuration folder.",
    ),
]


def tui(
    store: StoreOption = None,
    night: NightOption = None,
    site: SiteOption = None,
    observer: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="NAME", help="Who decides; by default your login name."),
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Look, but decide nothing; so is a store opened that cannot be written.")
    ] = False,
    keys: KeysOption = None,
    images: Annotated[
        bool, typer.Option("--images", help="Draw cutouts in pixels, where the terminal can; needs the extra `images`.")
    ] = False,
    theme: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="Colours: dark, light or high-contrast; dark if neither this nor the file of keys says otherwise.",
            metavar="NAME",
            envvar="AMPEL_FOLLOWUP_THEME",
        ),
    ] = None,
) -> None:
    """
    Page through tonight's targets on the terminal: approve, reject, defer, export.

    `?` shows the keys; `ampel-followup keys` lists them here, and says how to change them.
    """
    from ampel_followup_tui.launch import launch
    from ampel_followup_tui.preferences import load_preferences

    preferences = load_preferences(keys, theme)
    if not launch(
        store,
        night=night,
        site=site,
        observer=observer or _login_name(),
        read_only=read_only,
        preferences=preferences,
        images=images,
    ):
        typer.echo("the terminal app needs a terminal; `ampel-followup plan show` prints the list", err=True)
        raise typer.Exit(2)


def _login_name() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # No entry in the password database, as in some containers.
        return "observer"
