"""A dialogue that says what others decided meanwhile, before anything is recorded over it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ampel_followup.decision import Decision
from ampel_followup.plan import NightSummary
from ampel_followup.untrusted import clean
from ampel_followup_tui.glyphs import DISAGREE, GREY
from ampel_followup_tui.panes.history import word_of
from ampel_followup_tui.screens.dialogue import Dialogue

_MOST_SHOWN = 8


class ConflictScreen(Dialogue[list[str]]):
    """
    Ask whether to overrule others; dismissed with the targets that are left to them, or with None: nothing at all.

    Parameters
    ----------
    theirs : sequence of Decision
        What others decided, that this observer had not seen.
    verdict : str
        What this observer was about to say.
    n_targets : int
        Of how many targets.
    night : NightSummary
        The night; times are on its clock.
    """

    def __init__(self, theirs: Sequence[Decision], verdict: str, n_targets: int, night: NightSummary) -> None:
        super().__init__()
        self._theirs = tuple(theirs)
        self._verdict = verdict
        self._n_targets = n_targets
        self._night = night

    def compose(self) -> ComposeResult:
        """Lay out the dialogue; what changes nothing comes first."""
        n = len(self._theirs)
        with Vertical(classes="box"):
            sign, _, style = DISAGREE
            yield Static(Text.assemble((f"{sign} ", style), ("Decided by others meanwhile", "bold")), markup=False)
            yield Static(self._list(), markup=False)
            options = [Option(Text("leave it as it is, and record nothing"), id="nothing")]
            if n < self._n_targets:
                others = self._n_targets - n
                options.append(Option(Text(f"leave these, and {self._verdict} the other {others}"), id="others"))
            options.append(
                Option(Text(f"{self._verdict} all the same: both stay in the history, yours holds"), id="overrule")
            )
            yield OptionList(*options, compact=True)
            yield Static(Text("⏎ choose   esc record nothing", GREY), markup=False)

    def _list(self) -> Text:
        text = Text("\n")
        for decision in self._theirs[:_MOST_SHOWN]:
            text.append(f"{clean(decision.target, 40)}  ")
            text.append_text(word_of(decision, self._night)).append("\n")
        more = len(self._theirs) - _MOST_SHOWN
        return text.append(f"and {more} more\n" if more > 0 else "", GREY)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take the answer."""
        answers = {"nothing": None, "others": [decision.target for decision in self._theirs], "overrule": []}
        self.dismiss(answers[str(event.option_id)])
