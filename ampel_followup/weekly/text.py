"""The report of a week as tables: what both the screen and the page show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ampel_followup.assistant_scores import Queue, Stage
from ampel_followup.audit import NamedObject
from ampel_followup.weekly.summary import NONE, WeekReport

#: Titles of the sections that have a figure.
NIGHTS, QUEUES, GOOD = "Nights", "Queues", "What turned out good"

#: A column by its title, or by title and side.
Column = str | tuple[str, str]


@dataclass(frozen=True, slots=True)
class Section:
    """A title, sentences, and a table, which may be empty; texts in it are as people and alerts wrote them."""

    title: str
    sentences: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[object, ...], ...] = ()


def sections(week: WeekReport) -> list[Section]:
    """Return the report, section by section; those that have nothing to say, say so."""
    if week.empty:
        return [Section("Nothing happened", ("The store has no plan, no decision and no label of these nights.",))]
    return [
        _nights(week),
        _workload(week),
        _decisions(week),
        _labels(week),
        _misses(week),
        _ranks_of_good(week),
        _drift(week),
    ]


def _nights(week: WeekReport) -> Section:
    return Section(
        NIGHTS,
        () if week.nights else ("There was no plan.",),
        (
            "night", "site", ("listed", "right"), ("not to be seen", "right"), ("set aside", "right"),
            ("decided", "right"), "strategy", "bundle", "policy",
        ),
        tuple(
            (
                line.night, line.site_name, line.n_targets, line.n_not_observable, line.n_set_aside, line.n_decided,
                line.strategy, line.bundle, line.policy or None,
            )
            for line in week.nights
        ),
    )  # fmt: skip


def _workload(week: WeekReport) -> Section:
    if not week.n_objects:
        return Section(QUEUES, ("No object was in a plan.",))
    worth, listed = (f"{n} ({100 * n / week.n_objects:.1f} %)" for n in (week.n_worth_a_look, week.n_listed))
    sentence = f"Of {week.n_objects} objects, {worth} were worth a look, and {listed} were in a list."
    if set(week.queues) == {NONE}:
        return Section(QUEUES, (sentence, "The plans were made without an assistant: there are no queues."))
    stages = [stage for stage in (*Stage, NONE) if any(stage in counts for counts in week.queues.values())]
    rows = [
        (str(queue), *(week.queues[queue].get(stage, 0) for stage in stages), sum(week.queues[queue].values()))
        for queue in in_order(week.queues, (*Queue, NONE))
    ]
    columns: tuple[Column, ...] = ("queue", *((str(stage), "right") for stage in stages), ("all", "right"))
    return Section(QUEUES, (sentence,), columns, tuple(rows))


def _decisions(week: WeekReport) -> Section:
    if not week.verdicts:
        return Section("Decisions", ("Nobody decided anything.",))
    who = ", ".join(f"{observer} ({count})" for observer, count in week.observers.items())
    return Section("Decisions", (f"By {who}.",), ("verdict", ("number", "right")), tuple(week.verdicts.items()))


def _labels(week: WeekReport) -> Section:
    if not week.n_labels:
        return Section("Labels", ("No labels came.",))
    n = sum(week.labels.values())
    sentence = f"{week.n_labels} labels came, of {n} objects that were in a plan at any time."
    return Section("Labels", (sentence,), ("class", ("objects", "right")), tuple(week.labels.items()))


def _misses(week: WeekReport) -> Section:
    found = week.audit
    if not found.good:
        return Section("Misses", ("Nothing that was in a plan before turned out to be an extragalactic transient.",))
    sentence = (
        f"{found.n_missed} of {len(found.good)} extragalactic transients had been weeded out before they were named "
        f"({100 * found.missed_fraction:.1f} %): {found.n_set_aside} by the policy, {found.n_rejected} by people."
    )
    return Section("Misses", (sentence,), MISS_COLUMNS, tuple(map(miss_row, found.misses)))


#: What is shown of a miss.
MISS_COLUMNS: tuple[Column, ...] = (
    "target", "class", "source", "named", "what became of it", "night", "queue", "stage", ("rank", "right"),
    ("real", "right"), ("galactic", "right"), "policy", "assistant", "by", "why",
)  # fmt: skip


def miss_row(miss: NamedObject) -> tuple[object, ...]:
    """Return the cells of `MISS_COLUMNS`."""
    return (
        miss.target, miss.label.class_name, miss.label.source, miss.label.time[:10], miss.fate, miss.night, miss.queue,
        miss.stage, number(miss.assistant_rank, 1), number(miss.p_real, 2), number(miss.p_galactic, 2),
        miss.policy or None, miss.assistant or miss.bundle, miss.observer or None, miss.comment or None,
    )  # fmt: skip


def _ranks_of_good(week: WeekReport) -> Section:
    good = sorted(week.audit.good, key=lambda found: (found.list_rank == 0, found.list_rank, found.target))
    return Section(
        GOOD,
        () if good else ("Nothing.",),
        (
            "target", "class", "what became of it", ("best place in a list", "right"), ("rank", "right"),
            ("best rank", "right"), "queue",
        ),
        tuple(
            (
                found.target, found.label.class_name, found.fate, found.list_rank or None,
                number(found.assistant_rank, 1), number(found.best_rank, 1), found.queue,
            )
            for found in good
        ),
    )  # fmt: skip


def _drift(week: WeekReport) -> Section:
    compared = [line for line in week.nights if line.drifted is not None]
    if not compared:
        return Section("Drift", ("No run compared its alerts with the training set.",))
    rows = tuple((line.night, line.site_name, ", ".join(line.drifted or ())) for line in compared if line.drifted)
    if not rows:
        return Section("Drift", (f"All features were as in training, in {_plans(len(compared))}.",))
    sentence = f"Features were not as in training in {len(rows)} of {_plans(len(compared))}."
    return Section("Drift", (sentence,), ("night", "site", "features that moved"), rows)


def in_order(found: Iterable[str], order: Sequence[str]) -> list[str]:
    """Return what was found in the order asked for; what is not in it comes last, by name."""
    names = set(found)
    return [name for name in order if name in names] + sorted(names - set(order))


def number(value: float, digits: int) -> str | None:
    """Return a number for a table; None for NaN."""
    return f"{value:.{digits}f}" if value == value else None  # NaN differs from itself


def _plans(n: int) -> str:
    return f"{n} plan{'' if n == 1 else 's'}"
