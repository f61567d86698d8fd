"""A store in a file: where it is, what cannot be one, and what a killed process leaves."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from ampel_followup.decision import Decision
from ampel_followup.errors import StoreError
from ampel_followup.plan import NightPlan
from ampel_followup.store import Store, decision_table, layout
from ampel_followup.store.connection import Connection
from ampel_followup.store.location import Server, locate

GOLDEN = Path(__file__).parent / "golden" / "plan.json"
PLAN = NightPlan.from_dict(json.loads(GOLDEN.read_text("utf-8")))
NOW = "2018-08-20T20:00:00.000000Z"
APPROVED = Decision(PLAN.targets[0].id, PLAN.night.date, PLAN.night.site, "approve", "Vera", NOW)


def one_line(error: pytest.ExceptionInfo[StoreError]) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message


@contextmanager
def an_ordinary_user() -> Iterator[None]:
    """Give up root's right to write everywhere, if it is root who runs the tests."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def test_the_environment_names_the_store_where_no_option_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMPEL_FOLLOWUP_STORE", str(tmp_path / "named.sqlite"))
    with Store.open() as store:
        assert store.url == str(tmp_path / "named.sqlite")
    with Store.open(tmp_path / "option.sqlite") as store:
        assert store.url == str(tmp_path / "option.sqlite")


@pytest.mark.skipif(sys.platform != "linux", reason="the user's data folder is set by XDG_DATA_HOME on Linux only")
def test_without_any_name_the_store_is_in_the_users_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AMPEL_FOLLOWUP_STORE", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    Store.open().close()
    assert (tmp_path / "data" / "ampel-followup" / "followup.sqlite").is_file()


def test_a_path_with_signs_that_mean_something_in_urls_is_a_path(tmp_path: Path) -> None:
    path = tmp_path / "50% of #1? night.sqlite"
    with Store.open(path) as store:
        store.record(APPROVED)
    assert path.is_file()
    with Store.open(str(path), read_only=True) as store:
        assert len(store.decisions()) == 1


def test_an_sqlite_url_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Store.open("sqlite:///relative.sqlite").close()
    Store.open(f"sqlite:///{tmp_path}/absolute.sqlite").close()
    assert sorted(p.name for p in tmp_path.glob("*.sqlite")) == ["absolute.sqlite", "relative.sqlite"]


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_every_name_of_postgresql_is_routed_to_one_driver(scheme: str) -> None:
    assert locate(f"{scheme}://vera@host/followup") == Server("postgresql+psycopg://vera@host/followup")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://host/db", "a store cannot be kept at mysql://…; give a file such as night.sqlite, or postgresql://"),
        ("sqlite://", "names no file; write sqlite:///night.sqlite"),
        ("sqlite:///:memory:", "names no file"),
        ("", "the store has an empty name"),
        ("postgresql://vera:s3cret@127.0.0.1:notaport/db", "URL cannot be read; write postgresql://user:password@host"),
        ("postgresql://vera:s3cret@127.0.0.1:1/db", r"the server of the store postgresql://vera:\*\*\*@127.0.0.1:1/db"),
        ("nowhere/night.sqlite", "the folder nowhere of the store night.sqlite does not exist; make it first"),
        (".", "the store . is a folder; name a file in it, such as followup.sqlite"),
    ],
)
def test_a_wrong_place_is_one_line_with_the_remedy(
    url: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match=message) as error:
        Store.open(url)
    assert "s3cret" not in one_line(error)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [{"read_only": True}, {"create": False}])
def test_a_store_that_must_exist_is_not_made(tmp_path: Path, options: dict[str, bool]) -> None:
    path = tmp_path / "night.sqlite"
    with pytest.raises(StoreError, match=r"there is no store at .*night\.sqlite; `ampel-followup rank … --store"):
        Store.open(path, **options)
    assert not path.exists()


def test_a_file_that_is_no_database_is_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("observing notes\n" * 300)
    with pytest.raises(StoreError, match="is not an ampel-followup store, or is damaged") as error:
        Store.open(path)
    one_line(error)
    assert path.read_text() == "observing notes\n" * 300


def test_a_database_of_another_program_is_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="is an SQLite database of another program"):
        Store.open(path)
    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "touched.sqlite"
    path.touch()
    with Store.open(path) as store:
        assert store.save_plan(PLAN, created=NOW) == 1


@pytest.mark.parametrize("protected", ["the file", "the folder"])
def test_a_store_that_may_not_be_written_says_so_and_can_be_read(open_folder: Path, protected: str) -> None:
    path = open_folder / "night.sqlite"
    with Store.open(path) as store:
        store.save_plan(PLAN, created=NOW)
    if os.geteuid() == 0 and protected == "the file":
        os.chown(open_folder, 65534, -1)
    (path if protected == "the file" else open_folder).chmod(0o444 if protected == "the file" else 0o555)
    with an_ordinary_user():
        with pytest.raises(StoreError, match=r"the store .* is read-only \(.* cannot be written\)") as error:
            Store.open(path)
        one_line(error)
        with Store.open(path, read_only=True) as store:
            assert store.load_plan().plan.to_json() == PLAN.to_json()
    open_folder.chmod(0o755)


