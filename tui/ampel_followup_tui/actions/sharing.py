"""Taking a target elsewhere."""

from __future__ import annotations

import asyncio

from ampel_followup.errors import FollowupError
from ampel_followup.untrusted import clean
from ampel_followup_tui.actions.screens import Screens


class SharingActions(Screens):
    """List pages of others about a target, and copy it."""

    def _place(self) -> tuple[str, float, float] | None:
        """Return name and position of the current target, or of the standard star under the cursor."""
        current = self.current
        if current is None:
            return None
        if self.journal.knows(current):
            target = self.journal.target(current)
            return current, target.ra, target.dec
        step = self.journal.scheduled(current)
        return None if step is None else (current, step.block.ra, step.block.dec)

    async def action_links(self) -> None:
        """List pages of others about the current target."""
        from ampel_followup.links import links_of, load_links
        from ampel_followup_tui.screens.links import LinksScreen

        place = self._place()
        if place is None:
            return
        try:
            templates = await asyncio.to_thread(load_links)
        except FollowupError as error:
            self._complain(error)
            return
        links = links_of(*place, templates)
        if links:
            self.push_screen(LinksScreen(place[0], links))
        else:
            self.notify("No page is known for such names; docs/tui.md says how to add some.", markup=False)

    def action_copy(self) -> None:
        """Copy name and coordinates of the current target."""
        from ampel_followup.exports.coordinates import declination, right_ascension

        place = self._place()
        if place is None:
            return
        name, ra, dec = clean(place[0], 100), place[1], place[2]
        text = f"{name} {right_ascension(ra)} {declination(dec)} {ra:.6f} {dec:+.6f}"
        self.copy_to_clipboard(text)
        self.notify(f"Copied: {text}", markup=False)
