from __future__ import annotations

import numpy as np
import pytest
from points_as_light_curves import light_curves_of

from ampel_followup.features import FEATURE_SETS
from ampel_followup.features.hand_made import HAND_MADE, hand_made_features
from ampel_followup.features.ragged import stack
from ampel_followup.features.sequence import of_the_transient
from ampel_followup.learning.attention_training import FitOptions, training_view
from ampel_followup.lightcurve import LightCurve

BANDS = np.array(["ztfg", "ztfr", "ztfi", "lsstu", "lssty", "lsstg", "lsstr", "atlasc", "atlaso"])


def light_curve(rng: np.random.Generator) -> LightCurve:
    """Return a light curve of several surveys, with simultaneous points, limits, and what is no photometry."""
    n = int(rng.integers(0, 30))
    time = 58000.0 + np.round(rng.uniform(0.0, rng.choice([1.0, 30.0, 3000.0]), n), 1)
    limit = rng.random(n) < 0.3
    flux = np.where(limit, 0.0, rng.normal(0.5, 1.0, n) * 10.0 ** rng.uniform(-2.0, 5.0, n))
    flux_err, position = 10.0 ** rng.uniform(-3.0, 4.0, n), rng.normal(10.0, 1e-4, n)
    return LightCurve(
        "x", 0, time, rng.choice(BANDS, n), flux, flux_err, limit, 10.0, 10.0,
        point_ra=position, point_dec=position, rb=rng.random(n), drb=rng.random(n), meta={"photoz": 0.1},
    )  # fmt: skip


@pytest.fixture(scope="module")
def curves() -> list[LightCurve]:
    rng = np.random.default_rng(1)
    return [light_curve(rng) for _ in range(250)]


@pytest.mark.parametrize("noise", [None, 3.0])
def test_they_are_those_of_light_curves_whose_survey_place_and_date_are_forgotten(
    curves: list[LightCurve], noise: float | None
) -> None:
    points = of_the_transient(stack(curves))
    if noise is not None:  # training changes fluxes, and magnitudes with them
        points = training_view(points, np.random.default_rng(2), FitOptions(noise=noise))
    again = light_curves_of(points)
    expected = {}
    for name in ("early", "early_ia"):
        expected |= dict(zip(FEATURE_SETS[name].names, FEATURE_SETS[name].compute(again).T, strict=True))
    found = hand_made_features(points)
    assert np.isfinite(found).any(axis=1).sum() > 200
    np.testing.assert_array_equal(found, np.array([expected[name] for name in HAND_MADE]).T)


def test_an_object_has_the_same_features_to_the_last_bit_alone_and_among_others(curves: list[LightCurve]) -> None:
    points = of_the_transient(stack(curves))
    together = hand_made_features(points)
    for i in (0, 7, 101, 249):
        np.testing.assert_array_equal(hand_made_features(of_the_transient(stack([curves[i]])))[0], together[i])
    assert hand_made_features(points.beginnings(np.array([], np.intp), np.array([], np.intp))).shape == (
        0,
        len(HAND_MADE),
    )
