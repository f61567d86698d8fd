"""What was learned, and which models are in use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from rich.text import Text
from textual import work

from ampel_followup.errors import FollowupError
from ampel_followup.untrusted import clean
from ampel_followup_tui.actions.screens import Screens
from ampel_followup_tui.instants import stamp

if TYPE_CHECKING:
    from ampel_followup.champions import Challenger
    from ampel_followup.promotion_policy import Judgement
    from ampel_followup_tui.learning import Learned

_THE_LIST_STAYS = "The list of tonight stays as it is; the next `ampel-followup rank` uses {bundle}."


class LearningActions(Screens):
    """Show what was learned, and put a bundle into use or take it out again."""

    def action_learning(self) -> None:
        """Show what was learned, or from there what was shown before."""
        if self._learning is not None:
            self.close_learning()
            return
        from ampel_followup_tui.screens.learning import LearningScreen

        self._learning = LearningScreen(self.journal)
        self.push_screen(self._learning)

    def action_learning_pane(self, name: str) -> None:
        """Show a pane about learning."""
        if self._learning is not None:
            self._learning.pane = name

    def action_next_learning_pane(self) -> None:
        """Show the next pane about learning."""
        if self._learning is not None:
            self._learning.next_pane()

    def action_report(self) -> None:
        """Open the report of a challenger in a browser, and say where it is."""
        if (found := self._chosen_challenger()) is None:
            return
        report = found[0].report_of(found[1])
        if report.exists():
            self.open_url(report.absolute().as_uri())
            self.notify(f"The report is {report}", markup=False)
        else:
            self._complain(f"{found[1].name} has no report: {report} is not there; `ampel-followup learn` writes one")

    def action_promote(self) -> None:
        """Ask whether a challenger is to be put into use, if the policy allows it."""
        if (found := self._chosen_challenger()) is None:
            return
        learned, challenger = found
        if learned.uses(challenger):
            self.notify(f"{challenger.name} is in use already.", markup=False)
        else:
            self._ask_promotion(challenger)

    def action_roll_back(self) -> None:
        """Ask whether the last promotion is to be taken back."""
        learned = None if self._learning is None else self._learning.learned
        if learned is None:
            return
        stands = learned.standing
        if not stands:
            self.notify("No promotion stands: the bundle that comes along is in use.", markup=False)
            return
        undone, before = stands[-1], stands[-2] if len(stands) > 1 else None
        bundle = "the bundle that comes along" if before is None else before.bundle
        changes = Text.assemble(
            ("\nin use now   ", "bold"),
            f"{clean(undone.bundle)} {undone.bundle_digest[:12]}, promoted by {clean(undone.observer)} "
            f"on {undone.time[:10]}\n",
            ("from then on ", "bold"),
            clean(bundle) if before is None else f"{clean(bundle)} {before.bundle_digest[:12]}",
            f"\n\n{_THE_LIST_STAYS.format(bundle=clean(bundle))} Nothing is deleted: it can be promoted again.",
        )

        async def act(comment: str) -> None:
            from ampel_followup.promoting import roll_back

            done = await asyncio.to_thread(
                roll_back, self.journal.store, observer=self.journal.observer, time=self._stamp, comment=comment
            )
            self._tell(f"{done.bundle} is in use again.")

        self._ask(f"Roll back {undone.bundle}?", changes, act)

    @work(exclusive=True, group="promotion", exit_on_error=False)
    async def _ask_promotion(self, challenger: Challenger) -> None:
        """Ask the policy aside, which loads what reads it; then the observer."""
        try:
            label, judged = await asyncio.to_thread(_judge, challenger)
        except FollowupError as error:
            self._complain(error)
            return
        if not judged.allowed:
            self._complain(
                f"policy {label} does not allow {challenger.name}: {judged.sentence}; "
                f"`ampel-followup learn promote {challenger.name}` decides without it"
            )
            return
        if self._learning is None or (learned := self._learning.learned) is None:
            return
        used = learned.state.in_use
        changes = Text.assemble(
            ("\nin use now   ", "bold"),
            f"{clean(used.bundle)} {used.bundle_digest[:12]}\n",
            ("from then on ", "bold"),
            f"{clean(challenger.bundle)} {challenger.bundle_digest[:12]}\n",
            (f"policy {clean(label)} allows it: ", "bold"),
            f"{clean(judged.sentence)}\n\n{_THE_LIST_STAYS.format(bundle=clean(challenger.bundle))} ",
            f"{self.key('roll-back')} takes it back.",
        )

        async def act(comment: str) -> None:
            from ampel_followup.promoting import advantage, promote

            done = await asyncio.to_thread(
                promote,
                self.journal.store,
                challenger.name,
                observer=self.journal.observer,
                time=self._stamp,
                comment=comment,
                policy=label,
                reason=f"{judged.sentence}; {advantage(challenger.comparison)}",
            )
            self._tell(f"{done.bundle} is in use.")

        self._ask(f"Promote {challenger.name}?", changes, act)

    def _chosen_challenger(self) -> tuple[Learned, Challenger] | None:
        """Return what was read, and the challenger under the cursor; say so if there is none."""
        screen = self._learning
        if screen is None or screen.learned is None:
            return None
        if screen.challenger is None:
            self.notify("There is no challenger yet: `ampel-followup learn` trains one.", markup=False)
            return None
        return screen.learned, screen.challenger

    @property
    def _stamp(self) -> str:
        return stamp(self.journal.now())

    def _tell(self, message: str) -> None:
        self.notify(clean(message), markup=False)
        if self._learning is not None:
            self._learning.read()

    def _ask(self, question: str, changes: Text, act: Callable[[str], Awaitable[None]]) -> None:
        from ampel_followup_tui.screens.promotion import PromotionScreen

        self.push_screen(PromotionScreen(question, changes, act))


def _judge(challenger: Challenger) -> tuple[str, Judgement]:
    """Return the name of the promotion policy and what it says; pydantic and YAML are loaded for it."""
    from ampel_followup.promotion_policy import judge, load_promotion_policy

    policy = load_promotion_policy()
    return policy.label, judge(challenger, policy)
