"""The table of spectrographs, and the users' own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ampel_followup.errors import InstrumentError
from ampel_followup.observing import get_instrument, get_site, load_instruments
from ampel_followup.observing.instruments import Anchor, Figures, Instrument, describe_settings

#: What every plan for transients should be able to name: telescope, instrument, aperture [m].
EXPECTED = {
    "P60/SEDM": 1.5,
    "ANU 2.3m/WiFeS": 2.3,
    "LT/SPRAT": 2.0,
    "FTN/FLOYDS": 2.0,
    "FTS/FLOYDS": 2.0,
    "NTT/EFOSC2": 3.6,
    "NTT/SOXS": 3.6,
    "NOT/ALFOSC": 2.6,
    "P200/DBSP": 5.1,
    "P200/NGPS": 5.1,
    "Keck I/LRIS": 10.0,
    "Shane/Kast": 3.0,
    "Gemini North/GMOS-N": 8.1,
    "Gemini South/GMOS-S": 8.1,
    "VLT/X-shooter": 8.2,
    "VLT/FORS2": 8.2,
    "WHT/ISIS": 4.2,
    "WHT/WEAVE": 4.2,
    "Lesedi/Mookodi": 1.0,
}

MINE = """\
alpy:
  name: Alpy 600 in the backyard
  site: ondrejov
  telescope: C14
  instrument: Alpy
  aperture: {diameter: 0.36, obstruction: 0.1, mount: equatorial, slew_rate: 4, source: measured}
  spectrum: {blue: 3700, red: 7300, wavelength: 5500, resolution: 600, aperture: slit, width: 3, source: maker}
  detector: {dispersion: 4, pixel_scale: 0.8, read_noise: 2, source: maker}
  throughput: {efficiency: 0.2, source: measured}
  exposures: {snr: 20, shortest: 1, longest: 1200, total: 7200, source: practice, estimate: true}
  overheads: {acquisition: 120, readout: 2, source: practice, estimate: [acquisition]}
  limits: {min_altitude: 30, min_hour_angle: -5, max_hour_angle: 5, source: measured}
  magnitudes: {bright: 0, faint: 14, source: practice, estimate: true}
  conditions: {seeing: 3, extinction: 0.25, dark_sky: 19.5, source: measured}
"""


@pytest.fixture
def users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Give the user a table of instruments."""

    def write(text: str) -> Path:
        path = tmp_path / "mine.yml"
        path.write_text(text, encoding="utf-8")
        monkeypatch.setenv("AMPEL_FOLLOWUP_INSTRUMENTS", str(path))
        return path

    return write


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_spectrographs_that_classify_transients_are_there(name: str) -> None:
    instrument = get_instrument(name)
    assert f"{instrument.telescope}/{instrument.instrument}" == name
    assert instrument.aperture.diameter == pytest.approx(EXPECTED[name], abs=0.06)


@pytest.mark.parametrize("instrument", load_instruments(), ids=lambda i: i.key)
def test_site_of_an_instrument_lists_it(instrument: Instrument) -> None:
    assert f"{instrument.telescope}/{instrument.instrument}" in get_site(instrument.site).spectrographs


@pytest.mark.parametrize("instrument", load_instruments(), ids=lambda i: i.key)
def test_every_group_of_figures_names_its_source(instrument: Instrument) -> None:
    groups = [value for _, value in instrument if isinstance(value, Figures)] + list(instrument.anchors)
    assert len(groups) >= 9
    for group in groups:
        assert len(group.source) > 5
        # What is only practice is nobody's publication.
        assert group.estimate or "practice" not in group.source


@pytest.mark.parametrize("instrument", load_instruments(), ids=lambda i: i.key)
def test_limits_fit_the_mount(instrument: Instrument) -> None:
    limits = instrument.limits
    if instrument.aperture.mount == "altazimuth":
        assert 80.0 < limits.max_altitude < 90.0  # the zenith is out of reach
        assert (limits.min_hour_angle, limits.max_hour_angle) == (-12.0, 12.0)
    else:
        assert limits.max_altitude == 90.0
        assert -8.0 < limits.min_hour_angle < -3.0
        assert 3.0 < limits.max_hour_angle < 8.0


def test_aperture_agrees_with_what_skyportal_says(shared_data: Path) -> None:
    text = (shared_data / "sites" / "skyportal_instruments.json").read_text(encoding="utf-8")
    diameters = {t["key"]: t["diameter_m"] for t in json.loads(text)["telescopes"]}
    ours = {"P60": "sedm", "NOT": "alfosc", "LT": "sprat", "SOAR": "goodman", "GS": "gmos_s", "SSO": "wifes"}
    for theirs, key in {**ours, "P200": "dbsp", "LCOGT2m": "floyds_n"}.items():
        assert get_instrument(key).aperture.diameter == pytest.approx(diameters[theirs], abs=0.06)


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("sedm", "sedm"),
        (" SED machine", "sedm"),
        ("P60", "sedm"),
        ("p200/dbsp", "dbsp"),
        ("x shooter", "xshooter"),
        ("gmos-north", "gmos_n"),
        ("Keck/LRIS", "lris"),
        ("FTS", "floyds_s"),
    ],
)
def test_what_a_person_types_finds_the_instrument(typed: str, key: str) -> None:
    assert get_instrument(typed).key == key


