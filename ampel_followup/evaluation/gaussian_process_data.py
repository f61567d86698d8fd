"""Light curves of explosions, real and simulated, that a Gaussian process is measured on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ampel_followup.bands import BANDS
from ampel_followup.cosmology import luminosity_distance
from ampel_followup.errors import FollowupError
from ampel_followup.evaluation.data import read_columns
from ampel_followup.evaluation.microlensing_data import Donors, Part, load_donors
from ampel_followup.lightcurve import ZERO_POINT, LightCurve
from ampel_followup.microlensing.injection import Epochs

Array = NDArray[np.float64]

#: An object counts if so many of its points are detections of 5 σ.
FEWEST_DETECTIONS = 8

#: Name of the simulated explosions, whose true flux is known.
KNOWN_TRUTH = "explosions in snpcc epochs"

_MEGAPARSEC = 3.0857e24  # cm
_FLUXCAL = 10.0 ** (-0.4 * (27.5 - ZERO_POINT))

# Surveys of paired_sn that are calibrated to AB, and whose bands are LSST's to 2 % in wavelength.
_AB_SURVEYS = ("FOUNDATION", "SNLS", "SDSS")
_AB_BANDS = {f"{camera}-{letter}": f"lsst{letter}" for camera in ("PS1", "SNLS", "SDSS") for letter in "griz"}


@dataclass(frozen=True, eq=False)
class Explosions:
    """
    Light curves of one survey.

    Parameters
    ----------
    name : str
    real : bool
    curves : tuple of LightCurve
    truth : mapping of str to Truth
        Of simulated objects, by name; empty where it is not known.
    """

    name: str
    real: bool
    curves: tuple[LightCurve, ...]
    truth: Mapping[str, Truth] = field(default_factory=dict)

    def some(self, n: int, rng: np.random.Generator) -> list[LightCurve]:
        """Return n objects at random, or all if there are no more."""
        rows = np.sort(rng.choice(len(self.curves), min(n, len(self.curves)), replace=False))
        return [self.curves[i] for i in rows.tolist()]


@dataclass(frozen=True, eq=False)
class Truth:
    """
    The true flux of an explosion.

    Parameters
    ----------
    mjd : ndarray, shape (m,)
        [MJD], increasing.
    flux : mapping of str to ndarray, shape (m,)
        In each band [µJy].
    """

    mjd: Array
    flux: Mapping[str, Array]


def load_explosions(folder: Path, part: Part, simulated: int, seed: int) -> list[Explosions]:
    """
    Read the data sets in a folder that hold explosions, and simulate some.

    Parameters
    ----------
    folder : Path
        With any of ``snpcc``, ``ztf_bts_snia`` and ``paired_sn``.
    part : {"test", "training", "all"}
        By a digest of the name of the object.
    simulated : int
        Explosions put into the epochs of objects of ``snpcc``.
    seed : int
        Of these.

    Raises
    ------
    FollowupError
        If there is no such folder, or nothing in it.
    """
    names = [name for name in ("ztf_bts_snia", "snpcc") if (folder / name).is_dir()]
    paired = folder / "paired_sn"
    if not names and not paired.is_dir():
        raise FollowupError(f"{folder} holds no light curves of explosions; snpcc, ztf_bts_snia or paired_sn is needed")
    donors = load_donors(folder, simulated=0, seed=0, names=names) if names else []
    found = [d.part(part) for d in (*donors, *([_paired(paired)] if paired.is_dir() else []))]
    sets = [Explosions(d.name, d.real, tuple(c for c in d.curves if _is_seen(c))) for d in found]
    lenders = [survey for survey in found if survey.name == "snpcc" and simulated]
    sets += [simulate_explosions(one.curves, simulated, np.random.default_rng(seed)) for one in lenders]
    return [one for one in sets if one.curves]


def _is_seen(curve: LightCurve) -> bool:
    return int((curve.detected & (curve.flux > 5.0 * curve.flux_err)).sum()) >= FEWEST_DETECTIONS


def _paired(folder: Path) -> Donors:
    points = read_columns(folder / "photometry.parquet", ("name", "survey", "mjd", "band", "flux", "flux_err"))
    band = np.array([_AB_BANDS.get(str(name), "") for name in points["band"]], dtype=np.str_)
    kept = np.isin(points["survey"].astype(np.str_), _AB_SURVEYS) & (band != "")
    names = points["name"].astype(np.str_)
    curves = []
    for name in np.unique(names[kept]).tolist():
        rows = np.flatnonzero(kept & (names == name))
        time, flux, error = (points[column][rows].astype(np.float64) for column in ("mjd", "flux", "flux_err"))
        none = np.zeros(len(rows), dtype=np.bool_)
        curve = LightCurve(name, 0, time, band[rows], flux * _FLUXCAL, error * _FLUXCAL, none, 0.0, 0.0)
        curves.append(curve)
    return Donors("paired_sn", True, tuple(curves), ("supernova",) * len(curves))


def simulate_explosions(donors: tuple[LightCurve, ...], n: int, rng: np.random.Generator) -> Explosions:
    """
    Put simulated explosions (`ampel_followup.simulate.supernovae`) into the epochs of other objects.

    Types Ia, IIP, IIL, IIn, Ib and Ic in equal numbers, z from 0.1 to 0.7, so bright that the peak is 8 to 80 times the
    error of zero flux; errors as those of the donor.

    Parameters
    ----------
    donors : tuple of LightCurve
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    Explosions
        Those that are seen, with their true flux at every day.
    """
    from ampel_followup.simulate.supernovae import SUPERNOVAE

    kinds = [kind for kind in SUPERNOVAE if kind.subtype in ("Ia", "IIP", "IIL", "IIn", "Ib", "Ic")]
    curves: list[LightCurve] = []
    truth: dict[str, Truth] = {}
    for k, kind in enumerate(kinds):
        share = n // len(kinds) + (k < n % len(kinds))
        explosion = kind.build(rng.normal(kind.magnitude, kind.scatter, share), rng)
        for which, donor in enumerate(rng.choice(len(donors), share, replace=False).tolist()):
            epochs, z = Epochs.of(donors[donor]), float(rng.uniform(0.1, 0.7))
            start = float(rng.uniform(epochs.time[0], epochs.time[-1] - 60.0)) if np.ptp(epochs.time) > 60 else 0.0
            if start == 0.0:
                continue
            mjd = np.arange(np.floor(epochs.time[0]), np.ceil(epochs.time[-1]) + 1.0)
            row = np.full(len(mjd), which)
            flux = {}
            for band in np.unique(epochs.band).tolist():
                nodes, weights = BANDS[band].quadrature(40.0)
                rest = np.broadcast_to(nodes / (1.0 + z), (len(mjd), len(nodes)))
                density = explosion.luminosity_density(row, (mjd - start) / (1.0 + z), rest)
                distance = float(luminosity_distance(z)) * _MEGAPARSEC
                flux[band] = density @ weights / (4.0 * np.pi * distance**2 * (1.0 + z))
            height = float(np.exp(rng.uniform(np.log(8.0), np.log(80.0)))) * float(np.median(epochs.sky))
            bright = height / max(float(f.max()) for f in flux.values())
            name = f"{kind.subtype}-{donors[donor].id}"
            truth[name] = Truth(mjd, {band: bright * f for band, f in flux.items()})
            curve = _observed(name, epochs, truth[name], rng)
            if _is_seen(curve):
                curves.append(curve)
    return Explosions(KNOWN_TRUTH, False, tuple(curves), truth)


def _observed(name: str, epochs: Epochs, truth: Truth, rng: np.random.Generator) -> LightCurve:
    true = np.zeros(len(epochs.time))
    for band, flux in truth.flux.items():
        rows = epochs.band == band
        true[rows] = np.interp(epochs.time[rows], truth.mjd, flux)
    error = np.sqrt(epochs.sky**2 + 0.072 * epochs.sky * true + (0.01 * true) ** 2)
    none = np.zeros(len(true), dtype=np.bool_)
    flux = true + error * rng.standard_normal(len(true))
    return LightCurve(name, 0, epochs.time, epochs.band, flux, error, none, 0.0, 0.0)
