"""`ampel-followup lasair`: scores and reasons of a plan on the pages of Lasair."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ampel_followup.cli import deliveries
from ampel_followup.cli.output import JsonOption, NightOption, SiteOption, StoreOption
from ampel_followup.services.lasair import TOKEN_VARIABLE, Survey, Which

app = typer.Typer(no_args_is_help=True, help="Tell Lasair what a plan says of its objects.")


@app.callback()
def _root() -> None: ...


def annotate(
    topic: Annotated[str, typer.Option("--topic", help="Name of your annotator, as agreed with the Lasair team.")],
    survey: Annotated[Survey, typer.Option("--survey", help="Which Lasair.")] = Survey.LSST,
    which: Annotated[
        Which,
        typer.Option("--which", help="What is worth a look; only what is approved; or also what the policy set aside."),
    ] = Which.LISTED,
    page: Annotated[
        str,
        typer.Option("--page", metavar="URL", help="Page with more about an object; {name} in it becomes its name."),
    ] = "",
    batch: Annotated[
        int | None,
        typer.Option(
            "--batch",
            metavar="N",
            min=1,
            max=500,
            help="So many in one request.",
            show_default=f"{Survey.LSST.batch}; 1 for ZTF",
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file", metavar="FILE", help=f"File with your token; by default it is taken from {TOKEN_VARIABLE}."
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option("--url", help="Address of Lasair's interface.", show_default=f"{Survey.LSST.url} for LSST"),
    ] = None,
    dry_run: deliveries.DryRunOption = False,
    patience: deliveries.PatienceOption = deliveries.DEFAULT_PATIENCE,
    timeout: deliveries.TimeoutOption = deliveries.DEFAULT_TIMEOUT,
    store: StoreOption = None,
    night: NightOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Annotate the objects of a plan."""
    from ampel_followup.services.credentials import find_secret
    from ampel_followup.services.lasair import NAME, Lasair, annotations_of
    from ampel_followup.services.sending import deliver, preview
    from ampel_followup.store import Store

    address = (url or survey.url).strip().rstrip("/")
    with Store.open(store, read_only=dry_run, create=False) as opened:
        found = annotations_of(opened, topic, night=night, site=site, survey=survey, which=which, url=page)
        if dry_run:
            ahead = preview(found.messages, opened.sent, address)
            deliveries.show(ahead, found.unknown, as_json=as_json)
            return
        token = find_secret(f"token of {NAME}", TOKEN_VARIABLE, deliveries.secret_file(token_file))
        lasair = Lasair(token, address, timeout=deliveries.timeouts(timeout))
        delivery = deliveries.run(
            lambda circumstances: deliver(
                found.messages, lasair.annotate, opened.sent, lasair.url, circumstances, batch=batch or survey.batch
            ),
            what="Annotations",
            patience=patience,
            quiet=as_json,
        )
    deliveries.report(delivery, found.unknown, what="Annotations", as_json=as_json)


annotate.__doc__ = (
    "Annotate the objects of a plan.\n\n"
    "Lasair shows an annotation on the page of its object, and its users ask for it in their filters. Each has the "
    "most probable class, the place in the list and the reasons in words, and the scores as JSON. A first look, which "
    "sends nothing:\n\n"
    "`ampel-followup lasair annotate --topic NAME --dry-run`\n\n" + deliveries.ONCE
)
app.command()(annotate)
