"""
Avro object container files, block by block.

fastavro's own reader parses the schema of every file, which costs more than the packet (ZTF's schema has 22 kB and each
packet brings its own), and it gives up at the first damage. This one parses each schema once and goes on after a
damaged block at the next sync marker. The format: https://avro.apache.org/docs/1.11.1/specification/#object-container-files
"""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO

import fastavro

from ampel_followup.alerts.packet import lacking, survey_of

MAGIC = b"Obj\x01"

_SYNC_SIZE = 16
_SEARCH_STEP = 1 << 20
#: A block that inflates to more than this is damage or malice: real ones have about 0.1 MB.
_MAX_INFLATED = 1 << 28


@dataclass(frozen=True, slots=True)
class Block:
    """
    The records of one block of a container, or what is wrong with it.

    Parameters
    ----------
    records : list of dict
        What could be decoded.
    data : bytes
        The header and this block: a container file of its own.
    reason, detail : str
        The sort of damage and what exactly it is; both empty for a sound block.
    """

    records: list[dict[str, Any]]
    data: bytes
    reason: str = ""
    detail: str = ""


class DamageError(Exception):
    """What is wrong with bytes: the sort of damage, and what exactly it is."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def read_container(stream: BinaryIO, size: int) -> Iterator[Block]:
    """
    Yield the blocks of an Avro container with alert packets.

    Parameters
    ----------
    stream : binary file
        Seekable, at its beginning.
    size : int
        Its length [byte].

    Yields
    ------
    Block
        With its records, cutouts included, or with the reason why there are none. After damage within a block the
        reading goes on at the next sync marker.
    """
    try:
        schema, codec, sync = _read_header(stream, size)
    except DamageError as damage:
        stream.seek(0)
        yield Block([], stream.read(min(size, _SEARCH_STEP)), damage.reason, damage.detail)
        return
    start = stream.tell()
    stream.seek(0)
    header = stream.read(start)
    while start < size:
        records: list[dict[str, Any]] = []
        try:
            count, length = _read_long(stream), _read_long(stream)
            payload = _read_exactly(stream, length, size)
            if _read_exactly(stream, _SYNC_SIZE, size) != sync:
                raise DamageError("damaged packet", f"no sync marker at the end of the block at byte {start}")
            _decode(_inflate(payload, codec), count, schema, records)
            end = stream.tell()
            stream.seek(start)
            yield Block(records, header + stream.read(end - start))
        except DamageError as damage:
            end = _after_next_sync(stream, start, size, sync)
            stream.seek(start)
            data = header + stream.read(min(end - start, _MAX_INFLATED))
            yield Block(records, data, damage.reason, damage.detail)
            stream.seek(end)
        start = end


def read_schema(stream: BinaryIO, size: int) -> Any:
    """
    Return the schema of an Avro container with alert packets.

    Parameters
    ----------
    stream : binary file
        At its beginning.
    size : int
        Its length [byte].

    Raises
    ------
    DamageError
        If it is none.
    """
    return _read_header(stream, size)[0]


def _read_header(stream: BinaryIO, size: int) -> tuple[Any, str, bytes]:
    magic = stream.read(len(MAGIC))
    if magic != MAGIC:
        raise DamageError("not an Avro file", f"it begins with {magic!r}" if magic else "it is empty")
    metadata: dict[bytes, bytes] = {}
    while count := _read_long(stream):
        if count < 0:  # then the size of the entries follows, which is only of use to those who skip them
            _read_long(stream)
        for _ in range(abs(count)):
            key = _read_exactly(stream, _read_long(stream), size)
            metadata[key] = _read_exactly(stream, _read_long(stream), size)
    sync = _read_exactly(stream, _SYNC_SIZE, size)
    codec = metadata.get(b"avro.codec", b"null").decode(errors="replace")
    if codec not in ("null", "deflate"):
        raise DamageError("unknown Avro codec", f"codec {codec!r}; null and deflate can be read")
    return _packet_schema(metadata.get(b"avro.schema", b"")), codec, sync


@lru_cache(maxsize=32)
def _packet_schema(text: bytes) -> Any:
    """Parse a schema and make sure that it describes alert packets."""
    try:
        schema = json.loads(text)
        fields = {field["name"] for field in schema["fields"]}
        name = schema["name"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise DamageError("damaged packet", "its Avro schema is no description of a record") from None
    if survey_of(fields) is None:
        raise DamageError("not an alert", f"schema {name!r} lacks {lacking(fields)}")
    try:
        return fastavro.parse_schema(schema)
    except Exception as error:
        # The parser meets damaged schemas with whatever its code runs into.
        raise DamageError("damaged packet", f"its Avro schema cannot be parsed: {error!r}") from error


def _decode(payload: bytes, count: int, schema: Any, records: list[dict[str, Any]]) -> None:
    """Append the records of a block to `records`, those before the damage if there is any."""
    if not 0 <= count <= len(payload):
        raise DamageError("damaged packet", f"a block of {len(payload)} bytes cannot hold {count} records")
    buffer = io.BytesIO(payload)
    try:
        for _ in range(count):
            records.append(fastavro.schemaless_reader(buffer, schema, None))  # noqa: PERF401 (keep those before damage)
    except Exception as error:
        # The decoder meets damaged bytes with whatever its code runs into: IndexError, EOFError, UnicodeDecodeError …
        raise DamageError("damaged packet", f"record {len(records) + 1} of {count}: {error!r}") from error
    if buffer.tell() != len(payload):
        records.clear()
        raise DamageError("damaged packet", f"{len(payload) - buffer.tell()} bytes are left over after {count} records")


def _inflate(payload: bytes, codec: str) -> bytes:
    if codec == "null":
        return payload
    try:
        inflator = zlib.decompressobj(wbits=-15)
        inflated = inflator.decompress(payload, _MAX_INFLATED)
    except zlib.error as error:
        raise DamageError("damaged packet", f"a deflated block cannot be inflated: {error}") from error
    if not inflator.eof:
        raise DamageError("damaged packet", f"a deflated block is incomplete or has more than {_MAX_INFLATED} bytes")
    return inflated


def _read_long(stream: BinaryIO) -> int:
    """Read a zig-zag encoded integer."""
    value = shift = 0
    while True:
        byte = stream.read(1)
        if not byte:
            raise DamageError("truncated packet", f"it ends at byte {stream.tell()}")
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return (value >> 1) ^ -(value & 1)
        shift += 7
        if shift > 63:
            raise DamageError("damaged packet", f"no integer at byte {stream.tell()}")


def _read_exactly(stream: BinaryIO, length: int, size: int) -> bytes:
    """Read `length` bytes; asking for no more than there are keeps a damaged length from filling the memory."""
    left = size - stream.tell()
    if length < 0:
        raise DamageError("damaged packet", f"a length of {length} bytes at byte {stream.tell()}")
    if length > left:
        raise DamageError("truncated packet", f"{length} bytes should follow byte {stream.tell()}, {left} do")
    return stream.read(length)


def _after_next_sync(stream: BinaryIO, start: int, size: int, sync: bytes) -> int:
    """Position after the first sync marker that ends behind `start`; the end of the file if there is none."""
    stream.seek(start)
    window = b""
    while chunk := stream.read(_SEARCH_STEP):
        window = window[-(_SYNC_SIZE - 1) :] + chunk
        found = window.find(sync)
        if found >= 0:
            return stream.tell() - len(window) + found + _SYNC_SIZE
    return size
