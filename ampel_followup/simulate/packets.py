"""Alert packets: simulated objects as an archive in the format of ZTF's public alerts, and the truth beside it."""

from __future__ import annotations

import csv
import gzip
import io
import math
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastavro import parse_schema, schemaless_writer, writer

from ampel_followup.errors import FollowupError
from ampel_followup.lightcurve import MJD_OFFSET
from ampel_followup.simulate.night import SimulatedObject
from ampel_followup.simulate.stamps import STAMPS, stamps

#: Days of earlier photometry that come with an alert.
HISTORY = 30.0

#: What of a record is measured against the zero point of its exposure; the reference image has its own.
_FROM_ZERO_POINT = ("magpsf", "magap", "diffmaglim")

_PUBLISHER = "ampel-followup (simulated)"
_SCHEMA_VERSION = "3.3"
_SYNC_MARKER = b"ampel-followup 1"  # sixteen bytes; random ones would make every archive differ
_ENDINGS = (".tar.gz", ".tgz", ".tar")

# ZTF's names and types. What a packet says of the newest detection only is in _OF_CANDIDATE.
_OF_EVERY_EPOCH: dict[str, str] = {
    "jd": "double",
    "fid": "int",
    "pid": "long",
    "diffmaglim": "float",
    "programid": "int",
    "candid": "long",
    "isdiffpos": "string",
    "nid": "int",
    "rcid": "int",
    "field": "int",
    "ra": "double",
    "dec": "double",
    "magpsf": "float",
    "sigmapsf": "float",
    "chipsf": "float",
    "magap": "float",
    "sigmagap": "float",
    "distnr": "float",
    "magnr": "float",
    "sigmagnr": "float",
    "magdiff": "float",
    "fwhm": "float",
    "classtar": "float",
    "elong": "float",
    "nneg": "int",
    "nbad": "int",
    "rb": "float",
    "scorr": "double",
}
_OF_CANDIDATE: dict[str, str] = {
    **{
        f"{name}{n}": "float" for n in (1, 2, 3) for name in ("sgmag", "srmag", "simag", "szmag", "sgscore", "distpsnr")
    },
    "ssdistnr": "float",
    "ssmagnr": "float",
    "ndethist": "int",
    "ncovhist": "int",
    "jdstarthist": "double",
    "jdendhist": "double",
    "neargaia": "float",
    "neargaiabright": "float",
    "maggaia": "float",
    "maggaiabright": "float",
    "drb": "float",
}
_REQUIRED = {"jd", "fid", "pid", "programid"}
_REQUIRED_OF_CANDIDATE = _REQUIRED | {"candid", "isdiffpos", "ra", "dec", "magpsf", "sigmapsf", "ndethist", "ncovhist"}


def _record(name: str, types: dict[str, str], required: set[str]) -> dict[str, Any]:
    fields: list[dict[str, Any]] = [
        {"name": field, "type": kind} if field in required else {"name": field, "type": ["null", kind], "default": None}
        for field, kind in types.items()
    ]
    return {"type": "record", "name": name, "fields": fields}


_CUTOUT: dict[str, Any] = {
    "type": "record",
    "name": "ztf.alert.cutout",
    "fields": [{"name": "fileName", "type": "string"}, {"name": "stampData", "type": "bytes"}],
}

#: Avro schema of a packet: a subset of ZTF's 3.3.
SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "ztf.alert",
    "doc": "Simulated alert; fields as in ZTF's schema 3.3",
    "fields": [
        {"name": "schemavsn", "type": "string"},
        {"name": "publisher", "type": "string"},
        {"name": "objectId", "type": "string"},
        {"name": "candid", "type": "long"},
        {
            "name": "candidate",
            "type": _record("ztf.alert.candidate", _OF_EVERY_EPOCH | _OF_CANDIDATE, _REQUIRED_OF_CANDIDATE),
        },
        {
            "name": "prv_candidates",
            "type": [
                "null",
                {"type": "array", "items": _record("ztf.alert.prv_candidate", _OF_EVERY_EPOCH, _REQUIRED)},
            ],
            "default": None,
        },
        # The first one says what a cutout is, the others that they are one.
        *(
            {"name": field, "type": ["null", _CUTOUT if n == 0 else _CUTOUT["name"]], "default": None}
            for n, field in enumerate(STAMPS)
        ),
    ],
}


@dataclass(frozen=True, slots=True)
class AlertCount:
    """What was written: `alerts` packets of `objects` objects; the true classes are in the file `truth`."""

    objects: int
    alerts: int
    truth: Path


