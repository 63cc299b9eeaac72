# amaranth: UnusedElaboratable=no
"""Whole inferences through the buses against the golden model, and the counters against the cycle model.

Here a test can look into the components; what is slow here is done much faster, and more often, by sim/bench.
"""

import dataclasses

import numpy as np
import pytest
from amaranth.lib.wiring import In

from gen.compile import compile_model
from gen.cycles import predict
from gen.sizing import fitted
from rtl.accelerator import Accelerator
from spec import golden, packets
from spec.commands import Op, Source, encode
from spec.config import config_for
from spec.packets import HEADER_WORDS, Target, chunk_packet, clear_words, cut
from spec.registers import ErrorCode
from spec.ring import Ring
from spec.supermask import Mode
from spec.synthetic import random_images, synthetic_model
from spec.topologies import drawn, residual_network, rpg


def differences(program, image, tensors):
    """Labels of the frames that differ from the golden model."""
    trace = golden.run(program.model, image[None])
    expected = {(s.layer.name, s.iteration): s.values[0] for s in trace.stored}
    expected["classifier", 0] = trace.logits[0]
    steps = [(frame.step.layer.name, frame.step.iteration) for frame in program.frames]
    if program.traced:
        assert steps == list(expected)
    return [step for step, tensor in zip(steps, tensors, strict=True) if not np.array_equal(expected[step], tensor)]


@pytest.mark.parametrize("mode", [
    pytest.param(mode, marks=() if mode is Mode.ONE_OF_FOUR else pytest.mark.slow) for mode in Mode
])
def test_traced_inference_is_golden(inferences, small_model, fitting, mode):
    """Every stored activation of every layer and iteration, from one core, twice."""
    model = small_model(mode=mode, image=(3, 3, 1))
    program = compile_model(model, fitting(model.network), trace=True)
    images = random_images(model.network, 2, 8)
    first, second = inferences(program, images)
    for image, inference in zip(images, (first, second), strict=True):
        assert differences(program, image, inference.tensors) == []
        cycles = predict(program)
        assert inference.counts == {"TOTAL": cycles.total} | {c.name: n for c, n in cycles.causes.items()}
    assert any(not np.array_equal(a, b) for a, b in zip(first.tensors, second.tensors, strict=True))


LEAN = {
    "counters": "total", "max_pool": False, "streams": False, "protect": False, "watchdog": False, "psum_bits": 16,
}


def test_a_lean_build_computes_the_same_in_as_many_cycles(inferences, small_model, fitting):
    model = small_model(mode=Mode.ANY, image=(3, 3, 1))
    program, usual = (compile_model(model, fitting(model.network, **more), trace=True) for more in (LEAN, {}))
    image, = random_images(model.network, 1, 8)
    inference, = inferences(program, [image])
    assert differences(program, image, inference.tensors) == []
    assert inference.counts == {"TOTAL": predict(usual).total}


def test_a_lean_build_stops_at_what_it_cannot_do(on_core):
    """A max pool is an unknown command, a chunk a packet for no memory, and the register of a cause or of the watchdog
    is none.
    """
    config = config_for(16, x_bytes=256, t_bytes=256, mask_bits=512, entries=16, commands=4, **LEAN)

    async def scenario(host):
        await host.send(packets.packet(Target.PROGRAM, 0, np.concatenate([encode(Op.HALT)]).tobytes()))
        await host.send(packets.packet(Target.PROGRAM, 16, encode(Op.MAXPOOL).tobytes()))
        await host.write("PROGRAM_START", 1)
        await host.write("CONTROL", 1)
        await host.ctx.tick().repeat(40)
        assert (await host.read("ERROR"), await host.read("ERROR_INFO")) == (ErrorCode.COMMAND, 1)
        await host.write("ERROR", 0)
        await host.send(chunk_packet(0, 0, bytes(4)))
        assert await host.read("ERROR") == ErrorCode.PACKET_TARGET
        await host.write("ERROR", 0)
        assert await host.read("ARRAY_LOW") == 0
        assert await host.read("ERROR") == ErrorCode.REGISTER
        await host.write("ERROR", 0)
        await host.write("WATCHDOG", 1)
        assert await host.read("ERROR") == ErrorCode.REGISTER

    on_core(config, scenario)


