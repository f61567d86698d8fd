"""A whole night by keys alone, in tmux at both sizes: on real alerts where they are, else on a simulated night."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

# A program of its own; the test runs its parts.
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from night_in_tmux import prepare, whole_night

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("AMPEL_FOLLOWUP_TEST_DATA", ROOT.parent / "shared" / "data"))
ALERTS = DATA / "ztf_alerts" / "ztf_public_20180819_mod1000.tar.gz"

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


@pytest.fixture(scope="module")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a plan and a schedule."""
    folder = tmp_path_factory.mktemp("ranked")
    if ALERTS.exists():
        return prepare(folder, ALERTS, "palomar", "2018-08-19", "sedm", 0)
    return prepare(folder, None, "palomar", "2026-11-09", "sedm", 60)


@pytest.mark.parametrize("size", [(140, 45), (80, 24)], ids=["140x45", "80x24"])
def test_every_verdict_that_was_typed_is_in_the_store(ranked: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    done = whole_night(Path(shutil.copy(ranked, tmp_path)), size)
    assert done.n_targets == len(done.per_target) > 5
