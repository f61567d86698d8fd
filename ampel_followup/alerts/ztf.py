"""ZTF photometry: from candidates, as packets and AMPEL data points hold them, to a light curve."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.alerts.positions import check_position, mean_position
from ampel_followup.alerts.values import integer, number
from ampel_followup.bands import ZTF_FILTERS
from ampel_followup.errors import AlertError, LightCurveError
from ampel_followup.lightcurve import LIMIT_SIGMA, MJD_OFFSET, LightCurve, flux_from_magnitude

#: What is kept of the context of a detection; documented in `LightCurve`.
CONTEXT_FIELDS = (
    "sgscore1",
    "distpsnr1",
    "srmag1",
    "magnr",
    "distnr",
    "ndethist",
    "ncovhist",
    "jdstarthist",
    "neargaia",
    "maggaia",
    "ssdistnr",
)

#: One point, compact enough to be spooled by the million: ``sign`` is +1 or −1 for a detection and 0 for an upper
#: limit, whose ``mag`` is the limiting magnitude; ``n_context`` counts the `CONTEXT_FIELDS` that came with it.
POINT = np.dtype(
    [("jd", "<f8"), ("candid", "<i8"), ("fid", "i1"), ("sign", "i1"), ("n_context", "i1")]
    + [(name, "<f8") for name in ("mag", "mag_err", "ra", "dec", "rb", "drb")]
)

#: The context that one detection carries.
CONTEXT = np.dtype([("jd", "<f8"), ("candid", "<i8")] + [(name, "<f8") for name in CONTEXT_FIELDS])

_POINT = struct.Struct("<dqbbb6d")
_CONTEXT = struct.Struct(f"<dq{len(CONTEXT_FIELDS)}d")

# ZTF has written the sign of the difference in all of these ways; 1 == True == 1.0 as keys.
_SIGN = {"t": 1, "1": 1, 1: 1, "f": -1, "0": -1, 0: -1}

# ZTF's mark for "no value" is −999; nothing that we read comes near it otherwise.
_NO_VALUE = -900.0

_NAME = re.compile(r"ZTF(1[7-9]|2[0-9]|3[0-2])([a-z]{7})")


def ztf_stock(name: str) -> int:
    """
    Return AMPEL's number for a ZTF object name.

    Parameters
    ----------
    name : str
        Such as ``ZTF18abmjhtn``.

    Returns
    -------
    int
        The seven letters as a number in base 26, times 16, plus the year after 2017 (as in ``ampel.ztf``'s
        ``ZTFIdMapper``); 0 if `name` is not that of a ZTF object.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return 0
    number = 0
    for letter in match[2]:
        number = 26 * number + ord(letter) - ord("a")
    return (number << 4) + int(match[1]) - 17


def light_curve_from_candidates(object_id: str, stock: int, candidates: Iterable[Mapping[str, Any]]) -> LightCurve:
    """
    Merge the candidates of one ZTF object into a light curve; their order does not matter.

    An exposure, that is a pair (``jd``, ``fid``), counts once: a detection wins over an upper limit, of detections
    that were issued again the one with the largest ``candid`` wins (AMPEL's rule), of several limits the least deep.
    Limits without a meaningful depth (``diffmaglim`` below 0) are left out.

    Parameters
    ----------
    object_id : str
        ZTF name of the object.
    stock : int
        AMPEL's number for it, see `ztf_stock`.
    candidates : iterable of mapping
        ``candidate`` and ``prv_candidates`` of any number of packets, or bodies of AMPEL data points with the number of
        the point under ``id`` (negative for limits). ``None``, NaN, −999 and a missing key all mean "not known".

    Returns
    -------
    LightCurve
        Its position is the unweighted mean of the detections; each entry of its ``meta`` is that of the latest
        detection which carries it.

    Raises
    ------
    AlertError
        If a value is not of its kind, such as text in ``magpsf`` or a filter that ZTF does not have.
    LightCurveError
        If there is no usable detection.
    """
    points, context = encode_candidates(object_id, candidates)
    return light_curve_from_points(object_id, stock, points, context)


