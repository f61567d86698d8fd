"""Tables in YAML that say what the types of labels stand for, one on top of the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

from pydantic import Field

from ampel_followup.errors import FollowupError
from ampel_followup.settings import Settings, read_text, read_yaml, setting, settings_from

_Text = Annotated[str, Field(min_length=1, max_length=100)]


class TypedClass(Settings):
    """A class, and the types that stand for it."""

    name: _Text = setting("of the class; stands for itself")
    types: tuple[_Text, ...] = setting("whole types", default=())
    begins: tuple[_Text, ...] = setting("beginnings of types; the longest that fits counts", default=())


C = TypeVar("C", bound=TypedClass)


@dataclass(frozen=True, slots=True)
class TypeTable(Generic[C]):
    """
    What types stand for.

    Parameters
    ----------
    classes : tuple of TypedClass
        With the user's additions, in the order of the files.
    by_type : dict of str to TypedClass
        Whole types, as `spelling` writes them.
    by_beginning : dict of str to TypedClass
        Beginnings, the longest first.
    """

    classes: tuple[C, ...]
    by_type: dict[str, C]
    by_beginning: dict[str, C]

    def find(self, label_type: str) -> C | None:
        """Return the class that a type stands for, or None where the table does not say."""
        key = spelling(label_type)
        if key in self.by_type:
            return self.by_type[key]
        return next((found for beginning, found in self.by_beginning.items() if key.startswith(beginning)), None)


def spelling(text: str) -> str:
    """Return a type as it is compared: lower case, single blanks."""
    return " ".join(text.split()).lower()


@dataclass(frozen=True, slots=True)
class TableFormat(Generic[C]):
    """
    How files of a table look.

    Parameters
    ----------
    file : type of Settings
        Has ``classes``, each a C.
    fixed : str
        Field of a class that no later file may say otherwise.
    error : type of FollowupError
        What is raised for what cannot be read.
    """

    file: type[Settings]
    fixed: str
    error: type[FollowupError]

    def read(self, paths: Iterable[Path]) -> TypeTable[C]:
        """
        Read files, each on top of those before it: a class of the same name gets the types besides its own.

        Raises
        ------
        FollowupError
            If a file cannot be read or says what makes no sense, gives a type to two classes, or says of a class what
            is `fixed` otherwise than before; the message names file, class and field.
        """
        classes: dict[str, C] = {}
        by_type: dict[str, str] = {}
        by_beginning: dict[str, str] = {}
        for path in paths:
            types: dict[str, str] = {}
            beginnings: dict[str, str] = {}
            for added in self._classes(path):
                known = classes.get(added.name)
                classes[added.name] = added if known is None else self._joined(known, added, path)
                for text in (added.name, *added.types):
                    self._claim(types, spelling(text), added.name, path)
                for text in added.begins:
                    # A blank at the end of a beginning says that the word ends there.
                    self._claim(beginnings, spelling(text) + (" " if text.endswith(" ") else ""), added.name, path)
            by_type |= types
            by_beginning |= beginnings
        longest_first = sorted(by_beginning, key=lambda text: (-len(text), text))
        return TypeTable(
            tuple(classes.values()),
            {text: classes[name] for text, name in by_type.items()},
            {text: classes[by_beginning[text]] for text in longest_first},
        )

    def _classes(self, path: Path) -> tuple[C, ...]:
        data = read_yaml(read_text(path, self.error), str(path), self.error)
        if data is None:
            return ()
        if not isinstance(data, dict):
            raise self.error(
                f"{path} holds no classes; write `classes:`, and below it `- {{name: …, {self.fixed}: …}}`"
            )
        found: Any = settings_from(data, self.file, str(path), self.error)
        return tuple(found.classes)

    def _joined(self, known: C, added: C, path: Path) -> C:
        before, now = getattr(known, self.fixed), getattr(added, self.fixed)
        if now != before:
            raise self.error(f"{path}: {added.name} is {_shown(now)}, and was {_shown(before)}; call one otherwise")
        types = tuple(dict.fromkeys((*known.types, *added.types)))
        return added.model_copy(update={"types": types, "begins": tuple(dict.fromkeys((*known.begins, *added.begins)))})

    def _claim(self, claimed: dict[str, str], text: str, name: str, path: Path) -> None:
        """Note what a file says that a type stands for; refuse that it says two things."""
        if claimed.setdefault(text, name) != name:
            raise self.error(f"{path}: {text!r} stands for {claimed[text]} and for {name}; keep one of them")


def _shown(value: object) -> str:
    return repr(str(value)) if isinstance(value, str) else str(value)
