"""The screens."""

from __future__ import annotations

from textual.binding import Binding, BindingType
from textual.screen import Screen

from ampel_followup_tui.commands.command import Place

#: Textual's keys of a screen, without tab: that one is a command here.
SCREEN_BINDINGS: list[BindingType] = [
    binding for binding in Screen.BINDINGS if isinstance(binding, Binding) and "tab" not in binding.key
]


def place_of_screen(screen: Screen[object]) -> Place:
    """Return what a screen is about, which it says as ``PLACE``: the list and its targets if it does not."""
    place = getattr(screen, "PLACE", Place.TARGETS)
    return place if isinstance(place, Place) else Place.TARGETS
