"""New light curves of known ones: redshift, epochs, depth, bands; and as files that training reads."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sample_explosions import supernova

from ampel_followup.cosmology import luminosity_distance
from ampel_followup.errors import TrainingError
from ampel_followup.gaussian_process.augment import Augmentation, augmented, balancing
from ampel_followup.gaussian_process.copies import AugmentOptions
from ampel_followup.gaussian_process.survey import Survey
from ampel_followup.learning.augmented_set import write_training_set
from ampel_followup.learning.light_curve_files import read_light_curve, write_light_curve
from ampel_followup.lightcurve import LightCurve

CURVES = [supernova(np.random.default_rng(seed), seed, points=80) for seed in range(6)]
LABELS = ["SN Ia", "SN II", "SN Ia", "SN II", "SN Ia", "SN Ia"]
REDSHIFTS = [0.1, 0.15, 0.2, 0.25, 0.3, float("nan")]


def copies(seed: int = 1, per_object: Any = 2, curves: list[LightCurve] | None = None, **options: Any) -> Augmentation:
    return augmented(
        curves or CURVES, LABELS, REDSHIFTS, per_object, np.random.default_rng(seed), options=AugmentOptions(**options)
    )


@pytest.fixture(scope="module")
def made() -> Augmentation:
    return copies()


def assert_same_points(one: LightCurve, other: LightCurve) -> None:
    for column in ("time", "band", "flux", "flux_err", "upper_limit"):
        np.testing.assert_array_equal(getattr(one, column), getattr(other, column))


def test_copies_have_the_class_and_the_name_of_what_they_were_made_of(made: Augmentation) -> None:
    assert len(made.objects) == 12
    label_of = dict(zip([curve.id for curve in CURVES], LABELS, strict=True))
    for one in made.objects:
        assert one.light_curve.id.startswith(f"{one.parent}-copy")
        assert one.label == label_of[one.parent]
        assert one.donor in label_of
    assert len({one.light_curve.id for one in made.objects}) == 12


def test_the_same_seed_gives_the_same_light_curves_and_another_one_others(made: Augmentation) -> None:
    for one, other in zip(made.light_curves, copies().light_curves, strict=True):
        assert_same_points(one, other)
    assert any(len(a) != len(b) or (a.flux != b.flux).any()
               for a, b in zip(made.light_curves, copies(seed=2).light_curves, strict=True))  # fmt: skip


def test_copies_of_an_object_do_not_depend_on_those_of_others(made: Augmentation) -> None:
    alone = copies(per_object=[0, 0, 2, 0, 0, 0])
    theirs = [one for one in made.objects if one.parent == CURVES[2].id]
    assert [one.redshift for one in alone.objects] == [one.redshift for one in theirs]
    for one, other in zip(alone.objects, theirs, strict=True):
        assert_same_points(one.light_curve, other.light_curve)


def test_redshifts_stay_in_reach_and_unknown_ones_stay_unknown(made: Augmentation) -> None:
    for one in made.objects:
        if np.isnan(one.parent_redshift):
            assert np.isnan(one.redshift)
            continue
        assert 0.9 * one.parent_redshift <= one.redshift
        assert (1 + one.redshift) / (1 + one.parent_redshift) <= 1.25 + 1e-12


def test_an_object_moved_away_is_slower_and_fainter_by_the_distances() -> None:
    # All at twice the redshift of the first, without noise to speak of, at its own epochs.
    bright = [replace(c, flux=c.flux * 100.0) for c in CURVES[:1]]
    z, new = 0.2, 0.4
    donor = replace(bright[0], flux_err=bright[0].flux_err / 50.0)
    one = augmented(
        bright, ["SN Ia"], [z], 1, np.random.default_rng(1), survey=Survey((donor,), {}, "forced"),
        options=AugmentOptions(redshift=(new, new), sample=False, shift=0.0, beyond=1.0),
    ).objects[0]  # fmt: skip
    assert one.redshift == pytest.approx(new)
    near, far = luminosity_distance([z, new])
    s = (1 + new) / (1 + z)
    expected = s * (near / far) ** 2
    # At the peak, the bluer light of the original arrives; over all bands the ratio is of that order.
    ratio = one.light_curve.flux.max() / bright[0].flux.max()
    assert 0.3 * expected < ratio < 1.5 * expected

    def width(curve: LightCurve) -> float:
        seen = curve.time[curve.flux > 0.5 * curve.flux.max()]
        return float(seen[-1] - seen[0])

    assert width(one.light_curve) > width(bright[0])


def test_at_its_own_redshift_and_epochs_a_copy_is_the_object_again() -> None:
    curve = CURVES[0]
    one = augmented(
        [curve], ["SN Ia"], [0.1], 1, np.random.default_rng(1), survey=Survey((curve,), {}, "forced"),
        options=AugmentOptions(stretch=1.0, sample=False, shift=0.0),
    ).objects[0].light_curve  # fmt: skip
    assert one.band.tolist() == curve.band.tolist()
    # Not to the day: the brightest point of the donor is put where the process is brightest.
    bright = np.abs(curve.flux) > 10.0 * curve.flux_err
    assert np.corrcoef(one.flux[bright], curve.flux[bright])[0, 1] > 0.9


def test_missing_bands_are_missing_and_one_always_stays() -> None:
    made = copies(per_object=4, missing=0.9, detections=1)
    bands = [set(one.light_curve.band.tolist()) for one in made.objects]
    assert all(bands)
    assert np.mean([len(one) for one in bands]) < 2.0


def test_shallower_copies_are_noisier() -> None:
    usual, shallow = copies(stretch=1.0), copies(stretch=1.0, shallower=3.0)

    def noise(made: Augmentation) -> float:
        return float(np.median(np.concatenate([one.flux_err for one in made.light_curves])))

    assert noise(shallow) > 1.2 * noise(usual)


def test_an_object_that_is_hardly_seen_is_left_out_and_named() -> None:
    faint = [replace(CURVES[0], flux=CURVES[0].flux * 1e-3), *CURVES[1:]]
    made = copies(curves=faint)
    assert [(one.id, one.reason) for one in made.omitted] == [(CURVES[0].id, "too few detections to copy")]
    assert {one.parent for one in made.objects} == {curve.id for curve in CURVES[1:]}


def test_without_any_object_to_copy_there_are_no_copies() -> None:
    assert copies(curves=[replace(c, flux=c.flux * 1e-3) for c in CURVES]).objects == ()


def test_balancing_makes_classes_equal() -> None:
    labels = ["a"] * 7 + ["b"] * 3
    n = balancing(labels, 1)
    assert sum(n[:7]) + 7 == sum(n[7:]) + 3 == 14
    assert max(n[7:]) - min(n[7:]) <= 1


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"stretch": 0.5}, "stretch 0.5 is less than 1"),
        ({"missing": 1.0}, "missing 1 is no probability below 1"),
        ({"redshift": (0.5, 0.1)}, "redshifts 0.5 to 0.1 are no range"),
        ({"nearer": 0.0}, "nearer 0 is not between 0 and 1"),
        ({"shallower": -1.0}, "must not be negative"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(TrainingError, match=told):
        AugmentOptions(**options)


def test_redshifts_beyond_what_is_known_are_refused_by_name() -> None:
    with pytest.raises(TrainingError, match=f"{CURVES[1].id}: redshift -0.1"):
        augmented(CURVES[:2], LABELS[:2], [0.1, -0.1], 1, np.random.default_rng(1))


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(TrainingError, match="2 light curves have 1 labels"):
        augmented(CURVES[:2], LABELS[:1], [0.1, 0.1], 1, np.random.default_rng(1))


@pytest.mark.parametrize("seen", ["forced", "limits", "nothing"])
def test_what_is_not_seen_is_told_as_the_survey_does(seen: Any) -> None:
    survey = Survey((CURVES[0],), {}, seen)
    rng, flux = np.random.default_rng(1), np.array([0.0, 100.0, 0.0])
    measured, error, limit, given = survey.observe(np.array(["lsstg"] * 3), flux, np.ones(3), rng)
    assert given.tolist() == [seen != "nothing", True, seen != "nothing"]
    assert limit.tolist() == [seen == "limits", False, seen == "limits"]
    assert (error > 0).all()
    if seen == "limits":
        assert measured[limit].tolist() == [0.0, 0.0]


def test_noise_of_a_survey_is_learned_from_its_errors() -> None:
    rng = np.random.default_rng(3)
    flux = rng.uniform(0.0, 1000.0, 200)
    err = np.sqrt(4.0 + 0.05 * flux + (0.01 * flux) ** 2)
    curve = LightCurve(
        "one", 0, np.arange(200.0), np.full(200, "lsstr"), flux, err, np.zeros(200, dtype=np.bool_), 0.0, 0.0
    )
    survey = Survey.of([curve])
    gain, calibration = survey.noise["lsstr"]
    assert (gain, calibration) == (pytest.approx(0.05, rel=0.05), pytest.approx(0.01, rel=0.05))
    # Of bright points nothing is left of the sky but the least part of the error that it may be.
    assert survey.sky(curve)[err < 5.0] == pytest.approx(2.0, rel=0.05)
    assert survey.sky(curve) == pytest.approx(np.maximum(2.0, 0.3 * err), rel=0.05)


def test_a_survey_without_light_curves_is_refused() -> None:
    with pytest.raises(TrainingError, match="none of 0 light curves has three points"):
        Survey.of([])


def test_a_light_curve_that_is_written_is_read_as_it_was(tmp_path: Path) -> None:
    curve = CURVES[0]
    write_light_curve(tmp_path / "one.csv", curve)
    assert_same_points(read_light_curve(tmp_path / "one.csv", curve.ra, curve.dec, curve.id), curve)


def test_a_name_that_is_none_for_a_file_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    made = Augmentation((), ())
    with pytest.raises(TrainingError, match=r"'\.\./up' is no name for a file"):
        write_training_set(tmp_path / "out", made, [replace(CURVES[0], id="../up")], ["SN Ia"], [0.1])
    assert not (tmp_path / "out").exists()


def run(*arguments: object) -> int:
    from ampel_followup.cli import main

    return main([str(argument) for argument in arguments])


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A folder of light curves with a table of labels."""
    write_training_set(tmp_path / "ours", Augmentation((), ()), CURVES, LABELS, REDSHIFTS)
    return tmp_path / "ours"


