"""
Ranking strategies: a strategy is a documented function from scores to priorities, the higher the sooner.

The scores may be any object with the named arrays, such as `ampel_followup.gain.GainScores`. Strategies 1 to 5 of
Astudillo et al. (2020, section 5.4) are `random`, `entropy`, `information-gain`, `information-gain-indicator` and
`entropy-indicator`; the sixth, `ideal`, needs spectra that are not taken yet, and so is for evaluation only.

Anyone can add strategies: a distribution that declares ::

    [project.entry-points."ampel_followup.strategies"]
    bright-first = "my_package.my_module:bright_first"

makes the function `bright_first(scores, rng)` (see `Priority`) known as ``bright-first``; the first paragraph of its
docstring describes it. Several strategies share one list as `ampel_followup.quotas` says.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import StrategyError
from ampel_followup.quotas import DEFAULT_QUOTAS, in_turns, parse_quotas

DEFAULT_STRATEGY = "value-of-information"

#: Group of entry points that add strategies.
GROUP = "ampel_followup.strategies"

#: Strategies whose priorities are amounts, which two spectra have twice of.
AMOUNTS = frozenset(
    {"value-of-information", "p-change", "information-gain", "entropy", "uncertainty", "assistant-rank"}
)

#: Name of the strategy that shares the list among others, and of the one that needs the true spectra.
MIXTURE, IDEAL = "mixture", "ideal"


class Scores(Protocol):
    """
    What a strategy may look at: arrays over n objects and C classes, as in `ampel_followup.gain.GainScores`.

    When a night is ranked, there are also `classes`, a tuple of C names, and `in_scope`, `p_real`, `p_galactic`,
    `p_fast` and `assistant_rank`, shape (n,); the last four are NaN without a virtual assistant.
    """

    @property
    def p_t(self) -> NDArray[np.float64]: ...  # noqa: D102
    @property
    def p_ts(self) -> NDArray[np.float64]: ...  # noqa: D102
    @property
    def p_after(self) -> NDArray[np.float64]: ...  # noqa: D102
    @property
    def entropy(self) -> NDArray[np.float64]: ...  # noqa: D102
    @property
    def expected_entropy(self) -> NDArray[np.float64]: ...  # noqa: D102
    @property
    def information_gain(self) -> NDArray[np.float64]: ...  # noqa: D102
    @property
    def indicator(self) -> NDArray[np.bool_]: ...  # noqa: D102
    @property
    def p_change(self) -> NDArray[np.float64]: ...  # noqa: D102
    @property
    def value_of_information(self) -> NDArray[np.float64]: ...  # noqa: D102
    @property
    def uncertainty(self) -> NDArray[np.float64]: ...  # noqa: D102
    @property
    def spectrum_uncertainty(self) -> NDArray[np.float64]: ...  # noqa: D102


#: Takes scores of n objects and a generator (for those that need chance), returns n finite numbers.
Priority = Callable[[Scores, np.random.Generator], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Strategy:
    """
    A named strategy; `priority` maps scores of n objects to n numbers, the highest first.

    One that `needs_assistant` looks at the scores of the virtual assistant, one that `needs_early` at those of an early
    classifier of type Ia supernovae; evaluations have neither.
    """

    name: str
    description: str
    priority: Priority
    needs_assistant: bool = False
    needs_early: bool = False


#: The strategies that come along and need nothing but scores.
STRATEGIES: dict[str, Strategy] = {}


def _strategy(name: str, *, needs_assistant: bool = False, needs_early: bool = False) -> Callable[[Priority], Priority]:
    def register(function: Priority) -> Priority:
        STRATEGIES[name] = Strategy(name, _description(function), function, needs_assistant, needs_early)
        return function

    return register


def _description(function: object) -> str:
    """Return the first paragraph of a docstring, as one line."""
    return " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())


def get_strategy(name: str) -> Strategy:
    """
    Return the strategy of that name.

    Parameters
    ----------
    name : str
        Of a strategy that comes along or that an installed distribution adds; or ``mixture``, alone or with quotas,
        such as ``mixture:value-of-information=0.6,entropy=0.2,random=0.2``.

    Raises
    ------
    StrategyError
        If there is none, or it cannot be used; the message lists the names, or says what is wrong with it.
    """
    if name in STRATEGIES:
        return STRATEGIES[name]
    if name == MIXTURE or name.startswith(f"{MIXTURE}:"):
        return _mixture(name)
    if name == IDEAL:
        raise StrategyError(
            f"strategy {IDEAL!r} needs the true spectra, which nobody has before they are taken; it serves as a "
            f"reference in evaluation only: choose another, such as {DEFAULT_STRATEGY!r}"
        )
    added = [point for point in _added() if point.name == name]
    if len(added) > 1:
        makers = " and ".join(_maker(point) for point in added)
        raise StrategyError(f"strategy {name!r} is added twice, by {makers}; remove one of them")
    if added:
        return _load(added[0])
    names = [*STRATEGIES, MIXTURE, *dict.fromkeys(point.name for point in _added())]
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise StrategyError(f"unknown strategy {name!r}; {hint}there are: {', '.join(names)}")


def list_strategies() -> list[tuple[str, str]]:
    """Return name and description of every strategy; of one that cannot be used, the description says why."""
    listed = [(s.name, s.description) for s in STRATEGIES.values()]
    listed.append((MIXTURE, f"{_description(in_turns)} Quotas by default: {DEFAULT_QUOTAS}."))
    listed.append((IDEAL, f"{_description(ideal)} For evaluation only."))
    for point in _added():
        try:
            listed.append((point.name, get_strategy(point.name).description))
        except StrategyError as error:
            listed.append((point.name, str(error)))
    return listed


def values_of(name: str, priority: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Return what targets are worth that a strategy has ranked, as a schedule adds it up.

    Parameters
    ----------
    name : str
        Of the strategy.
    priority : ndarray, shape (n,)

    Returns
    -------
    ndarray, shape (n,)
        0 or more. Priorities that are amounts (`AMOUNTS`) are taken as they are, negative ones as nothing; of all other
        strategies only the order is known: the first is worth 1, and each one after it 1/n less.
    """
    if name in AMOUNTS:
        return np.maximum(priority, 0.0)
    place = np.argsort(np.argsort(-priority, kind="stable"), kind="stable")
    return 1.0 - place / max(len(priority), 1)


