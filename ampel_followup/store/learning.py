"""What a store knows of learning: challengers, which bundle came into use when, and what objects labels may be of."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ampel_followup.champions import Challenger, Promotion
from ampel_followup.plan import NightSummary, RankedTarget
from ampel_followup.store import champion_table
from ampel_followup.store import statements as sql
from ampel_followup.store.connection import Database


@dataclass(frozen=True, slots=True)
class StoredObject:
    """
    An object that the store has a light curve of.

    Parameters
    ----------
    id, stock : str, int
        Survey name and AMPEL's number.
    ra, dec : float
        ICRS [deg].
    """

    id: str
    stock: int
    ra: float
    dec: float


@dataclass(frozen=True, slots=True)
class DecidedTarget:
    """
    A target in the list that somebody decided on.

    Parameters
    ----------
    night, site : str
        Evening date and key of the site of the plan.
    plan_revision : int
        As the decision names it: 0 if it was made without a plan in sight.
    dusk : str
        End of the evening's twilight (UTC), ISO 8601.
    target : RankedTarget
    """

    night: str
    site: str
    plan_revision: int
    dusk: str
    target: RankedTarget


class LearningRecords:
    """Challengers and promotions of a store; `Store.learning` gives them. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_challenger(self, challenger: Challenger) -> Challenger:
        """
        Append a challenger.

        Returns
        -------
        Challenger
            With its number.

        Raises
        ------
        StoreError
            If there is one of this name, or it cannot be stored.
        """
        with self._database.transaction(write=True) as connection:
            connection.serialise("challengers")
            return champion_table.add(connection, challenger, self._database.url)

    def challengers(self) -> list[Challenger]:
        """Return all challengers, newest first."""
        with self._database.transaction(write=False) as connection:
            return champion_table.challengers(connection)

    def record(self, promotion: Promotion) -> Promotion:
        """
        Append a promotion, or a roll back; `ampel_followup.promoting` checks the bundle first.

        Parameters
        ----------
        promotion : Promotion
            Its `id` and `last_label` are ignored.

        Returns
        -------
        Promotion
            As stored.

        Raises
        ------
        StoreError
            If it is not complete, the bundle is in use already, what it takes back does not stand, or it cannot be
            stored.
        """
        promotion = champion_table.checked(promotion)
        with self._database.transaction(write=True) as connection:
            connection.serialise("promotions")
            return champion_table.append(connection, promotion, self._database.url)

    def promotions(self) -> list[Promotion]:
        """Return all promotions and roll backs, oldest first; see `ampel_followup.champions.standing`."""
        with self._database.transaction(write=False) as connection:
            return champion_table.promotions(connection)

    def newest(self) -> tuple[int, ...]:
        """Return the numbers of the newest label, challenger, promotion and plan: as long as they stay, all stays."""
        with self._database.transaction(write=False) as connection:
            return tuple(int(number) for number in connection.execute(sql.SELECT_NEWEST)[0])

    def objects(self) -> list[StoredObject]:
        """Return all objects that have a light curve, by name."""
        with self._database.transaction(write=False) as connection:
            return [StoredObject(*row) for row in connection.execute(sql.SELECT_OBJECTS)]

    def decided(self, before: str) -> list[DecidedTarget]:
        """
        Return the listed targets that somebody decided on, as the plan had them that was decided on; one query.

        Parameters
        ----------
        before : str
            Evening date, ISO 8601; decisions of earlier nights count.

        Returns
        -------
        list of DecidedTarget
            By night, site, revision and name. Of decisions that name no plan, the newest of that night and site; of
            those whose plan is not in the store, nothing.
        """
        with self._database.transaction(write=False) as connection:
            rows = list(connection.execute(sql.SELECT_DECIDED_TARGETS, {"before": before}))
        return [
            DecidedTarget(
                night,
                site,
                named,
                NightSummary.from_dict(json.loads(summary)).dusk,
                RankedTarget.from_dict(json.loads(payload)),
            )
            for _, _, night, site, named, summary, payload in rows
        ]

    def target(self, target_id: str, revision: int) -> RankedTarget | None:
        """Return a target as a plan has it, or None if it is not in that plan."""
        with self._database.transaction(write=False) as connection:
            rows = connection.execute(sql.SELECT_TARGET, {"id": target_id, "revision": revision})
        return RankedTarget.from_dict(json.loads(rows[0][0])) if rows else None
