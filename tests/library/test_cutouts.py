"""Cutouts: from the bytes of an alert to a picture in the store."""

from __future__ import annotations

import gzip
import io
import json
import math
import zlib
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ampel_followup.alerts.cutouts import CutoutReport, picture, read_cutouts, read_stamp
from ampel_followup.cutouts import LEVELS, Cutout, Cutouts, pack_images, unpack_images
from ampel_followup.errors import StoreError
from ampel_followup.store import Store

SKY = np.random.default_rng(1).normal(100.0, 5.0, (63, 63))


def stamp(image: np.ndarray, *, zipped: bool = True) -> bytes:
    buffer = io.BytesIO()
    fits.PrimaryHDU(image.astype(np.float32)).writeto(buffer)
    return gzip.compress(buffer.getvalue()) if zipped else buffer.getvalue()


def levels(cutout: Cutout) -> np.ndarray:
    return np.frombuffer(cutout.pixels, np.uint8).reshape(cutout.height, cutout.width)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_stamp_is_read_to_the_last_bit(zipped: bool) -> None:
    image = SKY.astype(np.float32)
    image[0, :] = np.nan
    np.testing.assert_array_equal(read_stamp(stamp(image, zipped=zipped)), image.astype(float))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "damaged FITS"),
        (b"\x1f\x8bnonsense", "damaged gzip"),
        (gzip.compress(b"nonsense" * 500), "damaged FITS"),
        (stamp(SKY)[:-2000], "damaged gzip"),
        (gzip.compress(stamp(SKY, zipped=False)[:5000]), "damaged FITS"),
        (gzip.compress(b"SIMPLE  =" + b" " * 100_000_000), "damaged FITS"),
        (stamp(np.zeros((300, 300))), "no image of at most"),
        (stamp(np.zeros(63)), "no image of at most"),
        (stamp(np.zeros((2, 63, 63))), "no image of at most"),
    ],
    # The bytes make no names: gzip writes the time into them.
    ids=["empty", "no gzip", "no FITS", "cut gzip", "cut FITS", "bomb", "too large", "a row", "a cube"],
)
def test_a_damaged_or_hostile_stamp_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_stamp(data)


def test_the_sky_is_dark_a_star_is_light_and_the_first_row_is_the_highest() -> None:
    image = SKY.copy()
    image[60, 10] = 5000.0
    image[5:10, 40] = np.nan
    shown = levels(picture(image, signed=False))
    assert shown[63 - 1 - 60, 10] == LEVELS
    assert np.median(shown) < LEVELS / 3
    assert (shown == 0).sum() == 5
    assert (shown[63 - 10 : 63 - 5, 40] == 0).all()


def test_in_a_difference_no_change_is_the_middle_and_a_loss_is_darker() -> None:
    image = SKY - 100.0
    image[31, 31], image[10, 10] = 900.0, -900.0
    shown = levels(picture(image, signed=True))
    assert abs(int(np.median(shown)) - (LEVELS + 1) // 2) <= 1
    assert (shown[31, 31], shown[52, 10]) == (LEVELS, 1)


@given(arrays(np.float64, (5, 4), elements=st.floats(width=32)), st.booleans())
def test_any_image_makes_a_picture(image: np.ndarray, signed: bool) -> None:
    cutout = picture(image, signed=signed)
    assert (cutout.width, cutout.height) == (4, 5)
    shown = levels(cutout)
    assert ((shown == 0) == ~np.isfinite(image[::-1])).all()
    assert shown.max() <= LEVELS


@given(st.lists(st.integers(0, LEVELS), min_size=12, max_size=12), st.sampled_from(range(3)))
def test_pictures_come_out_of_the_store_as_they_went_in(pixels: list[int], missing: int) -> None:
    images = tuple(None if i == missing else Cutout(4, 3, bytes(pixels)) for i in range(3))
    assert unpack_images(pack_images(images)) == images


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"x",
        zlib.compress(b"\x02"),
        zlib.compress(b"\x01\x05\x05abc"),
        zlib.compress(b"\x01"),
        zlib.compress(bytes(10**8)),
    ],
)
def test_damaged_pictures_are_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match="cutouts"):
        unpack_images(packed)


