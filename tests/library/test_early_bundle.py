from __future__ import annotations

import datetime
import json
from pathlib import Path

import numpy as np
import pytest

from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.alerts.spool import light_curves
from ampel_followup.errors import BundleError
from ampel_followup.features import FEATURE_SETS
from ampel_followup.learning.early_training import is_type_ia, train_early
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.assistant_bundle import load_assistant
from ampel_followup.models.bundle import load_bundle
from ampel_followup.models.early_bundle import load_early
from ampel_followup.simulate import simulate_objects, write_alerts


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return an archive of simulated alerts, and a table of types of all its objects."""
    folder = tmp_path_factory.mktemp("night")
    objects = list(simulate_objects(80, datetime.date(2026, 11, 9), np.random.default_rng(5)))
    write_alerts(objects, folder / "night.tar.gz")
    curves = list(light_curves([folder / "night.tar.gz"], quarantine=Quarantine(None)))
    lines = [f"{lc.id},{'SN Ia' if i % 3 == 0 else 'SN II'}" for i, lc in enumerate(curves)]
    (folder / "labels.csv").write_text("\n".join(["id,label", *lines]) + "\n", encoding="utf-8")
    return folder / "night.tar.gz", folder / "labels.csv"


def features(n: int = 300, labelled: int = 60) -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(2)
    is_ia = rng.random(n) < 0.4
    x = rng.normal(size=(n, 4)) + 1.5 * is_ia[:, None]
    x[0, 0] = np.nan
    return x, [("SN Ia" if ia else "SN II") if i < labelled else "" for i, ia in enumerate(is_ia)]


def write_table(path: Path) -> Path:
    x, labels = features()
    lines = [
        f"o{i},{label},{','.join(f'{v:.6f}' for v in row)}"
        for i, (row, label) in enumerate(zip(x, labels, strict=True))
    ]
    path.write_text("\n".join(["id,label,a,b,c,d", *lines]).replace("nan", "") + "\n", encoding="utf-8")
    return path


def test_types_of_ia_are_told_from_others_and_from_those_that_do_not_tell() -> None:
    assert all(is_type_ia(label) for label in ("SN Ia", "SN Ia-91T-like", "Ia", "ia", "SNIa", "1"))
    assert not any(is_type_ia(label) for label in ("SN II", "TDE", "CV", "0", "SN Ib/c"))
    assert is_type_ia("SN") is None and is_type_ia(" ") is None


def test_alerts_and_labels_become_a_bundle_that_scores_light_curves(run, night, tmp_path) -> None:
    archive, labels = night
    code, out, err = run(
        "train", "early", archive, "--labels", labels, "--out", tmp_path / "ia", "--trees", 50, "--json"
    )
    assert code == 0, err
    summary = json.loads(out)
    bundle = load_early(tmp_path / "ia")
    assert summary["digest"] == bundle.digest and bundle.features == FEATURE_SETS["early_ia"].names
    curves = list(light_curves([archive], quarantine=Quarantine(None)))
    p = bundle.score(curves)
    assert ((p > 0) & (p < 1) | np.isnan(p)).all() and np.isfinite(p).any()
    alone = np.array([bundle.score([lc])[0] for lc in curves[:10]])
    np.testing.assert_array_equal(alone, p[:10])
    for command in (["show"], ["verify"]):
        code, out, err = run("bundle", *command, tmp_path / "ia")
        assert code == 0 and "early" in out, err


def test_a_table_of_features_becomes_a_bundle_and_its_unlabelled_rows_choose_the_threshold(run, tmp_path) -> None:
    table = write_table(tmp_path / "t.csv")
    thresholds = {}
    for option in ((), ("--purity", "0.95"), ("--efficiency", "0.95")):
        code, out, err = run("train", "early", table, "--out", tmp_path / "b", "--overwrite", "--json", *option)
        assert code == 0, err
        summary = json.loads(out)
        assert summary["training"]["unlabelled"] == 240
        assert summary["training"]["threshold"]["chosen_on"] == "unlabelled"
        thresholds[option] = summary["threshold"]
    assert thresholds["--purity", "0.95"] > thresholds[()] > thresholds["--efficiency", "0.95"]
    with pytest.raises(BundleError, match="trained on a table of features"):
        load_early(tmp_path / "b").score([])


def test_alerts_without_a_label_choose_the_threshold_and_those_without_a_significant_detection_are_left_out(
    run, night, tmp_path
) -> None:
    archive, labels = night
    lines = labels.read_text(encoding="utf-8").splitlines()
    (tmp_path / "few.csv").write_text("\n".join(lines[:22]) + "\n", encoding="utf-8")
    code, out, err = run(
        "train", "early", archive, "--labels", tmp_path / "few.csv", "--out", tmp_path / "ia", "--json"
    )
    assert code == 0, err
    summary = json.loads(out)
    curves = list(light_curves([archive], quarantine=Quarantine(None)))
    seen = FEATURE_SETS["early_ia"].compute(curves)[:, 0] > 0
    assert summary["training"]["labelled"] + summary["training"]["unlabelled"] == seen.sum() < len(curves)
    assert summary["training"]["labelled"] <= 21
    assert any("without a significant detection" in note for note in summary["notes"])


def test_the_bundle_gives_the_probabilities_of_the_classifier(run, tmp_path) -> None:
    x, labels = features()
    run("train", "early", write_table(tmp_path / "t.csv"), "--out", tmp_path / "b", "--trees", 40, "--seed", 3)
    rows = np.round(x, 6)
    from ampel_followup.learning.early_classifier import EarlyOptions

    trained = train_early(rows, labels, np.random.default_rng(3), options=EarlyOptions(n_trees=40))
    np.testing.assert_allclose(load_early(tmp_path / "b").predict(rows), trained.classifier.predict(rows), atol=1e-5)


def test_ten_labels_are_enough(run, tmp_path) -> None:
    x, labels = features(100, 10)
    trained = train_early(x, labels, np.random.default_rng(0))
    assert trained.training["labelled"] == 10
    assert 0.0 < trained.threshold < 1.0


def test_an_object_without_a_significant_detection_has_no_score(run, night, tmp_path) -> None:
    archive, labels = night
    run("train", "early", archive, "--labels", labels, "--out", tmp_path / "ia", "--trees", 20)
    weak = LightCurve("x", 0, [58000.0], ["ztfr"], [5.0], [5.0], [False], ra=0.0, dec=0.0)
    assert np.isnan(load_early(tmp_path / "ia").score([weak])).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("--purity", "0.9", "--efficiency", "0.9"), "give one of them"),
        (("--label-column", "kind"), "no column 'kind'"),
    ],
)
def test_wrong_options_are_answered_in_one_line(run, tmp_path, change, message) -> None:
    code, _, err = run("train", "early", write_table(tmp_path / "t.csv"), "--out", tmp_path / "b", *change)
    assert code == 2 and message in err and err.count("\n") == 1


def test_one_class_alone_is_refused(run, tmp_path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,label,a\n" + "".join(f"o{i},SN II,{i}\n" for i in range(12)), encoding="utf-8")
    code, _, err = run("train", "early", path, "--out", tmp_path / "b")
    assert code == 2 and "0 labels are of type Ia and 12 are not" in err
    assert not (tmp_path / "b").exists()


def test_a_bundle_of_another_kind_is_told_apart(run, tmp_path) -> None:
    run("train", "early", write_table(tmp_path / "t.csv"), "--out", tmp_path / "b")
    with pytest.raises(BundleError, match="early type Ia supernovae"):
        load_bundle(tmp_path / "b")
    with pytest.raises(BundleError, match="here one for early type Ia supernovae is needed"):
        load_early("simulated")


def test_an_altered_forest_is_refused(run, tmp_path) -> None:
    run("train", "early", write_table(tmp_path / "t.csv"), "--out", tmp_path / "b")
    forest = tmp_path / "b" / "early.onnx"
    forest.write_bytes(forest.read_bytes()[:-1] + b"x")
    with pytest.raises(BundleError, match="was altered"):
        load_early(tmp_path / "b")


# What may be a planet comes first under every strategy: no lenses are looked for.
RANK = ("--site", "palomar", "--night", "2026-11-09", "--no-store", "--no-assistant", "--no-microlensing", "--json")


def test_a_night_is_ranked_by_what_would_teach_the_classifier_most(run, night, tmp_path) -> None:
    archive, labels = night
    run("train", "early", archive, "--labels", labels, "--out", tmp_path / "ia", "--trees", 50)
    early = ("--early", tmp_path / "ia")
    bundle = load_early(tmp_path / "ia")
    curves = list(light_curves([archive], quarantine=Quarantine(None)))
    expected = dict(zip([lc.id for lc in curves], bundle.score(curves).tolist(), strict=True))
    distance = {
        "early-snia": lambda p: -p,
        "learning-boundary": lambda p: abs(p - bundle.threshold),
        "learning-uncertainty": lambda p: abs(p - 0.5),
    }
    for strategy, of in distance.items():
        code, out, err = run("rank", archive, *RANK, *early, "--strategy", strategy)
        assert code == 0, err
        plan = json.loads(out)
        assert plan["run"]["early"] == {"bundle": bundle.label, "digest": bundle.digest}
        found = [(t["id"], t["scores"]["p_snia"]) for t in plan["targets"]]
        assert len(found) > 5
        for name, p in found:
            assert p == (None if np.isnan(expected[name]) else expected[name])
        order = [of(p) for _, p in found if p is not None]
        assert order == sorted(order)
        assert all(p is None for _, p in found[len(order) :])


def test_a_plan_says_which_models_made_it(run, night, tmp_path) -> None:
    archive, labels = night
    run("train", "early", archive, "--labels", labels, "--out", tmp_path / "ia", "--trees", 50)
    early, gain, assistant = load_early(tmp_path / "ia"), load_bundle(), load_assistant()
    store = tmp_path / "night.sqlite"
    code, ranked, err = run("rank", archive, "--site", "palomar", "--night", "2026-11-09", "--store", store,
                            "--early", tmp_path / "ia", "--top", 1)  # fmt: skip
    assert code == 0, err
    _, shown, _ = run("plan", "show", "--store", store)
    for out in (ranked, shown):
        for line in (
            f"bundle {gain.label}, digest {gain.digest[:16]}",
            f"assistant {assistant.label}, digest {assistant.digest[:16]}, policy ",
            f"early classifier {early.label}, digest {early.digest[:16]}",
        ):
            assert line in out
    plan = json.loads(run("plan", "show", "--store", store, "--json")[1])
    assert (plan["bundle"], plan["bundle_digest"]) == (gain.label, gain.digest)
    assert (plan["assistant"], plan["assistant_digest"]) == (assistant.label, assistant.digest)
    assert plan["run"]["early"] == {"bundle": early.label, "digest": early.digest}
    assert any(target["scores"]["p_snia"] is not None for target in plan["targets"])


def test_without_an_early_classifier_its_strategies_are_refused_and_its_score_is_empty(run, night) -> None:
    archive, _ = night
    code, _, err = run("rank", archive, *RANK, "--strategy", "learning-boundary")
    assert code == 2 and "name its bundle with --early" in err and err.count("\n") == 1
    mixture = "mixture:value-of-information=0.8,learning-boundary=0.2"
    assert run("rank", archive, *RANK, "--strategy", mixture)[0] == 2
    code, out, _ = run("rank", archive, *RANK)
    assert code == 0
    assert all(t["scores"]["p_snia"] is None for t in json.loads(out)["targets"])
