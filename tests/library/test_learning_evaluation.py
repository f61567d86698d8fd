from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ampel_followup.cli import main
from ampel_followup.errors import FollowupError
from ampel_followup.evaluation import learning_runs
from ampel_followup.evaluation.learning_curves import smoothed, spectra_needed, summarise
from ampel_followup.evaluation.learning_data import LearningData, load_learning_data
from ampel_followup.evaluation.learning_loop import LoopOptions, divide, found, run_loop
from ampel_followup.evaluation.learning_runs import run_all
from ampel_followup.features import FEATURE_SETS
from ampel_followup.learning.budgets import Telescope
from ampel_followup.learning.early_classifier import EarlyOptions

SHARED = Path(__file__).parents[3] / "shared" / "data"

QUICK = LoopOptions(queries=30, batch=10, n_test=100, classifier=EarlyOptions(n_trees=20))


def simulated(n: int = 300, seed: int = 0) -> LearningData:
    rng = np.random.default_rng(seed)
    is_ia = rng.random(n) < 0.3
    x = rng.normal(size=(n, 5))
    x[:, :2] += 1.5 * is_ia[:, None]
    mag = rng.uniform(17.0, 22.0, n)
    groups = {"spectroscopic": np.flatnonzero(mag < 18.0)}
    ids = tuple(f"o{i}" for i in range(n))
    return LearningData("simulated", ids, x, tuple("abcde"), is_ia, mag, "simulated", groups)


