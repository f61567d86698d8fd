"""The app: the commands of `commands`, carried out on the journal of one night."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work
from textual.actions import ActionParseResult, parse
from textual.events import Event, Key
from textual.screen import Screen

from ampel_followup.errors import FollowupError
from ampel_followup.untrusted import clean
from ampel_followup_tui import commands
from ampel_followup_tui.actions.arranging import ArrangingActions
from ampel_followup_tui.actions.jumping import JumpActions
from ampel_followup_tui.actions.learning import LearningActions
from ampel_followup_tui.actions.lists import ListActions
from ampel_followup_tui.actions.looks import LookActions
from ampel_followup_tui.actions.program import ProgramActions
from ampel_followup_tui.actions.sharing import SharingActions
from ampel_followup_tui.actions.target import TargetActions
from ampel_followup_tui.actions.verdicts import VerdictActions
from ampel_followup_tui.instants import utc_now
from ampel_followup_tui.journal import Journal
from ampel_followup_tui.preferences import DEFAULTS, Preferences
from ampel_followup_tui.screens.tonight import MOST_LISTED, TonightScreen
from ampel_followup_tui.widgets.night_header import NightHeader

if TYPE_CHECKING:
    from textual.command import Provider
    from textual.dom import DOMNode

    from ampel_followup.store import Store, StoredPlan
    from ampel_followup_tui.screens.plan import Replan


def _provider() -> type[Provider]:
    from ampel_followup_tui.palette import CommandProvider

    return CommandProvider


class FollowupApp(
    VerdictActions,
    ArrangingActions,
    ListActions,
    JumpActions,
    TargetActions,
    SharingActions,
    LearningActions,
    ProgramActions,
    LookActions,
):
    """
    Tonight's plan on a terminal.

    Parameters
    ----------
    store : Store
        Where the plan comes from and verdicts go to.
    stored : StoredPlan
        The plan to show.
    observer : str
        Who decides here.
    now : callable
        Returns the present moment, with a time zone.
    poll_seconds : float
        How often the verdicts of others are looked for [s].
    on_shown : callable, optional
        Called once the list is on the screen.
    replan : callable, optional
        Plans the rest of a night anew: from a schedule, the closures of each telescope by its key, and the present
        moment. It is run aside, and may raise FollowupError. Without it the app says how it is done elsewhere.
    preferences : Preferences
        Keys and theme.
    """

    TITLE = "ampel-followup"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    COMMANDS = {_provider}  # noqa: RUF012
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012

    def __init__(
        self,
        store: Store,
        stored: StoredPlan,
        observer: str,
        *,
        now: Callable[[], datetime] = utc_now,
        poll_seconds: float = 1.0,
        on_shown: Callable[[], None] | None = None,
        replan: Replan | None = None,
        preferences: Preferences = DEFAULTS,
    ) -> None:
        journal = Journal(store, stored, observer, now)
        super().__init__(journal, TonightScreen(journal), replan, preferences.commands)
        self.dress(preferences)
        self._warnings = preferences.warnings
        self._poll_seconds = poll_seconds
        self._on_shown = on_shown
        self._hasty: Key | None = None

    def get_default_screen(self) -> Screen[None]:
        """Begin with tonight's list."""
        return self._tonight

    def on_mount(self) -> None:
        """Look for the verdicts of others from time to time."""
        for warning in self._warnings:
            self.notify(warning, severity="warning", markup=False, timeout=8)
        self.set_interval(self._poll_seconds, self._poll_aside)
        self.call_after_refresh(self._read_rest)

    async def _read_rest(self) -> None:
        """With the first targets on the screen, read the others."""
        # Of a large night first what the list shows; the rest takes seconds, and is for the filter.
        for limit in (MOST_LISTED, None):
            if self.journal.complete:
                break
            try:
                await asyncio.to_thread(self.journal.read_rest, limit)
            except FollowupError as error:
                self._complain(error)
                break
            self._tonight.show_plan()
        if self._on_shown is not None:
            self._on_shown()
        try:
            scheduled = await asyncio.to_thread(self.journal.read_timetable)
        except FollowupError as error:
            self._complain(error)
        else:
            if scheduled:
                self._show_timetable()

    async def on_event(self, event: Event) -> None:
        """Take escape and a hasty key after it for two keys, the second once the first has had its effect."""
        came_back = isinstance(event, Key) and event.is_forwarded
        if isinstance(event, Key) and not came_back:
            self._hasty = None
            if event.key.startswith("alt+"):
                from ampel_followup_tui.hasty_escape import parted

                keys = parted(event, {key for command in self.commands for key in command.key_names})
                if keys is not None:
                    event, self._hasty = keys
        await super().on_event(event)
        # Widgets have a key first; what they leave of it comes back, and then the app has done what it is for.
        if came_back and self._hasty is not None:
            hasty, self._hasty = self._hasty, None
            self.call_after_refresh(self.post_message, hasty)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let a key do only what belongs to the screen in front."""
        return bool(commands.place_of(action) & self.place)

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Do what a key, a click or the palette asks for; in a store that takes nothing, say so instead of asking."""
        name = parse(action)[1] if isinstance(action, str) else action[1]
        if self.journal.read_only and commands.writes(name) and self.check_action(name, ()):
            self._complain("This store is read-only: nothing can be decided, and nothing was.")
            return True
        return await super().run_action(action, default_namespace, namespaces)

    @work(exclusive=True, group="poll")
    async def _poll_aside(self) -> None:
        await self.poll()

    async def poll(self) -> None:
        """Show what others decided since the last look."""
        header = self._tonight.query_one(NightHeader)
        try:
            changed = await asyncio.to_thread(self.journal.poll)
            replanned = await asyncio.to_thread(self.journal.read_timetable)
        except FollowupError as error:
            header.trouble = clean(str(error))
        else:
            if header.trouble:
                header.trouble = ""
                self._tonight.show_current()
            self._show_decisions(changed)
            if replanned:
                self._show_timetable()
            if self._plan is not None:
                self.read_notes()
            if self._learning is not None and self._learning.is_mounted:
                self._learning.look()
