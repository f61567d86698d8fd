"""Measurements as the candidate records of ZTF's alert packets."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.lightcurve import MJD_OFFSET, magnitude_from_flux
from ampel_followup.simulate.survey import Measurements, Visits, real_bogus

_NIGHT_ONE = 2457754.5  # JD from which ZTF numbers its nights
#: What a packet says of an exposure in which nothing was detected; everything else is null.
_OF_LIMITS = ("jd", "fid", "pid", "diffmaglim", "programid", "nid", "rcid", "field")
# Packets have the deep-learning score since the summer of 2019 (alert schema 3.3; Duev et al. 2019).
_DRB_SINCE = 2458665.5  # JD of 2019-07-01

_NULL_IN_LIMITS = ("candid", "magpsf", "sigmapsf", "isdiffpos", "ra", "dec", "rb", "drb")


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """
    What the records of n objects need beyond the measurements.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        True positions, ICRS [deg].
    numbers : ndarray of int, shape (n,)
        Numbers of the objects; they make candidate ids unique.
    real : bool
        False for artefacts.
    contexts : list of dict
        Constant fields of each object.
    earlier : ndarray of int, shape (n,)
        Detections before the first visit.
    span : ndarray, shape (n,)
        Days from the first of those to the first visit.
    """

    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    numbers: NDArray[np.intp]
    real: bool
    contexts: list[dict[str, Any]]
    earlier: NDArray[np.int64]
    span: NDArray[np.float64]


def candidate_records(
    visits: Visits,
    rows: NDArray[np.intp],
    place: NDArray[np.intp],
    measured: Measurements,
    objects: Field,
    rng: np.random.Generator,
) -> list[list[dict[str, Any]]]:
    """
    Write measurements as candidate records.

    Parameters
    ----------
    visits : Visits
    rows : ndarray of int, shape (r,)
        Those of the visits that belong to the objects, in order of object and time.
    place : ndarray of int, shape (r,)
        Object of each row, 0 to n − 1.
    measured : Measurements
        Of the rows.
    objects : Field
    rng : numpy.random.Generator

    Returns
    -------
    list of list of dict
        For each object its records in order of time, up to the last detection: later visits come with no alert.
    """
    n = len(rows)
    ra, dec, real = objects.ra[place], objects.dec[place], objects.real
    signal = measured.signal_to_noise
    magpsf, sigmapsf = magnitude_from_flux(np.abs(measured.flux), measured.flux_err)
    rb, drb = real_bogus(signal, np.full(n, real), rng)
    # Centroids: a tenth of an arcsecond, more for faint sources (0.7″ / S/N).
    scatter = np.hypot(0.085, 0.7 / np.maximum(signal, 1.0)) / 3600.0
    ra = ra + scatter * rng.standard_normal(n) / np.cos(np.radians(dec))
    dec = dec + scatter * rng.standard_normal(n)
    jd = np.round(visits.mjd[rows] + MJD_OFFSET, 7)
    rcid, field = rng.integers(0, 64, len(objects.ra)), rng.integers(245, 880, len(objects.ra))
    nid = np.floor(jd - _NIGHT_ONE).astype(np.int64)
    pid = ((jd - _NIGHT_ONE) * 1e5).astype(np.int64) * 10000 + rcid[place] * 100 + 15
    candid = pid * 1_000_000 + 10_000 + objects.numbers[place] % 990_000
    messy = 1.0 if real else 2.5  # artefacts are lopsided and have masked pixels
    magdiff = rng.normal(0.0, 0.06 * messy, n)
    single = {
        "diffmaglim": visits.limit[rows],
        "magpsf": magpsf,
        "sigmapsf": sigmapsf,
        "magap": magpsf + magdiff,
        "sigmagap": 0.9 * sigmapsf,
        "magdiff": magdiff,
        "chipsf": rng.lognormal(np.log(1.5 * messy), 0.5, n),
        "fwhm": visits.seeing[rows] * rng.lognormal(0.0, 0.12 * messy, n),
        "classtar": rng.beta(20.0 / messy, 1.0, n),
        "elong": 1.0 + rng.gamma(2.0, 0.06 * messy, n),
        "rb": rb,
        "drb": drb,
        "scorr": signal,
    }
    columns: dict[str, list[Any]] = {name: values.astype(np.float32).tolist() for name, values in single.items()}
    columns |= {
        "jd": jd.tolist(),
        "fid": visits.fid[rows].tolist(),
        "pid": pid.tolist(),
        "candid": candid.tolist(),
        "isdiffpos": np.where(measured.flux >= 0, "t", "f").tolist(),
        "ra": np.round(ra % 360.0, 7).tolist(),
        "dec": np.round(np.clip(dec, -90.0, 90.0), 7).tolist(),
        "nid": nid.tolist(),
        "nneg": rng.poisson(1.5 * messy, n).tolist(),
        "nbad": rng.poisson(0.01 if real else 0.3, n).tolist(),
    }
    begin = float(jd.min())

    names = list(columns)
    result: list[list[dict[str, Any]]] = [[] for _ in objects.contexts]
    history: dict[int, list[float]] = defaultdict(list)
    for values, k, seen in zip(
        zip(*columns.values(), strict=True), place.tolist(), measured.detected.tolist(), strict=True
    ):
        record: dict[str, Any] = dict(zip(names, values, strict=True))
        record |= {"programid": 1 if record["fid"] < 3 else 2, "rcid": int(rcid[k]), "field": int(field[k])}
        if seen:
            history[k].append(record["jd"])
            record |= objects.contexts[k]
            record["ndethist"] = int(objects.earlier[k]) + len(history[k])
            record["jdstarthist"] = begin - float(objects.span[k]) if objects.earlier[k] else history[k][0]
            record["jdendhist"] = record["jd"]
            if record["jd"] < _DRB_SINCE:
                record["drb"] = None
        else:
            record = {name: record[name] for name in _OF_LIMITS} | dict.fromkeys(_NULL_IN_LIMITS)
        result[k].append(record)
    for records in result:
        while records and records[-1]["candid"] is None:
            records.pop()
    return result
