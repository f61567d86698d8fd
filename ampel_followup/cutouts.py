"""Cutouts: small pictures of an object, scaled for the eye and packed; plain Python, so that reading stays quick."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

#: What an alert brings, in the order in which it is shown.
NAMES = ("science", "reference", "difference")

#: Brightnesses of a pixel: 1 to this; 0 where there is none.
LEVELS = 63

#: Widest and highest cutout that is kept [pixels].
LARGEST = 255


@dataclass(frozen=True, slots=True)
class Cutout:
    """
    One picture.

    Parameters
    ----------
    width, height : int
        In pixels.
    pixels : bytes
        Row by row from the top, 1 (dark) to `LEVELS`; 0 where the image has no value. Of a difference the middle level
        is no change.
    """

    width: int
    height: int
    pixels: bytes


@dataclass(frozen=True, slots=True)
class Cutouts:
    """
    The pictures of an object from one alert.

    Parameters
    ----------
    id : str
        Survey name of the object.
    candid : int
        The survey's number of the detection.
    mjd : float
        When it was taken, UTC.
    band : str
        Name of the band.
    scale : float
        Of the pixels [arcsec]; NaN where it is not known.
    images : tuple of (Cutout or None)
        In the order of `NAMES`; None for one that is missing.
    """

    id: str
    candid: int
    mjd: float
    band: str
    scale: float
    images: tuple[Cutout | None, ...]


# Compressed by zlib: uint8 the number of this layout; for each of NAMES uint8 width, uint8 height (0, 0: missing), and
# width × height bytes.
_LAYOUT = 1
_COMPRESSION_LEVEL = 6
_MOST_BYTES = 1 + len(NAMES) * (2 + LARGEST * LARGEST)


def pack_images(images: tuple[Cutout | None, ...]) -> bytes:
    """Return pictures in the layout above."""
    packed = (struct.pack("<BB", image.width, image.height) + image.pixels if image else b"\0\0" for image in images)
    return zlib.compress(struct.pack("<B", _LAYOUT) + b"".join(packed), _COMPRESSION_LEVEL)


def unpack_images(packed: bytes) -> tuple[Cutout | None, ...]:
    """
    Return packed pictures.

    Raises
    ------
    ValueError
        If the bytes are damaged or of an unknown layout.
    """
    try:
        data = zlib.decompressobj().decompress(packed, _MOST_BYTES)
    except zlib.error as error:
        raise ValueError(f"cutouts are damaged: {error}") from error
    if not data:
        raise ValueError("cutouts are damaged: they end too early")
    if data[:1] != struct.pack("<B", _LAYOUT):
        raise ValueError(f"cutouts have the unknown layout {data[:1]!r}")
    images: list[Cutout | None] = []
    offset = 1
    for _ in NAMES:
        width, height = data[offset : offset + 1], data[offset + 1 : offset + 2]
        size = int.from_bytes(width) * int.from_bytes(height)
        pixels = data[offset + 2 : offset + 2 + size]
        if not height or len(pixels) != size:
            raise ValueError("cutouts are damaged: they end too early")
        images.append(Cutout(width[0], height[0], pixels) if size else None)
        offset += 2 + size
    return tuple(images)
