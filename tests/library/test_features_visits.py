"""Visits, and the features of the virtual assistant at each of them."""

from __future__ import annotations

import csv
import statistics
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError
from ampel_followup.features import FEATURE_SETS
from ampel_followup.features.visits import SETS, visit_features, visits
from ampel_followup.lightcurve import LightCurve, magnitude_from_flux

pytestmark = pytest.mark.filterwarnings("error")


def light_curve(rng: np.random.Generator, n: int = 20, nights: int = 8) -> LightCurve:
    """Return points in a few nights, half of them limits, at multiples of 1/1024 d."""
    upper_limit = rng.random(n) < 0.5
    measured = ~upper_limit
    night = rng.choice(30, nights, replace=False)
    return LightCurve(
        id=f"x{rng.integers(1 << 30)}",
        stock=0,
        time=58000.0 + rng.choice(night, n) + rng.choice(400, n, replace=False) / 1024.0,
        band=rng.choice(["ztfg", "ztfr", "ztfi"], n),
        flux=np.where(measured, rng.normal(60.0, 60.0, n), 0.0),
        flux_err=rng.uniform(2.0, 10.0, n),
        upper_limit=upper_limit,
        ra=float(rng.uniform(0.0, 360.0)),
        dec=40.0,
        source_id=np.where(measured, np.arange(n) + 1, 0),
        point_ra=np.where(measured, rng.normal(0.0, 1e-4, n) % 360.0, np.nan),
        point_dec=np.where(measured, rng.normal(40.0, 1e-4, n), np.nan),
        rb=np.where(measured, rng.random(n), np.nan),
        drb=np.where(measured & (rng.random(n) < 0.8), rng.random(n), np.nan),
        meta={"sgscore1": rng.random(), "distpsnr1": 2.0, "magnr": 19.0, "ncovhist": 9.0, "jdstarthist": 2457999.5},
    )


def beginning(lc: LightCurve, n: int) -> LightCurve:
    """Return the first n points, with position and catalogue context as they are in the latest packet."""
    columns = ("time", "band", "flux", "flux_err", "upper_limit", "source_id", "point_ra", "point_dec", "rb", "drb")
    return LightCurve(
        id=lc.id,
        stock=lc.stock,
        ra=lc.ra,
        dec=lc.dec,
        meta=lc.meta,
        **{name: getattr(lc, name)[:n] for name in columns},
    )


def at(lc: LightCurve, *sets: str) -> list[dict[str, float]]:
    names, values = visit_features([lc], visits([lc]), sets or tuple(SETS))
    return [dict(zip(names, row, strict=True)) for row in values.tolist()]


LIGHT_CURVES = st.builds(
    lambda n, nights, seed: light_curve(np.random.default_rng(seed), n, nights),
    st.integers(1, 30),
    st.integers(1, 12),
    st.integers(0),
)

# Two limits long before, one on the night before; two detections; a night of limits; a night of three detections.
EXAMPLE = LightCurve(
    id="example",
    stock=0,
    time=np.array([90.0, 98.0, 100.25, 100.0, 100.25 + 1 / 64, 101.0, 103.0, 103.125, 103.25]),
    band=np.array(["ztfg", "ztfg", "ztfr", "ztfg", "ztfg", "ztfr", "ztfg", "ztfr", "ztfr"]),
    flux=np.array([0.0, 0.0, 100.0, 0.0, 50.0, 0.0, 400.0, 100.0, -30.0]),
    flux_err=np.full(9, 5.0),
    upper_limit=np.array([True, True, False, True, False, True, False, False, False]),
    ra=10.0,
    dec=60.0,
    point_ra=np.array([np.nan, np.nan, 10.0, np.nan, 10.0002, np.nan, 10.0, 10.0, 10.0]),
    point_dec=np.array([np.nan, np.nan, 60.0, np.nan, 60.0001, np.nan, 60.0, 60.0, 60.0]),
    rb=np.array([np.nan, np.nan, 0.5, np.nan, np.nan, np.nan, 0.1, 0.1, 0.1]),
    drb=np.array([np.nan, np.nan, 0.99, np.nan, 0.9, np.nan, 0.1, 0.1, 0.1]),
    meta={"sgscore1": 0.1, "distpsnr1": 10.0, "z": 0.03},
)


def test_each_night_from_the_first_detection_on_is_a_visit() -> None:
    found = visits([EXAMPLE])
    assert found.number.tolist() == [0, 1, 2]
    assert found.n_points.tolist() == [5, 6, 9]
    assert found.mjd.tolist() == [100.265625, 101.0, 103.25]
    assert found.day.tolist() == [0.0, 0.75, 2.75]


