"""How much a lens magnifies a point source: one lens in closed form, and a lens with a planet."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def point_lens(u: ArrayLike) -> tuple[Array, Array]:
    r"""
    Return the magnification by one lens, and its derivative.

    .. math:: A(u) = \frac{u^2 + 2}{u \sqrt{u^2 + 4}}, \qquad \frac{dA}{du} = \frac{-8}{u^2 (u^2 + 4)^{3/2}}

    (Paczynski 1986, ApJ 304, 1, eq. 6).

    Parameters
    ----------
    u : array_like, shape (...)
        Distance of source and lens in Einstein radii, above 0.

    Returns
    -------
    magnification, slope : ndarray, shape (...)
        A, 1 or more; and dA/du, negative.
    """
    u = np.asarray(u, dtype=np.float64)
    root = np.sqrt(u * u + 4.0)
    return (u * u + 2.0) / (u * root), -8.0 / (u * u * root**3)


def planetary_lens(x: ArrayLike, y: ArrayLike, separation: ArrayLike, ratio: ArrayLike) -> Array:
    r"""
    Return the magnification by a star with a planet.

    With lenses of mass fractions :math:`ε_j` at :math:`z_j`, images of a source at :math:`ζ = x + i y` obey

    .. math:: ζ = z - \sum_j \frac{ε_j}{\bar z - \bar z_j}

    (Witt 1990, A&A 236, 311), which is a polynomial of fifth degree in z once :math:`\bar z` is eliminated. Its roots
    that obey the equation itself are images, each magnified by :math:`1 / |1 - |\sum_j ε_j / (z - z_j)^2|^2|`.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Position of the source in Einstein radii of the whole mass; the star is near the origin, at −s q / (1 + q) on
        the x-axis, so that the centre of mass is at 0.
    separation : array_like
        s, distance of star and planet, in the same unit.
    ratio : array_like
        q, mass of the planet over that of the star, 1e-6 or more: below that images are lost in rounding.

    Returns
    -------
    ndarray, shape (n,)
        Of a point source: infinite on a caustic.
    """
    x, y, separation, ratio = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (x, y, separation, ratio)))
    source = x + 1j * y
    star, planet = -separation * ratio / (1.0 + ratio) + 0j, separation / (1.0 + ratio) + 0j
    mass = np.stack([1.0 / (1.0 + ratio), ratio / (1.0 + ratio)])
    place = np.stack([star, planet])
    images = _roots(_image_polynomial(source, mass, place))
    gap = np.conj(images)[None] - np.conj(place)[:, :, None]
    mapped = images - (mass[:, :, None] / gap).sum(axis=0)
    error = np.abs(mapped - source[:, None])
    shear = np.abs((mass[:, :, None] / (images[None] - place[:, :, None]) ** 2).sum(axis=0)) ** 2
    magnified = 1.0 / np.abs(1.0 - shear)
    # Three images or five, never four: the three roots that fit best always count, the others as a pair.
    order = np.argsort(error, axis=1)
    magnified, error = np.take_along_axis(magnified, order, axis=1), np.take_along_axis(error, order, axis=1)
    return np.asarray(magnified[:, :3].sum(axis=1) + np.where(error[:, 4] < 1e-5, magnified[:, 3:].sum(axis=1), 0.0))


def _image_polynomial(
    source: NDArray[np.complex128], mass: Array, place: NDArray[np.complex128]
) -> NDArray[np.complex128]:
    """Coefficients, the highest power first, shape (n, 6), of the polynomial whose roots hold the images."""
    (m1, m2), (z1, z2) = mass, place
    n = len(source)

    def times(p: NDArray[np.complex128], q: NDArray[np.complex128]) -> NDArray[np.complex128]:
        product = np.zeros((n, p.shape[1] + q.shape[1] - 1), dtype=np.complex128)
        for k in range(p.shape[1]):
            product[:, k : k + q.shape[1]] += p[:, k : k + 1] * q
        return product

    one = np.ones(n, dtype=np.complex128)
    first, second = np.stack([one, -z1], axis=1), np.stack([one, -z2], axis=1)
    both = times(first, second)
    # z̄ − z̄_j = ζ̄ − z̄_j + Σ ε_k / (z − z_k) = N_j / ((z − z₁)(z − z₂)): the equation conjugated, put into itself.
    pull = np.zeros((n, 3), dtype=np.complex128)
    pull[:, 1:] = m1[:, None] * second + m2[:, None] * first
    n1 = (np.conj(source) - np.conj(z1))[:, None] * both + pull
    n2 = (np.conj(source) - np.conj(z2))[:, None] * both + pull
    polynomial = times(np.stack([one, -source], axis=1), times(n1, n2))
    polynomial[:, 1:] -= times(both, m1[:, None] * n2 + m2[:, None] * n1)
    return polynomial


def _roots(polynomial: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Roots of n polynomials, the highest power first: eigenvalues of their companion matrices, then polished."""
    n, size = polynomial.shape[0], polynomial.shape[1] - 1
    companion = np.zeros((n, size, size), dtype=np.complex128)
    companion[:, np.arange(1, size), np.arange(size - 1)] = 1.0
    companion[:, 0, :] = -polynomial[:, 1:] / polynomial[:, :1]
    roots = np.asarray(np.linalg.eigvals(companion), dtype=np.complex128)
    for _ in range(3):
        value, slope = polynomial[:, :1] + 0.0 * roots, np.zeros_like(roots)
        for k in range(1, size + 1):
            slope = slope * roots + value
            value = value * roots + polynomial[:, k : k + 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            step = value / slope
        roots = roots - np.where(np.isfinite(step), step, 0.0)
    return roots
