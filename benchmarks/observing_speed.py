"""
How fast and how well a night is planned, in one run.

Run: python benchmarks/observing_speed.py [--json] [--quick]

- Altitudes of 1,000 targets through a night, and all that is said of their visibility, against astropy's altitudes
  alone; and the largest difference of the altitudes above 30°. The windows of 10,000 targets in 30 nights.
- The schedule of 500 candidates for one telescope and for three, and which share of the bound its value reaches.
- 60 candidates of 20 minutes, against astroplan's two schedulers (not with --quick: they take half a minute): the same
  night, site, limits, durations and values, no slewing.

Times are the shortest of several; those called `cpu` are of the processor, all threads together, and say more than the
clock beside other work. Values are drawn as skewed as values of information are (gamma distribution of shape 0.7),
durations from 5 to 60 minutes; everything from one seed.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import AltAz, EarthLocation, SkyCoord
from astropy.time import Time
from astropy.utils import iers

from ampel_followup.observing import Night, get_site, night_at
from ampel_followup.observing.scheduling import Problem, Solution, Telescope, solve
from ampel_followup.observing.visibility import altitudes, moon_separations, visibility
from ampel_followup.observing.windows import windows

SITE, DATE = "lapalma", "2024-12-01"  # a long night within the Earth orientation table
LOWEST, MOON = 30.0, 30.0
STEP = 150.0
DAY = 86400.0


def best_of(repeats: int, function: Callable[[], object]) -> float:
    """Return the shortest of several durations [s]."""
    return both_of(repeats, function)[0]


def both_of(repeats: int, function: Callable[[], object]) -> tuple[float, float]:
    """Return the shortest of several durations, and the least time of the processor [s]."""
    durations, busy = [], []
    for _ in range(repeats):
        start, worked = perf_counter(), process_time()
        function()
        durations.append(perf_counter() - start)
        busy.append(process_time() - worked)
    return min(durations), min(busy)


def positions(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw positions evenly over the sky [deg]."""
    return rng.uniform(0.0, 360.0, n), np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, n)))


def visibility_figures(night: Night, n: int, rng: np.random.Generator) -> dict[str, Any]:
    """Compare with astropy."""
    ra, dec = positions(n, rng)
    site = night.site
    place = EarthLocation.from_geodetic(site.longitude, site.latitude, site.height)
    frame = AltAz(obstime=Time(night.times, format="mjd"), location=place, pressure=0)
    coordinates = SkyCoord(ra * u.deg, dec * u.deg)[:, np.newaxis]
    reference = coordinates.transform_to(frame).alt.deg
    astropy_s = best_of(5, lambda: coordinates.transform_to(frame).alt.deg)
    altitudes_s = best_of(30, lambda: altitudes(ra, dec, night, night.times))
    visibility_s, visibility_cpu_s = both_of(30, lambda: visibility(ra, dec, night))
    many = positions(10 * n, np.random.default_rng(n))
    difference = np.abs(altitudes(ra, dec, night, night.times) - reference)[reference > LOWEST]
    return {
        "targets": n,
        "times": len(night.times),
        "astropy_altitudes_ms": 1e3 * astropy_s,
        "altitudes_ms": 1e3 * altitudes_s,
        "visibility_ms": 1e3 * visibility_s,
        "visibility_cpu_ms": 1e3 * visibility_cpu_s,
        "visibility_ratio_astropy": astropy_s / visibility_s,
        "altitudes_ratio_astropy": astropy_s / altitudes_s,
        "windows_month_s": best_of(3, lambda: windows(*many, night, nights=30)),
        "max_error_arcsec": 3600.0 * float(difference.max()),
    }


def candidates(night: Night, n: int, telescopes: int, rng: np.random.Generator, minutes: float | None) -> Problem:
    """Make a problem of n candidates that rise above 30° in the night."""
    ra, dec = positions(4 * n, rng)
    steps = int((night.dawn - night.dusk) * DAY / STEP)
    edges = np.arange(steps + 1) * STEP
    altitude = altitudes(ra, dec, night, night.dusk + edges / DAY)
    high = (altitude[:, 1:] > LOWEST) & (altitude[:, :-1] > LOWEST)
    chosen = np.flatnonzero(high.sum(axis=1) * STEP > 1800.0)[:n]
    airmass = 1.0 / np.sin(np.radians(np.maximum(altitude[chosen, :-1], 5.0)))
    exposure = rng.uniform(5.0, 60.0, n) if minutes is None else np.full(n, minutes)
    made = []
    for k in range(telescopes):
        # What is low takes longer, and so does the smaller telescope.
        longer = airmass**0.5 * (1.0 + 0.3 * k) if minutes is None else np.ones_like(airmass)
        made.append(Telescope(f"telescope {k + 1}", edges, high[chosen], 60.0 * exposure[:, np.newaxis] * longer))
    angles = np.radians([ra[chosen], dec[chosen]])
    direction = np.column_stack(
        [np.cos(angles[0]) * np.cos(angles[1]), np.sin(angles[0]) * np.cos(angles[1]), np.sin(angles[1])]
    )
    return Problem(rng.gamma(0.7, 0.15, n), made, direction)


