"""
Ranking strategies: a strategy is a documented function from scores to priorities, the higher the sooner.

The scores may be any object with the named arrays, such as `ampel_followup.gain.GainScores`. Strategies 1 to 5 of
Astudillo et al. (2020, section 5.4) are `random`, `entropy`, `information-gain`, `information-gain-indicator` and
`entropy-indicator`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import StrategyError

DEFAULT_STRATEGY = "value-of-information"


class Scores(Protocol):
    """What a strategy may look at: arrays of shape (n,), as in `ampel_followup.gain.GainScores`."""

    @property
    def entropy(self) -> NDArray[np.float64]: ...  # noqa: D102
    @property
    def information_gain(self) -> NDArray[np.float64]: ...  # noqa: D102
    @property
    def indicator(self) -> NDArray[np.bool_]: ...  # noqa: D102
    @property
    def value_of_information(self) -> NDArray[np.float64]: ...  # noqa: D102
    @property
    def uncertainty(self) -> NDArray[np.float64]: ...  # noqa: D102


Priority = Callable[[Scores, np.random.Generator], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Strategy:
    """A named strategy; `priority` maps scores of n objects to n numbers, the highest first."""

    name: str
    description: str
    priority: Priority


STRATEGIES: dict[str, Strategy] = {}


def _strategy(name: str) -> Callable[[Priority], Priority]:
    def register(function: Priority) -> Priority:
        description = " ".join((function.__doc__ or "").split())
        STRATEGIES[name] = Strategy(name, description, function)
        return function

    return register


def get_strategy(name: str) -> Strategy:
    """
    Return the strategy of that name.

    Raises
    ------
    StrategyError
        If there is none; the message lists the names.
    """
    try:
        return STRATEGIES[name]
    except KeyError:
        close = difflib.get_close_matches(name, STRATEGIES, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise StrategyError(f"unknown strategy {name!r}; {hint}there are: {', '.join(STRATEGIES)}") from None


def _indicator_first(indicator: NDArray[np.bool_], score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Put all objects with the indicator before all without, each group in the order of the score."""
    # Scores are at most a few nats and information gain may be slightly negative: 100 keeps the groups apart.
    return np.where(indicator, 100.0, 0.0) + score


@_strategy("value-of-information")
def value_of_information(scores: Scores, rng: np.random.Generator) -> NDArray[np.float64]:
    """Rank by the expected gain in the probability of naming the class right."""
    return scores.value_of_information


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
