"""What the app holds of the decisions of a night: their outcome, however long their record grows."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sample_night import NOW

from ampel_followup.decision import Decision, Verdict, disagreements, effective_verdicts
from ampel_followup.errors import StoreError
from ampel_followup.store import Store
from ampel_followup_tui.instants import stamp
from ampel_followup_tui.journal import Journal

NIGHT, SITE = "2026-11-20", "sso"
VERDICTS = (Verdict.APPROVE, Verdict.REJECT, Verdict.DEFER, Verdict.OBSERVED, Verdict.COMMENT)


@pytest.fixture
def other_store(store: Store) -> Iterator[Store]:
    """The same file, opened by another program."""
    with Store.open(store.url) as other:
        yield other


def make_journal(store: Store) -> Journal:
    return Journal(store, store.load_plan(), "ada", lambda: NOW)


def decide(store: Store, target: str, verdict: str, observer: str, second: int, comment: str = "") -> Decision:
    time = stamp(NOW + timedelta(seconds=second))
    return store.record(Decision(target, NIGHT, SITE, str(verdict), observer, time, comment))


def assert_as_the_whole_record_says(journal: Journal) -> None:
    """Compare with the outcome of all decisions in the store, computed from the first to the last."""
    record = journal.store.decisions(night=NIGHT, site=SITE)
    undone = {decision.undoes for decision in record}
    comments = Counter(d.target for d in record if d.comment and d.verdict != Verdict.UNDO and d.id not in undone)
    words = disagreements(record)
    assert journal.verdicts == effective_verdicts(record)
    for target in journal.plan.targets:
        assert journal.disagreement(target.id) == words.get(target.id, ())
        assert journal.n_comments(target.id) == comments[target.id]


@pytest.mark.parametrize("seed", range(4))
def test_the_outcome_is_that_of_the_whole_record_however_it_comes_in(
    store: Store, other_store: Store, seed: int
) -> None:
    rng = random.Random(seed)
    journal, targets = make_journal(store), [target.id for target in store.load_plan().plan.targets[:3]]
    standing: list[int] = []
    for second in range(120):
        target, verdict = rng.choice(targets), rng.choice(VERDICTS)
        comment = "cirrus" if verdict == Verdict.COMMENT else ""
        match rng.randrange(6):
            case 0:
                # Decided here, between two looks at what others do.
                journal.see(targets)
                try:
                    journal.decide(target, verdict, comment)
                except StoreError:
                    continue
            case 1 if standing:
                number = standing.pop(rng.randrange(len(standing)))
                other_store.undo(number, observer="bob", time=stamp(NOW + timedelta(seconds=second)))
            case 2:
                journal.undo()
            case 3:
                journal.poll()
                assert_as_the_whole_record_says(journal)
            case _:
                observer = rng.choice(("bob", "cyd"))
                standing.append(decide(other_store, target, verdict, observer, second, comment).id)
    journal.poll()
    assert_as_the_whole_record_says(journal)
    # And so does somebody who comes later.
    assert_as_the_whole_record_says(make_journal(other_store))


def test_what_others_decided_before_ones_own_verdict_is_not_taken_for_later(store: Store, other_store: Store) -> None:
    journal = make_journal(store)
    target = journal.plan.targets[0].id
    decide(other_store, target, Verdict.COMMENT, "bob", 1, "clouds come")
    decide(other_store, target, Verdict.APPROVE, "bob", 2)
    mine = journal.decide(target, Verdict.APPROVE)
    assert journal.poll() == {target}
    assert journal.verdict(target) == mine
    assert journal.n_comments(target) == 1


def test_the_journal_holds_no_more_after_a_thousand_changes(store: Store, other_store: Store) -> None:
    journal = make_journal(store)
    targets = [target.id for target in journal.plan.targets]
    for second in range(1000):
        decision = decide(other_store, targets[second % len(targets)], VERDICTS[second % 5], "bob", second)
        if second % 7 == 0:
            other_store.undo(decision.id, observer="bob", time=decision.time)
        if second % 50 == 0:
            journal.poll()
    journal.poll()
    held = [word for said in journal._said.values() for word in said.words]
    assert len(held) <= len(targets)
    assert not journal._made


def test_a_look_at_the_store_reads_what_is_new_and_no_more(
    store: Store, other_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = make_journal(store)
    targets = [target.id for target in journal.plan.targets]
    decisions = [decide(other_store, target, Verdict.APPROVE, "bob", n) for n, target in enumerate(targets)]
    journal.poll()
    read: list[Decision] = []
    find = store.decisions
    monkeypatch.setattr(store, "decisions", lambda **options: read.extend(find(**options)) or find(**options))
    new = decide(other_store, targets[0], Verdict.REJECT, "bob", 100)
    assert journal.poll() == {targets[0]}
    assert read == [new]
    read.clear()
    # Of a target of which something was taken back all is read, for what held before holds again.
    undo = other_store.undo(new.id, observer="bob", time=new.time)
    assert journal.poll() == {targets[0]}
    assert read == [undo, decisions[0], new, undo]
    assert journal.verdict(targets[0]) == decisions[0]