def timed(problem: Problem, repeats: int) -> tuple[float, float, Solution]:
    """Return how long a schedule takes, on the clock and of the processor [s], and the schedule."""
    solution = solve(problem, rng=np.random.default_rng(1))
    return *both_of(repeats, lambda: solve(problem, rng=np.random.default_rng(1))), solution


def equal_blocks(night: Night, ra: np.ndarray, dec: np.ndarray, value: np.ndarray, minutes: float) -> Problem:
    """Make the problem that astroplan is given: altitude, distance from the Moon, and blocks of one length."""
    edges = np.arange(int((night.dawn - night.dusk) * DAY / STEP) + 1) * STEP
    mjd = night.dusk + edges / DAY
    fine = altitudes(ra, dec, night, mjd) > LOWEST
    far = moon_separations(ra, dec, night)
    nearest = np.clip(np.searchsorted(night.times, mjd), 0, len(night.times) - 1)
    fine &= far[:, nearest] > MOON
    telescope = Telescope("one", edges, fine[:, 1:] & fine[:, :-1], np.full(len(ra), 60.0 * minutes))
    return Problem(value, [telescope])


def astroplan_value(
    night: Night, ra: np.ndarray, dec: np.ndarray, value: np.ndarray, minutes: float, name: str
) -> tuple[float, float, int]:
    """Schedule with astroplan; return the placed value, the time that it took [s], and the number of blocks."""
    import astroplan
    from astroplan.scheduling import Schedule

    site = night.site
    place = EarthLocation.from_geodetic(site.longitude, site.latitude, site.height)
    observer = astroplan.Observer(location=place, name=site.key)
    order = np.argsort(np.argsort(-value))
    blocks = [
        astroplan.ObservingBlock(
            astroplan.FixedTarget(SkyCoord(ra[i] * u.deg, dec[i] * u.deg), name=str(i)),
            minutes * u.min,
            int(order[i]),
        )
        for i in range(len(value))
    ]
    begin = Time(night.dusk, format="mjd")
    end = begin + int((night.dawn - night.dusk) * DAY / STEP) * STEP * u.s
    scheduler = getattr(astroplan, name)(
        # The end of the night is a constraint: the sequential scheduler fails where a block would reach beyond it.
        constraints=[
            astroplan.AltitudeConstraint(min=LOWEST * u.deg, boolean_constraint=True),
            astroplan.MoonSeparationConstraint(min=MOON * u.deg),
            astroplan.TimeConstraint(begin - 1 * u.s, end + 1 * u.s),
        ],
        observer=observer,
        transitioner=astroplan.Transitioner(slew_rate=1e6 * u.deg / u.s),
    )
    schedule = Schedule(begin, end + 1 * u.h)
    start = perf_counter()
    scheduler(blocks, schedule)
    seconds = perf_counter() - start
    placed = [int(block.target.name) for block in schedule.observing_blocks]
    return float(value[placed].sum()), seconds, len(placed)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="without astroplan")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    rng = np.random.default_rng(options.seed)
    with (
        iers.conf.set_temp("auto_download", False),
        iers.conf.set_temp("auto_max_age", None),
        warnings.catch_warnings(),
    ):
        # Writing thousands of warnings would count as astroplan's time.
        warnings.simplefilter("ignore")
        night = night_at(get_site(SITE), DATE, delta_ut1=float(Time(DATE).delta_ut1_utc))
        result: dict[str, Any] = {"night_ms": 1e3 * best_of(10, lambda: night_at(get_site(SITE), DATE))}
        result |= visibility_figures(night, options.targets, rng)

        seconds, cpu, solution = timed(candidates(night, 500, 1, rng, None), 2)
        result |= {"schedule_s": seconds, "schedule_cpu_s": cpu, "bound_fraction": solution.value / solution.bound}
        seconds, cpu, solution = timed(candidates(night, 500, 3, rng, None), 2)
        result |= {
            "schedule_3_s": seconds,
            "schedule_3_cpu_s": cpu,
            "bound_fraction_3": solution.value / solution.bound,
        }

        if not options.quick:
            ra, dec = positions(240, rng)
            up = (altitudes(ra, dec, night, night.times) > LOWEST).sum(axis=1) * 5 > 30
            ra, dec, value = ra[up][:60], dec[up][:60], rng.gamma(0.7, 0.15, 60)

            # What astroplan is timed for: finding when each target is within the limits, and the schedule.
            def ours() -> Solution:
                return solve(equal_blocks(night, ra, dec, value, 20.0), rng=np.random.default_rng(1))

            solution, seconds = ours(), best_of(3, ours)
            result |= {"blocks_60_s": seconds, "blocks_60": len(solution.blocks)}
            result["bound_fraction_60"] = solution.value / solution.bound
            for name, key in (("PriorityScheduler", "priority"), ("SequentialScheduler", "sequential")):
                worth, theirs, placed = astroplan_value(night, ra, dec, value, 20.0, name)
                result |= {f"value_ratio_{key}": solution.value / worth, f"time_ratio_{key}": theirs / seconds}
                result[f"blocks_{key}"] = placed
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:28s} {value:.4g}")


if __name__ == "__main__":
    main()
