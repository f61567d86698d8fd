"""Described settings: read strictly from YAML, refused on one line that names the place, and listed for the manual."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from ampel_followup.errors import FollowupError


class Settings(BaseModel):
    """What all described settings share: nothing unknown, nothing that is no number, nothing that changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


AnySettings = TypeVar("AnySettings", bound=Settings)


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


def read_text(path: Path, error: type[FollowupError]) -> str:
    """Return the text of a file of settings; `error` is raised if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        reason = cause.strerror if isinstance(cause, OSError) else "it is not UTF-8 text"
        raise error(f"{path} cannot be read: {reason}; name a YAML file") from cause


def read_yaml(text: str, place: str, error: type[FollowupError]) -> Any:
    """
    Return what YAML text says.

    Parameters
    ----------
    text : str
    place : str
        How errors name it.
    error : type of FollowupError
        Raised if the text is no YAML, or if a group has a key twice, of which YAML would silently take the last.
    """
    import yaml  # here, because most of what imports described settings never reads any

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        document = yaml.compose(text, loader)
        data = yaml.load(text, loader)
    except yaml.YAMLError as cause:
        mark = getattr(cause, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        problem = getattr(cause, "problem", None) or " ".join(str(cause).split())
        raise error(f"{place}{where}: {problem}; write YAML") from cause
    for line, key in _repeated(document):
        raise error(f"{place}, line {line}: {key} is there twice; keep the one that is meant")
    return data


def settings_from(
    data: Mapping[Any, Any],
    model: type[AnySettings],
    place: str,
    error: type[FollowupError],
    given: Mapping[str, Any] | None = None,
) -> AnySettings:
    """
    Make settings of what YAML says.

    Parameters
    ----------
    data : mapping
    model : type of Settings
    place : str
        How errors name it.
    error : type of FollowupError
        Raised if a setting is unknown, missing, of another kind or out of bounds.
    given : mapping, optional
        Settings that are known already, and that `data` need not have.
    """
    given = given or {}
    try:
        # By way of JSON: strict there still takes a list for a tuple, a word for a choice, and no `yes` for a number.
        return model.model_validate_json(json.dumps({**data, **given}, default=str), strict=True)
    except ValidationError as cause:
        raise error(f"{place}: {_explain(cause, model, given)}") from cause
    except (TypeError, ValueError) as cause:
        raise error(f"{place}: {cause}; write names, with numbers, words and lists of them") from cause


def fields_of(model: type[Settings], group: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield name, as in ``limits.max_airmass``, and description of every setting of a model, those of groups too."""
    for name, field in model.model_fields.items():
        inner = _group(field)
        if inner is None:
            yield f"{group}{name}", field
        else:
            yield from fields_of(inner, f"{group}{name}.")


def unit_of(field: FieldInfo) -> str:
    """Return the unit of a setting; empty without one."""
    extra = field.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, Mapping) else ""


def shown(value: Any) -> str:
    """Return the value of a setting as people read it."""
    if value in (None, "", (), []):
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def markdown_table(
    model: type[Settings], *, shared: type[Settings] | None = None, packaged: Mapping[str, Any] | None = None
) -> str:
    """
    Describe all settings of a model for the manual, one row each: name, unit, bounds, default, meaning.

    Parameters
    ----------
    model : type of Settings
    shared : type of Settings, optional
        What all groups have in common is described once, at the end.
    packaged : mapping of str to object, optional
        Value of every setting, by its name as in `fields_of`, that stands in place of the default.

    Returns
    -------
    str
    """
    repeated = shared.model_fields if shared is not None else {}
    described = [(name, field) for name, field in fields_of(model) if name.rpartition(".")[2] not in repeated]
    described += [(f"….{name}", field) for name, field in repeated.items()]
    rows = [
        f"| setting | unit | bounds | {'default' if packaged is None else 'packaged'} | what it says |",
        "|---|---|---|---|---|",
    ]
    for name, field in described:
        if packaged is not None:
            value = shown(packaged[name])
        else:
            value = "required" if field.is_required() else shown(field.default)
        rows.append(f"| `{name}` | {unit_of(field) or '–'} | {_bounds(field) or '–'} | {value} | {field.description} |")
    return "\n".join(rows) + "\n"


def _repeated(document: Any) -> Iterator[tuple[int, str]]:
    """Yield line and name of keys that a group has twice."""
    groups, visited = [] if document is None else [document], set()
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


def _explain(error: ValidationError, model: type[Settings], given: Mapping[str, Any]) -> str:
    """Say on one line what the first thing is that is wrong, and how many more there are."""
    first, *others = error.errors(include_url=False)
    where = [str(part) for part in first["loc"]]
    name, value, context = ".".join(where), first["input"], first.get("ctx", {})
    if first["type"] == "extra_forbidden":
        known = [k for k in _descend(model, where[:-1]).model_fields if k not in given]
        near = difflib.get_close_matches(where[-1], known, 1, 0.5)
        text = f"{name} is unknown; " + (f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}")
    elif first["type"] == "missing":
        text = f"{name} is missing; add it"
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
