"""Packed light curves and the verdicts that hold, without a database."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.alerts.spool import light_curves
from ampel_followup.decision import STATES, Decision, Verdict, effective_verdicts
from ampel_followup.lightcurve import LightCurve
from ampel_followup.store.records import pack_points, unpack_points

real = st.floats(-1e300, 1e300)
point = st.tuples(
    real, st.sampled_from(["ztfg", "ztfr", "lssty", "ünïcode"]), real, st.floats(1e-300, 1e300), st.booleans(),
    st.integers(-(2**63), 2**63 - 1), st.floats(),
)  # fmt: skip


@given(st.lists(point, max_size=8))
def test_every_bit_of_a_light_curve_survives_packing(
    points: list[tuple[float, str, float, float, bool, int, float]],
) -> None:
    time, band, flux, flux_err, upper_limit, source_id, rb = zip(*points, strict=True) if points else [()] * 7
    light_curve = LightCurve(
        id="ZTF18abc", stock=1, ra=1.0, dec=2.0,
        time=np.array(time, np.float64), band=np.array(band, np.str_), flux=np.array(flux, np.float64),
        flux_err=np.array(flux_err, np.float64), upper_limit=np.array(upper_limit, np.bool_),
        source_id=np.array(source_id, np.int64), rb=np.array(rb, np.float64),
    )  # fmt: skip
    columns = unpack_points(pack_points(light_curve))
    for name, dtype in (("time", "f8"), ("flux", "f8"), ("flux_err", "f8"), ("rb", "f8"), ("source_id", "i8")):
        stored = np.array(columns[name], dtype)
        np.testing.assert_array_equal(stored, getattr(light_curve, name), err_msg=name)
        np.testing.assert_array_equal(np.signbit(stored), np.signbit(getattr(light_curve, name)), err_msg=name)
    assert columns["band"] == tuple(light_curve.band.tolist())
    assert columns["upper_limit"] == tuple(light_curve.upper_limit.tolist())


def test_real_light_curves_survive_packing_in_half_their_size(shared_data: Path) -> None:
    archive = shared_data / "ztf_alerts" / "ztf_public_20180819_mod1000.tar.gz"
    unpacked = packed = 0
    for light_curve in light_curves([archive], quarantine=Quarantine()):
        points = pack_points(light_curve)
        columns = unpack_points(points)
        for name in ("time", "flux", "flux_err", "point_ra", "point_dec", "rb", "drb", "source_id"):
            np.testing.assert_array_equal(columns[name], getattr(light_curve, name), err_msg=name)
        assert columns["band"] == tuple(light_curve.band.tolist())
        unpacked += len(zlib.decompress(points))
        packed += len(points)
    assert unpacked > 0
    assert packed < 0.6 * unpacked


@given(st.binary(max_size=200))
def test_bytes_that_are_no_light_curve_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="points"):
        unpack_points(data)
    with pytest.raises(ValueError, match="points"):
        unpack_points(zlib.compress(b"\x02" + data))


def reference_verdicts(decisions: list[Decision]) -> dict[str, Decision]:
    """Look back from the end, target by target, skipping what is no state or was taken back."""
    found: dict[str, Decision] = {}
    for target in {d.target for d in decisions}:
        for decision in reversed(decisions):
            taken_back = any(d.verdict == "undo" and d.undoes == decision.id for d in decisions)
            if decision.target == target and decision.verdict not in ("comment", "undo") and not taken_back:
                found[target] = decision
                break
    return found


entry = st.tuples(st.sampled_from("ABC"), st.sampled_from(sorted(set(Verdict) - {Verdict.UNDO})), st.booleans())


@given(st.lists(entry, max_size=12), st.data())
def test_the_latest_state_that_was_not_undone_holds(entries: list[tuple[str, str, bool]], data: st.DataObject) -> None:
    record: list[Decision] = []
    undone: set[int] = set()
    for number, (target, verdict, undo) in enumerate(entries, 1):
        standing = [d.id for d in record if d.target == target and d.verdict != "undo" and d.id not in undone]
        undoes = data.draw(st.sampled_from(standing)) if undo and standing else None
        if undoes is not None:
            undone.add(undoes)
            verdict = "undo"
        record.append(Decision(target, "2018-08-20", "sso", verdict, "Vera", "", undoes=undoes, id=number))
    verdicts = effective_verdicts(iter(record))
    assert verdicts == reference_verdicts(record)
    assert all(decision.verdict in STATES for decision in verdicts.values())
