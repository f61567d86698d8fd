"""AMPEL unit: what people decided, and what objects turned out to be, told to the stocks."""

# AMPEL reads the annotations of a unit as types: no `from __future__ import annotations` here.
from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import isnan
from time import time
from typing import Any, ClassVar

from ampel.abstract.AbsT4ControlUnit import AbsT4ControlUnit
from ampel.content.T4Document import T4Document
from ampel.core.DocBuilder import DocBuilder
from ampel.mongo.update.MongoStockUpdater import MongoStockUpdater
from ampel.struct.JournalAttributes import JournalAttributes
from pymongo import ReadPreference

from ampel_followup.alerts.surveys import stock_of
from ampel_followup.decision import STATES, Decision, Verdict, effective_verdicts
from ampel_followup.labels import HUMAN, Label
from ampel_followup.store import Store


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the journal of a stock is to say, and the tag that goes with it; ``key`` tells it from all others."""

    target: str
    key: tuple[str, int, str]
    extra: dict[str, Any]
    tag: str | None


class T4ApplyDecisions(AbsT4ControlUnit, DocBuilder):
    """
    Journal the decisions and labels of a follow-up store in the stocks that they are about, and tag those.

    Nothing is written twice: an entry that a stock's journal has is left alone, so that a run that was cut short is
    completed by the next, and a further run writes nothing, not even a document. Stocks do not count as updated. The
    body of the document counts ``decisions`` and ``labels`` that are new, the ``stocks`` that they are about, ``tags``
    (name → stocks), and the targets that are ``not_in_database``: they are told once they are.
    """

    #: What the tag of a verdict that holds ends in. AMPEL never takes a tag back, so it says "was once".
    TAGS: ClassVar[Mapping[str, str]] = {
        Verdict.APPROVE: "APPROVED",
        Verdict.REJECT: "REJECTED",
        Verdict.DEFER: "DEFERRED",
        Verdict.OBSERVED: "OBSERVED",
        Verdict.FAILED: "FAILED",
    }

    #: Store of plans, decisions and labels: a file, or the URL of a database; by default as the `ampel-followup`
    #: command's.
    store: str | None = None

    #: What the tags begin with, before an underscore: another word tells the decisions of another team apart.
    tag_prefix: str = "FOLLOWUP"

    #: False: keep what people wrote to the store. Any channel may read the journal of a stock.
    comments: bool = True

    def do(self) -> Generator[T4Document, None, None]:
        """Tell the stocks, and yield a T4 document if there was something new to tell."""
        begin = time()
        with Store.open(self.store, read_only=True) as store:
            entries = [*self._of_decisions(store.decisions()), *self._of_labels(store.labels())]
        stocks = self._stocks({entry.target for entry in entries})
        new = [entry for entry in entries if entry.target in stocks and entry.key not in stocks[entry.target].told]
        if not new:
            return
        self._tell(new, stocks)
        body = {
            "decisions": sum("decision" in entry.extra for entry in new),
            "labels": sum("label" in entry.extra for entry in new),
            "stocks": len({entry.target for entry in new}),
            "tags": dict(Counter(tag for _, tag in sorted({(e.target, e.tag) for e in new if e.tag is not None}))),
            "not_in_database": len({entry.target for entry in entries} - stocks.keys()),
        }
        self.logger.info("Decisions and labels journaled", extra=body)
        yield self.craft_doc(self.event_hdlr, self, body, begin, doc_type=T4Document)

    def _of_decisions(self, decisions: Sequence[Decision]) -> Iterable[_Entry]:
        """Return what journals say of decisions, oldest first; with a tag where something holds by them."""
        plans: dict[tuple[str, str], list[Decision]] = {}
        for decision in decisions:
            plans.setdefault((decision.night, decision.site), []).append(decision)
        standing = {plan: effective_verdicts(of_plan) for plan, of_plan in plans.items()}
        for decision in decisions:
            if decision.verdict not in STATES | {Verdict.UNDO}:
                continue
            extra = {
                "decision": decision.id,
                "verdict": decision.verdict,
                "night": decision.night,
                "site": decision.site,
                "observer": decision.observer,
                "time": decision.time,
                "plan": decision.plan_revision,
                "comment": decision.comment if self.comments else "",
                "undoes": decision.undoes,
                "until": decision.until,
            }
            held = standing[decision.night, decision.site].get(decision.target)
            # Who takes a decision back lets the one before it hold again, which may never have been tagged.
            holds = held is not None and (decision.verdict == Verdict.UNDO or decision.id == held.id)
            tag = self._tag(self.TAGS[held.verdict]) if held is not None and holds else None
            yield _Entry(decision.target, _key(extra), _said(extra), tag)

    def _of_labels(self, labels: Iterable[Label]) -> Iterable[_Entry]:
        """Return what journals say of labels; those that are more than people's guesses have a tag."""
        for label in labels:
            extra = {
                "label": label.id,
                "type": label.type,
                "class": label.class_name,
                "source": label.source,
                "author": label.author,
                "time": label.time,
                "confidence": label.confidence,
                "redshift": label.redshift,
                "comment": label.comment if self.comments else "",
            }
            yield _Entry(label.target, _key(extra), _said(extra), None if label.source == HUMAN else self._tag("LABEL"))

    def _tag(self, word: str) -> str:
        return f"{self.tag_prefix}_{word}"

    def _stocks(self, targets: set[str]) -> dict[str, "_Stock"]:
        """Return the stocks of targets that the database has, and what they were told before."""
        numbers = {number: target for target in targets if (number := stock_of(target))}
        # What a secondary server does not know yet would be told twice.
        collection = self.context.db.get_collection("stock").with_options(read_preference=ReadPreference.PRIMARY)
        # Names are no index of AMPEL's: only those that do not give the number away are looked for by name.
        wanted = {"stock": [*numbers], "name": sorted(targets - {*numbers.values()})}
        queries = [{field: {"$in": values}} for field, values in wanted.items() if values]
        fields = {"stock": 1, "name": 1, "journal.unit": 1, "journal.extra": 1}
        found: dict[str, _Stock] = {}
        for document in chain.from_iterable(collection.find(query, fields) for query in queries):
            told = {
                _key(record["extra"])
                for record in document.get("journal", ())
                if record.get("unit") == type(self).__name__ and "extra" in record
            }
            target = numbers.get(document["stock"])
            for name in targets.intersection(document.get("name", ())) if target is None else (target,):
                found[name] = _Stock(document["stock"], told)
        return found

    def _tell(self, entries: Sequence[_Entry], stocks: Mapping[str, "_Stock"]) -> None:
        """Journal the entries and tag their stocks, each stock in one operation."""
        updater = MongoStockUpdater(
            ampel_db=self.context.db,
            tier=3,  # the highest that journals know
            run_id=self.event_hdlr.get_run_id(),
            process_name=self.event_hdlr.process_name,
            logger=self.logger,
            raise_exc=True,
            bump_updated=False,
        )
        for entry in entries:
            updater.add_journal_record(
                stock=stocks[entry.target].number,
                jattrs=JournalAttributes(extra=entry.extra),
                tag=entry.tag,
                unit=type(self).__name__,
                channel=self.channel,
            )
        updater.flush()


@dataclass(frozen=True, slots=True)
class _Stock:
    """A stock by AMPEL's number, and the keys of what its journal says already."""

    number: int | str
    told: set[tuple[str, int, str]]


def _key(extra: Mapping[str, Any]) -> tuple[str, int, str]:
    """Return what tells an entry from all others: numbers alone do not, where two stores have told a stock."""
    kind = "decision" if "decision" in extra else "label"
    return kind, extra[kind], extra["time"]


def _said(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry without what nobody said."""
    return {
        name: value
        for name, value in extra.items()
        if not (value is None or value == "" or (isinstance(value, float) and isnan(value)))
    }
