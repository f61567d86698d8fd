"""`ampel-followup learn`: from labels to better models, and which of them is in use."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress, TaskID

from ampel_followup.champions import Challenger, Promotion
from ampel_followup.cli.learning_tables import print_challenger, print_challengers, print_judgement, print_promotion
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
    from ampel_followup.learning.sources import reasons_of
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
        try:
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
        except OSError as error:
            raise TrainingError(
                f"cannot write beside {opened.url} ({error.strerror or error}); make room and start again: "
                "what was done is kept"
            ) from error
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
                "spectra": {
                    "used": learned.n_spectra,
                    "unused": [dataclasses.asdict(omission) for omission in learned.unused_spectra],
                },
                "policy": None if judged is None else {"allowed": judged.allowed, "reasons": list(judged.reasons)},
                "promotion": None if promoted is None else promoted.to_dict(),
            }
        )
        return
    print_challenger(learned.challenger)
    out = console()
    if learned.n_known:
        out.print(f"learned before, and not tested again: {learned.n_known}", markup=False)
    if spectra is not None:
        out.print(f"learned with their spectrum: {learned.n_spectra}", markup=False)
    if learned.unused_spectra:
        out.print(f"spectra that cannot be used: {clean(reasons_of(learned.unused_spectra))}", markup=False)
    out.print(f"bundle: {learned.folder}", markup=False)
    if page is not None:
        out.print(f"report: {page}", markup=False)
    if judged is not None:
        print_judgement(judged, promoted)
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
                    f"policy {rules.label} does not allow {name}: {judged.missing}; decide without --by-policy"
                )
        else:
            promoted = promoting.promote(opened, name, observer=observer, time=_now(), comment=comment)
    print_promotion(promoted, as_json)


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
    print_promotion(promoted, as_json)


@app.command()
def status(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Say which bundle is in use, what came back since it is, what challengers there are, and what has drifted."""
    from ampel_followup.errors import BundleError
    from ampel_followup.learning_state import learning_state
    from ampel_followup.promoting import folder_in_use
    from ampel_followup.store import Store

    problem = None
    with Store.open(store, read_only=True) as opened:
        state = learning_state(opened)
        try:
            folder_in_use(opened)
        except BundleError as error:
            problem = str(error)
    if as_json:
        print_json({**state.to_dict(), "problem": problem})
        return
    out, used = console(), state.in_use
    by = f", since {used.since[:10]} by {clean(used.observer)}" if used.since else ", as it comes along"
    out.print(f"in use: {used.bundle}, digest {used.bundle_digest[:16]}{by}", markup=False)
    if problem is not None:
        out.print(f"problem: {problem}", markup=False)
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
    print_challengers(state.challengers)
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
    print_challengers(challengers)


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
    """Return a name by the date that no challenger has, of this store or of another one in the same folder."""
    from ampel_followup.promoting import CHALLENGERS

    taken = {challenger.name for challenger in store.learning.challengers()}
    first = f"learned-{now[:10]}"
    names = itertools.chain([first], (f"{first}-{k}" for k in itertools.count(2)))
    return next(n for n in names if n not in taken and not (store.folder / CHALLENGERS / n).exists())


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
