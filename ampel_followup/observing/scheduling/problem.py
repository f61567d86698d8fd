"""What there is to schedule: candidates, telescopes, and when each may observe which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import ScheduleError

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Telescope:
    """
    One telescope, its night in equal steps, and what it could do with each of n candidates.

    Parameters
    ----------
    name : str
        Unique among the telescopes of a problem.
    edges : ndarray, shape (s + 1,)
        Equally spaced moments that divide its night into steps [s], counted from any origin that all telescopes share.
    usable : ndarray of bool, shape (n, s)
        The candidate is within all limits throughout the step, and the telescope is open.
    duration : ndarray, shape (n, s)
        Time that the telescope is taken if it starts on the candidate within the step [s]: exposure, acquisition,
        read-out. Positive; infinite where it cannot.
    slew_rate : float
        [deg/s]; infinite: slewing takes no time beyond what `duration` holds.

    Raises
    ------
    ScheduleError
        If the shapes do not fit each other, or a number is not possible.
    """

    name: str
    edges: Floats
    usable: Mask
    duration: Floats
    slew_rate: float = np.inf

    def __post_init__(self) -> None:
        edges = np.asarray(self.edges, dtype=np.float64)
        usable = np.asarray(self.usable, dtype=bool)
        n, steps = usable.shape if usable.ndim == 2 else (0, -1)
        if len(edges) < 2 or len(edges) != steps + 1:
            raise ScheduleError(f"{self.name}: {len(edges)} edges do not bound {steps} steps; give one edge more")
        if not np.isfinite(edges).all() or not np.allclose(np.diff(edges), edges[1] - edges[0]) or edges[1] <= edges[0]:
            raise ScheduleError(f"{self.name}: its night is not divided into equal, growing steps")
        duration = np.asarray(self.duration, dtype=np.float64)
        if duration.ndim == 1:
            duration = duration[:, np.newaxis]
        if duration.shape not in ((n, steps), (n, 1)):
            raise ScheduleError(f"{self.name}: durations of shape {duration.shape} for {n} candidates, {steps} steps")
        if (duration <= 0).any():
            raise ScheduleError(f"{self.name}: a duration of {np.nanmin(duration):g} s; they must be positive")
        if not self.slew_rate > 0:
            raise ScheduleError(f"{self.name}: slews at {self.slew_rate} deg/s; the rate must be positive")
        duration = np.where(np.isnan(duration), np.inf, duration)
        object.__setattr__(self, "edges", edges)
        object.__setattr__(self, "usable", usable)
        object.__setattr__(self, "duration", np.broadcast_to(duration, (n, steps)))

    @property
    def step(self) -> float:
        """Length of a step [s]."""
        return float((self.edges[-1] - self.edges[0]) / (len(self.edges) - 1))

    @cached_property
    def run_end(self) -> Floats:
        """End of the unbroken usable time that each step belongs to, shape (n, s) [s]; −inf where it is not usable."""
        steps = self.usable.shape[1]
        last = np.where(self.usable, -1, np.arange(steps))  # steps that end a run by not being usable
        last[last < 0] = steps
        end = np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]
        return np.asarray(np.where(self.usable, self.edges[end], -np.inf))

    @cached_property
    def latest(self) -> Floats:
        """Latest start within each step that ends in time, shape (n, s) [s]; −inf where there is none."""
        latest = np.minimum(self.run_end - self.duration, self.edges[1:])
        return np.where(latest >= self.edges[:-1] - 1e-6, latest, -np.inf)

    @cached_property
    def shortest(self) -> Floats:
        """Least time that the telescope is taken by each candidate, shape (n,) [s]; infinite if it cannot be at all."""
        return np.asarray(np.where(np.isfinite(self.latest), self.duration, np.inf).min(axis=1, initial=np.inf))

    @cached_property
    def next_step(self) -> Indices:
        """First step from each one on at whose beginning a candidate can be started, shape (n, s + 1); s: none."""
        steps = self.usable.shape[1]
        begins = np.where(np.isfinite(self.latest), np.arange(steps), steps)
        after = np.minimum.accumulate(begins[:, ::-1], axis=1)[:, ::-1]
        return np.asarray(np.column_stack([after, np.full(len(after), steps)]))

    def step_at(self, time: NDArray[np.float64]) -> Indices:
        """Return the step that a moment lies in, 0 to s; s: after the night."""
        raw = np.floor((time - self.edges[0]) / self.step + 1e-9)
        return np.asarray(np.clip(raw, 0, len(self.edges) - 1), dtype=np.intp)

    def block(self, candidate: int, time: float) -> tuple[float, float]:
        """Return start and end of the earliest block of one candidate at or after a moment [s]; infinite if none."""
        first, step_length, steps = self._grid
        time = max(time, first)
        if time >= first + steps * step_length:
            return np.inf, np.inf
        step = int((time - first) / step_length + 1e-9)
        if step >= steps:
            return np.inf, np.inf
        if time > self.latest[candidate, step] + 1e-6:
            step = int(self.next_step[candidate, step + 1])
            if step >= steps:
                return np.inf, np.inf
            time = float(self.edges[step])
        return time, time + float(self.duration[candidate, step])

    @cached_property
    def _grid(self) -> tuple[float, float, int]:
        return float(self.edges[0]), self.step, len(self.edges) - 1

    def earliest_start(self, candidates: Indices, time: NDArray[np.float64]) -> Floats:
        """
        Return the earliest start at or after a moment.

        Parameters
        ----------
        candidates : ndarray of int, shape (m,)
        time : ndarray, shape (m,)
            [s]

        Returns
        -------
        ndarray, shape (m,)
            [s]; infinite where there is none.
        """
        time = np.maximum(time, self.edges[0])
        step = self.step_at(time)
        inside = np.minimum(step, len(self.edges) - 2)
        now = (step < len(self.edges) - 1) & (time <= self.latest[candidates, inside] + 1e-6)
        following = self.next_step[candidates, np.minimum(step + 1, len(self.edges) - 1)]
        later = np.where(
            following < len(self.edges) - 1, self.edges[np.minimum(following, len(self.edges) - 2)], np.inf
        )
        return np.where(now, time, later)

    def earliest_end(self, candidates: Indices, time: NDArray[np.float64]) -> Floats:
        """Return the end of the earliest block at or after moments, broadcast together [s]; infinite: there is none."""
        first, step_length, steps = self._grid
        time = np.maximum(time, first)
        step = ((time - first) / step_length + 1e-9).astype(np.intp)
        inside = np.minimum(step, steps - 1)
        now = (time <= self.latest[candidates, inside] + 1e-6) & (step < steps)
        following = self.next_step[candidates, np.minimum(step + 1, steps)]
        start = np.where(now, time, self._step_starts[following])
        return np.asarray(start + self.duration[candidates, np.where(now, inside, np.minimum(following, steps - 1))])

    @cached_property
    def _step_starts(self) -> Floats:
        """Beginning of each step, and infinity for the one after the last, shape (s + 1,) [s]."""
        return np.append(self.edges[:-1], np.inf)

    def duration_at(self, candidates: Indices, start: NDArray[np.float64]) -> Floats:
        """Return how long candidates take if started at moments, shape (m,) each [s]; infinite after the night."""
        step = self.step_at(start)
        inside = np.minimum(step, len(self.edges) - 2)
        return np.where(step < len(self.edges) - 1, self.duration[candidates, inside], np.inf)


@dataclass(frozen=True, eq=False)
class Problem:
    """
    A night to schedule.

    Parameters
    ----------
    value : ndarray, shape (n,)
        What a spectrum of each candidate is worth: finite, 0 or more.
    telescopes : sequence of Telescope
        At least one; each candidate is observed by at most one of them, once.
    direction : ndarray, shape (n, 3), optional
        Unit vectors to the candidates, for the time to slew; needed by telescopes with a slew rate.

    Raises
    ------
    ScheduleError
        If there is no telescope, two have one name, or arrays do not fit.
    """

    value: Floats
    telescopes: Sequence[Telescope]
    direction: Floats = field(default_factory=lambda: np.empty((0, 3)))

    def __post_init__(self) -> None:
        value = np.asarray(self.value, dtype=np.float64)
        if not self.telescopes:
            raise ScheduleError("there is no telescope to schedule; name at least one")
        names = [telescope.name for telescope in self.telescopes]
        if len(set(names)) < len(names):
            raise ScheduleError(f"two telescopes are called {max(names, key=names.count)!r}; give each its own name")
        if not (np.isfinite(value) & (value >= 0)).all():
            raise ScheduleError("the value of a spectrum must be a finite number, 0 or more; rank the candidates again")
        for telescope in self.telescopes:
            if len(telescope.usable) != len(value):
                raise ScheduleError(f"{telescope.name}: {len(telescope.usable)} candidates, but {len(value)} values")
            if np.isfinite(telescope.slew_rate) and len(self.direction) != len(value):
                raise ScheduleError(f"{telescope.name} slews at a finite rate; the directions of candidates are needed")
        object.__setattr__(self, "value", value)

    @cached_property
    def _angles(self) -> NDArray[np.float32]:
        """Angles between all candidates, shape (n, n) [deg]."""
        cosine = np.clip(self.direction @ self.direction.T, -1.0, 1.0)
        return np.degrees(np.arccos(cosine)).astype(np.float32)

    def slew(self, telescope: Telescope, ones: Indices, others: Indices) -> Floats:
        """Return the times to slew from candidates to others, shapes (a, 1) and (b,) [s]; 0 from nowhere (−1)."""
        if not np.isfinite(telescope.slew_rate):
            return np.zeros(np.broadcast(ones, others).shape)
        time = self._angles[ones, others] / np.float64(telescope.slew_rate)
        time[np.broadcast_to((ones < 0) | (others < 0), time.shape)] = 0.0
        return np.asarray(time, dtype=np.float64)

    def slew_time(self, telescope: Telescope, one: int, other: int) -> float:
        """Return the time to slew from one candidate to another [s]; 0 from or to nowhere (−1)."""
        if one < 0 or other < 0 or telescope.slew_rate == np.inf:
            return 0.0
        return float(self._angles[one, other]) / telescope.slew_rate


@dataclass(frozen=True, slots=True)
class Placed:
    """A block: which telescope (index) observes which candidate (index), from when to when [s]; `movable` or not."""

    telescope: int
    candidate: int
    start: float
    end: float
    movable: bool = True
