"""
Write the options of the AMPEL units into the manual, from their annotations and the comments above those.

Run it after a unit has got another option, default or comment: `docs/ampel.md` has a heading for each unit with a table
of its options, which is written anew. Needs the extra `ztf`.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
MANUAL = ROOT / "docs" / "ampel.md"

#: Pages of the manual that say more about what the comments speak of.
_PAGES = {
    "`ampel-followup train early`": "active-learning.md",
    "virtual assistant": "assistant.md",
    "classifier that says which epochs counted": "attention.md",
    "in use": "learning-loop.md",
    "Ranking strategy": "method.md",
    "search for lenses": "microlensing.md",
    "YAML file of the policy": "policy.md",
}

_HEAD = "| option | default | meaning |\n|---|---|---|\n"


def units() -> dict[str, Any]:
    """Return the units of this distribution by name, in the order of their tiers and names."""
    paths = sorted((ROOT / "units").rglob("t[0-9]/*.py"))
    return {
        path.stem: getattr(import_module(".".join(path.relative_to(ROOT / "units").with_suffix("").parts)), path.stem)
        for path in paths
    }


def options(unit: Any) -> Iterator[tuple[str, str, str]]:
    """
    Yield name, default and meaning of each option of a unit, in the order of its source.

    Raises
    ------
    ValueError
        If an option has no comment.
    """
    lines = inspect.getsource(unit).splitlines()
    [definition] = ast.parse("\n".join(lines)).body
    assert isinstance(definition, ast.ClassDef)
    for node in definition.body:
        if not isinstance(node, ast.AnnAssign) or "ClassVar" in ast.unparse(node.annotation):
            continue
        name = ast.unparse(node.target)
        yield name, _default(unit, name, node), _comment(lines, node.lineno - 1, f"{unit.__name__}.{name}")


def table(unit: Any) -> str:
    """Return the options of a unit as a table in Markdown."""
    return _HEAD + "".join(f"| `{name}` | {default} | {meaning} |\n" for name, default, meaning in options(unit))


def renewed(manual: str) -> str:
    """
    Return the manual with the tables of all units as they are now.

    Raises
    ------
    ValueError
        If it has no heading for a unit, or no table below it.
    """
    for name, unit in units().items():
        before, heading, section = manual.partition(f"\n### {name}\n")
        start = section.find(_HEAD)
        if not heading or not 0 <= start < (section + "\n#").find("\n#"):
            raise ValueError(f"the manual has no table of options under the heading ### {name}; write one")
        end = section.find("\n\n", start) + 1
        manual = before + heading + section[:start] + table(unit) + section[end:]
    return manual


def _default(unit: Any, name: str, node: ast.AnnAssign) -> str:
    if node.value is None:
        return "required"
    value = getattr(unit, name) if not isinstance(node.value, ast.Constant) else node.value.value
    value = getattr(value, "label", value)  # of a secret, the name that AMPEL's vault knows it by
    if value is None or value == "":
        return "none"
    return f"`{value}`" if isinstance(value, str) else str(value).lower()


def _comment(lines: list[str], end: int, option: str) -> str:
    start = end
    while lines[start - 1].lstrip().startswith("#:"):
        start -= 1
    if start == end:
        raise ValueError(f"{option} has no comment that begins with #: above it; say what it means")
    text = " ".join(line.strip().removeprefix("#:").strip() for line in lines[start:end])
    text = text.replace("``", "`").rstrip(".").replace("|", "\\|")
    for words, page in _PAGES.items():
        text = text.replace(words, f"[{words}]({page})", 1)
    return text


def main() -> None:
    """Write the manual anew."""
    MANUAL.write_text(renewed(MANUAL.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
