"""
Labelled objects of a store as a challenger learns from them: with what was known when they were ranked.

A ranking sees an object on the night on which it is decided on. Trained on complete light curves, a model would know
what that night could not; so each light curve is the one that the object had when a plan first listed it, cut at the
last detection of that plan.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError
from ampel_followup.labels import MIN_CONFIDENCE, Kind, Label, effective_labels, is_coarse, trust
from ampel_followup.learning.label_matching import unit_vectors
from ampel_followup.learning.light_curve_files import until
from ampel_followup.learning.sources import Omission
from ampel_followup.learning_state import first_listings
from ampel_followup.lightcurve import LightCurve

if TYPE_CHECKING:
    from ampel_followup.store import Appearance, Store

#: Objects nearer to each other than this share a host, and are never split between training and test [arcsec].
SAME_HOST = 10.0


@dataclass(frozen=True)
class LabelledObjects:
    """
    n labelled objects.

    Parameters
    ----------
    light_curves : tuple of LightCurve
        As known when they were ranked.
    labels : tuple of Label
        The one that counts, of each.
    groups : ndarray of int, shape (n,)
        Objects of one host have the same number.
    omitted : tuple of Omission
        Labelled objects that cannot be learned from, and why.
    """

    light_curves: tuple[LightCurve, ...]
    labels: tuple[Label, ...]
    groups: NDArray[np.intp]
    omitted: tuple[Omission, ...]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the objects."""
        return tuple(light_curve.id for light_curve in self.light_curves)

    @property
    def classes(self) -> tuple[str, ...]:
        """What each is."""
        return tuple(label.class_name for label in self.labels)


def labelled_objects(
    store: Store,
    known_classes: Collection[str] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> LabelledObjects:
    """
    Return the labelled objects of a store that were ranked, in order of their names.

    Parameters
    ----------
    store : Store
    known_classes : collection of str
        Classes of the champion: learned whatever the taxonomy says of them.
    progress : callable
        Called with the objects read, and their number.

    Returns
    -------
    LabelledObjects

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    plans = first_listings(store.appearances(labelled=True))
    held = effective_labels(store.labels())
    omitted = [Omission(target, "never in a plan") for target in sorted(held) if target not in plans]
    curves: list[LightCurve] = []
    labels: list[Label] = []
    ranked = sorted(target for target in held if target in plans)
    for number, target in enumerate(ranked, 1):
        label = held[target][0]
        reason = _why_not(held[target], known_classes)
        if reason is None:
            found = _as_ranked(store, target, plans[target])
            if isinstance(found, Omission):
                omitted.append(found)
            else:
                curves.append(found)
                labels.append(label)
        else:
            omitted.append(Omission(target, reason, label.type))
        progress(number, len(ranked))
    positions = np.array([(curve.ra, curve.dec) for curve in curves], dtype=np.float64).reshape(-1, 2)
    return LabelledObjects(tuple(curves), tuple(labels), host_groups(positions), tuple(omitted))


def host_groups(positions: NDArray[np.float64], radius: float = SAME_HOST) -> NDArray[np.intp]:
    """
    Give the same number to positions that are connected by separations within a radius.

    Parameters
    ----------
    positions : ndarray, shape (n, 2)
        Right ascension and declination, ICRS [deg].
    radius : float
        [arcsec]

    Returns
    -------
    ndarray of int, shape (n,)
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    n = len(positions)
    if n == 0:
        return np.zeros(0, dtype=np.intp)
    chord = 2.0 * np.sin(np.radians(radius / 3600.0) / 2.0)
    pairs = cKDTree(unit_vectors(positions)).query_pairs(chord, output_type="ndarray")
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.intp)


def _why_not(held: Sequence[Label], known_classes: Collection[str]) -> str | None:
    """Return why the labels of an object do not say what it is, or None if they do."""
    label = held[0]
    if label.confidence < MIN_CONFIDENCE:
        return "label is less than half sure"
    if is_coarse(label.type):
        return "type is too coarse"
    if label.kind is Kind.UNKNOWN and label.class_name not in known_classes:
        return "type is not in the taxonomy"
    rivals = (other for other in held[1:] if trust(other.source) == trust(label.source) and not is_coarse(other.type))
    if any(other.class_name != label.class_name for other in rivals):
        return "labels of equal trust disagree"
    return None


def _as_ranked(store: Store, target: str, appearance: Appearance) -> LightCurve | Omission:
    """Return the light curve of an object as a plan knew it."""
    ranked = store.learning.target(target, appearance.revision)
    stored = store.light_curve(target, when_listed=True) or store.light_curve(target)
    if ranked is None or stored is None:
        return Omission(target, "no light curve")
    curve, seen = stored.to_light_curve(), ranked.photometry
    if (int(curve.detected.sum()), int(curve.upper_limit.sum())) == (seen.n_detections, seen.n_limits):
        return curve
    try:
        curve = until(curve, seen.last_mjd)
    except FollowupError as error:
        return Omission(target, "light curve no longer reaches back to the plan", str(error))
    if int(curve.detected.sum()) < seen.n_detections / 2:
        # Newer packets forget what is older than their history.
        return Omission(target, "light curve no longer reaches back to the plan")
    return curve
