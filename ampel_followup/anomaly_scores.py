"""What a search for anomalies says of an object: plain Python, for plans and stores."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ampel_followup.records import Record


@dataclass(frozen=True, slots=True)
class AnomalyScores(Record):
    """
    How little an object is like what was trained on, and its turn among tonight's anomalies.

    Parameters
    ----------
    score : float
        Calibrated: of objects like those trained on a share q scores above 1 − q. 0 to 1; NaN where nothing was
        measured.
    p_isolation, p_density, p_disagreement : float
        Share of objects like those trained on that are isolated by fewer random cuts, lie in less dense places of the
        mixture, or divide the trees of the classifier more; 0 to 1, NaN where not known.
    interest : float
        Votes of the trees, 0 to 1: for what was called interesting before and what tonight has more of than the
        training set, against the training set and what was called not interesting. NaN before the whole night is known.
    turn : int
        Place in the order in which anomalies are shown, from 1 on; 0 for none.
    place : int
        Place of the list that is kept for it; 0 for none.
    sentence : str
        In words, for the reasons.
    """

    score: float
    p_isolation: float = math.nan
    p_density: float = math.nan
    p_disagreement: float = math.nan
    interest: float = math.nan
    turn: int = 0
    place: int = 0
    sentence: str = ""
