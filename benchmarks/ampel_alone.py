"""
Our units called for every state in a database, without a worker: a process of `ampel_cost.py`.

    python benchmarks/ampel_alone.py URI DATABASE

prints what features, gain and assistant take of the processor for one state [s], as a JSON list of passes.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import pymongo
from ampel.log.AmpelLogger import AmpelLogger
from ampel.view.LightCurve import LightCurve

from ampel.followup.t2.T2FollowupFeatures import T2FollowupFeatures
from ampel.followup.t2.T2SpectroscopicGain import T2SpectroscopicGain
from ampel.followup.t2.T2VirtualAssistant import T2VirtualAssistant

PASSES = 4


class Features:
    """The view of a T2 document that the gain depends on."""

    def __init__(self, body: Any) -> None:
        self.body = body

    def get_payload(self, raise_exc: bool = False) -> Any:
        """Return what the unit made."""
        return self.body


def light_curves(database: Any) -> list[LightCurve]:
    """Return the light curve of every state."""
    points = {point["id"]: point for point in database["t0"].find()}
    states = []
    for state in database["t1"].find():
        measured = [points[number] for number in state["dps"]]
        found, limits = [p for p in measured if p["id"] > 0], [p for p in measured if p["id"] < 0]
        states.append(LightCurve(b"", state["stock"], found, limits))
    return states


def main() -> None:
    """Measure and print."""
    uri, database = sys.argv[1:]
    states = light_curves(pymongo.MongoClient(uri)[database])
    logger = AmpelLogger.get_logger()
    features = T2FollowupFeatures(logger=logger)
    gain = T2SpectroscopicGain(logger=logger, t2_dependency=[{"unit": "T2FollowupFeatures"}])
    assistant = T2VirtualAssistant(logger=logger)
    for unit in (features, gain, assistant):
        unit.post_init()
    passes = []
    for _ in range(PASSES):
        begin = time.process_time()
        for state in states:
            gain.process(state, [Features(features.process(state))])
            assistant.process(state)
        passes.append((time.process_time() - begin) / len(states))
    print(json.dumps(passes))


if __name__ == "__main__":
    main()
