"""
Rapid transients: explosions that are above half of their peak for less than twelve days.

Durations, luminosities and temperatures as found by Drout et al. (2014, ApJ 794, 23), Pursiainen et al. (2018, MNRAS
481, 894) and Ho et al. (2023, ApJ 949, 120): blue, −16 to −20 mag, t₁/₂ of 1 to 12 d, in star-forming galaxies. The
default mix of a night leaves them out: they are far rarer than what it holds. They are there to teach what fast looks
like.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ampel_followup.simulate.explosion_kinds import ExplosionKind
from ampel_followup.simulate.explosions import AGES, Explosion, luminosity_of

_Array: TypeAlias = NDArray[np.float64]


def rapid_blue(magnitude: _Array, rng: np.random.Generator) -> Explosion:
    """Rise as a Gaussian within 0.6 to 3 d, exponential decline; a hot photosphere that cools while it recedes."""
    n = len(magnitude)
    rise = np.clip(rng.lognormal(np.log(1.7), 0.4, n), 0.6, 3.0)
    decay = np.clip(rise * rng.lognormal(np.log(1.6), 0.3, n), 1.0, 5.0)
    since = AGES - 2.0 * rise[:, None]
    before = np.exp(-0.5 * (since / (0.85 * rise[:, None])) ** 2)
    after = np.exp(-np.maximum(since, 0.0) / decay[:, None])
    start = -np.expm1(-((AGES / 0.5) ** 2))
    luminosity = np.where(since < 0, before, after) * start * luminosity_of(magnitude)[:, None]
    hot = np.clip(rng.normal(20000.0, 3000.0, n), 12000.0, 30000.0)[:, None]
    temperature = 8000.0 + (hot - 8000.0) * np.exp(-AGES / (6.0 * rise[:, None]))
    velocity = np.repeat(np.clip(rng.normal(9000.0, 3000.0, n), 3000.0, 20000.0)[:, None], len(AGES), axis=1)
    emission = {"He I": rng.lognormal(np.log(0.2), 0.6, n), "H": rng.lognormal(np.log(0.1), 0.8, n)}
    return Explosion(luminosity, temperature, velocity, {}, emission, np.full(n, 0.5), 2.0 * rise)


RAPID: tuple[ExplosionKind, ...] = (
    ExplosionKind("rapid transient", "rapid blue", 1.0, "ztfg", -18.3, 0.9, rapid_blue, 0.06, 25.0, -19.2, 1.4, 2.5),
)
