"""Spectra as people have them in files: every format gives back what was written; bad ones say what is wrong."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

from ampel_followup.errors import FollowupError, SpectrumError
from ampel_followup.spectra.readers import read_spectrum
from ampel_followup.spectra.spectrum import Spectrum

WAVELENGTH = np.linspace(3800.0, 9200.0, 541)
FLUX = 1e-16 * (2.0 + np.sin(WAVELENGTH / 300.0))
ERROR = np.full(WAVELENGTH.shape, 3e-18)


def write_image(path: Path, flux=FLUX, extensions=(), **header) -> Path:
    primary = fits.PrimaryHDU(np.asarray(flux))
    primary.header.update(header)
    fits.HDUList([primary, *extensions]).writeto(path)
    return path


def write_sdss(path: Path, ivar: np.ndarray) -> Path:
    """A file laid out as SDSS lays out spec-PLATE-MJD-FIBER.fits."""
    coadd = fits.BinTableHDU.from_columns(
        [
            fits.Column("flux", "E", array=FLUX * 1e17),
            fits.Column("loglam", "E", array=np.log10(WAVELENGTH)),
            fits.Column("ivar", "E", array=ivar),
            fits.Column("and_mask", "J", array=np.zeros(len(FLUX), dtype=np.int32)),
            fits.Column("sky", "E", array=np.ones(len(FLUX))),
        ],
        name="COADD",
    )
    lines = fits.BinTableHDU.from_columns([fits.Column("LINENAME", "10A", array=["H_alpha"])], name="SPZLINE")
    primary = fits.PrimaryHDU()
    primary.header.update({"MJD": 55280, "PLUG_RA": 150.1, "PLUG_DEC": 2.2, "TELESCOP": "SDSS 2.5-M"})
    fits.HDUList([primary, coadd, lines]).writeto(path)
    return path


def check(spectrum: Spectrum, rtol: float = 1e-9, errors: bool = True) -> None:
    np.testing.assert_allclose(spectrum.wavelength, WAVELENGTH, rtol=max(rtol, 1e-9))
    np.testing.assert_allclose(spectrum.flux / FLUX.max(), FLUX / FLUX.max(), atol=max(rtol, 1e-9))
    assert (spectrum.flux_err is not None) == errors
    if spectrum.flux_err is not None:
        np.testing.assert_allclose(spectrum.flux_err, ERROR, rtol=max(rtol, 1e-6))


@pytest.mark.parametrize("step", ["CDELT1", "CD1_1"])
def test_image_with_a_linear_axis(tmp_path, step):
    path = write_image(tmp_path / "s.fits", CRVAL1=3800.0, CRPIX1=1.0, OBJECT="SN 2011fe", **{step: 10.0})

    spectrum = read_spectrum(path)

    check(spectrum, errors=False)
    assert spectrum.meta["object"] == "SN 2011fe"
    assert spectrum.meta["file"] == "s.fits"


def test_reference_pixel_need_not_be_the_first(tmp_path):
    check(read_spectrum(write_image(tmp_path / "s.fits", CRVAL1=4800.0, CRPIX1=101.0, CDELT1=10.0)), errors=False)


def test_wavelengths_in_nanometres_become_angstrom(tmp_path):
    header = {"CRVAL1": 380.0, "CDELT1": 1.0, "CUNIT1": "nm"}
    check(read_spectrum(write_image(tmp_path / "s.fits", **header)), errors=False)


def test_axis_in_the_logarithm_of_the_wavelength(tmp_path):
    expected = 10.0 ** (3.58 + 1e-4 * np.arange(3794))
    path = write_image(tmp_path / "s.fits", np.ones(3794), **{"CRVAL1": 3.58, "CDELT1": 1e-4, "DC-FLAG": 1})
    np.testing.assert_allclose(read_spectrum(path).wavelength, expected)


def test_fits_standard_logarithmic_axis_agrees_with_astropy(tmp_path):
    from astropy.wcs import WCS

    path = write_image(tmp_path / "s.fits", CRVAL1=4000.0, CRPIX1=3.0, CDELT1=2.0, CTYPE1="WAVE-LOG", CUNIT1="Angstrom")
    expected = WCS(fits.getheader(path)).all_pix2world(np.arange(len(FLUX)), 0)[0] * 1e10
    np.testing.assert_allclose(read_spectrum(path).wavelength, expected)


@pytest.mark.parametrize(("name", "values"), [("ERR", ERROR), ("STAT", ERROR**2), ("IVAR", ERROR**-2.0)])
def test_errors_of_an_image_in_an_extension(tmp_path, name, values):
    path = write_image(tmp_path / "s.fits", extensions=[fits.ImageHDU(values, name=name)], CRVAL1=3800.0, CDELT1=10.0)
    check(read_spectrum(path))


def test_sigma_band_of_an_iraf_image_is_the_error(tmp_path):
    cube = np.stack([FLUX, FLUX * 2, ERROR])[:, None, :]
    header = {"CRVAL1": 3800.0, "CD1_1": 10.0, "BANDID1": "spectrum - optimal", "BANDID3": "sigma - background"}
    check(read_spectrum(write_image(tmp_path / "s.fits", cube, **header)))


@pytest.mark.parametrize(
    "names", [("WAVE", "FLUX", "ERR"), ("lambda", "flam", "sigma"), ("wavelength", "flux", "ivar")]
)
def test_fits_table(tmp_path, names):
    error = ERROR**-2.0 if names[2] == "ivar" else ERROR
    Table([WAVELENGTH, FLUX, error], names=names).write(tmp_path / "s.fits")
    check(read_spectrum(tmp_path / "s.fits"))


def test_fits_table_with_the_whole_spectrum_in_one_row(tmp_path):
    columns = [
        fits.Column(name, f"{len(FLUX)}D", array=values[None], unit=unit)
        for name, values, unit in (("WAVE", WAVELENGTH / 10, "nm"), ("FLUX", FLUX, None), ("ERR", ERROR, None))
    ]
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(tmp_path / "s.fits")
    check(read_spectrum(tmp_path / "s.fits"))


def test_sdss_spectrum_drops_and_counts_pixels_without_inverse_variance(tmp_path):
    ivar = np.full(len(FLUX), (ERROR[0] * 1e17) ** -2)
    ivar[100:110] = 0.0

    spectrum = read_spectrum(write_sdss(tmp_path / "spec-0266-51602-0001.fits", ivar))

    kept = np.delete(np.arange(len(FLUX)), np.arange(100, 110))
    np.testing.assert_allclose(spectrum.wavelength, WAVELENGTH[kept], rtol=1e-5)
    np.testing.assert_allclose(spectrum.flux, FLUX[kept] * 1e17, rtol=1e-6)
    np.testing.assert_allclose(spectrum.flux_err, ERROR[kept] * 1e17, rtol=1e-5)
    assert spectrum.meta["dropped"] == 10
    assert spectrum.meta["mjd"] == 55280


@pytest.mark.parametrize("delimiter", [" ", ",", "\t", ";"])
def test_text_of_three_columns(tmp_path, delimiter):
    rows = [delimiter.join(f"{x!r}" for x in map(float, row)) for row in zip(WAVELENGTH, FLUX, ERROR, strict=True)]
    (tmp_path / "s.dat").write_text("\n".join(["# OBJECT = SN 1994D", "% exposure: 1200", *rows, ""]))

    spectrum = read_spectrum(tmp_path / "s.dat")

    check(spectrum)
    assert spectrum.meta["object"] == "SN 1994D"
    assert spectrum.meta["exposure"] == "1200"


@pytest.mark.parametrize("header", ["wavelength,flux_err,flux", "# wavelength flux_err flux"])
def test_names_of_the_columns_decide_their_order(tmp_path, header):
    rows = [f"{w!r},{e!r},{f!r}" for w, f, e in zip(*(a.tolist() for a in (WAVELENGTH, FLUX, ERROR)), strict=True)]
    (tmp_path / "s.csv").write_text("\n".join([header, *rows]))
    check(read_spectrum(tmp_path / "s.csv"))


def test_ecsv_with_units(tmp_path):
    table = Table([WAVELENGTH / 10, FLUX, ERROR], names=["wavelength", "flux", "flux_err"], meta={"OBJECT": "SN 1993J"})
    table["wavelength"].unit = "nm"
    table["flux"].unit = "erg / (s cm2 Angstrom)"
    table.write(tmp_path / "s.txt", format="ascii.ecsv")

    spectrum = read_spectrum(tmp_path / "s.txt")

    check(spectrum)
    assert spectrum.meta["object"] == "SN 1993J"
    assert spectrum.meta["format"] == "ecsv"


def test_gzipped_file_whatever_its_name(tmp_path):
    text = "\n".join(f"{w} {f}" for w, f in zip(WAVELENGTH, FLUX, strict=True))
    (tmp_path / "s.fits").write_bytes(gzip.compress(text.encode()))
    check(read_spectrum(tmp_path / "s.fits"), errors=False)


def test_pixels_out_of_order_are_sorted_and_those_at_one_wavelength_merged():
    spectrum = Spectrum.clean([5000, 4000, 6000, 5000], [2.0, 1.0, 3.0, 4.0], [1.0, 1.0, 1.0, 0.5])

    assert spectrum.wavelength.tolist() == [4000, 5000, 6000]
    assert spectrum.flux == pytest.approx([1.0, (2.0 + 4 * 4.0) / 5, 3.0])
    assert spectrum.flux_err == pytest.approx([1.0, 5**-0.5, 1.0])
    assert spectrum.meta["merged"] == 1
    assert not spectrum.meta["sorted"]


def test_pixels_that_are_no_measurement_are_dropped_and_counted():
    spectrum = Spectrum.clean(
        [4000, np.nan, 4200, 4300, 4400, 4500], [1, 1, np.inf, 1, 1, 1], [1, 1, 1, 0, -1, 1], {"object": "x"}
    )
    assert spectrum.wavelength.tolist() == [4000, 4500]
    assert spectrum.meta == {"object": "x", "dropped": 4, "merged": 0, "sorted": True}


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(1000, 20000) | st.just(5000.0),
            st.floats(-1e3, 1e3) | st.just(np.nan),
            st.floats(-0.1, 10.0) | st.just(np.nan),
        ),
        max_size=40,
    )
)
def test_whatever_the_pixels_a_spectrum_is_ordered_finite_and_counts_what_it_lost(pixels):
    columns = np.array(pixels, dtype=float).reshape(-1, 3).T
    try:
        spectrum = Spectrum.clean(*columns)
    except SpectrumError:
        return
    assert np.all(np.diff(spectrum.wavelength) > 0)
    assert np.isfinite(spectrum.flux).all()
    assert spectrum.flux_err is not None
    assert (spectrum.flux_err > 0).all()
    assert len(spectrum.wavelength) + spectrum.meta["dropped"] + spectrum.meta["merged"] == len(pixels)


BAD_TEXT = {
    "empty": (b"", "is empty"),
    "comments only": (b"# nothing here\n", "no line of numbers"),
    "one column": (b"4000\n4001\n", "line 1: 1 columns"),
    "ragged": (b"4000 1\n4001 1 2\n", "line 2: 3 columns"),
    "words": (b"4000 1\n4001 one\n", "line 2: '4001 one' is not a row of numbers"),
    "all NaN": (b"4000 nan\n4001 nan\n", "0 usable pixels of 2"),
    "errors of zero": (b"4000 1 0\n4001 1 0\n", "none of the 2 errors is positive"),
    "negative wavelength": (b"-1 1\n4000 1\n4001 1\n", "wavelength -1 is not positive"),
    "one wavelength": (b"4000 1\n4000 1\n", "all pixels are at 4000"),
    "binary": (b"\x00\x01\x02\x03", "neither FITS nor text"),
    "damaged gzip": (gzip.compress(b"4000 1\n4001 1\n" * 50)[:-12], "damaged gzip"),
    "ECSV without flux": (
        b"# %ECSV 1.0\n# ---\n# datatype:\n# - {name: x, datatype: int64}\nx\n1\n",
        "columns x; call",
    ),
    "broken ECSV": (b"# %ECSV 1.0\n# ---\n# datatype: [\nx\n1\n", "not valid ECSV"),
}


@pytest.mark.parametrize("case", BAD_TEXT)
def test_bad_text_is_refused_in_one_line_that_names_the_file(tmp_path, case):
    content, message = BAD_TEXT[case]
    path = tmp_path / "bad.dat"
    path.write_bytes(content)

    with pytest.raises(SpectrumError) as caught:
        read_spectrum(path)

    assert message in str(caught.value)
    assert "bad.dat" in str(caught.value)


def test_bad_fits_is_refused(tmp_path):
    good = write_image(tmp_path / "good.fits", CRVAL1=3800.0, CDELT1=10.0).read_bytes()
    (tmp_path / "short.fits").write_bytes(good[:4000])
    Table({"x": [1.0], "y": [2.0]}).write(tmp_path / "table.fits")
    cases = {
        tmp_path / "short.fits": "damaged FITS",
        tmp_path / "table.fits": "no spectrum in this FITS",
        write_image(tmp_path / "axis.fits"): "no linear wavelength axis",
        write_image(tmp_path / "frame.fits", np.ones((50, 541)), CRVAL1=1.0, CDELT1=1.0): "50 rows is no 1-D spectrum",
        write_image(tmp_path / "unit.fits", CRVAL1=1.0, CDELT1=1.0, CUNIT1="GHz"): "wavelengths in 'GHz'",
    }
    for path, message in cases.items():
        with pytest.raises(SpectrumError, match=message):
            read_spectrum(path)


def test_file_that_is_too_large_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("ampel_followup.spectra.readers.MAX_BYTES", 1 << 20)
    rows = b"4000 1\n" * 200_000
    (tmp_path / "plain.dat").write_bytes(rows)
    (tmp_path / "small.dat.gz").write_bytes(gzip.compress(rows))
    for name in ("plain.dat", "small.dat.gz"):
        with pytest.raises(SpectrumError, match="larger than 1 MB"):
            read_spectrum(tmp_path / name)


def test_missing_file_is_named():
    with pytest.raises(FollowupError, match=r"cannot read nowhere\.fits"):
        read_spectrum("nowhere.fits")


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(SpectrumError, match=r"shapes \[\(2,\), \(3,\)\]"):
        Spectrum.clean([1, 2, 3], [1, 2])
