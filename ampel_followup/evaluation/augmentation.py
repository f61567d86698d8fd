"""
Whether augmentation helps: forests trained on a biased sample, with copies of its objects and without, on all others.

The spectroscopic sample of SNPCC is bright and near; what it is to classify is faint and far. Copies are made of
training objects only. Epochs, depth and the photometric redshifts that copies are drawn towards come from the training
half of the objects without spectrum, whose classes nobody looks at; tested is on the other half.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError
from ampel_followup.evaluation.data import read_columns
from ampel_followup.evaluation.gaussian_process import points_where
from ampel_followup.evaluation.learning_data import DETECTION, read_snpcc
from ampel_followup.evaluation.microlensing_data import part_of
from ampel_followup.features.early_ia import EARLY_IA
from ampel_followup.gaussian_process.augment import augmented, balancing
from ampel_followup.gaussian_process.copies import AugmentOptions
from ampel_followup.gaussian_process.kernels import KERNELS, Kernel
from ampel_followup.gaussian_process.survey import Survey
from ampel_followup.learning.early_classifier import EarlyOptions, fit_early
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.classifier import encode

Array = NDArray[np.float64]
Rows = NDArray[np.intp]
Progress = Callable[[str, int, int | None], None]

#: Light curves are cut so long after the first detection [d]; the last are whole.
AGES = (20.0, np.inf)

CLASSES = ("SN Ia", "SN II", "SN Ib/c")

#: Of the spectroscopic objects, so many are trained on with each seed.
TRAINED = 0.8


@dataclass(frozen=True, eq=False)
class SurveyObjects:
    """
    n simulated supernovae of SNPCC that were detected.

    Parameters
    ----------
    curves : list of LightCurve
        With the photometric redshift of the host in `meta`.
    y : ndarray of int, shape (n,)
        Class in `CLASSES`.
    redshift : ndarray, shape (n,)
        Spectroscopic; NaN without a spectrum.
    """

    curves: list[LightCurve]
    y: NDArray[np.intp]
    redshift: Array

    def rows(self, part: str) -> Rows:
        """Return the objects with a spectrum, or those of the training or the test half of the others."""
        spectrum = np.isfinite(self.redshift)
        if part == "spectroscopic":
            return np.flatnonzero(spectrum)
        return np.array([i for i, c in enumerate(self.curves) if not spectrum[i] and part_of(f"snpcc{c.id}") == part])


@dataclass(frozen=True)
class Variant:
    """One way to make a training set: without copies, or with copies under some options and a kernel."""

    name: str
    options: AugmentOptions | None
    kernel: Kernel = KERNELS["warped"]


#: What is compared; the first is the training set as it is.
VARIANTS = (
    Variant("none", None),
    Variant("same redshift", AugmentOptions(stretch=1.0)),
    Variant("new redshift", AugmentOptions()),
    Variant("new redshift, mean", AugmentOptions(sample=False)),
    Variant("new redshift, stationary", AugmentOptions(), KERNELS["stationary"]),
)


def load_objects(folder: Path) -> SurveyObjects:
    """
    Read SNPCC.

    Raises
    ------
    FollowupError
        If the folder lacks ``meta.parquet`` or ``lightcurves.parquet``.
    """
    if not ((folder / "meta.parquet").is_file() and (folder / "lightcurves.parquet").is_file()):
        raise FollowupError(f"{folder} is no folder of SNPCC; meta.parquet and lightcurves.parquet are needed")
    curves, kind, spectrum, _ = read_snpcc(folder)
    meta = read_columns(folder / "meta.parquet", ("snid", "z_spec"))
    z_of = dict(zip(meta["snid"].astype(np.int64).tolist(), meta["z_spec"].astype(np.float64).tolist(), strict=True))
    y = np.where(kind == "Ia", 0, np.where(np.char.startswith(kind, "II"), 1, 2)).astype(np.intp)
    z_spec = np.array([z_of[int(curve.id)] for curve in curves])
    return SurveyObjects(curves, y, np.where(spectrum, z_spec, np.nan))


def evaluate_augmentation(
    data: SurveyObjects,
    *,
    variants: Sequence[Variant] = VARIANTS,
    per_object: int = 5,
    balanced: bool = False,
    test_part: str = "test",
    n_test: int = 3000,
    trees: int = 200,
    seeds: Sequence[int] = (1, 2, 3, 4, 5),
    threads: int | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> dict[str, Any]:
    """
    Train forests on the spectroscopic sample, with copies and without, and test them on objects without spectrum.

    Parameters
    ----------
    data : SurveyObjects
    variants : sequence of Variant
    per_object : int
        Copies of each training object.
    balanced : bool
        More copies of rare classes, so that all are as large as the largest.
    test_part : {"test", "training"}
        To report on, and to develop on.
    n_test : int
        Objects to test on, at most.
    trees : int
        Of each forest.
    seeds : sequence of int
        Training objects (80 % of the sample), test objects, copies and forests are drawn anew with each.
    threads : int, optional
    progress : callable

    Returns
    -------
    dict
        ``results``: for each age and variant, macro recall, recall of each class, log-loss, area under the ROC of Ia
        against the others, and that of the early classifier (`ampel_followup.learning.early_classifier`): mean and
        standard deviation over seeds, and the differences to the first variant, paired by seed.
    """
    spectroscopic, pool, test = data.rows("spectroscopic"), data.rows("training"), data.rows(test_part)
    if min(len(spectroscopic), len(pool), len(test)) < 20:
        raise FollowupError(
            f"{len(spectroscopic)} objects with a spectrum, {len(pool)} and {len(test)} of the halves without: at "
            "least 20 of each are needed; give a larger data set"
        )
    survey = Survey.of([data.curves[i] for i in pool.tolist()])
    towards = np.array([data.curves[i].meta["photoz"] for i in pool.tolist()])
    measured: dict[tuple[float, str], list[dict[str, float]]] = {}
    copies: dict[str, list[int]] = {}
    for number, seed in enumerate(seeds):
        rng = np.random.default_rng(seed)
        train = np.sort(rng.choice(spectroscopic, int(TRAINED * len(spectroscopic)), replace=False))
        tested = np.sort(rng.choice(test, min(n_test, len(test)), replace=False))
        progress("test objects", number, len(seeds))
        x_test = {age: _features([data.curves[i] for i in tested.tolist()], age) for age in AGES}
        parents = [data.curves[i] for i in train.tolist()]
        x_train = {age: _features(parents, age) for age in AGES}
        labels = [CLASSES[c] for c in data.y[train].tolist()]
        for variant in variants:
            progress(variant.name, number, len(seeds))
            # The same generator for each variant: what differs between them is not chance.
            own = np.random.default_rng([seed, 1])
            x, y = x_train, data.y[train]
            if variant.options is not None:
                made = augmented(
                    parents,
                    labels,
                    data.redshift[train],
                    balancing(labels, per_object) if balanced else per_object,
                    own,
                    options=variant.options,
                    survey=survey,
                    towards=towards,
                    kernel=variant.kernel,
                    threads=threads,
                )
                x = {age: np.concatenate([x_train[age], _features(made.light_curves, age)]) for age in AGES}
                y = np.concatenate([y, [CLASSES.index(label) for label in made.labels]])
                copies.setdefault(variant.name, []).append(len(made.objects))
            for age in AGES:
                seen = np.isfinite(x[age]).any(axis=1)
                scores = _scores(x[age][seen], y[seen], x_test[age], data.y[tested], trees, seed)
                measured.setdefault((age, variant.name), []).append(scores)
    first = variants[0].name
    return {
        "objects": {"spectroscopic": len(spectroscopic), "pool": len(pool), "test": min(n_test, len(test))},
        "trained_on": int(TRAINED * len(spectroscopic)), "copies": {k: float(np.mean(v)) for k, v in copies.items()},
        "per_object": per_object, "balanced": balanced, "trees": trees, "seeds": list(seeds), "part": test_part,
        "results": [
            {"age": None if np.isinf(age) else age, "variant": name, **_summary(runs, measured[age, first])}
            for (age, name), runs in measured.items()
        ],
    }  # fmt: skip


def until_age(curve: LightCurve, age: float) -> LightCurve:
    """Return a light curve as it was so many days after its first detection; whole if it has none."""
    detected = curve.time[curve.flux >= DETECTION * curve.flux_err]
    if np.isinf(age) or len(detected) == 0:
        return curve
    return replace(points_where(curve, curve.time <= detected[0] + age), meta=curve.meta)


def _features(curves: Sequence[LightCurve], age: float) -> Array:
    cut = [until_age(curve, age) for curve in curves]
    return np.concatenate([EARLY_IA.compute(cut[k : k + 500]) for k in range(0, len(cut), 500)])


def _scores(
    x: Array, y: NDArray[np.intp], x_test: Array, y_test: NDArray[np.intp], trees: int, seed: int
) -> dict[str, float]:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import log_loss, recall_score, roc_auc_score

    forest = RandomForestClassifier(trees, class_weight="balanced_subsample", min_samples_leaf=2, random_state=seed)
    p = forest.fit(encode(x), y).predict_proba(encode(x_test))
    recall = recall_score(y_test, p.argmax(axis=1), average=None, labels=range(len(CLASSES)))
    early = fit_early(x, y == 0, np.random.default_rng(seed), EarlyOptions(n_trees=trees))
    return {
        "macro_recall": float(recall.mean()),
        **{f"recall {name}": float(value) for name, value in zip(CLASSES, recall, strict=True)},
        "log_loss": float(log_loss(y_test, p, labels=range(len(CLASSES)))),
        "auc": float(roc_auc_score(y_test == 0, p[:, 0])),
        "early_auc": float(roc_auc_score(y_test == 0, early.predict(x_test))),
    }


def _summary(runs: list[dict[str, float]], first: list[dict[str, float]]) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    for key in runs[0]:
        values = np.array([run[key] for run in runs])
        gain = values - np.array([run[key] for run in first])
        spread = len(values) > 1
        summary[key] = {
            "mean": float(values.mean()),
            "sd": float(values.std(ddof=1)) if spread else None,
            "gain": float(gain.mean()),
            "gain_sd": float(gain.std(ddof=1)) if spread else None,
        }
    return summary
