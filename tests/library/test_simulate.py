"""A simulated night: what a user of `simulate_objects` gets."""

from __future__ import annotations

import datetime
import urllib.request
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ampel_followup.errors import FollowupError, NightError
from ampel_followup.lightcurve import MJD_OFFSET
from ampel_followup.simulate import DEFAULT_MIX, simulate_objects
from ampel_followup.simulate.night import ztf_name
from ampel_followup.simulate.survey import palomar_night

NIGHT = datetime.date(2026, 3, 14)


@pytest.fixture(scope="module")
def night():
    return list(simulate_objects(400, NIGHT, np.random.default_rng(11)))


def test_every_class_occurs_about_as_often_as_the_mix_says(night):
    counts = Counter(simulated.label for simulated in night)

    assert set(counts) == set(DEFAULT_MIX)
    for label, share in DEFAULT_MIX.items():
        assert counts[label] == pytest.approx(400 * share, abs=5 * np.sqrt(400 * share))


def test_the_last_record_of_every_object_is_a_detection_in_the_dark_of_the_night(night):
    darkness = palomar_night(NIGHT)

    for simulated in night:
        last = simulated.candidates[-1]
        assert last["candid"] is not None
        assert darkness.start <= last["jd"] - MJD_OFFSET <= darkness.end


def test_records_are_in_order_of_time_and_reach_back_thirty_days(night):
    times = [[record["jd"] for record in simulated.candidates] for simulated in night]

    assert all(jd == sorted(jd) for jd in times)
    assert 25.0 < max(jd[-1] - jd[0] for jd in times) < 31.0


def test_limits_have_no_candidate_and_detections_have_all_that_a_light_curve_needs(night):
    for record in (record for simulated in night for record in simulated.candidates):
        assert (record["candid"] is None) == (record["magpsf"] is None)
        assert 15.0 < record["diffmaglim"] < 21.5
        if record["candid"] is not None:
            assert record["isdiffpos"] in ("t", "f")
            assert 0.0 <= record["rb"] <= 1.0
            assert 0.0 <= record["drb"] <= 1.0
            assert record["sigmapsf"] > 0
            assert record["ndethist"] >= 1


def test_candidate_ids_are_unique(night):
    ids = [r["candid"] for simulated in night for r in simulated.candidates if r["candid"] is not None]

    assert len(set(ids)) == len(ids)
    assert max(ids) < 2**63


def test_most_transients_are_young_and_few_have_long_histories(night):
    young = [
        sum(record["candid"] is not None for record in simulated.candidates)
        for simulated in night
        if simulated.label in ("SN Ia", "SN Ib/c", "SN II", "TDE", "SLSN")
    ]

    assert 1 <= np.median(young) <= 6
    assert max(young) > 12


def test_transients_brighten_over_the_reference_and_variables_go_both_ways(night):
    signs = {label: Counter() for label in DEFAULT_MIX}
    for simulated in night:
        signs[simulated.label].update(r["isdiffpos"] for r in simulated.candidates if r["candid"] is not None)

    for label in ("SN Ia", "SN II", "SN Ib/c", "SLSN", "TDE"):
        assert signs[label]["f"] == 0
    for label in ("AGN", "variable star", "bogus"):
        assert signs[label]["f"] > 0.2 * signs[label]["t"]


def test_flares_are_over_within_the_night(night):
    flares = [simulated for simulated in night if simulated.label == "M-dwarf flare"]

    assert flares
    for flare in flares:
        times = [record["jd"] for record in flare.candidates if record["candid"] is not None]
        assert max(times) - min(times) < 0.5


def test_bogus_detections_score_lower_than_real_ones(night):
    def scores(bogus: bool) -> list[float]:
        return [
            record["rb"]
            for simulated in night
            if (simulated.label == "bogus") == bogus
            for record in simulated.candidates
            if record["candid"] is not None
        ]

    assert np.median(scores(True)) < 0.5 < 0.65 < np.median(scores(False))


