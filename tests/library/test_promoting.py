"""Which bundle is in use, who put it there, and how it goes back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sqlalchemy
from sample_challengers import NOW, bundle_at, challenger_in
from store_engines import engine_of

from ampel_followup.errors import BundleError, StoreError
from ampel_followup.models.bundle import load_bundle
from ampel_followup.models.folder import PACKAGED
from ampel_followup.promoting import bundle_in_use, folder_in_use, promote, roll_back
from ampel_followup.store import Store


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Where the bundles of a store on a server are.
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def test_without_a_promotion_the_packaged_bundle_is_in_use(store: Store) -> None:
    assert bundle_in_use(store).bundle_digest == bundle_in_use(None).bundle_digest == load_bundle().digest
    assert folder_in_use(store) == folder_in_use(None) == PACKAGED / "simulated"
    assert bundle_in_use(store).promotion == 0


def test_a_promoted_challenger_is_in_use_until_it_is_rolled_back(store: Store) -> None:
    first, second = challenger_in(store, "first"), challenger_in(store, "second")
    promote(store, "first", observer="ada", time=NOW, comment="fewer Ib/c lost")
    assert folder_in_use(store) == store.folder / "challengers" / "first"
    promote(store, "second", observer="bob", time=NOW)
    assert bundle_in_use(store).bundle_digest == second.bundle_digest
    assert bundle_in_use(store).observer == "bob"

    undone = roll_back(store, observer="ada", time=NOW)
    assert (undone.bundle, undone.undoes) == (first.bundle, 2)
    assert bundle_in_use(store).bundle_digest == first.bundle_digest
    promote(store, "second", observer="bob", time=NOW)
    roll_back(store, observer="ada", time=NOW)
    roll_back(store, observer="ada", time=NOW)
    assert folder_in_use(store) == PACKAGED / "simulated"
    assert bundle_in_use(store).observer == "ada"
    with pytest.raises(StoreError, match=r"no promotion stands .* nothing is left"):
        roll_back(store, observer="ada", time=NOW)
    history = store.learning.promotions()
    assert [p.action for p in history] == ["promote", "promote", "roll back", "promote", "roll back", "roll back"]
    assert "better by +0.100, 95 % +0.050 to +0.150" in history[0].reason
    assert history[0].comment == "fewer Ib/c lost"


def test_any_bundle_of_ones_own_can_be_promoted(store: Store, tmp_path: Path) -> None:
    bundle_at(tmp_path / "mine", "mine")
    promoted = promote(store, str(tmp_path / "mine"), observer="ada", time=NOW)
    assert promoted.challenger is None
    assert folder_in_use(store) == tmp_path / "mine"


def test_a_store_that_was_moved_with_its_folder_finds_its_bundles(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    with Store.open(tmp_path / "here" / "night.sqlite") as store:
        challenger_in(store, "first")
        promote(store, "first", observer="ada", time=NOW)
    shutil.move(tmp_path / "here", tmp_path / "there")
    with Store.open(tmp_path / "there" / "night.sqlite") as store:
        assert folder_in_use(store) == tmp_path / "there" / "challengers" / "first"


@pytest.mark.parametrize("harm", ["removed", "altered", "replaced"])
def test_a_promoted_bundle_that_is_not_as_it_was_is_refused_on_one_line(store: Store, harm: str) -> None:
    challenger_in(store, "first")
    promote(store, "first", observer="ada", time=NOW)
    folder = store.folder / "challengers" / "first"
    if harm == "removed":
        shutil.rmtree(folder)
    elif harm == "altered":
        (folder / "p_t.onnx").write_bytes(b"another")
    else:
        bundle_at(folder, "another")
    with pytest.raises(BundleError, match=r"put it back, .ampel-followup learn rollback., or name another") as error:
        folder_in_use(store)
    assert "\n" not in str(error.value)
    # Rolling back needs nothing of it.
    roll_back(store, observer="ada", time=NOW)
    assert folder_in_use(store) == PACKAGED / "simulated"


def test_what_cannot_be_promoted_is_said(store: Store) -> None:
    challenger_in(store, "first")
    with pytest.raises(BundleError, match=r"no bundle 'second'.*challengers of .*: first"):
        promote(store, "second", observer="ada", time=NOW)
    with pytest.raises(StoreError, match="say who with --observer"):
        promote(store, "first", observer=" ", time=NOW)
    promote(store, "first", observer="ada", time=NOW)
    with pytest.raises(StoreError, match=r"in use .* already"):
        promote(store, "first", observer="ada", time=NOW)
    bundle_at(store.folder / "challengers" / "first", "another")
    with pytest.raises(BundleError, match="is not the bundle that the report of first is about"):
        promote(store, "first", observer="ada", time=NOW)
    with pytest.raises(StoreError, match="has a challenger 'first' already"):
        challenger_in(store, "first")


@pytest.mark.parametrize("table", ["challengers", "promotions"])
def test_no_program_can_change_or_delete_a_challenger_or_a_promotion(store: Store, store_url: str, table: str) -> None:
    challenger_in(store, "first")
    promote(store, "first", observer="ada", time=NOW)
    engine = engine_of(store_url)
    replaced = {
        "sqlite": f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
        "postgresql": f"TRUNCATE {table} CASCADE",
    }
    for statement in (
        f"UPDATE {table} SET bundle = 'another'",
        f"DELETE FROM {table}",
        replaced[engine.dialect.name],
    ):
        with engine.connect() as connection, pytest.raises(sqlalchemy.exc.DBAPIError, match="a record"):
            connection.exec_driver_sql(statement)
    assert [p.observer for p in store.learning.promotions()] == ["ada"]
