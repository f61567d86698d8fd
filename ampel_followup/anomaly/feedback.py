r"""
Which anomalies are shown next: verdicts and tonight's objects vote in the leaves of the model's trees.

The trees are those of the model and stay as they are; what is learned is the weight of their leaves, as in active
anomaly detection (Das et al. 2017, arXiv:1708.09441), here in closed form. In a leaf that holds t training objects,
y objects called interesting, z called not interesting, and u of tonight's other objects,

.. math:: v = \frac{w y + \beta r u + \epsilon}{w (y + z) + \beta r u + t + 2 \epsilon}

with r the number of training objects over that of tonight's; the mean of v over trees is the votes V of an object. A
class that was not trained on fills leaves that training left empty, which shows even where each object by itself is
nothing unusual.

Those trees were grown without the class that is looked for, and may not cut where it begins. Once `LEAST_ALIKE` objects
were called interesting, extremely randomised trees (Geurts, Ernst & Wehenkel 2006, Machine Learning 63, 3) are grown to
tell them from what was called not interesting and from a sample of the training set, either side with half the weight.
Their mean probability P counts against that prior of 1/2, where it leaves the votes as they are:

.. math:: \operatorname{logit} J = \operatorname{logit} V + a \ln\frac{P + \delta}{1 - P + \delta}

before that J = V. What was approved adds nothing to what was rejected, and the less to others the more they are like
it. With N the votes without anything that was called interesting, and s the largest share of the trees of the classes
in which an object shares its leaf with one that was called not interesting, 1 for that one itself, the *interest* I is

.. math:: \operatorname{logit} I = \operatorname{logit} J - s \max(0, \operatorname{logit} J - \operatorname{logit} N)

so that whatever else was said, what was called not interesting has I ≤ N, and N is never more than the interest before
any verdict: a verdict adds to its own side alone in the leaves of its object.

The first shown come from several orders in turns. That by interest has the share n/(n + 1) of the places once n objects
were called interesting, and a bit before; the others, which look for what nobody has judged, share the rest:

- by the *surplus* S, which is V of the trees of the classes alone, without what was called interesting: what tonight
  has more of than training, less where something was called not interesting;
- by the *uncertainty* H, the entropy of the mean class probabilities of those trees, as a new class often lies between
  known ones;
- by S (H + η), of what is both;
- by isolation and density, with half the share of each of the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.anomaly.model import MISSING, AnomalyModel, Examined
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

#: So many interesting objects are needed to grow trees that tell them from others.
LEAST_ALIKE = 3

#: a, δ: what those trees count beside the votes, and how little they can be sure.
ALIKE_WEIGHT, ALIKE_FLOOR = 0.3, 0.1

# ε
_SMOOTHING = 0.1

# η
_LEAST_UNCERTAIN = 0.05

# Share of isolation and density among the orders that explore, in units of that of each other.
_STRANGE_SHARE = 0.5

# Trees grown from verdicts: how many, fewest objects in a leaf, and share of the features that a cut is chosen from.
_ALIKE_TREES, _ALIKE_LEAF, _ALIKE_FEATURES = 60, 2, 0.3


@dataclass(frozen=True, eq=False)
class Shown:
    """Interest of n objects, shape (n,), and the rows in the order in which they are shown, the unmeasured last."""

    interest: Array
    order: NDArray[np.intp]


def show(
    model: AnomalyModel,
    tonight: Examined,
    interesting: Examined,
    dull: Examined,
    *,
    rejected: NDArray[np.bool_] | None = None,
    final: bool = False,
) -> Shown:
    """
    Order objects as anomalies to be shown.

    Parameters
    ----------
    model : AnomalyModel
    tonight : Examined
        n objects, judged ones or not.
    interesting, dull : Examined
        What people called interesting, and not interesting.
    rejected : ndarray of bool, shape (n,), optional
        Which of tonight's objects are among the latter, though they may have changed since.
    final : bool
        Show what is interesting, and nothing to explore, once anything was called so.
    """
    found = interest(model, tonight, interesting, dull, rejected)
    known = np.isfinite(tonight.score)
    n_yes = interesting.leaves.shape[1]
    explore = 0.0 if final and n_yes else EXPLORATION / (1.0 + n_yes)
    ways = [(1.0 - explore, found)]
    if explore:
        others = _exploring(model, tonight, dull, known)
        total = sum(share for share, _ in others)
        ways += [(explore * share / total, values) for share, values in others]
    orders = [_order(values, known) for _, values in ways]
    order = in_turns(orders, np.array([share for share, _ in ways])) if len(known) else np.empty(0, dtype=np.intp)
    return Shown(np.where(known, found, np.nan), order[np.argsort(~known[order], kind="stable")])


def interest(
    model: AnomalyModel,
    tonight: Examined,
    interesting: Examined,
    dull: Examined,
    rejected: NDArray[np.bool_] | None = None,
) -> Array:
    """Return the interest I of n objects by the module's formula, shape (n,), 0 to 1; the parameters of `show`."""
    leaves, n_yes, n_no = tonight.leaves, interesting.leaves.shape[1], dull.leaves.shape[1]
    voted = votes(model, leaves, interesting.leaves, dull.leaves)
    if not n_yes or (n_yes < LEAST_ALIKE and not n_no) or not leaves.shape[1]:
        return voted
    log_odds = _logit(voted)
    if n_yes >= LEAST_ALIKE:
        p = alike(model, tonight.normal, interesting.normal, dull.normal)
        log_odds += ALIKE_WEIGHT * np.log((p + ALIKE_FLOOR) / (1.0 - p + ALIKE_FLOOR))
    if n_no:
        without = _logit(votes(model, leaves, leaves[:, :0], dull.leaves))
        share = shared_leaves(model, leaves, dull.leaves)
        if rejected is not None:
            share[rejected] = 1.0
        log_odds -= share * np.maximum(log_odds - without, 0.0)
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)))


