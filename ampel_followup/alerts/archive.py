"""Alert archives: Avro packets in files, folders and tars, and tables of packets, read as one stream."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, cast

from ampel_followup.alerts.container import MAGIC, DamageError, read_container
from ampel_followup.alerts.json_records import read_records
from ampel_followup.alerts.lasair import OBJECT, as_packet
from ampel_followup.alerts.packet import NotUsableError, Packet, packet_of, survey_of
from ampel_followup.alerts.quarantine import Quarantine
from ampel_followup.alerts.writer_schemas import LARGEST, WriterSchemas, inflated
from ampel_followup.errors import AlertError

_SUFFIXES = {
    ".avro": "avro", ".avro.gz": "avro", ".tar": "tar", ".tar.gz": "tar", ".tgz": "tar", ".parquet": "parquet",
    ".json": "json", ".json.gz": "json",
}  # fmt: skip
_EXPECTED = "expected .avro, .tar, .parquet or .json, gzipped or not, or a folder with such files"
_GZIP = b"\x1f\x8b"
_LARGE_MEMBER = 1 << 26
_PACKETS_PER_PROGRESS = 50

# By so much of its beginning a JSON file is known for what it is [byte].
_SNIFFED = 1 << 16

#: Called with the bytes read so far and the bytes in all, of the files as they lie on the disk.
Progress = Callable[[int, int], None]


def read_alerts(
    paths: Sequence[Path | str],
    *,
    quarantine: Quarantine,
    progress: Progress | None = None,
    schemas: WriterSchemas | None = None,
) -> Iterator[Packet]:
    """
    Stream the alert packets of any number of archives, of any survey that is read.

    Nothing is extracted to disk, and no more than one packet (or block of packets, or file of JSON) is held in memory.
    What cannot be read goes to quarantine and the reading goes on. In folders and tars, files of other kinds are passed
    over.

    Parameters
    ----------
    paths : sequence of path
        Files (.avro, .avro.gz, .tar, .tar.gz, .tgz, .parquet, .json, .json.gz) or folders, which are searched to any
        depth.
    quarantine : Quarantine
        Receives what cannot be read.
    progress : callable, optional
        Called now and then with the bytes read and the bytes in all.
    schemas : WriterSchemas, optional
        What packets without a schema are tried with; by default those that come along and those of containers beside.

    Returns
    -------
    iterator of Packet
        In the order of `paths`, within folders in the order of names.

    Raises
    ------
    AlertError
        At once if a path does not exist, is empty or is no archive; at the end if not a single packet could be read.
    """
    named = [Path(path) for path in paths]
    if not named:
        raise AlertError(f"no alerts given; name at least one archive: {_EXPECTED}")
    for path in named:
        _check_named(path)
    return _packets(named, quarantine, progress, schemas or WriterSchemas())


def _check_named(path: Path) -> None:
    try:
        if not path.exists():
            raise AlertError(f"{path}: there is no such file or folder; check the spelling of the path")
        if path.is_file() and path.stat().st_size == 0:
            raise AlertError(f"{path}: the file is empty; {_EXPECTED}")
        if path.is_file() and _kind(path.name) is None and _kind_by_content(path) is None:
            raise AlertError(f"{path}: not an alert archive; {_EXPECTED}")
    except OSError as error:
        raise AlertError(f"{path}: cannot be read: {error.strerror or error}; check the path and its rights") from error


def _packets(
    named: list[Path], quarantine: Quarantine, progress: Progress | None, schemas: WriterSchemas
) -> Iterator[Packet]:
    problems_before = quarantine.reasons.total()
    total = sum(path.stat().st_size for path in _archives(named)) if progress else 0
    done = read = 0
    for path in _archives(named):
        try:
            with path.open("rb") as file:
                for packet in _packets_of_file(path, file, quarantine, schemas):
                    read += 1
                    yield packet
                    if progress and read % _PACKETS_PER_PROGRESS == 0:
                        progress(min(done + file.tell(), total), total)
        except OSError as error:
            quarantine.add("archive", "unreadable file", str(error), source=str(path))
        if progress:
            done += path.stat().st_size
            progress(done, total)
    if read == 0:
        where = str(named[0]) if len(named) == 1 else f"{named[0]} and {len(named) - 1} more"
        if quarantine.reasons.total() == problems_before:
            raise AlertError(f"{where}: no alert packet in it; {_EXPECTED}")
        raise AlertError(f"{where}: no alert could be used; {quarantine.commonest()}")


def _archives(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the files to read: those named, and in folders those with a known suffix."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for child in sorted(path.iterdir()):
            if child.is_dir():
                if not child.is_symlink():  # a link may lead back up
                    yield from _archives([child])
            elif child.is_file() and _is_archive(child):
                yield child


def _is_archive(path: Path) -> bool:
    """Return True for files with a known suffix; of JSON, which is anywhere, only for what looks like alerts."""
    kind = _kind(path.name)
    return kind is not None and (kind != "json" or _has_objects(_head(path, _SNIFFED)))


def _kind(name: str) -> str | None:
    """Return the kind of archive by the name of a file; None for other files, macOS's ``._`` companions included."""
    base = PurePosixPath(name).name.lower()
    if base.startswith("._"):
        return None
    return next((kind for suffix, kind in _SUFFIXES.items() if base.endswith(suffix)), None)


