"""
How long it takes to find what can be seen of many targets in a night, against astropy's altitudes alone.

Run: python benchmarks/visibility_speed.py [--targets N] [--json]
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable
from time import perf_counter

import numpy as np
from astropy import units as u
from astropy.coordinates import AltAz, EarthLocation, SkyCoord
from astropy.time import Time
from astropy.utils import iers
from erfa import ErfaWarning

from ampel_followup.observing import get_site, night_at
from ampel_followup.observing.visibility import altitudes, visibility


def best_of(repeats: int, function: Callable[[], object]) -> float:
    """Return the shortest of several durations [ms]."""
    durations = []
    for _ in range(repeats):
        start = perf_counter()
        function()
        durations.append(perf_counter() - start)
    return 1000.0 * min(durations)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    rng = np.random.default_rng(1)
    ra = rng.uniform(0.0, 360.0, options.targets)
    dec = np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, options.targets)))
    site, date = get_site("lapalma"), "2024-12-01"  # a long night within the Earth orientation table
    with (
        iers.conf.set_temp("auto_download", False),
        iers.conf.set_temp("auto_max_age", None),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", ErfaWarning)
        night = night_at(site, date, delta_ut1=float(Time(date).delta_ut1_utc))
        place = EarthLocation.from_geodetic(site.longitude, site.latitude, site.height)
        frame = AltAz(obstime=Time(night.times, format="mjd"), location=place, pressure=0)
        coordinates = SkyCoord(ra * u.deg, dec * u.deg)[:, np.newaxis]
        reference = coordinates.transform_to(frame).alt.deg
        astropy_ms = best_of(5, lambda: coordinates.transform_to(frame).alt.deg)
    altitudes_ms = best_of(30, lambda: altitudes(ra, dec, night, night.times))
    visibility_ms = best_of(30, lambda: visibility(ra, dec, night))
    difference = np.abs(altitudes(ra, dec, night, night.times) - reference)[reference > 30.0]

    result = {
        "targets": options.targets,
        "times": len(night.times),
        "night_ms": best_of(10, lambda: night_at(site, date)),
        "astropy_altitudes_ms": astropy_ms,
        "altitudes_ms": altitudes_ms,
        "visibility_ms": visibility_ms,
        "altitudes_ratio": altitudes_ms / astropy_ms,
        "visibility_ratio": visibility_ms / astropy_ms,
        "largest_difference_arcsec": 3600.0 * float(difference.max()),
    }
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:28s} {value:.3g}")


if __name__ == "__main__":
    main()
