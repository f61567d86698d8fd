"""The candidates of a schedule: which targets of a plan, what each is worth, and how bright it will be tonight."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.brightness import brightness_at
from ampel_followup.decision import Decision, Verdict
from ampel_followup.errors import ScheduleError
from ampel_followup.lightcurve import LightCurve
from ampel_followup.observing.instruments import Instrument
from ampel_followup.observing.night import Night
from ampel_followup.plan import NightPlan, RankedTarget
from ampel_followup.replanning import Wishes
from ampel_followup.strategies import AMOUNTS, values_of
from ampel_followup.timetable import Block, BlockStatus

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Candidates:
    """The n targets that may be observed, and how bright they are at each telescope's night, shape (n,) each."""

    targets: list[RankedTarget]
    value: Floats
    magnitude: list[Floats]
    magnitude_err: list[Floats]
    reason: list[list[str | None]]

    def index(self, name: str, what: str) -> int:
        """Return the place of a target; raise ScheduleError if it is not among the candidates."""
        for i, target in enumerate(self.targets):
            if target.id == name:
                return i
        raise ScheduleError(
            f"{what} target {name} is not among the {len(self.targets)} candidates of the plan; check the name with "
            "`ampel-followup plan show`"
        )


def collect_candidates(
    plan: NightPlan,
    nights: Sequence[Night],
    instruments: Sequence[Instrument],
    light_curves: Mapping[str, LightCurve],
    verdicts: Mapping[str, Decision],
    wishes: Wishes,
    kept: Sequence[Block],
) -> Candidates:
    """Collect what may be observed, its value, and how bright it will be."""
    asked_for = {*wishes.interrupts, *(fixed.target for fixed in wishes.fixed)}
    done = {block.target for block in kept if block.status != BlockStatus.FAILED}

    def wanted(target: RankedTarget, listed: bool) -> bool:
        verdict = verdicts[target.id].verdict if target.id in verdicts else None
        if target.id in done or verdict == Verdict.OBSERVED:
            return False
        if target.id in asked_for or verdict == Verdict.APPROVE:
            return True
        return listed and not wishes.approved_only and verdict not in (Verdict.REJECT, Verdict.DEFER)

    everything = (*plan.targets, *plan.not_observable)
    listed, aside = [t for t in everything if wanted(t, True)], [t for t in plan.set_aside if wanted(t, False)]
    priority = [t.priority for t in listed]
    targets = [*listed, *aside]
    value = values_of(plan.strategy, np.array([*priority, *_of_set_aside(aside, plan.strategy, priority)]))
    magnitudes, errors, reasons = [], [], []
    for instrument, night in zip(instruments, nights, strict=True):
        magnitude, error, reason = _tonight(targets, light_curves, night.midnight, _band(instrument))
        magnitudes.append(magnitude)
        errors.append(error)
        reasons.append(reason)
    return Candidates(targets, value, magnitudes, errors, reasons)


def _of_set_aside(targets: Sequence[RankedTarget], strategy: str, listed: Sequence[float]) -> list[float]:
    """Return what a strategy gives targets that it did not rank: their amount, or a place after all that are listed."""
    last = min(listed, default=0.0) - 1.0
    if strategy == "assistant-rank":
        return [t.priority for t in targets]
    if strategy in AMOUNTS:
        return [float(getattr(t.scores, strategy.replace("-", "_"))) for t in targets]
    return [last] * len(targets)


def _tonight(
    targets: Sequence[RankedTarget], light_curves: Mapping[str, LightCurve], mjd: float, band: str
) -> tuple[Floats, Floats, list[str | None]]:
    """Return the magnitude expected at a time, its error [mag], and why there is none."""
    magnitude = np.array([t.photometry.last_mag for t in targets], dtype=np.float64)
    error = np.array([t.photometry.last_mag_err for t in targets], dtype=np.float64)
    reason: list[str | None] = [None if math.isfinite(m) else "its magnitude is not known" for m in magnitude]
    known = [i for i, target in enumerate(targets) if target.id in light_curves]
    found = brightness_at([light_curves[targets[i].id] for i in known], mjd, band=band)
    for k, i in enumerate(known):
        magnitude[i], error[i], reason[i] = found.mag[k], found.mag_err[k], found.reason[k]
    return magnitude, error, reason


def _band(instrument: Instrument) -> str:
    """Return the band nearest to the wavelength that exposure times are meant for."""
    centres = {"g": 4800.0, "r": 6400.0, "i": 7900.0}
    return min(centres, key=lambda band: abs(centres[band] - instrument.spectrum.wavelength))


def too_faint(candidates: Candidates, i: int, k: int, instrument: Instrument) -> str:
    """Say why a candidate cannot be exposed with an instrument."""
    magnitude, error = float(candidates.magnitude[k][i]), float(candidates.magnitude_err[k][i])
    if not math.isfinite(magnitude):
        return candidates.reason[k][i] or "its magnitude is not known"
    error = error if math.isfinite(error) else 0.0
    expected = f"expected at {magnitude:.1f} ± {error:.1f} mag"
    if magnitude < instrument.magnitudes.bright:
        return f"{expected}, brighter than {instrument.magnitudes.bright:g} of {instrument.key}"
    if magnitude + error > instrument.magnitudes.faint:
        return f"{expected}, too near to or beyond the limit {instrument.magnitudes.faint:g} of {instrument.key}"
    return f"{expected}: more than {instrument.exposures.total / 60:.0f} min with {instrument.key}"
