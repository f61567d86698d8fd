"""Verdicts of one night change what is shown as anomalous on the next."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.alerts.spool import light_curves
from ampel_followup.anomaly.night import AnomalyNight
from ampel_followup.anomaly.verdicts import judged_in
from ampel_followup.cli import app
from ampel_followup.decision import Decision
from ampel_followup.errors import BundleError
from ampel_followup.labels import Label
from ampel_followup.models.anomaly_bundle import load_anomaly
from ampel_followup.models.bundle import load_bundle
from ampel_followup.plan import RankedTarget
from ampel_followup.scoring import score
from ampel_followup.store import Store

NIGHTS = ("2026-09-10", "2026-09-11")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("alerts") / "alerts.tar.gz"
    done = CliRunner().invoke(app, ["simulate", str(path), "--objects", "120", "--night", NIGHTS[0], "--seed", "3"])
    assert done.exit_code == 0, done.output
    return path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "night.sqlite") as opened:
        yield opened


def ranked(archive: Path, store: Store | str, night: str) -> list[dict[str, Any]]:
    url = store if isinstance(store, str) else store.url
    options = ["--no-assistant", "--no-attention", "--no-microlensing", "--anomaly", "anomaly", "--json"]
    done = CliRunner().invoke(
        app,
        ["rank", str(archive), "--site", "palomar", "--night", night, "--store", url, "--top", "500", *options],
    )
    assert done.exit_code == 0, done.output
    targets: list[dict[str, Any]] = json.loads(done.output)["targets"]
    return targets


def placed(targets: list[dict[str, Any]]) -> dict[int, str]:
    return {t["anomaly"]["place"]: t["id"] for t in targets if t["anomaly"]["place"]}


def decided(target: str, verdict: str) -> Decision:
    return Decision(target, NIGHTS[0], "palomar", verdict, "ada", f"{NIGHTS[0]}T12:00:00.000000Z", plan_revision=1)


def test_verdicts_of_a_night_change_the_next_list_and_the_same_store_gives_the_same_list(
    archive: Path, store: Store
) -> None:
    first = ranked(archive, store, NIGHTS[0])
    places = placed(first)
    assert sorted(places) == [5, 10, 15]
    by_id = {t["id"]: t for t in first}
    assert all(by_id[name]["rank"] <= place for place, name in places.items())
    assert all(by_id[name]["reasons"][0].startswith("Anomaly ") for name in places.values())
    untaught = {t["id"]: t["anomaly"]["interest"] for t in ranked(archive, store, NIGHTS[1])}

    yes, no, _ = places.values()
    store.record_all([decided(yes, "approve"), decided(no, "reject")])
    second = ranked(archive, store, NIGHTS[1])
    again = ranked(archive, store, NIGHTS[1])
    assert second == again
    assert not {yes, no} & set(placed(second).values())
    taught = {t["id"]: t["anomaly"]["interest"] for t in second}
    assert taught[yes] > untaught[yes] and taught[no] < untaught[no]
    # Tonight's verdicts do not move tonight's list.
    assert placed(ranked(archive, store, NIGHTS[0])) == places


def test_a_label_settles_what_a_verdict_said(archive: Path, store: Store) -> None:
    yes, other, _ = placed(ranked(archive, store, NIGHTS[0])).values()
    store.record_all([decided(yes, "approve"), decided(other, "reject")])
    classes = load_anomaly().model.classes
    assert judged_in(store, classes, NIGHTS[1]).names == {yes, other}
    store.add_labels(
        [
            Label(yes, "SN Ia", "spectrum", f"{NIGHTS[0]}T20:00:00Z"),
            Label(other, "Gap transient", "spectrum", f"{NIGHTS[0]}T20:00:00Z"),
        ]
    )
    judged = judged_in(store, classes, NIGHTS[1])
    assert [c.id for c in judged.interesting] == [other] and [c.id for c in judged.dull] == [yes]


def test_verdicts_on_what_no_plan_or_no_place_tells_of_are_passed_over(archive: Path, store: Store) -> None:
    targets = ranked(archive, store, NIGHTS[0])
    usual = next(t["id"] for t in targets if not t["anomaly"]["place"])
    elsewhere = Decision("ZTF00unknown", "2026-09-01", "lasilla", "approve", "ada", "2026-09-01T12:00:00.000000Z")
    store.record_all([decided(usual, "approve"), elsewhere])
    assert judged_in(store, ("SN Ia",), NIGHTS[1]).names == frozenset()


def test_of_a_store_of_many_nights_only_what_was_decided_on_is_read(
    archive: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many plans there are and however long their lists: no plan is loaded, and one query tells of targets."""
    places = list(placed(ranked(archive, store, NIGHTS[0])).values())
    store.record_all([decided(places[0], "approve"), decided(places[1], "reject")])
    expected = judged_in(store, ("SN Ia",), NIGHTS[1])
    assert {one.target.id for one in store.learning.decided(NIGHTS[1])} == set(places[:2])
    assert store.learning.decided(NIGHTS[0]) == []
    for _ in range(2):
        ranked(archive, store, NIGHTS[0])
    read: list[str] = []
    monkeypatch.setattr(Store, "load_plan", lambda *_, **__: pytest.fail("a whole plan was read"))
    from_dict = RankedTarget.from_dict

    def counted(data: dict[str, Any]) -> RankedTarget:
        read.append(data["id"])
        return from_dict(data)

    monkeypatch.setattr(RankedTarget, "from_dict", counted)
    again = judged_in(store, ("SN Ia",), NIGHTS[1])
    assert sorted(read) == sorted(places[:2])
    assert [c.id for c in again.interesting] == [c.id for c in expected.interesting] == [places[0]]
    assert [c.id for c in again.dull] == [places[1]]


