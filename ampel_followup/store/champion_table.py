"""Challengers, and which bundle came into use when: two records."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from ampel_followup.champions import Action, Challenger, Promotion, standing
from ampel_followup.errors import StoreError
from ampel_followup.store import statements as sql
from ampel_followup.store.connection import Connection
from ampel_followup.store.text import storable
from ampel_followup.untrusted import clean

#: Longest comment that is taken [characters].
MAX_COMMENT = 10_000


def add(connection: Connection, challenger: Challenger, place: str) -> Challenger:
    """Append a challenger of a new name; return it with its number."""
    if connection.execute(f"SELECT id FROM challengers{sql.where(name=challenger.name)}", {"name": challenger.name}):
        raise StoreError(f"{place} has a challenger {challenger.name!r} already; give this one another name")
    row: dict[str, Any] = {name: getattr(challenger, name) for name in sql.CHALLENGER_COLUMNS[:-1]}
    row["payload"] = json.dumps(challenger.to_dict(), sort_keys=True, separators=(",", ":"), allow_nan=False)
    [(number,)] = connection.execute(sql.INSERT_CHALLENGER, row)
    return replace(challenger, id=int(number))


def challengers(connection: Connection) -> list[Challenger]:
    """Return all challengers, newest first."""
    rows = connection.execute("SELECT id, payload FROM challengers ORDER BY id DESC")
    return [replace(Challenger.from_dict(json.loads(payload)), id=int(number)) for number, payload in rows]


def checked(promotion: Promotion) -> Promotion:
    """
    Return a promotion as it can be stored.

    Raises
    ------
    StoreError
        If a field says nothing that can be understood.
    """
    promotion = replace(
        promotion,
        action=str(promotion.action),
        observer=storable(promotion.observer).strip(),
        comment=storable(promotion.comment),
        id=0,
    )
    if promotion.action not in tuple(Action):
        raise StoreError(f"{promotion.action!r} is nothing that is done with a bundle; write {' or '.join(Action)}")
    if (promotion.action == Action.ROLL_BACK) != (promotion.undoes is not None):
        raise StoreError("a roll back must name the promotion that it takes back, and nothing else does")
    if not promotion.observer:
        raise StoreError(f"nobody is said to {promotion.action} {promotion.bundle}; say who with --observer")
    if len(promotion.comment) > MAX_COMMENT:
        raise StoreError(f"the comment has {len(promotion.comment)} characters; shorten it to {MAX_COMMENT}")
    try:
        datetime.fromisoformat(promotion.time)
    except ValueError as error:
        raise StoreError(f"the time {promotion.time!r} of the promotion is not ISO 8601") from error
    return promotion


def append(connection: Connection, promotion: Promotion, place: str) -> Promotion:
    """Append a promotion that fits what is there; return it with its number. `place` names the store in messages."""
    stands = standing(promotions(connection))
    if promotion.undoes is None:
        if stands and stands[-1].bundle_digest == promotion.bundle_digest:
            raise StoreError(f"{clean(promotion.bundle)} is in use in {place} already; there is nothing to do")
    elif not stands or stands[-1].id != promotion.undoes:
        raise StoreError(
            f"promotion {promotion.undoes} is not the one that stands in {place}; `ampel-followup learn history` "
            "lists them"
        )
    row = {name: getattr(promotion, name) for name in sql.PROMOTION_COLUMNS}
    [(row["last_label"],)] = connection.execute("SELECT COALESCE(MAX(id), 0) FROM labels")
    [(number,)] = connection.execute(sql.INSERT_PROMOTION, row)
    return replace(promotion, last_label=int(row["last_label"]), id=int(number))


def promotions(connection: Connection) -> list[Promotion]:
    """Return all promotions, oldest first."""
    return [_promotion(row) for row in connection.execute(sql.SELECT_PROMOTIONS + " ORDER BY id")]


def _promotion(row: Iterable[Any]) -> Promotion:
    return Promotion(**dict(zip((*sql.PROMOTION_COLUMNS, "id"), row, strict=True)))