def cutouts(mjd: float = 60000.0, level: int = 7) -> Cutouts:
    image = Cutout(4, 3, bytes([level] * 12))
    return Cutouts("ZTF18abjapcg", 42, mjd, "ztfr", 1.01, (image, image, None))


def test_the_store_keeps_the_newest_cutouts_of_an_object(store: Store) -> None:
    assert store.cutouts.load("ZTF18abjapcg") is None
    assert store.cutouts.save([cutouts()]) == len(pack_images(cutouts().images))
    assert store.cutouts.load("ZTF18abjapcg") == cutouts()
    store.cutouts.save([cutouts(60001.0, 8)])
    store.cutouts.save([cutouts(59999.0, 9)])
    assert store.cutouts.load("ZTF18abjapcg") == cutouts(60001.0, 8)
    nameless = Cutouts("x", 0, 60000.0, "ztfr", math.nan, (None, None, None))
    store.cutouts.save([nameless])
    assert math.isnan(store.cutouts.load("x").scale)


def test_cutouts_that_are_damaged_in_the_store_say_what_replaces_them(store: Store) -> None:
    store.cutouts.save([cutouts()])
    with store._database.transaction(write=True) as connection:
        connection.execute_many("UPDATE cutouts SET images = :images", [{"images": b"x"}])
    with pytest.raises(StoreError, match="rank --cutouts"):
        store.cutouts.load("ZTF18abjapcg")


def test_real_alerts_bring_their_newest_cutouts(shared_data: Path) -> None:
    folder = shared_data / "ztf_alerts"
    report = CutoutReport()
    names = {"ZTF18abjapcg", "ZTF18abcogyv", "ZTF18abxhyqv", "ZTF99nobody"}
    found = read_cutouts(
        [folder / "ztf_public_20180819_mod1000.tar.gz", folder / "ZTF18abxhyqv.tar.gz"], names, report=report
    )
    assert [each.id for each in found] == ["ZTF18abcogyv", "ZTF18abjapcg"]
    assert (report.made, dict(report.reasons)) == (2, {})
    for each in found:
        assert all(image is not None and (image.width, image.height) == (63, 63) for image in each.images)
        assert 58349.0 < each.mjd < 58350.0
        assert len(pack_images(each.images)) < 9000
        science, _, difference = (levels(image) for image in each.images)
        # What was detected stands in the middle.
        middle = difference[29:34, 29:34].astype(int)
        assert abs(middle - 32).max() > abs(difference.astype(int) - 32).mean() * 2
        assert science.max() == LEVELS


def test_rank_keeps_the_cutouts_of_what_it_lists(run, shared_data: Path, tmp_path: Path) -> None:
    alerts, path = shared_data / "ztf_alerts" / "ztf_public_20180819_mod1000.tar.gz", tmp_path / "night.sqlite"
    rank = ("rank", alerts, "--site", "palomar", "--night", "2018-08-20", "--store", path, "--json")
    code, out, err = run(*rank)
    assert (code, json.loads(out)["run"]["cutouts"]) == (0, None), err
    code, out, err = run(*rank, "--cutouts")
    assert code == 0, err
    result = json.loads(out)
    kept, listed = result["run"]["cutouts"], [*result["targets"], *result["not_observable"]]
    assert kept["objects"] == len(listed) > 0
    assert kept["bad_reasons"] == {}
    assert 4000 < kept["bytes"] / kept["objects"] < 9000
    with Store.open(path) as store:
        assert all(store.cutouts.load(target["id"]) is not None for target in listed)
        assert all(store.cutouts.load(target["id"]) is None for target in result["set_aside"])


def test_cutouts_without_a_store_make_no_sense(run, shared_data: Path) -> None:
    alerts = shared_data / "ztf_alerts" / "single"
    code, _, err = run("rank", alerts, "--site", "palomar", "--night", "2018-08-20", "--no-store", "--cutouts")
    assert code == 2
    assert "means nothing with --no-store" in " ".join(err.split())
