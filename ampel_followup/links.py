"""Pages of others about an object: templates in YAML that come with the package, and the user's own on top of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit

from pydantic import Field

from ampel_followup.errors import LinkError
from ampel_followup.observing.tables import Table
from ampel_followup.settings import Settings, read_text, read_yaml, setting, settings_from

#: The templates that come along.
PACKAGED = Path(__file__).with_name("links.yml")

#: Where the user's own are.
USERS = Table("links.yml", "AMPEL_FOLLOWUP_LINKS", LinkError)

_FIELD = re.compile(r"\{([^{}]*)\}")
_FIELDS = ("name", "ra", "dec", "signed_dec")


class LinkTemplate(Settings):
    """A page about an object."""

    name: Annotated[str, Field(min_length=1, max_length=40)] = setting("as it is listed")
    url: Annotated[str, Field(max_length=1000)] = setting("with {name}, {ra}, {dec} and {signed_dec}; empty: no link")
    names: Annotated[str, Field(max_length=200)] = setting("regular expression of the survey names", default="")


class LinkFile(Settings):
    """A file of links."""

    links: tuple[LinkTemplate, ...] = setting("the links", default=())


@dataclass(frozen=True, slots=True)
class Link:
    """A page about an object: how it is called, and its address, which is plain ASCII without blanks."""

    name: str
    url: str


@cache
def load_links() -> tuple[LinkTemplate, ...]:
    """
    Read the packaged templates and the user's on top of them, once for the process.

    Raises
    ------
    LinkError
        If a file cannot be read, or says what makes no sense; the message names file, link and remedy.
    """
    users = USERS.users()
    return read_links([PACKAGED] if users is None else [PACKAGED, users])


def read_links(paths: Iterable[Path]) -> tuple[LinkTemplate, ...]:
    """
    Read templates, each file on top of those before it: the same name replaces, an empty URL takes away.

    Raises
    ------
    LinkError
        As `load_links`.
    """
    found: dict[str, LinkTemplate] = {}
    for path in paths:
        for link in _read(path):
            if link.url:
                found[link.name] = link
            else:
                found.pop(link.name, None)
    return tuple(found.values())


def links_of(name: str, ra: float, dec: float, templates: Iterable[LinkTemplate]) -> tuple[Link, ...]:
    """
    Return the pages about an object.

    Parameters
    ----------
    name : str
        Survey name; whatever is in it is encoded.
    ra, dec : float
        ICRS [deg].
    templates : iterable of LinkTemplate
        As from `load_links`.

    Returns
    -------
    tuple of Link
        Of the templates that are for such names.
    """
    values = {"name": name, "ra": f"{ra:.6f}", "dec": f"{dec:.6f}", "signed_dec": f"{dec:+.6f}"}
    encoded = {field: quote(value, safe="", errors="replace") for field, value in values.items()}
    return tuple(
        Link(template.name, _FIELD.sub(lambda field: encoded[field[1]], template.url))
        for template in templates
        if not template.names or re.fullmatch(template.names, name)
    )


def _read(path: Path) -> tuple[LinkTemplate, ...]:
    data = read_yaml(read_text(path, LinkError), str(path), LinkError)
    if data is None:
        return ()
    if not isinstance(data, dict):
        raise LinkError(f"{path} holds no links; write `links:`, and below it `- {{name: …, url: …}}`")
    links = settings_from(data, LinkFile, str(path), LinkError).links
    for link in links:
        _check(link, path)
    return links


def _check(link: LinkTemplate, path: Path) -> None:
    """Refuse what is no address of a page, or asks for what is not known of an object."""
    place = f"{path}: {link.name}"
    for field in _FIELD.findall(link.url):
        if field not in _FIELDS:
            raise LinkError(f"{place}: {{{field}}} is not known; use {', '.join(f'{{{name}}}' for name in _FIELDS)}")
    bare = _FIELD.sub("x", link.url)
    parts = urlsplit(bare)
    if link.url and (
        parts.scheme not in ("http", "https") or not parts.netloc or not bare.isascii() or not bare.isprintable()
    ):
        raise LinkError(f"{place}: {link.url!r} is no address of a page; begin with https:// and encode what is odd")
    if any(character in bare for character in ' <>"{}\\^`'):
        raise LinkError(f"{place}: {link.url!r} has characters that addresses do not; encode them, a blank as %20")
    try:
        re.compile(link.names)
    except re.error as error:
        raise LinkError(f"{place}: names: {link.names!r} is no regular expression: {error}") from error
