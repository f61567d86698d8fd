"""All runs of a comparison of query strategies: in several processes, each kept on disk as soon as it is done."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

from ampel_followup import __version__
from ampel_followup.errors import FollowupError
from ampel_followup.evaluation.learning_data import LearningData
from ampel_followup.evaluation.learning_loop import LoopOptions, LoopResult, run_loop
from ampel_followup.learning.budgets import Telescope
from ampel_followup.learning.queries import get_query

Task = tuple[str, int]

# What a process works on; it arrives once, not with every task.
_WORK: dict[str, Any] = {}


def run_all(
    data: LearningData,
    strategies: Sequence[str],
    seeds: Sequence[int],
    options: LoopOptions,
    results: Path,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[Task, LoopResult]:
    """
    Run every strategy with every seed, but those that are on disk already.

    Parameters
    ----------
    data : LearningData
    strategies : sequence of str
    seeds : sequence of int
    options : LoopOptions
    results : Path
        Folder; what is in it belongs to a digest of data and options, so that it may serve for anything.
    workers : int
        Processes; results do not depend on it.
    progress : callable
        Called with the number of runs done, and of all.

    Returns
    -------
    dict of (strategy, seed) to LoopResult
        In the order of strategies and seeds.

    Raises
    ------
    FollowupError
        If a strategy does not exist, the data have too few objects, or the folder cannot be written.
    """
    for strategy in strategies:
        get_query(strategy)
    folder = results / digest_of(data, options)
    tasks = [(strategy, seed) for seed in seeds for strategy in strategies]
    done = {task: found for task in tasks if (found := _read(_file(folder, task))) is not None}
    waiting = [task for task in tasks if task not in done]
    progress(len(done), len(tasks))
    if waiting:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FollowupError(f"cannot keep results in {folder} ({error.strerror}); choose --results") from error
    for task, result in _results(data, options, waiting, workers):
        _write(_file(folder, task), result)
        done[task] = result
        progress(len(done), len(tasks))
    return {(strategy, seed): done[strategy, seed] for strategy in strategies for seed in seeds}


def digest_of(data: LearningData, options: LoopOptions) -> str:
    """Return a name for everything but strategy and seed that a result depends on."""
    described = {
        "version": __version__,
        "data": data.digest,
        "options": {**dataclasses.asdict(options), "telescopes": [_described(t) for t in options.telescopes]},
    }
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:16]


def _described(telescope: Telescope) -> dict[str, Any]:
    instrument = None if telescope.instrument is None else telescope.instrument.model_dump(mode="json")
    plain = {f.name: getattr(telescope, f.name) for f in dataclasses.fields(telescope)}
    return plain | {"instrument": instrument}


def _results(data: LearningData, options: LoopOptions, tasks: list[Task], workers: int) -> Any:
    """Yield tasks and their results as they come."""
    if workers <= 1 or len(tasks) <= 1:
        for task in tasks:
            yield task, run_loop(data, *task, options)
        return
    # Processes that start afresh: threads that are running here cannot be copied into others.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_receive, initargs=(data, options)) as pool:
        futures = {pool.submit(_run, task): task for task in tasks}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _receive(data: LearningData, options: LoopOptions) -> None:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

    _WORK.update(data=data, options=options, threads=threadpool_limits(1))


def _run(task: Task) -> LoopResult:
    return run_loop(_WORK["data"], *task, _WORK["options"])


def _file(folder: Path, task: Task) -> Path:
    return folder / f"{task[0]}-{task[1]}.json"


def _write(path: Path, result: LoopResult) -> None:
    """Write complete or not at all."""
    plain = {
        f.name: value.tolist() if isinstance(value := getattr(result, f.name), np.ndarray) else value
        for f in dataclasses.fields(result)
    }
    temporary = path.with_suffix(f".{os.getpid()}.part")
    try:
        temporary.write_text(json.dumps(plain), encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise FollowupError(f"cannot keep the result {path} ({error.strerror}); choose --results") from error


def _read(path: Path) -> LoopResult | None:
    """Return a kept result; None if there is none, or it is no whole one."""
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        arrays = {"spectra": np.intp, "measures": float, "share_of_ia": float, "seconds": float, "asked": np.intp}
        return LoopResult(**plain | {name: np.array(plain[name], dtype=kind) for name, kind in arrays.items()})
    except (OSError, ValueError, KeyError, TypeError):
        return None
