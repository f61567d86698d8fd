"""
The analytic sequences as sources for sncosmo, to fit, to plot, or to simulate other surveys with.

Not imported by the rest of the package, which needs no sncosmo.
"""

from __future__ import annotations

import numpy as np
import sncosmo
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError
from ampel_followup.simulate.explosions import AGES, scale_to_magnitude
from ampel_followup.simulate.night import SimulatedObject
from ampel_followup.simulate.nuclei import DISRUPTIONS
from ampel_followup.simulate.supernovae import SUPERNOVAE

_PARSEC_10 = 3.0857e19  # cm
_REST_FRAME = np.arange(1500.0, 10510.0, 10.0)
_OBSERVED = np.arange(3500.0, 9210.0, 10.0)


def explosion_source(
    subtype: str, rng: np.random.Generator, magnitude: float | None = None
) -> sncosmo.TimeSeriesSource:
    """
    Draw one explosion and return it as a source in its rest frame.

    Parameters
    ----------
    subtype : str
        Such as ``IIP`` or ``TDE-H``; see `SUPERNOVAE` and `DISRUPTIONS`.
    rng : numpy.random.Generator
    magnitude : float, optional
        Absolute AB magnitude in the subtype's band at phase 0; by default drawn from its distribution.

    Returns
    -------
    sncosmo.TimeSeriesSource
        Phase in days from maximum, dark before the explosion; amplitude 1 is the flux at 10 pc. 1,500 to 10,500 Å.

    Raises
    ------
    FollowupError
        If there is no such subtype.
    """
    kinds = {kind.subtype: kind for kind in (*SUPERNOVAE, *DISRUPTIONS)}
    if subtype not in kinds:
        raise FollowupError(f"no explosion of subtype {subtype!r}; there are {', '.join(kinds)}")
    kind = kinds[subtype]
    drawn = rng.normal(kind.magnitude, kind.scatter, 1) if magnitude is None else np.array([magnitude])
    explosion = kind.build(drawn, rng)
    scale = scale_to_magnitude(explosion, drawn, kind.band)[0] / (4.0 * np.pi * _PARSEC_10**2)
    rows = np.zeros(len(AGES), dtype=np.intp)
    wavelength = np.broadcast_to(_REST_FRAME, (len(AGES), len(_REST_FRAME)))
    density = explosion.luminosity_density(rows, AGES, wavelength) * scale
    phase = np.concatenate([[0.0], AGES]) - explosion.reference_age[0]
    flux = np.vstack([np.zeros(len(_REST_FRAME)), density])
    return sncosmo.TimeSeriesSource(
        phase, _REST_FRAME, flux, zero_before=True, time_spline_degree=1, name=f"ampel-followup-{subtype}"
    )


def object_source(simulated: SimulatedObject, mjd: NDArray[np.float64]) -> sncosmo.TimeSeriesSource:
    """
    Return what difference imaging sees of a simulated object, of any class, as a source in the observer's frame.

    Parameters
    ----------
    simulated : SimulatedObject
    mjd : ndarray, shape (p,)
        Times at which to tabulate it, increasing; linear in between. Quick changes (flares, RR Lyrae) need a fine grid.

    Returns
    -------
    sncosmo.TimeSeriesSource
        Phase is MJD; the flux may be negative. Already redshifted, dimmed and reddened: use it with z = 0 and t0 = 0.
        3,500 to 9,200 Å.
    """
    return sncosmo.TimeSeriesSource(
        mjd, _OBSERVED, simulated.difference(mjd, _OBSERVED), time_spline_degree=1, name=simulated.id
    )
