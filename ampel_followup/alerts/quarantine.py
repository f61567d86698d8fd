"""Quarantine: what could not be read is counted, named with its reason, and kept."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Literal

from ampel_followup.errors import AlertError

#: What was put away: one alert packet, (the rest of) an archive, or an object whose photometry makes no light curve.
Kind = Literal["alert", "archive", "object"]


class Quarantine:
    """
    The folder for what cannot be read, with a count of the reasons.

    Parameters
    ----------
    folder : path, optional
        Made when it is first needed. It receives a copy of each bad packet, named by the digest of its contents, and a
        line of JSON in ``quarantine.jsonl`` with ``kind``, ``source``, ``member``, ``object``, ``reason``, ``detail``
        and ``file``. Without a folder, bad packets are only counted.

    Attributes
    ----------
    reasons : Counter
        How often each reason occurred.
    counts : Counter
        How often each kind, ``alert``, ``archive`` or ``object``, was put away.
    examples : dict
        The first detail that was given for each reason.
    remarks : Counter
        How often each oddity occurred that was read all the same.
    """

    def __init__(self, folder: Path | str | None = None) -> None:
        self.folder = None if folder is None else Path(folder)
        self.reasons: Counter[str] = Counter()
        self.counts: Counter[Kind] = Counter()
        self.examples: dict[str, str] = {}
        self.remarks: Counter[str] = Counter()

    def add(
        self,
        kind: Kind,
        reason: str,
        detail: str,
        *,
        source: str = "",
        member: str = "",
        object_id: str = "",
        data: bytes | None = None,
    ) -> None:
        """
        Put one thing away.

        Parameters
        ----------
        kind : {"alert", "archive", "object"}
            What it is.
        reason : str
            The sort of problem, the same for all problems of that sort.
        detail : str
            What exactly is wrong with this one.
        source, member, object_id : str
            The file, the place in it, and the survey name of the object, as far as they are known.
        data : bytes, optional
            The bad packet itself, an Avro container as far as it is sound. A row of a table has none: the line says
            which row of which file it is.

        Raises
        ------
        AlertError
            If the folder cannot be written.
        """
        self.reasons[reason] += 1
        self.counts[kind] += 1
        self.examples.setdefault(reason, detail)
        if self.folder is None:
            return
        line = {"kind": kind, "source": source, "member": member, "object": object_id}
        line |= {"reason": reason, "detail": detail, "file": ""}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if data is not None:
                line["file"] = hashlib.sha256(data).hexdigest()[:20] + ".avro"
                (self.folder / line["file"]).write_bytes(data)
            with (self.folder / "quarantine.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
        except OSError as error:
            raise AlertError(
                f"{self.folder}: bad alerts cannot be kept there ({error.strerror}); name a folder that can be written"
            ) from error

    def remark(self, what: str, times: int = 1) -> None:
        """
        Say of something that it is odd, and was read all the same.

        Parameters
        ----------
        what : str
            In words.
        times : int
            How often it occurred.
        """
        self.remarks[what] += times

    def commonest(self) -> str:
        """Return the commonest reason in words, with the number of times and an example; empty if all went well."""
        if not self.reasons:
            return ""
        reason, times = self.reasons.most_common(1)[0]
        return f"{reason} ({times} of {self.reasons.total()}), for example: {self.examples[reason]}"