def test_a_reader_that_may_not_write_beside_the_store_sees_what_others_write(open_folder: Path) -> None:
    path = open_folder / "night.sqlite"
    with Store.open(path) as store:
        store.save_plan(PLAN, created=NOW)
    open_folder.chmod(0o555)
    with an_ordinary_user():
        reader = Store.open(path, read_only=True)
    open_folder.chmod(0o755)
    before = reader.change_counter()
    assert (reader.decisions(), reader.change_counter()) == ([], before)
    with Store.open(path) as store:
        approval = Decision(PLAN.targets[0].id, PLAN.night.date, PLAN.night.site, "approve", "ada", NOW)
        kept = store.record(approval)
    assert reader.change_counter() != before
    assert reader.decisions() == [kept]
    reader.close()


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "night.sqlite")
    store.close()
    store.close()
    with pytest.raises(StoreError, match="has been closed; open it again"):
        store.plans()


def test_a_writer_that_waits_too_long_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ampel_followup.store.sqlite.BUSY_TIMEOUT", 0.01)
    path = tmp_path / "night.sqlite"
    with Store.open(path) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="is busy: another process has been writing"):
            store.record(APPROVED)
        assert store.decisions() == []
        other.execute("ROLLBACK")
        other.close()
        assert store.record(APPROVED).id == 1


def test_nobody_writes_between_the_check_of_a_decision_and_its_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ampel_followup.store.sqlite.BUSY_TIMEOUT", 0.01)
    path = tmp_path / "night.sqlite"
    check_target = decision_table._check_target
    others: list[Store] = []

    def check_and_interrupt(connection: Connection, decision: Decision, place: str) -> None:
        check_target(connection, decision, place)
        if others:
            with pytest.raises(StoreError, match="is busy"):
                others.pop().record(APPROVED)

    monkeypatch.setattr(decision_table, "_check_target", check_and_interrupt)
    with Store.open(path) as first, Store.open(path) as second:
        others.append(second)
        kept = first.record(APPROVED)
        assert second.decisions() == [kept]
        assert not others


def test_a_damaged_light_curve_is_named(tmp_path: Path) -> None:
    path = tmp_path / "night.sqlite"
    with Store.open(path) as store:
        with sqlite3.connect(path) as other:
            other.execute("INSERT INTO light_curves VALUES ('ZTF18abc', 1, 0.0, 0.0, 1, 58000.0, '{}', x'00')")
        other.close()
        with pytest.raises(StoreError, match=r"the light curve of ZTF18abc in .* cannot be read: points are damaged"):
            store.light_curve("ZTF18abc")


# The process dies by SIGKILL, which nothing can catch, when SQLite is about to run the statement named.
KILLED = """
import json, os, signal, sqlite3, sys
from dataclasses import replace
from pathlib import Path
from ampel_followup.plan import NightPlan
from ampel_followup.store import Store

path, plan, deadly = sys.argv[1:]
connect, seen = sqlite3.connect, []
def watch(statement):
    if statement.startswith(deadly):
        seen.append(statement)
        if len(seen) == 3 or deadly == "COMMIT":
            os.kill(os.getpid(), signal.SIGKILL)
def connect_and_watch(*args, **options):
    connection = connect(*args, **options)
    connection.set_trace_callback(watch)
    return connection
sqlite3.connect = connect_and_watch
plan = NightPlan.from_dict(json.loads(Path(plan).read_text("utf-8")))
Store.open(path).save_plan(replace(plan, strategy="entropy"), created="2018-08-20T21:00:00Z")
"""


@pytest.mark.parametrize("deadly", ["INSERT INTO targets", "COMMIT"])
def test_a_killed_process_leaves_whole_transactions_only(tmp_path: Path, deadly: str) -> None:
    path = tmp_path / "night.sqlite"
    with Store.open(path) as store:
        store.save_plan(PLAN, created=NOW)
        store.record(APPROVED)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path), str(GOLDEN), deadly], check=False)
    assert killed.returncode == -signal.SIGKILL
    with Store.open(path) as store:
        assert [plan.strategy for plan in store.plans()] == [PLAN.strategy]
        assert store.load_plan().plan.to_json() == PLAN.to_json()
        assert [d.target for d in store.decisions()] == [APPROVED.target]
        assert store.record(APPROVED).id == 2
    with sqlite3.connect(path) as other:
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert other.execute("PRAGMA foreign_key_check").fetchall() == []
    other.close()


def test_reading_a_plan_loads_neither_sqlalchemy_nor_numpy(tmp_path: Path) -> None:
    path = tmp_path / "night.sqlite"
    with Store.open(path) as store:
        store.save_plan(PLAN, created=NOW)
    program = f"""
import sys
from ampel_followup.store import Store
with Store.open({str(path)!r}) as store:
    store.load_plan(); store.verdicts("2018-08-20", "palomar"); store.light_curve("ZTF18abmjhtn")
    list(store.visits()); list(store.appearances()); store.labels()
print([m for m in ("sqlalchemy", "alembic", "numpy", "astropy", "platformdirs") if m in sys.modules])
"""
    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert printed == "[]\n"


def test_the_layout_that_opens_quickly_is_the_newest_migration() -> None:
    migrations = ScriptDirectory(str(Path(layout.__file__).with_name("migrations")))
    assert migrations.get_current_head() == layout.CURRENT


def test_an_older_layout_is_brought_up_to_date_only_when_writing_is_allowed() -> None:
    assert layout.needs_upgrade("0000", "night.sqlite", read_only=False, create=False)
    with pytest.raises(StoreError, match="has the older layout 0000; open it once for writing"):
        layout.needs_upgrade("0000", "night.sqlite", read_only=True, create=False)
