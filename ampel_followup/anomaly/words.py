"""Why an object is called an anomaly, in plain words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ampel_followup.anomaly.model import AnomalyModel, Examined

Array = NDArray[np.float64]

#: Evidence is named if no more than this share of objects like those trained on shows as much of it.
TELLING = 0.1

# Features that are named at most.
_NAMED = 3

_EVIDENCE = ("few cuts isolate it", "it lies where the training set is sparse", "the trees of the classifier disagree")


def sentences(model: AnomalyModel, x: Array, examined: Examined) -> list[str]:
    """
    Say of n objects what makes them anomalous; empty where nothing was measured.

    Parameters
    ----------
    model : AnomalyModel
    x : ndarray, shape (n, k)
        Features as measured; NaN = not.
    examined : Examined
    """
    low, high = model.usual
    with np.errstate(invalid="ignore"):
        outside = (x < low) | (x > high)
    far = np.where(outside, np.abs(examined.normal), -1.0)
    first = np.argsort(-far, axis=1, kind="stable")[:, :_NAMED]
    texts = []
    for i, score in enumerate(examined.score.tolist()):
        if not np.isfinite(score):
            texts.append("")
            continue
        evidence = [text for text, p in zip(_EVIDENCE, examined.p[i].tolist(), strict=True) if p <= TELLING]
        named = [
            f"{model.features[j]} {x[i, j]:.4g} (98 % of the training set: {low[j]:.4g} to {high[j]:.4g})"
            for j in first[i].tolist()
            if outside[i, j]
        ]
        parts = [*evidence, *(["unusual: " + ", ".join(named)] if named else [])]
        shown = min(score, 0.999)
        texts.append(f"Like nothing trained on: {shown:.3f}" + (f"; {'; '.join(parts)}" if parts else "") + ".")
    return texts
