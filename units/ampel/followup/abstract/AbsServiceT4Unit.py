"""Base of AMPEL units that tell a service of others of a plan."""

# AMPEL reads the annotations of a unit as types: no `from __future__ import annotations` here.
from collections.abc import Sequence
from typing import ClassVar

from ampel.abstract.AbsT4Unit import AbsT4Unit
from ampel.base.decorator import abstractmethod
from ampel.struct.UnitResult import UnitResult
from ampel.types import UBson

from ampel_followup.errors import FollowupError
from ampel_followup.services.sending import Delivery


class AbsServiceT4Unit(AbsT4Unit, abstract=True):
    """
    Make a T4 document of what became of the messages that a unit sends (`tell`).

    What arrived is recorded in the follow-up store: a run that was cut short is completed by the next. The body counts
    what was ``sent`` (by action), ``unchanged`` and ``left`` for later, has the ``problems`` with what did not arrive,
    and names the objects of other surveys (``unknown``); or it holds ``error``. Where anything is missing the document
    code is `INCOMPLETE`.
    """

    #: Document code of a run after which the service does not know everything.
    INCOMPLETE: ClassVar[int] = 1

    def do(self) -> UBson | UnitResult:
        """Return the body of the T4 document."""
        try:
            delivery, unknown = self.tell()
        except FollowupError as error:
            self.logger.warn("Nothing sent", extra={"error": str(error)})
            return UnitResult(body={"error": str(error)}, code=self.INCOMPLETE)
        told = {"service": delivery.service, "sent": delivery.sent.total(), "complete": delivery.complete}
        self.logger.info("Service told", extra=told)
        body = {**delivery.to_dict(), "unknown": [*unknown]}
        return UnitResult(body=body, code=None if delivery.complete else self.INCOMPLETE)

    @abstractmethod
    def tell(self) -> tuple[Delivery, Sequence[str]]:
        """Send what the service does not know yet; return what became of it, and the objects of other surveys."""
        raise NotImplementedError