def test_command_makes_a_set_that_training_reads(
    ours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from ampel_followup.learning.sources import read_labels, read_light_curves

    out = tmp_path / "larger"
    options = ("--labels", ours / "labels.csv", "--per-object", 2, "--json")
    assert run("augment", ours / "light_curves", out, *options) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["originals"], summary["copies"], summary["without_redshift"]) == (6, 12, 1)
    assert summary["copies_by_class"] == {"SN II": 4, "SN Ia": 8}
    known = read_labels(out / "labels.csv")
    curves, omitted = read_light_curves(out / "light_curves", known)
    assert (len(curves), omitted) == (18, [])
    assert {known.group[curve.id] for curve in curves} == {curve.id for curve in CURVES}
    with (out / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert all(row["redshift"] for row in rows if row["parent_redshift"])

    again = tmp_path / "again"
    assert run("augment", ours / "light_curves", again, *options) == 0
    for path in sorted(out.rglob("*.csv")):
        assert path.read_bytes() == (again / path.relative_to(out)).read_bytes()


def test_command_does_not_write_over_what_is_there(
    ours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("augment", ours / "light_curves", ours, "--labels", ours / "labels.csv") == 2
    assert "is there and not empty; name a new folder" in capsys.readouterr().err


def test_command_names_a_column_that_is_missing(ours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--labels", ours / "labels.csv", "--redshift-column", "zz")
    assert run("augment", ours / "light_curves", tmp_path / "out", *options) == 2
    assert "has no column 'zz'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
