"""From a store to a running app, as fast as can be."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ampel_followup.store import Store
    from ampel_followup.timetable import Closure, Timetable
    from ampel_followup_tui.preferences import Preferences

#: Targets that are read before the first paint where the terminal's height is not known; the others follow at once.
FIRST_LOOK = 80

# How long to wait for the rest of a key that begins with escape [ms]: a person is slower, and Textual would wait 100.
_ESCAPE_DELAY = "50"


def launch(
    store: str | None,
    *,
    observer: str,
    night: str | None = None,
    site: str | None = None,
    read_only: bool = False,
    preferences: Preferences | None = None,
    images: bool = False,
) -> bool:
    """
    Show a plan of a store until the observer leaves.

    Parameters
    ----------
    store : str or None
        Path or URL; None for the default of `Store.open`.
    observer : str
        Who decides.
    night, site : str, optional
        Evening date (ISO 8601) and key of the site; the newest plan that matches.
    read_only : bool
        Take no decisions; a store that cannot be written is opened like this anyway.
    preferences : Preferences, optional
        Keys and theme; by default those that come along.
    images : bool
        Draw pictures in pixels, if the terminal says that it can; asking takes a moment.

    Returns
    -------
    bool
        False, and nothing was shown, where there is no terminal.

    Raises
    ------
    StoreError
        If the store cannot be opened or has no such plan.
    """
    # Collecting garbage while modules and plan are loaded would cost a fifth of the start, and find none.
    gc.disable()
    try:
        with open_store(store, read_only=read_only) as opened:
            # As many as fit on the screen.
            in_sight = shutil.get_terminal_size(fallback=(80, FIRST_LOOK)).lines
            stored = opened.load_plan(night=night, site=site, limit=in_sight)
            if not _has_screen():
                return False

            # Before Textual reads it.
            os.environ.setdefault("ESCDELAY", _ESCAPE_DELAY)
            from ampel_followup_tui.app import FollowupApp
            from ampel_followup_tui.preferences import DEFAULTS

            replan = None if opened.read_only else partial(_replan, opened)
            app = FollowupApp(
                opened,
                stored,
                observer,
                on_shown=_resume_collecting,
                replan=replan,
                preferences=preferences or DEFAULTS,
            )
            if images:
                from ampel_followup_tui.pixel_images import pixel_image

                app.pixel_image = pixel_image()
            app.run()
            return True
    finally:
        gc.enable()


def _has_screen() -> bool:
    """Return whether there is something to paint on: a terminal, or what the environment names in its place."""
    # Textual paints on the standard error.
    return bool(os.environ.get("TEXTUAL_DRIVER")) or all(
        stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)
    )


def open_store(store: str | None, *, read_only: bool) -> Store:
    """Open the store to decide in; one that cannot be written to look at only, which the screen says."""
    from ampel_followup.errors import ReadOnlyError
    from ampel_followup.store import Store

    try:
        return Store.open(store, read_only=read_only, create=False)
    except ReadOnlyError:
        return Store.open(store, read_only=True, create=False)


def _replan(
    store: Store, timetable: Timetable, closures: Mapping[str, tuple[Closure, ...]], now: datetime
) -> Timetable:
    """Plan the rest of a night anew; what that takes is loaded when it is asked for the first time."""
    from ampel_followup.night_schedule import replan_night
    from ampel_followup.observing.night import mjd_of
    from ampel_followup.timetabling import Wishes

    return replan_night(store, timetable, Wishes(closures=closures), mjd_of(now.isoformat()))[1]


def _resume_collecting() -> None:
    """Collect from now on, but leave out what is there to stay."""
    gc.freeze()
    gc.enable()
