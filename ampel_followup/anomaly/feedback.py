r"""
Which anomalies are shown next: verdicts and tonight's objects vote in the leaves of the model's trees.

The trees are those of the model and stay as they are; what is learned is the weight of their leaves, as in active
anomaly detection (Das et al. 2017, arXiv:1708.09441), here in closed form. In a leaf that holds t training objects,
y objects called interesting, z called not interesting, and u of tonight's other objects,

.. math:: v = \frac{w y + \beta r u + \epsilon}{w (y + z) + \beta r u + t + 2 \epsilon}

with r the number of training objects over that of tonight's; the *interest* of an object is the mean of v over trees. A
class that was not trained on fills leaves that training left empty, which shows even where each object by itself is
nothing unusual.

The first shown come from four orders in turns: by interest, by disagreement, by isolation and density, and by what
tonight has more of than training. The first has the share n/(n + 1) of the places once n objects were called
interesting, and a bit before; the others, which look for what nobody has judged, share the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.anomaly.model import AnomalyModel, Examined
from ampel_followup.quotas import in_turns

Array = NDArray[np.float64]

#: w: training objects that one verdict outweighs.
VERDICT_WEIGHT = 20.0

#: β: what one of tonight's objects counts, in units of a training object.
TONIGHT_WEIGHT = 0.5

#: With fewer objects tonight nothing is concluded from what there are more of.
LEAST_TONIGHT = 100

#: Share of the places that look for what nobody has judged, before anything was called interesting.
EXPLORATION = 0.8

# ε
_SMOOTHING = 0.1


@dataclass(frozen=True, eq=False)
class Shown:
    """Interest of n objects, shape (n,), and the rows in the order in which they are shown, the unmeasured last."""

    interest: Array
    order: NDArray[np.intp]


def show(
    model: AnomalyModel,
    tonight: Examined,
    interesting: NDArray[np.int32],
    dull: NDArray[np.int32],
    *,
    final: bool = False,
) -> Shown:
    """
    Order objects as anomalies to be shown.

    Parameters
    ----------
    model : AnomalyModel
    tonight : Examined
        n objects, judged ones or not.
    interesting, dull : ndarray of int, shape (T, m)
        Leaves, as in `Examined`, of what people called interesting, and not interesting.
    final : bool
        Show what is interesting, and nothing to explore, once anything was called so.
    """
    interest = votes(model, tonight.leaves, interesting, dull)
    surplus = votes(model, tonight.leaves, interesting[:, :0], dull[:, :0])
    known = np.isfinite(tonight.score)
    n_yes = interesting.shape[1]
    strange = -np.log(np.where(known[:, None], tonight.p[:, :2], 1.0)).sum(axis=1)
    others = [np.where(known, tonight.channels[:, 2], -np.inf), strange]
    if tonight.leaves.shape[1] >= LEAST_TONIGHT:
        others.append(surplus)
    explore = 0.0 if final and n_yes else EXPLORATION / (1.0 + n_yes)
    shares = np.array([1.0 - explore, *[explore / len(others)] * len(others)])
    orders = [_order(values, known) for values in (interest, *others)]
    used = [i for i, share in enumerate(shares) if share > 0]
    order = in_turns([orders[i] for i in used], shares[used]) if len(known) else np.empty(0, dtype=np.intp)
    return Shown(np.where(known, interest, np.nan), order[np.argsort(~known[order], kind="stable")])


def votes(
    model: AnomalyModel, leaves: NDArray[np.int32], interesting: NDArray[np.int32], dull: NDArray[np.int32]
) -> Array:
    """
    Return the interest of objects by the module's formula, shape (n,).

    Parameters
    ----------
    model : AnomalyModel
    leaves, interesting, dull : ndarray of int, shape (T, n), (T, m), (T, l)
        An object does not count for itself among tonight's.
    """
    size = int(model.first_leaf[-1])
    n = leaves.shape[1]
    yes = VERDICT_WEIGHT * np.bincount(interesting.ravel(), minlength=size)
    no = VERDICT_WEIGHT * np.bincount(dull.ravel(), minlength=size)
    beta = TONIGHT_WEIGHT * model.n_trained / n if n >= LEAST_TONIGHT else 0.0
    here = beta * np.bincount(leaves.ravel(), minlength=size) - beta
    total = np.zeros(n)
    # Only leaves that an object of tonight is in are asked for: what stands in the others may be below 0.
    for_it = yes + here + _SMOOTHING
    share = for_it / np.maximum(for_it + no + model.trained + _SMOOTHING, 1e-9)
    for of_tree in leaves:
        total += share[of_tree]
    return total / len(leaves)


def _order(values: Array, known: NDArray[np.bool_]) -> NDArray[np.intp]:
    return np.argsort(-np.where(known, values, -np.inf), kind="stable")
