"""
What the photometric redshift of the host adds: three more features, for trees that may know it.

They are those that `ampel_followup.features.early_ia` has of the host, made of features that are measured already: the
fit of all bands, which takes longest, does not hang on the host.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ampel_followup.cosmology import distance_modulus
from ampel_followup.features.hand_made import HAND_MADE, OF_THE_HOST
from ampel_followup.learning.attention_curves import LabelledCurves

Array = NDArray[np.float64]

#: Columns of `with_host`.
WITH_HOST = (*HAND_MADE, *OF_THE_HOST)

# Photometric redshifts beyond these tell nothing of the distance.
_NEAREST, _FARTHEST = 0.003, 4.0

_PEAK_MAG = HAND_MADE.index("rainbow_peak_mag")


def with_host(x: Array, data: LabelledCurves) -> Array:
    """
    Put what is known of the hosts behind hand-made features.

    Parameters
    ----------
    x : ndarray, shape (v, n, k)
        `ampel_followup.features.hand_made.hand_made_features` of v parts of the n light curves.
    data : LabelledCurves
        Their light curves say in `meta` what the ``photoz`` of the host is, and its error ``photoz_err``.

    Returns
    -------
    ndarray, shape (v, n, k + 3)
        Columns as in `WITH_HOST`; NaN where no redshift is known, or no peak was fitted.
    """
    photoz, photoz_err = (
        np.array([curve.meta.get(name, np.nan) for curve in data.curves], dtype=np.float64)
        for name in ("photoz", "photoz_err")
    )
    peak_mag = x[:, :, _PEAK_MAG]
    usable = (photoz >= _NEAREST) & (photoz <= _FARTHEST) & np.isfinite(peak_mag)
    absolute = peak_mag - distance_modulus(np.where((photoz >= _NEAREST) & (photoz <= _FARTHEST), photoz, np.nan))
    of_the_host = (np.broadcast_to(photoz, usable.shape), np.broadcast_to(photoz_err, usable.shape), absolute)
    return np.concatenate([x, *(np.where(usable, one, np.nan)[:, :, None] for one in of_the_host)], axis=2)
