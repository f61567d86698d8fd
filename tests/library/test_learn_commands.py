"""`ampel-followup learn` as a person at the terminal meets it: spectra, promotion by policy, what is gone, Ctrl-C."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sample_challengers import challenger_in, comparison

from ampel_followup.learning.training_table import principal_spectra, read_table
from ampel_followup.models.bundle import load_bundle
from ampel_followup.models.folder import PACKAGED
from ampel_followup.spectra.features import to_grid
from ampel_followup.spectra.readers import read_spectrum
from ampel_followup.store import Store

Run = Callable[..., tuple[int, str, str]]

RANK = ("--site", "palomar", "--night", "2026-11-09", "--no-assistant", "--top", 3)


@pytest.fixture
def place(ranked_night: Path, tmp_path: Path) -> Path:
    return shutil.copytree(ranked_night, tmp_path / "loop")


@pytest.fixture
def labelled(place: Path, run: Run) -> Path:
    """The night after 40 of its targets were observed and came back."""
    store = place / "night.sqlite"
    with Store.open(store) as opened:
        listed = [target.id for target in opened.load_plan().plan.targets[:40]]
    known = truth(place)
    write_labels(place / "labels.csv", {name: known[name] for name in listed})
    code, _, err = run("label", "import", place / "labels.csv", "--source", "spectrum", "--store", store)
    assert code == 0, err
    return place


def truth(place: Path) -> dict[str, str]:
    with (place / "night" / "truth.csv").open() as file:
        return {row["id"]: row["label"] for row in csv.DictReader(file)}


def write_labels(path: Path, named: dict[str, str]) -> None:
    path.write_text("name,type\n" + "".join(f"{name},{label_type}\n" for name, label_type in named.items()), "utf-8")


def learn(run: Run, place: Path, *options: object) -> dict:
    code, out, err = run("learn", "--store", place / "night.sqlite", "--bundle", place / "mine", "--folds", 2,
                         "--no-report", "--json", *options)  # fmt: skip
    assert code == 0, err
    return json.loads(out)


def test_measured_spectra_are_learned_and_those_that_cannot_be_read_are_named(labelled: Path, run: Run) -> None:
    names = sorted(row["name"] for row in csv.DictReader((labelled / "labels.csv").open()))
    spectra, mine = labelled / "spectra", labelled / "night" / "spectra"
    spectra.mkdir()
    files = {name: next(mine.glob(f"{name}.*")) for name in names[:12]}
    for path in files.values():
        shutil.copy(path, spectra)
    (spectra / f"{names[12]}.dat").write_text("not a spectrum\n")
    (spectra / "SN1987A.dat").write_text("of no labelled object\n")

    without = learn(run, labelled, "--name", "without")
    made = learn(run, labelled, "--name", "with", "--spectra", spectra)
    assert without["spectra"] == {"used": 0, "unused": []}
    assert made["spectra"]["used"] == 12
    [unused] = made["spectra"]["unused"]
    assert (unused["id"], unused["reason"]) == (names[12], "spectrum cannot be read")
    assert made["challenger"]["n_learned"] == 40

    tables = {name: read_table(labelled / "challengers" / name, load_bundle(labelled / "challengers" / name))
              for name in ("with", "without")}  # fmt: skip
    row_of = {str(name): row for row, name in enumerate(tables["with"].ids)}
    project = principal_spectra(load_bundle(labelled / "mine").files).transform
    for name, path in files.items():
        measured = read_spectrum(path)
        expected = project(to_grid(measured.wavelength, measured.flux)[None, :])[0]
        np.testing.assert_allclose(tables["with"].x_s[row_of[name]], expected, atol=6e-4)  # as the table rounds
        assert not np.allclose(tables["without"].x_s[row_of[name]], expected, atol=1e-2)
    # All the others have the same possible spectrum in both.
    others = [row for name, row in row_of.items() if name not in files]
    np.testing.assert_array_equal(tables["with"].x_s[others], tables["without"].x_s[others])


def test_a_folder_without_a_spectrum_of_any_labelled_object_is_refused(labelled: Path, run: Run) -> None:
    (labelled / "empty").mkdir()
    code, _, err = run("learn", "--store", labelled / "night.sqlite", "--spectra", labelled / "empty", "--bundle",
                       labelled / "mine", "--no-report")  # fmt: skip
    assert code == 2 and err.count("\n") == 1
    assert "no file is named like an object" in err
    assert not (labelled / "challengers").exists()


def test_a_policy_promotes_what_is_better_and_says_how_much(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "night.sqlite"
    with Store.open(path) as store:
        better = challenger_in(store, "better", comparison=comparison(n_objects=60))
    code, out, err = run("learn", "promote", "better", "--by-policy", "--observer", "ada", "--comment", "weekly",
                         "--store", path, "--json")  # fmt: skip
    assert code == 0, err
    promotion = json.loads(out)["promotion"]
    assert (promotion["bundle_digest"], promotion["policy"]) == (better.bundle_digest, "careful 1")
    assert (promotion["observer"], promotion["comment"]) == ("ada", "weekly")
    assert "log-loss [nat] better by +0.100, 0.02 needed" in promotion["reason"]
    assert "95 % +0.050 to +0.150" in promotion["reason"]
    _, history, _ = run("learn", "history", "--store", path)
    assert "careful 1" in history


def test_a_policy_that_does_not_allow_it_says_only_what_is_missing(run: Run, tmp_path: Path) -> None:
    path, rules = tmp_path / "night.sqlite", tmp_path / "strict.yml"
    with Store.open(path) as store:
        challenger_in(store, "few")  # 20 objects
        challenger_in(store, "many", comparison=comparison(n_objects=60))
    by_policy = ("--by-policy", "--observer", "ada", "--store", path)
    code, out, err = run("learn", "promote", "few", *by_policy)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "does not allow few: 20 labelled objects, 50 needed; decide without --by-policy" in err
    _, printed, _ = run("learn", "policy", "--json")
    rules.write_text(json.dumps(json.loads(printed)["policy"] | {"name": "strict", "better_by": 0.2}), "utf-8")
    code, _, err = run("learn", "promote", "many", *by_policy, "--policy", rules)
    assert code == 2 and "policy strict 1 does not allow many: log-loss [nat] better by +0.100, 0.2 needed" in err
    code, _, err = run("learn", "promote", "simulated", *by_policy)
    assert code == 2 and "has no challenger 'simulated'; there are many, few" in err
    with Store.open(path) as store:
        assert store.learning.promotions() == []


def test_a_promoted_bundle_that_is_gone_stops_the_ranking_until_somebody_decides(place: Path, run: Run) -> None:
    store, mine = place / "night.sqlite", place / "mine"
    alerts = place / "night" / "a.tar.gz"
    assert run("learn", "promote", mine, "--observer", "ada", "--store", store)[0] == 0
    mine.rename(place / "elsewhere")
    code, out, err = run("rank", alerts, *RANK, "--store", store)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "mine 1, promoted by ada on" in err and f"cannot read {mine / 'bundle.json'}" in err
    assert "put it back, `ampel-followup learn rollback`, or name another with --bundle" in err
    _, status, _ = run("learn", "status", "--store", store)
    assert "problem: mine 1, promoted by ada on" in status
    # Each of the three remedies is one.
    assert run("rank", alerts, *RANK, "--store", store, "--bundle", place / "elsewhere")[0] == 0
    (place / "elsewhere").rename(mine)
    code, out, _ = run("rank", alerts, *RANK, "--store", store)
    assert code == 0 and f"bundle mine 1, digest {load_bundle(mine).digest[:16]}" in out
    assert "problem" not in run("learn", "status", "--store", store)[1]
    mine.rename(place / "elsewhere")
    assert run("learn", "rollback", "--observer", "bob", "--store", store)[0] == 0
    code, out, _ = run("rank", alerts, *RANK, "--store", store)
    assert code == 0 and f"bundle {load_bundle(PACKAGED / 'simulated').label}" in out


def test_two_stores_in_a_folder_leave_each_others_challengers_alone(labelled: Path, run: Run) -> None:
    other = labelled / "other.sqlite"
    shutil.copy(labelled / "night.sqlite", other)
    first = learn(run, labelled)
    name = first["challenger"]["name"]
    common = ("--store", other, "--bundle", labelled / "mine", "--folds", 2, "--no-report", "--json")
    code, out, err = run("learn", *common, "--seed", 2)
    assert code == 0, err
    assert json.loads(out)["challenger"]["name"] == f"{name}-2"
    code, _, err = run("learn", *common, "--seed", 3, "--name", name)
    assert code == 2 and "is there already, and not a challenger of this store; give this one another --name" in err
    assert load_bundle(labelled / "challengers" / name).digest == first["challenger"]["bundle_digest"]


@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL"])
def test_learning_that_is_stopped_or_killed_goes_on_when_started_again(labelled: Path, run: Run, how: str) -> None:
    store, work = labelled / "night.sqlite", labelled / "challengers"
    arguments = ["learn", "--store", str(store), "--bundle", str(labelled / "mine"), "--folds", "3", "--no-report",
                 "--name", "one"]  # fmt: skip
    # The process gets the signal when its second fold begins.
    code = f"""
