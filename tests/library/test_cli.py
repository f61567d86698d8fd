"""The command, as a person and a script use it: from alerts to an approved list, and what happens with bad input."""

from __future__ import annotations

import csv
import datetime
import io
import json
import math
import shutil
import sqlite3
import tarfile
from pathlib import Path

import fastavro
import numpy as np
import pytest

from ampel_followup.models.bundle import PACKAGED
from ampel_followup.simulate import simulate_objects, write_alerts
from ampel_followup.simulate.packets import SCHEMA, packets

NIGHT = "2026-11-09"
RANK = ["--site", "palomar", "--night", NIGHT]


@pytest.fixture(scope="module")
def simulated():
    return list(simulate_objects(12, datetime.date(2026, 11, 9), np.random.default_rng(11)))


@pytest.fixture(scope="module")
def archive(simulated, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("alerts") / "night.tar.gz"
    write_alerts(simulated, path)
    return path


@pytest.fixture
def ranked(run, archive, tmp_path) -> Path:
    store = tmp_path / "night.sqlite"
    code, _, err = run("rank", archive, *RANK, "--store", store)
    assert code == 0, err
    return store


def put_packets(path: Path, records: list[dict]) -> Path:
    with path.open("wb") as stream:
        fastavro.writer(stream, fastavro.parse_schema(SCHEMA), records)
    return path


def refused(result: tuple[int, str, str]) -> str:
    """Check that a command ended with one line and exit code 2; return the line."""
    code, out, err = result
    assert code == 2, (code, out, err)
    assert out == ""
    assert err.count("\n") == 1 and err.startswith("ampel-followup: ")
    return err


def test_rank_prints_the_promised_json(run, archive, tmp_path):
    code, out, err = run("rank", archive, *RANK, "--json", "--store", tmp_path / "night.sqlite")
    assert code == 0 and err == ""
    result = json.loads(out)
    assert {"alerts_read", "alerts_bad", "objects", "scored", "seconds", "bundle", "strategy", "night", "site"} <= set(
        result["run"]
    )
    lists = ("targets", "not_observable", "set_aside")
    assert result["run"]["scored"] == 12 == sum(len(result[name]) for name in lists)
    assert sum(result["run"]["queues"].values()) == 12
    assert all(target["placement"]["because"] for name in lists for target in result[name])
    for target in result["targets"]:
        assert {"id", "ra", "dec", "priority", "scores", "visibility", "reasons"} <= set(target)
        scores = target["scores"]
        assert {"p_t", "entropy", "information_gain", "indicator", "p_change", "value_of_information"} <= set(scores)
        assert sum(scores["p_t"].values()) == pytest.approx(1.0)
        visibility = {"observable", "start", "end", "min_airmass", "moon_separation"}
        assert visibility <= set(target["visibility"]) and target["visibility"]["observable"] is True
    priorities = [t["priority"] for t in result["targets"]]
    assert priorities == sorted(priorities, reverse=True)


def test_without_the_assistant_everything_is_listed(run, archive):
    code, out, _ = run("rank", archive, *RANK, "--json", "--no-store", "--no-assistant")
    result = json.loads(out)
    assert code == 0
    assert len(result["targets"]) + len(result["not_observable"]) == 12
    assert (result["set_aside"], result["assistant"], result["run"]["queues"]) == ([], "", {})
    assert all(target["assistant"] is None for target in result["targets"])


def test_a_policy_without_the_assistant_is_refused_instead_of_ignored(run, archive):
    code, _, err = run("rank", archive, *RANK, "--no-store", "--no-assistant", "--policy", "mine.yml")
    assert code == 2 and len(err.splitlines()) == 1
    assert "--policy" in err and "means nothing with --no-assistant" in err


def test_strategy_of_the_assistant_orders_by_its_rank_and_is_refused_without_it(run, archive):
    options = [*RANK, "--strategy", "assistant-rank", "--json", "--no-store"]
    targets = json.loads(run("rank", archive, *options)[1])["targets"]
    ranks = [target["assistant"]["rank"] for target in targets]
    assert ranks == sorted(ranks, reverse=True) and len(ranks) > 2
    code, _, err = run("rank", archive, *options, "--no-assistant")
    assert code == 2 and "needs the virtual assistant" in err and len(err.splitlines()) == 1


def test_policy_of_ones_own_decides_what_is_listed(run, archive, tmp_path):
    strict = tmp_path / "strict.yml"
    strict.write_text("name: strict\nversion: 3\neyeball: {above: 10}\nlisted: [urgent]\n")
    result = json.loads(run("rank", archive, *RANK, "--json", "--no-store", "--policy", strict)[1])
    assert result["targets"] == [] and len(result["set_aside"]) == 12
    assert result["policy"].startswith("strict 3 (")
    assert len({target["id"] for target in result["set_aside"]}) == 12
    assert "nothing is listed: does the policy" in run("rank", archive, *RANK, "--no-store", "--policy", strict)[1]


def test_rank_says_which_features_of_the_night_moved(run, archive):
    drift = json.loads(run("rank", archive, *RANK, "--json", "--no-store")[1])["run"]["drift"]
    assert drift["n_objects"] == 12
    assert {"moved", "sentence", "features"} <= set(drift)


def test_a_whole_night_from_alerts_to_an_approved_list(run, ranked, tmp_path):
    names = [t["id"] for t in json.loads(run("plan", "show", "--store", ranked, "--json")[1])["targets"]]
    for name, verdict in ((names[0], "approve"), (names[1], "reject"), (names[2], "approve")):
        code, out, _ = run("decide", name, verdict, "--observer", "ada", "--comment", "as seen", "--store", ranked)
        assert code == 0 and name in out
    assert run("decide", names[2], "undo", "--observer", "ada", "--store", ranked)[0] == 0

    decisions = json.loads(run("decisions", "--store", ranked, "--json")[1])["decisions"]
    assert [d["verdict"] for d in decisions] == ["approve", "reject", "approve", "undo"]
    out = run("plan", "show", "--store", ranked)[1]
    assert "approve" in out and names[1] in out

    target_list = tmp_path / "targets.csv"
    assert run("export", target_list, "--store", ranked)[0] == 0
    assert [row["id"] for row in csv.DictReader(io.StringIO(target_list.read_text()))] == [names[0]]
    code, out, _ = run(
        "export", tmp_path / "all.json", "--format", "json", "--select", "all", "--store", ranked, "--json"
    )
    assert code == 0 and json.loads(out)["targets"] == len(names)


def test_the_store_can_be_named_by_the_environment(run, ranked, monkeypatch):
    monkeypatch.setenv("AMPEL_FOLLOWUP_STORE", str(ranked))
    assert json.loads(run("plan", "show", "--json")[1])["night"]["date"] == NIGHT


def test_ranking_again_gives_the_same_plan(run, archive, ranked):
    before = json.loads(run("plan", "show", "--store", ranked, "--json")[1])
    assert run("rank", archive, *RANK, "--store", ranked)[0] == 0
    assert json.loads(run("plan", "show", "--store", ranked, "--json")[1]) == before


@pytest.mark.parametrize("strategy", ["random", "entropy", "information-gain", "entropy-indicator"])
def test_strategies_change_the_order_not_the_targets(run, archive, strategy):
    def names(*options: str) -> list[str]:
        return [
            t["id"] for t in json.loads(run("rank", archive, *RANK, *options, "--no-store", "--json")[1])["targets"]
        ]

    assert sorted(names()) == sorted(names("--strategy", strategy))
    assert names() != names("--strategy", strategy)


def test_top_shortens_what_is_printed(run, archive):
    assert len(json.loads(run("rank", archive, *RANK, "--top", "3", "--no-store", "--json")[1])["targets"]) == 3


def test_one_bad_alert_is_kept_in_quarantine_and_the_night_goes_on(run, simulated, tmp_path):
    folder = tmp_path / "alerts"
    write_alerts(simulated, folder)
    victim = sorted(folder.glob("*.avro"))[3]
    broken = victim.read_bytes()[:-40]
    victim.write_bytes(broken)
    store = tmp_path / "night.sqlite"
    code, out, _ = run("rank", folder, *RANK, "--store", store, "--json")
    report = json.loads(out)["run"]
    assert code == 0 and report["alerts_bad"] == 1 and report["scored"] >= 11
    kept = [p for p in (tmp_path / "quarantine").iterdir() if p.suffix == ".avro"]
    assert [p.read_bytes() for p in kept] == [broken]
    line = json.loads((tmp_path / "quarantine" / "quarantine.jsonl").read_text())
    assert line["source"] == str(victim) and line["reason"]


def test_a_target_that_never_rises_is_listed_apart_with_the_reason(run, archive, tmp_path):
    store = tmp_path / "south.sqlite"
    out = run("rank", archive, "--site", "-60,-70,2000", "--night", NIGHT, "--store", store, "--json")[1]
    hidden = json.loads(out)["not_observable"]
    assert any("never rises" in t["visibility"]["reason"] for t in hidden)
    assert "Not observable tonight" in run("plan", "show", "--store", store)[1]


class TestBadInput:
    def test_missing_file(self, run, tmp_path):
        assert "nonesuch.avro" in refused(run("rank", tmp_path / "nonesuch.avro", *RANK, "--no-store"))

    @pytest.mark.parametrize("name", ["empty.avro", "empty.tar.gz", "empty.tar"])
    def test_empty_file(self, run, tmp_path, name):
        (tmp_path / name).touch()
        assert name in refused(run("rank", tmp_path / name, *RANK, "--no-store"))

    def test_tar_without_alerts(self, run, tmp_path):
        (tmp_path / "README").write_text("nothing here")
        with tarfile.open(tmp_path / "papers.tar.gz", "w:gz") as tar:
            tar.add(tmp_path / "README", "README")
        assert "papers.tar.gz" in refused(run("rank", tmp_path / "papers.tar.gz", *RANK, "--no-store"))

    def test_corrupt_gzip(self, run, tmp_path, archive):
        content = bytearray(archive.read_bytes())
        content[20:60] = bytes(40)
        (tmp_path / "bad.tar.gz").write_bytes(bytes(content))
        assert "bad.tar.gz" in refused(run("rank", tmp_path / "bad.tar.gz", *RANK, "--no-store"))

    def test_wrong_schema(self, run, tmp_path):
        path = tmp_path / "other.avro"
        schema = {"type": "record", "name": "star", "fields": [{"name": "hip", "type": "int"}]}
        with path.open("wb") as stream:
            fastavro.writer(stream, schema, [{"hip": 7}])
        assert "objectId" in refused(run("rank", path, *RANK, "--no-store"))

    @pytest.mark.parametrize(("field", "value"), [("magpsf", math.nan), ("isdiffpos", None)])
    def test_all_points_unusable(self, run, tmp_path, simulated, field, value):
        record = packets(simulated[0])[0]
        record["prv_candidates"] = None
        record["candidate"] = record["candidate"] | {field: value}
        if value is None:
            schema_free = {**record["candidate"], "isdiffpos": "perhaps"}
            record["candidate"] = schema_free
        message = refused(run("rank", put_packets(tmp_path / "bad.avro", [record]), *RANK, "--no-store"))
        assert simulated[0].id in message

    @pytest.mark.parametrize(
        ("site", "night", "message"),
        [
            ("palomr", NIGHT, "palomar"),
            ("palomar", "2026-02-30", "2026-02-30"),
            ("palomar", "tonight", "tonight"),
            ("78.2,15.6", "2026-06-21", "polar day"),
            ("78.2,15.6", "2026-12-21", "polar night"),
        ],
    )
    def test_site_or_night(self, run, archive, site, night, message):
        assert message in refused(run("rank", archive, "--site", site, "--night", night, "--no-store"))

    def test_unknown_strategy(self, run, archive):
        assert "there are:" in refused(run("rank", archive, *RANK, "--strategy", "guess", "--no-store"))

    def test_bundle_with_a_changed_byte(self, run, archive, tmp_path):
        copy = shutil.copytree(PACKAGED / "simulated", tmp_path / "simulated")
        content = bytearray((copy / "p_ts.onnx").read_bytes())
        content[1000] ^= 1
        (copy / "p_ts.onnx").write_bytes(bytes(content))
        for command in (["rank", archive, *RANK, "--no-store", "--bundle", copy], ["bundle", "verify", copy]):
            assert "altered" in refused(run(*command))

    def test_store_of_a_newer_version_is_left_alone(self, run, archive, ranked):
        with sqlite3.connect(ranked) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.close()
        before = ranked.read_bytes()
        assert "newer" in refused(run("rank", archive, *RANK, "--store", ranked))
        assert ranked.read_bytes() == before

    def test_read_only_store(self, run, archive, ranked):
        plain = ranked.with_name("plain.sqlite")
        # A file that SQLite may not write, for root too: its journal mode needs a folder entry that is taken.
        shutil.copy(ranked, plain)
        Path(f"{plain}-wal").mkdir()
        message = refused(run("rank", archive, *RANK, "--store", plain))
        assert str(plain) in message

    def test_something_else_than_a_store(self, run, archive, tmp_path):
        (tmp_path / "notes.txt").write_text("not a database, but long enough to have a header of its own " * 20)
        assert "notes.txt" in refused(run("rank", archive, *RANK, "--store", tmp_path / "notes.txt"))
        assert (tmp_path / "notes.txt").read_text().startswith("not a database")

    def test_no_plan_yet(self, run, tmp_path):
        assert "rank" in refused(run("plan", "show", "--store", tmp_path / "none.sqlite"))

    def test_unknown_target(self, run, ranked):
        assert "ZTF00nope" in refused(run("decide", "ZTF00nope", "approve", "--observer", "ada", "--store", ranked))

    def test_undo_of_somebody_elses_verdict(self, run, ranked):
        name = json.loads(run("plan", "show", "--store", ranked, "--json")[1])["targets"][0]["id"]
        run("decide", name, "approve", "--observer", "ada", "--store", ranked)
        assert "bob" in refused(run("decide", name, "undo", "--observer", "bob", "--store", ranked))

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["rank"], "Missing argument"),
            (["rank", "x.avro", "--site", "palomar", "--night", NIGHT, "--strateg", "random"], "--strategy"),
            (["decide", "ZTF18abc", "maybe", "--observer", "ada"], "'approve'"),
            (["demo", "--objects", "many"], "integer"),
            (["rnak"], "rnak"),
        ],
    )
    def test_wrong_option(self, run, arguments, message):
        line = refused(run(*arguments))
        assert message in line and "--help" in line