@pytest.mark.slow
def test_without_protection_values_and_cycles_are_the_same(inferences):
    """Masks and rings, whose memories have no parity then."""
    shape = {"image": (3, 3, 1), "classes": 3, "widths": (4,), "iterations": (2,), "mode": Mode.ONE_OF_FOUR}
    model = synthetic_model(rpg(residual_network("t", **shape), words=11, planes=2), 1)
    image, = random_images(model.network, 1, 8)
    for protect in (True, False):
        config = fitted(config_for(16, psum_depth=16, ring_words=32, protect=protect), model.network)
        program = compile_model(model, config, trace=True)
        inference, = inferences(program, [image])
        assert differences(program, image, inference.tensors) == []
        cycles = predict(program)
        assert inference.counts == {"TOTAL": cycles.total} | {c.name: n for c, n in cycles.causes.items()}


def test_a_host_that_stalls_loses_nothing(inferences, small_model, fitting):
    model = small_model(mode=Mode.ONE_OF_FOUR, image=(3, 3, 1))
    program = compile_model(model, fitting(model.network), trace=True)
    image, = random_images(model.network, 1, 9)
    inference, = inferences(program, [image], stall=0.6, seed=1)
    assert differences(program, image, inference.tensors) == []
    expected = {c.name: n for c, n in predict(program).causes.items()}
    waited = inference.counts["HOST"] - expected["HOST"]
    assert waited > 0
    total = predict(program).total + waited
    assert inference.counts == {"TOTAL": total} | expected | {"HOST": inference.counts["HOST"]}


@pytest.mark.slow
def test_packets_in_parts_are_as_good(on_core, small_model, fitting):
    """Of one word of payload, so that every wide word is cut, and of three, so that some are."""
    model = small_model(image=(2, 3, 1))
    program = compile_model(model, fitting(model.network), trace=True)
    images = random_images(model.network, 2, 4)

    async def scenario(host):
        for image, payload in zip(images, (1, 3), strict=True):
            most = 4 * (HEADER_WORDS + payload)
            for whole in program.packets:
                for packet in cut(whole, most):
                    await host.send(packet)
            tensors, _ = await host.infer(program, image, most)
            assert differences(program, image, tensors) == []

    on_core(program.config, scenario)