def packets(simulated: SimulatedObject, magnitude_shift: float = 0.0, *, cutouts: bool = False) -> list[dict[str, Any]]:
    """
    Return the alert packets of an object in its night: one per detection, each with the 30 days before it.

    Parameters
    ----------
    simulated : SimulatedObject
    magnitude_shift : float
        Added to the magnitudes of all detections and to all limits [mag], as if the survey's zero point were wrong by
        it: what is detected stays the same, and so do errors, the reference image and the catalogues.
    cutouts : bool
        With small images of what is seen in the newest packet, 8 kB; those of earlier ones would be much alike.

    Returns
    -------
    list of dict
        As in `SCHEMA`, in order of time.
    """
    candidates = simulated.candidates
    if magnitude_shift:
        candidates = [_shifted(record, magnitude_shift) for record in candidates]
    found = []
    for n, newest in enumerate(candidates):
        if newest["candid"] is None or newest["jd"] - MJD_OFFSET < simulated.night:
            continue
        earlier = [record for record in candidates[:n] if record["jd"] > newest["jd"] - HISTORY]
        found.append(
            {
                "schemavsn": _SCHEMA_VERSION,
                "publisher": _PUBLISHER,
                "objectId": simulated.id,
                "candid": newest["candid"],
                "candidate": newest,
                "prv_candidates": earlier or None,
            }
        )
    if cutouts and found:
        found[-1] |= stamps(simulated, found[-1]["candidate"])
    return found


def _shifted(record: dict[str, Any], magnitude_shift: float) -> dict[str, Any]:
    shifted = {name: record[name] + magnitude_shift for name in _FROM_ZERO_POINT if record.get(name) is not None}
    return record | shifted


def write_alerts(
    objects: Iterable[SimulatedObject],
    out: Path,
    progress: Callable[[int], None] | None = None,
    *,
    magnitude_shift: float = 0.0,
    cutouts: bool = False,
) -> AlertCount:
    """
    Write the alerts of a night, one avro file per packet, and ``truth.csv`` (id, label, subtype, redshift).

    Objects are taken one at a time, so that memory does not grow with their number. An archive and its truth
    appear under their names only once they are complete, and replace older ones; the same objects give the same bytes.

    Parameters
    ----------
    objects : iterable of SimulatedObject
    out : Path
        An archive (``.tar.gz``, ``.tgz`` or ``.tar``), with ``truth.csv`` beside it; or a folder, with it inside.
    progress : callable, optional
        Called with the number of objects written so far.
    magnitude_shift : float
        As for `packets` [mag]; the truth stays.
    cutouts : bool
        As for `packets`.

    Returns
    -------
    AlertCount

    Raises
    ------
    FollowupError
        If the place cannot be written to, or its name has an ending that says neither.
    """
    archive = out.name.endswith(_ENDINGS)
    if not archive and out.suffix and not out.is_dir():
        raise FollowupError(f"cannot write alerts to {out}: name it .tar.gz or .tar, or name a folder (no ending)")
    truth = (out.parent if archive else out) / "truth.csv"
    draft = truth.with_name("truth.csv.part")
    n_objects = n_alerts = 0
    try:
        truth.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("w", newline="", encoding="utf-8") as stream, _destination(out, archive) as put:
            table = csv.writer(stream, lineterminator="\n")
            table.writerow(["id", "label", "subtype", "redshift"])
            encode = _encoder()
            for simulated in objects:
                for packet in packets(simulated, magnitude_shift, cutouts=cutouts):
                    put(f"{packet['candid']}.avro", encode(packet))
                    n_alerts += 1
                redshift = "" if math.isnan(simulated.redshift) else f"{simulated.redshift:.6f}"
                table.writerow([simulated.id, simulated.label, simulated.subtype, redshift])
                n_objects += 1
                if progress is not None:
                    progress(n_objects)
        draft.replace(truth)
    except OSError as error:
        raise FollowupError(f"cannot write alerts to {out}: {error.strerror or error}; choose another place") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return AlertCount(n_objects, n_alerts, truth)


def _encoder() -> Callable[[dict[str, Any]], bytes]:
    """Return packet → avro container file; the header, most of the work, is the same for all and made once."""
    schema = parse_schema(SCHEMA)
    empty = io.BytesIO()
    writer(empty, schema, [], codec="null", sync_marker=_SYNC_MARKER)
    header = empty.getvalue()

    def encode(packet: dict[str, Any]) -> bytes:
        body = io.BytesIO()
        schemaless_writer(body, schema, packet)
        block = body.getvalue()
        return b"".join((header, _zigzag(1), _zigzag(len(block)), block, _SYNC_MARKER))

    return encode


def _zigzag(number: int) -> bytes:
    """Encode a non-negative long as avro does: zigzag, then seven bits per byte, least first."""
    number <<= 1
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


@contextmanager
def _destination(out: Path, archive: bool) -> Iterator[Callable[[str, bytes], None]]:
    """Open a folder or an archive; yields (name, content) → None."""
    if not archive:

        def put_file(name: str, content: bytes) -> None:
            (out / name).write_bytes(content)

        yield put_file
        return

    part = out.with_name(out.name + ".part")
    try:
        with part.open("wb") as raw:
            if out.name.endswith(".tar"):
                with tarfile.open(fileobj=raw, mode="w|", format=tarfile.USTAR_FORMAT) as tar:
                    yield _member_writer(tar)
            else:
                # No name and no time in the header: the bytes depend on the content alone.
                with (
                    gzip.GzipFile("", "wb", 5, raw, mtime=0) as compressed,
                    tarfile.open(fileobj=compressed, mode="w|", format=tarfile.USTAR_FORMAT) as tar,
                ):
                    yield _member_writer(tar)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _member_writer(tar: tarfile.TarFile) -> Callable[[str, bytes], None]:
    def put_member(name: str, content: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
        tar.members.clear()  # type: ignore[attr-defined]  # tarfile remembers every member otherwise

    return put_member
