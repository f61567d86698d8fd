"""
Supernova templates of sncosmo, where someone has installed them; never fetched.

Files are read from ``SNCOSMO_DATA_DIR`` by path: sncosmo's own registry would download what is missing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ampel_followup.bands import BANDS
from ampel_followup.errors import FollowupError

_PARSEC_10 = 3.0857e19  # cm
_WAVELENGTH = np.arange(2000.0, 10010.0, 10.0)  # Å, rest frame
_SNANA, _SAKO, _VINCENZI = (
    "models/snana/SDSS-{}.SED",
    "models/sako/S11_SDSS-{}.SED",
    "models/vincenzi/V19_SN{}_HostExtCorr.SED",
)

#: Files by subtype, relative to the data folder of sncosmo.
TEMPLATE_FILES: dict[str, tuple[str, ...]] = {
    "Ia": ("models/hsiao/Hsiao_SED_V3.fits", "models/salt3/salt3-f22"),
    "IIP": (*(_SAKO.format(n) for n in ("001472", "003818", "014599")), _SNANA.format("018596")),
    "IIL": (_SAKO.format("000018"), _VINCENZI.format("2009kr")),
    "IIn": (_VINCENZI.format("2010al"),),
    "IIb": (_VINCENZI.format("2006T"),),
    "Ib": (
        *(_SAKO.format(n) for n in ("002000", "002744", "014492")),
        *(_VINCENZI.format(n) for n in ("2004gv", "2007Y")),
    ),
    "Ic": (_SAKO.format("013195"), _SNANA.format("014475"), _VINCENZI.format("2013ge")),
    "Ic-BL": (_VINCENZI.format("2006aj"), _VINCENZI.format("2012ap")),
}


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """
    One spectral sequence on a grid, of absolute AB magnitude 0 at maximum.

    Parameters
    ----------
    phase : ndarray, shape (p,)
        Rest-frame days from maximum, increasing.
    density : ndarray, shape (p, w)
        L_λ [erg / s / Å] at 2,000, 2,010 … 10,000 Å.
    """

    phase: NDArray[np.float64]
    density: NDArray[np.float64]

    def at(self, phase: NDArray[np.float64], wavelength: NDArray[np.float64]) -> NDArray[np.float64]:
        """Interpolate bilinearly for phases (r,) and wavelengths (r, m); zero before the first phase."""
        row = np.clip(np.searchsorted(self.phase, phase), 1, len(self.phase) - 1)
        share = np.clip((phase - self.phase[row - 1]) / (self.phase[row] - self.phase[row - 1]), 0.0, 1.0)[:, None]
        place = np.clip((wavelength - _WAVELENGTH[0]) / 10.0, 0.0, len(_WAVELENGTH) - 1.001)
        column = place.astype(np.intp)
        part = place - column
        row = row[:, None]
        before = (1.0 - part) * self.density[row - 1, column] + part * self.density[row - 1, column + 1]
        after = (1.0 - part) * self.density[row, column] + part * self.density[row, column + 1]
        fading = np.exp(-np.maximum(phase - self.phase[-1], 0.0) / 60.0)[:, None]
        return np.where((phase >= self.phase[0])[:, None], ((1.0 - share) * before + share * after) * fading, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class TemplateSequence:
    """
    n explosions, each one of some templates, stretched in time.

    Parameters
    ----------
    templates : tuple of Template
    chosen : ndarray of int, shape (n,)
        Which of them each explosion follows.
    stretch : ndarray, shape (n,)
        Factor on the time axis.
    """

    templates: tuple[Template, ...]
    chosen: NDArray[np.intp]
    stretch: NDArray[np.float64]

    def luminosity_density(
        self, which: NDArray[np.intp], age: NDArray[np.float64], wavelength: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return L_λ [erg / s / Å]; see `SpectralSequence`."""
        density = np.zeros(wavelength.shape)
        for number, template in enumerate(self.templates):
            rows = np.flatnonzero(self.chosen[which] == number)
            if len(rows):
                phase = age[rows] / self.stretch[which[rows]] + template.phase[0]
                density[rows] = template.at(phase, wavelength[rows])
        return density


def data_folder() -> Path | None:
    """Return the folder that ``SNCOSMO_DATA_DIR`` names, or None if it is unset or not there."""
    name = os.environ.get("SNCOSMO_DATA_DIR")
    return Path(name) if name and Path(name).is_dir() else None


def installed_templates(mode: str) -> dict[str, tuple[Template, ...]]:
    """
    Return the templates to use, by subtype.

    Parameters
    ----------
    mode : {"analytic", "auto", "sncosmo"}
        None at all; those installed; those installed, of which there must be some.

    Raises
    ------
    FollowupError
        If the mode is another one, or if it is ``sncosmo`` and no template is installed.
    """
    if mode not in ("analytic", "auto", "sncosmo"):
        raise FollowupError(f"templates={mode!r} is not known; choose analytic, auto or sncosmo")
    if mode == "analytic":
        return {}
    folder = data_folder()
    found = {} if folder is None else {subtype: _load(folder, subtype) for subtype in TEMPLATE_FILES}
    found = {subtype: templates for subtype, templates in found.items() if templates}
    if mode == "sncosmo" and not found:
        raise FollowupError(
            f"no sncosmo templates in SNCOSMO_DATA_DIR={os.environ.get('SNCOSMO_DATA_DIR', '')!r}; "
            "set it to a folder that holds models/, or choose templates analytic"
        )
    return found


@cache
def _load(folder: Path, subtype: str) -> tuple[Template, ...]:
    return tuple(_read(folder / name) for name in TEMPLATE_FILES[subtype] if (folder / name).exists())


def _read(path: Path) -> Template:
    import sncosmo

    if path.is_dir():
        source = sncosmo.SALT3Source(modeldir=str(path))
    elif path.suffix == ".fits":
        source = sncosmo.TimeSeriesSource(*sncosmo.read_griddata_fits(str(path)))
    else:
        source = sncosmo.TimeSeriesSource(*sncosmo.read_griddata_ascii(str(path)))
    phase = np.arange(np.ceil(source.minphase()), np.floor(source.maxphase()) + 1.0)
    inside = (source.minwave() <= _WAVELENGTH) & (source.maxwave() >= _WAVELENGTH)
    density = np.zeros((len(phase), len(_WAVELENGTH)))
    density[:, inside] = np.maximum(source.flux(phase, _WAVELENGTH[inside]), 0.0)
    nodes, weights = BANDS["ztfr"].quadrature()
    columns = np.searchsorted(_WAVELENGTH, nodes)
    peak = float((density[:, columns] @ weights).max())
    zero_magnitude = 10.0 ** (0.4 * 23.9) * 4.0 * np.pi * _PARSEC_10**2
    # Templates start at different levels: let them begin from darkness.
    phase = np.concatenate([[phase[0] - 2.0], phase])
    return Template(phase, np.vstack([np.zeros(len(_WAVELENGTH)), density * (zero_magnitude / peak)]))


def draw_sequence(templates: tuple[Template, ...], n: int, rng: np.random.Generator) -> TemplateSequence:
    """Draw n explosions from some templates, with a scatter of 8 % in stretch."""
    return TemplateSequence(templates, rng.integers(len(templates), size=n), rng.lognormal(0.0, 0.08, n))
