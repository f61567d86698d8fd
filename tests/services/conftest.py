"""Services on loopback, stores with plans, and a world in which waiting takes no time."""

from __future__ import annotations

import datetime
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from ampel_followup.services.retry import Backoff
from ampel_followup.services.sending import Circumstances
from ampel_followup.store import Store

# Modules of their own, for the tests of the units use them too.
sys.path.insert(0, str(Path(__file__).parent))

from desc_tom_server import DescTomServer
from lasair_server import LasairServer
from lsst_plans import save_plan


@dataclass
class World:
    """A world whose clock goes on while somebody waits; `waits` has how long."""

    waits: list[float] = field(default_factory=list)
    progress: list[tuple[int, int]] = field(default_factory=list)

    def now(self) -> datetime.datetime:
        start = datetime.datetime(2026, 11, 21, 3, 0, tzinfo=datetime.UTC)
        return start + datetime.timedelta(seconds=sum(self.waits))

    def circumstances(self, **backoff: float) -> Circumstances:
        return Circumstances(
            rng=np.random.default_rng(1),
            sleep=self.waits.append,
            now=self.now,
            backoff=Backoff(**backoff),  # type: ignore[arg-type]
            progress=lambda done, total: self.progress.append((done, total)),
        )


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def lasair() -> Iterator[LasairServer]:
    with LasairServer() as server:
        yield server


@pytest.fixture
def tom() -> Iterator[DescTomServer]:
    with DescTomServer() as server:
        yield server


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store to copy: to make one takes longer than a test."""
    path = tmp_path_factory.mktemp("services") / "night.sqlite"
    save_plan(path)
    return path


@pytest.fixture
def store_path(planned: Path, tmp_path: Path) -> Path:
    """A store with a plan of objects of LSST and one of ZTF."""
    return Path(shutil.copy(planned, tmp_path / "night.sqlite"))


@pytest.fixture
def store(store_path: Path) -> Iterator[Store]:
    with Store.open(store_path) as opened:
        yield opened


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command; return exit code, standard output and standard error."""
    from ampel_followup.cli import main

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
