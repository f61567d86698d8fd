"""
How good the assistant is on objects that people have named: order, probabilities, and what a policy makes of them.

The metrics are in `ampel_followup.evaluation.assistant_metrics`, the policy in `assistant_policy`; docs/assistant.md
defines each number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import TrainingError
from ampel_followup.evaluation.assistant_metrics import (
    SHARES,
    aurak,
    bootstrap_counts,
    interval,
    recall_at,
    reliability,
)
from ampel_followup.evaluation.assistant_policy import (
    FATES,
    assistant_ranks,
    fates_by_type,
    replay_visits,
    trade_off,
    workload,
)
from ampel_followup.learning.assistant_recipes import RECIPES
from ampel_followup.learning.assistant_tables import TYPES, AssistantTable, mix_weights

if TYPE_CHECKING:
    from ampel_followup.models.assistant_bundle import AssistantBundle
    from ampel_followup.policy import Policy

Array = NDArray[np.float64]
Mix = Literal["stream", "as-given"]


@dataclass(frozen=True)
class ScoredTable:
    """
    Visits with the probabilities that a bundle gives them.

    Parameters
    ----------
    table : AssistantTable
        n rows.
    probabilities : mapping of str to ndarray, shape (n,)
        By score; P(galactic) and P(fast) may be absent.
    seen : ndarray of bool, shape (n,)
        The bundle was trained on the object; then its probabilities are of models that were not.
    galactic_weight : float
        s of the rank.
    """

    table: AssistantTable
    probabilities: Mapping[str, Array]
    seen: NDArray[np.bool_]
    galactic_weight: float = 0.5

    @property
    def p_real(self) -> Array:
        """Shape (n,)."""
        return self.probabilities["real"]

    @property
    def p_galactic(self) -> Array:
        """Shape (n,); NaN without such a model."""
        return self.probabilities.get("galactic", np.full(len(self.table), math.nan))

    @property
    def rank(self) -> Array:
        """0 to 10, shape (n,)."""
        return assistant_ranks(self.p_real, self.p_galactic, self.galactic_weight)


def score_table(bundle: AssistantBundle, table: AssistantTable) -> ScoredTable:
    """
    Score a table with a bundle; objects that it was trained on by models that have not seen them.

    Raises
    ------
    BundleError
        If the bundle has no models of that day, or the table lacks a column that they ask for.
    """
    probabilities, seen = bundle.out_of_fold(table.day, table.names, table.values, table.ids)
    return ScoredTable(table, probabilities, seen, bundle.galactic_weight)


def evaluate_assistant(
    scored: ScoredTable,
    policy: Policy,
    *,
    entry: ScoredTable | None = None,
    mix: Mix = "stream",
    draws: int = 1000,
    seed: int = 1,
) -> dict[str, Any]:
    """
    Measure a scored table.

    Parameters
    ----------
    scored : ScoredTable
        With one good object and one other at least.
    policy : Policy
    entry : ScoredTable, optional
        The same objects on day 1; without it the first visit of the table is the entry.
    mix : {"stream", "as-given"}
        What rows are weighted to.
    draws : int
        Of the bootstrap over objects.
    seed : int

    Returns
    -------
    dict
        Ready for JSON; docs/assistant.md lists the keys.

    Raises
    ------
    TrainingError
        If there are no good objects, or no others.
    """
    table = scored.table
    good = table.types == "good"
    if good.all() or not good.any():
        raise TrainingError(f"{'all' if good.any() else 'none'} of {len(table)} rows are good; there must be both")
    weight, absent = _weights(table.types, np.ones(len(table)), mix)
    result: dict[str, Any] = {
        "day": table.day,
        "rows": len(table),
        "objects": int(table.objects.max()) + 1,
        "rows_by_type": {name: int((table.types == name).sum()) for name in TYPES},
        "mix": mix,
        "absent_types": list(absent),
        "share_good": float(weight[good].sum()),
        "out_of_fold": {"rows": int(scored.seen.sum()), "new": int((~scored.seen).sum())},
        "notes": list(table.notes),
        "seed": seed,
        "draws": draws,
    }
    result |= _order(scored, good, weight, mix, draws, np.random.default_rng(seed))
    result["calibration"] = _calibration(scored, mix)
    return result | _under(policy, scored, entry, mix)


def _weights(types: NDArray[np.str_], counts: Array, mix: Mix) -> tuple[Array, tuple[str, ...]]:
    return mix_weights(types, counts) if mix == "stream" else (counts / counts.sum(), ())


def _order(
    scored: ScoredTable, good: NDArray[np.bool_], weight: Array, mix: Mix, draws: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Compare the order by rank with that by real/bogus score and with a perfect one."""
    table, shares = scored.table, np.array(SHARES)
    orders = {"aurak": scored.rank, "aurak_rb": table.column("rb_pix"), "aurak_perfect": good.astype(np.float64)}
    if not np.isfinite(orders["aurak_rb"]).any():
        del orders["aurak_rb"]
    drawn = bootstrap_counts(table.objects, table.types, draws, rng)
    weights = [_weights(table.types, count.astype(np.float64), mix)[0] for count in drawn]
    areas = {key: np.array([aurak(order, good, w) for w in weights]) for key, order in orders.items()}
    recalls = np.array([recall_at(shares, scored.rank, good, w) for w in weights])
    measured = {key: aurak(order, good, weight) for key, order in orders.items()}
    intervals = {key: interval(area) for key, area in areas.items()}
    if "aurak_rb" in areas:
        intervals["aurak_gain"] = interval(areas["aurak"] - areas["aurak_rb"])
    return {
        "aurak": measured["aurak"],
        "aurak_rb": measured.get("aurak_rb"),
        "aurak_perfect": measured["aurak_perfect"],
        "aurak_gain": measured["aurak"] - measured["aurak_rb"] if "aurak_rb" in measured else None,
        "aurak_as_given": aurak(scored.rank, good, np.ones(len(table))),
        "intervals": intervals,
        "recall_at_k": [
            {"share": float(share), "recall": float(recall), "interval": interval(recalls[:, k])}
            for k, (share, recall) in enumerate(zip(shares, recall_at(shares, scored.rank, good, weight), strict=True))
        ],
    }