def _exploring(
    model: AnomalyModel, tonight: Examined, dull: Examined, known: NDArray[np.bool_]
) -> list[tuple[float, Array]]:
    """Return what looks for what nobody has judged: relative shares, and values of shape (n,), the largest first."""
    leaves = tonight.leaves
    strange = -np.log(np.where(known[:, None], tonight.p[:, :2], 1.0)).sum(axis=1)
    uncertain = model.uncertainty(leaves)
    others = [(_STRANGE_SHARE, strange)]
    if len(model.class_trees):
        others.append((1.0, uncertain))
    if leaves.shape[1] >= LEAST_TONIGHT:
        # Where there is but one class, the isolation trees alone tell of a surplus.
        n_trees = len(model.class_trees) or len(leaves)
        surplus = votes(model, leaves[:n_trees], leaves[:n_trees, :0], dull.leaves[:n_trees])
        others += [(1.0, surplus), (1.0, surplus * (uncertain + _LEAST_UNCERTAIN))]
    return others


def votes(
    model: AnomalyModel, leaves: NDArray[np.int32], interesting: NDArray[np.int32], dull: NDArray[np.int32]
) -> Array:
    """
    Return the votes V of the leaves by the module's formula, shape (n,).

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


def shared_leaves(model: AnomalyModel, leaves: NDArray[np.int32], dull: NDArray[np.int32]) -> Array:
    """
    Return s, the share of the trees of the classes in which an object is in the leaf of the one most like it.

    Parameters
    ----------
    model : AnomalyModel
        Where there is but one class, the isolation trees alone are asked.
    leaves, dull : ndarray of int, shape (T, n), (T, l)
        l is at least 1.

    Returns
    -------
    ndarray, shape (n,)
        0 to 1; 1 for an object that is as one of ``dull``.
    """
    n_trees = len(model.class_trees) or len(leaves)
    shared = np.zeros((leaves.shape[1], dull.shape[1]), dtype=np.int16)
    for mine, theirs in zip(leaves[:n_trees], dull[:n_trees], strict=True):
        shared += mine[:, np.newaxis] == theirs
    return np.asarray(shared.max(axis=1) / n_trees)


def alike(model: AnomalyModel, normal: Array, interesting: Array, dull: Array) -> Array:
    """
    Return the probability that objects are like what was called interesting, shape (n,); needs scikit-learn.

    Interesting ones weigh together as much as all others, one that was called not interesting as much as
    `VERDICT_WEIGHT` training objects.

    Parameters
    ----------
    model : AnomalyModel
        Its sample stands for the training set.
    normal, interesting, dull : ndarray, shape (n, k), (m, k), (l, k)
        Normal scores, NaN = not measured; m is at least 1.
    """
    from sklearn.ensemble import ExtraTreesClassifier

    against = np.concatenate([np.ones(len(model.sample)), np.full(len(dull), VERDICT_WEIGHT)])
    weight = np.concatenate([against, np.full(len(interesting), against.sum() / len(interesting))])
    x = np.concatenate([model.sample, dull, interesting])
    # One fixed seed: the same verdicts teach the same, in AMPEL as on the command line.
    trees = ExtraTreesClassifier(
        _ALIKE_TREES, min_samples_leaf=_ALIKE_LEAF, max_features=_ALIKE_FEATURES, n_jobs=1, random_state=0
    ).fit(_filled(x), np.arange(len(x)) >= len(against), sample_weight=weight)
    return np.asarray(trees.predict_proba(_filled(normal))[:, 1])


def _filled(normal: Array) -> NDArray[np.float32]:
    return np.where(np.isfinite(normal), normal, MISSING).astype(np.float32)


def _order(values: Array, known: NDArray[np.bool_]) -> NDArray[np.intp]:
    return np.argsort(-np.where(known, values, -np.inf), kind="stable")


def _logit(share: Array) -> Array:
    return np.asarray(np.log(share) - np.log1p(-share))
