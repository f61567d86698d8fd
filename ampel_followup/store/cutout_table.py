"""Cutouts: of each object the newest."""

from __future__ import annotations

from collections.abc import Iterable

from ampel_followup.cutouts import Cutouts, pack_images, unpack_images
from ampel_followup.errors import StoreError
from ampel_followup.store import statements as sql
from ampel_followup.store.connection import Database
from ampel_followup.store.records import finite, number


class CutoutRecords:
    """The cutouts of a store; `Store.cutouts` gives them. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, cutouts: Iterable[Cutouts]) -> int:
        """
        Keep cutouts, unless newer ones of the same object are there.

        Parameters
        ----------
        cutouts : iterable of Cutouts

        Returns
        -------
        int
            Bytes that were written, besides a few dozen a row.

        Raises
        ------
        StoreError
            If the store cannot be written.
        """
        rows, size = [], 0
        for each in cutouts:
            images = pack_images(each.images)
            size += len(images)
            row = {name: getattr(each, name) for name in ("id", "candid", "mjd", "band")}
            rows.append(row | {"scale": finite(each.scale), "images": images})
        with self._database.transaction(write=True) as connection:
            connection.execute_many(sql.PUT_CUTOUTS, rows)
        return size

    def load(self, target: str) -> Cutouts | None:
        """
        Return the newest cutouts of an object; None if there are none.

        Raises
        ------
        StoreError
            If they are damaged.
        """
        with self._database.transaction(write=False) as connection:
            rows = connection.execute(sql.SELECT_CUTOUTS, {"id": target})
        if not rows:
            return None
        name, candid, mjd, band, scale, images = rows[0]
        try:
            return Cutouts(name, candid, mjd, band, number(scale), unpack_images(bytes(images)))
        except ValueError as error:
            raise StoreError(f"{error}; `ampel-followup rank --cutouts` replaces those of {target}") from error
