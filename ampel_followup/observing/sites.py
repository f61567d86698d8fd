"""Observatories: where they are, and which spectrographs they have."""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from ampel_followup.errors import SiteError

_COORDINATES = re.compile(r"^\s*([-+]?[\d.]+)\s*,\s*([-+]?[\d.]+)\s*(?:,\s*([-+]?[\d.]+)\s*)?$")


@dataclass(frozen=True, slots=True)
class Site:
    """
    A place on Earth to observe from.

    Parameters
    ----------
    key : str
        Short name that a person types, such as ``palomar``.
    name : str
        Full name.
    latitude, longitude : float
        Geodetic (WGS84) [deg]; longitude east positive, in (−180, 180].
    height : float
        Above the ellipsoid [m].
    timezone : str
        IANA name of the time zone.
    aliases : tuple of str
        Further names.
    spectrographs : tuple of str
        ``telescope/instrument``.
    source : str
        Where the position comes from; ``MPC`` is the observatory code of the IAU Minor Planet Center.
    """

    key: str
    name: str
    latitude: float
    longitude: float
    height: float
    timezone: str
    aliases: tuple[str, ...] = ()
    spectrographs: tuple[str, ...] = ()
    source: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that the site answers to: key, name, aliases, telescopes, instruments."""
        parts = [part for entry in self.spectrographs for part in (entry, *entry.split("/", 1))]
        return tuple(dict.fromkeys((self.key, self.name, *self.aliases, *parts)))


@cache
def load_sites() -> tuple[Site, ...]:
    """Return all sites of the table that comes with the package, in order of their keys."""
    import yaml  # here, because most of what imports this module never asks for the table

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = resources.files(__package__).joinpath("sites.yml").read_text(encoding="utf-8")
    table: dict[str, dict[str, Any]] = yaml.load(text, Loader=loader)
    return tuple(
        Site(
            key=key,
            name=row["name"],
            latitude=float(row["latitude"]),
            longitude=float(row["longitude"]),
            height=float(row["height"]),
            timezone=row["timezone"],
            aliases=tuple(row["aliases"]),
            spectrographs=tuple(row["spectrographs"]),
            source=row["source"],
        )
        for key, row in sorted(table.items())
    )


def get_site(name: str) -> Site:
    """
    Find a site by what a person types.

    Parameters
    ----------
    name : str
        Key, name, alias, telescope or instrument of a site in the table, in any case and punctuation (``Palomar``,
        ``la silla``, ``gemini-north``, ``ANU 2.3m``); or ``latitude,longitude[,height]`` in degrees (east positive) and
        metres for a site that is not in it, whose time zone is then the fixed offset nearest to its longitude.

    Raises
    ------
    SiteError
        If no site, or more than one, answers to `name`, or if the coordinates are not on Earth.
    """
    if coordinates := _COORDINATES.match(name):
        return _site_at(name, *coordinates.groups())
    wanted = _normalised(name)
    by_key = {_normalised(site.key): site for site in load_sites()}
    if wanted in by_key:
        return by_key[wanted]
    by_name = _sites_by_name()
    found = by_name.get(wanted, ())
    if len(found) == 1:
        return found[0]
    if found:
        choices = " or ".join(f"'{site.key}' ({site.name})" for site in found)
        raise SiteError(f"site {name!r} is ambiguous; say {choices}")
    close = difflib.get_close_matches(wanted, by_name, n=3, cutoff=0.7) if wanted else []
    keys = list(dict.fromkeys(site.key for match in close for site in by_name[match]))
    guess = f"did you mean {' or '.join(map(repr, keys))}? " if keys else ""
    raise SiteError(
        f"unknown site {name!r}; {guess}`ampel-followup sites` lists all,"
        " and 'latitude,longitude,height' stands for any other"
    )


@cache
def _sites_by_name() -> dict[str, tuple[Site, ...]]:
    by_name: dict[str, tuple[Site, ...]] = {}
    for site in load_sites():
        for name in {_normalised(name) for name in site.names}:
            by_name[name] = (*by_name.get(name, ()), site)
    return by_name


def _normalised(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _site_at(name: str, latitude_text: str, longitude_text: str, height_text: str | None) -> Site:
    try:
        latitude, longitude, height = float(latitude_text), float(longitude_text), float(height_text or 0.0)
    except ValueError:
        raise SiteError(f"site {name!r}: not three numbers; give 'latitude,longitude,height' in deg and m") from None
    if abs(latitude) > 90.0 or not -180.0 <= longitude <= 360.0 or not -500.0 <= height <= 9000.0:
        raise SiteError(
            f"site {name!r} is not on Earth; give latitude −90 to 90 and longitude −180 to 360 (east positive) in"
            " degrees, height −500 to 9000 in metres"
        )
    longitude = longitude - 360.0 if longitude > 180.0 else longitude
    longitude = 180.0 if longitude == -180.0 else longitude
    north_south = f"{abs(latitude):.4g}° {'S' if latitude < 0 else 'N'}"
    east_west = f"{abs(longitude):.4g}° {'W' if longitude < 0 else 'E'}"
    return Site(
        key=f"{latitude:.10g},{longitude:.10g},{height:.10g}",
        name=f"{north_south} {east_west}",
        latitude=latitude,
        longitude=longitude,
        height=height,
        timezone=_fixed_offset(longitude),
        source="typed",
    )


def _fixed_offset(longitude: float) -> str:
    """Name the IANA zone nearest to local mean time; its sign counts westwards: Etc/GMT+8 is 8 h behind UTC."""
    hours = math.floor(longitude / 15.0 + 0.5)
    return "Etc/GMT" if hours == 0 else f"Etc/GMT{-hours:+d}"
