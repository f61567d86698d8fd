"""Fixtures for every room."""

from __future__ import annotations

import contextlib
import io
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


@pytest.fixture(scope="session")
def ranked_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A folder with a small model bundle and a night that it ranked; for tests to copy, not to change.

    ``mine`` is the bundle, ``night/a.tar.gz`` the alerts, with ``night/truth.csv`` and ``night/spectra``, and
    ``night.sqlite`` the store with the plan.
    """
    from ampel_followup.cli import main

    folder = tmp_path_factory.mktemp("ranked")

    def run(*arguments: object) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            assert main([str(argument) for argument in arguments]) == 0

    for name, objects, seed, first in (("first", 220, 1, 0), ("night", 90, 2, 10_000)):
        place = folder / name
        run("simulate", place / "a.tar.gz", "--objects", objects, "--seed", seed, "--first-number", first,
            "--spectra", place / "spectra", "--templates", "analytic")  # fmt: skip
    first_time = folder / "first"
    run("train", "gain", first_time / "a.tar.gz", "--labels", first_time / "truth.csv", "--spectra",
        first_time / "spectra", "--out", folder / "mine", "--trees", 20, "--folds", 2, "--no-report")  # fmt: skip
    run("rank", folder / "night" / "a.tar.gz", "--site", "palomar", "--night", "2026-11-09", "--no-assistant",
        "--bundle", folder / "mine", "--store", folder / "night.sqlite")  # fmt: skip
    return folder
