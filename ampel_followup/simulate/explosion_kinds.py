"""What the simulation has to know of a kind of explosion before it draws one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.simulate.explosions import Explosion


@dataclass(frozen=True, slots=True)
class ExplosionKind:
    """
    One subtype of explosion.

    Parameters
    ----------
    label, subtype : str
        Class, and the finer name that goes into the truth table.
    share : float
        Of its class, in a magnitude-limited sample.
    band : str
        Of the absolute magnitude, rest frame.
    magnitude, scatter : float
        Mean and standard deviation of the absolute AB magnitude per volume, before dust [mag].
    build : callable
        (absolute magnitude (n,), generator) → `Explosion`.
    dust : float
        Mean of the exponential distribution of the host's E(B−V) [mag].
    visible : float
        Observer-frame days within which such an object is detected at all.
    host_magnitude, host_scatter : float
        Absolute r magnitude of the hosts [mag].
    host_offset : float
        Scale of the projected distance from the centre of the host [kpc]; 0 for nuclear events.
    starforming : float
        Share of blue hosts with emission lines.
    """

    label: str
    subtype: str
    share: float
    band: str
    magnitude: float
    scatter: float
    build: Callable[[NDArray[np.float64], np.random.Generator], Explosion]
    dust: float = 0.08
    visible: float = 120.0
    host_magnitude: float = -20.3
    host_scatter: float = 1.2
    host_offset: float = 3.5
    starforming: float = 1.0
