"""
Lasair, a broker of LSST and ZTF: scores and reasons of a plan as annotations of its objects.

Others then find them on Lasair's pages and use them in filters. Its interface takes one as a form at ``annotate/``, or
many as JSON at ``annotatelist/``, with a token in the header (https://lasair.readthedocs.io, "Making an Annotator"); an
annotation of the same topic and object replaces the one before. Lengths are those that its server takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ampel_followup import __version__
from ampel_followup.decision import Decision, Verdict
from ampel_followup.errors import ServiceError
from ampel_followup.plan import NightPlan, RankedTarget
from ampel_followup.services.credentials import Secret
from ampel_followup.services.messages import Message, canonical
from ampel_followup.services.retry import PassingError
from ampel_followup.services.web import TIMEOUT, RefusedError, Web
from ampel_followup.survey_names import lsst_number
from ampel_followup.untrusted import clean

if TYPE_CHECKING:
    import requests

    from ampel_followup.store import Store

NAME = "Lasair"

#: Environment variable of the token.
TOKEN_VARIABLE = "AMPEL_FOLLOWUP_LASAIR_TOKEN"

#: Longest topic, classification, version, explanation, JSON of scores, and address [characters].
LENGTHS: Mapping[str, int] = {
    "topic": 255, "classification": 80, "version": 16, "explanation": 1024, "classdict": 4096, "url": 1024,
}  # fmt: skip

# So many classes of those that have a probability are told, the most probable ones.
_CLASSES = 20
_LONGEST_CLASS = 60

# Lasair's server writes what it is told between quotes into SQL, and refuses what ends them; a backslash is lost there,
# and JSON has one before each of its own quotes.
_QUOTES = str.maketrans({"'": "’", '"': "”", "\\": "/"})


class Survey(StrEnum):
    """Which of the two Lasairs."""

    LSST = "lsst"
    ZTF = "ztf"

    @property
    def batch(self) -> int:
        """So many annotations in one request: it takes no more than 100 requests an hour from most users."""
        return 50 if self is Survey.LSST else 1

    @property
    def url(self) -> str:
        """Address of its interface."""
        return "https://api.lasair.lsst.ac.uk/api" if self is Survey.LSST else "https://lasair-ztf.lsst.ac.uk/api"

    def object_id(self, name: str) -> int | str | None:
        """Return what this Lasair calls an object; None for the objects of other surveys."""
        if self is Survey.LSST:
            return lsst_number(name)
        return name if name.startswith("ZTF") and name.isalnum() else None


class Which(StrEnum):
    """Which objects of a plan: what is worth a look, what people approved of it, or also what the policy set aside."""

    LISTED = "listed"
    APPROVED = "approved"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Annotations:
    """What Lasair is to be told of a plan, and the objects that it does not know."""

    messages: list[Message]
    unknown: tuple[str, ...]


def annotations_for(
    plan: NightPlan,
    verdicts: Mapping[str, Decision],
    topic: str,
    *,
    survey: Survey = Survey.LSST,
    which: Which = Which.LISTED,
    url: str = "",
) -> Annotations:
    """
    Make the annotations of a plan.

    Parameters
    ----------
    plan : NightPlan
    verdicts : mapping of str to Decision
        What holds for each target.
    topic : str
        Name of the annotator, as agreed with Lasair.
    survey : Survey
    which : Which
    url : str
        Page with more about an object, ``{name}`` in it being its name; empty for none.

    Raises
    ------
    ServiceError
        If the topic or the address makes no sense.
    """
    if not topic or len(topic) > LENGTHS["topic"] or clean(topic) != topic or topic.translate(_QUOTES) != topic:
        raise ServiceError(f"{clean(topic, 80)!r} is no topic of {NAME}; give the name of your annotator there")
    if url and not url.startswith(("https://", "http://")):
        raise ServiceError(f"{clean(url, 80)!r} is no page; give an address such as https://example.org/{{name}}")
    messages, unknown = [], []
    for target in _chosen(plan, verdicts, which):
        number = survey.object_id(target.id)
        if number is None:
            unknown.append(target.id)
            continue
        content = {
            "objectId": number,
            "topic": topic,
            "classification": _text(target.scores.class_now, "classification") or "unknown",
            "version": __version__[: LENGTHS["version"]],
            "explanation": _explanation(plan, target),
            "classdict": _scores(plan, target),
            "url": _text(url.replace("{name}", target.id), "url"),
        }
        messages.append(Message("annotate", f"{topic}/{number}", target.id, plan.night.date, content))
    return Annotations(messages, tuple(unknown))


def annotations_of(
    store: Store, topic: str, *, night: str | None = None, site: str | None = None, **chosen: Any
) -> Annotations:
    """
    Make the annotations of a plan in a store, see `annotations_for`.

    Parameters
    ----------
    store : Store
    topic : str
    night, site : str, optional
        Of the plan; by default of the latest one.
    **chosen
        As for `annotations_for`.

    Raises
    ------
    StoreError
        If there is no such plan.
    ServiceError
        If the topic or the address makes no sense.
    """
    stored = store.load_plan(night=night, site=site)
    return annotations_for(stored.plan, store.verdicts(stored.info.night, stored.info.site), topic, **chosen)


class Lasair:
    """
    Lasair's interface, for one user.

    Parameters
    ----------
    token : Secret
        As the user's profile there shows it.
    url : str
        Its address.
    timeout : (float, float)
        See `ampel_followup.services.web.TIMEOUT`.
    """

    def __init__(self, token: Secret, url: str, *, timeout: tuple[float, float] = TIMEOUT) -> None:
        self._web = Web(NAME, url, token, timeout=timeout)
        self._token = token

    @property
    def url(self) -> str:
        """Its address."""
        return self._web.url

    def annotate(self, messages: Sequence[Message], attempt: int = 1) -> None:
        """
        Send annotations in one request; they may be sent again without harm.

        Raises
        ------
        RefusedError, PassingError, ServiceError
            As in `ampel_followup.services.web.Web.post`; also if Lasair does not want anything of this topic.
        """
        told = [{**m.content, "classdict": canonical(m.content["classdict"])} for m in messages]
        try:
            if len(told) == 1:
                form = {key: str(value) for key, value in told[0].items()}
                answer = self._web.post("annotate/", data=form, auth=self._signed)
            else:
                answer = self._web.post("annotatelist/", json={"annotations": told}, auth=self._signed)
        except RefusedError as error:
            raise _ended(str(error)) or error from None
        if "error" in answer:
            why = self._web.clean(str(answer["error"]))
            raise _ended(why) or RefusedError(why)
        if answer.get("status") != "success" or answer.get("n", len(told)) != len(told):
            raise PassingError("the answer says neither success with all nor error")

    def _signed(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # As a function, for `requests` would put what ~/.netrc has in the place of a mere header.
        request.headers["Authorization"] = f"Token {self._token.value}"
        return request


def _ended(error: str) -> ServiceError | None:
    """Return the error that ends a run, where Lasair has something against the topic and not against an annotation."""
    _, found, why = error.partition("Annotator error: ")
    if not found:
        return None
    return ServiceError(f"{NAME}: {clean(why, 200)}; the topic is agreed with the Lasair team, and bound to one token")


def _chosen(plan: NightPlan, verdicts: Mapping[str, Decision], which: Which) -> Iterable[RankedTarget]:
    everything = (*plan.targets, *plan.not_observable, *plan.set_aside)
    if which is Which.LISTED:
        return (*plan.targets, *plan.not_observable)
    if which is Which.ALL:
        return everything
    return (t for t in everything if t.id in verdicts and verdicts[t.id].verdict == Verdict.APPROVE)


def _explanation(plan: NightPlan, target: RankedTarget) -> str:
    """Say where the object stands in the list and why: whole sentences, as many as Lasair takes."""
    night = f"in the night of {plan.night.date} at {plan.night.site_name}"
    if target.rank:
        first = f"Place {target.rank} of {len(plan.targets)} {night}."
    elif target.visibility.reason:
        first = f"Not observable {night}: {target.visibility.reason}."
    else:
        first = f"Set aside {night}."
    text = _text(first, "explanation")
    for reason in target.reasons:
        longer = f"{text} {_sentence(clean(reason))}".translate(_QUOTES)
        if len(longer) > LENGTHS["explanation"]:
            break
        text = longer
    return text


def _sentence(reason: str) -> str:
    return reason[:1].upper() + reason[1:] + ("" if reason.endswith((".", "!", "?", "…")) else ".")


def _scores(plan: NightPlan, target: RankedTarget) -> dict[str, Any]:
    """Return the scores of a target by name, to four digits; what is not known is left out."""
    scores, assistant, lens = target.scores, target.assistant, target.microlensing
    probable = sorted(scores.p_t.items(), key=lambda item: (-item[1], item[0]))[:_CLASSES]
    told: dict[str, Any] = {
        "night": plan.night.date,
        "site": clean(plan.night.site, 40),
        "rank": target.rank,
        "priority": target.priority,
        "class_after": _name(scores.class_after),
        "value_of_information": scores.value_of_information,
        "information_gain": scores.information_gain,
        "p_change": scores.p_change,
        "in_scope": scores.in_scope,
        "out_of_scope": scores.out_of_scope,
        "p_snia": scores.p_snia,
        "p_real": assistant.p_real if assistant else None,
        "p_galactic": assistant.p_galactic if assistant else None,
        "p_fast": assistant.p_fast if assistant else None,
        "assistant_rank": assistant.rank if assistant else None,
        "queue": str(target.placement.queue) if target.placement else None,
        "p_microlensing": lens.p_microlensing if lens else None,
        "urgent": lens.urgent if lens else None,
        "anomaly": target.anomaly.score if target.anomaly else None,
        "bundle": _name(plan.bundle),
        "bundle_digest": plan.bundle_digest[:16],
        "p": {_name(name): _rounded(p) for name, p in probable},
    }
    known = {key: _rounded(value) if isinstance(value, float) else value for key, value in told.items()}
    return {key: value for key, value in known.items() if value is not None}


def _rounded(value: float) -> float | None:
    return float(f"{value:.4g}") if abs(value) < float("inf") else None


def _name(text: str) -> str:
    return clean(text, _LONGEST_CLASS).translate(_QUOTES)


def _text(text: str, field: str) -> str:
    return clean(text, LENGTHS[field]).translate(_QUOTES)
