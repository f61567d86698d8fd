"""What the commands that tell services of others something have in common: options, the run, what is said of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from ampel_followup.cli.output import console, print_json, print_table, progress
from ampel_followup.errors import ServiceError
from ampel_followup.services.messages import Message
from ampel_followup.services.retry import Backoff
from ampel_followup.services.sending import Circumstances, Delivery, Preview
from ampel_followup.services.web import TIMEOUT
from ampel_followup.untrusted import clean

Result = TypeVar("Result")

#: Exit code where something did not arrive.
INCOMPLETE = 1

#: Of each command that sends, below what it does.
ONCE = (
    "What arrived is recorded in the store: started again, the command sends only what is missing or has changed. "
    "Where the service is busy or away it is asked again, with longer and longer waits. Exit code 0: the service knows "
    "everything; 1: something did not arrive, and it is said what."
)

DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Send nothing; print what would be sent. Needs neither token nor password.")
]
PatienceOption = Annotated[
    float,
    typer.Option("--patience", metavar="SECONDS", min=0.0, help="Wait so long for one request in all; then give up."),
]
TimeoutOption = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="Wait so long for an answer; then ask again.")
]
DEFAULT_PATIENCE, DEFAULT_TIMEOUT = Backoff().patience, TIMEOUT[1]


def timeouts(read: float) -> tuple[float, float]:
    """Return the two timeouts of a request, of which a user chooses the longer one."""
    return min(TIMEOUT[0], read), read


def secret_file(path: Path | None) -> Path | None:
    """Refuse what is plainly the secret itself, which must not be on a command line: everyone could read it there."""
    if path is not None and not path.exists() and "/" not in str(path) and len(str(path)) >= 32:
        raise ServiceError("name the file that holds the token or password; others can read what is on a command line")
    return path


def run(work: Callable[[Circumstances], Result], *, what: str, patience: float, quiet: bool) -> Result:
    """Do something at a service under a progress bar, with this machine's clock and chance."""
    with progress(quiet=quiet) as bar:
        task = bar.add_task(what, total=None)
        return work(
            Circumstances.of_this_machine(patience, lambda done, total: bar.update(task, completed=done, total=total))
        )


def report(
    delivery: Delivery,
    unknown: Sequence[str],
    *,
    what: str,
    as_json: bool,
    without_class: Mapping[str, str] | None = None,
) -> None:
    """
    Print what became of a delivery, which objects are not of the service's survey, and which types no class of it.

    Raises
    ------
    typer.Exit
        If it is not complete.
    """
    if as_json:
        print_json(delivery.to_dict() | _left_out(unknown, without_class))
    else:
        out = console()
        counts = [f"{n} {action}" for action, n in sorted(delivery.sent.items())]
        arrived = f"sent {delivery.sent.total()}" + (f" ({', '.join(counts)})" if len(counts) > 1 else "")
        out.print(
            f"{what} at {delivery.service}: {arrived}, unchanged {delivery.unchanged}, "
            f"failed {len(delivery.problems)}, left for later {delivery.left}",
            markup=False,
        )
        _print_unknown(unknown)
        _print_without_class(without_class)
        if delivery.problems:
            print_table(
                ("action", "name", "what happened"),
                ((p.action, p.target, f"refused: {p.reason}" if p.refused else p.reason) for p in delivery.problems),
            )
        if delivery.stopped:
            out.print(f"Stopped: {delivery.stopped}. Start the command again later: it sends the rest.", markup=False)
    if not delivery.complete:
        raise typer.Exit(INCOMPLETE)


def show(
    ahead: Preview, unknown: Sequence[str], *, as_json: bool, without_class: Mapping[str, str] | None = None
) -> None:
    """Print what would be sent, and otherwise what `report` prints."""
    if as_json:
        print_json(ahead.to_dict() | _left_out(unknown, without_class))
        return
    console().print(f"Would send {len(ahead.messages)} to {ahead.service}, unchanged {ahead.unchanged}", markup=False)
    _print_unknown(unknown)
    _print_without_class(without_class)
    print_table(("action", "name", "what"), ((m.action, m.target, _said(m)) for m in ahead.messages))


def _said(message: Message) -> str:
    content = message.content
    if "explanation" in content:
        return f"{content['classification']}: {content['explanation']}"
    return clean(", ".join(f"{key} {value}" for key, value in content.items() if value != ""))


def _print_unknown(unknown: Sequence[str]) -> None:
    if unknown:
        first = ", ".join(unknown[:3]) + (" …" if len(unknown) > 3 else "")
        console().print(f"not of its survey, and left out: {len(unknown)} ({first})", markup=False)


def _print_without_class(without_class: Mapping[str, str] | None) -> None:
    """Say of which types a service has no class, with all of their objects: nobody else tells."""
    types: dict[str, list[str]] = {}
    for name, label_type in (without_class or {}).items():
        types.setdefault(label_type, []).append(name)
    for label_type, names in sorted(types.items()):
        console().print(
            f"reported as not classified, for {clean(label_type)!r} is no class there: {', '.join(names)}", markup=False
        )


def _left_out(unknown: Sequence[str], without_class: Mapping[str, str] | None) -> dict[str, Any]:
    return {"unknown": list(unknown)} | ({} if without_class is None else {"without_class": dict(without_class)})
