"""Going to a target by its number or its name."""

from __future__ import annotations

from ampel_followup.untrusted import clean
from ampel_followup_tui.actions.plan import PlanActions

_LONGEST = 40


class JumpActions(PlanActions):
    """Ask where to go, and go there."""

    _wanted = ""

    async def action_jump(self) -> None:
        """Ask for a number or a part of a name."""
        from ampel_followup_tui.screens.jump import JumpScreen

        await self._open_dialogue(JumpScreen(self._wanted), self._jump)

    async def _jump(self, wanted: str | None) -> None:
        """Go to a row of the list that is shown, or else to a target of any list."""
        if wanted is None:
            return
        from ampel_followup_tui.groups import LISTS, targets_of
        from ampel_followup_tui.jumping import Row, find

        # Numbers change with the list; what is asked for again is a name.
        self._wanted = "" if wanted.isdecimal() else clean(wanted, _LONGEST)
        plan = self.journal.plan
        listed = [Row(target.id, target.rank, target.id) for name in LISTS for target in targets_of(plan, name)]
        lister = self._lister
        found = find(wanted, lister.rows, lister.table.current)
        if found is not None and self._can_show(found.row.name):
            lister.go_to(found.row.key)
            if self._opened is not None:
                self._opened.show_target(found.row.name)
        elif (found := find(wanted, listed, self.current)) is not None:
            await self._go_elsewhere(found.row.name)
        elif wanted.isdecimal():
            self._say(f"No target has the number {clean(wanted, _LONGEST)}: the last one is {len(plan.targets)}.")
        else:
            words = f"No name of the {len(listed)} targets has “{clean(wanted, _LONGEST)}” in it."
            self._say(f"{words} {self.key('filter')} finds them by class, magnitude and more.")
        if found is not None and found.n > 1:
            self._say(f"{found.place} of {found.n} names with “{self._wanted}”; : ⏎ goes on to the next.")

    def _can_show(self, name: str) -> bool:
        """Tell whether the screen in front can follow: one that shows a target needs one of this plan."""
        return self._opened is None or self.journal.knows(name)

    async def _go_elsewhere(self, target_id: str) -> None:
        """Show a target that the list in front does not have, and say where it is."""
        from ampel_followup_tui.groups import LISTS

        name, place = clean(target_id, _LONGEST), LISTS[self.journal.list_of(target_id)][0]
        if self._plan is not None:
            self.action_plan()
            self._say(f"{name} is not in the schedule; it is here, in “{place}”.")
        else:
            self._say(f"{name} was not in what was listed; it is here, in “{place}”, of which all is shown.")
        await self._show_target(target_id)

    def _say(self, message: str) -> None:
        self.notify(message, markup=False)