def test_real_alerts_are_ranked(run, shared_data, tmp_path):
    real = shared_data / "ztf_alerts" / "ztf_public_20180819_mod1000.tar.gz"
    out = run("rank", real, "--site", "palomar", "--night", "2018-08-20", "--store", tmp_path / "n.sqlite", "--json")[1]
    result = json.loads(out)
    assert result["run"]["alerts_read"] == 30 == result["run"]["scored"] and result["run"]["alerts_bad"] == 0
    assert len({t["scores"]["class_now"] for t in result["targets"]}) > 3


def test_corrupt_real_packets_are_quarantined(run, shared_data, tmp_path):
    folder = shared_data / "ztf_alerts" / "corrupt_and_good"
    out = run("rank", folder, "--site", "lapalma", "--night", "2018-06-01", "--store", tmp_path / "n.sqlite", "--json")[
        1
    ]
    report = json.loads(out)["run"]
    assert report["alerts_read"] == 4 and report["alerts_bad"] == 2
    assert len(list((tmp_path / "quarantine").glob("*.avro"))) == 2


def test_demo_without_a_terminal_prints_the_list(run, tmp_path):
    code, out, _ = run("demo", "--objects", "20", "--folder", tmp_path / "demo")
    assert code == 0 and "value-of-information" in out and "ZTF26" in out
    assert (tmp_path / "demo" / "truth.csv").is_file()


