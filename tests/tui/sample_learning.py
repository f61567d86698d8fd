"""What came back for the sample night, and what was learned from it: for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from sample_night import CLASSES

from ampel_followup.champions import Challenger, ClassChange, Comparison, Difference, Reliability
from ampel_followup.labels import Label
from ampel_followup.models.folder import GAIN, Bundle, read_folder, write_folder
from ampel_followup.store import Store

SEEN = CLASSES[:6]


def bundle_at(folder: Path, name: str) -> Bundle:
    """A bundle that can be put into use, and that nothing can be scored with."""
    info = {
        "name": name,
        "version": "1",
        "created": "2026-11-19",
        "metrics": {"p_t_accuracy": 0.71, "p_t_log_loss": 0.83},
    }
    write_folder(folder, info, {"p_t.onnx": name.encode()})
    return Bundle(*read_folder(folder, GAIN))


def compared(gain: float, n: int, seed: int = 3) -> Comparison:
    """A champion and a challenger that is better by `gain` in every metric, on `n` objects of six classes."""
    rng = np.random.default_rng(seed)
    share = np.array([0.4, 0.3, 0.15, 0.05, 0.05, 0.05])
    before, after = [], []
    for place, count in enumerate(np.maximum(2, np.round(n * share)).astype(int)):
        for matrix, right in ((before, 0.55), (after, min(0.98, 0.55 + gain))):
            row = rng.multinomial(count, [right if named == place else (1 - right) / 5 for named in range(6)])
            matrix.append(tuple(map(int, row)))
    changes = tuple(
        ClassChange(name, sum(b), b[i] / sum(b), a[i] / sum(a), 0.6, 0.7)
        for i, (name, b, a) in enumerate(zip(SEEN, before, after, strict=True))
    )
    differences = tuple(
        Difference(metric, value, value + sign * gain, gain, gain - 0.04, gain + 0.04, 0.99 if gain > 0.04 else 0.4)
        for metric, value, sign in (("log_loss", 0.91, -1), ("accuracy", 0.61, 1), ("macro_recall", 0.52, 1))
    )
    reliability = Reliability((0.1, 0.9), (0.2, 0.8), (5, 5))
    return Comparison(
        SEEN, n, n, 5, 0.95, 2000, differences, changes, tuple(before), tuple(after), reliability, reliability
    )


def challenger_in(store: Store, name: str, *, gain: float, n: int, day: int, report: bool = True) -> Challenger:
    """Add a challenger with its bundle, and a report, to a store."""
    folder = store.folder / "challengers" / name
    bundle = bundle_at(folder, name)
    if report:
        (folder / "report").mkdir()
        (folder / "report" / "index.html").write_text("<!DOCTYPE html><title>report</title>")
    return store.learning.add_challenger(
        Challenger(
            name=name,
            created=f"2026-11-{day:02d}T20:00:00Z",
            bundle=bundle.label,
            bundle_digest=bundle.digest,
            folder=f"challengers/{name}",
            champion="simulated 1",
            champion_digest="9e8f" * 16,
            n_learned=n,
            weight=10.0,
            last_label=0,
            new_classes=(),
            left_out={"no light curve": 2, "type too coarse to learn": 3},
            comparison=compared(gain, n),
        )
    )


def teach(store: Store) -> None:
    """Labels for a dozen targets, one of them in conflict, and three rounds of learning of which the last is best."""
    labels: list[Label] = []
    for place, target in enumerate(store.load_plan().plan.targets[:12]):
        likely = target.scores.class_now if place % 3 else target.scores.class_after
        day = f"2026-11-{8 + place:02d}T12:00:00Z"
        labels.append(Label(target.id, _typed(likely), "TNS", day, author=("ZTF", "ePESSTO+", "SCAT")[place % 3]))
        if place == 4:
            labels.append(Label(target.id, "AGN", "human", day, author="bob"))
    store.add_labels([*labels, Label("ZTF26elsewhere", "SN Ia", "TNS", "2026-11-18T12:00:00Z")])
    for name, gain, n, day in (("after-1", -0.06, 40, 12), ("after-2", 0.02, 80, 15), ("after-3", 0.11, 120, 19)):
        challenger_in(store, name, gain=gain, n=n, day=day)


def _typed(name: str) -> str:
    return {"SN Ibc": "SN Ic", "SLSN": "SLSN-I", "variable": "Varstar", "bogus": "Other"}.get(name, name)


def drifting(names: Sequence[str]) -> dict[str, object]:
    """Return a run's report of features that moved."""
    features = [
        {"name": name, "psi": 0.31 - 0.05 * place, "text": f"median 19.{place} now, 18.9 in training"}
        for place, name in enumerate(names)
    ]
    return {"drift": {"moved": list(names), "sentence": f"{len(names)} features moved.", "features": features}}


def replaced(challenger: Challenger, **fields: object) -> Challenger:
    """Return a challenger with other fields."""
    return replace(challenger, **fields)  # type: ignore[arg-type]
