"""Names that a telescope's software takes: short, plain, and still different."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Sequence

from ampel_followup.untrusted import clean

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

#: Characters of the fingerprint that tells names apart which would otherwise become the same.
_FINGERPRINT = 4


def ascii_line(text: str, limit: int | None = None) -> str:
    """
    Return untrusted text as one line of printable ASCII: accents go, other signs become ``?``.

    Parameters
    ----------
    text : str
    limit : int, optional
        Longest text returned [characters]; what is longer is cut.
    """
    decomposed = unicodedata.normalize("NFKD", clean(text))
    letters = "".join(c for c in decomposed if not unicodedata.combining(c))
    return letters.encode("ascii", "replace").decode("ascii")[:limit].rstrip()


def short_names(names: Sequence[str], length: int) -> list[str]:
    """
    Return names of at most `length` characters: letters, digits, ``+``, ``-``, ``.`` and ``_``; no two the same.

    A name that fits is kept (other signs become ``_``). A longer one keeps its first letter and its end, where survey
    names differ most: ``LSST-AP-DO-313853499830501440`` in 15 characters is ``L53499830501440``. So is the number
    alone, which is LSST's name of the object in its alerts: what is left of a number must not look like another. Names
    that would become the same, in any spelling of small and capital letters, end in a fingerprint of the whole name,
    each of them: what a name becomes does not depend on the order of the list.

    Parameters
    ----------
    names : sequence of str
        Survey names.
    length : int
        At least 8.

    Returns
    -------
    list of str
        In the order given; a name that occurs twice is numbered.
    """
    stems = [_stem(name, length) for name in names]
    count = Counter(stem.upper() for stem in stems)
    chosen: list[str] = []
    taken: set[str] = set()
    for name, stem in zip(names, stems, strict=True):
        short = stem
        if count[stem.upper()] > 1:
            short = f"{stem[: length - _FINGERPRINT - 1]}_{_fingerprint(name)}"
        number = 2
        while short.upper() in taken:
            suffix = f"_{number}"
            short, number = f"{stem[: length - len(suffix)]}{suffix}", number + 1
        taken.add(short.upper())
        chosen.append(short)
    return chosen


def _stem(name: str, length: int) -> str:
    plain = "".join(c if c.isalnum() or c in "+-._" else "_" for c in ascii_line(name).replace(" ", "")) or "unnamed"
    if len(plain) <= length:
        return plain
    first = "L" if plain.isdigit() else plain[0]
    return first + plain[1 - length :]


def _fingerprint(name: str) -> str:
    number = int.from_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest()[:8], "big")
    text = ""
    for _ in range(_FINGERPRINT):
        number, digit = divmod(number, len(_DIGITS))
        text += _DIGITS[digit]
    return text
