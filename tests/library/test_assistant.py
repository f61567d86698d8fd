"""The virtual assistant: every visit scored by the models that are meant for it, and the same in any company."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from ampel_followup.assistant import NAMED_RANK, assess
from ampel_followup.assistant_scores import SCORES, AssistantScores, assistant_rank
from ampel_followup.errors import BundleError
from ampel_followup.features.visits import SETS, visit_features, visits
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.assistant_bundle import AssistantBundle, ScoreModel
from ampel_followup.models.assistant_saving import TrainedDay, TrainedScore, save_assistant
from ampel_followup.models.trees import Calibration, TreeEnsemble
from ampel_followup.monitoring import anomalies
from ampel_followup.traits import traits

VERSIONS = {s.name: s.version for s in SETS.values()}
# Entry and later visits are told apart by their thresholds; galactic asks for what is derived from the position.
FEATURES = {"real": "rb_pix", "galactic": "abs_galactic_latitude", "fast": "mag_slope"}


def model(feature: str, threshold: float, height: float, missing: bool = False) -> ScoreModel:
    """One decision: log-odds of `height` above the threshold, −`height` below."""
    trees = TreeEnsemble(
        (feature, "dayN"),
        0.0,
        np.array([0, -1, -1]),
        np.array([threshold, -height, height]),
        np.array([missing, False, False]),
        np.array([10.0, 5.0, 5.0]),
    )
    return ScoreModel(trees, Calibration(-1.0, 0.0))


def models(height: float, scores=SCORES) -> TrainedDay:
    thresholds = {"real": 0.5, "galactic": 20.0, "fast": 0.0}
    return TrainedDay({s: TrainedScore(model(FEATURES[s], thresholds[s], height)) for s in scores})


def bundle(folder, days=None, sets=VERSIONS) -> AssistantBundle:
    head = {"name": "toy", "version": "1", "created": "2026-01-01", "description": "toy", "galactic_weight": 0.5}
    return save_assistant(
        folder / "toy", head | {"feature_sets": dict(sets)}, days or {"1": models(1.0), "N": models(2.0)}
    )


def light_curve(rng: np.random.Generator, n: int = 12, **meta) -> LightCurve:
    limit = rng.random(n) < 0.4
    limit[0] = False
    return LightCurve(
        id=f"ZTF{rng.integers(1 << 30)}",
        stock=1,
        time=58000.0 + np.sort(rng.choice(12, n)) + rng.choice(200, n, replace=False) / 1024.0,
        band=rng.choice(["ztfg", "ztfr"], n),
        flux=np.where(limit, 0.0, rng.normal(80.0, 40.0, n)),
        flux_err=rng.uniform(2.0, 6.0, n),
        upper_limit=limit,
        ra=float(rng.uniform(0.0, 360.0)),
        dec=float(rng.uniform(-30.0, 80.0)),
        rb=np.where(limit, np.nan, rng.random(n)),
        meta={"sgscore1": 0.2, "distpsnr1": 1.0} | meta,
    )


def some(n: int, seed: int = 2) -> list[LightCurve]:
    rng = np.random.default_rng(seed)
    return [light_curve(rng, int(rng.integers(1, 25))) for _ in range(n)]


def logistic(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


def test_entry_is_scored_by_day_1_and_later_visits_by_day_n(tmp_path) -> None:
    objects = some(40)
    known = visits(objects)
    names, values = visit_features(objects, known)
    rb = values[:, names.index("rb_pix")]
    scored = assess(objects, bundle(tmp_path))
    rows = [visit for scores in scored for visit in scores.history]
    assert len(rows) == len(known) > 100
    for visit, score, number in zip(rows, rb, known.number, strict=True):
        height = 1.0 if number == 0 else 2.0
        assert visit.p_real == pytest.approx(logistic(height if score > 0.5 else -height))


def test_history_has_every_visit_and_ends_with_what_is_said_now(tmp_path) -> None:
    objects = some(30)
    known = visits(objects)
    for i, scores in enumerate(assess(objects, bundle(tmp_path))):
        last = scores.history[-1]
        assert [visit.mjd for visit in scores.history] == known.mjd[known.object_index == i].tolist()
        assert scores.history[0].day == 0 and last.mjd == objects[i].time[-1]
        assert (scores.p_real, scores.p_galactic, scores.p_fast, scores.rank) == (
            last.p_real,
            last.p_galactic,
            last.p_fast,
            last.rank,
        )
        for visit in scores.history:
            assert visit.rank == assistant_rank(visit.p_real, visit.p_galactic, 0.5)


def test_an_object_is_told_the_same_alone_and_among_a_thousand(tmp_path) -> None:
    objects, assistant = some(1000), bundle(tmp_path)
    together = assess(objects, assistant)
    for i in range(0, 1000, 41):
        assert repr(assess([objects[i]], assistant)) == repr([together[i]])


def test_what_was_said_at_a_visit_stays_in_the_history_when_more_comes(tmp_path) -> None:
    assistant = bundle(tmp_path)
    for lc in some(20, seed=9):
        n = int(visits([lc]).n_points[0])
        columns = ("time", "band", "flux", "flux_err", "upper_limit", "rb")
        then = LightCurve(
            lc.id, 1, ra=lc.ra, dec=lc.dec, meta=lc.meta, **{name: getattr(lc, name)[:n] for name in columns}
        )
        assert assess([then], assistant)[0].history[0] == assess([lc], assistant)[0].history[0]


def test_causes_are_those_of_the_last_visit(tmp_path) -> None:
    for scores in assess(some(20), bundle(tmp_path)):
        causes = {cause.score: cause for cause in scores.causes}
        assert set(causes) == set(SCORES), "each score has one feature that does something"
        height = 1.0 if len(scores.history) == 1 else 2.0
        for score in SCORES:
            assert causes[score].feature == FEATURES[score]
            assert abs(causes[score].effect) == pytest.approx(height)
            assert causes[score].text.endswith("raises it" if causes[score].effect > 0 else "lowers it")
        assert (causes["real"].effect > 0) == (scores.p_real > 0.5)


def test_traits_and_anomalies_are_those_of_the_object(tmp_path) -> None:
    rng = np.random.default_rng(4)
    time = np.repeat(np.arange(14.0), 2) + np.tile([0.0, 0.02], 14)
    decline = 400.0 * 0.93**time
    decline[-2:] *= 4.0
    brightening = LightCurve(
        "x", 0, 58000.0 + time, np.full(28, "ztfr"), decline + rng.normal(0.0, 2.0, 28), np.full(28, 2.0),
        np.zeros(28, dtype=bool), 0.0, 0.0,
    )  # fmt: skip
    objects = [*some(3), brightening, *some(3)]
    scored = assess(objects, bundle(tmp_path))
    assert repr([scores.traits for scores in scored]) == repr(traits(objects))
    assert [scores.anomaly for scores in scored] == anomalies(objects)
    assert scored[3].anomaly


def test_without_explanations_only_the_causes_are_gone(tmp_path) -> None:
    objects, assistant = some(10), bundle(tmp_path)
    explained = assess(objects, assistant)
    unexplained = assess(objects, assistant, explain=False)
    assert repr(unexplained) == repr([replace(scores, causes=()) for scores in explained])


def test_a_name_in_a_catalogue_settles_the_rank(tmp_path) -> None:
    rng = np.random.default_rng(1)
    named, not_named, blank = (
        assess([light_curve(rng, named=name)], bundle(tmp_path))[0] for name in ("SN 2026abc", math.nan, " ")
    )
    assert (named.named, named.rank, named.history[-1].rank) == ("SN 2026abc", NAMED_RANK, NAMED_RANK)
    assert all(visit.rank < NAMED_RANK for visit in named.history[:-1])
    assert (not_named.named, blank.named) == ("", "")
    assert max(not_named.rank, blank.rank) < NAMED_RANK


def test_score_that_the_bundle_has_no_model_of_is_nan(tmp_path) -> None:
    days = {"1": models(1.0, ("real",)), "N": models(1.0, ("real", "galactic"))}
    for scores in assess(some(10), bundle(tmp_path, days)):
        assert all(math.isnan(visit.p_fast) and 0.0 < visit.rank < 10.0 for visit in scores.history)
        assert [math.isnan(visit.p_galactic) for visit in scores.history] == [
            k == 0 for k in range(len(scores.history))
        ]


def test_bundle_of_one_day_scores_all_visits(tmp_path) -> None:
    scored = assess(some(10), bundle(tmp_path, {"N": models(3.0)}))
    expected = {round(logistic(3.0), 9), round(logistic(-3.0), 9)}
    assert {round(visit.p_real, 9) for scores in scored for visit in scores.history} == expected


def test_object_without_a_detection_is_there_without_scores(tmp_path) -> None:
    limit = LightCurve(
        "limit", 0, np.array([58000.0]), np.array(["ztfr"]), np.zeros(1), np.ones(1), np.array([True]), 0.0, 0.0
    )
    one = some(1)
    before, nothing, after = assess([*one, limit, *one], bundle(tmp_path))
    assert repr(before) == repr(after)
    assert nothing.history == nothing.causes == () and math.isnan(nothing.rank) and math.isnan(nothing.p_real)
    assert assess([], bundle(tmp_path)) == []
    assert isinstance(assess([limit], bundle(tmp_path))[0], AssistantScores)


def test_bundle_of_another_version_or_set_is_refused(tmp_path) -> None:
    with pytest.raises(BundleError, match=r"toy 1 needs feature set early 99; visits have day1 1, .*train it again"):
        assess(some(1), bundle(tmp_path, sets={"early": "99"}))
    with pytest.raises(BundleError, match=r"needs feature set fats 1"):
        assess(some(1), bundle(tmp_path, sets={"fats": "1"}))


def test_bundle_of_a_table_serves_if_its_columns_are_known_at_visits(tmp_path) -> None:
    days = {"1": models(1.0, ("real", "galactic"))}
    assert assess(some(1), bundle(tmp_path, days, {}))[0].history
    foreign = TrainedDay({"real": TrainedScore(model("seeing", 1.0, 1.0))})
    with pytest.raises(BundleError, match="trained on seeing, which light curves do not tell"):
        assess(some(1), bundle(tmp_path, {"1": foreign}, {}))
