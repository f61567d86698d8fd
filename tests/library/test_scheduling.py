"""What a schedule keeps to, and how good it is."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ampel_followup.errors import ScheduleError
from ampel_followup.observing.scheduling import Placed, Problem, Solution, Telescope, solve
from ampel_followup.observing.scheduling.bound import _Blocks, upper_bound
from ampel_followup.observing.scheduling.insertion import Insertions, Route

HOUR = 3600.0


def night(n: int, rng: np.random.Generator, *, telescopes: int = 1, hours: float = 8.0, step: float = 300.0) -> Problem:
    """Candidates that each are up for part of the night; what they are worth is as skewed as values of information."""
    edges = np.arange(round(hours * HOUR / step) + 1) * step
    middle = 0.5 * (edges[1:] + edges[:-1])
    transit, half = rng.uniform(-2 * HOUR, (hours + 2) * HOUR, n), rng.uniform(1.0, 4.0, n) * HOUR
    exposure = rng.uniform(300.0, 3600.0, n)
    made = []
    for k in range(telescopes):
        low = np.abs(middle - transit[:, np.newaxis]) / half[:, np.newaxis]
        made.append(
            Telescope(f"t{k}", edges, low < 1.0, exposure[:, np.newaxis] * (1.0 + 0.5 * low**2) * (1 + 0.2 * k))
        )
    return Problem(rng.gamma(0.7, 0.15, n), made)


def simple(value: list[float], minutes: list[float], hours: float, usable: np.ndarray | None = None) -> Problem:
    """One telescope with steps of a minute; everything is up unless told otherwise."""
    edges = np.arange(round(hours * 60) + 1) * 60.0
    up = np.ones((len(value), len(edges) - 1), dtype=bool) if usable is None else usable
    return Problem(np.array(value), [Telescope("only", edges, up, 60.0 * np.array(minutes))])


def chance() -> np.random.Generator:
    return np.random.default_rng(5)


def assert_possible(problem: Problem, solution: Solution) -> None:
    """No telescope does two things at once, nothing is taken twice, and every block is within its limits."""
    placed = [block.candidate for block in solution.blocks if block.candidate >= 0]
    assert len(placed) == len(set(placed))
    for k, telescope in enumerate(problem.telescopes):
        mine = [block for block in solution.blocks if block.telescope == k]
        for one, other in pairwise(mine):
            assert other.start >= one.end + problem.slew_time(telescope, one.candidate, other.candidate) - 1e-3
        for block in mine:
            if not block.movable:
                continue
            step = int((block.start - telescope.edges[0]) / telescope.step + 1e-9)
            assert block.end - block.start == pytest.approx(telescope.duration[block.candidate, step])
            covered = (telescope.edges[1:] > block.start + 1e-3) & (telescope.edges[:-1] < block.end - 1e-3)
            assert telescope.usable[block.candidate, covered].all()
            assert block.end <= telescope.edges[-1] + 1e-3


def best_of_all_orders(problem: Problem) -> float:
    """Try every order of every subset on one telescope: the optimum, by brute force."""
    [telescope] = problem.telescopes
    best = 0.0
    for length in range(len(problem.value) + 1):
        for order in permutations(range(len(problem.value)), length):
            free = telescope.edges[0]
            for candidate in order:
                _, free = telescope.block(candidate, free)
            if np.isfinite(free):
                best = max(best, problem.value[list(order)].sum())
    return best


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 3))
def test_schedule_is_possible_and_within_its_bound(seed, n, telescopes):
    problem = night(n, np.random.default_rng(seed), telescopes=telescopes, hours=4.0)
    solution = solve(problem, rng=chance(), rounds=20)
    assert_possible(problem, solution)
    assert solution.value == pytest.approx(sum(problem.value[b.candidate] for b in solution.blocks))
    assert solution.value <= solution.bound * (1 + 1e-9)
    assert {b.candidate for b in solution.blocks} | set(solution.reasons) == set(range(n))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_small_nights_are_scheduled_as_well_as_can_be(seed):
    problem = night(6, np.random.default_rng(seed), hours=2.0)
    best = best_of_all_orders(problem)
    solution = solve(problem, rng=chance())
    assert solution.value - 1e-9 <= best <= solution.bound + 1e-9
    assert solution.value >= 0.98 * best


def test_large_night_comes_within_three_per_cent_of_the_bound():
    problem = night(500, np.random.default_rng(1), hours=10.0)
    solution = solve(problem, rng=chance())
    assert_possible(problem, solution)
    assert solution.value >= 0.97 * solution.bound


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.5, 0.999))
def test_bound_holds_where_blocks_of_no_better_schedule_are_dropped(seed, share):
    problem = night(6, np.random.default_rng(seed), hours=2.0)
    best = best_of_all_orders(problem)
    assert upper_bound(problem, share * best).value >= best - 1e-9


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.5, 1.0))
def test_candidates_of_a_better_schedule_stay_promising(seed, share):
    problem = night(12, np.random.default_rng(seed), telescopes=2, hours=3.0)
    solution = solve(problem, rng=chance())
    incumbent = share * solution.value * (1.0 - 1e-6)
    bound = upper_bound(problem, incumbent)
    assert all(bound.left[block.candidate] > -(bound.value - incumbent) for block in solution.blocks)


def cost_of_cheapest(telescope: Telescope, candidate: int, prices: np.ndarray) -> float:
    """Try starts every second: slow, and never cheaper than the cheapest."""
    paid = np.concatenate([[0.0], np.cumsum(prices) * telescope.step])
    least = np.inf
    for start in np.arange(telescope.edges[0], telescope.edges[-1], 1.0):
        begin, end = telescope.block(candidate, start)
        if begin == start:
            least = min(least, np.interp(end, telescope.edges, paid) - np.interp(begin, telescope.edges, paid))
    return float(least)


def test_cheapest_block_is_found_among_the_few_that_are_looked_at():
    rng = np.random.default_rng(4)
    problem = night(8, rng, hours=3.0)
    [telescope] = problem.telescopes
    prices = rng.uniform(0.0, 1.0, len(telescope.edges) - 1)
    blocks = _Blocks(telescope)
    found = blocks.cheapest(blocks.costs(prices), 8)
    slow = np.array([cost_of_cheapest(telescope, candidate, prices) for candidate in range(8)])
    assert (np.isfinite(found) == np.isfinite(slow)).all()
    some = np.isfinite(found)
    assert some.sum() >= 5
    assert (found[some] <= slow[some] + 1e-9).all()
    assert found[some] == pytest.approx(slow[some], abs=3.0)  # at most a second's price at either end


def test_bound_holds_for_any_number_of_rounds():
    problem = night(30, np.random.default_rng(3), telescopes=2)
    value = solve(problem, rng=chance()).value
    bounds = [upper_bound(problem, value, rounds).value for rounds in (1, 10, 100)]
    assert min(bounds) >= value
    assert bounds[0] >= bounds[1] >= bounds[2]


def test_same_night_gives_the_same_schedule():
    first, second = (solve(night(60, np.random.default_rng(2)), rng=chance(), rounds=50) for _ in range(2))
    assert first.blocks == second.blocks


def test_closed_hours_stay_empty_and_blocks_do_not_reach_into_them():
    up = np.ones((5, 240), dtype=bool)
    up[:, 60:120] = False
    solution = solve(simple([1.0] * 5, [50, 50, 50, 50, 50], 4.0, up), rng=chance())
    assert all(block.end <= HOUR + 1e-3 or block.start >= 2 * HOUR - 1e-3 for block in solution.blocks)
    assert len(solution.blocks) == 3
    assert set(solution.reasons.values()) == {"others are worth more in the same time"}


def test_fixed_block_stays_and_the_rest_goes_round_it():
    problem = simple([1.0, 1.0, 5.0], [60, 60, 60], 3.0)
    kept = Placed(0, 0, 0.5 * HOUR, 1.5 * HOUR)
    solution = solve(problem, fixed=[kept], rng=chance())
    assert [(b.candidate, b.start, b.movable) for b in solution.blocks] == [
        (0, 0.5 * HOUR, False),
        (2, pytest.approx(1.5 * HOUR), True),
    ]
    assert solution.value == pytest.approx(6.0)


def test_calibration_takes_time_and_is_no_candidate():
    solution = solve(simple([1.0], [60], 2.0), fixed=[Placed(0, -1, 0.0, 0.75 * HOUR)], rng=chance())
    assert [block.candidate for block in solution.blocks] == [-1, 0]
    assert solution.blocks[1].start == pytest.approx(0.75 * HOUR)
    assert solution.value == pytest.approx(1.0)


def test_interrupting_target_comes_first_whatever_it_is_worth():
    up = np.ones((4, 180), dtype=bool)
    up[3, :30] = False
    solution = solve(simple([3.0, 3.0, 3.0, 0.01], [55, 55, 55, 20], 3.0, up), interrupts=[3], rng=chance())
    [block] = [block for block in solution.blocks if block.candidate == 3]
    assert block.start == pytest.approx(0.5 * HOUR)


def test_interrupting_target_that_is_not_up_is_named_with_the_reason():
    up = np.ones((2, 60), dtype=bool)
    up[1] = False
    solution = solve(simple([1.0, 1.0], [20, 20], 1.0, up), interrupts=[1], rng=chance())
    assert "cannot be observed" in solution.reasons[1]


def test_reasons_tell_apart_what_is_low_what_is_long_what_is_faint_and_what_is_outdone():
    up = np.ones((5, 60), dtype=bool)
    up[1] = False
    problem = simple([9.0, 1.0, 1.0, 1.0, 0.1], [60, 10, 90, np.inf, 30], 1.0, up)
    solution = solve(problem, rng=chance())
    assert [block.candidate for block in solution.blocks] == [0]
    assert solution.reasons == {
        1: "not within the limits while a telescope is open",
        2: "needs 90 min, longer than it can be observed",
        3: "too faint: no exposure reaches the signal-to-noise ratio",
        4: "others are worth more in the same time",
    }


def test_slewing_takes_time():
    edges = np.arange(121) * 60.0
    up = np.ones((2, 120), dtype=bool)
    apart = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    telescope = Telescope("slow", edges, up, np.full(2, 1800.0), slew_rate=0.1)
    first, second = solve(Problem(np.ones(2), [telescope], apart), rng=chance()).blocks
    assert second.start - first.end == pytest.approx(900.0)


def test_nothing_to_observe_gives_an_empty_schedule():
    solution = solve(simple([], [], 1.0, np.empty((0, 60), dtype=bool)), rng=chance())
    assert (solution.blocks, solution.value, solution.bound) == ((), 0.0, 0.0)


def test_overlapping_fixed_blocks_are_refused():
    with pytest.raises(ScheduleError, match="overlap by 30 min"):
        solve(simple([1.0], [10], 3.0), fixed=[Placed(0, -1, 0.0, HOUR), Placed(0, 0, 0.5 * HOUR, HOUR)], rng=chance())


@pytest.mark.parametrize(
    ("value", "duration", "message"),
    [([np.nan], 60.0, "finite number"), ([-1.0], 60.0, "0 or more"), ([1.0], 0.0, "must be positive")],
)
def test_numbers_that_make_no_sense_are_refused(value, duration, message):
    with pytest.raises(ScheduleError, match=message):
        Problem(
            np.array(value),
            [Telescope("one", np.arange(3.0), np.ones((1, 2), dtype=bool), np.array([duration]))],
        )


def test_two_telescopes_of_one_name_are_refused():
    telescope = Telescope("twin", np.arange(3.0), np.ones((1, 2), dtype=bool), np.ones(1))
    with pytest.raises(ScheduleError, match="two telescopes are called 'twin'"):
        Problem(np.ones(1), [telescope, telescope])


def test_block_with_room_around_it_is_put_where_it_takes_the_least_time():
    edges = np.arange(13) * 600.0
    duration = np.array([[3000.0, 2400, 1800, 1500, 1200, 1000, 900, 1000, 1200, 1500, 1800, 2400]])
    telescope = Telescope("one", edges, np.ones((1, 12), dtype=bool), duration)
    [block] = solve(Problem(np.ones(1), [telescope]), rng=np.random.default_rng(1)).blocks
    assert (block.start, block.end) == (3600.0, 4500.0)


def slewing_night(rng: np.random.Generator, rate: float) -> Problem:
    made = night(20, rng, hours=4.0)
    direction = rng.normal(size=(20, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return Problem(made.value, [replace(t, slew_rate=rate) for t in made.telescopes], direction)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.3, np.inf]))
def test_many_insertions_at_once_are_those_of_one_at_a_time(seed, rate):
    rng = np.random.default_rng(seed)
    problem = slewing_night(rng, rate)
    [telescope] = problem.telescopes
    prices = rng.uniform(0.1, 1.0, len(telescope.edges) - 1)
    paid = np.concatenate([[0.0], np.cumsum(prices) * telescope.step])
    columns = np.arange(0, 20, 2)
    insertions = Insertions(problem, 0, columns, prices)
    places = [(float(rng.uniform(0.0, 4.2 * HOUR)), *(int(c) for c in rng.integers(-1, 20, 2))) for _ in range(6)]
    for _ in range(2):  # the second time from memory
        ends, costs = insertions.ends_and_prices(places, np.arange(10))
        for row, (free, before, after) in enumerate(places):
            for column, candidate in enumerate(columns):
                _, end = telescope.block(candidate, free + problem.slew_time(telescope, before, candidate))
                end += problem.slew_time(telescope, candidate, after)
                spent = free + problem.slew_time(telescope, before, after)
                assert ends[row, column] == pytest.approx(end, abs=1e-3)
                price = np.interp(end, telescope.edges, paid) - np.interp(spent, telescope.edges, paid)
                assert costs[row, column] == pytest.approx(max(price, 1e-12), abs=1e-3)


def test_blocks_make_room_up_to_their_latest_start_and_not_beyond():
    up = np.ones((3, 180), dtype=bool)
    up[1, 100:] = False
    problem = simple([1.0, 1.0, 1.0], [30, 40, 20], 3.0, up)
    insertions = Insertions(problem, 0, np.arange(3), np.ones(180))
    route, _ = insertions.with_block(Route([], [], [], [], []), 0, 1)
    # Candidate 1 is up for 100 min and takes 40: it can start up to an hour later, and what follows at dawn.
    assert insertions.limits(route, 0)[0] == pytest.approx(HOUR)
    longer, unmoved = insertions.with_block(route, 0, 0)
    assert (longer.starts, longer.ends, unmoved) == ([0.0, 0.5 * HOUR], [0.5 * HOUR, 70 * 60.0], 2)
    third, _ = insertions.with_block(longer, 0, 2)
    assert third.starts == [0.0, 1200.0, 3000.0]
    assert insertions.limits(third, 0)[:3] == pytest.approx([600.0, 1800.0, 3600.0])
    assert insertions.with_block(third, 0, 0) is None


def test_closed_up_route_has_no_needless_gaps():
    problem = simple([1.0, 1.0], [30, 40], 3.0)
    insertions = Insertions(problem, 0, np.arange(2), np.ones(180))
    late = Route([0, 1], [HOUR, 2 * HOUR], [1.5 * HOUR, 2 * HOUR + 2400.0], [3 * HOUR] * 2, [False, False])
    assert insertions.closed_up(late).starts == [0.0, 1800.0]
    agreed = Route([0, 1], [HOUR, 2 * HOUR], [1.5 * HOUR, 2 * HOUR + 2400.0], [3 * HOUR] * 2, [True, False])
    assert insertions.closed_up(agreed).starts == [HOUR, 1.5 * HOUR]
    # A standard star whose beginning was rounded to a second before dusk does not keep the others from closing up.
    standard = Route([-1, 1], [-0.4, 2 * HOUR], [480.0, 2 * HOUR + 2400.0], [480.0, 3 * HOUR], [True, False])
    assert insertions.closed_up(standard).starts == [-0.4, 480.0]
