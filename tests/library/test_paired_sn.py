"""The real supernovae with photometry and spectra."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ampel_followup.errors import FollowupError
from ampel_followup.evaluation import paired_sn
from ampel_followup.evaluation.data import load_paired
from ampel_followup.evaluation.paired_sn import FEATURES, lines_of, shape_features
from ampel_followup.spectra.features import N_BINS

BANDS = ("CFA3K-B/h", "CFA3K-r/k", "CFA3K-i/l")


def parabolas(times=tuple(range(-18, 10)), peak=(-5.0, -3.0, -2.0)):
    """Magnitudes 15 + 0.01 (t − peak)² in three bands, each with its own time of maximum."""
    time = np.tile(np.array(times, dtype=np.float64), 3)
    band = np.repeat(BANDS, len(times))
    mag = 15.0 + 0.01 * (time - np.repeat(peak, len(times))) ** 2
    flux = 10.0 ** (-0.4 * (mag - 27.5))
    return time, band, flux, 0.01 * flux


def named(row):
    return dict(zip(FEATURES, row, strict=True))


def test_shape_of_a_parabola_is_that_of_the_parabola():
    row = named(shape_features(*parabolas()))
    assert row["slope_blue"] == pytest.approx(2 * 0.01 * 5.0, abs=1e-9)
    assert row["curvature_red"] == pytest.approx(0.02, abs=1e-9)
    assert row["time_since_maximum_far_red"] == 2.0
    assert row["decline_red"] == pytest.approx(0.01 * 3.0**2, abs=1e-9)
    assert row["colour_trend_blue_red"] == pytest.approx(0.02 * (5.0 - 3.0), abs=1e-9)
    assert row["maximum_lag_blue_red"] == 2.0
    # Half the flux is 0.7526 mag down, that is √75.26 d before the maximum; points a day apart are joined by lines.
    assert row["rise_from_half_blue"] == pytest.approx(np.sqrt(75.26), abs=0.02)


@settings(max_examples=40, deadline=None)
@given(factors=st.tuples(*[st.floats(1e-18, 1e6)] * 3))
def test_calibration_of_a_band_does_not_matter(factors):
    time, band, flux, flux_err = parabolas()
    factor = np.repeat(factors, len(time) // 3)
    np.testing.assert_allclose(
        shape_features(time, band, factor * flux, factor * flux_err),
        shape_features(time, band, flux, flux_err),
        rtol=1e-6,
    )


def test_what_comes_after_the_decision_is_not_looked_at():
    time, band, flux, flux_err = parabolas()
    before = time <= 0
    np.testing.assert_array_equal(
        shape_features(time, band, flux, flux_err), shape_features(*(c[before] for c in (time, band, flux, flux_err)))
    )


def test_order_of_the_points_does_not_matter():
    columns = parabolas()
    mixed = np.random.default_rng(1).permutation(len(columns[0]))
    np.testing.assert_allclose(shape_features(*(c[mixed] for c in columns)), shape_features(*columns), rtol=1e-9)


def test_too_few_points_and_bad_errors_are_not_measured_rather_than_guessed():
    time, band, flux, flux_err = parabolas(times=(-3.0,))
    assert np.isnan(shape_features(time, band, flux, flux_err)).all()
    time, band, flux, flux_err = parabolas()
    flux_err[band == BANDS[0]] = 0.0
    flux[band == BANDS[1]] = np.nan
    row = named(shape_features(time, band, flux, flux_err))
    assert np.isnan(row["slope_blue"]) and np.isnan(row["slope_red"]) and np.isfinite(row["slope_far_red"])
    assert np.isnan(shape_features(np.empty(0), np.empty(0, dtype="U1"), np.empty(0), np.empty(0))).all()


def test_continuum_and_scale_of_a_spectrum_leave_little_trace():
    wavelength = np.linspace(4100.0, 6800.0, 1300)
    lines = 1.0 - 0.4 * np.exp(-(((wavelength - 6150.0) / 60.0) ** 2))
    flat, tilted = lines_of(wavelength, lines), lines_of(wavelength, 1e-15 * lines * (wavelength / 5000.0) ** 0.3)
    assert flat.shape == (N_BINS,)
    dip = int(flat.argmin())
    assert abs(int(tilted.argmin()) - dip) <= 1
    assert flat[dip] < 0.1 and tilted[dip] < 0.25
    assert lines_of(wavelength, np.ones_like(wavelength)) == pytest.approx(0.5)


def test_real_pairs_have_one_row_per_supernova_and_say_what_they_are(shared_data):
    pytest.importorskip("pyarrow")
    data = load_paired(shared_data / "paired_sn", seed=3)
    assert data.classes == ("SN Ia", "stripped-envelope")
    assert np.bincount(data.y)[1] == 22 and np.bincount(data.y)[0] > 120
    assert len(set(data.groups.tolist())) == len(data)
    assert data.spectra is not None and data.spectra.min() >= 0 and data.spectra.max() <= 1
    assert np.isfinite(data.x_t).any(axis=0).all() and np.isfinite(data.x_t).any(axis=1).all()
    for word in ("Left out", "Confounds", "survey"):
        assert word in data.note
    again = load_paired(shared_data / "paired_sn", seed=4)
    np.testing.assert_array_equal(again.x_t, data.x_t)


def write_set(folder, flux_unit=1.0, reach=(4000.0, 7000.0)):
    """One made-up supernova in the layout of the real ones."""
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    time, band, flux, flux_err = parabolas()
    n = len(time)
    wavelength = np.arange(*reach, 5.0)
    names = ["a", "b"]
    parquet.write_table(
        pa.table({"name": names, "type": ["Ia", "Ic"], "survey": ["X", "Y"], "peak_mjd": [95.0, 95.0]}),
        folder / "objects.parquet",
    )
    parquet.write_table(
        pa.table(
            {
                "name": np.repeat(names, n), "mjd": np.tile(time + 100.0, 2), "band": np.tile(band, 2),
                "flux": np.tile(flux * flux_unit, 2), "flux_err": np.tile(flux_err * flux_unit, 2),
            }
        ),
        folder / "photometry.parquet",
    )  # fmt: skip
    near = 1.0 + np.sin(wavelength / 100.0)
    parquet.write_table(
        pa.table(
            {
                "name": np.repeat(names, 2), "mjd": [90.0, 101.0] * 2, "wavelength": [wavelength.tolist()] * 4,
                "flux": [(0.0 * near + 1.0).tolist(), near.tolist()] * 2,
                "flag": [None, [1] * len(wavelength)] * 2,
            }
        ),
        folder / "spectra.parquet",
    )  # fmt: skip
    return wavelength, near


def test_spectrum_nearest_to_the_decision_is_taken_and_its_reach_does_not_matter(tmp_path):
    wide, narrow = tmp_path / "wide", tmp_path / "narrow"
    wide.mkdir(), narrow.mkdir()
    wavelength, near = write_set(wide, reach=(3500.0, 9500.0))
    write_set(narrow)
    cut = (wavelength >= paired_sn.WINDOW[0]) & (wavelength <= paired_sn.WINDOW[1])
    data = paired_sn.load(wide)
    np.testing.assert_allclose(data.spectra[0], lines_of(wavelength[cut], near[cut]))
    np.testing.assert_allclose(paired_sn.load(narrow).spectra, data.spectra)


def test_spectra_that_do_not_cover_the_window_are_left_out_and_counted(tmp_path):
    write_set(tmp_path, reach=(4500.0, 9000.0))
    with pytest.raises(FollowupError, match="none of 2 supernovae is usable"):
        paired_sn.load(tmp_path)


def test_folder_that_lacks_a_column_is_named(tmp_path):
    write_set(tmp_path)
    (tmp_path / "objects.parquet").write_bytes((tmp_path / "photometry.parquet").read_bytes())
    with pytest.raises(FollowupError, match=r"objects\.parquet lacks the column type"):
        paired_sn.load(tmp_path)
