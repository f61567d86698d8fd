"""The models behind the scores of a spectrum: a pair of classifiers and a conditional mixture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ampel_followup.gain import GainScores, gain_scores
from ampel_followup.models.mixture import ConditionalMixture, quasi_random_points
from ampel_followup.models.scaling import QuantileScaling

Array = NDArray[np.float64]

#: Possible spectra drawn per object.
N_SPECTRA = 32

#: Spectra scored at once: bounds the memory of objects × spectra × features.
_CHUNK = 102_400


class Classifier(Protocol):
    """A probabilistic classifier of n objects over C classes."""

    def predict_proba(self, x: Array) -> Array:
        """Return class probabilities, shape (n, C), of features, shape (n, k), NaN = not measured."""


@runtime_checkable
class JointClassifier(Classifier, Protocol):
    """One that is faster where many possible spectra share the photometric features of an object."""

    def predict_joint(self, x_t: Array, x_s: Array) -> Array:
        """Return class probabilities, shape (n, N, C), of x_t, shape (n, k), with x_s, shape (n, N, d)."""


@dataclass(frozen=True)
class GainModel:
    """
    P_t, P_ts and Q(x_s|x_t) of Astudillo et al. (2020), ready to score.

    Parameters
    ----------
    p_t : Classifier
        Sees the k photometric features.
    p_ts : Classifier
        Sees them and the spectral features, in this order.
    mixture : ConditionalMixture
        Joint density of the scaled `columns` and the spectral features.
    scaling : QuantileScaling
        From the photometric features in `columns` to normal scores.
    columns : ndarray of int, shape (n_t,)
        Photometric features that the mixture knows.
    n_spectra : int
        Possible spectra drawn per object; powers of two fill their space evenly.
    classifier_weight : float
        Weight of P_t, 0 to 1, against the mixture's own opinion of the class when the spectra are drawn: 0 is the
        paper's conditional.
    """

    p_t: Classifier
    p_ts: Classifier
    mixture: ConditionalMixture
    scaling: QuantileScaling
    columns: NDArray[np.intp]
    n_spectra: int = N_SPECTRA
    classifier_weight: float = 1.0

    def score(self, x_t: Array, points: Array | None = None) -> GainScores:
        """
        Score objects by what a spectrum of each would tell.

        Parameters
        ----------
        x_t : ndarray, shape (n, k)
            Photometric features; NaN = not measured.
        points : ndarray, shape (N, 1 + n_s), optional
            Points of the unit cube that the spectra are drawn with; by default quasi-random ones, always the same.

        Returns
        -------
        GainScores
            Of n objects. An object's scores do not depend on the others.
        """
        if points is None:
            points = quasi_random_points(self.n_spectra, self.mixture.n_s)
        scaled = self.scaled(x_t)
        parts = []
        n_objects = max(1, _CHUNK // len(points))
        for begin in range(0, len(x_t), n_objects):
            rows = slice(begin, begin + n_objects)
            p_t = self.p_t.predict_proba(x_t[rows])
            spectra = self.mixture.sample(scaled[rows], points, self._class_weights(scaled[rows], p_t))
            parts.append(gain_scores(p_t, self._after(x_t[rows], spectra), spectra))
        return GainScores.concatenate(parts)

    def _after(self, x_t: Array, spectra: Array) -> Array:
        """Class probabilities with each spectrum (n, N, n_s), shape (n, N, C)."""
        if isinstance(self.p_ts, JointClassifier):
            return self.p_ts.predict_joint(x_t, spectra)
        n, n_spectra, n_s = spectra.shape
        # Trees answer rows that resemble the one before faster: the processor foresees the way that they go.
        order = np.argsort(spectra[:, :, 0], axis=1, kind="stable")[:, :, None]
        ordered = np.take_along_axis(spectra, order, axis=1)
        joint = np.concatenate([np.repeat(x_t, n_spectra, axis=0), ordered.reshape(-1, n_s)], axis=1)
        found = self.p_ts.predict_proba(joint).reshape(n, n_spectra, -1)
        p = np.empty_like(found)
        np.put_along_axis(p, order, found, axis=1)
        return p

    def _class_weights(self, scaled: Array, p_t: Array) -> Array | None:
        """Weights of the classes in the mixture, shape (n, C); None where it weights its components by itself."""
        w = self.classifier_weight
        if w <= 0.0:
            return None
        return p_t if w >= 1.0 else w * p_t + (1.0 - w) * self.mixture.class_probabilities(scaled, p_t.shape[1])

    def scaled(self, x_t: Array) -> Array:
        """Return the mixture's features of x_t (n, k) as normal scores, shape (n, n_t)."""
        return self.scaling.transform(x_t[:, self.columns])
