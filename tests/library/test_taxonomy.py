"""What types stand for, and what users add to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ampel_followup.errors import TaxonomyError
from ampel_followup.labels import Kind, Label, class_of, conflicts, is_coarse
from ampel_followup.taxonomy import PACKAGED, load_taxonomy, read_taxonomy


@pytest.fixture
def users_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "taxonomy.yml"
    monkeypatch.setenv("AMPEL_FOLLOWUP_TAXONOMY", str(path))
    load_taxonomy.cache_clear()
    yield path
    load_taxonomy.cache_clear()


def test_the_users_table_goes_on_top(users_table: Path) -> None:
    users_table.write_text(
        "classes:\n- {name: lens, kind: galactic, types: [ulens, Mira]}\n"
        "- {name: AGN, kind: active nucleus, types: [changing  look]}\n"
        "- {name: Icn, kind: extragalactic transient, begins: [SN Icn]}\n"
    )
    assert class_of("uLens") == ("lens", Kind.GALACTIC)
    assert class_of("Mira") == ("lens", Kind.GALACTIC)  # the user's word counts
    assert class_of("Changing look") == class_of("QSO") == ("AGN", Kind.NUCLEUS)
    assert class_of("SN Icn-pec")[0] == "Icn"  # the longest beginning
    assert class_of("SN Ic-BL")[0] == "SN Ib/c"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("classes:\n- {name: A, kind: galactic, typos: [b]}\n", r"typos is unknown; did you mean types"),
        ("classes:\n- {name: A, kind: cosmic}\n", r"classes.0.kind = 'cosmic'"),
        (
            "classes:\n- {name: A, kind: galactic, types: [x]}\n- {name: B, kind: galactic, types: [X]}\n",
            "stands for A and",
        ),
        ("classes:\n- {name: AGN, kind: galactic}\n", "is 'galactic', and was 'active nucleus'"),
        ("- AGN\n", "holds no classes"),
        ("classes: [\n", "write YAML"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused_on_one_line(users_table: Path, text: str, message: str) -> None:
    users_table.write_text(text)
    with pytest.raises(TaxonomyError, match=message) as error:
        class_of("SN Ia")
    assert str(users_table) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_table_that_is_not_there_is_said(users_table: Path) -> None:
    with pytest.raises(TaxonomyError, match=r"names .*taxonomy.yml, which is no file"):
        class_of("SN Ia")


def test_an_empty_table_adds_nothing(users_table: Path) -> None:
    users_table.write_text("# later\n")
    assert load_taxonomy() == read_taxonomy([PACKAGED])


def test_what_is_coarse_is_known() -> None:
    assert [is_coarse(x) for x in ("SN", "SN I", "good", "SN Ia", "unheard of")] == [True, True, True, False, False]


def test_labels_disagree_only_if_they_cannot_both_be_right() -> None:
    def said(target: str, kind: str, source: str) -> Label:
        return Label(target, kind, source, "2018-08-20")

    labels = [
        said("coarse", "SN", "TNS"), said("coarse", "SN Ia", "BTS"),
        said("both", "SN II", "TNS"), said("both", "SN Ia", "BTS"),
        said("kinds", "SN", "TNS"), said("kinds", "CV", "human"),
        said("alone", "CV", "human"),
    ]  # fmt: skip
    found = conflicts(labels)
    assert list(found) == ["both", "kinds"]
    assert [label.source for label in found["both"]] == ["TNS", "BTS"]


def test_the_command_shows_the_table_and_what_a_type_stands_for(run) -> None:
    code, out, _ = run("label", "taxonomy", "SN Iax[02cx-like]")
    assert (code, out) == (0, "SN Iax[02cx-like]: SN Ia, extragalactic transient\n")
    assert "no, too coarse" in run("label", "taxonomy")[1]
