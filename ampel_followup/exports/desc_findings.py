"""What labels say that a spectrum showed, as the DESC target manager wants to know it; plain Python."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ampel_followup.labels import HUMAN, MIN_CONFIDENCE, SPECTRUM, TNS, Label

#: Number of the class of what nobody could tell, in the taxonomy of DESC.
NOT_CLASSIFIED = 300

# Other sources may be classifiers, our own included, which saw no spectrum.
_SOURCES = (SPECTRUM, TNS, HUMAN)

# Redshifts of whatever LSST sees; others are marks for "not known", such as −9 and 99. Stars may come towards us.
_LOWEST, _HIGHEST = -0.01, 10.0

_MJD_ZERO = datetime.datetime(1858, 11, 17, tzinfo=datetime.UTC)


@dataclass(frozen=True, slots=True)
class Finding:
    """
    What a spectrum showed.

    Parameters
    ----------
    class_id : int
        Of the taxonomy of DESC; `NOT_CLASSIFIED` where that has no class for the type.
    redshift : float
        NaN where not known.
    without_class : str
        The type for which it has none; empty where it has one.
    """

    class_id: int
    redshift: float
    without_class: str = ""


def finding(held: Iterable[Label], taken: float) -> Finding | None:
    """
    Say what a spectrum showed.

    Labels of spectra, of TNS and of people count, unless they are less than half sure; what people said before the
    spectrum was taken was a guess, and does not.

    Parameters
    ----------
    held : iterable of Label
        Those of the object that hold, the most trustworthy first, see `ampel_followup.labels.effective_labels`. The
        class is that of the first one that counts; the redshift is the first that one of them has.
    taken : float
        When the spectrum was taken, MJD (UTC).

    Returns
    -------
    Finding or None
        None where no label counts.

    Raises
    ------
    TaxonomyError
        If a table of the user's cannot be read.
    """
    labels = [label for label in held if _counts(label, taken)]
    if not labels:
        return None
    # Here: it takes YAML and pydantic, which most lists need not.
    from ampel_followup.exports.desc_classes import desc_class

    found = desc_class(labels[0].type)
    redshift = next((label.redshift for label in labels if _LOWEST <= label.redshift <= _HIGHEST), math.nan)
    if found is None:
        return Finding(NOT_CLASSIFIED, redshift, without_class=labels[0].type)
    return Finding(found.id, redshift)


def reported(found: Finding | None) -> dict[str, Any]:
    """Return ``z`` and ``classid`` of a report; a redshift that is not known is an empty text."""
    if found is None:
        return {"z": "", "classid": NOT_CLASSIFIED}
    return {"z": "" if math.isnan(found.redshift) else found.redshift, "classid": found.class_id}


def mjd(iso: str) -> float:
    """Return the Modified Julian Date (UTC) of a time, ISO 8601 with its zone, to 0.00001 d."""
    return round((datetime.datetime.fromisoformat(iso) - _MJD_ZERO) / datetime.timedelta(days=1), 5)


def _counts(label: Label, taken: float) -> bool:
    if label.source not in _SOURCES or label.confidence < MIN_CONFIDENCE:
        return False
    return label.source != HUMAN or mjd(label.time) >= taken
