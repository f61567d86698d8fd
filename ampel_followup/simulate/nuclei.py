"""
Tidal disruption events: a star torn apart by the black hole of a galaxy.

Temperatures, rise and decay times and luminosities: van Velzen et al. (2021, ApJ 908, 4) and Hammerstein et al. (2023,
ApJ 942, 9), whose spectral classes (H, H + He, He) and shares are used too; lines are broad, 8,000 to 18,000 km/s.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ampel_followup.simulate.explosion_kinds import ExplosionKind
from ampel_followup.simulate.explosions import AGES, Explosion, luminosity_of

_Array: TypeAlias = NDArray[np.float64]


def _disruption(magnitude: _Array, rng: np.random.Generator, hydrogen: float, helium: float, bowen: float) -> Explosion:
    """Gaussian rise, then the fall-back rate's (1 + t/t₀)^{−5/3}; the temperature stays, or creeps up."""
    n = len(magnitude)
    width = np.clip(10.0 ** rng.normal(1.1, 0.18, n), 5.0, 35.0)
    peak = 2.4 * width
    decay = np.clip(10.0 ** rng.normal(1.95, 0.2, n), 30.0, 300.0)
    since = AGES - peak[:, None]
    rise = np.exp(-0.5 * (since / width[:, None]) ** 2)
    fall = (1.0 + np.maximum(since, 0.0) / decay[:, None]) ** (-5.0 / 3.0)
    luminosity = np.where(since < 0, rise, fall) * luminosity_of(magnitude)[:, None]
    temperature = np.clip(10.0 ** rng.normal(4.27, 0.11, n), 12500.0, 38000.0)[:, None]
    warming = 1.0 + np.clip(rng.normal(0.0008, 0.001, n), -0.001, 0.003)[:, None] * np.maximum(since, 0.0)
    velocity = np.clip(rng.normal(11500.0, 2500.0, n), 6000.0, 19000.0)
    # Hydrogen of a hot, thin envelope: the ionisation window of a dense photosphere does not apply to it.
    emission = {
        "broad H": hydrogen * rng.lognormal(0.0, 0.35, n),
        "He II": helium * rng.lognormal(0.0, 0.35, n),
        "N III": bowen * rng.lognormal(0.0, 0.5, n),
    }
    return Explosion(
        luminosity,
        np.clip(temperature * warming, 11000.0, 45000.0),
        np.repeat(velocity[:, None], len(AGES), axis=1),
        {},
        emission,
        np.zeros(n),
        peak,
    )


def tde_h(magnitude: _Array, rng: np.random.Generator) -> Explosion:
    """Broad Balmer lines only."""
    return _disruption(magnitude, rng, 0.7, 0.0, 0.0)


def tde_h_he(magnitude: _Array, rng: np.random.Generator) -> Explosion:
    """Balmer lines and a complex of He II and N III at 4,650 Å."""
    return _disruption(magnitude, rng, 0.45, 0.3, 0.15)


def tde_he(magnitude: _Array, rng: np.random.Generator) -> Explosion:
    """He II only."""
    return _disruption(magnitude, rng, 0.0, 0.45, 0.0)


DISRUPTIONS: tuple[ExplosionKind, ...] = tuple(
    ExplosionKind("TDE", subtype, share, "ztfg", magnitude, 0.8, build, 0.04, 250.0, -19.8, 0.9, 0.0, 0.15)
    for subtype, share, magnitude, build in (
        ("TDE-H", 0.40, -18.9, tde_h),
        ("TDE-H+He", 0.45, -18.8, tde_h_he),
        ("TDE-He", 0.15, -18.8, tde_he),
    )
)
