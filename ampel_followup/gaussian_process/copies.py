r"""
New light curves made of known ones: farther or nearer, at other times, deeper or shallower, without some bands.

An object at redshift :math:`z`, seen at :math:`z'`, with :math:`s = (1 + z') / (1 + z)`:

.. math::
    f'(t', λ') = s \left( \frac{D_L(z)}{D_L(z')} \right)^2 f\!\left(t_0 + \frac{t' - t_0'}{s},\; \frac{λ'}{s}\right)

for fluxes per frequency: time is dilated, the same light arrives redder, and fainter by the luminosity distances. The
Gaussian process (`ampel_followup.gaussian_process.fit`) gives :math:`f` at any time and wavelength; epochs, bands and
depth are those of another object of the survey (`ampel_followup.gaussian_process.survey`), and so is the noise. After
Boone (2019, AJ 158, 257), whose kernel was stationary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.cosmology import luminosity_distance
from ampel_followup.errors import TrainingError
from ampel_followup.gaussian_process.photometry import SIGNIFICANT
from ampel_followup.gaussian_process.process import GaussianProcess
from ampel_followup.gaussian_process.survey import Survey
from ampel_followup.lightcurve import LightCurve

Array = NDArray[np.float64]

#: Redshifts that `ampel_followup.cosmology` knows distances of.
NEAREST, FARTHEST = 1e-4, 4.0

# Grid on which the brightest time is looked for [d].
_STEP = 2.0


@dataclass(frozen=True, slots=True)
class AugmentOptions:
    """
    What new light curves are like.

    Parameters
    ----------
    stretch : float
        Largest (1 + z') / (1 + z): wavelengths are shifted by no more than that, for bluer than the bluest band nothing
        is known but the continuity of the process. At least 1; 1 leaves redshifts as they are.
    nearer : float
        Smallest z' / z, from 0 to 1. The noise of the original is magnified with it.
    redshift : (float, float), optional
        Range of z'; an object whose own range does not reach it keeps the nearest end.
    beyond : float
        How far outside of the observed bands a wavelength may lie, in ln λ; bands beyond are left out.
    shift : float
        The brightest time of the new light curve is that of the donor, give or take so many days.
    shallower : float
        Up to so many magnitudes are taken from the depth of the donor.
    missing : float
        Probability of each band to be left out; one stays always.
    sample : bool
        Draw from the posterior; else take its mean.
    detections : int
        Of 5 σ, that a new light curve must have.
    known_detections : int
        Of 5 σ, that an object must have to be copied.
    tries : int
        For each new light curve, until it has its detections.
    """

    stretch: float = 1.25
    nearer: float = 0.9
    redshift: tuple[float, float] | None = None
    beyond: float = 0.25
    shift: float = 10.0
    shallower: float = 0.0
    missing: float = 0.0
    sample: bool = True
    detections: int = 3
    known_detections: int = 5
    tries: int = 10

    def __post_init__(self) -> None:
        checks = (
            (self.stretch >= 1.0, f"stretch {self.stretch:g} is less than 1"),
            (0.0 < self.nearer <= 1.0, f"nearer {self.nearer:g} is not between 0 and 1"),
            (0.0 <= self.missing < 1.0, f"missing {self.missing:g} is no probability below 1"),
            (self.shift >= 0.0 and self.shallower >= 0.0, "shift and shallower must not be negative"),
            (self.detections >= 1 and self.known_detections >= 1, "at least one detection is needed"),
            (self.tries >= 1, "at least one try is needed"),
        )
        wrong = [text for good, text in checks if not good]
        if self.redshift is not None and not NEAREST <= self.redshift[0] <= self.redshift[1] <= FARTHEST:
            low, high = self.redshift
            wrong.append(f"redshifts {low:g} to {high:g} are no range within {NEAREST:g} and {FARTHEST:g}")
        if wrong:
            raise TrainingError(f"no light curves can be made: {wrong[0]}")


@dataclass(frozen=True)
class AugmentedObject:
    """
    A new light curve, and what is true of it.

    Parameters
    ----------
    light_curve : LightCurve
        At the position of the parent. Of its context only ``photoz`` and ``photoz_err`` are there, if the parent has
        them: about the new redshift.
    label : str
        Class of the parent.
    parent : str
        Id of the object that it was made of: never split it from its copies.
    donor : str
        Id of the object whose epochs it has.
    redshift, parent_redshift : float
        NaN if not known.
    """

    light_curve: LightCurve
    label: str
    parent: str
    donor: str
    redshift: float
    parent_redshift: float


@dataclass(frozen=True)
class Parent:
    """
    A known object.

    Parameters
    ----------
    curve : LightCurve
    label : str
    redshift : float
        NaN if not known.
    process : GaussianProcess
        Fitted to `curve`.
    """

    curve: LightCurve
    label: str
    redshift: float
    process: GaussianProcess


@dataclass(frozen=True)
class Copier:
    """
    What makes one light curve of another.

    Parameters
    ----------
    options : AugmentOptions
    survey : Survey
        Epochs and noise.
    wavelengths : mapping of str to float
        Effective wavelengths of the bands [Å].
    towards : ndarray, shape (m,), optional
        Redshifts to draw from, increasing.
    """

    options: AugmentOptions
    survey: Survey
    wavelengths: Mapping[str, float]
    towards: Array | None

    def copy(self, parent: Parent, number: int, rng: np.random.Generator) -> AugmentedObject | None:
        """Return the copy of some number, or None if it would not be detected."""
        for _ in range(self.options.tries):
            donor = self.survey.donors[int(rng.integers(len(self.survey.donors)))]
            redshift = self.new_redshift(parent.redshift, rng)
            curve = self.observed(parent, donor, redshift, f"{parent.curve.id}-copy{number}", rng)
            if curve is not None:
                return AugmentedObject(curve, parent.label, parent.curve.id, donor.id, redshift, parent.redshift)
        return None

    def new_redshift(self, redshift: float, rng: np.random.Generator) -> float:
        """Draw z' in reach of z."""
        low = redshift * self.options.nearer
        high = (1.0 + redshift) * self.options.stretch - 1.0
        if not np.isfinite(redshift) or self.options.stretch == 1.0:
            return redshift
        if self.options.redshift is not None:
            low, high = (float(np.clip(end, *self.options.redshift)) for end in (low, high))
        low, high = max(low, NEAREST), min(high, FARTHEST)
        if self.towards is not None:
            first, last = np.searchsorted(self.towards, [low, high])
            if last > first:
                return float(self.towards[int(rng.integers(first, last))])
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    def observed(
        self, parent: Parent, donor: LightCurve, redshift: float, name: str, rng: np.random.Generator
    ) -> LightCurve | None:
        """Return the parent at a redshift as the survey would have seen it at the epochs of a donor."""
        options, process = self.options, parent.process
        stretch, dimming = 1.0, 1.0
        if redshift != parent.redshift and np.isfinite(redshift):
            stretch = (1.0 + redshift) / (1.0 + parent.redshift)
            near, far = luminosity_distance([parent.redshift, redshift])
            dimming = stretch * float(near / far) ** 2
        bands = self._bands(process, donor, stretch, rng)
        kept = np.isin(donor.band, bands)
        if not kept.any():
            return None
        time, band = donor.time[kept], donor.band[kept]
        source = np.array([self.wavelengths[one] for one in band.tolist()]) / stretch
        reference = _brightest_time(process, parent.curve)
        peak = _donor_peak(donor) + rng.uniform(-options.shift, options.shift)
        source_time = reference + (time - peak) / stretch
        if options.sample:
            flux = process.sample(source_time, source, rng)
        else:
            flux = process.posterior(source_time, source)[0]
        if not _turns_negative(process):
            flux = np.maximum(flux, 0.0)
        sky = self.survey.sky(donor)[kept] * 10.0 ** (0.4 * rng.uniform(0.0, options.shallower))
        measured, error, limit, given = self.survey.observe(band, dimming * flux, sky, rng)
        seen = given & ~limit & (measured >= SIGNIFICANT * error)
        if int(seen.sum()) < options.detections:
            return None
        return LightCurve(
            name,
            0,
            time[given],
            band[given],
            measured[given],
            error[given],
            limit[given],
            parent.curve.ra,
            parent.curve.dec,
            meta=_context(parent, redshift, rng),
        )

    def _bands(
        self, process: GaussianProcess, donor: LightCurve, stretch: float, rng: np.random.Generator
    ) -> list[str]:
        """Return the bands of the donor that are known of the parent and not left out."""
        there = process.photometry.log_wavelength
        low, high = there.min() - self.options.beyond, there.max() + self.options.beyond
        bands = [
            band
            for band in sorted(set(donor.band.tolist()) & set(self.wavelengths))
            if low <= np.log(self.wavelengths[band] / stretch) <= high
        ]
        left = rng.uniform(size=len(bands)) >= self.options.missing
        if bands and not left.any():
            left[int(rng.integers(len(bands)))] = True
        return [band for band, stays in zip(bands, left.tolist(), strict=True) if stays]


def _brightest_time(process: GaussianProcess, curve: LightCurve) -> float:
    """Return when the mean of the process, in the band that is brightest, is largest [MJD]."""
    points = process.photometry
    bright = points.flux >= max(0.3, SIGNIFICANT * float(np.median(points.flux_err)))
    wavelength = float(np.exp(points.log_wavelength[int(np.argmax(np.where(bright, points.flux, -np.inf)))]))
    grid = np.arange(curve.time[0], curve.time[-1] + _STEP, _STEP)
    return float(grid[int(np.argmax(process.posterior(grid, wavelength)[0]))])


def _turns_negative(process: GaussianProcess) -> bool:
    """Say whether a difference below the reference was ever significant: an explosion has none."""
    points = process.photometry
    return bool((points.flux < -SIGNIFICANT * points.flux_err).any())


def _donor_peak(donor: LightCurve) -> float:
    """Return when a donor was brightest among its significant detections, or in the middle without any [MJD]."""
    seen = np.flatnonzero(donor.detected & (donor.flux >= SIGNIFICANT * donor.flux_err))
    if len(seen) == 0:
        return float(0.5 * (donor.time[0] + donor.time[-1]))
    return float(donor.time[seen[int(np.argmax(donor.flux[seen]))]])


def _context(parent: Parent, redshift: float, rng: np.random.Generator) -> dict[str, float]:
    """Return a photometric redshift of the host as good as that of the parent's."""
    known = {name: parent.curve.meta.get(name, float("nan")) for name in ("photoz", "photoz_err")}
    error = known["photoz_err"]
    if not (np.isfinite(error) and error > 0):
        return {}
    if not np.isfinite(redshift):
        return known
    error *= (1.0 + redshift) / (1.0 + parent.redshift)
    return {"photoz": max(redshift + error * float(rng.standard_normal()), NEAREST), "photoz_err": float(error)}
