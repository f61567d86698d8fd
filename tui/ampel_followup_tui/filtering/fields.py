"""The fields that a filter can ask for: name, kind, what is said of it, and how it is read off a target."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ampel_followup.plan import RankedTarget
from ampel_followup_tui.filtering.expression import Kind
from ampel_followup_tui.glyphs import STATUS, UNDECIDED
from ampel_followup_tui.instants import mjd
from ampel_followup_tui.journal import Journal


@dataclass(frozen=True, slots=True)
class Field:
    """
    Something that can be asked for.

    Parameters
    ----------
    name : str
    kind : Kind
    help : str
        What it is, in a few words.
    read : callable
        Takes a target and the journal; returns a number (NaN where not known), or words.
    example : str
        A term with it.
    """

    name: str
    kind: Kind
    help: str
    read: Callable[[RankedTarget, Journal], float | tuple[str, ...]]
    example: str


def _status(target: RankedTarget, journal: Journal) -> tuple[str, ...]:
    decision = journal.verdict(target.id)
    return (STATUS.get(decision.verdict, UNDECIDED)[1] if decision else UNDECIDED[1],)


def _observer(target: RankedTarget, journal: Journal) -> tuple[str, ...]:
    decision = journal.verdict(target.id)
    return (decision.observer,) if decision else ()


def _of_placement(name: str) -> Callable[[RankedTarget, Journal], tuple[str, ...]]:
    return lambda target, _: () if target.placement is None else (getattr(target.placement, name),)


def _of_assistant(name: str) -> Callable[[RankedTarget, Journal], float]:
    return lambda target, _: math.nan if target.assistant is None else getattr(target.assistant, name)


def _of_scores(name: str) -> Callable[[RankedTarget, Journal], float]:
    return lambda target, _: float(getattr(target.scores, name))


_WORDS = (
    Field("class", Kind.WORDS, "class now or likely after",
          lambda target, _: (target.scores.class_now, target.scores.class_after), "class:Ia,II"),
    Field("now", Kind.WORDS, "most probable class", lambda target, _: (target.scores.class_now,), "now:TDE"),
    Field("after", Kind.WORDS, "class that a spectrum names most often",
          lambda target, _: (target.scores.class_after,), "after:Ia"),
    Field("name", Kind.WORDS, "survey name", lambda target, _: (target.id,), "name:26ab"),
    Field("status", Kind.WORDS, "verdict that holds", _status, "status:approved|deferred"),
    Field("by", Kind.WORDS, "who gave it", _observer, "by:ada"),
    Field("queue", Kind.WORDS, "queue of the policy", _of_placement("queue"), "queue:urgent"),
    Field("stage", Kind.WORDS, "stage of the policy", _of_placement("stage"), "stage:first"),
    Field("band", Kind.WORDS, "band of the last detection",
          lambda target, _: (target.photometry.last_band,), "band:ztfr"),
)  # fmt: skip

_NUMBERS = (
    Field("place", Kind.NUMBER, "place in the list", lambda target, _: target.rank or math.nan, "place<=100"),
    Field("mag", Kind.NUMBER, "last positive detection [AB mag]",
          lambda target, _: target.photometry.last_mag, "mag<19"),
    Field("trend", Kind.NUMBER, "change of brightness [mag/d], negative brightens",
          lambda target, _: target.photometry.trend, "trend<-0.1"),
    Field("age", Kind.NUMBER, "days since the first detection",
          lambda target, journal: mjd(journal.plan.night.dusk) - target.photometry.first_mjd, "age<5"),
    Field("points", Kind.NUMBER, "detections", lambda target, _: float(target.photometry.n_detections), "points>3"),
    Field("airmass", Kind.NUMBER, "least airmass tonight",
          lambda target, _: target.visibility.min_airmass, "airmass<1.5"),
    Field("hours", Kind.NUMBER, "useful time tonight [h]", lambda target, _: target.visibility.hours, "hours>2"),
    Field("moon", Kind.NUMBER, "angle to the Moon [deg]",
          lambda target, _: target.visibility.moon_separation, "moon>30"),
    Field("gain", Kind.NUMBER, "value of information", _of_scores("value_of_information"), "gain>0.3"),
    Field("ig", Kind.NUMBER, "information gain [nat]", _of_scores("information_gain"), "ig>0.5"),
    Field("entropy", Kind.NUMBER, "entropy now [nat]", _of_scores("entropy"), "entropy>1"),
    Field("change", Kind.NUMBER, "how often a spectrum changes the class", _of_scores("p_change"), "change>50%"),
    Field("scope", Kind.NUMBER, "how much of the training set is as unusual", _of_scores("in_scope"), "scope>0.1"),
    Field("real", Kind.NUMBER, "P(real), by the assistant", _of_assistant("p_real"), "real>0.9"),
    Field("gal", Kind.NUMBER, "P(galactic), by the assistant", _of_assistant("p_galactic"), "gal<0.1"),
    Field("fast", Kind.NUMBER, "P(fast), by the assistant", _of_assistant("p_fast"), "fast>0.5"),
    Field("rank", Kind.NUMBER, "0 to 10, by the assistant", _of_assistant("rank"), "rank>7"),
    Field("ia", Kind.NUMBER, "P(SN Ia), by an early classifier", _of_scores("p_snia"), "ia>0.5"),
    Field("z", Kind.NUMBER, "redshift, by a label or the host", lambda target, journal: journal.redshift(target.id),
          "z<0.1"),
    Field("ra", Kind.NUMBER, "right ascension [deg]", lambda target, _: target.ra, "ra<180"),
    Field("dec", Kind.NUMBER, "declination [deg]", lambda target, _: target.dec, "dec>-30"),
)  # fmt: skip

#: Every field, by its name.
FIELDS = {field.name: field for field in (*_WORDS, *_NUMBERS)}

#: What the parser is to know of them.
KINDS = {name: field.kind for name, field in FIELDS.items()}

#: Fields that rest on more than the plan: it is read when they are asked for.
READ_LATER = frozenset({"z"})

#: Words that say what a target is or has.
WORDS = {
    "new": "first seen tonight or yesterday, by the stage of the policy or else by age",
    "updating": "known for some days",
    "watch": "known for long",
    "closing": "its window closes",
    "urgent": "to be looked at first",
    "anomaly": "not as was to be expected",
    "outside": "what the models were not trained on",
    "snoozed": "comes back by itself",
    "done": "has a verdict",
    "undecided": "has none",
    "disagree": "observers disagree on it",
    "commented": "has a comment",
    "scheduled": "is in the schedule",
}
