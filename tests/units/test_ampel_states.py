"""The light curve of a state is made once for the units that ask for it in turn, and never of old points."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ampel_followup.alerts.ampel_states import LastState
from ampel_followup.alerts.ztf import ztf_stock
from ampel_followup.errors import LightCurveError

STOCK = ztf_stock("ZTF20abyfpze")


def points() -> list[dict[str, Any]]:
    position = {"ra": 10.0, "dec": 5.0, "isdiffpos": "t", "fid": 1, "sigmapsf": 0.1}
    return [
        {"id": 11, "tag": ["ZTF"], "body": {"jd": 2459000.5, "magpsf": 19.0, **position}},
        {"id": 12, "tag": ["ZTF"], "body": {"jd": 2459003.5, "magpsf": 18.5, **position}},
    ]


def test_the_same_points_read_again_make_no_new_light_curve() -> None:
    states = LastState()
    assert states.light_curve(STOCK, points()) is states.light_curve(STOCK, points())


def test_points_that_were_changed_in_place_make_a_new_light_curve() -> None:
    states = LastState()
    given = points()
    before = states.light_curve(STOCK, given)
    given[1]["body"]["magpsf"] = 17.0
    after = states.light_curve(STOCK, given)
    assert after.flux[1] > before.flux[1]


def test_another_stock_or_another_id_is_another_state() -> None:
    states = LastState()
    first = states.light_curve(STOCK, points())
    assert states.light_curve(STOCK + 16, points()).id != first.id
    renumbered = copy.deepcopy(points())
    renumbered[0]["id"] = 13
    assert 13 in states.light_curve(STOCK, renumbered).source_id


def test_points_that_make_no_light_curve_are_refused_every_time() -> None:
    states = LastState()
    states.light_curve(STOCK, points())
    for _ in range(2):
        with pytest.raises(LightCurveError):
            states.light_curve(STOCK, [])
