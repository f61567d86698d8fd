"""AMPEL unit: better models from the labels that came back."""

# AMPEL reads the annotations of a unit as types: no `from __future__ import annotations` here.
import json
import os
import subprocess
import sys
from typing import ClassVar

from ampel.abstract.AbsT4Unit import AbsT4Unit
from ampel.struct.UnitResult import UnitResult
from ampel.types import UBson


class T4LearnFromLabels(AbsT4Unit):
    """
    Run `ampel-followup learn` in a process of its own, so that AMPEL's keeps neither its memory nor its libraries.

    The body holds the ``challenger`` with its comparison, its ``folder`` and ``report``, and what the policy said; or
    ``error``, with the document code `NOT_LEARNED`, where there is too little to learn from.
    """

    #: Document code of a run that made no challenger, the reason in the body.
    NOT_LEARNED: ClassVar[int] = 1

    #: Store of plans and labels: a file, or the URL of a database; by default as the `ampel-followup` command's.
    store: str | None = None

    #: Model bundle to start from: the name of an installed one, or a folder; by default the one in use in the store.
    bundle: str | None = None

    #: Folder with spectra of labelled objects, named by them.
    spectra: str | None = None

    #: So many objects of the training table one labelled object counts.
    weight: float = 10.0

    #: Labelled objects that make a class which the bundle does not know a new one.
    min_class: int = 10

    #: Seed of the folds and of the models.
    seed: int = 1

    #: Promote the challenger if the promotion policy allows it; otherwise a person decides.
    promote_if_better: bool = False

    #: YAML file of the promotion policy; by default the one that comes along.
    policy: str | None = None

    #: On whose behalf the policy promotes.
    observer: str = "T4LearnFromLabels"

    #: Stop after so many seconds; nothing is changed then, and the next run goes on from there.
    timeout: float = 7200.0

    def do(self) -> UBson | UnitResult:
        """Return the body of the T4 document."""
        try:
            done = subprocess.run(
                self._command(),
                capture_output=True,
                text=True,
                timeout=self.timeout,
                check=False,
                env=self._environment(),
            )
        except subprocess.TimeoutExpired:
            return self._failed(f"stopped after {self.timeout:g} s; the next run goes on from there")
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines()
            return self._failed(lines[-1] if lines else f"ended with code {done.returncode}")
        body = json.loads(done.stdout)
        self.logger.info("Learned", extra={"challenger": body["challenger"]["name"], "folder": body["folder"]})
        return UnitResult(body=body)

    def _command(self) -> list[str]:
        """Return the command line; the store is in the environment, for its URL may hold a password."""
        code = "import sys; from ampel_followup.cli import main; sys.exit(main())"
        command = [sys.executable, "-c", code, "learn", "--json", "--weight", f"{self.weight:g}"]
        command += ["--min-class", str(self.min_class), "--seed", str(self.seed)]
        for option, value in (("--bundle", self.bundle), ("--spectra", self.spectra)):
            command += [option, value] if value is not None else []
        if self.promote_if_better:
            command += ["--promote-if-better", "--observer", self.observer]
            command += ["--policy", self.policy] if self.policy is not None else []
        return command

    def _environment(self) -> dict[str, str]:
        return dict(os.environ) | ({"AMPEL_FOLLOWUP_STORE": self.store} if self.store is not None else {})

    def _failed(self, error: str) -> UnitResult:
        self.logger.warn("Nothing learned", extra={"error": error})
        return UnitResult(body={"error": error}, code=self.NOT_LEARNED)
