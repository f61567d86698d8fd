"""Why an object is worth a spectrum, in plain words."""

from __future__ import annotations

import math

from ampel_followup.lightcurve import LIMIT_SIGMA, ZERO_POINT, LightCurve
from ampel_followup.plan import Photometry, TargetScores
from ampel_followup.surroundings import near_a_host


def reasons_for(
    light_curve: LightCurve, photometry: Photometry, scores: TargetScores, alternative: str
) -> tuple[str, ...]:
    """
    Say in sentences what the scores rest on.

    Parameters
    ----------
    light_curve : LightCurve
    photometry : Photometry
        Its summary.
    scores : TargetScores
    alternative : str
        The class that a spectrum would name most often besides the present one.

    Returns
    -------
    tuple of str
        The gain first, then the classes, the light curve, the surroundings, and a warning where one is due.
    """
    return tuple(
        sentence
        for sentence in (
            _gain(scores, alternative),
            _classes(scores),
            _evolution(light_curve, photometry),
            _surroundings(light_curve),
            _scope(scores),
        )
        if sentence
    )


def percent(share: float) -> str:
    """Return a share in whole percent, without claiming 0 % or 100 % of what is merely close."""
    if 0.0 < share < 0.005:
        return "under 1 %"
    if 0.995 <= share < 1.0:
        return "over 99 %"
    return f"{100.0 * share:.0f} %"


def _gain(scores: TargetScores, alternative: str) -> str:
    if scores.p_change == 0.0:
        return f"A spectrum would leave the class at {scores.class_now}."
    target = scores.class_after if scores.class_after != scores.class_now else alternative
    return f"A spectrum would change the class in {percent(scores.p_change)} of cases, most likely to {target}."


def _classes(scores: TargetScores) -> str:
    likely = sorted(scores.p_t.items(), key=lambda item: -item[1])[:3]
    named = ", ".join(f"{name} {percent(p)}" for name, p in likely if p >= 0.05)
    return f"From photometry alone: {named}."


def _evolution(light_curve: LightCurve, photometry: Photometry) -> str:
    parts = []
    if math.isfinite(photometry.trend) and abs(photometry.trend) >= 0.005:
        verb = "brightens" if photometry.trend < 0 else "fades"
        parts.append(f"{verb} by {abs(photometry.trend):.2f} mag/d")
    limits = light_curve.upper_limit & (light_curve.time < photometry.first_mjd)
    if limits.any():
        last = limits.nonzero()[0][-1]
        depth = ZERO_POINT - 2.5 * math.log10(LIMIT_SIGMA * light_curve.flux_err[last])
        gap = photometry.first_mjd - light_curve.time[last]
        parts.append(f"first detected {gap:.1f} d after a limit of {depth:.1f} in {_letter(light_curve.band[last])}")
    n = photometry.n_detections
    span = photometry.last_mjd - photometry.first_mjd
    over = f" over {span:.1f} d" if span >= 0.05 else ""
    parts.append(f"{n} detection{'s' if n > 1 else ''}{over}")
    negative = int((light_curve.flux[light_curve.detected] < 0).sum())
    if negative:
        parts.append(f"{negative} of them fainter than the reference image")
    sentence = "; ".join(parts)
    return sentence[0].upper() + sentence[1:] + "."


def _surroundings(light_curve: LightCurve) -> str:
    distance = light_curve.meta.get("distpsnr1", math.nan)
    if not math.isfinite(distance):
        return near_a_host(light_curve.meta)
    score = light_curve.meta.get("sgscore1", math.nan)
    if not math.isfinite(score) or 0.3 < score < 0.7:
        kind = "a catalogued source that may be star or galaxy"
    else:
        kind = "a catalogued star" if score >= 0.7 else "a catalogued galaxy"
    where = f"{distance:.1f}″ from" if distance >= 0.5 else "On"
    return f"{where} {kind}" + (f" (star/galaxy score {score:.2f})." if math.isfinite(score) else ".")


def _scope(scores: TargetScores) -> str:
    if not scores.out_of_scope:
        return ""
    return (
        f"Outside what the models were trained on ({percent(scores.in_scope)} of it is as unusual): "
        "take the scores with caution."
    )


def _letter(band: str) -> str:
    return band[-1:]
