"""The driver against a transport that only remembers: order of the protocol, and every sentence it refuses with."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from gen.compile import compile_model
from gen.cycles import predict
from sim.driver import Driver, bit, check_counters, model_word
from sim.errors import MEANINGS, AcceleratorError
from spec.config import config_for
from spec.packets import HEADER_WORDS
from spec.refusal import Refused
from spec.registers import COUNTERS, MAGIC, REGISTERS, VERSION, ErrorCode, offset_of
from spec.supermask import Mode
from spec.synthetic import random_images, synthetic_model
from spec.topologies import residual_network, rpg

CONFIG = config_for(16)
NAMES = {register.offset: register.name for register in REGISTERS}


class FakeTransport:
    """Registers that keep what is written, except those the accelerator gives values; a log of every call."""

    def __init__(self, config=CONFIG):
        self.values = {"MAGIC": MAGIC, "VERSION": VERSION, "CONFIG_HASH": config.hash, "CONTROL": 0b1100}
        self.values |= {f"{name}_LOW": i + 1 for i, (name, _) in enumerate(COUNTERS)}
        self.values |= {f"{name}_HIGH": 2 for name, _ in COUNTERS}
        self.frames, self.log = [], []

    def read_register(self, offset):
        name = NAMES[offset]
        self.log.append(f"read {name}")
        return self.values.get(name, 0)

    def write_register(self, offset, value):
        name = NAMES[offset]
        self.log.append(f"write {name}={value:#x}")
        if name not in ("CONTROL", "INTERRUPT_STATUS"):
            self.values[name] = value

    def send(self, frame):
        self.log.append(f"send {len(frame)}")

    def send_later(self, frames):
        self.log.append(f"send later {len(frames)}")

    def withdraw(self):
        self.log.append("withdraw")

    def receive(self):
        self.log.append("receive")
        return self.frames.pop(0)

    def discard(self):
        self.log.append("discard")
        self.frames.clear()

    def wait_irq(self):
        self.log.append("wait_irq")


@pytest.fixture(scope="module")
def model():
    network = residual_network("net", image=(5, 4, 3), classes=3, widths=(8,), iterations=(0,), mode=Mode.TWO_OF_FOUR)
    return synthetic_model(network, seed=1)


@pytest.fixture(scope="module")
def program(model):
    return compile_model(model, CONFIG)


@pytest.fixture
def transport():
    return FakeTransport()


@pytest.fixture
def driver(transport):
    return Driver(transport, CONFIG)


@pytest.fixture
def images(model):
    return random_images(model.network, 1, seed=1)


def test_the_driver_needs_no_simulator():
    code = "import sys, sim.driver; sys.exit('cocotb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_identify_enables_the_interrupts(driver, transport):
    driver.identify()
    assert transport.log == [
        "read MAGIC", "read VERSION", "read CONFIG_HASH",
        "write INTERRUPT_STATUS=0x3", "write INTERRUPT_ENABLE=0x3", "write INTERRUPT_GLOBAL=0x1",
    ]


@pytest.mark.parametrize(("register", "value", "sentence"), [
    ("MAGIC", 0xFFFFFFFF, r"Register MAGIC reads 0xffffffff, not 0x464f4c44: there is no Foldenite accelerator"),
    ("VERSION", VERSION + 0x1_0000, r"Accelerator has interface version 3\.1, but this driver needs version 2"),
    ("VERSION", 0x1_0001, r"Accelerator has interface version 1\.1, but this driver needs version 2; use the driver"),
    ("CONFIG_HASH", 1, r"Accelerator is build 0x00000001, not 0x[0-9a-f]{8} \(16 PEs\); give the config.json"),
])
def test_identify_refuses(driver, transport, register, value, sentence):
    transport.values[register] = value
    with pytest.raises(Refused, match=sentence):
        driver.identify()
    assert not [call for call in transport.log if call.startswith("write")]


def test_a_newer_minor_version_is_accepted(driver, transport):
    transport.values["VERSION"] = VERSION + 7
    driver.identify()


def test_load_sends_then_selects(driver, transport, program):
    driver.load(program)
    assert transport.log == [
        "write MODEL_HASH=0x0", *(f"send {len(packet)}" for packet in program.packets), "read ERROR",
        f"write PROGRAM_START={program.start:#x}", f"write MODEL_HASH={model_word(program):#x}",
    ]


def test_every_packet_is_one_transfer_of_a_dma_with_a_length_of_14_bits(driver, transport):
    """Masks that take more come in parts."""
    network = residual_network("large", image=(4, 4, 1), classes=3, iterations=(0, 0), widths=(64, 128))
    program = compile_model(synthetic_model(network, 1), CONFIG)
    whole = program.packets
    driver.load(program)
    sent = [int(call.split()[1]) for call in transport.log if call.startswith("send")]
    assert max(map(len, whole)) > 1 << 14 > max(sent)
    assert sum(sent) == sum(map(len, whole)) + 4 * HEADER_WORDS * (len(sent) - len(whole))


def test_commands_alone_are_the_first_packet(driver, transport, program):
    driver.load(program, commands_only=True)
    assert [call for call in transport.log if call.startswith("send")] == [f"send {len(program.packets[0])}"]


def test_a_program_of_another_build_is_refused(transport, program):
    other = config_for(64)
    build = "0x[0-9a-f]{8}"
    with pytest.raises(Refused, match=rf"for build {build} \(16 PEs\), not for {build} \(64 PEs\); compile it"):
        Driver(transport, other).load(program)
    assert transport.log == []


def test_a_mode_the_build_lacks_is_refused(transport, program):
    poor = dataclasses.replace(CONFIG, modes=(Mode.ANY,))
    with pytest.raises(Refused, match="; this one cannot run it: stem: is 2of4, but the build supports only any"):
        Driver(transport, poor).load(program)


def test_infer_in_order(driver, transport, program, images):
    driver.load(program)
    transport.log.clear()
    transport.frames = [np.array([5, -7, 9], "<i4").tobytes()]
    result = driver.infer(images)
    assert transport.log[:7] == [
        "read MODEL_HASH", f"send {len(program.image_packet(images[0]))}", "read ERROR",
        "read CONTROL", f"write CONTROL={bit('CONTROL', 'start'):#x}", "wait_irq", "read INTERRUPT_STATUS",
    ]
    assert transport.log[7:11] == ["write INTERRUPT_STATUS=0x0", "read ERROR", "receive", "write SNAPSHOT=0x1"]
    assert result.logits.tolist() == [[5, -7, 9]]
    assert result.counters == {name: (2 << 32) + i + 1 for i, (name, _) in enumerate(COUNTERS)}


@pytest.mark.parametrize(("change", "given"), [
    (lambda images: images[:, 1:], r"uint8 \(1, 4, 4, 3\)"),
    (lambda images: images[0], r"uint8 \(5, 4, 3\)"),
    (lambda images: images.astype(np.int64), r"int64 \(1, 5, 4, 3\)"),
    (lambda images: images.tolist(), "list"),
])
def test_wrong_images_are_refused_before_anything_is_sent(driver, transport, program, images, change, given):
    driver.load(program)
    transport.log.clear()
    with pytest.raises(Refused, match=rf"Images for network 'net' must be uint8 \(count, 5, 4, 3\), not {given}"):
        driver.infer(change(images))
    assert transport.log == []


def test_a_ring_needs_a_build_that_knows_rings(model, transport):
    """Though the build supports all modes, and before anything is sent."""
    drawn = compile_model(synthetic_model(rpg(model.network, words=9, planes=2), 1), config_for(16, ring_words=32))
    with pytest.raises(Refused, match=r"this one cannot run it: ring: is a ring .* but the build knows no rings"):
        Driver(transport, CONFIG).load(drawn)
    assert transport.log == []


@pytest.mark.parametrize(("lanes", "count"), [(1, 0), (1, 2), (4, 5)])
def test_more_images_than_lanes_are_refused(model, lanes, count):
    config = config_for(16 * lanes, lanes=lanes)
    transport = FakeTransport(config)
    driver = Driver(transport, config)
    driver.load(compile_model(model, config))
    transport.log.clear()
    with pytest.raises(Refused, match=rf"^An inference of this build takes 1 to {lanes} images, .*, not {count}; "):
        driver.infer(random_images(model.network, count, seed=1))
    assert transport.log == []


@pytest.mark.parametrize("count", [1, 3, 4])
def test_every_image_gets_the_frames_of_its_lane(model, count):
    """Images go to the lanes in order; all frames are received, and those of lanes without an image are dropped."""
    config = config_for(64, lanes=4)
    program, transport = compile_model(model, config, trace=True), FakeTransport(config)
    driver = Driver(transport, config)
    driver.load(program)
    images = random_images(model.network, count, seed=1)
    sent = []
    transport.send = sent.append
    transport.frames = [bytes([frame.lane + 1]) * frame.byte_count for frame in program.frames]
    result = driver.infer(images)
    assert sent == [program.image_packet(image, lane) for lane, image in enumerate(images)]
    assert transport.frames == []
    assert (len(result.frames), result.logits.shape) == (count, (count, 3))
    for lane, tensors in enumerate(result.frames):
        assert len(tensors) == len(program.frames_by_lane[lane]) == len(model.network.steps)
        assert {byte for tensor in tensors for byte in tensor.tobytes()} == {lane + 1}
        assert np.array_equal(result.logits[lane], tensors[-1])


def test_infer_without_a_program_is_refused(driver, images):
    with pytest.raises(Refused, match=r"No program is loaded; call load\(\) first"):
        driver.infer(images)


def test_a_reset_accelerator_is_noticed(driver, transport, program, images):
    driver.load(program)
    transport.values["MODEL_HASH"] = 0
    transport.log.clear()
    with pytest.raises(Refused, match="Accelerator no longer has network 'net' selected"):
        driver.infer(images)
    assert transport.log == ["read MODEL_HASH"]


def test_an_error_is_raised_with_its_meaning_and_cleared(driver, transport, program, images):
    driver.load(program)
    transport.values |= {"ERROR": ErrorCode.COMMAND, "ERROR_INFO": 12}
    with pytest.raises(AcceleratorError, match=r"COMMAND: the program held an unknown command .*0x0000000c") as caught:
        driver.finish()
    assert (caught.value.code, caught.value.info) == (ErrorCode.COMMAND, 12)
    assert transport.values["ERROR"] == 0
    assert transport.log[-1] == "discard"


def test_the_watchdog_is_off_until_it_is_asked_for(driver, transport, program):
    driver.load(program)
    assert "WATCHDOG" not in transport.values


@pytest.mark.parametrize("first", ["load", "watch"])
def test_the_watchdog_allows_the_cycle_model_and_a_margin(driver, transport, program, first):
    """Whether it is asked for before a program is selected or after; and not for ever."""
    for step in sorted(("load", "watch"), key=lambda step: step != first):
        driver.load(program) if step == "load" else driver.watch(1000)
    assert transport.values["WATCHDOG"] == predict(program).total + 1000
    driver.watch(1 << 40)
    assert transport.values["WATCHDOG"] == (1 << 32) - 1
    driver.watch(None)
    assert transport.values["WATCHDOG"] == 0


def test_a_build_without_watchdog_says_so(transport, program):
    driver = Driver(transport, dataclasses.replace(program.config, watchdog=False))
    with pytest.raises(Refused, match=r"^The build has no watchdog; build without --lean and --no-watchdog to limit"):
        driver.watch(1000)
    assert "WATCHDOG" not in transport.values


def test_an_unknown_error_code_is_named():
    assert "code 77, which this driver does not know" in str(AcceleratorError(77, 0))


def test_every_error_code_has_a_meaning_with_a_remedy():
    assert set(MEANINGS) == set(ErrorCode)
    assert all("; " in MEANINGS[code] for code in ErrorCode if code is not ErrorCode.NONE)


def test_an_accelerator_that_stays_busy_is_reported(driver, transport, program, images):
    driver.load(program)
    transport.values["CONTROL"] = 0
    with pytest.raises(RuntimeError, match="Accelerator does not become ready; abort it or reset it"):
        driver.infer(images)


def test_a_frame_of_wrong_length_is_reported(driver, transport, program, images):
    driver.load(program)
    transport.frames = [bytes(8), bytes(12)]
    with pytest.raises(RuntimeError, match="Frame of layer classifier iteration 0 has 8 bytes, not 12"):
        driver.infer(images)
    assert transport.frames == []


def test_abort_clears_and_discards(driver, transport):
    driver.abort()
    assert transport.log == [
        "write CONTROL=0x100", "withdraw", "write ERROR=0x0", "write INTERRUPT_STATUS=0x3", "discard", "read CONTROL",
    ]


def test_an_abort_whose_rest_is_not_taken_is_reported(driver, transport):
    transport.values["CONTROL"] = bit("CONTROL", "idle")
    with pytest.raises(RuntimeError, match=r"does not become ready; .* take what m_axis still offers"):
        driver.abort()


def test_a_clear_waits_before_and_after(driver, transport):
    driver.clear()
    assert transport.log == ["read CONTROL", "write CONTROL=0x200", "read CONTROL"]


def test_streamed_masks_are_queued_before_the_start(model, images):
    config = config_for(16, mask_bits=2048)
    program, transport = compile_model(model, config), FakeTransport(config)
    assert program.stream_packets
    driver = Driver(transport, config)
    driver.load(program)
    for _ in range(2):
        driver.load_images(images)
        transport.log.clear()
        driver.start()
        assert transport.log == [
            "read CONTROL", f"send later {len(program.stream_packets)}", f"write CONTROL={bit('CONTROL', 'start'):#x}",
        ]
    transport.values["ERROR"] = ErrorCode.STREAM_ORDER
    with pytest.raises(AcceleratorError, match="STREAM_ORDER: a chunk of streamed masks came out of turn"):
        driver.finish()
    assert transport.log[-6:-4] == ["write CONTROL=0x100", "withdraw"]
    assert transport.log[-2:] == ["discard", "read CONTROL"]


def test_position_is_taken_apart(driver, transport):
    transport.values["POSITION"] = 5 << 16 | 3
    assert driver.position() == (3, 5)


def test_counters_must_add_up():
    counters = {name: 1 for name, _ in COUNTERS} | {"TOTAL": len(COUNTERS) - 1}
    check_counters(counters)
    with pytest.raises(AssertionError, match="Causes add up to 8 cycles, not to the total of 7"):
        check_counters(counters | {"TOTAL": 7})


def test_offsets_are_the_registers():
    assert bit("CONTROL", "abort") == 0x100
    assert NAMES[offset_of("SNAPSHOT")] == "SNAPSHOT"
