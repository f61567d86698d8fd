"""AMPEL unit: alerts from whatever `ampel-followup rank` reads."""

# AMPEL reads the annotations of a unit as types: no `from __future__ import annotations` here.
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ampel.abstract.AbsAlertLoader import AbsAlertLoader

from ampel_followup.alerts.archive import read_alerts
from ampel_followup.alerts.packet import Packet
from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.alerts.surveys import LSST, SURVEYS
from ampel_followup.alerts.writer_schemas import WriterSchemas
from ampel_followup.errors import AlertError


class FollowupAlertLoader(AbsAlertLoader[dict[str, Any]]):
    """
    Load the alerts of one survey from archives: Avro files, folders, tars, Parquet tables, messages of Kafka.

    What cannot be read is put into quarantine, and the loading goes on. Packets come decoded: the supplier needs
    ``deserialize: null``. Those of LSST have, whatever their schema, ``diaSourceId``, the exact ``diaObjectId`` in
    ``diaObject``, and noise limits where the supplier of ampel-lsst looks for them.
    """

    #: Files or folders with alerts, as for `ampel-followup rank`.
    paths: Sequence[str]

    #: Survey whose alerts are loaded, `ZTF` or `LSST`; others in the archives are passed over.
    survey: str

    #: Files with the schemas of packets that come without theirs; those of LSST 7.1 to 11.0 and of ELAsTiCC come along.
    schemas: Sequence[str] | None = None

    #: Folder for alerts that cannot be used; without it they are only counted.
    quarantine: str | None = None

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self.survey not in (names := [survey.name for survey in SURVEYS]):
            raise AlertError(f"survey {self.survey!r} is not read; choose one of {', '.join(names)}")
        self._quarantine = Quarantine(Path(self.quarantine) if self.quarantine else None)
        self._packets = read_alerts(self.paths, quarantine=self._quarantine, schemas=WriterSchemas(self.schemas or ()))

    def __next__(self) -> dict[str, Any]:
        """Return the next alert of the survey."""
        for packet in self._packets:
            if packet.survey.name == self.survey:
                return _for_supplier(packet)
        if self._quarantine.reasons:
            self.logger.warn("Alerts not used", extra=dict(self._quarantine.reasons))
        raise StopIteration


def _for_supplier(packet: Packet) -> dict[str, Any]:
    """Return a packet with what AMPEL's supplier for the survey asks of it."""
    if packet.survey is not LSST:
        return dict(packet.record)
    dia_object = {**(packet.record.get("diaObject") or {}), "diaObjectId": int(packet.object_id)}
    return {
        **packet.record,
        "diaSourceId": packet.candid,
        "diaObject": dia_object,
        "diaNondetectionLimit": packet.record.get("prvDiaNondetectionLimits"),
    }
