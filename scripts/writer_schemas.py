"""
Write the writer schemas that come along, from Avro containers of LSST alerts that carry theirs.

    python scripts/writer_schemas.py CONTAINER… > ampel_followup/alerts/writer_schemas.txt

What is kept is what decoding needs: names, types and order of the fields.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import fastavro

HEAD = """\
# Names, types and order of the fields of LSST's alert packets and of ELAsTiCC's, by version, oldest first: what it
# takes to decode a record that comes without its schema. Made by scripts/writer_schemas.py from packets that have it.
#
# A section is a schema; a line of it a record, which a later one names with @; a word is a field and its type. Behind a
# type, * makes it an array and ? the union of null and it; `timestamp` is a long with microseconds since 1970.
"""


def main(paths: list[str]) -> None:
    """Print the file."""
    found: dict[tuple[int, ...], tuple[str, Any]] = {}
    for path in paths:
        with Path(path).open("rb") as file:
            schema = fastavro.reader(file).writer_schema
        name = schema["name"].rpartition(".")[0]
        survey, _, version = name.partition(".v")
        found[(survey != "elasticc", *(int(part) for part in version.split("_")))] = (name, schema)
    print(HEAD, end="")
    for _, (name, schema) in sorted(found.items()):
        print(f"\n[{name}]")
        lines: dict[str, str] = {}
        add(schema, lines)
        for record, fields in lines.items():
            print(f"{record}: {fields}")


def add(schema: Any, lines: dict[str, str]) -> str:
    """Add the lines of a record, after those of the records in it, and return its name."""
    name = short(schema["name"])
    fields = [f"{field['name']}:{word(field['type'], lines)}" for field in schema["fields"]]
    lines[name] = " ".join(fields)
    return name


def word(kind: Any, lines: dict[str, str]) -> str:
    """Return a type in the notation of the file, adding the records in it."""
    if isinstance(kind, list):
        null, other = kind
        if null != "null":
            raise SystemExit(f"a union that does not begin with null: {kind!r}")
        return f"{word(other, lines)}?"
    if isinstance(kind, str):
        return f"@{short(kind)}" if "." in kind else kind
    if kind["type"] == "record":
        return f"@{add(kind, lines)}"
    if kind["type"] == "array":
        return f"{word(kind['items'], lines)}*"
    if kind.get("logicalType") == "timestamp-micros":
        return "timestamp"
    return word(kind["type"], lines)


def short(name: str) -> str:
    """Return a name without its namespace."""
    return name.rpartition(".")[2]


if __name__ == "__main__":
    main(sys.argv[1:])
