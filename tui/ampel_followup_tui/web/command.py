"""The `serve` command of `ampel-followup`."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from ampel_followup.errors import FollowupError
from ampel_followup_tui.command import KeysOption, NightOption, SiteOption, StoreOption


def serve(
    store: StoreOption = None,
    night: NightOption = None,
    site: SiteOption = None,
    observer: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="NAME", help="Who decides, whoever comes; by default every visitor is asked for a name."),
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Visitors look, but decide nothing.")] = False,
    keys: KeysOption = None,
    theme: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="Colours: dark, light or high-contrast; T changes them, each visitor their own.",
            metavar="NAME",
            envvar="AMPEL_FOLLOWUP_THEME",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to be reached at; one that other machines reach needs a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for any that is free.")] = 8000,
    token: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="What visitors must know: 16 characters or more. Give it in the environment; others can read options.",
            envvar="AMPEL_FOLLOWUP_TOKEN",
            show_default=False,
        ),
    ] = None,
    visitors: Annotated[int, typer.Option(min=1, help="How many may be there at a time.")] = 8,
) -> None:
    """
    Show the app in browsers: the same keys, the same store, an app for each visitor.

    Without a token only this machine sees it: open the address that is printed. From elsewhere, go through ssh:
    `ssh -L 8000:127.0.0.1:8000 MACHINE`, then open http://127.0.0.1:8000/ there.

    With a token other machines may come, by `http://HOST:8000/?token=TOKEN`; put a proxy with TLS in front of it, for
    plain http can be read on the way.

    Each visit shows the newest plan that matches. Files that a visitor exports are downloaded. Ctrl+C ends it, and
    all apps with it; every verdict is already in the store.
    """
    try:
        from ampel_followup_tui.web.access import Access
        from ampel_followup_tui.web.server import NAME_LENGTH, NightServer, address_of, listen
    except ModuleNotFoundError as error:
        raise FollowupError(
            f'`serve` needs the package {error.name}: pip install "ampel-followup[web]"; '
            "`ampel-followup tui` shows the same on a terminal"
        ) from error
    from ampel_followup.untrusted import clean
    from ampel_followup_tui.launch import open_store
    from ampel_followup_tui.preferences import load_preferences

    access = Access(host, token)
    name = None if observer is None else clean(observer, NAME_LENGTH)
    if name == "":
        raise FollowupError("--observer is empty; say who decides, or leave it out and visitors are asked")
    # Better now than on the page of a visitor.
    load_preferences(keys, theme)
    with open_store(store, read_only=read_only) as opened:
        opened.load_plan(night=night, site=site, limit=1)

    options = {"night": night, "site": site, "keys": keys, "theme": theme}
    arguments = [f"--{key}={value}" for key, value in options.items() if value is not None]
    # The address of a store may hold a password, and arguments can be read by others.
    variables = {} if store is None else {"AMPEL_FOLLOWUP_STORE": store}
    server = NightServer(
        access, [*arguments, *["--read-only"] * read_only], variables, observer=name, visitors=visitors
    )
    listening = listen(host, port)
    link = "" if access.is_open else "?token=…"
    typer.echo(f"{address_of(listening)}{link}")
    typer.echo("ctrl+c ends it", err=True)
    server.serve_on(listening)
