"""`ampel-followup plan plot`: light curves of targets as pictures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from ampel_followup.cli.output import NightOption, SiteOption, StoreOption, console
from ampel_followup.errors import StoreError

# What does not belong into the name of a file.
_UNFIT = re.compile(r"[^\w.+-]")


def plot(
    targets: Annotated[list[str], typer.Argument(metavar="ID…", help="Survey names, as `plan show --ids` has them.")],
    plots: Annotated[Path, typer.Option("--plots", metavar="DIR", help="Where to: a folder, made if absent.")],
    flux: Annotated[bool, typer.Option("--flux", help="Difference fluxes instead of magnitudes.")] = False,
    store: StoreOption = None,
    night: NightOption = None,
    site: SiteOption = None,
) -> None:
    """
    Draw light curves of targets, and below each where the classifier with attention looked.

    Writes light_curve_ID.png and .svg for each, with bands, limits and error bars; days count from dusk. Bars of
    attention are there if the plan has them (`rank` asks the packaged classifier, unless told not to).

    Example: `ampel-followup plan plot ZTF24aaidaen --plots pictures`
    """
    from ampel_followup.light_curve_plot import plot_light_curve
    from ampel_followup.plotting import save_figure
    from ampel_followup.score_arrays import evening_of
    from ampel_followup.store import Store

    with Store.open(store, read_only=True) as opened:
        stored = opened.load_plan(night=night, site=site)
        plan = stored.plan
        known = {t.id: t for t in (*plan.targets, *plan.not_observable, *plan.set_aside)}
        missing = [name for name in targets if name not in known]
        if missing:
            raise StoreError(
                f"{', '.join(missing)}: not in plan {stored.info.revision} of {plan.night.date} at {plan.night.site}; "
                "`ampel-followup plan show --ids` lists what is"
            )
        for name in targets:
            kept = opened.light_curve(name)
            if kept is None:
                raise StoreError(f"{opened.url} has no light curve of {name}; rank its alerts with this store")
            figure = plot_light_curve(
                kept.to_light_curve(), evening_of(plan.night), in_flux=flux, attention=known[name].attention
            )
            for path in save_figure(figure, plots, f"light_curve_{_UNFIT.sub('_', name)}"):
                console().print(str(path), markup=False)
