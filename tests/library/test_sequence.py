"""Light curves as sequences, against slow references, and what a sequence must not know."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampel_followup.errors import FollowupError
from ampel_followup.features.ragged import LETTERS, stack
from ampel_followup.features.sequence import (
    EPOCH_CHANNELS,
    EPOCH_GAP,
    GRID_CHANNELS,
    Sequences,
    beginnings,
    epoch_sequences,
    epoch_times,
    grid_sequences,
    of_the_transient,
)
from ampel_followup.lightcurve import LightCurve

SOFTENING = 2.0


def light_curve(
    time: list[float], band: list[str], flux: list[float], flux_err: list[float], limit: list[bool]
) -> LightCurve:
    return LightCurve(
        "ZTF18aaaaaaa",
        1,
        58000.0 + np.array(time, dtype=np.float64),
        np.array(band, dtype=np.str_),
        np.array(flux, dtype=np.float64),
        np.array(flux_err, dtype=np.float64),
        np.array(limit, dtype=np.bool_),
        ra=10.0,
        dec=20.0,
    )


def some(rng: np.random.Generator, n_points: int, *, limits: bool = True) -> LightCurve:
    """Return a light curve in three bands, with points in the same epoch and unknown bands among them."""
    time = np.round(np.cumsum(rng.exponential(1.5, n_points)) * rng.choice([1.0, 0.01]), 3)
    flux, err = rng.normal(20.0, 30.0, n_points), rng.uniform(1.0, 4.0, n_points)
    is_limit = (rng.random(n_points) < 0.3) & limits
    band = rng.choice(["ztfg", "ztfr", "ztfi", "unknown"], n_points, p=[0.4, 0.4, 0.15, 0.05])
    return light_curve(
        time.tolist(), band.tolist(), np.where(is_limit, 0.0, flux).tolist(), err.tolist(), is_limit.tolist()
    )


def y(flux: float) -> float:
    return math.asinh(flux / SOFTENING) / 4.0


def reference_points(lc: LightCurve) -> list[tuple[float, str, float, float, bool]]:
    """Return time, letter, flux, error and limit of the points that belong to the transient, in plain Python."""
    every = [
        (float(t - lc.time[0]), band[-1], float(f), float(e), bool(u))
        for t, band, f, e, u in zip(lc.time, lc.band.tolist(), lc.flux, lc.flux_err, lc.upper_limit, strict=True)
        if band != "unknown"
    ]
    found = [t for t, _, f, e, u in every if not u and f >= 5.0 * e]
    start = (found[0] if found else every[-1][0] if every else 0.0) - 30.0
    return [point for point in every if point[0] >= start]


def reference_grid(lc: LightCurve, n_steps: int) -> np.ndarray:
    points = reference_points(lc)
    seen = [t for t, *_, u in points if not u]
    points = [p for p in points if not p[4] or not seen or p[0] < seen[0]]
    values = np.zeros((n_steps, GRID_CHANNELS))
    if not points:
        return values
    grid = np.linspace(points[0][0], points[-1][0], n_steps)
    for b, letter in enumerate(LETTERS):
        at = np.array([p[0] for p in points if p[1] == letter])
        flux = [y(p[2]) for p in points if p[1] == letter]
        for k, t in enumerate(grid):
            values[k, b] = np.interp(t, at, flux) if len(at) else 0.0
            nearest = np.abs(at - t).min() if len(at) else 1000.0
            values[k, len(LETTERS) + b] = math.log1p(nearest) / 4.0
    return values


def reference_epochs(lc: LightCurve) -> list[list[tuple[float, str, float, float, bool]]]:
    epochs: list[list[tuple[float, str, float, float, bool]]] = []
    for point in reference_points(lc):
        if epochs and point[0] - epochs[-1][-1][0] <= EPOCH_GAP:
            epochs[-1].append(point)
        else:
            epochs.append([point])
    return epochs


def reference_cell(epoch: list[tuple[float, str, float, float, bool]], letter: str) -> tuple[float, float, bool] | None:
    """Return flux, error and limit of a band in an epoch."""
    inside = [p for p in epoch if p[1] == letter]
    detected = [p for p in inside if not p[4]]
    chosen = detected or inside
    if not chosen:
        return None
    weights = [p[3] ** -2 for p in chosen]
    mean = sum(w * p[2] for w, p in zip(weights, chosen, strict=True)) / sum(weights)
    return mean, sum(weights) ** -0.5, not detected


def reference_sequence(lc: LightCurve, n_epochs: int) -> np.ndarray:
    epochs = reference_epochs(lc)
    values = np.zeros((n_epochs, EPOCH_CHANNELS))
    found = [t for epoch in epochs for t, _, f, e, u in epoch if not u and f >= 5.0 * e]
    zero = found[0] if found else epochs[0][0][0] if epochs else 0.0
    seen = [epoch[0][0] for epoch in epochs if any(not p[4] for p in epoch)]
    skipped = max(len(epochs) - n_epochs, 0)
    for b, letter in enumerate(LETTERS):
        known = [(epoch[0][0], cell) for epoch in epochs if (cell := reference_cell(epoch, letter)) is not None]
        used = [(t, cell) for t, cell in known if not cell[2] or not seen or t < seen[0]]
        times = np.array([t for t, _ in used])
        for k, epoch in enumerate(epochs[skipped:]):
            t, row, cell = epoch[0][0], values[k], reference_cell(epoch, letter)
            row[6 + b] = math.log1p(1000.0) / 4.0
            if used:
                nearest = int(np.argmin(np.abs(times - t)))
                row[b] = np.interp(t, times, [y(cell[0]) for _, cell in used])
                row[6 + b] = math.log1p(abs(times[nearest] - t)) / 4.0
                row[12 + b] = y(used[nearest][1][1])
            row[18 + b], row[24 + b] = cell is not None and not cell[2], cell is not None and cell[2]
    for k, epoch in enumerate(epochs):
        if k < skipped:
            continue
        row, t = values[k - skipped], epoch[0][0]
        gap = t - epochs[k - 1][0][0] if k else 0.0
        age = t - zero
        row[30:33] = (
            math.log1p(gap) / 4.0,
            math.log1p(epochs[-1][0][0] - t) / 4.0,
            math.copysign(math.log1p(abs(age)) / 4.0, age),
        )
        for j in range(7):
            row[33 + j] = math.sin(2.0 * math.pi * age / 2.0 ** (2 + j))
            row[40 + j] = math.cos(2.0 * math.pi * age / 2.0 ** (2 + j))
    return values


@pytest.mark.parametrize("seed", range(3))
def test_sequences_are_those_of_the_slow_reference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    curves = [some(rng, int(n)) for n in (1, 2, 3, 8, 40, 90)]
    points = stack(curves)
    grid, epochs = grid_sequences(points, SOFTENING, 16), epoch_sequences(points, SOFTENING, 20)
    for i, lc in enumerate(curves):
        np.testing.assert_allclose(grid.values[i], reference_grid(lc, 16), atol=2e-6)
        np.testing.assert_allclose(epochs.values[i], reference_sequence(lc, 20), atol=1e-5)
        times = [epoch[0][0] for epoch in reference_epochs(lc)][-20:]
        assert epochs.mask[i].sum() == len(times)
        np.testing.assert_allclose(epochs.time[i, : len(times)], times)
    np.testing.assert_array_equal(epochs.time, epoch_times(points, 20))


def both(curves: list[LightCurve]) -> list[Sequences]:
    points = stack(curves)
    return [grid_sequences(points, SOFTENING, 16), epoch_sequences(points, SOFTENING, 20)]


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(0, 60))
def test_object_has_the_same_sequence_alone_as_among_others(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    curves = [some(rng, n), some(rng, 30), some(rng, 0)]
    for alone, among in zip(both(curves[:1]), both(curves), strict=True):
        np.testing.assert_array_equal(alone.values[0], among.values[0])
        assert np.isfinite(among.values).all()
        assert not among.mask[2].any() and not among.values[2].any()


@given(seed=st.integers(0, 2**32 - 1), fraction=st.floats(0.01, 1.0))
def test_beginning_of_a_light_curve_does_not_know_how_it_went_on(seed: int, fraction: float) -> None:
    rng = np.random.default_rng(seed)
    whole = some(rng, 40)
    short = beginnings(stack([whole]), fraction)
    n = int(short.segments.counts[0])
    assert n == math.ceil(round(fraction * 40, 9))
    flux = whole.flux.copy()
    flux[n:] = rng.normal(1e4, 1e3, 40 - n)
    other = LightCurve("x", 0, whole.time, whole.band, flux, whole.flux_err, whole.upper_limit, 10.0, 20.0)
    other_short = beginnings(stack([other]), fraction)
    for make in (lambda p: grid_sequences(p, SOFTENING, 16), lambda p: epoch_sequences(p, SOFTENING, 20)):
        np.testing.assert_array_equal(make(short).values, make(other_short).values)
        assert np.nanmax(make(short).time, initial=0.0) <= short.time[-1] + 1e-9


@given(shift=st.floats(-1e4, 1e4))
def test_date_is_not_in_the_sequence(shift: float) -> None:
    lc = some(np.random.default_rng(5), 30)
    later = LightCurve("x", 0, lc.time + shift, lc.band, lc.flux, lc.flux_err, lc.upper_limit, 10.0, 20.0)
    for one, other in zip(both([lc]), both([later]), strict=True):
        np.testing.assert_allclose(one.values, other.values, atol=1e-4)


def test_limits_anchor_the_rise_and_say_nothing_later() -> None:
    lc = light_curve(
        [0.0, 5.0, 7.0, 10.0], ["ztfr"] * 4, [0.0, 50.0, 0.0, 40.0], [4.0, 2.0, 9.0, 2.0], [True, False, True, False]
    )
    grid = grid_sequences(stack([lc]), SOFTENING, 11).values[0, :, LETTERS.index("r")]
    np.testing.assert_allclose(grid[[0, 5, 10]], [0.0, y(50.0), y(40.0)], atol=1e-6)
    assert grid[7] > y(40.0)  # between the two detections
    epochs = epoch_sequences(stack([lc]), SOFTENING, 8)
    assert epochs.values[0, :4, 24 + LETTERS.index("r")].tolist() == [1.0, 0.0, 1.0, 0.0]


def test_old_epochs_go_first_and_old_noise_is_left_out() -> None:
    n = 100
    lc = light_curve([float(k) for k in range(n)], ["ztfg"] * n, [1.0] * 60 + [50.0] * 40, [2.0] * n, [False] * n)
    assert len(of_the_transient(stack([lc])).time) == 70
    assert epoch_sequences(stack([lc]), SOFTENING, 10).time[0].tolist() == [float(k) for k in range(90, 100)]


@pytest.mark.parametrize("fraction", [0.0, -0.1, 1.2, math.nan])
def test_fraction_of_the_points_that_is_none_is_refused(fraction: float) -> None:
    with pytest.raises(FollowupError, match="fraction of the points"):
        beginnings(stack([some(np.random.default_rng(1), 10)]), fraction)
