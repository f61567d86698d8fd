"""The light curve of a target: one sign and one colour per band, error bars, limits, the fit, brighter upwards."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.getters import app

from ampel_followup.attention_scores import AttentionScores
from ampel_followup.bands import by_wavelength
from ampel_followup.light_curve_fit import LightCurveFit
from ampel_followup.lightcurve import LightCurve
from ampel_followup.redshifts import Redshift
from ampel_followup.untrusted import clean
from ampel_followup_tui import zoom
from ampel_followup_tui.actions.screens import Screens
from ampel_followup_tui.glyphs import EXPECTED, GREY, LIMIT, band_sign, short_band
from ampel_followup_tui.photometry import best_in_flux, n_negative, points
from ampel_followup_tui.widgets.light_curve_picture import LEFT, Scene, draw_light_curve
from ampel_followup_tui.widgets.picture import Picture
from ampel_followup_tui.widgets.plain import Words

# Nobody looks closer than at so many days.
_SHORTEST = 0.5
# From these widths on the legend takes one line and two; else three [characters].
_ONE_LINE, _TWO_LINES = 78, 58


class LightCurveView(Vertical):
    """A picture of one light curve, with its legend."""

    app = app(Screens)

    DEFAULT_CSS = """
    LightCurveView Picture {
        height: 1fr;
        width: 100%;
    }
    LightCurveView #legend {
        height: 1;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._curve: LightCurve | None = None
        self._night = 0.0
        self._absent = ""
        self._in_flux: bool | None = None
        self._absolute = False
        self._fit = LightCurveFit(())
        self._redshift: Redshift | None = None
        self._attention: AttentionScores | None = None
        self._scene: Scene | None = None
        self._window: zoom.Window | None = None

    def compose(self) -> ComposeResult:
        """Put the legend below the picture."""
        yield Picture()
        yield Words(id="legend")

    def show(
        self,
        curve: LightCurve | None,
        night: float,
        absent: str = "No light curve in the store.",
        attention: AttentionScores | None = None,
    ) -> None:
        """
        Draw a light curve; fit and redshift may come later, by `add`.

        Parameters
        ----------
        curve : LightCurve or None
            None if the store has none for this target.
        night : float
            MJD from which days are counted [d].
        absent : str
            What to say where there is none.
        attention : AttentionScores, optional
            What a classifier says of it, and where it looked.
        """
        same = self._curve is not None and curve is not None and self._curve.id == curve.id
        if not same:
            self._window, self._fit, self._redshift = None, LightCurveFit(()), None
        self._curve, self._night, self._absent = curve, night, absent
        self._attention = attention if attention is not None and attention.known else None
        self._draw()

    def add(self, fit: LightCurveFit, redshift: Redshift | None) -> None:
        """
        Draw what is derived from the light curve on top of it.

        Parameters
        ----------
        fit : LightCurveFit
            On to the coming night.
        redshift : Redshift or None
            For absolute magnitudes.
        """
        self._fit, self._redshift = fit, redshift
        self._draw()

    def toggle_flux(self) -> None:
        """Change between magnitude and flux; the choice then holds for every target."""
        self._in_flux = not self._shows_flux
        self._draw()

    def toggle_absolute(self) -> bool:
        """
        Change between apparent and absolute magnitude; the choice then holds for every target with a redshift.

        Returns
        -------
        bool
            False where absolute magnitudes were asked for, and no redshift is known.
        """
        # From a picture in flux, absolute magnitudes are meant whatever was chosen before.
        self._absolute = self._shows_flux or not self._absolute
        self._in_flux = False
        self._draw()
        return not self._absolute or self._redshift is not None

    def zoom(self, factor: float) -> None:
        """See a stretch of time that is so many times longer."""
        if self._scene is not None:
            whole = self._scene.whole
            window = zoom.zoomed(self._scene.seen, whole, factor, _SHORTEST)
            self._window = None if window == whole else window
            self._draw()

    def pan(self, share: float) -> None:
        """See what is earlier (negative) or later by a share of what is seen."""
        if self._scene is not None:
            self._window = zoom.shifted(self._scene.seen, self._scene.whole, share)
            self._draw()

    def show_all(self) -> None:
        """See the whole light curve."""
        self._window = None
        self._draw()

    @property
    def _shows_flux(self) -> bool:
        if self._in_flux is None:
            return self._curve is not None and best_in_flux(self._curve)
        return self._in_flux

    @property
    def _shift(self) -> float:
        """What is taken off magnitudes."""
        if self._absolute and not self._shows_flux and self._redshift is not None:
            return self._redshift.distance_modulus
        return 0.0

    def on_resize(self) -> None:
        """Write the legend for the new width, and leave room for it."""
        self.query_one("#legend", Words).styles.height = self._legend_rows
        self._draw()

    def _draw(self) -> None:
        self._scene = self._make_scene()
        self.query_one("#legend", Words).write(self._legend())
        self.query_one(Picture).draw_with(self._paint)

    def _paint(self, canvas: Picture) -> None:
        if self._scene is not None and canvas.size.width > LEFT + 10 and canvas.size.height > 3:
            draw_light_curve(canvas, self._scene)

    def _make_scene(self) -> Scene | None:
        drawn = points(self._curve, in_flux=self._shows_flux) if self._curve is not None else []
        if not drawn:
            return None
        return Scene(
            tuple(drawn), self._night, self._shows_flux, self._shift, self._fit.bands, self._window, self._attention
        )

    def _legend(self) -> Text:
        if self._curve is None:
            return Text(f" {self._absent}", GREY)
        legend = Text(" " * (LEFT - 1), no_wrap=True)
        drawn = self._scene.points if self._scene is not None else ()
        counts: dict[str, int] = {}
        for point in drawn:
            if not point.limit:
                counts[point.band] = counts.get(point.band, 0) + 1
        for band in by_wavelength(counts):
            sign, style = band_sign(band)
            legend.append(f"{sign} {clean(short_band(band), 8)} ", style)
            legend.append(f"{counts[band]}  ")
        n_limits = sum(point.limit for point in drawn)
        if n_limits:
            legend.append(f"{LIMIT} limits {n_limits}  ", GREY)
        line, lines = legend, [legend]
        for note in filter(None, (self._expected(), *self._units(), self._stretch())):
            if line.cell_len + note.cell_len > self.size.width and len(lines) < self._legend_rows:
                line = Text(" " * (LEFT - 1))
                lines.append(line)
            if line.cell_len + note.cell_len <= self.size.width:
                line.append_text(note).append("  ")
        return Text("\n", no_wrap=True).join(lines)

    @property
    def _legend_rows(self) -> int:
        return 1 if self.size.width >= _ONE_LINE else 2 if self.size.width >= _TWO_LINES else 3

    def _expected(self) -> Text | None:
        """Write what the fit expects tonight in the band of the last detection, or why there is none."""
        scene = self._scene
        if scene is None or not scene.fits:
            return Text(f"no fit: {self._fit.reason}", GREY) if self._fit.reason else None
        fit = scene.fits[0]
        sign, word = EXPECTED
        mag, mag_err = fit.tonight
        if scene.in_flux:
            value, faint, bright = scene.expected(fit)
            number = f"{value:.0f} ±{abs(bright - faint) / 2.0:.0f}"
        else:
            number = f"{mag - scene.shift:.1f} ±{mag_err:.1f}".replace("-", "−")
        return Text.assemble((f"{sign} {word} {short_band(fit.band)} ", band_sign(fit.band)[1]), number)

    def _units(self) -> list[Text]:
        key = self.app.key("flux")
        if self._shows_flux:
            return [Text("flux µJy", GREY), Text(f"{key} magnitude", GREY)]
        hidden = n_negative(self._curve) if self._curve is not None else 0
        flux = Text(f"{key} flux ({hidden} negative)" if hidden else f"{key} flux", GREY)
        if not self._absolute:
            return [Text("AB mag", GREY), flux]
        if self._redshift is None:
            return [Text("AB mag: no redshift", GREY), flux]
        source = clean(self._redshift.source, 24)
        return [Text(f"M, no K corr., z {self._redshift.value:.3f} ({source})", GREY), flux]

    def _stretch(self) -> Text | None:
        """Say that only a part is seen."""
        return Text(f"{self.app.key('all')} all", GREY) if self._window is not None else None
