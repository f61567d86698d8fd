"""
The policy of the virtual assistant: stages, queues, thresholds, snooze and ages, read from one versioned YAML file.

The numbers of the packaged policy are those in production at ATLAS (Stevance et al. 2025), where there are such.
`ampel_followup.placing` applies them; `ampel_followup.replay` shows what a change would do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from ampel_followup.assistant_scores import Queue
from ampel_followup.errors import PolicyError
from ampel_followup.settings import Settings, fields_of, read_text, read_yaml, setting, settings_from, unit_of
from ampel_followup.settings import markdown_table as table_of

#: The policy that comes along: `conf` lies beside the package, in a checkout as in an installed wheel.
PACKAGED = Path(__file__).parent.parent / "conf" / "ampel-followup" / "policy.yml"


class Stages(Settings):
    """How long an object has been known, counted from its first detection."""

    first_until: float = setting("first alerts: up to this age", "d", default=2.0, gt=0, le=100)
    updating_until: float = setting("updating: up to this age; long term after it", "d", default=21.0, gt=0, le=1000)

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

    above: float = setting(
        "rank above which the last visit brings an object before a person", "rank", default=7.0, ge=0, le=10
    )


class Urgent(Settings):
    """What cannot wait: eyeball rank, and it changes fast, before the long-term stage."""

    p_fast_above: float = setting(
        "P(fast) of the last visit above which it is urgent", "probability", default=0.5, ge=0, le=1
    )


class Galactic(Settings):
    """Galactic candidates: √((1 − P(real))² + (axis · (1 − P(galactic)))²) < within, at the last visit."""

    within: float = setting("distance from a certain galactic source, (1, 1)", "probability", default=0.4, ge=0, le=2)
    axis: float = setting("weight of the galactic axis in that distance", default=0.9, ge=0, le=10)


class Discard(Settings):
    """What weeds itself out; it stays in the store, and a visit with a rank to look at brings it back."""

    entry_below: float = setting("at the first visit: rank below this", "rank", default=1.5, ge=0, le=10)
    second_max_below: float = setting(
        "at the second visit: higher of the two ranks below this", "rank", default=2.0, ge=0, le=10
    )
    later_mean_below: float = setting(
        "from the third visit on: mean of all ranks below this", "rank", default=3.0, ge=0, le=10
    )


class Purgatory(Settings):
    """What is neither to be looked at nor discarded."""

    from_age: float = setting("from this age on a person decides", "d", default=15.0, ge=0, le=1000)


class Snooze(Settings):
    """How long a deferred object stays away."""

    days: int = setting(
        "it comes back so many evenings after the one on which it was deferred", "d", default=3, ge=1, le=365
    )
    wake_rise: float = setting("earlier, if its rank has risen by this since", "rank", default=1.0, gt=0, le=10)


class Ages(Settings):
    """When an object leaves tonight's list by itself."""

    without_points: float = setting("it stays listed so long after its last point", "d", default=30.0, gt=0, le=10000)


class Closing(Settings):
    """When the observing window of an object at the site is about to close."""

    nights: int = setting(
        "say so when fewer nights than this remain, tonight included", "nights", default=14, ge=0, le=366
    )


class Anomalies(Settings):
    """Places of tonight's list that are kept for anomalies, where a search for them is used (`rank --anomaly`)."""

    places: int = setting("so many places of the list", "targets", default=3, ge=0, le=1000)
    every: int = setting("one of each so many places, from the top of the list on", "targets", default=5, ge=1, le=1000)


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
    )
    version: int = setting("to be raised with every change", ge=1)
    galactic_weight: float = setting(
        "s of the rank, 10 · (1 − d/√(1 + s²)) with d = √((1 − P(real))² + (s · P(galactic))²)",
        default=0.5,
        ge=0,
        le=10,
    )
    named_rank: float = setting("rank of what a catalogue match names", "rank", default=10.0, ge=0, le=10)
    stages: Stages = Stages()
    eyeball: Eyeball = Eyeball()
    urgent: Urgent = Urgent()
    galactic: Galactic = Galactic()
    discard: Discard = Discard()
    purgatory: Purgatory = Purgatory()
    snooze: Snooze = Snooze()
    ages: Ages = Ages()
    closing: Closing = Closing()
    anomalies: Anomalies = Anomalies()
    listed: tuple[Queue, ...] = setting(
        "queues that belong to tonight's list; the others are set aside, each in a tab of its own",
        default=(Queue.URGENT, Queue.EXTRAGALACTIC, Queue.GALACTIC),
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
    return read_policy(read_text(path, PolicyError), str(path))


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
    data = read_yaml(text, place, PolicyError)
    if not isinstance(data, dict):
        raise PolicyError(f"{place} holds no settings; write lines such as `name: mine` and `version: 1`")
    return settings_from(data, Policy, place, PolicyError)


def settings_of(policy: Policy) -> Iterator[tuple[str, Any, str, str]]:
    """
    Yield every setting of a policy.

    Yields
    ------
    name, value, unit, description : str, object, str, str
        The name as in ``discard.entry_below``; `value` as YAML and JSON have it.
    """
    values = policy.model_dump(mode="json")
    for name, field in fields_of(Policy):
        group, _, key = name.rpartition(".")
        yield name, (values[group] if group else values)[key], unit_of(field), field.description or ""


def markdown_table() -> str:
    """
    Describe all settings for the manual.

    Returns
    -------
    str
        A table with one row per setting: name, unit, bounds, packaged value, meaning.
    """
    return table_of(Policy, packaged={name: value for name, value, _, _ in settings_of(load_policy())})
