"""
Which model bundle a store uses, and how another comes into use and goes again.

Plain Python, for the terminal app too: bundles are verified byte by byte, their models are not loaded.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from ampel_followup.champions import METRIC_NAMES, Action, BundleInUse, Challenger, Comparison, Promotion, standing
from ampel_followup.errors import BundleError, StoreError
from ampel_followup.models.folder import DEFAULT_BUNDLE, GAIN, PACKAGED, Bundle, find_folder, read_folder
from ampel_followup.untrusted import clean

if TYPE_CHECKING:
    from ampel_followup.store import Store

#: Folder of challengers, beside the file of the store.
CHALLENGERS = "challengers"


def bundle_in_use(store: Store | None) -> BundleInUse:
    """
    Return the bundle that `rank` uses if none is named: the one promoted last, or else the packaged one.

    Parameters
    ----------
    store : Store, optional
        Without one, the packaged bundle is in use.

    Raises
    ------
    StoreError
        If the store cannot be read.
    BundleError
        If the packaged bundle is damaged.
    """
    promotions = store.learning.promotions() if store is not None else []
    stands = standing(promotions)
    if stands:
        held, last = stands[-1], promotions[-1]
        return BundleInUse(
            held.bundle, held.bundle_digest, held.folder, last.time, last.observer, held.id, last.last_label
        )
    packaged = _packaged()
    if promotions:
        last = promotions[-1]
        return BundleInUse(packaged.label, packaged.digest, "", last.time, last.observer, 0, last.last_label)
    return BundleInUse(packaged.label, packaged.digest)


def folder_in_use(store: Store | None) -> Path:
    """
    Return the folder of the bundle in use, verified.

    Raises
    ------
    BundleError
        If the promoted bundle is not where it was, or was altered or replaced since: that is said, with what to do, and
        no other bundle silently takes its place.
    """
    in_use = bundle_in_use(store)
    if not in_use.folder or store is None:
        return PACKAGED / DEFAULT_BUNDLE
    folder = store.folder / in_use.folder
    try:
        found = Bundle(*read_folder(folder, GAIN))
    except BundleError as error:
        raise BundleError(
            f"{in_use.bundle}, promoted by {clean(in_use.observer)} on {in_use.since[:10]}, cannot be used: "
            f"{_cause(error)}; {_RESTORE}"
        ) from error
    if found.digest != in_use.bundle_digest:
        raise BundleError(
            f"{folder} holds {found.label} with digest {found.digest[:12]}, promoted was {in_use.bundle} with "
            f"{in_use.bundle_digest[:12]}; {_RESTORE}"
        )
    return folder


def metrics_in_use(store: Store | None) -> dict[str, float]:
    """
    Return what the bundle in use says of itself: those of its metrics that are single numbers, by name.

    Raises
    ------
    BundleError
        As `folder_in_use`.
    """
    info, _, _ = read_folder(folder_in_use(store), GAIN)
    return {
        str(name): float(value)
        for name, value in info.get("metrics", {}).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def chosen_folder(name: str | None, store: Store | None) -> str | Path:
    """Return what `load_bundle` is to load: the bundle that was named, or else the folder of the one in use."""
    return folder_in_use(store) if name is None else name


def chosen_folder_at(name: str | None, url: str | None) -> str | Path:
    """
    Return the same for a store that may not exist yet, in which case the packaged bundle is in use.

    Parameters
    ----------
    name : str, optional
        Name of a bundle, or a folder.
    url : str, optional
        As in `Store.open`.

    Raises
    ------
    StoreError
        If there is a store, and it cannot be opened.
    BundleError
        As `folder_in_use`.
    """
    from ampel_followup.store import Store
    from ampel_followup.store.location import Server, locate

    if name is not None:
        return name
    place = locate(url)
    if not isinstance(place, Server) and not place.path.exists():
        return folder_in_use(None)
    with Store.open(url) as store:
        return folder_in_use(store)


_RESTORE = "put it back, `ampel-followup learn rollback`, or name another with --bundle"


def promote(
    store: Store, name: str, *, observer: str, time: str, comment: str = "", policy: str = "", reason: str = ""
) -> Promotion:
    """
    Put a bundle into use.

    Parameters
    ----------
    store : Store
        Open for writing.
    name : str
        Of a challenger of the store; else of an installed bundle, or a folder.
    observer : str
        Who decides, or on whose behalf a policy does.
    time : str
        Now, UTC, ISO 8601.
    comment : str
        Why.
    policy : str
        Name and version of the promotion policy that allows it; empty where a person decides alone.
    reason : str
        How much better on what; by default in the words of `advantage`.

    Returns
    -------
    Promotion
        As stored.

    Raises
    ------
    BundleError
        If there is no such bundle, or it is not intact, or not the one that the challenger's report is about.
    StoreError
        If it is in use already, or nobody is named as observer.
    """
    challenger = next((c for c in store.learning.challengers() if c.name == name), None)
    folder = store.folder / challenger.folder if challenger is not None else _other(store, name)
    bundle = Bundle(*read_folder(folder, GAIN))
    if challenger is not None and bundle.digest != challenger.bundle_digest:
        raise BundleError(f"{folder} is not the bundle that the report of {name} is about; run `ampel-followup learn`")
    if not reason and challenger is not None:
        reason = advantage(challenger.comparison)
    return store.learning.record(
        Promotion(
            action=Action.PROMOTE,
            bundle=bundle.label,
            bundle_digest=bundle.digest,
            folder=relative(store, folder),
            observer=observer,
            time=time,
            comment=comment,
            policy=policy,
            reason=reason,
            challenger=challenger.id if challenger is not None else None,
        )
    )


def roll_back(store: Store, *, observer: str, time: str, comment: str = "") -> Promotion:
    """
    Take the promotion that stands back: the bundle that was in use before it is in use again.

    Parameters
    ----------
    store : Store
        Open for writing.
    observer, time, comment : str
        As in `promote`.

    Returns
    -------
    Promotion
        As stored; it names the bundle that is in use now.

    Raises
    ------
    StoreError
        If nothing was promoted, or nobody is named as observer.
    """
    stands = standing(store.learning.promotions())
    if not stands:
        raise StoreError(f"no promotion stands in {store.url}: the bundle that comes along is in use, nothing is left")
    *before, undone = stands
    now = before[-1] if before else None
    packaged = _packaged()
    return store.learning.record(
        Promotion(
            action=Action.ROLL_BACK,
            bundle=now.bundle if now is not None else packaged.label,
            bundle_digest=now.bundle_digest if now is not None else packaged.digest,
            folder=now.folder if now is not None else "",
            observer=observer,
            time=time,
            comment=comment,
            reason=f"takes back {undone.bundle}",
            challenger=now.challenger if now is not None else None,
            undoes=undone.id,
        )
    )


def advantage(comparison: Comparison) -> str:
    """Return by how much a challenger is better on what, with intervals, on one line."""
    parts = [
        f"{METRIC_NAMES.get(d.metric, d.metric)} {d.before:.3f} → {d.after:.3f} "  # type: ignore[call-overload]
        f"(better by {d.gain:+.3f}, {100 * comparison.confidence:.0f} % {d.low:+.3f} to {d.high:+.3f})"
        for d in comparison.differences
    ]
    return f"on {comparison.n_objects} labelled objects that neither was trained on: {'; '.join(parts)}"


def relative(store: Store, folder: Path) -> str:
    """Return how the store names a folder: relative where it lies in the store's own, so that both can be moved."""
    absolute, home = folder.resolve(), store.folder.resolve()
    return absolute.relative_to(home).as_posix() if absolute.is_relative_to(home) else str(absolute)


def find_challenger(store: Store, name: str) -> Challenger:
    """
    Return a challenger of a store by its name.

    Raises
    ------
    StoreError
        If there is none of this name.
    """
    known = store.learning.challengers()
    for challenger in known:
        if challenger.name == name:
            return challenger
    names = ", ".join(challenger.name for challenger in known[:10]) or "none; `ampel-followup learn` makes one"
    raise StoreError(f"{store.url} has no challenger {clean(name)!r}; there are {names}")


def _other(store: Store, name: str) -> Path:
    try:
        return find_folder(name)
    except BundleError as error:
        names = ", ".join(challenger.name for challenger in store.learning.challengers()[:10]) or "none"
        raise BundleError(f"{error}; challengers of {store.url}: {names}") from error


def _cause(error: BundleError) -> str:
    """Return what is wrong without the remedy, which is another one here."""
    return str(error).rpartition(";")[0] or str(error)


@functools.cache
def _packaged() -> Bundle:
    return Bundle(*read_folder(PACKAGED / DEFAULT_BUNDLE, GAIN))
