"""Scores depend on nothing but the object, the bundle and the sampling."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from ampel_followup.alerts.ztf import light_curve_from_candidates, ztf_stock
from ampel_followup.errors import FollowupError
from ampel_followup.models.bundle import load_bundle
from ampel_followup.scoring import Sampling, score
from ampel_followup.simulate import simulate_objects


@pytest.fixture(scope="module")
def bundle():
    return load_bundle()


@pytest.fixture(scope="module")
def light_curves():
    simulated = simulate_objects(12, datetime.date(2026, 11, 9), np.random.default_rng(4))
    return [light_curve_from_candidates(item.id, ztf_stock(item.id), item.candidates) for item in simulated]


@pytest.mark.parametrize("sampling", [None, Sampling(seed=3), Sampling(40), Sampling(40, seed=3)])
def test_object_has_the_same_scores_alone_and_among_others(bundle, light_curves, sampling):
    together = score(light_curves, bundle, sampling)
    alone = [score([light_curve], bundle, sampling)[0] for light_curve in light_curves]
    assert [o.to_dict() for o in together] == [o.to_dict() for o in alone]


def test_seed_decides_the_spectra_drawn(bundle, light_curves):
    def gains(sampling: Sampling) -> list[float]:
        return [o.scores.information_gain for o in score(light_curves, bundle, sampling)]

    assert gains(Sampling()) == gains(Sampling(seed=0))
    assert len({tuple(gains(s)) for s in (Sampling(), Sampling(seed=1), Sampling(32), Sampling(32, seed=1))}) == 4


def test_plain_and_quasi_monte_carlo_agree_on_many_spectra(bundle, light_curves):
    few, many = (score(light_curves, bundle, s) for s in (Sampling(), Sampling(4096)))
    for one, other in zip(few, many, strict=True):
        assert one.scores.value_of_information == pytest.approx(other.scores.value_of_information, abs=0.08)
        assert one.scores.spectrum_uncertainty == pytest.approx(other.scores.spectrum_uncertainty, abs=3.0)


def test_class_distribution_after_a_spectrum_is_the_share_of_spectra_that_name_each(bundle, light_curves):
    for o in score(light_curves, bundle):
        after = o.scores.p_after
        assert tuple(after) == bundle.classes
        assert sum(after.values()) == pytest.approx(1.0)
        assert all(share * 32 == round(share * 32) for share in after.values())
        assert after[o.scores.class_after] == max(after.values())
        assert 1.0 - after[o.scores.class_now] == pytest.approx(o.scores.p_change)


def test_what_spectra_teach_that_name_a_class_adds_up_to_the_gain(bundle, light_curves):
    for o in score(light_curves, bundle):
        scores = o.scores
        named = {name: share for name, share in scores.p_after.items() if share > 0}
        assert set(scores.p_named) == set(scores.entropy_named) == set(named)
        right = sum(share * scores.p_named[name] for name, share in named.items())
        assert right - scores.p_ts[scores.class_now] == pytest.approx(scores.value_of_information, abs=2e-4)
        left = sum(share * scores.entropy_named[name] for name, share in named.items())
        assert left == pytest.approx(scores.expected_entropy, abs=2e-4)


def test_sampling_says_in_words_how_spectra_are_drawn(bundle):
    assert Sampling().describe(bundle) == "32 quasi-random spectra, seed 0"
    assert Sampling(200, 7).describe(bundle) == "200 random spectra, seed 7"


def test_what_is_outside_the_training_set_says_so_in_its_reasons(bundle, light_curves):
    for o in score(light_curves, bundle):
        told = [reason for reason in o.reasons if reason.startswith("Outside what the models were trained on")]
        assert len(told) == o.scores.out_of_scope


@pytest.mark.parametrize(
    ("number", "seed", "message"), [(0, 0, "0 spectra are too few"), (8, -1, "seed -1 is negative")]
)
def test_a_wrong_sampling_is_refused_in_one_line(number, seed, message):
    with pytest.raises(FollowupError, match=message):
        Sampling(number, seed)
