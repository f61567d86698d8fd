"""One list for several strategies: each fills its quota of the places, with a share for exploration."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import StrategyError

#: Mostly what pays tonight; a part for what the classifier knows least, from which it learns fastest (uncertainty
#: sampling); and a part by chance, which alone shows what the models do not know that they do not know.
DEFAULT_QUOTAS = "value-of-information=0.8,uncertainty=0.1,random=0.1"


def parse_quotas(text: str) -> dict[str, float]:
    """
    Read the quotas of a mixture.

    Parameters
    ----------
    text : str
        ``NAME=SHARE`` of each strategy, separated by commas; shares are relative, positive and finite.

    Returns
    -------
    dict of str to float
        Name → share, summing to 1, in the order given.

    Raises
    ------
    StrategyError
        If a share is no positive number, a name is missing or comes twice.
    """
    quotas: dict[str, float] = {}
    for item in text.split(","):
        # A strategy of others may have any name, but for the sign that its share stands after.
        name, _, number = item.strip().rpartition("=")
        try:
            share = float(number)
        except ValueError:
            share = math.nan
        if not name or not 0.0 < share < math.inf:
            raise StrategyError(
                f"{item.strip()!r} is no quota of a mixture; write NAME=SHARE with a positive share for each, "
                f"as in mixture:{DEFAULT_QUOTAS}"
            )
        if name in quotas:
            raise StrategyError(f"{name!r} comes twice in mixture:{text}; give each strategy one share")
        quotas[name] = share
    total = sum(quotas.values())
    return {name: share / total for name, share in quotas.items()}


def in_turns(orders: Sequence[NDArray[np.intp]], shares: NDArray[np.float64]) -> NDArray[np.intp]:
    """
    Share the list among strategies by quotas: each places its best target left when it is most behind its quota.

    The quotas hold from the top of the list on, wherever the night ends: among the first m targets no strategy is ever
    a whole target ahead of its share of m. A target that several strategies want counts for the one that placed it.

    Parameters
    ----------
    orders : sequence of S ndarrays of int, shape (n,)
        The n objects in the order of each strategy.
    shares : ndarray, shape (S,)
        Quotas, summing to 1; of two that are equally behind, the first places its target.

    Returns
    -------
    ndarray of int, shape (n,)
        The objects in the order of the list.
    """
    n = len(orders[0])
    queues = [iter(order.tolist()) for order in orders]
    quotas: list[float] = shares.tolist()
    behind = [0.0] * len(quotas)
    listed: dict[int, None] = {}
    while len(listed) < n:
        behind = [b + quota for b, quota in zip(behind, quotas, strict=True)]
        # Rounding must not decide between strategies that are equally behind.
        turn = max(range(len(behind)), key=lambda s: (round(behind[s], 9), -s))
        behind[turn] -= 1.0
        listed[next(i for i in queues[turn] if i not in listed)] = None
    return np.fromiter(listed, dtype=np.intp, count=n)
