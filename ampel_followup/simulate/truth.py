"""How long and how bright simulated objects really are: the noise-free difference light curve, measured."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ampel_followup.cosmology import distance_modulus
from ampel_followup.lightcurve import magnitude_from_flux
from ampel_followup.simulate.explosions import AGES
from ampel_followup.simulate.sources import Artefact, Source, Transient, Variable, band_flux

_R = 2  # ZTF's number of the filter that durations are measured in

#: Of what varies, so many days before and after the night are looked at: as far as random walks are drawn.
_BEFORE, _AFTER = 90.0, 40.0
#: Steps [d]: a tenth of the shortest period; and, within a night's reach of the night, of the shortest flare.
_STEP, _FINE_STEP, _NIGHT = 0.02, 5e-4, 0.7


def time_above_half(source: Source, which: NDArray[np.intp], night: float) -> NDArray[np.float64]:
    """
    Return the longest unbroken time for which the difference light curve is above half of its peak, t₁/₂.

    Of the noise-free light curve in ZTF's r, in the observer's frame, as Drout et al. (2014, ApJ 794, 23) measure it of
    rapid transients. For variables, which go both ways, of the absolute difference from 90 d before to 40 d after the
    night: what lasts longer than that is cut short.

    Parameters
    ----------
    source : Source
    which : ndarray of int, shape (n,)
        Objects of it.
    night : float
        MJD at which the night begins.

    Returns
    -------
    ndarray, shape (n,)
        [d]; NaN for what is no source.
    """
    if isinstance(source, Transient):
        _, flux = _explosion_light_curve(source, which, _R)
        mjd = AGES[None, :] * (1.0 + source.redshift[which])[:, None]
        return _longest_above_half(mjd, flux)
    if isinstance(source, Variable):
        grid = night + np.union1d(np.arange(-_BEFORE, _AFTER, _STEP), np.arange(-0.2, _NIGHT, _FINE_STEP))
        mjd = np.broadcast_to(grid, (len(which), len(grid)))
        # The light that comes and goes keeps its colour: its flux in any band is proportional to the process.
        process = source.process(np.repeat(which, len(grid)), mjd.ravel()).reshape(mjd.shape)
        return _longest_above_half(mjd, np.abs(process - source.process.reference[which][:, None]))
    assert isinstance(source, Artefact)
    return np.full(len(which), np.nan)


def peak_absolute_magnitude(source: Source, which: NDArray[np.intp], fid: int = _R) -> NDArray[np.float64]:
    """
    Return the absolute magnitude at the peak, M = m − A − μ + 2.5 log₁₀(1 + z).

    A is the extinction by the Milky Way alone, and the last term all of the K correction, as in Perley et al. (2020,
    ApJ 904, 35, section 3.2): the magnitude that a survey can measure.

    Parameters
    ----------
    source : Source
    which : ndarray of int, shape (n,)
        Objects of it.
    fid : int
        ZTF's number of the filter.

    Returns
    -------
    ndarray, shape (n,)
        AB [mag]; NaN for what does not explode.
    """
    if not isinstance(source, Transient):
        return np.full(len(which), np.nan)
    clear = dataclasses.replace(source, ebv=np.zeros_like(source.ebv))
    _, flux = _explosion_light_curve(clear, which, fid)
    peak, _ = magnitude_from_flux(flux.max(axis=1), np.ones(len(which)))
    redshift = source.redshift[which]
    return peak - distance_modulus(redshift) + 2.5 * np.log10(1.0 + redshift)


def _explosion_light_curve(
    source: Transient, which: NDArray[np.intp], fid: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    mjd = source.start[which][:, None] + AGES[None, :] * (1.0 + source.redshift[which])[:, None]
    rows = np.repeat(which, len(AGES))
    return mjd, band_flux(source, rows, mjd.ravel(), np.full(mjd.size, fid)).reshape(mjd.shape)


def _longest_above_half(time: NDArray[np.float64], flux: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the longest stay above half of the maximum, linear between the samples; arrays of shape (n, g)."""
    excess = flux - 0.5 * flux.max(axis=1, keepdims=True)
    above = excess > 0
    rises, falls = above[:, 1:] & ~above[:, :-1], above[:, :-1] & ~above[:, 1:]
    share = excess[:, :-1] / np.where(rises | falls, excess[:, :-1] - excess[:, 1:], 1.0)
    crossing = time[:, :-1] + share * np.diff(time, axis=1)
    # Each crossing downwards ends a stay that began at the last crossing upwards, or with the light curve.
    begun = np.maximum.accumulate(np.where(rises, crossing, -np.inf), axis=1)
    begun = np.maximum(begun, time[:, :1])
    length = np.where(falls, crossing - begun, 0.0).max(axis=1)
    return np.asarray(np.maximum(length, np.where(above[:, -1], time[:, -1] - begun[:, -1], 0.0)))
