"""Colours: enough contrast on every screen, bands apart for every kind of eye, and nothing that colour alone says."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from sample_night import NOW, make_timetable, screen_text, until
from textual.color import Color

from ampel_followup.store import Store
from ampel_followup_tui import glyphs, learning_columns
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.columns import tonight_columns
from ampel_followup_tui.journal import Journal
from ampel_followup_tui.panes import classes
from ampel_followup_tui.panes.timeline import sign_of
from ampel_followup_tui.preferences import Preferences
from ampel_followup_tui.themes import INKS, THEMES, Inks, next_theme

#: What the screens that are looked at are reached by.
WALK = (
    ("a", "r", "d", "n", "n"), ("2",), ("5",), ("3",), ("4",), ("l",), ("l", "v"), ("enter",), ("f",), ("escape", "t"),
    ("p", "x", "f"), ("question_mark",), ("escape", "colon"), ("escape", "g"), ("g", "t", "w"), ("escape", "e"),
)  # fmt: skip
SIZES = ((80, 24), (140, 45))
#: Signs that draw lines and shades, and say nothing to be read.
LINES = frozenset(" ·▔▁▂▃▄▅▆▇█▌▐▏▕▎▊▀░╱") | set(map(chr, range(0x2500, 0x2580))) | set(map(chr, range(0x2800, 0x2900)))


def make(store: Store, theme: str = "dark") -> FollowupApp:
    preferences = Preferences(theme=theme)
    return FollowupApp(store, store.load_plan(), "ada", now=lambda: NOW, poll_seconds=3600.0, preferences=preferences)


@pytest.fixture
def busy(filled_assisted_store: Path, tmp_path: Path) -> Callable[[], Store]:
    """Return what opens a new copy of a night with an assistant and a schedule."""
    copies = itertools.count()

    def opened() -> Store:
        store = Store.open(shutil.copy(filled_assisted_store, tmp_path / f"{next(copies)}.sqlite"))
        store.save_timetable(make_timetable(store.load_plan().plan), created="2026-11-20T07:00:00Z")
        return store

    return opened


def lines_of(app: FollowupApp) -> list[list[Segment]]:
    """What is drawn, line by line: of a dialogue its box alone, for what is behind it is dimmed on purpose."""
    strips = app.screen._compositor.render_strips()
    if app.screen.is_modal:
        box = app.screen.query_one(".box").region
        strips = [strip.crop(box.x, box.right) for strip in strips[box.y : box.bottom]]
    return [list(strip) for strip in strips]


async def look_at_every_screen(
    store: Store, theme: str, size: tuple[int, int], look: Callable[[FollowupApp], None]
) -> None:
    with store:
        app = make(store, theme)
        async with app.run_test(size=size) as pilot:
            await until(lambda: app.journal.timetable is not None)
            for keys in WALK:
                await pilot.press(*keys)
                await app.workers.wait_for_complete()
                await pilot.pause()
                look(app)
            assert app._exception is None


# Contrast, after WCAG 2.2, "relative luminance" and "contrast ratio".


def linear(color: str) -> NDArray[np.float64]:
    """Intensities of red, green and blue, 0 to 1, from sRGB."""
    values = np.array(Color.parse(color).rgb) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    weights = np.array([0.2126, 0.7152, 0.0722])
    dark, light = sorted(float(linear(color) @ weights) for color in (one, other))
    return (light + 0.05) / (dark + 0.05)


def test_the_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def grounds_of(app: FollowupApp) -> set[str]:
    """Colours that something stands on."""
    styles = [segment.style for segment in itertools.chain(*lines_of(app)) if segment.style is not None]
    return {style.bgcolor.get_truecolor().hex.lower() for style in styles if style.bgcolor is not None}


def colours(segment: Segment) -> tuple[str, str]:
    """The colours of a sign and of what is behind it."""
    style = segment.style or Style()
    front, behind = (
        color.get_truecolor().hex if color is not None and not color.is_default else None
        for color in (style.color, style.bgcolor)
    )
    assert front is not None
    assert behind is not None
    return (behind, front) if style.reverse else (front, behind)


@pytest.mark.parametrize(("theme", "least"), [("dark", 4.5), ("light", 4.5), ("high-contrast", 7.0)])
async def test_what_is_to_be_read_stands_out_on_every_screen(
    busy: Callable[[], Store], theme: str, least: float
) -> None:
    poor: dict[tuple[str, str], str] = {}

    def look(app: FollowupApp) -> None:
        for segment in itertools.chain(*lines_of(app)):
            # Signs of a picture are no text: for them the standard asks for less.
            wanted = least if any(map(str.isalnum, segment.text)) else 3.0
            if not set(segment.text) <= LINES and contrast(*colours(segment)) < wanted:
                poor.setdefault(colours(segment), segment.text)

    for size in SIZES if theme == "dark" else SIZES[1:]:
        await look_at_every_screen(busy(), theme, size, look)
    assert {pair: (text, round(contrast(*pair), 2)) for pair, text in poor.items()} == {}


@pytest.mark.parametrize("theme", list(THEMES))
def test_every_ink_is_readable_on_every_ground_of_its_theme(theme: str) -> None:
    look = THEMES[theme]
    grounds = {look.theme.background, look.theme.surface, look.theme.panel, look.theme.variables["cursor-row"]}
    least = 7.0 if theme == "high-contrast" else 4.5
    text = set(INKS) - {glyphs.BLOCK_INK, glyphs.BLOCK_CHOSEN}
    for ink, ground in itertools.product(text, grounds):
        assert contrast(look.inks.get(ink, ink), str(ground)) >= least, (ink, ground)
    ink = look.inks.get(glyphs.BLOCK_INK, glyphs.BLOCK_INK)
    for ground in (*text, glyphs.BLOCK_CHOSEN):
        assert contrast(ink, look.inks.get(ground, ground)) >= 4.5, ground


# Colour vision deficiency: Machado, Oliveira & Fernandes (2009), tables for a severity of 1, on linear intensities.

EYES = {
    "usual": np.eye(3),
    "protanope": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranope": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanope": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def lab(intensities: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIE L*a*b* of linear sRGB, for the white of D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratios = to_xyz @ np.clip(intensities, 0, 1) / np.array([0.9505, 1.0, 1.089])
    f = np.where(ratios > 0.008856, np.cbrt(ratios), 7.787 * ratios + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def apart(one: str, other: str, eye: str) -> float:
    """How far apart two colours look, as a distance in CIE L*a*b* (ΔE of 1976)."""
    return float(np.linalg.norm(lab(EYES[eye] @ linear(one)) - lab(EYES[eye] @ linear(other))))


def test_red_and_green_are_alike_to_those_who_confuse_them_and_black_and_white_are_not() -> None:
    assert apart("#a05000", "#5f7a00", "deuteranope") < 12 < 40 < apart("#a05000", "#5f7a00", "usual")
    assert apart("#000000", "#ffffff", "protanope") == pytest.approx(100, abs=1)


@pytest.mark.parametrize("eye", list(EYES))
@pytest.mark.parametrize("theme", list(THEMES))
@pytest.mark.parametrize("survey", ["ugrizy", "co"])
def test_the_bands_of_a_survey_look_different_to_every_eye(theme: str, eye: str, survey: str) -> None:
    inks = THEMES[theme].inks
    styles = {band: inks.get(glyphs.BAND[band][1], glyphs.BAND[band][1]) for band in survey}
    for one, other in itertools.combinations(survey, 2):
        # Four times what is just seen (2.3), and eight times for the pair that most light curves are made of.
        least = 18.4 if {one, other} == {"g", "r"} else 9.2
        assert apart(styles[one], styles[other], eye) >= least, (one, other)


# Nothing is said by colour alone.

#: What stands in one place and must be told apart there: sign or word first, style last.
FAMILIES: dict[str, Sequence[tuple[str, ...]]] = {
    "verdicts": (*glyphs.STATUS.values(), glyphs.UNDECIDED),
    "what is said of a target": (
        glyphs.OUTSIDE, glyphs.URGENT, glyphs.ANOMALY, ("", *glyphs.CLOSING), glyphs.DISAGREE,
    ),
    "marks of a row": (glyphs.SELECTED, ("»", glyphs.VERMILION)),
    "blocks": (*glyphs.BLOCK_KIND.values(), glyphs.STATUS["observed"], glyphs.STATUS["failed"]),
    "beside blocks": (glyphs.NOTE, glyphs.LEFT_OUT),
    "night": (glyphs.TWILIGHT, glyphs.MOON_UP, glyphs.CLOSED),
    "effects": (glyphs.RAISES, glyphs.LOWERS),
    "comparisons": (glyphs.BETTER, glyphs.WORSE, glyphs.SAME),
    "models": (glyphs.IN_USE,),
    "labels": (learning_columns.RIGHT, learning_columns.WRONG, learning_columns.CONFLICT, learning_columns.NO_CLASS),
    "classes": (classes._CONFIRMS, classes._CORRECTS),
    "bands": (*glyphs.BAND.values(), glyphs.OTHER_BAND, (glyphs.LIMIT, glyphs.GREY)),
}  # fmt: skip


def said_in_colour(value: object) -> Iterator[tuple[str, ...]]:
    """Find what ends with an ink, however deep."""
    if isinstance(value, tuple) and len(value) > 1 and all(isinstance(part, str) for part in value):
        if value[-1] in INKS and value[0] not in INKS:
            yield value
    elif isinstance(value, tuple | list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from said_in_colour(part)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_what_has_a_colour_has_a_sign_or_word_of_its_own(family: str) -> None:
    for part in {0, -2}:
        said = [entry[part] for entry in FAMILIES[family]]
        assert len(said) == len(set(said))
    assert all("".join(entry[:-1]).strip() for entry in FAMILIES[family])


def test_everything_that_has_a_colour_is_in_a_family() -> None:
    known = {entry for family in FAMILIES.values() for entry in family} | {glyphs.CLOSING}
    found = {
        entry
        for module in (glyphs, learning_columns, classes)
        for name, value in vars(module).items()
        if not name.startswith("__")
        for entry in said_in_colour(value)
    }
    assert found >= {glyphs.URGENT, glyphs.RAISES, *glyphs.STATUS.values(), *glyphs.BAND.values()}
    assert found <= known


def test_the_list_says_with_a_sign_what_a_block_of_the_schedule_is(busy: Callable[[], Store]) -> None:
    with busy() as store:
        journal = Journal(store, store.load_plan(), "ada", lambda: NOW)
        journal.read_timetable()
        column = next(column for column in tonight_columns(140, journal) if column.key == "start")
        said = {
            (sign_of(step)[0], column.content(journal.target(step.block.target), column.width).plain[0])
            for step in journal.course
            if journal.knows(step.block.target)
        }
    assert len(said) > 2
    assert all(one == other for one, other in said)


def test_every_colour_of_the_signs_is_an_ink() -> None:
    styles = {entry[-1] for family in FAMILIES.values() for entry in family}
    assert styles <= set(INKS)
    source = Path(glyphs.__file__).parent
    written = {
        (path.name, colour)
        for path in source.rglob("*.py")
        if path.name not in ("glyphs.py", "themes.py", "half_blocks.py")
        for colour in re.findall(r'"[^"\n]*(#[0-9a-fA-F]{6})\b', path.read_text(encoding="utf-8"))
    }
    assert written == set()


async def test_no_color_sends_no_colour_to_the_terminal_and_says_the_same(
    busy: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    coloured: list[str] = []
    await look_at_every_screen(busy(), "dark", SIZES[0], lambda app: coloured.append(screen_text(app)))
    monkeypatch.setenv("NO_COLOR", "1")
    plain: list[str] = []
    all_codes: set[str] = set()

    def look(app: FollowupApp) -> None:
        plain.append(screen_text(app))
        sent = StringIO()
        terminal = Console(file=sent, force_terminal=True, color_system="truecolor", width=500, _environ={})
        for strip in app.screen._compositor.render_strips():
            sent.write(strip.render(terminal))
        all_codes.update(code for codes in re.findall(r"\x1b\[([\d;]*)m", sent.getvalue()) for code in codes.split(";"))

    await look_at_every_screen(busy(), "light", SIZES[0], look)
    assert plain == coloured
    # Bold, dim, italic, underlined, reversed, struck through; 39 and 49 are the colours that the terminal has.
    assert {"1", "7"} <= all_codes <= {"", "0", "1", "2", "3", "4", "7", "9", "39", "49"}


async def test_without_colours_the_row_under_the_cursor_is_reversed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    first, second, *_ = (target.id for target in store.load_plan().plan.targets)
    app = make(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("n")
        names = {
            segment.text.strip(): segment.style is not None and bool(segment.style.reverse)
            for segment in itertools.chain(*lines_of(app))
        }
        assert (names[first], names[second]) == (False, True)
        await pilot.press("T")
        assert "NO_COLOR" in [notice.message for notice in app._notifications][-1]
        assert app.theme == "dark"


# Changing


async def test_t_goes_through_the_themes_and_back(store: Store) -> None:
    app = make(store)
    async with app.run_test(size=(80, 24)) as pilot:
        seen = []
        for _ in range(len(THEMES) + 1):
            await pilot.pause()
            seen.append((app.theme, grounds_of(app)))
            await pilot.press("T")
            await pilot.pause()
    assert [name for name, _ in seen] == ["dark", "light", "high-contrast", "dark"]
    for name, grounds in seen:
        assert Color.parse(str(THEMES[name].theme.background)).hex.lower() in grounds
    assert next_theme("high-contrast") == "dark"


async def test_the_app_begins_with_the_theme_that_is_wanted(store: Store) -> None:
    app = make(store, "light")
    async with app.run_test(size=(80, 24)):
        assert not app.current_theme.dark
        assert "#ffffff" in grounds_of(app)


def test_inks_leave_alone_what_is_no_ink() -> None:
    filters = Inks({glyphs.GREEN: "#010203"})
    green = Style.parse(f"bold {glyphs.GREEN} on {glyphs.GREEN}")
    styles = [green, Style.parse("#123456 on #654321"), None]
    exchanged = filters.apply([Segment("x", style) for style in styles], Color.parse("black"))
    assert exchanged[0].style == Style.parse("bold #010203 on #010203")
    assert [segment.style for segment in exchanged[1:]] == styles[1:]
