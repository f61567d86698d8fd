"""What everybody decided on the targets of one night, always as the store has it, and what this observer adds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING

from ampel_followup.decision import OPINIONS, Decision, Verdict, disagreements, effective_verdicts
from ampel_followup_tui.instants import stamp
from ampel_followup_tui.steps import Step, Steps, latest_together

if TYPE_CHECKING:
    from ampel_followup.store import Store, StoredPlan


class Ledger:
    """
    The decisions of everybody on one plan.

    Parameters
    ----------
    store : Store
        Where decisions go and come from.
    stored : StoredPlan
        The plan that is decided on.
    observer : str
        Who decides here.
    now : callable
        Returns the present moment, with a time zone.
    """

    def __init__(self, store: Store, stored: StoredPlan, observer: str, now: Callable[[], datetime]) -> None:
        self.store = store
        self.observer = observer
        self.now = now
        self.info = stored.info
        # Those that were not taken back, by number, oldest first.
        self._decisions: dict[int, Decision] = {}
        self._verdicts: dict[str, Decision] = {}
        self._disagreements: dict[str, tuple[Decision, ...]] = {}
        self._comments: Counter[str] = Counter()
        self._steps = Steps()
        self._read_to = 0
        self._counter: object | None = None
        self._lock = Lock()
        self.poll()
        # Target → number of the verdict on it that this observer has seen.
        self._seen = {target: decision.id for target, decision in self._verdicts.items()}

    @property
    def read_only(self) -> bool:
        """True if nothing can be put into the store."""
        return self.store.read_only

    def verdict(self, target_id: str) -> Decision | None:
        """Return the verdict that holds for a target."""
        return self._verdicts.get(target_id)

    @property
    def verdicts(self) -> dict[str, Decision]:
        """The verdicts that hold, by target."""
        return dict(self._verdicts)

    def disagreement(self, target_id: str) -> tuple[Decision, ...]:
        """Return the latest word of everyone, oldest first, where people disagree on a target; else nothing."""
        return self._disagreements.get(target_id, ())

    def see(self, target_ids: Iterable[str]) -> None:
        """Take note that this observer has seen what holds on these targets."""
        for target in target_ids:
            held = self._verdicts.get(target)
            self._seen[target] = held.id if held is not None else 0

    def unseen(self, target_ids: Iterable[str], verdict: str, until: str | None = None) -> list[Decision]:
        """
        Return what others decided on targets that this observer has not seen, and that a verdict would overrule.

        Parameters
        ----------
        target_ids : iterable of str
        verdict, until : str, str or None
            What this observer is about to say.
        """
        held = (self._verdicts.get(target) for target in target_ids)
        return [
            theirs
            for theirs in held
            if verdict in OPINIONS
            and theirs is not None
            and theirs.observer != self.observer
            and theirs.id != self._seen.get(theirs.target, 0)
            and (theirs.verdict, theirs.until) != (verdict, until)
        ]

    def n_comments(self, target_id: str) -> int:
        """Count the comments on a target that were not taken back."""
        return self._comments[target_id]

    def decide(self, target_id: str, verdict: Verdict, comment: str = "") -> Decision:
        """
        Put a decision of this observer into the store.

        Raises
        ------
        StoreError
            If the store refuses; then nothing has changed here either.
        """
        return self.decide_all([target_id], verdict, comment)[0]

    def decide_all(
        self, target_ids: Sequence[str], verdict: Verdict, comment: str = "", until: str | None = None
    ) -> Step:
        """
        Put the same decision on targets into the store, as one step: on all of them, or on none.

        Parameters
        ----------
        target_ids : sequence of str
        verdict : Verdict
        comment : str
        until : str, optional
            With `Verdict.DEFER`: evening date on which they come back, ISO 8601.

        Raises
        ------
        ConflictError
            If someone else decided otherwise on one of them, and this observer has not seen it.
        StoreError
            If the store refuses; then nothing has changed here either.
        """
        done = self._record([self._decision(target, verdict, comment, until) for target in target_ids])
        self._steps.did(done)
        return done

    def _decision(self, target_id: str, verdict: Verdict, comment: str, until: str | None) -> Decision:
        return Decision(
            target=target_id,
            night=self.info.night,
            site=self.info.site,
            verdict=str(verdict),
            observer=self.observer,
            time="",
            comment=comment or self._remark(target_id, verdict),
            plan_revision=self.info.revision,
            until=until,
        )

    def _remark(self, target_id: str, verdict: Verdict) -> str:
        """Return what a decision says where nothing else was written."""
        del target_id, verdict
        return ""

    def _record(self, decisions: Iterable[Decision]) -> Step:
        """Put decisions into the store as made now."""
        now = stamp(self.now())
        done = tuple(
            self.store.record_all([replace(decision, time=now, id=0) for decision in decisions], seen=self._seen)
        )
        self._take(done, read=False)
        self.see(decision.target for decision in done)
        return done

    def undo(self) -> Step:
        """
        Take back the latest step of this observer that still stands: of this session, or else of this night.

        What others decided stays, before and after it.

        Returns
        -------
        tuple of Decision
            What was taken back; empty if there was nothing.

        Raises
        ------
        StoreError
            If the store refuses.
        """
        self.poll()
        mine = [decision for decision in self._decisions.values() if decision.observer == self.observer]
        step = self._steps.last({decision.id for decision in mine}) or latest_together(mine)
        if not step:
            return ()
        numbers = [decision.id for decision in step]
        self._take(self.store.undo_all(numbers, observer=self.observer, time=stamp(self.now())), read=False)
        self._steps.undid(step)
        self.see(decision.target for decision in step)
        return step

    def redo(self) -> Step:
        """
        Do again what was taken back last, as new decisions.

        Returns
        -------
        tuple of Decision
            What was done; empty if nothing was taken back, or something new was decided since.

        Raises
        ------
        ConflictError
            If someone else decided otherwise on one of the targets, and this observer has not seen it.
        StoreError
            If the store refuses.
        """
        step = self._steps.next()
        if not step:
            return ()
        done = self._record(step)
        self._steps.redid(done)
        return done

    @property
    def to_redo(self) -> Step:
        """What `redo` would do."""
        return self._steps.next()

    def poll(self) -> set[str]:
        """
        Read what was decided since the last look, here or elsewhere.

        Returns
        -------
        set of str
            Targets with a new decision.
        """
        # Read before the decisions are: what comes in between is looked for again the next time.
        counter = self.store.change_counter()
        if counter is not None and counter == self._counter:
            return set()
        decisions = self.store.decisions(night=self.info.night, site=self.info.site, since_id=self._read_to)
        changed = self._take(decisions)
        self._counter = counter
        return changed

    def _take(self, decisions: Sequence[Decision], *, read: bool = True) -> set[str]:
        """Add decisions that the store holds; return the targets they are about."""
        with self._lock:
            new = {decision.id: decision for decision in decisions if decision.id not in self._decisions}
            if read:
                # Not after a decision made here: others may have decided between the last look and it.
                self._read_to = max(self._read_to, *new, 0)
            if new:
                self._decisions = _standing({**self._decisions, **new})
                record = self._decisions.values()
                self._verdicts = effective_verdicts(record)
                self._disagreements = disagreements(record)
                self._decisions_changed()
                self._comments = Counter(decision.target for decision in record if decision.comment)
            return {decision.target for decision in new.values()}

    def _decisions_changed(self) -> None:
        """Forget what rests on the decisions."""


def _standing(record: Mapping[int, Decision]) -> dict[int, Decision]:
    """
    Return the decisions that were not taken back, oldest first.

    The others are not kept: through a long night with a busy store they would be most of what the app holds.
    """
    undone = {decision.undoes for decision in record.values()}
    return {
        number: decision
        for number, decision in sorted(record.items())
        if number not in undone and decision.verdict != Verdict.UNDO
    }
