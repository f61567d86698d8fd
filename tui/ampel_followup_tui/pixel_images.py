"""Pictures in the pixels of the terminal, where it can draw them: sixel, or the protocol of kitty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ampel_followup.cutouts import LEVELS, Cutout
from ampel_followup.errors import FollowupError

if TYPE_CHECKING:
    from textual.widget import Widget


def pixel_image() -> type[Widget] | None:
    """
    Ask the terminal how it draws pictures; only before an app runs on it, which would take its answer for keys.

    Returns
    -------
    type of Widget or None
        A widget with an attribute ``image``; None where half blocks are the best that there is.

    Raises
    ------
    FollowupError
        If what draws them is not installed.
    """
    try:
        # Importing it asks.
        from textual_image import renderable, widget
    except ImportError as error:
        raise FollowupError("--images needs more: pip install 'ampel-followup[images]'") from error
    found: type[Widget] = widget.Image
    return found if renderable.Image in (renderable.SixelImage, renderable.TGPImage) else None


def picture_of(cutout: Cutout) -> Any:
    """Return a cutout as an image of Pillow, in the greys of half blocks."""
    from PIL import Image

    from ampel_followup_tui.half_blocks import grey_value

    greys = bytes(grey_value(level) for level in range(LEVELS + 1))
    return Image.frombytes("L", (cutout.width, cutout.height), cutout.pixels.translate(greys.ljust(256, b"\xff")))
