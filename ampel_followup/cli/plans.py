"""`ampel-followup plan`: tonight's list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from ampel_followup.cli import night_sheets, schedules, target_plots
from ampel_followup.cli.output import JsonOption, NightOption, SiteOption, StoreOption, console, print_json, print_table
from ampel_followup.further_scores import FURTHER_SCORERS
from ampel_followup.plan import NightPlan, RankedTarget, StopAdvice

app = typer.Typer(no_args_is_help=True, help="Tonight's list, and its schedule at the telescopes.")
app.command()(schedules.make)
app.command()(schedules.replan)
app.command()(night_sheets.sheet)
app.command()(target_plots.plot)
app.command()(night_sheets.note)
app.command()(night_sheets.notes)

#: In the list, beside an object that is outside what the models were trained on.
OUTSIDE = "? outside"

TopOption = Annotated[int | None, typer.Option("--top", min=1, metavar="N", help="Only the first N targets.")]


@app.command()
def show(
    store: StoreOption = None,
    night: NightOption = None,
    site: SiteOption = None,
    revision: Annotated[
        int | None, typer.Option("--revision", metavar="R", help="This revision; by default the latest.")
    ] = None,
    top: TopOption = None,
    schedule: Annotated[
        bool, typer.Option("--schedule", help="Print the latest schedule instead: what each telescope does when.")
    ] = False,
    ids: Annotated[
        bool, typer.Option("--ids", help="Print the names of the targets, one a line, for `decide -`.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print a plan: what to observe in order of priority, and what cannot be seen and why."""
    from ampel_followup.store import Store

    if schedule:
        with Store.open(store, read_only=True) as opened:
            found = opened.load_timetable(night=night)
        if as_json:
            print_json({"revision": found.info.revision, "timetable": found.timetable.to_dict()})
            return
        schedules.print_timetable(found.timetable)
        return

    with Store.open(store, read_only=True) as opened:
        stored = opened.load_plan(revision, night=night, site=site)
        verdicts = opened.verdicts(stored.info.night, stored.info.site)
    plan = stored.plan
    if ids:
        for target in plan.targets[:top]:
            console().print(target.id, markup=False)
        return
    if as_json:
        head = {"revision": stored.info.revision, "created": stored.info.created, "run": dict(stored.report)}
        body = {**plan.to_dict(), "verdicts": {k: d.to_dict() for k, d in verdicts.items()}}
        body["targets"] = body["targets"][:top]
        print_json(head | body)
        return
    print_plan(plan, top, {target: decision.verdict for target, decision in verdicts.items()}, stored.report)


def print_plan(
    plan: NightPlan,
    top: int | None,
    verdicts: Mapping[str, str] | None = None,
    report: Mapping[str, Any] | None = None,
) -> None:
    """Print a plan as two tables, with what made it."""
    verdicts = verdicts or {}
    night = plan.night
    out = console()
    out.print(
        f"Night {night.date} at {night.site_name}, {plan.strategy}: {len(plan.targets)} targets, dark from "
        f"{night.dusk[11:16]} to {night.dawn[11:16]} UTC, Moon {100 * night.moon_illumination:.0f} %",
        markup=False,
    )
    out.print(f"bundle {plan.bundle}, digest {plan.bundle_digest[:16]}", markup=False)
    if plan.assistant:
        out.print(
            f"assistant {plan.assistant}, digest {plan.assistant_digest[:16]}, policy {plan.policy}", markup=False
        )
    for scorer in FURTHER_SCORERS:
        used = (report or {}).get(scorer.name)
        if used:
            out.print(f"{scorer.title} {used['bundle']}, digest {used['digest'][:16]}", markup=False)
    print_table(
        (
            ("#", "right"), "name", ("mag", "right"), ("mag/d", "right"), "class now", "→ after a spectrum", "scope",
            ("VOI", "right"), ("gain", "right"), "from–to UTC", ("airmass", "right"), "status", "why",
        ),
        [_row(target, verdicts) for target in plan.targets[:top]],
        optional=("why", "gain", "mag/d", "airmass", "→ after a spectrum", "from–to UTC"),
    )  # fmt: skip
    if top is not None and len(plan.targets) > top:
        out.print(f"… and {len(plan.targets) - top} more", markup=False)
    if plan.stop is not None:
        out.print(_stop(plan.stop), markup=False)
    if plan.not_observable:
        _print_not_observable(plan.not_observable, top)


def _stop(stop: StopAdvice) -> str:
    return (
        f"{stop.sentence[0].upper()}{stop.sentence[1:]}. Expected: {stop.changes:.1f} classes changed by the first "
        f"{stop.after} spectra, {stop.changes_beyond:.1f} by all the others."
    )


def _row(target: RankedTarget, verdicts: Mapping[str, str]) -> Sequence[object]:
    scores, photometry, seen = target.scores, target.photometry, target.visibility
    mag = f"{photometry.last_mag:.1f} {photometry.last_band[-1:]}" if photometry.last_band else None
    return (
        target.rank,
        target.id,
        mag,
        f"{photometry.trend:+.2f}" if photometry.trend == photometry.trend else None,
        f"{scores.class_now} {100 * scores.p_t[scores.class_now]:.0f} %",
        f"{scores.class_after} {100 * (scores.p_after or scores.p_ts)[scores.class_after]:.0f} %",
        OUTSIDE if scores.out_of_scope else "in",
        f"{scores.value_of_information:.3f}",
        f"{scores.information_gain:.2f}",
        f"{(seen.start or '')[11:16]}–{(seen.end or '')[11:16]}",
        f"{seen.min_airmass:.2f}",
        verdicts.get(target.id),
        target.reasons[0] if target.reasons else None,
    )


def _print_not_observable(targets: Sequence[RankedTarget], top: int | None) -> None:
    print_table(
        ("name", ("VOI", "right"), "why not"),
        ((t.id, f"{t.scores.value_of_information:.3f}", t.visibility.reason) for t in targets[:top]),
        title=f"Not observable tonight: {len(targets)}",
    )
    if top is not None and len(targets) > top:
        console().print(f"… and {len(targets) - top} more", markup=False)
