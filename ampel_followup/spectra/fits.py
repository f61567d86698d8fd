"""Spectra in FITS files: tables (SDSS, ESO, specutils, …) and images with a linear or logarithmic wavelength axis."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import SpectrumError
from ampel_followup.spectra.columns import error_of_inverse_variance, find_columns, from_columns, to_angstrom
from ampel_followup.spectra.spectrum import Spectrum

Array = NDArray[np.float64]

#: Extensions that hold the errors of an image's flux, and what is in them.
_ERROR_EXTENSIONS = {"ERR": "err", "ERROR": "err", "ERRS": "err", "SIGMA": "err", "UNCERT": "err", "NOISE": "err",
                     "VAR": "var", "VARIANCE": "var", "STAT": "var", "IVAR": "ivar"}  # fmt: skip


def read_fits(data: bytes, source: str) -> Spectrum:
    """
    Read the first spectrum in a FITS file: from a table if one has wavelength and flux, else from an image.

    Parameters
    ----------
    data : bytes
        The file.
    source : str
        Its name.

    Raises
    ------
    SpectrumError
        If there is none, or the file is damaged.
    """
    from astropy.io import fits

    try:
        # A truncated file is an error here, not a warning: half a spectrum looks like a whole one.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", message=".*may have been truncated.*")
            with fits.open(io.BytesIO(data), memmap=False) as hdus:
                hdus.readall()
                return _from_hdus(hdus, source)
    except SpectrumError:
        raise
    except Exception as error:  # astropy raises all kinds on damaged files
        raise SpectrumError(f"{source}: damaged FITS file ({error}); fetch it again") from error


def _from_hdus(hdus: Any, source: str) -> Spectrum:
    from astropy.io import fits

    seen = []
    for hdu in hdus:
        if isinstance(hdu, fits.BinTableHDU | fits.TableHDU):
            names = hdu.columns.names
            columns = find_columns(names)
            if columns is not None:
                meta = _meta(hdus, "fits table")
                meta["flux_unit"] = hdu.columns[columns.flux].unit
                values = {name: hdu.data[name] for name in names}
                return from_columns(columns, values, hdu.columns[columns.wavelength].unit, meta, source)
            seen.append(f"{hdu.name or 'table'} ({', '.join(names[:8])})")
    for hdu in hdus:
        if getattr(hdu, "is_image", False) and hdu.header.get("NAXIS", 0) > 0 and hdu.name not in _ERROR_EXTENSIONS:
            return _from_image(hdu, hdus, source)
    raise SpectrumError(
        f"{source}: no spectrum in this FITS file: neither an image nor a table with wavelength and flux"
        + (f"; tables: {'; '.join(seen)}" if seen else "")
    )


def _from_image(hdu: Any, hdus: Any, source: str) -> Spectrum:
    """Read the first row of an image (IRAF's multispec has the errors in the band that BANDIDn calls sigma)."""
    header = hdu.header
    planes = np.asarray(hdu.data, dtype=np.float64).reshape(-1, header["NAXIS1"])
    if header["NAXIS"] == 2 and len(planes) > 8:
        raise SpectrumError(
            f"{source}: an image of {len(planes)} rows is no 1-D spectrum; extract the spectrum from it first"
        )
    bands = [str(header.get(f"BANDID{k + 1}", "")).lower() for k in range(len(planes))]
    error = next((planes[k] for k, band in enumerate(bands) if "sigma" in band), None)
    if error is None:
        error = _error_extension(hdus, planes[0].shape)
    meta = {**_meta(hdus, "fits image"), "flux_unit": header.get("BUNIT")}
    return Spectrum.clean(_wavelength_axis(header, source), planes[0], error, meta, source=source)


def _error_extension(hdus: Any, shape: tuple[int, ...]) -> Array | None:
    for hdu in hdus:
        kind = _ERROR_EXTENSIONS.get(hdu.name)
        if kind is None or getattr(hdu, "data", None) is None or np.squeeze(hdu.data).shape != shape:
            continue
        values = np.squeeze(np.asarray(hdu.data, dtype=np.float64))
        if kind == "ivar":
            return error_of_inverse_variance(values)
        with np.errstate(invalid="ignore"):
            return np.sqrt(values) if kind == "var" else values
    return None


def _wavelength_axis(header: Any, source: str) -> Array:
    """
    Return the wavelength of each pixel [Å].

    λ_i = CRVAL1 + (i − CRPIX1)·CDELT1 for pixels i = 1…n. It is the log10 of it if DC-FLAG = 1 (IRAF, SDSS); and with
    CTYPE1 = WAVE-LOG it is λ_i = CRVAL1·exp((i − CRPIX1)·CDELT1 / CRVAL1) (Greisen et al. 2006, equation 5).
    """
    step = header.get("CDELT1", header.get("CD1_1"))
    reference = header.get("CRVAL1")
    kind = str(header.get("CTYPE1", "")).strip().upper()
    if not isinstance(step, int | float) or not isinstance(reference, int | float) or step == 0:
        remedy = "add them, or export the spectrum as a table"
        if any(key.startswith("WAT2_") for key in header):
            remedy = "its wavelengths are those of IRAF's MULTISPEC, which is not read; export it as text (wspectext)"
        raise SpectrumError(f"{source}: no linear wavelength axis (CRVAL1 = {reference}, CDELT1 = {step}); {remedy}")
    if kind.startswith(("FREQ", "VELO", "VRAD", "WAVN", "ENER")):
        raise SpectrumError(f"{source}: the axis is {kind}, not a wavelength; convert it to Angstrom")
    offset = (np.arange(1, header["NAXIS1"] + 1) - float(header.get("CRPIX1", 1.0))) * float(step)
    if header.get("DC-FLAG") == 1:
        return np.asarray(10.0 ** (reference + offset))
    unit = to_angstrom(header.get("CUNIT1"), source)
    if kind == "WAVE-LOG":
        return np.asarray(unit * reference * np.exp(offset / reference))
    return np.asarray(unit * (reference + offset))


def _meta(hdus: Any, kind: str) -> dict[str, Any]:
    """Take what identifies the spectrum from the primary header, or the first extension that has it."""
    meta: dict[str, Any] = {"format": kind}
    keys = {"object": ("OBJECT", "NAME", "TARGET"), "mjd": ("MJD", "MJD-OBS", "MJD_OBS"), "date": ("DATE-OBS",),
            "telescope": ("TELESCOP",), "instrument": ("INSTRUME",), "ra": ("RA", "PLUG_RA"),
            "dec": ("DEC", "PLUG_DEC"), "exposure": ("EXPTIME", "EXPOSURE")}  # fmt: skip
    for name, known in keys.items():
        for header in (hdu.header for hdu in hdus):
            value = next((header[key] for key in known if header.get(key) not in (None, "")), None)
            if value is not None:
                meta[name] = value.strip() if isinstance(value, str) else value
                break
    return meta
