"""What stands near an object, in a sentence: its host, how far from it, how luminous it would be, stars, the Galaxy."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ampel_followup.redshifts import Redshift
from ampel_followup.survey_names import tns_name

#: The classes of Sherlock, Lasair's catalogue match; their places are the numbers in ``meta["sherlock"]``.
SHERLOCK = ("ORPHAN", "NT", "SN", "AGN", "CV", "BS", "VS", "UNCLEAR")

#: Those of them for which the nearest source is a galaxy.
AROUND_A_HOST = frozenset({"NT", "SN", "AGN"})

_SHERLOCK_SAYS = {
    "ORPHAN": "nothing catalogued near",
    "NT": "at the core of a galaxy",
    "SN": "beside a galaxy, as supernovae are",
    "AGN": "on a known active nucleus",
    "CV": "on a known cataclysmic variable",
    "BS": "beside a bright star, perhaps its artefact",
    "VS": "on a catalogued star",
}

# PS1 sources are looked for within this [arcsec] (ZTF's alert schema); Gaia's are reported up to 90.
_NEAR_STAR = 30.0
# Of the star/galaxy score: below the first a galaxy, from the second on a star (Tachibana & Miller 2018).
_GALAXY, _STAR = 0.3, 0.7
# Closer than this, nobody can say from which side [arcsec].
_ON = 0.5


def surroundings(
    meta: Mapping[str, float], latitude: float, redshift: Redshift | None = None, magnitude: float = math.nan
) -> str:
    """
    Say what stands near an object.

    Parameters
    ----------
    meta : mapping of str to float
        Context of its light curve, as in `ampel_followup.lightcurve.LightCurve`.
    latitude : float
        Galactic [deg].
    redshift : Redshift, optional
        Of the object or its host.
    magnitude : float, optional
        Its last magnitude [mag]; NaN where there is none.

    Returns
    -------
    str
        One or two sentences; what is not known is not mentioned, but for a catalogue that found nothing.
    """
    parts = [_neighbour(meta, redshift)]
    if redshift is not None:
        parts.append(_distance(redshift, magnitude))
    else:
        parts.append(_measured_distance(meta, magnitude))
    parts += [_brightest(meta), _star(meta), _sherlock(meta), _named(meta)]
    parts.append(f"{abs(latitude):.0f}° {'above' if latitude >= 0 else 'below'} the plane of the Galaxy")
    sentence = "; ".join(filter(None, parts)) + "."
    return sentence[0].upper() + sentence[1:]


def _neighbour(meta: Mapping[str, float], redshift: Redshift | None) -> str:
    distance, score = meta.get("distpsnr1", math.nan), meta.get("sgscore1", math.nan)
    if not distance >= 0.0:
        host = meta.get("sep_arcsec", math.nan)
        if not host >= 0.0:
            return ""
        projected, known = _projected(host, redshift), meta.get("sep_kpc", math.nan)
        if not projected and known >= 0.0:
            projected = f", {known:.1f} kpc from its core"
        return f"{_arcsec(host)} from its host{projected}"
    if score < _GALAXY:
        what, projected = "a catalogued galaxy", _projected(distance, redshift)
    elif score >= _STAR:
        what, projected = "a catalogued star", ""
    else:
        what, projected = "a catalogued source that may be star or galaxy", ""
    magnitude = meta.get("srmag1", math.nan)
    bright = f" of {magnitude:.1f} mag in r" if magnitude > 0.0 else ""
    return f"{'on' if distance < _ON else _arcsec(distance) + ' from'} {what}{bright}{projected}"


def _projected(distance: float, redshift: Redshift | None) -> str:
    return "" if redshift is None else f", {distance * redshift.kpc_per_arcsec:.1f} kpc from its core"


def _distance(redshift: Redshift, magnitude: float) -> str:
    error = f" ± {redshift.error:.3f}" if redshift.error > 0.0 else ""
    absolute = magnitude - redshift.distance_modulus
    luminous = "" if math.isnan(absolute) else f", M = {absolute:.1f} now without K correction".replace("-", "−")
    return f"at z = {redshift.value:.3f}{error} ({redshift.source}){luminous}"


def _measured_distance(meta: Mapping[str, float], magnitude: float) -> str:
    distance = meta.get("distance_mpc", math.nan)
    if not distance > 0.0:
        return ""
    absolute = magnitude - 5.0 * math.log10(distance * 1e5)
    luminous = "" if math.isnan(absolute) else f", M = {absolute:.1f} now".replace("-", "−")
    return f"at {distance:.3g} Mpc{luminous}"


def _brightest(meta: Mapping[str, float]) -> str:
    absolute = meta.get("abs_mag", math.nan)
    return "" if math.isnan(absolute) else f"M = {absolute:.1f} at its brightest (Lasair)".replace("-", "−")


def _sherlock(meta: Mapping[str, float]) -> str:
    said = _SHERLOCK_SAYS.get(sherlock_class(meta), "")
    return f"{said} (Sherlock)" if said else ""


def _named(meta: Mapping[str, float]) -> str:
    name = tns_name(meta.get("tns", math.nan))
    return f"known to TNS as {name}" if name else ""


def sherlock_class(meta: Mapping[str, float]) -> str:
    """Return what Sherlock calls the place, one of `SHERLOCK`; empty where it was not asked."""
    place = meta.get("sherlock", math.nan)
    return SHERLOCK[int(place)] if 0 <= place < len(SHERLOCK) else ""


def near_a_host(meta: Mapping[str, float]) -> str:
    """
    Say in a sentence what Sherlock found near an object, for the reasons of a plan; empty where it was not asked.

    Parameters
    ----------
    meta : mapping of str to float
        Context of its light curve.
    """
    said = _SHERLOCK_SAYS.get(sherlock_class(meta), "")
    if not said:
        return ""
    host, redshift = meta.get("sep_arcsec", math.nan), meta.get("z", meta.get("photoz", math.nan))
    where = f", {_arcsec(host)} from its centre" if host >= 0.0 else ""
    far = f", at z = {redshift:.3f}" if redshift > 0.0 else ""
    name = tns_name(meta.get("tns", math.nan))
    known = f"; known to TNS as {name}" if name else ""
    return f"{said[0].upper()}{said[1:]}{where}{far} (Sherlock){known}."


def _star(meta: Mapping[str, float]) -> str:
    distance, magnitude = meta.get("neargaia", math.nan), meta.get("maggaia", math.nan)
    if not distance >= 0.0:
        return ""
    if distance > _NEAR_STAR:
        return f"no star of Gaia within {_NEAR_STAR:.0f}″"
    return f"the nearest star of Gaia {_arcsec(distance)} away" + (f" ({magnitude:.1f} mag)" if magnitude > 0.0 else "")


def _arcsec(distance: float) -> str:
    return f"{distance:.1f}″"
