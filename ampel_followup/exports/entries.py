"""What a general target list says of each target; formats of single telescopes take what they need."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ampel_followup.decision import Decision, Verdict
from ampel_followup.exports.coordinates import declination, right_ascension
from ampel_followup.plan import NightPlan, RankedTarget
from ampel_followup.records import Record
from ampel_followup.untrusted import clean

#: Decimals of coordinates in degrees: 0.4 mas.
_COORDINATE_DECIMALS = 7


@dataclass(frozen=True, slots=True)
class ListEntry(Record):
    """
    One row of a target list. Text is one printable line; numbers are rounded to what they are good for.

    Parameters
    ----------
    rank : int
        Place in tonight's list, from 1; 0 for what cannot be observed.
    id : str
        Survey name.
    ra, dec : float
        ICRS [deg].
    ra_sexagesimal, dec_sexagesimal : str
        ICRS, ``hh:mm:ss.sss`` and ``±dd:mm:ss.ss``.
    last_mag : float
        AB magnitude of the last positive detection [mag]; NaN where there is none.
    last_band : str
        Its band.
    class_now, class_after : str
        Most probable class now, and the most frequent one after a spectrum.
    priority, value_of_information, information_gain : float
        Scores; information gain in nat.
    out_of_scope : int
        1 where the object is unlike what the models were trained on, so that its scores deserve caution; else 0.
    start, end : str
        First and last useful moment of the night, UTC, ISO 8601; empty where there is none.
    min_airmass : float
        Least airmass in that time.
    moon_separation : float
        Angle to the Moon at mid-night [deg].
    verdict, observer, comment : str
        What holds for the target, who decided, and what they wrote; empty where nothing was decided.
    reasons : tuple of str
        Why the target is where it is in the list; for what cannot be observed, why not comes first.
    """

    rank: int
    id: str
    ra: float
    dec: float
    ra_sexagesimal: str
    dec_sexagesimal: str
    last_mag: float
    last_band: str
    class_now: str
    class_after: str
    priority: float
    value_of_information: float
    information_gain: float
    out_of_scope: int
    start: str
    end: str
    min_airmass: float
    moon_separation: float
    verdict: str
    observer: str
    comment: str
    reasons: tuple[str, ...]


#: Unit and meaning of each column, for formats that say so.
COLUMNS: Mapping[str, tuple[str, str]] = {
    "rank": ("", "place in the list of the night; 0 = cannot be observed"),
    "id": ("", "survey name"),
    "ra": ("deg", "right ascension, ICRS"),
    "dec": ("deg", "declination, ICRS"),
    "ra_sexagesimal": ("", "right ascension, ICRS, hours"),
    "dec_sexagesimal": ("", "declination, ICRS, degrees"),
    "last_mag": ("mag", "AB magnitude of the last positive detection"),
    "last_band": ("", "band of that detection"),
    "class_now": ("", "most probable class"),
    "class_after": ("", "most frequent class after a spectrum"),
    "priority": ("", "what the list is ordered by"),
    "value_of_information": ("", "expected gain in the probability that the class is right"),
    "information_gain": ("", "expected loss of entropy, nat"),
    "out_of_scope": ("", "1: unlike what the models were trained on"),
    "start": ("", "first useful moment, UTC"),
    "end": ("", "last useful moment, UTC"),
    "min_airmass": ("", "least airmass in that time"),
    "moon_separation": ("deg", "angle to the Moon at mid-night"),
    "verdict": ("", "what was decided"),
    "observer": ("", "who decided"),
    "comment": ("", "what they wrote"),
    "reasons": ("", "why the target is in the list"),
}


def list_entries(plan: NightPlan, verdicts: Mapping[str, Decision], *, approved_only: bool) -> list[ListEntry]:
    """
    Return the rows of a list: in order of priority, then what cannot be observed, then what was set aside yet approved.

    Parameters
    ----------
    plan : NightPlan
        The plan.
    verdicts : mapping of str to Decision
        What holds for each target.
    approved_only : bool
        Leave out what is not approved.
    """
    approved = {name for name, decision in verdicts.items() if decision.verdict == Verdict.APPROVE}
    worth_a_look = (*plan.targets, *plan.not_observable)
    # A person who approves what the policy set aside overrules it.
    overruled = tuple(target for target in plan.set_aside if target.id in approved)
    return [
        _entry(target, verdicts.get(target.id))
        for target in (*worth_a_look, *overruled)
        if not approved_only or target.id in approved
    ]


def _entry(target: RankedTarget, decision: Decision | None) -> ListEntry:
    scores, visibility = target.scores, target.visibility
    reasons = target.reasons if visibility.reason is None else (visibility.reason, *target.reasons)
    return ListEntry(
        rank=target.rank,
        id=clean(target.id),
        ra=round(target.ra, _COORDINATE_DECIMALS) % 360.0,
        dec=round(target.dec, _COORDINATE_DECIMALS),
        ra_sexagesimal=right_ascension(target.ra),
        dec_sexagesimal=declination(target.dec),
        last_mag=_rounded(target.photometry.last_mag, 3),
        last_band=clean(target.photometry.last_band),
        class_now=clean(scores.class_now),
        class_after=clean(scores.class_after),
        priority=_rounded(target.priority, 6),
        value_of_information=_rounded(scores.value_of_information, 6),
        information_gain=_rounded(scores.information_gain, 6),
        out_of_scope=int(scores.out_of_scope),
        start=visibility.start or "",
        end=visibility.end or "",
        min_airmass=_rounded(visibility.min_airmass, 3),
        moon_separation=_rounded(visibility.moon_separation, 1),
        verdict=str(decision.verdict) if decision else "",
        observer=clean(decision.observer) if decision else "",
        comment=clean(decision.comment) if decision else "",
        reasons=tuple(map(clean, reasons)),
    )


def _rounded(value: float, decimals: int) -> float:
    return round(value, decimals) if math.isfinite(value) else math.nan
