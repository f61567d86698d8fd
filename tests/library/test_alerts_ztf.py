"""From ZTF candidates to a light curve: signs, limits, repeats, context, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampel_followup.alerts.ztf import CONTEXT_FIELDS, light_curve_from_candidates, ztf_stock
from ampel_followup.errors import AlertError, LightCurveError
from ampel_followup.lightcurve import LightCurve

NAME = "ZTF18abmjhtn"


def detection(jd: float = 2458349.7, fid: int = 1, **changes: Any) -> dict[str, Any]:
    values = {"candid": 10, "magpsf": 18.9, "sigmapsf": 0.1, "isdiffpos": "t", "ra": 150.0, "dec": 20.0, "rb": 0.8}
    return {"jd": jd, "fid": fid, "diffmaglim": 20.5} | values | changes


def limit(jd: float = 2458340.7, fid: int = 1, **changes: Any) -> dict[str, Any]:
    return {"jd": jd, "fid": fid, "candid": None, "magpsf": None, "diffmaglim": 20.4} | changes


def light_curve(*candidates: Mapping[str, Any]) -> LightCurve:
    return light_curve_from_candidates(NAME, 1, candidates)


def assert_same(one: LightCurve, other: LightCurve) -> None:
    for name in LightCurve.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@pytest.mark.parametrize("positive", ["t", "1", 1, True, "T", 1.0])
@pytest.mark.parametrize("negative", ["f", "0", 0, False, "F", 0.0])
def test_every_spelling_of_isdiffpos_gives_the_sign_of_the_flux(positive: object, negative: object) -> None:
    result = light_curve(detection(isdiffpos=positive), detection(2458350.7, candid=11, isdiffpos=negative))
    np.testing.assert_allclose(result.flux, [100.0, -100.0])
    np.testing.assert_allclose(result.flux_err, 100.0 * 0.1 * math.log(10) / 2.5)


def test_upper_limit_has_no_flux_and_a_fifth_of_the_limit_as_error() -> None:
    result = light_curve(limit(), detection())
    assert result.upper_limit.tolist() == [True, False]
    assert result.flux[0] == 0
    assert result.flux_err[0] == pytest.approx(10 ** (0.4 * (23.9 - 20.4)) / 5)
    assert result.source_id.tolist() == [0, 10]
    assert result.limiting_magnitude[0] == pytest.approx(20.4)


def test_limit_repeated_by_several_packets_counts_once_and_the_least_deep_is_kept() -> None:
    result = light_curve(limit(), limit(), limit(diffmaglim=20.1), detection())
    assert result.limiting_magnitude[result.upper_limit] == pytest.approx([20.1])


def test_limits_of_different_bands_at_one_time_both_count() -> None:
    assert light_curve(limit(fid=1), limit(fid=2), detection()).upper_limit.sum() == 2


def test_detection_wins_over_limit_of_the_same_exposure() -> None:
    result = light_curve(detection(), limit(2458349.7))
    assert result.upper_limit.tolist() == [False]


def test_detection_issued_again_counts_once_with_the_largest_candid() -> None:
    result = light_curve(detection(candid=11, magpsf=18.0), detection(candid=12), detection(candid=10, magpsf=17.0))
    assert result.source_id.tolist() == [12]
    np.testing.assert_allclose(result.flux, 100.0)


def test_unusable_repeat_does_not_displace_a_good_detection() -> None:
    assert light_curve(detection(candid=11, magpsf=None), detection(candid=10)).source_id.tolist() == [10]


def test_candidate_repeated_as_history_keeps_its_deep_learning_score() -> None:
    for order in ((0, 1), (1, 0)):
        versions = detection(drb=0.97), detection()
        assert light_curve(*(versions[i] for i in order)).drb.tolist() == [0.97]


def test_candid_rounded_by_a_table_gives_way_to_the_exact_one() -> None:
    exact = 1391345455815015019
    for rounded in (float(exact), math.nextafter(float(exact), math.inf)):
        assert light_curve(detection(candid=rounded), detection(candid=exact)).source_id.tolist() == [exact]


@pytest.mark.parametrize("unknown", [None, math.nan, -999.0, "absent"])
@pytest.mark.parametrize("field", ["magpsf", "sigmapsf", "jd"])
def test_point_without_a_needed_value_is_dropped_and_counted(field: str, unknown: object) -> None:
    bad = detection(2458351.7, candid=11) | {field: unknown}
    if unknown == "absent":
        del bad[field]
    result = light_curve(detection(), bad)
    assert result.source_id.tolist() == [10]
    assert result.dropped == 1


@pytest.mark.parametrize("unknown", [None, math.nan, -999.0])
def test_unknown_scores_and_context_are_nan_or_absent(unknown: object) -> None:
    context = dict.fromkeys(CONTEXT_FIELDS, unknown)
    result = light_curve(detection(rb=unknown, drb=unknown, **context))
    assert np.isnan(result.rb).all() and np.isnan(result.drb).all()
    assert dict(result.meta) == {}


def test_each_context_value_comes_from_the_latest_detection_that_carries_it() -> None:
    result = light_curve(
        detection(2458352.7, candid=13, magnr=19.3),
        detection(2458351.7, candid=12, magnr=19.2, sgscore1=0.2, ndethist=7),
        detection(2458350.7, candid=11, magnr=19.1, sgscore1=0.1, srmag1=18.0),
    )
    assert dict(result.meta) == {"magnr": 19.3, "sgscore1": 0.2, "ndethist": 7.0, "srmag1": 18.0}


def test_limit_without_meaningful_depth_is_left_out() -> None:
    assert len(light_curve(limit(diffmaglim=-3.0), limit(2458341.7, diffmaglim=None), detection())) == 1


def test_position_is_the_mean_of_the_detections_across_zero_hours() -> None:
    result = light_curve(detection(ra=359.9999), detection(2458350.7, candid=11, ra=0.0003), limit())
    assert result.ra == pytest.approx(0.0001, abs=1e-9)
    assert result.dec == pytest.approx(20.0, abs=1e-6)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"magpsf": "bright"}, "magpsf = 'bright' is not a number"),
        ({"magpsf": "18.2"}, "magpsf = '18.2' is not a number"),
        ({"rb": [0.5]}, "rb = [0.5] is not a number"),
        ({"fid": 7}, "fid = 7 is not a filter"),
        ({"fid": [1]}, "fid = [1] is not a number"),
        ({"fid": None}, "fid = None is not a filter"),
        ({"isdiffpos": "maybe"}, "isdiffpos = 'maybe'"),
        ({"isdiffpos": None}, "isdiffpos = None"),
        ({"candid": "abc"}, "candid = 'abc' is not a number"),
        ({"candid": 2**70}, "candid"),
        ({"jd": 58349.2}, "jd = 58349.2 is not a Julian Date"),
        ({"dec": 95.0}, "is not on the sky"),
        ({"ndethist": {}}, "ndethist = {} is not a number"),
    ],
)
def test_value_of_the_wrong_kind_is_refused_with_object_and_field(change: dict[str, Any], told: str) -> None:
    with pytest.raises(AlertError) as caught:
        light_curve(detection(), detection() | change)
    message = str(caught.value)
    assert message.startswith(f"{NAME}: ") and told in message and "\n" not in message


def test_candidate_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(AlertError, match=NAME):
        light_curve(detection(), None)  # type: ignore[arg-type]


@pytest.mark.parametrize("candidates", [[], [limit()], [detection(magpsf=math.nan)], [detection(sigmapsf=0.0)]])
def test_object_without_a_usable_detection_is_refused(candidates: list[dict[str, Any]]) -> None:
    with pytest.raises(LightCurveError, match=f"{NAME}: no usable detection"):
        light_curve(*candidates)


def test_detections_without_any_position_are_refused() -> None:
    with pytest.raises(LightCurveError, match="position"):
        light_curve(detection(ra=None, dec=None))


def test_nonsensical_magnitude_is_dropped_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    result = light_curve(detection(), detection(2458350.7, candid=11, magpsf=-899.0, sigmapsf=1e300))
    assert result.source_id.tolist() == [10]
    assert not recwarn.list


def merged_slowly(candidates: list[dict[str, Any]]) -> dict[tuple[float, int], tuple[int, float, float | None]]:
    """One (candid, depth, drb) per exposure, by the rules as they are written down."""
    best: dict[tuple[float, int], tuple[int, float, float | None]] = {}
    for new in candidates:
        key = new["jd"], new["fid"]
        entry = (new["candid"] or 0, new["magpsf"] or new["diffmaglim"], new.get("drb"))
        old = best.get(key)
        better_repeat = old and entry[0] == old[0] and (entry[1] < old[1] if entry[0] == 0 else old[2] is None)
        if old is None or entry[0] > old[0] or better_repeat:
            best[key] = entry
    return best


EXPOSURES = st.tuples(st.integers(0, 4), st.sampled_from([1, 2, 3]))
POINTS = st.one_of(
    st.builds(lambda e, m: limit(2458340.5 + e[0], e[1], diffmaglim=m), EXPOSURES, st.sampled_from([19.5, 20.0, 20.5])),
    st.builds(
        # A candid belongs to one measurement: repeats differ only in what they have lost.
        lambda e, c, drb: detection(
            2458340.5 + e[0], e[1], candid=1000 * e[0] + 100 * e[1] + c, magpsf=17.0 + c, drb=0.9 if drb else None
        ),
        EXPOSURES,
        st.integers(1, 3),
        st.booleans(),
    ),
)


@given(st.lists(POINTS, max_size=25), st.randoms(use_true_random=False))
def test_merging_agrees_with_the_rules_in_any_order(candidates: list[dict[str, Any]], random: Any) -> None:
    candidates = [detection(), *candidates]
    result = light_curve(*candidates)
    expected = merged_slowly(candidates)
    assert len(result) == len(expected)
    fid = {"ztfg": 1, "ztfr": 2, "ztfi": 3}
    for i in range(len(result)):
        candid, depth, drb = expected[result.time[i] + 2400000.5, fid[result.band[i]]]
        assert result.source_id[i] == candid
        assert (result.magnitude[0] if candid else result.limiting_magnitude)[i] == pytest.approx(depth)
        assert result.drb[i] == drb if drb is not None else np.isnan(result.drb[i])
    shuffled = candidates * 2
    random.shuffle(shuffled)
    assert_same(result, light_curve(*shuffled))


@pytest.mark.parametrize(
    ("name", "stock"), [("ZTF17aaaaaaa", 0), ("ZTF18aaaaaaa", 1), ("ZTF17aaaaaab", 16), ("ZTF32zzzzzzz", 128508962815)]
)
def test_stock_number_of_known_names(name: str, stock: int) -> None:
    assert ztf_stock(name) == stock


@pytest.mark.parametrize("name", ["", "SN2018abc", "ZTF18abc", "ZTF16aaaaaab", "ZTF18aaaaaab ", "LSST-P-DO-0001"])
def test_name_of_another_survey_has_no_stock_number(name: str) -> None:
    assert ztf_stock(name) == 0


@given(st.integers(17, 32), st.text("abcdefghijklmnopqrstuvwxyz", min_size=7, max_size=7))
def test_stock_number_is_that_of_ampel(year: int, letters: str) -> None:
    mapper = pytest.importorskip("ampel.ztf.util.ZTFIdMapper")
    name = f"ZTF{year}{letters}"
    assert ztf_stock(name) == mapper.to_ampel_id(name)


def test_ampel_data_points_give_the_light_curve_of_the_packet() -> None:
    shaper = pytest.importorskip("ampel.ztf.ingest.ZiDataPointShaper").ZiDataPointShaperBase()
    extra = {"programid": 1, "rcid": 3, "pid": 5}
    candidates = [
        detection(candid=595147624915010001, drb=0.9, sgscore1=0.1, **extra),
        detection(2458348.7, 2, candid=594147624915010001, isdiffpos="f", **extra),
        limit(**extra),
    ]
    expected = light_curve(*candidates)
    points = shaper.process([dict(candidate) for candidate in candidates], 1)
    assert sorted(np.sign([point["id"] for point in points])) == [-1, 1, 1]
    assert_same(expected, light_curve(*({"id": point["id"], **point["body"]} for point in points)))
