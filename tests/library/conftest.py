"""References that tests and benchmarks share are modules beside the tests."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

# The first example of a test may import a library, on a machine that is busy.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
