"""What the app and `learn status` say of the loop."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from assistant_plans import PLAN, plan_of
from sample_challengers import NOW, challenger_in

from ampel_followup.labels import Label
from ampel_followup.learning_state import LearningState, learning_state
from ampel_followup.plan import RankedTarget
from ampel_followup.promoting import promote, roll_back
from ampel_followup.store import Store

FIRST, SECOND = PLAN.targets[:2]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "night.sqlite") as opened:
        yield opened


def with_classes(target: RankedTarget, **p_t: float) -> RankedTarget:
    probable = max(p_t, key=lambda name: p_t[name])
    return replace(target, scores=replace(target.scores, p_t=p_t, class_now=probable))


def listed(store: Store, night: str, *targets: RankedTarget) -> int:
    """Keep a plan that lists targets."""
    plan = replace(plan_of(night), targets=tuple(replace(t, rank=i) for i, t in enumerate(targets, 1)))
    return store.save_plan(plan, created=NOW)


def label(store: Store, target: str, label_type: str, source: str = "TNS", day: str = "2018-08-25") -> None:
    store.add_labels([Label(target, label_type, source, day)])


def test_a_label_that_came_back_says_what_it_was_taken_for_when_it_was_first_listed(store: Store) -> None:
    store.save_plan(plan_of("2018-08-19", replace(FIRST, rank=0)), created=NOW)  # set aside: nobody decided on it
    revision = listed(store, "2018-08-20", with_classes(FIRST, AGN=0.7, TDE=0.3))
    listed(store, "2018-08-21", with_classes(FIRST, AGN=0.1, TDE=0.9))
    label(store, FIRST.id, "TDE-H-He")
    label(store, FIRST.id, "AGN", source="human")
    label(store, "ZTF18unknown", "SN Ia")
    state = learning_state(store)
    [returned] = state.returned
    assert (returned.target, returned.class_then, returned.class_now) == (FIRST.id, "AGN", "TDE")
    assert (returned.p_then, returned.p_label, returned.was_right) == (0.7, 0.3, False)
    assert (returned.type, returned.source, returned.others) == ("TDE-H-He", "TNS", ("AGN",))
    assert (returned.night, returned.revision, returned.rank) == ("2018-08-20", revision, 1)
    assert (returned.bundle, returned.bundle_digest) == (PLAN.bundle, PLAN.bundle_digest)
    assert (state.n_unmatched, state.share_right) == (1, 0.0)


def test_only_labels_since_the_last_promotion_came_back(store: Store) -> None:
    listed(store, "2018-08-20", with_classes(FIRST, AGN=1.0), with_classes(SECOND, AGN=1.0))
    label(store, FIRST.id, "AGN")
    challenger_in(store, "first")
    promote(store, "first", observer="ada", time=NOW)
    assert learning_state(store).returned == ()
    label(store, SECOND.id, "AGN")
    assert [r.target for r in learning_state(store).returned] == [SECOND.id]
    roll_back(store, observer="ada", time=NOW)
    state = learning_state(store)
    assert state.returned == ()
    assert [p.action for p in state.history] == ["roll back", "promote"]


def test_the_state_shows_what_is_in_use_and_what_could_be(store: Store) -> None:
    old, new = challenger_in(store, "old"), challenger_in(store, "new")
    promote(store, "old", observer="ada", time=NOW)
    state = learning_state(store)
    assert (state.in_use.bundle_digest, state.in_use.observer) == (old.bundle_digest, "ada")
    assert [c.name for c in state.challengers] == ["new", "old"]
    assert state.challengers[0].comparison.difference("accuracy").gain == 0.1
    assert state.challengers[0] == new
    with pytest.raises(KeyError, match="purity"):
        new.comparison.difference("purity")


def test_the_newest_plan_of_each_site_says_what_is_not_as_in_training(store: Store) -> None:
    feature = {"name": "n_g", "psi": 0.4, "moved": True, "text": "fewer g points"}
    quiet = {"name": "n_r", "psi": 0.0, "moved": False, "text": ""}
    drift = {"moved": ["n_g"], "sentence": "1 of 2 features moved", "features": [quiet, feature]}
    store.save_plan(plan_of("2018-08-20"), created=NOW, report={"drift": drift})
    [warning] = learning_state(store).drift
    assert (warning.model, warning.features, warning.texts) == ("gain", ("n_g",), ("fewer g points",))
    assert (warning.night, warning.psi) == ("2018-08-20", (0.4,))
    store.save_plan(plan_of("2018-08-21"), created=NOW, report={"drift": {"moved": [], "features": [quiet]}})
    assert learning_state(store).drift == ()


def test_the_state_survives_json(store: Store) -> None:
    listed(store, "2018-08-20", with_classes(FIRST, AGN=1.0))
    label(store, FIRST.id, "SN Ia")
    challenger_in(store, "first")
    state = learning_state(store)
    again = LearningState.from_dict(json.loads(json.dumps(state.to_dict(), allow_nan=False)))
    assert again.to_dict() == state.to_dict()
    assert again.challengers == state.challengers


def test_reading_the_state_loads_no_science_stack(tmp_path: Path) -> None:
    path = tmp_path / "night.sqlite"
    with Store.open(path) as opened:
        listed(opened, "2018-08-20", with_classes(FIRST, AGN=1.0))
        label(opened, FIRST.id, "SN Ia")
        challenger_in(opened, "first")
        promote(opened, "first", observer="ada", time=NOW)
    code = f"""
import sys
from ampel_followup.learning_state import learning_state
from ampel_followup.store import Store
with Store.open({str(path)!r}) as store:
    assert learning_state(store).challengers
heavy = {{"numpy", "scipy", "sklearn", "astropy", "sqlalchemy", "onnxruntime"}}
print(sorted(heavy & set(sys.modules)))
"""
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert printed == "[]\n"
