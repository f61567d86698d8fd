"""
Events put into the epochs of other objects: when and how deep a survey looks is real, the lens is not.

The errors at the new flux F are those of the donor: σ² = σ₀² + g σ₀ |F| + (c F)², sky, photon noise and calibration as
in `ampel_followup.simulate.survey`, where g and c were set by real alerts; σ₀ of a detection follows from its own flux
and error. The noise is σ times standardised deviates that the caller gives: Gaussian ones, or real residuals.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ampel_followup.features.ragged import Floats
from ampel_followup.lightcurve import LIMIT_SIGMA, LightCurve
from ampel_followup.microlensing.magnification import planetary_lens, point_lens

#: g and c.
PHOTON_NOISE, CALIBRATION = 0.072, 0.02


@dataclass(frozen=True, slots=True)
class Epochs:
    """
    When a survey looked at a place, and how deep.

    Parameters
    ----------
    time : ndarray, shape (n,)
        MJD, increasing [d].
    band : ndarray of str, shape (n,)
    sky : ndarray, shape (n,)
        σ₀, the error of zero flux [µJy].
    level : ndarray, shape (n,)
        Flux that is always there: 0 in difference photometry [µJy].
    forced : bool
        Fluxes are measured at every epoch; else only those of 5 σ or more are, and the others give limits.
    """

    time: Floats
    band: NDArray[np.str_]
    sky: Floats
    level: Floats
    forced: bool

    @classmethod
    def of(cls, donor: LightCurve, *, total: bool = False) -> Self:
        """
        Take the epochs of an object.

        Parameters
        ----------
        donor : LightCurve
        total : bool
            Its fluxes are those of a star, not differences: the median in each band becomes the level.
        """
        flux, error = np.abs(donor.flux), donor.flux_err
        photons = PHOTON_NOISE * flux
        free = np.maximum(error**2 - (CALIBRATION * flux) ** 2, (0.2 * error) ** 2)
        sky = 0.5 * (-photons + np.sqrt(photons**2 + 4.0 * free))
        sky = np.where(donor.upper_limit, error, np.maximum(sky, 0.1 * error))
        level = np.zeros(len(donor))
        if total:
            # Errors as they are, for stars of this brightness: sky and photon noise together.
            sky = error
            for band in np.unique(donor.band):
                level[donor.band == band] = np.median(donor.flux[donor.band == band])
        return cls(donor.time, donor.band, np.asarray(sky), level, total or not donor.upper_limit.any())

    def select(self, mask: NDArray[np.bool_]) -> Self:
        """Return the epochs where `mask` is True."""
        columns = {f.name: getattr(self, f.name)[mask] for f in fields(self) if f.name != "forced"}
        return replace(self, **columns)


@dataclass(frozen=True, slots=True)
class Event:
    """
    A lens, with a planet or without.

    Parameters
    ----------
    peak_time : float
        t₀ [MJD].
    einstein_time : float
        t_E [d].
    impact : float
        u₀.
    source : dict of str to float
        Flux of the source in each band [µJy].
    separation, ratio, angle : float
        s, q, and the angle of the path of the source with the axis of the lens [rad]; q = 0 is no planet.
    """

    peak_time: float
    einstein_time: float
    impact: float
    source: dict[str, float]
    separation: float = 1.0
    ratio: float = 0.0
    angle: float = 0.0

    def magnification(self, time: Floats) -> Floats:
        """Return A, shape (n,), at times [MJD]."""
        tau = (time - self.peak_time) / self.einstein_time
        if self.ratio == 0.0:
            return point_lens(np.hypot(self.impact, tau))[0]
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return planetary_lens(tau * cos - self.impact * sin, tau * sin + self.impact * cos, self.separation, self.ratio)

    def departure(self, time: Floats) -> Floats:
        """Return by how much the planet makes the source fainter than one lens would, shape (n,) [mag]."""
        alone = replace(self, ratio=0.0).magnification(time)
        return np.asarray(-2.5 * np.log10(self.magnification(time) / alone))


def observe(name: str, epochs: Epochs, event: Event, deviates: Floats, *, bump: Floats | None = None) -> LightCurve:
    """
    Return the light curve of an event as the survey would have measured it.

    Parameters
    ----------
    name : str
    epochs : Epochs
    event : Event
    deviates : ndarray, shape (n,)
        Standardised noise of each epoch.
    bump : ndarray, shape (n,), optional
        A departure of the source, of whatever kind, negative where it is brighter [mag].
    """
    source = np.array([event.source[band] for band in epochs.band.tolist()])
    magnified = event.magnification(epochs.time)
    if bump is not None:
        magnified = magnified * 10.0 ** (-0.4 * bump)
    added = source * (magnified - 1.0)
    noise2 = epochs.sky**2 + PHOTON_NOISE * epochs.sky * np.abs(added) + (CALIBRATION * added) ** 2
    error = np.sqrt(noise2)
    flux = epochs.level + added + error * deviates
    limit = np.zeros(len(flux), dtype=np.bool_)
    if not epochs.forced:
        limit = np.abs(flux) < LIMIT_SIGMA * epochs.sky
        flux, error = np.where(limit, 0.0, flux), np.where(limit, epochs.sky, error)
    return LightCurve(name, 0, epochs.time, epochs.band, flux, error, limit, 0.0, 0.0)


def draw_event(epochs: Epochs, rng: np.random.Generator) -> Event:
    """
    Draw an event that peaks while the survey looks.

    t_E is log-normal about 25 d (0.8 in ln), u₀ uniform up to 1, colours of sources scatter by 0.5 in ln flux; the
    height is 8 to 150 times the median error of zero flux, uniform in ln.
    """
    time = float(np.clip(rng.lognormal(np.log(25.0), 0.8), 3.0, 250.0))
    impact = float(rng.uniform(0.01, 1.0))
    first, last = float(epochs.time[0]), float(epochs.time[-1])
    height = float(np.exp(rng.uniform(np.log(8.0), np.log(150.0)))) * float(np.median(epochs.sky))
    amplitude = float(point_lens(impact)[0]) - 1.0
    colours = {band: float(rng.lognormal(0.0, 0.5)) for band in np.unique(epochs.band).tolist()}
    peak = float(rng.uniform(first, last))
    return Event(peak, time, impact, {band: height * colour / amplitude for band, colour in colours.items()})


def with_planet(event: Event, rng: np.random.Generator) -> Event:
    """Give an event a planet: q log-uniform from 3e-4 to 1e-2, s log-uniform from 0.6 to 1.7, any angle."""
    return replace(
        event,
        separation=float(np.exp(rng.uniform(np.log(0.6), np.log(1.7)))),
        ratio=float(np.exp(rng.uniform(np.log(3e-4), np.log(1e-2)))),
        angle=float(rng.uniform(0.0, 2.0 * np.pi)),
    )
