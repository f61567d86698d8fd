"""Networks with attention learn, and run as they were trained; needs TensorFlow."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from ampel_followup.errors import TrainingError
from ampel_followup.features.sequence import beginnings
from ampel_followup.learning.attention_calibration import balanced_loss, class_weights, fit_pool, fit_temperature
from ampel_followup.learning.attention_curves import LabelledCurves, labelled_curves, split_objects
from ampel_followup.learning.attention_training import FitOptions, Trainer
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.attention_inputs import inputs_of, network_inputs
from ampel_followup.models.attention_options import KINDS, NetworkOptions

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed (make venv-train)"
)


def fast_and_slow(n: int, seed: int) -> LabelledCurves:
    """Return light curves that fade within days, or weeks."""
    rng = np.random.default_rng(seed)
    curves, labels = [], []
    for k in range(n):
        slow = k % 2 == 1
        time = 58000.0 + np.sort(rng.uniform(0.0, 30.0, 20))
        flux = 100.0 * np.exp(-(time - 58000.0) / (30.0 if slow else 3.0)) + rng.normal(0.0, 3.0, 20)
        band = rng.choice(["ztfg", "ztfr"], 20)
        curves.append(LightCurve(f"o{k}", k, time, band, flux, np.full(20, 3.0), np.zeros(20, bool), 10.0, 20.0))
        labels.append("slow" if slow else "fast")
    return labelled_curves("made up", curves, labels, "made up")


def small(kind: str) -> NetworkOptions:
    return NetworkOptions(kind=kind, steps=12, units=8, attention_units=6, rows=2, heads=2, blocks=1)  # type: ignore[arg-type]


@needs_tensorflow
@pytest.mark.parametrize("kind", KINDS)
def test_network_learns_and_runs_as_it_was_trained(kind: str) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    from ampel_followup.models.attention_onnx import network_to_onnx

    data, options = fast_and_slow(240, 1), small(kind)
    part = split_objects(data.y, (0.7, 0.3), np.random.default_rng(1))
    training, held_out = np.flatnonzero(part == 0), np.flatnonzero(part == 1)
    trainer = Trainer(options, 2)
    losses: list[float] = []
    fit = FitOptions(rounds=6, patience=6, batch_size=16, learning_rate=0.02)

    def train(seed: int):
        return trainer.train(
            data.of(training),
            data.y[training],
            data.of(held_out),
            data.y[held_out],
            np.random.default_rng(seed),
            fit=fit,
            on_round=lambda number, loss: losses.append(loss),
        )

    trained = train(2)
    assert trained.loss == pytest.approx(min(losses), abs=1e-5) and trained.loss < 0.6
    assert trained.best_round <= trained.rounds == len(losses) == 6
    # A trainer that is used again starts from the beginning.
    again = train(2)
    assert all(np.array_equal(trained.weights[name], again.weights[name]) for name in trained.weights)

    found = network_inputs(beginnings(data.of(held_out), 0.5), options, trained.softening, trained.scale)
    trainer.network.looks.set_weights([again.weights[name] for name in trainer.network.order])
    inputs = inputs_of(found, slice(None), options)
    logits, attention = (out.numpy() for out in trainer.network.looks(inputs))
    assert (again.trees is not None) == options.has_trees
    if again.trees is not None:
        assert 0.0 <= again.share <= 1.0 and found.features is not None
        logits = 0.7 * logits + 0.3 * again.trees.logits(found.features)
    session = onnxruntime.InferenceSession(network_to_onnx(again.weights, options, 2, 1.3, again.trees, 0.3))
    names = [one.name for one in session.get_inputs()]
    for rows in (slice(0, 1), slice(None)):  # any number at once
        feed = {name: values[rows] for name, values in zip(names, inputs, strict=True)}
        p, looked = session.run(["probabilities", "attention"], feed)
        expected = np.exp(logits[rows] / 1.3)
        np.testing.assert_allclose(p, expected / expected.sum(axis=1, keepdims=True), atol=2e-6)
        np.testing.assert_allclose(looked, attention[rows], atol=2e-6)


@needs_tensorflow
def test_what_only_the_host_tells_is_learned_and_is_not_needed() -> None:
    from ampel_followup.learning.attention_export import measure, served

    data, rng = fast_and_slow(240, 4), np.random.default_rng(4)
    # The same light curves, near and far away.
    near = rng.random(240) < 0.5
    photoz = np.where(near, 0.02, 0.3)
    curves = tuple(replace(curve, meta={"photoz": z}) for curve, z in zip(data.curves, photoz.tolist(), strict=True))
    data = replace(data, curves=curves, y=near.astype(np.intp), class_names=("far", "near"))
    part = split_objects(data.y, (0.5, 0.2, 0.3), np.random.default_rng(1))
    training, held_out, test = (np.flatnonzero(part == k) for k in range(3))
    fit = FitOptions(rounds=6, patience=6, batch_size=16, learning_rate=0.02)
    trained = Trainer(small("pooled-attention-host"), 2).train(
        data.of(training),
        data.y[training],
        data.of(held_out),
        data.y[held_out],
        np.random.default_rng(2),
        hosts=(data.hosts.select(training), data.hosts.select(held_out)),
        fit=fit,
    )
    found = measure(served(trained, data.class_names), data, test)
    assert found["macro_recall_1"] > 0.9
    assert 0.3 < found["macro_recall_1_without_host"] < 0.7


@needs_tensorflow
def test_class_without_objects_is_refused() -> None:
    data = fast_and_slow(20, 3)
    rows = np.flatnonzero(data.y == 0)
    with pytest.raises(TrainingError, match="class number 1 has no object to train on"):
        Trainer(small("time-attention"), 2).train(
            data.of(rows), data.y[rows], data.points, data.y, np.random.default_rng(1)
        )


@pytest.mark.parametrize("wrong", [{"rounds": 0}, {"learning_rate": 0.0}, {"lost_points": 1.0}, {"noise": -1.0}])
def test_training_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(TrainingError):
        FitOptions(**wrong)  # type: ignore[arg-type]


def test_parts_share_no_object_and_have_each_class() -> None:
    y = np.repeat([0, 1, 2], [100, 40, 10])
    part = split_objects(y, (0.6, 0.2, 0.2), np.random.default_rng(1))
    assert [np.bincount(y[part == k]).tolist() for k in range(3)] == [[60, 24, 6], [20, 8, 2], [20, 8, 2]]


def test_classes_count_equally_and_temperature_undoes_overconfidence() -> None:
    rng = np.random.default_rng(1)
    y = np.repeat([0, 1], [900, 100])
    weights = class_weights(y, 2)
    assert weights[y == 0].sum() == pytest.approx(weights[y == 1].sum()) and weights.mean() == pytest.approx(1.0)
    # Logits with the right probabilities for equal classes, then three times too large.
    x = rng.normal(np.where(y == 1, 1.0, -1.0), 1.0)
    logits = np.column_stack([np.zeros(1000), 2.0 * x])
    assert fit_temperature(3.0 * logits, y, 2) == pytest.approx(3.0, rel=0.25)
    assert balanced_loss(3.0 * logits, y, 2, 3.0) == pytest.approx(balanced_loss(logits, y, 2))


def test_network_and_trees_count_the_same_and_are_better_together() -> None:
    rng = np.random.default_rng(2)
    y = np.repeat([0, 1], 500)
    told = np.column_stack([np.zeros(1000), rng.normal(np.where(y == 1, 2.0, -2.0), 2.0)])
    noise = rng.normal(0.0, 2.0, (1000, 2))
    also = np.column_stack([np.zeros(1000), rng.normal(np.where(y == 1, 4.0, -4.0), 4.0)])
    share, temperature = fit_pool(told, also, y, 2)
    # Twice as sure of itself and no better: it counts half as much, so that both count the same.
    assert share == pytest.approx(1 / 3, abs=0.05)
    both = (1.0 - share) * told + share * also
    for logits in (told, also, noise):
        assert balanced_loss(both, y, 2, temperature) < balanced_loss(logits, y, 2, fit_temperature(logits, y, 2))