def encode_candidates(object_id: str, candidates: Iterable[Mapping[str, Any]]) -> tuple[bytes, bytes]:
    """
    Check candidates and pack what a light curve needs of them.

    Parameters
    ----------
    object_id : str
        Survey name of the object, for error messages.
    candidates : iterable of mapping
        As for `light_curve_from_candidates`.

    Returns
    -------
    points, context : bytes
        Packed records of the types `POINT` and `CONTEXT`; concatenations of them are valid too.

    Raises
    ------
    AlertError
        If a value is not of its kind.
    """
    points, context = bytearray(), bytearray()
    for candidate in candidates:
        try:
            get = candidate.get
            jd = _number(get("jd"), "jd")
            if jd < MJD_OFFSET:
                raise ValueError(f"jd = {jd!r} is not a Julian Date")
            fid = _number(get("fid"), "fid")
            if fid not in ZTF_FILTERS:
                raise ValueError(f"fid = {get('fid')!r} is not a filter of ZTF; 1 (g), 2 (r) or 3 (i) is expected")
            mag = _number(get("magpsf"), "magpsf")
            candid = integer(get("candid"), "candid") or integer(get("id"), "id")
            if candid < 0 or (candid == 0 and mag != mag):
                limit = _number(get("diffmaglim"), "diffmaglim")
                points += _POINT.pack(jd, 0, int(fid), 0, 0, limit if limit >= 0 else math.nan, *_UNKNOWN)
                continue
            ra, dec = _number(get("ra"), "ra"), _number(get("dec"), "dec")
            check_position(ra, dec)
            values = [_number(get(name), name) for name in CONTEXT_FIELDS]
            n_context = sum(value == value for value in values)
            points += _POINT.pack(
                jd,
                candid,
                int(fid),
                _sign(get("isdiffpos")),
                n_context,
                mag,
                _number(get("sigmapsf"), "sigmapsf"),
                ra,
                dec,
                _number(get("rb"), "rb"),
                _number(get("drb"), "drb"),
            )
            if n_context:
                context += _CONTEXT.pack(jd, candid, *values)
        except (ValueError, TypeError, AttributeError, struct.error) as error:
            raise AlertError(f"{object_id}: a candidate cannot be read: {error}; the packet is damaged") from error
    return bytes(points), bytes(context)


_UNKNOWN = (math.nan,) * 5


def light_curve_from_points(object_id: str, stock: int, points: bytes, context: bytes) -> LightCurve:
    """
    Build a light curve from the records of `encode_candidates`, of one packet or of many.

    Parameters
    ----------
    object_id : str
        ZTF name of the object.
    stock : int
        AMPEL's number for it.
    points, context : bytes
        Packed records of the types `POINT` and `CONTEXT`, in any order.

    Returns
    -------
    LightCurve
        As described in `light_curve_from_candidates`.

    Raises
    ------
    LightCurveError
        If there is no usable detection, or none of them has a position.
    """
    exposures = _one_point_per_exposure(np.frombuffer(points, POINT))
    detected = exposures["sign"] != 0
    with np.errstate(over="ignore"):  # a nonsensical magnitude becomes infinite, and LightCurve drops the point
        flux, flux_err = flux_from_magnitude(exposures["mag"], exposures["mag_err"])
    if not _usable(exposures)[detected].any():
        raise LightCurveError(
            f"{object_id}: no usable detection among {len(exposures)} points; the object cannot be ranked"
        )
    ra, dec = mean_position(exposures["ra"][detected], exposures["dec"][detected])
    if not math.isfinite(ra):
        raise LightCurveError(f"{object_id}: none of {detected.sum()} detections has a position (ra, dec)")
    return LightCurve(
        id=object_id,
        stock=stock,
        time=exposures["jd"] - MJD_OFFSET,
        band=_BAND_NAMES[exposures["fid"]],
        flux=np.where(detected, exposures["sign"] * flux, 0.0),
        flux_err=np.where(detected, flux_err, flux / LIMIT_SIGMA),
        upper_limit=~detected,
        ra=ra,
        dec=dec,
        source_id=exposures["candid"],
        point_ra=exposures["ra"],
        point_dec=exposures["dec"],
        rb=exposures["rb"],
        drb=exposures["drb"],
        meta=_latest_context(np.frombuffer(context, CONTEXT), exposures["candid"][detected]),
    )