def test_columns_on_entry_are_what_atlas_calls_so() -> None:
    entry = at(EXAMPLE, "day1")[0]
    assert entry["DET_Nsince_min5d"] == 2
    assert entry["NON_Nsince_min5d"] == 2, "one limit came 10 d before"
    assert entry["Nnondet_mean"] == 0 and np.isnan(entry["Nnondet_std"])
    mags = magnitude_from_flux([100.0, 50.0], [5.0, 5.0])[0]
    assert entry["magdet_std"] == pytest.approx(np.std(mags, ddof=1))
    assert entry["DET_mag_median_min5d"] == pytest.approx(mags.mean())
    assert entry["rb_pix"] == pytest.approx(0.7), "rb, or drb where there is none"
    assert entry["log10_std_ra_min5d"] == pytest.approx(np.log10(np.std([10.0, 10.0002], ddof=1)))
    assert entry["log10_std_dec_min5d"] == pytest.approx(np.log10(np.std([60.0, 60.0001], ddof=1)), abs=1e-6)
    assert entry["log10_sep_arcsec"] == 1.0
    assert (entry["ra"], entry["dec"], entry["z"]) == (10.0, 60.0, 0.03)
    assert np.isnan([entry["photoz"], entry["ebv_sfd"], entry["CV"]]).all()


def test_columns_of_later_nights_are_what_atlas_calls_so() -> None:
    entry, limits_only, bright = at(EXAMPLE, "dayN")
    faint, one, four = (magnitude_from_flux(flux, 1.0)[0] for flux in (50.0, 100.0, 400.0))
    limit = magnitude_from_flux(25.0, 1.0)[0]
    assert [row["dayN"] for row in (entry, limits_only, bright)] == [0, 1, 3]
    assert [row["max_mag_day"] for row in (entry, limits_only, bright)] == [0, 0, 3]
    assert entry["max_mag"] == limits_only["max_mag"] == entry["DET_mag_median"] == pytest.approx((one + faint) / 2)
    assert bright["max_mag"] == bright["DET_mag_median"] == pytest.approx((one + four) / 2), "negative ones have no mag"
    assert np.isnan(limits_only["DET_mag_median"]) and np.isnan(limits_only["DET_N_total"])
    assert (entry["NON_N_total"], limits_only["NON_N_total"]) == (2, 3)
    assert np.isnan(bright["NON_N_total"]) and np.isnan(bright["NON_mag_median"])
    assert (entry["DET_N_total"], bright["DET_N_total"]) == (2, 5)
    assert limits_only["NON_mag_median"] == pytest.approx(limit)


def test_no_host_distance_next_to_a_star() -> None:
    star = LightCurve("x", 0, *_one_point(), ra=0.0, dec=0.0, meta={"sgscore1": 0.9, "distpsnr1": 1.0})
    assert np.isnan(at(star, "day1")[0]["log10_sep_arcsec"])


def test_object_without_a_detection_has_no_visit() -> None:
    time, band, flux, flux_err, _ = _one_point()
    limit = LightCurve("limit", 0, time, band, flux, flux_err, np.array([True]), ra=0.0, dec=0.0)
    detection = LightCurve("detection", 0, *_one_point(), ra=0.0, dec=0.0)
    assert visits([limit, detection, limit]).object_index.tolist() == [1]
    assert len(visits([limit])) == len(visits([])) == 0
    names, values = visit_features([limit], visits([limit]))
    assert values.shape == (0, len(names))


def _one_point() -> tuple[NDArray[np.generic], ...]:
    return np.array([58000.0]), np.array(["ztfr"]), np.array([50.0]), np.array([5.0]), np.array([False])


def test_unknown_set_is_refused_with_those_there_are() -> None:
    with pytest.raises(FollowupError, match=r"'fats'.*day1, dayN, early, context"):
        visit_features([EXAMPLE], visits([EXAMPLE]), ("fats",))


@given(LIGHT_CURVES)
def test_a_visit_never_sees_what_comes_after_it(lc: LightCurve) -> None:
    found = visits([lc])
    _, values = visit_features([lc], found)
    for k, n in enumerate(found.n_points):
        then = beginning(lc, n)
        seen = visits([then])
        np.testing.assert_array_equal([seen.mjd[-1], seen.day[-1], seen.number[-1]], [found.mjd[k], found.day[k], k])
        np.testing.assert_array_equal(visit_features([then], seen)[1][-1], values[k])


@given(LIGHT_CURVES)
def test_a_visit_has_the_features_of_the_light_curve_that_ends_there(lc: LightCurve) -> None:
    for k, n in enumerate(visits([lc]).n_points):
        for name in SETS:
            _, values = visit_features([lc], visits([lc]), (name,))
            np.testing.assert_array_equal(FEATURE_SETS[name].compute([beginning(lc, n)])[0], values[k])


def test_a_visit_has_the_same_features_alone_and_among_thousands() -> None:
    rng = np.random.default_rng(5)
    objects = [light_curve(rng, int(n)) for n in rng.integers(1, 30, 1000)]
    found = visits(objects)
    names, together = visit_features(objects, found)
    for i in range(0, 1000, 29):
        of_object = found.object_index == i
        np.testing.assert_array_equal(visit_features([objects[i]], visits([objects[i]]))[1], together[of_object])
    some = rng.permutation(len(found))[:500]
    np.testing.assert_array_equal(visit_features(objects, found.select(some))[1], together[some])
    early = visit_features(objects, found, ("early",))
    np.testing.assert_array_equal(early[1], together[:, [name in early[0] for name in names]])


