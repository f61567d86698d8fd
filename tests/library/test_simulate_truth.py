"""The truth of simulated objects: how long and how bright they really are."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from ampel_followup.simulate import DEFAULT_MIX, simulate_objects

NIGHT = datetime.date(2026, 3, 14)


@pytest.fixture(scope="module")
def night():
    mix = {**DEFAULT_MIX, "rapid transient": 0.05}
    return list(simulate_objects(400, NIGHT, np.random.default_rng(11), mix=mix))


def _r_band(simulated, mjd):
    """Noise-free difference around the effective wavelength of r, by brute force."""
    return simulated.difference(mjd, np.linspace(5700.0, 7200.0, 16)).mean(axis=1)


def test_time_above_half_is_that_of_the_noise_free_light_curve(night):
    for simulated in [s for s in night if s.label in ("SN Ia", "TDE", "rapid transient", "M-dwarf flare")][:60]:
        start = simulated.night - 90.0
        steps = 0.0005 if simulated.label == "M-dwarf flare" else 0.25
        mjd = (
            np.arange(simulated.night - 0.2, simulated.night + 0.7, steps)
            if steps < 0.01
            else start + np.arange(0.0, 500.0, steps)
        )
        flux = _r_band(simulated, mjd)
        above = flux > 0.5 * flux.max()
        if above[0] or np.diff(above.astype(int)).clip(0).sum() != 1:
            continue  # begun before the window of this check, or two peaks
        assert simulated.time_above_half() == pytest.approx(above.sum() * steps, rel=0.08, abs=3 * steps)


def test_durations_are_those_of_the_classes(night):
    def durations(label):
        return [s.time_above_half() for s in night if s.label == label]

    assert max(durations("M-dwarf flare")) < 0.2
    assert np.median(durations("rapid transient")) < 12.0
    assert 20.0 < np.median(durations("SN Ia")) < 36.0
    assert np.median(durations("SLSN")) > 50.0
    assert np.isnan(durations("bogus")).all()


def test_peak_magnitudes_are_absolute_and_only_of_what_explodes(night):
    def peaks(label):
        return [s.peak_absolute_magnitude() for s in night if s.label == label]

    assert np.median(peaks("SN Ia")) == pytest.approx(-19.1, abs=0.3)
    assert np.median(peaks("SLSN")) < -20.3
    assert np.isnan(peaks("CV")).all()
    assert np.isnan(peaks("bogus")).all()


def test_asking_for_the_truth_changes_no_alert():
    asked = list(simulate_objects(20, NIGHT, np.random.default_rng(3)))
    for simulated in asked:
        simulated.time_above_half()
        simulated.peak_absolute_magnitude()
    left_alone = list(simulate_objects(20, NIGHT, np.random.default_rng(3)))

    assert [s.candidates for s in asked] == [s.candidates for s in left_alone]


def test_rapid_transients_are_no_part_of_a_default_night():
    assert "rapid transient" not in {s.label for s in simulate_objects(300, NIGHT, np.random.default_rng(1))}
