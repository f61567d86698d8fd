"""The command palette: the commands, with the target that they would act on."""

from __future__ import annotations

from collections.abc import Iterator

from textual.command import DiscoveryHit, Hit, Hits, Provider

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
                yield DiscoveryHit(self._caption(command), self._run(command), help=_explained(command))

    async def search(self, query: str) -> Hits:
        """Offer the commands that match."""
        matcher = self.matcher(query)
        for command in self._offered:
            caption = self._caption(command)
            score = max(matcher.match(caption), matcher.match(command.help))
            if score > 0 and command.name != "palette":
                yield Hit(score, matcher.highlight(caption), self._run(command), text=caption, help=_explained(command))

    @property
    def _offered(self) -> Iterator[Command]:
        """The commands that work on the screen from which the palette was called."""
        app = self.app
        return commands_of(place_of_screen(self.screen), app.commands if isinstance(app, FollowupApp) else ())

    def _caption(self, command: Command) -> str:
        app = self.app
        current = app.current if isinstance(app, FollowupApp) else None
        if current is not None and command.name in _ABOUT_THE_TARGET:
            return f"{command.label} {clean(current, 40)}"
        return command.label

    def _run(self, command: Command):  # type: ignore[no-untyped-def]
        async def run() -> None:
            await self.app.run_action(f"app.{command.action}")

        return run


def _explained(command: Command) -> str:
    """Return what a command does, with its keys."""
    return f"{command.help}  {' '.join(command.shown_keys)}".rstrip()
