"""The scores of a spectrum, against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ampel_followup.gain import entropy, gain_scores, spectrum_entropy


def reference(p_t: list[float], p_ts: list[list[float]]) -> dict[str, float]:
    """One object, loop by loop, as Astudillo et al. (2020) write it."""

    def h(p: list[float]) -> float:
        return -sum(x * math.log(x) for x in p if x > 0)

    label = max(range(len(p_t)), key=lambda c: p_t[c])
    named = [max(range(len(p)), key=lambda c: p[c]) for p in p_ts]
    mean = [sum(p[c] for p in p_ts) / len(p_ts) for c in range(len(p_t))]
    mode = max(range(len(p_t)), key=lambda c: (named.count(c), mean[c]))
    h_ts = sum(h(p) for p in p_ts) / len(p_ts)
    return {
        "entropy": h(p_t),
        "expected_entropy": h_ts,
        "information_gain": h(p_t) - h_ts,
        "indicator": label != mode,
        "p_change": sum(name != label for name in named) / len(named),
        "value_of_information": sum(max(p) - p[label] for p in p_ts) / len(p_ts),
        "uncertainty": 1 - max(p_t),
    }


@given(
    arrays(np.float64, (5, 4), elements=st.floats(1e-6, 1)),
    arrays(np.float64, (5, 8, 4), elements=st.floats(1e-6, 1)),
)
def test_scores_are_those_of_the_loop_over_objects_and_spectra(p_t, p_ts):
    p_t, p_ts = p_t / p_t.sum(-1, keepdims=True), p_ts / p_ts.sum(-1, keepdims=True)
    scores = gain_scores(p_t, p_ts)
    for i in range(5):
        for name, value in reference(p_t[i].tolist(), p_ts[i].tolist()).items():
            assert getattr(scores, name)[i] == pytest.approx(value, abs=1e-12), name
        named = p_ts[i].argmax(axis=1)
        assert scores.p_after[i].tolist() == [(named == c).mean() for c in range(4)]
        for c in range(4):
            naming = p_ts[i][named == c]
            expected = naming[:, c].mean() if len(naming) else np.nan
            assert scores.p_named[i, c] == pytest.approx(expected, nan_ok=True)
            left = entropy(naming).mean() if len(naming) else np.nan
            assert scores.entropy_named[i, c] == pytest.approx(left, nan_ok=True, abs=1e-12)
    assert np.all(scores.value_of_information >= 0)
    assert np.all(scores.p_change[scores.alternative == scores.class_now] == 0)


def test_entropy_of_certainty_is_zero_and_of_ignorance_log_c():
    assert entropy(np.array([[1.0, 0.0, 0.0]]))[0] == 0.0
    assert entropy(np.full((1, 10), 0.1))[0] == pytest.approx(np.log(10))


def test_a_spectrum_that_always_says_something_else_is_worth_the_whole_difference():
    p_t = np.array([[0.6, 0.4]])
    p_ts = np.array([[[0.1, 0.9], [0.1, 0.9]]])
    scores = gain_scores(p_t, p_ts)
    assert scores.indicator[0] and scores.p_change[0] == 1.0
    assert scores.value_of_information[0] == pytest.approx(0.8)
    assert scores.alternative[0] == 1


def test_entropy_of_gaussian_spectra_is_that_of_the_gaussian():
    rng = np.random.default_rng(3)
    factor = rng.normal(size=(3, 3)) + 2 * np.eye(3)
    expected = 0.5 * np.linalg.slogdet(2 * np.pi * np.e * factor @ factor.T)[1]
    # Even from few spectra there is no bias: the mean over many objects is right to its own error.
    found = spectrum_entropy(rng.normal(size=(20_000, 8, 3)) @ factor.T)
    assert found.mean() == pytest.approx(expected, abs=4 * found.std() / np.sqrt(len(found)))
    assert spectrum_entropy(rng.normal(size=(1, 100_000, 3)) @ factor.T)[0] == pytest.approx(expected, abs=0.02)


@given(st.floats(0.1, 10), st.floats(-5, 5))
def test_wider_spread_of_spectra_adds_its_logarithm_per_dimension(factor, shift):
    spectra = np.random.default_rng(5).normal(size=(4, 9, 2))
    wider = spectrum_entropy(factor * spectra + shift)
    np.testing.assert_allclose(wider, spectrum_entropy(spectra) + 2 * np.log(factor), atol=1e-9)


def test_spectra_that_are_too_few_or_all_alike_have_no_finite_entropy():
    assert np.isnan(spectrum_entropy(np.zeros((2, 3, 3)))).all()
    assert spectrum_entropy(np.ones((1, 9, 2)))[0] == -np.inf
    assert np.isnan(gain_scores(np.full((3, 2), 0.5), np.full((3, 4, 2), 0.5)).spectrum_uncertainty).all()


def test_shapes_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match="expected \\(3, N, 2\\)"):
        gain_scores(np.full((3, 2), 0.5), np.full((3, 4, 3), 1 / 3))
