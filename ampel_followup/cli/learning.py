"""`ampel-followup learn`: from labels to better models, and which of them is in use."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress, TaskID

from ampel_followup.champions import METRIC_NAMES, Challenger, Metric, Promotion
from ampel_followup.cli.output import (
    BundleOption,
    JsonOption,
    StoreOption,
    console,
    print_json,
    print_table,
    progress,
)
from ampel_followup.untrusted import clean

if TYPE_CHECKING:
    from ampel_followup.learning.sources import Rows
    from ampel_followup.promotion_policy import Judgement, PromotionPolicy
    from ampel_followup.store import Store

app = typer.Typer()

# So many labels that came back are on the screen, the newest.
_SHOWN = 20

ObserverOption = Annotated[
    str, typer.Option("--observer", metavar="NAME", help="Who decides.", envvar="AMPEL_FOLLOWUP_OBSERVER")
]
CommentOption = Annotated[str, typer.Option("--comment", metavar="TEXT", help="Why.")]
PolicyOption = Annotated[
    Path | None,
    typer.Option("--policy", metavar="FILE", help="Promotion policy, YAML; `ampel-followup learn policy` prints one."),
]


@app.callback(invoke_without_command=True)
def learn(
    context: typer.Context,
    store: StoreOption = None,
    bundle: BundleOption = None,
    spectra: Annotated[
        Path | None,
        typer.Option("--spectra", metavar="DIR", help="Folder with spectra of labelled objects, named by them."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Of the challenger; by default learned- and the date.")
    ] = None,
    weight: Annotated[
        float,
        typer.Option(
            "--weight", min=1, metavar="W", help="One labelled object counts as so many of the champion's training."
        ),
    ] = 10.0,
    min_class: Annotated[
        int, typer.Option("--min-class", min=2, metavar="N", help="Labelled objects that make a new class.")
    ] = 10,
    folds: Annotated[int, typer.Option("--folds", min=2, metavar="K", help="Parts of the comparison.")] = 5,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="S", help="The same seed gives the same models.")] = 1,
    promote_if_better: Annotated[
        bool, typer.Option("--promote-if-better", help="Promote at once if the promotion policy allows it.")
    ] = False,
    policy: PolicyOption = None,
    observer: Annotated[
        str,
        typer.Option(
            "--observer", metavar="NAME", help="On whose behalf the policy promotes.", envvar="AMPEL_FOLLOWUP_OBSERVER"
        ),
    ] = "",
    no_report: Annotated[bool, typer.Option("--no-report", help="Write the bundle alone.")] = False,
    as_json: JsonOption = False,
) -> None:
    """
    Train a challenger from the labels in the store, and compare it with the bundle in use.

    Labelled objects that were ranked are learned with what was known of them then, on top of the training table of the
    bundle in use. Champion and challenger predict the same labelled objects, none of which either was trained on. The
    challenger and its report go into the folder `challengers` beside the store; nothing is promoted but by a person
    (`learn promote`) or by a policy (`--promote-if-better`). An interrupted run changes nothing, and goes on when
    started again.

    Example: `ampel-followup learn`, then `ampel-followup learn promote learned-2026-11-28 --observer ada`
    """
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return
    from ampel_followup.errors import TrainingError
    from ampel_followup.learning.challenger import LearningOptions
    from ampel_followup.learning.challenger import learn as learn_from
    from ampel_followup.learning.challenger_report import write_challenger_report
    from ampel_followup.learning.label_matching import match_waiting
    from ampel_followup.learning.plots import check_plotting
    from ampel_followup.models.folder import find_folder
    from ampel_followup.promoting import chosen_folder
    from ampel_followup.promotion_policy import load_promotion_policy
    from ampel_followup.store import Store

    if not no_report:
        check_plotting()
    _check_skl2onnx()
    if promote_if_better and not observer:
        raise TrainingError("a policy promotes on somebody's behalf; say whose with --observer")
    if policy is not None and not promote_if_better:
        raise typer.BadParameter("means nothing without --promote-if-better", param_hint="--policy")
    rules = load_promotion_policy(policy) if promote_if_better else None
    options = LearningOptions(weight, min_class, folds, seed)
    now = _now()
    with Store.open(store, create=False) as opened, progress(quiet=as_json) as bars:
        match_waiting(opened)
        learned = learn_from(
            opened,
            find_folder(chosen_folder(bundle, opened)),
            name=name or _free_name(opened, now),
            created=now,
            options=options,
            spectra=_reader(spectra),
            report=None if no_report else write_challenger_report,
            progress=_reporter(bars),
        )
        judged = promoted = None
        if rules is not None:
            judged, promoted = _by_policy(opened, learned.challenger, rules, observer, now, "")
    page = None if no_report else learned.folder / "report" / "index.html"
    if as_json:
        print_json(
            {
                "challenger": learned.challenger.to_dict(),
                "folder": str(learned.folder),
                "report": None if page is None else str(page),
                "learned_before": learned.n_known,
                "policy": None if judged is None else {"allowed": judged.allowed, "reasons": list(judged.reasons)},
                "promotion": None if promoted is None else promoted.to_dict(),
            }
        )
        return
    _print_challenger(learned.challenger)
    out = console()
    if learned.n_known:
        out.print(f"learned before, and not tested again: {learned.n_known}", markup=False)
    out.print(f"bundle: {learned.folder}", markup=False)
    if page is not None:
        out.print(f"report: {page}", markup=False)
    if judged is not None:
        _print_judgement(judged, promoted)
    else:
        out.print(
            f"Nothing is promoted yet: ampel-followup learn promote {learned.challenger.name} --observer NAME",
            markup=False,
        )


def _refuse_options(context: typer.Context) -> None:
    """Refuse what was said before a further command, and would be lost."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = "--" + name.replace("_", "-")
            raise typer.BadParameter(f"write {option} after {context.invoked_subcommand}", param_hint=option)


