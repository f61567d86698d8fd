"""FATS's features against their definitions, and periods against those of real RR Lyrae stars."""

from __future__ import annotations

import math
from pathlib import Path

import fats_reference as reference
import nifty_ls
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ampel_followup.features import FEATURE_SETS
from ampel_followup.features.fats import periodic, statistics
from ampel_followup.features.periodogram import Periodogram, harmonics, periodicity
from ampel_followup.features.ragged import Segments
from ampel_followup.lightcurve import LightCurve, flux_from_magnitude

Floats = NDArray[np.float64]


def variable_star(n: int, rng: np.random.Generator, period: float = 0.61) -> tuple[Floats, Floats, Floats]:
    """Times, magnitudes and errors of a sawtooth with noise."""
    time = np.sort(rng.uniform(0.0, 60.0, n))
    mag_err = rng.uniform(0.02, 0.1, n)
    return time, 17.0 + 0.8 * (time / period % 1.0) + rng.normal(0.0, mag_err), mag_err


def of_one(time: Floats, mag: Floats, mag_err: Floats) -> dict[str, float]:
    segments = Segments.from_counts(np.array([len(time)]))
    return {name: float(values[0]) for name, values in statistics(segments, time, mag, mag_err).items()}


def periodic_of_one(time: Floats, mag: Floats) -> dict[str, float]:
    segments = Segments.from_counts(np.array([len(time)]))
    return {name: float(values[0]) for name, values in periodic(segments, time, mag).items()}


@given(n=st.integers(5, 120), seed=st.integers(0, 2**32), digits=st.sampled_from([2, 12]))
def test_statistics_are_those_of_fats(n: int, seed: int, digits: int) -> None:
    time, mag, mag_err = variable_star(n, np.random.default_rng(seed))
    mag = np.round(mag, digits)  # rounded to 0.01 mag, some are equal
    found, expected = of_one(time, mag, mag_err), reference.statistics(time, mag, mag_err)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-7, abs=1e-9), name


@settings(max_examples=5, deadline=None)
@given(n=st.integers(12, 20), seed=st.integers(0, 2**32))
@example(n=14, seed=205)  # its period divides the time span: the last point has the phase of the first
def test_periods_and_harmonics_are_those_of_fats(n: int, seed: int) -> None:
    time, mag, _ = variable_star(n, np.random.default_rng(seed))
    found, expected = periodic_of_one(time, mag), reference.periodic(time, mag)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if "rel_phase" in name:  # arc tangents that differ by π are the same phase
            assert math.sin(found[name] - value) == pytest.approx(0.0, abs=5e-3), name
        else:
            assert found[name] == pytest.approx(value, rel=1e-3, abs=1e-6), name


@pytest.mark.parametrize("n", [12, 57, 300])
def test_periodogram_and_its_peak_are_those_of_nifty_ls(n: int) -> None:
    time, mag, _ = variable_star(n, np.random.default_rng(n))
    time = time - time[0]
    periodogram = Periodogram(time)
    expected = nifty_ls.lombscargle(
        time,
        mag,
        fmin=float(periodogram.frequency(0)),
        fmax=float(periodogram.frequency(periodogram.n_frequencies - 1)),
        Nf=periodogram.n_frequencies,
        fit_mean=False,
        backend="finufft",
    ).power * (n - 1) / 2  # fmt: skip
    power = periodogram.power(mag)
    assert power == pytest.approx(expected, abs=5e-3 * expected.max())
    frequency, highest = periodogram.peak(mag)
    assert frequency == periodogram.frequency(expected.argmax())
    assert highest == pytest.approx(expected.max(), rel=1e-6)


