"""When a challenger may take the champion's place without a person deciding: a policy in YAML."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from ampel_followup.champions import METRIC_NAMES, Challenger, Metric
from ampel_followup.errors import PolicyError
from ampel_followup.settings import Settings, read_text, read_yaml, setting, settings_from

#: The policy that comes along.
PACKAGED = Path(__file__).parent.parent / "conf" / "ampel-followup" / "promotion.yml"

# Of differences: 0.8 - 0.7 is more than 0.1 to a computer.
_ROUNDING = 1e-9

_NOT_MET = "not met: "


class PromotionPolicy(Settings):
    """What a challenger must show, on labelled objects that neither it nor the champion was trained on."""

    name: str = Field(
        description="name of the policy: letters, digits, and between them . + - and blanks",
        max_length=60,
        pattern=r"^\w[\w .+-]*$",
    )
    version: int = setting("to be raised with every change", ge=1)
    metric: Metric = setting("what must be better: `log_loss`, `accuracy` or `macro_recall`")
    better_by: float = setting("by at least so much, in the unit of the metric", ge=0, le=10)
    confidence: float = setting("in at least this share of the draws of the bootstrap", ge=0.5, le=1)
    min_objects: int = setting("on at least so many labelled objects", ge=10)
    max_recall_loss: float = setting("no class may lose more of its recall than this", ge=0, le=1)
    recall_from: int = setting("of classes with at least so many labelled objects; fewer say nothing", default=5, ge=1)

    @property
    def label(self) -> str:
        """Name and version, as promotions say them."""
        return f"{self.name} {self.version}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """
    What a policy says of a challenger.

    Parameters
    ----------
    allowed : bool
    reasons : tuple of str
        Each demand and what was found, in words.
    """

    allowed: bool
    reasons: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The reasons on one line."""
        return "; ".join(self.reasons)

    @property
    def missing(self) -> str:
        """What is not met, on one line; empty where it is allowed."""
        return "; ".join(r.removeprefix(_NOT_MET) for r in self.reasons if r.startswith(_NOT_MET))


def judge(challenger: Challenger, policy: PromotionPolicy) -> Judgement:
    """
    Say whether a policy lets a challenger take the champion's place.

    Parameters
    ----------
    challenger : Challenger
    policy : PromotionPolicy

    Returns
    -------
    Judgement
    """
    comparison = challenger.comparison
    found = comparison.difference(policy.metric)
    unit = METRIC_NAMES[policy.metric]
    demands = [
        (
            comparison.n_objects >= policy.min_objects,
            f"{comparison.n_objects} labelled objects, {policy.min_objects} needed",
        ),
        (
            found.gain >= policy.better_by - _ROUNDING,
            f"{unit} better by {found.gain:+.3f}, {policy.better_by:g} needed",
        ),
        (
            found.p_better >= policy.confidence,
            f"better in {100 * found.p_better:.1f} % of the draws, {100 * policy.confidence:g} % needed",
        ),
    ]
    for change in comparison.per_class:
        if change.n >= policy.recall_from:
            lost = change.recall_before - change.recall_after
            if lost > policy.max_recall_loss + _ROUNDING:
                text = f"{change.name} loses {lost:.2f} of its recall, {policy.max_recall_loss:g} allowed"
                demands.append((False, text))
    if all(met for met, _ in demands):
        demands.append(
            (True, f"no class of {policy.recall_from} objects or more loses {policy.max_recall_loss:g} recall")
        )
    return Judgement(
        all(met for met, _ in demands),
        tuple(text if met else f"{_NOT_MET}{text}" for met, text in demands),
    )


def load_promotion_policy(path: Path | None = None) -> PromotionPolicy:
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
    data = read_yaml(read_text(path, PolicyError), str(path), PolicyError)
    if not isinstance(data, dict):
        raise PolicyError(f"{path} holds no settings; `ampel-followup learn policy` prints one to start from")
    return settings_from(data, PromotionPolicy, str(path), PolicyError)
