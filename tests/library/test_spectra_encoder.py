"""From spectra to features: the autoencoder learns, what is shipped is what was trained, bad input is named."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys

import numpy as np
import pytest

from ampel_followup.errors import BundleError, FollowupError, SpectrumError
from ampel_followup.spectra.encoder import SpectrumEncoder, dense_to_onnx, save_encoder
from ampel_followup.spectra.grid import Grid, scale_to_unit
from ampel_followup.spectra.training import bootstrap_r2, choose_d, search_latent_space, split_by_object
from ampel_followup.spectra.vae import VaeOptions, fit_autoencoder, hidden_units, r_squared

GRID = Grid(4000.0, 7000.0, 60)
INFO = {"grid": GRID.to_dict(), "percentiles": [1.0, 99.0], "min_coverage": 1.0}
QUICK = VaeOptions(width=1.0, epochs=40, batch_size=32, learning_rate=3e-3)


def curved_family(n: int, rng: np.random.Generator) -> np.ndarray:
    """Spectra that differ in one number only, along a curve that no straight line follows: a line that moves."""
    place = rng.uniform(0.15, 0.85, n)[:, None]
    x = np.linspace(0, 1, GRID.n_bins)
    return scale_to_unit(np.exp(-0.5 * ((x - place) / 0.08) ** 2) + 0.01 * rng.standard_normal((n, GRID.n_bins)))


def layers(rng: np.random.Generator, units=(60, 20, 10, 3)):
    return [
        (rng.normal(size=(a, b)).astype(np.float32) / a, rng.normal(size=b).astype(np.float32))
        for a, b in itertools.pairwise(units)
    ]


@pytest.fixture(scope="module")
def fitted():
    pytest.importorskip("tensorflow", reason="training needs TensorFlow")
    rng = np.random.default_rng(5)
    training, validation, test = (curved_family(n, rng) for n in (400, 100, 100))
    return training, validation, test, fit_autoencoder(training, validation, 2, np.random.default_rng(1), QUICK)


def test_layers_of_the_paper():
    assert hidden_units(3794, 7) == (2847, 1900, 953)
    assert hidden_units(3794, 7, width=0.1) == (284, 190, 95)
    assert min(hidden_units(100, 15, width=0.01)) == 15


def test_r_squared_is_that_of_scikit_learn():
    from sklearn.metrics import r2_score

    rng = np.random.default_rng(0)
    x = rng.random((30, 8)) * np.arange(1, 9)
    guess = x + 0.1 * rng.standard_normal(x.shape)
    assert r_squared(x, guess) == pytest.approx(r2_score(x, guess, multioutput="variance_weighted"))


def test_mean_spectrum_explains_nothing():
    x = np.random.default_rng(0).random((30, 8))
    assert r_squared(x, np.broadcast_to(x.mean(axis=0), x.shape)) == pytest.approx(0.0)


def test_autoencoder_follows_a_curve_that_components_cannot(fitted):
    training, _, test, autoencoder = fitted
    from ampel_followup.spectra.features import PrincipalSpectra

    components = PrincipalSpectra.fit(training, 2)

    reconstructed = r_squared(test, autoencoder.reconstruct(test))

    assert reconstructed > 0.8
    assert reconstructed > r_squared(test, components.reconstruct(components.transform(test))) + 0.2


def test_latent_space_is_near_a_standard_normal(fitted):
    _, _, test, autoencoder = fitted
    features = autoencoder.encode(test)
    assert np.abs(features.mean(axis=0)).max() < 1.0
    assert features.std(axis=0).max() < 2.5
    assert (autoencoder.kl > -1e-6).all()


def test_same_seed_gives_the_same_encoder_and_another_seed_another():
    pytest.importorskip("tensorflow", reason="training needs TensorFlow")
    x = curved_family(60, np.random.default_rng(2))
    few = VaeOptions(epochs=3)
    first, again, other = (
        fit_autoencoder(x, x[:20], 2, np.random.default_rng(seed), few).encode(x) for seed in (1, 1, 2)
    )
    np.testing.assert_allclose(first, again, atol=1e-5)
    assert not np.allclose(first, other, atol=1e-2)


def test_training_stops_when_the_bound_gets_no_better():
    pytest.importorskip("tensorflow", reason="training needs TensorFlow")
    noise = np.random.default_rng(2).random((64, 20))
    epochs = []
    options = VaeOptions(epochs=200, anneal=0.02, patience=3)
    autoencoder = fit_autoencoder(noise, noise[:20][::-1] ** 2, 2, np.random.default_rng(1), options, epochs.append)
    assert autoencoder.epochs < 200
    assert epochs == list(range(1, autoencoder.epochs + 1))
    assert autoencoder.best_epoch == autoencoder.epochs - 3


def test_served_encoder_gives_the_features_of_the_trained_one(fitted, tmp_path):
    _, _, test, autoencoder = fitted
    encoder = save_encoder(tmp_path / "encoder", autoencoder.encoder, INFO)

    np.testing.assert_allclose(encoder.features(test), autoencoder.encode(test), atol=1e-5)
    one_by_one = np.concatenate([encoder.features(test[k : k + 1]) for k in range(10)])
    np.testing.assert_allclose(one_by_one, encoder.features(test)[:10], atol=1e-6)
    assert encoder.features(test[:0]).shape == (0, 2)


def test_spectrum_is_prepared_as_in_training(tmp_path):
    encoder = save_encoder(tmp_path, layers(np.random.default_rng(0)), INFO)
    wavelength = np.arange(3900.0, 7100.0, 3.0)
    flux = 1e-16 * np.sin(wavelength / 200.0)

    prepared = encoder.prepare(wavelength, flux)

    np.testing.assert_allclose(prepared, scale_to_unit(GRID.sample(wavelength, flux)))
    assert encoder.features(prepared[None]).shape == (1, 3)
    with pytest.raises(SpectrumError, match="all of it is needed"):
        encoder.prepare(wavelength[:200], flux[:200])
    with pytest.raises(SpectrumError, match=r"the encoder takes \(n, 60\)"):
        encoder.features(np.zeros((2, 50)))


def test_serving_needs_no_tensorflow(tmp_path):
    save_encoder(tmp_path, layers(np.random.default_rng(0)), INFO)
    code = (
        "import sys, numpy as np\nfrom ampel_followup.spectra.encoder import SpectrumEncoder\n"
        f"SpectrumEncoder.load({str(tmp_path)!r}).features(np.zeros((1, 60)))\n"
        "print(*({'tensorflow', 'keras', 'onnx', 'sklearn'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []


def test_altered_encoder_is_refused(tmp_path):
    save_encoder(tmp_path, layers(np.random.default_rng(0)), INFO)
    with pytest.raises(BundleError, match="SHA-256"):
        (tmp_path / "encoder.onnx").write_bytes(dense_to_onnx(layers(np.random.default_rng(1))))
        SpectrumEncoder.load(tmp_path)


def test_description_that_does_not_fit_is_refused(tmp_path):
    save_encoder(tmp_path, layers(np.random.default_rng(0)), INFO)
    good = json.loads((tmp_path / "encoder.json").read_text())
    for change, message in (
        ({"d": 4}, "turns 60 bins into 3 features"),
        ({"grid": {"start": 4000.0, "end": 7000.0, "n_bins": 50}}, "its description says 50"),
        ({"grid": {"start": 4000.0, "end": 700.0, "n_bins": 60}}, "make no grid"),
        ({"percentiles": None}, "not usable"),
    ):
        (tmp_path / "encoder.json").write_text(json.dumps({**good, **change}))
        with pytest.raises(BundleError, match=message):
            SpectrumEncoder.load(tmp_path)
    (tmp_path / "encoder.json").write_text("{")
    with pytest.raises(BundleError, match="not valid JSON"):
        SpectrumEncoder.load(tmp_path)
    with pytest.raises(BundleError, match="cannot read"):
        SpectrumEncoder.load(tmp_path / "nowhere")


def test_no_object_is_in_two_parts():
    rng = np.random.default_rng(0)
    objects = np.array([f"sn{k}" for k in rng.integers(0, 40, 500)])

    split = split_by_object(objects, rng)

    parts = [set(objects[mask]) for mask in (split.training, split.validation, split.test)]
    assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
    assert (split.training.astype(int) + split.validation + split.test == 1).all()
    assert all(parts)


def test_smallest_latent_space_that_is_nearly_the_best_is_chosen():
    assert choose_d([1, 2, 3, 4], np.array([0.5, 0.795, 0.8, 0.79])) == 2
    assert choose_d([1, 2, 3, 4], np.array([0.5, 0.795, 0.8, 0.79]), tolerance=0.0) == 3


def test_bootstrap_agrees_with_drawing_the_objects_one_by_one():
    rng = np.random.default_rng(3)
    objects = np.repeat([f"sn{k}" for k in range(12)], 4)
    x = rng.random((48, 10)) + rng.normal(size=(12, 10)).repeat(4, axis=0)
    good, worse = x + 0.1 * rng.normal(size=x.shape), x + 0.4 * rng.normal(size=x.shape)

    result = bootstrap_r2(x, {"good": good, "worse": worse}, objects, np.random.default_rng(0))

    drawn = []
    for _ in range(1000):
        rows = np.concatenate([np.flatnonzero(objects == name) for name in rng.choice(np.unique(objects), 12)])
        drawn.append(r_squared(x[rows], good[rows]) - r_squared(x[rows], worse[rows]))
    assert result["good"]["r2"] == pytest.approx(r_squared(x, good))
    assert result["difference"]["low"] == pytest.approx(np.percentile(drawn, 2.5), abs=0.015)
    assert result["difference"]["high"] == pytest.approx(np.percentile(drawn, 97.5), abs=0.015)


@pytest.mark.parametrize(
    ("training", "validation", "d", "message"),
    [
        (np.ones((5, 10)), np.ones((2, 9)), 2, "on the same grid"),
        (np.ones((5, 10)), np.ones((0, 10)), 2, "at least one spectrum"),
        (np.ones((5, 10)) * 2, np.ones((2, 10)), 2, "not within 0 and 1"),
        (np.full((5, 10), np.nan), np.ones((2, 10)), 2, "not within 0 and 1"),
        (np.ones((5, 10)), np.ones((2, 10)), 10, "d = 10 latent dimensions for 10 bins"),
    ],
)
def test_spectra_that_cannot_be_trained_on_are_refused(training, validation, d, message):
    with pytest.raises(SpectrumError, match=message):
        fit_autoencoder(training, validation, d, np.random.default_rng(0))


def test_too_few_spectra_or_objects_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(SpectrumError, match="spectra of 2 objects cannot be split"):
        split_by_object(np.array(["a", "b", "b"]), rng)
    objects = np.array([f"o{k}" for k in range(10)])
    with pytest.raises(SpectrumError, match="wants more than"):
        search_latent_space(rng.random((10, 50)), split_by_object(objects, rng), [9], rng)
    with pytest.raises(SpectrumError, match="R² of the validation part is not defined: it has 1 spectra"):
        search_latent_space(rng.random((4, 50)), split_by_object(objects[:4], rng), [1], rng)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"width": 0.0}, "width = 0"), ({"epochs": 0}, "epochs = 0"), ({"anneal": 2.0}, "anneal = 2"),
     ({"residual": -1.0}, "residual = -1")],
)  # fmt: skip
def test_impossible_options_are_refused(options, message):
    with pytest.raises(SpectrumError, match=message):
        VaeOptions(**options)


def test_missing_tensorflow_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    x = np.random.default_rng(0).random((6, 10))
    with pytest.raises(FollowupError, match=r"ampel-followup\[train\]"):
        fit_autoencoder(x, x, 2, np.random.default_rng(0))
