"""Which class of DESC a label stands for, and what users add to the table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ampel_followup.errors import TaxonomyError
from ampel_followup.exports.desc_classes import PACKAGED, desc_class, load_desc_classes, read_desc_classes
from ampel_followup.taxonomy import load_taxonomy


@pytest.fixture
def users_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "desc_classes.yml"
    monkeypatch.setenv("AMPEL_FOLLOWUP_DESC_CLASSES", str(path))
    load_desc_classes.cache_clear()
    yield path
    load_desc_classes.cache_clear()


@pytest.mark.parametrize(
    ("label_type", "number"),
    [
        ("SN Ia", 2222), ("sn  ia-91T-like", 2222), ("SN Ia-91bg-like", 2226), ("SN Iax[02cx-like]", 2225),
        ("SN Ib", 2223), ("SN Ic-BL", 2223), ("SN Ib-Ca-rich", 2245), ("SN IIn", 2224), ("SN IIb", 2224),
        ("SN", 2220), ("SN I", 2220), ("SLSN-II", 2242), ("TDE-H-He", 2243), ("kilonova", 2232), ("LRN", 2244),
        ("gap I", 2200), ("nova", 2231), ("CV", 2230), ("dwarf nova", 2234), ("M dwarf", 2233), ("Mira", 2326),
        ("RR Lyrae", 2323), ("Varstar", 2300), ("QSO", 2332), ("good", 2200),
    ],
)  # fmt: skip
def test_a_type_is_the_finest_class_that_it_surely_is(label_type: str, number: int) -> None:
    found = desc_class(label_type)
    assert found is not None
    assert found.id == number


@pytest.mark.parametrize("label_type", ["Galaxy", "bogus", "pm", "Other", "", "SNIa?", "∎"])
def test_what_has_no_class_has_none(label_type: str) -> None:
    assert desc_class(label_type) is None


def test_every_class_that_models_know_is_a_class_of_desc_or_no_transient() -> None:
    without = {found.name for found in load_taxonomy().classes if desc_class(found.name) is None}
    assert without == {"proper motion", "bogus"}


def test_each_class_has_a_number_of_its_own() -> None:
    table = read_desc_classes([PACKAGED]).classes
    assert len({found.id for found in table}) == len(table)


def test_the_users_table_goes_on_top(users_table: Path) -> None:
    users_table.write_text(
        "classes:\n- {name: AGN, id: 2332, types: [changing look]}\n- {name: Icn, id: 2299, begins: [SN Icn]}\n"
    )
    numbers = [found.id for name in ("Changing  Look", "QSO", "SN Icn", "SN Ic") if (found := desc_class(name))]
    assert numbers == [2332, 2332, 2299, 2223]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("classes:\n- {name: AGN, id: 1}\n", r"AGN is 1, and was 2332; call one otherwise"),
        ("classes:\n- {name: AGN}\n", r"id"),
        ("classes:\n- {name: X, id: many}\n", r"id"),
        ("classes:\n- {name: X, id: 1, types: [a]}\n- {name: Y, id: 2, types: [A]}\n", r"'a' stands for X and for Y"),
        ("- AGN\n", r"holds no classes; write `classes:`, and below it `- {name: …, id: …}`"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused_on_one_line(users_table: Path, text: str, message: str) -> None:
    users_table.write_text(text)
    with pytest.raises(TaxonomyError, match=message) as refused:
        desc_class("SN Ia")
    assert "\n" not in str(refused.value)
    assert users_table.name in str(refused.value)


def test_the_command_shows_the_table_and_what_a_type_is_reported_as(run) -> None:
    assert run("desc-tom", "classes", "SN Iax[02cx-like]")[:2] == (0, "SN Iax[02cx-like]: 2225, Iax\n")
    assert run("desc-tom", "classes", "Galaxy")[1] == "Galaxy: 300, not classified\n"
    assert json.loads(run("desc-tom", "classes", "QSO", "--json")[1]) == {"type": "QSO", "id": 2332, "class": "AGN"}
    assert "Computed-Ia" in run("desc-tom", "classes")[1]
    assert len(json.loads(run("desc-tom", "classes", "--json")[1])["classes"]) == len(load_desc_classes().classes)
