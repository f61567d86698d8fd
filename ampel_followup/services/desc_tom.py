"""
The target manager of the Dark Energy Science Collaboration (DESC TOM): ask for spectra, plan, take back, report.

Its interface takes JSON below ``elasticc2/`` from whoever has logged in as with a browser
(https://github.com/LSSTDESC/tom_desc). It refuses by error 500 and a line of text. To ask, plan and take back may be
repeated without harm; a report that came twice would be two spectra, so that it is looked for before. Reports can be
neither changed nor taken back: a correction is one more report of the same object, facility and time, and the latest of
them is what the manager knows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ampel_followup.errors import ServiceError
from ampel_followup.services.credentials import Secret
from ampel_followup.services.messages import Message
from ampel_followup.services.retry import PassingError
from ampel_followup.services.web import TIMEOUT, Answer, RefusedError, UnknownUserError, Web, passes, retry_after
from ampel_followup.untrusted import clean

NAME = "DESC TOM"
URL = "https://desc-tom.lbl.gov"

#: Environment variables of the user's name and password.
USER_VARIABLE, PASSWORD_VARIABLE = "AMPEL_FOLLOWUP_TOM_USER", "AMPEL_FOLLOWUP_TOM_PASSWORD"

#: So many wishes in one request.
BATCH = 100

# How the lines begin by which its views refuse what they are told, and what its database says of objects that it does
# not have; any other error 500 is trouble of its own.
_REFUSALS = (
    "Unknown objectid", "Mal-formed data", "Post data must be", "Failed to parse", "facility can't be",
    "Incorrect fields",
)  # fmt: skip
_NO_SUCH_OBJECT = "violates foreign key"
_ENDPOINTS = {
    "ask": "askforspectrum", "plan": "planspectrum", "unplan": "removespectrumplan", "report": "reportspectruminfo",
    "classify": "reportspectruminfo",
}  # fmt: skip
_LOGIN = "accounts/login/"

#: Actions that report a spectrum: that it was taken, and also what it showed.
REPORTS = ("report", "classify")

# Times of spectra [d], and redshifts, that are the same: the manager keeps them in double precision.
_SAME = 1e-6


class DescTom:
    """
    The manager's interface, for one user; logs in when it is first asked something, and again where that ran out.

    Parameters
    ----------
    user : str
    password : Secret
    url : str
        Its address.
    timeout : (float, float)
        See `ampel_followup.services.web.TIMEOUT`.
    """

    def __init__(self, user: str, password: Secret, url: str = URL, *, timeout: tuple[float, float] = TIMEOUT) -> None:
        if not user:
            raise ServiceError(f"there is no user of {NAME}: name one with --user, or as {USER_VARIABLE}")
        self._web = Web(NAME, url, password, timeout=timeout)
        self._user, self._password = user, password
        self._logged_in = False

    @property
    def url(self) -> str:
        """Its address."""
        return self._web.url

    @staticmethod
    def together(message: Message) -> bool:
        """Return True for messages of which many may go in one request."""
        return message.action == "ask"

    def tell(self, messages: Sequence[Message], attempt: int = 1) -> None:
        """
        Send messages of one action in one request: any number that ask, or one of another kind.

        Raises
        ------
        RefusedError, PassingError, ServiceError
            As in `ampel_followup.services.web.Web.post`.
        """
        action, contents = messages[0].action, [message.content for message in messages]
        if action == "ask":
            body = {
                "requester": contents[0]["requester"],
                "objectids": [content["objectid"] for content in contents],
                "priorities": [content["priority"] for content in contents],
            }
        else:
            [body] = contents
        # Whoever heard no answer, now or in a run that was killed, does not know what became of a report.
        if action in REPORTS and self._knows(body, whatever_it_showed=action == "report"):
            return
        self._ask(_ENDPOINTS[action], body)

    def wanted(self, **conditions: Any) -> list[dict[str, Any]]:
        """
        Return the spectra that anyone asked for: ``oid``, ``ra``, ``dec``, ``req``, ``prio`` and ``latest`` photometry.

        Parameters
        ----------
        **conditions
            As the manager knows them: ``requested_since``, ``not_claimed_in_last_days``, ``detected_in_last_days`` …
        """
        return _records(self._ask("spectrawanted", conditions), "wantedspectra")

    def known(self, numbers: Sequence[int], **conditions: Any) -> list[dict[str, Any]]:
        """Return the spectra that were reported of objects: ``objectid``, ``facility``, ``mjd``, ``z``, ``classid``."""
        return _records(self._ask("getknownspectruminfo", {"objectid": list(numbers), **conditions}), "spectra")

    def _knows(self, report: Mapping[str, Any], *, whatever_it_showed: bool) -> bool:
        """Return True if the manager knows of a spectrum, and has what it showed from its latest report."""
        there = [
            spectrum
            for spectrum in self.known([report["objectid"]])
            if spectrum.get("facility") == report["facility"] and _same(spectrum.get("mjd"), report["mjd"])
        ]
        if not there or whatever_it_showed:
            return bool(there)
        last = max(there, key=lambda spectrum: _time(spectrum.get("report_time")))
        return last.get("classid") == report["classid"] and _same(last.get("z"), report["z"])

    def _ask(self, endpoint: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if not self._logged_in:
            self._log_in()
        try:
            answer = self._post(endpoint, body)
        except UnknownUserError:
            self._log_in()  # sessions end; whoever may not do this is refused once more
            answer = self._post(endpoint, body)
        if answer.get("status") != "ok":
            raise RefusedError(self._web.clean(str(answer.get("error", "its answer does not say ok"))))
        return answer

    def _post(self, endpoint: str, body: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"X-CSRFToken": self._web.session.cookies.get("csrftoken") or "", "Referer": f"{self.url}/"}
        return self._web.post(f"elasticc2/{endpoint}", json=dict(body), headers=headers, refused=_refusal)

    def _log_in(self) -> None:
        self._logged_in = False
        self._web.session.cookies.clear()
        page = self._web.request("GET", _LOGIN)
        token = self._web.session.cookies.get("csrftoken")
        _check_login(page)
        if not token:
            raise ServiceError(f"nobody can log in at {self.url}/{_LOGIN}: is this {NAME}? Name its address with --url")
        form = {"username": self._user, "password": self._password.value, "csrfmiddlewaretoken": token}
        answer = self._web.request("POST", _LOGIN, data=form, headers={"Referer": f"{self.url}/{_LOGIN}"})
        _check_login(answer)
        # Django answers a wrong password with the same page, and without a session.
        if not self._web.session.cookies.get("sessionid"):
            raise UnknownUserError(f"{NAME} does not know {clean(self._user, 80)!r}, or not with this password")
        self._logged_in = True


def _check_login(answer: Answer) -> None:
    if passes(answer.status):
        asked = retry_after(answer.headers)
        raise PassingError(f"error {answer.status} where one logs in", retry_after=asked, for_all=True)


def _refusal(answer: Answer) -> str | None:
    text = answer.text
    refused = text.startswith(_REFUSALS) or _NO_SUCH_OBJECT in text
    return text if answer.status == 500 and refused else None


def _same(known: Any, told: Any) -> bool:
    """Compare numbers, of which one that is not known is None there and an empty text here."""
    if isinstance(known, int | float) and isinstance(told, int | float):
        return told - _SAME < known < told + _SAME  # of integers, too, that no float can hold
    return known is None and told == ""


def _time(text: Any) -> float:
    """Return a time that the manager wrote [s]; one that it did not write is before all others."""
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError):
        return -math.inf


def _records(answer: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    records = answer.get(name)
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise PassingError(f"the answer has no list of {name}")
    return records
