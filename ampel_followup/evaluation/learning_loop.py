"""
One active learner on objects with known classes: train, measure, choose, "take spectra", again.

Test objects are never asked about, and nothing is chosen by their labels: the threshold comes from the pool
(`ampel_followup.learning.early_classifier`), whose labels are unknown but for those asked for.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError
from ampel_followup.evaluation.learning_data import LearningData
from ampel_followup.learning.budgets import Telescope, allot, costs_of
from ampel_followup.learning.early_classifier import (
    FEWEST,
    EarlyClassifier,
    EarlyOptions,
    balanced_threshold,
    fit_early,
    threshold_for_purity,
)
from ampel_followup.learning.queries import Candidates, get_query
from ampel_followup.models.classifier import encode

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

Start = Literal["random", "spectroscopic"]
Aim = Literal["efficiency-purity", "purity"]

#: Weight of a false Ia in the figure of merit (Kessler et al. 2010, PASP 122, 1415, eq. 3).
FALSE_WEIGHT = 3.0

#: What is measured after every night, in this order.
MEASURES = (
    "accuracy", "efficiency", "purity", "efficiency_purity", "figure_of_merit", "efficiency_at_purity",
    "purity_at_purity",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LoopOptions:
    """
    How the loop runs.

    Parameters
    ----------
    start : {"random", "spectroscopic"}
        Labels to begin with: `n_start` at random, or the biased sample that the data set brings, all of it.
    n_start : int
        Labels of a random start. If they have fewer than two objects of a class, more are drawn until they do.
    queries : int
        Spectra altogether.
    batch : int
        Spectra of a night, at most.
    n_test : int
        Objects to test on, at most half of all.
    telescopes : tuple of Telescope
        What a night's spectra are taken with; without any, only `batch` limits them.
    purity : float
        Wanted, for ``efficiency_at_purity`` and ``purity_at_purity``.
    aim : {"efficiency-purity", "purity"}
        What the line between Ia and not is drawn for where strategies look at it (``boundary``, ``diverse``): the
        largest product, or the purity wanted. Both are measured whatever it is.
    classifier : EarlyOptions
    """

    start: Start = "random"
    n_start: int = 20
    queries: int = 300
    batch: int = 10
    n_test: int = 2000
    telescopes: tuple[Telescope, ...] = ()
    purity: float = 0.89
    aim: Aim = "efficiency-purity"
    classifier: EarlyOptions = field(default_factory=EarlyOptions)


@dataclass(frozen=True, slots=True)
class LoopResult:
    """
    One run: s nights, the first of them before any query.

    Parameters
    ----------
    spectra : ndarray of int, shape (s,)
        Taken so far, those of the start not counted.
    measures : ndarray, shape (s, 7)
        `MEASURES` on the test objects.
    share_of_ia : ndarray, shape (s,)
        Among all labels so far.
    seconds : ndarray, shape (s,)
        Telescope time so far [s].
    asked : ndarray of int, shape (spectra[-1],)
        Rows of the data, in the order in which they were asked for.
    n_start, n_pool, n_test : int
    wall_time : float
        [s]; no part of the result that has to be the same again.
    """

    spectra: NDArray[np.intp]
    measures: Array
    share_of_ia: Array
    seconds: Array
    asked: Rows
    n_start: int
    n_pool: int
    n_test: int
    wall_time: float


def run_loop(data: LearningData, strategy: str, seed: int, options: LoopOptions) -> LoopResult:
    """
    Run the loop once.

    Parameters
    ----------
    data : LearningData
    strategy : str
        Name of a query strategy.
    seed : int
        Of the division, the start and the forests. Strategies of one seed share test objects and start.
    options : LoopOptions

    Raises
    ------
    FollowupError
        If there is no such strategy, there are too few objects, or the telescopes can take none of them.
    """
    query, began = get_query(strategy), time.perf_counter()
    test, pool, labelled = divide(data, seed, options)
    # Forests are grown from the same seeds under every strategy: before the first query all are the same.
    forests, rng = np.random.default_rng([seed, 2_000]), np.random.default_rng([seed, *strategy.encode()])
    encoded, n_start, n_pool = encode(data.x), len(labelled), len(pool)
    costs = costs_of(options.telescopes, data.mag) if options.telescopes else np.zeros((len(data), 1))
    budgets = [t.seconds for t in options.telescopes] or [np.inf]
    taken, seconds = 0, 0.0
    spectra, measures, share, spent, asked = [], [], [], [], []
    while True:
        classifier = fit_early(data.x[labelled], data.is_ia[labelled], forests, options.classifier)
        votes, leaves = classifier.tree_votes(encoded[pool])
        p = classifier.probability(votes)
        line, pure_line = balanced_threshold(p), threshold_for_purity(p, options.purity)
        spectra.append(taken)
        measures.append(_measure(classifier, encoded, data.is_ia, test, line, pure_line))
        share.append(float(data.is_ia[labelled].mean()))
        spent.append(seconds)
        wanted = min(options.batch, options.queries - taken, len(pool) - 1)
        if wanted <= 0:
            break
        drawn = classifier.calibration.votes_at(pure_line if options.aim == "purity" else line)
        candidates = Candidates(votes, leaves, classifier.leaf_sizes(leaves), drawn, data.mag[pool])
        # Those that no telescope takes are passed by, so more are ordered than are wanted.
        order = query.order(candidates, wanted if not options.telescopes else 10 * wanted, rng)
        allotted = allot(order, costs[pool], budgets, wanted)
        if len(allotted) == 0 and taken == 0:
            names = ", ".join(telescope.name for telescope in options.telescopes)
            raise FollowupError(
                f"{data.name}: no object of the pool is within the limits and the time of {names}; allow fainter "
                "objects, or give more hours"
            )
        if len(allotted) == 0:
            break
        chosen = pool[allotted.objects]
        asked.append(chosen)
        labelled = np.concatenate([labelled, chosen])
        pool = np.delete(pool, allotted.objects)
        taken, seconds = taken + len(chosen), seconds + float(allotted.seconds.sum())
    return LoopResult(
        np.array(spectra), np.array(measures), np.array(share), np.array(spent),
        np.concatenate([*asked, np.empty(0, np.intp)]).astype(np.intp), n_start, n_pool, len(test),
        time.perf_counter() - began,
    )  # fmt: skip


def divide(data: LearningData, seed: int, options: LoopOptions) -> tuple[Rows, Rows, Rows]:
    """
    Divide the objects.

    Returns
    -------
    test, pool, labelled : ndarray of int
        Rows; no two of them share an object.

    Raises
    ------
    FollowupError
        If the data bring no biased sample, or what is left has too few objects.
    """
    rng = np.random.default_rng([seed, 1_000])
    order = rng.permutation(len(data))
    if options.start == "spectroscopic":
        if "spectroscopic" not in data.groups:
            raise FollowupError(f"{data.name} has no spectroscopic sample to start from; use --start random")
        labelled = data.groups["spectroscopic"]
        order = order[~np.isin(order, labelled)]
    n_test = min(options.n_test, len(order) // 2)
    test, pool = order[:n_test], order[n_test:]
    if options.start == "random":
        labelled = pool[: _enough(data.is_ia[pool], options.n_start, data.name)]
        pool = pool[len(labelled) :]
    if len(pool) < 2 or len(test) < 2 or not data.is_ia[test].any():
        raise FollowupError(f"{data.name}: {len(data)} objects are too few for {len(labelled)} labels, pool and test")
    return test, pool, labelled


def _enough(is_ia: NDArray[np.bool_], n: int, name: str) -> int:
    """Return how many of the first objects it takes to have n, and two of each class."""
    both = (np.cumsum(is_ia) >= FEWEST) & (np.cumsum(~is_ia) >= FEWEST)
    if not both.any():
        raise FollowupError(f"{name}: fewer than {FEWEST} objects of a class to start from; give more objects")
    return max(n, int(np.argmax(both)) + 1)


def _measure(
    classifier: EarlyClassifier,
    encoded: NDArray[np.float32],
    is_ia: NDArray[np.bool_],
    test: Rows,
    line: float,
    pure_line: float,
) -> tuple[float, ...]:
    votes, _ = classifier.tree_votes(encoded[test])
    p, truth = classifier.probability(votes), is_ia[test]
    efficiency, purity, merit = found(p >= line, truth)
    pure_efficiency, pure_purity, _ = found(p >= pure_line, truth)
    accuracy = float(((p >= 0.5) == truth).mean())
    return accuracy, efficiency, purity, efficiency * purity, merit, pure_efficiency, pure_purity


def found(called: NDArray[np.bool_], truth: NDArray[np.bool_]) -> tuple[float, float, float]:
    """
    Measure a selection.

    Parameters
    ----------
    called, truth : ndarray of bool, shape (n,)
        What is called Ia, and what is; at least one is.

    Returns
    -------
    efficiency : float
        Part of the Ia that are called so.
    purity : float
        Part of those called Ia that are; 0 if none are called.
    figure_of_merit : float
        Efficiency times N_true / (N_true + 3 N_false) (Kessler et al. 2010).
    """
    true, false = int((called & truth).sum()), int((called & ~truth).sum())
    efficiency = true / int(truth.sum())
    if true + false == 0:
        return 0.0, 0.0, 0.0
    return efficiency, true / (true + false), efficiency * true / (true + FALSE_WEIGHT * false)