def _kind_by_content(path: Path) -> str | None:
    head = _head(path, 512)
    if head.startswith(MAGIC):
        return "avro"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head[257:262] == b"ustar" or head.startswith(_GZIP):  # a tar says what is wrong with its gzip
        return "tar"
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"[", b"{")):
        return "json"
    with path.open("rb") as file:
        if file.read(len(_GZIP)) == _GZIP:
            return "avro"
    return "avro" if head.startswith(b"\0") else None  # a message of Kafka


def _head(path: Path, size: int) -> bytes:
    """Return the first bytes of a file, inflated if it is gzipped; as they are if that fails."""
    with path.open("rb") as file:
        raw = file.read(size)
    return _inflated_head(raw)


def _inflated_head(raw: bytes) -> bytes:
    if not raw.startswith(_GZIP):
        return raw
    try:
        return zlib.decompressobj(31).decompress(raw, len(raw)) or raw
    except zlib.error:
        return raw


def _has_objects(head: bytes) -> bool:
    """Return True for the beginning of JSON with alerts."""
    return any(f'"{name}"'.encode() in head for name in (OBJECT, "objectId"))


def _packets_of_file(path: Path, file: BinaryIO, quarantine: Quarantine, schemas: WriterSchemas) -> Iterator[Packet]:
    source = str(path)
    match _kind(path.name) or _kind_by_content(path):
        case "avro":
            yield from _packets_of_avro(file, path.stat().st_size, source, "", quarantine, schemas)
        case "tar":
            yield from _packets_of_tar(file, source, quarantine, schemas)
        case "json":
            yield from _packets_of_json(file, source, "", quarantine)
        case "parquet":
            from ampel_followup.alerts.table import read_table

            for number, row in enumerate(read_table(file, source, quarantine)):
                yield from _checked_packet(row, source, f"row {number}", None, quarantine)


def _packets_of_avro(
    stream: BinaryIO, size: int, source: str, member: str, quarantine: Quarantine, schemas: WriterSchemas
) -> Iterator[Packet]:
    """Yield the packets of a container, gzipped or not, or the single one of a file that brings no schema."""
    if size == 0:
        quarantine.add("alert", "truncated packet", "the file is empty", source=source, member=member)
        return
    head = stream.read(len(MAGIC))
    stream.seek(0)
    if head.startswith(MAGIC) or size > LARGEST:
        yield from _packets_of_container(stream, size, source, member, quarantine)
        return
    data = stream.read(size)
    try:
        content = inflated(data)
        if content.startswith(MAGIC):
            yield from _packets_of_container(io.BytesIO(content), len(content), source, member, quarantine)
            return
        record = schemas.decode(content, Path(source).parent)
    except DamageError as damage:
        quarantine.add("alert", damage.reason, damage.detail, source=source, member=member, data=data)
        return
    yield from _checked_packet(record, source, member, data, quarantine)


