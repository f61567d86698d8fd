"""The table of observatories, and what a person may type to name one."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampel_followup.errors import SiteError
from ampel_followup.observing import get_site, load_sites

#: Our key to the key of the same mountain in the Astropy registry. Its `haleakala` lies 9 km off the summit, so the
#: solar telescope there stands in.
REGISTRY = {
    "apo": "apo",
    "asiago": "ekar",
    "calar": "CAHA",
    "cerropachon": "gemini_south",
    "ctio": "ctio",
    "dao": "dao",
    "haleakala": "dkist",
    "hanle": "iao",
    "kavalur": "vbo",
    "kitt": "kpno",
    "lapalma": "lapalma",
    "lascampanas": "lco",
    "lasilla": "lasilla",
    "lick": "lick",
    "lowell": "dct",
    "maunakea": "keck",
    "mcdonald": "mcdonald",
    "mdm": "mdm",
    "mtgraham": "lbt",
    "mthopkins": "mmt",
    "mtjohn": "Otehiwai Observatory",
    "ohp": "ohp",
    "okayama": "OAO",
    "palomar": "Palomar",
    "paranal": "paranal",
    "saao": "salt",
    "spm": "spm",
    "sso": "sso",
    "teide": "teide",
    "tno": "TNO",
    "tug": "tug",
    "wendelstein": "Wendelstein",
    "wise": "wise",
    "xinglong": "BAO",
}


def test_every_site_has_a_place_a_time_zone_and_a_spectrograph() -> None:
    sites = load_sites()
    assert len(sites) >= 40
    assert [site.key for site in sites] == sorted({site.key for site in sites})
    for site in sites:
        assert -90 <= site.latitude <= 90
        assert -180 < site.longitude <= 180
        assert 0 <= site.height <= 5000
        assert site.spectrographs
        assert all(entry.count("/") == 1 for entry in site.spectrographs)
        assert site.source
        # Civil time keeps within 3.5 h of the Sun everywhere that people observe.
        offset = ZoneInfo(site.timezone).utcoffset(dt.datetime(2026, 1, 15)) or dt.timedelta()
        assert abs(offset.total_seconds() / 3600 - site.longitude / 15) < 3.5, site.key


@pytest.mark.parametrize("key", sorted(REGISTRY))
def test_position_agrees_with_the_astropy_registry(key: str, shared_data: Path) -> None:
    registry = json.loads((shared_data / "sites" / "astropy_sites.json").read_text())["sites"]
    site, other = get_site(key), registry[REGISTRY[key]]
    assert site.latitude == pytest.approx(other["lat_deg"], abs=0.03)
    assert (site.longitude - other["lon_deg"] + 180) % 360 - 180 == pytest.approx(0, abs=0.03)
    assert site.height == pytest.approx(other["height_m"], abs=300)
    # In January, because the registry gives Arizona the summer time that it does not keep.
    january = dt.datetime(2026, 1, 15)
    assert ZoneInfo(site.timezone).utcoffset(january) == ZoneInfo(other["timezone"]).utcoffset(january)


@pytest.mark.parametrize("nickname", ["P48", "P60", "P200", "NOT", "LT", "Keck1", "Keck2", "SOAR", "GS", "MMT", "SSO"])
def test_telescope_nickname_finds_the_mountain_it_stands_on(nickname: str, shared_data: Path) -> None:
    text = (shared_data / "sites" / "skyportal_instruments.json").read_text()
    telescope = next(t for t in json.loads(text)["telescopes"] if t["key"] == nickname)
    site = get_site(nickname)
    assert site.latitude == pytest.approx(telescope["lat_deg"], abs=0.03)
    assert site.longitude == pytest.approx(telescope["lon_deg"], abs=0.03)


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("palomar", "palomar"),
        ("  Palomar ", "palomar"),
        ("P60", "palomar"),
        ("SEDM", "palomar"),
        ("ntt", "lasilla"),
        ("La Silla", "lasilla"),
        ("ANU 2.3m", "sso"),
        ("siding", "sso"),
        ("gemini-north", "maunakea"),
        ("Gemini_South", "cerropachon"),
        ("VLT/X-shooter", "paranal"),
        ("tno", "tno"),
    ],
)
def test_what_a_person_types_finds_the_site(typed: str, key: str) -> None:
    assert get_site(typed).key == key


def test_every_key_and_full_name_finds_its_own_site() -> None:
    for site in load_sites():
        assert get_site(site.key) is site
        assert get_site(site.name.upper()) is site


def test_misspelt_site_is_answered_with_the_nearest_names() -> None:
    with pytest.raises(
        SiteError, match="unknown site 'palomr'; did you mean 'palomar'\\? `ampel-followup sites` lists"
    ):
        get_site("palomr")


def test_name_of_two_observatories_is_answered_with_a_question() -> None:
    with pytest.raises(SiteError, match=r"'LCO' is ambiguous; say 'haleakala' .* or 'lascampanas' .* or 'sso'"):
        get_site("LCO")


@pytest.mark.parametrize("typed", ["", "  ", "?", "91,0", "0,361", "10,20,99999", "1.2.3,4", "nowhere at all"])
def test_what_is_no_site_is_refused_in_one_line(typed: str) -> None:
    with pytest.raises(SiteError) as error:
        get_site(typed)
    assert repr(typed) in str(error.value)
    assert "\n" not in str(error.value)


def test_coordinates_stand_for_a_site_that_is_not_in_the_table() -> None:
    site = get_site(" -33.5, 250.25 ,1200")
    assert (site.latitude, site.longitude, site.height) == (-33.5, -109.75, 1200.0)
    assert site.timezone == "Etc/GMT+7"
    assert site.name == "33.5° S 109.8° W"
    assert get_site(site.key) == site


@given(st.floats(-90, 90), st.floats(-180, 360), st.floats(-500, 9000))
def test_any_coordinates_on_earth_have_a_longitude_and_a_time_zone(lat: float, lon: float, height: float) -> None:
    site = get_site(f"{lat:.6f},{lon:.6f},{height:.1f}")
    assert -180 < site.longitude <= 180
    offset = ZoneInfo(site.timezone).utcoffset(dt.datetime(2026, 1, 1)) or dt.timedelta()
    assert abs(offset.total_seconds() / 3600 - site.longitude / 15) <= 0.5001


def test_listing_sites_loads_no_numerical_library() -> None:
    code = (
        "import sys; from ampel_followup.observing import load_sites; load_sites();"
        "sys.exit(' '.join({'numpy', 'erfa', 'astropy'} & set(sys.modules)) or 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
