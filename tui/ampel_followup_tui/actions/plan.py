"""The schedule of the night."""

from __future__ import annotations

import asyncio

from textual import work

from ampel_followup.decision import Verdict
from ampel_followup.errors import FollowupError
from ampel_followup_tui.actions.screens import Screens

# Notes are short; what is longer than some screens of text is cut, and so are those of long ago [characters, lines].
_WHOLE_NOTE, _ALL_NOTES = 2000, 200


class PlanActions(Screens):
    """Show the schedule, say what became of its blocks, and plan anew."""

    def action_plan(self) -> None:
        """Show the schedule, or from there the list."""
        from ampel_followup_tui.screens.plan import PlanScreen

        learning = self._learning is not None
        self.close_learning()
        if self._opened is not None:
            self._opened = None
            self.pop_screen()
        if learning and self._plan is not None:
            return
        if self._plan is None:
            self._plan = PlanScreen(self.journal, self._replan)
            self.push_screen(self._plan)
            self.read_notes()
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

    @work(exclusive=True, group="notes", exit_on_error=False)
    async def read_notes(self) -> None:
        """Show what was written down since the last look."""
        try:
            new = await asyncio.to_thread(self.journal.notebook.read)
        except FollowupError:
            return  # the list says what is wrong with the store
        if new and self._plan is not None:
            self._plan.show_notes()

    async def action_note(self) -> None:
        """Ask for a note on the night, or on what is under the cursor."""
        if self._plan is None:
            return
        from ampel_followup_tui.panes.remarks import notes
        from ampel_followup_tui.screens.note import NoteScreen

        night, step = self.journal.plan.night, self._plan.step
        subjects = [(f"the night at {night.site_name}", "", "")]
        if step is not None:
            key, target = step.block.telescope, step.block.target
            telescope = step.telescope.name or key
            subjects += [(telescope, key, ""), (f"{target} at {telescope}", key, target)]
        written = notes(self.journal.notebook.notes, night.timezone, _WHOLE_NOTE, _ALL_NOTES)
        written.no_wrap = False

        async def record(text: str, telescope: str, target: str) -> None:
            await asyncio.to_thread(self.journal.notebook.write, text, telescope, target)
            if self._plan is not None:
                self._plan.show_notes()

        await self._open_dialogue(NoteScreen(subjects, written, record))
