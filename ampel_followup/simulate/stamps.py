"""
Cutouts of simulated alerts: what the camera sees around a detection, in the reference and in the difference of both.

Stars are Gaussians of the seeing, galaxies exponential discs; both stand where the record of the detection says that a
catalogue or the reference has them. The noise of the sky is that of the limiting magnitude: a star at the limit, five
times its error, is F = 5 · 2 √π s σ above a sky of scatter σ per pixel, with the Gaussian width s [pixels].
"""

from __future__ import annotations

import math
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.simulate.night import SimulatedObject

Image = NDArray[np.float64]

#: Width and height of a cutout [pixels], as ZTF's.
SIZE = 63

#: Names of the files in a packet, by its fields.
STAMPS = {"cutoutScience": "sci", "cutoutTemplate": "ref", "cutoutDifference": "diff"}

_BANDS = {1: "g", 2: "r", 3: "i"}
_FWHM_TO_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))
_NOTHING = -900.0  # ZTF's mark of what is missing lies below

# Scatter of the sky in counts, which are whole: noise in single precision, as ZTF's, would be most of an archive.
_SKY_SCATTER = 3.0
# References are put together from many exposures.
_SCATTER_OF_REFERENCE = 0.5
# A catalogue's source this close to that of the reference is the same [pixels].
_SAME = 1.5
_GALAXY_BELOW = 0.5  # score of a star
_SCALE_LENGTHS = (1.5, 3.5)  # of galaxies [pixels]
# By how much the images of a bad subtraction are shifted against each other [pixels].
_SHIFT = 0.35

_BLOCK = 2880
_SATURATED = 32767
_CARDS = ("SIMPLE  =                    T", "BITPIX  =                   16", "NAXIS   =                    2")
_HEADER = "".join(f"{card:<80}" for card in (*_CARDS, f"NAXIS1  = {SIZE:>20}", f"NAXIS2  = {SIZE:>20}", "END"))
_GZIP = 31  # bits of the window, and a header of gzip


def stamps(simulated: SimulatedObject, record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """
    Return the cutouts of a detection.

    Parameters
    ----------
    simulated : SimulatedObject
    record : dict
        One of its candidate records with a detection.

    Returns
    -------
    dict of str to dict
        By the fields of a packet: ``fileName`` and ``stampData``, gzipped FITS. The same detection has the same bytes.
    """
    science, reference = scene(simulated, record)
    images = dict(zip(STAMPS, (science, reference, science - reference), strict=True))
    return {
        field: {"fileName": f"candid{record['candid']}_{name}.fits.gz", "stampData": _fits(images[field])}
        for field, name in STAMPS.items()
    }


def scene(simulated: SimulatedObject, record: dict[str, Any]) -> tuple[Image, Image]:
    """
    Return the image of a detection, and that of the reference, in whole counts, the first row the lowest.

    Parameters
    ----------
    simulated : SimulatedObject
    record : dict
        One of its candidate records with a detection.

    Returns
    -------
    science, reference : ndarray, shape (SIZE, SIZE)
    """
    # Not the generator of the night: the alerts are the same with and without cutouts, and what stands around an object
    # is the same in all of its detections.
    sky = np.random.default_rng(list(simulated.id.encode()))
    noise = np.random.default_rng(record["candid"])
    width = record["fwhm"] / _FWHM_TO_SIGMA
    # Counts of a star of magnitude 0.
    unit = 10.0 * math.sqrt(math.pi) * width * _SKY_SCATTER * 10.0 ** (0.4 * record["diffmaglim"])
    centre = (SIZE - 1) / 2.0 + noise.uniform(-0.5, 0.5, 2)
    standing = np.zeros((SIZE, SIZE))
    for distance, magnitude, score in _neighbours(record):
        angle, length = sky.uniform(0.0, 2.0 * math.pi), sky.uniform(*_SCALE_LENGTHS)
        at = centre + distance * np.array([math.cos(angle), math.sin(angle)])
        shape = _star(at, width) if score >= _GALAXY_BELOW else _galaxy(at, math.hypot(length, width), sky)
        standing += unit * 10.0 ** (-0.4 * magnitude) * shape
    sign = 1.0 if record["isdiffpos"] == "t" else -1.0
    change = sign * unit * 10.0 ** (-0.4 * record["magpsf"]) * _change(simulated, centre, width, noise)
    science = standing + change + _SKY_SCATTER * noise.standard_normal((SIZE, SIZE))
    reference = standing + _SCATTER_OF_REFERENCE * _SKY_SCATTER * noise.standard_normal((SIZE, SIZE))
    return np.round(science), np.round(reference)


def _neighbours(record: dict[str, Any]) -> list[tuple[float, float, float]]:
    """Return distance [pixels], magnitude and score of a star of what stands near."""
    band = _BANDS[record["fid"]]
    found = [
        (record[f"distpsnr{n}"], record[f"s{band}mag{n}"], record[f"sgscore{n}"])
        for n in (1, 2, 3)
        if record[f"distpsnr{n}"] > _NOTHING
    ]
    distance = record["distnr"]
    if distance > _NOTHING and all(abs(distance - known) > _SAME for known, _, _ in found):
        found.append((distance, record["magnr"], 1.0))
    return found


def _change(simulated: SimulatedObject, centre: Image, width: float, noise: np.random.Generator) -> Image:
    """Return what has changed: a star, or what looks like one to software alone."""
    if simulated.label != "bogus":
        return _star(centre, width)
    if simulated.subtype == "residual":
        angle = noise.uniform(0.0, 2.0 * math.pi)
        shift = _SHIFT * np.array([math.cos(angle), math.sin(angle)])
        residual = _star(centre + shift, width) - _star(centre - shift, width)
        return residual * float(_star(centre, width).max() / residual.max())
    spike = np.zeros((SIZE, SIZE))
    row, column = np.round(centre).astype(int)
    spike[row, column] = 1.0
    return spike


def _star(at: Image, width: float) -> Image:
    """Return a Gaussian of sum 1 at a row and a column."""
    pixels = np.arange(SIZE)
    down, across = (np.exp(-0.5 * ((pixels - place) / width) ** 2) for place in at)
    image: Image = np.outer(down, across) / (2.0 * math.pi * width**2)
    return image


def _galaxy(at: Image, length: float, rng: np.random.Generator) -> Image:
    """Return an inclined exponential disc of sum 1."""
    angle, ratio = rng.uniform(0.0, math.pi), rng.uniform(0.35, 1.0)
    down, across = np.arange(SIZE)[:, None] - at[0], np.arange(SIZE)[None, :] - at[1]
    along = across * math.cos(angle) + down * math.sin(angle)
    aside = down * math.cos(angle) - across * math.sin(angle)
    radius = np.sqrt(along**2 + (aside / ratio) ** 2)
    image: Image = np.exp(-radius / length) / (2.0 * math.pi * ratio * length**2)
    return image


def _fits(image: Image) -> bytes:
    pixels = np.clip(image, -_SATURATED, _SATURATED).astype(">i2").tobytes()
    padded = pixels.ljust(-(-len(pixels) // _BLOCK) * _BLOCK, b"\0")
    # Noise never repeats itself: there is nothing to look for but frequent values.
    packer = zlib.compressobj(wbits=_GZIP, strategy=zlib.Z_HUFFMAN_ONLY)
    return packer.compress(_HEADER.ljust(_BLOCK).encode("ascii") + padded) + packer.flush()
