"""`ampel-followup sites` and `instruments`: the observatories, and the spectrographs there."""

from __future__ import annotations

from typing import Annotated

import typer

from ampel_followup.cli.output import JsonOption, print_json, print_table

SettingsOption = Annotated[
    bool, typer.Option("--settings", help="Print what each field of an entry means, as the manual has it.")
]


def list_sites(
    name: Annotated[
        str | None, typer.Argument(help="Key, name or alias of one site; by default all are listed.")
    ] = None,
    settings: SettingsOption = False,
    as_json: JsonOption = False,
) -> None:
    """
    List the observatories that `--site` knows, with their spectrographs.

    Yours are added by `sites.yml` in the configuration folder, or in the file that AMPEL_FOLLOWUP_SITES names.
    """
    from ampel_followup.observing.sites import describe_settings, get_site, load_sites

    if settings:
        typer.echo(describe_settings(), nl=False)
        return
    sites = list(load_sites()) if name is None else [get_site(name)]
    if as_json:
        print_json(
            {
                "sites": [
                    {
                        "key": s.key,
                        "name": s.name,
                        "aliases": list(s.aliases),
                        "latitude": s.latitude,
                        "longitude": s.longitude,
                        "height": s.height,
                        "timezone": s.timezone,
                        "spectrographs": list(s.spectrographs),
                    }
                    for s in sites
                ]
            }
        )
        return
    print_table(
        (
            "key",
            "name",
            ("latitude", "right"),
            ("longitude", "right"),
            ("height", "right"),
            "time zone",
            "spectrographs",
        ),
        (
            (
                s.key,
                s.name,
                f"{s.latitude:+.4f}",
                f"{s.longitude:+.4f}",
                f"{s.height:.0f} m",
                s.timezone,
                ", ".join(s.spectrographs),
            )
            for s in sites
        ),
        optional=("height", "time zone", "longitude", "latitude"),
    )


def list_instruments(
    name: Annotated[
        str | None, typer.Argument(help="Key, name or alias of one instrument; by default all are listed.")
    ] = None,
    site: Annotated[str | None, typer.Option("--site", metavar="SITE", help="Only those at one observatory.")] = None,
    settings: SettingsOption = False,
    as_json: JsonOption = False,
) -> None:
    """
    List the spectrographs that a night can be planned for.

    `--json` gives every figure with its source. Yours are added by `instruments.yml` in the configuration folder, or in
    the file that AMPEL_FOLLOWUP_INSTRUMENTS names.
    """
    from ampel_followup.observing.instruments import describe_settings, get_instrument, load_instruments
    from ampel_followup.observing.sites import get_site

    if settings:
        typer.echo(describe_settings(), nl=False)
        return
    instruments = load_instruments(None if site is None else get_site(site))
    if name is not None:
        only = get_instrument(name)
        instruments = tuple(i for i in instruments if i.key == only.key)
    if as_json:
        print_json({"instruments": [i.model_dump(mode="json") for i in instruments]})
        return
    print_table(
        (
            "key",
            "site",
            ("mirror", "right"),
            ("from", "right"),
            ("to", "right"),
            ("R", "right"),
            ("bright", "right"),
            ("faint", "right"),
            ("S/N", "right"),
            "name",
        ),
        (
            (
                i.key,
                i.site,
                f"{i.aperture.diameter:.2f} m",
                f"{i.spectrum.blue:.0f} Å",
                f"{i.spectrum.red:.0f} Å",
                f"{i.spectrum.resolution:.0f}",
                f"{i.magnitudes.bright:.1f}",
                f"{i.magnitudes.faint:.1f}",
                f"{i.exposures.snr:g}",
                i.name,
            )
            for i in instruments
        ),
        optional=("S/N", "bright", "mirror", "R", "to", "from"),
    )
