"""Tables of alert packets: Parquet with the records of a packet as nested columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from ampel_followup.alerts import lsst
from ampel_followup.alerts.packet import LSST_LISTS, lacking, survey_of
from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.alerts.surveys import LSST
from ampel_followup.errors import AlertError

_ROWS_PER_BATCH = 256

# Of each row of LSST's tables, which have up to 140 fields per point and hundreds of points.
_LSST_COLUMNS = ("diaSource", *LSST_LISTS, "diaObject", "diaObjectId", "alertId")
_LSST_LEAVES = frozenset(
    (
        *("diaObjectId", "ssObjectId", "alertId", *lsst.OTHER_FIELDS),
        *("visit", "ccdVisitId", "snr"),  # not for light curves, but AMPEL's supplier asks for them
        *(*lsst.TIME, *lsst.BAND, *lsst.FLUX, *lsst.FLUX_ERR, *lsst.RA, *lsst.DEC),
        *(name for names in lsst.CONTEXT_FIELDS.values() for name in names),
    )
)
_ZTF_COLUMNS = ("objectId", "candid", "candidate", "prv_candidates")


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
        Of ZTF ``objectId``, ``candid``, ``candidate`` and ``prv_candidates`` of each row; of LSST ``diaSource``, the
        lists of earlier points and ``diaObject``, with the fields that light curves are made of.

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
        survey = survey_of(columns)
        if survey is None:
            quarantine.add("archive", "not an alert", f"the table lacks {lacking(columns)}", source=source)
            return
        wanted = _lsst_leaves(table) if survey is LSST else [name for name in _ZTF_COLUMNS if name in columns]
        for batch in table.iter_batches(batch_size=_ROWS_PER_BATCH, columns=wanted):
            for row in batch.to_pylist():
                rows += 1
                yield row
    except (pa.ArrowException, OSError, ValueError) as error:  # ValueError: text that is not UTF-8
        detail = f"after {rows} rows: {' '.join(str(error).split())}"
        quarantine.add("archive", "damaged archive", detail, source=source)


def _lsst_leaves(table: Any) -> list[str]:
    """Return the paths of the fields that are read, such as ``prvDiaSources.list.element.band``."""
    paths = (table.schema.column(number).path for number in range(len(table.schema)))
    return [
        path for path in paths if path.partition(".")[0] in _LSST_COLUMNS and path.rpartition(".")[2] in _LSST_LEAVES
    ]
