"""Networks nobody thought of: random sizes, strides, folds, densities, bits, mixed mask modes and rings."""

import dataclasses
from random import Random

import cocotb

from gen.compile import compile_model
from gen.cycles import predict
from sim.bench.harness import Harness, current_job
from sim.compare import expected_counters, first_mismatch
from spec.golden import run
from spec.model import Model
from spec.network import Block, Network, Stem
from spec.numerics import ACTIVATION_BITS, ACTIVATION_BITS_MIN
from spec.refusal import Refused
from spec.ring import Ring
from spec.supermask import GROUP, Mode
from spec.synthetic import random_images, synthetic_model
from spec.topologies import drawn

NETWORKS = 6  #: Networks of one run, unless ``+networks=`` says otherwise.
MACS = 400_000  #: Dense-equivalent MACs of the largest.


def _draw(rng: Random) -> Network:
    """A random network; refused if it is impossible."""
    stem = Stem(rng.choice((1, 2, 3, 3, 5)), rng.choice((1, 1, 2)), rng.randrange(3), rng.randrange(1, 40))
    blocks, width = [], stem.width
    for index in range(rng.randrange(4)):
        if rng.random() < 0.5:
            blocks.append(Block(f"b{index}", width, iterations=rng.randrange(1, 5)))
        else:
            width = rng.randrange(1, 70)
            blocks.append(Block(f"b{index}", width, stride=rng.choice((1, 2, 3))))
    image = (rng.randrange(1, 20), rng.randrange(1, 20), rng.randrange(1, 5))
    seed, classes, density = rng.randrange(1 << 32), rng.randrange(2, 50), rng.uniform(0.05, 1.0)
    modes = dict.fromkeys(_layer_names(stem, blocks), Mode.ANY)
    network = Network("random", seed, image, stem, tuple(blocks), classes, density, modes)
    modes = {
        layer.name: rng.choice([mode for mode in Mode if layer.inputs % GROUP == 0 or mode is not Mode.ONE_OF_FOUR])
        for layer in network.layers
    }
    network = dataclasses.replace(network, modes=modes)
    return _draw_rings(rng, network) if current_job().config.ring_words else network


def _draw_rings(rng: Random, network: Network) -> Network:
    """``network`` with some layers drawing from none to three rings of random sizes."""
    count = rng.randrange(4)
    owners = {layer.name: rng.randrange(count + 1) for layer in network.layers}
    layers = [tuple(name for name, owner in owners.items() if owner == index) for index in range(count)]
    longest = current_job().config.ring_words // 8
    return drawn(network, *(
        Ring(f"r{index}", rng.choice((1, rng.randrange(1, 20), rng.randrange(1, longest))), rng.randrange(1, 6), names)
        for index, names in enumerate(layers) if names
    ))


def _layer_names(stem: Stem, blocks: list[Block]) -> list[str]:
    names, width = ["stem", "classifier"], stem.width
    for block in blocks:
        names += [f"{block.name}.conv1", f"{block.name}.conv2"]
        if block.stride != 1 or block.width != width:
            names.append(f"{block.name}.shortcut")
        width = block.width
    return names


def _model(rng: Random) -> Model:
    """A random model that fits the build."""
    while True:
        try:
            network = _draw(rng)
            if network.macs > MACS:
                continue
            bits = rng.choice((ACTIVATION_BITS, rng.randint(ACTIVATION_BITS_MIN, ACTIVATION_BITS)))
            model = synthetic_model(network, rng.randrange(1 << 16), calibration_images=2, bits=bits)
            compile_model(model, current_job().config, trace=True)
        except Refused:
            continue
        return model


@cocotb.test(timeout_time=1000, timeout_unit="ms")
async def random_networks(dut):
    """Every value and every cycle of every network drawn from the run's seed."""
    harness = await Harness.start(dut)
    rng = Random(cocotb.RANDOM_SEED)
    for _ in range(int(cocotb.plusargs.get("networks", NETWORKS))):
        model = _model(rng)
        network = model.network
        harness.log.info("%s", network)
        count = rng.randint(1, current_job().config.lanes)
        images = random_images(network, count, seed=rng.randrange(1 << 16))
        trace = run(model, images)
        for traced in (True, False):
            program = compile_model(model, current_job().config, trace=traced)
            await harness.call(harness.driver.load, program)
            result = await harness.call(harness.driver.infer, images)
            for lane, tensors in enumerate(result.frames):
                mismatch = first_mismatch("golden model", trace, lane, program.frames_by_lane[lane], tensors)
                if mismatch is not None:
                    raise AssertionError(f"Seed {cocotb.RANDOM_SEED}: {network}: lane {lane}: {mismatch}")
            expected = expected_counters(predict(program))
            assert result.counters == expected, f"Seed {cocotb.RANDOM_SEED}: {network}: {result.counters} != {expected}"
    await harness.finish()
