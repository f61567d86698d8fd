"""What of a plan is listed, and in which order: the state of the list, which can be kept under a name."""

from __future__ import annotations

from dataclasses import dataclass

from ampel_followup_tui.groups import TONIGHT


@dataclass(frozen=True, slots=True)
class View:
    """
    What is listed, and how.

    Parameters
    ----------
    list : str
        One of `groups.LISTS`.
    group : str
        A group of it; empty for all of it.
    filter : str
        An expression of `filtering`; empty lets everything through.
    sort : str
        Key of the column that is sorted by; empty for the order of the plan, or of the strategy.
    reverse : bool
        Turn the order round.
    strategy : str
        The strategy that the plan is looked at under; empty for its own.
    """

    list: str = TONIGHT
    group: str = ""
    filter: str = ""
    sort: str = ""
    reverse: bool = False
    strategy: str = ""

    def __str__(self) -> str:
        """Say it in a few words."""
        parts = [
            f"{self.list}{f'/{self.group}' if self.group else ''}",
            f"“{self.filter}”" if self.filter else "",
            f"by {self.sort}" if self.sort else "",
            "turned round" if self.reverse else "",
            f"strategy {self.strategy}" if self.strategy else "",
        ]
        return ", ".join(part for part in parts if part)
