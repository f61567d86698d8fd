"""The common grid: what counts as covered, and what becomes of the flux."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ampel_followup.errors import SpectrumError
from ampel_followup.spectra.features import N_BINS, PrincipalSpectra, to_grid
from ampel_followup.spectra.grid import DEFAULT_GRID, MAX_GAP, PAPER_GRID, Grid, scale_to_unit


def reference_sample(grid: Grid, wavelength: np.ndarray, flux: np.ndarray) -> np.ndarray:
    """Bin by bin, as one would say it."""
    means = []
    for low, high in zip(grid.edges[:-1], grid.edges[1:], strict=True):
        inside = (wavelength >= low) & (wavelength < high)
        means.append(flux[inside].mean() if inside.any() else np.nan)
    bins = np.arange(grid.n_bins)
    known = np.isfinite(means)
    return np.interp(bins, bins[known], np.array(means)[known])


def test_grid_of_the_paper_has_the_spacing_of_sdss():
    assert len(PAPER_GRID.centres) == 3794
    np.testing.assert_allclose(np.diff(np.log10(PAPER_GRID.centres)), 1e-4, rtol=2e-4)


@pytest.mark.parametrize("step", [0.7, 5.0, 60.0])
@pytest.mark.parametrize("grid", [DEFAULT_GRID, Grid(4000.0, 7000.0, 400)])
def test_sampling_is_the_mean_of_the_pixels_in_each_bin(grid, step):
    wavelength = np.arange(3500.0, 9500.0, step)
    flux = np.random.default_rng(0).normal(size=len(wavelength))
    np.testing.assert_allclose(grid.sample(wavelength, flux), reference_sample(grid, wavelength, flux), atol=1e-12)


def test_order_of_pixels_does_not_matter():
    rng = np.random.default_rng(1)
    wavelength, flux = np.arange(3500.0, 9500.0, 7.0), rng.normal(size=858)
    shuffled = rng.permutation(858)
    np.testing.assert_allclose(
        DEFAULT_GRID.sample(wavelength[shuffled], flux[shuffled]), DEFAULT_GRID.sample(wavelength, flux), atol=1e-12
    )


@pytest.mark.parametrize(("first", "last", "enough"), [(3830, 9174, True), (3850, 9200, False), (3800, 9150, False)])
def test_papers_rule_wants_both_ends(first, last, enough):
    wavelength = np.linspace(first, last, 4000)

    assert PAPER_GRID.covers(wavelength[0], wavelength[-1]) == enough
    if enough:
        PAPER_GRID.sample(wavelength, np.ones(4000))
    else:
        with pytest.raises(SpectrumError, match="all of it is needed"):
            PAPER_GRID.sample(wavelength, np.ones(4000))


def test_spectrum_that_covers_half_the_grid_is_refused_by_the_papers_rule_and_says_how_much_it_covers():
    grid = Grid(4000.0, 9000.0, 300)
    wavelength = np.arange(3900.0, 6000.0, 2.0)  # the middle of the grid in its logarithm

    with pytest.raises(SpectrumError, match=r"covers 50% of 4000–9000 Å"):
        grid.sample(wavelength, wavelength)

    assert np.isfinite(grid.sample(wavelength, wavelength, min_coverage=0.45)).all()


def test_narrow_gaps_are_bridged_and_wide_ones_are_not_covered():
    wavelength = np.arange(3500.0, 9500.0, 2.0)
    narrow = wavelength[(wavelength < 6860) | (wavelength > 6860 + 0.8 * MAX_GAP)]
    wide = wavelength[(wavelength < 6860) | (wavelength > 6860 + 3 * MAX_GAP)]

    np.testing.assert_allclose(DEFAULT_GRID.sample(narrow, narrow), DEFAULT_GRID.centres, rtol=3e-3)
    with pytest.raises(SpectrumError, match="covers 9"):
        DEFAULT_GRID.sample(wide, wide)


def test_range_is_what_the_given_share_of_spectra_reaches():
    rng = np.random.default_rng(2)
    first, last = rng.uniform(3700, 3900, 1000), rng.uniform(9000, 9300, 1000)

    grid = Grid.covering(first, last, spacing=1e-4, keep=0.99)

    assert np.mean(first <= grid.start) == pytest.approx(0.99, abs=2e-3)
    assert np.mean(last >= grid.end) == pytest.approx(0.99, abs=2e-3)
    assert np.log10(grid.end / grid.start) / grid.n_bins == pytest.approx(1e-4, rel=1e-3)


def test_spectra_without_a_common_range_are_refused():
    with pytest.raises(SpectrumError, match="no range is covered"):
        Grid.covering(np.array([3000.0, 7000.0]), np.array([5000.0, 9000.0]), 1e-4)


@pytest.mark.parametrize("grid", [(9000.0, 4000.0, 10), (0.0, 4000.0, 10), (4000.0, 9000.0, 1), (4000.0, np.inf, 10)])
def test_impossible_grids_are_refused(grid):
    with pytest.raises(SpectrumError, match="make no grid"):
        Grid(*grid)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-18, 1e6), st.floats(-1e3, 1e3))
def test_scaled_flux_does_not_depend_on_unit_or_zero_point(seed, unit, offset):
    flux = np.random.default_rng(seed).normal(size=(3, 200))
    scaled = scale_to_unit(flux)

    assert scaled.min() == 0.0
    assert scaled.max() == 1.0
    np.testing.assert_allclose(scale_to_unit(unit * (flux + offset)), scaled, atol=1e-9)


def test_scaling_of_the_paper_takes_the_extremes():
    flux = np.random.default_rng(0).normal(size=500)
    np.testing.assert_allclose(scale_to_unit(flux, (0.0, 100.0)), (flux - flux.min()) / np.ptp(flux), atol=1e-12)


def test_constant_spectrum_is_one_half():
    assert (scale_to_unit(np.full((2, 50), 3.0)) == 0.5).all()


def test_bundle_grid_takes_spectra_with_half_of_it():
    wavelength = np.arange(3900.0, 7000.0, 3.0)
    assert to_grid(wavelength, np.sin(wavelength)).shape == (N_BINS,)
    with pytest.raises(SpectrumError, match="50% is needed"):
        to_grid(wavelength[:300], np.ones(300))


def test_all_components_reconstruct_the_spectra():
    spectra = np.random.default_rng(3).random((20, 15))
    principal = PrincipalSpectra.fit(spectra, 15)
    np.testing.assert_allclose(principal.reconstruct(principal.transform(spectra)), spectra, atol=1e-10)