_BAND_NAMES = np.array(["", *(ZTF_FILTERS[fid] for fid in sorted(ZTF_FILTERS))])


def _usable(points: NDArray[np.void]) -> NDArray[np.bool_]:
    """Return True where a point can go into a light curve: time and depth known, and the error of a detection."""
    usable: NDArray[np.bool_] = (points["sign"] == 0) | (points["mag_err"] > 0)
    usable &= np.isfinite(points["jd"]) & np.isfinite(points["mag"])
    return usable


def _one_point_per_exposure(points: NDArray[np.void]) -> NDArray[np.void]:
    """
    Of all points with the same (jd, fid) keep the best one; the result does not depend on the order of `points`.

    Sorted from worst to best within an exposure: usable, detection, larger candid (or brighter limit), more context and
    more of the values known; the values themselves only break ties. A candidate repeated as prv_candidate has lost its
    context, its drb and the last digits of its magnitude: its own packet wins, as in AMPEL, which keeps the first.
    """
    in_time = points[np.lexsort((points["fid"], points["jd"]))]
    repeated = (in_time["jd"][1:] == in_time["jd"][:-1]) & (in_time["fid"][1:] == in_time["fid"][:-1])
    if not repeated.any() and np.isfinite(in_time["jd"]).all():  # as of AMPEL, which has chosen already
        return in_time
    values = [points[name] for name in ("mag", "mag_err", "ra", "dec", "rb", "drb")]
    known = sum(np.isfinite(value).astype(np.int8) for value in values)
    brightness = np.where(points["sign"] == 0, -points["mag"], 0.0)
    detection = points["sign"] != 0
    merit = (known, points["n_context"], brightness, points["candid"], detection, _usable(points))
    quality = (*values, points["sign"], *merit)
    points = points[np.lexsort((*quality, points["fid"], points["jd"]))]
    # NaN differs from NaN: points without a time stay apart, to be counted as dropped.
    last = np.ones(len(points), dtype=bool)
    last[:-1] = (points["jd"][1:] != points["jd"][:-1]) | (points["fid"][1:] != points["fid"][:-1])
    return points[last]


def _latest_context(context: NDArray[np.void], candids: NDArray[np.int64]) -> dict[str, float]:
    """Return each context value from the latest of the detections `candids` that carries it."""
    kept = set(candids.tolist())
    context = context[np.array([candid in kept for candid in context["candid"].tolist()], dtype=bool)]
    if len(context) == 0:
        return {}
    values = np.stack([context[name] for name in CONTEXT_FIELDS])
    known = np.isfinite(values)
    order = np.lexsort((*values, known.sum(axis=0), context["candid"], context["jd"]))
    newest_known = np.argmax(known[:, order[::-1]], axis=1)
    latest = values[np.arange(len(values)), order[::-1][newest_known]].tolist()
    return {name: value for name, value in zip(CONTEXT_FIELDS, latest, strict=True) if math.isfinite(value)}


def _number(value: object, name: str) -> float:
    """Return `value` as a float, NaN where it is not known."""
    return number(value, name, above=_NO_VALUE)


def _sign(isdiffpos: object) -> int:
    """Return +1 where the difference is positive, −1 where the source is fainter than the reference."""
    try:
        return _SIGN[isdiffpos.lower() if isinstance(isdiffpos, str) else isdiffpos]
    except (KeyError, TypeError):
        raise TypeError(f"isdiffpos = {isdiffpos!r} is neither 't' or '1' nor 'f' or '0'") from None
