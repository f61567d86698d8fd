"""Points as light curves again, one object at a time: what the features that networks see are checked against."""

from __future__ import annotations

from itertools import pairwise

from ampel_followup.features.ragged import LETTERS, Points
from ampel_followup.lightcurve import LightCurve


def light_curves_of(points: Points) -> list[LightCurve]:
    """Return a light curve of each object; survey, position, date and scores are forgotten."""
    offsets = points.segments.offsets.tolist()
    return [
        LightCurve(
            f"object {i}",
            0,
            points.time[begin:end],
            [f"lsst{LETTERS[letter]}" for letter in points.letter[begin:end].tolist()],  # type: ignore[arg-type]
            points.flux[begin:end],
            points.flux_err[begin:end],
            ~points.detected[begin:end],
            0.0,
            0.0,
        )
        for i, (begin, end) in enumerate(pairwise(offsets))
    ]
