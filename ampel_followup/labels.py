"""What objects turned out to be: labels, the classes they name, and which of several labels holds; plain Python."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ampel_followup.records import Record

if TYPE_CHECKING:
    from ampel_followup.taxonomy import TaxonomyClass

#: Where labels come from, the most trustworthy first; any other source ranks between the second and the last of these.
SPECTRUM, TNS, HUMAN = "spectrum", "TNS", "human"

#: With a smaller confidence a label is a doubt, not a label.
MIN_CONFIDENCE = 0.5


class Kind(StrEnum):
    """What a class means to people who look for transients."""

    EXTRAGALACTIC = "extragalactic transient"
    GALACTIC = "galactic"
    NUCLEUS = "active nucleus"
    NO_TRANSIENT = "no transient"
    UNKNOWN = "unknown"


def class_of(label_type: str) -> tuple[str, Kind]:
    """
    Return the class and kind that a type of TNS, of a survey or of a person stands for.

    Parameters
    ----------
    label_type : str
        Such as ``SN Ia-91T-like``, ``TDE-H-He`` or ``Varstar``; capitals do not matter.

    Returns
    -------
    class_name : str
        One of the classes that models are trained on where there is one, such as ``SN Ia``; ``SN`` for a supernova
        that is not told further; else the text as it is.
    kind : Kind
        Unknown for what is not in the table.

    Raises
    ------
    TaxonomyError
        If the user's own table cannot be read.
    """
    found = _find(label_type)
    return (found.name, found.kind) if found is not None else (" ".join(label_type.split()), Kind.UNKNOWN)


def is_coarse(label_type: str) -> bool:
    """Return whether a type is too coarse to learn from: a supernova that is not told further, for example."""
    found = _find(label_type)
    return found is not None and found.coarse


def _find(label_type: str) -> TaxonomyClass | None:
    # Here, because most of what has labels to do with never asks for a class: it takes YAML and pydantic.
    from ampel_followup.taxonomy import load_taxonomy

    return load_taxonomy().find(label_type)


@dataclass(frozen=True, slots=True)
class Label(Record):
    """
    What one source says an object is. Never changed and never deleted: a later label of the same source supersedes it.

    Parameters
    ----------
    target : str
        Survey name of the object.
    type : str
        As the source wrote it.
    source : str
        ``spectrum``, ``TNS``, ``human``, or another name.
    time : str
        When it was said, UTC, ISO 8601 with trailing ``Z``, see `utc_time`.
    author : str
        By whom; may be empty.
    confidence : float
        Probability that it is right, 0 to 1; NaN where nobody said.
    redshift : float
        NaN where not known.
    name : str
        What the source calls the object, where that is not `target`; empty where it is.
    ra, dec : float
        Where the source says that it is, ICRS [deg]; NaN where it does not.
    matched : str
        How `name` was found to be `target`: ``broker id`` or ``position``; empty where they are the same.
    comment : str
        In the words of the author; may be empty. Untrusted.
    id : int
        Number in the store; 0 before it is stored.
    """

    target: str
    type: str
    source: str
    time: str
    author: str = ""
    confidence: float = math.nan
    redshift: float = math.nan
    name: str = ""
    ra: float = math.nan
    dec: float = math.nan
    matched: str = ""
    comment: str = ""
    id: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return what the record holds, as `Record.to_dict`, and the class that the type stands for."""
        # Not `super()`: a dataclass with slots is another class than the one that this function was written in.
        return Record.to_dict(self) | {"class_name": self.class_name}

    @property
    def class_name(self) -> str:
        """The class that `type` stands for, see `class_of`."""
        return class_of(self.type)[0]

    @property
    def kind(self) -> Kind:
        """What the class means to people who look for transients."""
        return class_of(self.type)[1]

    @property
    def statement(self) -> tuple[str, ...]:
        """What is said of which object, by whom, whenever it was said; NaN equals itself in it."""
        numbers = (repr(float(self.confidence)), repr(float(self.redshift)))
        return (self.target, self.type, self.source, self.author, self.comment, *numbers)


def utc_time(text: str) -> str:
    """
    Return a time as labels have it: ISO 8601 to the microsecond with trailing ``Z``, so that texts sort as times do.

    Parameters
    ----------
    text : str
        ISO 8601, a date or a date and time; UTC unless it names another zone.

    Raises
    ------
    ValueError
        If it is not.
    """
    time = datetime.fromisoformat(text.strip())
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def effective_labels(labels: Iterable[Label]) -> dict[str, tuple[Label, ...]]:
    """
    Return the labels that hold: per target the latest of each source, the most trustworthy source first.

    Parameters
    ----------
    labels : iterable of Label
        In any order; of two with the same time, the one with the higher number holds.

    Returns
    -------
    dict of str to tuple of Label
        Spectra first, then TNS, then other sources (the latest first), people's guesses last.
    """
    latest: dict[tuple[str, str], Label] = {}
    for label in sorted(labels, key=lambda label: (label.time, label.id)):
        # Not in the place of the one before: the latest come last.
        latest.pop((label.target, label.source), None)
        latest[label.target, label.source] = label
    held: dict[str, list[Label]] = {}
    for label in reversed(latest.values()):
        held.setdefault(label.target, []).append(label)
    return {target: tuple(sorted(found, key=lambda label: trust(label.source))) for target, found in held.items()}


def trust(source: str) -> int:
    """Return how far down the order of trust a source is: 0 for spectra, 3 for what people guess."""
    return {SPECTRUM: 0, TNS: 1, HUMAN: 3}.get(source, 2)


def conflicts(labels: Iterable[Label]) -> dict[str, tuple[Label, ...]]:
    """
    Return the objects whose labels that hold disagree.

    A type that is too coarse agrees with all of its kind: ``SN`` and ``SN Ia`` of two sources are no conflict.

    Parameters
    ----------
    labels : iterable of Label

    Returns
    -------
    dict of str to tuple of Label
        As `effective_labels`, in order of the names.
    """
    found = {}
    for target, held in sorted(effective_labels(labels).items()):
        fine = {label.class_name for label in held if not is_coarse(label.type)}
        kinds = {label.kind for label in held}
        if len(fine) > 1 or len(kinds) > 1:
            found[target] = held
    return found
