"""What surveys call their objects."""

from __future__ import annotations

import re

_LSST = re.compile(r"(?:LSST\D*|)(\d{1,19})", re.IGNORECASE | re.ASCII)

# Of a 64-bit integer, which is what `diaObjectId` is.
_HIGHEST = 2**63 - 1


def lsst_number(name: str) -> int | None:
    """
    Return the number by which LSST knows an object (``diaObjectId``); None for the objects of other surveys.

    Parameters
    ----------
    name : str
        The number itself, or with a prefix such as ``LSST-P-DO-``.
    """
    found = _LSST.fullmatch(name)
    number = int(found[1]) if found else 0
    return number if 0 < number <= _HIGHEST else None
