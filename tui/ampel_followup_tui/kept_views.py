"""
Views that an observer keeps under a name, in a YAML file of their own.

Not in the store: how somebody likes to look at lists is no record of a night, and those who may only read a store keep
views, too. A file is easily given to others.
"""

from __future__ import annotations

import os
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from ampel_followup.errors import ViewsError
from ampel_followup.untrusted import clean
from ampel_followup_tui.groups import LISTS
from ampel_followup_tui.views import View

#: Environment variable that names another file.
VARIABLE = "AMPEL_FOLLOWUP_VIEWS"

LONGEST_NAME = 40


def default_path() -> Path:
    """Return the file that the environment names, or else ``views.yml`` in the user's configuration folder."""
    if named := os.environ.get(VARIABLE):
        return Path(named).expanduser()
    from platformdirs import user_config_path

    return user_config_path("ampel-followup", appauthor=False) / "views.yml"


def read_views(path: Path) -> dict[str, View]:
    """
    Return the views of a file by name, in its order; none if there is no such file.

    Raises
    ------
    ViewsError
        If it cannot be read, or says what makes no sense.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = clean(str(error), 120)
        raise ViewsError(f"the saved views in {path} cannot be read: {reason}; correct or remove the file") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ViewsError(f"the saved views in {path} are no table of names; correct or remove the file")
    return {clean(str(name), LONGEST_NAME): _view(name, fields, path) for name, fields in content.items()}


def keep_view(path: Path, name: str, view: View) -> None:
    """
    Write a view into a file, in place of one with the same name; the file is made if it is missing.

    Raises
    ------
    ViewsError
        If the name is none, or the file cannot be read or written.
    """
    if not clean(name):
        raise ViewsError("a view needs a name; write one")
    _write(path, {**read_views(path), clean(name, LONGEST_NAME): view})


def drop_view(path: Path, name: str) -> None:
    """
    Take a view out of a file.

    Raises
    ------
    ViewsError
        If the file cannot be read or written.
    """
    views = read_views(path)
    views.pop(name, None)
    _write(path, views)


def _view(name: Any, content: Any, path: Path) -> View:
    where = f"view “{clean(str(name), LONGEST_NAME)}” in {path}"
    if not isinstance(content, dict):
        raise ViewsError(f"{where} is no table; write fields such as filter: mag<19")
    types = {field.name: bool if field.name == "reverse" else str for field in fields(View)}
    for key, value in content.items():
        if key not in types:
            raise ViewsError(f"{where} has “{clean(str(key), 40)}”; there are {', '.join(types)}")
        if not isinstance(value, types[key]):
            raise ViewsError(f"{where}: {key} is {clean(repr(value), 40)}; write {_EXPECTED[types[key]]}")
    view = View(**content)
    if view.list not in LISTS:
        raise ViewsError(f"{where} is of the list “{clean(view.list, 40)}”; there are {', '.join(LISTS)}")
    return view


_EXPECTED = {bool: "true or false", str: "a text, if need be in quotes"}


def _write(path: Path, views: dict[str, View]) -> None:
    import yaml

    default = asdict(View())
    content = {
        name: {key: value for key, value in asdict(view).items() if value != default[key]}
        for name, view in views.items()
    }
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    partial = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        # At once, so that a full disk or a killed process never costs the views that are there.
        partial.replace(path)
    except OSError as error:
        raise ViewsError(
            f"the view cannot be kept in {path}: {error.strerror}; name another file in {VARIABLE}"
        ) from error
