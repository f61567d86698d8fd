"""Long-slit spectra: the object on top of its host, through a spectrograph of R ≈ 600, with noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ampel_followup.bands import BANDS
from ampel_followup.simulate.sources import Source

#: Pixels of the simulated spectrograph [Å].
WAVELENGTH: NDArray[np.float64] = np.arange(3800.0, 9205.0, 5.0)

# Half an hour with a 3 m telescope: S/N ≈ 24 per pixel at r = 18, 7 at r = 20, 3.5 at r = 21.
_COUNTS_AT_18 = 800.0
_SKY_COUNTS = 130.0


def _throughput() -> NDArray[np.float64]:
    """Optics and detector: highest near 6,200 Å, a third of it at the blue end."""
    return np.asarray(np.exp(-0.5 * ((WAVELENGTH - 6200.0) / 1900.0) ** 2) * 0.8 + 0.2)


def _sky() -> NDArray[np.float64]:
    """Return the sky's counts relative to the dark continuum: lines of oxygen and sodium, and hydroxyl in the red."""
    lines = sum(
        strength * np.exp(-0.5 * ((WAVELENGTH - line) / 6.0) ** 2)
        for line, strength in ((5577.3, 12.0), (5892.0, 2.0), (6300.3, 5.0), (6363.8, 2.0))
    )
    hydroxyl = (
        1.6
        * (1.0 + np.sin(WAVELENGTH / 13.0) * np.sin(WAVELENGTH / 71.0))
        / (1.0 + np.exp((7250.0 - WAVELENGTH) / 90.0))
    )
    return np.asarray(1.0 + lines + hydroxyl)


def observe(
    source: Source, which: int, mjd: float, rng: np.random.Generator, snr: float | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """
    Simulate a spectrum.

    Parameters
    ----------
    source : Source
    which : int
        Which of its objects.
    mjd : float
        When.
    rng : numpy.random.Generator
    snr : float, optional
        Median signal-to-noise ratio per pixel; by default what an exposure of fixed length gives for the magnitude.

    Returns
    -------
    wavelength, flux, flux_err : ndarray, shape (1081,)
        Observer frame, 3,800 to 9,200 Å in steps of 5 [Å]; f_λ and its standard deviation [erg / s / cm² / Å]. Not
        corrected for dust; and the relative calibration is good to some 6 % from end to end.
    """
    row = np.array([which])
    flux = source.difference(row, np.array([mjd]), WAVELENGTH)[0] + source.underlying(row, WAVELENGTH)[0]
    flux = np.maximum(flux, 0.0)
    _, weights = BANDS["ztfr"].quadrature()
    reference = 10.0 ** (0.4 * (23.9 - 18.0)) / weights.sum()  # f_λ of r = 18
    throughput = _throughput()
    counts = _COUNTS_AT_18 * flux / reference * throughput
    noise = np.sqrt(counts + _SKY_COUNTS * _sky() * throughput)
    flux_err = noise * reference / (_COUNTS_AT_18 * throughput)
    if snr is not None and np.median(flux) > 0:
        flux_err = flux_err * (np.median(flux / flux_err) / snr)
    x = (WAVELENGTH - 6500.0) / 2700.0
    calibration = 1.0 + rng.normal(0.0, 0.03) * x + rng.normal(0.0, 0.02) * (x * x - 0.33)
    observed = flux * calibration + flux_err * rng.standard_normal(len(WAVELENGTH))
    return WAVELENGTH.copy(), observed, flux_err