@app.command()
def promote(
    name: Annotated[str, typer.Argument(metavar="NAME|DIR", help="A challenger; or any bundle, by name or folder.")],
    observer: ObserverOption,
    comment: CommentOption = "",
    by_policy: Annotated[bool, typer.Option("--by-policy", help="Only if the promotion policy allows it.")] = False,
    policy: PolicyOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    Put a bundle into use: from now on `rank` and the AMPEL units use it where none is named.

    Example: `ampel-followup learn promote learned-2026-11-28 --observer ada --comment 'finds the Ib/c'`
    """
    from ampel_followup import promoting
    from ampel_followup.errors import PolicyError
    from ampel_followup.promotion_policy import load_promotion_policy
    from ampel_followup.store import Store

    with Store.open(store, create=False) as opened:
        if by_policy or policy is not None:
            challenger = promoting.find_challenger(opened, name)
            rules = load_promotion_policy(policy)
            judged, promoted = _by_policy(opened, challenger, rules, observer, _now(), comment)
            if promoted is None:
                raise PolicyError(
                    f"policy {rules.label} does not allow {name}: {judged.sentence}; decide without --by-policy"
                )
        else:
            promoted = promoting.promote(opened, name, observer=observer, time=_now(), comment=comment)
    _print_promotion(promoted, as_json)


@app.command()
def rollback(
    observer: ObserverOption,
    comment: CommentOption = "",
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take the last promotion back: the bundle that was in use before is in use again."""
    from ampel_followup import promoting
    from ampel_followup.store import Store

    with Store.open(store, create=False) as opened:
        promoted = promoting.roll_back(opened, observer=observer, time=_now(), comment=comment)
    _print_promotion(promoted, as_json)


@app.command()
def status(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Say which bundle is in use, what came back since it is, what challengers there are, and what has drifted."""
    from ampel_followup.learning_state import learning_state
    from ampel_followup.store import Store

    with Store.open(store, read_only=True) as opened:
        state = learning_state(opened)
    if as_json:
        print_json(state.to_dict())
        return
    out, used = console(), state.in_use
    by = f", since {used.since[:10]} by {clean(used.observer)}" if used.since else ", as it comes along"
    out.print(f"in use: {used.bundle}, digest {used.bundle_digest[:16]}{by}", markup=False)
    if state.returned:
        out.print(
            f"labels that came back since: {len(state.returned)}, {100 * state.share_right:.0f} % as predicted; "
            f"{state.n_unmatched} of objects that were never ranked",
            markup=False,
        )
        print_table(
            (
                "target", "was", ("P then", "right"), "is", ("P of it then", "right"), "source", "time", "night",
                "others",
            ),
            (
                (
                    r.target, r.class_then, f"{r.p_then:.2f}", r.class_now,
                    f"{r.p_label:.2f}" if r.p_label == r.p_label else None, r.source, r.time[:10], r.night,
                    ", ".join(r.others),
                )
                for r in state.returned[:_SHOWN]
            ),
            optional=("others", "night", "time"),
        )  # fmt: skip
        if len(state.returned) > _SHOWN:
            out.print(f"… and {len(state.returned) - _SHOWN} more; --json has them all", markup=False)
    else:
        out.print(f"no label came back since; {state.n_unmatched} are of objects never ranked", markup=False)
    _print_challengers(state.challengers)
    for warning in state.drift:
        out.print(f"drift, {warning.model}, {warning.night} at {warning.site}: {clean(warning.sentence)}", markup=False)


@app.command()
def history(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List which bundle came into use when, by whom and why, and the challengers; the newest first."""
    from ampel_followup.store import Store

    with Store.open(store, read_only=True) as opened:
        promotions = opened.learning.promotions()[::-1]
        challengers = opened.learning.challengers()
    if as_json:
        print_json(
            {
                "promotions": [promotion.to_dict() for promotion in promotions],
                "challengers": [challenger.to_dict() for challenger in challengers],
            }
        )
        return
    print_table(
        (("#", "right"), "time", "what", "bundle in use then", "digest", "by", "policy", "comment", "reason"),
        (
            (p.id, p.time[:19], p.action, p.bundle, p.bundle_digest[:12], p.observer, p.policy, p.comment, p.reason)
            for p in promotions
        ),
        optional=("digest", "policy", "reason"),
    )
    _print_challengers(challengers)


@app.command()
def policy(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="Check this one; by default print ours.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the promotion policy and what its settings mean, or check one of your own."""
    from ampel_followup.promotion_policy import PACKAGED, PromotionPolicy, load_promotion_policy
    from ampel_followup.settings import fields_of

    found = load_promotion_policy(file)
    if as_json:
        print_json({"policy": found.model_dump(mode="json")})
        return
    if file is None:
        console().print(PACKAGED.read_text("utf-8"), markup=False)
    print_table(
        ("setting", "value", "what it says"),
        ((key, getattr(found, key), field.description) for key, field in fields_of(PromotionPolicy)),
    )


def _by_policy(
    store: Store, challenger: Challenger, rules: PromotionPolicy, observer: str, now: str, comment: str
) -> tuple[Judgement, Promotion | None]:
    from ampel_followup import promoting
    from ampel_followup.promotion_policy import judge

    judged = judge(challenger, rules)
    if not judged.allowed:
        return judged, None
    reason = f"{judged.sentence}; {promoting.advantage(challenger.comparison)}"
    promoted = promoting.promote(
        store, challenger.name, observer=observer, time=now, comment=comment, policy=rules.label, reason=reason
    )
    return judged, promoted


def _free_name(store: Store, now: str) -> str:
    """Return a name by the date that no challenger has."""
    taken = {challenger.name for challenger in store.learning.challengers()}
    first = f"learned-{now[:10]}"
    return next(n for n in (first, *(f"{first}-{k}" for k in range(2, len(taken) + 3))) if n not in taken)


def _reader(folder: Path | None) -> Callable[[tuple[str, ...]], Rows] | None:
    if folder is None:
        return None
    from ampel_followup.learning.sources import read_spectra

    return lambda ids: read_spectra(folder, ids)


def _reporter(bars: Progress) -> Callable[[str, int, int], None]:
    """Show a bar per stage."""
    tasks: dict[str, TaskID] = {}

    def report(stage: str, done: int, total: int) -> None:
        if stage not in tasks:
            tasks[stage] = bars.add_task(stage, total=total)
        bars.update(tasks[stage], completed=done, total=total)

    return report


def _check_skl2onnx() -> None:
    from importlib.util import find_spec

    from ampel_followup.errors import TrainingError

    if find_spec("skl2onnx") is None:
        raise TrainingError("learning needs skl2onnx; pip install 'ampel-followup[forests]'")


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _print_challenger(challenger: Challenger) -> None:
    comparison, out = challenger.comparison, console()
    out.print(
        f"{challenger.name}: learned from {challenger.n_learned} labelled objects on top of {challenger.champion}",
        markup=False,
    )
    print_table(
        (
            f"on {comparison.n_objects} objects that neither was trained on", ("champion", "right"),
            ("challenger", "right"), ("better by", "right"), "95 % interval", ("better in", "right"),
        ),
        (
            (
                METRIC_NAMES[Metric(d.metric)], f"{d.before:.3f}", f"{d.after:.3f}", f"{d.gain:+.3f}",
                f"{d.low:+.3f} to {d.high:+.3f}", f"{100 * d.p_better:.1f} %",
            )
            for d in comparison.differences
        ),
    )  # fmt: skip
    print_table(
        ("class", ("objects", "right"), ("recall before", "right"), ("after", "right")),
        (
            (c.name, c.n, _two(c.recall_before), _two(c.recall_after))
            for c in comparison.per_class
            if c.n or c.name in challenger.new_classes
        ),
    )
    for name in challenger.new_classes:
        out.print(f"new class: {clean(name)}", markup=False)
    for reason, count in challenger.left_out.items():
        out.print(f"left out: {count}, {reason}", markup=False)


def _two(value: float) -> str | None:
    return f"{value:.2f}" if value == value else None


def _print_challengers(challengers: tuple[Challenger, ...] | list[Challenger]) -> None:
    if not challengers:
        console().print("no challengers yet; `ampel-followup learn` makes one", markup=False)
        return
    rows: list[tuple[Any, ...]] = []
    for c in challengers:
        gains = [c.comparison.difference(metric) for metric in Metric]
        cells = [f"{d.gain:+.3f} ({d.low:+.3f} to {d.high:+.3f})" for d in gains]
        rows.append((c.name, c.created[:10], c.champion, c.n_learned, c.comparison.n_objects, *cells))
    print_table(
        (
            "challenger", "made", "champion", ("learned", "right"), ("tested", "right"), "log-loss better by",
            "accuracy", "mean recall",
        ),
        rows,
        optional=("made", "learned"),
    )  # fmt: skip


def _print_judgement(judged: Judgement, promoted: Promotion | None) -> None:
    out = console()
    for reason in judged.reasons:
        out.print(f"policy: {reason}", markup=False)
    if promoted is None:
        out.print("not promoted: the bundle in use stays", markup=False)
    else:
        out.print(f"promoted: {promoted.bundle} is in use, by policy {promoted.policy}", markup=False)


def _print_promotion(promoted: Promotion, as_json: bool) -> None:
    if as_json:
        print_json({"promotion": promoted.to_dict()})
        return
    out = console()
    out.print(f"in use: {promoted.bundle}, digest {promoted.bundle_digest[:16]}", markup=False)
    if promoted.reason:
        out.print(clean(promoted.reason), markup=False)
