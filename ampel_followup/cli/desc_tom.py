"""`ampel-followup desc-tom`: spectra asked for, planned, taken back and reported at the DESC target manager."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ampel_followup.cli import deliveries
from ampel_followup.cli.output import JsonOption, NightOption, SiteOption, StoreOption, console, print_json, print_table
from ampel_followup.services.desc_tom import BATCH, NAME, PASSWORD_VARIABLE, URL, USER_VARIABLE, DescTom
from ampel_followup.untrusted import clean

app = typer.Typer(
    no_args_is_help=True,
    help="Ask the target manager of the Dark Energy Science Collaboration for spectra, and tell it of ours.",
)

UserOption = Annotated[
    str, typer.Option("--user", envvar=USER_VARIABLE, help=f"Your name at {NAME}.", show_default=False)
]
PasswordFileOption = Annotated[
    Path | None,
    typer.Option(
        "--password-file", metavar="FILE", help=f"File with your password; by default it is in {PASSWORD_VARIABLE}."
    ),
]
UrlOption = Annotated[str, typer.Option("--url", help=f"Address of {NAME}.")]


def send(
    requester: Annotated[
        str, typer.Option("--requester", help="Who asks: each requester may ask once for an object.")
    ] = "ampel-followup",
    facility: Annotated[
        str,
        typer.Option("--facility", help="Where the spectra are taken.", show_default="the name of the plan's site"),
    ] = "",
    user: UserOption = "",
    password_file: PasswordFileOption = None,
    url: UrlOption = URL,
    dry_run: deliveries.DryRunOption = False,
    patience: deliveries.PatienceOption = deliveries.DEFAULT_PATIENCE,
    timeout: deliveries.TimeoutOption = deliveries.DEFAULT_TIMEOUT,
    store: StoreOption = None,
    night: NightOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell the target manager of a plan and of what was decided on it."""
    from ampel_followup.services.desc_requests import requests_of
    from ampel_followup.services.sending import deliver, preview
    from ampel_followup.store import Store

    address = url.strip().rstrip("/")
    with Store.open(store, read_only=dry_run, create=False) as opened:
        found = requests_of(opened, address, night=night, site=site, requester=requester, facility=facility)
        if dry_run:
            ahead = preview(found.messages, opened.sent, address, found.again)
            deliveries.show(ahead, found.unknown, as_json=as_json, without_class=found.without_class)
            return
        tom = _tom(user, password_file, address, timeout)
        delivery = deliveries.run(
            lambda circumstances: deliver(
                found.messages,
                tom.tell,
                opened.sent,
                tom.url,
                circumstances,
                together=tom.together,
                batch=BATCH,
                again=found.again,
            ),
            what="Requests",
            patience=patience,
            quiet=as_json,
        )
    deliveries.report(delivery, found.unknown, what="Requests", as_json=as_json, without_class=found.without_class)


send.__doc__ = (
    "Tell the target manager of a plan and of what was decided on it.\n\n"
    "Approved targets are asked for, with priorities from 5 (the first fifth of the list) to 1; those that can be "
    "observed that night are planned, and the plan is taken back where a target is no longer approved; what was "
    "observed is reported, with the class and redshift that labels of spectra, of TNS and of people say "
    "(`ampel-followup desc-tom classes`), and reported anew where they say something else. What is not labelled, or is "
    "no class of the manager's, is reported as not classified. The manager knows objects of LSST by their number; "
    "others are left out. A first look, which sends nothing:\n\n"
    "`ampel-followup desc-tom send --dry-run`\n\n" + deliveries.ONCE
)
app.command()(send)


@app.command()
def wanted(
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="Asked for since; by default in the last 14 days.")
    ] = None,
    unclaimed: Annotated[
        int | None,
        typer.Option(
            "--unclaimed", metavar="DAYS", help="Nobody planned to take them for so many days; 0: whoever did."
        ),
    ] = None,
    detected: Annotated[
        int | None, typer.Option("--detected", metavar="DAYS", help="Detected in the last so many days.")
    ] = None,
    user: UserOption = "",
    password_file: PasswordFileOption = None,
    url: UrlOption = URL,
    patience: deliveries.PatienceOption = deliveries.DEFAULT_PATIENCE,
    timeout: deliveries.TimeoutOption = deliveries.DEFAULT_TIMEOUT,
    as_json: JsonOption = False,
) -> None:
    """List the spectra that anyone asked for and nobody has taken, the most wanted first."""
    conditions = {
        "requested_since": since,
        "not_claimed_in_last_days": unclaimed,
        "detected_in_last_days": detected,
    }
    tom = _tom(user, password_file, url, timeout)
    given = {name: value for name, value in conditions.items() if value is not None}
    found = _asked(lambda: tom.wanted(**given), patience, as_json)
    found.sort(key=lambda record: (-(_number(record.get("prio")) or 0.0), str(record.get("oid"))))
    if as_json:
        print_json({"service": tom.url, "wanted": found})
        return
    print_table(
        ("object", ("ra", "right"), ("dec", "right"), ("priority", "right"), "who asks", "latest"),
        (
            (r.get("oid"), _degrees(r.get("ra")), _degrees(r.get("dec")), r.get("prio"), r.get("req"), _latest(r))
            for r in found
        ),
    )
    console().print(f"{len(found)} spectra wanted", markup=False)