@pytest.mark.parametrize("during", [
    "stem", pytest.param("stage2.fold.conv2", marks=pytest.mark.slow),
    pytest.param("store stage2.entry.shortcut", marks=pytest.mark.slow),
])
def test_abort_leaves_nothing_behind(on_core, small_model, fitting, during):
    """Abort in a layer and in a frame: idle at once, and the next inference is right."""
    model = small_model(mode=Mode.ONE_OF_FOUR, image=(2, 3, 1))
    program = compile_model(model, fitting(model.network), trace=True)
    image, = random_images(model.network, 1, 4)
    command = next(c for c in predict(program).commands if c.label == during)

    async def scenario(host):
        for packet in program.packets:
            await host.send(packet)
        await host.send(program.image_packet(image))
        await host.write("PROGRAM_START", program.start)
        host.ctx.set(host.core.m_axis.tready, 1)
        await host.write("CONTROL", 1)
        await host.ctx.tick().repeat(command.start + command.cycles * 3 // 4)
        assert not await host.read("CONTROL") & 4
        await host.write("CONTROL", 1 << 8)
        assert await host.read("CONTROL") == 0b1100  # idle, ready, not done
        tensors, counts = await host.infer(program, image)
        assert differences(program, image, tensors) == []
        assert counts["TOTAL"] == predict(program).total
        assert await host.read("ERROR") == ErrorCode.NONE

    on_core(program.config, scenario)


def test_two_models_are_resident(on_core, small_model, fitting):
    """Each keeps its masks, entries and commands; one register chooses."""
    first = small_model(mode=Mode.ONE_OF_FOUR, image=(3, 2, 1), classes=5)
    second = small_model(mode=Mode.TWO_OF_FOUR, image=(1, 3, 1), widths=(4, 4), seed=9)
    size = fitting(first.network)
    config = fitting(
        first.network, commands=2 * size.commands, mask_bits=4 * size.mask_bits, entries=2 * size.entries, t_bytes=1024
    )
    programs = [compile_model(first, config)]
    programs.append(compile_model(second, config, **programs[0].bases_after))

    async def scenario(host):
        for program in programs:
            for packet in program.packets:
                await host.send(packet)
        for program in (programs[1], programs[0], programs[1]):
            image, = random_images(program.model.network, 1, 4)
            tensors, _ = await host.infer(program, image)
            assert differences(program, image, tensors) == []

    on_core(config, scenario)


def test_top_has_the_pins_of_the_contract():
    """``aclk``, ``aresetn``, three buses by their AXI names, ``irq``, all in one clock."""
    pins = {
        "s_axi": "awaddr< awprot< awvalid< awready> wdata< wstrb< wvalid< wready> bresp> bvalid> bready< "
                 "araddr< arprot< arvalid< arready> rdata> rresp> rvalid> rready<",
        "s_axis": "tdata< tvalid< tready> tlast<",
        "m_axis": "tdata> tvalid> tready< tlast>",
    }
    expected = {f"{bus}_{pin[:-1]}": pin[-1] == "<" for bus, names in pins.items() for pin in names.split()}
    expected |= {"aclk": True, "aresetn": True, "irq": False}
    members = Accelerator(config_for(16)).signature.members
    assert {name: member.flow == In for name, member in members.items()} == expected


@pytest.fixture
def streamed(small_model, fitting):
    """``streamed(mode, share)``: traced program on a build whose mask memory has that share of what all masks need."""
    def build(mode, share, **changes):
        model = small_model(mode=mode, **changes)
        config = fitting(model.network)
        bits = int(share * config.mask_bits) // config.mask_word_bits * config.mask_word_bits
        program = compile_model(model, fitting(model.network, mask_bits=bits), trace=True)
        assert program.stream_packets
        return program

    return build


@pytest.mark.parametrize(("mode", "share"), [
    (Mode.ONE_OF_FOUR, 0.2), (Mode.ANY, 0.6), (Mode.TWO_OF_FOUR, 0.2),
])
@pytest.mark.slow
def test_streamed_inference_is_golden(inferences, streamed, mode, share):
    """Every stored activation, twice, with masks that do not fit; a prompt host costs what the cycle model says."""
    program = streamed(mode, share)
    images = random_images(program.model.network, 2, 8)
    cycles = predict(program)
    for image, inference in zip(images, inferences(program, images), strict=True):
        assert differences(program, image, inference.tensors) == []
        assert inference.counts == {"TOTAL": cycles.total} | {c.name: n for c, n in cycles.causes.items()}


@pytest.mark.slow
@pytest.mark.parametrize("late", [20, 600])
def test_late_chunks_are_waited_for(inferences, streamed, late):
    """However late every chunk is, values and work are the same; only the wait for masks grows."""
    program = streamed(Mode.TWO_OF_FOUR, 0.2)
    image, = random_images(program.model.network, 1, 8)
    inference, = inferences(program, [image], late=late, seed=late, limit=200_000)
    assert differences(program, image, inference.tensors) == []
    cycles = predict(program)
    expected = {c.name: n for c, n in cycles.causes.items()}
    for name, count in expected.items():
        if name not in ("MASK_WAIT", "WEIGHT_LOAD", "SEQUENCER"):
            assert inference.counts[name] == count, name
    assert inference.counts["SEQUENCER"] <= expected["SEQUENCER"]  # commands are fetched while chunks are late
    assert inference.counts["TOTAL"] >= cycles.total
    assert late < 100 or inference.counts["MASK_WAIT"] > expected["MASK_WAIT"]


def test_the_next_frame_waits_until_the_cut_one_is_taken(on_core, small_model, fitting):
    """Abort in a frame that the host does not take: closed by a last word, taken before a start is."""
    model = small_model(mode=Mode.ONE_OF_FOUR, image=(2, 3, 1))
    program = compile_model(model, fitting(model.network), trace=True)
    image, = random_images(model.network, 1, 4)

    async def scenario(host):
        for packet in program.packets:
            await host.send(packet)
        await host.send(program.image_packet(image))
        await host.write("PROGRAM_START", program.start)
        await host.write("CONTROL", 1)
        await host.ctx.tick().until(host.core.m_axis.tvalid)
        await host.ctx.tick().repeat(10)
        await host.write("CONTROL", 1 << 8)
        assert await host.read("CONTROL") == 0b0100  # idle, not ready
        await host.write("CONTROL", 1)
        assert await host.read("ERROR") == ErrorCode.START_BUSY
        await host.write("ERROR", 0)
        cut = await host.receive()
        assert (len(cut), cut[-4:]) == (8, bytes(4))
        assert await host.read("CONTROL") == 0b1100
        tensors, _ = await host.infer(program, image)
        assert differences(program, image, tensors) == []

    on_core(program.config, scenario)


def test_after_a_clear_every_address_reads_zero(on_core, small_model, fitting):
    """And before, what the inference left. The program, masks and entries of the model stay."""
    model = small_model(mode=Mode.ANY, image=(3, 3, 1))
    config = fitting(model.network)
    program = compile_model(model, config, trace=False)
    sizes = {Source.X: config.x_bytes // 4, Source.T: config.t_bytes // 4, Source.PSUM: config.psum_depth * config.rows}
    image, = random_images(model.network, 1, 4)
    commands = [encode(Op.STORE, source=source, count=count) for source, count in sizes.items()] + [encode(Op.HALT)]
    spy = packets.packet(packets.Target.PROGRAM, 0, np.concatenate(commands).astype("<u4").tobytes())

    async def read_all(host):
        await host.send(spy)
        await host.write("PROGRAM_START", 0)
        await host.write("CONTROL", 1)
        frames = [await host.receive() for _ in sizes]
        assert [len(frame) // 4 for frame in frames] == list(sizes.values())
        while not await host.read("CONTROL") & 8:
            pass
        return [any(frame) for frame in frames]

    async def scenario(host):
        for each in program.packets:
            await host.send(each)
        await host.infer(program, image)
        assert await read_all(host) == [True] * 3
        await host.write("CONTROL", 1 << 9)
        assert await host.read("CONTROL") & 0b1100 == 0b0100  # idle, not ready
        await host.ctx.tick().repeat(clear_words(config))
        assert await host.read("CONTROL") & 0b1100 == 0b1100
        assert await read_all(host) == [False] * 3
        await host.send(program.packets[0])  # the spy's is where the commands were
        tensors, _ = await host.infer(program, image)
        assert differences(program, image, tensors) == []

    on_core(config, scenario)


@pytest.mark.parametrize("share", [
    0.02, *(pytest.param(share, marks=pytest.mark.slow) for share in (0, 0.2, 0.7))
])
def test_abort_in_a_stream_leaves_nothing_behind(on_core, streamed, share):
    """The host goes on sending what it had queued; it is dropped, and the next inference is right."""
    program = streamed(Mode.ONE_OF_FOUR, 0.2)
    image, = random_images(program.model.network, 1, 4)

    async def scenario(host):
        for packet in program.packets:
            await host.send(packet)
        await host.send(program.image_packet(image))
        host.streaming += program.stream_packets
        host.ctx.set(host.core.m_axis.tready, 1)
        await host.write("CONTROL", 1)
        await host.ctx.tick().repeat(1 + int(share * predict(program).total))
        await host.write("CONTROL", 1 << 8)
        assert await host.read("CONTROL") == 0b1100
        while host.streaming or host.ctx.get(host.core.s_axis.tvalid):
            await host.ctx.tick()
        tensors, counts = await host.infer(program, image)
        assert differences(program, image, tensors) == []
        assert counts["TOTAL"] == predict(program).total
        assert await host.read("ERROR") == ErrorCode.NONE

    on_core(program.config, scenario)


def test_chunks_too_many_are_forgotten(on_core, streamed):
    """Those that nobody fetched do not reach the next inference."""
    program = streamed(Mode.ONE_OF_FOUR, 0.2)
    images = random_images(program.model.network, 2, 4)
    generous, count = dataclasses.replace(program), len(program.stream_packets)
    extra = [chunk_packet(count + i, program.plan.slot(count + i) * program.config.mask_unit_bits // 32, bytes(4))
             for i in range(3)]
    vars(generous)["stream_packets"] = (*program.stream_packets, *extra)

    async def scenario(host):
        for packet in program.packets:
            await host.send(packet)
        for image in images:
            tensors, counts = await host.infer(generous, image)
            assert differences(program, image, tensors) == []
            assert counts["TOTAL"] == predict(program).total
            while host.streaming or host.ctx.get(host.core.s_axis.tvalid):
                await host.ctx.tick()
        assert await host.read("ERROR") == ErrorCode.NONE

    on_core(program.config, scenario)


@pytest.mark.parametrize("change", [1, pytest.param(-1, marks=pytest.mark.slow)])
def test_a_chunk_of_wrong_length_stops_the_inference(on_core, streamed, change):
    """It is idle with the error; after that the right chunks give the right result."""
    program = streamed(Mode.TWO_OF_FOUR, 0.2)
    image, = random_images(program.model.network, 1, 4)
    words = np.frombuffer(program.stream_packets[3], "<u4").tolist()
    words[2] += change
    wrong = np.array([*words, 0] if change > 0 else words[:-1], "<u4").tobytes()

    async def scenario(host):
        for packet in program.packets:
            await host.send(packet)
        await host.send(program.image_packet(image))
        host.streaming += [*program.stream_packets[:3], wrong, *program.stream_packets[4:]]
        host.ctx.set(host.core.m_axis.tready, 1)
        await host.write("CONTROL", 1)
        while not await host.read("CONTROL") & 4:
            pass
        assert await host.read("ERROR") == ErrorCode.STREAM_LENGTH
        await host.write("ERROR", 0)
        while host.streaming or host.ctx.get(host.core.s_axis.tvalid):
            await host.ctx.tick()
        tensors, _ = await host.infer(program, image)
        assert differences(program, image, tensors) == []
        assert await host.read("ERROR") == ErrorCode.NONE

    on_core(program.config, scenario)


def test_the_watchdog_ends_a_wait_for_masks_that_never_come(on_core, streamed):
    """With an error, some cycles after those it allows; then the accelerator is as good as new."""
    program = streamed(Mode.ONE_OF_FOUR, 0.2)
    image, = random_images(program.model.network, 1, 4)
    allowed = predict(program).total + 300

    async def scenario(host):
        await host.write("WATCHDOG", allowed)
        for packet in program.packets:
            await host.send(packet)
        await host.send(program.image_packet(image))
        await host.write("CONTROL", 1)
        while not await host.read("CONTROL") & 4:
            pass
        assert await host.read("ERROR") == ErrorCode.WATCHDOG
        await host.write("SNAPSHOT", 1)
        assert 0 <= await host.read("TOTAL_LOW") - allowed <= 5
        await host.write("ERROR", 0)
        tensors, counts = await host.infer(program, image)
        assert differences(program, image, tensors) == []
        assert counts["TOTAL"] == predict(program).total
        assert await host.read("ERROR") == ErrorCode.NONE

    on_core(program.config, scenario)


def test_a_flipped_bit_in_each_memory_stops_the_inference(small_model, fitting, on_core):
    """ERROR_INFO names the memory and the first 32 bits of its word; loaded again, the program gives what it gave."""
    plain = small_model(mode=Mode.ONE_OF_FOUR, image=(2, 3, 1)).network
    model = synthetic_model(drawn(plain, Ring("r", 5, 1, (plain.layers[1].name,))), 3)
    program = compile_model(model, fitting(model.network, 64, groups=8, rows=8, weight_rows=2))
    image, = random_images(program.model.network, 1, 4)
    expected = golden.run(model, image[None]).logits

    async def scenario(host):
        engine = host.core.engine
        cells = {
            Target.PROGRAM: engine.sequencer.program.cells, Target.MASK: engine.weights.masks.cells,
            Target.ENTRIES: engine.results.memory.cells, Target.RING: engine.weights.rings.copies[0].cells,
        }
        for target, memory in cells.items():
            await host.write("PROGRAM_START", program.start)
            for packet in program.packets:
                await host.send(packet)
            part = len(memory.write.enable) - 1
            stored = memory.data[1][part]
            host.ctx.set(stored, host.ctx.get(stored) ^ 1)
            await host.send(program.image_packet(image))
            await host.write("CONTROL", 1)
            while not await host.read("CONTROL") & 4:
                pass
            assert await host.read("ERROR") == ErrorCode.MEMORY
            assert await host.read("ERROR_INFO") == target << 24 | len(memory.write.enable)
            await host.write("ERROR", 0)
        for packet in program.packets:
            await host.send(packet)
        (logits,), _ = await host.infer(program, image)
        assert np.array_equal(logits, expected[0])

    on_core(program.config, scenario)
