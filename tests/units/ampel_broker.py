"""AMPEL as an operator has it, with a database of its own: what tests of the units and of the server share."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

EXAMPLES = Path(__file__).parents[2] / "conf" / "ampel-followup" / "examples"

#: AMPEL's command, in a process of its own.
AMPEL = [sys.executable, "-c", "from ampel.cli.main import main; main()"]


#: AMPEL's units for LSST, which are installed without their dependencies (docs/ampel.md).
HAS_AMPEL_LSST = importlib.util.find_spec("ampel.lsst") is not None


@pytest.fixture(scope="session")
def built_config(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """AMPEL's configuration as an operator builds it, and what the command printed."""
    folder = tmp_path_factory.mktemp("ampel")
    path = folder / "ampel.conf.yml"
    options = ["-stop-on-errors", "0", "-hide-module-not-found-errors", "-no-provenance", "-out", str(path)]
    places = [str(folder)] if HAS_AMPEL_LSST else []
    if HAS_AMPEL_LSST:
        _write_distribution(folder)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*places, *filter(None, sys.path)])}
    command = [*AMPEL, "config", "build", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return path, done.stdout + done.stderr


def _write_distribution(folder: Path) -> None:
    """Write an operator's own AMPEL distribution, installed in a folder, that lists the units of ampel-lsst."""
    about, units = folder / "ampel_mine-1.0.dist-info", folder / "conf" / "ampel-mine"
    about.mkdir()
    units.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: ampel-mine\nVersion: 1.0\n")
    (about / "RECORD").write_text("conf/ampel-mine/unit.yml,,\n")
    (units / "unit.yml").write_text((EXAMPLES / "lsst_units.yml").read_text())


def run_in_this_process(arguments: list[str]) -> None:
    """Run AMPEL's command here: much faster, for its libraries and our models are loaded already."""
    from ampel.cli.main import main

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", arguments)
            main()
    finally:
        # AMPEL leaves its own in place, and Ctrl-C would no longer stop the tests.
        for number, handler in handlers.items():
            signal.signal(number, handler)


def succeeded(process: subprocess.Popen[str]) -> str:
    """Wait until a command has done its work, and return what it said."""
    try:
        said, _ = process.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert process.returncode == 0, said
    return said


@dataclass
class Broker:
    """An AMPEL installation with an empty database."""

    config: Path
    folder: Path
    database: Any
    run_command: Callable[[list[str]], None] = run_in_this_process

    def job(self, archive: Path, *, site: str, night: str, **options: Any) -> dict[str, Any]:
        """Return the example job file, edited for an archive, a night and a store in the test's folder."""
        job = yaml.safe_load((EXAMPLES / "job_ztf_archive.yml").read_text())
        job["task"][0]["config"]["supplier"]["config"]["loader"]["config"]["file_path"] = str(archive)
        return self._edited(job, site, night, options)

    def lsst_job(self, archives: Sequence[Path], *, site: str, night: str, **options: Any) -> dict[str, Any]:
        """Return the example job file for LSST, edited likewise."""
        job = yaml.safe_load((EXAMPLES / "job_lsst_archive.yml").read_text())
        loader = job["task"][0]["config"]["supplier"]["config"]["loader"]
        loader["config"]["paths"] = [str(path) for path in archives]
        return self._edited(job, site, night, options)

    def _edited(self, job: dict[str, Any], site: str, night: str, options: dict[str, Any]) -> dict[str, Any]:
        job["mongo"]["prefix"] = self.database.name
        plan = job["task"][-1]
        unit = plan["config"]["stage"]["config"]["execute"][0]
        unit["config"] = {"site": site, "night": night, "store": str(self.store), **options}
        return job

    def run(self, job: dict[str, Any], *tasks: int) -> None:
        """Run a job, or some of its tasks, with the command `ampel job`."""
        self.run_command(self.job_arguments(job, *tasks))

    def job_arguments(self, job: dict[str, Any], *tasks: int) -> list[str]:
        """Return the command line that runs a job, or some of its tasks."""
        path = self.folder / "job.yml"
        path.write_text(yaml.safe_dump(job))
        chosen = ["-task", *map(str, tasks)] if tasks else []
        return ["ampel", "job", "-config", str(self.config), "-schema", str(path), "-no-conf-check", *chosen]

    @property
    def store(self) -> Path:
        """The follow-up store that the plan is written to."""
        return self.folder / "followup.sqlite"

    def documents(self, collection: str, query: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return documents of a collection of the database."""
        return list(self.database[collection].find(query or {}))