def _packets_of_container(
    stream: BinaryIO, size: int, source: str, member: str, quarantine: Quarantine
) -> Iterator[Packet]:
    for block in read_container(stream, size):
        for record in block.records:
            yield from _checked_packet(record, source, member, block.data, quarantine)
        if block.reason:
            quarantine.add("alert", block.reason, block.detail, source=source, member=member, data=block.data)


def _packets_of_json(file: BinaryIO, source: str, member: str, quarantine: Quarantine) -> Iterator[Packet]:
    """Yield the packets of a JSON file: records as a filter of Lasair makes them, or packets of a survey."""
    for number, record in enumerate(read_records(file, source, member, quarantine)):
        place = f"{member} record {number}".strip()
        try:
            packet = record if survey_of(record) is not None else as_packet(record)
        except NotUsableError as problem:
            quarantine.add("alert", problem.reason, problem.detail, source=source, member=place)
            continue
        yield from _checked_packet(packet, source, place, None, quarantine)


def _packets_of_tar(file: BinaryIO, source: str, quarantine: Quarantine, schemas: WriterSchemas) -> Iterator[Packet]:
    compressed = file.read(len(_GZIP)) == _GZIP
    file.seek(0)
    stream = _HeaderWatch(gzip.GzipFile(fileobj=file) if compressed else file)
    members = 0
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r:") as tar:
            while (member := tar.next()) is not None:
                tar.members = []  # type: ignore[attr-defined]  # or the list of members grows with the archive
                members += 1
                kind = _kind(member.name) if member.isfile() else None
                if kind not in ("avro", "json"):
                    continue
                with _seekable(cast("IO[bytes]", tar.extractfile(member)), member.size) as content:
                    if kind == "avro":
                        yield from _packets_of_avro(content, member.size, source, member.name, quarantine, schemas)
                        continue
                    head = _inflated_head(content.read(_SNIFFED))
                    content.seek(0)
                    if _has_objects(head):
                        yield from _packets_of_json(content, source, member.name, quarantine)
            # tarfile takes a damaged header for the end of the archive; the real end is marked by zeros.
            if any(stream.last_read):
                raise tarfile.ReadError(f"no valid header at byte {tar.offset}")
            while stream.read(_LARGE_MEMBER):  # to the very end, where gzip keeps its checksum
                pass
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        detail = f"after {members} members: {error}"
        quarantine.add("archive", "damaged archive", detail, source=source)


class _HeaderWatch(io.RawIOBase):
    """A readable file that remembers what was read last; tarfile reads a header in one piece."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile) -> None:
        self._stream = stream
        self.last_read = b""

    def read(self, size: int = -1) -> bytes:
        self.last_read = self._stream.read(size)
        return self.last_read

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


def _seekable(stream: IO[bytes], size: int) -> BinaryIO:
    """Return the content of a tar member, in memory, or in a temporary file if it is too large for that."""
    if size <= _LARGE_MEMBER:
        return io.BytesIO(stream.read())
    file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by the caller)
    shutil.copyfileobj(stream, file)
    file.seek(0)
    return cast("BinaryIO", file)


def _checked_packet(
    record: Mapping[str, Any], source: str, member: str, data: bytes | None, quarantine: Quarantine
) -> Iterator[Packet]:
    """Yield the packet, unless it lacks what makes an alert, or is one of what is not ranked."""
    try:
        yield packet_of(record, source, member, data)
    except NotUsableError as problem:
        kept = None if problem.sound else data
        quarantine.add("alert", problem.reason, problem.detail, source=source, member=member, data=kept)
