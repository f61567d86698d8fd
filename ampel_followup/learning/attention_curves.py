"""Light curves whose class is known, from the first detection on: what networks with attention learn from."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.alerts.ztf import light_curve_from_candidates, ztf_stock
from ampel_followup.errors import FollowupError
from ampel_followup.features.hosts import Hosts
from ampel_followup.features.ragged import Points, stack
from ampel_followup.features.sequence import of_the_transient
from ampel_followup.lightcurve import LightCurve

# Nights that simulated objects are seen in: every season, Moon and age of ZTF.
_FIRST_NIGHT, _LAST_NIGHT, _NIGHTS = datetime.date(2018, 5, 15), datetime.date(2026, 11, 15), 60

# Days of photometry before the night, from night to night: what alerts carry, what archives have, a whole supernova.
_ALERTS, _ARCHIVES = (100, 30, 30), (30, 100, 250)

# So many objects are drawn for each that is kept, where few and many detections shall be alike.
_DRAWN = 6

# Of every so many objects only the detections are known.
_WITHOUT_LIMITS = 3


@dataclass(frozen=True, slots=True, eq=False)
class LabelledCurves:
    """
    n light curves with their classes.

    Parameters
    ----------
    name : str
    curves : tuple of LightCurve, length n
    points : Points
        Of the n objects, from 30 d before the first detection on: what is known of an object once it is one.
    y : ndarray of int, shape (n,)
        Classes, 0 to k − 1.
    class_names : tuple of str, length k
    note : str
        What in the data is real, and what was done to it.
    """

    name: str
    curves: tuple[LightCurve, ...]
    points: Points
    y: NDArray[np.intp]
    class_names: tuple[str, ...]
    note: str

    def __len__(self) -> int:
        return len(self.y)

    def of(self, rows: NDArray[np.intp]) -> Points:
        """Return the points of some objects, in the order asked for."""
        return self.points.beginnings(rows, self.points.segments.counts[rows])

    @property
    def hosts(self) -> Hosts:
        """Their hosts, as far as the light curves name them."""
        return Hosts.of(self.curves)

    @property
    def digest(self) -> str:
        """SHA-256 of all that results depend on."""
        text = hashlib.sha256("\n".join((self.name, *self.class_names, *(c.id for c in self.curves))).encode())
        for values in (self.points.time, self.points.flux, self.points.flux_err):
            text.update(np.ascontiguousarray(values, dtype=np.float64).tobytes())
        text.update(self.points.letter.tobytes() + np.ascontiguousarray(self.y, dtype=np.int64).tobytes())
        return text.hexdigest()


def labelled_curves(
    name: str, curves: Sequence[LightCurve], labels: Sequence[str], note: str, class_names: Sequence[str] = ()
) -> LabelledCurves:
    """
    Put light curves and their classes together.

    Parameters
    ----------
    name, note : str
    curves : sequence of LightCurve, length n
        At least one; those without a point in a known band are left out.
    labels : sequence of str, length n
    class_names : sequence of str, optional
        By default the labels, in alphabetical order.

    Raises
    ------
    FollowupError
        If there are no light curves.
    """
    classes = tuple(class_names) or tuple(sorted(set(labels)))
    if not curves:
        raise FollowupError(f"{name}: no light curves of known class")
    points = of_the_transient(stack(curves))
    rows = np.flatnonzero(points.segments.counts > 0)
    y = np.array([classes.index(labels[i]) for i in rows.tolist()], dtype=np.intp)
    kept = points.beginnings(rows, points.segments.counts[rows])
    return LabelledCurves(name, tuple(curves[i] for i in rows.tolist()), kept, y, classes, note)


def simulated_curves(
    n: int,
    seed: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    archives: bool = True,
) -> LabelledCurves:
    """
    Simulate light curves of ZTF on 60 nights of its lifetime, all classes of a demo night equally frequent.

    Parameters
    ----------
    n : int
        Number of objects.
    seed : int
    progress : callable
        Called with the number of nights that are simulated, and of all.
    archives : bool
        As alerts and as archives have them: 30, 100 or 250 days of photometry before the night; every third object
        without its limits; and on every second night few and many detections alike, for most objects in a magnitude
        limited sample have a handful. False: as alerts come, 30 days of photometry, and 100 on every third night.
    """
    from ampel_followup.simulate import DEFAULT_MIX, simulate_objects

    classes = tuple(DEFAULT_MIX)
    mix = dict.fromkeys(classes, 1.0)
    span = (_LAST_NIGHT - _FIRST_NIGHT).days
    curves, labels = [], []
    for k in range(_NIGHTS):
        night = _FIRST_NIGHT + datetime.timedelta(days=round(span * k / (_NIGHTS - 1)))
        rng = np.random.default_rng([seed, k])
        share = n // _NIGHTS + (k < n % _NIGHTS)
        history = _ARCHIVES[k % len(_ARCHIVES)] if archives else _ALERTS[k % len(_ALERTS)]
        drawn = share * _DRAWN if archives and k % 2 else share
        of_night, of_label = [], []
        for j, item in enumerate(simulate_objects(drawn, night, rng, mix=mix, first_number=k * n, history=history)):
            bare = archives and j % _WITHOUT_LIMITS == 0
            records = [one for one in item.candidates if one["candid"] is not None] if bare else item.candidates
            of_night.append(light_curve_from_candidates(item.id, ztf_stock(item.id), records))
            of_label.append(item.label)
        rows = range(drawn) if drawn == share else _few_and_many(of_night, of_label, share, rng)
        curves += [of_night[i] for i in rows]
        labels += [of_label[i] for i in rows]
        progress(k + 1, _NIGHTS)
    return labelled_curves("simulated ZTF", curves, labels, "simulated alerts of ZTF", classes)


def _few_and_many(
    curves: Sequence[LightCurve], labels: Sequence[str], n: int, rng: np.random.Generator
) -> Sequence[int]:
    """Choose n light curves so that in each class all numbers of detections, in steps of a factor √2, are as likely."""
    detections = np.array([max(int(curve.detected.sum()), 1) for curve in curves])
    kind, step = np.array(labels), np.floor(2.0 * np.log2(detections))
    weight = np.zeros(len(curves))
    for label in sorted(set(labels)):
        steps = np.unique(step[kind == label])
        for one in steps:
            alike = (kind == label) & (step == one)
            weight[alike] = 1.0 / (alike.sum() * len(steps))
    chosen: list[int] = rng.choice(len(curves), n, replace=False, p=weight / weight.sum()).tolist()
    return sorted(chosen)


def split_objects(y: NDArray[np.intp], shares: Sequence[float], rng: np.random.Generator) -> NDArray[np.intp]:
    """
    Divide objects into parts, class by class.

    Parameters
    ----------
    y : ndarray of int, shape (n,)
        Classes.
    shares : sequence of float
        Of each part; they sum to 1.

    Returns
    -------
    ndarray of int, shape (n,)
        Number of the part of each object.
    """
    part = np.zeros(len(y), dtype=np.intp)
    for c in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == c))
        edges = np.round(np.cumsum(shares)[:-1] * len(rows)).astype(np.intp)
        for number, of_part in enumerate(np.split(rows, edges)):
            part[of_part] = number
    return part
