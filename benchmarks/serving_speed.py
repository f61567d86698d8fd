"""
How fast networks with attention classify light curves as ONNX, against a tf.function of the same network.

Run: python benchmarks/serving_speed.py [--objects N] [--repeats R] [--train N] [--network KIND] [--seed S] [--json]

All on one core, in one run: for each network with random weights, one light curve at a time by onnxruntime and by a
tf.function that is compiled before, turn by turn; so is the largest difference of their probabilities. Then the
packaged classifier: one light curve from its points on (sequence, network, attention per epoch), and N in one call.
Light curves are simulated ones of ZTF. Times are of the CPU: the median of the repeats, the 10th and 90th percentile.
A network with boosted trees beside it has no counterpart in TensorFlow; its trees are grown on the light curves, with
classes drawn at random. With --train N, a network (--network) is trained on N simulated light curves, on all cores, and
that measured instead. Needs TensorFlow.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
from collections.abc import Callable, Sequence
from time import perf_counter, process_time
from typing import Any

import numpy as np

from ampel_followup.features.hand_made import FeatureScale, hand_made_features
from ampel_followup.features.sequence import of_the_transient
from ampel_followup.learning.attention_curves import simulated_curves
from ampel_followup.learning.attention_export import served, train_and_measure
from ampel_followup.learning.attention_training import FitOptions, TrainedNetwork
from ampel_followup.learning.attention_trees import grow_trees
from ampel_followup.lightcurve import LightCurve
from ampel_followup.models.attention_bundle import NETWORK, load_attention_bundle
from ampel_followup.models.attention_inputs import inputs_of
from ampel_followup.models.attention_networks import build_network, tensorflow
from ampel_followup.models.attention_options import KINDS, NetworkKind, NetworkOptions

#: As published, and as compared in the manual; the last one as packaged.
NETWORKS = {
    "gru, 128 steps, 100 units": NetworkOptions("gru", 128, 100),
    "attention-gru, 128 steps, 100 units": NetworkOptions("attention-gru", 128, 100),
    "attention-gru, 32 steps, 48 units": NetworkOptions("attention-gru", 32, 48),
    "time-attention, 48 units": NetworkOptions("time-attention", units=48),
    "feature-attention, 48 units": NetworkOptions("feature-attention", units=48),
}

#: With as many trees as training grows.
WITH_TREES = {"pooled-attention, 48 units": NetworkOptions("pooled-attention", units=48)}

CLASSES = tuple(f"class {k}" for k in range(10))


def one_core() -> None:
    """Keep this process, and what TensorFlow starts in it, on one core."""
    with contextlib.suppress(AttributeError):  # only Linux can
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    _, tf = tensorflow()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def cpu_ms(function: Callable[[], object]) -> float:
    """Return the CPU time of one run [ms]."""
    start = process_time()
    function()
    return 1000.0 * (process_time() - start)


def spread(times: list[float]) -> list[float]:
    """Return the median, and the 10th and 90th percentile."""
    return [round(float(np.percentile(times, q)), 4) for q in (50, 10, 90)]


def compare(options: NetworkOptions, curves: Sequence[LightCurve], repeats: int, seed: int) -> dict[str, Any]:
    """Measure the typical light curve by both, turn by turn, and all of them by ONNX."""
    from ampel_followup.features.ragged import stack

    _, tf = tensorflow()
    curve = typical(curves)
    network = build_network(options, len(CLASSES))
    network.start(np.random.default_rng(seed))
    scale = FeatureScale.of(np.empty((0, len(options.features)))) if options.sees_features else None
    model = served(TrainedNetwork(network.weights, options, 4.0, 1.0, 0, 0, 0.0, scale), CLASSES)
    found = model.sequences(stack([curve]))
    inputs = inputs_of(found, slice(None), options)
    # Any number of objects and, of epochs, any number of these.
    shapes = [tf.TensorSpec((None, *tensor.shape[1:])) for tensor in network.looks.inputs]
    compiled = tf.function(lambda x: network.looks(x, training=False), input_signature=[shapes])
    tensors = [tf.constant(value) for value in inputs]
    logits = compiled(tensors)[0].numpy()[0]
    p = np.exp(logits - logits.max())
    p /= p.sum()
    names = [one.name for one in model.session.get_inputs()]
    feed = dict(zip(names, inputs, strict=True))
    difference = float(np.abs(model.session.run(None, feed)[0][0] - p).max())
    times: dict[str, list[float]] = {"onnx": [], "tf_function": []}
    for _ in range(repeats):
        times["onnx"].append(cpu_ms(lambda: model.session.run(None, feed)))
        times["tf_function"].append(cpu_ms(lambda: [part.numpy() for part in compiled(tensors)]))
    ratio = np.median(times["tf_function"]) / np.median(times["onnx"])
    return {
        "onnx_ms": spread(times["onnx"]),
        "tf_function_ms": spread(times["tf_function"]),
        "times_faster": round(float(ratio), 2),
        "difference": difference,
        "with_sequence_ms": spread([cpu_ms(lambda: model.score([curve])) for _ in range(repeats)]),
        "all_s": round(cpu_ms(lambda: model.score(curves)) / 1000.0, 3),
    }


def with_trees(options: NetworkOptions, curves: Sequence[LightCurve], repeats: int, seed: int) -> dict[str, Any]:
    """Measure a network with boosted trees beside it: the typical light curve, and all of them."""
    from ampel_followup.features.ragged import stack

    rng = np.random.default_rng(seed)
    network = build_network(options, len(CLASSES))
    network.start(rng)
    x = hand_made_features(of_the_transient(stack(curves)))
    scale = FeatureScale.of(x)
    trees = grow_trees(np.stack([scale(x)]), rng.permutation(np.arange(len(curves)) % len(CLASSES)), rng)
    trained = TrainedNetwork(network.weights, options, 4.0, 1.0, 0, 0, 0.0, scale, trees, 0.5)
    model, curve = served(trained, CLASSES), typical(curves)
    inputs = inputs_of(model.sequences(stack([curve])), slice(None), options)
    feed = dict(zip([one.name for one in model.session.get_inputs()], inputs, strict=True))
    return {
        "onnx_ms": spread([cpu_ms(lambda: model.session.run(None, feed)) for _ in range(repeats)]),
        "with_sequence_ms": spread([cpu_ms(lambda: model.score([curve])) for _ in range(repeats)]),
        "all_s": round(cpu_ms(lambda: model.score(curves)) / 1000.0, 3),
        "nodes": len(trees.node),
        "mb": round(len(model.files[NETWORK]) / 1e6, 2),
    }


def typical(curves: Sequence[LightCurve]) -> LightCurve:
    """Return the light curve with the median number of points."""
    return sorted(curves, key=len)[len(curves) // 2]


def train(n: int, kind: NetworkKind, seed: int) -> dict[str, Any]:
    """Train on n simulated light curves; the 35 % that training, stopping and testing share come on top."""
    data = simulated_curves(round(n / 0.65), seed)
    start = perf_counter()
    result = train_and_measure(data, seed, NetworkOptions(kind, units=48), FitOptions())
    seconds = perf_counter() - start
    return {"light_curves": result.training["objects"], "rounds": result.training["rounds"], "s": round(seconds, 1)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--train", type=int, default=0, metavar="N")
    parser.add_argument("--network", choices=KINDS, default="time-attention")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result: dict[str, Any] = {**vars(options)}
    if options.train:
        result["training"] = train(options.train, options.network, options.seed)
    else:
        one_core()
    curves = simulated_curves(options.objects, options.seed, archives=False).curves
    result["points"] = len(typical(curves))
    if not options.train:  # TensorFlow's threads are chosen once
        result["networks"] = {
            name: compare(network, curves, options.repeats, options.seed) for name, network in NETWORKS.items()
        }
        for name, network in WITH_TREES.items():
            result["networks"][name] = with_trees(network, curves, options.repeats, options.seed)
    packaged = load_attention_bundle()
    packaged.score(curves[:10])
    result["packaged"] = {
        "one_ms": spread([cpu_ms(lambda c=curve: packaged.score([c])) for curve in curves[: options.repeats]]),
        "all_s": round(float(np.median([cpu_ms(lambda: packaged.score(curves)) for _ in range(5)])) / 1000.0, 3),
        "objects": len(curves),
    }
    if options.json:
        print(json.dumps(result))
        return
    for name, found in {**result.get("networks", {}), "packaged": result["packaged"]}.items():
        print(name)
        for key, value in found.items():
            print(f"  {key:18s} {value}")
    if options.train:
        print(f"training: {result['training']}")


if __name__ == "__main__":
    main()
