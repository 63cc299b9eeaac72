"""Which part a cell belongs to."""

import pytest

from flows.asic.parts import PARTS, part_of


@pytest.mark.parametrize(("path", "part"), [
    ("core.engine.lane0.array.c12", "PE array"),
    ("core.engine.lane3.accumulator.psums.c1", "accumulator"),
    ("core.engine.lane0.requantizers.requantizer2.c4", "requantizer"),
    ("core.engine.lane0.c4", "activations' ports"),
    ("core.engine.lane0.x.c4", "activations' ports"),
    ("core.engine.weights.signs.c9", "weight generation"),
    ("core.engine.weights.c9", "weight generation"),
    ("core.engine.pool.c9", "max pool"),
    ("core.engine.addresses.walk.c1", "addresses"),
    ("core.engine.results.reads.c1", "results' walk"),
    ("core.engine.sequencer.c1", "control"),
    ("core.engine.registers.c1", "weight registers"),
    ("core.registers.bus.c1", "host"),
    ("core.c1", "control"),
])
def test_part(path, part):
    assert part_of(path) == part
    assert part in PARTS
