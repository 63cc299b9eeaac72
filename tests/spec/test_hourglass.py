"""The hourglass network by its parts, and its golden model against plain loops."""

import dataclasses

import numpy as np
import pytest

from spec.block import Kind, Stem
from spec.golden import run
from spec.hourglass import hourglass
from spec.layer import Scale
from spec.refusal import Refused
from spec.synthetic import random_images, synthetic_model

SMALL = {"image": (14, 11, 1), "joints": 3, "width": 8, "stem": Stem(3, 2, 1, 4)}


def test_parts_of_two_stacks():
    net = hourglass("hg", depth=2, stacks=2, iterations=3, **SMALL)
    assert [(block.name, str(block.scale)) for block in net.blocks if block.scale is not Scale.SAME] == [
        ("stack1.down2", "down"), ("stack1.down1", "down"), ("stack1.skip1", "up"), ("stack1.skip2", "up"),
        ("stack2.begin", "keep"), ("stack2.down2", "down"), ("stack2.down1", "down"), ("stack2.skip1", "up"),
        ("stack2.skip2", "up"), ("stack2.join", "join"),
    ]
    assert [block.name for block in net.blocks if block.iterations == 3] == ["stack1.middle", "stack2.middle"]
    sizes = {layer.block: (layer.out_height, layer.out_width) for layer in net.layers}
    assert sizes["enter"] == sizes["stack1.skip2"] == sizes["stack2.join"] == sizes[None] == (7, 6)
    assert (sizes["stack1.down2"], sizes["stack1.middle"], sizes["stack1.skip1"]) == ((4, 3), (2, 2), (4, 3))
    assert net.layers[-1].outputs == 3


def test_stacks_that_share_are_alike():
    """All begin and end as the second one of those that share nothing does; the middle may be recurrent."""
    net, plain = (hourglass("hg", depth=2, stacks=2, iterations=3, shared=shared, **SMALL) for shared in (True, False))
    stacks = [[b for b in net.blocks if b.name.startswith(f"stack{number}.")] for number in (1, 2)]
    assert [(b.name, b.scale, b.iterations) for b in stacks[1]] == [
        (b.name, b.scale, b.iterations) for b in plain.blocks if b.name.startswith("stack2.")
    ]
    assert [dataclasses.replace(b, name=b.name.replace("1", "2", 1), weights_of=b.name) for b in stacks[0]] == stacks[1]
    assert net.blocks[0].name == "enter"
    assert not any(b.weights_of for b in (net.blocks[0], *plain.blocks))
    assert len(net.blocks) == 1 + 2 * len(stacks[0])
    assert hourglass("hg", depth=2, stacks=3, shared=True, **SMALL).weight_count == net.weight_count


@pytest.mark.parametrize("changes", [{"depth": 0}, {"stacks": 0}])
def test_no_hourglass(changes):
    with pytest.raises(Refused, match=r"^Hourglasses need a depth and stacks of at least 1, not"):
        hourglass("hg", **{"depth": 1} | changes | SMALL)


@pytest.mark.parametrize("kind", Kind)
def test_sums_over_scales_against_plain_loops(kind):
    """The stored map of a skip is its convolution plus a pixel of the smaller map, which serves four, rounded once."""
    net = hourglass("hg", depth=2, kind=kind, **SMALL)
    model = synthetic_model(net, 1)
    trace = run(model, random_images(net, 2, seed=3))
    stored = {s.layer.name: s.values.astype(int) for s in trace.stored}
    last = "conv3" if kind is Kind.BOTTLENECK else "conv2"
    for level, low in ((1, "stack1.back1"), (2, "stack1.back2")):
        name = f"stack1.skip{level}.{last}"
        layer, numbers = net.layer(name), model.requantizations[name]
        branch = stored[f"stack1.skip{level}.conv{2 if kind is Kind.BOTTLENECK else 1}"]
        weights, pad = model.weights(name).astype(int), layer.pad
        padded = np.pad(branch, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
        for b, y, x, m in np.ndindex(2, layer.out_height, layer.out_width, layer.outputs):
            acc = (padded[b, y : y + layer.kernel, x : x + layer.kernel] * weights[m]).sum()
            z = acc * numbers.multiplier[0, m] + (numbers.bias[0, m] << numbers.bias_shift)
            z += stored[f"{low}.{last}"][b, y // 2, x // 2, m] << numbers.shift
            assert stored[name][b, y, x, m] == min(max((z + (1 << numbers.shift - 1)) >> numbers.shift, 0), 255)
    assert (trace.logits.dtype, trace.logits.shape) == (np.int8, (2, 7, 6, 3))
    assert trace.logits.min() < 0 < trace.logits.max()
    with pytest.raises(Refused, match=r"^What leaves this network are maps, which predict no class; look for their "):
        _ = trace.classes
    with pytest.raises(Refused, match=r"^Model hg gives 3 maps, not classes; give one that does$"):
        _ = model.class_names
