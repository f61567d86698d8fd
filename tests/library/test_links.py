"""Pages of others: addresses that are right for any name and place, and the user's own."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampel_followup.errors import LinkError
from ampel_followup.links import PACKAGED, USERS, LinkTemplate, links_of, load_links, read_links

TEMPLATES = read_links([PACKAGED])
ANYTHING = LinkTemplate(name="any", url="https://x.org/{name}?p={ra},{dec}&s={signed_dec}")


def test_a_ztf_object_has_the_pages_of_the_brokers_and_of_the_catalogues() -> None:
    links = {link.name: link.url for link in links_of("ZTF18abjapcg", 281.05841, -3.39882, TEMPLATES)}
    assert set(links) >= {"TNS", "ALeRCE", "Fink", "Lasair", "SIMBAD", "NED", "Legacy Survey", "Aladin Lite", "SkyView"}
    assert links["ALeRCE"] == "https://alerce.online/object/ZTF18abjapcg"
    assert parse_qs(urlsplit(links["SIMBAD"]).query)["Coord"] == ["281.058410 -3.398820"]
    assert parse_qs(urlsplit(links["TNS"]).query)["decl"] == ["-3.398820"]


def test_each_survey_has_the_pages_of_its_own_brokers() -> None:
    ztf = {link.name: link.url for link in links_of("ZTF18abjapcg", 281.05841, -3.39882, TEMPLATES)}
    lsst = {link.name: link.url for link in links_of("313853517460144141", 148.61201, 1.609392, TEMPLATES)}
    assert ztf["Fink"] == "https://ztf.fink-portal.org/ZTF18abjapcg"
    assert ztf["Lasair"] == "https://lasair-ztf.lsst.ac.uk/objects/ZTF18abjapcg/"
    assert lsst["Fink LSST"] == "https://lsst.fink-portal.org/313853517460144141"
    assert lsst["Lasair LSST"] == "https://lasair.lsst.ac.uk/objects/313853517460144141/"
    assert lsst["ALeRCE LSST"] == "https://lsst.alerce.online/object/313853517460144141?survey=lsst"
    assert {name.removesuffix(" LSST") for name in lsst} == set(ztf)
    assert not set(lsst) & {"ALeRCE", "Fink", "Lasair"}


def test_a_positive_declination_keeps_its_sign_where_it_is_asked_for() -> None:
    links = {link.name: link.url for link in links_of("x", 10.0, 41.2, TEMPLATES)}
    assert parse_qs(urlsplit(links["SIMBAD"]).query)["Coord"] == ["10.000000 +41.200000"]
    assert parse_qs(urlsplit(links["TNS"]).query)["decl"] == ["41.200000"]


def test_objects_of_other_surveys_have_no_pages_of_brokers_that_do_not_know_them() -> None:
    names = {link.name for link in links_of("ZTF18abjapcg/../evil", 1.0, 2.0, TEMPLATES)}
    assert not names & {"ALeRCE", "Fink", "Lasair"}
    assert "TNS" in names


@given(st.text(max_size=60), st.floats(0, 360, exclude_max=True), st.floats(-90, 90))
def test_an_address_is_inert_whatever_the_name(name: str, ra: float, dec: float) -> None:
    [link] = links_of(name, ra, dec, [ANYTHING])
    assert link.url.isascii()
    assert link.url.isprintable()
    assert " " not in link.url
    parts = urlsplit(link.url)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "x.org", "")
    assert unquote(parts.path.removeprefix("/")) == name.encode(errors="replace").decode(errors="replace")
    assert float(parse_qs(parts.query)["s"][0]) == pytest.approx(dec, abs=1e-6)


def test_a_users_file_adds_replaces_and_takes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "links.yml"
    path.write_text(
        "links:\n"
        "- {name: Ours, url: 'http://marshal.example/{name}', names: 'LSST.*'}\n"
        "- {name: TNS, url: 'https://other.example/?q={name}'}\n"
        "- {name: SkyView, url: ''}\n"
    )
    monkeypatch.setenv(USERS.variable, str(path))
    load_links.cache_clear()
    try:
        links = {link.name: link.url for link in links_of("LSST-P-DO-1", 1.0, 2.0, load_links())}
    finally:
        load_links.cache_clear()
    assert links["Ours"] == "http://marshal.example/LSST-P-DO-1"
    assert links["TNS"] == "https://other.example/?q=LSST-P-DO-1"
    assert "SkyView" not in links
    assert "NED" in links


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {name: A, url: 'https://x.org/{ident}'}", "{ident} is not known; use {name}"),
        ("- {name: A, url: 'javascript:alert(1)'}", "no address of a page"),
        ("- {name: A, url: 'file:///etc/passwd'}", "no address of a page"),
        ("- {name: A, url: 'https://x.org/a b'}", "a blank as %20"),
        ("- {name: A, url: 'https://x.org/{name'}", "has characters that addresses do not"),
        ('- {name: A, url: "https://x.org/\\e[2J"}', "no address of a page"),
        ("- {name: A, url: 'https://x.org', names: '('}", "no regular expression"),
        ("- {name: A}", "url"),
        ("- {name: A, url: 'https://x.org', colour: red}", "colour"),
        ("[1", "write YAML"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_the_place_and_the_remedy(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "links.yml"
    path.write_text("links:\n" + text + "\n")
    with pytest.raises(LinkError) as refusal:
        read_links([path])
    assert said in str(refusal.value)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_file_that_holds_something_else_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "links.yml"
    path.write_text("")
    assert read_links([path]) == ()
    path.write_text("- a\n")
    with pytest.raises(LinkError, match="holds no links"):
        read_links([path])
