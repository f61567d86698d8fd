"""
Tonight's plan: scored objects, what the site can see of them, and the order in which they deserve a spectrum.

Everything here is plain Python (no NumPy), so that the terminal app can read a plan without loading the science stack.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field

from ampel_followup.anomaly_scores import AnomalyScores
from ampel_followup.assistant_scores import AssistantScores, Placement
from ampel_followup.attention_scores import AttentionScores
from ampel_followup.microlensing_scores import MicrolensingScores
from ampel_followup.records import Record

#: An object is outside what was trained on where less of the training set than this lies in less dense places.
OUT_OF_SCOPE = 0.02

#: A spectrum that changes the class less often than this is one too many, unless told otherwise.
STOP_BELOW = 0.02


@dataclass(frozen=True, slots=True)
class TargetScores(Record):
    """
    What a spectrum of one object is worth (Astudillo et al. 2020; equation numbers are theirs).

    Parameters
    ----------
    p_t : dict of str to float
        Class probabilities from the photometry alone; they sum to 1.
    p_ts : dict of str to float
        Class probabilities expected after a spectrum (mean over the spectra that the object may show).
    class_now, class_after : str
        Most probable class now (eq. 6), and the most frequent one after a spectrum (eq. 11).
    entropy : float
        H_t [nat] (eq. 4).
    expected_entropy : float
        Mean entropy after a spectrum [nat] (eq. 8).
    information_gain : float
        entropy − expected_entropy [nat] (eq. 10).
    indicator : int
        1 where class_after differs from class_now (eq. 13).
    p_change : float
        Share of the possible spectra that change the most probable class, 0 to 1.
    value_of_information : float
        Expected gain in the probability that the named class is right, 0 to 1.
    uncertainty : float
        1 − the largest of p_t.
    in_scope : float
        Share of the training set that lies in less dense places than this object, 0 (like nothing trained on) to 1.
    p_after : dict of str to float
        Share of the possible spectra after which each class is the most probable; they sum to 1. Empty in plans made
        before it was kept.
    p_named, entropy_named : dict of str to float
        What the spectra that name a class teach: its mean probability after them, and the mean entropy [nat], both to
        four digits. Only classes that a spectrum names; empty in plans made before they were kept.
    spectrum_uncertainty : float
        Differential entropy of the possible spectra [nat], to compare objects of one bundle; NaN where not known.
    p_snia : float
        Probability of a type Ia supernova by an early classifier (`ampel_followup.models.early_bundle`), 0 to 1; NaN
        without one, and where nothing significant was detected.
    snia_threshold : float
        p_snia from which on that classifier calls an object Ia; NaN without one.
    out_of_scope : bool
        The object is outside what was trained on: in_scope is below `OUT_OF_SCOPE`. Derived, not given.
    """

    p_t: dict[str, float]
    p_ts: dict[str, float]
    class_now: str
    class_after: str
    entropy: float
    expected_entropy: float
    information_gain: float
    indicator: int
    p_change: float
    value_of_information: float
    uncertainty: float
    in_scope: float
    p_after: dict[str, float] = field(default_factory=dict)
    spectrum_uncertainty: float = math.nan
    p_snia: float = math.nan
    snia_threshold: float = math.nan
    p_named: dict[str, float] = field(default_factory=dict)
    entropy_named: dict[str, float] = field(default_factory=dict)
    out_of_scope: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "out_of_scope", self.in_scope < OUT_OF_SCOPE)


@dataclass(frozen=True, slots=True)
class Photometry(Record):
    """
    The light curve in a few numbers, for lists and reasons.

    Parameters
    ----------
    n_detections, n_limits : int
        Detections (of either sign), and upper limits.
    first_mjd, last_mjd : float
        First and last detection [MJD, UTC].
    last_band : str
        Band of the last positive detection, ``ztfr`` for example; empty where there is none.
    last_mag, last_mag_err : float
        Its AB magnitude and error [mag]; NaN where there is none.
    trend : float
        Change of brightness in the best-sampled band [mag/d]; negative = brightening; NaN with fewer than two points.
    bands : dict of str to int
        Detections per band.
    """

    n_detections: int
    n_limits: int
    first_mjd: float
    last_mjd: float
    last_band: str
    last_mag: float
    last_mag_err: float
    trend: float
    bands: dict[str, int]


@dataclass(frozen=True, slots=True)
class ScoredObject(Record):
    """An object with its scores, before a site and a night are chosen; what the AMPEL T2 unit stores."""

    id: str
    stock: int
    ra: float
    dec: float
    photometry: Photometry
    scores: TargetScores
    reasons: tuple[str, ...]
    assistant: AssistantScores | None = None
    microlensing: MicrolensingScores | None = None
    attention: AttentionScores | None = None
    anomaly: AnomalyScores | None = None


@dataclass(frozen=True, slots=True)
class TargetVisibility(Record):
    """
    What a site sees of an object in one night.

    Parameters
    ----------
    observable : bool
        True if the object is within the limits for long enough in the dark.
    start, end : str or None
        First and last useful moment, UTC, ISO 8601 to the second with a trailing ``Z``.
    best : str or None
        Moment of least airmass within the useful time.
    hours : float
        Useful time [h].
    min_airmass : float
        Least airmass in the useful time (or, if there is none, in the dark); NaN if below the horizon.
    moon_separation : float
        Angle to the Moon at mid-night [deg].
    airmass : tuple of float
        Airmass at equal steps from dusk to dawn, for the visibility bar; NaN below the horizon.
    reason : str or None
        In words, why it cannot be observed; None if it can.
    """

    observable: bool
    start: str | None
    end: str | None
    best: str | None
    hours: float
    min_airmass: float
    moon_separation: float
    airmass: tuple[float, ...]
    reason: str | None


@dataclass(frozen=True, slots=True)
class RankedTarget(Record):
    """
    A scored object with its place in tonight's list.

    ``rank`` counts from 1, and is 0 for what cannot be seen or is set aside. ``assistant`` and ``placement`` are None
    in plans that were made without an assistant, ``microlensing`` in those without a search for lenses, ``attention``
    in those without a classifier that tells where it looked. A lens that is urgent comes before all others, whatever
    the strategy.
    """

    id: str
    stock: int
    ra: float
    dec: float
    rank: int
    priority: float
    scores: TargetScores
    visibility: TargetVisibility
    photometry: Photometry
    reasons: tuple[str, ...]
    assistant: AssistantScores | None = None
    placement: Placement | None = None
    microlensing: MicrolensingScores | None = None
    attention: AttentionScores | None = None
    anomaly: AnomalyScores | None = None


@dataclass(frozen=True, slots=True)
class NightSummary(Record):
    """
    The circumstances of a night at a site.

    Parameters
    ----------
    date : str
        Evening date at the site, ISO 8601.
    site, site_name : str
        Key of the site in the table, and its name.
    latitude, longitude : float
        Geodetic, east positive [deg].
    timezone : str
        IANA name of the site's time zone.
    sunset, dusk, dawn, sunrise : str
        UTC, ISO 8601 with trailing ``Z``; dusk and dawn are the ends of the dark time that targets are planned in.
    moon_illumination : float
        Illuminated fraction of the Moon at mid-night, 0 to 1.
    moon_rise, moon_set : str or None
        Within the night, UTC; None if the Moon does not cross the horizon then.
    """

    date: str
    site: str
    site_name: str
    latitude: float
    longitude: float
    timezone: str
    sunset: str
    dusk: str
    dawn: str
    sunrise: str
    moon_illumination: float
    moon_rise: str | None
    moon_set: str | None


@dataclass(frozen=True, slots=True)
class StopAdvice(Record):
    """
    How many spectra of a plan are worth taking, see `ampel_followup.stopping`.

    Parameters
    ----------
    after : int
        So many targets of the list, from the first on; 0 to all.
    threshold : float
        Share of spectra that must change the class for a spectrum to be worth taking, 0 to 1.
    sentence : str
        The same in words.
    changes, changes_beyond : float
        Classes that spectra of these targets are expected to change, and spectra of all the others.
    gain, gain_beyond : float
        Classes, expected, that will be right after these spectra and are wrong now, less those that become wrong;
        and after spectra of all the others.
    """

    after: int
    threshold: float
    sentence: str
    changes: float
    changes_beyond: float
    gain: float
    gain_beyond: float


@dataclass(frozen=True, slots=True)
class NightPlan(Record):
    """
    Tonight's prioritised list. The same alerts, bundle, strategy, site and night give the same bytes (`to_json`).

    Parameters
    ----------
    night : NightSummary
        When and where.
    strategy : str
        Name of the ranking strategy.
    bundle, bundle_digest : str
        Name and version of the model bundle, and the digest of its contents.
    targets : tuple of RankedTarget
        What can be observed and is worth a look, in order of priority.
    not_observable : tuple of RankedTarget
        What is worth a look and cannot be seen tonight, each with the reason in its visibility.
    stop : StopAdvice, optional
        How many spectra are worth taking; None in a plan without targets, or made before this was kept.
    sampling : str
        How the possible spectra were drawn; empty in plans made before this was kept.
    """

    night: NightSummary
    strategy: str
    bundle: str
    bundle_digest: str
    targets: tuple[RankedTarget, ...]
    not_observable: tuple[RankedTarget, ...]
    stop: StopAdvice | None = None
    sampling: str = ""
    set_aside: tuple[RankedTarget, ...] = ()
    assistant: str = ""
    assistant_digest: str = ""
    policy: str = ""

    def to_json(self) -> str:
        """Return the canonical JSON text: sorted keys, no white space, every digit kept."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), allow_nan=False)