@app.command()
def known(
    objects: Annotated[list[int], typer.Argument(metavar="OBJECT…", help="Numbers of objects (diaObjectId).")],
    user: UserOption = "",
    password_file: PasswordFileOption = None,
    url: UrlOption = URL,
    patience: deliveries.PatienceOption = deliveries.DEFAULT_PATIENCE,
    timeout: deliveries.TimeoutOption = deliveries.DEFAULT_TIMEOUT,
    as_json: JsonOption = False,
) -> None:
    """List the spectra of objects that anyone reported."""
    tom = _tom(user, password_file, url, timeout)
    found = _asked(lambda: tom.known(objects), patience, as_json)
    if as_json:
        print_json({"service": tom.url, "known": found})
        return
    print_table(
        ("object", "facility", ("mjd", "right"), ("z", "right"), ("class", "right")),
        ([record.get(name) for name in ("objectid", "facility", "mjd", "z", "classid")] for record in found),
    )
    console().print(f"{len(found)} spectra known", markup=False)


@app.command()
def classes(
    label_type: Annotated[
        str | None,
        typer.Argument(metavar="TYPE", help="Say which class this type is reported as; by default list all."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """
    Say as which class the manager is told of the types of labels.

    Numbers and names are those of the taxonomy of DESC. Yours goes on top of it: `desc_classes.yml` in your
    configuration folder, or what AMPEL_FOLLOWUP_DESC_CLASSES names. A type that is in neither has the class of what it
    stands for in `ampel-followup label taxonomy`.
    """
    from ampel_followup.exports.desc_classes import desc_class, load_desc_classes
    from ampel_followup.exports.desc_findings import NOT_CLASSIFIED

    if label_type is not None:
        found = desc_class(label_type)
        number, name = (NOT_CLASSIFIED, "not classified") if found is None else (found.id, found.name)
        if as_json:
            print_json({"type": label_type, "id": number, "class": name})
        else:
            console().print(f"{clean(label_type)}: {number}, {clean(name)}", markup=False)
        return
    table = load_desc_classes().classes
    if as_json:
        print_json({"classes": [found.model_dump(mode="json") for found in table]})
        return
    print_table(
        (("number", "right"), "class", "types", "types that begin with"),
        ((str(c.id), c.name, ", ".join(c.types), ", ".join(c.begins)) for c in table),
    )


def _tom(user: str, password_file: Path | None, url: str, timeout: float) -> DescTom:
    from ampel_followup.services.credentials import find_secret

    password = find_secret(f"password of {NAME}", PASSWORD_VARIABLE, deliveries.secret_file(password_file))
    return DescTom(user, password, url, timeout=deliveries.timeouts(timeout))


def _asked(ask: Callable[[], list[dict[str, Any]]], patience: float, quiet: bool) -> list[dict[str, Any]]:
    from ampel_followup.services.sending import insist

    return deliveries.run(
        lambda circumstances: insist(lambda _: ask(), NAME, circumstances),
        what="Asking",
        patience=patience,
        quiet=quiet,
    )


def _number(value: Any) -> float | None:
    """Return a number that the manager gives; None for whatever else it may give in its place."""
    try:
        number = float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _degrees(value: Any) -> str | None:
    return None if (number := _number(value)) is None else f"{number:.5f}"


def _latest(record: Mapping[str, Any]) -> str:
    """Return the latest photometry per band, as the manager gives it."""
    latest = record.get("latest")
    if not isinstance(latest, dict):
        return ""
    return ", ".join(
        f"{band} {mag:.2f}"
        for band, point in sorted(latest.items())
        if isinstance(point, dict) and (mag := _number(point.get("mag"))) is not None
    )
