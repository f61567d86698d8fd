"""What a filter that is being typed could go on with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from textual.suggester import Suggester

from ampel_followup_tui.filtering.expression import Kind, last_token
from ampel_followup_tui.filtering.fields import FIELDS, WORDS
from ampel_followup_tui.glyphs import STATUS, UNDECIDED
from ampel_followup_tui.journal import Journal

_SIGNS = ":=<>|,"


class FilterSuggester(Suggester):
    """
    Completes the last word: names of fields, words, and values of fields of this plan.

    Parameters
    ----------
    journal : Journal
        The night.
    """

    def __init__(self, journal: Journal) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._journal = journal

    async def get_suggestion(self, value: str) -> str | None:
        """Return the whole text with its last word completed; None if nothing fits."""
        token = last_token(value)
        begin = max((token.rfind(sign) for sign in _SIGNS), default=-1) + 1
        typed = token[begin:].removeprefix("!" if begin == 0 else "")
        if not typed or '"' in typed:
            return None
        name = token.lstrip("!").partition(":")[0].casefold()
        offered = self._values(name) if ":" in token[:begin] else _openings()
        for word in offered:
            if word.casefold().startswith(typed.casefold()) and len(word) > len(typed):
                return value + word[len(typed) :]
        return None

    def _values(self, name: str) -> Iterable[str]:
        """Return what a field has for values in this plan."""
        if name in ("class", "now", "after"):
            plan = self._journal.plan
            names = {name for target in plan.targets[:1] for name in target.scores.p_t}
            # Both as a whole and without what all supernovae have in common; a blank would end the term.
            whole = sorted(names | {each.removeprefix("SN ") for each in names})
            return (each for each in whole if " " not in each)
        if name == "status":
            return [UNDECIDED[1], *(word for verdict, (_, word, _) in STATUS.items() if verdict not in _NO_STATE)]
        if name in FIELDS and FIELDS[name].kind == Kind.WORDS and name in ("queue", "stage", "by"):
            return sorted({word for t in self._journal.plan.targets for word in FIELDS[name].read(t, self._journal)})  # type: ignore[union-attr]
        return ()


_NO_STATE = frozenset({"comment", "undo"})


def _openings() -> Iterator[str]:
    """Yield what a term can begin with."""
    yield from (f"{field.name}:" if field.kind == Kind.WORDS else field.name for field in FIELDS.values())
    yield from WORDS
