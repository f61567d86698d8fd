"""Features of the place: latitudes against astropy, and what catalogues and history say."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampel_followup.features import FEATURE_SETS
from ampel_followup.features.context import ecliptic_latitude, galactic_latitude
from ampel_followup.lightcurve import LightCurve

CONTEXT = FEATURE_SETS["context"]


def context(meta: dict[str, float], **changes: Any) -> dict[str, float]:
    values: dict[str, Any] = {
        "time": np.array([58349.0, 58350.0, 58351.0]),
        "band": np.array(["ztfg"] * 3),
        "flux": np.array([100.0, 100.0, -50.0]),
        "flux_err": np.ones(3),
        "upper_limit": np.array([False, False, False]),
        "ra": 150.0,
        "dec": 2.0,
    }
    lc = LightCurve(id="x", stock=0, meta=meta, **(values | changes))
    return dict(zip(CONTEXT.names, CONTEXT.compute([lc])[0].tolist(), strict=True))


@given(st.lists(st.tuples(st.floats(0.0, 360.0), st.floats(-90.0, 90.0)), min_size=1, max_size=20))
def test_latitudes_agree_with_astropy(positions: list[tuple[float, float]]) -> None:
    from astropy import units as u
    from astropy.coordinates import BarycentricMeanEcliptic, SkyCoord

    ra, dec = np.array(positions).T
    coordinates = SkyCoord(ra * u.deg, dec * u.deg)
    np.testing.assert_allclose(galactic_latitude(ra, dec), coordinates.galactic.b.deg, atol=0.1 / 3600)
    # astropy's J2000 ecliptic hangs on its precession model; 0.1 arcsec is far below what a feature needs
    ecliptic = coordinates.transform_to(BarycentricMeanEcliptic(equinox="J2000"))
    np.testing.assert_allclose(ecliptic_latitude(ra, dec), ecliptic.lat.deg, atol=0.1 / 3600)


def test_poles_are_exact() -> None:
    assert galactic_latitude(192.85948, 27.12825) == pytest.approx(90.0, abs=1e-6)
    assert galactic_latitude(12.85948, -27.12825) == pytest.approx(-90.0, abs=1e-6)
    assert ecliptic_latitude(0.0, 0.0) == 0.0


def test_history_is_counted_from_the_first_detection_of_the_survey() -> None:
    found = context({"ndethist": 12.0, "ncovhist": 48.0, "jdstarthist": 2458000.5, "magnr": 18.0})
    assert found["history_ratio"] == 0.25
    assert found["history_length"] == 58351.0 - 58000.0
    assert found["mag_above_reference"] == pytest.approx(18.9 - 18.0)


def test_what_is_not_known_is_nan() -> None:
    found = context({"sgscore1": math.nan})
    known = {"galactic_latitude", "abs_galactic_latitude", "ecliptic_latitude"}
    assert {name for name, value in found.items() if not math.isnan(value)} == known


def test_place_without_exposures_has_no_ratio() -> None:
    assert math.isnan(context({"ndethist": 1.0, "ncovhist": 0.0})["history_ratio"])


def test_catalogue_values_are_passed_on() -> None:
    meta = {"sgscore1": 0.9, "distpsnr1": 0.3, "srmag1": 17.0, "distnr": 0.2, "neargaia": 0.1, "maggaia": 16.5}
    found = context(meta | {"ssdistnr": 4.0})
    assert {name: found[name] for name in meta} == meta
    assert found["ssdistnr"] == 4.0
