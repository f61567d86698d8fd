"""
Champion and challengers: what a new training brought, and who put which bundle into use; plain Python.

The *champion* is the model bundle in use, a *challenger* one that was trained from it and from labels that came since.
Both predict the same objects, none of which either was trained on (`Comparison`). What people and policies then do is a
record (`Promotion`), from which follows the bundle in use (`standing`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ampel_followup.records import Record


class Metric(StrEnum):
    """What a challenger and a champion are compared by, on objects that neither was trained on."""

    LOG_LOSS = "log_loss"
    ACCURACY = "accuracy"
    MACRO_RECALL = "macro_recall"


#: Metrics in words.
METRIC_NAMES = {
    Metric.LOG_LOSS: "log-loss [nat]",
    Metric.ACCURACY: "accuracy",
    Metric.MACRO_RECALL: "mean recall of the classes",
}


@dataclass(frozen=True, slots=True)
class Difference(Record):
    """
    One metric of champion and challenger on the same objects.

    Parameters
    ----------
    metric : str
        One of `Metric`.
    before, after : float
        Of the champion and of the challenger.
    gain : float
        By how much the challenger is better; negative where it is worse. For the log-loss, of which less is better,
        before − after; for the others after − before.
    low, high : float
        Bounds of the gain: an interval of probability `Comparison.confidence`, bootstrapped over groups of objects,
        both models on the same draw.
    p_better : float
        Share of the draws in which the challenger is better, 0 to 1.
    """

    metric: str
    before: float
    after: float
    gain: float
    low: float
    high: float
    p_better: float


@dataclass(frozen=True, slots=True)
class ClassChange(Record):
    """
    One class before and after.

    Parameters
    ----------
    name : str
    n : int
        Labelled objects of this class that were predicted.
    recall_before, recall_after : float
        Share of them that are named rightly; NaN without any.
    precision_before, precision_after : float
        Share right of those named so; NaN where none is.
    """

    name: str
    n: int
    recall_before: float
    recall_after: float
    precision_before: float
    precision_after: float


@dataclass(frozen=True, slots=True)
class Reliability(Record):
    """
    Stated probabilities and how often they came true, over all objects and classes, in bins of the probability.

    Parameters
    ----------
    predicted, observed : tuple of float
        Mean stated probability of each bin that is not empty, and share that was of the class.
    count : tuple of int
        Pairs of object and class in it.
    """

    predicted: tuple[float, ...]
    observed: tuple[float, ...]
    count: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Comparison(Record):
    """
    Champion and challenger on labelled objects that neither was trained on.

    The champion has never seen them. The challenger is stood in for by one model per fold, which has seen the
    champion's training table and the labelled objects of the other folds.

    Parameters
    ----------
    classes : tuple of str
        Of the challenger, in the order of the confusion matrices; first those of the champion.
    n_objects, n_groups, folds : int
        Labelled objects, groups of them (host, field) that are never split, and parts that they were divided into.
    confidence : float
        Probability of the intervals, such as 0.95.
    draws : int
        Of the bootstrap.
    differences : tuple of Difference
        One per `Metric`.
    per_class : tuple of ClassChange
        In the order of `classes`.
    confusion_before, confusion_after : tuple of tuple of int
        Objects by true class (rows) and class named (columns).
    reliability_before, reliability_after : Reliability
    """

    classes: tuple[str, ...]
    n_objects: int
    n_groups: int
    folds: int
    confidence: float
    draws: int
    differences: tuple[Difference, ...]
    per_class: tuple[ClassChange, ...]
    confusion_before: tuple[tuple[int, ...], ...]
    confusion_after: tuple[tuple[int, ...], ...]
    reliability_before: Reliability
    reliability_after: Reliability

    def difference(self, metric: str) -> Difference:
        """Return one of the differences; raise KeyError if it was not measured."""
        for difference in self.differences:
            if difference.metric == metric:
                return difference
        raise KeyError(metric)


@dataclass(frozen=True, slots=True)
class Challenger(Record):
    """
    What a run of `learn` made. Never changed and never deleted.

    Parameters
    ----------
    name : str
        By which it is promoted; each once in a store.
    created : str
        UTC, ISO 8601.
    bundle, bundle_digest : str
        Name and version of the bundle, and the digest of its contents.
    folder : str
        Of the bundle: relative to the folder of the store if it lies in it, else absolute.
    champion, champion_digest : str
        The bundle that it was trained from.
    n_learned : int
        Labelled objects that it learned from, besides the champion's training table.
    weight : float
        So many objects of the champion's training table one labelled object counts.
    last_label : int
        Number of the newest label in the store when it was trained.
    new_classes : tuple of str
        Those that the champion does not know.
    left_out : dict of str to int
        Why labelled objects were not learned from → how many.
    comparison : Comparison
    id : int
        Number in the store; 0 before it is stored.
    """

    name: str
    created: str
    bundle: str
    bundle_digest: str
    folder: str
    champion: str
    champion_digest: str
    n_learned: int
    weight: float
    last_label: int
    new_classes: tuple[str, ...]
    left_out: dict[str, int]
    comparison: Comparison
    id: int = 0


class Action(StrEnum):
    """What was done with a bundle."""

    PROMOTE = "promote"
    ROLL_BACK = "roll back"


@dataclass(frozen=True, slots=True)
class Promotion(Record):
    """
    A bundle came into use. Never changed and never deleted: to roll back is a further record.

    Parameters
    ----------
    action : str
        One of `Action`.
    bundle, bundle_digest : str
        What is in use from now on: name and version, digest.
    folder : str
        As in `Challenger`; empty for the bundle that comes with the package.
    observer : str
        Who did it.
    time : str
        UTC, ISO 8601 with trailing ``Z``.
    comment : str
        Why, in the words of the observer; may be empty. Untrusted.
    policy : str
        Name and version of the promotion policy that allowed it; empty where a person decided alone.
    reason : str
        How much better on what, in words.
    challenger : int or None
        Number of the challenger that was promoted; None for other bundles.
    undoes : int or None
        For `Action.ROLL_BACK`: number of the promotion that is taken back.
    last_label : int
        Number of the newest label in the store then.
    id : int
        Number in the store; 0 before it is stored.
    """

    action: str
    bundle: str
    bundle_digest: str
    folder: str
    observer: str
    time: str
    comment: str = ""
    policy: str = ""
    reason: str = ""
    challenger: int | None = None
    undoes: int | None = None
    last_label: int = 0
    id: int = 0


@dataclass(frozen=True, slots=True)
class BundleInUse(Record):
    """
    What `rank` uses if no bundle is named.

    Parameters
    ----------
    bundle, bundle_digest : str
        Name and version, digest.
    folder : str
        As in `Challenger`; empty for the bundle that comes with the package.
    since : str
        When it came into use, UTC; empty for the packaged one that nothing was ever promoted in place of.
    observer : str
        Who put it there; empty likewise.
    promotion : int
        Number of the promotion that stands; 0 for the packaged one.
    last_label : int
        Number of the newest label in the store when it came into use; 0 likewise.
    """

    bundle: str
    bundle_digest: str
    folder: str = ""
    since: str = ""
    observer: str = ""
    promotion: int = field(default=0)
    last_label: int = 0


def standing(promotions: Sequence[Promotion]) -> list[Promotion]:
    """
    Return the promotions that nobody rolled back, oldest first; the last one is in use.

    Parameters
    ----------
    promotions : sequence of Promotion
        All of a store, oldest first.
    """
    undone = {promotion.undoes for promotion in promotions if promotion.undoes is not None}
    return [p for p in promotions if p.action == Action.PROMOTE and p.id not in undone]
