"""What a plan says of its objects arrives at Lasair, once, whatever the server does meanwhile."""

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
from faulty_server import Fault
from hypothesis import given, settings
from hypothesis import strategies as st
from lasair_server import LENGTHS, TOKEN, TOPIC, LasairServer
from lsst_plans import FIRST, HIDDEN, NIGHT, NUMBERS, PLAN, SECOND, ZTF, decide, save_plan

from ampel_followup import __version__
from ampel_followup.errors import ServiceError
from ampel_followup.plan import NightPlan
from ampel_followup.services.credentials import Secret
from ampel_followup.services.lasair import Lasair, Survey, Which, annotations_for
from ampel_followup.services.messages import canonical
from ampel_followup.services.sending import Delivery, deliver
from ampel_followup.store import Store

#: A server that keeps silent is given up on after so many seconds.
TIMEOUT = 0.2


def annotate(
    server: LasairServer, store: Store, world: Any, *, plan: NightPlan = PLAN, token: str = TOKEN, batch: int = 1
) -> Delivery:
    client = Lasair(Secret(token), server.url, timeout=(5.0, TIMEOUT))
    messages = annotations_for(plan, {}, TOPIC).messages
    return deliver(messages, client.annotate, store.sent, client.url, world.circumstances(), batch=batch)


def test_each_object_is_annotated_with_class_place_reasons_and_scores(lasair: Any, store: Store, world: Any) -> None:
    delivery = annotate(lasair, store, world)
    assert delivery.complete
    assert delivery.sent == {"annotate": 3}
    assert {number for number, _ in lasair.annotations} == set(NUMBERS)
    told = lasair.annotations[NUMBERS[0], TOPIC]
    assert told["classification"] == PLAN.targets[0].scores.class_now
    assert told["version"] == __version__
    assert told["explanation"] == (
        f"Place 1 of 3 in the night of {NIGHT} at Palomar Observatory. A spectrum would change the class in 43 % of "
        "cases, most likely to SN II. Brightening by 0.21 mag/d in r."
    )
    scores = told["classdict"]
    assert scores["p"] == {"SN Ia": 0.5, "SN II": 0.25, "bogus": 0.25}
    assert scores["rank"] == 1
    assert scores["value_of_information"] == pytest.approx(PLAN.targets[0].scores.value_of_information, rel=1e-3)
    assert scores["night"] == NIGHT
    hidden = lasair.annotations[NUMBERS[2], TOPIC]
    assert hidden["explanation"].startswith(f"Not observable in the night of {NIGHT} at Palomar Observatory: never")
    assert world.progress == [(1, 3), (2, 3), (3, 3)]


def test_many_go_in_one_request(lasair: Any, store: Store, world: Any) -> None:
    delivery = annotate(lasair, store, world, batch=2)
    assert delivery.sent == {"annotate": 3}
    assert [request.path for request in lasair.requests] == ["/api/annotatelist/", "/api/annotate/"]
    one_by_one = {key: {**form, "objectId": int(form["objectId"])} for key, form in lasair.annotations.items()}
    lasair.annotations.clear()
    with Store.open(store.folder / "other.sqlite") as other:
        annotate(lasair, other, world)
    assert {key: {**form, "objectId": int(form["objectId"])} for key, form in lasair.annotations.items()} == one_by_one


@pytest.mark.parametrize(
    "fault", [Fault(status=500), Fault("cut", lost=True), Fault(status=200, body='{"status": "success", "n": 2}')]
)
def test_a_request_with_many_is_tried_again(fault: Fault, lasair: Any, store: Store, world: Any) -> None:
    lasair.faults.append(fault)
    assert annotate(lasair, store, world, batch=50).complete
    assert (len(lasair.annotations), len(lasair.requests)) == (3, 2)


def test_one_that_is_refused_among_many_keeps_no_other_back(lasair: Any, store: Store, world: Any) -> None:
    lasair.refused_objects = {NUMBERS[1]}
    delivery = annotate(lasair, store, world, batch=50)
    assert (delivery.sent.total(), [p.target for p in delivery.problems]) == (2, [SECOND])
    assert [request.path for request in lasair.requests] == [
        "/api/annotatelist/", "/api/annotate/", "/api/annotatelist/", "/api/annotate/", "/api/annotate/"
    ]  # fmt: skip


