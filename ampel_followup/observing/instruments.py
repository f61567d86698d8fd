"""Spectrographs: what they can do, how long they take, and where their telescopes can point."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from ampel_followup.errors import InstrumentError
from ampel_followup.observing.names import find_by_name
from ampel_followup.observing.sites import Site, load_sites
from ampel_followup.observing.tables import Table
from ampel_followup.settings import Settings, markdown_table, setting

TABLE = Table("instruments.yml", "AMPEL_FOLLOWUP_INSTRUMENTS", InstrumentError)

_ESTIMATE = "`true` if the figures of the group are estimates, or the names of those that are"


class Figures(Settings):
    """A group of figures, where they come from, and which of them are judgements of ours."""

    source: str = setting("where the figures come from")
    estimate: bool | tuple[str, ...] = setting(_ESTIMATE, default=False)

    @model_validator(mode="after")
    def _estimates_are_fields(self) -> Figures:
        if isinstance(self.estimate, tuple):
            unknown = set(self.estimate) - set(type(self).model_fields)
            if unknown:
                raise ValueError(f"estimate names {', '.join(sorted(unknown))}, which the group does not have")
        return self

    def is_estimate(self, field: str) -> bool:
        """Say whether a figure of the group is marked as an estimate."""
        return self.estimate if isinstance(self.estimate, bool) else field in self.estimate


class Aperture(Figures):
    """The telescope: its mirror and its mount."""

    diameter: float = setting("of the primary mirror", "m", gt=0, le=50)
    obstruction: float = setting("part of its area that is covered", default=0.0, ge=0, le=0.9)
    mount: Literal["equatorial", "altazimuth"] = setting("`equatorial` or `altazimuth`")
    slew_rate: float = setting("of the slower axis", "deg/s", gt=0, le=100)

    @property
    def area(self) -> float:
        """Light-collecting area [m²]."""
        return math.pi / 4.0 * self.diameter**2 * (1.0 - self.obstruction)


class Spectrum(Figures):
    """What a spectrum covers, and what it is taken through, in the set-up used for classification."""

    blue: float = setting("shortest useful wavelength", "Å", ge=2900, le=25000)
    red: float = setting("longest useful wavelength", "Å", ge=2900, le=25000)
    wavelength: float = setting(
        "where resolution, efficiency, sky and signal-to-noise are meant", "Å", ge=2900, le=25000
    )
    resolution: float = setting("λ/Δλ there", ge=10, le=200000)
    aperture: Literal["slit", "fibre", "ifu"] = setting("`slit`, `fibre` or `ifu`")
    width: float | None = setting("of the slit, or diameter of the fibre", "arcsec", default=None, gt=0, le=60)

    @model_validator(mode="after")
    def _consistent(self) -> Spectrum:
        if not self.blue <= self.wavelength <= self.red:
            raise ValueError(f"wavelength {self.wavelength:g} is not from blue {self.blue:g} to red {self.red:g}")
        if (self.aperture == "ifu") != (self.width is None):
            raise ValueError(f"width belongs to a slit or fibre; the aperture is {self.aperture}")
        return self

    @property
    def element(self) -> float:
        """Resolution element Δλ [Å]."""
        return self.wavelength / self.resolution


class Detector(Figures):
    """The detector, in the binning used."""

    dispersion: float = setting("along the spectrum", "Å/pixel", gt=0, le=1000)
    pixel_scale: float = setting("across the spectrum; of an IFU, the side of a square spaxel", "arcsec", gt=0, le=20)
    read_noise: float = setting("of a pixel and read-out", "e⁻", ge=0, le=100)


class Throughput(Figures):
    """How much of the light arrives."""

    efficiency: float = setting(
        "detected photons per photon on the mirror, without atmosphere and without loss at slit or fibre", gt=0, le=1
    )


class Exposures(Figures):
    """How exposures are taken."""

    snr: float = setting("signal-to-noise ratio of a resolution element that classification asks for", gt=0, le=1000)
    shortest: float = setting("single exposure", "s", ge=0, le=3600)
    longest: float = setting("single exposure", "s", gt=0, le=14400)
    total: float = setting("longest time with open shutter on one target", "s", gt=0, le=86400)

    @model_validator(mode="after")
    def _in_order(self) -> Exposures:
        if not self.shortest <= self.longest <= self.total:
            raise ValueError(f"shortest {self.shortest:g}, longest {self.longest:g}, total {self.total:g} do not grow")
        return self


class Overheads(Figures):
    """What a target costs beside open shutter; slewing comes on top."""

    acquisition: float = setting("from the end of the slew to the first exposure", "s", ge=0, le=7200)
    readout: float = setting("after each exposure", "s", ge=0, le=1800)
    extra: float = setting(
        "before each exposure but the first, for offsets and the like", "s", default=0.0, ge=0, le=1800
    )


class Limits(Figures):
    """Where the telescope can point, and how near the Moon it should."""

    min_altitude: float = setting("lowest altitude", "deg", default=20.0, ge=0, le=90)
    max_altitude: float = setting(
        "highest altitude: around the zenith an altazimuth mount cannot follow", "deg", default=90.0, ge=0, le=90
    )
    max_airmass: float = setting("largest airmass", default=2.0, ge=1, le=40)
    min_hour_angle: float = setting("east of the meridian, negative", "h", default=-12.0, ge=-12, le=12)
    max_hour_angle: float = setting("west of the meridian", "h", default=12.0, ge=-12, le=12)
    min_declination: float = setting("southern limit", "deg", default=-90.0, ge=-90, le=90)
    max_declination: float = setting("northern limit", "deg", default=90.0, ge=-90, le=90)
    min_moon_separation: float = setting("while the Moon is up", "deg", default=20.0, ge=0, le=180)

    @model_validator(mode="after")
    def _in_order(self) -> Limits:
        for what in ("altitude", "hour_angle", "declination"):
            low, high = getattr(self, f"min_{what}"), getattr(self, f"max_{what}")
            if not low < high:
                raise ValueError(f"min_{what} = {low:g} is not below max_{what} = {high:g}")
        return self


class Magnitudes(Figures):
    """The magnitudes that are worth trying (AB, near the wavelength of `spectrum`)."""

    bright: float = setting("nothing brighter", "mag", ge=-5, le=30)
    faint: float = setting("nothing fainter", "mag", ge=-5, le=30)

    @model_validator(mode="after")
    def _in_order(self) -> Magnitudes:
        if not self.bright < self.faint:
            raise ValueError(f"bright = {self.bright:g} is not below faint = {self.faint:g}")
        return self


class Conditions(Figures):
    """What a usual night is like, at the wavelength of `spectrum`."""

    seeing: float = setting("full width at half maximum of a star at the zenith", "arcsec", gt=0, le=20)
    extinction: float = setting("per airmass", "mag", ge=0, le=5)
    dark_sky: float = setting("brightness of the sky at the zenith without the Moon (AB)", "mag/arcsec²", ge=10, le=25)


class Anchor(Figures):
    """One observation that the exposure model has to explain, as published or as judged from practice."""

    magnitude: float = setting("of a point source (AB)", "mag", ge=-5, le=30)
    exposure: float = setting("with open shutter", "s", gt=0, le=86400)
    snr: float = setting("reached, at the wavelength of `spectrum`", gt=0, le=10000)
    bin: float | None = setting(
        "that it is reached in; by default a resolution element", "Å", default=None, gt=0, le=1000
    )
    seeing: float = setting("at the zenith", "arcsec", gt=0, le=20)
    sky: float = setting("brightness at the target (AB)", "mag/arcsec²", ge=10, le=25)
    airmass: float = setting("in the middle of it", default=1.0, ge=1, le=40)


class Instrument(Settings):
    """
    A spectrograph at a telescope, in the set-up used for classifying transients.

    Every group of figures says where they come from, and which are estimates; `describe_settings` lists all with their
    units. Times of exposure follow from them in `ampel_followup.observing.exposure`.
    """

    key: str = setting("short name that a person types: what stands above the fields")
    name: str = setting("full name")
    site: str = setting("key of its site")
    telescope: str = setting("as in the spectrographs of the site, before the slash")
    instrument: str = setting("as there, after the slash")
    aliases: tuple[str, ...] = setting("further names", default=())
    aperture: Aperture
    spectrum: Spectrum
    detector: Detector
    throughput: Throughput
    exposures: Exposures
    overheads: Overheads
    limits: Limits
    magnitudes: Magnitudes
    conditions: Conditions
    anchors: tuple[Anchor, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that the instrument answers to: key, name, aliases, instrument, telescope, and both."""
        both = f"{self.telescope}/{self.instrument}"
        return tuple(dict.fromkeys((self.key, self.name, *self.aliases, both, self.instrument, self.telescope)))


