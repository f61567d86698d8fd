"""Tables, light curves and spectra of users become a training set; what is wrong with them is said, or counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ampel_followup.errors import LightCurveError, TrainingError
from ampel_followup.features import FEATURE_SETS
from ampel_followup.learning.light_curve_files import read_light_curve, until
from ampel_followup.learning.sources import (
    Labels,
    Omission,
    Rows,
    cut_light_curves,
    features_from_light_curves,
    features_from_table,
    read_labels,
    read_light_curves,
    read_spectra,
    reasons_of,
)
from ampel_followup.learning.tables import holds_alerts, number_column, read_table
from ampel_followup.learning.training_set import assemble
from ampel_followup.spectra.features import N_BINS


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def a_set(n=20, n_features=3):
    """Photometry, spectra and labels of n objects of two classes."""
    rng = np.random.default_rng(1)
    ids = tuple(f"SN{i:02d}" for i in range(n))
    photometry = Rows(ids, rng.normal(size=(n, n_features)), tuple(f"x{j}" for j in range(n_features)))
    labels = Labels({name: ("Ia", "II")[i % 2] for i, name in enumerate(ids)})
    return photometry, Rows(ids, rng.random((n, N_BINS))), labels


def replaced(rows, **changes):
    return Rows(**({name: getattr(rows, name) for name in Rows.__dataclass_fields__} | changes))


# Tables


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_of_any_delimiter_is_read_with_its_gaps(tmp_path, delimiter):
    text = "# made by hand\nid,x,remark\na,1.5,good\nb,,NaN\nc,-,bad\n".replace(",", delimiter)
    table = read_table(write(tmp_path / "t.csv", text))
    assert list(table) == ["id", "x", "remark"]
    np.testing.assert_array_equal(number_column(table, "x", "t"), [1.5, np.nan, np.nan])
    assert table["remark"].tolist() == ["good", None, "bad"]


def test_ecsv_and_parquet_say_the_same_as_csv(tmp_path):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    from astropy.table import MaskedColumn, Table

    ids, x = ["a", "b", "c"], [0.1, np.nan, -3e-17]
    Table({"id": ids, "x": MaskedColumn([0.1, 0.0, -3e-17], mask=[False, True, False])}).write(
        tmp_path / "t.ecsv", format="ascii.ecsv"
    )
    parquet.write_table(pa.table({"id": ids, "x": x}), tmp_path / "t.parquet")
    write(tmp_path / "t.csv", "id,x\na,0.1\nb,\nc,-3e-17\n")
    for file in ("t.csv", "t.ecsv", "t.parquet"):
        table = read_table(tmp_path / file)
        assert table["id"].tolist() == ids
        np.testing.assert_array_equal(number_column(table, "x", file), x)


@settings(max_examples=50, deadline=None)
@given(values=st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=20))
def test_numbers_survive_a_csv_to_the_last_bit_and_infinite_ones_are_not_measured(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    table = read_table(write(path, "id,x\n" + "".join(f"{i},{v!r}\n" for i, v in enumerate(values))))
    np.testing.assert_array_equal(number_column(table, "x", "t"), [v if np.isfinite(v) else np.nan for v in values])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("id,x\n", "no rows"),
        ("id,x,x\na,1,2\n", "columns that are named twice: x"),
        ("id,\na,1\n", "a column without name"),
        ("id,x\na,1\nb,2,3\n", "row 2: 3 fields, the header has 2"),
    ],
)
def test_table_that_is_none_is_refused_with_the_place(tmp_path, text, message):
    with pytest.raises(TrainingError, match=message):
        read_table(write(tmp_path / "t.csv", text))


def test_missing_or_binary_file_is_refused(tmp_path):
    with pytest.raises(TrainingError, match=r"cannot read .*nothing\.csv \(No such file"):
        read_table(tmp_path / "nothing.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00id")
    with pytest.raises(TrainingError, match="not text in UTF-8"):
        read_table(tmp_path / "b.csv")
    (tmp_path / "p.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(TrainingError, match=r"no readable parquet|needs pyarrow"):
        read_table(tmp_path / "p.parquet")


def test_alerts_and_tables_are_told_apart_by_content(tmp_path):
    assert not holds_alerts(write(tmp_path / "t.csv", "id,x\na,1\n"))
    (tmp_path / "a").write_bytes(b"Obj\x01rest")
    (tmp_path / "b").write_bytes(b"\x1f\x8brest")
    assert holds_alerts(tmp_path / "a") and holds_alerts(tmp_path / "b")


def test_word_among_numbers_is_refused_with_its_row(tmp_path):
    table = read_table(write(tmp_path / "t.csv", "id,x\na,1\nb,bright\n"))
    with pytest.raises(TrainingError, match=r"column 'x', row 2: 'bright' is not a number"):
        features_from_table(table, "t.csv")


def test_columns_of_text_are_passed_over_and_named(tmp_path):
    table = read_table(write(tmp_path / "t.csv", "id,label,x,host\na,Ia,1,NGC 1\nb,II,2,NGC 2\n"))
    rows = features_from_table(table, "t.csv", besides=("label",))
    assert rows.names == ("x",) and rows.feature_sets == {}
    assert rows.notes == ("columns of text passed over: host",)


def test_table_with_the_packages_own_features_counts_as_theirs(tmp_path):
    first, second = FEATURE_SETS["early"].names[:2]
    table = read_table(write(tmp_path / "t.csv", f"id,{first},{second}\na,1,2\n"))
    assert features_from_table(table, "t.csv").feature_sets == {"early": FEATURE_SETS["early"].version}


@pytest.mark.parametrize(("ids", "message"), [("a\nb\na\nb\n", "duplicate ids: a, b"), ("a\n\n \n,\n", "no id")])
def test_duplicate_or_missing_ids_are_refused(tmp_path, ids, message):
    text = "id,label\n" + "".join(f"{line.strip(',')},Ia\n" for line in ids.split("\n")[:-1])
    with pytest.raises(TrainingError, match=message):
        read_labels(write(tmp_path / "l.csv", text))


# Light curves

POINTS = "mjd,band,flux,flux_err\n59000.5,ztfg,100,5\n59001.5,ztfr,120,5\n59003.5,ztfg,150,5\n"


def test_light_curve_in_magnitudes_is_that_in_fluxes(tmp_path):
    in_flux = read_light_curve(write(tmp_path / "a.csv", POINTS), 10.0, 20.0)
    mag = 23.9 - 2.5 * np.log10([100.0, 120.0, 150.0])
    err = 2.5 / np.log(10) * 5 / np.array([100.0, 120.0, 150.0])
    points = zip((0, 1, 3), ("ztfg", "ztfr", "ztfg"), mag.tolist(), err.tolist(), strict=True)
    text = "jd,band,mag,mag_err,limiting_mag\n" + "".join(f"{t},{b},{m},{e},\n" for t, b, m, e in points)
    text += "-2,ztfg,,,20.5\n"
    in_mag = read_light_curve(write(tmp_path / "b.csv", text), 10.0, 20.0, "a")
    np.testing.assert_allclose(in_mag.flux[1:], in_flux.flux)
    np.testing.assert_allclose(in_mag.flux_err[1:], in_flux.flux_err)
    assert in_mag.upper_limit.tolist() == [True, False, False, False]
    assert in_mag.limiting_magnitude[0] == pytest.approx(20.5)


def test_points_with_zero_or_negative_errors_are_dropped_and_counted(tmp_path):
    text = POINTS + "59004.5,ztfg,100,0\n59005.5,ztfg,100,-5\n59006.5,ztfg,100,\n"
    light_curve = read_light_curve(write(tmp_path / "a.csv", text), 10.0, 20.0)
    assert len(light_curve) == 3 and light_curve.dropped == 3
    assert "dropped: 3" in features_from_light_curves([light_curve], ["early"]).notes[0]
    with pytest.raises(TrainingError, match="no detection with a positive error among 1 points"):
        read_light_curve(write(tmp_path / "b.csv", "mjd,band,flux,flux_err\n1,ztfg,100,-1\n"), 10.0, 20.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mjd,band,flux,flux_err\n1,V,1,1\n", "unknown band 'V'"),
        ("mjd,band,brightness\n1,ztfg,1\n", "neither flux and flux_err nor mag and mag_err"),
        ("mjd,band,flux\n1,ztfg,1\n", "no column 'flux_err'"),
        ("time,band,flux,flux_err\n1,ztfg,1,1\n", "no column 'mjd'"),
    ],
)
def test_light_curve_file_that_is_none_is_refused(tmp_path, text, message):
    with pytest.raises(TrainingError, match=message):
        read_light_curve(write(tmp_path / "a.csv", text), 10.0, 20.0)


def test_photometry_after_the_decision_is_not_seen(tmp_path):
    light_curve = read_light_curve(write(tmp_path / "a.csv", POINTS), 10.0, 20.0)
    assert until(light_curve, 59002.0).time.tolist() == [59000.5, 59001.5]
    assert until(light_curve, 59003.5) is light_curve
    with pytest.raises(TrainingError, match="no detection until MJD 58000"):
        until(light_curve, 58000.0)


def test_hosts_of_the_table_are_told_where_the_light_curve_has_none(tmp_path):
    for name in "abc":
        write(tmp_path / f"{name}.csv", POINTS)
    table = "id,label,ra,dec,photoz,photoz_err\na,Ia,10,20,0.1,0.02\nb,Ia,10,20,0.2,\nc,II,10,20,,0.1\n"
    labels = read_labels(write(tmp_path.parent / "hosts.csv", table))
    light_curves, _ = read_light_curves(tmp_path, labels)
    assert [dict(lc.meta) for lc in light_curves] == [{"photoz": 0.1, "photoz_err": 0.02}, {"photoz": 0.2}, {}]
    # An error belongs to its redshift: the two are not mixed.
    told = replace(light_curves[0], meta={"photoz": 0.3})
    ((kept,), _) = cut_light_curves([told], labels)
    assert dict(kept.meta) == {"photoz": 0.3}


def test_one_bad_light_curve_is_left_out_and_the_rest_is_read(tmp_path):
    for name, text in (("a", POINTS), ("b", POINTS), ("bad", "mjd,band\n1,ztfg\n"), ("c", POINTS), ("d", POINTS)):
        write(tmp_path / f"{name}.csv", text)
    labels = read_labels(
        write(
            tmp_path.parent / "labels.csv",
            "id,label,ra,dec,until_mjd\na,Ia,10,20,59002\nb,Ia,,,\nbad,II,10,20,\nd,II,400,95,\n",
        )
    )
    light_curves, omitted = read_light_curves(tmp_path, labels)
    assert [(lc.id, len(lc)) for lc in light_curves] == [("a", 2)]
    assert {o.id: o.reason for o in omitted} == {
        "b": "no position", "bad": "light curve cannot be used", "c": "no label", "d": "light curve cannot be used",
    }  # fmt: skip
    rows = features_from_light_curves(light_curves, ["early", "context"], omitted)
    assert rows.values.shape == (1, len(rows.names)) and set(rows.feature_sets) == {"early", "context"}
    assert len(rows.omitted) == 4


def test_light_curves_without_positions_or_files_or_feature_set_are_refused(tmp_path):
    labels = Labels({"a": "Ia"})
    with pytest.raises(TrainingError, match="has no light curves"):
        read_light_curves(tmp_path, labels)
    write(tmp_path / "a.csv", POINTS)
    with pytest.raises(TrainingError, match="labels have no positions"):
        read_light_curves(tmp_path, labels)
    with pytest.raises(TrainingError, match="no feature set 'late'"):
        features_from_light_curves([], ["late"])
    with pytest.raises(TrainingError, match=r"can be used: no label \(1\)"):
        features_from_light_curves([], ["early"], [Omission("a", "no label")])
    with pytest.raises(LightCurveError, match="not on the sky"):
        read_light_curve(tmp_path / "a.csv", 10.0, 95.0)


# Spectra


def spectrum_file(path, start=3900.0, end=8900.0, errors=None):
    wavelength = np.arange(start, end, 10.0)
    columns = [wavelength, 1.0 + np.sin(wavelength / 300.0)]
    if errors is not None:
        columns.append(np.broadcast_to(errors, wavelength.shape))
    np.savetxt(path, np.column_stack(columns))


def test_spectrum_that_covers_too_little_is_left_out_and_counted(tmp_path):
    spectrum_file(tmp_path / "whole.dat")
    spectrum_file(tmp_path / "most.dat", start=4500.0)
    spectrum_file(tmp_path / "little.dat", end=5000.0)
    write(tmp_path / "broken.dat", "no spectrum\n")
    spectrum_file(tmp_path / "stranger.dat")
    rows = read_spectra(tmp_path, ["whole", "most", "little", "broken", "missing"])
    assert rows.ids == ("most", "whole") and rows.values.shape == (2, N_BINS)
    assert {o.id: o.reason for o in rows.omitted} == {
        "little": "spectrum covers too little of the grid",
        "broken": "spectrum cannot be read",
    }


def test_pixels_with_zero_or_negative_errors_are_dropped_and_counted(tmp_path):
    errors = np.full(500, 0.1)
    errors[[3, 7]] = 0.0, -1.0
    spectrum_file(tmp_path / "a.dat", errors=errors)
    rows = read_spectra(tmp_path, ["a"])
    assert rows.notes == ("pixels of spectra without a wavelength, a flux or a positive error, dropped: 2",)


def test_folder_of_spectra_that_names_no_object_or_one_twice_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="is no folder with spectra"):
        read_spectra(tmp_path / "nothing", ["a"])
    spectrum_file(tmp_path / "b.dat")
    with pytest.raises(TrainingError, match="no file is named like an object"):
        read_spectra(tmp_path, ["a"])
    spectrum_file(tmp_path / "b.txt")
    with pytest.raises(TrainingError, match=r"b\.dat and b\.txt are both of b"):
        read_spectra(tmp_path, ["b"])


def test_names_with_dots_find_their_files(tmp_path):
    spectrum_file(tmp_path / "J1.2-3.4.dat")
    spectrum_file(tmp_path / "AT2020a.dat.txt")
    assert read_spectra(tmp_path, ["J1.2-3.4", "AT2020a"]).ids == ("AT2020a", "J1.2-3.4")


# Joining


def test_set_is_joined_by_id_whatever_the_order_of_the_sources():
    photometry, spectra, labels = a_set()
    mixed = np.random.default_rng(2).permutation(len(spectra.ids))
    shuffled = Rows(tuple(spectra.ids[i] for i in mixed), spectra.values[mixed])
    one, other = assemble(photometry, spectra, labels, folds=5), assemble(photometry, shuffled, labels, folds=5)
    np.testing.assert_array_equal(one.spectra, other.spectra)
    assert one.classes == ("II", "Ia") and one.ids == photometry.ids and not one.omitted
    assert [one.classes[c] for c in one.y] == [labels.label[name] for name in one.ids]


def test_every_object_is_either_in_the_set_or_left_out_with_one_reason():
    photometry, spectra, labels = a_set(30)
    values = photometry.values.copy()
    values[3] = np.nan
    known = dict(labels.label) | {"SN05": "", "SN06": "TDE", "stranger": "Ia"}
    spectra = Rows(
        spectra.ids[:25], spectra.values[:25], omitted=(Omission("SN26", "spectrum cannot be read", "SN26.dat: empty"),)
    )
    photometry = replaced(photometry, values=values, omitted=(Omission("SN26", "light curve cannot be used"),))
    training_set = assemble(photometry, spectra, Labels(known), folds=5, classes=["Ia", "II"])
    reasons = {o.id: o.reason for o in training_set.omitted}
    assert reasons["SN03"] == "no photometric feature measured"
    assert reasons["SN05"] == "no label" and reasons["SN06"] == "label is not one to learn"
    assert reasons["SN25"] == "no spectrum" and reasons["stranger"] == "no photometry"
    assert Counter(training_set.ids) + Counter(o.id for o in training_set.omitted) == Counter({*photometry.ids, *known})
    assert training_set.classes == ("Ia", "II")


def test_features_that_say_nothing_are_left_out_and_named():
    photometry, spectra, labels = a_set()
    values = photometry.values.copy()
    values[:, 0], values[:, 1] = np.nan, 7.0
    values[4, 1] = np.nan
    training_set = assemble(replaced(photometry, values=values), spectra, labels, folds=5)
    assert training_set.features == ("x2",) and training_set.x_t.shape == (20, 1)
    assert training_set.notes == ("features left out, never measured: x0", "features left out, constant: x1")
    values[:, 2] = 1.0
    with pytest.raises(TrainingError, match="no photometric feature differs between the 20 objects"):
        assemble(replaced(photometry, values=values), spectra, labels, folds=5)


def test_class_with_fewer_members_than_folds_is_refused_with_its_count():
    photometry, spectra, labels = a_set(20)
    few = Labels(dict(labels.label) | dict.fromkeys(photometry.ids[:3], "TDE"))
    with pytest.raises(TrainingError, match="class 'TDE' has 3 objects or groups for 5 folds"):
        assemble(photometry, spectra, few, folds=5)
    assert len(assemble(photometry, spectra, few, folds=3)) == 20
    grouped = Labels(labels.label, {name: "one cluster" for name, label in labels.label.items() if label == "II"})
    with pytest.raises(TrainingError, match="class 'II' has 1 objects or groups"):
        assemble(photometry, spectra, grouped, folds=5)


def test_unknown_class_single_class_and_empty_set_are_refused():
    photometry, spectra, labels = a_set()
    with pytest.raises(TrainingError, match="no object is labelled 'SN Ia'; the labels are II, Ia"):
        assemble(photometry, spectra, labels, folds=5, classes=["SN Ia", "II"])
    with pytest.raises(TrainingError, match="all objects are of one class, 'Ia'"):
        assemble(photometry, spectra, labels, folds=5, classes=["Ia"])
    strangers = Labels({f"other {name}": label for name, label in labels.label.items()})
    with pytest.raises(TrainingError, match=r"no object has photometry, a spectrum and a label; .*no label \(20\)"):
        assemble(photometry, spectra, strangers, folds=5)


def test_spectral_features_are_taken_in_units_of_their_spread():
    photometry, _, labels = a_set()
    values = np.random.default_rng(3).normal(size=(20, 3)) * [1e-17, 1.0, 0.0]
    values[2, 0] = np.nan
    training_set = assemble(photometry, Rows(photometry.ids, values, ("line", "slope", "flat")), labels, folds=5)
    assert training_set.spectral_features == ("line", "slope") and len(training_set) == 19
    np.testing.assert_allclose(training_set.spectra.std(axis=0), 1.0)
    np.testing.assert_allclose(training_set.spectra * training_set.spectral_unit, np.delete(values[:, :2], 2, axis=0))
    assert reasons_of(training_set.omitted) == "a spectral feature not measured (1)"