def test_where_lists_are_not_known_they_go_one_by_one(lasair: Any, store: Store, world: Any) -> None:
    lasair.takes_lists = False
    assert annotate(lasair, store, world, batch=50).complete
    assert [request.path for request in lasair.requests] == ["/api/annotatelist/", *["/api/annotate/"] * 3]
    lasair.requests.clear()
    with Store.open(store.folder / "other.sqlite") as other:  # nor is a second list tried
        assert annotate(lasair, other, world, batch=2).complete
    assert len(lasair.requests) == 4


def test_where_nothing_takes_annotations_the_rest_is_left(lasair: Any, store: Store, world: Any) -> None:
    lasair.faults.extend([Fault(status=404, body="Not Found")] * 2)
    delivery = annotate(lasair, store, world, batch=50)
    assert (len(lasair.requests), len(delivery.problems), delivery.left, world.waits) == (2, 1, 2, [])
    assert delivery.stopped == "404: Not Found: there is nothing that takes it; is the address right?"


@pytest.mark.parametrize("status", [401, 403])
def test_a_list_from_someone_unknown_is_not_divided(status: int, lasair: Any, store: Store, world: Any) -> None:
    lasair.faults.append(Fault(status=status))
    with pytest.raises(ServiceError, match="Lasair refuses us"):
        annotate(lasair, store, world, batch=50)
    assert len(lasair.requests) == 1


def test_a_second_run_sends_nothing(lasair: Any, store: Store, world: Any) -> None:
    annotate(lasair, store, world)
    again = annotate(lasair, store, world)
    assert (again.sent.total(), again.unchanged, again.complete) == (0, 3, True)
    assert len(lasair.requests) == 3


def test_only_what_has_changed_is_sent_again(lasair: Any, store: Store, world: Any) -> None:
    annotate(lasair, store, world)
    first = PLAN.targets[0]
    scores = replace(first.scores, value_of_information=0.9)
    changed = replace(PLAN, targets=(replace(first, scores=scores), *PLAN.targets[1:]))
    again = annotate(lasair, store, world, plan=changed)
    assert (again.sent.total(), again.unchanged) == (1, 2)
    assert lasair.annotations[NUMBERS[0], TOPIC]["classdict"]["value_of_information"] == 0.9
    # And back: what holds is what was said last.
    assert annotate(lasair, store, world).sent.total() == 1


def test_what_was_sent_is_recorded_with_its_time(lasair: Any, store: Store, world: Any) -> None:
    annotate(lasair, store, world)
    record = store.sent.latest(lasair.url)
    assert [sent.target for sent in record.values()] == [FIRST, SECOND, HIDDEN]
    assert {sent.time for sent in record.values()} == {"2026-11-21T03:00:00Z"}
    assert store.sent.latest("https://elsewhere.example") == {}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500),
        Fault(status=502),
        Fault(status=503),
        Fault(status=504),
        Fault(status=429),
        Fault("silence"),
        Fault("silence", lost=True),
        Fault("drop"),
        Fault("drop", lost=True),
        Fault("cut"),
        Fault("cut", lost=True),
        Fault(status=200, body="<html>maintenance</html>"),
        Fault(status=200, body='{"status": "succ'),
        Fault(status=200, body="[1, 2]"),
        Fault(status=200, body='{"status": "queued"}'),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}{'-lost' if fault.lost else ''}-{fault.body[:8]}",
)
def test_what_passes_is_tried_again_until_everything_arrived(
    fault: Fault, lasair: Any, store: Store, world: Any
) -> None:
    lasair.faults.extend([None, fault, fault])
    delivery = annotate(lasair, store, world)
    assert delivery.complete
    assert set(lasair.annotations) == {(number, TOPIC) for number in NUMBERS}
    assert len(lasair.requests) == 5
    assert len(world.waits) == 2
    assert 0.5 <= world.waits[0] <= 1.0 <= world.waits[1] <= 2.0


