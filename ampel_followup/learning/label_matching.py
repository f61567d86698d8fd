"""
Which object a label is of: by the survey's name, by the broker's number, or by position.

A label keeps the name that its source gave (`Label.name`) where the store has the object under another one. What
matches nothing is kept as it is: when the object appears, `match_waiting` finds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ampel_followup.labels import Label
from ampel_followup.survey_names import lsst_number

if TYPE_CHECKING:
    from ampel_followup.store import Store, StoredObject

#: Farthest that a label may be from the object that it is of [arcsec].
MAX_SEPARATION = 2.0

#: How a label was matched that gives another name than the store has.
BY_NUMBER, BY_POSITION = "broker id", "position"


@dataclass(frozen=True, slots=True)
class Matching:
    """
    Labels, each under the name of its object.

    Parameters
    ----------
    labels : tuple of Label
        In the order given; what two names of one row say of one object is there once.
    n_by_name, n_by_number, n_by_position : int
        Labels matched each way.
    unknown : tuple of Label
        Those of objects that the store does not know, also in `labels`.
    """

    labels: tuple[Label, ...]
    n_by_name: int
    n_by_number: int
    n_by_position: int
    unknown: tuple[Label, ...]


def match(labels: Sequence[Label], objects: Sequence[StoredObject]) -> Matching:
    """
    Put labels under the names of the objects that they are of.

    A name counts more than a number, and a number more than a position; of several objects within `MAX_SEPARATION` the
    nearest is meant.

    Parameters
    ----------
    labels : sequence of Label
    objects : sequence of StoredObject

    Returns
    -------
    Matching
    """
    names = {known.id for known in objects}
    by_number = {str(known.stock): known.id for known in objects if known.stock}
    placed = list(labels)
    counts = {"name": 0, BY_NUMBER: 0, BY_POSITION: 0}
    open_rows = []
    for row, label in enumerate(labels):
        if label.target in names:
            counts["name"] += 1
        elif (number := by_number.get(str(lsst_number(label.target) or label.target))) is not None:
            counts[BY_NUMBER] += 1
            placed[row] = _under(label, number, BY_NUMBER)
        else:
            open_rows.append(row)
    unknown = []
    where = nearest(
        np.array([(labels[row].ra, labels[row].dec) for row in open_rows], dtype=np.float64).reshape(-1, 2),
        np.array([(known.ra, known.dec) for known in objects], dtype=np.float64).reshape(-1, 2),
        MAX_SEPARATION,
    )
    for row, index in zip(open_rows, where.tolist(), strict=True):
        if index < 0:
            unknown.append(labels[row])
        else:
            counts[BY_POSITION] += 1
            placed[row] = _under(labels[row], objects[index].id, BY_POSITION)
    return Matching(
        tuple(_without_repeats(placed)), counts["name"], counts[BY_NUMBER], counts[BY_POSITION], tuple(unknown)
    )


def match_waiting(store: Store) -> int:
    """
    Match the labels that came before their object did.

    Each that matches is appended once more, under the name of the object; the record of what came stays as it is.

    Parameters
    ----------
    store : Store
        Open for writing.

    Returns
    -------
    int
        Labels that found their object.
    """
    objects = store.learning.objects()
    names = {known.id for known in objects}
    waiting = [label for label in store.labels() if label.target not in names]
    if not waiting or not objects:
        return 0
    found = [label for label in match(waiting, objects).labels if label.matched]
    return store.add_labels(found)[0]


def nearest(points: NDArray[np.float64], others: NDArray[np.float64], radius: float) -> NDArray[np.intp]:
    """
    Return which of other positions on the sphere is nearest to each position, within a radius.

    Angles are chords of the unit sphere, 2 sin(θ/2): right through the poles and where right ascension begins anew.

    Parameters
    ----------
    points : ndarray, shape (n, 2)
        Right ascension and declination, ICRS [deg]; NaN = not known, which is near nothing.
    others : ndarray, shape (m, 2)
        All known.
    radius : float
        [arcsec]

    Returns
    -------
    ndarray of int, shape (n,)
        Index into `others`, -1 where none is within the radius.
    """
    found = np.full(len(points), -1, dtype=np.intp)
    known = np.isfinite(points).all(axis=1)
    if len(others) == 0 or not known.any():
        return found
    from scipy.spatial import cKDTree

    chord = 2.0 * np.sin(np.radians(radius / 3600.0) / 2.0)
    distance, index = cKDTree(unit_vectors(others)).query(unit_vectors(points[known]))
    found[known] = np.where(distance <= chord, index, -1)
    return found


def unit_vectors(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return unit vectors, shape (n, 3), of right ascensions and declinations, shape (n, 2) [deg]."""
    ra, dec = np.radians(positions.T)
    return np.column_stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


def _under(label: Label, target: str, how: str) -> Label:
    return replace(label, target=target, name=label.name or label.target, matched=how)


def _without_repeats(labels: Iterable[Label]) -> list[Label]:
    """Drop what was said already, such as of two names in one row of a table that are one object's."""
    return list({(label.time, label.statement): label for label in reversed(list(labels))}.values())[::-1]
