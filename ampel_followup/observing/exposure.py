r"""
How long a spectrum takes, and how good it gets.

A source of AB magnitude m at airmass X gives, through a mirror of area A, in a resolution element Δλ = λ/R,

.. math:: S = \frac{f_0}{h \lambda}\,A\,\eta\,\Delta\lambda\;\epsilon\;10^{-0.4(m + kX)}

detected photons per second, with :math:`f_0` = 3631 Jy, so that :math:`f_0/h\lambda` = 5.48 × 10¹⁰ / (λ/Å) photons
s⁻¹ m⁻² Å⁻¹ (Oke & Gunn 1983, ApJ 266, 713); η is the efficiency from mirror to detector, k the extinction, and ε the
part of the light within the aperture. The sky, of μ mag/arcsec² as it is seen, gives
:math:`B = (f_0/h\lambda) A \eta \Delta\lambda \Omega 10^{-0.4\mu}` over the solid angle Ω of the aperture. In n
exposures that take t together, with N pixels of read noise r each,

.. math:: \mathrm{S/N} = \frac{S t}{\sqrt{(S + B)\,t + n N r^2}}

per resolution element. Dark current, fringes, flat fields and the uncertainty of the sky are left out. All is meant at
one wavelength, that of the instrument's `spectrum`.

A star has Moffat's profile (1969, A&A 3, 455) with β = 4.765, that of turbulence (Trujillo et al. 2001, MNRAS 328,
977); its width grows with airmass as X^0.6 (Kolmogorov). The aperture is the slit, or what is extracted: along a slit
twice the full width at half maximum, from an IFU a circle of that diameter, of a fibre all.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr

from ampel_followup.errors import InstrumentError
from ampel_followup.observing.instruments import Instrument

#: Photons of an AB magnitude of 0, times wavelength [s⁻¹ m⁻² Å⁻¹ × Å]: 3631 Jy / h.
_PHOTONS = 3631e-26 / 6.62607015e-34

#: Exponent of Moffat's profile.
BETA = 4.765

#: Length extracted along a slit, or diameter extracted from an IFU, in full widths at half maximum.
EXTRACTION = 2.0

Floats = NDArray[np.float64]


def slit_fraction(width: ArrayLike, fwhm: ArrayLike) -> Floats:
    """
    Give the part of a star's light that falls between two parallel edges, centred.

    The profile summed along the slit is Student's t distribution with 2β − 2 degrees of freedom.

    Parameters
    ----------
    width, fwhm : array_like
        Of the slit, and full width at half maximum of the star [arcsec]; broadcast together.

    Returns
    -------
    ndarray
        0 to 1.
    """
    degrees = 2.0 * BETA - 2.0
    x = np.asarray(width) / 2.0 * math.sqrt(degrees) / _core(fwhm)
    return np.asarray(2.0 * stdtr(degrees, x) - 1.0)


def circle_fraction(diameter: ArrayLike, fwhm: ArrayLike) -> Floats:
    """Give the part of a star's light within a circle around it; parameters as those of `slit_fraction`."""
    return np.asarray(1.0 - (1.0 + (np.asarray(diameter) / 2.0 / _core(fwhm)) ** 2) ** (1.0 - BETA))


def signal_to_noise(
    instrument: Instrument,
    magnitude: ArrayLike,
    exposure: ArrayLike,
    *,
    airmass: ArrayLike = 1.0,
    sky: ArrayLike | None = None,
    seeing: float | None = None,
) -> Floats:
    """
    Give the signal-to-noise ratio per resolution element.

    Parameters
    ----------
    instrument : Instrument
    magnitude : array_like
        AB, near the wavelength of the instrument. All arrays are broadcast together.
    exposure : array_like
        With open shutter, all exposures together [s]; taken in equal exposures of the longest length at most.
    airmass : array_like
        At least 1.
    sky : array_like, optional
        Brightness of the sky at the target (AB) [mag/arcsec²]; by default the instrument's dark sky.
    seeing : float, optional
        Full width at half maximum of a star at the zenith [arcsec]; by default the instrument's usual one.

    Returns
    -------
    ndarray
        0 where nothing arrives; NaN where a number is missing.

    Raises
    ------
    InstrumentError
        If `seeing` is not positive.
    """
    source, background, read_variance = _rates(instrument, magnitude, airmass, sky, seeing)
    t = np.asarray(exposure, dtype=np.float64)
    variance = (source + background) * t + number_of_exposures(instrument, t) * read_variance
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(variance > 0.0, source * t / np.sqrt(variance), np.where(np.isnan(variance), np.nan, 0.0))


