"""Schedules that are put into the store come out again, and nothing in them changes; on SQLite and on PostgreSQL."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy
from sample_timetables import LA_PALMA, blocks_of, sample_timetable, telescope_night, timetable_of
from store_engines import engine_of

from ampel_followup.errors import StoreError
from ampel_followup.store import Store

NOW = "2026-11-20T08:00:00Z"
LATER = "2026-11-20T11:00:00Z"
TIMETABLE = sample_timetable()


def test_a_timetable_comes_back_as_it_was_made(store: Store) -> None:
    assert TIMETABLE.blocks[0].magnitude != TIMETABLE.blocks[0].magnitude  # of a standard star: NaN
    revision = store.save_timetable(TIMETABLE, created=NOW)
    stored = store.load_timetable(revision)
    assert stored.timetable.to_json() == TIMETABLE.to_json()
    assert stored.info == store.timetables()[0]
    assert (stored.info.night, stored.info.telescopes, stored.info.created) == ("2026-11-20", ("wifes",), NOW)
    assert (stored.info.value, stored.info.bound) == (TIMETABLE.value, TIMETABLE.bound)
    assert (stored.info.n_blocks, stored.info.strategy) == (18, "value-of-information")


def test_the_same_timetable_is_kept_once_and_a_new_one_is_a_new_revision(store: Store) -> None:
    first = store.save_timetable(TIMETABLE, created=NOW)
    assert store.save_timetable(TIMETABLE, created=LATER) == first
    replanned = replace(TIMETABLE, planned_from=LATER, blocks=TIMETABLE.blocks[:3])
    second = store.save_timetable(replanned, created=LATER)
    assert second > first
    assert store.load_timetable(night="2026-11-20").timetable.to_json() == replanned.to_json()
    assert [info.revision for info in store.timetables()] == [second, first]
    # What held before the night was planned anew holds again: that is news too.
    assert store.save_timetable(TIMETABLE, created=LATER) > second


def test_timetables_of_other_telescopes_and_nights_are_told_apart(store: Store) -> None:
    part = telescope_night(LA_PALMA, key="sprat")
    both = timetable_of((TIMETABLE.telescopes[0], list(TIMETABLE.blocks)), (part, blocks_of(part, 5)))
    alone = store.save_timetable(TIMETABLE, created=NOW)
    together = store.save_timetable(both, created=NOW)
    next_night = store.save_timetable(replace(TIMETABLE, date="2026-11-21"), created=NOW)
    assert store.save_timetable(TIMETABLE, created=LATER) == alone
    assert store.load_timetable(night="2026-11-20").info.revision == together
    assert store.load_timetable().info.revision == next_night
    assert store.load_timetable(together).info.telescopes == ("sprat", "wifes")
    turned = replace(both, telescopes=both.telescopes[::-1])
    assert store.load_timetable(store.save_timetable(turned, created=LATER)).info.telescopes == ("sprat", "wifes")


def test_a_bound_that_is_not_known_is_kept_so(store: Store) -> None:
    revision = store.save_timetable(replace(TIMETABLE, bound=math.nan), created=NOW)
    stored = store.load_timetable(revision)
    assert math.isnan(stored.info.bound)
    assert math.isnan(stored.timetable.bound)


def test_text_that_no_database_holds_does_not_lose_the_night(store: Store) -> None:
    odd = replace(TIMETABLE, strategy="bad \udce9\0", blocks=(replace(TIMETABLE.blocks[0], target="a\0\udce9"),))
    stored = store.load_timetable(store.save_timetable(odd, created=NOW))
    assert stored.timetable.blocks[0].target == "a\0\udce9"
    assert stored.info.strategy == "bad ?\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("asked", "words"), [({"revision": 3}, " with revision 3"), ({"night": "2026-11-20"}, " for 2026-11-20"), ({}, "")]
)
def test_who_asks_for_a_timetable_that_is_not_there_is_told_how_to_make_one(
    store: Store, asked: dict[str, object], words: str
) -> None:
    with pytest.raises(StoreError) as error:
        store.load_timetable(**asked)  # type: ignore[arg-type]
    assert str(error.value).startswith(f"no timetable{words} in ")
    assert "`ampel-followup plan make … --store" in str(error.value)
    assert "\n" not in str(error.value)


def test_no_program_can_change_or_delete_a_timetable(store: Store, store_url: str) -> None:
    store.save_timetable(TIMETABLE, created=NOW)
    engine = engine_of(store_url)
    around_the_triggers = {
        "sqlite": "INSERT OR REPLACE INTO timetables SELECT * FROM timetables",
        "postgresql": "TRUNCATE timetables",
    }
    for change in (
        "UPDATE timetables SET value = 9",
        "DELETE FROM timetables",
        around_the_triggers[engine.dialect.name],
    ):
        with engine.connect() as connection, pytest.raises(sqlalchemy.exc.DBAPIError, match="timetables are a record"):
            connection.exec_driver_sql(change)
    assert store.load_timetable().timetable.to_json() == TIMETABLE.to_json()


def test_reading_a_timetable_loads_neither_numpy_nor_sqlalchemy(tmp_path: Path) -> None:
    path = tmp_path / "night.sqlite"
    with Store.open(path) as store:
        store.save_timetable(TIMETABLE, created=NOW)
    code = (
        "import sys; from ampel_followup.store import Store\n"
        "with Store.open(sys.argv[1]) as store: assert len(store.load_timetable().timetable.blocks) == 18\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"numpy", "sqlalchemy", "alembic", "matplotlib"}
