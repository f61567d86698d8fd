"""The compiled forest against scikit-learn and ONNX, and what is faster for one object among its possible spectra."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba", reason="the compiled forest needs the numba extra")
pytest.importorskip("skl2onnx", reason="forests are written with skl2onnx")

from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from ampel_followup.errors import BundleError
from ampel_followup.models.classifier import OnnxClassifier, encode, forest_to_onnx
from ampel_followup.models.gain_model import GainModel
from ampel_followup.models.mixture import random_points
from ampel_followup.models.mixture_fitting import fit_mixture, join_classes
from ampel_followup.models.scaling import QuantileScaling
from ampel_followup.models.votes import LEAF, VotingForest


def objects(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return photometric (n, 5) and spectral (n, 3) features, some photometric ones missing, and three classes."""
    y = rng.integers(0, 3, n)
    x = rng.normal(size=(3, 8))[y] + rng.normal(size=(n, 8))
    x[:, :5][rng.random((n, 5)) < 0.1] = np.nan
    return x[:, :5], x[:, 5:], y


@pytest.fixture(scope="module")
def forest() -> RandomForestClassifier:
    x_t, x_s, y = objects(600, np.random.default_rng(1))
    x = encode(np.concatenate([x_t, x_s], axis=1))
    return RandomForestClassifier(25, random_state=0).fit(x, y)


@pytest.mark.parametrize("n_spectra", [1, 32, 63, 64, 65, 200])
def test_every_spectrum_gets_the_probabilities_of_scikit_learn(forest: RandomForestClassifier, n_spectra: int) -> None:
    rng = np.random.default_rng(n_spectra)
    x_t, _, _ = objects(40, rng)
    x_s = rng.normal(size=(40, n_spectra, 3))
    x_s[3] = x_s[3, :1]  # spectra that are all the same
    compiled = VotingForest.from_onnx(forest_to_onnx(forest), "test")
    joint = np.concatenate([np.repeat(x_t, n_spectra, axis=0), x_s.reshape(-1, 3)], axis=1)
    expected = forest.predict_proba(encode(joint)).reshape(40, n_spectra, 3)
    np.testing.assert_allclose(compiled.predict_joint(x_t, x_s), expected, atol=1e-6)


def test_rows_get_the_probabilities_of_onnx(forest: RandomForestClassifier) -> None:
    model = forest_to_onnx(forest)
    x_t, x_s, _ = objects(500, np.random.default_rng(2))
    x = np.concatenate([x_t, x_s], axis=1)
    expected = OnnxClassifier(model, "test", 3).predict_proba(x)
    np.testing.assert_allclose(VotingForest.from_onnx(model, "test").predict_proba(x), expected, atol=1e-6)


def test_a_threshold_that_is_met_exactly_says_yes_as_in_scikit_learn() -> None:
    x = np.repeat(np.arange(8.0), 5)[:, None]
    forest = ExtraTreesClassifier(9, random_state=0).fit(encode(x), (x[:, 0] > 3).astype(int))
    compiled = VotingForest.from_onnx(forest_to_onnx(forest), "test")
    thresholds = compiled.nodes["threshold"][compiled.nodes["feature"] != LEAF].astype(np.float64)[:, None]
    expected = OnnxClassifier(forest_to_onnx(forest), "test", 2).predict_proba(thresholds)
    np.testing.assert_allclose(compiled.predict_proba(thresholds), expected, atol=1e-6)
    by_spectrum = compiled.predict_joint(np.empty((1, 0)), thresholds[None])[0]
    np.testing.assert_allclose(by_spectrum, expected, atol=1e-6)


def test_an_object_has_the_same_scores_to_the_last_bit_alone_and_in_a_batch(forest: RandomForestClassifier) -> None:
    rng = np.random.default_rng(3)
    x_t, x_s, y = objects(600, rng)
    scaling = QuantileScaling.fit(x_t)
    joint = np.concatenate([scaling.transform(x_t), x_s], axis=1)
    mixture = join_classes(
        [fit_mixture(joint[y == c], 5, np.zeros((y == c).sum(), dtype=np.intp)) for c in range(3)],
        np.bincount(y) / len(y),
    )
    models = [forest_to_onnx(RandomForestClassifier(25, random_state=0).fit(encode(x_t), y)), forest_to_onnx(forest)]
    compiled = GainModel(*(VotingForest.from_onnx(m, "test") for m in models), mixture, scaling, np.arange(5))
    onnx = GainModel(*(OnnxClassifier(m, "test", 3) for m in models), mixture, scaling, np.arange(5))
    points = random_points(50, 3, rng)
    together = compiled.score(x_t, points)
    for i in range(0, 600, 50):
        alone = compiled.score(x_t[i : i + 1], points)
        assert alone.information_gain[0] == together.information_gain[i]
        assert alone.value_of_information[0] == together.value_of_information[i]
    np.testing.assert_allclose(together.information_gain, onnx.score(x_t, points).information_gain, atol=1e-5)


def test_what_is_no_forest_is_refused_in_one_line() -> None:
    with pytest.raises(BundleError, match=r"model p_ts is not ONNX \("):
        VotingForest.from_onnx(b"no model", "p_ts")
    import onnx
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    empty = helper.make_model(helper.make_graph([], "none", [value], [value]))
    with pytest.raises(BundleError, match="model p_ts is not one forest but has 0"):
        VotingForest.from_onnx(empty.SerializeToString(), "p_ts")
    assert onnx.__version__
