"""AMPEL unit: spectra asked for, planned, taken back and reported at the DESC target manager."""

# AMPEL reads the annotations of a unit as types: no `from __future__ import annotations` here.
from typing import Any

from ampel.secret.NamedSecret import NamedSecret

from ampel.followup.abstract.AbsServiceT4Unit import AbsServiceT4Unit
from ampel_followup.services.credentials import Secret
from ampel_followup.services.desc_requests import requests_of
from ampel_followup.services.desc_tom import BATCH, DescTom
from ampel_followup.services.sending import Circumstances, Delivery, Preview, deliver, preview
from ampel_followup.store import Store


class T4RequestSpectra(AbsServiceT4Unit):
    """
    Tell the DESC target manager of a plan of a follow-up store and of what was decided on it.

    As `ampel-followup desc-tom send` does.
    """

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

    #: Send nothing: write what would be sent to the log, one line for each message, and count it in the body.
    dry_run: bool = False

    def tell(self) -> tuple[Delivery | Preview, dict[str, Any]]:
        """Send what the manager does not know yet."""
        tom = DescTom(self.user, Secret(self.password.get()), self.url)
        with Store.open(self.store, read_only=self.dry_run, create=False) as store:
            found = requests_of(
                store, tom.url, night=self.night, site=self.site, requester=self.requester, facility=self.facility
            )
            more = {"unknown": [*found.unknown], "without_class": found.without_class}
            if self.dry_run:
                return preview(found.messages, store.sent, tom.url, found.again), more
            delivery = deliver(
                found.messages,
                tom.tell,
                store.sent,
                tom.url,
                Circumstances.of_this_machine(self.patience),
                together=tom.together,
                batch=BATCH,
                again=found.again,
            )
        return delivery, more
