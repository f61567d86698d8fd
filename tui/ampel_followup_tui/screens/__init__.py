"""The screens."""

from __future__ import annotations

from textual.binding import Binding, BindingType
from textual.screen import Screen

#: Textual's keys of a screen, without tab: that one is a command here.
SCREEN_BINDINGS: list[BindingType] = [
    binding for binding in Screen.BINDINGS if isinstance(binding, Binding) and "tab" not in binding.key
]
