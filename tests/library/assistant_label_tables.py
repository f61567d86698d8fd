"""Tables of made-up objects that people have named, for training and measuring the assistant."""

from __future__ import annotations

import numpy as np

from ampel_followup.learning.assistant_tables import DAY_1_COLUMNS, TYPES

#: Where the real/bogus score and |b|-like columns of made-up types lie.
CENTRES = {"good": (0.9, 1.0), "galactic": (0.9, -1.0), "pm": (0.5, -1.0), "garbage": (0.2, 0.0), "AGN": (0.9, 1.2)}


def write_tables(folder, *, per_type=12, visits=0, seed=3, fast=False, prefix="a"):
    """Write X and y of made-up objects; with visits, a day-N table of so many rows per object."""
    rng = np.random.default_rng(seed)
    columns = (["dayN"] if visits else []) + list(DAY_1_COLUMNS)
    x, y = ["ATLAS_ID," + ",".join(columns)], ["ATLAS_ID,type" + (",fast" if fast else "")]
    for kind in TYPES[:4]:
        for number in range(per_type):
            centre, side = CENTRES[kind]
            for visit in range(max(visits, 1)):
                row = dict.fromkeys(columns, "")
                row |= {"dayN": visit + 1, "rb_pix": f"{np.clip(centre + 0.08 * rng.normal(), 0, 1):.4f}"}
                row |= {"ra": f"{360 * rng.random():.4f}", "dec": f"{120 * rng.random() - 60:.4f}", "CV": "False"}
                row |= {"log10_sep_arcsec": f"{side + 0.3 * rng.normal():.4f}", "magdet_std": f"{rng.random():.4f}"}
                x.append(f"{prefix}{kind}{number}," + ",".join(str(row[name]) for name in columns))
                y.append(f"{prefix}{kind}{number},{kind}" + (f",{number % 2}" if fast else ""))
    folder.mkdir(exist_ok=True)
    (folder / "x.csv").write_text("\n".join(x) + "\n")
    (folder / "y.csv").write_text("\n".join(y) + "\n")
    return folder / "x.csv", folder / "y.csv"
