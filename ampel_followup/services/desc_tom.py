"""
The target manager of the Dark Energy Science Collaboration (DESC TOM): ask for spectra, plan, take back, report.

Its interface takes JSON below ``elasticc2/`` from whoever has logged in as with a browser
(https://github.com/LSSTDESC/tom_desc). It refuses by error 500 and a line of text. To ask, plan and take back may be
repeated without harm; a report that came twice would be two spectra, so that it is looked for before. Reports can be
neither changed nor taken back: of two with the same object, facility and time the later one holds.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ampel_followup.decision import Decision, Verdict, effective_verdicts
from ampel_followup.errors import ServiceError
from ampel_followup.exports import Extras, exported
from ampel_followup.exports.desc_findings import finding, mjd, reported
from ampel_followup.exports.desc_tom import REQUESTER, bodies
from ampel_followup.exports.short_names import ascii_line
from ampel_followup.labels import Label, effective_labels
from ampel_followup.plan import NightPlan
from ampel_followup.services.credentials import Secret
from ampel_followup.services.messages import Message, Sent
from ampel_followup.services.retry import PassingError
from ampel_followup.services.web import TIMEOUT, Answer, RefusedError, UnknownUserError, Web, passes, retry_after
from ampel_followup.survey_names import lsst_number
from ampel_followup.untrusted import clean

if TYPE_CHECKING:
    from ampel_followup.store import Store

NAME = "DESC TOM"
URL = "https://desc-tom.lbl.gov"

#: Environment variables of the user's name and password.
USER_VARIABLE, PASSWORD_VARIABLE = "AMPEL_FOLLOWUP_TOM_USER", "AMPEL_FOLLOWUP_TOM_PASSWORD"

#: So many wishes in one request.
BATCH = 100

# How the lines begin by which its views refuse what they are told, and what its database says of objects that it does
# not have; any other error 500 is trouble of its own.
_REFUSALS = (
    "Unknown objectid", "Mal-formed data", "Post data must be", "Failed to parse", "facility can't be",
    "Incorrect fields",
)  # fmt: skip
_NO_SUCH_OBJECT = "violates foreign key"
_ENDPOINTS = {
    "ask": "askforspectrum", "plan": "planspectrum", "unplan": "removespectrumplan", "report": "reportspectruminfo",
    "classify": "reportspectruminfo",
}  # fmt: skip
_LOGIN = "accounts/login/"

# Actions in the order in which they are sent: `report` says that a spectrum was taken, `classify` also what it showed.
_ORDER = ("ask", "unplan", "plan", "report", "classify")
_REPORTS = _ORDER[-2:]

# Times of spectra [d], and redshifts, that are the same: the manager keeps them in double precision.
_SAME = 1e-6


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
    before = {subject: _message(sent) for subject, sent in latest.items() if sent.action in _REPORTS}
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
        if sent.action not in _REPORTS or sent.subject in due:
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


class DescTom:
    """
    The manager's interface, for one user; logs in when it is first asked something, and again where that ran out.

    Parameters
    ----------
    user : str
    password : Secret
    url : str
        Its address.
    timeout : (float, float)
        See `ampel_followup.services.web.TIMEOUT`.
    """

    def __init__(self, user: str, password: Secret, url: str = URL, *, timeout: tuple[float, float] = TIMEOUT) -> None:
        if not user:
            raise ServiceError(f"there is no user of {NAME}: name one with --user, or as {USER_VARIABLE}")
        self._web = Web(NAME, url, password, timeout=timeout)
        self._user, self._password = user, password
        self._logged_in = False

    @property
    def url(self) -> str:
        """Its address."""
        return self._web.url

    @staticmethod
    def together(message: Message) -> bool:
        """Return True for messages of which many may go in one request."""
        return message.action == "ask"

    def tell(self, messages: Sequence[Message], attempt: int = 1) -> None:
        """
        Send messages of one action in one request: any number that ask, or one of another kind.

        Raises
        ------
        RefusedError, PassingError, ServiceError
            As in `ampel_followup.services.web.Web.post`.
        """
        action, contents = messages[0].action, [message.content for message in messages]
        if action == "ask":
            body = {
                "requester": contents[0]["requester"],
                "objectids": [content["objectid"] for content in contents],
                "priorities": [content["priority"] for content in contents],
            }
        else:
            [body] = contents
        # Whoever heard no answer, now or in a run that was killed, does not know what became of a report.
        if action in _REPORTS and self._knows(body, whatever_it_showed=action == "report"):
            return
        self._ask(_ENDPOINTS[action], body)

    def wanted(self, **conditions: Any) -> list[dict[str, Any]]:
        """
        Return the spectra that anyone asked for: ``oid``, ``ra``, ``dec``, ``req``, ``prio`` and ``latest`` photometry.

        Parameters
        ----------
        **conditions
            As the manager knows them: ``requested_since``, ``not_claimed_in_last_days``, ``detected_in_last_days`` …
        """
        return _records(self._ask("spectrawanted", conditions), "wantedspectra")

    def known(self, numbers: Sequence[int], **conditions: Any) -> list[dict[str, Any]]:
        """Return the spectra that were reported of objects: ``objectid``, ``facility``, ``mjd``, ``z``, ``classid``."""
        return _records(self._ask("getknownspectruminfo", {"objectid": list(numbers), **conditions}), "spectra")

    def _knows(self, report: Mapping[str, Any], *, whatever_it_showed: bool) -> bool:
        """Return True if the manager knows of a spectrum, and has what it showed from its latest report."""
        there = [
            spectrum
            for spectrum in self.known([report["objectid"]])
            if spectrum.get("facility") == report["facility"] and _same(spectrum.get("mjd"), report["mjd"])
        ]
        if not there or whatever_it_showed:
            return bool(there)
        last = max(there, key=lambda spectrum: _time(spectrum.get("report_time")))
        return last.get("classid") == report["classid"] and _same(last.get("z"), report["z"])

    def _ask(self, endpoint: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if not self._logged_in:
            self._log_in()
        try:
            answer = self._post(endpoint, body)
        except UnknownUserError:
            self._log_in()  # sessions end; whoever may not do this is refused once more
            answer = self._post(endpoint, body)
        if answer.get("status") != "ok":
            raise RefusedError(self._web.clean(str(answer.get("error", "its answer does not say ok"))))
        return answer

    def _post(self, endpoint: str, body: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"X-CSRFToken": self._web.session.cookies.get("csrftoken") or "", "Referer": f"{self.url}/"}
        return self._web.post(f"elasticc2/{endpoint}", json=dict(body), headers=headers, refused=_refusal)

    def _log_in(self) -> None:
        self._logged_in = False
        self._web.session.cookies.clear()
        page = self._web.request("GET", _LOGIN)
        token = self._web.session.cookies.get("csrftoken")
        _check_login(page)
        if not token:
            raise ServiceError(f"nobody can log in at {self.url}/{_LOGIN}: is this {NAME}? Name its address with --url")
        form = {"username": self._user, "password": self._password.value, "csrfmiddlewaretoken": token}
        answer = self._web.request("POST", _LOGIN, data=form, headers={"Referer": f"{self.url}/{_LOGIN}"})
        _check_login(answer)
        # Django answers a wrong password with the same page, and without a session.
        if not self._web.session.cookies.get("sessionid"):
            raise UnknownUserError(f"{NAME} does not know {clean(self._user, 80)!r}, or not with this password")
        self._logged_in = True


def _check_login(answer: Answer) -> None:
    if passes(answer.status):
        asked = retry_after(answer.headers)
        raise PassingError(f"error {answer.status} where one logs in", retry_after=asked, for_all=True)


def _refusal(answer: Answer) -> str | None:
    text = answer.text
    refused = text.startswith(_REFUSALS) or _NO_SUCH_OBJECT in text
    return text if answer.status == 500 and refused else None


def _same(known: Any, told: Any) -> bool:
    """Compare numbers, of which one that is not known is None there and an empty text here."""
    if isinstance(known, int | float) and isinstance(told, int | float):
        return abs(known - told) < _SAME
    return known is None and told == ""


def _time(text: Any) -> float:
    """Return a time that the manager wrote [s]; one that it did not write is before all others."""
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError):
        return -math.inf


def _records(answer: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    records = answer.get(name)
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise PassingError(f"the answer has no list of {name}")
    return records
