"""What an observer sees of a schedule: timeline, airmass, and the sheet of the night."""

from __future__ import annotations

import html.parser
import logging
import re
import subprocess
import sys
from base64 import b64decode
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_timetables import (
    LA_PALMA,
    SSO,
    blocks_of,
    plan_for,
    ranked,
    sample_timetable,
    telescope_night,
    timetable_of,
)

from ampel_followup.errors import FollowupError, ScheduleError
from ampel_followup.night_sheet import draw_airmass, draw_timeline, figures, render_sheet_html, render_sheet_pdf
from ampel_followup.night_sheet.airmass_chart import airmass_figure, altitude_curves
from ampel_followup.night_sheet.clock import local, moment, span, utc
from ampel_followup.night_sheet.figures import days, spread
from ampel_followup.night_sheet.moon import mjd_of, moon_in_words, moon_up
from ampel_followup.night_sheet.sheet import COLUMNS, sheets
from ampel_followup.night_sheet.timeline import timeline_figure
from ampel_followup.observing.airmass import altitude_of_airmass
from ampel_followup.observing.night import night_at
from ampel_followup.observing.sites import Site
from ampel_followup.observing.visibility import altitudes
from ampel_followup.timetable import BlockStatus, Closure, LeftOut, Timetable, Unplaced

NASTY = '<script>alert("1")</script> & [red]$x_$\x1b[2J 超新星 δ−″☾'
TIMETABLE = sample_timetable()
CROWDED = sample_timetable(60, lsst=True)


def two_telescopes() -> Timetable:
    part = telescope_night(LA_PALMA, key="sprat")
    return timetable_of((TIMETABLE.telescopes[0], list(TIMETABLE.blocks)), (part, blocks_of(part, 20, seed=3)))


def nasty(timetable: Timetable) -> Timetable:
    """What people, alerts and other programs may write, wherever they can."""
    part = replace(
        timetable.telescopes[0], name=NASTY, closures=(replace(timetable.telescopes[0].closures[0], reason=NASTY),)
    )
    return replace(
        timetable,
        telescopes=(part,),
        strategy=NASTY,
        blocks=tuple(replace(block, target=f"{NASTY}{i}") for i, block in enumerate(timetable.blocks)),
        unplaced=(Unplaced(NASTY, NASTY, 1.0),),
        left_out=(LeftOut("wifes", NASTY, NASTY),),
    )


def texts(figure) -> list:
    """The texts of a drawing that are not ticks."""
    return [text for axes in figure.axes for text in axes.texts if text.get_text()]


# Drawings.


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_same_night_gives_the_same_picture_whatever_matplotlib_is_set_to(tmp_path: Path, suffix: str) -> None:
    import matplotlib as mpl

    plan = plan_for(TIMETABLE)
    first = [draw_timeline(TIMETABLE, tmp_path / f"a{suffix}"), draw_airmass(TIMETABLE, plan, tmp_path / f"b{suffix}")]
    with mpl.rc_context({"font.size": 20.0, "axes.facecolor": "black", "svg.fonttype": "none"}):
        again = [
            draw_timeline(TIMETABLE, tmp_path / "sub" / f"a{suffix}"),
            draw_airmass(TIMETABLE, plan, tmp_path / "sub" / f"b{suffix}"),
        ]
        assert mpl.rcParams["font.size"] == 20.0
    magic = {".png": b"\x89PNG", ".svg": b"<?xml"}[suffix]
    for one, other in zip(first, again, strict=True):
        assert one.read_bytes().startswith(magic)
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize(
    ("timetable", "width", "numbered"),
    [
        (TIMETABLE, 12.0, False),
        (CROWDED, 12.0, False),
        (CROWDED, 7.64, True),
        (sample_timetable(90, lsst=True), 12.0, False),
    ],
    ids=["a-usual-night", "sixty-long-names", "sixty-numbers-on-paper", "ninety-long-names"],
)
def test_no_name_of_a_block_covers_another_or_leaves_its_row(
    timetable: Timetable, width: float, numbered: bool
) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with figures.drawing():
        figure = timeline_figure(timetable, timetable.telescopes, width=width, numbered=numbered)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    shown = [text for text in texts(figure) if text.get_text() not in ("UTC", "AEDT")]
    names = {str(i) for i in range(1, len(timetable.blocks) + 1)} if numbered else {b.target for b in timetable.blocks}
    assert {text.get_text() for text in shown} - names <= {"closed", "closed: wind above 60 km/h"}
    assert names <= {text.get_text() for text in shown}
    row = figure.axes[0].get_window_extent()
    boxes = [text.get_window_extent() for text in shown]
    for box in boxes:
        assert box.y1 <= row.y1
        assert row.x0 <= box.x0
        assert box.x1 <= row.x1
    # Boxes have some air around the letters.
    for one, other in combinations(boxes, 2):
        overlap = min(one.x1, other.x1) - max(one.x0, other.x0)
        beside = one.y1 <= other.y0 or other.y1 <= one.y0
        assert beside or overlap < 0.15 * min(one.width, other.width)


