"""The command palette: the commands, with the target that they would act on."""

from __future__ import annotations

from collections.abc import Iterator

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from ampel_followup.untrusted import clean
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.commands import Command, commands_of
from ampel_followup_tui.screens import place_of_screen

_ABOUT_THE_TARGET = frozenset({"approve", "reject", "defer", "comment", "target", "observed", "failed"})


class CommandProvider(Provider):
    """Offers every command by name and by what it does."""

    async def discover(self) -> Hits:
        """Offer all commands while nothing is typed."""
        for command in self._offered:
            if command.name != "palette":
                caption = command.label + self._about(command)
                yield DiscoveryHit(Content(caption), self._run(command), text=caption, help=_explained(command))

    async def search(self, query: str) -> Hits:
        """Offer the commands that match."""
        matcher = self.matcher(query)
        for command in self._offered:
            about = self._about(command)
            caption = command.label + about
            score = max(matcher.match(caption), matcher.match(command.help))
            if score > 0 and command.name != "palette":
                # Only our own words may be read as markup.
                shown = matcher.highlight(command.label).append(about)
                yield Hit(score, shown, self._run(command), text=caption, help=_explained(command))

    @property
    def _offered(self) -> Iterator[Command]:
        """The commands that work on the screen from which the palette was called."""
        app = self.app
        return commands_of(place_of_screen(self.screen), app.commands if isinstance(app, FollowupApp) else ())

    def _about(self, command: Command) -> str:
        """Return the target that a command would act on, behind a blank; nothing for a command without one."""
        app = self.app
        current = app.current if isinstance(app, FollowupApp) else None
        return f" {clean(current, 40)}" if current is not None and command.name in _ABOUT_THE_TARGET else ""

    def _run(self, command: Command):  # type: ignore[no-untyped-def]
        async def run() -> None:
            await self.app.run_action(f"app.{command.action}")

        return run


def _explained(command: Command) -> str:
    """Return what a command does, with its keys."""
    return f"{command.help}  {' '.join(command.shown_keys)}".rstrip()
