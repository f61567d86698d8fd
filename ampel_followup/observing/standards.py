"""Spectrophotometric standard stars."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml


@dataclass(frozen=True, slots=True)
class Standard:
    """A standard star: `ra`, `dec` ICRS at epoch 2000 [deg], `magnitude` V [mag]."""

    name: str
    ra: float
    dec: float
    magnitude: float


@cache
def load_standards() -> tuple[Standard, ...]:
    """Return the standard stars of the table that comes with the package, in order of right ascension."""
    rows = yaml.safe_load(resources.files(__package__).joinpath("standards.yml").read_text(encoding="utf-8"))
    return tuple(
        Standard(row["name"], 15.0 * _degrees(row["ra"]), _degrees(row["dec"]), float(row["magnitude"])) for row in rows
    )


def _degrees(sexagesimal: str) -> float:
    whole, minutes, seconds = (float(part) for part in sexagesimal.lstrip("+-").split(":"))
    size = whole + minutes / 60.0 + seconds / 3600.0
    return -size if sexagesimal.startswith("-") else size
