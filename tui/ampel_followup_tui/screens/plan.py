"""The schedule of the night: whether we are on time, and what comes next."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar, TypeAlias

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.getters import app
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import Worker

from ampel_followup.errors import FollowupError
from ampel_followup.timetable import Closure, Timetable
from ampel_followup.untrusted import clean
from ampel_followup_tui.actions.screens import Screens
from ampel_followup_tui.block_columns import block_columns, span
from ampel_followup_tui.commands import Place
from ampel_followup_tui.course import Step, delay
from ampel_followup_tui.glyphs import GREEN, GREY, ORANGE, VERMILION
from ampel_followup_tui.instants import zone
from ampel_followup_tui.journal import Journal
from ampel_followup_tui.jumping import Row
from ampel_followup_tui.panes.next_up import next_up
from ampel_followup_tui.panes.remarks import left_out, notes
from ampel_followup_tui.panes.timeline import timeline
from ampel_followup_tui.screens import SCREEN_BINDINGS
from ampel_followup_tui.screens.closing import ClosingScreen
from ampel_followup_tui.widgets.key_bar import KeyBar
from ampel_followup_tui.widgets.steady_table import SteadyTable

#: Plans the rest of a night anew: schedule, closures by telescope, the present moment → schedule.
Replan: TypeAlias = Callable[[Timetable, Mapping[str, tuple[Closure, ...]], datetime], Timetable]

_TICK_SECONDS = 1.0
_SCROLL_BAR = 1
# The picture takes a share of the screen: 6 lines of 24.
_SHARE_OF_THE_PICTURE = 4
# So do the latest notes: 3 lines of 24.
_SHARE_OF_THE_NOTES = 8
_ON_TIME = timedelta(minutes=1)
_ABSENT = (
    "No schedule of {night} for {site} is in the store.\n\n"
    "`ampel-followup plan make` makes one; it is shown here as soon as it is there."
)


class BlockTable(SteadyTable[Step]):
    """The blocks in order of time, each known by telescope and target."""


class PlanScreen(Screen[None], inherit_bindings=False):
    """
    The schedule as a picture, and as a list of blocks.

    Parameters
    ----------
    journal : Journal
        The night.
    replan : callable, optional
        Plans the rest of the night anew.
    """

    app = app(Screens)
    AUTO_FOCUS: ClassVar[str | None] = "BlockTable"
    BINDINGS: ClassVar[list[BindingType]] = SCREEN_BINDINGS
    PLACE: ClassVar[Place] = Place.PLAN

    DEFAULT_CSS = """
    PlanScreen {
        #title {
            height: 1;
            background: $panel;
        }
        #timeline {
            height: auto;
            max-height: 50%;
            scrollbar-size-vertical: 1;
        }
        #next {
            height: auto;
            background: $surface;
        }
        #next.-absent {
            padding: 1 2;
        }
        #remarks {
            height: auto;
        }
    }
    """

    def __init__(self, journal: Journal, replan: Replan | None) -> None:
        super().__init__()
        self._journal = journal
        self._replan = replan
        self._planning: Worker[None] | None = None
        self._planning_since = journal.now()
        self._course: dict[str, Step] = {}
        self._shown: tuple[str, ...] = ()
        # Written when the screen is mounted, which may be before what stands within its parts is.
        self._picture = Static(markup=False)

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        yield Static(id="title", markup=False)
        with VerticalScroll(id="timeline", can_focus=False):
            yield self._picture
        yield Static(id="next", markup=False)
        yield BlockTable()
        yield Static(id="remarks", markup=False)
        yield KeyBar(Place.PLAN)

    def on_mount(self) -> None:
        """Begin at what is on, or else at what comes next, and keep the clock right."""
        self.show_timetable()
        now = self._journal.now()
        ahead = (key for key, step in self._course.items() if step.is_open and step.end > now)
        first = next(ahead, None)
        if first is not None:
            self.table.show(first)
        self.set_interval(_TICK_SECONDS, self._tick)

    @property
    def table(self) -> BlockTable:
        """The list of blocks."""
        return self.query_one(BlockTable)

    @property
    def rows(self) -> list[Row]:
        """What can be jumped to."""
        return [Row(key, step.number, step.block.target) for key, step in self._course.items()]

    def go_to(self, key: str) -> None:
        """Put the cursor on a block of the list, by its key."""
        self.table.show(key)

    @property
    def step(self) -> Step | None:
        """The block under the cursor; None in an empty schedule."""
        return self._course.get(self.table.current or "")

    @property
    def current(self) -> str | None:
        """Name of the target under the cursor."""
        return None if self.step is None else self.step.block.target

    def move(self, by: int) -> None:
        """Put the cursor on another block; behind an opened target, on the next one whose target can be opened."""
        order = self.table.order
        if self.table.current is None:
            return
        here = order.index(self.table.current)
        path = order[here + 1 :] if by > 0 else order[:here][::-1]
        reached = [
            key for key in path if self.app.screen is self or self._journal.knows(self._course[key].block.target)
        ]
        if reached:
            self.table.show(reached[min(abs(by), len(reached)) - 1])

    async def show_target(self, target_id: str) -> None:
        """Put the cursor on the block of a target, if it has one."""
        step = self._journal.scheduled(target_id)
        if step is not None:
            self.table.show(step.key)

    def show_next(self, step: Step) -> None:
        """Go on from a block that is done to the next open one of its telescope; the cursor stays if it moved on."""
        if self.table.current == step.key:
            later = [other for other in self._course.values() if other.number > step.number and other.is_open]
            following = next((other for other in later if other.telescope == step.telescope), None)
            if following is not None:
                self.table.show(following.key)

    def show_decisions(self, target_ids: Iterable[str]) -> None:
        """Show what became of these targets; the cursor stays."""
        if not {step.block.target for step in self._course.values()}.isdisjoint(target_ids):
            self.show_timetable()

    def show_timetable(self) -> None:
        """Show the schedule as the journal has it now; the cursor stays on its target."""
        self._course = {step.key: step for step in self._journal.course}
        columns = block_columns(self.app.size.width - _SCROLL_BAR, self._journal, telescopes=self._n_telescopes > 1)
        self.table.fill(self._course, columns)
        self._write()

    def on_resize(self) -> None:
        """Fill the new size."""
        self.show_timetable()

    def on_screen_resume(self) -> None:
        """Show what happened while another screen was in front."""
        self._write()

    def on_data_table_row_highlighted(self) -> None:
        """Show in the picture where the cursor is."""
        self._write()

    def _tick(self) -> None:
        """Write what the clock changes: each minute, and each second while a plan is made."""
        if self._shown != self._moment:
            self._write()
            self.table.repaint(self.table.order)

    @property
    def _moment(self) -> tuple[str, ...]:
        minute = self._journal.now().strftime("%H:%M")
        return (minute,) if self._planning is None else (minute, f"{self._seconds_of_planning:.0f}")

    @property
    def _seconds_of_planning(self) -> float:
        return (self._journal.now() - self._planning_since).total_seconds()

    @property
    def _n_telescopes(self) -> int:
        return 0 if self._journal.timetable is None else len(self._journal.timetable.telescopes)

    def _write(self) -> None:
        """Write title, picture and what comes next."""
        journal, width, now = self._journal, self.app.size.width, self._journal.now()
        self._shown = self._moment
        self.query_one("#title", Static).update(self._title(now, width))
        self._write_remarks(width)
        absent = journal.timetable is None
        following = self.query_one("#next", Static)
        following.set_class(absent, "-absent")
        for part in (self.query_one("#timeline"), self.table):
            part.display = not absent
        if journal.timetable is None:
            night = journal.plan.night
            following.update(Text(_ABSENT.format(night=night.date, site=clean(night.site_name))))
            return
        course, telescopes = tuple(self._course.values()), journal.timetable.telescopes
        picture = timeline(
            course,
            telescopes,
            now,
            width,
            lines=self.app.size.height // _SHARE_OF_THE_PICTURE,
            chosen=self.table.current,
        )
        picture.rstrip()
        self._picture.update(picture)
        coming = next_up(course, now, width, telescopes=len(telescopes) > 1)
        coming.rstrip()
        following.update(coming)

    def _write_remarks(self, width: int) -> None:
        """Write which telescopes were left out, and the latest notes."""
        journal = self._journal
        missing = journal.timetable.left_out if journal.timetable is not None else ()
        room = self.app.size.height // _SHARE_OF_THE_NOTES
        text = left_out(missing, width)
        text.append_text(notes(journal.notebook.notes, journal.plan.night.timezone, width, room))
        text.rstrip()
        remarks = self.query_one("#remarks", Static)
        remarks.display = bool(text)
        remarks.update(text)

    def show_notes(self) -> None:
        """Show the notes as they are now."""
        self._write()
        self.table.repaint(self.table.order)

    def _title(self, now: datetime, width: int) -> Text:
        night, timetable = self._journal.plan.night, self._journal.timetable
        local, utc = f"{now.astimezone(zone(night.timezone)):%H:%M}", f"{now.astimezone(UTC):%H:%M}"
        value, short_value, strategy, state = Text(), Text(), "", Text()
        if timetable is not None:
            value = short_value = Text(f"  value {timetable.value:.2f}", "bold")
            if not math.isnan(timetable.bound):
                value = Text.assemble(value, f" of at most {timetable.bound:.2f}")
                short_value = Text.assemble(short_value, f" ≤ {timetable.bound:.2f}")
            strategy = f"  {clean(timetable.strategy, 24)}"
            state = self._punctuality(timetable, now)
        if self._planning is not None:
            state = Text(f"re-planning {self._seconds_of_planning:.0f} s, {self.app.key('back')} stops  ", ORANGE)
        left, right = Text(), Text()
        long_clocks, short_clocks = f"{local} local  {utc} UTC ", f"{local}={utc}UT "
        for worth, what, clocks in (
            (value, strategy, long_clocks),
            (value, "", short_clocks),
            (short_value, "", short_clocks),
        ):
            left = Text.assemble((f" plan {night.date}", "bold"), worth, (what, GREY))
            right = Text.assemble(state, clocks)
            if left.cell_len + right.cell_len < width:
                break
        left.truncate(max(0, width - right.cell_len - 1), overflow="ellipsis")
        return Text.assemble(left, " " * max(1, width - left.cell_len - right.cell_len), right, no_wrap=True, end="")

    def _punctuality(self, timetable: Timetable, now: datetime) -> Text:
        """Say how late or early the latest telescope of this site is."""
        planned_from = datetime.fromisoformat(timetable.planned_from)
        delays = delay(tuple(self._course.values()), self._journal.plan.night.site, planned_from, now)
        if not delays:
            return Text()
        telescope, late = max(delays.items(), key=lambda item: item[1])
        who = f"{clean(telescope, 12)} " if len(timetable.telescopes) > 1 else ""
        if late >= _ON_TIME:
            return Text(f"{who}{span(late)} late  ", f"bold {VERMILION}")
        return Text("on time  " if late > -_ON_TIME else f"{who}{span(late)} early  ", GREEN)

    def ask_closure(self) -> None:
        """Ask until when the telescope under the cursor is closed, then plan anew."""
        step, now = self.step, self._journal.now()
        if step is None:
            return
        if self._replan is None:
            self._say_how("closed")
            return

        site = step.telescope.night.site
        others = [
            telescope
            for telescope in (self._journal.timetable.telescopes if self._journal.timetable is not None else ())
            if telescope.night.site == site and telescope != step.telescope
        ]
        self.app.push_screen(ClosingScreen([step.telescope, *others], now), self._plan_with)

    def _plan_with(self, closed: Mapping[str, Closure] | None) -> None:
        if closed:
            self.plan_anew(closed)

    def plan_anew(self, closed: Mapping[str, Closure] | None = None) -> None:
        """Plan the rest of the night anew, aside; what is done stays."""
        timetable = self._journal.timetable
        if timetable is None:
            return
        if self._replan is None:
            self._say_how("re-planned")
        elif self._planning is not None:
            self.app.notify(f"A plan is being made; {self.app.key('back')} stops it.", markup=False)
        else:
            new = closed or {}
            closures = {
                telescope.telescope: (
                    *telescope.closures,
                    *((new[telescope.telescope],) if telescope.telescope in new else ()),
                )
                for telescope in timetable.telescopes
            }
            self._planning_since = self._journal.now()
            self._planning = self.run_worker(
                self._plan_aside(self._replan, timetable, closures), group="replan", exit_on_error=False
            )
            self._write()

    async def _plan_aside(
        self, replan: Replan, timetable: Timetable, closures: Mapping[str, tuple[Closure, ...]]
    ) -> None:
        before, value = {step.key: step.block.start for step in self._journal.course}, timetable.value
        try:
            made = await asyncio.to_thread(replan, timetable, closures, self._journal.now())
            await asyncio.to_thread(self._journal.keep_timetable, made)
        except FollowupError as error:
            self._complain(str(error))
        except Exception as error:  # a planner that breaks must not end the night of the observer
            self._complain(f"the planner failed ({error!r}); the schedule is as it was, please report this")
        else:
            after = {step.key: step.block.start for step in self._journal.course}
            moved = sum(after.get(key) != start for key, start in before.items())
            self.app.notify(
                f"Planned anew: value {made.value:.2f} (was {value:.2f}), {moved} blocks moved or gone, "
                f"{len(after.keys() - before.keys())} new.",
                markup=False,
            )
        finally:
            self._planning = None
            if self.is_attached:
                self.show_timetable()

    def stop_planning(self) -> bool:
        """Stop the plan that is being made, if there is one; nothing of it is kept."""
        if self._planning is None:
            return False
        self._planning.cancel()
        self.app.notify("Stopped; the schedule is as it was.", markup=False)
        return True

    def _complain(self, message: str) -> None:
        self.app.notify(message, severity="error", markup=False, timeout=8)

    def _say_how(self, what: str) -> None:
        self.app.notify(
            f"A night is {what} on the command line: `ampel-followup plan replan --help`; "
            "the new schedule is shown here as soon as it is there.",
            markup=False,
            timeout=8,
        )
