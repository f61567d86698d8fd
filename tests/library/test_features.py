"""What holds for every feature of every set, and the tools that they are made with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ampel_followup.features import FEATURE_SETS, Feature, FeatureSet
from ampel_followup.features.featureset import markdown_table
from ampel_followup.features.ragged import LETTERS, Segments, stack
from ampel_followup.lightcurve import LightCurve

pytestmark = pytest.mark.filterwarnings("error")

BANDS = ("ztfg", "ztfr", "ztfi", "atlasc", "atlaso", "lsstu", "lsstz", "other")
ALL_SETS = pytest.mark.parametrize("feature_set", FEATURE_SETS.values(), ids=FEATURE_SETS)

# What a change of the distance would leave alone: rates in mag/d, colours, shares, times, shapes.
CHANGE_WITH_FLUX = {
    "early": {"first_mag", "last_mag", "peak_mag"},
    "context": {"mag_above_reference"},
    "timeseries": {
        f"{name}_{letter}"
        for letter in "gr"
        for name in (
            "amplitude",
            "weighted_mean",
            "std",
            "mad",
            "percentile_range_50",
            "linear_slope",
            "linear_slope_err",
        )
    },
    "day1": {"DET_mag_median_min5d"},
    "dayN": {"DET_mag_median", "NON_mag_median", "max_mag"},
    "early_ia": {"rainbow_peak_mag", "rainbow_absolute_mag"},
    # A magnitude divided by a magnitude is no pure number.
    "fats": {
        f"{name}_{letter}"
        for letter in "gr"
        for name in ("Mean", "Meanvariance", "PercentAmplitude", "PercentDifferenceFluxPercentile")
    },
}


def light_curve(n: int, rng: np.random.Generator, bands: Sequence[str] = BANDS, limits: float = 0.3) -> LightCurve:
    """Return n points at multiples of 1/1024 d, so that a shift in time is exact."""
    flux_err = rng.uniform(2.0, 10.0, n)
    upper_limit = rng.random(n) < limits
    measured = ~upper_limit
    return LightCurve(
        id="ZTF18aaaaaaa",
        stock=1,
        time=58000.0 + rng.choice(40 * 1024, n, replace=False) / 1024.0,
        band=np.array([bands[i] for i in rng.integers(len(bands), size=n)], dtype=np.str_),
        flux=np.where(measured, rng.normal(40.0, 60.0, n), 0.0),
        flux_err=flux_err,
        upper_limit=upper_limit,
        ra=0.0,
        dec=40.0,
        source_id=np.where(measured, np.arange(n) + 1, 0),
        point_ra=np.where(measured, rng.normal(0.0, 1e-4, n) % 360.0, np.nan),
        point_dec=np.where(measured, rng.normal(40.0, 1e-4, n), np.nan),
        rb=np.where(measured, rng.random(n), np.nan),
        drb=np.where(measured & (rng.random(n) < 0.8), rng.random(n), np.nan),
        meta={"sgscore1": rng.random(), "magnr": 19.0, "ncovhist": 0.0, "ndethist": 3.0, "jdstarthist": 2457999.5},
    )


def changed(
    lc: LightCurve, order: NDArray[np.intp] | None = None, shift: float = 0.0, scale: float = 1.0
) -> LightCurve:
    order = np.arange(len(lc)) if order is None else order
    meta = {**lc.meta, "jdstarthist": lc.meta["jdstarthist"] + shift}
    return LightCurve(
        **{
            name: getattr(lc, name)[order]
            for name in ("band", "upper_limit", "source_id", "point_ra", "point_dec", "rb", "drb")
        },
        id=lc.id,
        stock=lc.stock,
        time=lc.time[order] + shift,
        flux=scale * lc.flux[order],
        flux_err=scale * lc.flux_err[order],
        ra=lc.ra,
        dec=lc.dec,
        meta=meta,
    )


LIGHT_CURVES = st.builds(
    lambda n, seed: light_curve(n, np.random.default_rng(seed)), st.integers(1, 30), st.integers(0)
)


def test_names_are_unique_among_all_sets() -> None:
    names = [name for feature_set in FEATURE_SETS.values() for name in feature_set.names]
    assert len(names) == len(set(names)) > 90


@ALL_SETS
def test_every_feature_is_documented(feature_set: FeatureSet) -> None:
    for feature in feature_set.features:
        assert feature.description and feature.depends_on and feature.source
        assert feature.minimum >= 0


@ALL_SETS
def test_manual_describes_the_features_as_they_are(feature_set: FeatureSet) -> None:
    manual = (Path(__file__).parents[2] / "docs" / "features.md").read_text(encoding="utf-8")
    assert markdown_table(feature_set) in manual, "docs/features.md is out of date; it says how to renew it"


@ALL_SETS
def test_an_object_has_the_same_features_to_the_last_bit_alone_and_in_a_batch(feature_set: FeatureSet) -> None:
    rng = np.random.default_rng(5)
    batch = [light_curve(int(n), rng) for n in rng.integers(1, 40, 1000)]
    together = feature_set.compute(batch)
    for i in range(0, 1000, 7):
        np.testing.assert_array_equal(feature_set.compute([batch[i]])[0], together[i])
    order = rng.permutation(1000)
    np.testing.assert_array_equal(feature_set.compute([batch[i] for i in order]), together[order])


@ALL_SETS
@given(lc=LIGHT_CURVES, shift=st.integers(-50_000, 50_000))
def test_absolute_time_does_not_matter(feature_set: FeatureSet, lc: LightCurve, shift: int) -> None:
    np.testing.assert_array_equal(feature_set.compute([lc]), feature_set.compute([changed(lc, shift=shift / 4)]))


@ALL_SETS
@given(lc=LIGHT_CURVES, seed=st.integers(0))
def test_order_of_the_points_does_not_matter(feature_set: FeatureSet, lc: LightCurve, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(lc))
    np.testing.assert_array_equal(feature_set.compute([lc]), feature_set.compute([changed(lc, order=order)]))


@ALL_SETS
@given(lc=LIGHT_CURVES, scale=st.floats(1e-3, 1e3))
def test_brightness_matters_only_where_it_should(feature_set: FeatureSet, lc: LightCurve, scale: float) -> None:
    changes = CHANGE_WITH_FLUX[feature_set.name]
    assert changes <= set(feature_set.names)
    keep = [name not in changes for name in feature_set.names]
    before, after = feature_set.compute([lc])[:, keep], feature_set.compute([changed(lc, scale=scale)])[:, keep]
    np.testing.assert_allclose(before, after, rtol=1e-6, atol=1e-6)


@ALL_SETS
@pytest.mark.parametrize("detections", range(6))
def test_feature_is_nan_with_fewer_detections_than_it_says(feature_set: FeatureSet, detections: int) -> None:
    rng = np.random.default_rng(11)
    curves = []
    for _ in range(200):
        found, limits = light_curve(8, rng, limits=0.0), light_curve(3, rng, limits=1.0)
        index = np.arange(detections)
        curves.append(
            LightCurve(
                **{
                    name: np.concatenate([getattr(found, name)[index], getattr(limits, name)])
                    for name in ("time", "band", "flux", "flux_err", "upper_limit", "point_ra", "point_dec")
                },
                id="x",
                stock=0,
                ra=0.0,
                dec=0.0,
            )
        )
    values = feature_set.compute(curves)
    for feature, column in zip(feature_set.features, values.T, strict=True):
        if feature.depends_on == "position":
            continue  # an object has its position whatever else it has
        if detections < feature.minimum:
            assert np.isnan(column).all(), feature.name
        if feature.minimum == 0:
            assert np.isfinite(column).all(), feature.name


@ALL_SETS
def test_most_features_can_be_measured_with_enough_points(feature_set: FeatureSet) -> None:
    rng = np.random.default_rng(3)
    values = feature_set.compute([light_curve(40, rng, bands=("ztfg", "ztfr")) for _ in range(200)])
    catalogue = {"distpsnr1", "srmag1", "distnr", "history_ratio", "neargaia", "maggaia", "ssdistnr"}
    catalogue |= {"z", "photoz", "ebv_sfd", "CV", "log10_sep_arcsec"}
    catalogue |= {"host_photoz", "host_photoz_err", "rainbow_absolute_mag"}
    other_bands = {f"departure_{letter}" for letter in "uizy"}
    for name, column in zip(feature_set.names, values.T, strict=True):
        assert np.isfinite(column).any() or name in catalogue | other_bands, name


@ALL_SETS
@given(
    st.lists(
        st.tuples(
            st.floats(-1e300, 1e300), st.floats(1e-300, 1e300), st.sampled_from(BANDS), st.booleans(), st.integers(0, 9)
        ),
        min_size=1,
        max_size=12,
    )
)
def test_absurd_values_give_nan_and_never_infinity_or_a_warning(
    feature_set: FeatureSet, points: list[tuple[float, float, str, bool, int]]
) -> None:
    flux, flux_err, band, upper_limit, day = zip(*points, strict=True)
    lc = LightCurve(
        id="x",
        stock=0,
        time=np.array(day, dtype=np.float64) + 58000.0,
        band=np.array(band),
        flux=np.array(flux),
        flux_err=np.array(flux_err),
        upper_limit=np.array(upper_limit),
        ra=0.0,
        dec=90.0,
        point_ra=np.full(len(flux), 360.0),
        point_dec=np.full(len(flux), -90.0),
    )
    assert not np.isinf(feature_set.compute([lc])).any()


@ALL_SETS
def test_no_objects_give_an_empty_table_and_an_object_without_points_a_row(feature_set: FeatureSet) -> None:
    assert feature_set.compute([]).shape == (0, len(feature_set.names))
    empty = LightCurve("x", 0, *(np.empty(0) for _ in range(5)), ra=0.0, dec=0.0)  # type: ignore[arg-type]
    assert feature_set.compute([empty]).shape == (1, len(feature_set.names))


def test_infinite_columns_become_nan() -> None:
    rng = np.random.default_rng(0)
    feature = Feature("x", "", "", "", 0, "")
    infinite = FeatureSet("t", "1", (feature,), lambda curves: {"x": np.full(len(curves), np.inf)})
    assert np.isnan(infinite.compute([light_curve(3, rng)])).all()


VALUES = st.lists(st.lists(st.floats(-1e6, 1e6), max_size=9), min_size=1, max_size=6)


@given(VALUES)
def test_reductions_agree_with_numpy_segment_by_segment(parts: list[list[float]]) -> None:
    segments = Segments.from_counts(np.array([len(part) for part in parts]))
    values = np.array([value for part in parts for value in part], dtype=np.float64)
    expected = {
        "sum": lambda part: sum(part),
        "mean": lambda part: np.mean(part) if part else np.nan,
        "maximum": lambda part: max(part) if part else np.nan,
        "minimum": lambda part: min(part) if part else np.nan,
        "first": lambda part: part[0] if part else np.nan,
        "last": lambda part: part[-1] if part else np.nan,
        "median": lambda part: np.median(part) if part else np.nan,
    }
    for name, reference in expected.items():
        np.testing.assert_allclose(
            getattr(segments, name)(values), [reference(part) for part in parts], rtol=1e-12, atol=1e-6, err_msg=name
        )


@given(VALUES, st.integers(0))
def test_selection_agrees_with_lists(parts: list[list[float]], seed: int) -> None:
    segments = Segments.from_counts(np.array([len(part) for part in parts]))
    values = np.array([value for part in parts for value in part], dtype=np.float64)
    mask = np.random.default_rng(seed).random(len(values)) < 0.5
    kept = [
        [value for value, keep in zip(part, mask[start:], strict=False) if keep]
        for part, start in zip(parts, segments.offsets, strict=False)
    ]
    assert segments.count(mask).tolist() == [len(part) for part in kept]
    np.testing.assert_array_equal(segments.first_where(mask, values), [part[0] if part else np.nan for part in kept])
    np.testing.assert_array_equal(segments.last_where(mask, values), [part[-1] if part else np.nan for part in kept])
    position = np.arange(len(values), dtype=np.float64)
    at_maximum = [
        start + int(np.argmax(part)) if part else np.nan for part, start in zip(parts, segments.offsets, strict=False)
    ]
    np.testing.assert_array_equal(segments.at_maximum(values, position), at_maximum)


def test_bands_of_all_surveys_are_told_apart_by_letter() -> None:
    rng = np.random.default_rng(0)
    expected = {"ztfg": "g", "atlasc": "g", "lsstr": "r", "atlaso": "r", "lssty": "y", "ztfi": "i"}
    for band, letter in expected.items():
        points = stack([light_curve(1, rng, bands=(band,))])
        assert LETTERS[points.letter[0]] == letter
    assert stack([light_curve(1, rng, bands=("other",))]).letter.tolist() == [-1]
