"""What the DESC target manager should know of a plan: wishes, plans, what is taken back, and reports of spectra."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ampel_followup.decision import Decision, Verdict, effective_verdicts
from ampel_followup.errors import ServiceError
from ampel_followup.exports import Extras, exported
from ampel_followup.exports.desc_findings import finding, mjd, reported
from ampel_followup.exports.desc_tom import REQUESTER, bodies
from ampel_followup.exports.short_names import ascii_line
from ampel_followup.labels import Label, effective_labels
from ampel_followup.plan import NightPlan
from ampel_followup.services.desc_tom import NAME, REPORTS
from ampel_followup.services.messages import Message, Sent
from ampel_followup.survey_names import lsst_number

if TYPE_CHECKING:
    from ampel_followup.store import Store

# Actions in the order in which they are sent.
_ORDER = ("ask", "unplan", "plan", *REPORTS)


@dataclass(frozen=True, slots=True)
class Requests:
    """
    What the manager is to be told of a plan, in this order, and what it cannot be told.

    Parameters
    ----------
    messages : list of Message
    unknown : tuple of str
        Objects without a number of LSST.
    without_class : dict of str to str
        Objects whose spectra are reported as not classified, for the taxonomy of DESC has no class for the type that
        their label says: object → type.
    again : frozenset of str
        Subjects of wishes and plans that the manager dropped when it was told of an observation that was undone since:
        they are to be sent whatever it was told before.
    """

    messages: list[Message]
    unknown: tuple[str, ...]
    without_class: dict[str, str]
    again: frozenset[str] = frozenset()


def requests_for(
    plan: NightPlan,
    verdicts: Mapping[str, Decision],
    latest: Mapping[str, Sent],
    *,
    labels: Mapping[str, tuple[Label, ...]] | None = None,
    observed: Collection[tuple[str, float]] = (),
    requester: str = REQUESTER,
    facility: str = "",
) -> Requests:
    """
    Say what the manager should know of a plan.

    Asked for is what is approved, with priorities from 5 (the first fifth) to 1; planned what of it can be observed
    tonight; reported what was observed, with class and redshift where labels say them. A plan that was sent before is
    taken back where that has become untrue: the target was rejected, deferred, or failed, or nobody approves it any
    longer. A report that was sent before, of any night, is sent anew when labels say something else than it did, unless
    the observation was undone.

    Parameters
    ----------
    plan : NightPlan
    verdicts : mapping of str to Decision
        What holds for each target.
    latest : mapping of str to Sent
        What the manager was told last of each subject.
    labels : mapping of str to tuple of Label, optional
        What sources say that each target is, see `ampel_followup.labels.effective_labels`.
    observed : collection of (str, float)
        Target and MJD (UTC) of observations of other nights and sites that still hold, see `observations`.
    requester : str
        Who asks.
    facility : str
        Where the spectra are taken; by default the name of the plan's site.

    Raises
    ------
    ServiceError
        If the requester has no name.
    TaxonomyError
        If a table of the user's cannot be read.
    """
    labels = labels or {}
    requester = ascii_line(requester)
    if not requester:
        raise ServiceError(f"{NAME} wants to know who asks; name the requester in plain letters")
    entries = exported(plan, verdicts, "desc-tom", select="all")
    told = bodies(plan, entries, Extras(verdicts=verdicts, labels=labels), requester=requester, facility=facility)
    names = {lsst_number(entry.id): entry.id for entry in entries}
    night = plan.night.date
    messages = []
    for number, priority in zip(told["ask"]["objectids"], told["ask"]["priorities"], strict=True):
        subject = f"ask/{night}/{requester}/{number}"
        content = {"requester": requester, "objectid": number, "priority": priority}
        messages.append(Message("ask", subject, names[number], night, content))
    messages += [Message("plan", _subject("plan", body), names[body["objectid"]], night, body) for body in told["plan"]]
    reports = [Message("report", _subject("report", b), names[b["objectid"]], night, b) for b in told["report"]]
    with_results, without_class = _with_results(reports, latest, observed, labels)
    messages += with_results
    planned = {message.subject for message in messages if message.action == "plan"}
    done = {number for number, name in names.items() if _verdict(verdicts, name) == Verdict.OBSERVED}
    rejected = {body["objectid"] for body in told["unplan"]}
    here = ascii_line(facility or plan.night.site_name)
    for sent in latest.values():
        number = lsst_number(sent.target)
        if sent.action != "plan" or sent.subject != _subject("plan", {"facility": here, "objectid": number}):
            continue
        outdated = sent.night == night or number in rejected
        if outdated and sent.subject not in planned and number not in done:
            content = {"objectid": number, "facility": here}
            messages.append(Message("unplan", sent.subject, sent.target, night, content))
    messages.sort(key=lambda message: _ORDER.index(message.action))
    again = _dropped(latest, {report.subject for report in reports}, observed)
    return Requests(messages, tuple(told["without_number"]), without_class, again)


def requests_of(
    store: Store, service: str, *, night: str | None = None, site: str | None = None, **told: str
) -> Requests:
    """
    Say what the manager should know of a plan in a store, see `requests_for`.

    Parameters
    ----------
    store : Store
    service : str
        Address of the manager.
    night, site : str, optional
        Of the plan; by default of the latest one.
    **told
        As for `requests_for`.

    Raises
    ------
    StoreError
        If there is no such plan.
    ServiceError
        If the requester has no name.
    TaxonomyError
        If a table of the user's cannot be read.
    """
    stored = store.load_plan(night=night, site=site)
    return requests_for(
        stored.plan,
        store.verdicts(stored.info.night, stored.info.site),
        store.sent.latest(service),
        labels=effective_labels(store.labels()),
        observed=observations(store.decisions()),
        **told,
    )


def observations(decisions: Iterable[Decision]) -> set[tuple[str, float]]:
    """
    Return target and MJD (UTC) of the observations that hold.

    Parameters
    ----------
    decisions : iterable of Decision
        Of any nights and sites, oldest first; per night and site the latest state of a target that was not taken back
        holds, see `ampel_followup.decision.effective_verdicts`.
    """
    nights: defaultdict[tuple[str, str], list[Decision]] = defaultdict(list)
    for decision in decisions:
        nights[decision.night, decision.site].append(decision)
    held = (decision for night in nights.values() for decision in effective_verdicts(night).values())
    return {(decision.target, mjd(decision.time)) for decision in held if decision.verdict == Verdict.OBSERVED}


def _with_results(
    reports: Iterable[Message],
    latest: Mapping[str, Sent],
    observed: Collection[tuple[str, float]],
    labels: Mapping[str, tuple[Label, ...]],
) -> tuple[list[Message], dict[str, str]]:
    """Return reports, and those sent before that labels have changed, with what labels say; and types without class."""
    due = {message.subject: message for message in reports}
    before = {subject: _message(sent) for subject, sent in latest.items() if sent.action in REPORTS}
    # Reports cannot be taken back; of an observation that was undone nothing more is said.
    still = {subject: last for subject, last in before.items() if (last.target, last.content["mjd"]) in observed}
    messages, without_class = [], {}
    for subject, message in (still | due).items():
        last = before.get(subject)
        found = finding(labels.get(message.target, ()), message.content["mjd"])
        if found is None:
            messages += [last or message] if subject in due else []
            continue
        if found.without_class:
            without_class[message.target] = found.without_class
        content = message.content | reported(found)
        if last is not None and math.isnan(found.redshift):
            content["z"] = last.content["z"]  # a label without a redshift does not take it back
        if last is None or content != last.content:
            messages.append(replace(message, action="classify", content=content))
        elif subject in due:
            messages.append(last)
    return messages, without_class


def _dropped(
    latest: Mapping[str, Sent], due: Collection[str], observed: Collection[tuple[str, float]]
) -> frozenset[str]:
    """Return what the manager was told to want and to plan, and dropped with a report that was a mistake."""
    mistaken: dict[str, int] = {}
    for sent in latest.values():
        if sent.action not in REPORTS or sent.subject in due:
            continue
        if (sent.target, json.loads(sent.content)["mjd"]) not in observed:
            mistaken[sent.target] = max(sent.id, mistaken.get(sent.target, 0))
    wishes = (sent for sent in latest.values() if sent.action in ("ask", "plan"))
    return frozenset(sent.subject for sent in wishes if sent.id < mistaken.get(sent.target, 0))


def _message(sent: Sent) -> Message:
    return Message(sent.action, sent.subject, sent.target, sent.night, json.loads(sent.content))


def _subject(action: str, body: Mapping[str, Any]) -> str:
    when = f"/{body['mjd']}" if action == "report" else ""
    return f"{action}/{body['facility']}/{body['objectid']}{when}"


def _verdict(verdicts: Mapping[str, Decision], name: str) -> str:
    return verdicts[name].verdict if name in verdicts else ""
