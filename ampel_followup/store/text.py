"""Text that a database can hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def storable(text: str) -> str:
    """Replace what a database cannot hold: NUL, and the lone surrogates that a wrongly set terminal types."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def storable_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the values of a row, or of the conditions of a query, with texts that a database can hold.

    Every text goes through here, and not only what people type: one odd character in the class of one object must not
    cost a whole night.
    """
    return {key: storable(value) if isinstance(value, str) else value for key, value in row.items()}
