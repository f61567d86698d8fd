"""Slopes and gaps of many light curves at once."""

from __future__ import annotations

import numpy as np

from ampel_followup.features.ragged import Floats, Indices, Mask, Points, Segments


def common_slope(
    time: Floats, value: Floats, error: Floats, group: Indices, segments: Segments, least_span: Floats | float
) -> tuple[Floats, Floats]:
    r"""
    Fit one slope to all groups (bands, nights) of an object, each with an offset of its own.

    With weights :math:`w = 1/σ^2` and weighted means :math:`\bar t_g, \bar v_g` of each group,

    .. math:: s = \frac{\sum w (t - \bar t_g)(v - \bar v_g)}{\sum w (t - \bar t_g)^2}, \qquad
              σ_s^{-2} = \sum w (t - \bar t_g)^2

    Parameters
    ----------
    time, value, error : ndarray, shape (N,)
        Points, in time order within each object; errors positive.
    group : ndarray of int, shape (N,)
        Group of each point; no group spans two objects.
    segments : Segments
        The n objects.
    least_span : float, or ndarray of shape (n,)
        If no group of an object covers this much time, it has no slope [d].

    Returns
    -------
    slope, slope_err : ndarray, shape (n,)
        NaN where not measurable.
    """
    if len(time) == 0:
        return np.full(len(segments), np.nan), np.full(len(segments), np.nan)
    group, n_groups = _numbered(group)
    # Written in time order, the last one stays; backwards, the first one.
    start, end = np.empty(n_groups), np.empty(n_groups)
    start[group[::-1]], end[group] = time[::-1], time
    span = segments.maximum((end - start)[group])
    # Weights relative to one point of the object: extreme errors neither overflow nor vanish.
    weight = (segments.first(error)[segments.index] / error) ** 2
    total = np.bincount(group, weights=weight)
    t = time - (np.bincount(group, weights=weight * (time - start[group])) / total + start)[group]
    v = value - (np.bincount(group, weights=weight * value) / total)[group]
    information = segments.sum(weight * t * t)
    information = np.where((span >= least_span) & (information > 0), information, np.nan)
    return segments.sum(weight * t * v) / information, segments.first(error) / np.sqrt(information)


def joined_groups(*groups: Indices) -> Indices:
    """Return the groups of several sets of points, numbered from 0 in each, such that none is in two sets."""
    shifted, begin = [], 0
    for group in groups:
        shifted.append(group + begin)
        begin += int(group.max(initial=0)) + 1
    return np.concatenate(shifted)


def _numbered(group: Indices) -> tuple[Indices, int]:
    """Return the groups numbered in increasing order from 0, and how many there are: `np.unique` takes much longer."""
    order = group.argsort(kind="stable")
    ordered = group[order]
    step = np.zeros(len(group), dtype=np.intp)
    step[1:] = ordered[1:] != ordered[:-1]
    numbered = np.empty(len(group), dtype=np.intp)
    numbered[order] = step.cumsum()
    return numbered, int(numbered[order[-1]]) + 1


def gaps(points: Points) -> tuple[Floats, Mask]:
    """
    Return the time since the point before.

    Parameters
    ----------
    points : Points
        N points.

    Returns
    -------
    gap : ndarray, shape (N,)
        In days; 0 for the first point of an object.
    interior : ndarray of bool, shape (N,)
        False for the first point of an object.
    """
    interior = np.ones(len(points.time), dtype=np.bool_)
    interior[points.segments.offsets[:-1][points.segments.counts > 0]] = False
    gap = np.zeros(len(points.time))
    np.subtract(points.time[1:], points.time[:-1], out=gap[1:], where=interior[1:])
    return gap, interior


def ratio(numerator: Floats | Indices, denominator: Floats | Indices) -> Floats:
    """Return the quotient, shape (n,); NaN where the denominator is not positive."""
    return numerator / np.where(denominator > 0, denominator, np.nan)
