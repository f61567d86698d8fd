"""Fixtures for every room."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# One thread per test process: small arrays, and results that do not depend on the number of cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real test data beside the repository; not part of it."""
    folder = Path(os.environ.get("AMPEL_FOLLOWUP_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no test data at {folder}; set AMPEL_FOLLOWUP_TEST_DATA")
    return folder
