"""Sets of spectra: one object under many names, tables and folders, and nothing lost without being counted."""

from __future__ import annotations

import numpy as np
import pytest

from ampel_followup.errors import SpectrumError
from ampel_followup.spectra.grid import Grid
from ampel_followup.spectra.tables import load_spectra, object_key

WAVELENGTH = np.geomspace(3500.0, 9500.0, 300)


def test_names_of_one_supernova_have_one_key():
    names = ["SN 1994D", "sn1994D", "sn94D", "sn94d_bsnip", "CFA1:1994D", "1994D", "AT1994D"]
    assert {object_key(name) for name in names} == {"1994d"}


@pytest.mark.parametrize(
    ("name", "key"),
    [("sn00cx", "2000cx"), ("SN2011fe", "2011fe"), ("iPTF13bvn", "iptf13bvn"), ("SNLS:03D1au", "03d1au"),
     ("PTF10bzf", "ptf10bzf"), ("ZTF18abc", "ztf18abc"), ("sn87A", "1987a")],
)  # fmt: skip
def test_other_names_stay_apart(name, key):
    assert object_key(name) == key


def write_npz(path, names, flux):
    np.savez(path, name=np.array(names), wavelength=WAVELENGTH, flux=flux)


def test_zeros_outside_the_spectrum_are_no_flux(tmp_path):
    flux = np.ones((2, 300))
    flux[0, :40] = flux[0, 250:] = 0.0
    flux[0, 100] = 0.0  # inside, zero is a value like any other
    write_npz(tmp_path / "s.npz", ["sn94D", "sn94D_bsnip"], flux)

    loaded = load_spectra(tmp_path / "s.npz")

    assert loaded.objects.tolist() == ["1994d", "1994d"]
    assert [len(s.wavelength) for s in loaded.spectra] == [210, 300]
    assert loaded.first.tolist() == [WAVELENGTH[40], WAVELENGTH[0]]
    flux_on_grid, covered = loaded.on_grid(Grid(3600.0, 9000.0, 50))
    assert covered.tolist() == [False, True]
    assert flux_on_grid.shape == (1, 50)


def test_parquet_rows_lose_flagged_pixels_and_unusable_rows_are_counted(tmp_path):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    wavelength = [4000.0, 5000.0, 6000.0]
    table = {
        "name": ["a:1999em", "a:1999em", "b"],
        "wavelength": [wavelength, wavelength, None],
        "flux": [[1.0, 2.0, 3.0], [1.0, np.nan, 3.0], None],
        "flag": [[1, 0, 1], None, None],
    }
    pq.write_table(pa.table(table), tmp_path / "spectra.parquet")
    pq.write_table(pa.table({"name": ["a"]}), tmp_path / "objects.parquet")

    loaded = load_spectra(tmp_path)

    assert loaded.objects.tolist() == ["1999em", "1999em"]
    assert [s.wavelength.tolist() for s in loaded.spectra] == [[4000, 6000], [4000, 6000]]
    assert sum(loaded.left_out.values()) == 1


def test_of_several_tables_the_largest_is_taken_and_the_rest_counted(tmp_path):
    write_npz(tmp_path / "a.npz", ["x"], np.ones((1, 300)))
    write_npz(tmp_path / "b.npz", ["x", "y", "z"], np.ones((3, 300)))

    loaded = load_spectra(tmp_path)

    assert len(loaded.spectra) == 3
    assert loaded.left_out == {"in another table, a.npz": 1}


def test_folder_of_files_takes_the_object_from_the_file_its_folder_or_its_name(tmp_path):
    rows = "4000 1\n5000 2\n6000 3\n"
    (tmp_path / "SN2011fe").mkdir()
    (tmp_path / "SN2011fe" / "first.dat").write_text(rows)
    (tmp_path / "SN2011fe" / "second.dat").write_text(rows)
    (tmp_path / "one.dat").write_text("# OBJECT: SN 1999em\n" + rows)
    (tmp_path / "sn1998bw.txt").write_text(rows)
    (tmp_path / "notes.txt").write_text("nothing to see")

    loaded = load_spectra(tmp_path)

    assert sorted(loaded.objects) == ["1998bw", "1999em", "2011fe", "2011fe"]
    assert loaded.left_out == {"not readable as a spectrum": 1}


def test_places_without_spectra_are_named(tmp_path):
    with pytest.raises(SpectrumError, match="does not exist"):
        load_spectra(tmp_path / "nowhere")
    with pytest.raises(SpectrumError, match="no spectra among 0 files"):
        load_spectra(tmp_path)
    np.savez(tmp_path / "other.npz", x=np.ones(3))
    with pytest.raises(SpectrumError, match="no columns name, wavelength and flux"):
        load_spectra(tmp_path / "other.npz")
    write_npz(tmp_path / "shape.npz", ["x"], np.ones((2, 300)))
    with pytest.raises(SpectrumError, match=r"flux has shape \(2, 300\)"):
        load_spectra(tmp_path / "shape.npz")
    (tmp_path / "bad.npz").write_bytes(b"PK nonsense")
    with pytest.raises(SpectrumError, match="not a usable NPZ"):
        load_spectra(tmp_path / "bad.npz")


def test_real_templates_are_grouped_by_supernova(shared_data):
    loaded = load_spectra(shared_data / "sn_spectra")

    assert len(loaded.spectra) == 3776
    assert len(np.unique(loaded.objects)) < 411  # fewer than template files: some supernovae have several
    assert loaded.left_out == {"in another table, slsn_spectra.parquet": 99}
    grid = Grid.covering(loaded.first, loaded.last, 6e-4, keep=0.9)
    flux, covered = loaded.on_grid(grid)
    assert covered.mean() > 0.8
    assert np.isfinite(flux).all()


def test_real_flux_spectra_load(shared_data):
    loaded = load_spectra(shared_data / "paired_sn")
    assert len(loaded.spectra) == 1338
    assert len(np.unique(loaded.objects)) <= 226
