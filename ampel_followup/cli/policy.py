"""`ampel-followup policy`: what is worth a look, and what a change of that would do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ampel_followup.cli.output import JsonOption, NightOption, SiteOption, StoreOption, console, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ampel_followup.plan import NightPlan
    from ampel_followup.replay import Replay, Replayed
    from ampel_followup.store import Store

app = typer.Typer(no_args_is_help=True, help="The policy: which objects are worth a look, and when.")

PolicyArgument = Annotated[Path, typer.Argument(metavar="FILE", help="Policy, YAML.", show_default=False)]
PolicyOption = Annotated[
    Path | None,
    typer.Option("--policy", metavar="FILE", help="Policy, YAML; by default the one that comes along."),
]


@app.command()
def show(policy: PolicyOption = None, as_json: JsonOption = False) -> None:
    """Print every setting of a policy, with its unit and meaning."""
    from ampel_followup.policy import load_policy, settings_of
    from ampel_followup.settings import shown

    loaded = load_policy(policy)
    if as_json:
        print_json({"policy": loaded.label, "digest": loaded.digest, "settings": loaded.model_dump(mode="json")})
        return
    console().print(f"{loaded.label}, digest {loaded.digest[:12]}", markup=False)
    print_table(
        ("setting", ("value", "right"), "unit", "what it says"),
        ((name, shown(value), unit, text) for name, value, unit, text in settings_of(loaded)),
        optional=("unit",),
    )


@app.command()
def check(policy: PolicyArgument, as_json: JsonOption = False) -> None:
    """Check a policy file, and say in what it differs from the one that comes along."""
    from ampel_followup.policy import load_policy, settings_of
    from ampel_followup.settings import shown

    loaded = load_policy(policy)
    packaged = {name: value for name, value, _, _ in settings_of(load_policy())}
    differs = {name: (packaged[name], value) for name, value, _, _ in settings_of(loaded) if value != packaged[name]}
    if as_json:
        changes = {name: {"packaged": old, "here": new} for name, (old, new) in differs.items()}
        print_json({"policy": loaded.label, "digest": loaded.digest, "differs": changes})
        return
    out = console()
    out.print(f"{loaded.label}, digest {loaded.digest[:12]}: good", markup=False)
    if differs:
        print_table(
            ("setting", ("packaged", "right"), ("here", "right")),
            ((name, shown(old), shown(new)) for name, (old, new) in differs.items()),
        )
    else:
        out.print("the same as the one that comes along", markup=False)


@app.command()
def replay(
    policy: PolicyArgument,
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="FILE", help="Policy to compare with; by default the one that comes along."),
    ] = None,
    store: StoreOption = None,
    night: NightOption = None,
    site: SiteOption = None,
    all_nights: Annotated[
        bool, typer.Option("--all-nights", help="Every night and site of the store, not the latest plan alone.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what a policy would have shown of stored plans, what it would have hidden, and which good ones it loses."""
    from ampel_followup.policy import load_policy
    from ampel_followup.replay import replay as replay_plans
    from ampel_followup.store import Store

    before, after = load_policy(against), load_policy(policy)
    with Store.open(store, read_only=True) as opened:
        replayed = replay_plans(
            _plans(opened, night, site, all_nights),
            before,
            after,
            decisions=opened.decisions(),
            labels=opened.labels(),
        )
    if as_json:
        print_json(_as_json(replayed))
    else:
        _print(replayed)


@app.command()
def docs() -> None:
    """Print the table of settings as the manual has it."""
    from ampel_followup.policy import markdown_table

    typer.echo(markdown_table(), nl=False)


def _plans(store: Store, night: str | None, site: str | None, all_nights: bool) -> Iterable[NightPlan]:
    """Return the newest plan of a night and site, or of each of them that matches, oldest night first."""
    if not all_nights:
        return [store.load_plan(night=night, site=site).plan]
    newest: dict[tuple[str, str], int] = {}
    for info in store.plans():
        if night in (None, info.night) and site in (None, info.site):
            newest.setdefault((info.night, info.site), info.revision)
    return (store.load_plan(revision).plan for _, revision in sorted(newest.items()))


def _as_json(replayed: Replay) -> dict[str, object]:
    def brief(rows: Iterable[Replayed]) -> list[dict[str, object]]:
        return [row.to_dict() for row in rows]

    n_good, good_before, good_after = replayed.good
    return {
        "before": replayed.before,
        "after": replayed.after,
        "objects": len(replayed.rows),
        "listed": dict(zip(("before", "after"), replayed.listed, strict=True)),
        "queues": {queue: {"before": b, "after": a} for queue, (b, a) in replayed.queues.items()},
        "moved": brief(replayed.moved),
        "newly_shown": brief(replayed.newly_shown),
        "no_longer_shown": brief(replayed.no_longer_shown),
        "good": {"labelled": n_good, "shown_before": good_before, "shown_after": good_after},
        "lost": list(replayed.lost),
        "gained": list(replayed.gained),
    }


def _print(replayed: Replay) -> None:
    """Print a replay: numbers per queue, then what changes."""
    out = console()
    nights = sorted({(row.night, row.site) for row in replayed.rows})
    when = f"{nights[0][0]} at {nights[0][1]}" if len(nights) == 1 else f"{len(nights)} nights"
    out.print(f"{when}: {len(replayed.rows)} objects, {replayed.before} → {replayed.after}", markup=False)
    rows = [(queue, b, a, f"{a - b:+d}" if a != b else "") for queue, (b, a) in replayed.queues.items()]
    b, a = replayed.listed
    rows.append(("listed", b, a, f"{a - b:+d}" if a != b else ""))
    print_table(("queue", ("before", "right"), ("after", "right"), ("", "right")), rows)
    for title, changed in (
        ("Newly shown", replayed.newly_shown),
        ("No longer shown", replayed.no_longer_shown),
    ):
        if changed:
            print_table(
                ("night", "name", "before", "after", "label", "why"),
                (
                    (r.night, r.id, r.before.queue, r.after.queue, "good" if r.good else "", r.after.because)
                    for r in changed
                ),
                title=f"{title}: {len(changed)}",
                optional=("night",),
            )
    n_good, good_before, good_after = replayed.good
    if not n_good:
        out.print("No object has a label of an extragalactic transient: what would be lost is not known.", markup=False)
        return
    out.print(f"Of {n_good} good objects {good_before} were shown before, {good_after} after.", markup=False)
    if replayed.lost:
        print_table(("lost",), ((name,) for name in replayed.lost))