import os, signal, sys
from ampel_followup.cli import main
from ampel_followup.learning import paired_comparison
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells have what runs in the background ignore it
fit, fits = paired_comparison.fit_p_t, []
def fit_until_stopped(*arguments):
    fits.append(1)
    if len(fits) == 2:
        os.kill(os.getpid(), signal.{how})
    return fit(*arguments)
paired_comparison.fit_p_t = fit_until_stopped
sys.exit(main({arguments!r}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if how == "SIGINT":
        assert done.returncode == 130
        assert done.stderr == (
            "ampel-followup: stopped; what was stored before is kept, the same command can be started again\n"
        )
    else:
        assert done.returncode == -9
    [left] = work.iterdir()
    assert [path.name for path in left.iterdir()] == ["fold-0.npy"]
    with Store.open(store) as opened:
        assert (len(opened.labels()), opened.learning.challengers()) == (40, [])
    code_again, out, err = run(*arguments)
    assert code_again == 0, err
    assert "one: learned from 40 labelled objects" in out
    assert [path.name for path in work.iterdir()] == ["one"]


def test_a_place_that_cannot_be_written_to_is_one_line(labelled: Path, run: Run) -> None:
    (labelled / "challengers").write_text("no folder")
    code, out, err = run("learn", "--store", labelled / "night.sqlite", "--bundle", labelled / "mine", "--no-report")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "cannot write beside" in err and "what was done is kept" in err


def test_the_report_says_what_was_tested_and_shows_no_number_that_is_none(labelled: Path, run: Run) -> None:
    store, report = labelled / "night.sqlite", labelled / "challengers" / "one" / "report"
    code, out, err = run("learn", "--store", store, "--bundle", labelled / "mine", "--folds", 2, "--name", "one")
    assert code == 0, err
    assert f"report: {report / 'index.html'}" in out
    page = (report / "index.html").read_text("utf-8")
    assert "Compared on 40 labelled objects" in page and "Learned with their spectrum: 0" in page
    # A class that nobody was named as has no precision.
    assert "nan" not in page and "<td>–</td>" in page
    for name in ("gain", "confusion", "recall", "reliability"):
        assert f'src="{name}.svg"' in page and (report / f"{name}.png").is_file()
    assert len((report / "tested.csv").read_text("utf-8").splitlines()) == 1 + 40


def test_labels_that_disagree_and_classes_never_seen_are_said_and_kept(labelled: Path, run: Run) -> None:
    store = labelled / "night.sqlite"
    with Store.open(store) as opened:
        ranked = [target.id for target in opened.load_plan().plan.targets]
    write_labels(labelled / "a.csv", dict.fromkeys(ranked[40:43], "SN Ia"))
    write_labels(labelled / "b.csv", dict.fromkeys(ranked[40:43], "SN II") | dict.fromkeys(ranked[43:46], "nova"))
    for source in ("a", "b"):
        assert run("label", "import", labelled / f"{source}.csv", "--source", source, "--store", store)[0] == 0
    assert run("label", "set", "ZTF18nowhere", "SN Ia", "--observer", "ada", "--store", store)[0] == 0
    _, conflicts, _ = run("label", "list", "--conflicts", "--store", store, "--json")
    assert {label["target"] for label in json.loads(conflicts)["labels"]} == set(ranked[40:43])
    code, out, err = run("learn", "--store", store, "--bundle", labelled / "mine", "--folds", 2, "--no-report")
    assert code == 0, err
    for said in (
        "learned from 40 labelled objects",
        "left out: 3, labels of equal trust disagree",
        "left out: 3, class never seen in training, and fewer than 10 objects of it",
        "left out: 1, never in a plan",
    ):
        assert said in out
    with Store.open(store) as opened:
        assert len(opened.labels()) == 40 + 3 + 6 + 1
