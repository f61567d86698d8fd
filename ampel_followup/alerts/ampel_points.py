"""Light curves from AMPEL's datapoints: the other way in, for alerts that a broker has already taken apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ampel_followup.alerts.lsst import TIME, light_curve_from_sources
from ampel_followup.alerts.surveys import LSST
from ampel_followup.alerts.ztf import light_curve_from_candidates, ztf_stock
from ampel_followup.errors import AlertError
from ampel_followup.lightcurve import LightCurve
from ampel_followup.survey_names import lsst_number

_LETTERS = 7


def light_curve_from_datapoints(stock: object, datapoints: Iterable[Mapping[str, Any]]) -> LightCurve:
    """
    Build the light curve of an object from the datapoints of one state of an AMPEL stock.

    Put back together, the points are those of the alert packets, so that both ways in give the same light curve. Of
    ZTF, AMPEL moves ``candid`` out of the body and makes it the datapoint's ``id``; upper limits have negative ids. Of
    LSST, the id is a hash that means nothing; the bodies are DIA sources, forced sources and DIA objects, under the
    names of schema 7 and later, and their fields say what they are.

    Parameters
    ----------
    stock : int
        AMPEL's number of the object.
    datapoints : iterable of mapping
        AMPEL datapoints: ``id``, ``body``, and with LSST's the tag ``LSST``.

    Returns
    -------
    LightCurve

    Raises
    ------
    AlertError
        If the stock is not that of an object of either survey, or a datapoint cannot be read.
    LightCurveError
        If there is no usable detection.
    """
    points = list(datapoints)
    if any(_is_of_lsst(point) for point in points):
        return _of_lsst(stock, points)
    return _of_ztf(stock, points)


def _of_ztf(stock: object, points: Iterable[Mapping[str, Any]]) -> LightCurve:
    name = ztf_name(stock)
    candidates = []
    for point in points:
        number, body = _parts(name, point)
        candidates.append({**body, "candid": number if number > 0 else None})
    return light_curve_from_candidates(name, ztf_stock(name), candidates)


def _of_lsst(stock: object, points: Iterable[Mapping[str, Any]]) -> LightCurve:
    if not isinstance(stock, int) or lsst_number(str(stock)) is None:
        raise AlertError(f"stock {stock!r} is not that of an LSST object, which is its diaObjectId")
    name = str(stock)
    return light_curve_from_sources(name, stock, [_parts(name, point)[1] for point in points])


def _is_of_lsst(point: Mapping[str, Any]) -> bool:
    """Return True for a datapoint of LSST: by its tag, or, where a channel has tags of its own, by its fields."""
    if LSST.name in (point.get("tag") or ()):
        return True
    body = point.get("body")
    return isinstance(body, Mapping) and not {"diaObjectId", *TIME}.isdisjoint(body)


def _parts(name: str, point: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
    number, body = point.get("id"), point.get("body")
    if not isinstance(number, int) or not isinstance(body, Mapping):
        raise AlertError(f"{name}: datapoint {number!r} has no integer id or no body; ingest its alert again")
    return number, body


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
        raise AlertError(f"stock {stock!r} is not that of a ZTF object; select the stocks with the tag ZTF or LSST")
    letters, year = divmod(stock, 16)
    name = ""
    for _ in range(_LETTERS):
        letters, letter = divmod(letters, 26)
        name = chr(ord("a") + letter) + name
    return f"ZTF{year + 17}{name}"
