from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampel_followup.errors import StrategyError
from ampel_followup.learning.budgets import Telescope, allot, costs_of
from ampel_followup.observing.instruments import load_instruments


def reference(
    order: list[int], costs: list[list[float]], budgets: list[float], most: int | None
) -> list[tuple[int, int]]:
    left, taken = list(budgets), []
    for i in order:
        if most is not None and len(taken) >= most:
            break
        able = [(costs[i][t], t) for t in range(len(left)) if costs[i][t] <= left[t] and costs[i][t] < np.inf]
        if able:
            cost, t = min(able)
            left[t] -= cost
            taken.append((i, t))
    return taken


@given(st.integers(1, 12), st.integers(1, 3), st.integers(0, 999), st.none() | st.integers(0, 6))
def test_objects_go_down_the_list_to_the_cheapest_telescope_with_time(
    n: int, m: int, seed: int, most: int | None
) -> None:
    rng = np.random.default_rng(seed)
    costs = rng.integers(1, 9, (n, m)).astype(float)
    costs[rng.random((n, m)) < 0.3] = np.inf
    budgets, order = rng.integers(1, 20, m).astype(float), rng.permutation(n)
    allotted = allot(order, costs, budgets, most)
    expected = reference(order.tolist(), costs.tolist(), budgets.tolist(), most)
    assert list(zip(allotted.objects.tolist(), allotted.telescopes.tolist(), strict=True)) == expected
    for t in range(m):
        assert allotted.seconds[allotted.telescopes == t].sum() <= budgets[t]
    np.testing.assert_array_equal(allotted.seconds, costs[allotted.objects, allotted.telescopes])


def test_no_telescope_takes_what_is_too_faint_for_it() -> None:
    small, large = (
        Telescope("small", 1000.0, 18.0, fixed_cost=100.0),
        Telescope("large", 1000.0, 20.0, fixed_cost=300.0),
    )
    costs = costs_of((small, large), [17.0, 19.0, 21.0, np.nan])
    np.testing.assert_array_equal(costs, [[100.0, 300.0], [np.inf, 300.0], [np.inf, np.inf], [np.inf, np.inf]])
    allotted = allot(np.arange(4), costs, [1000.0, 1000.0])
    assert allotted.objects.tolist() == [0, 1] and allotted.telescopes.tolist() == [0, 1]


def test_unknown_brightness_is_taken_only_where_brightness_does_not_matter() -> None:
    assert Telescope("any", fixed_cost=5.0).costs([np.nan, 25.0]).tolist() == [5.0, 5.0]


def test_a_spectrograph_takes_longer_for_fainter_objects_and_some_not_at_all() -> None:
    instrument = load_instruments()[0]
    costs = Telescope("real", 3600.0, instrument=instrument).costs([15.0, 17.0, 30.0, np.nan])
    assert 0.0 < costs[0] <= costs[1] and np.isinf(costs[2:]).all()


def test_a_telescope_without_time_is_refused() -> None:
    with pytest.raises(StrategyError, match="sedm has a budget of 0 s"):
        Telescope("sedm", 0.0)
    with pytest.raises(StrategyError, match="costs -1 s"):
        Telescope("sedm", 10.0, fixed_cost=-1.0)
