"""A plausible night: a plan with its light curves, for tests and benchmarks."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from textual.app import App

from ampel_followup.assistant_scores import (
    AssistantScores,
    Cause,
    Placement,
    Queue,
    Stage,
    Trait,
    Visit,
    assistant_rank,
)
from ampel_followup.lightcurve import LightCurve, flux_from_magnitude
from ampel_followup.plan import (
    NightPlan,
    NightSummary,
    Photometry,
    RankedTarget,
    TargetScores,
    TargetVisibility,
)
from ampel_followup.stopping import stop_advice
from ampel_followup.timetable import Block, BlockKind, BlockStatus, TelescopeNight, Timetable

# Half past nine in the evening at the telescope.
NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
DUSK = datetime(2026, 11, 20, 9, 41, tzinfo=UTC)
DAWN = datetime(2026, 11, 20, 17, 22, tzinfo=UTC)
DUSK_MJD = 61364.4035
CLASSES = ("SN Ia", "SN II", "SN Ibc", "SLSN", "TDE", "AGN", "CV", "variable", "flare", "bogus")


def iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


NIGHT = NightSummary(
    date="2026-11-20",
    site="sso",
    site_name="Siding Spring",
    latitude=-31.27,
    longitude=149.06,
    timezone="Australia/Sydney",
    sunset="2026-11-20T08:52:10Z",
    dusk=iso(DUSK),
    dawn=iso(DAWN),
    sunrise="2026-11-20T18:57:31Z",
    moon_illumination=0.82,
    moon_rise=None,
    moon_set="2026-11-20T15:12:00Z",
)


def make_visibility(rng: np.random.Generator, *, observable: bool, steps: int = 16) -> TargetVisibility:
    """An object that culminates once, somewhere in the night or beside it."""
    peak = rng.uniform(0.0, steps) if observable else -2.0 * steps
    top = rng.uniform(45.0, 88.0)
    altitude = top - 75.0 / steps * np.abs(np.arange(steps) - peak)
    airmass = [1.0 / math.sin(math.radians(a)) if a > 0 else math.nan for a in altitude]
    useful = [i for i, x in enumerate(airmass) if x <= 2.0]
    step = (DAWN - DUSK) / (steps - 1)
    if not useful:
        return TargetVisibility(
            observable=False,
            start=None,
            end=None,
            best=None,
            hours=0.0,
            min_airmass=math.nan,
            moon_separation=round(float(rng.uniform(10, 150)), 1),
            airmass=tuple(airmass),
            reason="sets 1 h 12 min before it is dark",
        )
    best = min(useful, key=lambda i: airmass[i])
    return TargetVisibility(
        observable=True,
        start=iso(DUSK + useful[0] * step),
        end=iso(DUSK + useful[-1] * step),
        best=iso(DUSK + best * step),
        hours=round((len(useful) - 1) * step / timedelta(hours=1), 2),
        min_airmass=float(airmass[best]),
        moon_separation=round(float(rng.uniform(10, 150)), 1),
        airmass=tuple(map(float, airmass)),
        reason=None,
    )


def make_target(number: int, rng: np.random.Generator, *, observable: bool = True) -> tuple[RankedTarget, LightCurve]:
    """A plausible target with the light curve that its photometry sums up."""
    p_t = rng.dirichlet(np.array([3.0, 2.5, 1.2, 0.4, 0.5, 0.4, 0.4, 0.3, 0.2, 0.3]))
    p_ts = rng.dirichlet(20 * p_t + 0.1)
    order, after = np.argsort(-p_t), np.argsort(-p_ts)
    class_now = CLASSES[order[0]]
    excess = rng.uniform(1.1, 2.4)
    light_curve = make_light_curve(f"ZTF26ab{_letters(number)}", rng)
    detected = light_curve.detected
    magnitude, magnitude_err = light_curve.magnitude
    last = np.flatnonzero(detected)[-1]
    trend = float((magnitude[detected][-1] - magnitude[detected][0]) / np.ptp(light_curve.time[detected]))
    photometry = Photometry(
        n_detections=int(detected.sum()),
        n_limits=int((~detected).sum()),
        first_mjd=float(light_curve.time[detected][0]),
        last_mjd=float(light_curve.time[last]),
        last_band=str(light_curve.band[last]),
        last_mag=float(magnitude[last]),
        last_mag_err=float(magnitude_err[last]),
        trend=trend,
        bands={"ztfg": int((light_curve.band[detected] == "ztfg").sum())},
    )
    value = float(rng.uniform(0.0, 0.75)) ** 2
    # A spectrum that names another class gains less than certainty.
    p_change = min(0.95, float(value * excess))
    p_after = p_ts**3 * (np.arange(len(CLASSES)) != order[0])
    p_after *= p_change / p_after.sum()
    p_after[order[0]] = 1.0 - p_change
    class_after = CLASSES[p_after.argmax()]
    # Whoever keeps the present class is right so often; with a spectrum it is more often by the value of information.
    kept = min(float(p_ts[order[0]]), 0.97 - value)
    p_ts *= (1.0 - kept) / (1.0 - p_ts[order[0]])
    p_ts[order[0]] = kept
    alternative = CLASSES[after[0] if after[0] != order[0] else after[1]]
    entropy = float(-(p_t * np.log(p_t)).sum())
    information_gain = float(entropy * rng.uniform(0.3, 0.8))
    scores = TargetScores(
        p_t=dict(zip(CLASSES, map(float, p_t), strict=True)),
        p_ts=dict(zip(CLASSES, map(float, p_ts), strict=True)),
        class_now=class_now,
        class_after=class_after,
        entropy=entropy,
        expected_entropy=entropy - information_gain,
        information_gain=information_gain,
        indicator=int(class_now != class_after),
        p_change=p_change,
        value_of_information=value,
        uncertainty=1.0 - float(p_t.max()),
        in_scope=0.011 if number % 6 == 1 else 0.71,
        p_after=dict(zip(CLASSES, map(float, p_after), strict=True)),
        spectrum_uncertainty=float(-4.0 + 3.0 * entropy),
        p_named={name: round(float(0.5 + 0.5 * p), 4) for name, p in zip(CLASSES, p_after, strict=True) if p > 0},
        entropy_named={name: round(entropy * (1.1 - float(p)), 4) for name, p in zip(CLASSES, p_after, strict=True)},
    )
    reasons = (
        f"A spectrum would change the class in {100 * p_change:.0f} % of cases, most likely to {alternative}.",
        f"{'Brightens' if trend < 0 else 'Fades'} by {abs(trend):.2f} mag a day; "
        f"first seen {DUSK_MJD - photometry.first_mjd:.0f} days ago, after limits.",
        "No star within 5 arcsec, and 43 degrees from the plane of the Galaxy.",
        *(["Outside what the models were trained on (1 % of it is as unusual): take the scores with caution."])
        * scores.out_of_scope,
    )
    target = RankedTarget(
        id=light_curve.id,
        stock=number,
        ra=light_curve.ra,
        dec=light_curve.dec,
        rank=number if observable else 0,
        priority=value,
        scores=scores,
        visibility=make_visibility(rng, observable=observable),
        photometry=photometry,
        reasons=reasons,
    )
    return target, light_curve


def _letters(number: int) -> str:
    text = ""
    for _ in range(5):
        number, digit = divmod(number * 7 + 3, 26)
        text = chr(ord("a") + digit) + text
    return text


def make_light_curve(name: str, rng: np.random.Generator) -> LightCurve:
    """Limits, then a rise and the beginning of a decline, in g and r."""
    age = rng.uniform(4.0, 25.0)
    time = np.sort(np.concatenate([DUSK_MJD - age - rng.uniform(0, 15, 6), DUSK_MJD - rng.uniform(0.2, age, 12)]))
    band = np.where(rng.random(len(time)) < 0.5, "ztfg", "ztfr")
    limit = time < DUSK_MJD - age
    phase = (time - DUSK_MJD + age) / 10.0
    magnitude = 20.6 - 2.2 * phase * np.exp(1 - phase) + 0.15 * (band == "ztfg") + rng.normal(0, 0.05, len(time))
    magnitude_err = 0.04 + 0.02 * rng.random(len(time)) + 0.05 * (magnitude > 19.5)
    flux, flux_err = flux_from_magnitude(magnitude, magnitude_err)
    limiting_flux, _ = flux_from_magnitude(20.3 + 0.4 * rng.random(len(time)), 0.1)
    return LightCurve(
        id=name,
        stock=1,
        time=time,
        band=band,
        flux=np.where(limit, 0.0, flux),
        flux_err=np.where(limit, limiting_flux / 5.0, flux_err),
        upper_limit=limit,
        ra=float(rng.uniform(0, 360)),
        dec=float(rng.uniform(-70, 20)),
    )


def make_plan(n: int, n_hidden: int, seed: int = 1) -> tuple[NightPlan, list[LightCurve]]:
    rng = np.random.default_rng(seed)
    pairs = [make_target(number, rng) for number in range(1, n + 1)]
    pairs.sort(key=lambda pair: -pair[0].priority)
    pairs = [(replace(target, rank=rank), light_curve) for rank, (target, light_curve) in enumerate(pairs, 1)]
    hidden = [make_target(number, rng, observable=False) for number in range(n + 1, n + n_hidden + 1)]
    plan = NightPlan(
        night=NIGHT,
        strategy="value-of-information",
        bundle="early-1",
        bundle_digest="0" * 64,
        targets=tuple(target for target, _ in pairs),
        not_observable=tuple(target for target, _ in hidden),
        stop=stop_advice([target for target, _ in pairs]),
    )
    return plan, [light_curve for _, light_curve in (*pairs, *hidden)]


def assist(plan: NightPlan, n_aside: int, seed: int = 5) -> tuple[NightPlan, list[LightCurve]]:
    """The same night with a virtual assistant and a policy, and with targets that are set aside."""
    rng = np.random.default_rng(seed)
    n = len(plan.targets) + len(plan.not_observable)
    pairs = [make_target(number, rng, observable=number % 4 > 0) for number in range(n + 1, n + n_aside + 1)]
    judged = replace(
        plan,
        targets=tuple(_listed(target, number, rng) for number, target in enumerate(plan.targets)),
        not_observable=tuple(_listed(target, number, rng) for number, target in enumerate(plan.not_observable)),
        set_aside=tuple(_set_aside(replace(target, rank=0), i, rng) for i, (target, _) in enumerate(pairs)),
        assistant="sample-assistant 1",
        assistant_digest="1" * 64,
        policy="production 1",
    )
    return judged, [light_curve for _, light_curve in pairs]


#: The same evening on another continent.
LA_PALMA = NightSummary(
    date="2026-11-20",
    site="lapalma",
    site_name="Roque de los Muchachos",
    latitude=28.76,
    longitude=-17.88,
    timezone="Atlantic/Canary",
    sunset="2026-11-20T18:10:00Z",
    dusk="2026-11-20T19:31:00Z",
    dawn="2026-11-21T06:01:00Z",
    sunrise="2026-11-21T07:24:00Z",
    moon_illumination=0.84,
    moon_rise=None,
    moon_set="2026-11-21T02:40:00Z",
)
WIFES = TelescopeNight("wifes", "ANU 2.3m/WiFeS", NIGHT, revision=1)
FLOYDS = TelescopeNight("floyds-s", "FTS/FLOYDS", NIGHT, revision=1)
SPRAT = TelescopeNight("sprat", "LT/SPRAT", LA_PALMA, revision=1)


def make_timetable(plan: NightPlan, telescopes: tuple[TelescopeNight, ...] = (WIFES,)) -> Timetable:
    """A schedule without gaps: a standard first, then the targets in order of priority, by turns."""
    blocks = []
    for number, telescope in enumerate(telescopes):
        night = telescope.night
        start, dawn = datetime.fromisoformat(night.dusk), datetime.fromisoformat(night.dawn)
        blocks.append(_block(telescope, "EG131", BlockKind.STANDARD, start, 60.0, 290.2, -27.25))
        start += timedelta(minutes=5)
        for place, target in enumerate(plan.targets[number :: len(telescopes)]):
            exposure = 600.0 * (1 + place % 3)
            kind = (BlockKind.FIXED, BlockKind.TARGET, BlockKind.TARGET, BlockKind.INTERRUPT)[place % 4]
            block = _block(
                telescope, target.id, kind if place < 5 else BlockKind.TARGET, start, exposure, target.ra, target.dec
            )
            end = datetime.fromisoformat(block.end)
            if end > dawn:
                break
            magnitude = target.photometry.last_mag
            blocks.append(
                replace(
                    block,
                    value=target.scores.value_of_information,
                    magnitude=magnitude,
                    magnitude_err=0.08 + 0.05 * (place % 4),
                )
            )
            start = end
    blocks.sort(key=lambda block: (block.start, block.telescope))
    value = sum(block.value for block in blocks)
    return Timetable(
        date=plan.night.date,
        telescopes=telescopes,
        blocks=tuple(blocks),
        unplaced=(),
        value=value,
        bound=1.02 * value,
        strategy=plan.strategy,
        planned_from=min(telescope.night.dusk for telescope in telescopes),
    )


def _block(
    telescope: TelescopeNight, target: str, kind: BlockKind, start: datetime, exposure: float, ra: float, dec: float
) -> Block:
    return Block(
        telescope=telescope.telescope,
        target=target,
        kind=kind,
        status=BlockStatus.PLANNED,
        ra=ra,
        dec=dec,
        start=iso(start),
        end=iso(start + timedelta(seconds=exposure + 240.0)),
        exposure=exposure,
        n_exposures=max(1, round(exposure / 600.0)),
        airmass=1.23,
        moon_separation=71.0,
    )


def _listed(target: RankedTarget, number: int, rng: np.random.Generator) -> RankedTarget:
    age = DUSK_MJD - target.photometry.first_mjd
    stage = Stage.FIRST if age < 7 else Stage.UPDATING if age < 21 else Stage.LONG_TERM
    anomaly = "brighter by 0.8 mag in r than its decline until 2026-11-03 led to expect (7σ)"
    scores = _assistant_scores(rng, age, p_real=rng.uniform(0.92, 1.0), p_galactic=rng.uniform(0.0, 0.2))
    urgent = stage == Stage.FIRST and scores.p_fast > 0.3
    closing = number % 11 == 4
    queue = Queue.URGENT if urgent else Queue.EXTRAGALACTIC
    placement = Placement(
        stage=stage,
        queue=queue,
        because=f"rank {scores.rank:.1f}, above 7" + (f"; fast with p = {scores.p_fast:.2f}" if urgent else ""),
        listed=True,
        notes=("seen for the last time this season on 2026-12-02",) if closing else (),
        last_useful="2026-12-02" if closing else None,
        snoozed_until="2026-11-23" if number % 5 == 4 else None,
    )
    if stage == Stage.LONG_TERM and number % 3 == 2:
        scores = replace(scores, anomaly=anomaly)
    return replace(target, assistant=scores, placement=placement)


def _set_aside(target: RankedTarget, number: int, rng: np.random.Generator) -> RankedTarget:
    queue = (Queue.GARBAGE, Queue.GARBAGE, Queue.WAIT, Queue.GALACTIC, Queue.PURGATORY)[number % 5]
    low, high = {
        Queue.GARBAGE: (0.0, 0.08),
        Queue.WAIT: (0.4, 0.6),
        Queue.GALACTIC: (0.85, 1.0),
        Queue.PURGATORY: (0.4, 0.7),
    }[queue]
    p_galactic = rng.uniform(0.85, 1.0) if queue == Queue.GALACTIC else rng.uniform(0.0, 0.6)
    scores = _assistant_scores(rng, 1.0 + number % 4, p_real=rng.uniform(low, high), p_galactic=p_galactic)
    because = {
        Queue.GARBAGE: f"discarded on entry: rank {scores.history[0].rank:.1f}, below 1.5",
        Queue.WAIT: f"rank {scores.rank:.1f}, not above 7: waits for the next visit",
        Queue.GALACTIC: "within 0.4 of a certain Galactic transient",
        Queue.PURGATORY: "neither shown nor discarded in 15 d",
    }[queue]
    snoozed = "2026-11-24" if number % 13 == 7 else None
    placement = Placement(Stage.UPDATING, queue, because, listed=False, snoozed_until=snoozed)
    return replace(target, assistant=scores, placement=placement)


def _assistant_scores(rng: np.random.Generator, age: float, *, p_real: float, p_galactic: float) -> AssistantScores:
    """Scores that grow surer from visit to visit; where P(fast) is not known, speed is not either."""
    p_fast = float(rng.uniform(0.0, 1.0)) if rng.random() < 0.9 else math.nan
    days = np.cumsum(rng.integers(1, 4, 30)) - 1.0
    days = np.concatenate([[0.0], days[(days > 0) & (days < age)]])
    n_visits = len(days)
    real = p_real + (0.5 - p_real) * (p_real > 0.1) * np.exp(-np.arange(n_visits) / 1.5) * (n_visits > 1)
    galactic = p_galactic + (0.5 - p_galactic) * np.exp(-np.arange(n_visits) / 1.5) * (n_visits > 1)
    history = tuple(
        Visit(DUSK_MJD - days[-1] + day, float(day), float(p), float(q), p_fast, assistant_rank(float(p), float(q)))
        for day, p, q in zip(days, real, galactic, strict=True)
    )
    last = history[-1]
    return AssistantScores(
        p_real=last.p_real,
        p_galactic=last.p_galactic,
        p_fast=p_fast,
        rank=last.rank,
        history=history,
        traits=(
            Trait("speed", "unknown", math.nan) if math.isnan(p_fast) else Trait("speed", "fast", 0.83),
            Trait("luminosity", "unknown", math.nan),
            Trait("structure", "early peak + main peak", 0.61),
        ),
        causes=(
            Cause("real", "rb_pix", 0.97, 1.8, "real/bogus score of 0.97 raises it"),
            Cause("real", "log10_std_ra", math.nan, -0.4, "scatter of the positions not measured, which lowers it"),
            Cause("real", "DET_N_total", 3.0, 0.2, "3 detections since the first alert raise it"),
            Cause("galactic", "abs_galactic_latitude", 43.0, -1.1, "43° from the plane of the Galaxy lowers it"),
            Cause("galactic", "log10_sep_arcsec", 0.49, -0.7, "3.1″ from a catalogued galaxy lowers it"),
            Cause("fast", "rise_rate", -0.31, 0.9, "rising by 0.31 mag a day raises it"),
        ),
    )


async def until(condition: Callable[[], bool], patience: float = 60.0) -> None:
    """
    Let the app work until something is so.

    To look is dear, for the whole screen may have to be drawn for it, and the app stands still meanwhile; it has four
    times as long for itself before the next look, or a busy machine would hardly get it anywhere.
    """
    now = asyncio.get_running_loop().time
    async with asyncio.timeout(patience):
        while True:
            began = now()
            if condition():
                return
            await asyncio.sleep(4.0 * (now() - began))


async def at_rest(app: App[None]) -> None:
    """
    Let the app work until all that is under way is done and on the screen.

    Work that was given up counts as done: a cursor that goes on cancels what was read for the row that it left.
    """
    refreshed = asyncio.Event()
    # What is read aside may ask for a new layout, and a new size for new text.
    for _ in range(3):
        await until(lambda: all(worker.is_finished for worker in app.workers))
        refreshed.clear()
        app.call_after_refresh(refreshed.set)
        await until(refreshed.is_set)


async def strike(app: App[None], *keys: str) -> None:
    """Strike keys one after the other; unlike `Pilot.press`, wait for what they do, and no longer."""
    for key in keys:
        app.simulate_key(key)
        await at_rest(app)


def screen_text(app: App[None]) -> str:
    """What stands on the screen, as a person reads it."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)
