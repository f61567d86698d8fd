"""What a network with attention is like: read by what trains it and by what runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ampel_followup.errors import TrainingError
from ampel_followup.features.hand_made import HAND_MADE, WITH_HOST
from ampel_followup.features.sequence import EPOCH_CHANNELS, GRID_CHANNELS, GRID_STEPS, MAX_EPOCHS

NetworkKind = Literal[
    "gru", "attention-gru", "time-attention", "feature-attention", "pooled-attention", "pooled-attention-host"
]

KINDS: tuple[NetworkKind, ...] = get_args(NetworkKind)


@dataclass(frozen=True, slots=True)
class NetworkOptions:
    """
    What a network is like.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    steps : int, optional
        T: steps of the grid, by default `GRID_STEPS`; of the others epochs at most, by default `MAX_EPOCHS`.
    units : int
        Of each GRU layer; the poster's 100. Of the others the width, and half that of the layers above features.
    attention_units : int
        d_a.
    rows : int
        r: parts of the sequence that attention may pick out.
    dropout : float
        0 to less than 1.
    heads, blocks : int
        Of those that see epochs.
    """

    kind: NetworkKind = "time-attention"
    steps: int = 0
    units: int = 64
    attention_units: int = 50
    rows: int = 4
    dropout: float = 0.2
    heads: int = 4
    blocks: int = 2

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise TrainingError(f"no network {self.kind!r}; there are {', '.join(KINDS)}")
        if self.steps == 0:
            object.__setattr__(self, "steps", GRID_STEPS if self.on_grid else MAX_EPOCHS)
        for name in ("units", "attention_units", "rows", "heads", "blocks"):
            if getattr(self, name) < 1:
                raise TrainingError(f"{name} = {getattr(self, name)} of the network; give a whole number from 1")
        if self.steps < 2:
            raise TrainingError(f"steps = {self.steps} of the network; give a whole number from 2")
        if not 0.0 <= self.dropout < 1.0:
            raise TrainingError(f"dropout = {self.dropout} of the network; give 0 to less than 1")
        if self.units % self.heads:
            raise TrainingError(f"a width of {self.units} cannot be shared by {self.heads} heads; give a multiple")

    @property
    def on_grid(self) -> bool:
        """It sees a grid of times; else epochs and a mask."""
        return self.kind in ("gru", "attention-gru")

    @property
    def sees_features(self) -> bool:
        """It sees hand-made features (`ampel_followup.features.hand_made`) beside epochs."""
        return self.kind in ("feature-attention", "pooled-attention", "pooled-attention-host")

    @property
    def has_trees(self) -> bool:
        """Boosted trees over the features add to its logits."""
        return self.kind in ("pooled-attention", "pooled-attention-host")

    @property
    def sees_host(self) -> bool:
        """It is told the photometric redshift of the host, where there is one."""
        return self.kind == "pooled-attention-host"

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the hand-made features that it sees."""
        if not self.sees_features:
            return ()
        return WITH_HOST if self.sees_host else HAND_MADE

    @property
    def feature_channels(self) -> int:
        """Numbers for the features: each of them, and whether it cannot be measured."""
        return 2 * len(self.features)

    @property
    def channels(self) -> int:
        """c, of each step."""
        return GRID_CHANNELS if self.on_grid else EPOCH_CHANNELS
