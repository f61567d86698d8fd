"""A night on which people decided, told to AMPEL's stocks: the same on a server and on its stand-in."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml
from ampel_broker import EXAMPLES
from night_plans import NIGHT, SITE

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
