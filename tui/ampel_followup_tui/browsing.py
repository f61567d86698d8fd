"""Whether a page can be opened from here: over ssh there is often nothing that could show it."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Mapping

# These set a display, or can do without.
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")
_WITH_A_DESKTOP = ("darwin", "win32")


def has_display(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """
    Return whether a window can appear on the observer's own screen.

    Parameters
    ----------
    environment : mapping of str to str
        Of the process.
    platform : str
        As in `sys.platform`.
    """
    if any(environment.get(name) for name in _DISPLAYS):
        return True
    return platform in _WITH_A_DESKTOP and not environment.get("SSH_CONNECTION")


def open_in_browser(url: str) -> bool:
    """Open a page in a window of a browser; False where there is none. One that draws on the terminal is no browser."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    # Exactly this class: browsers with windows of their own are of others.
    if type(browser) is webbrowser.GenericBrowser:
        return False
    return browser.open(url)
