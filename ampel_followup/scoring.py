"""Light curves and a bundle make scored objects: the one function that the command line and the AMPEL units share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import BundleError, FollowupError
from ampel_followup.features import FEATURE_SETS
from ampel_followup.gain import GainScores
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.bundle import ModelBundle
from ampel_followup.models.mixture import quasi_random_points, random_points
from ampel_followup.photometry import summarise
from ampel_followup.plan import ScoredObject, TargetScores
from ampel_followup.reasons import reasons_for


@dataclass(frozen=True, slots=True)
class Sampling:
    """
    How the possible spectra of each object are drawn. The same sampling always gives the same scores.

    Parameters
    ----------
    monte_carlo : int, optional
        Draw so many at random (plain Monte-Carlo, as the paper does), at least 1. By default they are quasi-random
        (scrambled Sobol points), as many as the bundle asks for: more accurate than several times as many random ones.
    seed : int
        Of the draw, or of the scrambling; 0 or more.

    Raises
    ------
    FollowupError
        If a number is out of range.
    """

    monte_carlo: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.monte_carlo is not None and self.monte_carlo < 1:
            raise FollowupError(f"{self.monte_carlo} spectra are too few for Monte-Carlo; draw 1 or more, such as 200")
        if self.seed < 0:
            raise FollowupError(f"the seed {self.seed} is negative; give 0 or a positive whole number")

    def points(self, bundle: ModelBundle) -> NDArray[np.float64]:
        """Return points of the unit cube for `ModelBundle.score`, shape (N, 1 + n_s); all objects share them."""
        model = bundle.model
        if self.monte_carlo is None:
            return quasi_random_points(model.n_spectra, model.mixture.n_s, self.seed)
        return random_points(self.monte_carlo, model.mixture.n_s, np.random.default_rng(self.seed))

    def describe(self, bundle: ModelBundle) -> str:
        """Return how the spectra are drawn in words, such as ``32 quasi-random spectra, seed 0``."""
        kind = "quasi-random" if self.monte_carlo is None else "random"
        return f"{self.monte_carlo or bundle.info['n_spectra']} {kind} spectra, seed {self.seed}"


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """
    Features of n objects.

    Parameters
    ----------
    names : tuple of str
        Of the k features.
    values : ndarray, shape (n, k)
        NaN = not measured.
    versions : dict of str to str
        Feature set → version.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    versions: dict[str, str]


def compute_features(light_curves: Sequence[LightCurve], bundle: ModelBundle) -> FeatureTable:
    """
    Compute the features that a bundle wants, for many objects at once.

    Parameters
    ----------
    light_curves : sequence of LightCurve
    bundle : ModelBundle

    Returns
    -------
    FeatureTable
        Columns in the order of ``bundle.features``.

    Raises
    ------
    BundleError
        If the bundle wants a feature set, or a version of one, that this version does not have.
    """
    wanted: dict[str, str] = dict(bundle.info["feature_sets"])
    columns: dict[str, NDArray[np.float64]] = {}
    for name, version in wanted.items():
        feature_set = FEATURE_SETS.get(name)
        if feature_set is None or feature_set.version != version:
            have = ", ".join(f"{s.name} {s.version}" for s in FEATURE_SETS.values())
            raise BundleError(
                f"bundle {bundle.label} needs feature set {name} {version}, there is {have}; train it again"
            )
        columns.update(zip(feature_set.names, feature_set.compute(light_curves).T, strict=True))
    missing = [name for name in bundle.features if name not in columns]
    if missing:
        raise BundleError(f"bundle {bundle.label} needs unknown features: {', '.join(missing)}; train it again")
    values = np.column_stack([columns[name] for name in bundle.features])
    return FeatureTable(bundle.features, values, wanted)


def score_features(
    light_curves: Sequence[LightCurve],
    values: NDArray[np.float64],
    bundle: ModelBundle,
    sampling: Sampling | None = None,
) -> list[ScoredObject]:
    """
    Score objects whose features are known.

    Parameters
    ----------
    light_curves : sequence of LightCurve
        The n objects: their photometry and context go into the reasons.
    values : ndarray, shape (n, k)
        As from `compute_features`.
    bundle : ModelBundle
    sampling : Sampling, optional
        How the possible spectra are drawn; quasi-random by default.

    Returns
    -------
    list of ScoredObject
        In the order given.
    """
    if len(light_curves) == 0:
        return []
    gain = bundle.score(values, (sampling or Sampling()).points(bundle))
    in_scope = bundle.in_scope(values)
    scored = []
    for i, light_curve in enumerate(light_curves):
        scores = _target_scores(gain, i, float(in_scope[i]), bundle.classes)
        photometry = summarise(light_curve)
        alternative = bundle.classes[gain.alternative[i]]
        scored.append(
            ScoredObject(
                id=light_curve.id,
                stock=light_curve.stock,
                ra=light_curve.ra,
                dec=light_curve.dec,
                photometry=photometry,
                scores=scores,
                reasons=reasons_for(light_curve, photometry, scores, alternative),
            )
        )
    return scored


def score(
    light_curves: Sequence[LightCurve], bundle: ModelBundle, sampling: Sampling | None = None
) -> list[ScoredObject]:
    """Compute features and score: `compute_features`, then `score_features`."""
    if len(light_curves) == 0:
        return []
    return score_features(light_curves, compute_features(light_curves, bundle).values, bundle, sampling)


def _target_scores(gain: GainScores, i: int, in_scope: float, classes: tuple[str, ...]) -> TargetScores:
    return TargetScores(
        p_t=dict(zip(classes, gain.p_t[i].tolist(), strict=True)),
        p_ts=dict(zip(classes, gain.p_ts[i].tolist(), strict=True)),
        class_now=classes[gain.class_now[i]],
        class_after=classes[gain.class_after[i]],
        entropy=float(gain.entropy[i]),
        expected_entropy=float(gain.expected_entropy[i]),
        information_gain=float(gain.information_gain[i]),
        indicator=int(gain.indicator[i]),
        p_change=float(gain.p_change[i]),
        value_of_information=float(gain.value_of_information[i]),
        uncertainty=float(gain.uncertainty[i]),
        in_scope=in_scope,
        p_after=dict(zip(classes, gain.p_after[i].tolist(), strict=True)),
        spectrum_uncertainty=float(gain.spectrum_uncertainty[i]),
        p_named=_of_named(gain.p_named[i], classes),
        entropy_named=_of_named(gain.entropy_named[i], classes),
    )


def _of_named(values: NDArray[np.float64], classes: tuple[str, ...]) -> dict[str, float]:
    """Return the values of the classes that some spectrum names: four digits are more than a few spectra tell."""
    return {name: round(value, 4) for name, value in zip(classes, values.tolist(), strict=True) if value == value}
