"""Observatories: where they are, and which spectrographs they have."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import field_validator

from ampel_followup.errors import SiteError
from ampel_followup.observing.names import find_by_name
from ampel_followup.observing.tables import Table
from ampel_followup.settings import Settings, markdown_table, setting

TABLE = Table("sites.yml", "AMPEL_FOLLOWUP_SITES", SiteError)

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


class _SiteEntry(Settings):
    """A site as tables have it."""

    key: str = setting("short name that a person types: what stands above the fields")
    name: str = setting("full name")
    latitude: float = setting("geodetic (WGS84)", "deg", ge=-90, le=90)
    longitude: float = setting("geodetic, east positive", "deg", ge=-180, le=360)
    height: float = setting("above the ellipsoid", "m", ge=-500, le=9000)
    timezone: str = setting("IANA name of the time zone, such as `America/Santiago`")
    aliases: tuple[str, ...] = setting("further names", default=())
    spectrographs: tuple[str, ...] = setting("each as `telescope/instrument`", default=())
    source: str = setting("where the position comes from", default="")

    @field_validator("timezone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{zone!r} is no IANA time zone; give one such as 'America/Santiago'") from None
        return zone

    @field_validator("spectrographs")
    @classmethod
    def _pairs(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            if not re.fullmatch(r"[^/]+/[^/]+", entry):
                raise ValueError(f"{entry!r} is not `telescope/instrument`")
        return entries

    def site(self) -> Site:
        """Return the site, its longitude brought into range."""
        return Site(**{**dict(self), "longitude": _in_range(self.longitude)})


def load_sites() -> tuple[Site, ...]:
    """
    Return all sites, in order of their keys: those of the package, and the user's own, which replace ours by key.

    The user's are in ``ampel-followup/sites.yml`` in the user's configuration folder, or in the file that the
    environment variable ``AMPEL_FOLLOWUP_SITES`` names. Each file is read once.

    Raises
    ------
    SiteError
        If the user's file cannot be read; the message names file, key and field.
    """
    return _sites(TABLE.users())


@cache
def _sites(users: Path | None) -> tuple[Site, ...]:
    return tuple(entry.site() for entry in TABLE.rows(_SiteEntry, users).values())


def describe_settings() -> str:
    """Describe the fields of a site for the manual, as a table."""
    return markdown_table(_SiteEntry)


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
    remedy = "`ampel-followup sites` lists all, and 'latitude,longitude,height' stands for any other"
    return find_by_name(name, load_sites(), kind="site", remedy=remedy, error=SiteError)


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
    longitude = _in_range(longitude)
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


def _in_range(longitude: float) -> float:
    """Bring −180 to 360 into (−180, 180]."""
    longitude = longitude - 360.0 if longitude > 180.0 else longitude
    return 180.0 if longitude == -180.0 else longitude


def _fixed_offset(longitude: float) -> str:
    """Name the IANA zone nearest to local mean time; its sign counts westwards: Etc/GMT+8 is 8 h behind UTC."""
    hours = math.floor(longitude / 15.0 + 0.5)
    return "Etc/GMT" if hours == 0 else f"Etc/GMT{-hours:+d}"