def ideal(entropy_now: NDArray[np.float64], entropy_after: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Rank by the loss of entropy that the true spectrum brings (eq. 3): the paper's reference.

    Parameters
    ----------
    entropy_now : ndarray, shape (n,)
        H_t [nat].
    entropy_after : ndarray, shape (n,)
        H_ts with the spectrum as it was taken [nat].
    """
    return entropy_now - entropy_after


def _added() -> list[EntryPoint]:
    """Return the entry points of strategies; a name that is taken already cannot be given again."""
    taken = {*STRATEGIES, MIXTURE, IDEAL}
    points = [point for point in entry_points(group=GROUP) if point.name not in taken]
    return sorted(points, key=lambda point: (point.name, point.value))


def _maker(point: EntryPoint) -> str:
    distribution = f" of {point.dist.name} {point.dist.version}" if point.dist is not None else ""
    return f"{point.value}{distribution}"


def _load(point: EntryPoint) -> Strategy:
    """Load a strategy of others, and watch over what it returns."""
    where = f"strategy {point.name!r} ({_maker(point)})"
    remedy = "repair or remove that package, or choose another strategy"
    try:
        function = point.load()
    except Exception as error:  # whatever a package of others does when it is imported
        raise StrategyError(f"{where} cannot be loaded: {type(error).__name__}: {error}; {remedy}") from error
    if not callable(function):
        raise StrategyError(f"{where} is no function but {type(function).__name__}; {remedy}")

    def priority(scores: Scores, rng: np.random.Generator) -> NDArray[np.float64]:
        n = len(scores.entropy)
        try:
            values = np.asarray(function(scores, rng), dtype=np.float64)
        except Exception as error:
            raise StrategyError(f"{where} failed: {type(error).__name__}: {error}; {remedy}") from error
        if values.shape != (n,):
            raise StrategyError(f"{where} returned priorities of shape {values.shape} for {n} objects; {remedy}")
        if not np.isfinite(values).all():
            bad = int((~np.isfinite(values)).sum())
            raise StrategyError(f"{where} returned {bad} of {n} priorities that are no finite number; {remedy}")
        return values

    return Strategy(point.name, _description(function), priority)


def _mixture(name: str) -> Strategy:
    """Return the strategy that shares the list among others."""
    quotas = parse_quotas(name.removeprefix(MIXTURE).removeprefix(":") or DEFAULT_QUOTAS)
    if any(part.split(":")[0] == MIXTURE for part in quotas):
        raise StrategyError(f"a mixture cannot be part of a mixture, as in {name!r}; name the parts of the inner one")
    parts = [get_strategy(part) for part in quotas]
    shares = np.array(list(quotas.values()))

    def priority(scores: Scores, rng: np.random.Generator) -> NDArray[np.float64]:
        n = len(scores.entropy)
        orders = [np.argsort(-part.priority(scores, rng), kind="stable") for part in parts]
        places = np.empty(n)
        places[in_turns(orders, shares)] = np.arange(n)
        return np.asarray(1.0 - places / max(n, 1))

    spelled = ",".join(f"{part}={share:g}" for part, share in quotas.items())
    return Strategy(
        f"{MIXTURE}:{spelled}",
        _description(in_turns),
        priority,
        needs_assistant=any(part.needs_assistant for part in parts),
        needs_early=any(part.needs_early for part in parts),
    )


def _indicator_first(indicator: NDArray[np.bool_], score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Put all objects with the indicator before all without, each group in the order of the score."""
    # Scores are at most a few nats and information gain may be slightly negative: 100 keeps the groups apart.
    return np.where(indicator, 100.0, 0.0) + score


@_strategy("value-of-information")
def value_of_information(scores: Scores, rng: np.random.Generator) -> NDArray[np.float64]:
    """Rank by the expected gain in the probability of naming the class right."""
    return scores.value_of_information


@_strategy("p-change")
def p_change(scores: Scores, rng: np.random.Generator) -> NDArray[np.float64]:
    """Rank by the probability that a spectrum changes the class; of equal ones, by value of information."""
    # The share of N spectra comes in steps of 1/N, VOI is at most 1: the last digits decide between equal ones.
    return scores.p_change + 1e-6 * scores.value_of_information


@_strategy("information-gain")
def information_gain(scores: Scores, rng: np.random.Generator) -> NDArray[np.float64]:
    """Rank by the expected loss of entropy (eq. 10 of Astudillo et al. 2020)."""
    return scores.information_gain


@_strategy("information-gain-indicator")
def information_gain_indicator(scores: Scores, rng: np.random.Generator) -> NDArray[np.float64]:
    """Put objects whose class a spectrum will probably change first, then rank by information gain."""
    return _indicator_first(scores.indicator, scores.information_gain)


@_strategy("entropy")
def entropy(scores: Scores, rng: np.random.Generator) -> NDArray[np.float64]:
    """Rank by the entropy of the classification from photometry: the most confused first."""
    return scores.entropy


@_strategy("entropy-indicator")
def entropy_indicator(scores: Scores, rng: np.random.Generator) -> NDArray[np.float64]:
    """Put objects whose class a spectrum will probably change first, then rank by entropy."""
    return _indicator_first(scores.indicator, scores.entropy)


@_strategy("uncertainty")
def uncertainty(scores: Scores, rng: np.random.Generator) -> NDArray[np.float64]:
    """Rank by one minus the probability of the most probable class."""
    return scores.uncertainty


@_strategy("random")
def random(scores: Scores, rng: np.random.Generator) -> NDArray[np.float64]:
    """Leave it to chance, as the baseline: the same for the same night, site and objects."""
    return rng.random(len(scores.entropy))


@_strategy("assistant-rank", needs_assistant=True)
def assistant_rank(scores: Scores, rng: np.random.Generator) -> NDArray[np.float64]:
    """Rank as people would who look for real, extragalactic transients: by the virtual assistant's rank, 0 to 10."""
    rank: NDArray[np.float64] | None = getattr(scores, "assistant_rank", None)
    if rank is None or not np.isfinite(rank).any():
        raise StrategyError(
            "strategy 'assistant-rank' needs the virtual assistant's scores, and there are none; name its bundle with "
            f"--assistant, or choose another strategy, such as {DEFAULT_STRATEGY!r}"
        )
    return np.where(np.isfinite(rank), rank, -1.0)


@_strategy("early-snia", needs_early=True)
def early_snia(scores: Scores, rng: np.random.Generator) -> NDArray[np.float64]:
    """Rank by the probability of a type Ia supernova, by an early classifier."""
    return _told(_early(scores, "early-snia")[0])


@_strategy("learning-boundary", needs_early=True)
def learning_boundary(scores: Scores, rng: np.random.Generator) -> NDArray[np.float64]:
    """Rank by what would teach an early classifier most: what is nearest to its line between Ia and not.

    The query strategy ``boundary`` of `ampel_followup.learning.queries`, in probabilities.
    """
    p, threshold = _early(scores, "learning-boundary")
    return _told(1.0 - np.abs(p - threshold))


@_strategy("learning-uncertainty", needs_early=True)
def learning_uncertainty(scores: Scores, rng: np.random.Generator) -> NDArray[np.float64]:
    """Rank by how unsure an early classifier is: P(Ia) nearest to one half first (Ishida et al. 2019)."""
    return _told(1.0 - np.abs(2.0 * _early(scores, "learning-uncertainty")[0] - 1.0))


def _early(scores: Scores, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return P(Ia) and the threshold of each object."""
    p: NDArray[np.float64] | None = getattr(scores, "p_snia", None)
    threshold: NDArray[np.float64] | None = getattr(scores, "snia_threshold", None)
    if p is None or threshold is None or not np.isfinite(threshold).any():
        raise StrategyError(
            f"strategy {name!r} needs an early classifier, and there is none; name its bundle with --early (`train "
            f"early` makes one), or choose another strategy, such as {DEFAULT_STRATEGY!r}"
        )
    return p, threshold


def _told(priority: NDArray[np.float64]) -> NDArray[np.float64]:
    """Put what has no score last."""
    return np.where(np.isfinite(priority), priority, -1.0)
