"""The `keys` commands of `ampel-followup`: what the keys of the terminal app do, and how to have others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ampel_followup_tui.command import KeysOption

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ampel_followup_tui.commands import Command

# What prints is imported when it does: the command line loads this module while it is itself being loaded.
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]

keys = typer.Typer(
    invoke_without_command=True,
    help="The keys of the terminal app: what they do, and how to have others.\n\n"
    "`ampel-followup keys write > keys.yml` gives a file with all of them; change it, have it checked by "
    "`ampel-followup keys check keys.yml`, and name it with `tui --keys` or AMPEL_FOLLOWUP_KEYS, or keep it in your "
    "configuration folder (`ampel-followup keys` says where that is).",
)


@keys.callback()
def list_keys(context: typer.Context, file: KeysOption = None, as_json: JsonOption = False) -> None:
    """List all commands of the terminal app, with their keys."""
    if context.invoked_subcommand is not None:
        return
    from ampel_followup.cli.output import console, print_json, print_table
    from ampel_followup_tui.preferences import USERS, load_preferences

    path = file or USERS.users()
    wanted = load_preferences(path)
    if as_json:
        print_json(
            {
                "file": None if path is None else str(path),
                "theme": wanted.theme,
                "warnings": list(wanted.warnings),
                "commands": [
                    {
                        "name": command.name,
                        "keys": list(command.key_names),
                        "where": command.where,
                        "group": command.group,
                        "help": command.help,
                    }
                    for command in wanted.commands
                ],
            }
        )
        return
    print_table(
        ("command", "keys", "where", "what it does"),
        (
            (command.name, " ".join(command.shown_keys) or "–", command.where, command.help)
            for command in wanted.commands
        ),
        optional=("where",),
    )
    source = f"keys of {path}" if path is not None else f"keys as they come along: there is no {USERS.default}"
    console().print(f"\n{source}; theme {wanted.theme}", markup=False)
    _warn(wanted.warnings)


@keys.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Keys, YAML.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Check a file of keys, and say in what it differs from the keys that come along."""
    from ampel_followup.cli.output import console, print_json, print_table
    from ampel_followup_tui.commands import COMMANDS
    from ampel_followup_tui.keys.file import read_preferences

    wanted = read_preferences(file)
    before = {command.name: command for command in COMMANDS}
    changed = [command for command in wanted.commands if command.keys != before[command.name].keys]
    if as_json:
        print_json(
            {
                "file": str(file),
                "theme": wanted.theme,
                "warnings": list(wanted.warnings),
                "differs": {
                    command.name: {"packaged": list(before[command.name].key_names), "here": list(command.key_names)}
                    for command in changed
                },
            }
        )
        return
    console().print(f"{file}: good, theme {wanted.theme}", markup=False)
    if changed:
        print_table(
            ("command", "packaged", "here"),
            ((command.name, _shown(before[command.name]), _shown(command)) for command in changed),
        )
    else:
        console().print("the same keys as those that come along", markup=False)
    _warn(wanted.warnings)


@keys.command()
def write(file: KeysOption = None) -> None:
    """Print a file of keys with comments: those in use, to be changed."""
    from ampel_followup_tui.keys.file import written
    from ampel_followup_tui.preferences import load_preferences

    wanted = load_preferences(file)
    typer.echo(written(wanted.commands, wanted.theme), nl=False)


@keys.command()
def docs() -> None:
    """Print the table of all commands for the manual, in Markdown."""
    from ampel_followup_tui.commands import COMMANDS

    typer.echo("| command | keys | where | what it does |\n|---|---|---|---|")
    for command in COMMANDS:
        shown = " ".join(f"`{key}`" for key in command.shown_keys)
        typer.echo(f"| `{command.name}` | {shown} | {command.where} | {command.help} |")


def _shown(command: Command) -> str:
    return " ".join(command.shown_keys) or "none"


def _warn(warnings: Iterable[str]) -> None:
    for warning in warnings:
        typer.echo(f"warning: {warning}", err=True)
