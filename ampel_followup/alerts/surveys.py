"""The surveys whose alerts are read: how their packets are known, and what makes light curves of their points."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ampel_followup.alerts import lsst, ztf
from ampel_followup.alerts.values import number
from ampel_followup.bands import LSST_FILTERS, ZTF_FILTERS
from ampel_followup.lightcurve import MJD_OFFSET, LightCurve
from ampel_followup.survey_names import lsst_number


@dataclass(frozen=True, slots=True)
class Survey:
    """
    A survey.

    Parameters
    ----------
    name : str
        As its tag in AMPEL.
    packet_fields : tuple of str
        What a record has that is one of its packets; no two surveys' packets have each other's.
    encode : callable
        Packs points, see `ampel_followup.alerts.ztf.encode_candidates`.
    build : callable
        Makes the light curve of what was packed, see `ampel_followup.alerts.ztf.light_curve_from_points`.
    stock : callable
        Gives AMPEL's number for a name, 0 if it is none of the survey's.
    exposure : callable
        Gives the MJD (UTC) and the band of a point, None where either is not known.
    pixel : float
        Size of the camera's pixels [arcsec].
    """

    name: str
    packet_fields: tuple[str, ...]
    encode: Callable[[str, Iterable[Mapping[str, Any]]], tuple[bytes, bytes]]
    build: Callable[[str, int, bytes, bytes], LightCurve]
    stock: Callable[[str], int]
    exposure: Callable[[Mapping[str, Any]], tuple[float, str] | None]
    pixel: float


def _ztf_exposure(candidate: Mapping[str, Any]) -> tuple[float, str] | None:
    jd, fid = candidate.get("jd"), candidate.get("fid")
    if not isinstance(jd, int | float) or not math.isfinite(jd) or fid not in ZTF_FILTERS:
        return None
    return jd - MJD_OFFSET, ZTF_FILTERS[int(fid)]


def _lsst_exposure(point: Mapping[str, Any]) -> tuple[float, str] | None:
    tai = number(next((point[name] for name in lsst.TIME if name in point), None), lsst.TIME[0])
    letter = next((point[name] for name in lsst.BAND if name in point), None)
    band = LSST_FILTERS.get(letter.strip().lower()) if isinstance(letter, str) else None
    return None if tai != tai or band is None else (float(lsst.tai_to_utc(np.array([tai]))[0]), band)


#: Pixels: Dekany et al. 2020, PASP 132, 038001.
ZTF = Survey(
    "ZTF",
    ("objectId", "candid", "candidate"),
    ztf.encode_candidates,
    ztf.light_curve_from_points,
    ztf.ztf_stock,
    _ztf_exposure,
    1.01,
)

#: Pixels: Ivezić et al. 2019, ApJ 873, 111.
LSST = Survey(
    "LSST",
    ("diaSource",),
    lsst.encode_sources,
    lsst.light_curve_from_packed,
    lambda name: lsst_number(name) or 0,
    _lsst_exposure,
    0.2,
)

SURVEYS: tuple[Survey, ...] = (ZTF, LSST)


def stock_of(name: str) -> int:
    """
    Return AMPEL's number for an object of any survey that is read.

    Parameters
    ----------
    name : str
        Such as ``ZTF18abmjhtn``, ``170028485706776685`` or ``LSST-AP-DO-170028485706776685``.

    Returns
    -------
    int
        0 if it is no survey's.
    """
    return next((stock for survey in SURVEYS if (stock := survey.stock(name))), 0)
