"""Networks that draw from rings, on the core: every value is the golden model's, every counter the cycle model's."""

import numpy as np
import pytest

from gen.compile import compile_model
from gen.cycles import predict
from spec import golden
from spec.block import Kind, Stem
from spec.hourglass import hourglass
from spec.ring import Ring
from spec.supermask import Mode
from spec.synthetic import random_images, synthetic_model
from spec.topologies import drawn, residual_network, rings_of_stages, rpg


def small(**changes):
    fields = {"image": (4, 3, 1), "classes": 3, "widths": (4, 8), "iterations": (0, 2), "seed": 5}
    return residual_network("small", **fields | changes)


ALL = ("stem", "shortcut", "classifier")
#: Several rings beside masks of every mode; odd channels; more words in a layer than in its ring; R = 1.
NETWORKS = {
    "all-from-one": rpg(small(), words=7, planes=5, parts=ALL),
    "masks-beside": rpg(small(mode=Mode.ONE_OF_FOUR), words=36, planes=2),
    "per-stage": rings_of_stages(small(widths=(6, 9), mode=Mode.TWO_OF_FOUR), words=10, planes=3, parts=ALL),
    "one-word": rpg(small(iterations=(0, 0)), words=1, planes=1, parts=ALL),
    "wide": rpg(small(image=(2, 2, 3), widths=(20, 37), iterations=(0, 0), classes=5), words=97, planes=2, parts=ALL),
    "some-layers": drawn(
        small(mode=Mode.ANY, image=(5, 5, 1)),
        Ring("a", 12, 3, ("stage1.entry.conv2", "stage2.fold.conv1")), Ring("b", 30, 1, ("stage2.entry.conv1",)),
    ),
    "bottleneck": rpg(small(
        image=(6, 4, 1), kind=Kind.BOTTLENECK, widths=(8,), iterations=(2,), stem=Stem(3, 1, 1, 5, True)
    ), words=11, planes=4, parts=("shortcut", "classifier")),
    "shared": rpg(hourglass(
        "t", image=(3, 2, 1), joints=3, width=4, depth=1, stacks=2, shared=True, stem=Stem(3, 1, 1, 4)
    ), words=7, planes=2),
}
#: groups, rows, weight rows
SHAPES = {"4x4": (4, 4, 1), "4x16": (4, 16, 1), "8x8-by-2": (8, 8, 2), "16x4": (16, 4, 1)}


#: Cases that add little to the others, and to what runs in Verilog, for the time they take.
SLOW = {
    ("wide", "4x4"), ("wide", "16x4"), ("per-stage", "4x4"), ("per-stage", "8x8-by-2"), ("all-from-one", "4x16"),
    ("all-from-one", "4x4"), ("some-layers", "4x4"), ("masks-beside", "4x4"),
}
CASES = [*((name, "4x4") for name in NETWORKS), ("wide", "16x4"), ("per-stage", "8x8-by-2"), ("all-from-one", "4x16")]


@pytest.mark.parametrize(("name", "shape"), [
    pytest.param(*case, marks=pytest.mark.slow if case in SLOW else ()) for case in CASES
])
def test_traced_networks(inferences, fitting, name, shape):
    network = NETWORKS[name]
    groups, rows, weight_rows = SHAPES[shape]
    model = synthetic_model(network, 4)
    config = fitting(network, groups * rows, groups=groups, rows=rows, weight_rows=weight_rows)
    program = compile_model(model, config, trace=True)
    images = random_images(network, 1, seed=6)
    trace = golden.run(model, images)
    (result,) = inferences(program, images, limit=200_000)
    wanted = [*(s.values for s in trace.stored), trace.logits]
    for frame, got, want in zip(program.frames, result.tensors, wanted, strict=True):
        assert np.array_equal(got, want[0]), (frame.step.layer.name, frame.step.iteration)
    cycles = predict(program)
    assert result.counts == {"TOTAL": cycles.total} | {cause.name: count for cause, count in cycles.causes.items()}