def exposure_time(
    instrument: Instrument,
    magnitude: ArrayLike,
    *,
    airmass: ArrayLike = 1.0,
    sky: ArrayLike | None = None,
    seeing: float | None = None,
    snr: float | None = None,
) -> Floats:
    """
    Give the time with open shutter that a signal-to-noise ratio takes, the inverse of `signal_to_noise`.

    With q = S/N, n exposures take the positive root of S²t² − q²(S + B)t − q²nNr² = 0. The least n with which no
    exposure is longer than T, the longest, is q²((S + B)T + Nr²) / (ST)², rounded up.

    Parameters
    ----------
    instrument, magnitude, airmass, sky, seeing
        As those of `signal_to_noise`.
    snr : float, optional
        Positive; by default what the instrument's `exposures` ask for.

    Returns
    -------
    ndarray
        [s]; at least the shortest exposure. Infinite where it would take more than the instrument's `total`, where
        nothing arrives, and where a number is missing.

    Raises
    ------
    InstrumentError
        If `snr` or `seeing` is not positive.
    """
    q = instrument.exposures.snr if snr is None else snr
    if not (q > 0.0 and math.isfinite(q)):
        raise InstrumentError(f"a signal-to-noise ratio of {q:g} for {instrument.key}; give a positive number")
    source, background, read_variance = _rates(instrument, magnitude, airmass, sky, seeing)
    longest = instrument.exposures.longest
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        photons = source + background
        n = np.maximum(np.ceil(q**2 * (photons * longest + read_variance) / (source * longest) ** 2), 1.0)
        half = q**2 * photons / (2.0 * source**2)
        t = np.maximum(half + np.sqrt(half**2 + q**2 * n * read_variance / source**2), instrument.exposures.shortest)
    # A comparison with NaN is false.
    return np.where((source > 0.0) & (t <= instrument.exposures.total), t, np.inf)


def number_of_exposures(instrument: Instrument, exposure: ArrayLike) -> Floats:
    """
    Give the least number of equal exposures of which none is longer than the instrument allows.

    Parameters
    ----------
    instrument : Instrument
    exposure : array_like
        With open shutter, all exposures together [s].

    Returns
    -------
    ndarray
        At least 1, in whole numbers; infinite or NaN where `exposure` is.
    """
    # A time that is a whole number of longest exposures but for rounding needs no further one.
    n = np.ceil(np.asarray(exposure, dtype=np.float64) / instrument.exposures.longest - 1e-9)
    return np.maximum(n, 1.0)


def time_on_target(instrument: Instrument, exposure: ArrayLike) -> Floats:
    """
    Give the time that a target takes from the end of the slew to the end of the last read-out.

    Parameters
    ----------
    instrument : Instrument
    exposure : array_like
        With open shutter, all exposures together [s].

    Returns
    -------
    ndarray
        [s]; infinite where `exposure` is.
    """
    cost = instrument.overheads
    t = np.asarray(exposure, dtype=np.float64)
    return cost.acquisition - cost.extra + t + number_of_exposures(instrument, t) * (cost.readout + cost.extra)


def _core(fwhm: ArrayLike) -> Floats:
    """Scale α of Moffat's profile (1 + r²/α²)^−β from its full width at half maximum."""
    return np.asarray(fwhm) / (2.0 * math.sqrt(2.0 ** (1.0 / BETA) - 1.0))


def _rates(
    instrument: Instrument, magnitude: ArrayLike, airmass: ArrayLike, sky: ArrayLike | None, seeing: float | None
) -> tuple[Floats, Floats, Floats]:
    """Give the detected photons of source and sky [s⁻¹] and the variance of a read-out, per resolution element."""
    usual = instrument.conditions
    x = np.asarray(airmass, dtype=np.float64)
    x = np.where(np.isfinite(x) & (x >= 1.0), x, np.nan)
    zenith = usual.seeing if seeing is None else seeing
    if not (zenith > 0.0 and math.isfinite(zenith)):
        raise InstrumentError(f"a seeing of {zenith:g} arcsec at {instrument.site}; give a positive number")
    fwhm = zenith * x**0.6
    fraction, solid_angle, spatial_pixels = _aperture(instrument, fwhm)

    spectrum, detector = instrument.spectrum, instrument.detector
    collected = (
        _PHOTONS / spectrum.wavelength * instrument.aperture.area * instrument.throughput.efficiency * spectrum.element
    )
    m = np.asarray(magnitude, dtype=np.float64)
    mu = usual.dark_sky if sky is None else np.asarray(sky, dtype=np.float64)
    source = collected * fraction * 10.0 ** (-0.4 * (m + usual.extinction * x))
    background = collected * solid_angle * 10.0 ** (-0.4 * mu)
    pixels = spatial_pixels * spectrum.element / detector.dispersion
    return np.asarray(source), np.asarray(background), pixels * detector.read_noise**2


def _aperture(instrument: Instrument, fwhm: Floats) -> tuple[Floats, Floats, Floats]:
    """Give the part of the light in the aperture, its solid angle [arcsec²], and the pixels across the spectrum."""
    width, scale = instrument.spectrum.width, instrument.detector.pixel_scale
    extracted = EXTRACTION * fwhm
    if width is None:
        area = math.pi / 4.0 * extracted**2
        return circle_fraction(EXTRACTION, 1.0), area, area / scale**2
    if instrument.spectrum.aperture == "fibre":
        area = np.full_like(fwhm, math.pi / 4.0 * width**2)
        return circle_fraction(width, fwhm), area, np.full_like(fwhm, width / scale)
    # Moffat's profile is no product of one along and one across the slit, but nearly: 1 % of the light at most.
    fraction = slit_fraction(width, fwhm) * slit_fraction(EXTRACTION, 1.0)
    return fraction, width * extracted, extracted / scale
