"""What a search for lenses says of an object: plain Python, for plans and stores."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ampel_followup.records import Record

#: A departure that began longer before the evening than this is no longer urgent [d].
FRESH = 7.0


@dataclass(frozen=True, slots=True)
class MicrolensingScores(Record):
    """
    Whether it is a lens, which one, and whether a planet shows.

    Parameters
    ----------
    p_microlensing : float
        Probability of a lens against supernovae, cataclysmic variables, variable stars and nuclei, 0 to 1; NaN where
        there are too few points.
    threshold : float
        From which p_microlensing on an object is called a lens.
    peak_mjd : float
        t₀ of the fit of one lens [MJD, UTC].
    einstein_days : float
        t_E [d].
    impact : float
        u₀, in Einstein radii.
    misfit : float
        χ² of that fit per degree of freedom.
    achromatic : float
        Δχ² that a lens of its own for each band gains, per additional parameter and in units of `misfit`; about 1 if
        all bands tell the same lens. NaN with one band.
    departure : float
        Change of the magnified source, in the last nights, against the lens that fits what was before; negative if
        brighter [mag]. NaN where nothing can be said.
    significance : float
        Of the departure, positive if brighter [σ].
    p_before : float
        p_microlensing without the last night, or the last three, whichever is more: until a planet came, it may have
        looked like one lens. NaN where that was not asked for.
    p_departure : float
        Probability that the departure is none of a single lens, and none of anything else; NaN where nothing departs.
    since_mjd : float
        First point of the departure [MJD, UTC].
    urgent : bool
        p_departure is beyond the bundle's `alarm`: perhaps a planet, gone within days.
    sentence : str
        In words, for the reasons; empty unless called a lens or urgent.
    """

    p_microlensing: float
    threshold: float
    peak_mjd: float = math.nan
    einstein_days: float = math.nan
    impact: float = math.nan
    misfit: float = math.nan
    achromatic: float = math.nan
    departure: float = math.nan
    significance: float = math.nan
    p_before: float = math.nan
    p_departure: float = math.nan
    since_mjd: float = math.nan
    urgent: bool = False
    sentence: str = ""

    def alarm(self, evening_mjd: float) -> str:
        """Return why it is urgent on an evening [MJD, UTC], in words; empty if it is not, or not any more."""
        fresh = self.urgent and evening_mjd - self.since_mjd <= FRESH
        return f"Urgent: {self.sentence[:1].lower()}{self.sentence[1:]}" if fresh else ""

    @property
    def called(self) -> bool:
        """It is called a lens."""
        return self.p_microlensing >= self.threshold
