"""Spectra are asked for, planned, taken back and reported at the DESC target manager, each once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from desc_tom_server import PASSWORD, USER, DescTomServer
from faulty_server import Fault
from lsst_plans import FACILITY, FIRST, HIDDEN, NUMBERS, PLAN, SECOND, ZTF, decide

from ampel_followup.errors import ServiceError
from ampel_followup.labels import Label
from ampel_followup.services.credentials import Secret
from ampel_followup.services.desc_requests import requests_of
from ampel_followup.services.desc_tom import BATCH, DescTom
from ampel_followup.services.sending import Delivery, deliver, insist
from ampel_followup.store import Store

TIMEOUT = 0.2


@pytest.fixture(autouse=True)
def objects(tom: DescTomServer) -> None:
    tom.objects = set(NUMBERS)


def client(server: DescTomServer, password: str = PASSWORD, user: str = USER) -> DescTom:
    return DescTom(user, Secret(password), server.root, timeout=(5.0, TIMEOUT))


def send(
    server: DescTomServer, store: Store, world: Any, *, through: DescTom | None = None, **options: str
) -> Delivery:
    through = through or client(server)
    found = requests_of(store, through.url, **options)
    return deliver(
        found.messages,
        through.tell,
        store.sent,
        through.url,
        world.circumstances(),
        together=through.together,
        batch=BATCH,
        again=found.again,
    )


def label(store: Store, target: str, type_: str, *, source: str = "spectrum", minute: int = 45, **said: float) -> None:
    time = f"2018-08-21T05:{minute:02d}:00.000000Z"
    store.add_labels([Label(target, type_, source, time, **said)])


def reports(server: DescTomServer) -> list[tuple[Any, Any]]:
    """Class and redshift of each report that arrived, in order."""
    return [(spectrum["classid"], spectrum["z"]) for spectrum in server.spectra]


def test_what_is_approved_is_asked_for_in_one_request_and_planned(tom: Any, store: Store, world: Any) -> None:
    for target in (FIRST, SECOND, HIDDEN, ZTF):
        decide(store, target, "approve", comment="rising")
    delivery = send(tom, store, world)
    assert delivery.complete
    assert delivery.sent == {"ask": 3, "plan": 2}
    [asked] = tom.calls("askforspectrum")
    assert asked == {"requester": "ampel-followup", "objectids": list(NUMBERS), "priorities": [5, 4, 2]}
    # The third cannot be observed tonight: others may.
    assert set(tom.planned) == {(NUMBERS[0], FACILITY), (NUMBERS[1], FACILITY)}
    assert tom.planned[NUMBERS[0], FACILITY]["plantime"] == PLAN.targets[0].visibility.start[:-1].replace("T", " ")
    assert tom.planned[NUMBERS[0], FACILITY]["comment"] == "rising"
    assert tom.logins == 1


def test_a_second_run_sends_nothing_and_does_not_even_log_in(tom: Any, store: Store, world: Any) -> None:
    decide(store, FIRST, "approve")
    send(tom, store, world)
    n = len(tom.requests)
    again = send(tom, store, world)
    assert (again.sent.total(), again.unchanged, again.complete) == (0, 2, True)
    assert len(tom.requests) == n


def test_a_night_from_asking_to_reporting(tom: Any, store: Store, world: Any) -> None:
    decide(store, FIRST, "approve")
    decide(store, SECOND, "approve")
    send(tom, store, world)
    decide(store, FIRST, "observed", minute=30)
    decide(store, SECOND, "failed", minute=40)
    delivery = send(tom, store, world)
    assert delivery.sent == {"report": 1, "unplan": 1}
    [spectrum] = tom.spectra
    assert (spectrum["objectid"], spectrum["facility"], spectrum["classid"]) == (NUMBERS[0], FACILITY, 300)
    assert spectrum["z"] is None
    assert spectrum["mjd"] == pytest.approx(58351.22917, abs=1e-5)
    assert tom.planned == {}
    assert {number for number, _ in tom.wanted} == {NUMBERS[1]}
    assert send(tom, store, world).sent.total() == 0


def test_a_target_that_nobody_approves_any_longer_is_no_longer_planned(tom: Any, store: Store, world: Any) -> None:
    approval = decide(store, FIRST, "approve")
    send(tom, store, world)
    store.undo(approval.id, observer="bob", time="2018-08-21T05:10:00.000000Z")
    assert send(tom, store, world).sent == {"unplan": 1}
    assert tom.planned == {}
    decide(store, FIRST, "approve", minute=20)
    assert send(tom, store, world).sent == {"plan": 1}
    assert set(tom.planned) == {(NUMBERS[0], FACILITY)}


def test_what_the_manager_dropped_with_a_mistaken_report_is_asked_for_and_planned_again(
    tom: Any, store: Store, world: Any
) -> None:
    decide(store, FIRST, "approve")
    send(tom, store, world)
    asked, planned = dict(tom.wanted), dict(tom.planned)
    mistake = decide(store, FIRST, "observed", minute=30)
    send(tom, store, world)
    assert (tom.wanted, tom.planned) == ({}, {})
    store.undo(mistake.id, observer="ada", time="2018-08-21T05:31:00.000000Z")
    assert send(tom, store, world).sent == {"ask": 1, "plan": 1}
    assert (tom.wanted, tom.planned) == (asked, planned)
    assert send(tom, store, world).sent.total() == 0


def test_the_plan_of_another_telescope_is_left_alone(tom: Any, store: Store, world: Any) -> None:
    decide(store, FIRST, "approve")
    send(tom, store, world, facility="Keck")
    decide(store, FIRST, "reject", minute=5)
    assert send(tom, store, world).sent.total() == 0
    assert set(tom.planned) == {(NUMBERS[0], "Keck")}
    assert send(tom, store, world, facility="Keck").sent == {"unplan": 1}


def test_what_was_never_planned_is_not_taken_back(tom: Any, store: Store, world: Any) -> None:
    decide(store, FIRST, "reject")
    assert send(tom, store, world).sent.total() == 0
    assert tom.requests == []


def test_an_object_that_the_manager_does_not_know_keeps_no_other_back(tom: Any, store: Store, world: Any) -> None:
    tom.objects.discard(NUMBERS[1])
    for target in (FIRST, SECOND, HIDDEN):
        decide(store, target, "approve")
    delivery = send(tom, store, world)
    assert delivery.sent == {"ask": 2, "plan": 1}
    assert [(p.action, p.target, p.refused) for p in delivery.problems] == [
        ("ask", SECOND, True),
        ("plan", SECOND, True),
    ]
    assert delivery.problems[1].reason == f"Unknown objectid {NUMBERS[1]}"
    assert "violates foreign key" in delivery.problems[0].reason
    assert world.waits == []
    tom.objects = set(NUMBERS)
    assert send(tom, store, world).sent == {"ask": 1, "plan": 1}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500),
        Fault(status=503),
        Fault(status=429),
        Fault("silence"),
        Fault("silence", lost=True),
        Fault("drop", lost=True),
        Fault("cut", lost=True),
        Fault(status=200, body="<html>"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}{'-lost' if fault.lost else ''}",
)
def test_what_passes_is_tried_again_and_a_spectrum_is_reported_once(
    fault: Fault, tom: Any, store: Store, world: Any
) -> None:
    decide(store, FIRST, "approve")
    send(tom, store, world)
    decide(store, FIRST, "observed", minute=30)
    decide(store, SECOND, "approve", minute=31)
    tom.faults.extend([None, fault, None, None, fault])
    assert send(tom, store, world).complete
    assert len(tom.spectra) == 1
    assert len(world.waits) == 2
    assert set(tom.planned) == {(NUMBERS[1], FACILITY)}


def test_a_report_that_arrived_before_a_crash_is_not_repeated(tom: Any, store: Store, world: Any) -> None:
    decide(store, FIRST, "observed", minute=30)
    tom.faults.extend([None, Fault("silence", lost=True)])
    through = client(tom)

    class Killed(BaseException):
        pass

    def kill(_: float) -> None:
        raise Killed

    world.waits = type("Waits", (list,), {"append": lambda _, seconds: kill(seconds)})()
    with pytest.raises(Killed):
        send(tom, store, world, through=through)
    assert len(tom.spectra) == 1
    assert store.sent.latest(tom.root) == {}
    world.waits = []
    assert send(tom, store, world).sent == {"report": 1}
    assert len(tom.spectra) == 1
    assert len(store.sent.latest(tom.root)) == 1


def test_a_spectrum_is_reported_with_the_class_and_redshift_that_labels_say(tom: Any, store: Store, world: Any) -> None:
    decide(store, FIRST, "observed", minute=30)
    label(store, FIRST, "SN Ia-91bg-like")
    label(store, FIRST, "SN", source="TNS", redshift=0.031)
    delivery = send(tom, store, world)
    assert delivery.sent == {"classify": 1}
    assert reports(tom) == [(2226, 0.031)]  # the class of the first, the redshift of whoever has one
    assert send(tom, store, world).sent.total() == 0
    assert len(tom.spectra) == 1


def test_a_label_that_comes_later_is_reported_once_and_so_is_a_change_of_it(tom: Any, store: Store, world: Any) -> None:
    decide(store, FIRST, "observed", minute=30)
    assert send(tom, store, world).sent == {"report": 1}
    label(store, FIRST, "SN Ia", redshift=0.05)
    assert send(tom, store, world).sent == {"classify": 1}
    label(store, FIRST, "SN II", minute=50)
    assert send(tom, store, world).sent == {"classify": 1}
    assert reports(tom) == [(300, None), (2222, 0.05), (2224, 0.05)]  # a redshift is not taken back by silence
    label(store, FIRST, "SN Ia", minute=55, redshift=0.05)  # and back: the last report holds
    send(tom, store, world)
    assert reports(tom)[3:] == [(2222, 0.05)]
    again = send(tom, store, world)
    assert (again.sent.total(), again.unchanged, len(tom.spectra)) == (0, 1, 4)
    assert {(spectrum["facility"], spectrum["mjd"]) for spectrum in tom.spectra} == {(FACILITY, 58351.22917)}


def test_a_label_of_a_later_night_is_reported_for_the_spectrum_of_an_earlier_one(
    tom: Any, store: Store, world: Any
) -> None:
    decide(store, FIRST, "observed", minute=30)
    send(tom, store, world)
    later = replace(PLAN, night=replace(PLAN.night, date="2018-08-24"))
    store.save_plan(later, created="2018-08-24T22:00:00Z", report={})
    assert send(tom, store, world).sent.total() == 0
    label(store, FIRST, "TDE-H-He", redshift=0.1)
    delivery = send(tom, store, world)
    assert (delivery.sent, delivery.unchanged) == ({"classify": 1}, 0)
    assert reports(tom) == [(300, None), (2243, 0.1)]


@pytest.mark.parametrize("another_night", [False, True])
def test_an_observation_that_was_undone_is_neither_reported_nor_classified(
    another_night: bool, tom: Any, store: Store, world: Any
) -> None:
    sent = decide(store, FIRST, "observed", minute=30)
    send(tom, store, world)
    unsent = decide(store, SECOND, "observed", minute=31)
    for decision in (sent, unsent):
        store.undo(decision.id, observer="bob", time="2018-08-21T05:40:00.000000Z")
        label(store, decision.target, "SN Ia", redshift=0.05)
    if another_night:
        later = replace(PLAN, night=replace(PLAN.night, date="2018-08-24"))
        store.save_plan(later, created="2018-08-24T22:00:00Z", report={})
    assert send(tom, store, world).sent.total() == 0
    assert reports(tom) == [(300, None)]  # what was reported cannot be taken back


@pytest.mark.parametrize(
    ("said", "reported"),
    [
        ({"source": "human", "minute": 10}, (300, None)),  # a guess, before the spectrum was taken
        ({"source": "human", "minute": 31}, (2222, 0.2)),
        ({"source": "our classifier"}, (300, None)),
        ({"confidence": 0.4}, (300, None)),
        ({"confidence": 0.5}, (2222, 0.2)),
        ({"redshift": -9.0}, (2222, None)),
    ],
)
def test_who_says_so_after_which_look_counts(
    said: dict[str, Any], reported: tuple[Any, Any], tom: Any, store: Store, world: Any
) -> None:
    decide(store, FIRST, "observed", minute=30)
    label(store, FIRST, "SN Ia", **{"redshift": 0.2, **said})
    send(tom, store, world)
    assert reports(tom) == [reported]


def test_a_type_that_is_no_class_of_desc_is_listed_and_its_spectrum_reported(
    tom: Any,
    store: Store,
    store_path: Path,
    run: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AMPEL_FOLLOWUP_TOM_PASSWORD", PASSWORD)
    decide(store, FIRST, "observed", minute=30)
    label(store, FIRST, "Light-\x1b[31mEcho", redshift=0.02)
    command = ("desc-tom", "send", "--user", USER, "--url", tom.root, "--store", store_path)
    said = f"reported as not classified, for 'Light-[31mEcho' is no class there: {FIRST}\n"
    assert said in run(*command, "--dry-run")[1]
    assert json.loads(run(*command, "--dry-run", "--json")[1])["without_class"] == {FIRST: "Light-\x1b[31mEcho"}
    code, out, err = run(*command)
    assert (code, err) == (0, "")
    assert said in out
    assert reports(tom) == [(300, 0.02)]
    told = json.loads(run(*command, "--json")[1])
    assert (told["unchanged"], told["without_class"]) == (1, {FIRST: "Light-\x1b[31mEcho"})


@pytest.mark.parametrize(
    "fault",
    [Fault(status=500), Fault("silence", lost=True), Fault("drop", lost=True), Fault("cut", lost=True)],
    ids=lambda fault: f"{fault.kind}{'-lost' if fault.lost else ''}",
)
def test_a_class_whose_confirmation_was_lost_is_reported_once(fault: Fault, tom: Any, store: Store, world: Any) -> None:
    decide(store, FIRST, "observed", minute=30)
    send(tom, store, world)
    label(store, FIRST, "SN Ic-BL", redshift=0.05)
    tom.faults.extend([None, fault])
    assert send(tom, store, world).sent == {"classify": 1}
    label(store, FIRST, "SN Ic-BL", minute=50, redshift=0.06)
    tom.faults.extend([None, fault])
    assert send(tom, store, world).sent == {"classify": 1}
    assert reports(tom) == [(300, None), (2223, 0.05), (2223, 0.06)]
    assert len(world.waits) == 2


def test_a_class_that_arrived_before_a_crash_is_not_repeated(tom: Any, store: Store, world: Any) -> None:
    decide(store, FIRST, "observed", minute=30)
    label(store, FIRST, "SN Ia", redshift=0.05)
    [message] = requests_of(store, tom.root).messages
    client(tom).tell([message])  # arrived, and never recorded
    assert send(tom, store, world).sent == {"classify": 1}
    assert reports(tom) == [(2222, 0.05)]


def test_a_session_that_ran_out_is_renewed(tom: Any, store: Store, world: Any) -> None:
    decide(store, FIRST, "approve")
    through = client(tom)
    send(tom, store, world, through=through)
    tom.sessions.clear()
    decide(store, SECOND, "approve", minute=1)
    assert send(tom, store, world, through=through).complete
    assert tom.logins == 2


@pytest.mark.parametrize(("user", "password"), [(USER, "wrong"), ("bob", PASSWORD)])
def test_a_wrong_password_ends_the_run(user: str, password: str, tom: Any, store: Store, world: Any) -> None:
    decide(store, FIRST, "approve")
    with pytest.raises(ServiceError, match=f"does not know '{user}'") as refused:
        send(tom, store, world, through=client(tom, password, user))
    assert password not in str(refused.value)
    assert tom.logins == 1


@pytest.mark.parametrize("n", [0, 1])
def test_where_logging_in_is_to_wait_the_service_is_taken_at_its_word(
    n: int, tom: Any, store: Store, world: Any
) -> None:
    decide(store, FIRST, "approve")
    tom.faulty_path = "/accounts/login/"
    tom.faults.extend([*[None] * n, Fault(status=429, headers={"Retry-After": "41"})])
    assert send(tom, store, world).complete
    [wait] = world.waits
    assert 41.0 < wait <= 42.0


def test_a_server_that_is_another_one_is_recognised(lasair: Any, store: Store, world: Any) -> None:
    decide(store, FIRST, "approve")
    through = DescTom(USER, Secret(PASSWORD), lasair.root)
    with pytest.raises(ServiceError, match="nobody can log in"):
        send(lasair, store, world, through=through)


def test_a_server_that_is_down_leaves_all_for_later(store: Store, world: Any) -> None:
    decide(store, FIRST, "approve")
    with DescTomServer() as gone:
        pass
    delivery = send(gone, store, world)
    assert (delivery.sent.total(), delivery.left, delivery.stopped) == (0, 1, "nothing answers there")
    assert len(world.waits) == 5


def test_what_others_want_and_what_is_known_can_be_asked(tom: Any, world: Any) -> None:
    tom.wanted = {(NUMBERS[0], "RESSPECT"): 5, (NUMBERS[1], "ampel-followup"): 2}
    tom.planned[NUMBERS[1], "Keck"] = {}
    through = client(tom)
    assert [(w["oid"], w["req"], w["prio"]) for w in through.wanted()] == [(NUMBERS[0], "RESSPECT", 5)]
    assert len(through.wanted(not_claimed_in_last_days=0)) == 2
    tom.spectra = [{"objectid": NUMBERS[0], "facility": "Keck", "mjd": 61000.5, "z": 0.1, "classid": 111}]
    assert through.known(NUMBERS) == tom.spectra
    tom.faults.extend([Fault("drop")] * 6)
    with pytest.raises(ServiceError, match=r"DESC TOM does not answer \(the connection was cut\); try again later"):
        insist(lambda _: through.wanted(), "DESC TOM", world.circumstances())


def test_the_commands(
    tom: Any, store: Store, store_path: Path, run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(store, FIRST, "approve")
    command = ("desc-tom", "send", "--url", tom.root, "--store", store_path)
    code, out, _ = run(*command, "--dry-run")
    assert code == 0
    assert out.startswith(f"Would send 2 to {tom.root}, unchanged 0\n")
    assert tom.requests == []
    code, _, err = run(*command)
    assert (code, err) == (
        2,
        "ampel-followup: there is no password of DESC TOM: put it into a file, or into the environment as "
        "AMPEL_FOLLOWUP_TOM_PASSWORD\n",
    )
    monkeypatch.setenv("AMPEL_FOLLOWUP_TOM_PASSWORD", PASSWORD)
    assert run(*command)[2].startswith("ampel-followup: there is no user of DESC TOM: name one with --user")
    monkeypatch.setenv("AMPEL_FOLLOWUP_TOM_USER", USER)
    code, out, err = run(*command)
    assert (code, err) == (0, "")
    assert out.startswith(f"Requests at {tom.root}: sent 2 (1 ask, 1 plan), unchanged 0, failed 0, left for later 0\n")
    assert json.loads(run(*command, "--json")[1])["unchanged"] == 2
    code, out, _ = run("desc-tom", "wanted", "--unclaimed", "0", "--url", tom.root)
    assert code == 0
    assert str(NUMBERS[0]) in out
    assert "r 21.25" in out
    assert out.endswith("1 spectra wanted\n")
    code, out, _ = run("desc-tom", "known", NUMBERS[0], "--url", tom.root, "--json")
    assert (code, json.loads(out)) == (0, {"service": tom.root, "known": []})
    monkeypatch.setenv("AMPEL_FOLLOWUP_TOM_PASSWORD", "wrong")
    code, out, err = run("desc-tom", "known", NUMBERS[0], "--url", tom.root)
    assert (code, out) == (2, "")
    assert err == "ampel-followup: DESC TOM does not know 'ada', or not with this password\n"


@pytest.mark.parametrize("odd", ["1e999", "NaN", "1" + "0" * 400, "null", '"\\u001b[2Jred"', "[]", "{}", "true"])
def test_whatever_the_manager_gives_in_place_of_numbers_is_no_trouble(
    odd: str,
    tom: Any,
    store: Store,
    world: Any,
    run: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AMPEL_FOLLOWUP_TOM_PASSWORD", PASSWORD)
    monkeypatch.setenv("AMPEL_FOLLOWUP_TOM_USER", USER)
    wanted = (
        f'"oid": {odd}, "ra": {odd}, "dec": {odd}, "prio": {odd}, "req": {odd}, "latest": {{"r": {{"mag": {odd}}}}}'
    )
    answer = f'{{"status": "ok", "wantedspectra": [{{{wanted}}}, {{"latest": {odd}, "prio": 5, "oid": 7}}]}}'
    tom.faults.append(Fault(status=200, body=answer))
    code, out, err = run("desc-tom", "wanted", "--url", tom.root)
    assert (code, err) == (0, "")
    assert out.endswith("2 spectra wanted\n")
    assert "\x1b" not in out
    decide(store, FIRST, "observed", minute=30)
    label(store, FIRST, "SN Ia", redshift=0.05)
    spectrum = f'"facility": "{FACILITY}", "mjd": {odd}, "z": {odd}, "classid": {odd}, "report_time": {odd}'
    tom.faults.append(Fault(status=200, body=f'{{"status": "ok", "spectra": [{{{spectrum}}}]}}'))
    assert send(tom, store, world).sent == {"classify": 1}
    assert reports(tom) == [(2222, 0.05)]


def test_a_command_killed_in_the_middle_reports_each_spectrum_once(tom: Any, store: Store, store_path: Path) -> None:
    for target in (FIRST, SECOND, HIDDEN):
        decide(store, target, "observed", minute=30)
    # The second report is written down, and its answer never comes.
    tom.faults.extend([None, None, None, Fault("silence", lost=True)])
    arguments = ["desc-tom", "send", "--user", USER, "--url", tom.root, "--store", str(store_path), "--json"]
    code = f"import sys; from ampel_followup.cli import main; sys.exit(main({arguments!r}))"
    environment = {**os.environ, "AMPEL_FOLLOWUP_TOM_PASSWORD": PASSWORD}
    with subprocess.Popen([sys.executable, "-c", code], env=environment) as process:
        tom.wait_for_requests(6)  # two of them to log in
        process.send_signal(signal.SIGKILL)
    assert (len(tom.spectra), len(store.sent.latest(tom.root))) == (2, 1)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["sent"] == {"report": 2}
    assert sorted(spectrum["objectid"] for spectrum in tom.spectra) == list(NUMBERS)
