"""What observers get who have a plan scheduled: a night that can be observed as it is written down."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from assistant_plans import PLAN

from ampel_followup.alerts.ztf import light_curve_from_candidates, ztf_stock
from ampel_followup.decision import Decision
from ampel_followup.errors import NightError, ScheduleError
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.bundle import load_bundle
from ampel_followup.observing import get_site, night_at
from ampel_followup.observing.exposure import signal_to_noise
from ampel_followup.observing.instruments import Instrument, get_instrument
from ampel_followup.observing.moonlight import sky_brightness
from ampel_followup.observing.night import mjd_of, utc_isoformat
from ampel_followup.observing.visibility import altitudes
from ampel_followup.plan import NightPlan, RankedTarget
from ampel_followup.ranking import rank
from ampel_followup.scoring import score
from ampel_followup.simulate import simulate_objects
from ampel_followup.strategies import AMOUNTS, STRATEGIES, values_of
from ampel_followup.timetable import Block, BlockKind, BlockStatus, Closure, Timetable
from ampel_followup.timetabling import Fixed, Wishes, make_timetable

DATE = dt.date(2026, 11, 20)
SEDM, WIFES, EFOSC2 = (get_instrument(key) for key in ("sedm", "wifes", "efosc2"))
PALOMAR = night_at(get_site("palomar"), DATE)
#: Sidereal time at Palomar at mid-night, to a degree: what has this right ascension culminates then.
HIGH = 55.0
SECOND = 1.0 / 86400.0
#: Less than the instruments ask for, so that the simulated night is full.
SNR = 6.0


def target(name: str, *, ra: float = HIGH, dec: float = 60.0, mag: float = 17.0, err: float = 0.05, value: float = 0.2):
    """A target whose brightness is that of its last point."""
    base = PLAN.targets[0]
    return replace(
        base, id=name, ra=ra, dec=dec, priority=value,
        photometry=replace(base.photometry, last_mag=mag, last_mag_err=err),
    )  # fmt: skip


def plan_of(*targets: RankedTarget, strategy: str = "value-of-information", set_aside: tuple[RankedTarget, ...] = ()):
    night = PALOMAR.summary()
    return replace(PLAN, night=night, strategy=strategy, targets=targets, not_observable=(), set_aside=set_aside)


def decided(name: str, verdict: str, time: str = "2026-11-21T05:00:00Z") -> dict[str, Decision]:
    return {name: Decision(name, "2026-11-20", "palomar", verdict, "ada", time)}


def at(hours: float) -> str:
    """A moment so many hours after dusk at Palomar."""
    return utc_isoformat(PALOMAR.dusk + hours / 24.0)


def mjd(hours: float) -> float:
    return mjd_of(at(hours))


def science(timetable: Timetable) -> list[Block]:
    return [block for block in timetable.blocks if block.kind != BlockKind.STANDARD]


def names(timetable: Timetable) -> list[str]:
    return [block.target for block in science(timetable)]


def schedule(plan: NightPlan, *instruments: Instrument, light_curves=None, **options) -> Timetable:
    return make_timetable(plan, instruments or (SEDM,), light_curves or {}, **options)


@pytest.fixture(scope="module")
def light_curves() -> dict[str, LightCurve]:
    return {
        o.id: light_curve_from_candidates(o.id, ztf_stock(o.id), o.candidates)
        for o in simulate_objects(250, DATE, np.random.default_rng(4))
    }


@pytest.fixture(scope="module")
def plan(light_curves) -> NightPlan:
    objects = score(list(light_curves.values()), load_bundle())
    return rank(objects, night=PALOMAR, bundle=load_bundle())


@pytest.fixture(scope="module")
def simulated(plan, light_curves) -> Timetable:
    """250 simulated objects; SEDM loses two hours, WiFeS is half a world away."""
    closures = {"sedm": [Closure(at(3.0), at(5.0), "clouds")]}
    return make_timetable(plan, [SEDM, WIFES, EFOSC2], light_curves, wishes=Wishes(closures=closures, snr=SNR))


def circumstances(block: Block, fraction: float) -> tuple[float, float, float]:
    """Altitude, hour angle [h] and distance from the Moon of a block at a part of its length, from what is tested."""
    instrument = get_instrument(block.telescope)
    night = night_at(get_site(instrument.site), DATE)
    start, end = mjd_of(block.start), mjd_of(block.end)
    moment = start + fraction * (end - start)
    [[altitude]] = altitudes([block.ra], [block.dec], night, [moment])
    # Mean sidereal time (Astronomical Almanac, B8), a degree or so rough for the precession since 2000.
    sidereal = 280.46062 + 360.98564737 * (moment - 51544.5) + night.site.longitude
    hour_angle = ((sidereal - block.ra + 180.0) % 360.0 - 180.0) / 15.0
    k = int(np.argmin(np.abs(night.times - moment)))
    a, b, c, d = np.radians([block.ra, block.dec, night.moon_ra[k], night.moon_dec[k]])
    cosine = math.sin(b) * math.sin(d) + math.cos(b) * math.cos(d) * math.cos(a - c)
    separation = math.degrees(math.acos(cosine)) if night.moon_altitude[k] > 0.0 else 180.0
    return float(altitude), hour_angle, separation


def test_every_block_is_within_the_limits_of_its_telescope_in_the_dark(simulated):
    assert len(science(simulated)) > 10
    assert {block.telescope for block in science(simulated)} == {"sedm", "wifes", "efosc2"}
    for block in simulated.blocks:
        instrument = get_instrument(block.telescope)
        night, limits = night_at(get_site(instrument.site), DATE), instrument.limits
        assert night.dusk - SECOND <= mjd_of(block.start) < mjd_of(block.end) <= night.dawn + SECOND
        for fraction in (0.0, 0.5, 1.0):
            altitude, hour_angle, separation = circumstances(block, fraction)
            assert max(limits.min_altitude, 23.0) - 0.05 <= altitude <= limits.max_altitude + 0.05
            assert limits.min_hour_angle - 0.2 <= hour_angle <= limits.max_hour_angle + 0.2
            assert separation >= limits.min_moon_separation - 0.3
        assert limits.min_declination <= block.dec <= limits.max_declination


def test_telescope_does_one_thing_at_a_time_and_nothing_while_closed(simulated):
    for telescope in simulated.telescopes:
        for one, other in pairwise(simulated.of(telescope.telescope)):
            assert one.end <= other.start
    for block in simulated.of("sedm"):
        assert block.end <= at(3.0) or block.start >= at(5.0)
    [closure] = simulated.telescopes[0].closures
    assert closure == Closure(at(3.0), at(5.0), "clouds")


def test_no_target_is_observed_twice_and_none_is_lost(simulated, plan):
    placed, unplaced = names(simulated), [u.target for u in simulated.unplaced]
    assert len(placed) == len(set(placed))
    assert sorted(placed + unplaced) == sorted(t.id for t in (*plan.targets, *plan.not_observable))
    assert all(u.reason for u in simulated.unplaced)


def test_nothing_is_promised_that_may_be_fainter_than_the_limit(simulated):
    for block in science(simulated):
        faint = get_instrument(block.telescope).magnitudes.faint
        assert block.magnitude + block.magnitude_err <= faint


def test_exposure_is_that_of_the_brightness_airmass_and_sky_at_its_start(simulated):
    for block in science(simulated):
        instrument = get_instrument(block.telescope)
        night = night_at(get_site(instrument.site), DATE)
        start, end = mjd_of(block.start), mjd_of(block.end)
        # Airmass and sky are those in the middle of the step of 150 s that the block begins in.
        step = math.floor((start + 0.6 * SECOND - night.dusk) / (150.0 * SECOND))
        middle = night.dusk + (step + 0.5) * 150.0 * SECOND
        altitude, _, _ = circumstances(block, (middle - start) / (end - start))
        z = math.radians(90.0 - altitude)
        # Kasten & Young (1989, Applied Optics 28, 4735), eq. 3
        airmass = max(1.0, 1.0 / (math.cos(z) + 0.50572 * (96.07995 - math.degrees(z)) ** -1.6364))
        moon = np.interp(middle, night.times, night.moon_altitude)
        brightness = sky_brightness(
            night.moon_illumination, moon, altitude, block.moon_separation,
            dark_sky=instrument.conditions.dark_sky, extinction=instrument.conditions.extinction,
        )  # fmt: skip
        mag = block.magnitude + block.magnitude_err
        reached = float(signal_to_noise(instrument, mag, block.exposure, airmass=airmass, sky=brightness))
        if block.exposure > instrument.exposures.shortest:
            assert reached == pytest.approx(SNR, rel=0.03)
        else:
            assert reached >= SNR
        overheads = instrument.overheads.acquisition + block.n_exposures * instrument.overheads.readout
        assert (end - start) / SECOND >= block.exposure + overheads - 1.5


def test_value_is_that_of_the_blocks_and_within_the_bound(simulated, plan):
    worth = {t.id: t.priority for t in (*plan.targets, *plan.not_observable)}
    assert simulated.value == pytest.approx(sum(worth[name] for name in names(simulated)))
    assert 0.0 < simulated.value <= simulated.bound <= sum(worth.values())


def test_same_arguments_give_the_same_bytes(plan, light_curves, simulated):
    one, other = (make_timetable(plan, [SEDM], light_curves) for _ in range(2))
    assert one.to_json() == other.to_json()
    assert Timetable.from_dict(simulated.to_dict()).to_json() == simulated.to_json()


def test_each_site_has_its_own_night(simulated):
    sedm, wifes, efosc2 = (t.night for t in simulated.telescopes)
    assert (sedm.site, wifes.site, efosc2.site) == ("palomar", "sso", "lasilla")
    assert wifes.dawn < efosc2.dusk < sedm.dusk
    assert simulated.planned_from == wifes.dusk


@pytest.mark.parametrize("strategy", [*sorted(STRATEGIES), "mixture:value-of-information=0.6,random=0.4", "of others"])
def test_every_strategy_gives_values_that_add_up(strategy):
    priority = np.array([3.0, -0.1, 101.0, 0.0, 3.0])
    values = values_of(strategy, priority)
    assert (values >= 0.0).all()
    if strategy in AMOUNTS:
        assert values == pytest.approx(np.maximum(priority, 0.0))
    else:
        assert values == pytest.approx([0.8, 0.2, 1.0, 0.4, 0.6])
    targets = [target(f"t{i}", ra=HIGH + 10 * i, value=p) for i, p in enumerate(priority)]
    timetable = schedule(plan_of(*targets, strategy=strategy))
    assert timetable.strategy == strategy
    assert timetable.value == pytest.approx(values.sum())


def test_fading_object_is_exposed_for_longer_and_not_promised_near_the_limit():
    hopeless = target("hopeless", mag=19.0, err=0.6)
    alone = [schedule(plan_of(target(name, mag=18.0, err=err))) for name, err in (("sure", 0.05), ("unsure", 0.5))]
    blocks = {block.target: block for timetable in alone for block in science(timetable)}
    timetable = schedule(plan_of(hopeless))
    assert blocks["unsure"].exposure > 1.5 * blocks["sure"].exposure
    [unplaced] = timetable.unplaced
    assert unplaced.target == "hopeless"
    assert unplaced.reason == "expected at 19.0 ± 0.6 mag, too near to or beyond the limit 19.5 of sedm"


def test_light_curve_tells_how_bright_it_is_tonight_rather_than_the_last_point():
    time = PALOMAR.midnight - np.array([9.0, 7.0, 5.0, 3.0])
    flux = 10.0 ** (0.4 * (23.9 - np.array([16.5, 16.9, 17.3, 17.7])))
    fading = LightCurve(
        id="fading", stock=1, time=time, band=np.full(4, "ztfr"), flux=flux, flux_err=0.02 * flux,
        upper_limit=np.zeros(4, dtype=bool), ra=HIGH, dec=60.0,
    )  # fmt: skip
    timetable = schedule(plan_of(target("fading", mag=17.7)), light_curves={"fading": fading})
    [block] = science(timetable)
    assert block.magnitude > 17.9
    assert block.magnitude_err > 0.1


def test_reasons_say_why_a_target_is_not_scheduled():
    timetable = schedule(
        plan_of(
            target("unknown", mag=math.nan, err=math.nan),
            target("south", dec=-70.0),
            target("bright", mag=5.0),
            target("long", mag=19.4, err=0.01),
        ),
        wishes=Wishes(snr=60.0),
    )
    assert {u.target: u.reason for u in timetable.unplaced} == {
        "unknown": "its magnitude is not known",
        "south": "not within the limits while a telescope is open",
        "bright": "expected at 5.0 ± 0.1 mag, brighter than 9 of sedm",
        "long": "expected at 19.4 ± 0.0 mag: more than 90 min with sedm",
    }
    assert names(timetable) == []


def test_target_that_sets_before_its_exposure_ends_is_left_out_with_the_reason():
    wishes = Wishes(standards=False, closures={"sedm": [Closure(at(0.3), at(24.0))]})
    [unplaced] = schedule(plan_of(target("slow", mag=18.0)), wishes=wishes).unplaced
    assert "longer than it can be observed" in unplaced.reason


def test_nothing_to_observe_leaves_the_standards():
    timetable = schedule(plan_of())
    assert [block.kind for block in timetable.blocks] == [BlockKind.STANDARD] * 2
    assert (timetable.value, timetable.bound, timetable.unplaced) == (0.0, 0.0, ())


def test_rejected_deferred_and_observed_targets_are_no_candidates():
    plan = plan_of(target("a"), target("b"), set_aside=(target("aside"), target("wanted")))
    assert sorted(names(schedule(plan))) == ["a", "b"]
    for verdict in ("reject", "defer", "observed"):
        assert names(schedule(plan, verdicts=decided("a", verdict))) == ["b"]
    assert sorted(names(schedule(plan, verdicts=decided("wanted", "approve")))) == ["a", "b", "wanted"]
    approved = schedule(plan, verdicts=decided("a", "approve"), wishes=Wishes(approved_only=True))
    assert names(approved) == ["a"]


def test_standards_are_taken_at_both_ends_while_the_telescope_is_open():
    closed = Wishes(closures={"sedm": [Closure(at(-1.0), at(1.0)), Closure(at(9.0), at(24.0))]})
    for wishes, begin, end in ((Wishes(), 0.0, (PALOMAR.dawn - PALOMAR.dusk) * 24.0), (closed, 1.0, 9.0)):
        for targets in ([], [target(f"t{i}", ra=HIGH + 10 * i) for i in range(5)]):
            first, *_, last = schedule(plan_of(*targets), wishes=wishes).blocks
            assert (first.kind, last.kind) == (BlockKind.STANDARD, BlockKind.STANDARD)
            assert 0.0 <= (mjd_of(first.start) - mjd(begin)) * 24.0 < 0.1
            assert 0.0 <= (mjd(end) - mjd_of(last.end)) * 24.0 < 0.15


def test_standards_every_few_hours():
    timetable = schedule(plan_of(), wishes=Wishes(standards_every=3.0))
    gaps = [(mjd_of(b.start) - mjd_of(a.start)) * 24.0 for a, b in pairwise(timetable.blocks)]
    assert len(gaps) == 4
    assert gaps[:3] == pytest.approx([3.0, 3.0, 3.0], abs=0.05)
    with pytest.raises(ScheduleError, match="positive number of hours"):
        schedule(plan_of(), wishes=Wishes(standards_every=0.0))


def test_closed_until_two_in_the_morning_leaves_the_rest_of_the_night():
    until = "2026-11-21T02:00-08:00"
    wishes = Wishes(closures={"sedm": [Closure(PALOMAR.summary().sunset, until)]})
    timetable = schedule(plan_of(target("a")), wishes=wishes)
    assert min(block.start for block in timetable.blocks) >= "2026-11-21T10:00:00Z"
    assert timetable.telescopes[0].closures[0].end == "2026-11-21T10:00:00Z"


def test_night_that_is_wholly_closed_is_empty_and_says_so():
    plan = plan_of(target("a"))
    timetable = schedule(plan, wishes=Wishes(closures={"sedm": [Closure(at(-1.0), at(24.0), "snow")]}))
    assert timetable.blocks == ()
    assert [u.reason for u in timetable.unplaced] == ["not within the limits while a telescope is open"]
    assert timetable.bound == 0.0


def test_fixed_target_is_taken_when_agreed_whatever_it_is_worth():
    plan = plan_of(*(target(f"t{i}", mag=18.5, value=1.0) for i in range(15)), target("agreed", value=0.001))
    timetable = schedule(plan, wishes=Wishes(fixed=[Fixed("agreed", "sedm", at(4.2))]))
    [block] = [block for block in timetable.blocks if block.target == "agreed"]
    assert (block.kind, block.start) == (BlockKind.FIXED, at(4.2))
    for one, other in pairwise(timetable.blocks):
        assert one.end <= other.start


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (Fixed("nobody", "sedm", at(4.0)), "fixed target nobody is not among the 3 candidates"),
        (Fixed("faint", "sedm", at(4.0)), "expected at 21.0 ± 0.1 mag, too near to or beyond the limit"),
        (Fixed("a", "sedm", "tonight"), "'tonight' is no time"),
        (Fixed("a", "sprat", at(4.0)), "sprat is not among the telescopes of the schedule: sedm"),
        (Fixed("a", "sedm", at(-2.0)), "that is not between 2026-11-21T01:39:20Z and"),
        (Fixed("late", "sedm", at(0.5)), "choose a time between 2026-11-21T0"),
        (Fixed("a", "sedm", at(6.95)), "not within the limits of the open telescope for"),
    ],
)
def test_fixed_target_that_cannot_be_is_refused_with_the_reason(wish, message):
    plan = plan_of(target("a", mag=18.0), target("faint", mag=21.0), target("late", ra=HIGH + 100.0, dec=30.0))
    with pytest.raises(ScheduleError) as error:
        schedule(plan, wishes=Wishes(fixed=[wish], closures={"sedm": [Closure(at(7.0), at(8.0))]}))
    assert message in str(error.value) and "\n" not in str(error.value)


def test_fixed_targets_that_overlap_are_refused():
    fixed = [Fixed("a", "sedm", at(4.0)), Fixed("b", "sedm", at(4.05))]
    with pytest.raises(ScheduleError, match="two fixed blocks of sedm overlap"):
        schedule(plan_of(target("a"), target("b")), wishes=Wishes(fixed=fixed))


def test_interrupting_target_comes_before_everything_else():
    plan = plan_of(*(target(f"t{i}", value=1.0) for i in range(10)), target("burst", value=0.001))
    timetable = schedule(plan, wishes=Wishes(interrupts=["burst"]))
    first = timetable.blocks[0]
    assert (first.target, first.kind, first.start) == ("burst", BlockKind.INTERRUPT, at(0.0))
    assert timetable.blocks[1].kind == BlockKind.STANDARD
    hidden = schedule(plan_of(target("burst", dec=-80.0)), wishes=Wishes(interrupts=["burst"]))
    assert [u.reason for u in hidden.unplaced] == ["cannot be observed in what is left of the night"]
    with pytest.raises(ScheduleError, match="interrupting target boom is not among"):
        schedule(plan, wishes=Wishes(interrupts=["boom"]))


@pytest.fixture(scope="module")
def busy() -> tuple[NightPlan, Timetable]:
    """A night with more than it can hold, one target fixed in the morning, and a closure in it."""
    plan = plan_of(*(target(f"t{i:02}", mag=18.6, value=1.0 + 0.01 * i) for i in range(30)))
    wishes = Wishes(fixed=[Fixed("t00", "sedm", at(8.0))], closures={"sedm": [Closure(at(6.0), at(7.0))]})
    return plan, schedule(plan, wishes=wishes)


def test_replan_keeps_what_has_begun_with_what_became_of_it(busy):
    plan, before = busy
    begun = [block for block in science(before) if block.start < at(3.0)]
    assert len(begun) == 3
    done, failed = begun[0].target, begun[1].target
    verdicts = decided(done, "observed") | decided(failed, "failed")
    after = schedule(plan, verdicts=verdicts, previous=before, now=mjd(3.0))
    expected = [
        replace(block, status={done: BlockStatus.OBSERVED, failed: BlockStatus.FAILED}.get(block.target, block.status))
        for block in before.blocks
        if block.start < at(3.0)
    ]
    assert [b.to_dict() for b in after.blocks[: len(expected)]] == [b.to_dict() for b in expected]
    later = after.blocks[len(expected) :]
    assert later and all(block.start >= max(at(3.0), expected[-1].end) for block in later)
    assert {b.target for b in later}.isdisjoint({b.target for b in begun} - {failed})
    worth = {t.id: t.priority for t in plan.targets}
    counted = [worth[b.target] for b in science(after) if b.status != BlockStatus.FAILED]
    assert after.value == pytest.approx(sum(counted))
    assert after.value <= after.bound


def test_replan_remembers_closures_and_agreements(busy):
    plan, before = busy
    after = schedule(plan, previous=before, now=mjd(3.0))
    assert after.telescopes[0].closures == before.telescopes[0].closures
    assert all(block.end <= at(6.0) or block.start >= at(7.0) for block in after.blocks)
    [block] = [block for block in after.blocks if block.target == "t00"]
    assert (block.kind, block.start) == (BlockKind.FIXED, at(8.0))
    assert after.planned_from == at(3.0)
    assert sum(b.kind == BlockKind.STANDARD for b in after.blocks) == 2  # the one of the evening is not taken again


def test_agreement_that_became_impossible_does_not_stop_the_replan(busy):
    plan, before = busy
    closed = Wishes(closures={"sedm": [Closure(at(7.5), at(9.0), "wind")]})
    after = schedule(plan, previous=before, now=mjd(3.0), wishes=closed)
    assert all(block.kind != BlockKind.FIXED for block in after.blocks)
    rejected = schedule(plan, previous=before, now=mjd(3.0), verdicts=decided("t00", "reject"))
    assert "t00" not in names(rejected)


def test_failed_target_may_come_again_and_its_second_attempt_is_not_taken_for_failed(busy):
    _, before = busy
    [failed, *_] = [block for block in science(before) if block.start < at(3.0)]
    plan = plan_of(target(failed.target, mag=18.6))
    verdicts = decided(failed.target, "failed", time=at(3.0))
    again = schedule(plan, previous=before, now=mjd(3.1), verdicts=verdicts)
    assert [b.status for b in again.blocks if b.target == failed.target] == ["failed", "planned"]
    second = [b for b in again.blocks if b.target == failed.target][1]
    later = schedule(plan, previous=again, now=mjd_of(second.start) + 60 * SECOND, verdicts=verdicts)
    assert [b.status for b in later.blocks if b.target == failed.target] == ["failed", "planned"]


def test_interrupting_target_can_come_in_the_middle_of_the_night(busy):
    plan, before = busy
    burst = replace(plan, targets=(*plan.targets, target("burst", value=0.0)))
    after = schedule(burst, previous=before, now=mjd(3.0), wishes=Wishes(interrupts=["burst"]))
    under_way = [block for block in before.blocks if block.start < at(3.0) < block.end]
    assert len(under_way) == 1
    following = next(block for block in after.blocks if block.start >= at(3.0))
    assert (following.target, following.kind) == ("burst", BlockKind.INTERRUPT)
    assert mjd_of(following.start) - mjd_of(under_way[0].end) < 300 * SECOND


def test_telescope_that_is_given_up_keeps_what_it_has_done(busy):
    plan, before = busy
    after = schedule(plan, EFOSC2, previous=before, now=mjd(3.0))
    assert [t.telescope for t in after.telescopes] == ["efosc2", "sedm"]
    # As dictionaries: what is not known, NaN, equals itself there.
    assert [b.to_dict() for b in after.of("sedm")] == [b.to_dict() for b in before.blocks if b.start < at(3.0)]
    assert {b.target for b in after.of("efosc2")}.isdisjoint({b.target for b in after.of("sedm")})


@pytest.mark.parametrize(("now", "blocks"), [(-3.0, True), (24.0, False)])
def test_now_before_dusk_or_after_dawn(now, blocks):
    timetable = schedule(plan_of(target("a")), now=mjd(now))
    assert bool(timetable.blocks) == blocks
    assert all(block.start >= at(0.0) for block in timetable.blocks)
    assert timetable.planned_from == at(now)
    assert len(timetable.unplaced) == (0 if blocks else 1)


def test_site_without_a_night_is_refused():
    summer = replace(plan_of(target("a")), night=replace(PALOMAR.summary(), date="2026-06-21"))
    with pytest.raises(NightError, match="Tartu"):
        schedule(summer, replace_site(SEDM, "tartu"))


def test_telescope_without_a_night_is_left_out_by_name_and_the_others_are_scheduled():
    summer = replace(plan_of(target("a", ra=220.0)), night=replace(PALOMAR.summary(), date="2026-06-21"))
    tartu = replace_site(WIFES, "tartu")
    timetable = schedule(summer, SEDM, tartu)
    assert [t.telescope for t in timetable.telescopes] == ["sedm"]
    assert names(timetable) == ["a"]
    [left_out] = timetable.left_out
    assert left_out.telescope == "wifes"
    assert "no dark time at Tartu" in left_out.reason
    assert Timetable.from_dict(timetable.to_dict()).left_out == (left_out,)
    replanned = schedule(summer, SEDM, previous=timetable, now=mjd_of("2026-06-22T06:00:00Z"))
    assert replanned.left_out == (left_out,)
    with pytest.raises(ScheduleError, match="fixed target a cannot be observed with wifes: no dark time at Tartu"):
        schedule(summer, SEDM, tartu, wishes=Wishes(fixed=[Fixed("a", "wifes", "2026-06-21T22:00:00Z")]))


def replace_site(instrument: Instrument, site: str) -> Instrument:
    return instrument.model_copy(update={"site": site})


def test_two_instruments_of_one_telescope_are_refused_but_not_those_of_the_vlt():
    with pytest.raises(ScheduleError, match="dbsp and ngps are both at the P200 of palomar"):
        schedule(plan_of(), get_instrument("dbsp"), get_instrument("ngps"))
    with pytest.raises(ScheduleError, match="two telescopes are called 'sedm'"):
        schedule(plan_of(), SEDM, SEDM)
    both = schedule(plan_of(), get_instrument("fors2"), get_instrument("VLT/X-shooter"))
    assert len(both.telescopes) == 2


def test_what_does_not_go_together_is_refused(busy):
    _, before = busy
    other = replace(plan_of(target("a")), night=replace(PALOMAR.summary(), date="2026-11-21"))
    with pytest.raises(ScheduleError, match=r"of 2026-11-20, the plan of 2026-11-21"):
        schedule(other, previous=before, now=mjd(3.0))
    with pytest.raises(ScheduleError, match="name at least one"):
        make_timetable(plan_of(target("a")), [], {})
    with pytest.raises(ScheduleError, match="efosc2 is not among the telescopes"):
        schedule(plan_of(), wishes=Wishes(closures={"efosc2": [Closure(at(1.0), at(2.0))]}))
    with pytest.raises(ScheduleError, match="which is earlier"):
        schedule(plan_of(), wishes=Wishes(closures={"sedm": [Closure(at(2.0), at(1.0))]}))
