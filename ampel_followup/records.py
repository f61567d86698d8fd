"""Records: frozen dataclasses that go into JSON and come back the same; plain Python, so that reading one is cheap."""

from __future__ import annotations

import dataclasses
import functools
import math
import typing
from collections.abc import Callable, Mapping
from types import UnionType
from typing import Any, Self


class Record:
    """A frozen dataclass that survives a round trip through JSON (or BSON) to the last bit."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return nested dicts, lists, numbers and strings; numbers that are not finite become None."""
        return {name: _plain(getattr(self, name)) for name in _names(type(self))}  # type: ignore[arg-type]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild from `to_dict`; unknown keys are ignored, so that a newer writer can be read."""
        readers = _readers(cls)  # type: ignore[arg-type]  # a class is hashable
        return cls(**{name: readers[name](value) for name, value in data.items() if name in readers})


@functools.cache
def _names(record: type[Record]) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(record))  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    if type(value) is float:  # most values are
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


# Type hints are resolved once per class, not once per record: that is most of the time that reading a plan takes.
@functools.cache
def _readers(record: type[Record]) -> dict[str, Callable[[Any], Any]]:
    hints = typing.get_type_hints(record)
    # What a record derives from its other fields is derived again, not read.
    return {f.name: _reader(hints[f.name]) for f in dataclasses.fields(record) if f.init}  # type: ignore[arg-type]


def _reader(hint: Any) -> Callable[[Any], Any]:
    """Return the function that turns a value of `Record.to_dict` back into what the type hint says."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, UnionType):
        read = _reader(next(a for a in arguments if a is not type(None)))
        return lambda value: None if value is None else read(value)
    if origin is tuple:
        item = _reader(arguments[0])
        return lambda value: tuple(map(item, value))
    if hint is float:
        return lambda value: math.nan if value is None else float(value)
    if isinstance(hint, type) and issubclass(hint, Record):
        return hint.from_dict
    return lambda value: value
