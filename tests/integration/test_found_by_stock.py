"""The server of the tests looks documents up by stock; it must find what it would by comparing them all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pymongo import MongoClient


@pytest.fixture
def collection(mongo_uri: str) -> Iterator[Any]:
    """Points of nine stocks, some of several and some of none, after changes of all kinds."""
    rng = np.random.default_rng(11)
    with MongoClient(mongo_uri) as client:
        points = client["FollowupTest_by_stock"]["t0"]
        points.drop()
        points.create_index([("stock", 1), ("band", 1)])
        points.insert_many({"_id": n, "stock": _stock(n, rng), "band": "gr"[n % 2]} for n in range(60))
        points.insert_many({"_id": n, "band": "g"} for n in range(60, 65))
        points.update_many({"stock": 3}, {"$addToSet": {"seen": 1}})
        points.update_one({"_id": 6}, {"$addToSet": {"stock": 8}})
        points.update_one({"_id": 60}, {"$set": {"stock": 3}})
        points.update_one({"_id": 0}, {"$unset": {"stock": 1}})
        points.delete_many({"_id": {"$in": [12, 13, 24]}})
        points.update_one({"stock": 77}, {"$setOnInsert": {"_id": 77, "band": "r"}}, upsert=True)
        yield points
        client.drop_database("FollowupTest_by_stock")


def _stock(number: int, rng: np.random.Generator) -> Any:
    """Return one stock, a name, or (every sixth) a list of two."""
    first = int(rng.integers(1, 9))
    if number % 6 == 0:
        return [first, first % 8 + 1]
    return "ZTF18abc" if number % 7 == 0 else first


@pytest.mark.parametrize(
    "stock",
    [3, 3.0, 8, 77, "ZTF18abc", 5000, None, {"$in": [3, 77, 3, 5000, "ZTF18abc"]}, {"$in": []}, {"$in": [None, 4]},
     {"$gt": 5}, {"$in": [3, 4], "$ne": 4}, {"$exists": False}],
)  # fmt: skip
@pytest.mark.parametrize("also", [{}, {"band": "g"}], ids=["all", "one_band"])
def test_what_is_asked_by_stock_is_found_as_by_comparing_all(collection: Any, stock: Any, also: dict[str, str]) -> None:
    # A condition inside another one is never looked up.
    compared = collection.find({"$or": [{"stock": stock}], **also}).sort("_id")
    assert list(collection.find({"stock": stock, **also}).sort("_id")) == list(compared)


def test_changes_are_found_by_the_new_stock_and_not_by_the_old(collection: Any) -> None:
    assert collection.count_documents({"stock": 77}) == 1
    collection.update_many({"stock": 77}, {"$set": {"stock": 78}})
    assert [collection.count_documents({"stock": stock}) for stock in (77, 78)] == [0, 1]
    collection.delete_many({"stock": {"$in": [78]}})
    assert collection.count_documents({"stock": 78}) == 0
