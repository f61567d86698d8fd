"""What a spectrum of a target would say, and what each answer would teach, in words; plain Python."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ampel_followup.plan import TargetScores


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    One class that a spectrum may name.

    Parameters
    ----------
    name : str
        The class.
    share : float
        Of the possible spectra that name it, above 0 and up to 1.
    p_now, p_named : float
        Probability of the class now, and its mean after these spectra; the latter NaN where it was not kept.
    entropy : float
        Mean entropy after these spectra [nat]; NaN where it was not kept.
    confirms : bool
        True for the class that is the most probable now.
    """

    name: str
    share: float
    p_now: float
    p_named: float
    entropy: float
    confirms: bool


def outcomes(scores: TargetScores) -> tuple[Outcome, ...]:
    """
    List what a spectrum would say.

    Parameters
    ----------
    scores : TargetScores

    Returns
    -------
    tuple of Outcome
        The most frequent first; none for plans in which that was not kept.
    """
    found = [
        Outcome(
            name=name,
            share=share,
            p_now=scores.p_t.get(name, 0.0),
            p_named=scores.p_named.get(name, math.nan),
            entropy=scores.entropy_named.get(name, math.nan),
            confirms=name == scores.class_now,
        )
        for name, share in scores.p_after.items()
        if share > 0.0
    ]
    return tuple(sorted(found, key=lambda outcome: -outcome.share))


def lesson(outcome: Outcome, scores: TargetScores) -> str:
    """
    Say what an answer would teach.

    Parameters
    ----------
    outcome : Outcome
    scores : TargetScores
        Of the same target.

    Returns
    -------
    str
        Without the name of the class, and without a full stop.
    """
    what = "confirms it" if outcome.confirms else f"corrects {scores.class_now}"
    if math.isnan(outcome.p_named):
        return what
    surer = f"{100.0 * outcome.p_now:.0f} % → {100.0 * outcome.p_named:.0f} %"
    if math.isnan(outcome.entropy):
        return f"{what}: {surer}"
    return f"{what}: {surer}, {_doubt(scores.entropy - outcome.entropy)}"


def gain_sentence(scores: TargetScores) -> str:
    """
    Explain the gain of a spectrum in one sentence.

    The value of information is the mean of max P_ts − P_ts(class now) over the possible spectra: how much more often
    the named class is right after a spectrum than if the present one were kept.

    Parameters
    ----------
    scores : TargetScores

    Returns
    -------
    str
    """
    kept = scores.p_ts.get(scores.class_now, math.nan)
    right = kept + scores.value_of_information
    gained = scores.information_gain
    doubt = f"of {scores.entropy:.2f} nat of doubt it takes {gained:.2f}" if gained >= 0.0 else _doubt(gained)
    if math.isnan(right) or scores.p_change == 0.0:
        return f"A spectrum would leave the class at {scores.class_now}; {doubt}."
    return (
        f"After a spectrum the named class is expected to be right in {100.0 * right:.0f} % of cases, against "
        f"{100.0 * kept:.0f} % if it stays {scores.class_now}; {doubt}."
    )


def _doubt(taken: float) -> str:
    return f"{abs(taken):.2f} nat {'less' if taken >= 0.0 else 'more'} doubt"
