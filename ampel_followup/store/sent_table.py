"""What services of others were told: a record, of which the latest row of a subject holds."""

from __future__ import annotations

from collections.abc import Iterable

from ampel_followup.services.messages import Sent
from ampel_followup.store import statements as sql
from ampel_followup.store.connection import Database


class SentRecords:
    """The messages of a store that arrived; `Store.sent` gives them. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, messages: Iterable[Sent]) -> None:
        """
        Append messages; they are on the disk when this returns.

        Parameters
        ----------
        messages : iterable of Sent
            Their `id` is ignored.

        Raises
        ------
        StoreError
            If they cannot be stored.
        """
        rows = [{name: getattr(message, name) for name in sql.SENT_COLUMNS} for message in messages]
        with self._database.transaction(write=True) as connection:
            connection.execute_many(sql.INSERT_SENT, rows)

    def latest(self, service: str) -> dict[str, Sent]:
        """
        Return what a service was told last of each subject, in the order in which it was told.

        Parameters
        ----------
        service : str
            Its address.
        """
        with self._database.transaction(write=False) as connection:
            rows = connection.execute(sql.SELECT_LAST_SENT, {"service": service})
        found = (Sent(**dict(zip((*sql.SENT_COLUMNS, "id"), row, strict=True))) for row in rows)
        return {message.subject: message for message in found}
