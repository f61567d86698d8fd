"""Verdicts, comments, and taking them back."""

from __future__ import annotations

import asyncio

from ampel_followup.decision import Verdict
from ampel_followup.errors import FollowupError
from ampel_followup.untrusted import clean
from ampel_followup_tui.actions.screens import Screens


class VerdictActions(Screens):
    """Record what the observer decides."""

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
