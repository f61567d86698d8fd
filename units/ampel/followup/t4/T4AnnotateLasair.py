"""AMPEL unit: what a plan says of its objects, told to Lasair."""

# AMPEL reads the annotations of a unit as types: no `from __future__ import annotations` here.
from typing import Any, Literal

from ampel.secret.NamedSecret import NamedSecret

from ampel.followup.abstract.AbsServiceT4Unit import AbsServiceT4Unit
from ampel_followup.services.credentials import Secret
from ampel_followup.services.lasair import Lasair, Survey, Which, annotations_of
from ampel_followup.services.sending import Circumstances, Delivery, Preview, deliver, preview
from ampel_followup.store import Store


class T4AnnotateLasair(AbsServiceT4Unit):
    """Annotate the objects of a plan of a follow-up store at Lasair, as `ampel-followup lasair annotate` does."""

    #: Name of your annotator, as agreed with the Lasair team.
    topic: str

    #: Your token at Lasair: the label by which AMPEL's vault of secrets knows it.
    token: NamedSecret[str] = NamedSecret[str](label="lasair/token")

    #: Which Lasair: ``lsst`` or ``ztf``.
    survey: Literal["lsst", "ztf"] = "lsst"

    #: Address of Lasair's interface; by default that of the survey.
    url: str | None = None

    #: What is worth a look (``listed``), only what is ``approved``, or ``all``, what the policy set aside included.
    which: Literal["listed", "approved", "all"] = "listed"

    #: Page with more about an object; ``{name}`` in it becomes its name.
    page: str = ""

    #: Evening date of the plan, at its site; by default of the latest one.
    night: str | None = None

    #: Site of the plan; by default that of the latest one.
    site: str | None = None

    #: Store of plans: a file, or the URL of a database; by default as the `ampel-followup` command's.
    store: str | None = None

    #: So many annotations in one request; by default 50 for LSST, 1 for ZTF.
    batch: int | None = None

    #: Wait so long for one request in all [s]; then leave the rest to the next run.
    patience: float = 300.0

    #: Send nothing: write what would be sent to the log, one line for each message, and count it in the body.
    dry_run: bool = False

    def tell(self) -> tuple[Delivery | Preview, dict[str, Any]]:
        """Send the annotations that Lasair does not have yet."""
        survey = Survey(self.survey)
        lasair = Lasair(Secret(self.token.get()), self.url or survey.url)
        with Store.open(self.store, read_only=self.dry_run, create=False) as store:
            found = annotations_of(
                store,
                self.topic,
                night=self.night,
                site=self.site,
                survey=survey,
                which=Which(self.which),
                url=self.page,
            )
            more = {"unknown": [*found.unknown]}
            if self.dry_run:
                return preview(found.messages, store.sent, lasair.url), more
            delivery = deliver(
                found.messages,
                lasair.annotate,
                store.sent,
                lasair.url,
                Circumstances.of_this_machine(self.patience),
                batch=self.batch or survey.batch,
            )
        return delivery, more
