"""A dialogue that lets one thing be chosen from a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ampel_followup.untrusted import clean
from ampel_followup_tui.glyphs import GREY, ORANGE
from ampel_followup_tui.screens.dialogue import Dialogue

# Of a line in the box, without a scroll bar [characters].
_WIDTH = 66


@dataclass(frozen=True, slots=True)
class Choice:
    """
    Something to choose.

    Parameters
    ----------
    key : str
        What is returned.
    caption : str
    help : str
        What is said of it, on the same line.
    why_not : str
        Why it cannot be chosen; empty if it can.
    """

    key: str
    caption: str
    help: str = ""
    why_not: str = ""


class ChoiceScreen(Dialogue[str]):
    """
    Show choices, one a line; dismissed with the key of the chosen one, or with None.

    Parameters
    ----------
    title : str
    choices : sequence of Choice
    chosen : str
        Key of the choice that holds now: the cursor begins there.
    hint : str
        What else can be done, below the list.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("j", "down", "Down"),
        ("k", "up", "Up"),
    ]
    DEFAULT_CSS = """
    ChoiceScreen OptionList {
        max-height: 16;
        border: none;
        padding: 0;
        background: $surface;
    }
    """

    def __init__(self, title: str, choices: Sequence[Choice], chosen: str, hint: str = "") -> None:
        super().__init__()
        self._title = title
        self._choices = tuple(choices)
        self._chosen = chosen
        self._hint = hint

    def compose(self) -> ComposeResult:
        """Lay out the dialogue."""
        width = max((len(clean(choice.caption, 40)) for choice in self._choices), default=0) + 2
        with Vertical(classes="box"):
            yield Static(Text(self._title, "bold"), markup=False)
            yield OptionList(*(self._option(choice, width) for choice in self._choices), markup=False, compact=True)
            yield Static(Text(f"⏎ choose   {self._hint}esc cancel", GREY), id="message", markup=False)

    def on_mount(self) -> None:
        """Put the cursor on what holds now."""
        keys = [choice.key for choice in self._choices]
        self.query_one(OptionList).highlighted = keys.index(self._chosen) if self._chosen in keys else 0

    def _option(self, choice: Choice, width: int) -> Option:
        text = Text(f"{clean(choice.caption, 40):<{width}}", no_wrap=True, overflow="ellipsis")
        if choice.why_not:
            text.append(f"not here: {clean(choice.why_not)}", ORANGE)
        else:
            text.append(clean(choice.help), GREY)
        text.truncate(_WIDTH, overflow="ellipsis")
        return Option(text, disabled=bool(choice.why_not))

    @property
    def highlighted(self) -> Choice | None:
        """The choice under the cursor."""
        here = self.query_one(OptionList).highlighted
        return None if here is None else self._choices[here]

    def action_down(self) -> None:
        """Go down."""
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        """Go up."""
        self.query_one(OptionList).action_cursor_up()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take the choice."""
        self.dismiss(self._choices[event.option_index].key)
