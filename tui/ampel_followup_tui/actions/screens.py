"""What all actions share: the journal, the screens, and how a change gets onto them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from textual import events
from textual.app import App
from textual.containers import VerticalScroll

from ampel_followup.errors import FollowupError
from ampel_followup.untrusted import clean, inert
from ampel_followup_tui.commands import COMMANDS, Command, Place
from ampel_followup_tui.journal import Journal
from ampel_followup_tui.screens import place_of_screen
from ampel_followup_tui.widgets.steady_table import SteadyTable

if TYPE_CHECKING:
    from textual.screen import Screen
    from textual.widget import Widget

    from ampel_followup_tui.screens.dialogue import Dialogue
    from ampel_followup_tui.screens.learning import LearningScreen
    from ampel_followup_tui.screens.plan import PlanScreen, Replan
    from ampel_followup_tui.screens.target import TargetScreen
    from ampel_followup_tui.screens.tonight import TonightScreen
    from ampel_followup_tui.widgets.detail import Detail

Answer = TypeVar("Answer")

#: What may have the focus and makes nothing of a key.
_WITHOUT_KEYS = (SteadyTable, VerticalScroll)


class Screens(App[None]):
    """
    The screens of one night: tonight's list always, in front of it the plan, a target, or both.

    Parameters
    ----------
    journal : Journal
        The night.
    tonight : TonightScreen
        The list.
    replan : callable, optional
        Plans the rest of a night anew.
    commands : sequence of Command
        All commands, with the keys that the observer wants.
    """

    #: Draws pictures in the pixels of the terminal; None: half blocks do.
    pixel_image: type[Widget] | None = None

    def __init__(
        self, journal: Journal, tonight: TonightScreen, replan: Replan | None, commands: Sequence[Command] = COMMANDS
    ) -> None:
        super().__init__()
        self.commands = tuple(commands)
        for command in self.commands:
            if command.keys:
                # Not by Textual's keymap: there a key cannot mean one thing on the screen of the plan and another one
                # elsewhere, and a command cannot be without a key.
                self.bind(command.keys, command.action, description=command.label)
        self.journal = journal
        self._tonight = tonight
        self._replan = replan
        self._plan: PlanScreen | None = None
        self._opened: TargetScreen | None = None
        self._learning: LearningScreen | None = None
        # What keys asked of the panes of a screen before these were there.
        self._asked_early: list[tuple[Screen[object], Callable[[Detail], object]]] = []

    def command(self, name: str) -> Command:
        """Return a command by its name, with the keys that the observer wants."""
        return next(command for command in self.commands if command.name == name)

    def key(self, name: str) -> str:
        """Return the key of a command as people write it; the name of the command if it has no key."""
        command = self.command(name)
        return command.shown_keys[0] if command.keys else f"“{command.label}”"

    @property
    def place(self) -> Place:
        """What the screen in front is about."""
        return place_of_screen(self.screen)

    def notify(self, message: str, *, markup: bool = False, **options: Any) -> None:
        """Show a message for a while, as text: it may name targets, files and people."""
        super().notify(inert(message), markup=markup, **options)

    async def on_event(self, event: events.Event) -> None:
        """
        Run the command of a key at once where no field takes it, so that what is typed behind it comes after it.

        By way of the list, which has no keys of its own, the next keys would be on their way to it before a command
        can open a field for them. From what is pasted, what would steer a terminal is taken; lines become one.
        """
        if isinstance(event, events.Paste) and not event.is_forwarded:
            event.text = clean(event.text)
        if isinstance(event, events.Key) and not event.is_forwarded and self._takes_commands_alone:
            if not await self._check_bindings(event.key, priority=True):
                await self._check_bindings(event.key)
            return
        await super().on_event(event)

    @property
    def _takes_commands_alone(self) -> bool:
        """True if keys mean commands, and nothing else, to what has the focus."""
        screen = self.screen
        return screen.is_mounted and not screen.is_modal and isinstance(screen.focused, _WITHOUT_KEYS)

    async def _open_dialogue(
        self, dialogue: Dialogue[Answer], then: Callable[[Answer | None], Any] | None = None
    ) -> None:
        """Open a dialogue; what is typed behind the key that did goes into its first field."""
        await self.push_screen(dialogue, then)
        if dialogue.focused is None and dialogue.focus_chain:
            dialogue.set_focus(dialogue.focus_chain[0])

    @property
    def _lister(self) -> TonightScreen | PlanScreen:
        """The screen whose cursor chooses the target."""
        return self._tonight if self._plan is None else self._plan

    @property
    def current(self) -> str | None:
        """Name of the target under the cursor."""
        return self._lister.current

    def _show_timetable(self) -> None:
        self._tonight.show_plan()
        # A screen that is about to open reads the journal by itself.
        if self._plan is not None and self._plan.is_mounted:
            self._plan.show_timetable()
        if self._opened is not None and self._opened.is_mounted:
            self._opened.show_timetable()

    def _show_decisions(self, target_ids: Iterable[str]) -> None:
        changed = set(target_ids)
        self._tonight.show_decisions(changed)
        if self._plan is not None and self._plan.is_mounted:
            self._plan.show_decisions(changed)
        if self._opened is not None and self._opened.is_mounted:
            self._opened.show_decisions(changed)
        if self._learning is not None and self._learning.is_mounted and changed:
            self._learning.show_decisions()

    def close_learning(self) -> None:
        """Go back to what was shown before learning, if that is in front."""
        if self._learning is not None:
            self._learning = None
            self.pop_screen()

    async def _show_target(self, target_id: str) -> None:
        await self._lister.show_target(target_id)
        if self._opened is not None:
            self._opened.show_target(target_id)

    def _ask_detail(self, ask: Callable[[Detail], object]) -> None:
        """Ask what is shown of the target in front for something, as soon as its parts are there."""
        from ampel_followup_tui.widgets.detail import Detail

        detail = next(iter(self.screen.query(Detail)), None)
        if detail is not None and detail.is_ready:
            ask(detail)
        elif self.place is Place.TARGETS:
            self._asked_early.append((self.screen, ask))

    def on_detail_ready(self, event: Detail.Ready) -> None:
        """Do what was asked for before the parts were there."""
        asked, self._asked_early = self._asked_early, []
        for screen, ask in asked:
            if screen is event.detail.screen:
                ask(event.detail)
            elif screen in self.screen_stack:
                self._asked_early.append((screen, ask))

    def _complain(self, error: FollowupError | str) -> None:
        self.notify(str(error), severity="error", markup=False, timeout=8)
