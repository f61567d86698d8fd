"""Gaussian processes fitted to many light curves: the best of a grid, then Levenberg's and Marquardt's method."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

from ampel_followup.gaussian_process.kernels import KERNELS, Kernel
from ampel_followup.gaussian_process.likelihood import linearised, log_posterior
from ampel_followup.gaussian_process.photometry import WAVELENGTHS, Batch, Photometry, batches_of, photometry_of
from ampel_followup.gaussian_process.process import GaussianProcess
from ampel_followup.learning.sources import Omission
from ampel_followup.lightcurve import LightCurve

Array = NDArray[np.float64]

#: The kernel to use unless there is a reason for another one.
DEFAULT_KERNEL = KERNELS["warped"]

_ITERATIONS = 20

# An object is settled once a step raises its logarithm of the posterior by less than this.
_SETTLED = 1e-3

# Starts: of t₀, before the first detection [10 d], and of ln ℓ relative to the mean of its prior.
_EXPLOSIONS = (-0.2, -0.8, -1.6, -3.0)
_SMOOTHER = (-0.5, 0.5)


@dataclass(frozen=True)
class Fits:
    """
    What became of light curves.

    Parameters
    ----------
    processes : tuple of GaussianProcess
        In the order of the light curves.
    omitted : tuple of Omission
        Those that cannot be fitted, and why.
    """

    processes: tuple[GaussianProcess, ...]
    omitted: tuple[Omission, ...]


def fit_gaussian_processes(
    light_curves: Sequence[LightCurve],
    kernel: Kernel = DEFAULT_KERNEL,
    *,
    wavelengths: Mapping[str, float] = WAVELENGTHS,
    threads: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Fits:
    """
    Fit the parameters of a kernel to each of many light curves.

    Parameters
    ----------
    light_curves : sequence of LightCurve
        One point is enough: what it does not determine stays as the prior has it. Of more than 400 points, neighbours
        of the same band are averaged. Limits count as no flux with half the limit as error.
    kernel : Kernel
    wavelengths : mapping of str to float
        Effective wavelengths of the bands [Å].
    threads : int, optional
        By default one per core, at most four. Results do not depend on it, nor on what else is fitted.
    progress : callable
        Called with the objects done, and their number.

    Returns
    -------
    Fits
        Without the objects that have no detection, or a band of unknown wavelength.
    """
    usable: list[tuple[LightCurve, Photometry]] = []
    omitted: list[Omission] = []
    for light_curve in light_curves:
        points = photometry_of(light_curve, wavelengths)
        if isinstance(points, str):
            omitted.append(Omission(light_curve.id, *_parted(points)))
        else:
            usable.append((light_curve, points))
    parameters = np.zeros((len(usable), len(kernel.prior_mean)))
    value = np.zeros(len(usable))
    done = 0
    progress(done, len(usable))
    workers = threads or min(os.cpu_count() or 1, 4)
    # Matrices are small: a thread of our own for each batch is faster than several of BLAS for each matrix.
    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        batches = batches_of([points for _, points in usable])
        for batch, (best, height) in zip(batches, pool.map(lambda one: maximise(kernel, one), batches), strict=True):
            parameters[batch.rows], value[batch.rows] = best, height
            done += len(batch.rows)
            progress(done, len(usable))
    processes = [
        GaussianProcess(light_curve.id, kernel, parameters[i], points, float(value[i]))
        for i, (light_curve, points) in enumerate(usable)
    ]
    return Fits(tuple(processes), tuple(omitted))


def maximise(kernel: Kernel, batch: Batch) -> tuple[Array, Array]:
    """Return the parameters (b, p) of the largest posterior found, and its logarithm (b,)."""
    parameters = _starts(kernel, batch)
    value = np.zeros(len(parameters))
    rows = np.arange(len(parameters))
    state = _State.begin(kernel, parameters, batch)
    for step in range(_ITERATIONS):
        state = state.improved(kernel, batch)
        parameters[rows], value[rows] = state.parameters, state.value
        moving = ~state.settled
        if not moving.any() or step + 1 == _ITERATIONS:
            break
        if moving.sum() <= 0.75 * len(moving):
            rows, batch, state = rows[moving], batch.among(moving), state.among(moving)
    return parameters, value


def _starts(kernel: Kernel, batch: Batch) -> Array:
    """Return the best of a grid of parameters about the means of the priors, shape (b, p)."""
    best = np.tile(kernel.prior_mean, (len(batch.rows), 1))
    height = np.full(len(best), -np.inf)
    for explosion in _EXPLOSIONS if kernel.warped else (None,):
        for smoother in _SMOOTHER:
            tried = np.tile(kernel.prior_mean, (len(best), 1))
            tried[:, 3] += smoother
            if explosion is not None:
                tried[:, 4] = explosion
            value = log_posterior(kernel, tried, batch)
            better = value > height
            best[better], height[better] = tried[better], value[better]
    return kernel.clip(best)


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """Where the search for b maxima is."""

    parameters: Array
    value: Array
    gradient: Array
    curvature: Array
    damping: Array
    settled: NDArray[np.bool_]

    @classmethod
    def begin(cls, kernel: Kernel, parameters: Array, batch: Batch) -> _State:
        b = len(parameters)
        return cls(parameters, *linearised(kernel, parameters, batch), np.full(b, 1e-2), np.zeros(b, dtype=np.bool_))

    def improved(self, kernel: Kernel, batch: Batch) -> _State:
        """Try one step in each object; take it where the posterior grows."""
        damped, diagonal = self.curvature.copy(), np.arange(self.parameters.shape[1])
        damped[:, diagonal, diagonal] *= 1.0 + self.damping[:, None]
        step = np.linalg.solve(damped, self.gradient[:, :, None])[:, :, 0]
        tried = kernel.clip(self.parameters + np.clip(step, -1.5, 1.5))
        value, gradient, curvature = linearised(kernel, tried, batch)
        better = (value > self.value) & ~self.settled
        damping = np.where(better, self.damping * 0.2, self.damping * 8.0)
        small = better & (value - self.value < _SETTLED) & (self.damping < 1.0)
        return _State(
            np.where(better[:, None], tried, self.parameters),
            np.where(better, value, self.value),
            np.where(better[:, None], gradient, self.gradient),
            np.where(better[:, None, None], curvature, self.curvature),
            damping,
            self.settled | small | (damping > 1e4),
        )

    def among(self, chosen: NDArray[np.bool_]) -> _State:
        """Return the state of some of the objects."""
        return _State(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def _parted(reason: str) -> tuple[str, str]:
    what, _, which = reason.partition(": ")
    return what, which
