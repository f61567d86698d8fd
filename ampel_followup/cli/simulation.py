"""`ampel-followup simulate` and `demo`: a night that never was."""

from __future__ import annotations

import datetime
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ampel_followup.cli.output import JsonOption, console, print_json, progress
from ampel_followup.cli.plans import print_plan
from ampel_followup.cli.ranking import print_run, rank_into, rank_progress
from ampel_followup.errors import FollowupError, NightError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from ampel_followup.simulate import AlertCount, SimulatedObject

#: The demonstration's night: dark at Palomar, so that most of the sky is open.
DEMO_NIGHT = "2026-11-09"

DEMO_SITE = "palomar"

# So many of its targets can be looked at in pictures, too: those of all would take as long as all the rest.
_DEMO_CUTOUTS = 100


class Templates(StrEnum):
    """Where the spectral sequences come from."""

    ANALYTIC = "analytic"
    SNCOSMO = "sncosmo"
    AUTO = "auto"


def simulate(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Archive to write: NAME.tar.gz, NAME.tar, or a folder.")],
    objects: Annotated[int, typer.Option("--objects", min=1, metavar="N", help="Number of objects.")] = 1000,
    night: Annotated[
        str, typer.Option("--night", metavar="DATE", help="Evening date of the survey's night.")
    ] = DEMO_NIGHT,
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="The same seed gives the same bytes.")] = 1,
    templates: Annotated[
        Templates,
        typer.Option(
            "--templates",
            help="Our analytic sequences, sncosmo's templates (SNCOSMO_DATA_DIR), or both where installed.",
        ),
    ] = Templates.AUTO,
    spectra: Annotated[
        Path | None,
        typer.Option("--spectra", metavar="DIR", help="Also write a spectrum of each object, to train models with."),
    ] = None,
    magnitude_shift: Annotated[
        float,
        typer.Option(
            "--magnitude-shift",
            min=-5.0,
            max=5.0,
            metavar="MAG",
            help="Make all detections and limits fainter by this, as if the zero point were wrong: to see drift.",
        ),
    ] = 0.0,
    first_number: Annotated[
        int,
        typer.Option(
            "--first-number",
            min=0,
            metavar="N",
            help="Names count on from here: nights that share a store need names of their own.",
        ),
    ] = 0,
    cutouts: Annotated[
        bool, typer.Option("--cutouts", help="With small images of each object: science, reference, difference.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """
    Simulate a night of ZTF-format alerts.

    Supernovae, tidal disruptions, active galaxies, variable stars, flares and bogus detections, as ZTF would see and
    package them; `truth.csv` beside the archive says what each is. Needs neither network nor template files.
    """
    count = simulate_into(
        out,
        objects,
        night,
        seed,
        templates.value,
        spectra,
        magnitude_shift=magnitude_shift,
        first_number=first_number,
        cutouts=cutouts,
        quiet=as_json,
    )
    if as_json:
        print_json(
            {
                "file": str(out),
                "truth": str(count.truth),
                "spectra": None if spectra is None else str(spectra),
                "objects": count.objects,
                "alerts": count.alerts,
                "seed": seed,
                "magnitude_shift": magnitude_shift,
            }
        )
        return
    line = f"{count.alerts} alerts of {count.objects} objects written to {out}, the truth to {count.truth}"
    console().print(line, markup=False)


def demo(
    objects: Annotated[int, typer.Option("--objects", min=1, metavar="N", help="Number of objects.")] = 1000,
    night: Annotated[str, typer.Option("--night", metavar="DATE", help="Evening date.")] = DEMO_NIGHT,
    site: Annotated[str, typer.Option("--site", metavar="SITE", help="Observatory.")] = DEMO_SITE,
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="Seed of the simulation.")] = 1,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", metavar="DIR", help="Where to put the night; by default the user's cache."),
    ] = None,
    print_only: Annotated[bool, typer.Option("--print", help="Print the list instead of opening the app.")] = False,
    as_json: JsonOption = False,
) -> None:
    """
    See it all at once: simulate a night, rank it, open the app.

    Where there is no terminal, the list is printed instead.
    """
    import platformdirs

    from ampel_followup.cli.ranking import as_dict
    from ampel_followup.store import Store

    folder = folder or platformdirs.user_cache_path("ampel-followup") / f"demo-{night}-{objects}-{seed}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FollowupError(
            f"cannot make the folder {folder} ({error.strerror}); choose another with --folder"
        ) from error
    archive = folder / "alerts.tar.gz"
    simulate_into(archive, objects, night, seed, Templates.AUTO.value, cutouts=True, quiet=as_json)
    database = folder / "night.sqlite"
    with Store.open(database) as opened, rank_progress(quiet=as_json) as report:
        run = rank_into(opened, [archive], site, night, report, cutouts=True, most_cutouts=_DEMO_CUTOUTS)
    if as_json:
        print_json(as_dict(run, None))
        return
    print_run(run)
    console().print(f"The night is in {database}: use it with --store {database}", markup=False)
    if print_only or not (sys.stdin.isatty() and sys.stdout.isatty()):
        print_plan(run.plan, 20)
        return
    from importlib.metadata import entry_points

    (app,) = entry_points(group="ampel_followup.commands", name="tui")
    app.load()(store=str(database), night=run.plan.night.date, site=run.plan.night.site)


def simulate_into(
    out: Path,
    objects: int,
    night: str,
    seed: int,
    templates: str,
    spectra: Path | None = None,
    *,
    magnitude_shift: float = 0.0,
    first_number: int = 0,
    cutouts: bool = False,
    quiet: bool,
) -> AlertCount:
    """Write an archive of simulated alerts and its truth, and the spectra if a folder for them is named."""
    import numpy as np

    from ampel_followup.simulate import simulate_objects, write_alerts

    try:
        date = datetime.date.fromisoformat(night)
    except ValueError as error:
        raise NightError(f"{night!r} is no date; write it as 2026-11-20") from error
    simulated = simulate_objects(
        objects, date, np.random.default_rng(seed), templates=templates, first_number=first_number
    )
    if spectra is not None:
        # A generator of their own: the alerts are the same with and without spectra.
        simulated = _with_spectra(simulated, spectra, np.random.default_rng([seed, 1]))
    with progress(quiet=quiet) as bars:
        task = bars.add_task("simulating the night", total=objects)
        return write_alerts(
            simulated,
            out,
            lambda done: bars.update(task, completed=done),
            magnitude_shift=magnitude_shift,
            cutouts=cutouts,
        )


def _with_spectra(
    objects: Iterator[SimulatedObject], folder: Path, rng: np.random.Generator
) -> Iterator[SimulatedObject]:
    """Write the spectrum of each object that passes to ``ID.dat``: wavelength [Å], flux and error [erg/s/cm²/Å]."""
    import numpy as np

    for simulated in objects:
        path = folder / f"{simulated.id}.dat"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            np.savetxt(
                path,
                np.column_stack(simulated.spectrum(rng)),
                ["%.1f", "%.5e", "%.3e"],
                header="wavelength flux flux_err",
            )
        except OSError as error:
            raise FollowupError(
                f"cannot write spectra to {folder} ({error.strerror or error}); choose another folder with --spectra"
            ) from error
        yield simulated
