"""The classifier with attention: what it says of light curves, networks as they run, and the bundle."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ampel_followup.attention_scores import AttentionScores
from ampel_followup.errors import BundleError, TrainingError
from ampel_followup.features.hand_made import HAND_MADE, WITH_HOST, FeatureScale
from ampel_followup.features.hosts import Hosts
from ampel_followup.features.ragged import stack
from ampel_followup.features.sequence import EPOCH_GAP
from ampel_followup.learning.attention_metrics import calibration_error, confusion, macro_recall, recalls
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.attention_bundle import (
    DEFAULT_ATTENTION,
    AttentionModel,
    load_attention_bundle,
    save_attention_bundle,
)
from ampel_followup.models.attention_options import KINDS, NetworkOptions
from ampel_followup.models.attention_trees import NetworkTrees, with_gaps
from ampel_followup.models.folder import PACKAGED

onnx = pytest.importorskip("onnx", reason="networks are written with onnx")

from random_networks import saved, weights_of  # noqa: E402

from ampel_followup.models.attention_onnx import network_to_onnx  # noqa: E402


def light_curve(
    rng: np.random.Generator, n: int, *, limits_only: bool = False, name: str = "ZTF18aaaaaaa"
) -> LightCurve:
    time = 58000.0 + np.sort(rng.uniform(0.0, 40.0, n))
    limit = np.ones(n, bool) if limits_only else rng.random(n) < 0.2
    if n and not limits_only:
        limit[-1] = False
    flux = np.where(limit, 0.0, 100.0 * np.exp(-0.5 * ((time - 58020.0) / 10.0) ** 2) + rng.normal(0.0, 3.0, n))
    band = rng.choice(["ztfg", "ztfr", "ztfi"], n)
    return LightCurve(name, 1, time, band, flux, np.full(n, 3.0), limit, ra=10.0, dec=20.0)


@pytest.fixture(scope="module")
def packaged() -> AttentionModel:
    return load_attention_bundle()


def test_packaged_bundle_is_small_and_knows_the_classes_of_a_demo_night(packaged: AttentionModel) -> None:
    assert sum(file.stat().st_size for file in (PACKAGED / DEFAULT_ATTENTION).iterdir()) < 1_000_000
    assert {"SN Ia", "SN II", "AGN", "bogus"} <= set(packaged.class_names)
    assert packaged.describe()["digest"] == packaged.digest and packaged.digest


def test_every_object_gets_probabilities_and_the_weight_of_each_epoch(packaged: AttentionModel) -> None:
    rng = np.random.default_rng(1)
    curves = [light_curve(rng, n) for n in (1, 2, 7, 40, 200)]
    for curve, scores in zip(curves, packaged.score(curves), strict=True):
        assert scores.class_names == packaged.class_names and scores.known
        epochs = 1 + int(np.count_nonzero(np.diff(curve.time) > EPOCH_GAP))
        assert len(scores.times) == min(epochs, packaged.options.steps)
        assert set(scores.times) <= set(np.round(curve.time, 4).tolist())
        assert scores.times[-1] <= curve.time[-1] + 1e-4


def test_object_has_the_same_scores_alone_as_among_others(packaged: AttentionModel) -> None:
    rng = np.random.default_rng(2)
    curves = [light_curve(rng, int(n)) for n in rng.integers(1, 60, 12)]
    assert packaged.score(curves) == [packaged.score([curve])[0] for curve in curves]


def test_nothing_is_said_of_what_was_not_detected(packaged: AttentionModel) -> None:
    rng = np.random.default_rng(3)
    empty = light_curve(rng, 0)
    limits = light_curve(rng, 9, limits_only=True)
    seen = light_curve(rng, 9)
    scores = packaged.score([empty, limits, seen])
    assert [one.known for one in scores] == [False, False, True]
    assert scores[0] == AttentionScores(packaged.class_names)
    assert packaged.score([]) == []


def test_later_points_change_nothing_of_what_was_said_before(packaged: AttentionModel) -> None:
    whole = light_curve(np.random.default_rng(4), 40)
    n = 15
    early = LightCurve(
        "x", 1, whole.time[:n], whole.band[:n], whole.flux[:n], whole.flux_err[:n], whole.upper_limit[:n], 10.0, 20.0
    )
    assert packaged.score([early])[0].times[-1] <= whole.time[n - 1] + 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_network_says_where_it_looked(kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    options = NetworkOptions(kind=kind, steps=24, units=8, attention_units=6, rows=2, heads=2, blocks=1)  # type: ignore[arg-type]
    model = saved(tmp_path / "mine", options, rng)
    curves = [light_curve(rng, n) for n in (1, 5, 30)]
    for scores in model.score(curves):
        assert scores.known and scores.attention
        if kind == "gru":  # it reads its last state
            assert scores.attention[-1] == 1.0
    p, attention = model.predict(model.sequences(stack(curves)))
    np.testing.assert_allclose(p.sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(attention.sum(axis=1), 1.0, atol=1e-5)


def test_altered_or_foreign_bundle_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(PACKAGED / DEFAULT_ATTENTION, folder)
    network = folder / "attention.onnx"
    content = bytearray(network.read_bytes())
    content[100] ^= 1
    network.write_bytes(bytes(content))
    with pytest.raises(BundleError, match="was altered"):
        load_attention_bundle(folder)
    with pytest.raises(BundleError, match="a search for lenses, here one for a classifier with attention"):
        load_attention_bundle("microlensing")
    (folder / "bundle.json").write_text(json.dumps({"format": 1, "files": {}, "digest": ""}))
    with pytest.raises(BundleError, match="was altered"):
        load_attention_bundle(folder)


def test_network_knows_of_its_features_no_more_than_its_points_tell(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    options = NetworkOptions("feature-attention", units=8, heads=2, blocks=1)
    model = saved(tmp_path / "mine", options, rng)
    curves = [light_curve(rng, n) for n in (1, 2, 9, 40)]
    together = model.score(curves)
    assert together == [model.score([curve])[0] for curve in curves]
    whole, n = curves[-1], 15
    columns = {name: getattr(whole, name)[:n] for name in ("time", "band", "flux", "flux_err", "upper_limit")}
    begun = LightCurve("x", 1, ra=10.0, dec=20.0, **columns)
    cut = stack([whole]).beginnings(np.array([0]), np.array([n]))
    np.testing.assert_array_equal(model.sequences(stack([begun])).features, model.sequences(cut).features)
    assert model.sequences(cut).features is not None
    # What was long before the transient counts no more for the features than for the epochs.
    earlier = np.concatenate([[whole.time[0] - 300.0], whole.time])
    before = LightCurve(
        "y", 1, earlier, np.concatenate([["ztfr"], whole.band]), np.concatenate([[40.0], whole.flux]),
        np.concatenate([[20.0], whole.flux_err]), np.concatenate([[False], whole.upper_limit]), 10.0, 20.0,
    )  # fmt: skip
    np.testing.assert_allclose(
        model.sequences(stack([before])).features, model.sequences(stack([whole])).features, atol=1e-5
    )


def test_network_that_is_told_of_hosts_says_something_else_where_one_is_known(tmp_path: Path) -> None:
    rng = np.random.default_rng(14)  # of random weights, some are sure of a class whatever they see
    options = NetworkOptions("pooled-attention-host", units=8, heads=2, blocks=1)
    model = saved(tmp_path / "mine", options, rng)
    assert len(model.scale.centre) == len(WITH_HOST) == len(HAND_MADE) + 3
    bare = [light_curve(rng, n) for n in (8, 20, 40)]
    meta: list[dict[str, float]] = [{"photoz": 0.3, "photoz_err": 0.1}, {}, {"photoz": 7.0, "photoz_err": 0.1}]
    named = [replace(curve, meta=one) for curve, one in zip(bare, meta, strict=True)]
    without, found = model.score(bare), model.score(named)
    assert found[0].probabilities != without[0].probabilities
    # A redshift that no host has is none.
    assert found[1:] == without[1:]
    assert found == [model.score([curve])[0] for curve in named]
    features = model.sequences(stack(named), Hosts.of(named)).features
    assert features is not None
    unmeasured = features[:, options.feature_channels // 2 :]
    assert unmeasured[:, -3:].tolist() == [[0.0] * 3, [1.0] * 3, [1.0] * 3]


def test_network_with_other_features_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    options = NetworkOptions("feature-attention", units=8, heads=2, blocks=1)
    model = saved(tmp_path / "mine", options, rng)
    told = {**model.info["features"], "sets": {"early": "0", "early_ia": "1"}}
    other = save_attention_bundle(
        tmp_path / "other", {**model.info, "features": told}, model.files["attention.onnx"], options
    )
    with pytest.raises(BundleError, match="train it again"):
        other.score([light_curve(rng, 5)])


@pytest.mark.parametrize("n_classes", [2, 3])
def test_trees_beside_a_network_are_those_that_were_grown(n_classes: int) -> None:
    import onnxruntime
    from sklearn.ensemble import HistGradientBoostingClassifier

    rng = np.random.default_rng(10)
    n, f = 300, len(HAND_MADE)
    z = np.round(rng.normal(0.0, 1.0, (n, f)), 1).astype(np.float32)  # few values, so that many lie near a threshold
    missing = rng.random(z.shape) < 0.2
    missing[:, 3] = True  # no object has this feature
    features = np.concatenate([np.where(missing, 0.0, z), missing], axis=1).astype(np.float32)
    y = np.digitize(z[:, 0] + z[:, 1] + missing[:, 2], [0.0, 1.0][: n_classes - 1])
    x = with_gaps(features)
    columns = np.flatnonzero(np.isfinite(x).any(axis=0))
    model = HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5, random_state=1).fit(x[:, columns], y)
    expected = model.predict_proba(x[:, columns])

    trees = NetworkTrees.from_boosting(model, columns)
    p = np.exp(trees.logits(features))
    np.testing.assert_allclose(p / p.sum(axis=1, keepdims=True), expected, atol=1e-6)

    options = NetworkOptions("pooled-attention", units=8, heads=2, blocks=1)
    weights = weights_of(options, n_classes, rng)
    feed = {
        "values": rng.normal(size=(n, 7, options.channels)).astype(np.float32),
        "mask": np.ones((n, 7), np.float32),
        "features": features,
    }

    def probabilities(*arguments: object) -> np.ndarray:
        network = network_to_onnx(weights, options, n_classes, *arguments)  # type: ignore[arg-type]
        return np.asarray(onnxruntime.InferenceSession(network).run(["probabilities"], feed)[0])

    np.testing.assert_allclose(probabilities(1.0, trees, 1.0), expected, atol=2e-6)
    np.testing.assert_array_equal(probabilities(1.0, trees, 0.0), probabilities(1.0))
    mixed = probabilities(1.0) ** 0.6 * expected**0.4
    np.testing.assert_allclose(
        probabilities(1.0, trees, 0.4), mixed / mixed.sum(axis=1, keepdims=True), atol=5e-6, rtol=1e-3
    )


def test_features_of_any_size_are_of_order_one_and_say_what_is_missing() -> None:
    rng = np.random.default_rng(9)
    x = np.column_stack([rng.normal(20.0, 2.0, 500), np.full(500, 3.0), np.full(500, np.nan), rng.normal(0, 1e-6, 500)])
    x[0, 0], x[1, 0] = np.nan, 1e30
    z = FeatureScale.of(x)(x)
    assert z.shape == (500, 8) and np.isfinite(z).all() and np.abs(z).max() <= 5.0
    assert np.median(np.abs(z[:, 0])) == pytest.approx(0.6, abs=0.1) == np.median(np.abs(z[:, 3]))
    assert z[0, 0] == 0.0 and z[:, 4:].sum(axis=0).tolist() == [1.0, 0.0, 500.0, 0.0]
    np.testing.assert_array_equal(z[:, 1:3], 0.0)


def test_network_that_does_not_fit_its_description_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    options = NetworkOptions(units=8, heads=2, blocks=1)
    model = saved(tmp_path / "mine", options, rng)
    info = {**model.info, "classes": ["one", "two"]}
    other = save_attention_bundle(tmp_path / "other", info, model.files["attention.onnx"], options)
    with pytest.raises(BundleError, match="make the bundle again"):
        other.score([light_curve(rng, 5)])


@pytest.mark.parametrize(
    "wrong", [{"kind": "lstm"}, {"units": 0}, {"steps": 1}, {"dropout": 1.0}, {"units": 10, "heads": 4}]
)
def test_network_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(TrainingError):
        NetworkOptions(**wrong)  # type: ignore[arg-type]


def test_bundle_commands_know_it(run) -> None:
    code, out, _ = run("bundle", "show", DEFAULT_ATTENTION)
    assert code == 0 and "feature-attention" in out and "SN Ia" in out
    code, out, _ = run("bundle", "list", "--json")
    kinds = {one["name"]: one["kind"] for one in json.loads(out)["bundles"]}
    assert kinds[DEFAULT_ATTENTION] == "attention"
    assert run("bundle", "verify", DEFAULT_ATTENTION)[0] == 0


def test_recalls_and_calibration_of_hand_made_answers() -> None:
    y = np.array([0, 0, 0, 1])
    counts = confusion(y, np.array([0, 0, 1, 1]), 2)
    assert counts.tolist() == [[2, 1], [0, 1]]
    assert recalls(counts).tolist() == pytest.approx([2 / 3, 1.0])
    assert macro_recall(counts) == pytest.approx(5 / 6)
    sure = np.eye(2)[y]
    assert calibration_error(sure, y) == pytest.approx(0.0)
    assert calibration_error(1.0 - sure, y) == pytest.approx(1.0)