def test_what_was_done_what_failed_and_what_is_closed_is_told_apart_on_the_timeline() -> None:
    with figures.drawing():
        figure = timeline_figure(TIMETABLE, TIMETABLE.telescopes)
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "target", "fixed", "interrupt", "standard", "observed", "failed", "closed", "twilight", "Moon up",
        "planned from 11:00 UTC",
    ]  # fmt: skip
    axes = figure.axes[0]
    looks = [
        (tuple(bar.get_facecolor()[0].round(2)), bar.get_hatch(), bar.get_linestyle()[0][1] is not None)
        for bar in axes.collections
    ]
    moon, standard, failed, observed, interrupt, planned, fixed, *targets, closure = looks
    assert len({moon, standard, failed, observed, interrupt, planned, fixed, closure}) == 8
    assert set(targets) == {planned}
    assert len(targets) == 12
    assert axes.get_xlim() == (days(SSO.sunset), days(SSO.sunrise))
    marks = [line.get_xdata()[0] for line in axes.lines if line.get_marker() not in (None, "None")]
    assert marks == [(days(b.start) + days(b.end)) / 2 for b in TIMETABLE.blocks[:4]]


def test_the_value_stands_beside_its_bound_above_the_timeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr(figures, "save", lambda figure, out: drawn.append(figure) or out)
    draw_timeline(replace(TIMETABLE, value=2.4, bound=2.5), tmp_path / "night.png")
    titles = [text.get_text() for text in drawn[0].texts]
    assert titles[0] == "Night of 2026-11-20 · value 2.4 of at most 2.5 (96 %) · value-of-information"
    assert titles[1] == "ANU 2.3 m / WiFeS · Siding Spring Observatory · Moon 82 %, sets 15:12 UTC (02:12 local)"


