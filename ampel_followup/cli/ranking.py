"""`ampel-followup rank`: from alerts to tonight's list."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import TaskID

from ampel_followup.cli.output import (
    BundleOption,
    JsonOption,
    StoreOption,
    console,
    print_json,
    print_table,
    progress,
)
from ampel_followup.cli.plans import TopOption, print_plan
from ampel_followup.errors import StrategyError
from ampel_followup.further_scores import FURTHER_SCORERS
from ampel_followup.plan import STOP_BELOW

if TYPE_CHECKING:
    from ampel_followup.night_run import NightRun, Progress
    from ampel_followup.store import Store
    from ampel_followup.triage import Triage

StrategyOption = Annotated[
    str, typer.Option("--strategy", metavar="NAME", help="How to rank; `ampel-followup strategies` lists them.")
]
StopOption = Annotated[
    float,
    typer.Option(
        "--stop-below",
        metavar="SHARE",
        help="Say from where on a spectrum changes the class less often than this.",
    ),
]
MonteCarloOption = Annotated[
    int | None,
    typer.Option(
        "--monte-carlo",
        metavar="N",
        help="Draw N possible spectra of each object at random; by default quasi-random ones, as the bundle asks for.",
    ),
]
AssistantOption = Annotated[
    str | None,
    typer.Option(
        "--assistant", metavar="NAME|DIR", help="Bundle of the virtual assistant; by default the one that comes along."
    ),
]
NoAssistantOption = Annotated[
    bool,
    typer.Option(
        "--no-assistant",
        help="List every object, also what was deferred or rejected: neither scores of the assistant nor queues.",
    ),
]
EarlyOption = Annotated[
    str | None,
    typer.Option(
        "--early",
        metavar="NAME|DIR",
        help="Bundle of `train early`: adds P(SN Ia), and allows the strategies early-snia and learning-….",
    ),
]
CutoutsOption = Annotated[
    bool,
    typer.Option(
        "--cutouts",
        help="Keep the cutouts of listed objects, for `ampel-followup tui`: about 7 kB each. Reads the alerts twice.",
    ),
]
MicrolensingOption = Annotated[
    str | None,
    typer.Option(
        "--microlensing",
        metavar="NAME|DIR",
        help="Bundle of the search for lenses and their planets; by default the one that comes along.",
    ),
]
NoMicrolensingOption = Annotated[bool, typer.Option("--no-microlensing", help="Do not search for lenses.")]
AttentionOption = Annotated[
    str | None,
    typer.Option(
        "--attention",
        metavar="NAME|DIR",
        help="Bundle of the classifier that says which epochs counted; by default the one that comes along.",
    ),
]
NoAttentionOption = Annotated[
    bool, typer.Option("--no-attention", help="Neither its classes nor where it looked, under the light curve.")
]
AnomalyOption = Annotated[
    str | None,
    typer.Option(
        "--anomaly",
        metavar="NAME|DIR",
        help="Bundle of `train anomaly` (`anomaly` comes along): keeps places of the list for what is like nothing "
        "trained on, and learns from what was approved and rejected of it on earlier nights.",
    ),
]
PolicyOption = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        metavar="FILE",
        help="What is worth a look, YAML; by default the policy that comes along (`ampel-followup policy show`).",
    ),
]
SchemaOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--schema",
        metavar="FILE",
        help="Schema of packets that come without theirs: .avsc, or an avro file that has it; may be given several "
        "times. Those of LSST 7.1 to 11.0 and of ELAsTiCC come along.",
    ),
]
SeedOption = Annotated[
    int, typer.Option("--seed", metavar="S", help="Seed of the possible spectra: the same seed gives the same list.")
]


def rank(
    alerts: Annotated[
        list[Path],
        typer.Argument(
            metavar="ALERTS…",
            help="Alert packets of ZTF and LSST: avro files (also gzipped, or Kafka's messages), folders, tar(.gz), "
            "parquet; what filters of Lasair put out: json(.gz).",
        ),
    ],
    site: Annotated[
        str,
        typer.Option(
            "--site",
            metavar="SITE",
            help="Observatory: a key or alias of `ampel-followup sites`, or LAT,LON[,HEIGHT] in degrees and metres.",
        ),
    ],
    night: Annotated[str, typer.Option("--night", metavar="DATE", help="Evening date at the site, as 2026-11-20.")],
    strategy: StrategyOption = "value-of-information",
    bundle: BundleOption = None,
    top: TopOption = None,
    stop_below: StopOption = STOP_BELOW,
    monte_carlo: MonteCarloOption = None,
    seed: SeedOption = 0,
    assistant: AssistantOption = None,
    policy: PolicyOption = None,
    no_assistant: NoAssistantOption = False,
    early: EarlyOption = None,
    cutouts: CutoutsOption = False,
    microlensing: MicrolensingOption = None,
    no_microlensing: NoMicrolensingOption = False,
    attention: AttentionOption = None,
    no_attention: NoAttentionOption = False,
    anomaly: AnomalyOption = None,
    store: StoreOption = None,
    no_store: Annotated[
        bool, typer.Option("--no-store", help="Only print: keep neither plan nor light curves.")
    ] = False,
    quarantine: Annotated[
        Path | None,
        typer.Option(
            "--quarantine", metavar="DIR", help="Folder for alerts that cannot be used; by default beside the store."
        ),
    ] = None,
    schema: SchemaOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    Rank the objects of an alert archive for tonight.

    Reads the alerts, scores every object by what a spectrum of it would tell and by whether it is real, galactic and
    fast, sets aside (with the reason) what the policy does not list and what the site cannot see, prints the list in
    order of priority, and keeps all of it in the store for `ampel-followup tui`, `decide` and `export`. Alerts of ZTF
    and of LSST are known by their fields, and may be given together. Those that cannot be used, detections of the solar
    system among them, are counted and kept in quarantine.

    Example: `ampel-followup rank alerts.tar.gz --site palomar --night 2018-08-20 --top 20`

    Example: `ampel-followup rank lsst/*.avro elasticc.parquet --site rubin --night 2026-03-05`
    """
    from contextlib import nullcontext

    from ampel_followup.store import Store

    with nullcontext(None) if no_store else Store.open(store) as opened, rank_progress(quiet=as_json) as report:
        run = rank_into(
            opened,
            alerts,
            site,
            night,
            report,
            strategy=strategy,
            bundle=bundle,
            quarantine=quarantine,
            stop_below=stop_below,
            monte_carlo=monte_carlo,
            seed=seed,
            assistant=assistant,
            policy=policy,
            no_assistant=no_assistant,
            cutouts=cutouts,
            schemas=schema or (),
            further={"early": early, "microlensing": microlensing, "attention": attention, "anomaly": anomaly},
            without=_left_out(microlensing=no_microlensing, attention=no_attention),
        )
    if as_json:
        print_json(as_dict(run, top))
        return
    print_run(run)
    print_plan(run.plan, top, report=run.report)


