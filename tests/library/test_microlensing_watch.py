"""Residual watch and search: planets in lenses become urgent, at once, and come first in the plan."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sample_microlensing import lens_light_curve
from test_ranking import scored_object

from ampel_followup.assistant_scores import AssistantScores, Placement, Queue, Visit
from ampel_followup.decision import Decision
from ampel_followup.errors import BundleError
from ampel_followup.features.ragged import stack
from ampel_followup.further_scores import lenses_of, with_microlensing
from ampel_followup.lightcurve import LightCurve
from ampel_followup.microlensing.departure_features import DEPARTURE_FEATURES
from ampel_followup.microlensing.features import FEATURES, LensFits
from ampel_followup.microlensing.watch import departures, nights_from_last
from ampel_followup.microlensing_scores import FRESH, MicrolensingScores
from ampel_followup.models.folder import PACKAGED
from ampel_followup.models.microlensing_bundle import MicrolensingBundle, load_microlensing
from ampel_followup.placing import Evening, place
from ampel_followup.plan import NightPlan
from ampel_followup.policy import load_policy
from ampel_followup.ranking import rank

PLAN = NightPlan.from_dict(json.loads((Path(__file__).parent / "golden" / "plan.json").read_text("utf-8")))
EVENING = Evening(dt.date(2026, 11, 20), 61364.4, "sso")
TOY = SimpleNamespace(label="toy 1", digest="0" * 64)


def survey(
    rng: np.random.Generator, *, until: float, bump: float = 0.0, width: float = 3.0, blue: float = 0.0
) -> LightCurve:
    """An event that peaks on day 60, t_E = 25 d, in g and r each second night, brighter by `bump` at the end."""
    nights = np.arange(0.0, until + 0.1, 2.0)
    time = np.sort(np.concatenate([nights, nights + 0.04])) + 58000.2
    band = np.where(np.arange(len(time)) % 2 == 0, "ztfg", "ztfr")
    u = np.hypot(0.25, (time - 58060.0) / 25.0)
    source = np.where(band == "ztfg", 90.0, 150.0)
    magnified = (u * u + 2.0) / (u * np.sqrt(u * u + 4.0))
    late, brighter = time > time[-1] - width, bump + np.where(band == "ztfg", blue, -blue)
    flux = source * (magnified * np.where(late, 10.0 ** (0.4 * brighter), 1.0) - 1.0)
    error = np.hypot(6.0, 0.015 * flux)
    return LightCurve("ZTF26aaaaaaa", 0, time, band, flux + error * rng.standard_normal(len(time)), error,
                      np.zeros(len(time), bool), 150.0, 20.0)  # fmt: skip


@pytest.fixture(scope="module")
def bundle() -> MicrolensingBundle:
    return load_microlensing()


def test_nights_are_counted_from_the_last_one() -> None:
    points = stack([survey(np.random.default_rng(1), until=8.0), survey(np.random.default_rng(1), until=4.0)])
    assert nights_from_last(points).tolist() == [4, 4, 3, 3, 2, 2, 1, 1, 0, 0, 2, 2, 1, 1, 0, 0]


def test_a_departure_is_found_in_the_nights_in_which_it_happens() -> None:
    rng = np.random.default_rng(2)
    curves = [survey(rng, until=66.0, bump=0.4) for _ in range(5)] + [survey(rng, until=66.0) for _ in range(20)]
    found = departures(stack(curves))
    assert (found.significance[:5] > 5.0).all()
    assert found.magnitude[:5] == pytest.approx(-0.4, abs=0.12)
    assert (np.abs(found.significance[5:]) < 5.0).mean() > 0.9
    assert (found.start[:5] > 60.0).all()


def mean_feature(name: str, **how: float) -> float:
    """Of twelve events that depart from a lens; `DEPARTURE_FEATURES`."""
    curves = [survey(np.random.default_rng(seed), until=66.0, **how) for seed in range(12)]
    return float(departures(stack(curves)).features[:, DEPARTURE_FEATURES.index(name)].mean())


def test_a_departure_that_gravity_makes_has_no_colour() -> None:
    assert mean_feature("colour_2", bump=0.4) < 2.5
    assert mean_feature("colour_2", bump=0.4, blue=0.4) > 5.0
    assert mean_feature("bands_2", bump=0.4) == 2.0


def test_a_departure_tells_its_direction_and_when_it_began() -> None:
    assert mean_feature("signed_2", bump=0.4) > 3.0 and mean_feature("signed_2", bump=-0.4) < -3.0
    assert mean_feature("change_2", bump=-0.4) > 0.0
    # One night, two nights and five nights long: of the last three nights, one, two, and all.
    sudden, short, long = (mean_feature("night_2", bump=0.4, width=width) for width in (1.0, 3.0, 9.0))
    assert abs(sudden) < 2.0 < 4.0 < min(short, long)
    assert mean_feature("steepening", bump=0.4, width=1.0) > mean_feature("steepening", bump=0.4, width=9.0) + 3.0


def test_one_bad_point_is_no_planet(bundle: MicrolensingBundle) -> None:
    bad = []
    for seed in range(12):
        curve = survey(np.random.default_rng(seed), until=66.0)
        flux = curve.flux.copy()
        flux[-1] += 30.0 * curve.flux_err[-1]
        bad.append(LightCurve("bad", 0, curve.time, curve.band, flux, curve.flux_err, curve.upper_limit, 1.0, 1.0))
    assert not any(one.urgent for one in bundle.score(bad))


def test_departures_far_from_the_peak_are_left_alone() -> None:
    assert np.isnan(departures(stack([survey(np.random.default_rng(4), until=150.0, bump=0.4)])).significance[0])


def test_features_do_not_depend_on_company_unit_or_clock() -> None:
    rng = np.random.default_rng(6)
    curves = [lens_light_curve(rng, i) for i in range(6)]
    together = LensFits.of(stack(curves)).features()
    alone = LensFits.of(stack(curves[2:3])).features()[0]
    np.testing.assert_array_equal(together[2], alone)
    c = curves[2]
    other = LightCurve("x", 0, c.time + 500.0, c.band, 7.0 * c.flux, 7.0 * c.flux_err, c.upper_limit, 1.0, 1.0)
    np.testing.assert_allclose(LensFits.of(stack([other])).features()[0], alone, rtol=1e-3, atol=1e-3)
    assert together.shape == (6, len(FEATURES))


def test_lens_is_called_one_and_a_supernova_is_not(bundle: MicrolensingBundle) -> None:
    rng = np.random.default_rng(7)
    lenses = [survey(rng, until=150.0) for _ in range(10)]
    t = lenses[0].time - 58045.0
    blue = np.where(lenses[0].band == "ztfg", 1.0, 0.0)
    decline = np.exp(-np.maximum(t, 0.0) / (20.0 + 25.0 * (1.0 - blue)))
    flux = 500.0 * decline / (1.0 + np.exp(-(t - 3.0 * (1.0 - blue)) / 3.0))
    supernova = LightCurve("sn", 0, lenses[0].time, lenses[0].band, flux + 6.0 * rng.standard_normal(len(t)),
                           np.full(len(t), 6.0), lenses[0].upper_limit, 1.0, 1.0)  # fmt: skip
    scores = bundle.score([*lenses, supernova])
    assert np.mean([one.called for one in scores[:10]]) >= 0.9
    assert not scores[10].called and scores[10].sentence == ""
    assert scores[0].peak_mjd == pytest.approx(58060.0, abs=2.0)
    assert scores[0].einstein_days == pytest.approx(25.0, rel=0.3)
    assert scores[0].achromatic < 4.0 < scores[10].achromatic


def test_a_planet_is_urgent_and_said_in_words(bundle: MicrolensingBundle) -> None:
    (one,) = bundle.score([survey(np.random.default_rng(8), until=64.0, bump=0.5)])
    assert one.urgent and one.sentence.startswith("Microlensing (P ")
    assert "brighter" in one.sentence and "a planet?" in one.sentence
    assert one.alarm(58065.0) == f"Urgent: m{one.sentence[1:]}"
    assert one.alarm(one.since_mjd + FRESH + 0.1) == ""


def test_scores_do_not_depend_on_how_many_points_are_fitted_at_once(
    bundle: MicrolensingBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(10)
    curves = [survey(rng, until=days, bump=bump) for days, bump in ((64.0, 0.5), (2.0, 0.0), (150.0, 0.0), (64.0, 0.2))]
    together = bundle.score(curves)
    monkeypatch.setattr("ampel_followup.models.microlensing_bundle._POINTS_AT_ONCE", 100)
    assert [repr(one) for one in bundle.score(curves)] == [repr(one) for one in together]
    assert bundle.score([]) == []


def test_few_points_have_no_score(bundle: MicrolensingBundle) -> None:
    curve = survey(np.random.default_rng(9), until=2.0)
    (one,) = bundle.score([curve])
    assert np.isnan(one.p_microlensing) and not one.called and not one.urgent and one.sentence == ""


def test_scores_survive_the_store() -> None:
    one = MicrolensingScores(0.93, 0.9, peak_mjd=58060.0, urgent=True, sentence="A lens.", since_mjd=58061.0)
    again = MicrolensingScores.from_dict(json.loads(json.dumps(one.to_dict())))
    assert again.called and again.alarm(58062.0) == "Urgent: a lens." and np.isnan(again.departure)


def test_altered_bundle_is_refused(tmp_path: Path) -> None:
    shutil.copytree(PACKAGED / "microlensing", tmp_path / "copy")
    file = tmp_path / "copy" / "microlensing.json"
    file.write_bytes(file.read_bytes().replace(b"a", b"b", 1))
    with pytest.raises(BundleError, match="altered"):
        load_microlensing(tmp_path / "copy")


def test_bundle_of_another_kind_is_refused() -> None:
    with pytest.raises(BundleError, match="a search for lenses is needed"):
        load_microlensing("simulated")


def test_urgent_lens_is_listed_in_the_urgent_queue_whatever_the_machine_made_of_it() -> None:
    alarm = MicrolensingScores(0.95, 0.9, urgent=True, since_mjd=EVENING.mjd - 1.0, sentence="A planet?")
    garbage = AssistantScores(0.01, 0.5, 0.1, 0.3, (Visit(EVENING.mjd - 1.0, 0.0, 0.01, 0.5, 0.1, 0.3),))
    weeded = dataclasses.replace(PLAN.targets[0], id="ZTF26a", assistant=garbage)
    deferred = Decision("ZTF26a", "2026-11-19", "sso", "defer", "ada", "2026-11-19T15:00:00Z")
    rejected = dataclasses.replace(deferred, verdict="reject")

    def placed(microlensing: MicrolensingScores | None, *decisions: Decision) -> Placement:
        target = dataclasses.replace(weeded, microlensing=microlensing)
        return place([target], load_policy(), EVENING, decisions=decisions)[0]

    assert not placed(None).listed and placed(None).queue == Queue.GARBAGE
    for one in (placed(alarm), placed(alarm, deferred)):
        assert one.listed and one.queue == Queue.URGENT and one.because == "Urgent: a planet?"
    assert not placed(alarm, rejected).listed  # a person has said no
    gone = dataclasses.replace(alarm, since_mjd=EVENING.mjd - FRESH - 1.0)
    assert not placed(gone).listed and placed(gone).queue == Queue.GARBAGE


@pytest.mark.parametrize("strategy", ["value-of-information", "random", "entropy-indicator"])
def test_urgent_lens_comes_first_under_every_strategy(strategy: str, bundle: MicrolensingBundle) -> None:
    curve = survey(np.random.default_rng(8), until=64.0, bump=0.5)
    others = [scored_object(i, 0.1 * i, 150.0, 20.0) for i in range(1, 9)]
    lens = dataclasses.replace(scored_object(99, 0.0, 150.0, 20.0), id=curve.id)
    nothing = lens_light_curve(np.random.default_rng(1), 1, peak=-500.0, points=30)
    found = with_microlensing([lens, *others], [curve, *[nothing] * 8], bundle)
    plan = rank(found, night="2017-11-07", site="palomar", bundle=TOY, strategy=strategy)
    assert plan.night.date == "2017-11-07" and len(plan.targets) == 9
    first = plan.targets[0]
    assert first.id == curve.id and first.rank == 1 and first.reasons[0].startswith("Urgent: ")
    assert first.priority > plan.targets[1].priority
    assert first.microlensing is not None and first.microlensing.urgent
    assert NightPlan.from_dict(json.loads(plan.to_json())).to_json() == plan.to_json()
    assert sum(reason.startswith(("Urgent", "Microlensing")) for reason in first.reasons) == 1
    later = rank(found, night="2018-01-20", site="palomar", bundle=TOY, strategy="value-of-information")
    assert later.targets[0].id != curve.id and not any("Urgent" in t.reasons[0] for t in later.targets)
    assert lenses_of(plan) == {"lenses": [curve.id], "urgent": [curve.id]}
    assert lenses_of(later) == {"lenses": [curve.id], "urgent": []}
