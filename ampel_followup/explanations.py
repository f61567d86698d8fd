"""What moved a score, in words: "real/bogus score 0.99 raises it"."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ampel_followup.assistant_scores import Cause

if TYPE_CHECKING:
    from ampel_followup.models.assistant_bundle import ScoreCauses


@dataclass(frozen=True, slots=True)
class Phrase:
    """
    How a person says that a feature has some value.

    Parameters
    ----------
    measured : callable
        From the value to words.
    missing : str
        What it means that there is none.
    """

    measured: Callable[[float], str]
    missing: str


def describe_cause(feature: str, value: float, effect: float) -> str:
    """
    Say in words what one feature did to a score.

    Parameters
    ----------
    feature : str
        Any name; those without a phrase are described as their feature set does, or by the name alone.
    value : float
        Its value; NaN if it was not measured.
    effect : float
        Its Shapley value [log-odds].

    Returns
    -------
    str
        Such as ``0.40″ from the host lowers it``.
    """
    phrase = _PHRASES.get(feature) or _fallback(feature)
    said = phrase.missing if math.isnan(value) else phrase.measured(value)
    does = "raises it" if effect > 0 else "lowers it" if effect < 0 else "does not move it"
    return f"{said} {does}"


def causes_in_words(found: Mapping[str, ScoreCauses]) -> list[tuple[Cause, ...]]:
    """
    Turn the causes of all scores of n objects into records.

    Parameters
    ----------
    found : mapping of str to ScoreCauses
        By score, of the same objects; as `ampel_followup.models.assistant_bundle.AssistantBundle.causes` returns.

    Returns
    -------
    list of tuple of Cause
        For each object the causes of the first score, the strongest first, then those of the next; without features
        that did nothing.
    """
    per_score = [_causes_of(score, causes) for score, causes in found.items()]
    return [tuple(cause for causes in one for cause in causes) for one in zip(*per_score, strict=True)]


def _causes_of(score: str, causes: ScoreCauses) -> list[tuple[Cause, ...]]:
    names = [[causes.features[j] for j in row] for row in causes.index.tolist()]
    rows = zip(names, causes.value.tolist(), causes.effect.tolist(), strict=True)
    return [
        tuple(
            Cause(score, name, value, effect, describe_cause(name, value, effect))
            for name, value, effect in zip(*row, strict=True)
            if effect != 0
        )
        for row in rows
    ]


def _number(label: str, form: str = ".3g", unit: str = "") -> Callable[[float], str]:
    return lambda value: f"{label} {value:{form}}{unit}"


def _count(what: str, when: str) -> Callable[[float], str]:
    return lambda value: f"having {value:.0f} {what}{'' if value == 1 else 's'} {when}"


def _distance(what: str) -> Callable[[float], str]:
    return lambda value: f"{_arcsec(value)} from {what}"


def _arcsec(value: float) -> str:
    return f"{value:.2f}″" if abs(value) < 10 else f"{value:.3g}″"


def _power(exponent: float) -> float:
    # Tables are other people's: no exponent of theirs may overflow.
    return float(10.0 ** min(max(exponent, -12.0), 12.0))


def _scatter(axis: str) -> Callable[[float], str]:
    return lambda value: f"a position that scatters by {_arcsec(3600.0 * _power(value))} in {axis}"


def _change(value: float) -> str:
    return f"{'brightening' if value < 0 else 'fading'} by {abs(value):.2f} mag/d"


_NO_LIMIT = "no limit before the first detection"
_NO_TREND = "too few detections for a trend"

# The columns of ATLAS's assistant (Stevance et al. 2025), what is derived from them, and the catalogues in alerts.
# Scatters of the position are decimal logarithms of degrees, the separation from the host is one of arc seconds.
_PHRASES: dict[str, Phrase] = {
    "Nnondet_std": Phrase(
        _number("a scatter of the number of non-detections between detections of"),
        "too few detections for a scatter of non-detections",
    ),
    "Nnondet_mean": Phrase(
        lambda value: f"having {value:.3g} non-detections between detections on average",
        "no pair of detections to count non-detections between",
    ),
    "magdet_std": Phrase(
        _number("a scatter of the magnitudes of", ".2f", " mag"), "too few detections for a scatter of magnitudes"
    ),
    "DET_Nsince_min5d": Phrase(_count("detection", "at entry"), "an unknown number of detections at entry"),
    "NON_Nsince_min5d": Phrase(_count("non-detection", "at entry"), "an unknown number of non-detections at entry"),
    "log10_std_ra_min5d": Phrase(_scatter("right ascension"), "an unknown scatter in right ascension"),
    "log10_std_dec_min5d": Phrase(_scatter("declination"), "an unknown scatter in declination"),
    "log10_position_scatter_min5d": Phrase(
        lambda value: f"a scatter of the positions of {_arcsec(3600.0 * _power(value))}",
        "an unknown scatter of positions",
    ),
    "DET_mag_median_min5d": Phrase(_number("a median magnitude at entry of", ".2f"), "no median magnitude at entry"),
    "ra": Phrase(_number("right ascension", ".1f", "°"), "an unknown right ascension"),
    "dec": Phrase(_number("declination", ".1f", "°"), "an unknown declination"),
    "rb_pix": Phrase(_number("real/bogus score", ".2f"), "no real/bogus score"),
    "z": Phrase(_number("a host with spectroscopic redshift"), "no spectroscopic redshift of a host"),
    "photoz": Phrase(_number("a host with photometric redshift"), "no photometric redshift of a host"),
    "ebv_sfd": Phrase(_number("dust reddening E(B−V)", ".2f"), "unknown dust reddening"),
    "log10_sep_arcsec": Phrase(lambda value: f"{_arcsec(_power(value))} from the host", "no host found"),
    "CV": Phrase(
        lambda value: "a catalogued cataclysmic variable" if value >= 0.5 else "no cataclysmic variable catalogued",
        "no look into the catalogue of cataclysmic variables",
    ),
    "dayN": Phrase(_number("day", ".0f", " since it entered"), "an unknown day since it entered"),
    "DET_mag_median": Phrase(
        _number("a median magnitude in the last night of", ".2f"), "no detection in the last night"
    ),
    "DET_N_total": Phrase(_count("detection", "so far"), "no detection in the last night"),
    "NON_mag_median": Phrase(_number("a median limit in the last night of", ".2f"), "no limit in the last night"),
    "NON_N_total": Phrase(_count("non-detection", "so far"), "no limit in the last night"),
    "max_mag": Phrase(_number("a brightest night of", ".2f", " mag"), "no night with a magnitude"),
    "max_mag_day": Phrase(_number("a brightest night on day", ".0f"), "no night with a magnitude"),
    "galactic_latitude": Phrase(_number("Galactic latitude", ".0f", "°"), "an unknown Galactic latitude"),
    "abs_galactic_latitude": Phrase(
        lambda value: f"a place {value:.0f}° from the Galactic plane", "an unknown Galactic latitude"
    ),
    "ecliptic_latitude": Phrase(_number("ecliptic latitude", ".0f", "°"), "an unknown ecliptic latitude"),
    "sgscore1": Phrase(
        lambda value: (
            f"a nearest catalogued source that looks like a {'star' if value >= 0.5 else 'galaxy'} ({value:.2f})"
        ),
        "no catalogued source nearby",
    ),
    "distpsnr1": Phrase(_distance("the nearest catalogued source"), "no catalogued source nearby"),
    "srmag1": Phrase(_number("a nearest catalogued source of r =", ".1f"), "no r magnitude of a source nearby"),
    "magnr": Phrase(_number("a source in the reference image of magnitude", ".1f"), "no source in the reference image"),
    "distnr": Phrase(_distance("the nearest source in the reference image"), "no source in the reference image"),
    "neargaia": Phrase(_distance("the nearest Gaia source"), "no Gaia source nearby"),
    "maggaia": Phrase(_number("a nearest Gaia source of G =", ".1f"), "no Gaia source nearby"),
    "ssdistnr": Phrase(_distance("a known minor planet"), "no known minor planet nearby"),
    "rb_mean": Phrase(_number("a mean real/bogus score of", ".2f"), "no real/bogus score"),
    "negative_fraction": Phrase(
        lambda value: (
            "only detections above the reference" if value <= 0 else f"{100 * value:.0f} % below the reference"
        ),
        "no detection",
    ),
    "detected_fraction": Phrase(
        lambda value: f"being detected in {100 * value:.0f} % of its exposures since the first", "no detection"
    ),
    "n_nights": Phrase(_count("night", "with detections"), "no detection"),
    "duration": Phrase(_number("a time from first to last detection of", ".1f", " d"), "no detection"),
    "time_since_first": Phrase(_number("a first detection", ".1f", " d ago"), "no detection"),
    "time_since_last": Phrase(_number("a last detection", ".1f", " d before the last exposure"), "no detection"),
    "n_limits_after": Phrase(_count("limit", "after the first detection"), "no limit after the first detection"),
    "days_since_limit": Phrase(_number("a last limit", ".1f", " d before the first detection"), _NO_LIMIT),
    "limit_depth": Phrase(_number("a first detection brighter than the last limit by", "+.1f", " mag"), _NO_LIMIT),
    "limit_rise_rate": Phrase(_number("a rise since the last limit of at least", ".2f", " mag/d"), _NO_LIMIT),
    "amplitude_mag": Phrase(_number("a change by", ".2f", " mag so far"), "too few detections for an amplitude"),
    "mag_slope": Phrase(_change, _NO_TREND),
    "mag_slope_significance": Phrase(
        lambda value: f"a trend of {abs(value):.1f} times its error", "too few detections for a trend"
    ),
    "flux_slope": Phrase(
        lambda value: (
            f"a flux that {'rises' if value > 0 else 'falls'} by {100 * abs(value):.0f} % of the peak per day"
        ),
        _NO_TREND,
    ),
    "colour_first": Phrase(_number("a first colour g − r of", ".2f", " mag"), "no colour yet"),
    "colour_last": Phrase(_number("a last colour g − r of", ".2f", " mag"), "no colour yet"),
    **{
        f"{what}_{band}": Phrase(_number(f"{label} in {band} of", "+.2f", " mag/d"), f"{_NO_TREND} in {band}")
        for band in "gr"
        for what, label in (("rise_rate", "a rise"), ("decline_rate", "a decline"), ("mag_slope", "a trend"))
    },
    "ndethist": Phrase(_count("detection", "at this place since the survey began"), "an unknown history"),
}


@functools.cache
def _fallback(feature: str) -> Phrase:
    from ampel_followup.features import FEATURE_SETS
    from ampel_followup.features.derived import DERIVED

    known = (one for feature_set in FEATURE_SETS.values() for one in feature_set.features if one.name == feature)
    found = next(known, None) or DERIVED.get(feature)
    if found is None:
        return Phrase(_number(feature, ".4g"), f"{feature} not measured")
    unit, description = found.unit, found.description
    return Phrase(
        lambda value: f"{feature} {value:.4g}{f' {unit}' if unit else ''} ({description})",
        f"{feature} not measured ({description})",
    )
