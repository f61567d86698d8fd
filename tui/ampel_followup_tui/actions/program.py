"""What is about the program as a whole."""

from __future__ import annotations

from pathlib import Path

from ampel_followup.decision import Verdict
from ampel_followup_tui.actions.screens import Screens


class ProgramActions(Screens):
    """Go back, write files, explain."""

    async def action_back(self) -> None:
        """Close learning or the target, stop planning, close the plan, select nothing, or clear the filter."""
        if self._learning is not None:
            self.close_learning()
        elif self._opened is not None:
            self._opened = None
            self.pop_screen()
        elif self._plan is not None:
            if not self._plan.stop_planning():
                self._plan = None
                self.pop_screen()
        elif not self._tonight.deselect(self._tonight.selected):
            await self._tonight.clear_filter()

    async def action_export(self) -> None:
        """Ask where the approved targets should go."""
        if not any(decision.verdict == Verdict.APPROVE for decision in self.journal.verdicts.values()):
            self.notify("No target is approved yet, so there is nothing to export.", markup=False)
            return
        from ampel_followup_tui.screens.export import ExportScreen

        def tell(path: Path | None) -> None:
            if path is not None:
                self.notify(f"{'Sent' if self.is_web else 'Wrote'} {path}", markup=False)

        await self._open_dialogue(ExportScreen(self.journal), tell)

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
