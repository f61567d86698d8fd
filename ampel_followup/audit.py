"""
What was weeded out and later named by others: the misses of a policy, and of people.

Only what was in a plan before it was named can have been missed. A plan counts by its evening date, not by when it was
made, so that past nights can be run again and audited.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ampel_followup.decision import STATES, Decision, Verdict
from ampel_followup.labels import Kind, Label, effective_labels
from ampel_followup.records import Record

if TYPE_CHECKING:
    from ampel_followup.store import Appearance, Store

#: Verdicts after which an object was not lost.
_TAKEN = frozenset({Verdict.APPROVE, Verdict.OBSERVED, Verdict.FAILED})


class Fate(StrEnum):
    """What became of an object before others named it."""

    TAKEN = "approved"
    REJECTED = "rejected"
    LISTED = "listed"
    SET_ASIDE = "set aside"


@dataclass(frozen=True, slots=True)
class NamedObject(Record):
    """
    An extragalactic transient, by its label, that was in a plan before.

    Parameters
    ----------
    target : str
    fate : str
        A `Fate`; what was set aside or rejected is a miss.
    label : Label
        The most trustworthy one that holds.
    night, site, revision : str, str, int
        The plan that the rest is about: that of the verdict if it was rejected, else the last one before the label.
    queue, stage : str or None
        What the policy made of it then; None without an assistant.
    p_real, p_galactic, p_fast, assistant_rank : float
        What the assistant said of it then; NaN without.
    best_rank : float
        Highest rank that the assistant gave it in any plan before the label; NaN without.
    list_rank : int
        Highest place in a list before the label, from 1; 0 if it was in none.
    policy, assistant, assistant_digest, bundle, bundle_digest : str
        Under which policy and with which models the plan was made.
    observer, comment : str
        Who rejected it and why; empty if nobody did.
    """

    target: str
    fate: str
    label: Label
    night: str
    site: str
    revision: int
    queue: str | None
    stage: str | None
    p_real: float
    p_galactic: float
    p_fast: float
    assistant_rank: float
    best_rank: float
    list_rank: int
    policy: str
    assistant: str
    assistant_digest: str
    bundle: str
    bundle_digest: str
    observer: str = ""
    comment: str = ""

    @property
    def missed(self) -> bool:
        """Whether it was weeded out."""
        return self.fate in (Fate.SET_ASIDE, Fate.REJECTED)


@dataclass(frozen=True, slots=True)
class Audit(Record):
    """
    What others named, and what had become of it.

    Parameters
    ----------
    since, until : str or None
        Only labels from this date on, and before that one; ISO 8601, UTC.
    n_labelled : int
        Objects with a label in that time.
    n_extragalactic : int
        Of these, extragalactic transients by their label.
    good : tuple of NamedObject
        Of these, those that were in a plan before they were named, by name; others could not be missed.
    n_missed, n_set_aside, n_rejected : int
        Misses, those of the policy, and those of people.
    missed_fraction : float
        Misses / good, 0 to 1; NaN where nothing good was named.
    """

    since: str | None
    until: str | None
    n_labelled: int
    n_extragalactic: int
    good: tuple[NamedObject, ...]
    n_missed: int
    n_set_aside: int
    n_rejected: int
    missed_fraction: float

    @property
    def misses(self) -> tuple[NamedObject, ...]:
        """Those of `good` that were weeded out."""
        return tuple(found for found in self.good if found.missed)


def audit(store: Store, *, since: str | None = None, until: str | None = None) -> Audit:
    """
    Compare what was weeded out with what others say.

    Parameters
    ----------
    store : Store
    since, until : str, optional
        Only labels from this date on, and before that one; ISO 8601, UTC.

    Returns
    -------
    Audit

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    held = {target: labels[0] for target, labels in effective_labels(store.labels()).items()}
    named = {target: label for target, label in held.items() if _within(label.time, since, until)}
    extragalactic = {target: label for target, label in named.items() if label.kind is Kind.EXTRAGALACTIC}
    appearances: dict[str, list[Appearance]] = {}
    for appearance in store.appearances(labelled=True):
        if appearance.id in extragalactic:
            appearances.setdefault(appearance.id, []).append(appearance)
    verdicts: dict[str, list[Decision]] = {}
    for verdict in _standing(store.decisions()):
        verdicts.setdefault(verdict.target, []).append(verdict)
    judged = (
        judge(label, appearances.get(target, ()), verdicts.get(target, ())) for target, label in extragalactic.items()
    )
    good = tuple(sorted((found for found in judged if found is not None), key=lambda found: found.target))
    fates = [found.fate for found in good]
    n_set_aside, n_rejected = fates.count(Fate.SET_ASIDE), fates.count(Fate.REJECTED)
    return Audit(
        since=since,
        until=until,
        n_labelled=len(named),
        n_extragalactic=len(extragalactic),
        good=good,
        n_missed=n_set_aside + n_rejected,
        n_set_aside=n_set_aside,
        n_rejected=n_rejected,
        missed_fraction=(n_set_aside + n_rejected) / len(good) if good else math.nan,
    )


def judge(label: Label, appearances: Iterable[Appearance], verdicts: Iterable[Decision]) -> NamedObject | None:
    """
    Say what had become of an object when it was named.

    It was lost to people if they rejected it last and never took it, and to the policy if no plan listed it, or said
    that it was worth a look and could not be seen.

    Parameters
    ----------
    label : Label
    appearances : iterable of Appearance
        Of the object, in the order of the plans.
    verdicts : iterable of Decision
        On the object: states that stand, oldest first.

    Returns
    -------
    NamedObject or None
        None if it was in no plan before it was named.
    """
    named = label.time[:10]
    before = [appearance for appearance in appearances if appearance.night <= named]
    if not before:
        return None
    before.sort(key=lambda appearance: (appearance.night, appearance.revision))
    said = [verdict for verdict in verdicts if verdict.night <= named]
    about = before[-1]
    verdict = None
    if any(decision.verdict in _TAKEN for decision in said):
        fate = Fate.TAKEN
    elif said and said[-1].verdict == Verdict.REJECT:
        fate, verdict = Fate.REJECTED, said[-1]
        about = next((found for found in reversed(before) if found.night <= verdict.night), about)
    elif all(appearance.set_aside for appearance in before):
        fate = Fate.SET_ASIDE
    else:
        fate = Fate.LISTED
    return NamedObject(
        target=label.target,
        fate=fate,
        label=label,
        **{name: getattr(about, name) for name in _OF_THE_PLAN},
        best_rank=_highest([appearance.assistant_rank for appearance in before]),
        list_rank=min((appearance.rank for appearance in before if appearance.rank > 0), default=0),
        observer=verdict.observer if verdict is not None else "",
        comment=verdict.comment if verdict is not None else "",
    )


_OF_THE_PLAN = (
    "night", "site", "revision", "queue", "stage", "p_real", "p_galactic", "p_fast", "assistant_rank", "policy",
    "assistant", "assistant_digest", "bundle", "bundle_digest",
)  # fmt: skip


def _within(time: str, since: str | None, until: str | None) -> bool:
    return (since is None or time >= since) and (until is None or time < until)


def _standing(decisions: Sequence[Decision]) -> list[Decision]:
    """Return the states that nobody took back; of each night and site, all of them."""
    undone = {decision.undoes for decision in decisions if decision.verdict == Verdict.UNDO}
    return [decision for decision in decisions if decision.verdict in STATES and decision.id not in undone]


def _highest(values: Sequence[float]) -> float:
    return max((value for value in values if not math.isnan(value)), default=math.nan)
