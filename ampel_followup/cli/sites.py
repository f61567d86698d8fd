"""`ampel-followup sites`: the observatories."""

from __future__ import annotations

from typing import Annotated

import typer

from ampel_followup.cli.output import JsonOption, print_json, print_table


def list_sites(
    name: Annotated[
        str | None, typer.Argument(help="Key, name or alias of one site; by default all are listed.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the observatories that `--site` knows, with their spectrographs."""
    from ampel_followup.observing.sites import get_site, load_sites

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
