"""
The policy of the virtual assistant: stages, queues, thresholds, snooze and ages, read from one versioned YAML file.

The numbers of the packaged policy are those in production at ATLAS (Stevance et al. 2025), where there are such.
`ampel_followup.placing` applies them; `ampel_followup.replay` shows what a change would do.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ampel_followup.assistant_scores import Queue
from ampel_followup.errors import PolicyError

#: The policy that comes along: `conf` lies beside the package, in a checkout as in an installed wheel.
PACKAGED = Path(__file__).parent.parent / "conf" / "ampel-followup" / "policy.yml"


def _setting(
    default: Any,
    description: str,
    unit: str = "",
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
) -> Any:
    """Describe a setting; its unit and bounds go into the manual."""
    return Field(default=default, description=description, json_schema_extra={"unit": unit}, ge=ge, gt=gt, le=le)


class Settings(BaseModel):
    """What all groups of settings share: nothing unknown, nothing that is no number, nothing that changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Stages(Settings):
    """How long an object has been known, counted from its first detection."""

    first_until: float = _setting(2.0, "first alerts: up to this age", "d", gt=0, le=100)
    updating_until: float = _setting(21.0, "updating: up to this age; long term after it", "d", gt=0, le=1000)

    @model_validator(mode="after")
    def _in_order(self) -> Stages:
        if self.first_until >= self.updating_until:
            raise ValueError(
                f"first_until = {self.first_until:g} is not below updating_until = {self.updating_until:g}; "
                "the first stage ends before the second"
            )
        return self


class Eyeball(Settings):
    """What a person looks at."""

    above: float = _setting(
        7.0, "rank above which the last visit brings an object before a person", "rank", ge=0, le=10
    )


class Urgent(Settings):
    """What cannot wait: eyeball rank, and it changes fast, before the long-term stage."""

    p_fast_above: float = _setting(0.5, "P(fast) of the last visit above which it is urgent", "probability", ge=0, le=1)


class Galactic(Settings):
    """Galactic candidates: √((1 − P(real))² + (axis · (1 − P(galactic)))²) < within, at the last visit."""

    within: float = _setting(0.4, "distance from a certain galactic source, (1, 1)", "probability", ge=0, le=2)
    axis: float = _setting(0.9, "weight of the galactic axis in that distance", "", ge=0, le=10)


class Discard(Settings):
    """What weeds itself out; it stays in the store, and a visit with a rank to look at brings it back."""

    entry_below: float = _setting(1.5, "at the first visit: rank below this", "rank", ge=0, le=10)
    second_max_below: float = _setting(
        2.0, "at the second visit: higher of the two ranks below this", "rank", ge=0, le=10
    )
    later_mean_below: float = _setting(
        3.0, "from the third visit on: mean of all ranks below this", "rank", ge=0, le=10
    )


class Purgatory(Settings):
    """What is neither to be looked at nor discarded."""

    from_age: float = _setting(15.0, "from this age on a person decides", "d", ge=0, le=1000)


class Snooze(Settings):
    """How long a deferred object stays away."""

    days: int = _setting(3, "it comes back so many evenings after the one on which it was deferred", "d", ge=1, le=365)
    wake_rise: float = _setting(1.0, "earlier, if its rank has risen by this since", "rank", gt=0, le=10)


class Ages(Settings):
    """When an object leaves tonight's list by itself."""

    without_points: float = _setting(30.0, "it stays listed so long after its last point", "d", gt=0, le=10000)


class Closing(Settings):
    """When the observing window of an object at the site is about to close."""

    nights: int = _setting(14, "say so when fewer nights than this remain, tonight included", "nights", ge=0, le=366)


