"""What everybody decided on the targets of one night, always as the store has it, and what this observer adds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING

from ampel_followup.decision import OPINIONS, Decision, Verdict
from ampel_followup_tui.instants import stamp
from ampel_followup_tui.said import NOTHING_SAID, Said
from ampel_followup_tui.steps import Step, Steps, latest_together

if TYPE_CHECKING:
    from ampel_followup.store import Store, StoredPlan


class Ledger:
    """
    The decisions of everybody on one plan.

    Of each target only what is shown of all targets is held, see `Said`: the store of a busy night grows, and this does
    not. A look at the store takes as long as what is new there.

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
        self._said: dict[str, Said] = {}
        # The verdicts that hold, by target: what is asked for most often.
        self._verdicts: dict[str, Decision] = {}
        self._steps = Steps()
        self._read_to = 0
        # Decisions made here, after the last one that was read.
        self._made: set[int] = set()
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
        return self._said.get(target_id, NOTHING_SAID).disagreement

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
        return self._said.get(target_id, NOTHING_SAID).n_comments

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
        step = self._steps.last(self._still_stands) or latest_together(self._read_mine())
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
        changed = self._take(self._read())
        self._counter = counter
        return changed

    def _read(self, *, target: str | None = None, since_id: int | None = None) -> list[Decision]:
        """Read the decisions on this night, or on one target, after the last one that was read, or another one."""
        number = self._read_to if since_id is None else since_id
        return self.store.decisions(night=self.info.night, site=self.info.site, target=target, since_id=number)

    def _still_stands(self, step: Step) -> Step:
        """Return what of a step was not taken back, here or elsewhere."""
        # What takes something back comes after it.
        undone = {decision.undoes for decision in self._read(since_id=min(decision.id for decision in step))}
        return tuple(decision for decision in step if decision.id not in undone)

    def _read_mine(self) -> list[Decision]:
        """Read what this observer decided on this night, in this session or before it, and did not take back."""
        record = self._read(since_id=0)
        undone = {decision.undoes for decision in record}
        return [
            decision
            for decision in record
            if decision.observer == self.observer and decision.verdict != Verdict.UNDO and decision.id not in undone
        ]

    def _take(self, decisions: Iterable[Decision], *, read: bool = True) -> set[str]:
        """Take in decisions that the store holds; return the targets they are about."""
        with self._lock:
            new: dict[str, list[Decision]] = {}
            newest = self._read_to
            for decision in decisions:
                newest = max(newest, decision.id)
                if decision.id > self._read_to and decision.id not in self._made:
                    new.setdefault(decision.target, []).append(decision)
            # All that may fail comes before the first change.
            said = {target: self._said_after(target, added) for target, added in new.items()}
            if read:
                self._read_to = newest
                self._made = {number for number in self._made if number > newest}
            else:
                # Others may have decided between the last look and this.
                self._made.update(decision.id for added in new.values() for decision in added)
            for target, now in said.items():
                self._said[target] = now
                if now.verdict is None:
                    self._verdicts.pop(target, None)
                else:
                    self._verdicts[target] = now.verdict
            if said:
                self._decisions_changed()
            return set(said)

    def _said_after(self, target: str, added: Sequence[Decision]) -> Said:
        """Return what was said of a target, with what is new; read all of it where the new alone does not tell."""
        before = self._said.get(target)
        if before is None:
            return Said.of(added)
        return before.after(added) or Said.of(self._read(target=target, since_id=0))

    def _decisions_changed(self) -> None:
        """Forget what rests on the decisions."""
