"""The `ampel-followup` command."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from typing import Annotated

import typer

from ampel_followup import __version__
from ampel_followup.cli import (
    audit,
    augment,
    bundles,
    decisions,
    desc_tom,
    drift,
    evaluate,
    exporting,
    labels,
    lasair,
    learning,
    plans,
    policy,
    ranking,
    report,
    simulation,
    sites,
    train,
)
from ampel_followup.errors import FollowupError
from ampel_followup.untrusted import clean

app = typer.Typer(
    name="ampel-followup",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="markdown",
    help="Which of tonight's transients deserve a spectrum.\n\n"
    "A first night: `ampel-followup demo`. With your own alerts: `ampel-followup rank ALERTS --site S --night DATE`, "
    "then `ampel-followup tui` to page through the list and approve, then `ampel-followup export`.",
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"ampel-followup {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None: ...


app.command()(ranking.rank)
for _command in entry_points(group="ampel_followup.commands"):
    _loaded = _command.load()
    if isinstance(_loaded, typer.Typer):
        app.add_typer(_loaded, name=_command.name)
    else:
        app.command(name=_command.name)(_loaded)
app.command()(simulation.demo)
app.command()(simulation.simulate)
app.command()(decisions.decide)
app.command(name="decisions")(decisions.list_decisions)
app.add_typer(plans.app, name="plan")
app.add_typer(policy.app, name="policy")
app.command()(exporting.export)
app.add_typer(lasair.app, name="lasair")
app.add_typer(desc_tom.app, name="desc-tom")
app.add_typer(labels.app, name="label")
app.add_typer(learning.app, name="learn")
app.command()(audit.audit)
app.add_typer(report.app, name="report")
app.add_typer(bundles.app, name="bundle")
app.command()(drift.drift)
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(train.app, name="train")
app.command()(augment.augment)
app.command(name="sites")(sites.list_sites)
app.command(name="instruments")(sites.list_instruments)
app.command(name="strategies")(ranking.list_strategies)


# Exit code of a command that was stopped by Ctrl-C: 128 + SIGINT.
_STOPPED = 130


def main(argv: list[str] | None = None) -> int:
    """
    Run the command; what is wrong becomes one line on standard error and exit code 2.

    Parameters
    ----------
    argv : list of str, optional
        By default those of the process.

    Returns
    -------
    int
        Exit code.
    """
    try:
        code = app(args=argv, standalone_mode=False)
    except FollowupError as error:
        return _refuse(str(error))
    except (typer.Abort, KeyboardInterrupt):
        code = _STOPPED
    except BrokenPipeError:
        # The reader of our output, such as `head`, has seen enough.
        sys.stderr.close()
        return 1
    except Exception as error:
        # Typer's usage errors: recognised by what they can do, for its releases disagree on their class.
        describe = getattr(error, "format_message", None)
        if describe is None:
            raise
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "ampel-followup"
        message = describe().replace("Value error, ", "").rstrip(".")
        return _refuse(f"{message}; see `{command} --help`") if message else 2
    if code == _STOPPED:
        # Ctrl-C as an exception, or, from Typer, as the code that shells know it by.
        return _refuse("stopped; what was stored before is kept, the same command can be started again", _STOPPED)
    return code if isinstance(code, int) else 0


def _refuse(message: str, code: int = 2) -> int:
    sys.stderr.write(f"ampel-followup: {clean(message)}\n")
    return code
