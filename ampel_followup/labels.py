"""What objects turned out to be: labels, the classes they name, and which of several labels holds; plain Python."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from ampel_followup.records import Record

#: Where labels come from, the most trustworthy first; any other source ranks between the second and the last of these.
SPECTRUM, TNS, HUMAN = "spectrum", "TNS", "human"


class Kind(StrEnum):
    """What a class means to people who look for transients."""

    EXTRAGALACTIC = "extragalactic transient"
    GALACTIC = "galactic"
    NUCLEUS = "active nucleus"
    NO_TRANSIENT = "no transient"
    UNKNOWN = "unknown"


# Types in lower case, as TNS, the Bright Transient Survey and the ATLAS eyeballers write them → class and kind.
# What is not here, and is no supernova by its first letters (see `_SUPERNOVAE`), keeps its own text, kind unknown.
_TYPES: dict[tuple[str, Kind], tuple[str, ...]] = {
    ("SLSN", Kind.EXTRAGALACTIC): ("slsn", "slsn-i", "slsn-ii", "slsn-r"),
    ("TDE", Kind.EXTRAGALACTIC): ("tde", "tde-h", "tde-he", "tde-h-he", "tde-f", "tde-featureless"),
    ("kilonova", Kind.EXTRAGALACTIC): ("kilonova",),
    ("afterglow", Kind.EXTRAGALACTIC): ("afterglow", "grb afterglow"),
    ("FBOT", Kind.EXTRAGALACTIC): ("fbot",),
    ("SN", Kind.EXTRAGALACTIC): ("sn", "supernova"),
    ("gap transient", Kind.EXTRAGALACTIC): ("gap", "gap i", "gap ii", "ilrt", "lrn", "lbv", "impostor-sn", "ca-rich"),
    ("transient", Kind.EXTRAGALACTIC): ("good",),
    ("CV", Kind.GALACTIC): ("cv", "dwarf nova"),
    ("nova", Kind.GALACTIC): ("nova",),
    ("variable star", Kind.GALACTIC): ("varstar", "variable star", "galactic", "mira", "yso"),
    ("M-dwarf flare", Kind.GALACTIC): ("m dwarf", "m-dwarf flare", "m dwarf flare"),
    ("AGN", Kind.NUCLEUS): ("agn", "qso", "blazar", "nls1"),
    ("proper motion", Kind.NO_TRANSIENT): ("pm", "proper motion"),
    ("bogus", Kind.NO_TRANSIENT): ("bogus", "garbage", "artefact", "artifact", "asteroid"),
}
_BY_TYPE = {spelling: meaning for meaning, spellings in _TYPES.items() for spelling in spellings}

# Subtypes are many and new ones come (SN Ia-91T-like, SN Iax[02cx-like], SN IIn-pec): the first of these with which a
# type begins names its class. IIb are SN II, as in the simulation that the packaged models were trained on.
_SUPERNOVAE = (
    ("sn ii", "SN II"),
    ("sn ia", "SN Ia"),
    ("computed-ia", "SN Ia"),
    ("sn ib", "SN Ib/c"),
    ("sn ic", "SN Ib/c"),
    ("sn ", "SN"),
)


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
    """
    text = " ".join(label_type.split())
    key = text.lower()
    if key in _BY_TYPE:
        return _BY_TYPE[key]
    for beginning, class_name in _SUPERNOVAE:
        if key.startswith(beginning):
            return class_name, Kind.EXTRAGALACTIC
    return text, Kind.UNKNOWN


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
    id : int
        Number in the store; 0 before it is stored.
    class_name : str
        The class that `type` stands for, see `class_of`. Derived, not given.
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
    id: int = 0
    class_name: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_name", class_of(self.type)[0])

    @property
    def kind(self) -> Kind:
        """What the class means to people who look for transients."""
        return class_of(self.type)[1]

    @property
    def statement(self) -> tuple[str, ...]:
        """What is said of which object, by whom, whenever it was said; NaN equals itself in it."""
        numbers = (repr(float(self.confidence)), repr(float(self.redshift)))
        return (self.target, self.type, self.source, self.author, *numbers)


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
    trust = {SPECTRUM: 0, TNS: 1, HUMAN: 3}
    return {
        target: tuple(sorted(found, key=lambda label: trust.get(label.source, 2))) for target, found in held.items()
    }
