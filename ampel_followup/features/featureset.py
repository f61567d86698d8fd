"""What a feature set is: documented, versioned columns that are computed for many objects at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ampel_followup.lightcurve import LightCurve


@dataclass(frozen=True, slots=True)
class Feature:
    """
    One column of a feature set, as its users have to know it.

    Parameters
    ----------
    name : str
        Unique among all feature sets.
    unit : str
        ``""`` for a pure number.
    description : str
        What it is, with its sign convention.
    depends_on : str
        What of the light curve it is made from.
    minimum : int
        Detections needed; with fewer it is NaN. 0 = always known.
    source : str
        Where it comes from.
    """

    name: str
    unit: str
    description: str
    depends_on: str
    minimum: int
    source: str


@dataclass(frozen=True)
class FeatureSet:
    """
    Features that are computed together.

    Parameters
    ----------
    name, version : str
        A model remembers both; the version changes whenever a value does.
    features : tuple of Feature
        The columns, in order.
    columns : callable
        Takes n light curves and returns an array of shape (n,) for each feature, by name.
    """

    name: str
    version: str
    features: tuple[Feature, ...]
    columns: Callable[[Sequence[LightCurve]], Mapping[str, NDArray[np.float64]]]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the features, in the order of the columns."""
        return tuple(feature.name for feature in self.features)

    def compute(self, light_curves: Sequence[LightCurve]) -> NDArray[np.float64]:
        """
        Compute all features.

        Parameters
        ----------
        light_curves : sequence of LightCurve
            n objects.

        Returns
        -------
        ndarray, shape (n, k)
            NaN where a feature cannot be measured, never infinite. A row depends on its own light curve alone: it is
            the same to the last bit in any batch.
        """
        if len(light_curves) == 0:
            return np.full((0, len(self.features)), np.nan)
        with np.errstate(all="ignore"):  # values beyond all bounds overflow and end as NaN
            columns = self.columns(light_curves)
        return table(self.names, columns)


def table(names: Sequence[str], columns: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """
    Put columns of length n beside each other.

    Returns
    -------
    ndarray, shape (n, k)
        In the order of `names`; NaN where a value is not finite.
    """
    values = np.array([columns[name] for name in names]).T.copy()
    values[~np.isfinite(values)] = np.nan
    return values


def markdown_table(feature_set: FeatureSet) -> str:
    """
    Describe a feature set for the manual.

    Returns
    -------
    str
        A heading and a table with one row per feature.
    """
    rows = [
        f"## `{feature_set.name}`, version {feature_set.version}",
        "",
        "| feature | unit | what it is | depends on | detections | source |",
        "|---|---|---|---|---|---|",
    ]
    for f in feature_set.features:
        cells = (f"`{f.name}`", f.unit or "–", f.description, f.depends_on, str(f.minimum), f.source)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"
