"""What surveys, and the Transient Name Server, call objects."""

from __future__ import annotations

import math
import re

_LSST = re.compile(r"(?:LSST\D*|)([1-9]\d{0,18})", re.IGNORECASE | re.ASCII)

# Year and letters; prefixes say whether there was a spectrum when somebody wrote it down.
_TNS = re.compile(r"(?:AT|SN|TDE|FRB)? ?(\d{4})([A-Z]|[a-z]{1,6})", re.ASCII)
_TNS_YEAR = 2**30  # more than there are names of six letters

# Of a 64-bit integer, which is what `diaObjectId` is.
_HIGHEST = 2**63 - 1


def lsst_number(name: str) -> int | None:
    """
    Return the number by which LSST, and AMPEL, know an object (``diaObjectId``); None for objects of other surveys.

    Parameters
    ----------
    name : str
        The number itself, or with a prefix such as ``LSST-P-DO-``.
    """
    found = _LSST.fullmatch(name)
    number = int(found[1]) if found else 0
    return number if 0 < number <= _HIGHEST else None


def tns_number(name: str) -> float:
    """
    Return a number that stands for a name of the Transient Name Server.

    The context of a light curve consists of numbers.

    Parameters
    ----------
    name : str
        Such as ``2026abc``, ``AT2026abc`` or ``SN 2026A``.

    Returns
    -------
    float
        An integer, of which `tns_name` makes the name again; NaN for other texts.
    """
    found = _TNS.fullmatch(name.strip())
    if not found:
        return math.nan
    # Single letters are capital ones; the count goes on with "aa", as on the wheels of an odometer.
    letters = 0
    for letter in found[2].lower():
        letters = 27 * letters + ord(letter) - ord("a") + 1
    return float(int(found[1]) * _TNS_YEAR + letters)


def tns_name(number: float) -> str:
    """Return the name, without its prefix, for which `tns_number` has put a number; empty for NaN."""
    if math.isnan(number):
        return ""
    year, letters = divmod(int(number), _TNS_YEAR)
    name = ""
    while letters:
        letters, letter = divmod(letters, 27)
        name = chr(ord("a") + letter - 1) + name
    return f"{year}{name.upper() if len(name) == 1 else name}"
