"""One night's plan, with all that was decided on it: what the screens show, always as the store has it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from ampel_followup.decision import Verdict
from ampel_followup.plan import NightPlan, RankedTarget
from ampel_followup.untrusted import clean
from ampel_followup_tui.drift import read_drift
from ampel_followup_tui.groups import ASIDE, HIDDEN, TONIGHT
from ampel_followup_tui.instants import mjd, stamp
from ampel_followup_tui.ledger import Ledger
from ampel_followup_tui.notebook import Notebook

if TYPE_CHECKING:
    from ampel_followup.store import Store, StoredPlan
    from ampel_followup.timetable import Timetable
    from ampel_followup_tui.course import Step


class Journal(Ledger):
    """
    The plan of one night, and the decisions of everybody on it.

    Parameters
    ----------
    store : Store
        Where decisions go and come from.
    stored : StoredPlan
        The plan that is shown.
    observer : str
        Who decides here.
    now : callable
        Returns the present moment, with a time zone.
    """

    def __init__(self, store: Store, stored: StoredPlan, observer: str, now: Callable[[], datetime]) -> None:
        self.timetable: Timetable | None = None
        self._timetable_revision = 0
        self._timetable_counter: object | None = None
        # Rows of the list ask for it one by one.
        self._course: tuple[Step, ...] | None = None
        self._redshifts: dict[str, float] | None = None
        self._hold(stored)
        self.notebook = Notebook(store, stored.info, observer, now)
        super().__init__(store, stored, observer, now)

    def _hold(self, stored: StoredPlan) -> None:
        self.info = stored.info
        self.plan = stored.plan
        self.drift = read_drift(stored.report)
        self._aside = {target.id for target in self.plan.set_aside}
        plan = self.plan
        self.evening = mjd(plan.night.dusk)
        self._targets = {target.id: target for target in (*plan.targets, *plan.not_observable, *plan.set_aside)}

    @property
    def complete(self) -> bool:
        """False while the plan holds only the first of its targets."""
        return len(self._targets) == self.info.n_targets + self.info.n_not_observable + self.n_set_aside

    @property
    def n_set_aside(self) -> int:
        """How many targets the policy keeps from the list, all of the plan counted."""
        return self.info.n_set_aside

    @property
    def assisted(self) -> bool:
        """True if a virtual assistant had its say in this plan."""
        return bool(self.plan.assistant or self.plan.policy or self.plan.set_aside)

    @property
    def has_early(self) -> bool:
        """True if an early classifier of type Ia supernovae had its say in this plan."""
        return any(not math.isnan(target.scores.snia_threshold) for target in self.plan.targets[:1])

    def list_of(self, target_id: str) -> str:
        """Return the list that a target of this plan stands in, one of `groups.LISTS`."""
        if target_id in self._aside:
            return ASIDE
        return TONIGHT if self._targets[target_id].rank else HIDDEN

    def read_rest(self, limit: int | None = None) -> None:
        """
        Read the whole plan, where only its first targets were given.

        Parameters
        ----------
        limit : int, optional
            Read so many targets at most; the others come with another call.

        Raises
        ------
        StoreError
            If the store cannot be read.
        """
        self._hold(self.store.load_plan(self.info.revision, limit=limit))

    def read_redshifts(self) -> None:
        """
        Read the redshifts of all targets, which the plan does not have.

        Raises
        ------
        StoreError
            If the store cannot be read.
        """
        from ampel_followup.redshifts import redshifts_of

        self._redshifts = redshifts_of(self.store, self.info.revision)

    @property
    def knows_redshifts(self) -> bool:
        """True once the redshifts were read."""
        return self._redshifts is not None

    def redshift(self, target_id: str) -> float:
        """Return the redshift of a target; NaN where it is not known, or was not read yet."""
        return (self._redshifts or {}).get(target_id, math.nan)

    def read_timetable(self) -> bool:
        """
        Read the newest schedule of this night with a telescope of this site.

        Returns
        -------
        bool
            True if there is another one than at the last look.

        Raises
        ------
        StoreError
            If the store cannot be read.
        """
        counter, night = self.store.change_counter(), self.plan.night
        if counter is not None and counter == self._timetable_counter:
            return False
        self._timetable_counter = counter
        for info in self.store.timetables():
            if info.night != night.date:
                continue
            if info.revision <= self._timetable_revision:
                return False
            timetable = self.store.load_timetable(info.revision).timetable
            if any(telescope.night.site == night.site for telescope in timetable.telescopes):
                self.timetable, self._timetable_revision, self._course = timetable, info.revision, None
                return True
        return False

    def keep_timetable(self, timetable: Timetable) -> None:
        """
        Put a schedule into the store, and show it from now on.

        Raises
        ------
        StoreError
            If the store refuses; then nothing has changed here either.
        """
        self._timetable_revision = self.store.save_timetable(timetable, created=stamp(self.now()))
        self.timetable, self._course = timetable, None

    @property
    def course(self) -> tuple[Step, ...]:
        """The blocks of the schedule, each with what became of it; none without a schedule."""
        if self._course is None:
            timetable = self.timetable
            if timetable is None:
                return ()
            from ampel_followup_tui.course import steps

            self._course = steps(timetable, self.plan.night.site, self.verdict)
        return self._course

    def scheduled(self, target_id: str) -> Step | None:
        """Return the block of a target: the one that is still open, or else the last."""
        mine = [step for step in self.course if step.block.target == target_id]
        return next((step for step in mine if step.is_open), mine[-1] if mine else None)

    def knows(self, target_id: str) -> bool:
        """Return whether a target is in this plan; a standard star is not."""
        return target_id in self._targets

    def target(self, target_id: str) -> RankedTarget:
        """Return a target of this plan by its survey name."""
        return self._targets[target_id]

    def plan_as_approved(self) -> NightPlan:
        """Return the plan with those targets back in its list that the policy set aside and a person approved."""
        verdicts, plan = self._verdicts, self.plan
        back = {t.id for t in plan.set_aside if t.id in verdicts and verdicts[t.id].verdict == Verdict.APPROVE}
        return replace(
            plan,
            targets=(*plan.targets, *(target for target in plan.set_aside if target.id in back)),
            set_aside=tuple(target for target in plan.set_aside if target.id not in back),
        )

    @property
    def n_decided(self) -> int:
        """How many of tonight's targets have a verdict."""
        if not self.complete:
            return len(self._verdicts)
        return sum(target.id in self._verdicts for target in self.plan.targets)

    def _remark(self, target_id: str, verdict: Verdict) -> str:
        """Return where a target that is approved was set aside, and why; nothing for all else."""
        if verdict != Verdict.APPROVE or target_id not in self._aside:
            return ""
        placement = self._targets[target_id].placement
        return clean(f"was set aside: {placement.queue}, {placement.because}" if placement else "was set aside")

    def next_undecided(self, order: Sequence[str], after: str) -> str | None:
        """
        Return the next target without a verdict: further down, or else from the top.

        Parameters
        ----------
        order : sequence of str
            Targets as they are listed.
        after : str
            Where the cursor is.

        Returns
        -------
        str or None
            None if all are decided.
        """
        here = order.index(after) + 1 if after in order else 0
        return next((target for target in (*order[here:], *order[:here]) if target not in self._verdicts), None)

    def _decisions_changed(self) -> None:
        self._course = None
