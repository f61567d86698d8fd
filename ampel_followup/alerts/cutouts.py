r"""
Cutouts of alerts, from FITS to pictures for the eye.

A pixel x becomes asinh((x − s) / 2σ), with the median s and the scatter σ = 1.4826 MAD of the image: the noise of the
sky keeps its contrast, and a bright nucleus does not drown its surroundings (Lupton, Gunn & Szalay 1999, AJ 118, 1406).
The darkest level is 3σ below the sky, the lightest the brightest pixel, or 5σ above the sky if that is more. In a
difference image s is 0 and the scale reaches as far down as up, so that no change is the middle level.
"""

from __future__ import annotations

import gzip
import io
import math
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ampel_followup.alerts.archive import Progress, read_alerts
from ampel_followup.alerts.packet import Packet
from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.alerts.writer_schemas import WriterSchemas
from ampel_followup.cutouts import LARGEST, LEVELS, NAMES, Cutout, Cutouts

# A cutout inflates to 19 kB; more than this is damage or malice.
_MOST_BYTES = 1 << 20

_DARKEST, _LEAST_RANGE, _SOFTENING = 3.0, 5.0, 2.0


@dataclass(slots=True)
class CutoutReport:
    """What came of the cutouts of an archive: how many were made, and how often each reason was met for none."""

    made: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


def read_cutouts(
    paths: Sequence[Path | str],
    wanted: Collection[str],
    *,
    report: CutoutReport | None = None,
    progress: Progress | None = None,
    schemas: WriterSchemas | None = None,
) -> list[Cutouts]:
    """
    Return the cutouts of the newest alert of each object that has any.

    Parameters
    ----------
    paths : sequence of path
        As for `ampel_followup.alerts.archive.read_alerts`; read once more, so that a run that wants no cutouts carries
        none.
    wanted : collection of str
        Survey names of the objects.
    report : CutoutReport, optional
        Is filled in.
    progress : callable, optional
        Called now and then with the bytes read and the bytes in all.
    schemas : WriterSchemas, optional
        As for `ampel_followup.alerts.archive.read_alerts`.

    Returns
    -------
    list of Cutouts
        In order of the names; some 7 kB each once packed.

    Raises
    ------
    AlertError
        As `read_alerts`.
    """
    report = CutoutReport() if report is None else report
    newest: dict[str, Cutouts] = {}
    for packet in read_alerts(paths, quarantine=Quarantine(), progress=progress, schemas=schemas):
        if packet.object_id not in wanted or not any(packet.cutouts):
            continue
        exposure = _exposure(packet)
        if exposure is None:
            report.reasons["no time or filter"] += 1
            continue
        mjd, band = exposure
        known = newest.get(packet.object_id)
        if known is not None and (known.mjd, known.candid) >= (mjd, packet.candid):
            continue
        images = tuple(_images(packet, report))
        if any(images):
            newest[packet.object_id] = Cutouts(packet.object_id, packet.candid, mjd, band, packet.survey.pixel, images)
    report.made = len(newest)
    return [newest[name] for name in sorted(newest)]


def _exposure(packet: Packet) -> tuple[float, str] | None:
    try:
        return packet.survey.exposure(packet.candidates[0])
    except (TypeError, ValueError):  # it is in quarantine already
        return None


def _images(packet: Packet, report: CutoutReport) -> Iterator[Cutout | None]:
    for name, stamp in zip(NAMES, packet.cutouts, strict=True):
        if stamp is None:
            yield None
            continue
        try:
            yield picture(read_stamp(stamp), signed=name == "difference")
        except ValueError as error:
            report.reasons[str(error)] += 1
            yield None


def read_stamp(stamp: bytes) -> NDArray[np.float64]:
    """
    Return the image of a cutout.

    Parameters
    ----------
    stamp : bytes
        FITS with one image, gzipped or not.

    Returns
    -------
    ndarray, shape (height, width)
        The first row is the lowest, as FITS has it; NaN where there is no value.

    Raises
    ------
    ValueError
        If it cannot be read, or is too large; the message is the same for the same sort of damage.
    """
    from astropy.io import fits
    from astropy.utils.exceptions import AstropyWarning

    if stamp[:2] == b"\x1f\x8b":
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(stamp)) as file:
                stamp = file.read(_MOST_BYTES)
        except (OSError, EOFError, zlib.error):
            raise ValueError("damaged gzip") from None
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)
            with fits.open(io.BytesIO(stamp[:_MOST_BYTES]), memmap=False) as hdus:
                data = next(hdu.data for hdu in hdus if hdu.data is not None)
                image = np.array(data, dtype=np.float64)
    except Exception:
        # astropy meets damaged bytes with whatever its code runs into.
        raise ValueError("damaged FITS") from None
    if image.ndim != 2 or not all(0 < size <= LARGEST for size in image.shape):
        raise ValueError(f"no image of at most {LARGEST} × {LARGEST} pixels")
    return image


def picture(image: NDArray[np.float64], *, signed: bool) -> Cutout:
    """
    Scale an image for the eye, as the docstring of the module says.

    Parameters
    ----------
    image : ndarray, shape (height, width)
        The first row is the lowest; NaN where there is no value.
    signed : bool
        It is a difference.

    Returns
    -------
    Cutout
    """
    known = np.isfinite(image)
    values = image[known]
    if len(values) == 0:
        return Cutout(image.shape[1], image.shape[0], bytes(image.size))
    sky = 0.0 if signed else float(np.median(values))
    scatter = 1.4826 * float(np.median(np.abs(values - np.median(values))))
    scatter = scatter or float(np.abs(values - sky).max()) or 1.0
    stretched = np.arcsinh((np.where(known, image, sky) - sky) / (_SOFTENING * scatter))
    high = max(float(np.abs(stretched).max() if signed else stretched.max()), math.asinh(_LEAST_RANGE / _SOFTENING))
    low = -high if signed else -math.asinh(_DARKEST / _SOFTENING)
    levels = 1.0 + np.round((np.clip(stretched, low, high) - low) / (high - low) * (LEVELS - 1))
    pixels = np.where(known, levels, 0.0).astype(np.uint8)[::-1]
    return Cutout(image.shape[1], image.shape[0], pixels.tobytes())
