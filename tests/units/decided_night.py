"""A night on which people decided, told to AMPEL's stocks: the same on a server and on its stand-in."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml
from ampel_broker import EXAMPLES
from night_plans import NIGHT, SITE, everything, stored

from ampel_followup.decision import Decision
from ampel_followup.labels import Label
from ampel_followup.store import Store

MORNING = "2018-08-21T14:00:00.000000Z"


def at(minute: int) -> str:
    """Return a time of the night."""
    return f"2018-08-21T05:{minute:02d}:00.000000Z"


def decide(store: Path, target: str, verdict: str, *, minute: int = 0, comment: str = "") -> Decision:
    """Record a decision of the night."""
    decision = Decision(target, NIGHT, SITE, verdict, "ada", at(minute), comment=comment)
    with Store.open(store) as opened:
        return opened.record(decision)


def take_back(store: Path, decision: Decision, *, minute: int = 0) -> Decision:
    """Record that a decision of the night was taken back."""
    with Store.open(store) as opened:
        return opened.undo(decision.id, observer="bob", time=at(minute))


def name(store: Path, target: str, label: str, source: str = "TNS") -> None:
    """Record a label."""
    with Store.open(store) as opened:
        opened.add_labels([Label(target, label, source, MORNING)])


def decisions_job(broker: Any, **options: Any) -> dict[str, Any]:
    """Return the example process that tells the stocks, as a job."""
    processor = yaml.safe_load((EXAMPLES / "followup_decisions.yml").read_text())["processor"]
    processor["config"]["channel"] = "FOLLOWUP"
    processor["config"]["execute"][0]["config"] = {"store": str(broker.store), **options}
    return {"name": "decisions", "mongo": {"prefix": broker.database.name, "reset": False}, "task": [processor]}


def leaving_out_what_was_decided(job: dict[str, Any]) -> dict[str, Any]:
    """Return the example job with the selection that the example of a nightly process proposes, for its plan."""
    job = copy.deepcopy(job)
    [line] = [line for line in (EXAMPLES / "followup_process.yml").read_text().splitlines() if "# custom:" in line]
    job["task"][2]["config"]["supply"]["config"]["select"]["config"] |= yaml.safe_load(line.replace("#", " "))
    return job


def for_colleagues(broker: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Add a second channel to the example job, and its plan as the last task."""
    channel, directive = job["channel"][0], job["task"][0]["config"]["directives"][0]
    job["channel"].append({**channel, "name": "COLLEAGUES"})
    job["task"][0]["config"]["directives"].append({**directive, "channel": "COLLEAGUES"})
    plan = yaml.safe_load((EXAMPLES / "followup_colleagues.yml").read_text())["processor"]
    unit = plan["config"]["stage"]["config"]["execute"][0]
    unit["config"] |= {"night": NIGHT, "store": str(broker.folder / "colleagues.sqlite")}
    job["task"].append(plan)
    return job


def told(broker: Any) -> dict[str, tuple[set[str], list[tuple[Any, ...]]]]:
    """Return of each stock that was told something: its tags of decisions, and what its journal says."""
    found = {}
    for stock in broker.documents("stock"):
        records = [record for record in stock["journal"] if record.get("unit") == "T4ApplyDecisions"]
        if records:
            tags = {tag for tag in stock["tag"] if str(tag).startswith("FOLLOWUP_") and tag != "FOLLOWUP_PLANNED"}
            said = [(r["extra"].get("verdict") or r["extra"]["type"], r["extra"]["time"]) for r in records]
            found[next(n for n in stock["name"] if str(n).startswith("ZTF"))] = (tags, said)
    return found


@dataclass(frozen=True)
class DecidedNight:
    """A broker after a night on which the first targets were decided on, with its job."""

    broker: Any
    job: dict[str, Any]
    approved: str
    rejected: str
    observed: str
    observed_later: str

    @classmethod
    def of(cls, broker: Any, archive: Path) -> Self:
        """Run the night in two channels, decide on four targets, and tell the stocks."""
        job = for_colleagues(broker, broker.job(archive, site=SITE, night=NIGHT))
        broker.run(job, 0, 1, 2)
        first = [target.id for target in stored(broker).plan.targets[:4]]
        verdicts = ("approve", "reject", "observed", "approve")
        for minute, (target, verdict) in enumerate(zip(first, verdicts, strict=True)):
            decide(broker.store, target, verdict, minute=minute)
        decide(broker.store, first[3], "observed", minute=9)
        broker.run(decisions_job(broker))
        return cls(broker, job, *first)

    def check_the_next_plan(self) -> None:
        """Assert that the plan of the first channel leaves out what was rejected or observed, and nothing else."""
        assert told(self.broker) == {
            self.approved: ({"FOLLOWUP_APPROVED"}, [("approve", at(0))]),
            self.rejected: ({"FOLLOWUP_REJECTED"}, [("reject", at(1))]),
            self.observed: ({"FOLLOWUP_OBSERVED"}, [("observed", at(2))]),
            self.observed_later: ({"FOLLOWUP_OBSERVED"}, [("approve", at(3)), ("observed", at(9))]),
        }
        before = {target.id for target in everything(stored(self.broker).plan)}
        self.broker.run(leaving_out_what_was_decided(self.job), 2)
        after = {target.id for target in everything(stored(self.broker).plan)}
        assert before - after == {self.rejected, self.observed, self.observed_later}

    def check_the_second_channel(self) -> None:
        """Assert that the second channel plans what the first approved and did not observe yet."""
        self.broker.run(self.job, 3)
        with Store.open(self.broker.folder / "colleagues.sqlite", read_only=True) as store:
            plan = store.load_plan(night=NIGHT, site="lapalma").plan
        assert [target.id for target in everything(plan)] == [self.approved]
        planned = [stock["name"][0] for stock in self.broker.documents("stock", {"tag": "COLLEAGUES_PLANNED"})]
        assert planned == [target.id for target in plan.targets]