def _left_out(**options: bool) -> list[str]:
    """Return the names of the further scorers that an option ``--no-…`` leaves out."""
    return [name for name, left_out in options.items() if left_out]


def rank_into(
    store: Store | None,
    alerts: list[Path],
    site: str,
    night: str,
    progress: Progress,
    *,
    strategy: str = "value-of-information",
    bundle: str | None = None,
    quarantine: Path | None = None,
    stop_below: float = STOP_BELOW,
    monte_carlo: int | None = None,
    seed: int = 0,
    assistant: str | None = None,
    policy: Path | None = None,
    no_assistant: bool = False,
    cutouts: bool = False,
    most_cutouts: int | None = None,
    schemas: Sequence[Path] = (),
    further: Mapping[str, str | None] | None = None,
    without: Collection[str] = (),
) -> NightRun:
    """
    Check what was asked for before reading anything, then run the night.

    `further` and `without` are by the names of `ampel_followup.further_scores.FURTHER_SCORERS`: bundles, and what is
    left out.
    """
    from ampel_followup.alerts.quarantine import Quarantine
    from ampel_followup.alerts.writer_schemas import WriterSchemas
    from ampel_followup.further_scores import load_further
    from ampel_followup.models.bundle import load_bundle
    from ampel_followup.night_run import run_night
    from ampel_followup.observing.night import night_at
    from ampel_followup.observing.sites import get_site
    from ampel_followup.promoting import chosen_folder
    from ampel_followup.scoring import Sampling
    from ampel_followup.stopping import check_threshold
    from ampel_followup.strategies import get_strategy

    if no_assistant and (assistant is not None or policy is not None):
        option = "--assistant" if assistant is not None else "--policy"
        raise typer.BadParameter("means nothing with --no-assistant; leave one of them out", param_hint=option)
    if cutouts and store is None:
        raise typer.BadParameter("means nothing with --no-store; leave one of them out", param_hint="--cutouts")
    further = further or {}
    for name in (name for name in without if further.get(name) is not None):
        raise typer.BadParameter(f"means nothing with --no-{name}; leave one of them out", param_hint=f"--{name}")
    if get_strategy(strategy).needs_early and further.get("early") is None:
        raise StrategyError(f"strategy {strategy!r} needs an early classifier; name its bundle with --early")
    check_threshold(stop_below)
    sampling = Sampling(monte_carlo, seed)
    known_schemas = WriterSchemas(schemas)
    the_night = night_at(get_site(site), night)
    loaded = load_bundle(chosen_folder(bundle, store))
    triage = None if no_assistant else _triage(store, assistant, policy)
    if quarantine is None and store is not None:
        quarantine = store.folder / "quarantine"
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return run_night(
        alerts,
        night=the_night,
        bundle=loaded,
        strategy=strategy,
        quarantine=Quarantine(quarantine),
        created=created,
        store=store,
        progress=progress,
        stop_below=stop_below,
        sampling=sampling,
        triage=triage,
        further=load_further(further, without),
        cutouts=cutouts,
        most_cutouts=most_cutouts,
        schemas=known_schemas,
    )


