"""Populations: objects of one subtype as a survey meets them, with the neighbours that catalogues list for them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ampel_followup.cosmology import distance_modulus, luminosity_distance
from ampel_followup.simulate.distances import redshift_within, volume_redshifts
from ampel_followup.simulate.dust import milky_way_reddening
from ampel_followup.simulate.explosion_kinds import ExplosionKind
from ampel_followup.simulate.explosions import scale_to_magnitude
from ampel_followup.simulate.shapes import galaxies
from ampel_followup.simulate.sources import Source, SpectralSequence, Transient

#: Peak magnitude to which events are drawn; a little fainter than the survey ever detects.
_DRAWN_TO = 20.9
#: Nearest redshift drawn: nearer ones are one event in decades.
_NEAREST = 0.002
#: Half-light radius of a galaxy of M_r = −20.5 in kpc; r ∝ L^0.3 (Shen et al. 2003, MNRAS 343, 978).
_HALF_LIGHT = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """
    n objects of one subtype.

    Parameters
    ----------
    source : Source
    redshift : ndarray, shape (n,)
        0 for stars, and NaN for what is no source.
    counterpart_mag : ndarray, shape (n,)
        r magnitude of the host or of the star itself; NaN where there is none [mag].
    counterpart_offset : ndarray, shape (n,)
        Its distance [arcsec].
    star_score : ndarray, shape (n,)
        PS1's score of it: 0 galaxy, 1 star.
    activity : ndarray, shape (n,)
        Share of all earlier visits with a detection: 0 for what is new.
    jitter : ndarray, shape (n,)
        Standard deviation of a spurious signal at every visit, in standard deviations of the noise.
    spike : ndarray, shape (n,)
        Spurious signal in the first visit of the night, in standard deviations of the noise.
    """

    source: Source
    redshift: NDArray[np.float64]
    counterpart_mag: NDArray[np.float64]
    counterpart_offset: NDArray[np.float64]
    star_score: NDArray[np.float64]
    activity: NDArray[np.float64]
    jitter: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    spike: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


def galaxy_score(magnitude: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """
    Draw PS1's star-galaxy scores of galaxies: near 0 when bright, undecided near the limit.

    After figure 3 of Tachibana & Miller (2018, PASP 130, 128001).

    Parameters
    ----------
    magnitude : ndarray, shape (n,)
        r magnitude [mag].
    """
    faintness = np.clip((np.nan_to_num(magnitude, nan=22.0) - 18.5) / 3.5, 0.0, 1.0)
    return rng.beta(0.35 + 1.6 * faintness, 9.0 - 6.8 * faintness)


def stellar_score(magnitude: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw PS1's star-galaxy scores of stars; see `galaxy_score`."""
    faintness = np.clip((np.nan_to_num(magnitude, nan=22.0) - 18.5) / 3.5, 0.0, 1.0)
    return rng.beta(14.0 - 11.5 * faintness, 0.35 + 1.3 * faintness)


def _seen_magnitudes(
    kind: ExplosionKind, n: int, extinction: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw absolute magnitudes and horizons of a magnitude-limited sample: each counts by the volume it is seen in."""
    drawn = rng.normal(kind.magnitude, kind.scatter, (n, 16))
    horizon = redshift_within(_DRAWN_TO - drawn - extinction[:, None])
    volume = (luminosity_distance(horizon) / (1.0 + horizon)) ** 3
    cumulative = np.cumsum(volume, axis=1)
    chosen = np.sum(cumulative < rng.uniform(size=(n, 1)) * cumulative[:, -1:], axis=1)
    rows = np.arange(n)
    return drawn[rows, chosen], np.maximum(horizon[rows, chosen], 1.5 * _NEAREST)


def draw_transients(
    kind: ExplosionKind,
    tonight: NDArray[np.float64],
    latitude: NDArray[np.float64],
    rng: np.random.Generator,
    template: SpectralSequence | None = None,
) -> Population:
    """
    Draw events with a constant rate per volume, at ages that favour the young.

    A queue for spectroscopy holds new objects: the age of an event on the night has the density e^{−t/τ} with τ a fifth
    of the time for which the subtype is visible at all.

    Parameters
    ----------
    kind : ExplosionKind
    tonight : ndarray, shape (n,)
        MJD of the first visit of the night.
    latitude : ndarray, shape (n,)
        Galactic latitude [deg].
    rng : numpy.random.Generator
    template : SpectralSequence, optional
        Takes the place of the analytic sequence; scaled to the same magnitudes.
    """
    n = len(tonight)
    host_ebv = rng.exponential(kind.dust, n)
    ebv = milky_way_reddening(latitude, rng)
    magnitude, horizon = _seen_magnitudes(kind, n, 3.2 * (host_ebv + ebv), rng)
    redshift = np.maximum(volume_redshifts(horizon, rng), _NEAREST)
    explosion = kind.build(magnitude, rng)
    if template is None:
        sequence: SpectralSequence = explosion
        scale = scale_to_magnitude(explosion, magnitude, kind.band)
    else:
        sequence, scale = template, 10.0 ** (-0.4 * magnitude)
    tau = kind.visible / 5.0
    age = -tau * np.log1p(rng.uniform(size=n) * np.expm1(-kind.visible / tau))

    starforming = rng.uniform(size=n) < kind.starforming
    host_absolute = rng.normal(kind.host_magnitude, kind.host_scatter, n)
    host_mag = host_absolute + distance_modulus(redshift) + 2.3 * ebv
    kiloparsec = luminosity_distance(redshift) / (1.0 + redshift) ** 2 * 1e3 / 206265.0  # per arcsec
    radius = _HALF_LIGHT * 10.0 ** (-0.12 * (host_absolute + 20.5)) / kiloparsec
    offset = rng.gamma(2.0, 0.5 * kind.host_offset, n) / kiloparsec + np.abs(rng.normal(0.0, 0.12, n))
    # An exponential disc through a slit of about 1.5″ at the position of the event.
    within = np.minimum(0.5 * (1.5 / np.maximum(radius, 0.75)) ** 2, 0.6) * np.exp(
        -1.68 * offset / np.maximum(radius, 0.75)
    )
    host_flux = 10.0 ** (0.4 * (23.9 - host_mag)) * within
    source = Transient(
        sequence,
        scale,
        redshift,
        tonight - age,
        host_ebv,
        ebv,
        galaxies(starforming, redshift, ebv, rng),
        host_flux,
    )
    return Population(source, redshift, host_mag, offset, galaxy_score(host_mag, rng), np.zeros(n))
