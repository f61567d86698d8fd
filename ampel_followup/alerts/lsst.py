"""
LSST photometry: from DIA sources, forced sources and noise limits to a light curve.

The points are read as packets of the schemas 7 to 11 have them, under the names of ELAsTiCC's schema as well, or as
bodies of the datapoints that ampel-lsst makes of either. What a point is shows in its fields: a DIA source (a
detection) has ``diaSourceId``, a forced source ``diaForcedSourceId``, a limit ``diaNoise``, and what has no flux is a
DIA object, the context. The fields are described at https://sdm-schemas.lsst.io/apdb.html.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.alerts.positions import check_position, mean_position
from ampel_followup.alerts.values import integer, number
from ampel_followup.bands import LSST_FILTERS
from ampel_followup.errors import AlertError, LightCurveError
from ampel_followup.lightcurve import LIMIT_SIGMA, MJD_OFFSET, LightCurve

#: What is kept of the DIA object: name in `LightCurve.meta` → names in packets. ELAsTiCC knows the host galaxy, and
#: `ampel_followup.alerts.lasair` what Lasair says of the place.
CONTEXT_FIELDS: dict[str, tuple[str, ...]] = {
    "ndethist": ("nDiaSources",),
    "jdstarthist": ("firstDiaSourceMjdTai",),
    "z": ("hostgal_zspec",),
    "photoz": ("hostgal_zphot",),
    "photoz_err": ("hostgal_zphot_err",),
    "sep_arcsec": ("hostgal_snsep",),
    "ebv_sfd": ("mwebv",),
    "sep_kpc": ("physical_separation_kpc",),
    "distance_mpc": ("distance",),
    "abs_mag": ("absMag",),
    "sherlock": ("sherlock",),
    "tns": ("tns",),
}

#: Those of them that may be negative.
_SIGNED = {"abs_mag"}

#: Names of what a point is read from, the present one first.
TIME, BAND = ("midpointMjdTai", "midPointTai"), ("band", "filterName")
FLUX, FLUX_ERR = ("psfFlux", "psFlux"), ("psfFluxErr", "psFluxErr")
RA, DEC = ("ra",), ("dec", "decl")

#: What else is read of points.
OTHER_FIELDS = ("diaSourceId", "diaForcedSourceId", "diaNoise", "reliability", "timeWithdrawnMjdTai")

#: One point, compact enough to be spooled by the million. ``band`` counts `LSST_FILTERS` from 1, 0 is none of them;
#: ``flux`` and ``flux_err`` in nJy, the latter alone for a limit; ``tai`` is the MJD in TAI.
POINT = np.dtype(
    [("tai", "<f8"), ("id", "<i8"), ("band", "i1"), ("kind", "i1")]
    + [(name, "<f8") for name in ("flux", "flux_err", "ra", "dec", "reliability")]
)

#: The context that one DIA object carries.
CONTEXT = np.dtype([(name, "<f8") for name in ("ra", "dec", *CONTEXT_FIELDS)])

_POINT = struct.Struct("<dqbb5d")
_CONTEXT = struct.Struct(f"<{len(CONTEXT.names or ())}d")
_LIMIT, _FORCED, _SOURCE = range(3)

_BAND_NUMBERS = {letter: place for place, letter in enumerate(LSST_FILTERS, 1)}
_BAND_NAMES = np.array(["", *LSST_FILTERS.values()])

# TAI − UTC is whole seconds since 1972; the survey does not last until 2100.
_FIRST_MJD, _LAST_MJD = 41317.0, 88069.0

# Points of one band closer than this are of one visit [d]: visits take half a minute, and their sources and forced
# sources have the same time but for the digits that were kept.
_SAME_VISIT = 5.0 / 86400.0

_NANOJANSKY = 1e-3


def tai_to_utc(mjd: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Convert Modified Julian Dates from TAI to UTC.

    Parameters
    ----------
    mjd : ndarray, shape (n,)
        TAI [d], from 1972 on.

    Returns
    -------
    ndarray, shape (n,)
        UTC [d], by the leap seconds that ERFA knows: good to 1 µs, but to 1 s on a day that ends with a leap second.
        The last was on 31 December 2016; one that is announced needs a newer pyerfa.
    """
    begins, seconds = _leap_seconds()
    place = np.clip(np.searchsorted(begins, mjd, side="right") - 1, 0, None)
    return mjd - seconds[place] / 86400.0


@cache
def _leap_seconds() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """From which MJD (TAI) on TAI − UTC is how many seconds."""
    import erfa

    table = erfa.leap_seconds.get()
    table = table[table["year"] >= 1972]
    days = np.array([erfa.cal2jd(row["year"], row["month"], 1)[1] for row in table], dtype=np.float64)
    seconds = np.asarray(table["tai_utc"], dtype=np.float64)
    return days + seconds / 86400.0, seconds


