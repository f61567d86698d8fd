"""Columns of tables of pixels: which is the wavelength, which the flux and its error, and in what unit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import SpectrumError
from ampel_followup.spectra.spectrum import Spectrum

#: Names in use, lower case, in order of preference.
_LOG_WAVELENGTH = ("loglam", "log_wavelength", "logwave")
_WAVELENGTH = ("wavelength", "wave", "lambda", "lam", "wl", "spectral_axis", "wavelengths", "wave_air", "awav")
_FLUX = ("flux", "flam", "f_lambda", "flux_lambda", "flux_reduced", "fluxes", "spec", "counts")
_ERROR = (
    "flux_err", "flux_error", "fluxerr", "err", "error", "errors", "e_flux", "err_reduced",
    "sigma", "stddev", "stdev", "std", "uncertainty", "noise", "flux_unc",
)  # fmt: skip
_INVERSE_VARIANCE = ("ivar", "invvar", "inverse_variance")

#: Ångström per unit.
_UNITS = {"angstrom": 1.0, "angstroms": 1.0, "a": 1.0, "aa": 1.0, "å": 1.0, "nm": 10.0, "nanometer": 10.0,
          "nanometers": 10.0, "um": 1e4, "µm": 1e4, "μm": 1e4, "micron": 1e4, "microns": 1e4, "micrometer": 1e4,
          "m": 1e10}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the columns of a spectrum in a table; `wavelength_is_log`: log10 of the wavelength."""

    wavelength: str
    wavelength_is_log: bool
    flux: str
    error: str | None
    inverse_variance: str | None


def find_columns(names: Sequence[str]) -> Columns | None:
    """Return which columns make a spectrum, or None if wavelength or flux is not among the names."""
    by_name = {name.strip().lower(): name for name in reversed(names)}

    def first(known: Sequence[str]) -> str | None:
        return next((by_name[name] for name in known if name in by_name), None)

    log, linear, flux = first(_LOG_WAVELENGTH), first(_WAVELENGTH), first(_FLUX)
    wavelength = linear or log
    if wavelength is None or flux is None:
        return None
    return Columns(wavelength, linear is None, flux, first(_ERROR), first(_INVERSE_VARIANCE))


def to_angstrom(unit: object, source: str) -> float:
    """
    Return how many Å a unit of wavelength is; no unit counts as Å.

    Raises
    ------
    SpectrumError
        If the unit is not known.
    """
    name = re.sub(r"[\s\[\]()]", "", str(unit or "")).lower()
    if not name:
        return 1.0
    if name not in _UNITS:
        raise SpectrumError(f"{source}: wavelengths in {str(unit)!r}; convert them to Angstrom, nm or um")
    return _UNITS[name]


def from_columns(
    columns: Columns, values: Mapping[str, Any], unit: object, meta: Mapping[str, Any], source: str
) -> Spectrum:
    """
    Make a spectrum of the columns of a table.

    Parameters
    ----------
    columns : Columns
    values : mapping of str to array_like
        The columns; a single row whose cells are whole spectra (ESO) will do.
    unit : object
        Of the wavelength; ignored if that is a logarithm.
    meta : mapping
    source : str
        What to call it in errors.

    Raises
    ------
    SpectrumError
        If the columns are not numbers, or make no spectrum.
    """
    wavelength, flux = _numbers(values, columns.wavelength, source), _numbers(values, columns.flux, source)
    if columns.wavelength_is_log:
        wavelength = 10.0**wavelength
    else:
        wavelength = wavelength * to_angstrom(unit, source)
    error = None
    if columns.inverse_variance is not None:
        error = error_of_inverse_variance(_numbers(values, columns.inverse_variance, source))
    elif columns.error is not None:
        error = _numbers(values, columns.error, source)
    return Spectrum.clean(wavelength, flux, error, meta, source=source)


def error_of_inverse_variance(ivar: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1/√ivar, shape as given; NaN where ivar is not positive, which is how SDSS marks bad pixels."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(ivar > 0.0, 1.0 / np.sqrt(ivar), np.nan))


def _numbers(values: Mapping[str, Any], name: str, source: str) -> NDArray[np.float64]:
    try:
        column = np.ma.filled(np.ma.asarray(values[name]).astype(np.float64), np.nan)
    except (TypeError, ValueError) as error:
        raise SpectrumError(f"{source}: column {name!r} is not all numbers ({error}); correct it") from error
    return np.asarray(column[0] if column.ndim == 2 and len(column) == 1 else column)
