"""Trees as tables say what scikit-learn's say, and the shares of the features are those of the definition."""

from __future__ import annotations

import json
from itertools import combinations
from math import factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampel_followup.errors import BundleError, TrainingError
from ampel_followup.models.trees import LEAF, Calibration, TreeEnsemble

FEATURES = tuple("abcde")


def objects(n: int, seed: int):
    """Features of which a fifth is missing, some with ties, and a class that depends on all but the last."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, len(FEATURES)))
    x[:, 1] = x[:, 1].round(1)
    y = x[:, 0] + x[:, 1] * x[:, 2] + np.abs(x[:, 3]) + rng.normal(size=n) > 0.5
    x[rng.random(x.shape) < 0.2] = np.nan
    return x, y


def boosted(seed: int = 0, **options):
    from sklearn.ensemble import HistGradientBoostingClassifier

    x, y = objects(800, seed)
    return HistGradientBoostingClassifier(**({"max_iter": 25, "early_stopping": False} | options)).fit(x, y)


def random_trees(rng: np.random.Generator, n_trees: int, depth: int) -> TreeEnsemble:
    """Trees of any shape; covers are what they are when objects are spread at random."""
    rows = []

    def grow(left: int, cover: float) -> None:
        if left == 0 or rng.random() < 0.2:
            rows.append((LEAF, rng.normal(), False, cover))
            return
        share = rng.uniform(0.05, 0.95)
        rows.append((rng.integers(len(FEATURES)), rng.integers(-2, 3) / 2, rng.random() < 0.5, cover))
        grow(left - 1, share * cover)
        grow(left - 1, (1 - share) * cover)

    for _ in range(n_trees):
        grow(depth, 100.0)
    feature, number, missing_left, cover = map(np.array, zip(*rows, strict=True))
    return TreeEnsemble(FEATURES, 0.3, feature, number, missing_left, cover)


def worth(trees: TreeEnsemble, x: np.ndarray, known: set[int]) -> float:
    """The game of Lundberg, Erion & Lee (2018), algorithm 1: walk where x is known, average where it is not."""

    def below(node: int) -> float:
        feature = trees.feature[node]
        if feature == LEAF:
            return trees.number[node]
        left, right = node + 1, trees.ends[node + 1]
        if feature in known:
            value = x[feature]
            goes_left = trees.missing_left[node] if np.isnan(value) else value <= trees.number[node]
            return below(left if goes_left else right)
        return (trees.cover[left] * below(left) + trees.cover[right] * below(right)) / trees.cover[node]

    total, root = trees.baseline, 0
    while root < len(trees.feature):
        total += below(root)
        root = trees.ends[root]
    return total


def shapley_by_definition(trees: TreeEnsemble, x: np.ndarray) -> np.ndarray:
    """The sum over all subsets of the other features."""
    k = len(trees.features)
    values = np.zeros(k)
    for j in range(k):
        others = [i for i in range(k) if i != j]
        for size in range(k):
            weight = factorial(size) * factorial(k - size - 1) / factorial(k)
            for known in combinations(others, size):
                values[j] += weight * (worth(trees, x, {*known, j}) - worth(trees, x, set(known)))
    return values


@pytest.mark.parametrize("options", [{}, {"max_depth": 3}, {"max_leaf_nodes": 2}, {"max_depth": 8, "max_iter": 5}])
def test_log_odds_are_those_of_scikit_learn(options):
    model = boosted(**({"max_depth": 6} | options))
    x, _ = objects(1500, seed=1)
    x[:3] = [[np.inf] * 5, [-np.inf] * 5, [np.nan] * 5]
    trees = TreeEnsemble.from_boosting(model, FEATURES)
    assert trees.n_trees == len(model._predictors)
    np.testing.assert_allclose(trees.log_odds(x), model.decision_function(x), rtol=0, atol=1e-12)


def test_a_value_on_a_threshold_goes_left():
    model = boosted(max_depth=3)
    trees = TreeEnsemble.from_boosting(model, FEATURES)
    x, _ = objects(200, seed=2)
    for column in range(len(FEATURES)):
        thresholds = trees.number[trees.feature == column]
        if len(thresholds):
            x[:, column] = np.resize(thresholds, len(x))
    np.testing.assert_allclose(trees.log_odds(x), model.decision_function(x), rtol=0, atol=1e-12)


@given(seed=st.integers(0, 2**32 - 1), depth=st.integers(0, 8))
def test_random_trees_say_what_a_walk_down_them_says(seed, depth):
    rng = np.random.default_rng(seed)
    trees = random_trees(rng, 3, depth)
    x = rng.integers(-3, 4, (8, 5)) / 2
    x[rng.random(x.shape) < 0.2] = np.nan
    everything = set(range(len(FEATURES)))
    np.testing.assert_allclose(trees.log_odds(x), [worth(trees, row, everything) for row in x], atol=1e-12)


@given(seed=st.integers(0, 2**32 - 1), depth=st.integers(0, 5))
def test_shapley_values_are_those_of_the_definition(seed, depth):
    rng = np.random.default_rng(seed)
    trees = random_trees(rng, 2, depth)
    x = rng.integers(-3, 4, (2, 5)) / 2
    x[rng.random(x.shape) < 0.2] = np.nan
    values, expected = trees.shapley(x)
    assert expected == pytest.approx(worth(trees, x[0], set()), abs=1e-12)
    np.testing.assert_allclose(values, [shapley_by_definition(trees, row) for row in x], atol=1e-12)


def test_shapley_values_of_deep_boosted_trees_are_those_of_the_definition_and_add_up_to_the_score():
    trees = TreeEnsemble.from_boosting(boosted(max_depth=8, max_iter=4), FEATURES)
    x, _ = objects(700, seed=3)
    values, expected = trees.shapley(x)
    np.testing.assert_allclose(values.sum(axis=1) + expected, trees.log_odds(x), atol=1e-9)
    np.testing.assert_allclose(values[0], shapley_by_definition(trees, x[0]), atol=1e-12)


def test_an_object_has_the_same_score_and_shares_alone_or_among_others():
    trees = TreeEnsemble.from_boosting(boosted(max_depth=4), FEATURES)
    x, _ = objects(1300, seed=4)
    scores, (values, _) = trees.log_odds(x), trees.shapley(x)
    for i in (0, 511, 512, 1299):
        assert trees.log_odds(x[i : i + 1])[0] == scores[i]
        np.testing.assert_array_equal(trees.shapley(x[i : i + 1])[0][0], values[i])


def test_nothing_in_gives_nothing_out():
    trees = TreeEnsemble.from_boosting(boosted(max_depth=3, max_iter=2), FEATURES)
    assert trees.log_odds(np.empty((0, 5))).shape == (0,)
    assert trees.shapley(np.empty((0, 5)))[0].shape == (0, 5)


def test_the_mean_of_ensembles_has_the_mean_log_odds_and_the_mean_shares():
    some = [TreeEnsemble.from_boosting(boosted(seed, max_depth=3), FEATURES) for seed in range(3)]
    mean = TreeEnsemble.mean(some)
    x, _ = objects(100, seed=5)
    np.testing.assert_allclose(mean.log_odds(x), np.mean([trees.log_odds(x) for trees in some], axis=0), atol=1e-12)
    shares = np.mean([trees.shapley(x)[0] for trees in some], axis=0)
    np.testing.assert_allclose(mean.shapley(x)[0], shares, atol=1e-12)
    with pytest.raises(ValueError, match="same features"):
        TreeEnsemble.mean([some[0], TreeEnsemble.from_boosting(boosted(max_depth=3), tuple("vwxyz"))])


def test_trees_come_back_from_json_to_the_last_bit():
    trees = TreeEnsemble.from_boosting(boosted(max_depth=4), FEATURES)
    text = json.dumps(trees.to_dict())
    back = TreeEnsemble.from_dict(json.loads(text))
    for name in ("feature", "number", "missing_left", "cover"):
        np.testing.assert_array_equal(getattr(back, name), getattr(trees, name))
    assert (back.features, back.baseline) == (trees.features, trees.baseline)
    assert len(text) < 20 * len(trees.feature)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"number": "!!"}, "not a tree ensemble"),
        ({"features": ["a"]}, "beyond its 1"),
        ({"feature": np.array([0])}, "different lengths"),
        ({"feature": np.array([0, -1, 0])}, "not complete"),
        ({"number": np.array([0.0, np.nan, 1.0])}, "no number"),
        ({"cover": np.array([5.0, 0.0, 5.0])}, "no training object"),
    ],
)
def test_a_damaged_ensemble_is_refused(damage, said):
    from ampel_followup.models.trees import _STORED, _pack

    stump = TreeEnsemble(
        FEATURES, 0.0, np.array([1, -1, -1]), np.array([0.5, -1.0, 1.0]), np.zeros(3, dtype=bool), np.array([5.0, 3, 2])
    )
    packed = {k: _pack(v.astype(_STORED[k])) if isinstance(v, np.ndarray) else v for k, v in damage.items()}
    with pytest.raises(BundleError, match=said):
        TreeEnsemble.from_dict(stump.to_dict() | packed)


def test_trees_that_are_too_deep_are_refused():
    n = 9
    feature = np.array([0] * n + [LEAF] * (n + 1))
    with pytest.raises(BundleError, match="9 decisions deep"):
        TreeEnsemble(FEATURES, 0.0, feature, np.zeros(2 * n + 1), feature < 0, np.ones(2 * n + 1))


def test_models_that_a_score_cannot_be_made_from_are_refused():
    from sklearn.ensemble import HistGradientBoostingClassifier

    x, y = objects(300, seed=6)
    with pytest.raises(TrainingError, match="the model has 3"):
        three = HistGradientBoostingClassifier(max_iter=1).fit(x, y.astype(int) + (np.arange(300) % 3 == 0))
        TreeEnsemble.from_boosting(three, FEATURES)
    x[:, 1] = np.arange(300) % 4
    with pytest.raises(TrainingError, match="numbers only"):
        TreeEnsemble.from_boosting(
            HistGradientBoostingClassifier(max_iter=1, categorical_features=[1]).fit(x, y), FEATURES
        )
    with pytest.raises(TrainingError, match="takes 5 features, 2 are named: a, b"):
        TreeEnsemble.from_boosting(boosted(max_iter=1), ("a", "b"))


def test_calibration_finds_the_map_that_made_the_classes():
    rng = np.random.default_rng(7)
    z = 3.0 * rng.normal(size=20000)
    y = rng.random(z.size) < 1.0 / (1.0 + np.exp(-0.7 * z + 0.4))
    found = Calibration.fit(z, y)
    assert (found.a, found.b) == (pytest.approx(-0.7, abs=0.03), pytest.approx(0.4, abs=0.05))
    # Twice as heavy is as good as twice there, but for Platt's targets.
    weighted = Calibration.fit(z, y, np.where(y, 2.0, 1.0))
    doubled = Calibration.fit(np.concatenate([z, z[y]]), np.concatenate([y, y[y]]))
    assert (weighted.a, weighted.b) == (pytest.approx(doubled.a, abs=1e-3), pytest.approx(doubled.b, abs=1e-3))
    assert Calibration.from_dict(json.loads(json.dumps(found.to_dict()))) == found


@given(z=st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=20), a=st.floats(-50, -1e-3), b=st.floats(-50, 50))
def test_a_higher_score_is_never_less_probable(z, a, b):
    p = Calibration(a, b)(np.sort(z))
    assert np.all((p >= 0) & (p <= 1)) and np.all(np.diff(p) >= 0)


def test_a_calibration_that_turns_the_order_round_is_refused():
    z, y = np.linspace(-1, 1, 50), np.arange(50) < 25
    with pytest.raises(TrainingError, match="does not rise"):
        Calibration.fit(z, y)
    with pytest.raises(TrainingError, match="both kinds"):
        Calibration.fit(z, np.ones(50, dtype=bool))
    with pytest.raises(BundleError, match="does not increase"):
        Calibration(0.5, 0.0)