def table(folder: Path, n: int = 200) -> Path:
    data = simulated(n)
    rows = [
        f"{name},{'SN Ia' if ia else 'II'},{','.join(f'{v:.4f}' for v in x)},{mag:.2f}"
        for name, ia, x, mag in zip(data.ids, data.is_ia, data.x, data.mag, strict=True)
    ]
    path = folder / "objects.csv"
    path.write_text("\n".join(["id,label,a,b,c,d,e,mag", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("start", ["random", "spectroscopic"])
def test_nothing_that_is_tested_is_ever_asked_about(start: str) -> None:
    data, options = simulated(), LoopOptions(start, n_test=100, queries=30, batch=10, classifier=QUICK.classifier)  # type: ignore[arg-type]
    test, pool, labelled = divide(data, 1, options)
    assert not set(test) & set(pool) and not set(test) & set(labelled) and not set(pool) & set(labelled)
    run = run_loop(data, "boundary", 1, options)
    assert len(run.asked) == len(set(run.asked.tolist())) == 30
    assert set(run.asked.tolist()) <= set(pool.tolist())


def test_all_strategies_of_a_seed_begin_with_the_same_forest_labels_and_test_objects() -> None:
    first = {name: run_loop(simulated(), name, 3, QUICK).measures[0].tolist() for name in ("random", "boundary")}
    assert first["random"] == first["boundary"]
    assert run_loop(simulated(), "random", 4, QUICK).measures[0].tolist() != first["random"]


def test_a_run_is_the_same_whenever_it_is_made() -> None:
    first, second = (run_loop(simulated(), "diverse", 2, QUICK) for _ in range(2))
    np.testing.assert_array_equal(first.measures, second.measures)
    np.testing.assert_array_equal(first.asked, second.asked)


def test_a_random_start_has_two_objects_of_each_class() -> None:
    data = simulated()
    rare = np.zeros(len(data), dtype=bool)
    rare[:12] = True
    few = LearningData("few", data.ids, data.x, data.features, rare, data.mag, "")
    for seed in range(5):
        _, _, labelled = divide(few, seed, LoopOptions(n_start=4, n_test=100))
        assert rare[labelled].sum() >= 2 and (~rare[labelled]).sum() >= 2


def test_a_magnitude_limit_and_the_time_of_telescopes_are_kept() -> None:
    data = simulated()
    telescopes = (Telescope("small", 250.0, 18.5, fixed_cost=100.0), Telescope("large", 900.0, 20.0, fixed_cost=400.0))
    options = LoopOptions(queries=20, batch=10, n_test=100, telescopes=telescopes, classifier=QUICK.classifier)
    run = run_loop(data, "boundary", 1, options)
    assert (data.mag[run.asked] <= 20.0).all()
    assert np.diff(run.spectra).max() <= 4  # two at each
    assert np.diff(run.seconds).max() <= 1000.0


def test_the_test_labels_choose_nothing() -> None:
    data = simulated()
    test, _, _ = divide(data, 1, QUICK)
    turned = data.is_ia.copy()
    turned[test] = ~turned[test]
    other = LearningData("other", data.ids, data.x, data.features, turned, data.mag, "")
    np.testing.assert_array_equal(
        run_loop(data, "boundary", 1, QUICK).asked, run_loop(other, "boundary", 1, QUICK).asked
    )


def test_measures_of_a_selection() -> None:
    truth = np.array([True] * 4 + [False] * 6)
    called = np.array([True, True, True, False, True] + [False] * 5)
    efficiency, purity, merit = found(called, truth)
    assert (efficiency, purity) == (0.75, 0.75)
    assert merit == pytest.approx(0.75 * 3 / (3 + 3 * 1))
    assert found(np.zeros(10, dtype=bool), truth) == (0.0, 0.0, 0.0)


def test_runs_are_kept_and_an_interrupted_comparison_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, made = simulated(), []

    def counted(*of: object) -> object:
        made.append(of[1:3])
        if len(made) == 3:
            raise KeyboardInterrupt
        return run_loop(*of)  # type: ignore[arg-type]

    monkeypatch.setattr(learning_runs, "run_loop", counted)
    with pytest.raises(KeyboardInterrupt):
        run_all(data, ("random", "boundary"), (1, 2), QUICK, tmp_path)
    again = run_all(data, ("random", "boundary"), (1, 2), QUICK, tmp_path)
    assert made == [("random", 1), ("boundary", 1), ("random", 2), ("random", 2), ("boundary", 2)]
    monkeypatch.undo()
    for (strategy, seed), run in again.items():
        np.testing.assert_array_equal(run.measures, run_loop(data, strategy, seed, QUICK).measures)


def test_a_damaged_result_is_made_again(tmp_path: Path) -> None:
    data = simulated()
    first = run_all(data, ("random",), (1,), QUICK, tmp_path)
    (file,) = tmp_path.glob("*/random-1.json")
    file.write_text(file.read_text(encoding="utf-8")[:50], encoding="utf-8")
    again = run_all(data, ("random",), (1,), QUICK, tmp_path)
    np.testing.assert_array_equal(first["random", 1].measures, again["random", 1].measures)


def test_other_data_or_options_do_not_get_kept_results(tmp_path: Path) -> None:
    run_all(simulated(), ("random",), (1,), QUICK, tmp_path)
    run_all(simulated(seed=1), ("random",), (1,), QUICK, tmp_path)
    other = LoopOptions(queries=20, batch=10, n_test=100, classifier=QUICK.classifier)
    run_all(simulated(), ("random",), (1,), other, tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_processes_give_the_results_of_one(tmp_path: Path) -> None:
    tasks = (simulated(), ("random", "boundary"), (1,), QUICK)
    one, two = run_all(*tasks, tmp_path / "one"), run_all(*tasks, tmp_path / "two", workers=2)
    assert one.keys() == two.keys()
    for task in one:
        np.testing.assert_array_equal(one[task].measures, two[task].measures)


def test_spectra_needed_does_not_count_a_touch_by_chance() -> None:
    grid = np.arange(0, 100, 10)
    steady = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.7, 0.7, 0.7])
    assert spectra_needed(steady, 0.5, grid) == 40.0
    touched = steady.copy()
    touched[1] = 1.0
    assert spectra_needed(touched, 0.5, grid) == 40.0
    assert spectra_needed(steady, 0.9, grid) == float("inf")
    np.testing.assert_allclose(smoothed(steady)[:2], [0.2, 0.3])


def test_the_baseline_reaches_its_last_level_and_saves_nothing_against_itself() -> None:
    data = simulated()
    runs = {(s, k): run_loop(data, s, k, QUICK) for s in ("random", "boundary") for k in (1, 2, 3)}
    summary = summarise(runs, [0.3], 40, 10, np.random.default_rng(0))
    told = summary["strategies"]["random"]
    assert told["saved"]["value"] == 0.0 and told["spectra_to_baseline"]["value"] is not None
    assert told["at_labels"]["labels"] == 40
    for strategy in summary["strategies"].values():
        curve = strategy["curves"]["efficiency_purity"]
        assert all(
            low <= mean <= high for low, mean, high in zip(curve["low"], curve["mean"], curve["high"], strict=True)
        )
    json.dumps(summary, allow_nan=False)


def test_halves_of_the_data_share_no_object_and_keep_their_groups() -> None:
    data = simulated(301)
    development, report = data.part("development"), data.part("report")
    assert not set(development.ids) & set(report.ids)
    assert set(development.ids) | set(report.ids) == set(data.ids)
    for half in (development, report):
        assert (half.mag[half.groups["spectroscopic"]] < 18.0).all()
    assert data.digest != development.digest != report.digest


def test_the_command_compares_strategies_on_a_table_and_draws(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "evaluate", "learning", str(table(tmp_path)), "--strategies", "random,boundary", "--seeds", "2", "--queries",
        "30", "--test", "60", "--trees", "20", "--levels", "0.4", "--workers", "1", "--results", str(tmp_path / "kept"),
    ]  # fmt: skip
    assert main([*arguments, "--plots", str(tmp_path / "plots"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["objects"] == 200 and result["spectra"] == [0, 10, 20, 30]
    assert set(result["strategies"]) == {"random", "boundary"}
    assert {Path(file).name for file in result["plots"]} >= {"learning_curves.png", "spectra_needed.svg"}
    assert all(Path(file).stat().st_size > 1000 for file in result["plots"])
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "efficiency × purity" in out and "boundary" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--strategies", "bounday"], "did you mean 'boundary'"),
        (["--strategies", "random,random"], "names nothing, or something twice"),
        (["--telescope", "sedm"], "give INSTRUMENT=HOURS"),
        (["--levels", "2"], "give numbers between 0 and 1"),
        (["--start", "spectroscopic"], "no spectroscopic sample"),
        (["--label-column", "kind"], "no column 'kind'"),
        (["--age", "10", "--whole"], "contradict each other"),
        (["--magnitude-limit", "10"], "no object of the pool is within the limits"),
    ],
)
def test_wrong_options_are_answered_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    kept = ["--results", str(tmp_path / "kept"), "--seeds", "1", "--workers", "1"]
    assert main(["evaluate", "learning", str(table(tmp_path)), *kept, *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_two_spectrographs_share_the_nights_and_their_time_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    telescopes = ["--telescope", "sedm=3", "--telescope", "wifes=2", "--magnitude-limit", "19"]
    options = ["--strategies", "random", "--seeds", "1", "--queries", "20", "--trees", "20", "--workers", "1"]
    kept = ["--results", str(tmp_path / "kept")]
    assert main(["evaluate", "learning", str(table(tmp_path)), *telescopes, *options, *kept, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert len(result["telescopes"]) == 2
    assert result["strategies"]["random"]["telescope_hours"] > 0.0
    assert main(["evaluate", "learning", str(table(tmp_path)), *telescopes, *options, *kept]) == 0
    assert "random" in capsys.readouterr().out.split("time of")[1]


def test_a_label_that_does_not_tell_the_type_is_refused_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,label,a\n1,SN Ia,0.1\n2,SN,0.2\n", encoding="utf-8")
    with pytest.raises(FollowupError, match="row 2: the label 'SN' does not tell"):
        load_learning_data(path)


def test_a_table_without_ia_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,label,a\n1,II,0.1\n2,Ib,0.2\n", encoding="utf-8")
    with pytest.raises(FollowupError, match="0 of 2 labels are of type Ia"):
        load_learning_data(path)


def test_what_is_no_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FollowupError, match="no data set to learn from"):
        load_learning_data(tmp_path)


@pytest.mark.skipif(not (SHARED / "elasticc").is_dir(), reason="the ELAsTiCC alerts are not beside the repository")
def test_elasticc_has_one_row_of_early_features_per_object() -> None:
    data = load_learning_data(SHARED / "elasticc")
    assert len(data) == len(set(data.ids)) == 4675 and data.is_ia.sum() == 2453
    assert data.features == FEATURE_SETS["early_ia"].names
    assert np.isfinite(data.mag).mean() > 0.95
    assert 18.0 < np.nanmedian(data.mag) < 25.0


@pytest.mark.skipif(not (SHARED / "snpcc").is_dir(), reason="the SNPCC light curves are not beside the repository")
def test_snpcc_is_cut_at_the_time_of_the_decision_and_knows_its_biased_sample() -> None:
    data = load_learning_data(SHARED / "snpcc")
    age = data.x[:, data.features.index("significant_for")]
    assert len(data) == 11211 and len(data.groups["spectroscopic"]) == 1103
    assert np.nanmedian(age) < 20.0 and np.nanpercentile(age, 95) < 30.0
    assert np.nanmedian(data.mag[data.groups["spectroscopic"]]) < np.nanmedian(data.mag) - 0.5