@pytest.mark.parametrize("status", [429, 503])
def test_a_service_that_says_how_long_to_wait_is_taken_at_its_word(
    status: int, lasair: Any, store: Store, world: Any
) -> None:
    lasair.faults.append(Fault(status=status, headers={"Retry-After": "37"}))
    assert annotate(lasair, store, world).complete
    [wait] = world.waits
    assert 37.0 < wait <= 38.0


def test_whoever_is_to_wait_for_an_hour_leaves_the_rest_for_later(lasair: Any, store: Store, world: Any) -> None:
    lasair.faults.extend([None, Fault(status=429, headers={"Retry-After": "3000"})])
    delivery = annotate(lasair, store, world)
    assert (delivery.sent.total(), len(delivery.problems), delivery.left) == (1, 1, 1)
    assert delivery.stopped == "too many requests; it asks to come back in 3000 s"
    assert world.waits == []
    later = annotate(lasair, store, world)
    assert (later.sent.total(), later.unchanged, later.complete) == (2, 1, True)


def test_a_server_that_is_down_is_not_asked_for_each_object(lasair: Any, store: Store, world: Any) -> None:
    lasair.faults.extend([Fault("drop")] * 6)
    delivery = annotate(lasair, store, world)
    assert (delivery.sent.total(), len(delivery.problems), delivery.left) == (0, 1, 2)
    assert delivery.stopped == "the connection was cut"
    assert len(world.waits) == 5
    assert annotate(lasair, store, world).complete


def test_nobody_there(store: Store, world: Any) -> None:
    with LasairServer() as gone:
        pass
    delivery = annotate(gone, store, world)
    assert (delivery.sent.total(), delivery.left, delivery.stopped) == (0, 2, "nothing answers there")


def test_errors_of_one_object_keep_no_other_back(lasair: Any, store: Store, world: Any) -> None:
    lasair.refused_objects = {NUMBERS[0]}
    lasair.faults.extend([None, *[Fault(status=500)] * 6])
    delivery = annotate(lasair, store, world)
    assert [(p.target, p.refused) for p in delivery.problems] == [(FIRST, True), (SECOND, False)]
    assert "Query failed 1452" in delivery.problems[0].reason
    assert delivery.problems[1].reason == "error 500: <h1>Server Error (500)</h1>"
    assert (delivery.sent.total(), delivery.left) == (1, 0)
    # What was refused is offered again next time: others may know the object by then.
    lasair.refused_objects = set()
    again = annotate(lasair, store, world)
    assert (again.sent.total(), again.unchanged, again.complete) == (2, 1, True)


def test_a_refusal_is_not_repeated(lasair: Any, store: Store, world: Any) -> None:
    lasair.refused_objects = set(NUMBERS)
    assert len(annotate(lasair, store, world).problems) == 3
    assert len(lasair.requests) == 3
    assert world.waits == []


def test_a_wrong_token_ends_the_run_and_is_not_repeated_to_anyone(lasair: Any, store: Store, world: Any) -> None:
    with pytest.raises(ServiceError, match=r"Lasair refuses us \(401: .*check the token") as refused:
        annotate(lasair, store, world, token="not-the-token")
    assert "not-the-token" not in str(refused.value)
    assert len(lasair.requests) == 1


def test_a_secret_that_the_service_repeats_is_not_shown(lasair: Any, store: Store, world: Any) -> None:
    lasair.faults.append(Fault(status=400, body=f"bad token {TOKEN}"))
    lasair.faults.append(Fault(status=200, body=json.dumps({"error": f"bad token {TOKEN}"})))
    problems = annotate(lasair, store, world).problems
    assert [problem.reason for problem in problems] == ["400: bad token …", "bad token …"]


