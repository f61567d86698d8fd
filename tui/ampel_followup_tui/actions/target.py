"""Looking at one target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ampel_followup.untrusted import clean
from ampel_followup_tui.actions.screens import Screens
from ampel_followup_tui.zoom import SHIFT

if TYPE_CHECKING:
    from ampel_followup_tui.widgets.detail import Detail


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
        self._ask_detail(lambda detail: detail.show_pane(name))

    def action_next_pane(self) -> None:
        """Show the next pane of the current target."""
        self._ask_detail(lambda detail: detail.next_pane())

    def action_flux(self) -> None:
        """Change the light curve between magnitude and flux."""
        self._ask_detail(lambda detail: detail.light_curve.toggle_flux())

    def action_absolute(self) -> None:
        """Change the light curve between apparent and absolute magnitude."""
        self._ask_detail(self._toggle_absolute)

    def _toggle_absolute(self, detail: Detail) -> None:
        if not detail.light_curve.toggle_absolute() and detail.target is not None:
            name = clean(detail.target.id, 40)
            self.notify(
                f"No redshift is known of {name}: `ampel-followup label set` takes one with a class.", markup=False
            )

    def action_zoom(self, factor: float) -> None:
        """See a stretch of the light curve that is so many times longer."""
        self._ask_detail(lambda detail: detail.light_curve.zoom(factor))

    def action_pan(self, step: int) -> None:
        """See an earlier (negative) or later stretch of the light curve."""
        self._ask_detail(lambda detail: detail.light_curve.pan(SHIFT * step))

    def action_show_all(self) -> None:
        """See the whole light curve."""
        self._ask_detail(lambda detail: detail.light_curve.show_all())
