"""People read why a score is what it is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampel_followup.explanations import _PHRASES, causes_in_words, describe_cause
from ampel_followup.features import FEATURE_SETS
from ampel_followup.models.assistant_bundle import ScoreCauses, load_assistant


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (("rb_pix", 0.988, 1.2), "real/bogus score 0.99 raises it"),
        (("log10_sep_arcsec", -0.4, -0.3), "0.40″ from the host lowers it"),
        (("log10_sep_arcsec", 1.3, 0.3), "20″ from the host raises it"),
        (("log10_sep_arcsec", math.nan, 0.3), "no host found raises it"),
        (("log10_std_ra_min5d", -4.0, 0.3),
         "a position that scatters by 0.36″ in right ascension raises it"),
        (("DET_Nsince_min5d", 1.0, -0.1), "having 1 detection at entry lowers it"),
        (("NON_N_total", 15.0, -0.1), "having 15 non-detections so far lowers it"),
        (("CV", 1.0, 2.0), "a catalogued cataclysmic variable raises it"),
        (("abs_galactic_latitude", 4.2, 0.5), "a place 4° from the Galactic plane raises it"),
        (("sgscore1", 0.98, 1.0),
         "a nearest catalogued source that looks like a star (0.98) raises it"),
        (("history_length", 12.0, -0.2),
         "history_length 12 d (last detection minus the first in the survey's history) lowers it"),
        (("log10_position_scatter_min5d", -4.0, 0.2), "a scatter of the positions of 0.36″ raises it"),
        (("seeing", 1.25, 0.2), "seeing 1.25 raises it"),
        (("seeing", math.nan, 0.0), "seeing not measured does not move it"),
    ],
)  # fmt: skip
def test_a_cause_is_said_in_words(cause, said):
    assert describe_cause(*cause) == said


def test_every_column_of_the_atlas_tables_has_words_of_its_own(shared_data):
    for day in ("1", "N"):
        header = (shared_data / "vra_features" / f"X_train_day{day}.csv").read_text().split("\n", 1)[0]
        assert set(header.split(",")) - {"ATLAS_ID"} <= _PHRASES.keys()


@given(value=st.floats(allow_nan=True, allow_infinity=True))
def test_any_value_of_any_feature_is_said_on_one_line(value):
    names = {*_PHRASES, *(name for feature_set in FEATURE_SETS.values() for name in feature_set.names), "unheard of"}
    for name in names:
        said = describe_cause(name, value, 1.0)
        assert "\n" not in said and said.endswith(" raises it") and len(said) < 400


def test_causes_come_in_the_order_of_the_scores_without_those_that_did_nothing():
    def causes(effect):
        effect = np.array(effect)
        return ScoreCauses(("rb_pix", "z"), np.array([[0, 1], [1, 0]]), np.array([[0.9, np.nan], [0.1, 0.5]]), effect)

    found = {"real": causes([[2.0, -1.0], [0.3, 0.0]]), "galactic": causes([[0.5, 0.0], [-0.2, 0.1]])}
    first, second = causes_in_words(found)
    assert [(c.score, c.feature, c.effect) for c in first] == [
        ("real", "rb_pix", 2.0), ("real", "z", -1.0), ("galactic", "rb_pix", 0.5)
    ]  # fmt: skip
    assert [c.text for c in second] == [
        "a host with spectroscopic redshift 0.1 raises it",
        "a host with spectroscopic redshift 0.1 lowers it",
        "real/bogus score 0.50 raises it",
    ]
    assert causes_in_words({}) == []


def test_everything_that_the_packaged_assistant_looks_at_has_words_of_its_own():
    bundle = load_assistant()
    for day in bundle.days:
        for feature in bundle.features(day):
            for value in (0.3, math.nan):
                assert feature not in describe_cause(feature, value, 1.0)
