"""
Features that follow from other columns, so that a table that has those need not have them.

A model asks for them by name. They are computed where its table lacks them; a column of that name goes first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import BundleError
from ampel_followup.features.context import galactic_latitude

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DerivedFeature:
    """
    One column as a function of others.

    Parameters
    ----------
    name : str
    unit : str
        ``""`` for a pure number.
    description : str
    needs : tuple of str
        Columns that `compute` takes, in order.
    compute : callable
        From arrays of shape (n,) to one; NaN where one of them is.
    """

    name: str
    unit: str
    description: str
    needs: tuple[str, ...]
    compute: Callable[..., Array]


def _abs_galactic_latitude(ra: Array, dec: Array) -> Array:
    return np.abs(galactic_latitude(ra, dec))


def _log10_position_scatter(log10_std_ra: Array, log10_std_dec: Array, dec: Array) -> Array:
    with np.errstate(divide="ignore"):  # no scatter at all, as of positions that are written down rounded
        scatter = np.log10(np.hypot(10.0**log10_std_ra * np.cos(np.radians(dec)), 10.0**log10_std_dec))
    return np.asarray(scatter)


#: All derived features by name.
DERIVED: dict[str, DerivedFeature] = {
    feature.name: feature
    for feature in (
        DerivedFeature(
            "abs_galactic_latitude", "deg", "|b|: small where stars abound", ("ra", "dec"), _abs_galactic_latitude
        ),
        DerivedFeature(
            "log10_position_scatter_min5d",
            "log10(deg)",
            "scatter of the positions on the sky, of right ascension (times cos δ) and declination together",
            ("log10_std_ra_min5d", "log10_std_dec_min5d", "dec"),
            _log10_position_scatter,
        ),
    )
}


def needed_columns(features: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that a table must have for these features: themselves, or what they are derived from."""
    needed = (column for name in features for column in (DERIVED[name].needs if name in DERIVED else (name,)))
    return tuple(dict.fromkeys(needed))


def select_columns(names: Sequence[str], values: Array, features: Sequence[str]) -> Array:
    """
    Take features out of a table, and derive those that it lacks.

    Parameters
    ----------
    names : sequence of str
        Columns of the table.
    values : ndarray, shape (n, len(names))
        NaN = not measured.
    features : sequence of str
        Those wanted, k in number.

    Returns
    -------
    ndarray, shape (n, k)

    Raises
    ------
    BundleError
        If the table lacks some of them.
    """
    where = _places(tuple(names))
    columns, missing = [], []
    for name in features:
        if name in where:
            columns.append(values[:, where[name]])
        elif name in DERIVED and all(need in where for need in DERIVED[name].needs):
            columns.append(DERIVED[name].compute(*(values[:, where[need]] for need in DERIVED[name].needs)))
        else:
            missing.append(name)
    if missing:
        raise BundleError(
            f"the table lacks {', '.join(missing)}, which the model asks for; "
            "add the columns (empty where not measured), or take a model that was trained without them"
        )
    return np.stack(columns, axis=1) if columns else np.empty((len(values), 0))


@lru_cache(maxsize=8)
def _places(names: tuple[str, ...]) -> dict[str, int]:
    """Return the place of each column: for objects one by one, it is asked again and again for the same names."""
    return {name: j for j, name in enumerate(names)}