def _calibration(scored: ScoredTable, mix: Mix) -> dict[str, Any]:
    """Compare each probability with the types it is about: P(galactic) is asked of what is real."""
    table, result = scored.table, dict[str, Any]()
    counts = 1.0 / np.bincount(table.objects)[table.objects]
    for name, p in scored.probabilities.items():
        if name == "fast":
            rows, truth = np.isfinite(table.fast), table.fast == 1
        else:
            rows = np.isin(table.types, RECIPES[name].calibrated_among)
            truth = np.isin(table.types, RECIPES[name].positive)
        if rows.any():
            weight, _ = _weights(table.types[rows], counts[rows], mix)
            result[name] = reliability(p[rows], truth[rows], weight)
    return result


def _under(policy: Policy, scored: ScoredTable, entry: ScoredTable | None, mix: Mix) -> dict[str, Any]:
    """Replay the policy over the visits of each object."""
    table = scored.table
    ids, day, p_real, p_galactic = table.ids, table.column("dayN"), scored.p_real, scored.p_galactic
    if table.day == "1":
        day = np.zeros(len(table))
    elif entry is not None:
        known = set(ids)
        rows = np.array([name in known for name in entry.table.ids])
        without = known - set(entry.table.ids)
        if without:
            raise TrainingError(
                f"{len(without)} objects have no entry visit, {min(without)} for one; give the day-1 rows of all"
            )
        ids = (*ids, *(name for name in entry.table.ids if name in known))
        # Before all others, also those of the same day.
        day = np.append(day, np.full(rows.sum(), -np.inf))
        p_real, p_galactic = np.append(p_real, entry.p_real[rows]), np.append(p_galactic, entry.p_galactic[rows])
    number = {name: i for i, name in enumerate(dict.fromkeys(ids))}
    objects = np.array([number[name] for name in ids])
    _, first = np.unique(table.objects, return_index=True)
    types = table.types[first]
    weight, _ = _weights(types, np.ones(len(types)), mix)
    fates = replay_visits(objects, day, p_real, p_galactic, policy)
    shown = {name: float(weight[fates.first == i].sum()) for i, name in enumerate(FATES)}
    return workload(fates, types, weight) | {
        "policy": policy.label,
        "entry": entry is not None or table.day == "1",
        "first_shares": shown,
        "confusion": fates_by_type(fates, types, TYPES),
        "trade_off": trade_off(objects, day, p_real, p_galactic, types, weight, policy),
    }
