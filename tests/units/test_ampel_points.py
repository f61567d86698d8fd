"""AMPEL's datapoints and names, as the library reads them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("ampel.core.AmpelDB", reason="the AMPEL stack is the extra 'ztf'")

from ampel.ztf.alert.ZiAlertSupplier import ZiAlertSupplier
from ampel.ztf.ingest.ZiDataPointShaper import ZiDataPointShaperBase
from ampel.ztf.util.ZTFIdMapper import ZTFIdMapper

from ampel.followup.t3.T3FollowupPlan import _evening
from ampel_followup.alerts.ampel_points import light_curve_from_datapoints, ztf_name
from ampel_followup.alerts.ztf import light_curve_from_candidates
from ampel_followup.errors import AlertError, LightCurveError
from ampel_followup.observing import Site


@given(st.integers(0, 15), st.text("abcdefghijklmnopqrstuvwxyz", min_size=7, max_size=7))
def test_stock_gets_the_name_that_ampel_made_it_from(year: int, letters: str) -> None:
    name = f"ZTF{year + 17}{letters}"
    assert ztf_name(ZTFIdMapper.to_ampel_id(name)) == name


@pytest.mark.parametrize("stock", [-1, 16 * 26**7, "LSST-1", None])
def test_stock_of_another_survey_is_refused_with_its_value(stock: object) -> None:
    with pytest.raises(AlertError, match=f"stock {stock!r} is not that of a ZTF object"):
        ztf_name(stock)


@pytest.fixture(scope="module")
def packet(shared_data: Path) -> dict[str, Any]:
    """A real packet with a long history of detections and limits."""
    with (shared_data / "ztf_alerts" / "single" / "ZTF20abyfpze.avro").open("rb") as file:
        return next(iter(fastavro.reader(file)))  # type: ignore[return-value]


def datapoints(packet: dict[str, Any]) -> tuple[int, list[dict[str, Any]]]:
    """Return the stock and the datapoints that AMPEL makes of a packet."""
    alert = ZiAlertSupplier.shape_alert_dict(packet)
    return alert.stock, ZiDataPointShaperBase().process(alert.datapoints, alert.stock)  # type: ignore[arg-type,return-value]


def test_datapoints_make_the_light_curve_of_the_packet(packet: dict[str, Any]) -> None:
    candidates = [dict(point) for point in (packet["candidate"], *packet["prv_candidates"])]
    stock, points = datapoints(packet)
    ours = light_curve_from_datapoints(stock, reversed(points))
    expected = light_curve_from_candidates(packet["objectId"], stock, candidates)
    assert expected.upper_limit.any()
    assert (ours.id, ours.stock, ours.ra, ours.dec) == (expected.id, expected.stock, expected.ra, expected.dec)
    assert dict(ours.meta) == dict(expected.meta)
    for column in (
        "time",
        "band",
        "flux",
        "flux_err",
        "upper_limit",
        "source_id",
        "rb",
        "drb",
        "point_ra",
        "point_dec",
    ):
        np.testing.assert_array_equal(getattr(ours, column), getattr(expected, column))


def test_damaged_datapoint_is_named(packet: dict[str, Any]) -> None:
    stock, points = datapoints(packet)
    with pytest.raises(AlertError, match=r"ZTF20abyfpze: datapoint None has no integer id or no body"):
        light_curve_from_datapoints(stock, [*points, {"body": {}}])


def test_state_of_limits_only_is_no_light_curve(packet: dict[str, Any]) -> None:
    stock, points = datapoints(packet)
    with pytest.raises(LightCurveError, match="ZTF20abyfpze: no usable detection"):
        light_curve_from_datapoints(stock, [point for point in points if point["id"] < 0])


@pytest.mark.parametrize(
    ("longitude", "timezone", "now", "evening"),
    [
        (-116.9, "America/Los_Angeles", "2026-11-20T19:00", "2026-11-19"),  # before noon: last night
        (-116.9, "America/Los_Angeles", "2026-11-20T20:30", "2026-11-20"),  # after noon: the night to come
        (-116.9, "America/Los_Angeles", "2026-11-21T10:00", "2026-11-20"),  # after midnight: the night under way
        (149.1, "Australia/Sydney", "2026-11-20T01:00", "2026-11-19"),
        (149.1, "Australia/Sydney", "2026-11-20T10:00", "2026-11-20"),
        (0.0, "Etc/UTC", "2026-11-20T12:00", "2026-11-20"),
    ],
)
def test_night_of_now_is_the_one_that_began_at_the_last_noon(
    longitude: float, timezone: str, now: str, evening: str
) -> None:
    site = Site("here", "Here", 0.0, longitude, 0.0, timezone)
    assert _evening(site, dt.datetime.fromisoformat(now).replace(tzinfo=dt.UTC)).isoformat() == evening
