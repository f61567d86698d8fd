"""Forests give probabilities that can be believed, the same in a bundle as in training."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ampel_followup.errors import BundleError, FollowupError
from ampel_followup.evaluation.metrics import log_loss
from ampel_followup.models.classifier import OnnxClassifier
from ampel_followup.models.density import fit_density, pool_weight
from ampel_followup.models.forest import OneAgainstRest, Temperature, fit_forest, to_onnx
from ampel_followup.models.training import TrainingOptions, fit_gain_model

FOREST = {"n_trees": 40, "min_samples_leaf": 1, "max_features": "sqrt"}


def objects(n: int, seed: int):
    """Three overlapping classes in five features, some of them not measured."""
    rng = np.random.default_rng(seed)
    y = rng.choice(3, n, p=[0.6, 0.3, 0.1])
    x = rng.normal(size=(n, 5))
    x[:, 0] += y
    x[:, 1] -= 0.5 * y
    x[rng.random(x.shape) < 0.1] = np.nan
    return x, y


@pytest.mark.parametrize("calibration", ["temperature", "isotonic"])
def test_calibration_lowers_the_log_loss_of_objects_not_trained_on(calibration):
    (x, y), (new_x, new_y) = objects(800, 1), objects(2000, 2)
    plain = fit_forest(x, y, 3, np.random.default_rng(3), **FOREST)
    calibrated = fit_forest(x, y, 3, np.random.default_rng(3), **FOREST, calibration=calibration)
    assert log_loss(calibrated.predict_proba(new_x), new_y) < log_loss(plain.predict_proba(new_x), new_y) - 0.02


@pytest.mark.parametrize("calibration", ["none", "temperature", "isotonic", "sigmoid"])
def test_probabilities_sum_to_one(calibration):
    x, y = objects(400, 4)
    p = fit_forest(x, y, 3, np.random.default_rng(5), **FOREST, calibration=calibration).predict_proba(x)
    assert p.shape == (400, 3) and (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1.0)


@given(arrays(np.float64, (6, 4), elements=st.floats(0.01, 1.0)), st.floats(1e-4, 0.2), st.floats(0.3, 4.0))
def test_temperature_keeps_the_order_of_the_classes(p, floor, power):
    p /= p.sum(axis=1, keepdims=True)
    calibrated = Temperature(floor, power)(p)
    np.testing.assert_allclose(calibrated.sum(axis=1), 1.0)
    for before, after in zip(p, calibrated, strict=True):
        assert (np.diff(after[np.argsort(before)]) >= -1e-12).all()


@settings(max_examples=10, deadline=None)
@given(st.floats(0.6, 2.5))
def test_temperature_finds_the_power_that_probabilities_were_distorted_with(power):
    rng = np.random.default_rng(6)
    p = rng.dirichlet(np.ones(4), 20_000)
    y = (rng.random(len(p))[:, None] > np.cumsum(p, axis=1)).sum(axis=1)
    distorted = p ** (1.0 / power)
    fitted = Temperature.fit(distorted / distorted.sum(axis=1, keepdims=True), y)
    assert fitted.power == pytest.approx(power, rel=0.1)


@pytest.mark.parametrize("method", ["isotonic", "sigmoid"])
def test_a_more_probable_class_stays_more_probable_than_for_other_objects(method):
    rng = np.random.default_rng(7)
    p = rng.dirichlet(np.ones(3), 500)
    y = (rng.random(len(p))[:, None] > np.cumsum(p, axis=1)).sum(axis=1)
    maps = OneAgainstRest.fit(p, y, method)
    assert all((np.diff(values) >= 0).all() for values in maps.values)


def test_a_class_without_training_objects_keeps_its_place():
    x, y = objects(300, 8)
    classifier = fit_forest(x, np.where(y == 1, 2, y), 3, np.random.default_rng(9), **FOREST)
    p = classifier.predict_proba(x)
    assert p.shape == (300, 3) and (p[:, 1] == 0).all()
    with pytest.raises(BundleError, match="of 3 classes only 2 have training objects"):
        to_onnx(classifier)


@pytest.mark.parametrize("calibration", ["none", "temperature"])
def test_bundle_gives_the_probabilities_of_training(calibration):
    x, y = objects(500, 10)
    classifier = fit_forest(x, y, 3, np.random.default_rng(11), **FOREST, calibration=calibration)
    served = OnnxClassifier(to_onnx(classifier), "p_t", 3)
    np.testing.assert_allclose(served.predict_proba(x), classifier.predict_proba(x), atol=2e-5)


def test_calibration_that_a_bundle_cannot_hold_is_refused():
    x, y = objects(200, 12)
    with pytest.raises(BundleError, match="calibrated by 'temperature' or not at all"):
        to_onnx(fit_forest(x, y, 3, np.random.default_rng(13), **FOREST, calibration="isotonic"))


@pytest.mark.parametrize("method", ["em", "bayesian"])
@pytest.mark.parametrize("conditional", ["pooled", "class", "joint"])
def test_every_mixture_predicts_the_spectrum_that_goes_with_the_photometry(method, conditional):
    rng = np.random.default_rng(14)
    y = np.repeat([0, 2], 300)
    x_t = rng.normal(size=(600, 2))
    x_s = 0.8 * x_t[:, :1] + 3.0 * (y == 2)[:, None] + 0.1 * rng.normal(size=(600, 1))
    incomplete = x_t.copy()
    incomplete[::7, 1] = np.nan
    x = np.concatenate([incomplete, x_s], axis=1)
    mixture = fit_density(x, 2, y, rng, method=method, conditional=conditional)
    assert set(mixture.component_class) == ({0} if conditional == "joint" else {0, 2})
    p_class = None if conditional == "joint" else np.eye(3)[y]
    for rows, weights, means, _ in mixture.conditional(x_t[y == 0], None if p_class is None else p_class[y == 0]):
        predicted = (weights[:, :, None] * means).sum(axis=1)[:, 0]
        assert np.corrcoef(predicted, x_t[y == 0][rows, 0])[0, 1] > 0.7


def test_better_opinion_of_the_class_gets_the_weight():
    rng = np.random.default_rng(15)
    y = rng.integers(0, 2, 600)
    x = np.column_stack([1.5 * y + rng.normal(size=600), rng.normal(size=600)])
    right = 1.0 / (1.0 + np.exp(-1.5 * (x[:, 0] - 0.75)))
    knows = np.column_stack([1.0 - right, right])
    told = 0.9 * np.eye(2)[y] + 0.05
    told[::5] = np.nan
    weights = [pool_weight(x, 1, y, p, np.random.default_rng(1)) for p in (told, np.full((600, 2), 0.5))]
    assert weights[0] > 0.95 and weights[1] < 0.05
    # Two opinions that err on different objects are better together.
    blurred = np.clip(knows + 0.2 * rng.normal(size=(600, 1)) * np.array([1.0, -1.0]), 0.02, 0.98)
    assert 0.05 < pool_weight(x, 1, y, blurred, np.random.default_rng(1)) < 0.95


def test_mixture_names_the_class_of_a_component_that_the_object_lies_in():
    rng = np.random.default_rng(16)
    y = np.repeat([0, 2], 100)
    x = np.column_stack([6.0 * (y == 2) + rng.normal(size=200), rng.normal(size=(200, 2))])
    mixture = fit_density(x, 2, y, rng)
    p = mixture.class_probabilities(np.array([[0.0, 0.0], [6.0, np.nan], [np.nan, np.nan]]), 4)
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    assert p[0, 0] > 0.99 and p[1, 2] > 0.99 and (p[:, [1, 3]] == 0).all()
    assert p[2] == pytest.approx([0.5, 0.0, 0.5, 0.0])


def test_bayesian_mixture_says_when_too_few_rows_are_complete():
    x = np.full((50, 4), np.nan)
    x[:4] = 1.0
    with pytest.raises(FollowupError, match="more complete rows than its 4 features, there are 4 of 50"):
        fit_density(x, 3, np.zeros(50, dtype=np.intp), np.random.default_rng(0), method="bayesian")


def test_gain_model_needs_a_feature_that_is_measured():
    x_t = np.full((100, 2), np.nan)
    with pytest.raises(FollowupError, match="none of the 2 photometric features is measured for 20%"):
        fit_gain_model(
            x_t, np.ones((100, 1)), np.arange(100) % 2, 2, np.random.default_rng(0), TrainingOptions(n_trees=5)
        )
