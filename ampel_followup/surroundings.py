"""What stands near an object, in a sentence: its host, how far from it, how luminous it would be, stars, the Galaxy."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ampel_followup.redshifts import Redshift

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
    star = _star(meta)
    if star:
        parts.append(star)
    parts.append(f"{abs(latitude):.0f}° {'above' if latitude >= 0 else 'below'} the plane of the Galaxy")
    sentence = "; ".join(filter(None, parts)) + "."
    return sentence[0].upper() + sentence[1:]


def _neighbour(meta: Mapping[str, float], redshift: Redshift | None) -> str:
    distance, score = meta.get("distpsnr1", math.nan), meta.get("sgscore1", math.nan)
    if not distance >= 0.0:
        host = meta.get("sep_arcsec", math.nan)
        return f"{_arcsec(host)} from its host{_projected(host, redshift)}" if host >= 0.0 else ""
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


def _star(meta: Mapping[str, float]) -> str:
    distance, magnitude = meta.get("neargaia", math.nan), meta.get("maggaia", math.nan)
    if not distance >= 0.0:
        return ""
    if distance > _NEAR_STAR:
        return f"no star of Gaia within {_NEAR_STAR:.0f}″"
    return f"the nearest star of Gaia {_arcsec(distance)} away" + (f" ({magnitude:.1f} mag)" if magnitude > 0.0 else "")


def _arcsec(distance: float) -> str:
    return f"{distance:.1f}″"
