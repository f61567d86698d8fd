"""
The classes that types stand for: a table in YAML that comes with the package, and the user's own on top of it.

`ampel_followup.labels` reads it when a class is first asked for, not when it is imported.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from ampel_followup.errors import TaxonomyError
from ampel_followup.labels import Kind
from ampel_followup.observing.tables import Table
from ampel_followup.settings import Settings, setting
from ampel_followup.type_tables import TableFormat, TypedClass, TypeTable

#: The table that comes along.
PACKAGED = Path(__file__).with_name("taxonomy.yml")

#: Where the user's own is.
USERS = Table("taxonomy.yml", "AMPEL_FOLLOWUP_TAXONOMY", TaxonomyError)


class TaxonomyClass(TypedClass):
    """A class as models call it, and the types that stand for it."""

    kind: Kind = setting("`extragalactic transient`, `galactic`, `active nucleus` or `no transient`")
    coarse: bool = setting("too coarse to learn from: finer classes are meant", default=False)


class TaxonomyFile(Settings):
    """A file of classes."""

    classes: tuple[TaxonomyClass, ...] = setting("the classes", default=())


#: What types stand for.
Taxonomy = TypeTable[TaxonomyClass]

_FORMAT: TableFormat[TaxonomyClass] = TableFormat(TaxonomyFile, "kind", TaxonomyError)


@cache
def load_taxonomy() -> Taxonomy:
    """
    Read the packaged table and the user's on top of it, once for the process.

    Raises
    ------
    TaxonomyError
        If a file cannot be read, or says what makes no sense; the message names file, class and field.
    """
    users = USERS.users()
    return read_taxonomy([PACKAGED] if users is None else [PACKAGED, users])


def read_taxonomy(paths: Iterable[Path]) -> Taxonomy:
    """
    Read tables, each on top of those before it.

    Raises
    ------
    TaxonomyError
        As `load_taxonomy`; also where one file gives a type to two classes, or a class has another kind than before.
    """
    return _FORMAT.read(paths)
