"""References that tests and benchmarks share are modules beside the tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import settings

from ampel_followup.cli import main

sys.path.insert(0, str(Path(__file__).parent))

# The first example of a test may import a library, on a machine that is busy.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture
def run(capsys, monkeypatch):
    """Run the command; return exit code, standard output and standard error."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: object) -> tuple[int, str, str]:
        code = main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
