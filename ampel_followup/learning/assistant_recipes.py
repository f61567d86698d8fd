"""What teaches the scores of the virtual assistant, with which weight, and in trees of which shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ampel_followup.learning.assistant_tables import TYPES, AssistantTable, mix_weights
from ampel_followup.models.assistant_bundle import Day

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Recipe:
    """
    What teaches a score.

    Parameters
    ----------
    positive : tuple of str
        Types that answer its question with yes.
    among : tuple of str
        Types that it is trained on.
    calibrated_among : tuple of str
        Types that its probability is about.
    emphasis : mapping of str to float
        Factors of the weight of types in training.
    at_mix : bool
        Whether it is trained with the types in the shares of the stream, or as the table has them.
    monotonic : mapping of str to int
        Columns that can only raise (1) or lower (−1) it.
    """

    positive: tuple[str, ...]
    among: tuple[str, ...]
    calibrated_among: tuple[str, ...]
    emphasis: Mapping[str, float] = field(default_factory=dict)
    at_mix: bool = False
    monotonic: Mapping[str, int] = field(default_factory=dict)


#: What teaches P(real) and P(galactic). Stars of high proper motion are no transients, so they are not real; where they
#: are, the Galaxy, they tell P(galactic) what foreground looks like. P(galactic) is asked of what is real, so artefacts
#: teach it nothing, and do not drown the difference that matters. Galactic transients count for little in P(real): it
#: is to part the good ones from artefacts and stars, which a table with as many galactic ones distracts it from.
RECIPES: Mapping[str, Recipe] = {
    "real": Recipe(
        positive=("good", "galactic", "AGN"),
        among=TYPES,
        calibrated_among=TYPES,
        emphasis={"galactic": 0.03},
        at_mix=True,
        monotonic={"rb_pix": 1, "rb_mean": 1},
    ),
    "galactic": Recipe(
        positive=("galactic", "pm"),
        among=("good", "galactic", "pm", "AGN"),
        calibrated_among=("good", "galactic", "AGN"),
        emphasis={"pm": 0.3},
    ),
}


#: What teaches P(fast): the labels that say so, of any type.
FAST = Recipe(positive=(), among=TYPES, calibrated_among=TYPES)


@dataclass(frozen=True)
class BoostingOptions:
    """
    Shape of the trees.

    Parameters
    ----------
    trees, depth, learning_rate, min_leaf
        How many, how deep, how much each counts, and rows in a leaf at least.
    bags : int
        So many ensembles are averaged, each of objects drawn with replacement; 1: a single one, of all objects.
    columns : float
        Share of the features that each split may choose from, above 0 to 1.
    """

    trees: int = 100
    depth: int = 3
    learning_rate: float = 0.06
    min_leaf: int = 8
    bags: int = 1
    columns: float = 1.0


#: By day. With many visits of few objects, an ensemble depends on which objects they are: day N averages over draws of
#: them, which cross-validation favours, most of all without `also`. Day 1 gained nothing by it.
OPTIONS: Mapping[Day, BoostingOptions] = {"1": BoostingOptions(), "N": BoostingOptions(bags=6, columns=0.4)}


def answers(name: str, table: AssistantTable) -> NDArray[np.bool_]:
    """Return whether labels answer the question of a score with yes, shape (n,)."""
    return np.asarray(table.fast == 1 if name == "fast" else np.isin(table.types, RECIPES[name].positive))


def row_weights(recipe: Recipe, table: AssistantTable) -> Array:
    """
    Weigh the rows for training a score.

    The rows of an object share its weight, so that one that was visited often does not count for many.

    Returns
    -------
    ndarray, shape (n,)
        1 on average over objects, and 0 for rows that are not trained on.
    """
    objects = table.objects
    counts = 1.0 / np.bincount(objects)[objects]
    known = np.isfinite(table.fast) if recipe is FAST else np.isin(table.types, recipe.among)
    counts[~known] = 0.0
    weight = mix_weights(table.types, counts)[0] if recipe.at_mix else counts / counts.sum()
    for name, factor in recipe.emphasis.items():
        weight[table.types == name] *= factor
    return weight * len(np.unique(objects[known]))
