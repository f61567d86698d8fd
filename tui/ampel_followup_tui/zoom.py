"""The stretch of an axis that is seen: closer, further away, to either side."""

from __future__ import annotations

Window = tuple[float, float]

#: How much longer the stretch is a step further away.
STEP = 2.0
#: What one step to the side passes of the stretch.
SHIFT = 0.25


def zoomed(window: Window, whole: Window, factor: float, shortest: float) -> Window:
    """
    Look closer or from further away.

    Parameters
    ----------
    window : tuple of float
        The stretch that is seen.
    whole : tuple of float
        All that there is to see; the window is within it.
    factor : float
        How much longer the window becomes; below 1 to look closer.
    shortest : float
        It becomes no shorter than this.

    Returns
    -------
    tuple of float
        About the same middle; where the window ends with the whole, what comes last stays in sight.
    """
    first, last = window
    length = max(min((last - first) * factor, whole[1] - whole[0]), min(shortest, last - first))
    end = last if last >= whole[1] else (first + last + length) / 2.0
    return _within((end - length, end), whole)


def shifted(window: Window, whole: Window, share: float) -> Window:
    """Move the window to the side by a share of its length, to the left if negative; it stays within the whole."""
    first, last = window
    step = (last - first) * share
    return _within((first + step, last + step), whole)


def _within(window: Window, whole: Window) -> Window:
    first, last = window
    length = last - first
    if last > whole[1]:
        return max(whole[0], whole[1] - length), whole[1]
    if first < whole[0]:
        return whole[0], min(whole[1], whole[0] + length)
    return window