def test_stars_lie_on_stars_and_supernovae_near_galaxies(night):
    def median_score(label: str) -> float:
        return float(np.median([s.candidates[-1]["sgscore1"] for s in night if s.label == label]))

    assert median_score("variable star") > 0.9
    assert median_score("SN Ia") < 0.4


def test_same_seed_gives_the_same_objects():
    first, second = (list(simulate_objects(30, NIGHT, np.random.default_rng(3))) for _ in range(2))

    assert [s.id for s in first] == [s.id for s in second]
    assert [s.candidates for s in first] == [s.candidates for s in second]
    spectra = [s.spectrum(np.random.default_rng(1)) for s in (first[0], second[0])]
    np.testing.assert_array_equal(spectra[0], spectra[1])


def test_names_count_on_from_the_first_number():
    names = [s.id for s in simulate_objects(3, NIGHT, np.random.default_rng(3), first_number=25)]

    assert names == ["ZTF26aaaaaba", "ZTF26aaaaabb", "ZTF26aaaaabc"]


def test_first_name_of_a_year():
    assert ztf_name(1, 2026) == "ZTF26aaaaaab"


def test_number_beyond_seven_letters_is_refused():
    with pytest.raises(FollowupError, match="does not fit into seven letters"):
        ztf_name(26**7, 2026)


def test_mix_restricts_the_classes():
    mix = {"SN Ia": 1.0, "CV": 1.0, "TDE": 0.0}

    assert {s.label for s in simulate_objects(40, NIGHT, np.random.default_rng(0), mix=mix)} == {"SN Ia", "CV"}


@pytest.mark.parametrize("mix", [{"kilonova": 1.0}, {"SN Ia": 0.0}, {"SN Ia": -1.0}, {}, {"SN Ia": float("nan")}])
def test_impossible_mix_is_refused(mix):
    with pytest.raises(FollowupError, match="the mix"):
        simulate_objects(1, NIGHT, np.random.default_rng(0), mix=mix)


def test_year_without_ztf_names_is_refused_at_once():
    with pytest.raises(NightError, match="cannot simulate the night 2045-01-01"):
        simulate_objects(1, datetime.date(2045, 1, 1), np.random.default_rng(0))


def test_longer_history_is_given_when_asked_for():
    long = list(simulate_objects(20, NIGHT, np.random.default_rng(2), mix={"AGN": 1.0}, history=90))

    assert max(s.candidates[-1]["jd"] - s.candidates[0]["jd"] for s in long) > 75


def _no_network(*_: object, **__: object) -> None:
    raise AssertionError("the network was asked")


def test_missing_templates_are_named_and_never_fetched(tmp_path, monkeypatch):
    monkeypatch.setenv("SNCOSMO_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(urllib.request, "urlopen", _no_network)

    with pytest.raises(FollowupError, match="no sncosmo templates in SNCOSMO_DATA_DIR"):
        simulate_objects(1, NIGHT, np.random.default_rng(0), templates="sncosmo")
    assert len(list(simulate_objects(5, NIGHT, np.random.default_rng(0), templates="auto"))) == 5


def test_unknown_template_mode_is_refused():
    with pytest.raises(FollowupError, match="choose analytic, auto or sncosmo"):
        simulate_objects(1, NIGHT, np.random.default_rng(0), templates="snana")


def test_installed_templates_make_supernovae_of_the_same_brightness(shared_data: Path, monkeypatch):
    monkeypatch.setenv("SNCOSMO_DATA_DIR", str(shared_data / "sncosmo"))
    monkeypatch.setattr(urllib.request, "urlopen", _no_network)
    mix = {"SN Ia": 1.0, "SN II": 1.0, "SN Ib/c": 1.0}

    made = {
        templates: list(simulate_objects(150, NIGHT, np.random.default_rng(5), mix=mix, templates=templates))
        for templates in ("analytic", "sncosmo")
    }

    redshift = {name: np.median([s.redshift for s in objects]) for name, objects in made.items()}
    assert redshift["sncosmo"] == pytest.approx(redshift["analytic"], rel=0.25)
    assert made["sncosmo"][0].candidates != made["analytic"][0].candidates
