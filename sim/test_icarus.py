"""Two simulators agree: Icarus Verilog runs an inference, in both editions of the language, with nothing unknown."""

import functools
import shutil

import numpy as np
import pytest

from gen.compile import compile_model
from gen.cycles import predict
from gen.verilog import accelerator_verilog
from sim.builds import without_initial_values
from sim.compare import expected_counters, first_mismatch
from sim.driver import Driver
from sim.icarus import STANDARDS, IcarusTransport, compiled
from spec.config import config_for
from spec.golden import run
from spec.refusal import Refused
from spec.synthetic import random_images, synthetic_model
from spec.topologies import residual_network, rpg

needs_icarus = pytest.mark.skipif(
    shutil.which("iverilog") is None, reason="Icarus Verilog is not installed (Debian: apt-get install iverilog)"
)
SMALL = {"x_bytes": 2048, "t_bytes": 2048, "mask_bits": 8192, "entries": 512}
CONFIGS = {"masks": config_for(16, **SMALL), "rings": config_for(16, **SMALL, ring_words=64)}


@functools.cache
def subject(kind):
    """A folded network with a projection, none of whose tensors fills its words, and images."""
    network = residual_network(kind, image=(5, 6, 3), classes=10, widths=(6, 10), iterations=(2, 0))
    network = rpg(network, words=9, planes=2) if kind == "rings" else network
    return synthetic_model(network, seed=3), random_images(network, 2, seed=5)


def infer(kind, verilog, folder, standard):
    """Assert that what every layer stores, and the cycles, are as they should be; return words with unknown bits."""
    (model, images), config = subject(kind), CONFIGS[kind]
    program, golden = compile_model(model, config, trace=True), run(model, images)
    unknown = 0
    with IcarusTransport(compiled(verilog, folder, standard)) as transport:
        driver = Driver(transport, config)
        driver.identify()
        driver.load(program)
        for image in range(len(images)):
            result = driver.infer(images[image : image + 1])
            assert first_mismatch("golden model", golden, image, program.frames, result.frames[0]) is None
            assert result.counters == expected_counters(predict(program))
            masks, transport.unknown_bits = transport.unknown_bits, []
            for frame, bits in zip(program.frames, masks, strict=True):
                assert not frame.decode(bits).any(), f"Unknown bits in {frame.step.layer.name}"
                unknown += np.count_nonzero(np.frombuffer(bits, np.uint8))
        assert transport.unknown_outputs == []
    return unknown


@needs_icarus
@pytest.mark.parametrize(("standard", "kind"), [
    ("SystemVerilog-2012", "masks"),
    *(pytest.param(kind, "rings", marks=pytest.mark.slow) for kind in STANDARDS),
    pytest.param("Verilog-2005", "masks", marks=pytest.mark.slow),  # as below, but for what is known at the start
])
def test_values_and_cycles_are_those_of_verilator(kind, standard, tmp_path):
    """Memories are unknown until they are written. Padding is never written, and is all that stays so."""
    assert infer(kind, accelerator_verilog(CONFIGS[kind]), tmp_path, standard) > 0


@needs_icarus
def test_nothing_depends_on_initial_values(tmp_path):
    """As above without power-up values: every register is unknown until it is reset or written."""
    verilog = without_initial_values(accelerator_verilog(CONFIGS["masks"]))
    infer("masks", verilog, tmp_path, "Verilog-2005")


def test_a_missing_simulator_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refused, match="apt-get install iverilog"):
        compiled("", tmp_path, "Verilog-2005")
