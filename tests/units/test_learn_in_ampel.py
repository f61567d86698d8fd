"""Learning inside AMPEL: the command runs as a process, its result becomes a document, and what is promoted is used."""

from __future__ import annotations

import csv
import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

pytest.importorskip("ampel.core.AmpelDB", reason="the AMPEL stack is the extra 'ztf'")

from ampel.log.AmpelLogger import AmpelLogger
from ampel.struct.UnitResult import UnitResult

from ampel.followup.t4.T4LearnFromLabels import T4LearnFromLabels
from ampel_followup.labels import Label
from ampel_followup.models.bundle import load_bundle
from ampel_followup.promoting import promote, roll_back
from ampel_followup.simulate import simulate_objects, write_alerts
from ampel_followup.store import Store

EXAMPLES = Path(__file__).parents[2] / "conf" / "ampel-followup" / "examples"
SITE, NIGHT, NOW = "palomar", "2026-11-09", "2026-11-10T08:00:00Z"


def test_a_store_with_too_little_to_learn_from_is_said_in_the_document(tmp_path: Path) -> None:
    store = tmp_path / "night.sqlite"
    Store.open(store).close()
    done = T4LearnFromLabels(logger=AmpelLogger.get_logger(), store=str(store)).do()
    assert isinstance(done, UnitResult)
    assert done.code == T4LearnFromLabels.NOT_LEARNED
    assert isinstance(done.body, dict)
    assert "0 labelled objects can be learned from, 10 are needed; the labels are kept" in done.body["error"]


def test_the_options_become_those_of_the_command_and_the_store_stays_off_it() -> None:
    unit = T4LearnFromLabels(
        logger=AmpelLogger.get_logger(), store="postgresql://a:secret@h/d", bundle="mine", promote_if_better=True
    )
    command = unit._command()
    assert command[command.index("--bundle") + 1] == "mine"
    assert command[command.index("--observer") + 1] == "T4LearnFromLabels"
    assert not any("secret" in part for part in command)
    assert unit._environment()["AMPEL_FOLLOWUP_STORE"] == "postgresql://a:secret@h/d"


@pytest.fixture
def place(ranked_night: Path, tmp_path: Path) -> Path:
    """A store with a night that was ranked, and 60 labels that came back."""
    folder = shutil.copytree(ranked_night, tmp_path / "loop")
    with (folder / "night" / "truth.csv").open() as file:
        known = {row["id"]: row["label"] for row in csv.DictReader(file)}
    with Store.open(folder / "night.sqlite") as store:
        listed = [target.id for target in store.load_plan().plan.targets[:60]]
        store.add_labels([Label(name, known[name], "spectrum", NOW) for name in listed])
    return folder


def test_a_weekly_process_learns_promotes_by_policy_and_leaves_a_document(
    new_broker: Callable[[], Any], place: Path
) -> None:
    lenient = place / "lenient.yml"
    lenient.write_text(
        "{name: lenient, version: 1, metric: log_loss, better_by: 0, confidence: 0.5, min_objects: 10,"
        " max_recall_loss: 1}"
    )
    processor = yaml.safe_load((EXAMPLES / "followup_learning.yml").read_text())["processor"]
    store = place / "night.sqlite"
    processor["config"]["execute"][0]["config"] |= {
        "store": str(store), "bundle": str(place / "mine"), "promote_if_better": True, "policy": str(lenient),
        "spectra": str(place / "night" / "spectra"),
    }  # fmt: skip
    broker = new_broker()
    broker.run({"name": "learn", "mongo": {"prefix": "Followup", "reset": False}, "task": [processor]})
    assert broker.documents("trouble") == []
    [document] = broker.documents("t4")
    body = document["body"]
    assert document["unit"] == "T4LearnFromLabels" and document["code"] != T4LearnFromLabels.NOT_LEARNED
    assert (body["challenger"]["n_learned"], body["spectra"]["used"], body["learned_before"]) == (60, 60, 0)
    assert Path(body["report"]).is_file()
    with Store.open(store) as opened:
        [challenger], promotions = opened.learning.challengers(), opened.learning.promotions()
    # As in the document, digit for digit.
    assert json.loads(json.dumps(challenger.to_dict())) == body["challenger"]
    assert load_bundle(Path(body["folder"])).digest == challenger.bundle_digest
    assert body["policy"]["allowed"] == bool(promotions) == (body["promotion"] is not None)
    for promotion in promotions:
        assert (promotion.bundle_digest, promotion.observer) == (challenger.bundle_digest, "T4LearnFromLabels")
        assert promotion.policy == "lenient 1"


def test_units_use_the_promoted_bundle_and_the_next_night_what_was_rolled_back_to(
    new_broker: Callable[[], Any], ranked_night: Path, tmp_path: Path
) -> None:
    archive, mine = tmp_path / "night.tar.gz", load_bundle(ranked_night / "mine")
    write_alerts(simulate_objects(8, dt.date.fromisoformat(NIGHT), np.random.default_rng(5)), archive)
    broker = new_broker()
    with Store.open(broker.store) as store:
        promote(store, str(ranked_night / "mine"), observer="ada", time=NOW)
    job = broker.job(archive, site=SITE, night=NIGHT, triage=False)
    features, gain, _ = job["task"][0]["config"]["directives"][0]["ingest"]["mux"]["combine"][0]["state_t2"]
    features["config"] = {"store": str(broker.store)}
    gain["config"] = {
        "store": str(broker.store),
        "t2_dependency": [{"unit": "T2FollowupFeatures", "config": features["config"]}],
    }
    broker.run(job)
    documents = broker.documents("t2", {"unit": {"$in": ["T2FollowupFeatures", "T2SpectroscopicGain"]}})
    assert {document["body"][0]["bundle_digest"] for document in documents} == {mine.digest}
    first = plan_of(broker)
    assert (first.plan.bundle, first.plan.bundle_digest) == (mine.label, mine.digest)
    assert (first.report["scored"], first.report["rescored"]) == (8, 0)
    assert {name for target in first.plan.targets for name in target.scores.p_t} == set(mine.classes)

    # Between two nights somebody takes it back: scores of the bundle before are made again.
    with Store.open(broker.store) as store:
        roll_back(store, observer="bob", time=NOW)
    broker.run(job, 2)
    second = plan_of(broker)
    assert (second.plan.bundle_digest, second.report["rescored"]) == (load_bundle().digest, 8)


def plan_of(broker: Any) -> Any:
    with Store.open(broker.store, read_only=True) as store:
        return store.load_plan(night=NIGHT, site=SITE)
