"""Keys and colours as the observer wants them."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import App
from textual.filter import ANSIToTruecolor, LineFilter
from textual.geometry import Size

from ampel_followup_tui.actions.screens import Screens
from ampel_followup_tui.preferences import Preferences
from ampel_followup_tui.themes import THEMES, WITHOUT_COLOURS, Inks, NoInks, next_theme

# What all screens are made for, at least [characters].
_LEAST = Size(80, 24)


class LookActions(Screens):
    """Wear a theme, and change it."""

    _cramped = False
    _drawn_with: Sequence[LineFilter] = ()

    def dress(self, preferences: Preferences) -> None:
        """Take a theme before anything is on the screen."""
        for look in THEMES.values():
            self.register_theme(look.theme)
        # Not by assigning it, which would read every style sheet twice.
        self.set_reactive(App.theme, preferences.theme)
        self.stylesheet.set_variables(self.get_css_variables())
        self.set_class(self.current_theme.dark, "-dark-mode", update=False)
        self.set_class(not self.current_theme.dark, "-light-mode", update=False)
        self._take_inks(preferences.theme)

    def _take_inks(self, theme: str) -> None:
        look = THEMES[theme]
        inks = Inks(look.inks, dims=look.dims)
        # Textual's own filter has the colours of the theme that an app begins with.
        self._drawn_with = [*([inks] if inks.enabled else []), ANSIToTruecolor(self.ansi_theme)]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Name the variables of the style sheet that the themes define."""
        return {"cursor-row": "transparent", "cursor-row-style": "none"}

    def get_css_variables(self) -> dict[str, str]:
        """Without colours, what is under a cursor is reversed."""
        return super().get_css_variables() | (WITHOUT_COLOURS if self.no_color else {})

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Draw signs with the inks of the theme, or without colours."""
        return [NoInks()] if self.no_color else self._drawn_with or super().get_line_filters()

    def on_resize(self) -> None:
        """Say so where there is no room for everything."""
        width, height = self.size
        cramped = width < _LEAST.width or height < _LEAST.height
        if cramped and not self._cramped:
            self.notify(
                f"This terminal has {width} × {height} characters; {_LEAST.width} × {_LEAST.height} show everything.",
                severity="warning",
                markup=False,
            )
        self._cramped = cramped

    def action_next_theme(self) -> None:
        """Change to the next theme."""
        if self.no_color:
            self.notify("NO_COLOR is set: there are no colours to change.", markup=False)
            return
        name = next_theme(self.theme)
        self.theme = name
        self._take_inks(name)
        self.notify(f"{name}; `theme: {name}` in your file of keys, or --theme {name}, begins with it.", markup=False)
