"""A bundle is trained, saved, verified and used."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ampel_followup.errors import BundleError
from ampel_followup.models.bundle import load_bundle, save_bundle
from ampel_followup.models.classifier import MISSING, OnnxClassifier, encode, forest_to_onnx
from ampel_followup.models.folder import write_folder
from ampel_followup.models.scaling import QuantileScaling
from ampel_followup.models.training import TrainingOptions, train
from ampel_followup.spectra.features import N_BINS

CLASSES = ("SN Ia", "SN II", "TDE")
FEATURES = tuple(f"x{i}" for i in range(12))


def toy_objects(n: int, seed: int):
    """Photometry that tells the third class only; spectra that tell all three."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    x_t = rng.normal(size=(n, len(FEATURES)))
    x_t[:, 0] += 4.0 * (y == 2)
    x_t[:, 1] += 0.7 * (y == 1)
    x_t[rng.random(x_t.shape) < 0.1] = np.nan
    lines = np.array([np.exp(-(((np.arange(N_BINS) - centre) / 15.0) ** 2)) for centre in (60, 120, 200)])
    return x_t, lines[y] + 0.1 * rng.normal(size=(n, N_BINS)), np.array(CLASSES)[y]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    x_t, spectra, labels = toy_objects(900, seed=1)
    info, files = train(
        x_t, spectra, labels, features=FEATURES, feature_sets={"toy": "1"}, classes=CLASSES,
        rng=np.random.default_rng(2), options=TrainingOptions(n_trees=20),
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("bundles") / "toy"
    head = {"name": "toy", "version": "1", "created": "2026-01-01", "description": "toy", "training": {}, "metrics": {}}
    save_bundle(folder, head | info, files)
    return folder


def copy_of(folder, tmp_path):
    target = tmp_path / "copy"
    target.mkdir()
    for file in folder.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target


def test_spectra_are_worth_most_where_photometry_cannot_tell(folder):
    bundle = load_bundle(folder)
    x_t, _, labels = toy_objects(300, seed=3)
    scores = bundle.score(x_t)
    assert np.mean(np.array(CLASSES)[scores.class_now] == labels) > 0.6
    assert scores.value_of_information[labels != "TDE"].mean() > 3 * scores.value_of_information[labels == "TDE"].mean()
    # The expected classes after a spectrum are, on average, those before it.
    np.testing.assert_allclose(scores.p_ts.mean(axis=0), scores.p_t.mean(axis=0), atol=0.05)


def test_an_object_has_the_same_scores_alone_or_among_others(folder):
    bundle = load_bundle(folder)
    x_t, _, _ = toy_objects(600, seed=4)
    together = bundle.score(x_t)
    for i in (0, 17, 599):
        alone = bundle.score(x_t[i : i + 1])
        np.testing.assert_array_equal(alone.p_ts[0], together.p_ts[i])
        assert alone.value_of_information[0] == together.value_of_information[i]


def test_an_object_unlike_the_training_set_is_out_of_scope(folder):
    bundle = load_bundle(folder)
    x_t, _, _ = toy_objects(300, seed=5)
    share = bundle.in_scope(x_t)
    assert 0.4 < share.mean() < 0.6
    assert bundle.in_scope(x_t[:5] + 30.0).max() < 0.01


def test_forests_in_onnx_form_agree_with_scikit_learn():
    from sklearn.ensemble import RandomForestClassifier

    x, _, labels = toy_objects(500, seed=6)
    forest = RandomForestClassifier(30, min_samples_leaf=3, random_state=0).fit(encode(x), labels)
    served = OnnxClassifier(forest_to_onnx(forest), "forest", 3)
    fresh = toy_objects(200, seed=7)[0]
    np.testing.assert_allclose(served.predict_proba(fresh), forest.predict_proba(encode(fresh)), atol=2e-6)
    assert encode(np.array([[np.nan]]))[0, 0] == MISSING


def test_scaling_is_monotonic_and_keeps_what_lies_outside_outside():
    x = np.random.default_rng(8).lognormal(size=(2000, 1))
    scaling = QuantileScaling.fit(x)
    scaled = scaling.transform(np.sort(x, axis=0))[:, 0]
    assert np.all(np.diff(scaled) >= 0) and abs(scaled.mean()) < 0.1 and 0.8 < scaled.std() < 1.2
    assert scaling.transform(np.array([[1e4]]))[0, 0] == 8.0
    assert np.isnan(scaling.transform(np.array([[np.nan]]))[0, 0])


@pytest.mark.parametrize("file", ["p_t.onnx", "p_ts.onnx", "mixture.json", "spectrum.json", "bundle.json"])
def test_a_changed_byte_is_noticed(folder, tmp_path, file):
    copy = copy_of(folder, tmp_path)
    content = bytearray((copy / file).read_bytes())
    position = content.index(b'"toy"') + 2 if file == "bundle.json" else len(content) // 2
    content[position] ^= 0x01
    (copy / file).write_bytes(bytes(content))
    with pytest.raises(BundleError, match="altered"):
        load_bundle(copy)


def test_a_bundle_of_a_later_format_or_with_a_missing_file_is_refused(folder, tmp_path):
    copy = copy_of(folder, tmp_path)
    (copy / "p_t.onnx").unlink()
    with pytest.raises(BundleError, match=r"cannot read .*p_t\.onnx"):
        load_bundle(copy)
    info = json.loads((copy / "bundle.json").read_text())
    (copy / "bundle.json").write_text(json.dumps(info | {"format": 99}))
    with pytest.raises(BundleError, match="upgrade ampel-followup"):
        load_bundle(copy)


def test_a_place_that_no_bundle_can_be_written_to_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(BundleError, match=r"cannot write a bundle to .*file/bundle.*; choose another folder") as caught:
        write_folder(tmp_path / "file" / "bundle", {}, {"a.json": b"{}"})
    assert "\n" not in str(caught.value)


def test_an_unknown_bundle_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(BundleError, match="no bundle 'nonesuch'"):
        load_bundle("nonesuch")
    (tmp_path / "bundle.json").write_text("[]")
    with pytest.raises(BundleError, match="not the description of a bundle"):
        load_bundle(tmp_path)
