"""Features of the hosts of transients: how far away catalogues say that they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ampel_followup.cosmology import distance_modulus
from ampel_followup.features.ragged import Floats, Mask
from ampel_followup.lightcurve import LightCurve

#: Names of the features, in the order of the columns.
OF_THE_HOST = ("host_photoz", "host_photoz_err", "rainbow_absolute_mag")

# Photometric redshifts beyond these tell nothing of the distance.
_NEAREST, _FARTHEST = 0.003, 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Hosts:
    """
    Hosts of n objects.

    Parameters
    ----------
    photoz, photoz_err : ndarray, shape (n,)
        Photometric redshifts and their errors; NaN where there is none.
    """

    photoz: Floats
    photoz_err: Floats

    @classmethod
    def of(cls, light_curves: Sequence[LightCurve]) -> Self:
        """Return the hosts that light curves name as ``photoz`` and ``photoz_err`` of `meta`."""
        return cls(
            *(
                np.array([curve.meta.get(name, np.nan) for curve in light_curves], dtype=np.float64)
                for name in ("photoz", "photoz_err")
            )
        )

    @classmethod
    def unknown(cls, n: int) -> Self:
        """Return n hosts of which nothing is known."""
        return cls(np.full(n, np.nan), np.full(n, np.nan))

    def __len__(self) -> int:
        return len(self.photoz)

    def select(self, rows: NDArray[np.intp]) -> Hosts:
        """Return the hosts of some objects, in the order asked for."""
        return Hosts(self.photoz[rows], self.photoz_err[rows])

    def hidden(self, mask: Mask) -> Hosts:
        """Return them as if those where `mask` is True were not known."""
        return Hosts(np.where(mask, np.nan, self.photoz), np.where(mask, np.nan, self.photoz_err))


def host_columns(hosts: Hosts, peak_mag: Floats) -> dict[str, Floats]:
    """
    Compute the features of the hosts of n objects.

    Parameters
    ----------
    hosts : Hosts
    peak_mag : ndarray, shape (..., n)
        Magnitude at the peak, fitted to light curves of the objects; NaN where there is none.

    Returns
    -------
    dict of str to ndarray, shape (..., n)
        Those of `OF_THE_HOST`; NaN where no redshift from 0.003 to 4 is known, or no peak was fitted.
    """
    near = np.where((hosts.photoz >= _NEAREST) & (hosts.photoz <= _FARTHEST), hosts.photoz, np.nan)
    usable = np.isfinite(near) & np.isfinite(peak_mag)
    return {
        "host_photoz": np.where(usable, near, np.nan),
        "host_photoz_err": np.where(usable, hosts.photoz_err, np.nan),
        "rainbow_absolute_mag": np.where(usable, peak_mag - distance_modulus(near), np.nan),
    }
