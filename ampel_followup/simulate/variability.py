"""
How the brightness of variables changes: callables of (which, mjd) that return a factor relative to the mean flux.

The reference image of the survey has a level of its own, `reference`; what the alert stream reports is the difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class DampedRandomWalk:
    """
    Log-normal damped random walks, tabulated.

    x(t + Δ) = x(t) e^{−Δ/τ} + σ √(1 − e^{−2Δ/τ}) ξ in magnitudes (Kelly, Bechtold & Siemiginowska 2009, ApJ 698, 895).

    Parameters
    ----------
    mjd : ndarray, shape (g,)
        Grid, increasing [d].
    magnitude : ndarray, shape (n, g)
        x on the grid [mag].
    reference : ndarray, shape (n,)
        Level of the reference image, as a factor on the mean flux.
    """

    mjd: NDArray[np.float64]
    magnitude: NDArray[np.float64]
    reference: NDArray[np.float64]

    def __call__(self, which: NDArray[np.intp], mjd: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return flux / mean flux, shape (r,), interpolated linearly in magnitude."""
        right = np.clip(np.searchsorted(self.mjd, mjd), 1, len(self.mjd) - 1)
        share = np.clip((mjd - self.mjd[right - 1]) / (self.mjd[right] - self.mjd[right - 1]), 0.0, 1.0)
        magnitude = (1.0 - share) * self.magnitude[which, right - 1] + share * self.magnitude[which, right]
        return np.asarray(10.0 ** (-0.4 * magnitude))


def damped_random_walk(
    sigma: NDArray[np.float64], tau: NDArray[np.float64], start: float, end: float, rng: np.random.Generator
) -> DampedRandomWalk:
    """
    Draw stationary damped random walks on a grid of half days, with an independent reference level.

    Parameters
    ----------
    sigma : ndarray, shape (n,)
        Long-term standard deviation [mag].
    tau : ndarray, shape (n,)
        Damping time [d].
    start, end : float
        MJD.
    rng : numpy.random.Generator
    """
    grid = np.arange(start, end + 0.5, 0.5)
    memory = np.exp(-0.5 / tau)
    kick = sigma * np.sqrt(1.0 - memory**2)
    walk = np.empty((len(sigma), len(grid)))
    walk[:, 0] = sigma * rng.standard_normal(len(sigma))
    noise = rng.standard_normal(walk.shape)
    for k in range(1, len(grid)):
        walk[:, k] = walk[:, k - 1] * memory + kick * noise[:, k]
    # The reference stacks images of some months, well before: the spread of the mean of such a walk is smaller.
    reference = 10.0 ** (-0.4 * 0.7 * sigma * rng.standard_normal(len(sigma)))
    return DampedRandomWalk(grid, walk, reference)


@dataclass(frozen=True, slots=True, eq=False)
class Periodic:
    """
    Periodic changes as a Fourier series in magnitude.

    Parameters
    ----------
    period : ndarray, shape (n,)
        [d].
    amplitude, phase : ndarray, shape (n, h)
        Half amplitude [mag] and phase [cycles] of each harmonic.
    reference : ndarray, shape (n,)
        Level of the reference image, as a factor on the mean flux.
    """

    period: NDArray[np.float64]
    amplitude: NDArray[np.float64]
    phase: NDArray[np.float64]
    reference: NDArray[np.float64]

    def __call__(self, which: NDArray[np.intp], mjd: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return flux / mean flux, shape (r,)."""
        cycles = (mjd / self.period[which])[:, None] * np.arange(1, self.amplitude.shape[1] + 1)
        waves = self.amplitude[which] * np.cos(2.0 * np.pi * (cycles + self.phase[which]))
        return np.asarray(10.0 ** (-0.4 * waves.sum(axis=1)))


@dataclass(frozen=True, slots=True, eq=False)
class Outbursts:
    """
    Recurrent outbursts: linear rise, plateau with a slope, exponential decline, as of dwarf novae.

    Parameters
    ----------
    start : ndarray, shape (n, k)
        MJD of the start of each of k outbursts.
    rise, plateau, decay : ndarray, shape (n,)
        Days to the top, on it, and e-folding time after it.
    height : ndarray, shape (n,)
        Flux at the top / flux in quiescence.
    reference : ndarray, shape (n,)
    """

    start: NDArray[np.float64]
    rise: NDArray[np.float64]
    plateau: NDArray[np.float64]
    decay: NDArray[np.float64]
    height: NDArray[np.float64]
    reference: NDArray[np.float64]

    def __call__(self, which: NDArray[np.intp], mjd: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return flux / quiescent flux, shape (r,)."""
        since = mjd[:, None] - self.start[which]
        rise, plateau, decay = (x[which][:, None] for x in (self.rise, self.plateau, self.decay))
        top = np.clip(since / rise, 0.0, 1.0) * 10.0 ** (-0.4 * 0.1 * np.clip(since - rise, 0.0, plateau))
        profile = top * np.exp(-np.maximum(since - rise - plateau, 0.0) / decay)
        return np.asarray(1.0 + self.height[which] * profile.max(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Flare:
    """
    One white-light flare: a rise of half its width, then two exponentials.

    The decline of the template of Davenport et al. (2014, ApJ 797, 122), equation 4:
    0.6890 e^{−1.600 t} + 0.3030 e^{−0.2783 t} with t in units of the full width at half maximum.

    Parameters
    ----------
    peak : ndarray, shape (n,)
        MJD of the maximum.
    width : ndarray, shape (n,)
        Full width at half maximum [d].
    height : ndarray, shape (n,)
        Flux at the maximum / quiescent flux, in ZTF r.
    reference : ndarray, shape (n,)
    """

    peak: NDArray[np.float64]
    width: NDArray[np.float64]
    height: NDArray[np.float64]
    reference: NDArray[np.float64]

    def __call__(self, which: NDArray[np.intp], mjd: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return flux / quiescent flux, shape (r,)."""
        t = (mjd - self.peak[which]) / self.width[which]
        late = np.maximum(t, 0.0)
        decline = 0.6890 * np.exp(-1.600 * late) + 0.3030 * np.exp(-0.2783 * late)
        profile = np.where(t < 0, np.clip(1.0 + 2.0 * t, 0.0, 1.0), decline)
        return np.asarray(1.0 + self.height[which] * profile)
