"""Base of AMPEL units that tell a service of others of a plan."""

# AMPEL reads the annotations of a unit as types: no `from __future__ import annotations` here.
from collections import Counter
from typing import Any, ClassVar

from ampel.abstract.AbsT4Unit import AbsT4Unit
from ampel.base.decorator import abstractmethod
from ampel.struct.UnitResult import UnitResult
from ampel.types import UBson

from ampel_followup.errors import FollowupError
from ampel_followup.services.messages import canonical
from ampel_followup.services.sending import Delivery, Preview


class AbsServiceT4Unit(AbsT4Unit, abstract=True):
    """
    Make a T4 document of what became of the messages that a unit sends (`tell`).

    What arrived is recorded in the follow-up store: a run that was cut short is completed by the next. The body counts
    what was ``sent`` (by action), ``unchanged`` and ``left`` for later, has the ``problems`` with what did not arrive,
    and names the objects of other surveys (``unknown``) and whatever else a unit has to say; or it holds ``error``.
    Where anything is missing the document code is `INCOMPLETE`. A dry run writes each message to the log; the body
    says so (``dry_run``), and counts what it ``would_send`` (by action).
    """

    #: Document code of a run after which the service does not know everything.
    INCOMPLETE: ClassVar[int] = 1

    def do(self) -> UBson | UnitResult:
        """Return the body of the T4 document."""
        try:
            outcome, more = self.tell()
        except FollowupError as error:
            self.logger.warn("Service not told of everything", extra={"error": str(error)})
            return UnitResult(body={"error": str(error)}, code=self.INCOMPLETE)
        if isinstance(outcome, Preview):
            return UnitResult(body=self._shown(outcome) | more)
        told = {"service": outcome.service, "sent": outcome.sent.total(), "complete": outcome.complete}
        self.logger.info("Service told", extra=told)
        return UnitResult(body=outcome.to_dict() | more, code=None if outcome.complete else self.INCOMPLETE)

    @abstractmethod
    def tell(self) -> tuple[Delivery | Preview, dict[str, Any]]:
        """Send what the service does not know yet; return what became of it, or would, and what else the body says."""
        raise NotImplementedError

    def _shown(self, preview: Preview) -> dict[str, Any]:
        for message in preview.messages:
            content = canonical(message.content)  # as text: keys in it may be none for a database
            said = {"action": message.action, "target": message.target, "content": content}
            self.logger.info("Would send", extra=said)
        counts = Counter(message.action for message in preview.messages)
        would_send = dict(sorted(counts.items()))
        return {"service": preview.service, "dry_run": True, "would_send": would_send, "unchanged": preview.unchanged}
