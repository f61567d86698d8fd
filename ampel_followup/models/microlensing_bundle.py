"""
The bundle of a search for lenses: trees for P(microlensing) and for planets, and the lines from which on they count.

It is a folder (`ampel_followup.models.folder`) of kind "microlensing"; one comes with the package.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import BundleError
from ampel_followup.features.ragged import Points, stack
from ampel_followup.lightcurve import LightCurve
from ampel_followup.microlensing.departure_features import DEPARTURE_FEATURES, NIGHTS
from ampel_followup.microlensing.features import FEATURES, LEAST_POINTS, LensFits
from ampel_followup.microlensing.flux_points import N_BANDS
from ampel_followup.microlensing.watch import Departures, departures, without_last_nights
from ampel_followup.microlensing_scores import MicrolensingScores
from ampel_followup.models.assistant_bundle import ScoreModel
from ampel_followup.models.folder import MICROLENSING, Bundle, find_folder, read_folder, write_folder

Array = NDArray[np.float64]

#: The bundle that comes along.
DEFAULT_MICROLENSING = "microlensing"

#: Files of the trees for P(microlensing), and for the probability of a departure.
TREES, DEPARTURE_TREES = "microlensing.json", "departure.json"

#: What the trees for departures see.
WATCH_FEATURES = (
    *DEPARTURE_FEATURES,
    "p_now",
    "p_before_1",
    "p_before_3",
    *(f"{name}_now" for name in FEATURES),
    *(f"{name}_before_3" for name in FEATURES),
)

# Points that are fitted at once: many, for a step takes as long for few, but not more than fit into some 100 MB.
_POINTS_AT_ONCE = 50_000

# Detections, of either sign, without which there is no lens to look for.
_LEAST_DETECTIONS = 5

# There is no alarm below so many σ, whatever else speaks for it, and nothing to learn.
_LEAST_SIGNIFICANT = 1.0

_EPOCH = datetime.datetime(1858, 11, 17)


@dataclass(frozen=True)
class MicrolensingBundle(Bundle):
    """A search for lenses as loaded; `Bundle` says what the fields are."""

    @property
    def threshold(self) -> float:
        """P(microlensing) from which on an object is called a lens."""
        return float(self.info["threshold"])

    @property
    def watched(self) -> float:
        """P(microlensing) from which on an object is watched for planets."""
        return float(self.info["watched"])

    @property
    def alarm(self) -> float:
        """Probability of a departure from which on it is urgent."""
        return float(self.info["alarm"])

    def describe(self) -> dict[str, str]:
        """Return its name and version, and its digest, for the report of a plan."""
        return {"bundle": self.label, "digest": self.digest}

    @cached_property
    def model(self) -> ScoreModel:
        """Trees of P(microlensing)."""
        return self._model(TREES, tuple(FEATURES))

    @cached_property
    def departure_model(self) -> ScoreModel:
        """Trees of the probability that a departure is none of a single lens, nor of something else."""
        return self._model(DEPARTURE_TREES, WATCH_FEATURES)

    def _model(self, file: str, features: tuple[str, ...]) -> ScoreModel:
        try:
            model = ScoreModel.from_dict(json.loads(self.files[file]))
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"{self.label}: {file} is no model; make the bundle again") from error
        if model.trees.features != features:
            raise BundleError(f"{self.label} was made with other features than this version has; make it again")
        return model

    def predict(self, x: Array) -> Array:
        """Return P(microlensing), shape (n,), of `FEATURES`, shape (n, k); NaN for objects without any."""
        return _predict(self.model, x)

    def score(self, light_curves: Sequence[LightCurve], *, watch: bool = True) -> list[MicrolensingScores]:
        """
        Search for lenses, and for planets in them.

        Parameters
        ----------
        light_curves : sequence of LightCurve
            Difference fluxes or fluxes of stars; limits count as well.
        watch : bool
            Look for planets, too, which takes several times as long for what is a lens.

        Returns
        -------
        list of MicrolensingScores
            In the order given.
        """
        found: list[MicrolensingScores] = []
        for part in _batches(light_curves):
            found += self._score([light_curves[i] for i in part], watch)
        return found

    def _score(self, light_curves: Sequence[LightCurve], watch: bool) -> list[MicrolensingScores]:
        scores = [MicrolensingScores(np.nan, self.threshold)] * len(light_curves)
        rows = [i for i, curve in enumerate(light_curves) if _worth_a_fit(curve)]
        if not rows:
            return scores
        points = stack([light_curves[i] for i in rows])
        fits = LensFits.of(points)
        features = fits.features()
        p = self.predict(features)
        of_interest = p if watch else np.full(len(p), np.nan)
        watched = Watched.of(points, features, of_interest, self.model, self.watched, float(self.info["look_again"]))
        p_departure = np.where(watched.told, self.departure_model.probability(watched.features), np.nan)
        place = {int(row): k for k, row in enumerate(watched.rows)}
        found = watched.departures
        freedom = 3.0 * np.maximum(np.isfinite(fits.by_band.chi2.reshape(-1, N_BANDS)).sum(axis=1) - 1.0, 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            achromatic = fits.chromatic_gain / freedom / np.maximum(fits.misfit, 1e-3)
        for j, i in enumerate(rows):
            first = float(light_curves[i].time[0])
            k = place.get(j)
            one = MicrolensingScores(
                p_microlensing=float(p[j]),
                threshold=self.threshold,
                peak_mjd=float(fits.lens.peak_time[j]) + first,
                einstein_days=float(fits.lens.einstein_time[j]),
                impact=float(fits.lens.impact[j]),
                misfit=float(fits.misfit[j]),
                achromatic=float(achromatic[j]) if freedom[j] > 0 else np.nan,
                departure=np.nan if k is None else float(found.magnitude[k]),
                significance=np.nan if k is None else float(found.significance[k]),
                p_before=np.nan if k is None else float(watched.p_before[k]),
                p_departure=np.nan if k is None else float(p_departure[k]),
                since_mjd=np.nan if k is None else float(found.start[k]) + first,
                urgent=k is not None and float(p_departure[k]) >= self.alarm,
            )
            scores[i] = _with_sentence(one)
        return scores


@dataclass(frozen=True, slots=True)
class Watched:
    """
    Of many objects, the m that may be a lens, or might before the last nights, and what these did.

    Parameters
    ----------
    rows : ndarray of int, shape (m,)
        Which they are.
    p_before : ndarray, shape (m,)
        P(microlensing) without the last night, or without the last three, whichever is more; NaN where too little was
        known.
    departures : Departures
    features : ndarray, shape (m, k)
        `WATCH_FEATURES`.
    """

    rows: NDArray[np.intp]
    p_before: Array
    departures: Departures
    features: Array

    @property
    def told(self) -> NDArray[np.bool_]:
        """Two points agree on a significant departure near a peak, and not one bad point makes it, shape (m,)."""
        significance = np.nan_to_num(self.departures.significance)
        return np.asarray((np.abs(significance) >= _LEAST_SIGNIFICANT) & ~self.departures.lone)

    @classmethod
    def of(cls, points: Points, x: Array, p: Array, model: ScoreModel, watched: float, look_again: float) -> Watched:
        """
        Look for departures.

        Parameters
        ----------
        points : Points
            Of n objects.
        x : ndarray, shape (n, k)
            Their `FEATURES`.
        p : ndarray, shape (n,)
            P(microlensing); NaN for what is not to be watched.
        model : ScoreModel
            That it is from.
        watched, look_again : float
            Objects of which P is, or was before the last nights, `watched` or more; that P is asked for if it is
            `look_again` or more now.
        """
        # What a planet disturbs may no longer look like one lens; what has no likeness at all never was one.
        rows = np.flatnonzero(np.nan_to_num(p, nan=-1.0) >= look_again)
        before, was = np.full((len(rows), 2), np.nan), np.full((len(rows), len(FEATURES)), np.nan)
        if len(rows):
            part = _objects(points, rows)
            for k, nights in enumerate((1, NIGHTS)):
                was = LensFits.of(part.select(without_last_nights(part, nights))).features()
                before[:, k] = _predict(model, was)
        every = np.column_stack([p[rows], before, x[rows], was])
        kept = np.fmax.reduce(every[:, :3], axis=1) >= watched
        rows, every = rows[kept], every[kept]
        found = departures(_objects(points, rows))
        return cls(rows, np.fmax(every[:, 1], every[:, 2]), found, np.column_stack([found.features, every]))


def watch_features(
    light_curves: Sequence[LightCurve], model: ScoreModel, *, watched: float, look_again: float
) -> Array:
    """
    Return what trees learn planets from.

    Parameters
    ----------
    light_curves : sequence of LightCurve
    model : ScoreModel
        For P(microlensing).
    watched, look_again : float
        As for `Watched.of`.

    Returns
    -------
    ndarray, shape (n, k)
        `WATCH_FEATURES`; all NaN of what is not watched, or in which no departure is `Watched.told`.
    """
    x = np.full((len(light_curves), len(WATCH_FEATURES)), np.nan)
    for part in _batches(light_curves):
        worth = np.array([i for i in part if _worth_a_fit(light_curves[i])], dtype=np.intp)
        if len(worth):
            points = stack([light_curves[i] for i in worth])
            now = LensFits.of(points).features()
            p = _predict(model, now)
            found = Watched.of(points, now, p, model, watched, look_again)
            x[worth[found.rows[found.told]]] = found.features[found.told]
    return x


def load_microlensing(name: str | os.PathLike[str] | None = None) -> MicrolensingBundle:
    """
    Load and verify a search for lenses.

    Parameters
    ----------
    name : str or path, optional
        Name of a bundle in one of `ampel_followup.models.folder.bundle_folders`, or the path of a folder; by default
        the packaged one.

    Raises
    ------
    BundleError
        If there is no such bundle, it is incomplete, of another kind or a later format, or a byte of it was changed.
    """
    folder = find_folder(DEFAULT_MICROLENSING if name is None else name)
    info, digest, files = read_folder(
        folder,
        MICROLENSING,
        (TREES, DEPARTURE_TREES),
        told=("name", "version", "threshold", "watched", "alarm", "look_again"),
    )
    return MicrolensingBundle(info, digest, files)


def save_microlensing(
    folder: Path, info: Mapping[str, Any], model: ScoreModel, departure_model: ScoreModel
) -> MicrolensingBundle:
    """
    Write a search for lenses, complete or not at all, and return it as loaded back.

    Parameters
    ----------
    folder : Path
        Made if absent.
    info : mapping
        name, version, created, description, threshold, watched, alarm, look_again, training, metrics.
    model : ScoreModel
        Of `FEATURES`.
    departure_model : ScoreModel
        Of `WATCH_FEATURES`.

    Raises
    ------
    BundleError
        If the folder cannot be written to.
    """
    models = {TREES: model, DEPARTURE_TREES: departure_model}
    files = {
        name: json.dumps(one.to_dict(), sort_keys=True, separators=(",", ":")).encode() for name, one in models.items()
    }
    write_folder(folder, {**info, "kind": MICROLENSING}, files)
    return load_microlensing(folder)


def _batches(light_curves: Sequence[LightCurve]) -> list[range]:
    """Part the places of light curves so that no part but one of a single light curve has too many points."""
    if not light_curves:
        return []
    ends = np.cumsum([len(curve) for curve in light_curves])
    bounds = [0]
    while bounds[-1] < len(ends):
        before = int(ends[bounds[-1] - 1]) if bounds[-1] else 0
        bounds.append(max(int(np.searchsorted(ends, before + _POINTS_AT_ONCE, side="right")), bounds[-1] + 1))
    return [range(*pair) for pair in pairwise(bounds)]


def _predict(model: ScoreModel, x: Array) -> Array:
    return np.where(np.isfinite(x).any(axis=1), model.probability(x), np.nan)


def _worth_a_fit(curve: LightCurve) -> bool:
    return len(curve) >= LEAST_POINTS and int(np.count_nonzero(curve.detected)) >= _LEAST_DETECTIONS


def _objects(points: Points, rows: NDArray[np.intp]) -> Points:
    return points.beginnings(rows, points.segments.counts[rows])


def _with_sentence(one: MicrolensingScores) -> MicrolensingScores:
    """Say in words what was found, if anything was."""
    if not (one.called or one.urgent):
        return one
    p = f"P {one.p_microlensing:.2f}"
    if one.urgent and one.p_before > one.p_microlensing:
        p = f"P {one.p_before:.2f} until then"
    lens = f"microlensing ({p}, peak {_date(one.peak_mjd)}, t_E {one.einstein_days:.0f} d, u₀ {one.impact:.2f})"
    if one.urgent:
        change = f"{abs(one.departure):.2f} mag {'brighter' if one.departure < 0 else 'fainter'}"
        text = (
            f"{lens[0].upper()}{lens[1:]} departs from a single lens since {_date(one.since_mjd)}, {change} "
            f"({abs(one.significance):.0f}σ): a planet? Observe it within hours."
        )
    else:
        text = f"Looks like {lens}."
    values = {name: getattr(one, name) for name in MicrolensingScores.__dataclass_fields__}
    return MicrolensingScores(**{**values, "sentence": text})


def _date(mjd: float) -> str:
    return (_EPOCH + datetime.timedelta(days=mjd)).date().isoformat() if np.isfinite(mjd) else "unknown"
