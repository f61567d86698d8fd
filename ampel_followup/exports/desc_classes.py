"""
The classes of the Dark Energy Science Collaboration (DESC) that types stand for: a table in YAML, and the user's on it.

Numbers and names are those of the ELAsTiCC taxonomy (https://github.com/LSSTDESC/elasticc, taxonomy/taxonomy.ipynb).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from ampel_followup.errors import TaxonomyError
from ampel_followup.labels import class_of
from ampel_followup.observing.tables import Table
from ampel_followup.settings import Settings, setting
from ampel_followup.type_tables import TableFormat, TypedClass, TypeTable

#: The table that comes along.
PACKAGED = Path(__file__).with_name("desc_classes.yml")

#: Where the user's own is.
USERS = Table("desc_classes.yml", "AMPEL_FOLLOWUP_DESC_CLASSES", TaxonomyError)


class DescClass(TypedClass):
    """A class of DESC, and the types that stand for it."""

    id: int = setting("number of the class", ge=0, le=9999)


class DescFile(Settings):
    """A file of classes."""

    classes: tuple[DescClass, ...] = setting("the classes", default=())


_FORMAT: TableFormat[DescClass] = TableFormat(DescFile, "id", TaxonomyError)


@cache
def load_desc_classes() -> TypeTable[DescClass]:
    """
    Read the packaged table and the user's on top of it, once for the process.

    Raises
    ------
    TaxonomyError
        If a file cannot be read, or says what makes no sense; the message names file, class and field.
    """
    users = USERS.users()
    return read_desc_classes([PACKAGED] if users is None else [PACKAGED, users])


def read_desc_classes(paths: Iterable[Path]) -> TypeTable[DescClass]:
    """
    Read tables, each on top of those before it.

    Raises
    ------
    TaxonomyError
        As `load_desc_classes`; also where one file gives a type to two classes, or a class has another number than
        before.
    """
    return _FORMAT.read(paths)


def desc_class(label_type: str) -> DescClass | None:
    """
    Return the class of DESC that a type stands for; None where there is none.

    Parameters
    ----------
    label_type : str
        A type that is not in the table has the class of what it stands for in our taxonomy
        (`ampel_followup.labels.class_of`).

    Raises
    ------
    TaxonomyError
        If a table of the user's cannot be read.
    """
    classes = load_desc_classes()
    return classes.find(label_type) or classes.find(class_of(label_type)[0])