def _triage(store: Store | None, assistant: str | None, policy: Path | None) -> Triage:
    from ampel_followup.models.assistant_bundle import load_assistant
    from ampel_followup.policy import load_policy
    from ampel_followup.triage import Triage

    return Triage.with_store(load_assistant(assistant), load_policy(policy), store)


@contextmanager
def rank_progress(*, quiet: bool) -> Iterator[Progress]:
    """Show a bar per stage on standard error."""
    with progress(quiet=quiet) as bars:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield report


def as_dict(run: NightRun, top: int | None) -> dict[str, Any]:
    """Return what `rank --json` prints; the lists are iterators."""
    plan = run.plan
    return {
        "run": {**run.report, "revision": run.revision},
        "night": plan.night.to_dict(),
        "bundle_digest": plan.bundle_digest,
        "sampling": plan.sampling,
        "assistant": plan.assistant,
        "assistant_digest": plan.assistant_digest,
        "policy": plan.policy,
        "stop": None if plan.stop is None else plan.stop.to_dict(),
        "targets": (target.to_dict() for target in plan.targets[:top]),
        "not_observable": (target.to_dict() for target in plan.not_observable),
        "set_aside": (target.to_dict() for target in plan.set_aside),
    }


def print_run(run: NightRun) -> None:
    """Say what was read, and what could not be."""
    report = run.report
    line = (
        f"{report['alerts_read']} alerts of {report['objects']} objects read and scored in {report['seconds']:.1f} s "
        f"with bundle {report['bundle']}"
    )
    console().print(line, markup=False)
    if report["queues"]:
        queues = ", ".join(f"{queue} {count}" for queue, count in report["queues"].items())
        console().print(
            f"queues by {report['assistant']} and policy {report['policy']}: {queues}; "
            f"{len(run.plan.set_aside)} set aside",
            markup=False,
        )
        if run.plan.set_aside and not (run.plan.targets or run.plan.not_observable):
            console().print(
                "nothing is listed: does the policy ask for too much, or was the assistant trained on other alerts? "
                "--no-assistant lists all",
                markup=False,
            )
    if report["cutouts"] is not None:
        console().print(_cutouts_line(report["cutouts"]), markup=False)
    for scorer in FURTHER_SCORERS:
        for sentence in scorer.told(report[scorer.name]) if report[scorer.name] else ():
            console().print(sentence, markup=False)
    if report["drift"]["moved"]:
        console().print(f"drift: {report['drift']['sentence']}", markup=False)
    if report["drift_assistant"] and report["drift_assistant"]["moved"]:
        console().print(f"drift, assistant: {report['drift_assistant']['sentence']}", markup=False)
    if report["bad_reasons"]:
        reasons = ", ".join(f"{reason} ({count})" for reason, count in report["bad_reasons"].items())
        kept = f"; kept in {report['quarantine']}" if report["quarantine"] else ""
        console().print(f"{report['alerts_bad']} alerts could not be used: {reasons}{kept}", markup=False)
    for what, times in report["remarks"].items():
        console().print(f"read all the same: {what}: {times}", markup=False)


def _cutouts_line(cutouts: dict[str, Any]) -> str:
    if not cutouts["objects"]:
        return "no cutouts: the alerts of what is listed bring none"
    bad = ", ".join(f"{reason} ({count})" for reason, count in cutouts["bad_reasons"].items())
    line = f"cutouts of {cutouts['objects']} objects kept, {cutouts['bytes'] / 1000.0:.0f} kB"
    return line + (f"; unreadable ones: {bad}" if bad else "")


def list_strategies(as_json: JsonOption = False) -> None:
    """List the ranking strategies."""
    from ampel_followup import strategies

    listed = strategies.list_strategies()
    if as_json:
        print_json({"strategies": [{"name": name, "description": description} for name, description in listed]})
        return
    print_table(("name", "description"), listed)