class Policy(Settings):
    """
    What is worth a look, and when.

    Raises
    ------
    pydantic.ValidationError
        If a setting is unknown or out of bounds; `load_policy` says so on one line.
    """

    name: str = Field(
        description="name of the policy: letters, digits, and between them . + - and blanks",
        max_length=60,
        pattern=r"^\w[\w .+-]*$",
        json_schema_extra={"unit": ""},
    )
    version: int = Field(description="to be raised with every change", ge=1, json_schema_extra={"unit": ""})
    galactic_weight: float = _setting(
        0.5,
        "s of the rank, 10 · (1 − d/√(1 + s²)) with d = √((1 − P(real))² + (s · P(galactic))²)",
        ge=0,
        le=10,
    )
    named_rank: float = _setting(10.0, "rank of what a catalogue match names", "rank", ge=0, le=10)
    stages: Stages = Stages()
    eyeball: Eyeball = Eyeball()
    urgent: Urgent = Urgent()
    galactic: Galactic = Galactic()
    discard: Discard = Discard()
    purgatory: Purgatory = Purgatory()
    snooze: Snooze = Snooze()
    ages: Ages = Ages()
    closing: Closing = Closing()
    listed: tuple[Queue, ...] = _setting(
        (Queue.URGENT, Queue.EXTRAGALACTIC, Queue.GALACTIC),
        "queues that belong to tonight's list; the others are set aside, each in a tab of its own",
    )

    @property
    def label(self) -> str:
        """Name and version, as plans and logs show it."""
        return f"{self.name} {self.version}"

    @property
    def digest(self) -> str:
        """SHA-256 of all settings, defaults included: the same whatever the file's layout."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def load_policy(path: Path | None = None) -> Policy:
    """
    Read a policy.

    Parameters
    ----------
    path : Path, optional
        YAML file; by default the one that comes along.

    Raises
    ------
    PolicyError
        If there is no such file, it is no YAML, or a setting is unknown or out of bounds.
    """
    path = PACKAGED if path is None else path
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise PolicyError(f"the policy {path} cannot be read: {reason}; name a YAML file") from error
    return read_policy(text, str(path))


def read_policy(text: str, place: str = "the policy") -> Policy:
    """
    Read a policy from YAML text.

    Parameters
    ----------
    text : str
    place : str
        How errors name it.

    Raises
    ------
    PolicyError
        As `load_policy`.
    """
    try:
        twice = _repeated(yaml.compose(text, yaml.SafeLoader))
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        raise PolicyError(f"{place}, {where}{problem}; write YAML") from error
    if twice is not None:
        line, name = twice.start_mark.line + 1, twice.value
        raise PolicyError(f"{place}, line {line}: {name} is there twice; keep the one that is meant")
    if not isinstance(data, dict):
        raise PolicyError(f"{place} holds no settings; write lines such as `name: mine` and `version: 1`")
    try:
        # By way of JSON: strict there still takes a list for a tuple and a word for a queue, and no `yes` for a number.
        return Policy.model_validate_json(json.dumps(data, default=str), strict=True)
    except ValidationError as error:
        raise PolicyError(f"{place}: {_explain(error)}") from error
    except (TypeError, ValueError) as error:
        raise PolicyError(f"{place}: {error}; write settings by their names, without anchors") from error


def _repeated(document: yaml.Node | None) -> yaml.ScalarNode | None:
    """Return the first key that a group of settings has twice, of which YAML would silently take the last."""
    groups = [document, *(value for _, value in document.value)] if isinstance(document, yaml.MappingNode) else []
    for group in groups:
        seen = set()
        for key, _ in group.value if isinstance(group, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                return key
            seen.add(str(key.value))
    return None


def _explain(error: ValidationError) -> str:
    """Say on one line what the first thing is that is wrong, and how many more there are."""
    first, *others = error.errors(include_url=False)
    where = tuple(str(part) for part in first["loc"])
    name, value, context = ".".join(where), first["input"], first.get("ctx", {})
    if first["type"] == "extra_forbidden":
        known = list(_group(where[:-1]).model_fields)
        near = difflib.get_close_matches(where[-1], known, 1, 0.5)
        remedy = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
        text = f"unknown setting {name}; {remedy}"
    elif first["type"] == "missing":
        text = f"the setting {name} is missing; add it"
    elif first["type"] == "value_error":
        text = f"{name}: {context['error']}"
    else:
        bounds = {rule: context[rule] for rule in ("ge", "gt", "le", "lt") if rule in context}
        wanted = _bounds(where) if bounds else first["msg"][0].lower() + first["msg"][1:]
        text = f"{name} = {value!r} " + (f"is out of bounds; give {wanted}" if bounds else f"makes no sense: {wanted}")
    return text + (f" (and {len(others)} more)" if others else "")


def _group(where: tuple[str, ...]) -> type[BaseModel]:
    """Return the model of a group of settings."""
    model: Any = Policy
    for name in where:
        model = model.model_fields[name].annotation
    return cast("type[BaseModel]", model)


def _bounds(where: tuple[str, ...]) -> str:
    """Return the bounds of a setting in words."""
    found: dict[str, float] = {}
    for rule in _group(where[:-1]).model_fields[where[-1]].metadata:
        found |= {key: getattr(rule, key) for key in ("ge", "gt", "le") if hasattr(rule, key)}
    low = f"more than {found['gt']:g}" if "gt" in found else f"{found['ge']:g}" if "ge" in found else ""
    if "le" not in found:
        return f"{low} or more" if low else ""
    return f"{low} to {found['le']:g}"


def settings_of(policy: Policy) -> Iterator[tuple[str, Any, str, str]]:
    """
    Yield every setting of a policy.

    Yields
    ------
    name, value, unit, description : str, object, str, str
        The name as in ``discard.entry_below``; `value` as YAML and JSON have it.
    """
    values = policy.model_dump(mode="json")
    for name, field in Policy.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, Settings):
            for key, inner in group.model_fields.items():
                yield f"{name}.{key}", values[name][key], _unit(inner), inner.description or ""
        else:
            yield name, values[name], _unit(field), field.description or ""


def _unit(field: Any) -> str:
    return str((field.json_schema_extra or {}).get("unit", ""))


def markdown_table() -> str:
    """
    Describe all settings for the manual.

    Returns
    -------
    str
        A table with one row per setting: name, packaged value, unit, bounds, meaning.
    """
    rows = ["| setting | packaged | unit | bounds | what it says |", "|---|---|---|---|---|"]
    for name, value, unit, description in settings_of(load_policy()):
        shown = ", ".join(value) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else value
        bounds = _bounds(tuple(name.split(".")))
        rows.append(f"| `{name}` | {shown} | {unit or '–'} | {bounds or '–'} | {description} |")
    return "\n".join(rows) + "\n"