@pytest.mark.parametrize("status", [400, 401, 500])
def test_what_a_service_says_steers_no_terminal(
    status: int,
    lasair: Any,
    store_path: Path,
    run: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AMPEL_FOLLOWUP_LASAIR_TOKEN", TOKEN)
    body = json.dumps({"error": "\x1b[2J\x07red \u202e[bold]alert[/bold]\n\nsecond line" + "x" * 500})
    lasair.faults.extend([Fault(status=status, body=body)] * 4)
    command = ("lasair", "annotate", "--topic", TOPIC, "--url", lasair.url, "--store", store_path, "--patience", "0")
    code, out, err = run(*command)
    assert code == (2 if status == 401 else 1)
    said = err if status == 401 else out
    assert "red [bold]alert[/bold] second line" in said
    assert "x" * 200 not in said
    assert all(character.isprintable() for character in said.replace("\n", ""))


def test_a_topic_that_is_switched_off_ends_the_run(lasair: Any, store: Store, world: Any) -> None:
    lasair.active = False
    with pytest.raises(ServiceError, match=f"topic {TOPIC} is not active"):
        annotate(lasair, store, world)
    assert len(lasair.requests) == 1


def test_a_service_that_has_moved_is_not_followed_with_the_token(lasair: Any, store: Store, world: Any) -> None:
    lasair.faults.append(Fault(status=302, headers={"Location": "https://elsewhere.example/"}))
    with pytest.raises(ServiceError, match=r"not at .* but at https://elsewhere.example/"):
        annotate(lasair, store, world)


def test_no_other_credentials_take_the_place_of_the_token(
    lasair: Any, store: Store, world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ada password wrong\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert annotate(lasair, store, world).complete


@settings(max_examples=40)
@given(
    reasons=st.lists(st.text(max_size=40), max_size=5),
    classes=st.dictionaries(st.text(min_size=1, max_size=20), st.floats(0, 1), min_size=1, max_size=25),
    now=st.text(max_size=20),
    page=st.text(max_size=20),
    times=st.sampled_from([1, 100]),
)
def test_whatever_a_plan_says_fits_into_what_lasair_takes(
    reasons: list[str], classes: dict[str, float], now: str, page: str, times: int
) -> None:
    reasons, classes = [reason * times for reason in reasons], {name * times: p for name, p in classes.items()}
    now, page = now * times, page * times
    scores = replace(PLAN.targets[0].scores, p_t=classes, class_now=now, class_after=now)
    target = replace(PLAN.targets[0], reasons=tuple(reasons), scores=scores)
    [message] = annotations_for(
        replace(PLAN, targets=(target,), not_observable=()), {}, TOPIC, url=f"https://example.org/{page}"
    ).messages
    content = message.content
    sent = {**content, "classdict": canonical(content["classdict"])}
    assert all(len(sent[field]) <= longest for field, longest in LENGTHS.items())
    assert all(sent[field].isprintable() and "'" not in sent[field] and "\\" not in sent[field] for field in LENGTHS)
    assert sent["classification"]
    assert sent["explanation"].startswith("Place 1 of 1")


def test_objects_of_the_other_survey_are_named_and_left_out() -> None:
    assert annotations_for(PLAN, {}, TOPIC).unknown == (ZTF,)
    of_ztf = annotations_for(PLAN, {}, TOPIC, survey=Survey.ZTF)
    assert [message.content["objectId"] for message in of_ztf.messages] == [ZTF]
    assert len(of_ztf.unknown) == 3


def test_only_what_is_approved_where_that_is_asked_for(store: Store) -> None:
    decide(store, FIRST, "reject")
    decide(store, SECOND, "approve")
    verdicts = store.verdicts(NIGHT, PLAN.night.site)
    approved = annotations_for(PLAN, verdicts, TOPIC, which=Which.APPROVED)
    assert [message.target for message in approved.messages] == [SECOND]


@pytest.mark.parametrize("topic", ["", " ours", "it's", "x" * 256, "a\nb"])
def test_a_topic_that_makes_no_sense_is_refused(topic: str) -> None:
    with pytest.raises(ServiceError, match="no topic of Lasair"):
        annotations_for(PLAN, {}, topic)


def test_the_command_annotates_and_says_so(
    lasair: Any, store_path: Path, run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMPEL_FOLLOWUP_LASAIR_TOKEN", TOKEN)
    command = ("lasair", "annotate", "--topic", TOPIC, "--url", lasair.url, "--store", store_path)
    code, out, err = run(*command, "--page", "https://example.org/objects/{name}")
    assert (code, err) == (0, "")
    assert out.startswith(f"Annotations at {lasair.url}: sent 3, unchanged 0, failed 0, left for later 0\n")
    assert f"left out: 1 ({ZTF})" in out
    assert lasair.annotations[NUMBERS[1], TOPIC]["url"] == f"https://example.org/objects/{SECOND}"
    code, out, _ = run(*command, "--page", "https://example.org/objects/{name}", "--json")
    assert code == 0
    assert json.loads(out) == {
        "service": lasair.url, "sent": {}, "unchanged": 3, "problems": [], "left": 0, "stopped": "", "unknown": [ZTF],
    }  # fmt: skip


def test_the_command_says_what_did_not_arrive(
    lasair: Any, store_path: Path, tmp_path: Path, run: Callable[..., tuple[int, str, str]]
) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    lasair.refused_objects = {NUMBERS[0]}
    lasair.faults.extend([None, Fault(status=429)])
    command = ("lasair", "annotate", "--topic", TOPIC, "--url", lasair.url, "--store", store_path)
    code, out, _ = run(*command, "--token-file", tmp_path / "token", "--patience", "0", "--batch", "1")
    assert code == 1
    assert "sent 0, unchanged 0, failed 2, left for later 1" in out
    assert "refused: 400: Query failed 1452" in out
    assert "Stopped: too many requests. Start the command again later" in out
    assert TOKEN not in out


def test_a_dry_run_sends_nothing_and_needs_no_token(
    lasair: Any, store: Store, store_path: Path, world: Any, run: Callable[..., tuple[int, str, str]]
) -> None:
    annotate(lasair, store, world, plan=replace(PLAN, targets=PLAN.targets[:1], not_observable=()))
    n = len(lasair.requests)
    command = ("lasair", "annotate", "--topic", TOPIC, "--url", lasair.url, "--store", store_path, "--dry-run")
    code, out, err = run(*command)
    assert (code, err) == (0, "")
    # The first place is now one of three.
    assert out.startswith(f"Would send 3 to {lasair.url}, unchanged 0\n")
    assert "Place 1 of 3" in out
    would = json.loads(run(*command, "--json")[1])["would_send"]
    assert [message["content"]["objectId"] for message in would] == list(NUMBERS)
    assert len(lasair.requests) == n


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--topic", TOPIC), "there is no token of Lasair"),
        (("--topic", TOPIC, "--token-file", "nowhere"), "cannot be read from nowhere"),
        (("--topic", TOPIC, "--token-file", TOKEN), "others can read what is on a command line"),
        (("--topic", ""), "no topic of Lasair"),
        (("--topic", TOPIC, "--page", "example.org"), "is no page"),
        (("--topic", TOPIC, "--url", "http://example.org"), "not encrypted"),
    ],
)
def test_wrong_options_are_refused_in_one_line(
    arguments: tuple[str, ...], message: str, store_path: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AMPEL_FOLLOWUP_LASAIR_TOKEN", raising=False)
    if "--url" in arguments:
        monkeypatch.setenv("AMPEL_FOLLOWUP_LASAIR_TOKEN", TOKEN)
    code, out, err = run("lasair", "annotate", "--store", store_path, *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert TOKEN not in err


def test_a_command_killed_in_the_middle_loses_nothing(tmp_path: Path, lasair: Any) -> None:
    first = PLAN.targets[0]
    many = replace(PLAN, targets=tuple(replace(first, id=str(NUMBERS[0] + 100 + i), rank=i + 1) for i in range(12)))
    path = tmp_path / "killed.sqlite"
    save_plan(path, many)
    # The seventh request is carried out, and its answer never comes.
    lasair.faults.extend([*[None] * 6, Fault("silence", lost=True)])
    arguments = ["lasair", "annotate", "--topic", TOPIC, "--url", lasair.url, "--store", str(path), "--batch", "1"]
    code = f"import sys; from ampel_followup.cli import main; sys.exit(main({arguments!r}))"
    environment = {**os.environ, "AMPEL_FOLLOWUP_LASAIR_TOKEN": TOKEN}
    with subprocess.Popen([sys.executable, "-c", code], env=environment) as process:
        lasair.wait_for_requests(7)
        process.send_signal(signal.SIGKILL)
    with Store.open(path) as store:
        assert len(store.sent.latest(lasair.url)) == 6
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert "sent 7, unchanged 6" in done.stdout
    assert len(lasair.annotations) == 13
    assert len(lasair.requests) == 14
