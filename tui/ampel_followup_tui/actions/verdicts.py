"""Verdicts, comments, and taking them back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from ampel_followup.decision import Verdict
from ampel_followup.errors import ConflictError, FollowupError
from ampel_followup.untrusted import clean
from ampel_followup_tui.actions.screens import Screens
from ampel_followup_tui.steps import Step

_FEW = 3


class VerdictActions(Screens):
    """Record what the observer decides: on what is selected in the list, or else on the current target."""

    async def action_decide(self, verdict: str) -> None:
        """Record a verdict, then go on to the next target that has none."""
        await self._decide(self._chosen, Verdict(verdict))

    async def action_defer_until(self) -> None:
        """Ask for the day on which targets should come back, and defer them until then."""
        from ampel_followup_tui.screens.defer import DeferScreen

        chosen = self._chosen
        if not chosen:
            return

        async def defer(until: str | None) -> None:
            if until is not None:
                await self._decide(chosen, Verdict.DEFER, until=until)

        await self._open_dialogue(DeferScreen(_named(chosen), self.journal.plan.night.date), defer)

    async def action_comment(self) -> None:
        """Ask for a comment."""
        from ampel_followup_tui.screens.comment import CommentScreen

        chosen = self._chosen
        if not chosen:
            return

        async def record(comment: str) -> None:
            await asyncio.to_thread(self.journal.decide_all, chosen, Verdict.COMMENT, comment)
            self._tonight.deselect(chosen)
            self._show_decisions(chosen)

        await self._open_dialogue(CommentScreen(_named(chosen), record))

    async def action_undo(self) -> None:
        """Take back the observer's latest step, and go to its first target."""
        try:
            undone = await asyncio.to_thread(self.journal.undo)
        except FollowupError as error:
            self._complain(error)
            return
        if not undone:
            self.notify("Nothing of yours to take back on this night.", markup=False)
            return
        await self._show_step(undone, "Took back")

    async def action_redo(self) -> None:
        """Do again what was taken back last."""
        step = self.journal.to_redo
        if not step:
            self.notify("Nothing that was taken back is left to do again.", markup=False)
            return
        try:
            done = await asyncio.to_thread(self.journal.redo)
        except ConflictError:
            targets = [decision.target for decision in step]

            async def overrule(left: list[str] | None) -> None:
                # What was done as one step is done again as one, or not at all.
                if left == []:
                    self.journal.see(targets)
                    await self.action_redo()

            await self._ask_first(targets, step[0].verdict, step[0].until, overrule)
        except FollowupError as error:
            self._complain(error)
        else:
            await self._show_step(done, "Did again")

    @property
    def _chosen(self) -> list[str]:
        """What a verdict is about: the selected targets where the list is in front, or else the current one."""
        if self.screen is self._tonight and self._tonight.selected:
            return list(self._tonight.selected)
        return [] if self.current is None else [self.current]

    async def _decide(self, chosen: Sequence[str], verdict: Verdict, until: str | None = None) -> None:
        left = [target for target in chosen if verdict == Verdict.APPROVE and not self._observable(target)]
        decided = [target for target in chosen if target not in left]
        if decided:
            try:
                done = await asyncio.to_thread(self.journal.decide_all, decided, verdict, until=until)
            except ConflictError:

                async def go_on(left: list[str] | None) -> None:
                    if left is None:
                        return
                    self.journal.see(target for target in decided if target not in left)
                    await self._decide([target for target in chosen if target not in left], verdict, until)

                await self._ask_first(decided, verdict, until, go_on)
                return
            except FollowupError as error:
                self._complain(error)
                return
            self._tonight.deselect(decided)
            self._show_decisions(decided)
            self._say_what_is_not_seen(done)
        if left:
            self._complain(self._why_left(left, len(chosen)))
        if decided:
            await self._go_on(decided)

    async def _ask_first(
        self,
        targets: Sequence[str],
        verdict: str,
        until: str | None,
        then: Callable[[list[str] | None], object],
    ) -> None:
        """Show what others decided meanwhile; go on without the targets that are left to them, or not at all."""
        from ampel_followup_tui.screens.conflict import ConflictScreen

        self._show_decisions(await asyncio.to_thread(self.journal.poll))
        theirs = self.journal.unseen(targets, verdict, until)
        self.push_screen(
            ConflictScreen(theirs, verdict, len(targets), self.journal.plan.night),
            then,  # type: ignore[arg-type]
        )

    async def _go_on(self, decided: Sequence[str]) -> None:
        """Go to the next target without a verdict, if the cursor is still where the verdict was given."""
        if self._plan is not None or self.current not in decided:
            return
        following = self.journal.next_undecided(self._tonight.order, decided[-1])
        if following is None:
            self.notify("Every target of this list is decided.", markup=False)
        else:
            await self._show_target(following)

    def _say_what_is_not_seen(self, done: Step) -> None:
        """Say what the screen does not show by itself."""
        first = done[0]
        if len(done) > 1:
            self.notify(f"{first.verdict}: {len(done)} targets; one undo takes all of it back", markup=False)
        elif first.verdict == Verdict.DEFER:
            placement = self.journal.target(first.target).placement
            back = first.until or (placement.snoozed_until if placement is not None else None)
            if back:
                self.notify(clean(f"{first.target} comes back on {back}."), markup=False)

    async def _show_step(self, step: Step, what: str) -> None:
        """Show what was taken back or done again, and put the cursor on its first target."""
        targets = [decision.target for decision in step]
        self._show_decisions(targets)
        # A filter may let through again what it had hidden.
        self._tonight.show_plan()
        if self.journal.knows(targets[0]):
            await self._show_target(targets[0])
        self.notify(clean(f"{what}: {step[0].verdict} {_named(targets)}"), markup=False)

    def _observable(self, target_id: str) -> bool:
        return self.journal.target(target_id).visibility.observable

    def _why_left(self, left: Sequence[str], n_chosen: int) -> str:
        first = self.journal.target(left[0])
        if n_chosen == 1:
            return f"{clean(first.id)} cannot be observed tonight: {first.visibility.reason}; defer it instead"
        return (
            f"{len(left)} of {n_chosen} cannot be observed tonight and are left, still selected: {_named(left)} "
            f"({first.visibility.reason})"
        )


def _named(targets: Sequence[str]) -> str:
    """Name a few targets, or say how many there are."""
    if len(targets) <= _FEW:
        return ", ".join(clean(target, 40) for target in targets)
    return f"{len(targets)} targets"
