r"""
From the votes of a forest for one of two classes to the probability of it, with few labels.

The share of trees that vote for a class is no probability: forests are timid, and those trained on few labels most of
all. The votes of the trees that have not seen an object (out of bag), and its label, give the map

.. math:: p = \operatorname{logistic}(a + b \operatorname{logit} v), \qquad a \sim N(0, 1), \quad b \sim N(1, 1)

(Platt 1999, with a prior since labels are few).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Votes are kept clear of 0 and 1 by half a vote of a hundred trees.
_FLOOR = 0.005

# Precision of the prior of a and b, and Newton steps.
_PRECISION, _STEPS = 1.0, 25


@dataclass(frozen=True, slots=True)
class VoteCalibration:
    """
    The map from votes to probabilities.

    Parameters
    ----------
    offset, slope : float
        a and b; the slope is positive, so that the order of objects stays.
    """

    offset: float = 0.0
    slope: float = 1.0

    def __call__(self, votes: Array) -> Array:
        """Return the probabilities of votes, shape as given, 0 to 1 both."""
        return np.asarray(1.0 / (1.0 + np.exp(-(self.offset + self.slope * _logit(votes)))))

    def votes_at(self, probability: float) -> float:
        """Return the share of votes that has this probability."""
        z = (float(_logit(np.array([probability]))[0]) - self.offset) / self.slope
        return float(1.0 / (1.0 + np.exp(-z)))

    @classmethod
    def fit(cls, votes: Array, y: NDArray[np.bool_]) -> VoteCalibration:
        """Take the most probable a and b, given labels y (n,) and votes (n,) of trees that have not seen them."""
        design = np.column_stack([np.ones(len(votes)), _logit(votes)])
        prior, θ = np.array([0.0, 1.0]), np.array([0.0, 1.0])
        for _ in range(_STEPS):
            p = 1.0 / (1.0 + np.exp(-design @ θ))
            gradient = design.T @ (y - p) - _PRECISION * (θ - prior)
            curvature = (design * (p * (1.0 - p))[:, None]).T @ design + _PRECISION * np.eye(2)
            θ = θ + np.clip(np.linalg.solve(curvature, gradient), -1.0, 1.0)
        return cls(float(θ[0]), max(float(θ[1]), 0.05))


def _logit(votes: Array) -> Array:
    clipped = np.clip(votes, _FLOOR, 1.0 - _FLOOR)
    return np.asarray(np.log(clipped / (1.0 - clipped)))