def test_simulating_twice_gives_the_same_bytes(run, tmp_path):
    for name in ("a.tar.gz", "b.tar.gz"):
        assert run("simulate", tmp_path / name, "--objects", "5", "--night", NIGHT, "--seed", "3")[0] == 0
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()


def test_bundle_says_that_it_was_trained_on_simulation(run):
    code, out, _ = run("bundle", "show")
    assert code == 0 and "simulat" in out and "no substitute for training on your own labels" in " ".join(out.split())
    info = json.loads(run("bundle", "show", "--json")[1])
    assert info["bytes"] < 5e6 and info["metrics"]["p_ts_accuracy"] > info["metrics"]["p_t_accuracy"]
    assert "simulated" in [bundle["name"] for bundle in json.loads(run("bundle", "list", "--json")[1])["bundles"]]
    assert json.loads(run("bundle", "verify", "--json")[1])["intact"] is True


def test_sites_and_strategies_are_listed(run):
    sites = json.loads(run("sites", "--json")[1])["sites"]
    assert len(sites) >= 30 and all(s["spectrographs"] for s in sites)
    assert "palomar" in run("sites", "P60")[1]
    assert len(json.loads(run("strategies", "--json")[1])["strategies"]) == 14


@pytest.mark.parametrize(
    "command", [[], ["rank"], ["decide"], ["plan", "show"], ["export"], ["demo"], ["simulate"], ["tui"]]
)
def test_every_command_explains_itself(run, command):
    code, out, _ = run(*command, "--help")
    assert code == 0 and "Usage" in out
