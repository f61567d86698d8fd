"""What a telescope has in a schedule, as a plan of its own for target lists."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ampel_followup.errors import ScheduleError
from ampel_followup.observing.instruments import get_instrument
from ampel_followup.observing.limits import ObservingLimits
from ampel_followup.observing.night import night_at
from ampel_followup.observing.sites import get_site
from ampel_followup.observing.visibility import visibility
from ampel_followup.plan import NightPlan
from ampel_followup.timetable import BlockStatus, Timetable


def scheduled_plan(
    plan: NightPlan, timetable: Timetable, telescope: str
) -> tuple[NightPlan, dict[str, float], dict[str, int]]:
    """
    Return what a telescope has in a schedule as a plan of its own, for target lists.

    Parameters
    ----------
    plan : NightPlan
        That the schedule was made of.
    timetable : Timetable
    telescope : str
        Key of one of its instruments.

    Returns
    -------
    plan : NightPlan
        At the telescope's site; its targets in order of time, ranked so. Standard stars and what failed are left out.
    exposures : dict of str to float
        Open shutter on each target [s].
    n_exposures : dict of str to int
        Equal parts of it.

    Raises
    ------
    ScheduleError
        If the schedule has no such telescope.
    """
    part = next((t for t in timetable.telescopes if t.telescope == telescope), None)
    if part is None:
        names = ", ".join(t.telescope for t in timetable.telescopes)
        raise ScheduleError(f"the schedule of {timetable.date} has no telescope {telescope!r}; it has {names}")
    known = {target.id: target for target in (*plan.targets, *plan.not_observable, *plan.set_aside)}
    blocks = [b for b in timetable.of(telescope) if b.target in known and b.status != BlockStatus.FAILED]
    chosen = [known[block.target] for block in blocks]
    night = night_at(get_site(part.night.site), timetable.date)
    limits = get_instrument(telescope).limits
    seen = visibility(
        np.array([t.ra for t in chosen]),
        np.array([t.dec for t in chosen]),
        night,
        ObservingLimits(
            max_airmass=limits.max_airmass,
            min_altitude=limits.min_altitude,
            min_moon_separation=limits.min_moon_separation,
            min_hours=0.0,
            max_altitude=limits.max_altitude,
            max_hour_angle=max(-limits.min_hour_angle, limits.max_hour_angle),
        ),
    )
    targets = tuple(
        replace(target, rank=place, visibility=seen.target(place - 1)) for place, target in enumerate(chosen, 1)
    )
    own = replace(plan, night=part.night, targets=targets, not_observable=(), set_aside=(), stop=None)
    return own, {b.target: b.exposure for b in blocks}, {b.target: b.n_exposures for b in blocks}
