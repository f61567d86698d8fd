"""The cutouts of a target: science, reference and difference side by side, in half blocks or in pixels."""

from __future__ import annotations

import math
from itertools import chain

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from ampel_followup.cutouts import NAMES, Cutouts
from ampel_followup_tui.glyphs import GREY, short_band
from ampel_followup_tui.half_blocks import half_block_lines, shade_lines
from ampel_followup_tui.instants import date_of_mjd
from ampel_followup_tui.pixel_images import picture_of

_GAP = 1
# Smaller pictures show nothing [characters].
_NARROWEST = 8
_NONE = (
    "No cutouts in the store: `ampel-followup rank … --cutouts` keeps those of what it lists, "
    "where the alerts bring any."
)


class CutoutsView(Widget):
    """Three pictures with their names above, and what they are below; or why there are none."""

    DEFAULT_CSS = """
    CutoutsView {
        layout: horizontal;
        width: 100%;
        height: 1fr;
        padding: 0 1;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._cutouts: Cutouts | None = None
        self._lines: list[Strip] = []
        self._drawn: tuple[Cutouts | None, Size, str] | None = None
        self._absent = ""
        self._pixels: list[Widget] = []

    def show(self, cutouts: Cutouts | None, trouble: str = "") -> None:
        """
        Draw cutouts.

        Parameters
        ----------
        cutouts : Cutouts or None
            None where there are none.
        trouble : str
            Why they cannot be shown, if there are some.
        """
        self._cutouts, self._absent = cutouts, trouble or _NONE
        self._place_pixels()
        self.refresh()

    def on_mount(self) -> None:
        """Take what draws in pixels, if there is something; it stands where half blocks would."""
        pixel_image = getattr(self.app, "pixel_image", None)
        if pixel_image is not None:
            self._pixels = [pixel_image() for _ in NAMES]
            self.mount(*self._pixels)

    def on_resize(self) -> None:
        """Fill the new size."""
        self._place_pixels()

    def _place_pixels(self) -> None:
        """Put pictures in pixels below their names; one that is missing leaves a gap of the same width."""
        side = self._side(self.size.width, self.size.height - 2)
        images = self._cutouts.images if self._cutouts is not None else (None,) * len(NAMES)
        missing = 0
        for pixels, image in zip(self._pixels, images, strict=False):
            pixels.display = image is not None and side >= _NARROWEST
            if image is None:
                missing += 1
            elif pixels.display:
                pixels.image = picture_of(image)  # type: ignore[attr-defined]
                pixels.styles.width, pixels.styles.height = side, side // 2
                pixels.styles.margin = (1, _GAP, 0, 0)
                pixels.styles.offset = (missing * (side + _GAP), 0)

    def rows_for(self, width: int) -> int:
        """Return how many lines all take at a width: for those who lay it out."""
        side = self._side(width - 2, 10**6)
        return side // 2 + 2 if self._cutouts is not None and side >= _NARROWEST else 2

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        drawn = (self._cutouts, self.size, self._absent)
        if self._drawn != drawn:
            self._drawn, self._lines = drawn, self._draw()
        line = self._lines[y] if y < len(self._lines) else Strip.blank(self.size.width)
        return line.apply_style(self.rich_style)

    @staticmethod
    def _side(width: int, height: int) -> int:
        """Return the width of a picture [characters]: twice its height, even, and all three in the room there is."""
        side = min((width - _GAP * (len(NAMES) - 1)) // len(NAMES), 2 * height)
        return max(0, side - side % 2)

    def _draw(self) -> list[Strip]:
        width, height = self.size
        cutouts = self._cutouts
        if cutouts is None:
            return self._text(Text(self._absent, GREY))
        side = self._side(width, height - 2)
        if side < _NARROWEST:
            return self._text(Text("The cutouts have no room here.", GREY))
        gap = [Segment(" " * _GAP)]
        header = "".join(f"{name[:side]:<{side + _GAP}}" for name in NAMES)
        blank = [[Segment(" " * side)]] * (side // 2)
        in_blocks = [None if self._pixels else image for image in cutouts.images]
        lines_of = shade_lines if self.app.no_color else half_block_lines
        pictures = [lines_of(image, side, side // 2) if image else blank for image in in_blocks]
        lines = [
            Strip(list(chain.from_iterable([*part, *gap] for part in row))).adjust_cell_length(width)
            for row in zip(*pictures, strict=True)
        ]
        grey = Style(color=GREY)
        about = f"{date_of_mjd(cutouts.mjd)} {short_band(cutouts.band)}"
        first = next((image for image in cutouts.images if image is not None), None)
        if first is not None and not math.isnan(cutouts.scale):
            about += f"   {first.width * cutouts.scale:.0f}″ wide"
        missing = [name for name, image in zip(NAMES, cutouts.images, strict=True) if image is None]
        about += f"   no {', no '.join(missing)}" if missing else ""
        return [
            Strip([Segment(header, grey)]).adjust_cell_length(width),
            *lines,
            Strip([Segment(about, grey)]).adjust_cell_length(width),
        ]

    def _text(self, text: Text) -> list[Strip]:
        console = self.app.console
        lines = text.wrap(console, max(1, self.size.width))
        return [Strip(line.render(console)).adjust_cell_length(self.size.width) for line in lines]
