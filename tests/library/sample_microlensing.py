"""Light curves of lensed stars as ZTF's difference images show them, to test with."""

from __future__ import annotations

import numpy as np

from ampel_followup.lightcurve import LightCurve
from ampel_followup.microlensing.magnification import point_lens


def lens_light_curve(
    rng: np.random.Generator,
    number: int,
    *,
    peak: float | None = None,
    time: float | None = None,
    impact: float | None = None,
    points: int | None = None,
    error: float = 6.0,
) -> LightCurve:
    """Return an event seen for 200 d in g and r, forced photometry, peak in days after MJD 58000."""
    n = int(rng.integers(25, 70)) if points is None else points
    mjd = 58000.0 + np.sort(rng.uniform(0.0, 200.0, n))
    t0 = 58000.0 + (rng.uniform(30.0, 170.0) if peak is None else peak)
    t_e = np.exp(rng.normal(np.log(25.0), 0.6)) if time is None else time
    u0 = rng.uniform(0.05, 0.7) if impact is None else impact
    band = np.where(rng.uniform(size=n) < 0.5, "ztfg", "ztfr")
    flux = np.where(band == "ztfg", 60.0, 100.0) * (point_lens(np.hypot(u0, (mjd - t0) / t_e))[0] - 1.0)
    flux = flux + error * rng.standard_normal(n)
    return LightCurve(f"lens{number}", 0, mjd, band, flux, np.full(n, error), np.zeros(n, bool), 10.0, 10.0)
