"""Keys and colours as the observer wants them."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import App
from textual.filter import LineFilter

from ampel_followup_tui.actions.screens import Screens
from ampel_followup_tui.preferences import Preferences
from ampel_followup_tui.themes import THEMES, Inks, NoInks, next_theme


class LookActions(Screens):
    """Wear a theme, and change it."""

    _inks = Inks({})

    def dress(self, preferences: Preferences) -> None:
        """Take a theme before anything is on the screen."""
        for look in THEMES.values():
            self.register_theme(look.theme)
        # Not by assigning it, which would read every style sheet twice.
        self.set_reactive(App.theme, preferences.theme)
        self.stylesheet.set_variables(self.get_css_variables())
        self.set_class(self.current_theme.dark, "-dark-mode", update=False)
        self.set_class(not self.current_theme.dark, "-light-mode", update=False)
        self._inks = Inks(THEMES[preferences.theme].inks)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Name the variables of the style sheet that the themes define."""
        return {"cursor-row": "transparent", "cursor-row-style": "none"}

    def get_css_variables(self) -> dict[str, str]:
        """Without colours, the row under the cursor is reversed."""
        return super().get_css_variables() | ({"cursor-row-style": "reverse"} if self.no_color else {})

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Draw signs with the inks of the theme, or without colours."""
        if self.no_color:
            return [NoInks()]
        others = super().get_line_filters()
        return [self._inks, *others] if self._inks.enabled else others

    def action_next_theme(self) -> None:
        """Change to the next theme."""
        if self.no_color:
            self.notify("NO_COLOR is set: there are no colours to change.", markup=False)
            return
        name = next_theme(self.theme)
        self._inks = Inks(THEMES[name].inks)
        self.theme = name
        self.notify(f"{name}; `theme: {name}` in your file of keys, or --theme {name}, begins with it.", markup=False)
