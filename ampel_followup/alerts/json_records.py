"""Files of JSON records, as brokers hand them out: a list of objects, or one object after the other."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from ampel_followup.alerts.quarantine import Quarantine

_GZIP = b"\x1f\x8b"
_WINDOW_GZIP = 31  # of zlib: expect gzip's header

#: More than this is no list that a broker hands out [byte].
_LARGEST = 1 << 30

_SPACE = re.compile(r"[ \t\n\r]*")

# A string, which is left alone, or a comma before a closing brace.
_STRING_OR_COMMA = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|,(?=[ \t\n\r]*})', re.DOTALL)

#: What is said of files that needed it.
COMMA_REMARK = "commas before closing braces, which JSON forbids"


class _MalformedError(Exception):
    def __init__(self, position: int, what: str) -> None:
        super().__init__(what)
        self.position, self.what = position, what


def read_records(file: BinaryIO, source: str, member: str, quarantine: Quarantine) -> Iterator[dict[str, Any]]:
    """
    Yield the objects of a JSON file, gzipped or not, one at a time.

    Files are found whose objects have a comma before the closing brace. They are read all the same, and it is said how
    many such commas there were; nothing else that is no JSON is let through.

    Parameters
    ----------
    file : binary file
        UTF-8.
    source, member : str
        Its name, and its place in an archive.
    quarantine : Quarantine
        Receives the file, or what is left of it, with line and column, where it cannot be read.

    Yields
    ------
    dict
    """
    text, damage = _text(file.read(_LARGEST + 1))
    n = 0
    try:
        for record in _records(text, member or source, quarantine):
            n += 1
            yield record
        if damage:
            raise _MalformedError(len(text), damage)
    except _MalformedError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        what = damage or error.what
        detail = f"line {line}, column {column}: {what}; records before it: {n}"
        quarantine.add("archive", "malformed JSON", detail, source=source, member=member)


def without_trailing_commas(text: str) -> tuple[str, int]:
    """
    Return JSON without commas before closing braces, and how many there were; every other sign keeps its place.

    Parameters
    ----------
    text : str
        Perhaps JSON. Commas within strings stay, and those before closing brackets.
    """
    found = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal found
        if match[0] != ",":
            return match[0]
        found += 1
        return " "

    return _STRING_OR_COMMA.sub(replaced, text), found


def _text(data: bytes) -> tuple[str, str]:
    """Return the text of a file as far as it goes, and what ends it early."""
    damage = ""
    if data.startswith(_GZIP):
        inflator = zlib.decompressobj(_WINDOW_GZIP)
        try:
            data = inflator.decompress(data, _LARGEST + 1)
            damage = "" if inflator.eof else "the gzip file ends early"
        except zlib.error as error:
            data, damage = b"", f"the gzip file is damaged ({error})"
    if len(data) > _LARGEST:
        data, damage = data[:_LARGEST], f"the file is larger than {_LARGEST >> 30} GB"
    try:
        return data.decode("utf-8-sig"), damage
    except UnicodeDecodeError as error:
        return data[: error.start].decode("utf-8-sig"), damage or f"byte {error.start} is no UTF-8"


def _records(text: str, name: str, quarantine: Quarantine) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder()
    position = _after_space(text, 0)
    listed = text.startswith("[", position)
    if listed:
        position = _after_space(text, position + 1)
    first, repaired = True, False
    while position < len(text):
        if listed and text[position] == "]":
            if (end := _after_space(text, position + 1)) < len(text):
                raise _MalformedError(end, "something follows the end of the list")
            return
        if listed and not first:
            if text[position] != ",":
                raise _MalformedError(position, "a comma or the end of the list is expected")
            position = _after_space(text, position + 1)
        if not text.startswith("{", position):
            raise _MalformedError(position, "a record in braces is expected")
        try:
            record, position = _decoded(decoder, text, position)
        except _MalformedError:
            if repaired:
                raise
            repaired = True
            text, n = without_trailing_commas(text)
            if not n:
                raise
            record, position = _decoded(decoder, text, position)
            quarantine.remark(f"{COMMA_REMARK} ({name})", n)
        first = False
        yield record
        position = _after_space(text, position)
    if listed or first:
        raise _MalformedError(len(text), "the file ends before the list does" if listed else "there is nothing in it")


def _decoded(decoder: json.JSONDecoder, text: str, position: int) -> tuple[dict[str, Any], int]:
    try:
        return decoder.raw_decode(text, position)
    except json.JSONDecodeError as error:
        cut = not text[error.pos :].strip() or error.msg.startswith("Unterminated string")
        raise _MalformedError(error.pos, "the file ends within a record" if cut else error.msg) from None
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, thousands of braces
        raise _MalformedError(position, f"a record that no survey makes ({error})") from None


def _after_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position
