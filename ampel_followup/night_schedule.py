"""A night's schedule from a store: its plan, its light curves and what was decided so far."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from ampel_followup.decision import Decision
from ampel_followup.errors import ScheduleError
from ampel_followup.lightcurve import LightCurve
from ampel_followup.observing.instruments import Instrument, get_instrument
from ampel_followup.plan import NightPlan
from ampel_followup.store import Store, StoredPlan
from ampel_followup.timetable import Timetable
from ampel_followup.timetabling import Wishes, make_timetable


def _silent(done: int, total: int) -> None: ...


def schedule_night(
    store: Store,
    stored: StoredPlan,
    instruments: Sequence[Instrument],
    wishes: Wishes,
    *,
    previous: Timetable | None = None,
    now: float | None = None,
    progress: Callable[[int, int], None] = _silent,
) -> Timetable:
    """
    Schedule a plan of a store.

    Parameters
    ----------
    store : Store
    stored : StoredPlan
    instruments : sequence of Instrument
    wishes : Wishes
    previous : Timetable, optional
    now : float, optional
        [MJD]; for all of them see `ampel_followup.timetabling.make_timetable`.
    progress : callable, optional
        Is told how many light curves of how many are read.

    Returns
    -------
    Timetable
        Not kept yet: `Store.save_timetable` does.
    """
    plan = stored.plan
    targets = [*plan.targets, *plan.not_observable, *plan.set_aside]
    light_curves: dict[str, LightCurve] = {}
    for done, target in enumerate(targets, 1):
        if (found := store.light_curve(target.id)) is not None:
            light_curves[target.id] = found.to_light_curve()
        progress(done, len(targets))
    return make_timetable(
        plan,
        instruments,
        light_curves,
        verdicts=_verdicts(store, plan, instruments),
        wishes=wishes,
        previous=previous,
        now=now,
        revision=stored.info.revision,
    )


def replan_night(
    store: Store,
    previous: Timetable,
    wishes: Wishes,
    now: float,
    *,
    progress: Callable[[int, int], None] = _silent,
) -> tuple[StoredPlan, Timetable]:
    """
    Schedule the rest of a night anew.

    Parameters
    ----------
    store : Store
    previous : Timetable
        Its telescopes and closures hold on, and whether it was of approved targets only, its seeing and its
        signal-to-noise ratio where `wishes` say nothing of them.
    wishes : Wishes
    now : float
        [MJD]
    progress : callable, optional
        As for `schedule_night`.

    Returns
    -------
    stored : StoredPlan
        The plan that the schedule is of.
    timetable : Timetable
        Not kept yet.

    Raises
    ------
    ScheduleError
        If the schedule has no telescope.
    StoreError
        If its plan is not in the store.
    """
    if not previous.telescopes:
        raise ScheduleError(f"the schedule of {previous.date} has no telescope; make one with `plan make`")
    revisions = {telescope.revision for telescope in previous.telescopes} - {0}
    stored = store.load_plan(max(revisions, default=None), night=previous.date)
    instruments = [get_instrument(telescope.telescope) for telescope in previous.telescopes]
    wishes = replace(
        wishes,
        approved_only=wishes.approved_only or previous.approved_only,
        seeing=_given(wishes.seeing, previous.seeing),
        snr=_given(wishes.snr, previous.snr),
    )
    return stored, schedule_night(store, stored, instruments, wishes, previous=previous, now=now, progress=progress)


def _given(wished: float | None, before: float) -> float | None:
    """Return what is wished now, else what was wished before, if anything was."""
    return wished if wished is not None else None if math.isnan(before) else before


def _verdicts(store: Store, plan: NightPlan, instruments: Sequence[Instrument]) -> dict[str, Decision]:
    """Return what holds for each target, at the plan's site and at those of the telescopes; the latest word counts."""
    found: dict[str, Decision] = {}
    for site in dict.fromkeys([plan.night.site, *(instrument.site for instrument in instruments)]):
        for target, decision in store.verdicts(plan.night.date, site).items():
            if target not in found or decision.id > found[target].id:
                found[target] = decision
    return found
