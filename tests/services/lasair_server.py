"""Lasair's interface for annotations, as its documentation and its server's checks describe it."""

from __future__ import annotations

import json
from typing import Any

from faulty_server import Answer, FaultyServer, Request

TOKEN = "4607a33defa78fa20bef98791680574b6cc13b23"
TOPIC = "our_annotator"

#: Field to its longest text; those that may be empty.
LENGTHS = {"topic": 255, "classification": 80, "version": 80, "explanation": 1024, "classdict": 4096, "url": 1024}
MAY_BE_BLANK = {"explanation", "url"}


class LasairServer(FaultyServer):
    """Annotations by (object, topic); of each pair the last one counts."""

    def __init__(self, *, active: bool = True) -> None:
        super().__init__()
        self.active = active
        self.takes_lists = True
        self.annotations: dict[tuple[int, str], dict[str, Any]] = {}
        self.refused_objects: set[int] = set()

    @property
    def url(self) -> str:
        return f"{self.root}/api"

    def answer(self, request: Request) -> Answer:
        places = ("/api/annotate/", "/api/annotatelist/") if self.takes_lists else ("/api/annotate/",)
        if request.method != "POST" or request.path not in places:
            return Answer(404, {"detail": "Not found."})
        if request.headers.get("Authorization") != f"Token {TOKEN}":
            return Answer(401, {"detail": "Invalid token."})
        if request.path == "/api/annotate/":
            if errors := _errors(request.form):
                return Answer(400, errors)
            return self._annotate([request.form])
        sent = request.json.get("annotations")
        if not isinstance(sent, list):
            return Answer(400, {"annotations": ["This field is required."]})
        return self._annotate(sent)

    def _annotate(self, forms: list[dict[str, Any]]) -> Answer:
        """Take all of them, or none."""
        answers = [self._check(form) for form in forms]
        if refusal := next(filter(None, answers), None):
            return refusal
        for form in forms:
            number = int(form["objectId"])
            self.annotations[number, form["topic"]] = {**form, "classdict": json.loads(form["classdict"])}
        return Answer(200, {"status": "success", "n": len(forms)})

    def _check(self, form: dict[str, Any]) -> Answer | None:
        if form["topic"] != TOPIC:
            return Answer(400, {"error": f"Annotator error: topic {form['topic']} does not exist"})
        if not self.active:
            return Answer(400, {"error": f"Annotator error: topic {TOPIC} is not active -- ask Lasair team"})
        # The server writes what it is told between quotes into a query; a backslash takes the next sign with it.
        if any("'" in form[field] or "\\" in form[field] for field in LENGTHS):
            return Answer(400, {"error": "Query failed 1064: You have an error in your SQL syntax"})
        number = int(form["objectId"])
        if number in self.refused_objects:
            return Answer(400, {"error": "Query failed 1452: Cannot add or update a child row"})
        return None


def _errors(form: dict[str, str]) -> dict[str, list[str]]:
    errors = {}
    for field, longest in LENGTHS.items():
        if field not in form:
            errors[field] = ["This field is required."]
        elif not form[field].strip() and field not in MAY_BE_BLANK:
            errors[field] = ["This field may not be blank."]
        elif len(form[field]) > longest:
            errors[field] = [f"Ensure this field has no more than {longest} characters."]
    if not form.get("objectId", "").isdigit():
        errors["objectId"] = ["A valid integer is required."]
    return errors