def test_every_column_of_the_paper_is_there_but_for_the_autoregressive_ones(shared_data: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    names = parquet.read_schema(shared_data / "variable_stars_fats" / "fats.parquet").names
    ours = {name.removesuffix("_r") for name in FEATURE_SETS["fats"].names}
    assert set(names) - ours == {"ID", "CAR_sigma", "CAR_mean", "CAR_tau"}


def test_bands_are_measured_apart_and_the_negative_half_is_left_out() -> None:
    time, mag, mag_err = variable_star(60, np.random.default_rng(1))
    flux, flux_err = flux_from_magnitude(mag, mag_err)
    band = np.where(np.arange(60) % 3 == 0, "ztfg", "ztfr")
    flux[1::6] *= -1.0
    lc = LightCurve("x", 0, 58000.0 + time, band, flux, flux_err, np.zeros(60, dtype=bool), ra=0.0, dec=0.0)
    found = dict(zip(FEATURE_SETS["fats"].names, FEATURE_SETS["fats"].compute([lc])[0].tolist(), strict=True))
    for letter, rows in (("g", band == "ztfg"), ("r", (band == "ztfr") & (flux > 0))):
        expected = reference.statistics(time[rows], mag[rows], mag_err[rows])
        for name, value in expected.items():
            assert found[f"{name}_{letter}"] == pytest.approx(value, rel=1e-6, abs=1e-8), name
        periods = periodic_of_one(time[rows], mag[rows])
        assert found[f"PeriodLS_{letter}"] == pytest.approx(periods["PeriodLS"])


def test_constant_or_simultaneous_magnitudes_have_no_period() -> None:
    time = np.arange(12.0)
    constant = periodic_of_one(time, np.full(12, 17.0))
    simultaneous = periodic_of_one(np.zeros(12), 17.0 + 0.1 * time)
    assert all(math.isnan(value) for value in (*constant.values(), *simultaneous.values()))


def test_of_alias_frequencies_that_fit_alike_the_lowest_is_taken() -> None:
    time = np.arange(40.0)
    found = periodicity(time, np.sin(2 * np.pi * 0.2 * time))
    # Once a day, 0.2, 0.8, 1.2 … per day are the same to the last digit.
    assert found.frequency[0] == pytest.approx(0.2, rel=0.02)


def test_second_frequency_is_found_under_the_first() -> None:
    rng = np.random.default_rng(2)
    time = np.sort(rng.uniform(0.0, 100.0, 200))
    mag = 17.0 + 0.5 * np.sin(2 * np.pi * time / 0.71) + 0.1 * np.sin(2 * np.pi * time / 3.3)
    found = periodicity(time, mag)
    assert 1 / found.frequency[:2] == pytest.approx([0.71, 3.3], rel=0.01)
    assert found.amplitude[:2, 0] == pytest.approx([0.5, 0.1], rel=0.05)
    assert found.false_alarm < 1e-9


def test_harmonics_of_a_known_wave_come_back() -> None:
    time = np.linspace(0.0, 10.0, 1001)[:-1]
    values = 5.0 + 2.0 * np.sin(2 * np.pi * time + 0.3) + 0.5 * np.sin(4 * np.pi * time + 0.9)
    amplitude, phase, model = harmonics(time, values, 1.0)
    assert amplitude == pytest.approx([2.0, 0.5, 0.0, 0.0], abs=1e-9)
    assert phase[:2] == pytest.approx([0.3, 0.9])
    assert np.ptp(values - model) < 1e-9


def test_noise_is_called_noise_about_as_often_as_it_claims() -> None:
    rng = np.random.default_rng(3)
    claims = [periodicity(np.sort(rng.uniform(0.0, 60.0, 40)), rng.normal(size=40)).false_alarm for _ in range(100)]
    # Press & Rybicki count every frequency of the oversampled band once: a rough number, on the safe side.
    assert np.mean(np.array(claims) < 0.05) < 0.12
    assert np.median(claims) > 0.2


def test_rr_lyrae_stars_get_their_periods_back(shared_data: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    folder = shared_data / "rr_lyrae"
    periods = parquet.read_table(folder / "stripe82_rrlyrae_periods.parquet").to_pydict()
    points = parquet.read_table(folder / "stripe82_rrlyrae_lightcurves.parquet").to_pydict()
    star, time, mag = (np.array(points[name]) for name in ("id", "mjd", "mag"))
    use = np.flatnonzero((np.array(points["band"]) == "g") & (mag < 30))
    use = use[np.lexsort((time[use], star[use]))]
    ids, counts = np.unique(star[use], return_counts=True)
    found = 1 / periodic(Segments.from_counts(counts), time[use], mag[use])["PeriodLS"]
    known = dict(zip(periods["id"], periods["period_days"], strict=True))
    true = np.array([1 / known[i] for i in ids.tolist()])
    # A survey that looks once a night takes f for |f ± 1| or |f ± 2| per day.
    aliases = np.abs(true[:, None] + np.arange(-2, 3))
    assert len(ids) == 483
    # With 56 points in ten years, 78 % and 94 % when this was written.
    assert np.mean(np.abs(found / true - 1) < 1e-3) > 0.75
    assert np.mean((np.abs(found[:, None] / aliases - 1) < 2e-3).any(axis=1)) > 0.92
