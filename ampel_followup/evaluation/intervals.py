"""Intervals of shares."""

from __future__ import annotations

import numpy as np


def wilson(k: float, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of k in n (Wilson 1927, J. Am. Stat. Assoc. 22, 209)."""
    if n == 0:
        return 0.0, 1.0
    z2, p = 1.959964**2, k / n
    middle, half = p + z2 / (2 * n), float(np.sqrt(z2 * (p * (1.0 - p) / n + z2 / (4.0 * n * n))))
    return max((middle - half) / (1.0 + z2 / n), 0.0), min((middle + half) / (1.0 + z2 / n), 1.0)
