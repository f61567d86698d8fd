"""Planets in events: which are counted, what the alarm learns, what is flagged in events as they came."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ampel_followup.errors import FollowupError, TrainingError
from ampel_followup.evaluation.intervals import wilson
from ampel_followup.evaluation.microlensing_data import ALERT, GAUSSIAN, Donors, until
from ampel_followup.evaluation.microlensing_events import (
    CADENCES,
    EVENTS,
    FOLDER,
    RealEvent,
    go_through,
    load_events,
)
from ampel_followup.evaluation.microlensing_watch import (
    PLANET_MAGNITUDE,
    PLANET_POINTS,
    PlanetRun,
    changed_points,
    event_nights,
    nights_of,
    other_nights,
    planet_curve,
    planet_in,
    planet_table,
)
from ampel_followup.features.ragged import stack
from ampel_followup.learning.microlensing_alarm import AlarmTable, flagged_of, train_alarm, unseen_log_odds
from ampel_followup.lightcurve import LightCurve
from ampel_followup.microlensing.departure_features import DEPARTURE_FEATURES
from ampel_followup.microlensing.injection import Epochs, Event, observe
from ampel_followup.microlensing.watch import departures
from ampel_followup.models.microlensing_bundle import WATCH_FEATURES, load_microlensing, watch_features

SOURCE = {"ztfg": 90.0, "ztfr": 150.0}
EVENT = Event(58060.0, 25.0, 0.25, SOURCE)


def epochs_of(n_nights: int = 60, per_night: int = 2, apart: float = 2.0) -> Epochs:
    time = (58000.2 + apart * np.arange(n_nights)[:, None] + 0.03 * np.arange(per_night)).ravel()
    band = np.where(np.arange(len(time)) % 2 == 0, "ztfg", "ztfr")
    return Epochs(time, band, np.full(len(time), 6.0), np.zeros(len(time)), forced=True)


def test_telescopes_around_the_earth_observe_a_new_night_every_day() -> None:
    time = 58000.0 + np.arange(0.0, 3.0, 0.3)
    none = np.zeros(len(time), dtype=np.bool_)
    curve = LightCurve("kmt", 0, time, np.full(len(time), "lssti"), np.ones(len(time)), np.ones(len(time)), none, 0, 0)
    assert nights_of(curve).tolist() == [0, 0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert nights_of(until(curve, -np.inf)).tolist() == []


def test_event_without_its_planet_has_the_same_noise() -> None:
    rng = np.random.default_rng(1)
    epochs = epochs_of()
    made = next(m for m in (planet_in(epochs, EVENT, "p", GAUSSIAN, rng) for _ in range(20)) if m is not None)
    planet, curve, alone = made
    changed = changed_points(planet, curve)
    assert planet.ratio > 0 and len(changed) >= PLANET_POINTS
    assert (np.abs(planet.departure(curve.time[changed])) >= PLANET_MAGNITUDE).all()
    unchanged = np.abs(planet.departure(curve.time)) < 1e-3
    assert unchanged.any() and not np.allclose(curve.flux, alone.flux)
    np.testing.assert_allclose(curve.flux[unchanged], alone.flux[unchanged], atol=2.0)  # a third of the least error


def test_objects_are_gone_through_in_no_more_nights_than_asked_for() -> None:
    curve = observe("one", epochs_of(), EVENT, np.zeros(120))
    nights = list(other_nights([curve, curve], np.random.default_rng(2), most=7))
    assert [night.number for night in nights] == [0] * 7 + [1] * 7
    assert all(len(night.curve) >= 8 and night.role == "other" for night in nights)


def test_shares_of_planets_count_every_event_once() -> None:
    found, missed = np.array([0.9, 0.9, 0.2]), np.array([0.1, 0.8])
    run = PlanetRun(
        found,
        found - 0.5,
        found - 0.5,
        found,
        np.array([4.0, 4.0, 1.0]),
        missed,
        missed,
        np.array([0.1, 0.8, 0.0, 0.0]),
    )
    table = planet_table([run, replace(run, within=np.array([0.9, 0.9, 0.9]))], alarm=0.5)
    assert table["planets"] == table["shown"] == 6 and table["events"] == 4
    assert table["within_one_epoch"]["share"] == pytest.approx(5 / 6)
    assert table["at_third_point"]["share"] == 0.0
    assert table["false_alarms_per_event"]["share"] == 0.5 and table["false_alarms_per_night"]["share"] == 0.25
    assert table["missed: unlike a lens, now and before"]["share"] == pytest.approx(1 / 6)
    assert table["missed: might be a single lens"]["share"] == 0.0
    assert table["within_one_epoch"]["low"] == pytest.approx(wilson(5, 6)[0])
    curve = planet_curve([run])
    assert np.all(np.diff(curve["flagged"]) <= 0) and np.all(np.diff(curve["false_per_event"]) <= 0)
    assert planet_table([], alarm=0.5) == {"planets": 0, "shown": 0, "events": 0}


def alarm_table(rng: np.random.Generator, n: int = 240) -> AlarmTable:
    """Nights of n events, three each, half of them with a planet; a column tells, with noise."""
    planet = np.repeat(np.arange(n) % 2 == 0, 3)
    x = rng.normal(size=(3 * n, len(WATCH_FEATURES)))
    x[:, 0] += 2.5 * planet
    x[rng.uniform(size=3 * n) < 0.2] = np.nan
    # Of few distinct values scikit-learn needs no weighted quantiles, which take twenty times as long as the trees.
    return AlarmTable(np.round(x, 1), planet, np.repeat(np.arange(n), 3), np.ones(3 * n), planet, ~planet)


def test_alarm_keeps_to_the_share_of_events_that_may_be_false() -> None:
    rng = np.random.default_rng(3)
    trained = train_alarm(alarm_table(rng), false=0.05, folds=2, trees=20)
    assert trained.false_per_event <= 0.05 and trained.flagged > 0.5
    fresh = alarm_table(rng)
    departs = np.isfinite(fresh.x).any(axis=1)
    p = np.where(departs, trained.model.probability(fresh.x), 0.0)
    of_event = p.reshape(-1, 3).max(axis=1) >= trained.alarm
    assert of_event[1::2].mean() < 0.2 and of_event[::2].mean() > 0.5


def test_columns_that_do_not_tell_flag_no_more_than_chance() -> None:
    table = alarm_table(np.random.default_rng(8))
    told, untold = (
        flagged_of(table, unseen_log_odds(table, folds=2, trees=20, seed=1, columns=columns), 0.05)
        for columns in ([0, 1, 2], [1, 2, 3])
    )
    assert told > 0.5 and untold < 0.3
    assert flagged_of(table, np.where(table.planet, 1.0, 0.0), 0.0) > 0.9  # all that depart at all


def test_as_many_events_without_a_planet_are_gone_through_as_asked_for() -> None:
    curves = tuple(observe(f"real{k}", epochs_of(apart=1.0), EVENT, np.zeros(120)) for k in range(3))
    donors = [Donors("ztf_alerts", True, curves, (ALERT,) * 3)]
    nights = list(event_nights(donors, "all", GAUSSIAN, 2, np.random.default_rng(9), without=1))
    numbers = {role: {night.number for night in nights if night.role == role} for role in ("planet", "single")}
    assert numbers == {"planet": {0, 1}, "single": {0}}


def test_alarm_needs_planets_and_others_to_learn_from() -> None:
    table = alarm_table(np.random.default_rng(4), 60)
    with pytest.raises(TrainingError, match="only one kind"):
        train_alarm(replace(table, planet=np.zeros_like(table.planet)), false=0.05)


def test_what_the_alarm_sees_does_not_depend_on_company_unit_or_clock() -> None:
    rng = np.random.default_rng(5)
    curves = [until(observe(f"l{k}", epochs_of(), EVENT, rng.normal(size=120)), 58060.0 + k) for k in range(4)]
    together, alone = departures(stack(curves)).features, departures(stack(curves[2:3])).features
    assert together.shape == (4, len(DEPARTURE_FEATURES))
    np.testing.assert_array_equal(together[2], alone[0])
    c = curves[2]
    other = LightCurve("x", 0, c.time + 500.0, c.band, 7.0 * c.flux, 7.0 * c.flux_err, c.upper_limit, 1.0, 1.0)
    np.testing.assert_allclose(departures(stack([other])).features[0], alone[0], rtol=2e-2, atol=2e-2)


def test_nothing_is_learned_from_what_does_not_depart() -> None:
    bundle = load_microlensing()
    flat = observe("flat", epochs_of(), replace(EVENT, peak_time=50000.0), np.random.default_rng(6).normal(size=120))
    x = watch_features([flat, until(flat, 58001.0)], bundle.model, watched=0.1, look_again=0.001)
    assert x.shape == (2, len(WATCH_FEATURES)) and np.isnan(x).all()


def test_an_event_with_a_bump_is_called_a_lens_and_flagged_after_it_begins() -> None:
    rng = np.random.default_rng(7)
    epochs = epochs_of(n_nights=90, apart=1.0)
    bump = np.where(np.abs(epochs.time - 58062.5) < 2.0, -0.5, 0.0)
    curve = observe("toy", epochs, EVENT, rng.normal(size=180), bump=bump)
    result = go_through(RealEvent("toy", (), (58060.5, 58064.5)), curve, load_microlensing())
    assert result["peak_mjd"] == pytest.approx(58060.0, abs=5.0)
    assert result["ever_called_mjd"] < 58062.0
    assert result["planet_after_days"] <= 2.0 and result["planet_points"] == 8
    assert result["urgent_otherwise"] <= 4


def test_real_events_are_thinned_to_a_point_a_night_of_each_telescope(shared_data: Path) -> None:
    events = load_events(shared_data / FOLDER, "nightly")
    assert [event.name for event, _ in events][: len(EVENTS)] == [event.name for event in EVENTS]
    for _, curve in events:
        for band in np.unique(curve.band):
            assert np.diff(curve.time[curve.band == band]).min() >= CADENCES["nightly"]
    assert len(load_events(shared_data / FOLDER, "hourly")) == sum(event.hourly for event in EVENTS)


def test_absent_photometry_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(FollowupError, match="mulens_photometry"):
        load_events(tmp_path, "nightly")
