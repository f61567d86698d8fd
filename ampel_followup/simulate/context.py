"""What catalogues and the survey's own history say about a position: the context fields of a ZTF alert."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.simulate.population import Population, galaxy_score, stellar_score

#: ZTF's way to say that there is nothing.
MISSING = -999.0

_PS1_LIMIT, _REFERENCE_LIMIT, _GAIA_LIMIT = 22.3, 22.0, 20.3  # r magnitudes at which half of the sources are listed
_SURVEY_START = 58194.0  # MJD of 2018-03-17

# Packets of June 2018 do not name the nearest Gaia source yet, those of August do.
_GAIA_SINCE = 58300.0  # MJD of 2018-07-01
_CATALOGUE_RADIUS = 30.0  # arcsec within which ZTF looks in PS1
_GAIA_RADIUS = 90.0  # arcsec


def draw_context(
    population: Population,
    kept: NDArray[np.intp],
    latitude: NDArray[np.float64],
    night: float,
    rng: np.random.Generator,
) -> list[dict[str, Any]]:
    """
    Draw the fields that do not change from one detection of an object to the next.

    Parameters
    ----------
    population : Population
    kept : ndarray of int, shape (n,)
        Its objects to describe.
    latitude : ndarray, shape (n,)
        Galactic latitude [deg]: towards the plane chance neighbours are closer.
    night : float
        MJD; decides how often the survey has been there.
    rng : numpy.random.Generator

    Returns
    -------
    list of dict
        One per object: sgscore1-3, distpsnr1-3, srmag1-3 and other bands, magnr, distnr, neargaia, maggaia, ssdistnr,
        ncovhist.
    """
    n = len(kept)
    own_magnitude, own_offset = population.counterpart_mag[kept], population.counterpart_offset[kept]
    own_score = population.star_score[kept]
    crowding = np.clip(np.sqrt(np.sin(np.radians(np.maximum(np.abs(latitude), 4.0)))), 0.25, 1.0)
    # Chance neighbours of PS1, nearest first: rings of equal numbers.
    area = np.cumsum(rng.exponential(1.0, (n, 3)), axis=1)
    distance = 9.0 * crowding[:, None] * np.sqrt(area)
    magnitude = np.clip(21.8 - rng.exponential(1.6, (n, 3)), 12.0, None)
    stellar = rng.uniform(size=(n, 3)) < (0.75 - 0.35 * crowding)[:, None]
    score = np.where(
        stellar, stellar_score(magnitude.ravel(), rng).reshape(n, 3), galaxy_score(magnitude.ravel(), rng).reshape(n, 3)
    )
    listed = own_magnitude < _PS1_LIMIT + rng.normal(0.0, 0.25, n)
    columns = []
    for chance, own in (
        (distance, own_offset),
        (magnitude, own_magnitude + rng.normal(0.0, 0.08, n)),
        (score, own_score),
    ):
        columns.append(np.where(listed[:, None], np.column_stack([own, chance[:, :2]]), chance))
    nearest = np.argsort(columns[0], axis=1)
    distance, magnitude, score = (np.take_along_axis(column, nearest, axis=1) for column in columns)

    in_reference = own_magnitude < _REFERENCE_LIMIT + rng.normal(0.0, 0.3, n)
    distnr = np.where(in_reference, np.hypot(own_offset, rng.normal(0.0, 0.1, n)), distance[:, 1] + 0.5)
    magnr = np.where(in_reference, own_magnitude + rng.normal(0.0, 0.1, n), magnitude[:, 1])
    starlike = rng.uniform(size=n) < own_score**3
    with_gaia = night >= _GAIA_SINCE
    in_gaia = starlike & (own_magnitude < _GAIA_LIMIT)
    neargaia = np.where(in_gaia, own_offset, 15.0 * crowding * np.sqrt(rng.exponential(1.0, n)))
    maggaia = np.where(in_gaia, own_magnitude, np.clip(20.3 - rng.exponential(1.4, n), 9.0, 20.9))
    moving = rng.uniform(size=n) < 0.015
    coverage = max(night - _SURVEY_START, 30.0) * 0.45 * rng.lognormal(0.0, 0.5, n)

    # Alert packets hold single precision: what is written here is what is read back.
    distance, magnitude, score = (_single(column) for column in (distance, magnitude, score))
    distnr, magnr, neargaia, maggaia = (_single(column) for column in (distnr, magnr, neargaia, maggaia))
    contexts: list[dict[str, Any]] = []
    colours = rng.normal(0.5, 0.3, n)
    for k in range(n):
        context: dict[str, Any] = {}
        for j in range(3):
            near = distance[k, j] < _CATALOGUE_RADIUS
            context[f"distpsnr{j + 1}"] = float(distance[k, j]) if near else MISSING
            context[f"sgscore{j + 1}"] = float(score[k, j]) if near else MISSING
            r = float(magnitude[k, j])
            for band, colour in (("g", colours[k]), ("r", 0.0), ("i", -0.4 * colours[k]), ("z", -0.6 * colours[k])):
                context[f"s{band}mag{j + 1}"] = float(np.float32(r + colour)) if near else MISSING
        context |= {
            "distnr": float(distnr[k]),
            "magnr": float(magnr[k]),
            "sigmagnr": 0.015625 if magnr[k] < 19 else 0.078125,
            "neargaia": float(neargaia[k]) if with_gaia and neargaia[k] < _GAIA_RADIUS else MISSING,
            "maggaia": float(maggaia[k]) if with_gaia and neargaia[k] < _GAIA_RADIUS else MISSING,
            "neargaiabright": MISSING,
            "maggaiabright": MISSING,
            "ssdistnr": float(np.float32(rng.uniform(2.0, 29.0))) if moving[k] else MISSING,
            "ssmagnr": float(np.float32(rng.uniform(16.0, 21.0))) if moving[k] else MISSING,
            "ncovhist": int(max(coverage[k], 4)),
        }
        contexts.append(context)
    return contexts


def _single(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to single precision."""
    return values.astype(np.float32).astype(np.float64)
