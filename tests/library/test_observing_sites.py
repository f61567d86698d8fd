"""The table of observatories, and what a person may type to name one."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampel_followup.errors import SiteError
from ampel_followup.observing import get_site, load_sites
from ampel_followup.observing.sites import describe_settings

#: Our key to the key of the same mountain in the Astropy registry. Its `haleakala` lies 9 km off the summit, so the
#: solar telescope there stands in.
REGISTRY = {
    "andersonmesa": "lowell",
    "apo": "apo",
    "armazones": "oca",
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
    "megantic": "omm",
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
    "winer": "winer",
    "wise": "wise",
    "xinglong": "BAO",
}


def test_every_site_has_a_place_a_time_zone_and_a_spectrograph() -> None:
    sites = load_sites()
    assert len(sites) >= 60
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


BACKYARD = """\
backyard:
  name: My Backyard Observatory
  latitude: 48.1486
  longitude: 197.1077
  height: 180
  timezone: Europe/Bratislava
  spectrographs: [C14/Alpy]
"""


@pytest.fixture
def users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Give the user a table of sites."""

    def write(text: str) -> Path:
        path = tmp_path / "mine.yml"
        path.write_text(text, encoding="utf-8")
        monkeypatch.setenv("AMPEL_FOLLOWUP_SITES", str(path))
        return path

    return write


def test_site_of_the_users_is_found_beside_ours(users: Callable[[str], Path]) -> None:
    n_packaged = len(load_sites())
    users(BACKYARD)
    assert get_site("alpy").name == "My Backyard Observatory"
    assert get_site("backyard").longitude == pytest.approx(-162.8923)
    assert len(load_sites()) == n_packaged + 1
    assert get_site("SEDM").key == "palomar"


def test_site_of_the_users_replaces_ours_with_the_same_key(users: Callable[[str], Path]) -> None:
    n_packaged = len(load_sites())
    users(BACKYARD.replace("backyard:", "palomar:"))
    assert get_site("palomar").name == "My Backyard Observatory"
    assert len(load_sites()) == n_packaged


def test_empty_table_of_the_users_changes_nothing(users: Callable[[str], Path]) -> None:
    packaged = load_sites()
    users("# nothing yet\n")
    assert load_sites() == packaged


def test_sites_are_read_from_the_configuration_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AMPEL_FOLLOWUP_SITES", raising=False)
    monkeypatch.setattr("platformdirs.user_config_path", lambda *_, **__: tmp_path)
    assert not any(site.key == "backyard" for site in load_sites())
    (tmp_path / "sites.yml").write_text(BACKYARD, encoding="utf-8")
    assert get_site("backyard").height == 180


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (BACKYARD.replace("48.1486", "98.1"), "backyard: latitude = 98.1 is out of bounds; give -90 to 90"),
        (
            BACKYARD.replace("48.1486", "yes"),
            "backyard: latitude = True makes no sense: input should be a valid number",
        ),
        (BACKYARD.replace("latitude", "latitud"), "backyard: latitude is missing; add it (and 1 more)"),
        (BACKYARD + "  heigth: 1\n", "backyard: heigth is unknown; did you mean height?"),
        (BACKYARD + "  key: other\n", "backyard: unknown field key; the key is what stands above the fields"),
        (BACKYARD.replace("Europe/Bratislava", "Mars"), "backyard: timezone: 'Mars' is no IANA time zone"),
        (BACKYARD.replace("C14/Alpy", "Alpy"), "backyard: spectrographs: 'Alpy' is not `telescope/instrument`"),
        (BACKYARD + BACKYARD, ", line 8: backyard is there twice; keep the one that is meant"),
        (BACKYARD + "  height: 2\n", ", line 8: height is there twice; keep the one that is meant"),
        (BACKYARD.replace("backyard:", "Back Yard:"), "'Back Yard' is no key; use lower-case letters"),
        ("backyard: 3\n", "backyard is 3; write its fields below it"),
        ("- 1\n", " holds no entries; write a key"),
        ("a: [\n", ", line 2: "),
        (
            "a: &loop\n  name: *loop\n",
            "a: Circular reference detected; write names, with numbers, words and lists of them",
        ),
    ],
)
def test_mistake_in_the_users_sites_is_named_with_file_key_and_field(
    wrong: str, says: str, users: Callable[[str], Path]
) -> None:
    path = users(wrong)
    with pytest.raises(SiteError) as error:
        load_sites()
    assert str(error.value).startswith(str(path))
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_environment_that_names_no_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMPEL_FOLLOWUP_SITES", str(tmp_path / "gone.yml"))
    with pytest.raises(
        SiteError, match=r"AMPEL_FOLLOWUP_SITES names .*gone\.yml, which is no file; correct or unset it"
    ):
        load_sites()


def test_manual_describes_every_field_of_a_site() -> None:
    assert describe_settings() in (Path(__file__).parents[2] / "docs" / "observing.md").read_text(encoding="utf-8")


def test_listing_sites_loads_no_numerical_library() -> None:
    code = (
        "import sys; from ampel_followup.observing import load_sites; load_sites();"
        "sys.exit(' '.join({'numpy', 'erfa', 'astropy'} & set(sys.modules)) or 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
