"""AMPEL tells Lasair and the DESC target manager of a plan; what did not arrive, the next run sends."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ampel_broker import EXAMPLES

sys.path.insert(0, str(Path(__file__).parents[1] / "services"))

from ampel.enum.DocumentCode import DocumentCode
from desc_tom_server import PASSWORD, USER, DescTomServer
from faulty_server import Fault
from lasair_server import TOKEN, TOPIC, LasairServer
from lsst_plans import FIRST, NUMBERS, SECOND, ZTF, decide, save_plan

from ampel_followup.labels import Label
from ampel_followup.store import Store


def services_job(broker: Any, lasair: str, tom: str) -> dict[str, Any]:
    """Return the example process that tells services, as a job with stores and servers of the test."""
    processor = yaml.safe_load((EXAMPLES / "followup_services.yml").read_text())["processor"]
    common = {"store": str(broker.store), "patience": 0}
    annotate, request = processor["config"]["execute"]
    annotate["config"] |= {"url": lasair, "topic": TOPIC, "batch": 1, **common}
    request["config"] |= {"url": tom, "user": USER, **common}
    return {"name": "services", "mongo": {"prefix": broker.database.name, "reset": False}, "task": [processor]}


def run(broker: Any, job: dict[str, Any], **secrets: str) -> list[tuple[int, dict[str, Any]]]:
    """Run a job with secrets; return code and body of the documents that it made."""
    path = broker.folder / "secrets.yml"
    path.write_text(yaml.safe_dump({"lasair/token": TOKEN, "desc-tom/password": PASSWORD, **secrets}))
    before = len(broker.documents("t4"))
    broker.run_command([*broker.job_arguments(job), "-secrets", str(path)])
    return [(document["code"], document["body"]) for document in broker.documents("t4")[before:]]


@pytest.fixture
def broker(new_broker: Callable[[], Any]) -> Any:
    made = new_broker()
    save_plan(made.store)
    with Store.open(made.store) as store:
        decide(store, FIRST, "approve")
    return made


def test_services_are_told_of_a_plan_once(broker: Any) -> None:
    with LasairServer() as lasair, DescTomServer() as tom:
        tom.objects = set(NUMBERS)
        job = services_job(broker, lasair.url, tom.root)
        # Too much at once: the rest is left for the next run.
        lasair.faults.extend([None, Fault(status=429)])
        (code, annotated), (_, requested) = run(broker, job)
        assert code == 1
        assert (annotated["sent"], annotated["left"]) == ({"annotate": 1}, 1)
        assert annotated["stopped"] == "too many requests"
        assert annotated["unknown"] == [ZTF]
        assert requested["sent"] == {"ask": 1, "plan": 1}
        (code, annotated), (_, requested) = run(broker, job)
        assert code == DocumentCode.NOT_SET
        assert (annotated["sent"], annotated["unchanged"]) == ({"annotate": 2}, 1)
        assert (requested["sent"], requested["unchanged"]) == ({}, 2)
        assert {number for number, _ in lasair.annotations} == set(NUMBERS)


def test_wrong_secrets_are_said_and_not_repeated(broker: Any) -> None:
    with LasairServer() as lasair, DescTomServer() as tom:
        secrets = {"lasair/token": "wrong-token", "desc-tom/password": "wrong-password"}
        documents = run(broker, services_job(broker, lasair.url, tom.root), **secrets)
        assert [code for code, _ in documents] == [1, 1]
        errors = [body["error"] for _, body in documents]
        assert errors[0].startswith("Lasair refuses us (401: Invalid token.)")
        assert errors[1] == "DESC TOM does not know 'ada', or not with this password"
        assert "wrong-" not in str(broker.documents("t4")) + str(broker.documents("log"))


def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(broker: Any) -> None:
    with Store.open(broker.store) as store:
        decide(store, SECOND, "observed")
        store.add_labels([Label(SECOND, "Galaxy", "spectrum", "2018-08-21T06:00:00.000000Z", redshift=0.1)])
    with LasairServer() as lasair, DescTomServer() as tom:
        tom.objects = set(NUMBERS)
        job = services_job(broker, lasair.url, tom.root)
        units = job["task"][0]["config"]["execute"]
        for unit in units:
            unit["config"]["dry_run"] = True
        (_, annotated), (code, requested) = run(broker, job)
        assert (lasair.requests, tom.requests) == ([], [])
        assert code == DocumentCode.NOT_SET
        assert annotated == {
            "service": lasair.url, "dry_run": True, "would_send": {"annotate": 3}, "unchanged": 0, "unknown": [ZTF]
        }  # fmt: skip
        would_send = {"ask": 1, "plan": 1, "classify": 1}
        assert (requested["would_send"], requested["without_class"]) == (would_send, {SECOND: "Galaxy"})
        logged = str(broker.documents("log"))
        assert "Would send" in logged
        assert '"classid":300' in logged
        assert f'"objectId":{NUMBERS[0]}' in logged
        # Nothing counts as sent: the same job sends all of it.
        for unit in units:
            unit["config"]["dry_run"] = False
        (_, annotated), (_, requested) = run(broker, job)
        assert (annotated["sent"], requested["sent"]) == ({"annotate": 3}, would_send)
        assert requested["without_class"] == {SECOND: "Galaxy"}
        assert [(spectrum["classid"], spectrum["z"]) for spectrum in tom.spectra] == [(300, 0.1)]
