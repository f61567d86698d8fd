"""Light curves from AMPEL's datapoints: the other way in, for alerts that a broker has already taken apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ampel_followup.alerts.ztf import light_curve_from_candidates, ztf_stock
from ampel_followup.errors import AlertError
from ampel_followup.lightcurve import LightCurve

_LETTERS = 7


def light_curve_from_datapoints(stock: object, datapoints: Iterable[Mapping[str, Any]]) -> LightCurve:
    """
    Build the light curve of a ZTF object from the datapoints of one state of an AMPEL stock.

    AMPEL moves ``candid`` out of the body and makes it the datapoint's ``id``; upper limits have negative ids. Put back
    together, the points are those of the alert packets, so that both ways in give the same light curve.

    Parameters
    ----------
    stock : int
        AMPEL's number of the object.
    datapoints : iterable of mapping
        AMPEL datapoints: ``id`` and ``body``, the latter a ZTF candidate.

    Returns
    -------
    LightCurve

    Raises
    ------
    AlertError
        If the stock is not that of a ZTF object, or a datapoint cannot be read.
    LightCurveError
        If there is no usable detection.
    """
    name = ztf_name(stock)
    candidates = []
    for point in datapoints:
        number, body = point.get("id"), point.get("body")
        if not isinstance(number, int) or not isinstance(body, Mapping):
            raise AlertError(f"{name}: datapoint {number!r} has no integer id or no body; ingest its alert again")
        candidates.append({**body, "candid": number if number > 0 else None})
    return light_curve_from_candidates(name, ztf_stock(name), candidates)


def ztf_name(stock: object) -> str:
    """
    Return the ZTF name of an AMPEL stock; the inverse of `ampel_followup.alerts.ztf.ztf_stock`.

    Parameters
    ----------
    stock : int
        The four low bits count the years since 2017, the others are the letters in base 26.

    Returns
    -------
    str
        Such as ``ZTF18abmjhtn``.

    Raises
    ------
    AlertError
        If it is no integer (other surveys use text), negative or too large.
    """
    if not isinstance(stock, int) or not 0 <= stock < 16 * 26**_LETTERS:
        raise AlertError(f"stock {stock!r} is not that of a ZTF object; select the stocks with the tag ZTF")
    letters, year = divmod(stock, 16)
    name = ""
    for _ in range(_LETTERS):
        letters, letter = divmod(letters, 26)
        name = chr(ord("a") + letter) + name
    return f"ZTF{year + 17}{name}"
