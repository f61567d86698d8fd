"""
The bundle of a search for lenses: trees for P(microlensing), and the lines from which on an object is a lens or urgent.

It is a folder (`ampel_followup.models.folder`) of kind "microlensing"; one comes with the package.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import BundleError
from ampel_followup.features.ragged import Points, stack
from ampel_followup.lightcurve import LightCurve
from ampel_followup.microlensing.features import FEATURES, LEAST_POINTS, LensFits
from ampel_followup.microlensing.flux_points import N_BANDS
from ampel_followup.microlensing.watch import Departures, departures, without_last_nights
from ampel_followup.microlensing_scores import MicrolensingScores
from ampel_followup.models.assistant_bundle import ScoreModel
from ampel_followup.models.folder import MICROLENSING, Bundle, find_folder, read_folder, write_folder

Array = NDArray[np.float64]

#: The bundle that comes along.
DEFAULT_MICROLENSING = "microlensing"

#: File of the trees.
TREES = "microlensing.json"

# Objects whose points are in memory at once.
_BATCH = 200

# Detections, of either sign, without which there is no lens to look for.
_LEAST_DETECTIONS = 5

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
        """Significance from which on a departure is urgent [σ]."""
        return float(self.info["alarm"])

    def describe(self) -> dict[str, str]:
        """Return its name and version, and its digest, for the report of a plan."""
        return {"bundle": self.label, "digest": self.digest}

    @cached_property
    def model(self) -> ScoreModel:
        """Trees of P(microlensing)."""
        try:
            model = ScoreModel.from_dict(json.loads(self.files[TREES]))
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"{self.label}: {TREES} is no model; make the bundle again") from error
        if model.trees.features != tuple(FEATURES):
            raise BundleError(f"{self.label} was made with other features than this version has; make it again")
        return model

    def predict(self, x: Array) -> Array:
        """Return P(microlensing), shape (n,), of `FEATURES`, shape (n, k); NaN for objects without any."""
        p = self.model.probability(x)
        return np.where(np.isfinite(x).any(axis=1), p, np.nan)

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
        for begin in range(0, len(light_curves), _BATCH):
            found += self._score(light_curves[begin : begin + _BATCH], watch)
        return found

    def _score(self, light_curves: Sequence[LightCurve], watch: bool) -> list[MicrolensingScores]:
        scores = [MicrolensingScores(np.nan, self.threshold)] * len(light_curves)
        rows = [i for i, curve in enumerate(light_curves) if _worth_a_fit(curve)]
        if not rows:
            return scores
        points = stack([light_curves[i] for i in rows])
        fits = LensFits.of(points)
        p = self.predict(fits.features())
        watched, found = self._watch(points, p if watch else np.full(len(p), -1.0))
        freedom = 3.0 * np.maximum(np.isfinite(fits.by_band.chi2.reshape(-1, N_BANDS)).sum(axis=1) - 1.0, 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            achromatic = fits.chromatic_gain / freedom / np.maximum(fits.misfit, 1e-3)
        for j, i in enumerate(rows):
            first = float(light_curves[i].time[0])
            k = watched.get(j)
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
                since_mjd=np.nan if k is None else float(found.start[k]) + first,
                urgent=k is not None and abs(float(found.significance[k])) >= self.alarm,
            )
            scores[i] = _with_sentence(one)
        return scores

    def _watch(self, points: Points, p: Array) -> tuple[dict[int, int], Departures]:
        """Look for departures in what may be a lens, or might before the last nights: row → place in what is found."""
        before = points.select(without_last_nights(points))
        # What a planet disturbs may no longer look like one lens; what never had any likeness need not be fitted again.
        unsure = np.flatnonzero((p < self.watched) & (p >= float(self.info["look_again"])))
        was = np.zeros(len(p), dtype=np.bool_)
        if len(unsure):
            was[unsure] = self.predict(LensFits.of(_objects(before, unsure)).features()) >= self.watched
        rows = np.flatnonzero((p >= self.watched) | was)
        return {int(row): k for k, row in enumerate(rows)}, departures(_objects(points, rows))


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
    info, digest, files = read_folder(folder, MICROLENSING, (TREES,))
    missing = {"name", "version", "threshold", "watched", "alarm", "look_again"} - info.keys()
    if missing:
        raise BundleError(f"{folder / 'bundle.json'} says nothing of {', '.join(sorted(missing))}; make it again")
    return MicrolensingBundle(info, digest, files)


def save_microlensing(folder: Path, info: Mapping[str, Any], model: ScoreModel) -> MicrolensingBundle:
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

    Raises
    ------
    BundleError
        If the folder cannot be written to.
    """
    text = json.dumps(model.to_dict(), sort_keys=True, separators=(",", ":"))
    write_folder(folder, {**info, "kind": MICROLENSING}, {TREES: text.encode()})
    return load_microlensing(folder)


def _worth_a_fit(curve: LightCurve) -> bool:
    return len(curve) >= LEAST_POINTS and int(np.count_nonzero(curve.detected)) >= _LEAST_DETECTIONS


def _objects(points: Points, rows: NDArray[np.intp]) -> Points:
    return points.beginnings(rows, points.segments.counts[rows])


def _with_sentence(one: MicrolensingScores) -> MicrolensingScores:
    """Say in words what was found, if anything was."""
    if not (one.called or one.urgent):
        return one
    lens = (
        f"microlensing (P {one.p_microlensing:.2f}, peak {_date(one.peak_mjd)}, t_E {one.einstein_days:.0f} d, "
        f"u₀ {one.impact:.2f})"
    )
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
