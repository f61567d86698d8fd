"""What a trained classifier with attention calls light curves whose class is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ampel_followup.features.sequence import beginnings
from ampel_followup.learning.attention_curves import LabelledCurves
from ampel_followup.learning.attention_training import FRACTIONS
from ampel_followup.models.attention_bundle import AttentionModel

# Objects that are classified at once.
_CHUNK = 500


def measure_classifier(
    model: AttentionModel, data: LabelledCurves, progress: Callable[[int, int], None] = lambda done, total: None
) -> dict[str, dict[str, Any]]:
    """
    Classify light curves of which only the first points are known.

    Parameters
    ----------
    model : AttentionModel
    data : LabelledCurves
        Classes need not be those of the model.
    progress : callable
        Called with the number of light curves done, at all fractions, and of all.

    Returns
    -------
    dict of class to dict
        ``objects``, and at each of `FRACTIONS` of the points ``recall``, the share that is called by its class (None
        for a class that the model does not know), and ``called``: class to share, the largest first.
    """
    rows, hosts = np.arange(len(data)), data.hosts
    called = np.empty((len(FRACTIONS), len(data)), dtype=np.intp)
    for i, fraction in enumerate(FRACTIONS):
        for begin in range(0, len(data), _CHUNK):
            some = rows[begin : begin + _CHUNK]
            p, _ = model.predict(model.sequences(beginnings(data.of(some), fraction), hosts.select(some)))
            called[i, some] = p.argmax(axis=1)
            progress(i * len(data) + int(some[-1]) + 1, len(FRACTIONS) * len(data))
    found: dict[str, dict[str, Any]] = {}
    for c, name in enumerate(data.class_names):
        of_class = called[:, data.y == c]
        found[name] = {"objects": of_class.shape[1]}
        for fraction, one in zip(FRACTIONS, of_class, strict=True):
            share = np.bincount(one, minlength=len(model.class_names)) / max(len(one), 1)
            named = {model.class_names[k]: round(float(share[k]), 4) for k in np.argsort(-share, kind="stable")}
            found[name][f"{fraction:g}"] = {
                "recall": named.get(name),
                "called": {other: of for other, of in named.items() if of > 0.0},
            }
    return found
