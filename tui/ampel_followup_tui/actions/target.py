"""Looking at one target."""

from __future__ import annotations

from ampel_followup_tui.actions.screens import Screens


class TargetActions(Screens):
    """Open a target, and choose what is shown of it."""

    def action_open_target(self) -> None:
        """Show the current target on the whole screen."""
        from ampel_followup_tui.screens.target import TargetScreen

        current = self.current
        if current is not None and not self.journal.knows(current):
            self._complain(f"{current} is not in the plan of {self.journal.plan.night.site}: there is no more to show")
        elif current is not None and self._opened is None:
            self._opened = TargetScreen(self.journal, current)
            self.push_screen(self._opened)

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
