"""Moving about in the lists."""

from __future__ import annotations

from ampel_followup_tui.actions.screens import Screens

# More rows than any list has: the cursor stops at the ends.
_BEYOND = 1_000_000


class ListActions(Screens):
    """Choose what the list shows, and the target under its cursor."""

    def action_move(self, step: int) -> None:
        """Go to another target of the list, or another row about learning."""
        if self._learning is not None:
            self._learning.move(step)
            return
        self._lister.move(step)
        if self._opened is not None and self.current is not None:
            self._opened.show_target(self.current)

    def action_move_to_end(self, direction: int) -> None:
        """Go to the first (-1) or the last (1) target of the list."""
        self.action_move(direction * _BEYOND)

    def action_page(self, pages: float) -> None:
        """Go down by so many pages, or up."""
        if self._learning is not None:
            self._learning.page(pages)
            return
        self.action_move(round(pages * self._lister.table.rows_in_sight))

    async def action_filter(self) -> None:
        """Ask for words to filter by."""
        if self.screen is self._tonight:
            await self._tonight.ask_filter()

    def action_select(self) -> None:
        """Select the current target for the next verdict, or no longer, and go on."""
        if self.screen is self._tonight:
            self._tonight.select()

    def action_select_to(self, step: int) -> None:
        """Move the cursor, and select all that such steps pass."""
        if self.screen is self._tonight:
            self._tonight.select_to(step)

    def action_select_range(self) -> None:
        """Select all from here to wherever the cursor goes, or stop that."""
        if self.screen is self._tonight:
            self._tonight.select_range()

    def action_select_all(self) -> None:
        """Select all that is shown, or none of it."""
        if self.screen is self._tonight:
            self._tonight.select_all()

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
