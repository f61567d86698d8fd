"""
The filters of ZTF, Rubin (LSST) and ATLAS: names, letters, and transmission as an analytic approximation.

The names and letters are plain Python, so that the terminal app can ask for them without loading NumPy; the curves load
it on first use. The curves have the right effective wavelengths to 1 Å and give the AB magnitudes of black bodies from
3,500 to 20,000 K to 0.005 mag against the surveys' own curves; for precise work on narrow lines use the latter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import sncosmo
    from numpy.typing import ArrayLike, NDArray

#: Speed of light [Å/s].
SPEED_OF_LIGHT = 2.99792458e18

#: 1 µJy in erg / s / cm² / Hz.
MICROJANSKY = 1e-29

#: Edges are followed out to this many logistic widths: the transmission is 3e-4 of the plateau there.
_EDGE_WIDTHS = 8.0


@dataclass(frozen=True, slots=True)
class Band:
    """
    One filter of one survey.

    The transmission is a plateau, a parabola in wavelength, between two logistic edges:

        T(λ) = p (1 + a x + b x²) / [(1 + e^{−(λ − λ₁)/w₁}) (1 + e^{−(λ₂ − λ)/w₂})],   x = (2λ − λ₁ − λ₂) / (λ₂ − λ₁)

    Parameters
    ----------
    name : str
        Name in sncosmo and in `LightCurve.band`, such as ``ztfg``.
    survey : str
        ``ZTF``, ``LSST`` or ``ATLAS``.
    letter : str
        What the survey calls it: ``g``.
    effective_wavelength : float
        ∫ λT dλ / ∫ T dλ [Å], as sncosmo defines it.
    throughput : float
        p, the mean transmission of the plateau, atmosphere included where the survey's curve does so.
    blue_edge, blue_width, red_edge, red_width : float
        λ₁, w₁, λ₂, w₂ [Å]; least-squares fits to the curves that sncosmo distributes.
    tilt, curvature : float
        a and b.
    """

    name: str
    survey: str
    letter: str
    effective_wavelength: float
    throughput: float
    blue_edge: float
    blue_width: float
    red_edge: float
    red_width: float
    tilt: float
    curvature: float

    @property
    def minimum_wavelength(self) -> float:
        """Wavelength [Å] blueward of which nothing gets through."""
        return self.blue_edge - _EDGE_WIDTHS * self.blue_width

    @property
    def maximum_wavelength(self) -> float:
        """Wavelength [Å] redward of which nothing gets through."""
        return self.red_edge + _EDGE_WIDTHS * self.red_width

    def transmission(self, wavelength: ArrayLike) -> NDArray[np.float64]:
        """
        Return the transmission, 0 to 1.

        Parameters
        ----------
        wavelength : array_like, shape (...)
            In vacuum or air: the approximation does not know the difference [Å].

        Returns
        -------
        ndarray, shape (...)
            Zero outside `minimum_wavelength` … `maximum_wavelength`.
        """
        import numpy as np

        wavelength = np.asarray(wavelength, dtype=np.float64)
        inside = (wavelength > self.minimum_wavelength) & (wavelength < self.maximum_wavelength)
        λ = np.clip(wavelength, self.minimum_wavelength, self.maximum_wavelength)
        x = (2.0 * λ - self.blue_edge - self.red_edge) / (self.red_edge - self.blue_edge)
        plateau = self.throughput * np.maximum(1.0 + self.tilt * x + self.curvature * x * x, 0.0)
        blue = 1.0 + np.exp((self.blue_edge - λ) / self.blue_width)
        red = 1.0 + np.exp((λ - self.red_edge) / self.red_width)
        return np.where(inside, plateau / (blue * red), 0.0)

    def quadrature(self, step: float = 20.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """
        Return nodes and weights that turn a spectrum into a band flux: f_ν = weights · f_λ(nodes).

        A photon-counting AB flux, f_ν = ∫ f_λ λ T dλ / (c ∫ T dλ/λ).

        Parameters
        ----------
        step : float
            Distance of the nodes [Å]; features narrower than that are not resolved.

        Returns
        -------
        nodes : ndarray, shape (m,)
            Wavelength [Å].
        weights : ndarray, shape (m,)
            µJy per (erg / s / cm² / Å).
        """
        import numpy as np

        count = int(np.ceil((self.maximum_wavelength - self.minimum_wavelength) / step)) + 1
        nodes = np.linspace(self.minimum_wavelength, self.maximum_wavelength, count)
        transmission = self.transmission(nodes)
        weights = nodes * transmission / (SPEED_OF_LIGHT * np.sum(transmission / nodes) * MICROJANSKY)
        return nodes, weights


#: Every band by name, in the order of each survey's wavelengths.
BANDS: dict[str, Band] = {
    band.name: band
    for band in (
        Band("ztfg", "ZTF", "g", 4813.8, 0.82, 4142.0, 12.0, 5468.0, 10.0, 0.04, 0.0),
        Band("ztfr", "ZTF", "r", 6421.2, 0.82, 5652.0, 12.0, 7205.0, 26.0, -0.03, 0.02),
        Band("ztfi", "ZTF", "i", 7882.6, 0.62, 7213.0, 31.0, 8739.0, 25.0, -0.36, -0.01),
        Band("lsstu", "LSST", "u", 3670.7, 0.11, 3311.0, 36.0, 3956.0, 38.0, 0.32, 0.16),
        Band("lsstg", "LSST", "g", 4826.4, 0.36, 4053.0, 63.0, 5503.0, 56.0, 0.20, 0.08),
        Band("lsstr", "LSST", "r", 6223.2, 0.42, 5535.0, 55.0, 6884.0, 57.0, 0.06, 0.17),
        Band("lssti", "LSST", "i", 7545.9, 0.41, 6933.0, 55.0, 8155.0, 55.0, 0.01, 0.23),
        Band("lsstz", "LSST", "z", 8690.9, 0.40, 8218.0, 61.0, 9194.0, 60.0, -0.09, 0.28),
        Band("lssty", "LSST", "y", 9710.3, 0.22, 9209.0, 32.0, 10470.0, 150.0, -0.44, -0.47),
        Band("atlasc", "ATLAS", "c", 5409.2, 0.67, 4217.0, 19.0, 6516.0, 17.0, 0.11, -0.04),
        Band("atlaso", "ATLAS", "o", 6866.5, 0.68, 5622.0, 16.0, 8208.0, 21.0, -0.11, -0.06),
    )
}

#: ZTF's filter numbers (``fid``).
ZTF_FILTERS: dict[int, str] = {1: "ztfg", 2: "ztfr", 3: "ztfi"}

#: LSST's filters by their letters, in lower case (ELAsTiCC writes ``Y``).
LSST_FILTERS: dict[str, str] = {letter: f"lsst{letter}" for letter in "ugrizy"}


def by_wavelength(names: Iterable[str]) -> list[str]:
    """Return names of bands from blue to red, by effective wavelength; those not in `BANDS` after them, by name."""
    return sorted(names, key=lambda name: (BANDS[name].effective_wavelength if name in BANDS else math.inf, name))


def sncosmo_bandpass(name: str, step: float = 5.0) -> sncosmo.Bandpass:
    """
    Return the analytic curve as a bandpass for sncosmo; nothing is registered and nothing is downloaded.

    Parameters
    ----------
    name : str
        A key of `BANDS`.
    step : float
        Sampling of the curve [Å].

    Raises
    ------
    KeyError
        If there is no such band; the message lists those that exist.
    """
    import numpy as np
    import sncosmo

    if name not in BANDS:
        raise KeyError(f"no band {name!r}; there are {', '.join(BANDS)}")
    band = BANDS[name]
    count = int(np.ceil((band.maximum_wavelength - band.minimum_wavelength) / step)) + 1
    wavelength = np.linspace(band.minimum_wavelength, band.maximum_wavelength, count)
    return sncosmo.Bandpass(wavelength, band.transmission(wavelength), name=name)