def reference(lc: LightCurve) -> list[dict[str, float]]:
    """Return the two sets at each visit, written to be read."""
    points = list(zip(lc.time, lc.upper_limit, lc.flux, lc.flux_err, strict=True))
    first = next((time for time, limit, *_ in points if not limit), None)
    nights: list[list[tuple[float, bool, float, float]]] = []
    for point in points:
        if not nights or point[0] - nights[-1][-1][0] > 0.5:
            nights.append([])
        nights[-1].append(point)
    rows = []
    for k, night in enumerate(nights):
        if first is None or night[-1][0] < first:
            continue
        so_far = [point for n in nights[: k + 1] for point in n]
        entry = [point for n in nights for point in n if n[0][0] <= first]
        row = {
            "dayN": max(round(night[0][0] - first), 0),
            "DET_mag_median": median(magnitudes(night)),
            "DET_N_total": count(so_far, False) if count(night, False) else np.nan,
            "NON_mag_median": median(limits(night, first)),
            "NON_N_total": len(limits(so_far, first)) if limits(night, first) else np.nan,
            "max_mag": min((median(magnitudes(n)) for n in nights[: k + 1] if magnitudes(n)), default=np.nan),
            "DET_Nsince_min5d": count(entry, False),
            "NON_Nsince_min5d": len(limits(entry, first)),
            "DET_mag_median_min5d": median(magnitudes(entry)),
            "magdet_std": deviation(magnitudes(entry)),
            "Nnondet_mean": np.mean(runs_of_limits(entry)) if runs_of_limits(entry) else np.nan,
            "Nnondet_std": deviation(runs_of_limits(entry)),
        }
        rows.append(row)
    return rows


def count(points, limit: bool) -> int:
    return sum(point[1] == limit for point in points)


def magnitudes(points) -> list[float]:
    return [float(magnitude_from_flux(flux, 1.0)[0]) for _, limit, flux, _ in points if not limit and flux > 0]


def limits(points, first: float) -> list[float]:
    return [
        float(magnitude_from_flux(5.0 * error, 1.0)[0])
        for time, limit, _, error in points
        if limit and time - first >= -5.0
    ]


def runs_of_limits(points) -> list[int]:
    runs, run = [], None
    for _, limit, *_ in points:
        if limit:
            run = None if run is None else run + 1
        else:
            runs += [] if run is None else [run]
            run = 0
    return runs


def median(values: list[float]) -> float:
    return statistics.median(values) if values else np.nan


def deviation(values) -> float:
    return statistics.stdev(values) if len(values) > 1 else np.nan


@given(LIGHT_CURVES)
def test_fast_columns_agree_with_those_written_to_be_read(lc: LightCurve) -> None:
    expected, found = reference(lc), at(lc, "day1", "dayN")
    assert len(found) == len(expected)
    for row, slow in zip(found, expected, strict=True):
        np.testing.assert_allclose([row[name] for name in slow], list(slow.values()), rtol=1e-9, atol=1e-9)


def atlas_rows(path: Path) -> list[dict[str, float]]:
    with path.open(newline="") as file:
        return [
            {name: float(value or "nan") for name, value in row.items() if name not in ("ATLAS_ID", "CV")}
            | {"object": row["ATLAS_ID"]}  # type: ignore[dict-item]
            for row in csv.DictReader(file)
        ]


def test_tables_of_atlas_have_these_columns_in_this_order(shared_data: Path) -> None:
    for day, sets in (("1", ("day1",)), ("N", ("dayN", "day1"))):
        with (shared_data / "vra_features" / f"X_train_day{day}.csv").open() as file:
            columns = next(csv.reader(file))
        assert tuple(columns[1:]) == sum((FEATURE_SETS[name].names for name in sets), ())


def test_rows_of_atlas_mean_what_we_say_they_mean(shared_data: Path) -> None:
    folder = shared_data / "vra_features"
    entry = {row["object"]: row for row in atlas_rows(folder / "X_train_day1.csv")}
    later = defaultdict(list)
    for row in atlas_rows(folder / "X_train_dayN.csv"):
        later[row["object"]].append(row)
    for name, rows in later.items():
        rows.sort(key=lambda row: row["dayN"])
        for row in rows:
            frozen = [(row[column], entry[name][column]) for column in FEATURE_SETS["day1"].names if column != "CV"]
            np.testing.assert_array_equal(*zip(*frozen, strict=True))
            assert np.isnan(row["DET_mag_median"]) == np.isnan(row["DET_N_total"])
            assert np.isnan(row["NON_mag_median"]) == np.isnan(row["NON_N_total"])
            assert not row["max_mag"] > row["DET_mag_median"]
            assert row["max_mag_day"] <= row["dayN"]
            assert (row["max_mag_day"] < row["dayN"]) or row["max_mag"] == row["DET_mag_median"]
        for total in ("DET_N_total", "NON_N_total"):
            counts = [row[total] for row in rows if np.isfinite(row[total])]
            assert counts == sorted(counts)
        brightest = [row["max_mag"] for row in rows]
        assert brightest == sorted(brightest, reverse=True)