def light_curve_from_sources(object_id: str, stock: int, points: Iterable[Mapping[str, Any]]) -> LightCurve:
    """
    Merge the points of one LSST object into a light curve; their order does not matter.

    A visit counts once: points of one band within 5 s are of the same visit. A detection (DIA source) wins over a
    forced source, which wins over a noise limit; a point that cannot be used never displaces one that can; of several
    detections the one with the largest ``diaSourceId`` wins, of several limits the least deep. A forced source of five
    standard deviations or more, of either sign, is a detection without a number and a position of its own; of less, it
    is an upper limit. Withdrawn points are left out.

    Parameters
    ----------
    object_id : str
        The digits of the ``diaObjectId``.
    stock : int
        AMPEL's number for it: the ``diaObjectId`` itself.
    points : iterable of mapping
        Sources, forced sources, limits and DIA objects of any number of packets, or bodies of AMPEL datapoints.
        ``None``, NaN and a missing key all mean "not known".

    Returns
    -------
    LightCurve
        Times are converted to UTC (`tai_to_utc`), fluxes to µJy. Its position is the unweighted mean of the DIA
        sources; ``rb`` is the survey's ``reliability``, ``drb`` is not known; ``meta`` is that of the DIA object with
        the most sources, see `CONTEXT_FIELDS`.

    Raises
    ------
    AlertError
        If a value is not of its kind, such as text in ``psfFlux``.
    LightCurveError
        If there is no usable detection.
    """
    packed, context = encode_sources(object_id, points)
    return light_curve_from_packed(object_id, stock, packed, context)


def encode_sources(object_id: str, points: Iterable[Mapping[str, Any]]) -> tuple[bytes, bytes]:
    """
    Check points and pack what a light curve needs of them.

    Parameters
    ----------
    object_id : str
        Survey name of the object, for error messages.
    points : iterable of mapping
        As for `light_curve_from_sources`.

    Returns
    -------
    points, context : bytes
        Packed records of the types `POINT` and `CONTEXT`; concatenations of them are valid too.

    Raises
    ------
    AlertError
        If a value is not of its kind.
    """
    packed, context = bytearray(), bytearray()
    for point in points:
        try:
            if any(name in point for name in FLUX):
                packed += _measurement(point)
            elif "diaNoise" in point:
                noise = number(point["diaNoise"], "diaNoise")
                packed += _POINT.pack(_tai(point), 0, _band(point), _LIMIT, 0.0, noise, *(math.nan,) * 3)
            else:
                context += _dia_object(point)
        except (ValueError, TypeError, AttributeError, struct.error) as error:
            raise AlertError(f"{object_id}: a point cannot be read: {error}; the packet is damaged") from error
    return bytes(packed), bytes(context)


def _measurement(point: Mapping[str, Any]) -> bytes:
    """Pack a source or forced source; nothing if the survey has withdrawn it."""
    withdrawn = number(point.get("timeWithdrawnMjdTai"), "timeWithdrawnMjdTai")
    if withdrawn == withdrawn:
        return b""
    source = integer(point.get("diaSourceId"), "diaSourceId")
    kind = _FORCED if not source and point.get("diaForcedSourceId") is not None else _SOURCE
    flux, flux_err = number(_value(point, FLUX), FLUX[0]), number(_value(point, FLUX_ERR), FLUX_ERR[0])
    if kind == _FORCED:  # its place is that of the object, and nothing was found there
        return _POINT.pack(_tai(point), 0, _band(point), kind, flux, flux_err, *(math.nan,) * 3)
    ra, dec = number(_value(point, RA), "ra"), number(_value(point, DEC), "dec")
    check_position(ra, dec)
    reliability = number(point.get("reliability"), "reliability")
    return _POINT.pack(_tai(point), source, _band(point), kind, flux, flux_err, ra, dec, reliability)


def _dia_object(point: Mapping[str, Any]) -> bytes:
    """Pack the context; negative numbers of catalogues mean "not known"."""
    ra, dec = number(_value(point, RA), "ra"), number(_value(point, DEC), "dec")
    check_position(ra, dec)
    values = {name: number(_value(point, names), names[0]) for name, names in CONTEXT_FIELDS.items()}
    known = (value if value >= 0.0 or name in _SIGNED else math.nan for name, value in values.items())
    return _CONTEXT.pack(ra, dec, *known)


