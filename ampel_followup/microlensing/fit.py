r"""
Point-source point-lens light curves, fitted to many objects at once.

The flux in band b is that of a magnified source and of what else is within the aperture,

.. math:: F_b(t) = f_b \, (A(u(t)) - 1) + B_b, \qquad u^2 = u_0^2 + \left( \frac{t - t_0}{t_E} \right)^2

(Paczynski 1986, ApJ 304, 1), with :math:`A` of `ampel_followup.microlensing.magnification`. :math:`f_b \ge 0` is the
flux of the source and :math:`B_b` the flux without a lens: of source and blend in total photometry, near 0 in
difference photometry. Gravity is the same for all wavelengths: :math:`t_0, t_E, u_0` are common to all bands.

**Variable projection** (Golub & Pereyra 1973, SIAM J. Numer. Anal. 10, 413): for given
:math:`θ = (t_0, \ln t_E, \ln u_0, s)` the best :math:`f_b, B_b` of each band are a weighted regression on A − 1, in
closed form, which leaves

.. math:: \min_θ \sum_i w_i \left( F_i - f_b (A_i - 1) - B_b \right)^2 + \sum_k \left( \frac{θ_k - μ_k}{s_k} \right)^2

to Levenberg's and Marquardt's method, with the derivatives of the residuals by Kaufman (1975, BIT 15, 49): those of the
model, less their own regression on A − 1 and 1. The priors hold where a few points determine nothing. All objects are
fitted together; a row depends on its own points alone.

The alternative to a lens is **skewed**: the time scale is :math:`t_E e^{-s}` before the peak and :math:`t_E e^{s}`
after it. A lens has s = 0; what explodes rises faster than it declines.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ampel_followup.features.ragged import Floats
from ampel_followup.microlensing.flux_points import N_BANDS, FluxPoints
from ampel_followup.microlensing.projection import DEGENERATE, PRIOR_SCATTER, Problem, shape


@dataclass(frozen=True, slots=True)
class PaczynskiFit:
    """
    Fits of n objects.

    Parameters
    ----------
    parameters : ndarray, shape (n, 4)
        As in `PARAMETERS`, t₀ on the clock of the points; NaN without a point.
    covariance : ndarray, shape (n, 4, 4)
        Of the parameters, by the curvature, bands marginalised; without the skewness where that was not fitted.
    chi2 : ndarray, shape (n,)
        Sum of squares of the data alone.
    source, baseline : ndarray, shape (n, 6)
        f and B of each band [µJy]; NaN where it has no point.
    regression : ndarray, shape (6 n, 3)
        Sums of the weights, of weighted A − 1 and of its square, in the unit of `FluxPoints`.
    slopes : ndarray, shape (6 n, 4, 2)
        Regression of each derivative of the model on 1 and A − 1.
    scale : ndarray, shape (n,)
        Unit of `FluxPoints` [µJy].
    """

    parameters: Floats
    covariance: Floats
    chi2: Floats
    source: Floats
    baseline: Floats
    regression: Floats
    slopes: Floats
    scale: Floats

    @property
    def peak_time(self) -> Floats:
        """t₀, shape (n,) [d]."""
        return self.parameters[:, 0]

    @property
    def einstein_time(self) -> Floats:
        """t_E, shape (n,) [d]."""
        return np.asarray(np.exp(self.parameters[:, 1]))

    @property
    def impact(self) -> Floats:
        """u₀, shape (n,)."""
        return np.asarray(np.exp(self.parameters[:, 2]))

    def predict(self, points: FluxPoints) -> tuple[Floats, Floats]:
        """
        Return the flux of the model at points, which need not be those that were fitted, and its variance.

        Parameters
        ----------
        points : FluxPoints
            Of the same n objects, on the same clock.

        Returns
        -------
        flux, variance : ndarray, shape (N,)
            In the unit of `scale`, to first order in the uncertainty of the parameters; the variance is infinite in a
            band that the fit has no two points of.
        """
        magnified, derivatives = shape(self.parameters[points.index], points.time)
        unit = self.scale[points.index]
        source = (self.source.ravel() / np.repeat(self.scale, N_BANDS))[points.group]
        baseline = (self.baseline.ravel() / np.repeat(self.scale, N_BANDS))[points.group]
        flux = source * magnified + baseline
        s1, sa, saa = self.regression[points.group].T
        determinant = s1 * saa - sa * sa
        told = determinant > DEGENERATE * s1 * saa
        with np.errstate(divide="ignore", invalid="ignore"):
            linear = (saa - 2.0 * magnified * sa + magnified**2 * s1) / determinant
        own = self.slopes[points.group]
        effect = source * derivatives - own[:, :, 0].T - own[:, :, 1].T * magnified
        shared = np.einsum("kp,pkl,lp->p", effect, self.covariance[points.index], effect)
        rescaled = unit / points.scale[points.index]
        variance = np.where(told, linear + np.maximum(shared, 0.0), np.inf) * rescaled**2
        return np.where(np.isfinite(flux), flux, np.nan) * rescaled, variance


def fit_paczynski(
    points: FluxPoints, *, skewed: bool = False, start: Floats | None = None, scatter: Floats = PRIOR_SCATTER
) -> PaczynskiFit:
    """
    Fit all objects.

    Parameters
    ----------
    points : FluxPoints
        Of n objects.
    skewed : bool
        Let the time scales before and after the peak differ.
    start : ndarray, shape (n, 4), optional
        Where to begin; by default at the two best of a grid over peak times, time scales and impact parameters.
    scatter : ndarray, shape (4,)
        Standard deviations of the priors on the parameters.

    Returns
    -------
    PaczynskiFit
        A row depends on its own points alone.
    """
    problem = Problem.of(points, skewed, scatter)
    if start is not None:
        parameters, _ = problem.minimise(problem.clip(start))
    else:
        short, long = problem.starts()
        first, cost = problem.minimise(short)
        second, cost_of_second = problem.minimise(long)
        parameters = np.where((cost_of_second < cost)[:, None], second, first)
    return _finished(problem, parameters)


def _finished(problem: Problem, parameters: Floats) -> PaczynskiFit:
    points = problem.points
    residual, _, source, baseline, sums = problem.project(parameters)
    _, curvature, _, slopes = problem.linearise(parameters)
    covariance = np.asarray(np.linalg.inv(curvature), dtype=np.float64)
    if not problem.skewed:
        covariance[:, 3, :] = covariance[:, :, 3] = 0.0
    chi2 = points.sum(points.weight * residual**2)
    empty = points.count() == 0
    parameters = np.where(empty[:, None], np.nan, parameters)
    unit = np.where(sums[0] > 0, np.repeat(points.scale, N_BANDS), np.nan)
    return PaczynskiFit(
        parameters,
        covariance,
        np.where(empty, np.nan, chi2),
        (source * unit).reshape(-1, N_BANDS),
        (baseline * unit).reshape(-1, N_BANDS),
        np.stack(sums, axis=1),
        slopes,
        points.scale,
    )
