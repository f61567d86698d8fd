"""What the run that made a plan says of features that are not as in training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ampel_followup.untrusted import clean

_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Drift:
    """
    The run's comparison of its stream with the training set.

    Parameters
    ----------
    moved : tuple of str
        Names of the features that moved.
    sentence : str
        The same in words; may be empty.
    """

    moved: tuple[str, ...]
    sentence: str

    @property
    def short(self) -> str:
        """The warning in a few words; empty if nothing moved."""
        n = len(self.moved)
        return f"! {n} feature{'' if n == 1 else 's'} moved" if n else ""


def read_drift(report: Mapping[str, Any]) -> Drift | None:
    """
    Take the comparisons out of the report of a run: of the model bundle's features, and of the assistant's.

    Parameters
    ----------
    report : mapping
        As the store has it: written by another program, perhaps a newer one.

    Returns
    -------
    Drift or None
        None if the run compared nothing, or wrote it in a form that is not known here.
    """
    found = [known for key in ("drift", "drift_assistant") if (known := _read(report.get(key))) is not None]
    if not found:
        return None
    sentences = (drift.sentence for drift in found)
    return Drift(tuple(name for drift in found for name in drift.moved), "\n".join(filter(None, sentences)))


def _read(drift: object) -> Drift | None:
    if not isinstance(drift, Mapping):
        return None
    moved, sentence = drift.get("moved", ()), drift.get("sentence", "")
    if not isinstance(moved, list | tuple) or not isinstance(sentence, str):
        return None
    return Drift(tuple(clean(str(name), _LONGEST_NAME) for name in moved), clean(sentence))
