"""Tables of alert packets: Parquet with ``candidate`` and ``prv_candidates`` as nested columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from ampel_followup.alerts.container import PACKET_FIELDS
from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.errors import AlertError

_ROWS_PER_BATCH = 256


def read_table(file: BinaryIO, source: str, quarantine: Quarantine) -> Iterator[dict[str, Any]]:
    """
    Yield the packets of a Parquet table, a batch of rows at a time.

    Parameters
    ----------
    file : binary file
        The table.
    source : str
        Its name.
    quarantine : Quarantine
        Receives the table, or what is left of it, if it cannot be read.

    Yields
    ------
    dict
        ``objectId``, ``candid``, ``candidate`` and ``prv_candidates`` of each row.

    Raises
    ------
    AlertError
        If pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise AlertError(
            f"{source}: Parquet needs pyarrow, which is not installed; pip install 'ampel-followup[parquet]'"
        ) from None
    rows = 0
    try:
        table = pq.ParquetFile(file)
        columns = table.schema_arrow.names
        if missing := [field for field in PACKET_FIELDS if field not in columns]:
            quarantine.add("archive", "not a ZTF alert", f"the table lacks {', '.join(missing)}", source=source)
            return
        wanted = [field for field in (*PACKET_FIELDS, "prv_candidates") if field in columns]
        for batch in table.iter_batches(batch_size=_ROWS_PER_BATCH, columns=wanted):
            for row in batch.to_pylist():
                rows += 1
                yield row
    except (pa.ArrowException, OSError, ValueError) as error:  # ValueError: text that is not UTF-8
        detail = f"after {rows} rows: {' '.join(str(error).split())}"
        quarantine.add("archive", "damaged archive", detail, source=source)
