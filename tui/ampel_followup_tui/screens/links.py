"""Pages of others about a target: to open, or to copy where there is nothing to open them with."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ampel_followup.links import Link
from ampel_followup.untrusted import clean
from ampel_followup_tui.browsing import has_display, open_in_browser
from ampel_followup_tui.glyphs import GREY
from ampel_followup_tui.screens.dialogue import Dialogue

_LONGEST_NAME = 16
# Of the address, beside the name, in a box of 76 columns [characters]; all of it stands below the list.
_LONGEST_ADDRESS = 50


class LinksScreen(Dialogue[None]):
    """
    A list of links, with the whole address of the one under the cursor.

    Parameters
    ----------
    title : str
        Name of the target.
    links : sequence of Link
        At least one.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,L,q", "dismiss", "Close"),
        ("y", "copy", "Copy"),
        ("j", "down", "Down"),
        ("k", "up", "Up"),
    ]

    DEFAULT_CSS = """
    LinksScreen OptionList, LinksScreen OptionList:focus {
        height: auto;
        max-height: 12;
        margin: 1 0;
        padding: 0;
        border: none;
        background: $surface;
    }
    LinksScreen #address {
        height: 3;
        color: $text-muted;
    }
    """

    def __init__(self, title: str, links: tuple[Link, ...]) -> None:
        super().__init__()
        self._name = clean(title, 40)
        self._links = links

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with Vertical(classes="box"):
            yield Static(Text(f"Pages about {self._name}", "bold"), markup=False)
            yield OptionList(*(Option(_line(link)) for link in self._links), markup=False)
            yield Static(id="address", markup=False)
            yield Static(Text("⏎ open   y copy the address   esc close", GREY), markup=False)

    def on_mount(self) -> None:
        """Begin with the first link."""
        self.query_one(OptionList).focus()

    @property
    def _chosen(self) -> Link:
        return self._links[self.query_one(OptionList).highlighted or 0]

    def on_option_list_option_highlighted(self) -> None:
        """Write out the address."""
        self.query_one("#address", Static).update(Text(self._chosen.url, overflow="fold"))

    async def on_option_list_option_selected(self) -> None:
        """Open the page, or copy its address where it cannot be opened."""
        link = self._chosen
        if self.app.is_web:
            # The page opens in the browser that the app itself is shown in.
            self.app.open_url(link.url)
        elif not (has_display() and await asyncio.to_thread(open_in_browser, link.url)):
            self.action_copy()
            return
        self.notify(f"Opened {clean(link.name, 40)}.", markup=False)

    def action_copy(self) -> None:
        """Copy the address to the clipboard of the terminal."""
        self.app.copy_to_clipboard(self._chosen.url)
        self.notify(f"Copied {self._chosen.url}", markup=False)

    def action_down(self) -> None:
        """Go to the next link."""
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        """Go to the link before."""
        self.query_one(OptionList).action_cursor_up()


def _line(link: Link) -> Text:
    address = clean(link.url.removeprefix("https://").removeprefix("http://"), _LONGEST_ADDRESS)
    return Text(f"{clean(link.name, _LONGEST_NAME):<{_LONGEST_NAME}} ").append(address, GREY)