def test_the_query_of_what_was_decided_on_works_on_a_server_too(archive: Path, store_url: str) -> None:
    name, *_ = placed(ranked(archive, store_url, NIGHTS[0])).values()
    with Store.open(store_url) as store:
        store.record(decided(name, "approve"))
        (one,) = store.learning.decided(NIGHTS[1])
    assert (one.target.id, one.night, one.site, one.plan_revision) == (name, NIGHTS[0], "palomar", 1)


def test_a_decision_without_a_plan_in_sight_is_on_the_newest_of_that_night(archive: Path, store: Store) -> None:
    name, *_ = placed(ranked(archive, store, NIGHTS[0])).values()
    store.record(replace(decided(name, "approve"), plan_revision=0))
    assert judged_in(store, ("SN Ia",), NIGHTS[1]).names == {name}


def test_of_very_many_judged_those_judged_last_teach(
    archive: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *_ = placed(ranked(archive, store, NIGHTS[0])).values()
    later = next(name for name in placed(ranked(archive, store, NIGHTS[1])).values() if name != first)
    store.record_all([decided(first, "approve"), replace(decided(later, "approve"), night=NIGHTS[1], plan_revision=2)])
    assert judged_in(store, ("SN Ia",), "2026-09-12").names == {first, later}
    monkeypatch.setattr("ampel_followup.anomaly.verdicts.MOST_JUDGED", 1)
    assert judged_in(store, ("SN Ia",), "2026-09-12").names == {later}


def test_light_curves_count_as_they_were_when_judged(archive: Path, store: Store) -> None:
    name, *_ = placed(ranked(archive, store, NIGHTS[0])).values()
    store.record_all([decided(name, "approve")])
    (curve,) = judged_in(store, ("SN Ia",), NIGHTS[1]).interesting
    dusk = store.load_plan(night=NIGHTS[0], site="palomar").plan.night.dusk
    assert float(curve.time.max()) <= (dt.datetime.fromisoformat(dusk).timestamp() / 86400 + 40587)
    assert np.isfinite(curve.flux).all()


def test_batches_of_a_night_do_not_change_the_order(archive: Path) -> None:
    curves = list(light_curves([archive], quarantine=Quarantine()))
    gain, search = load_bundle(None), load_anomaly()
    objects = score(curves, gain)
    orders = []
    for size in (len(curves), 17):
        night = AnomalyNight(search)
        found = []
        for begin in range(0, len(curves), size):
            found += night.add(objects[begin : begin + size], curves[begin : begin + size])
        orders.append({o.id: o.anomaly for o in night.finish(found, None, NIGHTS[0])})
    assert orders[0] == orders[1]


def test_train_anomaly_writes_a_bundle_from_a_table_and_refuses_it_for_light_curves(
    archive: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(1)
    rows = [f"o{i},SN I{'a' if i % 2 else 'I'},{rng.normal() + 3 * (i % 2)},{rng.normal()}" for i in range(80)]
    (tmp_path / "table.csv").write_text("\n".join(["id,label,a,b", *rows]))
    out = str(tmp_path / "mine")
    done = CliRunner().invoke(app, ["train", "anomaly", str(tmp_path / "table.csv"), "--out", out, "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["classes"] == {"SN II": 40, "SN Ia": 40}
    with pytest.raises(BundleError, match="table of features"):
        load_anomaly(out).score(list(light_curves([archive], quarantine=Quarantine()))[:3])
