"""From archives of packets to light curves, object by object, in memory that does not grow with the archive."""

from __future__ import annotations

import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from ampel_followup.alerts.archive import Progress, read_alerts
from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.alerts.surveys import SURVEYS
from ampel_followup.alerts.writer_schemas import WriterSchemas
from ampel_followup.errors import AlertError, LightCurveError
from ampel_followup.lightcurve import LightCurve


@dataclass(slots=True)
class ReadReport:
    """
    What came of an archive; final when `light_curves` is exhausted.

    Parameters
    ----------
    alerts_read : int
        Packets that were read and understood.
    alerts_bad : int
        Packets, and (rests of) archives, that were put into quarantine.
    objects : int
        Light curves made.
    objects_bad : int
        Objects whose photometry makes no light curve.
    reasons : Counter
        How often each reason for quarantine occurred.
    """

    alerts_read: int = 0
    alerts_bad: int = 0
    objects: int = 0
    objects_bad: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


def light_curves(
    paths: Sequence[Path | str],
    *,
    quarantine: Quarantine,
    progress: Progress | None = None,
    report: ReadReport | None = None,
    schemas: WriterSchemas | None = None,
) -> Iterator[LightCurve]:
    """
    Merge the packets of archives, of any survey and of several, into light curves.

    The packets are spooled, in compact form, to a temporary SQLite database (in ``TMPDIR``; deleted at the end, even if
    the process is killed) which sorts them by object, so that memory holds one object at a time. The result does not
    depend on the order of the packets.

    Parameters
    ----------
    paths : sequence of path
        As for `ampel_followup.alerts.archive.read_alerts`.
    quarantine : Quarantine
        Receives packets and objects that cannot be used.
    progress : callable, optional
        Called now and then with the bytes read and the bytes in all.
    report : ReadReport, optional
        Is filled in.
    schemas : WriterSchemas, optional
        As for `ampel_followup.alerts.archive.read_alerts`.

    Yields
    ------
    LightCurve
        In the order of object names.

    Raises
    ------
    AlertError
        If a path is wrong, if no packet can be used, if no object makes a light curve, or if the disk is full.
    """
    report = ReadReport() if report is None else report
    by_name = {survey.name: survey for survey in SURVEYS}
    before = quarantine.counts.copy(), quarantine.reasons.copy()
    try:
        # An empty name: SQLite's private temporary file, without a name in the file system.
        with closing(sqlite3.connect("", isolation_level=None)) as spool:
            for statement in ("journal_mode=OFF", "synchronous=OFF", "temp_store=FILE", "cache_size=-8000"):
                spool.execute(f"PRAGMA {statement}")
            spool.execute("CREATE TABLE packet (object TEXT, survey TEXT, points BLOB, context BLOB)")
            spool.execute("BEGIN")
            rows = _rows(paths, quarantine, progress, report, schemas)
            spool.executemany("INSERT INTO packet VALUES (?, ?, ?, ?)", rows)
            if report.alerts_read == 0:
                raise AlertError(f"{paths[0]}: no alert could be used; {quarantine.commonest()}")
            found = spool.execute("SELECT object, survey, points, context FROM packet ORDER BY object, survey")
            for (object_id, name), packets in groupby(found, key=itemgetter(0, 1)):
                _, _, points, context = zip(*packets, strict=True)
                survey = by_name[name]
                try:
                    light_curve = survey.build(object_id, survey.stock(object_id), b"".join(points), b"".join(context))
                except LightCurveError as error:
                    quarantine.add("object", "no light curve", str(error), object_id=object_id)
                    report.objects_bad += 1
                    continue
                report.objects += 1
                yield light_curve
    except sqlite3.Error as error:
        raise AlertError(
            f"{tempfile.gettempdir()}: alerts cannot be sorted there ({error}); set TMPDIR to a folder with room"
        ) from error
    finally:
        counts = quarantine.counts - before[0]
        report.alerts_bad = counts["alert"] + counts["archive"]
        report.reasons = quarantine.reasons - before[1]
    if report.objects == 0:
        raise AlertError(f"{paths[0]}: no object can be ranked; {quarantine.commonest()}")


def _rows(
    paths: Sequence[Path | str],
    quarantine: Quarantine,
    progress: Progress | None,
    report: ReadReport,
    schemas: WriterSchemas | None,
) -> Iterator[tuple[str, str, bytes, bytes]]:
    """Yield the object, the survey, and the packed points and context of each usable packet."""
    for packet in read_alerts(paths, quarantine=quarantine, progress=progress, schemas=schemas):
        try:
            points, context = packet.survey.encode(packet.object_id, packet.candidates)
        except AlertError as error:
            quarantine.add(
                "alert",
                "unusable value",
                str(error),
                source=packet.source,
                member=packet.member,
                object_id=packet.object_id,
                data=packet.data,
            )
            continue
        report.alerts_read += 1
        yield packet.object_id, packet.survey.name, points, context
