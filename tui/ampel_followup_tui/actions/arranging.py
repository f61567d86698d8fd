"""How the list is arranged: sorted, looked at under another strategy, as a saved view."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import work

from ampel_followup.errors import FollowupError
from ampel_followup_tui.actions.screens import Screens

if TYPE_CHECKING:
    from ampel_followup.plan import NightPlan
    from ampel_followup.reranking import OtherOrder, StrategyChoice
    from ampel_followup_tui.views import View

_PLANNED = "planned"


class ArrangingActions(Screens):
    """Arrange the list; the plan itself stays as it is."""

    def action_sort(self) -> None:
        """Ask what the list should be sorted by."""
        from ampel_followup_tui.ordering import SORTS
        from ampel_followup_tui.screens.choice import Choice, ChoiceScreen

        if self.screen is not self._tonight:
            return
        tonight, journal = self._tonight, self.journal
        left_out = set() if journal.assisted else {"real", "galactic", "fast", "assistant", "queue"}
        left_out |= set() if journal.has_early else {"snia"}
        left_out |= set() if journal.timetable is not None else {"start"}
        choices = [Choice(_PLANNED, "the plan's own order")]
        choices += [Choice(sort.key, sort.caption) for sort in SORTS.values() if sort.key not in left_out]

        def sort_by(key: str | None) -> None:
            if key == _PLANNED:
                tonight.sort_by("")
            elif key is not None:
                tonight.sort_by(key)

        self.push_screen(ChoiceScreen("Sort by", choices, tonight.view.sort or _PLANNED), sort_by)

    def action_reverse(self) -> None:
        """Turn the order round."""
        if self.screen is self._tonight:
            self._tonight.turn_round()

    def action_plan_order(self) -> None:
        """Show the plan's own order again."""
        if self.screen is self._tonight:
            self._tonight.show_as_planned()

    def action_strategy(self) -> None:
        """Ask under which strategy the plan should be looked at."""
        if self.screen is not self._tonight:
            return
        if not self.journal.complete:
            self.notify("The plan is still being read; try again in a moment.", markup=False)
            return
        self._offer_strategies()

    @work(exclusive=True, group="strategy")
    async def _offer_strategies(self) -> None:
        from ampel_followup_tui.screens.choice import Choice, ChoiceScreen

        plan = self.journal.plan
        # Strategies come with NumPy, and those of others from wherever they are.
        offered = await asyncio.to_thread(_strategies_of, plan)
        choices = [Choice(choice.name, choice.name, choice.description, choice.why_not) for choice in offered]

        def look(name: str | None) -> None:
            if name is not None:
                self._look_at(name)

        now = self._tonight.view.strategy or plan.strategy
        self.push_screen(ChoiceScreen("Look at the plan under another strategy; it stays as it is", choices, now), look)

    @work(exclusive=True, group="strategy")
    async def _look_at(self, strategy: str) -> None:
        """Order the plan by a strategy, aside, and show it."""
        plan = self.journal.plan
        if strategy == plan.strategy:
            self._tonight.look_at(None)
            return
        try:
            other = await asyncio.to_thread(_rerank, plan, strategy)
        except FollowupError as error:
            self._complain(error)
            return
        self._tonight.look_at(other)

    def action_views(self) -> None:
        """Let a saved view be chosen."""
        from ampel_followup_tui.kept_views import default_path, read_views
        from ampel_followup_tui.screens.views import ViewsScreen

        if self.screen is not self._tonight:
            return
        path = default_path()
        try:
            views = read_views(path)
        except FollowupError as error:
            self._complain(error)
            return
        if not views:
            self.notify("No view is saved yet: arrange the list, then save it.", markup=False)
            return

        async def show(name: str | None) -> None:
            if name is not None:
                await self._show_view(views[name])

        self.push_screen(ViewsScreen(path, views), show)

    async def _show_view(self, view: View) -> None:
        await self._tonight.apply(view)
        if view.strategy:
            if self.journal.complete:
                self._look_at(view.strategy)
            else:
                self._complain(f"The plan is still being read: strategy {view.strategy} is not looked at yet.")

    async def action_save_view(self) -> None:
        """Keep what is listed under a name."""
        from ampel_followup_tui.kept_views import default_path
        from ampel_followup_tui.screens.views import SaveViewScreen

        if self.screen is self._tonight:
            await self._open_dialogue(
                SaveViewScreen(
                    default_path(), self._tonight.view, lambda name: self.notify(f"Saved “{name}”.", markup=False)
                )
            )


def _strategies_of(plan: NightPlan) -> list[StrategyChoice]:
    from ampel_followup.reranking import strategy_choices

    return strategy_choices(plan)


def _rerank(plan: NightPlan, strategy: str) -> OtherOrder:
    from ampel_followup.reranking import rerank

    return rerank(plan, strategy)
