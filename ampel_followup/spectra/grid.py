"""
The common grid of spectra: what a spectrum must cover, how it is put there, and how its flux is scaled.

Networks and principal components take vectors of fixed length, so spectra are averaged in bins that are equal in the
logarithm of the wavelength, and each is scaled to [0, 1] by itself (Astudillo et al. 2020, section 6.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import SpectrumError

Array = NDArray[np.float64]

#: Neighbouring pixels further apart than this [Å] leave a gap, which does not count as covered. Wide enough for the
#: telluric bands that people cut out, narrower than any line of a supernova.
MAX_GAP = 100.0

#: Percentiles of the flux that become 0 and 1: a single hot pixel must not set the scale. The paper takes (0, 100).
ROBUST_PERCENTILES = (1.0, 99.0)


@dataclass(frozen=True)
class Grid:
    """
    Bins that are equal in the logarithm of the wavelength.

    Parameters
    ----------
    start, end : float
        Outer edges [Å].
    n_bins : int

    Raises
    ------
    SpectrumError
        If it is no grid.
    """

    start: float
    end: float
    n_bins: int

    def __post_init__(self) -> None:
        if not (0.0 < self.start < self.end < np.inf and self.n_bins >= 2):
            raise SpectrumError(
                f"{self.n_bins} bins from {self.start:g} to {self.end:g} Å make no grid; give 0 < start < end in Å "
                "and at least 2 bins"
            )

    @cached_property
    def edges(self) -> Array:
        """Edges of the bins [Å], shape (n_bins + 1,)."""
        return np.asarray(np.geomspace(self.start, self.end, self.n_bins + 1))

    @cached_property
    def centres(self) -> Array:
        """Geometric centres of the bins [Å], shape (n_bins,)."""
        return np.asarray(np.sqrt(self.edges[:-1] * self.edges[1:]))

    @classmethod
    def covering(cls, first: Array, last: Array, spacing: float, keep: float = 0.99) -> Grid:
        """
        Choose the range that a share of the spectra reaches at either end: the paper's rule (section 6.4).

        Parameters
        ----------
        first, last : ndarray, shape (n,)
            First and last wavelength of each spectrum [Å].
        spacing : float
            Width of the bins [log10 of the wavelength]; SDSS: 1e-4.
        keep : float
            Share of the spectra that start early enough, and share that end late enough, 0 to 1. The paper's is 0.99.

        Raises
        ------
        SpectrumError
            If no range is left.
        """
        start, end = float(np.quantile(first, keep)), float(np.quantile(last, 1.0 - keep))
        if end <= start:
            raise SpectrumError(
                f"no range is covered by a share of {keep:g} of the {len(first)} spectra: they start by {start:.0f} Å "
                f"and end from {end:.0f} Å; choose a smaller share, or give the range"
            )
        return cls(start, end, max(2, round(np.log10(end / start) / spacing)))

    def covers(self, first: Array, last: Array) -> NDArray[np.bool_]:
        """Return which spectra reach both ends of the grid, shape (n,), by their first and last wavelength [Å]."""
        return np.asarray((first <= self.start) & (last >= self.end))

    def sample(self, wavelength: Array, flux: Array, min_coverage: float = 1.0) -> Array:
        """
        Average a spectrum in the bins.

        Parameters
        ----------
        wavelength : ndarray, shape (m,)
            [Å]; any order. Pixels that are not finite in wavelength or flux are left out.
        flux : ndarray, shape (m,)
            Flux density per wavelength, any unit.
        min_coverage : float
            Share of the bins that must have a pixel, or lie between two that are at most `MAX_GAP` apart. 1 is the
            paper's rule.

        Returns
        -------
        ndarray, shape (n_bins,)
            Unit of `flux`. Bins without a pixel are interpolated, those beyond the ends take the value at the end.

        Raises
        ------
        SpectrumError
            If less is covered.
        """
        good = np.isfinite(flux) & np.isfinite(wavelength)
        order = np.argsort(wavelength[good], kind="stable")
        wavelength, flux = wavelength[good][order], flux[good][order]
        bin_of = np.searchsorted(self.edges, wavelength, side="right") - 1
        inside = (bin_of >= 0) & (bin_of < self.n_bins)
        count = np.bincount(bin_of[inside], minlength=self.n_bins)
        covered = float(np.mean((count > 0) | self._bridged(wavelength)))
        if covered < min_coverage or not count.any():
            share = f"{min_coverage:.0%} is" if min_coverage < 1.0 else "all of it is"
            raise SpectrumError(
                f"the spectrum covers {covered:.0%} of {self.start:.0f}–{self.end:.0f} Å; {share} needed"
            )
        total = np.bincount(bin_of[inside], weights=flux[inside], minlength=self.n_bins)
        filled = np.flatnonzero(count)
        return np.asarray(np.interp(np.arange(self.n_bins), filled, total[filled] / count[filled]))

    def _bridged(self, wavelength: Array) -> NDArray[np.bool_]:
        """Return which bins lie between neighbouring pixels that are close enough."""
        if len(wavelength) < 2:
            return np.zeros(self.n_bins, dtype=bool)
        after = np.searchsorted(wavelength, self.centres)
        between = (after > 0) & (after < len(wavelength))
        after = np.clip(after, 1, len(wavelength) - 1)
        return np.asarray(between & (wavelength[after] - wavelength[after - 1] <= MAX_GAP))

    def to_dict(self) -> dict[str, Any]:
        """Return the grid as plain numbers, for JSON."""
        return {"start": self.start, "end": self.end, "n_bins": self.n_bins}


#: The grid of the paper: SDSS spectra, spacing 1e-4 in log10 of the wavelength.
PAPER_GRID = Grid(3830.0, 9174.0, 3794)

#: The grid of the packaged bundle: observer frame, bins of about 1,000 km/s.
DEFAULT_GRID = Grid(3900.0, 8900.0, 250)


def scale_to_unit(flux: Array, percentiles: tuple[float, float] = ROBUST_PERCENTILES) -> Array:
    """
    Scale each spectrum by itself to [0, 1], and clip it there.

    Parameters
    ----------
    flux : ndarray, shape (..., n_bins)
    percentiles : (float, float)
        Of the flux: what becomes 0 and 1.

    Returns
    -------
    ndarray, shape (..., n_bins)
        A constant spectrum becomes 0.5 throughout.
    """
    low, high = np.percentile(flux, percentiles, axis=-1, keepdims=True)
    span = high - low
    scaled = (flux - low) / np.where(span > 0.0, span, 1.0)
    return np.asarray(np.where(span > 0.0, np.clip(scaled, 0.0, 1.0), 0.5))
