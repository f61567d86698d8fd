"""Numbers of alert packets: what is not known becomes NaN or 0, what is no number is refused with its name."""

from __future__ import annotations

import math

import numpy as np

_INT64 = 2**63


def number(value: object, name: str, above: float = -math.inf) -> float:
    """
    Return a value as a float.

    Parameters
    ----------
    value : object
        As it stands in the packet.
    name : str
        Of the field, for the message.
    above : float
        What is not above this means "not known": surveys write −999 and the like.

    Returns
    -------
    float
        NaN where the value is not known.

    Raises
    ------
    TypeError
        If it is no number.
    """
    if type(value) is float:  # nearly always; there are dozens of values to a point
        return value if above < value < math.inf else math.nan
    if value is None:
        return math.nan
    if isinstance(value, str | bytes | bool):
        raise TypeError(f"{name} = {value!r} is not a number")
    try:
        result = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{name} = {value!r} is not a number") from None
    return result if above < result < math.inf else math.nan


def integer(value: object, name: str) -> int:
    """
    Return the number of a point or an object.

    Parameters
    ----------
    value : object
        As it stands in the packet.
    name : str
        Of the field, for the message.

    Returns
    -------
    int
        0 where there is none.

    Raises
    ------
    TypeError
        If it is no number of 64 bits.
    """
    if value is None or value != value:
        return 0
    if isinstance(value, str | bytes | bool):
        raise TypeError(f"{name} = {value!r} is not a number")
    if is_rounded(value):
        # Tables may keep numbers of 19 digits as floats, which have 16. Going one step down makes sure that the exact
        # number, where another packet has it, is the larger one and wins.
        value = float(np.nextafter(value, -math.inf))  # type: ignore[call-overload]
    try:
        result = int(value)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{name} = {value!r} is not a number") from None
    if not -_INT64 <= result < _INT64:
        raise TypeError(f"{name} = {value!r} has more than 64 bits")
    return int(result)


def is_rounded(value: object) -> bool:
    """Return True for a float so large that the last digits of an integer are lost in it."""
    return isinstance(value, float) and abs(value) > 2**53
