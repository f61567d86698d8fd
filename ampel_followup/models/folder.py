"""
The folder of a model bundle: found by name, written complete or not at all, read with proof that nothing was altered.

A folder holds ``bundle.json``, which says what the bundle is and names the SHA-256 of every other file and of itself.
Its ``kind`` tells what the files are for; what carries none is of the first kind there was, ``gain``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ampel_followup.errors import BundleError

#: Layout of the folder; a reader refuses a later one.
FORMAT = 1

#: Folder of the bundles that come with the package.
PACKAGED = Path(__file__).parent.parent / "bundles"

#: The bundle in use where none is named and none was promoted.
DEFAULT_BUNDLE = "simulated"

GAIN, ASSISTANT, STREAM, EARLY, MICROLENSING = "gain", "assistant", "stream", "early", "microlensing"
ATTENTION, ANOMALY = "attention", "anomaly"

_REMEDY = "restore the bundle from where it came, or choose another with --bundle"

# What a bundle of each kind is for, as a person who chose the wrong one has to be told.
_PURPOSE = {
    GAIN: "what a spectrum would tell",
    ASSISTANT: "the scores of the virtual assistant",
    EARLY: "early type Ia supernovae",
    STREAM: "a classifier that learns from a stream",
    MICROLENSING: "a search for lenses",
    ATTENTION: "a classifier with attention",
    ANOMALY: "a search for anomalies",
}


@dataclass(frozen=True)
class Bundle:
    """
    A bundle as loaded from a folder, of any kind.

    Parameters
    ----------
    info : mapping
        The contents of ``bundle.json``.
    digest : str
        SHA-256 of ``bundle.json``, which itself names the digest of every file.
    files : mapping of str to bytes
        The verified contents of the other files.
    """

    info: Mapping[str, Any]
    digest: str
    files: Mapping[str, bytes] = field(repr=False)

    @property
    def name(self) -> str:
        """Name of the bundle."""
        return str(self.info["name"])

    @property
    def label(self) -> str:
        """Name and version, as plans and logs show it."""
        return f"{self.name} {self.info['version']}"


def read_folder(
    folder: Path, kind: str, required: Sequence[str] = (), *, told: Sequence[str] = ()
) -> tuple[dict[str, Any], str, dict[str, bytes]]:
    """
    Read and verify a bundle.

    Parameters
    ----------
    folder : Path
    kind : str
        `GAIN`, `ASSISTANT`, `EARLY`, `MICROLENSING`, `ATTENTION` or `ANOMALY`.
    required : sequence of str
        Names of the files that must be there.
    told : sequence of str
        What ``bundle.json`` must say something of.

    Returns
    -------
    info : dict
        The contents of ``bundle.json``, without its digest.
    digest : str
        SHA-256 of them; they name the digests of the files.
    files : dict of str to bytes
        Contents of the other files.

    Raises
    ------
    BundleError
        If it is incomplete, of another kind or a later format, or one of its bytes was changed.
    """
    info, stated = _read_description(folder)
    if kind_of(info) != kind:
        raise BundleError(
            f"{folder} is a bundle for {_purpose(kind_of(info))}, here one for {_purpose(kind)} is needed; "
            "`ampel-followup bundle list` shows which is which"
        )
    files: dict[str, str] = info["files"]
    missing = [file for file in required if file not in files]
    if missing:
        raise BundleError(f"{folder} lacks {', '.join(missing)}; {_REMEDY}")
    contents = {}
    for file, expected in files.items():
        if Path(file).name != file:
            raise BundleError(f"{folder / 'bundle.json'} names a file outside the bundle: {file!r}; {_REMEDY}")
        contents[file] = _read(folder / file)
        if hashlib.sha256(contents[file]).hexdigest() != expected:
            raise BundleError(f"{folder / file} was altered: its digest does not match bundle.json; {_REMEDY}")
    untold = sorted(set(told) - info.keys())
    if untold:
        raise BundleError(f"{folder / 'bundle.json'} says nothing of {', '.join(untold)}; make the bundle again")
    return info, stated, contents


def write_folder(folder: Path, info: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """
    Write a bundle, complete or not at all.

    Parameters
    ----------
    folder : Path
        Made if absent; files of the same names are replaced, ``bundle.json`` last.
    info : mapping
        What becomes ``bundle.json``; ``format``, ``files`` and ``digest`` are filled in here.
    files : mapping of str to bytes
        The other files.

    Raises
    ------
    BundleError
        If the folder cannot be written to.
    """
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    complete = {**info, "format": FORMAT, "files": digests}
    complete["digest"] = _digest_of(complete)
    temporary = folder / "bundle.json.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        temporary.write_text(json.dumps(complete, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        temporary.replace(folder / "bundle.json")
    except OSError as error:
        raise BundleError(
            f"cannot write a bundle to {folder} ({error.strerror or error}); choose another folder"
        ) from error


def kind_of(info: Mapping[str, Any]) -> str:
    """Return what a bundle with this description is for."""
    return str(info.get("kind", GAIN))


def read_kind(folder: Path) -> str:
    """
    Return what a bundle is for, from its description alone.

    Raises
    ------
    BundleError
        If the description is missing, altered or of a later format.
    """
    return kind_of(_read_description(folder)[0])


def bundle_folders() -> list[Path]:
    """Return where bundles are looked for by name: the user's data folder, then the package."""
    import platformdirs

    return [platformdirs.user_data_path("ampel-followup") / "bundles", PACKAGED]


def list_bundles() -> list[Path]:
    """Return the folders of all bundles that can be loaded by name, the user's first."""
    return [
        folder
        for parent in bundle_folders()
        if parent.is_dir()
        for folder in sorted(parent.iterdir())
        if (folder / "bundle.json").is_file()
    ]


def find_folder(name: str | os.PathLike[str]) -> Path:
    """
    Return the folder of a bundle, unverified.

    Parameters
    ----------
    name : str or path
        Name of a bundle in one of `bundle_folders`, or the path of a folder.

    Raises
    ------
    BundleError
        If there is none of that name or at that path.
    """
    name = os.fspath(name)
    if Path(name).joinpath("bundle.json").is_file():
        return Path(name)
    known = list_bundles()
    for folder in known:
        if folder.name == name:
            return folder
    names = ", ".join(folder.name for folder in known) or "none"
    raise BundleError(f"no bundle {name!r}: neither a folder with a bundle.json nor one of those installed ({names})")


def _read_description(folder: Path) -> tuple[dict[str, Any], str]:
    """Read ``bundle.json`` and take the digest out of it."""
    text = _read(folder / "bundle.json")
    try:
        info: dict[str, Any] = json.loads(text)
        stated = str(info.pop("digest"))
        _ = info["files"].items()
        version = int(info["format"])
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise BundleError(
            f"{folder / 'bundle.json'} is not the description of a bundle ({error!r}); {_REMEDY}"
        ) from error
    if version > FORMAT:
        raise BundleError(
            f"{folder} has bundle format {version}, this version reads up to {FORMAT}; upgrade ampel-followup"
        )
    if stated != _digest_of(info):
        raise BundleError(f"{folder / 'bundle.json'} was altered: its digest does not match; {_REMEDY}")
    return info, stated


def _purpose(kind: str) -> str:
    return _PURPOSE.get(kind, f"something that this version does not know ({kind!r})")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"cannot read {path} ({error.strerror}); {_REMEDY}") from error


def _digest_of(info: Mapping[str, Any]) -> str:
    canonical = json.dumps({k: v for k, v in info.items() if k != "digest"}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
