"""Where an object stood on each night: rank, class, worth and brightness, from the plans of the store."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ampel_followup.store import statements as sql
from ampel_followup.store.connection import Connection
from ampel_followup.store.records import number


@dataclass(frozen=True, slots=True)
class PastRank:
    """
    Where an object stood in the newest plan of a night at a site.

    Parameters
    ----------
    night, site, strategy : str
        Evening date at the site, its key, and the name of the ranking strategy.
    revision, n_targets : int
        Of the plan.
    rank : int
        In the list, from 1; 0 if it was not listed.
    observable, set_aside : bool
        Whether it could be seen, and whether the policy set it aside.
    class_now : str
        Most probable class.
    p_class : float
        Its probability, 0 to 1.
    value_of_information : float
        0 to 1; NaN where not known.
    mag : float
        Last positive detection, AB [mag]; NaN where there was none.
    band : str
        Of that detection; empty where there was none.
    """

    night: str
    site: str
    strategy: str
    revision: int
    n_targets: int
    rank: int
    observable: bool
    set_aside: bool
    class_now: str
    p_class: float
    value_of_information: float
    mag: float
    band: str


def find(connection: Connection, target: str) -> list[PastRank]:
    """Return where an object stood, by night, then in the order of the plans; see `Store.past_ranks`."""
    return [_past_rank(*row) for row in connection.execute(sql.SELECT_PAST_RANKS, {"id": target})]


def _past_rank(
    night: str,
    site: str,
    strategy: str,
    revision: int,
    n_targets: int,
    rank: int,
    observable: bool,
    set_aside: bool,
    class_now: str,
    uncertainty: float | None,
    value_of_information: float | None,
    payload: str,
) -> PastRank:
    photometry = json.loads(payload)["photometry"]
    return PastRank(
        night=night,
        site=site,
        strategy=strategy,
        revision=revision,
        n_targets=n_targets,
        rank=rank,
        observable=bool(observable),
        set_aside=bool(set_aside),
        class_now=class_now,
        p_class=1.0 - number(uncertainty),
        value_of_information=number(value_of_information),
        mag=number(photometry["last_mag"]),
        band=photometry["last_band"],
    )
