"""Tables in YAML that come with the package, and the users' own that add to them: sites and instruments."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from ampel_followup.errors import FollowupError


class Settings(BaseModel):
    """What all described settings share: nothing unknown, nothing that is no number, nothing that changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Row = TypeVar("Row", bound=Settings)

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]*")


def setting(
    description: str,
    unit: str = "",
    *,
    default: Any = ...,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
) -> Any:
    """Describe a setting; its unit and bounds go into the manual and into errors. Without a default it is required."""
    return Field(default=default, description=description, json_schema_extra={"unit": unit}, ge=ge, gt=gt, le=le)


@dataclass(frozen=True, slots=True)
class Table:
    """
    A table that comes along, and where a user's own additions to it are.

    Parameters
    ----------
    file : str
        Name of the YAML file, in this package as in the user's configuration folder.
    variable : str
        Environment variable that names another file of the user's.
    error : type of FollowupError
        What is raised for what cannot be read.
    """

    file: str
    variable: str
    error: type[FollowupError]

    def users(self) -> Path | None:
        """
        Return the user's file: the one that the environment names, else the one in the configuration folder, if any.

        Raises
        ------
        FollowupError
            If the environment names a file that is not there.
        """
        if named := os.environ.get(self.variable):
            path = Path(named).expanduser()
            if not path.is_file():
                raise self.error(f"{self.variable} names {path}, which is no file; correct or unset it")
            return path
        from platformdirs import user_config_path  # here: it is needed once, and costs a few milliseconds

        path = user_config_path("ampel-followup", appauthor=False) / self.file
        return path if path.is_file() else None

    def rows(self, model: type[Row], users: Path | None) -> dict[str, Row]:
        """
        Read the table that comes along and the user's; an entry of the user's replaces ours with the same key.

        Parameters
        ----------
        model : type of Settings
            What every entry must be.
        users : Path, optional
            As `users` returns it.

        Raises
        ------
        FollowupError
            If an entry is not as `model` describes; the message names file, key and field.
        """
        packaged = resources.files(__package__).joinpath(self.file).read_text(encoding="utf-8")
        rows = self._read(packaged, self.file, model)
        if users is not None:
            try:
                text = users.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
                raise self.error(f"{users} cannot be read: {reason}") from error
            rows |= self._read(text, str(users), model)
        return dict(sorted(rows.items()))

    def _read(self, text: str, place: str, model: type[Row]) -> dict[str, Row]:
        import yaml  # here, because most of what imports this module never asks for a table

        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            document = yaml.compose(text, loader)
            data = yaml.load(text, loader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f", line {mark.line + 1}" if mark is not None else ""
            problem = getattr(error, "problem", None) or " ".join(str(error).split())
            raise self.error(f"{place}{where}: {problem}; write YAML") from error
        if data is None:
            return {}
        if not isinstance(data, dict):
            raise self.error(f"{place} holds no entries; write a key, and below it `name: …` and the other fields")
        for line, key in _repeated(document):
            raise self.error(f"{place}, line {line}: {key} is there twice; keep the one that is meant")
        return {str(key): self._row(str(key), row, place, model) for key, row in data.items()}

    def _row(self, key: str, row: Any, place: str, model: type[Row]) -> Row:
        if not _KEY.fullmatch(key):
            raise self.error(f"{place}: {key!r} is no key; use lower-case letters, digits, - and _")
        if not isinstance(row, dict):
            raise self.error(f"{place}: {key} is {row!r}; write its fields below it, one on each line")
        if "key" in row:
            raise self.error(f"{place}: {key}: unknown field key; the key is what stands above the fields")
        try:
            # By way of JSON: strict there still takes a list for a tuple, and no `yes` for a number.
            return model.model_validate_json(json.dumps({**row, "key": key}), strict=True)
        except ValidationError as error:
            raise self.error(f"{place}: {key}: {_explain(error, model)}") from error
        except (TypeError, ValueError) as error:
            raise self.error(f"{place}: {key}: {error}; write numbers, words and lists of them") from error


def settings_of(model: type[Settings], group: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield name, as in ``limits.max_airmass``, and description of every setting of a model, those of groups too."""
    for name, field in model.model_fields.items():
        inner = _group(field)
        if inner is None:
            yield f"{group}{name}", field
        else:
            yield from settings_of(inner, f"{group}{name}.")


def markdown_table(model: type[Settings], shared: type[Settings] | None = None) -> str:
    """
    Describe all settings of a model for the manual, one row each: name, unit, bounds, default, meaning.

    Parameters
    ----------
    model : type of Settings
    shared : type of Settings, optional
        What all groups have in common is described once, at the end.

    Returns
    -------
    str
    """
    repeated = shared.model_fields if shared is not None else {}
    described = [(name, field) for name, field in settings_of(model) if name.rpartition(".")[2] not in repeated]
    described += [(f"….{name}", field) for name, field in repeated.items()]
    rows = ["| setting | unit | bounds | default | what it says |", "|---|---|---|---|---|"]
    for name, field in described:
        extra = field.json_schema_extra
        unit = str(extra.get("unit", "")) if isinstance(extra, Mapping) else ""
        shown = "required" if field.is_required() else _shown(field.default)
        rows.append(f"| `{name}` | {unit or '–'} | {_bounds(field) or '–'} | {shown} | {field.description} |")
    return "\n".join(rows) + "\n"


def _shown(value: Any) -> str:
    if value is None or value == () or value == "":
        return "–"
    return f"{value:g}" if isinstance(value, float) else str(value).lower()


def _repeated(document: Any) -> Iterator[tuple[int, str]]:
    """Yield line and name of keys that a group has twice, of which YAML would silently take the last."""
    groups, visited = [document], set()
    while groups:
        group = groups.pop()
        # An anchor may be used many times, even within itself.
        if id(group) in visited or not isinstance(group.value, list):
            continue
        visited.add(id(group))
        seen = set()
        for item in group.value:
            key, value = item if isinstance(item, tuple) else (None, item)
            groups.append(value)
            if key is not None:
                if str(key.value) in seen:
                    yield key.start_mark.line + 1, str(key.value)
                seen.add(str(key.value))


def _explain(error: ValidationError, model: type[Settings]) -> str:
    """Say on one line what the first thing is that is wrong, and how many more there are."""
    first, *others = error.errors(include_url=False)
    where = [str(part) for part in first["loc"]]
    name, value, context = ".".join(where), first["input"], first.get("ctx", {})
    if first["type"] == "extra_forbidden":
        known = [k for k in _descend(model, where[:-1]).model_fields if k != "key"]
        near = difflib.get_close_matches(where[-1], known, 1, 0.5)
        text = f"unknown field {name}; " + (f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}")
    elif first["type"] == "missing":
        text = f"the field {name} is missing; add it"
    elif first["type"] == "value_error":
        text = f"{name}: {context['error']}" if name else str(context["error"])
    elif any(rule in context for rule in ("ge", "gt", "le", "lt")):
        field = _descend(model, where[:-1]).model_fields[where[-1]]
        text = f"{name} = {value!r} is out of bounds; give {_bounds(field)}"
    else:
        text = f"{name} = {value!r} makes no sense: {first['msg'][0].lower()}{first['msg'][1:]}"
    return text + (f" (and {len(others)} more)" if others else "")


def _descend(model: type[Settings], where: list[str]) -> type[Settings]:
    """Return the group of settings that a place in a model lies in."""
    for name in where:
        inner = _group(model.model_fields[name]) if name in model.model_fields else None
        model = inner or model
    return model


def _group(field: FieldInfo) -> type[Settings] | None:
    """Return the model of a group of settings, or of the members of a list of groups; None for a plain setting."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, Settings):
            return kind
    return None


def _bounds(field: FieldInfo) -> str:
    """Return the bounds of a setting in words."""
    found: dict[str, float] = {}
    for rule in field.metadata:
        found |= {key: getattr(rule, key) for key in ("ge", "gt", "le") if hasattr(rule, key)}
    low = f"more than {found['gt']:g}" if "gt" in found else f"{found['ge']:g}" if "ge" in found else ""
    if "le" not in found:
        return f"{low} or more" if "ge" in found else low
    if not low:
        return f"at most {found['le']:g}"
    return f"{low}, at most {found['le']:g}" if "gt" in found else f"{low} to {found['le']:g}"
