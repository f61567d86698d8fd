"""All that is known of one target: light curve, reasons, visibility, history, and what the assistant says."""

from __future__ import annotations

import asyncio
import math
from contextlib import ExitStack
from typing import TYPE_CHECKING

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.message import Message
from textual.reactive import reactive

from ampel_followup.errors import FollowupError
from ampel_followup.plan import RankedTarget
from ampel_followup.untrusted import clean
from ampel_followup_tui.dossier import Background, Records, read_background, read_records
from ampel_followup_tui.glyphs import GREY, VERMILION
from ampel_followup_tui.instants import mjd
from ampel_followup_tui.journal import Journal
from ampel_followup_tui.panes.assistant import assistant
from ampel_followup_tui.panes.classes import classes
from ampel_followup_tui.panes.flow import paragraph
from ampel_followup_tui.panes.history import disagreement, history
from ampel_followup_tui.panes.past import labels_text, nights_text
from ampel_followup_tui.panes.places import places, places_text
from ampel_followup_tui.panes.visibility import position, visibility
from ampel_followup_tui.panes.why import why
from ampel_followup_tui.widgets.airmass_plot import AirmassPlot
from ampel_followup_tui.widgets.cutouts import CutoutsView
from ampel_followup_tui.widgets.detail_style import STYLE
from ampel_followup_tui.widgets.light_curve import LightCurveView
from ampel_followup_tui.widgets.plain import TextColumn, Words
from ampel_followup_tui.widgets.tab_strip import Tab, TabStrip

if TYPE_CHECKING:
    from ampel_followup.cutouts import Cutouts

_ASSISTANT = Tab("assistant", ("assistant",), command="assistant")
_WHY = Tab("why", ("why",), command="why")
_CLASSES = Tab("classes", ("classes",), command="classes")
_CUTOUTS = Tab("cutouts", ("cutouts",), command="cutouts")
PANES = (
    Tab("light-curve", ("light curve",), command="light-curve"),
    _WHY,
    Tab("visibility", ("visibility",), command="visibility"),
    Tab("history", ("history",), command="history"),
)

# A border, a margin and the scroll bar stand beside the text [characters].
_BESIDE_TEXT = 4
# A position in all its forms takes one line from here on [characters].
_WHOLE_POSITION = 70

# Lines of a picture of the airmass, and of what is said above and below it.
_HIGHEST_PLOT, _LOWEST_PLOT = 14, 8
_TEXT_BESIDE_PLOT = 10

# Longest time that the screen waits for what is read, so that all of it is painted together: three paints would take
# three times as long [s].
_AT_ONCE = 0.06
_READING = "Reading …"

_NO_TARGET = Text("No target.", GREY)

# What is read of a target is shown in these; they go one after the other when their screen is closed.
_READ_INTO = ("LightCurveView Picture", "CutoutsView", "AirmassPlot", "#history", "#surroundings")


