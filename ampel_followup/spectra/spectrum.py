"""One spectrum, in order and free of pixels that are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ampel_followup.errors import SpectrumError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """
    A spectrum; made by `Spectrum.clean`, or by `ampel_followup.spectra.readers.read_spectrum`.

    Parameters
    ----------
    wavelength : ndarray, shape (m,)
        Strictly increasing [Å]. Air or vacuum, observer or rest frame: as in its source.
    flux : ndarray, shape (m,)
        Flux density per wavelength, finite; unit as in its source.
    flux_err : ndarray, shape (m,), or None
        Standard deviation of `flux`, positive; None where the source gives none.
    meta : mapping
        What the source says (``object``, ``mjd``, ``flux_unit``, …), and what was done to its pixels: ``dropped``,
        ``merged`` (numbers) and ``sorted`` (bool).
    """

    wavelength: Array
    flux: Array
    flux_err: Array | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def clean(
        cls,
        wavelength: ArrayLike,
        flux: ArrayLike,
        flux_err: ArrayLike | None = None,
        meta: Mapping[str, Any] | None = None,
        *,
        source: str = "the spectrum",
    ) -> Spectrum:
        """
        Make a spectrum of pixels as they come.

        Pixels are put in order. Those that are not finite, or whose error is not positive, are dropped; those at the
        same wavelength are merged (weighted by their errors, if there are any). Both are counted in `meta`.

        Parameters
        ----------
        wavelength, flux, flux_err : array_like, shape (m,)
        meta : mapping, optional
        source : str
            What to call it in errors.

        Raises
        ------
        SpectrumError
            If the arrays do not fit together, a wavelength is not positive, or fewer than two pixels are left.
        """
        wl, f = np.asarray(wavelength, dtype=np.float64), np.asarray(flux, dtype=np.float64)
        err = None if flux_err is None else np.asarray(flux_err, dtype=np.float64)
        shapes = {wl.shape, f.shape} | (set() if err is None else {err.shape})
        if wl.ndim != 1 or len(shapes) > 1:
            raise SpectrumError(
                f"{source}: wavelength, flux and errors have shapes {sorted(shapes)}; each must be one row of a length"
            )
        good = np.isfinite(wl) & np.isfinite(f)
        if err is not None:
            with np.errstate(invalid="ignore"):
                measured = np.isfinite(err) & (err > 0.0)
            if good.any() and not (good & measured).any():
                raise SpectrumError(
                    f"{source}: none of the {len(err)} errors is positive; if errors are unknown, leave the column out"
                )
            good &= measured
        if good.sum() < 2:
            raise SpectrumError(f"{source}: {good.sum()} usable pixels of {len(wl)}; a spectrum needs at least 2")
        if (lowest := wl[good].min()) <= 0.0:
            raise SpectrumError(f"{source}: wavelength {lowest:g} is not positive; wavelengths must be in Å")
        notes: dict[str, Any] = {"dropped": int((~good).sum())}
        wl, f, err = wl[good], f[good], None if err is None else err[good]
        notes["sorted"] = bool(np.all(np.diff(wl) >= 0.0) or np.all(np.diff(wl) <= 0.0))
        order = np.argsort(wl, kind="stable")
        wl, f, err = wl[order], f[order], None if err is None else err[order]
        notes["merged"] = len(wl) - len(np.unique(wl))
        if notes["merged"]:
            wl, f, err = _merge(wl, f, err)
        if len(wl) < 2:
            raise SpectrumError(f"{source}: all pixels are at {wl[0]:g} Å; a spectrum needs at least 2 wavelengths")
        return cls(wl, f, err, {**(meta or {}), **notes})


def _merge(wavelength: Array, flux: Array, flux_err: Array | None) -> tuple[Array, Array, Array | None]:
    """Average pixels at the same wavelength: weights 1/σ², or equal ones."""
    unique, which = np.unique(wavelength, return_inverse=True)
    smallest = np.full(len(unique), np.inf)
    if flux_err is not None:
        np.minimum.at(smallest, which, flux_err)
    # Relative to the best at that wavelength: 1/σ² of errors of 1e-177 would be beyond the largest number there is.
    weight = np.ones(len(flux)) if flux_err is None else (smallest[which] / flux_err) ** 2
    total = np.bincount(which, weights=weight)
    merged = np.bincount(which, weights=weight * flux) / total
    return unique, merged, None if flux_err is None else smallest / np.sqrt(total)
