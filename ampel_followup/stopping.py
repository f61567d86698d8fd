r"""
When to stop: how many spectra of a list are worth taking.

Of the k-th target of a list, :math:`p_k` (`p_change`) is the probability that a spectrum changes its class. Along a
good list it falls, but not evenly, so it is smoothed by the non-increasing curve :math:`m_1 \geq m_2 \geq \dots` next
to it in the sense of least squares (isotonic regression, Barlow et al. 1972). Spectra are worth taking as long as
:math:`m_k` is at least a threshold t:

.. math:: K = \#\{k : m_k \geq t\} = \arg\max_K \sum_{k \leq K} (p_k - t)

(the longest such list). The second form says what that means: if a spectrum costs t changed classes, then no other
length of the list pays better; every stretch of targets that follows the K-th one changes on average less than t
classes per spectrum. Astudillo et al. (2020) leave open where to stop.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import StrategyError
from ampel_followup.plan import STOP_BELOW, RankedTarget, StopAdvice


def stop_after(gain: NDArray[np.float64], threshold: float) -> int:
    """
    Count the targets that are worth a spectrum.

    Parameters
    ----------
    gain : ndarray, shape (n,)
        Expected gain of each target, in the order of the list.
    threshold : float
        What a spectrum must gain.

    Returns
    -------
    int
        Between 0 and n: the length of the list that has the largest sum of gain − threshold, the longest if several.
    """
    surplus = np.concatenate([[0.0], np.cumsum(gain - threshold)])
    # Sums that differ by rounding alone are the same.
    return int(np.flatnonzero(surplus >= surplus.max() - 1e-12 * len(surplus))[-1])


def stop_advice(targets: Sequence[RankedTarget], threshold: float = STOP_BELOW) -> StopAdvice | None:
    """
    Say how many targets of a list are worth a spectrum.

    Parameters
    ----------
    targets : sequence of RankedTarget
        In the order in which they would be observed.
    threshold : float
        Share of spectra that must change the class, above 0 and below 1.

    Returns
    -------
    StopAdvice or None
        None without targets.

    Raises
    ------
    StrategyError
        If the threshold is no such share.
    """
    check_threshold(threshold)
    if not targets:
        return None
    changes = np.array([target.scores.p_change for target in targets])
    gain = np.array([target.scores.value_of_information for target in targets])
    after = stop_after(changes, threshold)
    return StopAdvice(
        after=after,
        threshold=threshold,
        sentence=_sentence(after, len(targets), threshold),
        changes=float(changes[:after].sum()),
        changes_beyond=float(changes[after:].sum()),
        gain=float(gain[:after].sum()),
        gain_beyond=float(gain[after:].sum()),
    )


def check_threshold(threshold: float) -> None:
    """Raise a StrategyError if the threshold is no share between 0 and 1."""
    if not 0.0 < threshold < 1.0:
        raise StrategyError(
            f"cannot stop below {threshold:g} changed classes per spectrum; give a share above 0 and below 1, such as "
            f"{STOP_BELOW:g}"
        )


def _sentence(after: int, n: int, threshold: float) -> str:
    share = _share(threshold)
    if after == 0:
        return f"already of the first targets a spectrum changes fewer than {share}"
    if after == n:
        return f"a spectrum changes at least {share}, down to the end of the list"
    return f"after {after} target{'s' if after > 1 else ''} a spectrum changes fewer than {share}"


def _share(threshold: float) -> str:
    """Return a share as people say it: 1 class in 50, or else in percent."""
    one_in = round(1.0 / threshold)
    if one_in > 1 and abs(one_in * threshold - 1.0) < 0.02:
        return f"1 class in {one_in}"
    return f"{100.0 * threshold:.3g} % of classes"
