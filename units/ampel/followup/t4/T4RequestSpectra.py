"""AMPEL unit: spectra asked for, planned, taken back and reported at the DESC target manager."""

# AMPEL reads the annotations of a unit as types: no `from __future__ import annotations` here.
from typing import ClassVar

from ampel.abstract.AbsT4Unit import AbsT4Unit
from ampel.secret.NamedSecret import NamedSecret
from ampel.struct.UnitResult import UnitResult
from ampel.types import UBson

from ampel_followup.errors import FollowupError
from ampel_followup.services.credentials import Secret
from ampel_followup.services.desc_tom import BATCH, DescTom, requests_of
from ampel_followup.services.sending import Circumstances, deliver
from ampel_followup.store import Store


class T4RequestSpectra(AbsT4Unit):
    """
    Tell the DESC target manager of a plan of a follow-up store and of what was decided on it.

    As `ampel-followup desc-tom send` does. What arrived is recorded in the store: a run that was cut short is completed
    by the next. The body counts what was ``sent`` (by action), ``unchanged`` and ``left`` for later, has the
    ``problems`` with what did not arrive, and names the objects that are not of LSST (``unknown``); or it holds
    ``error``. Where anything is missing the document code is `INCOMPLETE`.
    """

    #: Document code of a run after which the manager does not know everything.
    INCOMPLETE: ClassVar[int] = 1

    #: Your name at the target manager.
    user: str

    #: Your password there: the label by which AMPEL's vault of secrets knows it.
    password: NamedSecret[str] = NamedSecret[str](label="desc-tom/password")

    #: Address of the target manager.
    url: str = "https://desc-tom.lbl.gov"

    #: Who asks: each requester may ask once for an object.
    requester: str = "ampel-followup"

    #: Where the spectra are taken; by default the name of the plan's site.
    facility: str = ""

    #: Evening date of the plan, at its site; by default of the latest one.
    night: str | None = None

    #: Site of the plan; by default that of the latest one.
    site: str | None = None

    #: Store of plans and decisions: a file, or the URL of a database; by default as the `ampel-followup` command's.
    store: str | None = None

    #: Wait so long for one request in all [s]; then leave the rest to the next run.
    patience: float = 300.0

    def do(self) -> UBson | UnitResult:
        """Return the body of the T4 document."""
        try:
            tom = DescTom(self.user, Secret(self.password.get()), self.url)
            with Store.open(self.store, create=False) as store:
                found = requests_of(
                    store, tom.url, night=self.night, site=self.site, requester=self.requester, facility=self.facility
                )
                delivery = deliver(
                    found.messages,
                    tom.tell,
                    store.sent,
                    tom.url,
                    Circumstances.of_this_machine(self.patience),
                    together=tom.together,
                    batch=BATCH,
                )
        except FollowupError as error:
            self.logger.warn("Nothing sent to the DESC target manager", extra={"error": str(error)})
            return UnitResult(body={"error": str(error)}, code=self.INCOMPLETE)
        body = {**delivery.to_dict(), "unknown": list(found.unknown)}
        extra = {"sent": delivery.sent.total(), "complete": delivery.complete}
        self.logger.info("DESC target manager told", extra=extra)
        return UnitResult(body=body, code=None if delivery.complete else self.INCOMPLETE)
