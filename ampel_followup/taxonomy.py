"""
The classes that types stand for: a table in YAML that comes with the package, and the user's own on top of it.

`ampel_followup.labels` reads it when a class is first asked for, not when it is imported.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ampel_followup.errors import TaxonomyError
from ampel_followup.labels import Kind
from ampel_followup.observing.tables import Table
from ampel_followup.settings import Settings, read_text, read_yaml, setting, settings_from

#: The table that comes along.
PACKAGED = Path(__file__).with_name("taxonomy.yml")

#: Where the user's own is.
USERS = Table("taxonomy.yml", "AMPEL_FOLLOWUP_TAXONOMY", TaxonomyError)

_Text = Annotated[str, Field(min_length=1, max_length=100)]


class TaxonomyClass(Settings):
    """A class, and the types that stand for it."""

    name: _Text = setting("of the class, as models call it; stands for itself")
    kind: Kind = setting("`extragalactic transient`, `galactic`, `active nucleus` or `no transient`")
    types: tuple[_Text, ...] = setting("whole types", default=())
    begins: tuple[_Text, ...] = setting("beginnings of types; the longest that fits counts", default=())
    coarse: bool = setting("too coarse to learn from: finer classes are meant", default=False)


class TaxonomyFile(Settings):
    """A file of classes."""

    classes: tuple[TaxonomyClass, ...] = setting("the classes", default=())


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """
    What types stand for.

    Parameters
    ----------
    classes : tuple of TaxonomyClass
        With the user's additions, in the order of the files.
    by_type : dict of str to TaxonomyClass
        Whole types, as `spelling` writes them.
    by_beginning : dict of str to TaxonomyClass
        Beginnings, the longest first.
    """

    classes: tuple[TaxonomyClass, ...]
    by_type: dict[str, TaxonomyClass]
    by_beginning: dict[str, TaxonomyClass]

    def find(self, label_type: str) -> TaxonomyClass | None:
        """Return the class that a type stands for, or None where the table does not say."""
        key = spelling(label_type)
        if key in self.by_type:
            return self.by_type[key]
        return next((found for beginning, found in self.by_beginning.items() if key.startswith(beginning)), None)


def spelling(text: str) -> str:
    """Return a type as it is compared: lower case, single blanks."""
    return " ".join(text.split()).lower()


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
    classes: dict[str, TaxonomyClass] = {}
    by_type: dict[str, str] = {}
    by_beginning: dict[str, str] = {}
    for path in paths:
        types: dict[str, str] = {}
        beginnings: dict[str, str] = {}
        for added in _read(path):
            known = classes.get(added.name)
            if known is not None and known.kind != added.kind:
                raise TaxonomyError(
                    f"{path}: {added.name} is {str(added.kind)!r}, and was {str(known.kind)!r}; call one otherwise"
                )
            classes[added.name] = added if known is None else _joined(known, added)
            for text in (added.name, *added.types):
                _claim(types, spelling(text), added.name, path)
            for text in added.begins:
                # A blank at the end of a beginning says that the word ends there.
                _claim(beginnings, spelling(text) + (" " if text.endswith(" ") else ""), added.name, path)
        by_type |= types
        by_beginning |= beginnings
    longest_first = sorted(by_beginning, key=lambda text: (-len(text), text))
    return Taxonomy(
        tuple(classes.values()),
        {text: classes[name] for text, name in by_type.items()},
        {text: classes[by_beginning[text]] for text in longest_first},
    )


def _read(path: Path) -> tuple[TaxonomyClass, ...]:
    data = read_yaml(read_text(path, TaxonomyError), str(path), TaxonomyError)
    if data is None:
        return ()
    if not isinstance(data, dict):
        raise TaxonomyError(f"{path} holds no classes; write `classes:`, and below it `- {{name: …, kind: …}}`")
    return settings_from(data, TaxonomyFile, str(path), TaxonomyError).classes


def _claim(claimed: dict[str, str], text: str, name: str, path: Path) -> None:
    """Note what a file says that a type stands for; refuse that it says two things."""
    if claimed.setdefault(text, name) != name:
        raise TaxonomyError(f"{path}: {text!r} stands for {claimed[text]} and for {name}; keep one of them")


def _joined(known: TaxonomyClass, added: TaxonomyClass) -> TaxonomyClass:
    return known.model_copy(
        update={
            "types": tuple(dict.fromkeys((*known.types, *added.types))),
            "begins": tuple(dict.fromkeys((*known.begins, *added.begins))),
            "coarse": added.coarse,
        }
    )
