"""What is loaded when: a static contract cannot see deferred imports, a fresh interpreter can."""

from __future__ import annotations

import subprocess
import sys

import pytest


def loaded_after(code: str) -> set[str]:
    """Top-level and dotted names of the modules that a fresh interpreter has after running the code."""
    result = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules, sep='\\n')"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(result.stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    loaded = loaded_after("import ampel_followup")
    assert not loaded & {"numpy", "astropy", "sklearn", "tensorflow", "sqlalchemy", "textual", "ampel"}


def test_the_public_surface_is_loaded_on_first_use():
    loaded = loaded_after("import ampel_followup\nampel_followup.LightCurve")
    assert "ampel_followup.lightcurve" in loaded
    assert "astropy" not in loaded


def test_every_public_name_exists():
    import ampel_followup

    for name in ampel_followup.__all__:
        assert getattr(ampel_followup, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonesuch'"):
        _ = ampel_followup.nonesuch


@pytest.mark.parametrize("module", ["ampel_followup.plan", "ampel_followup.decision", "ampel_followup.store"])
def test_what_the_terminal_app_reads_needs_no_science_stack(module):
    assert not loaded_after(f"import {module}") & {"numpy", "astropy", "sklearn", "scipy", "sqlalchemy", "alembic"}


def test_the_help_of_the_command_needs_no_science_stack():
    loaded = loaded_after("from ampel_followup.cli import main\nassert main(['--help']) == 0")
    assert not loaded & {"astropy", "sklearn", "scipy", "tensorflow", "textual", "ampel", "onnxruntime"}


def test_scoring_needs_neither_scikit_learn_nor_tensorflow():
    code = "from ampel_followup.models.bundle import load_bundle\nimport numpy as np\nb = load_bundle()\n"
    code += "b.score(np.full((2, len(b.features)), np.nan))"
    assert not loaded_after(code) & {"sklearn", "tensorflow", "ampel"}
