"""The comparison can fail: damage done to one layer is reported as a mismatch of that layer, at the right place."""

import cocotb

from sim.bench.harness import Harness, subject
from sim.compare import first_mismatch
from spec.packets import HEADER_WORDS
from spec.supermask import Mode


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(layer=["stem", "stage1.fold.conv2", "stage2.entry.shortcut"])
async def a_flipped_mask_bit_is_found(dut, layer):
    """The first mismatch names the layer whose mask has one bit flipped, its first iteration and its channel 0."""
    harness, of = await Harness.start(dut), subject("tiny", Mode.ANY)
    program = await harness.load(of, trace=True)
    part = program.plan.of(of.model.network.layer(layer))
    damaged = bytearray(program.packets[1])
    # A layer's first unit begins with output channel 0, tap (0, 0), input channel 0.
    damaged[4 * HEADER_WORDS + part.mask_unit * harness.driver.config.mask_unit_bits // 8] ^= 1
    await harness.transport.send_async(bytes(damaged))
    result = await harness.call(harness.driver.infer, of.batch(0))
    mismatch = first_mismatch("golden model", of.golden, 0, program.frames_by_lane[0], result.frames[0])
    assert mismatch is not None, "A damaged mask went unnoticed"
    harness.log.info("found: %s", mismatch)
    found = (mismatch.step.layer.name, mismatch.step.iteration, mismatch.place[-1])
    assert found == (layer, 0, 0), f"Damage to {layer} was reported as: {mismatch}"
    y, x, channel = mismatch.place
    assert f"layer {layer} iteration 0 (y {y}, x {x}, channel {channel}): expected " in str(mismatch)
    await harness.load(of, trace=True)
    await harness.check_inference(of, 0)
    await harness.finish()
