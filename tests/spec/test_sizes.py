"""A network within budget is one that can be held; any other is refused before its layers exist."""

from dataclasses import replace

import pytest

from spec.block import Block, Kind, Stem
from spec.refusal import Refused
from spec.ring import Ring
from spec.supermask import Mode
from spec.topologies import DEPTHS, drawn, residual_network, resnet, rpg


def network(**changes):
    return residual_network("n", **{"image": (8, 8, 1), "classes": 3, "widths": (4, 8), "iterations": (0, 2)} | changes)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("image", [32, 224])
def test_the_networks_of_the_papers_are_within_budget(depth, image):
    made = resnet(depth, image=image, classes=1000, folded=())
    rpg(made, words=1000, parts=("stem", "shortcut", "classifier"))


def test_so_is_the_wide_one():
    assert sum(layer.weight_count for layer in resnet(50, image=224, classes=1000, folded=(), wider=2).layers) > 68e6


@pytest.mark.parametrize(("changes", "sentence"), [
    ({"classes": 1 << 17}, "Network n has 131,072 classes, more than the 65,536 allowed; use fewer"),
    ({"classes": 10**400}, r"Network n has about 2\*\*1328 classes"),
    ({"image": (10**30, 4, 1)}, "has about 2..99 pixels a side, more than the 8,192 allowed; use smaller images"),
    ({"image": (8, 8, 1 << 17)}, "Layer stem of network n has 131,072 channels"),
    ({"stem": Stem(3, 1, 1 << 31, 4)}, "Network n, with padding, has 4,294,967,304 pixels a side"),
    ({"stem": Stem(1000, 1, 500, 4)}, "Layer stem of network n has 1,000 taps a side"),
    ({"stem": Stem(3, 1, 1, 10**400)}, "Layer stem of network n has about"),
    ({"widths": (4, 10**30)}, "Block stage2.entry has about 2..99 channels, more than the 65,536 allowed"),
    ({"iterations": (0, 5000)}, "Block stage2.fold has 5,000 iterations, more than the 4,096 allowed"),
    ({"image": (8000, 8000, 1)}, "Layer stem of network n has 576,000,000 values, more than the 67,108,864 allowed"),
    ({"widths": (4000, 6000), "iterations": (0, 0)}, "has .* weights, more than the 134,217,728 allowed; use a"),
])
def test_beyond_a_budget(changes, sentence):
    with pytest.raises(Refused, match=sentence):
        network(**changes)


@pytest.mark.parametrize(("block", "sentence"), [
    ({"wider": 10**80}, r"Block b has about 2\*\*265 times its usual inner channels, more than the 64 allowed"),
    ({"wider": 65.0}, "Block b has 65 times its usual inner channels"),
    ({"width": 8, "kind": Kind.BOTTLENECK, "iterations": 5000}, "Block b has 5,000 iterations"),
    ({"name": "../../x"}, "A block of network n must have a name of at most 64 letters, digits"),
    ({"name": "[/b]"}, "A block of network n must have a name"),
])
def test_blocks_beyond_a_budget(block, sentence):
    made = {"name": "b", "width": 4} | block
    with pytest.raises(Refused, match=sentence):
        replace(network(), blocks=(Block(**made),), modes={
            f"{made['name']}.{part}": Mode.ANY for part in ("shortcut", "conv1", "conv2") if part != "shortcut"
            or made["width"] != 4
        } | {"stem": Mode.ANY, "classifier": Mode.ANY})


def test_many_blocks():
    with pytest.raises(Refused, match="has 1,025 blocks, more than the 1,024 allowed"):
        network(widths=(4,) * 1025, iterations=(0,) * 1025)


def test_executions_of_all_blocks_together():
    with pytest.raises(Refused, match="has 65,604 executions of layers, more than the 65,536 allowed; run its blocks"):
        network(widths=(4,) * 5, iterations=(4000, 4000, 4000, 4000, 396))


def test_entries_of_all_layers_together():
    with pytest.raises(Refused, match=r"batch-norm entries, more than the 4,194,304 allowed"):
        network(widths=(1024,), iterations=(4000,))


def test_weights_of_rings_which_a_small_file_can_ask_for():
    with pytest.raises(Refused, match=r"has .* weights drawn from rings, more than the 67,108,864 allowed"):
        drawn(network(widths=(2048,), iterations=(0,), stem=Stem(1, 1, 0, 2048)),
              Ring("r", 1, 1, ("stage1.entry.conv1", "stage1.entry.conv2")))


@pytest.mark.parametrize("name", ["", "../x", "a/b", "[/b]", "\x1b[31m", "x" * 65, ".hidden", "-x", "a b", "größe"])
def test_names_of_networks_and_rings_have_one_alphabet(name):
    with pytest.raises(Refused, match="A network must have a name of at most 64 letters, digits"):
        replace(network(), name=name)
    with pytest.raises(Refused, match="A ring must have a name of at most 64 letters, digits"):
        Ring(name, 1, 1, ("classifier",))
