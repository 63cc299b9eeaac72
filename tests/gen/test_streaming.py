"""Masks that do not fit: which ones are streamed, what is sent, what is refused, and the timing of the chunks."""

import itertools

import numpy as np
import pytest

from gen.check import problems
from gen.compile import compile_model
from gen.cycles import predict
from gen.images import mask_chunks, mask_image
from gen.plan import plan
from gen.streaming import Fetches, Host
from spec.config import config_for
from spec.hourglass import hourglass
from spec.packets import CHUNK_NUMBER_LSB, HEADER_WORDS, PACKET_MAGIC, Target
from spec.refusal import Refused
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import residual_network


@pytest.fixture(scope="module", params=[(mode, pe) for mode in Mode for pe in (16, 64)], ids=str)
def case(request):
    """A model, and builds by the share of its masks that they hold."""
    mode, pe = request.param
    network = residual_network("net", image=(9, 11, 3), classes=10, widths=(12, 20), iterations=(3, 2), mode=mode)
    full = config_for(pe)
    need = plan(network, full).mask_units * full.mask_unit_bits

    def build(share):
        return config_for(pe, mask_bits=int(share * need) // full.mask_word_bits * full.mask_word_bits)

    return synthetic_model(network, 1), build


def test_nothing_is_streamed_where_everything_fits(case):
    model, build = case
    placed = plan(model.network, config_for(build(1).pe))
    assert plan(model.network, build(1 + 1 / 64)).layers == placed.layers
    assert not any(part.streamed for part in placed.layers)
    program = compile_model(model, build(1 + 1 / 64))
    assert program.stream_packets == ()
    assert not any(command.fields.get("streamed") for command in program.commands)


@pytest.mark.parametrize("share", [0.9, 0.6, 0.4])
def test_resident_masks_and_slots_fit_and_folds_stay_first(case, share):
    model, build = case
    config = build(share)
    placed = plan(model.network, config)
    assert placed.mask_units * config.mask_unit_bits <= config.mask_bits
    streamed = [part for part in placed.layers if part.streamed]
    assert streamed
    word = config.mask_word_bits // config.mask_unit_bits
    assert placed.slot_units == -(-max(part.chunk_units for part in streamed) // word) * word
    regions = sorted((p.mask_unit, p.mask_unit + p.mask_units) for p in placed.layers if not p.streamed)
    regions += [(placed.slot(i), placed.slot(i) + placed.slot_units) for i in (0, 1)]
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(regions))
    assert regions[-1][1] == placed.mask_units
    if share == 0.9:
        assert max(part.layer.iterations for part in streamed) == 1


def test_chunks_are_the_masks_in_fetch_order(case):
    """Cut out of what is in memory where everything fits, layer by layer as the program runs them."""
    model, build = case
    config = build(0.5)
    program = compile_model(model, config)
    roomy = config_for(config.pe)
    resident = plan(model.network, roomy)
    memory = np.unpackbits(np.frombuffer(mask_image(model, resident, roomy), np.uint8), bitorder="little")
    units = memory[: resident.mask_units * config.mask_unit_bits].reshape(-1, config.mask_unit_bits)
    packets = iter(enumerate(program.stream_packets))
    for step in model.network.steps:
        part = resident.of(step.layer)
        if not program.plan.of(step.layer).streamed:
            continue
        mask = units[part.mask_unit : part.mask_unit + part.mask_units]
        for first in range(0, len(mask), part.chunk_units):
            number, sent = next(packets)
            header, address, length, *words = np.frombuffer(sent, "<u4").tolist()
            assert header == PACKET_MAGIC | Target.MASK_STREAM
            assert address >> CHUNK_NUMBER_LSB == number % 256
            assert (address & 0xFF_FFFF) * 32 == program.plan.slot(number) * config.mask_unit_bits
            bits = np.unpackbits(np.array(words, "<u4").view(np.uint8), bitorder="little")
            chunk = mask[first : first + part.chunk_units].ravel()
            assert np.array_equal(bits[: len(chunk)], chunk)
            assert not bits[len(chunk) :].any()
            assert length * 32 == len(bits) == -(-len(chunk) // config.mask_word_bits) * config.mask_word_bits
    assert next(packets, None) is None


def test_nothing_resident_needs_no_mask_packet(case):
    model, build = case
    config = build(1)
    placed = plan(model.network, config_for(config.pe))
    largest = max(part.chunk_units for part in placed.layers) * config.mask_unit_bits
    tight = config_for(config.pe, mask_bits=max(16, 2 * -(-largest // config.mask_word_bits)) * config.mask_word_bits)
    program = compile_model(model, tight)
    targets = [int.from_bytes(sent[:2], "little") for sent in program.packets]
    assert (Target.MASK in targets) == any(not part.streamed for part in program.plan.layers)
    assert all(len(sent) > 4 * HEADER_WORDS for sent in program.packets)


def test_a_memory_too_small_for_two_chunks_is_refused():
    network = residual_network("net", image=(9, 11, 3), classes=10, widths=(12, 20), iterations=(3, 2))
    model, config = synthetic_model(network, 1), config_for(16, mask_bits=1024)
    found, = problems(model, config, commands=20)
    assert found.layer == "stage2.entry.conv2"
    assert found.reason == (
        "is streamed in chunks of 1152 bits, and with room for two the network needs 2304 bits of mask memory, 1280 "
        "more than the 1024 there are"
    )
    assert found.remedy.startswith("build with --mask-bits 2304, ")
    assert not problems(model, config_for(16, mask_bits=2304), commands=20)
    with pytest.raises(Refused, match=r"stage2\.entry\.conv2: is streamed in chunks of 1152 bits"):
        compile_model(model, config)


def test_a_prompt_host_costs_little(case):
    """Streaming never makes an inference shorter, and the array works as long."""
    model, build = case
    resident, streamed = (predict(compile_model(model, build(share))) for share in (1 + 1 / 64, 0.5))
    assert [c.label for c in resident.commands] == [c.label for c in streamed.commands]
    assert streamed.total >= resident.total
    for before, after in zip(resident.commands, streamed.commands, strict=True):
        changed = {cause.name for cause in before.causes if before.causes[cause] != after.causes[cause]}
        assert changed <= {"MASK_WAIT", "WEIGHT_LOAD"}


def test_host_sends_two_ahead():
    """A word a cycle, three cycles between chunks; the third waits until the first is free."""
    host = Host()
    assert host.chunk(10) == 0 + 2 + 10 + 1
    host.free(100)
    assert host.chunk(10) == 11 + 3 + 2 + 10 + 1
    host.free(200)
    assert host.chunk(5) == 101 + 2 + 5 + 1


@pytest.mark.parametrize("fetches", [1, 2, 3, 16])
@pytest.mark.parametrize("slots", [4, 5, 40])
def test_repetitions_left_out_change_nothing(fetches, slots):
    short, long = Fetches(20, 10), Fetches(20, 10)
    for tiles in (short, long):
        tiles.resume(5)
    short.repeat(50, fetches, slots)
    for _ in range(50):
        long.repeat(1, fetches, slots)
    for name in ("swap", "issued", "written", "weight_load", "mask_wait"):
        assert getattr(short, name) == getattr(long, name)


def test_masks_of_several_layers_stay_before_others_and_are_streamed_to_each():
    """What three stacks use is used more often than what is there for one layer, and comes with each of them."""
    network = hourglass("h", image=(8, 8, 1), joints=3, width=16, depth=1, stacks=3, shared=True)
    model, full = synthetic_model(network, 1), config_for(16, upsample=True)
    need = plan(network, full).mask_units * full.mask_unit_bits

    def streamed(share):
        config = config_for(16, upsample=True, mask_bits=int(share * need) // full.mask_word_bits * full.mask_word_bits)
        program = compile_model(model, config)
        found = [part.layer for part in program.plan.layers if part.streamed]
        chunks = sum(program.plan.of(step.layer).tiles for step in network.steps if step.layer in found)
        assert len(program.stream_packets) == chunks
        assert all(set(network.users[layer.tensor]) <= set(found) for layer in found)
        return found, program

    few, _ = streamed(0.9)
    assert few
    assert not any(len(network.users[layer.tensor]) > 1 for layer in few)
    many, program = streamed(0.5)
    shared = [layer for layer in many if layer.owner]
    assert shared
    own = program.plan.of(network.layer(shared[0].owner))
    assert mask_chunks(model, program.plan.of(shared[0]), program.config) == mask_chunks(model, own, program.config)
