"""The interface of the DESC target manager for spectra, as its documentation and its views describe it."""

from __future__ import annotations

import datetime
from typing import Any

from faulty_server import Answer, FaultyServer, Request

USER, PASSWORD = "ada", "correct horse battery staple"
_PAGE = "<form>Please enter a correct username and password.</form>"


class DescTomServer(FaultyServer):
    """What is wanted by (object, requester), planned by (object, facility), and the list of reported spectra."""

    faulty_path = "/elasticc2/"

    def __init__(self) -> None:
        super().__init__()
        self.objects: set[int] = set()
        self.wanted: dict[tuple[int, str], int] = {}
        self.planned: dict[tuple[int, str], dict[str, Any]] = {}
        self.spectra: list[dict[str, Any]] = []
        self.sessions: set[str] = set()
        self._csrf: set[str] = set()

    @property
    def logins(self) -> int:
        return sum(request.path == "/accounts/login/" and request.method == "POST" for request in self.requests)

    def calls(self, endpoint: str) -> list[Any]:
        """What was posted to an endpoint."""
        return [request.json for request in self.requests if request.path == f"/elasticc2/{endpoint}"]

    def answer(self, request: Request) -> Answer:
        if request.path == "/accounts/login/":
            return self._login(request)
        view = {
            "/elasticc2/askforspectrum": self._ask,
            "/elasticc2/spectrawanted": self._what_is_wanted,
            "/elasticc2/planspectrum": self._plan,
            "/elasticc2/removespectrumplan": self._remove,
            "/elasticc2/reportspectruminfo": self._report,
            "/elasticc2/getknownspectruminfo": self._known,
        }.get(request.path)
        if view is None:
            return Answer(404, "Not Found")
        cookies = request.cookies
        if cookies.get("csrftoken") not in self._csrf or request.headers.get("X-CSRFToken") != cookies["csrftoken"]:
            return Answer(403, "CSRF verification failed. Request aborted.")
        if cookies.get("sessionid") not in self.sessions:
            return Answer(403, "403 Forbidden")
        return view(request.json)

    def _login(self, request: Request) -> Answer:
        token = f"csrf{len(self._csrf)}"
        self._csrf.add(token)
        fresh = (("Set-Cookie", f"csrftoken={token}; Path=/; SameSite=Lax"),)
        if request.method == "GET":
            return Answer(200, _PAGE, fresh)
        form = request.form
        if form.get("csrfmiddlewaretoken") != request.cookies.get("csrftoken") or not request.headers.get("Referer"):
            return Answer(403, "CSRF verification failed. Request aborted.")
        if (form.get("username"), form.get("password")) != (USER, PASSWORD):
            return Answer(200, _PAGE)
        session = f"session{len(self.sessions)}"
        self.sessions.add(session)
        cookies = (*fresh, ("Set-Cookie", f"sessionid={session}; Path=/; HttpOnly"), ("Location", "/"))
        return Answer(302, "", cookies)

    def _ask(self, data: Any) -> Answer:
        numbers, priorities = data.get("objectids"), data.get("priorities")
        lists = isinstance(numbers, list) and isinstance(priorities, list)
        if "requester" not in data or not lists or len(numbers) != len(priorities):
            return Answer(500, "Mal-formed data for askforspectrum")
        if unknown := set(numbers) - self.objects:
            return Answer(
                500, f'insert or update violates foreign key: diaobject_id {min(unknown)} is not in "diaobject"'
            )
        for number, priority in zip(numbers, priorities, strict=True):
            self.wanted.setdefault((number, data["requester"]), min(max(int(priority), 0), 5))
        return Answer(200, {"status": "ok", "message": "wanted spectra created", "num": len(numbers)})

    def _what_is_wanted(self, data: Any) -> Answer:
        claimed = {number for number, _ in self.planned} if data.get("not_claimed_in_last_days", 7) > 0 else set()
        spectra = [
            {"oid": number, "ra": 10.0, "dec": -20.0, "req": requester, "prio": priority,
             "latest": {"r": {"mjd": 61000.0, "mag": 21.25}}}
            for (number, requester), priority in self.wanted.items()
            if number not in claimed
        ]  # fmt: skip
        return Answer(200, {"status": "ok", "wantedspectra": spectra})

    def _plan(self, data: Any) -> Answer:
        if refusal := self._refusal(data):
            return refusal
        try:
            datetime.datetime.fromisoformat(data["plantime"])
        except ValueError:
            return Answer(500, f"Failed to parse '{data['plantime']}' as YYYY-MM-DD or YYYY-MM-DD HH:MM:SS")
        self.planned[int(data["objectid"]), data["facility"]] = data
        return Answer(200, {"status": "ok", "created_at": "2026-11-28T14:00:00Z", **data})

    def _remove(self, data: Any) -> Answer:
        if "objectid" not in data or "facility" not in data:
            return Answer(500, "Post data must be json with keys objectid and facility")
        gone = self.planned.pop((int(data["objectid"]), data["facility"]), None)
        return Answer(200, {"status": "ok", **data, "n_deleted": int(gone is not None)})

    def _report(self, data: Any) -> Answer:
        if missing := {"objectid", "facility", "mjd", "z", "classid"} - set(data):
            return Answer(500, f"Incorrect fields. Missing required fields: {missing}.")
        if refusal := self._refusal(data):
            return refusal
        now = f"2026-11-28T14:00:{len(self.spectra):02d}.123Z"
        spectrum = {**data, "z": None if data["z"] == "" else float(data["z"]), "report_time": now}
        self.spectra.append(spectrum)
        self.planned.pop((data["objectid"], data["facility"]), None)
        self.wanted = {key: value for key, value in self.wanted.items() if key[0] != data["objectid"]}
        answer = {key: value for key, value in spectrum.items() if key != "report_time"}
        return Answer(200, {"status": "ok", **answer, "inserted_at": now})

    def _known(self, data: Any) -> Answer:
        # Its filter by facility has a slip of the pen, and is an error.
        if "facility" in data:
            return Answer(500, "Exception in GetKnownSpectrumInfo: Cannot resolve keyword 'facillity' into field")
        asked = data.get("objectid")
        numbers = asked if isinstance(asked, list) else [asked]
        found = [spectrum for spectrum in self.spectra if asked is None or spectrum["objectid"] in numbers]
        return Answer(200, {"status": "ok", "spectra": sorted(found, key=lambda spectrum: spectrum["mjd"])})

    def _refusal(self, data: Any) -> Answer | None:
        if "objectid" not in data or "facility" not in data:
            return Answer(500, "Post data must be json with keys objectid and facility")
        if not data["facility"]:
            return Answer(500, "facility can't be an empty string")
        if int(data["objectid"]) not in self.objects:
            return Answer(500, f"Unknown objectid {data['objectid']}")
        return None
