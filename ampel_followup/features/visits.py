"""
Visits: the nights on which there was something new of an object, and its features as they were then.

A visit sees the points until its end and never a later one. What the catalogues say (`LightCurve.meta`), and the
position of the object, are those of the latest packet at every visit: packets repeat them without their history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError
from ampel_followup.features import context, early
from ampel_followup.features.featureset import FeatureSet, table
from ampel_followup.features.ragged import Floats, Indices, stack
from ampel_followup.features.virtual_assistant import DAY1, DAYN, Nights, day1_columns, day_n_columns
from ampel_followup.lightcurve import LightCurve

#: The feature sets that are known at every visit.
SETS: Mapping[str, FeatureSet] = {s.name: s for s in (DAY1, DAYN, early.EARLY, context.CONTEXT)}


@dataclass(frozen=True, slots=True)
class Visits:
    """
    Visits of n objects, in order of time within each.

    Parameters
    ----------
    object_index : ndarray of int, shape (v,)
        Which object.
    n_points : ndarray of int, shape (v,)
        How many of its points were known at the end of the visit.
    mjd : ndarray, shape (v,)
        The last of them [MJD, UTC].
    day : ndarray, shape (v,)
        Begin of the night since the first detection [d]; 0 at the first visit.
    number : ndarray of int, shape (v,)
        0 for the visit of the first detection, 1, 2 … after it.
    """

    object_index: Indices
    n_points: Indices
    mjd: Floats
    day: Floats
    number: Indices

    def __len__(self) -> int:
        return len(self.object_index)

    def select(self, which: NDArray[np.bool_] | Indices) -> Visits:
        """Return some of the visits, in the order asked for."""
        return Visits(
            self.object_index[which], self.n_points[which], self.mjd[which], self.day[which], self.number[which]
        )


def visits(light_curves: Sequence[LightCurve]) -> Visits:
    """
    Find all visits: the nights with points, limits included, from that of the first detection on.

    Parameters
    ----------
    light_curves : sequence of LightCurve
        n objects; one without a detection has no visit.

    Returns
    -------
    Visits
    """
    if not light_curves:
        nothing = np.empty(0, np.intp)
        return Visits(nothing, nothing, np.empty(0), np.empty(0), nothing)
    points = stack(light_curves)
    nights = Nights.of(points)
    entry = nights.entry[nights.object_index]
    number = np.arange(len(nights.object_index)) - entry
    night = np.flatnonzero((entry >= 0) & (number >= 0))
    object_index, stop = nights.object_index[night], nights.segments.offsets[1:][night]
    mjd = np.concatenate([lc.time for lc in light_curves])[stop - 1]
    n_points = stop - points.segments.offsets[:-1][object_index]
    return Visits(object_index, n_points, mjd, nights.day[night], number[night])


def visit_features(
    light_curves: Sequence[LightCurve], visits: Visits, sets: Sequence[str] = tuple(SETS)
) -> tuple[tuple[str, ...], Floats]:
    """
    Compute features at visits: those of the light curve as if it ended there.

    Parameters
    ----------
    light_curves : sequence of LightCurve
        The n objects of which `visits` are, in the same order.
    visits : Visits
        v visits: all, or some.
    sets : sequence of str
        Names out of `SETS`. ``day1`` is the same at all visits of an object: what was known on entry.

    Returns
    -------
    names : tuple of str
        k features, set by set.
    values : ndarray, shape (v, k)
        NaN where a feature cannot be measured, never infinite. A row depends on its own visit alone: it is the same to
        the last bit in any batch.

    Raises
    ------
    FollowupError
        If a set is not known at visits.
    """
    for name in sets:
        if name not in SETS:
            raise FollowupError(f"no feature set {name!r} at visits; there are {', '.join(SETS)}")
    names = tuple(name for s in sets for name in SETS[s].names)
    if len(visits) == 0:
        return names, np.full((0, len(names)), np.nan)
    with np.errstate(all="ignore"):  # values beyond all bounds overflow and end as NaN
        columns = _columns(light_curves, visits, sets)
    return names, table(names, columns)


def _columns(light_curves: Sequence[LightCurve], visits: Visits, sets: Sequence[str]) -> dict[str, Floats]:
    points = stack(light_curves)
    columns: dict[str, Floats] = {}
    if "day1" in sets or "dayN" in sets:
        nights = Nights.of(points)
        on_entry = day1_columns(light_curves, points, nights)
        columns |= {name: values[visits.object_index] for name, values in on_entry.items()}
        last = points.segments.offsets[:-1][visits.object_index] + visits.n_points - 1
        columns |= day_n_columns(points, nights, nights.segments.index[last])
    if "early" in sets or "context" in sets:
        known = points.beginnings(visits.object_index, visits.n_points)
        if "early" in sets:
            columns |= early.columns_of(known)
        if "context" in sets:
            columns |= context.columns_of(light_curves, known, visits.object_index)
    return columns
