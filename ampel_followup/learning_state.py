"""
What the loop has learned so far, read from a store: for the terminal app and `learn status`; plain Python.

Everything here is a record that goes into JSON. `learning_state` reads it all at once; `ampel_followup.promoting`
promotes and rolls back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ampel_followup.champions import BundleInUse, Challenger, Promotion
from ampel_followup.labels import Label, effective_labels
from ampel_followup.promoting import bundle_in_use
from ampel_followup.records import Record

if TYPE_CHECKING:
    from ampel_followup.store import Appearance, PlanInfo, Store


@dataclass(frozen=True, slots=True)
class Returned(Record):
    """
    A label that came back for an object that was ranked: was → is, and how probable it was then.

    Parameters
    ----------
    target : str
    class_then : str
        Most probable class in the plan that first listed it (or first held it, where none listed it).
    p_then : float
        Its probability then, 0 to 1.
    class_now : str
        What the label stands for.
    p_label : float
        Probability that was given then to what it is now; NaN where the bundle does not know the class.
    type, source, author, time : str
        What was said, by whom, and when (UTC, ISO 8601).
    confidence : float
        Of the label; NaN where nobody said.
    label : int
        Number of the label in the store.
    others : tuple of str
        Classes that other sources give it and that differ: the labels are in conflict.
    night, site, revision : str, str, int
        The plan.
    rank : int
        Place in its list, from 1; 0 if not listed.
    value_of_information : float
        What a spectrum was expected to bring.
    bundle, bundle_digest : str
        Which models predicted it.
    """

    target: str
    class_then: str
    p_then: float
    class_now: str
    p_label: float
    type: str
    source: str
    author: str
    time: str
    confidence: float
    label: int
    others: tuple[str, ...]
    night: str
    site: str
    revision: int
    rank: int
    value_of_information: float
    bundle: str
    bundle_digest: str

    @property
    def was_right(self) -> bool:
        """Whether the class named then is the class of the label."""
        return self.class_then == self.class_now


@dataclass(frozen=True, slots=True)
class DriftWarning(Record):
    """
    What of a plan's night was not as in training.

    Parameters
    ----------
    night, site, revision : str, str, int
        The plan.
    model : str
        ``gain`` (the bundle) or ``assistant``.
    sentence : str
        In words.
    features : tuple of str
        Those that moved, the most unusual first.
    texts : tuple of str
        What happened to each, in words.
    psi : tuple of float
        How far each moved (population stability index).
    """

    night: str
    site: str
    revision: int
    model: str
    sentence: str
    features: tuple[str, ...]
    texts: tuple[str, ...]
    psi: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class LearningState(Record):
    """
    What the loop has learned so far.

    Parameters
    ----------
    in_use : BundleInUse
    returned : tuple of Returned
        Labels that came since it came into use, of objects that were ranked; the newest first.
    n_unmatched : int
        Labels that came since and are of no object that was ever ranked; they are kept.
    challengers : tuple of Challenger
        Newest first, each with its comparison against the champion.
    history : tuple of Promotion
        Promotions and roll backs, newest first.
    drift : tuple of DriftWarning
        Of the newest plan of each site; empty where all is as in training.
    """

    in_use: BundleInUse
    returned: tuple[Returned, ...]
    n_unmatched: int
    challengers: tuple[Challenger, ...]
    history: tuple[Promotion, ...]
    drift: tuple[DriftWarning, ...]

    @property
    def share_right(self) -> float:
        """Share of the labels that came back whose class was named rightly then; NaN without any."""
        return sum(r.was_right for r in self.returned) / len(self.returned) if self.returned else math.nan


def learning_state(store: Store) -> LearningState:
    """
    Read what the loop has learned so far.

    Parameters
    ----------
    store : Store
        Open for reading at least.

    Returns
    -------
    LearningState

    Raises
    ------
    StoreError
        If the store cannot be read.
    BundleError
        If no bundle was promoted and the packaged one is damaged.
    """
    in_use = bundle_in_use(store)
    returned, n_unmatched = came_back(store, since_label=in_use.last_label)
    return LearningState(
        in_use=in_use,
        returned=returned,
        n_unmatched=n_unmatched,
        challengers=tuple(store.learning.challengers()),
        history=tuple(reversed(store.learning.promotions())),
        drift=drift_warnings(store),
    )


def came_back(store: Store, *, since_label: int = 0) -> tuple[tuple[Returned, ...], int]:
    """
    Return the labels that came back for objects that were ranked.

    Of the labels of an object the most trustworthy one that holds counts (`effective_labels`); it is returned if it, or
    another that holds, came after `since_label`.

    Parameters
    ----------
    store : Store
    since_label : int
        Number of a label; only what came after it.

    Returns
    -------
    returned : tuple of Returned
        The newest first.
    n_unmatched : int
        Objects that were labelled since then, and never ranked.
    """
    held = {
        target: labels
        for target, labels in effective_labels(store.labels()).items()
        if any(label.id > since_label for label in labels)
    }
    plans = first_listings(store.appearances(labelled=True))
    found = []
    for target, labels in held.items():
        appearance = plans.get(target)
        ranked = store.learning.target(target, appearance.revision) if appearance is not None else None
        if appearance is None or ranked is None:
            continue
        label, scores = labels[0], ranked.scores
        found.append(
            Returned(
                target=target,
                class_then=scores.class_now,
                p_then=scores.p_t[scores.class_now],
                class_now=label.class_name,
                p_label=scores.p_t.get(label.class_name, math.nan),
                type=label.type,
                source=label.source,
                author=label.author,
                time=label.time,
                confidence=label.confidence,
                label=label.id,
                others=_others(labels),
                night=appearance.night,
                site=appearance.site,
                revision=appearance.revision,
                rank=appearance.rank,
                value_of_information=scores.value_of_information,
                bundle=appearance.bundle,
                bundle_digest=appearance.bundle_digest,
            )
        )
    found.sort(key=lambda returned: (returned.time, returned.label), reverse=True)
    return tuple(found), len(held) - len(found)


def first_listings(appearances: Iterable[Appearance]) -> dict[str, Appearance]:
    """
    Return where each object first was in a list: the moment at which it was decided on.

    Parameters
    ----------
    appearances : iterable of Appearance
        As `Store.appearances` gives them.

    Returns
    -------
    dict of str to Appearance
        Of objects that no plan listed, the first plan that held them. First by evening date, then by revision.
    """
    first: dict[str, Appearance] = {}
    for appearance in appearances:
        before = first.get(appearance.id)
        if before is None or _when(appearance) < _when(before):
            first[appearance.id] = appearance
    return first


def drift_warnings(store: Store) -> tuple[DriftWarning, ...]:
    """Return what was not as in training in the newest plan of each site."""
    newest: dict[str, PlanInfo] = {}
    for info in store.plans():
        newest.setdefault(info.site, info)
    return tuple(
        warning
        for info in newest.values()
        for warning in _warnings(info, store.load_plan(info.revision, limit=0).report)
    )


def _warnings(info: PlanInfo, report: dict[str, Any]) -> list[DriftWarning]:
    found = []
    for model, key in (("gain", "drift"), ("assistant", "drift_assistant")):
        drift = report.get(key) or {}
        by_name = {feature["name"]: feature for feature in drift.get("features", ())}
        moved = [by_name[name] for name in drift.get("moved", ()) if name in by_name]
        if not moved:
            continue
        found.append(
            DriftWarning(
                night=info.night,
                site=info.site,
                revision=info.revision,
                model=model,
                sentence=str(drift.get("sentence", "")),
                features=tuple(str(feature["name"]) for feature in moved),
                texts=tuple(str(feature.get("text", "")) for feature in moved),
                psi=tuple(float(feature.get("psi") or 0.0) for feature in moved),
            )
        )
    return found


def _others(labels: Sequence[Label]) -> tuple[str, ...]:
    """Return the classes of the labels that hold which are not that of the first."""
    return tuple(dict.fromkeys(x.class_name for x in labels[1:] if x.class_name != labels[0].class_name))


def _when(appearance: Appearance) -> tuple[bool, str, int]:
    return appearance.rank == 0, appearance.night, appearance.revision
