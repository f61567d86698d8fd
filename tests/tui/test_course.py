"""What became of the blocks of a schedule, whether that is on time, and how it is drawn."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_night import FLOYDS, LA_PALMA, NIGHT, NOW, SPRAT, WIFES, iso, make_plan, make_timetable

from ampel_followup.decision import Decision, Verdict
from ampel_followup.timetable import BlockKind, BlockStatus, Closure, Timetable
from ampel_followup_tui.course import Step, coming, delay, running, steps
from ampel_followup_tui.instants import stamp
from ampel_followup_tui.panes.next_up import next_up
from ampel_followup_tui.panes.night_scale import NightScale, moon_is_up
from ampel_followup_tui.panes.timeline import timeline
from ampel_followup_tui.panes.visibility import visibility
from ampel_followup_tui.widgets.airmass_plot import airmass_at

PLAN = make_plan(34, 0)[0]
DUSK = datetime.fromisoformat(NIGHT.dusk)


@pytest.fixture
def timetable() -> Timetable:
    return make_timetable(PLAN)


def decided(target: str, verdict: Verdict, time: datetime = NOW) -> dict[str, Decision]:
    return {target: Decision(target, NIGHT.date, NIGHT.site, verdict, "ada", stamp(time))}


def course_of(timetable: Timetable, verdicts: dict[str, Decision] | None = None) -> tuple[Step, ...]:
    return steps(timetable, NIGHT.site, (verdicts or {}).get)


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        (Verdict.OBSERVED, BlockStatus.OBSERVED),
        (Verdict.FAILED, BlockStatus.FAILED),
        (Verdict.APPROVE, BlockStatus.PLANNED),
    ],
)
def test_a_verdict_says_what_became_of_a_block(timetable: Timetable, verdict: Verdict, status: BlockStatus) -> None:
    target = timetable.blocks[3].target
    course = course_of(timetable, decided(target, verdict))
    assert [step.status for step in course if step.block.target == target] == [status]
    assert {step.status for step in course if step.block.target != target} == {BlockStatus.PLANNED}


def test_what_failed_before_the_schedule_was_made_is_tried_once_more(timetable: Timetable) -> None:
    target = timetable.blocks[9].target
    failed = decided(target, Verdict.FAILED, NOW - timedelta(minutes=20))
    anew = replace(timetable, planned_from=iso(NOW))
    assert course_of(timetable, failed)[9].status == BlockStatus.FAILED
    assert course_of(anew, failed)[9].status == BlockStatus.PLANNED
    assert course_of(anew, decided(target, Verdict.FAILED, NOW))[9].status == BlockStatus.FAILED


def test_a_verdict_here_says_nothing_of_another_site() -> None:
    timetable = make_timetable(PLAN, (WIFES, SPRAT))
    there = next(b for b in timetable.blocks if b.telescope == "sprat" and b.kind == BlockKind.TARGET)
    course = course_of(timetable, decided(there.target, Verdict.OBSERVED))
    assert all(step.is_open for step in course if step.block.telescope == "sprat")


@pytest.mark.parametrize("minutes", [-60, 0, 3, 10, 49, 200, 465, 600])
def test_what_is_on_and_what_comes_next_do_not_overlap(timetable: Timetable, minutes: int) -> None:
    now = DUSK + timedelta(minutes=minutes)
    course = course_of(timetable)
    on, following = running(course, now), coming(course, now)
    assert len(on) <= 1
    assert all(step.start <= now < step.end for step in on)
    assert all(step.start > now for step in following)
    assert len([step for step in course if step.end <= now]) + len(on) + len(following) == len(course)


def mark(course: tuple[Step, ...], *numbers: int) -> tuple[Step, ...]:
    """The same course with these blocks observed."""
    return tuple(replace(s, status=BlockStatus.OBSERVED) if s.number in numbers else s for s in course)


@pytest.mark.parametrize(
    ("done", "minutes", "late"),
    [
        ((), -10, None),  # before the first target
        ((), 2, None),  # the standard
        ((), 12, 0),  # the first target is on: it ends 19 min after dusk
        ((), 30, 11),
        ((2,), 30, 0),  # the second one is on, until 43 min
        ((2, 3), 30, -13),
        ((3,), 60, 0),  # the first one was left out, the third is on until 77 min
        ((2, 3), 90, 13),
    ],
)
def test_late_counts_from_the_end_of_the_target_that_should_be_done(
    timetable: Timetable, done: tuple[int, ...], minutes: int, late: int | None
) -> None:
    course = mark(course_of(timetable), *done)
    delays = delay(course, NIGHT.site, DUSK, DUSK + timedelta(minutes=minutes))
    assert delays == ({} if late is None else {"wifes": timedelta(minutes=late)})


def test_nothing_is_late_when_all_is_done_or_was_before_the_schedule_was_made(timetable: Timetable) -> None:
    course = course_of(timetable)
    dawn = datetime.fromisoformat(NIGHT.dawn)
    assert delay(mark(course, *range(1, len(course) + 1)), NIGHT.site, DUSK, dawn) == {}
    assert delay(course, NIGHT.site, dawn, dawn) == {}
    assert delay(course, LA_PALMA.site, DUSK, dawn) == {}


@given(
    width=st.integers(40, 200),
    lines=st.integers(0, 20),
    minutes=st.integers(-120, 700),
    telescopes=st.sampled_from([(WIFES,), (WIFES, FLOYDS), (WIFES, FLOYDS, SPRAT)]),
)
def test_every_block_stands_where_its_time_is(
    width: int, lines: int, minutes: int, telescopes: tuple[object, ...]
) -> None:
    timetable = make_timetable(PLAN, telescopes)  # type: ignore[arg-type]
    course = course_of(timetable)
    drawn = timeline(course, timetable.telescopes, DUSK + timedelta(minutes=minutes), width, lines=lines).plain
    rows = drawn.splitlines()
    assert max(map(len, rows)) <= width
    n_sites = len({telescope.night.site for telescope in timetable.telescopes})
    assert len(rows) <= max(lines, n_sites + len(telescopes))
    for telescope in timetable.telescopes:
        row = next(r for r in rows if r.startswith((telescope.name, telescope.telescope + " ")))
        mine = [step for step in course if step.telescope == telescope]
        night = telescope.night
        first, last = datetime.fromisoformat(night.sunset), datetime.fromisoformat(night.sunrise)
        bar = row[len(row) - _bar_width(rows, width) :]
        for step in mine:
            cell = min(len(bar) - 1, round((step.start - first) / (last - first) * len(bar)))
            after = [s for s in mine if s.number > step.number][:1]
            hidden = after and round((after[0].start - first) / (last - first) * len(bar)) <= cell
            if not hidden:
                assert bar[cell] in "▌◆»★", (bar, cell)


def _bar_width(rows: list[str], width: int) -> int:
    """The bar fills what the longest label leaves."""
    bars = [row for row in rows if "░" in row]
    return width - min(min(row.index(sign) for sign in "░│" if sign in row) for row in bars)


def test_a_closure_is_hatched_and_the_moon_and_twilight_are_shaded(timetable: Timetable) -> None:
    closure = Closure("2026-11-20T17:00:00Z", "2026-11-20T17:22:00Z", "clouds")
    telescope = replace(WIFES, closures=(closure,))
    few = replace(timetable, blocks=timetable.blocks[:3], telescopes=(telescope,))
    bar = timeline(course_of(few), few.telescopes, NOW, 120).plain.splitlines()[1]
    dark = bar[bar.index("★") :]
    assert bar.count("╱") in (3, 4)
    assert dark.index("·") < dark.rindex("·") < dark.index(" ") < dark.index("╱") < dark.index("░")
    assert "│" in bar


def test_names_are_written_as_far_as_they_fit(timetable: Timetable) -> None:
    block = timetable.blocks[3]
    long = replace(timetable, blocks=(replace(block, end="2026-11-20T14:00:00Z"),))
    assert block.target in timeline(course_of(long), long.telescopes, NOW, 80).plain
    short = replace(timetable, blocks=(replace(block, end="2026-11-20T11:12:00Z"),))
    bar = timeline(course_of(short), short.telescopes, NOW, 80).plain.splitlines()[1]
    assert block.target not in bar
    assert block.target[-4:] in bar
    assert f"╰{block.target}" in timeline(course_of(short), short.telescopes, NOW, 80, lines=3).plain


def test_the_next_three_targets_have_a_countdown_pointing_and_exposure(timetable: Timetable) -> None:
    lines = next_up(course_of(timetable), NOW, 120, telescopes=False).plain.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith(" 28 min left")
    assert [line.split("  ")[0].strip() for line in lines[1:]] == ["in 28 min", "in 42 min", "in 1 h 06 min"]
    assert "2×600 s + 4 min" in lines[2]
    assert all(len(line) <= 80 for line in next_up(course_of(timetable), NOW, 80, telescopes=True).plain.splitlines())


@given(st.integers(30, 150), st.integers(-200, 800))
def test_hours_and_the_present_moment_keep_to_the_scale(width: int, minutes: int) -> None:
    scale = NightScale(DUSK, datetime.fromisoformat(NIGHT.dawn), width, NIGHT.timezone)
    now = DUSK + timedelta(minutes=minutes)
    line = scale.hours(now)
    assert len(line) == width
    assert ("▼" in line) == scale.holds(now)
    if scale.holds(now):
        assert line.index("▼") == int(scale.position(now))
    assert set(line.replace("now", "")) <= set(" ▼0123456789")


@pytest.mark.parametrize(
    ("rise", "sets", "lit", "hours_up"),
    [
        (None, "14:00", 0.6, [10, 11, 12, 13]),
        ("14:00", None, 0.4, [14, 15, 16]),
        ("12:00", "14:00", 0.1, [12, 13]),
        ("15:00", "12:00", 0.9, [10, 11, 15, 16]),
        (None, None, 0.99, [10, 11, 12, 13, 14, 15, 16]),
        (None, None, 0.01, []),
    ],
)
def test_the_moon_is_up_between_its_rise_and_its_set(
    rise: str | None, sets: str | None, lit: float, hours_up: list[int]
) -> None:
    rise, sets = (f"2026-11-20T{moment}:00Z" if moment else None for moment in (rise, sets))
    night = replace(NIGHT, moon_rise=rise, moon_set=sets, moon_illumination=lit)
    moments = {hour: datetime.fromisoformat(f"2026-11-20T{hour}:00:00Z") for hour in range(10, 17)}
    assert [hour for hour, moment in moments.items() if moon_is_up(night, moment)] == hours_up


@given(
    latitude=st.floats(-60, 60),
    dec=st.floats(-80, 80),
    hour_angle=st.floats(-12, 12),
    share=st.floats(0, 1),
)
def test_the_curve_between_the_steps_is_that_of_the_sky(
    latitude: float, dec: float, hour_angle: float, share: float
) -> None:
    phi, delta, n_steps, hours = math.radians(latitude), math.radians(dec), 16, 8.0

    def airmass(part: float) -> float:
        angle = math.radians(15.0 * (hour_angle + part * hours))
        sine = math.sin(phi) * math.sin(delta) + math.cos(phi) * math.cos(delta) * math.cos(angle)
        return 1.0 / sine if sine > 0 else math.nan

    drawn, true = airmass_at([airmass(i / (n_steps - 1)) for i in range(n_steps)], share), airmass(share)
    if not math.isnan(drawn) and true <= 3.0:
        assert drawn == pytest.approx(true, rel=0.01)


def test_the_curve_ends_at_the_horizon() -> None:
    assert math.isnan(airmass_at([math.nan, 20.0, 5.0], 0.2))
    assert airmass_at([math.nan, 20.0, 5.0], 0.5) == 20.0
    assert math.isnan(airmass_at([], 0.5))


@pytest.mark.parametrize("width", [30, 36, 50, 76, 120])
def test_the_visibility_says_when_a_target_is_scheduled_and_keeps_to_its_width(
    timetable: Timetable, width: int
) -> None:
    step = course_of(timetable)[3]
    target = next(target for target in PLAN.targets if target.id == step.block.target)
    text = visibility(target, NIGHT, NOW, width, scheduled=step).plain
    assert max(map(len, text.splitlines())) <= width
    assert "21:24 – 21:58" in text
    assert "3×600 s" in text
    assert f"{step.block.magnitude:.1f} ±{step.block.magnitude_err:.2f} mag tonight" in text


def test_nobody_is_late_when_the_night_is_over(timetable: Timetable) -> None:
    course, sunrise = course_of(timetable), datetime.fromisoformat(NIGHT.sunrise)
    assert delay(course, NIGHT.site, DUSK, sunrise - timedelta(minutes=1))
    assert delay(course, NIGHT.site, DUSK, sunrise + timedelta(minutes=1)) == {}