@pytest.mark.parametrize("instrument", load_instruments(), ids=lambda i: i.key)
def test_every_key_full_name_and_pair_finds_its_own_instrument(instrument: Instrument) -> None:
    for name in (instrument.key, instrument.name.upper(), f"{instrument.telescope}/{instrument.instrument}"):
        assert get_instrument(name) is instrument


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (
            "GMOS",
            "instrument 'GMOS' is ambiguous; say 'gmos_n' (GMOS-N at Gemini North) or 'gmos_s' (GMOS-S at Gemini So",
        ),
        ("floyds", "instrument 'floyds' is ambiguous; say 'floyds_n'"),
        ("NTT", "instrument 'NTT' is ambiguous; say 'efosc2'"),
        ("efosc3", "unknown instrument 'efosc3'; did you mean 'efosc2'? `ampel-followup instruments` lists all"),
        ("", "unknown instrument ''; `ampel-followup instruments` lists all, and yours can be added"),
    ],
)
def test_what_is_no_instrument_is_refused_in_one_line_with_the_candidates(typed: str, says: str) -> None:
    with pytest.raises(InstrumentError) as error:
        get_instrument(typed)
    assert str(error.value).startswith(says)
    assert "\n" not in str(error.value)


def test_instruments_of_one_site() -> None:
    assert {i.key for i in load_instruments("palomar")} == {"dbsp", "ngps", "sedm"}
    assert load_instruments(get_site("palomar")) == load_instruments("palomar")
    assert load_instruments("wise") == ()


def test_instrument_of_the_users_is_found_beside_ours(users: Callable[[str], Path]) -> None:
    users(MINE)
    mine = get_instrument("Alpy")
    assert mine.site == "ondrejov"
    assert mine.overheads.is_estimate("acquisition")
    assert not mine.overheads.is_estimate("readout")
    assert mine.exposures.is_estimate("snr")
    assert get_instrument("SEDM").key == "sedm"


def test_instrument_of_the_users_replaces_ours_with_the_same_key(users: Callable[[str], Path]) -> None:
    n_packaged = len(load_instruments())
    users(MINE.replace("alpy:", "sedm:"))
    assert get_instrument("sedm").telescope == "C14"
    assert len(load_instruments()) == n_packaged


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "efficiency: 0.2",
            "efficiency: 20",
            "alpy: throughput.efficiency = 20 is out of bounds; give more than 0, at mo",
        ),
        ("longest: 1200", "longst: 1200", "alpy: exposures.longest is missing; add it (and 1 more)"),
        ("min_altitude: 30", "min_altitud: 30", "alpy: limits.min_altitud is unknown; did you mean min_altitude?"),
        ("width: 3, ", "", "alpy: spectrum: width belongs to a slit or fibre; the aperture is slit"),
        ("wavelength: 5500", "wavelength: 8000", "alpy: spectrum: wavelength 8000 is not from blue 3700 to red 7300"),
        ("longest: 1200", "longest: 9999", "alpy: exposures: shortest 1, longest 9999, total 7200 do not grow"),
        ("min_hour_angle: -5", "min_hour_angle: 6", "alpy: limits: min_hour_angle = 6 is not below max_hour_angle = 5"),
        ("bright: 0", "bright: 15", "alpy: magnitudes: bright = 15 is not below faint = 14"),
        ("[acquisition]", "[aquisition]", "alpy: overheads: estimate names aquisition, which the group does not have"),
        ("mount: equatorial", "mount: dobson", "alpy: aperture.mount = 'dobson' makes no sense"),
        ("site: ondrejov", "site: ondrjov", "alpy: site = 'ondrjov' is no key of a site; `ampel-followup sites` lists"),
    ],
)
def test_mistake_in_the_users_instruments_is_named_with_file_key_and_field(
    old: str, new: str, says: str, users: Callable[[str], Path]
) -> None:
    assert old in MINE
    path = users(MINE.replace(old, new))
    with pytest.raises(InstrumentError) as error:
        load_instruments()
    assert str(error.value).startswith(f"{path}: {says}")
    assert "\n" not in str(error.value)


def test_anchors_of_ours_are_no_guesses() -> None:
    anchors = [anchor for instrument in load_instruments() for anchor in instrument.anchors]
    assert len(anchors) >= 5
    assert all(
        isinstance(a, Anchor) and not a.is_estimate("magnitude") and not a.is_estimate("exposure") for a in anchors
    )


def test_manual_describes_every_field_of_an_instrument() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "observing.md").read_text(encoding="utf-8")
    assert describe_settings() in manual


def test_instruments_are_listed_and_every_figure_is_in_the_json(run) -> None:
    code, out, _ = run("instruments", "--site", "P200")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["dbsp", "ngps", "sedm"]
    code, out, _ = run("instruments", "kast", "--json")
    kast = json.loads(out)["instruments"][0]
    assert (kast["limits"]["min_hour_angle"], kast["limits"]["max_hour_angle"]) == (-5.667, 3.75)
    assert kast["throughput"]["estimate"] is True
    assert run("instruments", "--settings") == (0, describe_settings(), "")


def test_mistaken_name_on_the_command_line_is_one_line(run) -> None:
    code, out, err = run("instruments", "gmos")
    assert (code, out) == (2, "")
    assert err.startswith("ampel-followup: instrument 'gmos' is ambiguous; say 'gmos_n'")
    assert err.count("\n") == 1
    assert run("instruments", "--site", "nowhere")[0] == 2


def test_listing_instruments_loads_no_numerical_library() -> None:
    code = (
        "import sys; from ampel_followup.observing import load_instruments; load_instruments();"
        "sys.exit(' '.join({'numpy', 'scipy', 'erfa', 'astropy'} & set(sys.modules)) or 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