class Detail(Container):
    """
    Panes about one target: side by side in a wide terminal, one at a time in a narrow one.

    Reasons, classes and, in plans that have one, the assistant's pane share a place in a wide terminal; on the whole
    screen they stand below one another.

    Parameters
    ----------
    journal : Journal
        The night.
    whole_screen : bool
        Give the light curve half of a wide terminal, and take the focus: the keys of the cursor then scroll the text.
    """

    # The style of the screen, narrow or wide, decides what is seen.
    SCOPED_CSS = False
    DEFAULT_CSS = STYLE

    pane: reactive[str] = reactive("light-curve", init=False)

    class Ready(Message):
        """All parts are there."""

        def __init__(self, detail: Detail) -> None:
            super().__init__()
            self.detail = detail

    def __init__(self, journal: Journal, *, whole_screen: bool = False) -> None:
        super().__init__()
        self._journal = journal
        self._whole_screen = whole_screen
        self.set_class(whole_screen, "-whole-screen")
        self._target: RankedTarget | None = None
        self._turns = (_WHY, _ASSISTANT, _CLASSES) if journal.assisted else (_WHY, _CLASSES)
        self._panes = (*PANES, *self._turns[1:], _CUTOUTS)
        self._records: Records | None = None
        self._background: Background | None = None
        # When to stop waiting for what is read of the target; None once it is shown [s].
        self._due: float | None = None
        self.is_ready = False

    def compose(self) -> ComposeResult:
        """Lay out the panes; what is seen of them is a matter of the style sheet."""
        yield TabStrip(self._panes, "pane", id="panes")
        with Vertical(id="pictures"):
            yield LightCurveView(id="light-curve")
            yield CutoutsView(id="cutouts")
        with TextColumn(id="reasons", classes="texts", can_focus=self._whole_screen):
            yield TabStrip(self._turns, "pane", id="takes-turns")
            yield Words(id="why")
            yield Words(id="classes")
            if self._journal.assisted:
                yield Words(id="assistant")
        with TextColumn(id="circumstances", classes="texts", can_focus=self._whole_screen):
            yield Words(id="visibility")
            yield AirmassPlot(id="airmass")
            yield Words(id="history")
            yield Words(id="surroundings")

    def on_mount(self) -> None:
        """Begin with the first pane."""
        # It may be told so while the app closes, and its parts are gone.
        if self.app.is_running:
            self.watch_pane(self.pane)
            self.is_ready = True
            self.post_message(self.Ready(self))

    def watch_pane(self, pane: str) -> None:
        """Show another pane, where one is shown at a time."""
        self.query_one("#panes", TabStrip).chosen = pane
        for tab in self._panes:
            self.set_class(tab.key == pane, f"-{tab.key}")
        names = [tab.key for tab in self._turns]
        self.query_one("#takes-turns", TabStrip).chosen = pane if pane in names else names[0]
        if self._whole_screen:
            self.query_one("#circumstances" if pane in ("visibility", "history") else "#reasons").focus()
            if pane in names:
                # Where they stand below one another, the one that was asked for comes into sight.
                self.call_after_refresh(self.query_one(f"#{pane}").scroll_visible, top=True, animate=False)
        self._write()

    def next_pane(self) -> None:
        """Go on to the next pane."""
        names = [tab.key for tab in (self._turns if self.screen.has_class("-wide") else self._panes)]
        if self.pane not in names:
            self.pane = names[0]
        self.pane = names[(names.index(self.pane) + 1) % len(names)]

    def show_pane(self, name: str) -> None:
        """Show a pane by its name."""
        self.pane = name

    @property
    def light_curve(self) -> LightCurveView:
        """The picture of the light curve."""
        return self.query_one(LightCurveView)

    @property
    def target(self) -> RankedTarget | None:
        """What is shown."""
        return self._target

    def on_resize(self) -> None:
        """Fill the new width."""
        self._write()
        self._write_past()
        if self._background is not None:
            self._show_cutouts(self._background.cutouts, self._background.no_cutouts)

    def show(self, target: RankedTarget | None) -> None:
        """Show a target; its light curve and its history are read aside, so that the cursor never waits."""
        if self._target is None or target is None or target.id != self._target.id:
            self._records = self._background = None
        self._target = target
        self._write()
        self._read()

    @property
    def _room(self) -> int:
        """Width of a column of text [characters]."""
        shares = (3.5 if self._whole_screen else 3) if self.screen.has_class("-wide") else 1
        return int(self.size.width / shares) - _BESIDE_TEXT

    def _write(self) -> None:
        """Write what the plan knows."""
        target, night, room = self._target, self._journal.plan.night, self._room
        if target is None:
            self._fill(
                dict.fromkeys(("why", "classes", "assistant", "visibility", "surroundings", "history"), _NO_TARGET)
            )
        elif room > 0:
            where = position(target, "\n" if room < _WHOLE_POSITION else "   ")
            now, step = self._journal.now(), self._journal.scheduled(target.id)
            plot = self.query_one(AirmassPlot)
            seen = self.screen.has_class("-wide") or self.pane == "visibility"
            plot.display = seen and self._has_room_for_plot and not all(map(math.isnan, target.visibility.airmass))
            sky = visibility(target, night, now, room, scheduled=step, bar=not plot.display)
            if plot.display:
                track = self._background.tracks[0][1] if self._background is not None else None
                plot.styles.height = min(_HIGHEST_PLOT, self.size.height - _TEXT_BESIDE_PLOT)
                plot.show(target, night, now, step if step and step.telescope.night.site == night.site else None, track)
            # Side by side, it stands above all else; one at a time, at the head of the history.
            words = self._journal.disagreement(target.id) if self.screen.has_class("-wide") else ()
            self._fill({"visibility": Text.assemble(disagreement(words, night), where, "\n", sky)})
            # The others take turns, mostly, and what is not seen need not be written after each key.
            seen_texts = self._seen_texts
            if "why" in seen_texts:
                self._fill({"why": why(target, room, with_classes="classes" not in seen_texts)})
            if "classes" in seen_texts:
                self._fill({"classes": classes(target, room)})
            if "assistant" in seen_texts:
                self._fill({"assistant": assistant(target, room)})

    @property
    def _seen_texts(self) -> set[str]:
        """Which of the texts are seen that take turns in most places."""
        names = [tab.key for tab in self._turns]
        if not self.screen.has_class("-wide"):
            return {self.pane}
        return set(names) if self._whole_screen else {self.pane if self.pane in names else names[0]}

    @property
    def _has_room_for_plot(self) -> bool:
        """True if a picture of the airmass leaves room for what is said about the target."""
        return self.size.height >= _LOWEST_PLOT + _TEXT_BESIDE_PLOT

    def _fill(self, texts: dict[str, Text]) -> None:
        for name, text in texts.items():
            for pane in self.query(f"#{name}").results(Words):
                pane.write(text)

    @property
    def _tonight(self) -> float:
        """The moment that the brightness is asked for: when it is scheduled, else when it stands best, else dusk."""
        target, night = self._target, self._journal.plan.night
        if target is None:
            return mjd(night.dusk)
        step = self._journal.scheduled(target.id)
        if step is not None and step.telescope.night.site == night.site:
            return mjd(step.block.start)
        return mjd(target.visibility.best or night.dusk)

    @work(exclusive=True, group="detail")
    async def _read(self) -> None:
        """Read what the store knows besides the plan, and then what follows from it; paint all of it together."""
        target, store, loop = self._target, self._journal.store, asyncio.get_running_loop()
        if not self._is_there():
            return
        if target is None:
            self._due = None
            self.light_curve.show(None, 0.0, _NO_TARGET.plain)
            self._show_cutouts(None)
            return
        if self._due is None:
            self._due = loop.time() + _AT_ONCE
        with ExitStack() as together:
            together.enter_context(self.app.batch_update())

            def paint_without() -> None:
                if self._is_there():
                    self._show_read()
                together.close()

            late = loop.call_at(self._due, paint_without)
            try:
                self._records = await asyncio.to_thread(read_records, store, target)
                if not self._is_there():
                    return
                if loop.time() > self._due:
                    self._show_read()
                where = places(self._journal.plan.night, self._journal.timetable)
                self._background = await asyncio.to_thread(
                    read_background, store, target, self._records.curve, self._tonight, where
                )
                if not self._is_there():
                    return
                self._show_read()
                self._due = None
            except FollowupError as error:
                if not self._is_there():
                    return
                self._show_read()
                self.query_one("#history", Words).write(Text(clean(str(error)), VERMILION))
            finally:
                late.cancel()

    def _show_read(self) -> None:
        """Show what was read of the target so far, and nothing of the one before."""
        records, background, dusk = self._records, self._background, mjd(self._journal.plan.night.dusk)
        if records is None:
            self.light_curve.show(None, dusk, _READING)
        else:
            attention = self._target.attention if self._target is not None else None
            self.light_curve.show(records.curve, dusk, attention=attention)
        if background is None:
            self._show_cutouts(None, _READING)
        else:
            self.light_curve.add(background.fit, background.redshift)
            self._show_cutouts(background.cutouts, background.no_cutouts)
            self.query_one(AirmassPlot).add(background.tracks[0][1])
        self._write_past()

    def _show_cutouts(self, cutouts: Cutouts | None, trouble: str = "") -> None:
        """Draw cutouts; below the light curve they take what they need, and half of the room at most."""
        view = self.query_one(CutoutsView)
        view.show(cutouts, trouble)
        if self._whole_screen and self.screen.has_class("-wide"):
            width = int(self.size.width * 1.5 / 3.5)
            view.styles.height = min(view.rows_for(width), max(2, self.size.height // 2))
        else:
            view.styles.height = "1fr"

    def _is_there(self) -> bool:
        """Return False once the observer has left, and the panes are gone, or some of them."""
        if not (self.is_attached and self.screen in self.app.screen_stack):
            return False
        return all(self.query(part) for part in _READ_INTO)

    def _write_past(self) -> None:
        """Write what was read of the target."""
        night, room = self._journal.plan.night, self._room
        if self._target is None or room <= 0:
            return
        background = self._background
        past = history(self._records.decisions, night) if self._records is not None else Text(_READING, GREY)
        if not self.screen.has_class("-wide"):
            past = disagreement(self._journal.disagreement(self._target.id), night).append_text(past)
        if background is not None:
            past = labels_text(background.labels, room).append_text(past).append("\n")
            past.append_text(nights_text(background.nights, night, room))
        self.query_one("#history", Words).write(past)
        around = Text()
        if background is not None:
            around.append_text(places_text(background.tracks, room))
            around.append(paragraph(background.surroundings, room, "○ ") if background.surroundings else "")
        self.query_one("#surroundings", Words).write(around)