def load_instruments(site: str | Site | None = None) -> tuple[Instrument, ...]:
    """
    Return the spectrographs, in order of their keys: those of the package, and the user's own, which replace ours.

    The user's are in ``ampel-followup/instruments.yml`` in the user's configuration folder, or in the file that the
    environment variable ``AMPEL_FOLLOWUP_INSTRUMENTS`` names. Each file is read once.

    Parameters
    ----------
    site : Site or str, optional
        Only those there; a string is the site's key.

    Raises
    ------
    InstrumentError
        If the user's file cannot be read, or an instrument is at a site that is not known; the message names file, key
        and field.
    """
    users = TABLE.users()
    instruments = _instruments(users)
    sites = {s.key for s in load_sites()}
    for instrument in instruments:
        if instrument.site not in sites:
            raise InstrumentError(
                f"{users or TABLE.file}: {instrument.key}: site = {instrument.site!r} is no key of a site;"
                " `ampel-followup sites` lists them"
            )
    key = site.key if isinstance(site, Site) else site
    return tuple(i for i in instruments if key in (None, i.site))


@cache
def _instruments(users: Path | None) -> tuple[Instrument, ...]:
    return tuple(TABLE.rows(Instrument, users).values())


def get_instrument(name: str) -> Instrument:
    """
    Find a spectrograph by what a person types.

    Parameters
    ----------
    name : str
        Key, name, alias, instrument, telescope or ``telescope/instrument``, in any case and punctuation.

    Raises
    ------
    InstrumentError
        If none, or more than one, answers to `name`.
    """
    remedy = "`ampel-followup instruments` lists all, and yours can be added"
    return find_by_name(name, load_instruments(), kind="instrument", remedy=remedy, error=InstrumentError)


def describe_settings() -> str:
    """Describe the fields of an instrument for the manual, as a table."""
    return markdown_table(Instrument, shared=Figures)
