r"""
How a survey looks: when, in which bands, how deep, and what it says of what it does not see.

The variance of a flux :math:`F` is :math:`σ^2 = σ_0^2 + g_b |F| + (c_b F)^2`: sky and detector at each epoch, photons
and the calibration of each band. The latter two are fitted to the errors of all light curves of a survey, by least
squares in :math:`σ^2` relative to itself; :math:`σ_0` of an epoch is then what is left of its own error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from ampel_followup.errors import TrainingError
from ampel_followup.lightcurve import LIMIT_SIGMA, LightCurve

Array = NDArray[np.float64]

#: What a survey gives where it does not detect anything: forced fluxes, upper limits, or nothing.
Unseen = Literal["forced", "limits", "nothing"]

# The sky is no smaller than this part of an error.
_LEAST_SKY = 0.3

# With fewer points, a band has no noise of its own but the sky; and no more are looked at.
_FEWEST, _MOST = 30, 20_000

# A point fainter than this is one that was not detected [σ].
_FAINT = 2.5


@dataclass(frozen=True)
class Survey:
    """
    The epochs and the noise of a survey, from light curves that it has taken.

    Parameters
    ----------
    donors : tuple of LightCurve
        Whose epochs are lent.
    noise : mapping of str to (float, float)
        g [µJy] and c of each band.
    unseen : {"forced", "limits", "nothing"}
    """

    donors: tuple[LightCurve, ...]
    noise: Mapping[str, tuple[float, float]]
    unseen: Unseen

    @classmethod
    def of(cls, light_curves: Sequence[LightCurve]) -> Survey:
        """
        Learn from light curves.

        Parameters
        ----------
        light_curves : sequence of LightCurve
            Those with three points or more lend their epochs.

        Raises
        ------
        TrainingError
            If there are none.
        """
        donors = tuple(curve for curve in light_curves if len(curve) >= 3)
        if not donors:
            raise TrainingError(
                f"none of {len(light_curves)} light curves has three points, so that none lends its epochs; give others"
            )
        band, flux, flux_err, limit = (
            np.concatenate([getattr(curve, name) for curve in donors])
            for name in ("band", "flux", "flux_err", "upper_limit")
        )
        if limit.any():
            unseen: Unseen = "limits"
        else:
            unseen = "forced" if (np.abs(flux) < _FAINT * flux_err).any() else "nothing"
        noise = {
            name: _fitted(flux[rows][:_MOST], flux_err[rows][:_MOST])
            for name in np.unique(band).tolist()
            for rows in [(band == name) & ~limit]
        }
        return cls(donors, noise, unseen)

    def sky(self, curve: LightCurve) -> Array:
        """Return σ₀ of every epoch of a light curve, shape (n,) [µJy]."""
        gain, calibration = self._noise(curve.band)
        flux = np.where(curve.upper_limit, 0.0, np.abs(curve.flux))
        left = curve.flux_err**2 - gain * flux - (calibration * flux) ** 2
        return np.asarray(np.sqrt(np.maximum(left, (_LEAST_SKY * curve.flux_err) ** 2)))

    def observe(
        self, band: NDArray[np.str_], flux: Array, sky: Array, rng: np.random.Generator
    ) -> tuple[Array, Array, NDArray[np.bool_], NDArray[np.bool_]]:
        """
        Measure true fluxes.

        Parameters
        ----------
        band : ndarray of str, shape (n,)
        flux, sky : ndarray, shape (n,)
            True flux and σ₀ [µJy].
        rng : numpy.random.Generator

        Returns
        -------
        flux, flux_err : ndarray, shape (n,)
            Measured; an upper limit is 0 with σ₀ as its error.
        upper_limit : ndarray of bool, shape (n,)
        given : ndarray of bool, shape (n,)
            False where the survey would have said nothing.
        """
        gain, calibration = self._noise(band)
        error = np.sqrt(sky**2 + gain * np.abs(flux) + (calibration * flux) ** 2)
        measured = flux + error * rng.standard_normal(len(flux))
        unseen = np.abs(measured) < LIMIT_SIGMA * sky
        if self.unseen == "forced":
            unseen[:] = False
        limit = unseen if self.unseen == "limits" else np.zeros_like(unseen)
        given = ~unseen if self.unseen == "nothing" else np.ones_like(unseen)
        return np.where(limit, 0.0, measured), np.where(limit, sky, error), limit, given

    def _noise(self, band: NDArray[np.str_]) -> tuple[Array, Array]:
        gain, calibration = np.array([self.noise.get(name, (0.0, 0.0)) for name in band.tolist()]).reshape(-1, 2).T
        return gain, calibration


def _fitted(flux: Array, flux_err: Array) -> tuple[float, float]:
    """Return g and c."""
    if len(flux) < _FEWEST:
        return 0.0, 0.0
    unit = float(np.median(flux_err))
    flux, variance = np.abs(flux) / unit, (flux_err / unit) ** 2
    columns = np.column_stack([np.ones_like(flux), flux, flux**2]) / variance[:, None]
    if not np.isfinite(columns).all():
        return 0.0, 0.0
    (_, gain, square), _ = nnls(columns, np.ones(len(flux)))
    return float(gain) * unit, float(np.sqrt(square))
