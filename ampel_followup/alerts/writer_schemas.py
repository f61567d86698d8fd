"""
Packets that come without the schema they were written with: single records, and messages as Kafka has them.

Confluent's wire format puts five bytes before the record: 0 and the number of the schema in a registry that is not at
hand. So the schemas that are known are tried, and the one counts that leaves no byte over and makes a sound alert.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import fastavro

from ampel_followup.alerts.container import MAGIC, DamageError, read_schema
from ampel_followup.alerts.packet import NotUsableError, packet_of
from ampel_followup.errors import AlertError

_WIRE_HEADER = 5
_GZIP = b"\x1f\x8b"
#: A packet has 0.1 to 1 MB; more than this is something else.
LARGEST = 1 << 26

# So many containers of a folder are looked at for a schema.
_MOST_SIBLINGS = 100

_OPTIONAL, _LIST, _RECORD = "?", "*", "@"
_SPECIAL = {"timestamp": {"type": "long", "logicalType": "timestamp-micros"}}


class WriterSchemas:
    """
    The schemas that records without one are tried with: those given, those beside them, those that come along.

    Parameters
    ----------
    given : sequence of path
        Files with a schema: ``.avsc``, or an Avro container of which only the schema is read.

    Raises
    ------
    AlertError
        If a file holds no schema.
    """

    def __init__(self, given: Sequence[Path | str] = ()) -> None:
        self._given = [_schema_of_file(Path(path)) for path in given]
        self._beside: dict[Path, list[Any]] = {}

    def decode(self, data: bytes, folder: Path) -> dict[str, Any]:
        """
        Decode a record.

        Parameters
        ----------
        data : bytes
            A bare record, or one in the wire format.
        folder : Path
            Where it lies; the schemas of containers there are tried, too.

        Returns
        -------
        dict

        Raises
        ------
        DamageError
            If no schema fits.
        """
        wire = data[:1] == b"\0" and len(data) > _WIRE_HEADER
        for schema in self._candidates(folder):
            # A record may begin with a zero, too.
            for body in (data[_WIRE_HEADER:], data) if wire else (data,):
                record = _decoded(body, schema)
                if record is not None:
                    return record
        remedy = "give its schema with --schema, or put a container that has it beside the file"
        if wire:
            number = int.from_bytes(data[1:_WIRE_HEADER])
            detail = f"a message of Kafka with schema {number}: none of the schemas that are known fits; {remedy}"
            raise DamageError("unknown writer schema", detail)
        detail = f"it begins with {data[:4]!r}, and as a record without a schema it fits none that is known; {remedy}"
        raise DamageError("not an Avro file", detail)

    def _candidates(self, folder: Path) -> Iterator[Any]:
        yield from self._given
        if folder not in self._beside:
            self._beside[folder] = list(_schemas_beside(folder))
        yield from self._beside[folder]
        yield from packaged_schemas().values()


def inflated(data: bytes) -> bytes:
    """
    Return what is in a gzip; other bytes as they are.

    Raises
    ------
    DamageError
        If it is damaged, or has more than `LARGEST` bytes.
    """
    if not data.startswith(_GZIP):
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            content = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DamageError("damaged packet", f"a gzip that cannot be inflated: {error}") from error
    if len(content) > LARGEST:
        raise DamageError("damaged packet", f"a gzip of more than {LARGEST} bytes")
    return content


@cache
def packaged_schemas() -> dict[str, Any]:
    """
    Return the schemas that come along, the newest first: names, types and order of the fields, and nothing else.

    Returns
    -------
    dict of str to object
        Name such as ``lsst.v10_0`` → schema as parsed by fastavro.
    """
    text = resources.files("ampel_followup.alerts").joinpath("writer_schemas.txt").read_text(encoding="utf-8")
    parsed = {name: fastavro.parse_schema(schema) for name, schema in schemas_from_text(text).items()}
    return dict(reversed(parsed.items()))


def schemas_from_text(text: str) -> dict[str, dict[str, Any]]:
    """
    Read schemas in the notation of ``writer_schemas.txt``; its first lines explain it.

    Parameters
    ----------
    text : str

    Returns
    -------
    dict of str to dict
        Name → Avro schema.
    """
    found: dict[str, dict[str, Any]] = {}
    records: dict[str, list[tuple[str, str]]] = {}
    name = ""
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            name, records = line.strip("[]"), {}
            continue
        record, _, fields = line.partition(": ")
        records[record] = [(field, kind) for field, _, kind in (word.partition(":") for word in fields.split())]
        if record == "alert":  # the last one of a schema
            found[name] = _record(name, "alert", records, set())
    return found


def _record(namespace: str, name: str, records: Mapping[str, list[tuple[str, str]]], seen: set[str]) -> Any:
    """Return the schema of a record, and at its second mention its name, as Avro wants it."""
    full = f"{namespace}.{name}"
    if name in seen:
        return full
    seen.add(name)
    fields = [{"name": field, "type": _type(namespace, kind, records, seen)} for field, kind in records[name]]
    return {"type": "record", "name": full, "fields": fields}


def _type(namespace: str, kind: str, records: Mapping[str, list[tuple[str, str]]], seen: set[str]) -> Any:
    if kind.endswith(_OPTIONAL):
        return ["null", _type(namespace, kind.removesuffix(_OPTIONAL), records, seen)]
    if kind.endswith(_LIST):
        return {"type": "array", "items": _type(namespace, kind.removesuffix(_LIST), records, seen)}
    if kind.startswith(_RECORD):
        return _record(namespace, kind.removeprefix(_RECORD), records, seen)
    return _SPECIAL.get(kind, kind)


def _schema_of_file(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) == MAGIC:
                file.seek(0)
                return read_schema(file, path.stat().st_size)
        return fastavro.schema.load_schema(str(path))
    except OSError as error:
        raise AlertError(f"{path}: the schema cannot be read: {error.strerror or error}; check the path") from error
    except DamageError as damage:
        raise AlertError(
            f"{path}: {damage.detail}; a schema of alerts is expected, .avsc or in a container"
        ) from damage
    except Exception as error:
        # fastavro meets what is no schema with whatever its code runs into.
        raise AlertError(f"{path}: no Avro schema: {error!r}; an .avsc file is expected, or a container") from error


def _schemas_beside(folder: Path) -> Iterator[Any]:
    """Yield the schemas of the containers in a folder."""
    try:
        containers = sorted(path for path in folder.glob("*.avro") if path.is_file())[:_MOST_SIBLINGS]
    except OSError:
        return
    for path in containers:
        try:
            with path.open("rb") as file:
                if file.read(len(MAGIC)) == MAGIC:
                    file.seek(0)
                    yield read_schema(file, path.stat().st_size)
        except (OSError, DamageError):
            continue


def _decoded(body: bytes, schema: Any) -> dict[str, Any] | None:
    """Return the record if the schema fits: every byte is used, and the alert is sound."""
    buffer = io.BytesIO(body)
    try:
        record = fastavro.schemaless_reader(buffer, schema, None)
        if buffer.tell() != len(body) or not isinstance(record, dict):
            return None
        packet = packet_of(record, "", "", None)
        packet.survey.encode(packet.object_id, packet.candidates)
        sound = packet.survey.exposure(packet.candidates[0]) is not None
    except NotUsableError as problem:
        return record if problem.sound else None
    except Exception:
        # The decoder meets bytes of another schema with whatever its code runs into, MemoryError included.
        return None
    return record if sound else None