def test_each_telescope_has_a_row_with_its_own_time(tmp_path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    timetable = two_telescopes()
    with figures.drawing():
        figure = timeline_figure(timetable, timetable.telescopes)
        FigureCanvasAgg(figure).draw()
        clocks = [
            [label.get_text() for label in axis.get_xticklabels()]
            for axes in figure.axes
            for axis in (axes, *axes.child_axes)
        ]
    assert [text.get_text() for text in texts(figure) if len(text.get_text()) <= 4] == ["UTC", "AEDT", "UTC", "WET"]
    utc_below, sydney, _, canary = clocks
    assert utc_below[:2] == ["10:00", "12:00"]
    assert sydney[:2] == ["21:00", "23:00"]
    assert canary[:2] == ["10:00", "12:00"]


def test_targets_are_thick_while_they_are_observed_and_limits_are_drawn() -> None:
    with figures.drawing():
        figure = airmass_figure(TIMETABLE, plan_for(TIMETABLE), {"wifes": 1.5})
    axes = figure.axes[0]
    thick = [line for line in axes.lines if line.get_linewidth() == 3.2]
    for line, block in zip(thick, TIMETABLE.blocks, strict=True):
        assert line.get_xdata()[[0, -1]] == pytest.approx([days(block.start), days(block.end)], abs=1e-6)
    dotted = [line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == ":"]
    assert dotted == pytest.approx([(altitude_of_airmass(1.5) - 15) / 75 * 3.6])
    grey = [line for line in axes.lines if line.get_color() == "#C8C8C8"]
    assert len(grey) == 3  # found no place


def test_curves_of_altitude_are_those_that_the_plan_rests_on() -> None:
    rng = np.random.default_rng(4)
    ra, dec = rng.uniform(0, 360, 50), rng.uniform(-90, 90, 50)
    night = night_at(Site("sso", "Siding Spring", -31.27, 149.06, 1165.0, "Australia/Sydney"), "2026-11-20")
    ours = altitude_curves(ra, dec, night.summary(), night.times)
    assert ours == pytest.approx(altitudes(ra, dec, night, night.times), abs=1e-4)
    assert altitude_curves(ra[:0], dec[:0], night.summary(), night.times).shape == (0, len(night.times))


def test_names_of_any_kind_can_be_drawn(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    timetable = nasty(TIMETABLE)
    draw_timeline(timetable, tmp_path / "timeline.png")
    draw_airmass(timetable, plan_for(timetable), tmp_path / "airmass.svg")
    assert [str(w.message) for w in recwarn if "missing" in str(w.message)] == []
    assert figures.drawable("δ−″☾ 超新星\n\x1b[2J") == "δ−″☾ ��� [2J"


def test_a_night_without_blocks_is_drawn_all_the_same(tmp_path: Path) -> None:
    empty = replace(TIMETABLE, blocks=(), value=0.0, bound=0.0)
    assert draw_timeline(empty, tmp_path / "timeline.png").stat().st_size > 1000
    assert draw_airmass(empty, plan_for(TIMETABLE), tmp_path / "airmass.png").stat().st_size > 1000


def test_a_wrong_name_of_a_picture_is_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(FollowupError, match=r"night\.gif: it is neither \.png nor \.svg; name it night\.png"):
        draw_timeline(TIMETABLE, tmp_path / "night.gif")
    (tmp_path / "file").write_text("")
    with pytest.raises(FollowupError, match=r"cannot write the plot .*; name another file") as error:
        draw_timeline(TIMETABLE, tmp_path / "file" / "night.png")
    assert "\n" not in str(error.value)


def test_a_timetable_without_a_telescope_is_named(tmp_path: Path) -> None:
    nothing = replace(TIMETABLE, telescopes=(), blocks=())
    for draw in (
        lambda: draw_timeline(nothing, tmp_path / "a.png"),
        lambda: draw_airmass(nothing, plan_for(TIMETABLE), tmp_path / "a.png"),
        lambda: render_sheet_html(nothing, {}),
        lambda: render_sheet_pdf(nothing, {}),
    ):
        with pytest.raises(ScheduleError, match="the timetable of 2026-11-20 has no telescope; make it for at least"):
            draw()


@pytest.mark.parametrize("module", ["matplotlib", "fpdf"])
def test_who_lacks_a_library_is_told_what_to_install(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(FollowupError, match=r"pip install 'ampel-followup\[plots\]'"):
        render_sheet_pdf(TIMETABLE, {})


def test_the_package_loads_neither_matplotlib_nor_fpdf_before_it_draws() -> None:
    code = "import sys, ampel_followup.night_sheet; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"matplotlib", "fpdf", "PIL", "scipy.optimize", "sqlalchemy"}


# Names beside each other.

_places = st.lists(st.floats(-5, 15), min_size=1, max_size=12).map(sorted)


@given(_places, st.lists(st.floats(0, 10), min_size=12, max_size=12), st.floats(0, 2))
def test_names_are_moved_apart_as_little_as_possible(wanted: list[float], elsewhere: list[float], gap: float) -> None:
    moved = spread(wanted, gap, 0.0, 10.0)
    n = len(wanted)
    least = min(gap, 10.0 / max(n - 1, 1))
    assert (np.diff(moved) >= least - 1e-9).all()
    assert moved.min() >= -1e-9
    assert moved.max() <= 10.0 + 1e-9
    # Any other arrangement that keeps the distances costs as much or more.
    free = 10.0 - least * (n - 1)
    other = np.sort(elsewhere[:n]) * free / 10.0 + least * np.arange(n)
    cost = np.sum((moved - wanted) ** 2)
    assert cost <= np.sum((other - wanted) ** 2) + 1e-6
    half_way = (moved + other) / 2
    assert cost <= np.sum((half_way - wanted) ** 2) + 1e-6


def test_names_that_have_room_stay_where_they_belong() -> None:
    assert spread([1.0, 3.0, 7.5], 1.0, 0.0, 10.0).tolist() == [1.0, 3.0, 7.5]
    assert spread([], 1.0, 0.0, 10.0).tolist() == []


# Time and Moon.


def test_times_are_to_the_nearest_minute_on_both_clocks() -> None:
    assert utc("2026-11-20T09:41:29Z") == "09:41"
    assert utc("2026-11-20T23:59:30Z") == "00:00"
    assert utc("2026-11-20T09:41:00") == "09:41"
    assert utc("2026-11-20T19:41:00+10:00") == "09:41"
    assert local("2026-11-20T09:41:00Z", SSO) == "20:41"
    # The night in which summer time began.
    assert [local(f"2026-10-03T{hour}:30:00Z", SSO) for hour in (15, 16)] == ["01:30", "03:30"]


@pytest.mark.parametrize(
    ("rise", "set_", "expected"),
    [
        (None, "2026-11-20T15:12:00Z", [(SSO.sunset, "2026-11-20T15:12:00Z")]),
        ("2026-11-20T11:00:00Z", None, [("2026-11-20T11:00:00Z", SSO.sunrise)]),
        ("2026-11-20T10:00:00Z", "2026-11-20T15:00:00Z", [("2026-11-20T10:00:00Z", "2026-11-20T15:00:00Z")]),
        (
            "2026-11-20T17:00:00Z",
            "2026-11-20T10:00:00Z",
            [(SSO.sunset, "2026-11-20T10:00:00Z"), ("2026-11-20T17:00:00Z", SSO.sunrise)],
        ),
    ],
    ids=["sets", "rises", "rises-and-sets", "sets-and-rises"],
)
def test_the_moon_is_up_between_its_rise_and_its_set(rise, set_, expected) -> None:
    night = replace(SSO, moon_rise=rise, moon_set=set_)
    assert moon_up(night) == [span(*ends) for ends in expected]


def test_a_moon_that_does_not_cross_the_horizon_is_up_all_night_or_not_at_all() -> None:
    def without_events(date: str):
        times = {name: f"{date}{getattr(SSO, name)[10:]}" for name in ("sunset", "dusk", "dawn", "sunrise")}
        return replace(SSO, date=date, moon_rise=None, moon_set=None, **times)

    full, new = without_events("2026-11-24"), without_events("2026-12-09")
    assert moon_up(full) == [span(full.sunset, full.sunrise)]
    assert moon_in_words(full).endswith("up all night")
    assert moon_up(new) == []
    assert moon_in_words(new).endswith("below the horizon all night")


def test_moments_become_julian_dates() -> None:
    assert mjd_of("2026-11-20T00:00:00Z", "2026-11-20T12:00:00Z") == pytest.approx([61364.0, 61364.5], abs=1e-9)
    assert moment("2026-11-20T12:00:00+02:00").hour == 10


# The sheet.


class _Page(html.parser.HTMLParser):
    """Cells of the tables, sources of images, and names of all elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.images: list[str] = []
        self.elements: set[str] = set()
        self.text = ""
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._in_cell = True
        if tag == "img":
            self.images.append(dict(attrs)["src"])

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data):
        self.text += data
        if self._in_cell:
            self.rows[-1][-1] += data


def test_a_line_of_the_sheet_says_what_the_observer_must_set() -> None:
    block = replace(
        TIMETABLE.blocks[6],
        target="ZTF26abcdefg",
        ra=10.6847083,
        dec=-0.26875,
        start="2026-11-20T11:03:00Z",
        end="2026-11-20T11:24:10Z",
        exposure=1800.0,
        n_exposures=3,
        magnitude=18.654,
        magnitude_err=0.046,
        airmass=1.234,
        moon_separation=88.6,
    )
    targets = {block.target: replace(ranked(TIMETABLE)[TIMETABLE.blocks[6].target], reasons=("first", "second"))}
    [sheet] = sheets(replace(TIMETABLE, blocks=(block,)), targets, {block.target: "seeing 3″"})
    [line] = sheet.lines
    assert [getattr(line, name) for name in COLUMNS] == [
        "1", "11:03–11:24", "22:03", "ZTF26abcdefg", "00:42:44.330", "−00:16:07.50", "18.65 ± 0.05", "3 × 600 s",
        "1.23", "89°", "first", "seeing 3″",
    ]  # fmt: skip


def test_what_is_not_known_is_left_blank_and_what_is_no_target_says_so() -> None:
    [sheet] = sheets(TIMETABLE, ranked(TIMETABLE))
    standard, failed, _, interrupt, target, fixed = sheet.lines[:6]
    assert (standard.magnitude, standard.why, standard.number) == ("", "standard star", "✓ 1")
    assert failed.number == "× 2"
    assert interrupt.why.startswith("interrupt: a spectrum would")
    assert fixed.why.startswith("fixed: a spectrum would")
    assert target.number == "5"
    unknown = replace(
        TIMETABLE.blocks[4], magnitude_err=float("nan"), airmass=float("nan"), moon_separation=float("nan")
    )
    [sheet] = sheets(replace(TIMETABLE, blocks=(unknown,)), {})
    assert re.fullmatch(r"\d\d\.\d\d", sheet.lines[0].magnitude)
    assert (sheet.lines[0].airmass, sheet.lines[0].moon, sheet.lines[0].why) == ("", "", "")


def test_a_magnitude_without_an_error_to_speak_of_stands_alone() -> None:
    star = replace(TIMETABLE.blocks[0], magnitude=11.5, magnitude_err=0.0)
    [sheet] = sheets(replace(TIMETABLE, blocks=(star,)), {})
    assert sheet.lines[0].magnitude == "11.50"


def test_a_failed_block_is_worth_nothing_in_the_share_of_its_telescope() -> None:
    both = two_telescopes()
    blocks = tuple(replace(block, value=1.0) for block in both.blocks)
    failed = sum(block.status == BlockStatus.FAILED for block in blocks if block.telescope == "wifes")
    first, _ = sheets(replace(both, blocks=blocks), {})
    assert failed == 1
    assert first.facts[3].startswith("Value 17 here; of all telescopes")


def test_the_header_names_place_twilights_moon_value_and_closures() -> None:
    [sheet] = sheets(TIMETABLE, {})
    assert sheet.title == "ANU 2.3 m / WiFeS · night of 2026-11-20"
    place, twilights, moon, value, closed = sheet.facts
    assert place == "Siding Spring Observatory (latitude −31.27°, longitude +149.06°), local time Australia/Sydney"
    assert twilights.startswith("UTC (local): sunset 08:41 (19:41), dusk 09:41 (20:41), dawn 17:22 (04:22)")
    assert moon == "☾ Moon 82 %, sets 15:12 UTC (02:12 local)"
    assert re.fullmatch(
        r"Value 2\.\d\d of at most 2\.\d\d \(97 %\) · value-of-information · planned from 11:00 UTC on · plan 7", value
    )
    assert closed == "Closed: 14:00–15:30 UTC (wind above 60 km/h)"


def test_each_telescope_has_its_own_sheet_with_its_share_of_the_value() -> None:
    first, second = sheets(two_telescopes(), {})
    assert (len(first.lines), len(second.lines)) == (18, 20)
    total = two_telescopes().value
    assert f" here; of all telescopes {total:.3g} of at most" in first.facts[3]
    assert first.facts[3] != second.facts[3]


def test_a_telescope_without_a_night_is_named_on_every_sheet_with_the_reason() -> None:
    reason = "no dark time at Tartu on 2026-06-20: the Sun is never more than 8.2° below the horizon (12° wanted)"
    both = two_telescopes()
    timetable = replace(both, left_out=(LeftOut("wifes", "WiFeS", f"{reason}; choose another date or site"),))
    for sheet in sheets(timetable, {}):
        assert sheet.facts[-1] == f"Left out: WiFeS (wifes), {reason}"
    assert render_sheet_html(timetable, {}).count(f"<p>Left out: WiFeS (wifes), {reason}</p>") == 2
    assert not any(fact.startswith("Left out") for sheet in sheets(both, {}) for fact in sheet.facts)


def test_the_best_five_that_found_no_place_are_named_with_their_reasons() -> None:
    [sheet] = sheets(TIMETABLE, {})
    assert sheet.unplaced == tuple((found.target, found.reason) for found in TIMETABLE.unplaced[:5])
    elsewhere = tuple(replace(found, telescope="sprat") for found in TIMETABLE.unplaced[:2])
    [sheet] = sheets(replace(TIMETABLE, unplaced=(*elsewhere, *TIMETABLE.unplaced[2:])), {})
    assert sheet.unplaced[0] == (TIMETABLE.unplaced[2].target, TIMETABLE.unplaced[2].reason)


def test_the_page_lists_the_blocks_in_order_of_time_with_space_for_comments() -> None:
    page = _Page(render_sheet_html(TIMETABLE, ranked(TIMETABLE), comments={TIMETABLE.blocks[4].target: "clouds"}))
    heading, *rows = page.rows
    assert heading == list(COLUMNS.values())
    assert [row[3] for row in rows] == [block.target for block in TIMETABLE.blocks]
    assert [row[-1] for row in rows] == ["clouds" if i == 4 else "" for i in range(18)]
    assert "Found no place" in page.text
    assert TIMETABLE.unplaced[4].reason in page.text
    assert TIMETABLE.unplaced[5].reason not in page.text


def test_the_page_needs_nothing_else_and_shows_the_timeline() -> None:
    text = render_sheet_html(two_telescopes(), {})
    page = _Page(text)
    assert not page.elements & {"script", "link", "iframe", "object"}
    assert len(page.images) == 2
    for image in page.images:
        kind, _, data = image.partition(",")
        assert kind == "data:image/svg+xml;base64"
        assert ElementTree.fromstring(b64decode(data)).tag.endswith("svg")
    # Namespaces within the drawings are names, and lie in the data.
    assert "http" not in text.replace("http-equiv", "")
    assert text == render_sheet_html(two_telescopes(), {})


def test_text_from_alerts_is_shown_on_the_page_and_never_obeyed() -> None:
    timetable = nasty(TIMETABLE)
    text = render_sheet_html(timetable, {}, comments={timetable.blocks[0].target: NASTY})
    page = _Page(text)
    assert "script" not in page.elements
    assert "\x1b" not in text
    shown = '<script>alert("1")</script> & [red]$x_$[2J 超新星 δ−″☾'
    assert page.rows[1][3] == f"{shown}0"
    assert page.rows[1][-1] == shown


def pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", pdf))


def test_the_pdf_has_one_page_per_telescope() -> None:
    pdf = render_sheet_pdf(TIMETABLE, ranked(TIMETABLE))
    assert pdf.startswith(b"%PDF-")
    assert pages(pdf) == 1
    assert pages(render_sheet_pdf(two_telescopes(), {})) == 2


def test_sixty_blocks_with_long_names_find_place_on_one_page_and_more_lose_none() -> None:
    assert pages(render_sheet_pdf(CROWDED, ranked(CROWDED))) == 1
    assert pages(render_sheet_pdf(sample_timetable(150), {})) > 1


def test_every_block_is_written_on_the_pdf_once_within_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    from fpdf import FPDF

    written: list[tuple[str, float, float, float]] = []
    cell = FPDF.cell

    def note(self, width, height, text, **options):
        written.append((text, self.x, self.y, max(width, self.get_string_width(text))))
        return cell(self, width, height, text, **options)

    monkeypatch.setattr(FPDF, "cell", note)
    for timetable in (TIMETABLE, CROWDED, sample_timetable(150, lsst=True)):
        written.clear()
        render_sheet_pdf(timetable, ranked(timetable), comments={timetable.blocks[3].target: "long " * 60})
        assert [text for text, *_ in written if text in {b.target for b in timetable.blocks}] == [
            block.target for block in timetable.blocks
        ]
        for text, x, y, width in written:
            assert x >= 8.0 - 1e-6, text
            assert x + width <= 210.0 - 8.0 + 1e-3, text
            assert y <= 297.0 - 8.0, text


def test_the_same_night_gives_the_same_pdf_and_another_one_does_not() -> None:
    pdf = render_sheet_pdf(TIMETABLE, ranked(TIMETABLE))
    assert render_sheet_pdf(TIMETABLE, ranked(TIMETABLE)) == pdf
    assert render_sheet_pdf(replace(TIMETABLE, value=9.0), ranked(TIMETABLE)) != pdf


def test_characters_that_the_font_lacks_are_replaced_on_paper(caplog: pytest.LogCaptureFixture) -> None:
    timetable = nasty(TIMETABLE)
    with caplog.at_level(logging.WARNING):
        pdf = render_sheet_pdf(timetable, {}, comments={timetable.blocks[0].target: NASTY})
    assert pages(pdf) == 1
    assert [record.getMessage() for record in caplog.records if "glyph" in record.getMessage().lower()] == []


def test_a_night_that_is_closed_from_end_to_end_has_a_sheet_that_says_so() -> None:
    part = telescope_night(SSO, Closure(SSO.dusk, SSO.dawn, "snow"))
    closed = replace(timetable_of((part, [])), unplaced=())
    text = render_sheet_html(closed, {})
    assert "Closed: 09:41–17:22 UTC (snow)" in text
    assert "Nothing is scheduled." in text
    assert "Found no place" not in text
    assert pages(render_sheet_pdf(closed, {})) == 1
