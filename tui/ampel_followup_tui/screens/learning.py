"""Learning: whether last week's spectra paid, what the next ones would teach, and which models are in use."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.reactive import reactive
from textual.screen import Screen
from textual.widgets import Static

from ampel_followup.champions import Challenger
from ampel_followup.errors import FollowupError
from ampel_followup.learning_state import Returned
from ampel_followup.teaching import what_spectra_teach
from ampel_followup.untrusted import clean
from ampel_followup_tui.commands import Place
from ampel_followup_tui.glyphs import GREY, VERMILION
from ampel_followup_tui.journal import Journal
from ampel_followup_tui.learning import Learned, read_learned
from ampel_followup_tui.learning_columns import challenger_columns, label_columns
from ampel_followup_tui.panes import learning as panes
from ampel_followup_tui.panes.flow import paragraph
from ampel_followup_tui.screens import SCREEN_BINDINGS
from ampel_followup_tui.widgets.key_bar import KeyBar
from ampel_followup_tui.widgets.steady_table import SteadyTable
from ampel_followup_tui.widgets.tab_strip import Tab, TabStrip

if TYPE_CHECKING:
    from textual import events

LABELS, CHALLENGERS, NEXT, DRIFT, HISTORY = "labels", "challengers", "next", "drift", "history"
PANES = (
    Tab(LABELS, ("labels",), command=f"learning-{LABELS}"),
    Tab(CHALLENGERS, ("challengers", "models"), command=f"learning-{CHALLENGERS}"),
    Tab(NEXT, ("next spectra", "next"), command=f"learning-{NEXT}"),
    Tab(DRIFT, ("drift",), command=f"learning-{DRIFT}"),
    Tab(HISTORY, ("promotions", "history"), command=f"learning-{HISTORY}"),
)

_WIDE = 120
# A border, a margin and the scroll bar stand beside a text, the scroll bar beside a table [characters].
_BESIDE_TEXT, _SCROLL_BAR = 4, 1
# Challengers that are in sight at a time, below their heading [lines].
_HEADING, _MOST_IN_SIGHT = 1, 6


class LabelTable(SteadyTable[Returned]):
    """Labels that came back, each known by its number."""


class ChallengerTable(SteadyTable[Challenger]):
    """Challengers, each known by its name."""


class LearningScreen(Screen[None], inherit_bindings=False):
    """
    Labels that came back, and how challengers compare; panes take turns in a narrow terminal.

    Parameters
    ----------
    journal : Journal
        The night: its store, and the plan that the next spectra are of.
    """

    AUTO_FOCUS: ClassVar[str | None] = "LabelTable"
    BINDINGS: ClassVar[list[BindingType]] = SCREEN_BINDINGS
    PLACE: ClassVar[Place] = Place.LEARNING

    # The style of the screen, narrow or wide, decides what is seen.
    SCOPED_CSS = False
    DEFAULT_CSS = """
    LearningScreen {
        background: $background;
        #title {
            height: 1;
            background: $panel;
        }
        #used {
            height: auto;
            padding: 0 1;
        }
        #tabs {
            background: $surface;
        }
        #said, .text {
            height: auto;
            padding: 0 1;
        }
        .scroll {
            height: 1fr;
            scrollbar-size-vertical: 1;
        }
        .column {
            height: 1fr;
        }
        .hint {
            padding: 1 2;
            height: auto;
            display: none;
        }
        .-empty SteadyTable, .-empty #said {
            display: none;
        }
        .-empty .hint {
            display: block;
        }
    }
    .-narrow LearningScreen, LearningScreen.-narrow {
        #returned, #challengers, #next, #drift, #history, #compared {
            display: none;
        }
        .column {
            height: auto;
            max-height: 1fr;
        }
        &.-labels #left, &.-next #left {
            height: 1fr;
        }
        &.-challengers #right, &.-drift #right, &.-history #right {
            height: 1fr;
        }
        &.-labels #returned, &.-next #next, &.-challengers #challengers, &.-challengers #compared,
        &.-drift #drift, &.-history #history {
            display: block;
        }
        &.-labels #right, &.-next #right, &.-challengers #left, &.-drift #left, &.-history #left {
            display: none;
        }
    }
    .-wide LearningScreen, LearningScreen.-wide {
        #tabs {
            display: none;
        }
        #body {
            layout: horizontal;
        }
        .column {
            width: 1fr;
        }
        #right {
            border-left: solid $surface-lighten-2;
        }
        #returned {
            height: 1fr;
        }
        #compared, #history {
            margin: 1 0;
        }
        #next {
            max-height: 50%;
            border-top: solid $surface-lighten-2;
        }
    }
    """

    pane: reactive[str] = reactive(LABELS, init=False)

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal
        self.learned: Learned | None = None
        self._labels: dict[str, Returned] = {}
        self._challengers: dict[str, Challenger] = {}

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        yield Static(id="title", markup=False)
        yield Static(Text("reading the store …", GREY), id="used", markup=False)
        yield TabStrip(PANES, "learning_pane", id="tabs")
        with Container(id="body"):
            with Vertical(id="left", classes="column"):
                with Vertical(id="returned"):
                    yield LabelTable()
                    yield Static(id="said", markup=False)
                    yield Static(panes.NO_LABELS, classes="hint", markup=False)
                with VerticalScroll(id="next", classes="scroll", can_focus=False):
                    yield Static(id="teaching", classes="text", markup=False)
            with Vertical(id="right", classes="column"):
                with Vertical(id="challengers"):
                    yield ChallengerTable()
                    yield Static(panes.NO_CHALLENGER, classes="hint", markup=False)
                with VerticalScroll(id="evidence", classes="scroll", can_focus=False):
                    yield Static(id="compared", classes="text", markup=False)
                    yield Static(id="drift", classes="text", markup=False)
                    yield Static(id="history", classes="text", markup=False)
        yield KeyBar(Place.LEARNING)

    def on_mount(self) -> None:
        """Read the store aside."""
        self.watch_pane("", self.pane)
        self._write_title()
        self.read()

    @work(exclusive=True, group="learning", exit_on_error=False)
    async def read(self) -> None:
        """Read what the loop has learned so far, and show it."""
        try:
            self.learned = await asyncio.to_thread(read_learned, self._journal.store)
        except FollowupError as error:
            self.query_one("#used", Static).update(
                Text(paragraph(clean(str(error)), self.app.size.width - 2, "! "), VERMILION)
            )
            return
        if self.is_attached:
            self.show_learned()

    @work(exclusive=True, group="look", exit_on_error=False)
    async def look(self) -> None:
        """Read again if something came."""
        if self.learned is not None:
            try:
                newest = await asyncio.to_thread(self._journal.store.learning.newest)
            except FollowupError:
                return  # the list says what is wrong with the store
            if newest != self.learned.newest:
                self.read()

    @property
    def challenger(self) -> Challenger | None:
        """The challenger under the cursor; None if there is none."""
        return self._challengers.get(self.query_one(ChallengerTable).current or "")

    @property
    def _wide(self) -> bool:
        return self.app.size.width >= _WIDE

    @property
    def _widths(self) -> tuple[int, int]:
        """Room in the left and in the right column [characters]."""
        width = self.app.size.width
        return (width // 2, width - width // 2 - 1) if self._wide else (width, width)

    def show_learned(self) -> None:
        """Show what was read; cursors stay on their rows."""
        learned = self.learned
        if learned is None:
            return
        left, right = self._widths
        self._labels = {str(returned.label): returned for returned in learned.state.returned}
        self._challengers = {challenger.name: challenger for challenger in learned.state.challengers}
        self.query_one(LabelTable).fill(self._labels, label_columns(left - _SCROLL_BAR))
        digest = learned.state.in_use.bundle_digest
        self.query_one(ChallengerTable).fill(self._challengers, challenger_columns(right - _SCROLL_BAR, digest))
        self.query_one("#returned").set_class(not self._labels, "-empty")
        shelf = self.query_one("#challengers")
        shelf.set_class(not self._challengers, "-empty")
        shelf.styles.height = _HEADING + min(len(self._challengers), _MOST_IN_SIGHT) if self._challengers else "auto"
        self._write_title()
        self.query_one("#used", Static).update(_stripped(panes.in_use(learned, self.app.size.width - 2)))
        warnings, promotions = learned.state.drift, learned.state.history
        self.query_one("#drift", Static).update(panes.drift(warnings, right - _BESIDE_TEXT))
        self.query_one("#history", Static).update(panes.history(promotions, right - _BESIDE_TEXT))
        self._write_next()
        self._write_current()

    def show_decisions(self) -> None:
        """Show what the next spectra would teach after verdicts."""
        self._write_next()

    def move(self, step: int) -> None:
        """Move the cursor of the list that is in use, or scroll what has none."""
        table = self._table
        if table is None:
            for scroll in self.query(".scroll"):
                scroll.scroll_relative(y=step, animate=False)
        elif table.order and table.current is not None:
            here = table.order.index(table.current) + step
            table.show(table.order[min(len(table.order) - 1, max(0, here))])

    def page(self, pages: float) -> None:
        """Go down the labels by so many pages; other lists are short, and what stands below them is scrolled."""
        table = self._table
        if isinstance(table, LabelTable):
            self.move(round(pages * table.rows_in_sight))
            return
        for scroll in self.query(".scroll" if table is None else "#evidence"):
            scroll.scroll_relative(y=round(pages * scroll.size.height), animate=False)

    @property
    def _table(self) -> LabelTable | ChallengerTable | None:
        if self.pane == CHALLENGERS:
            return self.query_one(ChallengerTable)
        return self.query_one(LabelTable) if self.pane == LABELS else None

    def next_pane(self) -> None:
        """Go on to the next pane."""
        keys = [tab.key for tab in PANES]
        self.pane = keys[(keys.index(self.pane) + 1) % len(keys)]

    def watch_pane(self, before: str, pane: str) -> None:
        """Show a pane: alone in a narrow terminal; else put the cursor there, or bring it into sight."""
        self.remove_class(f"-{before}")
        self.add_class(f"-{pane}")
        self.query_one("#tabs", TabStrip).chosen = pane
        if (table := self._table) is not None:
            table.focus()
        elif pane != NEXT and self._wide:
            self.query_one("#evidence").scroll_to_widget(self.query_one(f"#{pane}"), animate=False, top=True)

    def on_data_table_row_highlighted(self) -> None:
        """Follow the cursors."""
        self._write_current()

    def on_resize(self, _: events.Resize) -> None:
        """Fill the new size."""
        self.show_learned()

    def on_screen_resume(self) -> None:
        """Show what happened while another screen was in front."""
        self._write_next()
        self.look()

    def _write_title(self) -> None:
        night = self._journal.plan.night
        title = Text.assemble((" learning", "bold"), f"  {night.date} {clean(night.site, 20)}", no_wrap=True, end="")
        right = Text(f"{clean(self._journal.observer, 20)} ", GREY)
        gap = self.app.size.width - title.cell_len - right.cell_len
        self.query_one("#title", Static).update(title.append(" " * max(1, gap)).append_text(right))

    def _write_next(self) -> None:
        if self.learned is not None:
            teaching = what_spectra_teach(self._journal.plan, self._journal.verdicts)
            challengers = self.learned.state.challengers
            text = panes.next_spectra(teaching, challengers, self._widths[0] - _BESIDE_TEXT)
            self.query_one("#teaching", Static).update(_stripped(text))

    def _write_current(self) -> None:
        """Write what the rows under the cursors say."""
        learned = self.learned
        if learned is None:
            return
        left, right = self._widths
        returned = self._labels.get(self.query_one(LabelTable).current or "")
        said = panes.label(returned, left - _BESIDE_TEXT) if returned is not None else Text()
        self.query_one("#said", Static).update(_stripped(said))
        challenger, text = self.challenger, Text()
        if challenger is not None:
            report, used = learned.report_of(challenger), learned.uses(challenger)
            text = panes.comparison(challenger, report, right - _BESIDE_TEXT, in_use=used)
        self.query_one("#compared", Static).update(text)


def _stripped(text: Text) -> Text:
    text.rstrip()
    return text
