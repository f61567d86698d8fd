"""The app: the commands of `commands`, carried out on the journal of one night."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen

from ampel_followup.decision import Verdict
from ampel_followup.errors import FollowupError
from ampel_followup.untrusted import clean
from ampel_followup_tui import commands
from ampel_followup_tui.instants import utc_now
from ampel_followup_tui.journal import Journal
from ampel_followup_tui.screens.tonight import TonightScreen
from ampel_followup_tui.widgets.night_header import NightHeader

if TYPE_CHECKING:
    from textual.command import Provider

    from ampel_followup.store import Store, StoredPlan
    from ampel_followup_tui.screens.plan import PlanScreen, Replan
    from ampel_followup_tui.screens.target import TargetScreen
    from ampel_followup_tui.widgets.detail import Detail


def _provider() -> type[Provider]:
    from ampel_followup_tui.palette import CommandProvider

    return CommandProvider


class FollowupApp(App[None]):
    """
    Tonight's plan on a terminal.

    Parameters
    ----------
    store : Store
        Where the plan comes from and verdicts go to.
    stored : StoredPlan
        The plan to show.
    observer : str
        Who decides here.
    now : callable
        Returns the present moment, with a time zone.
    poll_seconds : float
        How often the verdicts of others are looked for [s].
    on_shown : callable, optional
        Called once the list is on the screen.
    replan : callable, optional
        Plans the rest of a night anew: from a schedule, the closures of each telescope by its key, and the present
        moment. It is run aside, and may raise FollowupError. Without it the app says how it is done elsewhere.
    """

    TITLE = "ampel-followup"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    COMMANDS = {_provider}  # noqa: RUF012
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(command.keys, command.action, command.label, id=command.name, tooltip=command.help)
        for command in commands.COMMANDS
    ]

    def __init__(
        self,
        store: Store,
        stored: StoredPlan,
        observer: str,
        *,
        now: Callable[[], datetime] = utc_now,
        poll_seconds: float = 2.0,
        on_shown: Callable[[], None] | None = None,
        replan: Replan | None = None,
    ) -> None:
        super().__init__()
        self.journal = Journal(store, stored, observer, now)
        self._poll_seconds = poll_seconds
        self._on_shown = on_shown
        self._replan = replan
        self._tonight = TonightScreen(self.journal)
        self._plan: PlanScreen | None = None
        self._opened: TargetScreen | None = None

    def get_default_screen(self) -> Screen[None]:
        """Begin with tonight's list."""
        return self._tonight

    def on_mount(self) -> None:
        """Look for the verdicts of others from time to time."""
        self.set_interval(self._poll_seconds, self._poll_aside)
        self.call_after_refresh(self._read_rest)

    async def _read_rest(self) -> None:
        """With the first targets on the screen, read the others."""
        if not self.journal.complete:
            try:
                await asyncio.to_thread(self.journal.read_rest)
            except FollowupError as error:
                self._complain(error)
            self._tonight.show_plan()
        if self._on_shown is not None:
            self._on_shown()
        try:
            scheduled = await asyncio.to_thread(self.journal.read_timetable)
        except FollowupError as error:
            self._complain(error)
        else:
            if scheduled:
                self._show_timetable()

    def _show_timetable(self) -> None:
        self._tonight.show_plan()
        if self._plan is not None:
            self._plan.show_timetable()
        if self._opened is not None:
            self._opened.show_timetable()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let a key do only what belongs to the screen in front."""
        place = commands.place_of(action)
        if place == commands.Place.ANYWHERE:
            return True
        return (place == commands.Place.PLAN) == (self._plan is not None and self.screen is self._plan)

    @property
    def _lister(self) -> TonightScreen | PlanScreen:
        """The screen whose cursor chooses the target."""
        return self._tonight if self._plan is None else self._plan

    @property
    def current(self) -> str | None:
        """Name of the target under the cursor."""
        return self._lister.current

    @work(exclusive=True, group="poll")
    async def _poll_aside(self) -> None:
        await self.poll()

    async def poll(self) -> None:
        """Show what others decided since the last look."""
        header = self._tonight.query_one(NightHeader)
        try:
            changed = await asyncio.to_thread(self.journal.poll)
            replanned = await asyncio.to_thread(self.journal.read_timetable)
        except FollowupError as error:
            header.trouble = str(error)
        else:
            if header.trouble:
                header.trouble = ""
                self._tonight.show_current()
            self._show_decisions(changed)
            if replanned:
                self._show_timetable()

    def _show_decisions(self, target_ids: Iterable[str]) -> None:
        changed = set(target_ids)
        self._tonight.show_decisions(changed)
        if self._plan is not None:
            self._plan.show_decisions(changed)
        if self._opened is not None:
            self._opened.show_decisions(changed)

    async def _show_target(self, target_id: str) -> None:
        await self._lister.show_target(target_id)
        if self._opened is not None:
            self._opened.show_target(target_id)

    @property
    def _details(self) -> Iterable[Detail]:
        """What stands on the screen in front: one, or none before it is there."""
        from ampel_followup_tui.widgets.detail import Detail

        return self.screen.query(Detail)

    def _complain(self, error: FollowupError | str) -> None:
        self.notify(str(error), severity="error", markup=False, timeout=8)

    async def action_decide(self, verdict: str) -> None:
        """Record a verdict on the current target, then go on to the next that has none."""
        current = self.current
        if current is None:
            return
        target = self.journal.target(current)
        if verdict == Verdict.APPROVE and not target.visibility.observable:
            self._complain(f"{current} cannot be observed tonight: {target.visibility.reason}; defer it instead")
            return
        try:
            await asyncio.to_thread(self.journal.decide, current, Verdict(verdict))
        except FollowupError as error:
            self._complain(error)
            return
        self._show_decisions({current})
        if verdict == Verdict.DEFER and target.placement is not None and target.placement.snoozed_until:
            self.notify(clean(f"{current} comes back on {target.placement.snoozed_until}."), markup=False)
        if self._plan is not None:
            return
        following = self.journal.next_undecided(self._tonight.table.order, current)
        if following is None:
            self.notify("Every target of this list is decided.", markup=False)
        elif self.current == current:
            await self._show_target(following)

    def action_comment(self) -> None:
        """Ask for a comment on the current target."""
        from ampel_followup_tui.screens.comment import CommentScreen

        current = self.current
        if current is None:
            return

        async def record(comment: str) -> None:
            await asyncio.to_thread(self.journal.decide, current, Verdict.COMMENT, comment)
            self._show_decisions({current})

        self.push_screen(CommentScreen(current, record))

    async def action_undo(self) -> None:
        """Take back the observer's latest decision, and go to its target."""
        try:
            undone = await asyncio.to_thread(self.journal.undo)
        except FollowupError as error:
            self._complain(error)
            return
        if undone is None:
            self.notify("Nothing of yours to take back on this night.", markup=False)
            return
        self._show_decisions({undone.target})
        if self.journal.knows(undone.target):
            await self._show_target(undone.target)
        self.notify(f"Took back: {undone.verdict} {undone.target}", markup=False)

    def action_move(self, step: int) -> None:
        """Go to another target of the list."""
        self._lister.move(step)
        if self._opened is not None and self.current is not None:
            self._opened.show_target(self.current)

    async def action_filter(self) -> None:
        """Ask for words to filter by."""
        if self.screen is self._tonight:
            await self._tonight.ask_filter()

    def action_list(self, tab: str) -> None:
        """Show a list, or a group of one."""
        self._tonight.show_list(*tab.split("/"))

    def action_next_list(self) -> None:
        """Show the next list."""
        if self.screen is self._tonight:
            self._tonight.show_next_list()

    def action_next_group(self) -> None:
        """Show the next group of the list."""
        if self.screen is self._tonight and not self._tonight.show_next_group():
            self.notify("This list has no groups.", markup=False)

    def action_open_target(self) -> None:
        """Show the current target on the whole screen."""
        from ampel_followup_tui.screens.target import TargetScreen

        current = self.current
        if current is not None and not self.journal.knows(current):
            self._complain(f"{current} is not in the plan of {self.journal.plan.night.site}: there is no more to show")
        elif current is not None and self._opened is None:
            self._opened = TargetScreen(self.journal, current)
            self.push_screen(self._opened)

    async def action_back(self) -> None:
        """Close the target, stop planning, close the plan, or clear the filter."""
        if self._opened is not None:
            self._opened = None
            self.pop_screen()
        elif self._plan is not None:
            if not self._plan.stop_planning():
                self._plan = None
                self.pop_screen()
        else:
            await self._tonight.clear_filter()

    def action_plan(self) -> None:
        """Show the schedule, or from there the list."""
        from ampel_followup_tui.screens.plan import PlanScreen

        if self._opened is not None:
            self._opened = None
            self.pop_screen()
        if self._plan is None:
            self._plan = PlanScreen(self.journal, self._replan)
            self.push_screen(self._plan)
        else:
            self._plan.stop_planning()
            self._plan = None
            self.pop_screen()

    async def action_mark(self, verdict: str) -> None:
        """Record what became of the block under the cursor, then go on to the next one of its telescope."""
        if self._plan is None or (step := self._plan.step) is None:
            return
        name, night = step.block.target, self.journal.plan.night
        if step.telescope.night.site != night.site:
            self._complain(
                f"{name} is observed at {step.telescope.night.site_name}, and this is the plan of {night.site_name}: "
                f"mark it in `ampel-followup tui --site {step.telescope.night.site}`"
            )
        elif not self.journal.knows(name):
            self._complain(f"{name} is not in the plan of {night.site_name}: only targets of the list are marked")
        else:
            try:
                await asyncio.to_thread(self.journal.decide, name, Verdict(verdict))
            except FollowupError as error:
                self._complain(error)
                return
            self._show_decisions({name})
            self._plan.show_next(step)

    def action_close_until(self) -> None:
        """Ask until when a telescope is closed."""
        if self._plan is not None:
            self._plan.ask_closure()

    def action_replan(self) -> None:
        """Plan the rest of the night anew."""
        if self._plan is not None:
            self._plan.plan_anew()

    def action_pane(self, name: str) -> None:
        """Show a pane of the current target."""
        if name == "assistant" and not self.journal.assisted:
            self.notify("This plan was made without an assistant.", markup=False)
            return
        for detail in self._details:
            detail.pane = name

    def action_next_pane(self) -> None:
        """Show the next pane of the current target."""
        for detail in self._details:
            detail.next_pane()

    def action_flux(self) -> None:
        """Change the light curve between magnitude and flux."""
        for detail in self._details:
            detail.toggle_flux()

    def action_export(self) -> None:
        """Ask where the approved targets should go."""
        if not any(decision.verdict == Verdict.APPROVE for decision in self.journal.verdicts.values()):
            self.notify("No target is approved yet, so there is nothing to export.", markup=False)
            return
        from ampel_followup_tui.screens.export import ExportScreen

        def tell(path: Path | None) -> None:
            if path is not None:
                self.notify(f"Wrote {path}", markup=False)

        self.push_screen(ExportScreen(self.journal), tell)

    def action_drift(self) -> None:
        """Say which features are not as in training."""
        drift = self.journal.drift
        if drift is None:
            self.notify("The run that made this plan did not compare its stream with the training set.", markup=False)
        elif not drift.moved:
            self.notify(drift.sentence or "Tonight's stream is as in training.", markup=False)
        else:
            from ampel_followup_tui.screens.drift import DriftScreen

            self.push_screen(DriftScreen(drift))

    def action_help(self) -> None:
        """Show all commands and signs."""
        from ampel_followup_tui.screens.help import HelpScreen

        self.push_screen(HelpScreen())