def _value(point: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """Return the first value that is known under any of the names."""
    for name in names:
        value = point.get(name)
        if value is not None:
            return value
    return None


def _tai(point: Mapping[str, Any]) -> float:
    tai = number(_value(point, TIME), TIME[0])
    if not (tai != tai or _FIRST_MJD <= tai <= _LAST_MJD):
        raise ValueError(f"{TIME[0]} = {tai!r} is not a Modified Julian Date of the survey")
    return tai


def _band(point: Mapping[str, Any]) -> int:
    """Return the number of a band; 0 where it is none of the survey's."""
    letter = _value(point, BAND)
    if not (letter is None or isinstance(letter, str)):
        raise TypeError(f"{BAND[0]} = {letter!r} is not the name of a filter")
    return _BAND_NUMBERS.get((letter or "").strip().lower(), 0)


def light_curve_from_packed(object_id: str, stock: int, points: bytes, context: bytes) -> LightCurve:
    """
    Build a light curve from the records of `encode_sources`, of one packet or of many.

    Parameters
    ----------
    object_id : str
        The digits of the ``diaObjectId``.
    stock : int
        AMPEL's number for it.
    points, context : bytes
        Packed records of the types `POINT` and `CONTEXT`, in any order.

    Returns
    -------
    LightCurve
        As described in `light_curve_from_sources`.

    Raises
    ------
    LightCurveError
        If there is no usable detection, or none of them has a position.
    """
    visits = _one_point_per_visit(np.frombuffer(points, POINT))
    usable, kind = _usable(visits), visits["kind"]
    with np.errstate(invalid="ignore", over="ignore"):
        significant = np.abs(visits["flux"]) >= LIMIT_SIGMA * visits["flux_err"]
    limit = (kind == _LIMIT) | ((kind == _FORCED) & ~significant)
    if not (usable & ~limit).any():
        unknown = int((visits["band"] == 0).sum())
        raise LightCurveError(
            f"{object_id}: no usable detection among {len(visits)} points"
            + (f", {unknown} of them in a band that is not LSST's" if unknown else "")
            + "; the object cannot be ranked"
        )
    about = np.frombuffer(context, CONTEXT)
    sources = visits[kind == _SOURCE]
    ra, dec = mean_position(sources["ra"], sources["dec"])
    if not math.isfinite(ra):
        ra, dec = mean_position(about["ra"], about["dec"])
    if not math.isfinite(ra):
        raise LightCurveError(f"{object_id}: neither its sources nor its DIA object have a position (ra, dec)")
    return LightCurve(
        id=object_id,
        stock=stock,
        time=tai_to_utc(visits["tai"]),
        band=_BAND_NAMES[visits["band"]],
        # What is in no band of the survey is not used, and counted as dropped.
        flux=np.where(visits["band"] == 0, np.nan, np.where(limit, 0.0, visits["flux"] * _NANOJANSKY)),
        flux_err=visits["flux_err"] * _NANOJANSKY,
        upper_limit=limit,
        ra=ra,
        dec=dec,
        source_id=visits["id"],
        point_ra=visits["ra"],
        point_dec=visits["dec"],
        rb=visits["reliability"],
        meta=_context(about),
    )


def _usable(points: NDArray[np.void]) -> NDArray[np.bool_]:
    """Return True where a point can go into a light curve: time, band, flux and error known."""
    usable: NDArray[np.bool_] = np.isfinite(points["tai"]) & (points["band"] != 0) & np.isfinite(points["flux"])
    usable &= np.isfinite(points["flux_err"]) & (np.nan_to_num(points["flux_err"]) > 0)
    return usable


def _one_point_per_visit(points: NDArray[np.void]) -> NDArray[np.void]:
    """
    Of all points of a visit keep the best one; the result does not depend on the order of `points`.

    Sorted from worst to best within a visit: usable, kind, larger number (or brighter limit), more of the values known;
    the values themselves only break ties.
    """
    order = np.lexsort((points["tai"], points["band"]))
    points = points[order]
    new = np.ones(len(points), dtype=bool)
    # NaN is not close to NaN: points without a time stay apart, to be counted as dropped.
    new[1:] = ~(np.diff(points["tai"]) < _SAME_VISIT) | (np.diff(points["band"]) != 0)
    visit = np.cumsum(new)
    values = [points[name] for name in ("flux", "flux_err", "ra", "dec", "reliability")]
    known = sum(np.isfinite(value).astype(np.int8) for value in values)
    brightness = np.where(points["kind"] == _LIMIT, points["flux_err"], 0.0)
    merit = (known, brightness, points["id"], points["kind"], _usable(points))
    order = np.lexsort((points["tai"], *values, *merit, visit))
    last = np.ones(len(points), dtype=bool)
    last[:-1] = np.diff(visit[order]) != 0
    return points[order][last]


def _context(about: NDArray[np.void]) -> dict[str, float]:
    """Return each value from the DIA object with the most sources that carries it."""
    names = [*CONTEXT_FIELDS]
    values = np.stack([about[name] for name in names])
    known = np.isfinite(values)
    # -1 sorts what does not say how many it has before all others.
    order = np.lexsort(
        (*np.nan_to_num(values, nan=-1.0), known.sum(axis=0), np.nan_to_num(about["ndethist"], nan=-1.0))
    )
    found = {
        name: float(row[filled][-1])
        for name, row, filled in zip(names, values[:, order], known[:, order], strict=True)
        if filled.any()
    }
    if (first := found.pop("jdstarthist", 0.0)) >= _FIRST_MJD:
        found["jdstarthist"] = float(tai_to_utc(np.array([first]))[0]) + MJD_OFFSET
    return found
