"""The register description is sound: nothing overlaps, and the order software relies on holds."""

import hashlib
import itertools

import pytest

from spec.commands import FIELDS, Op, Source
from spec.config import config_for
from spec.packets import CHUNK_NUMBER_LSB, HEADER_WORDS, LANE_LSB, PACKET_MAGIC, Target
from spec.registers import (
    COUNTERS,
    MAGIC,
    OFFSET_BITS,
    REGISTERS,
    VERSION,
    Access,
    ErrorCode,
    counter_names,
    identity,
    offset_of,
    registers_of,
)

BY_NAME = {register.name: register for register in REGISTERS}


def test_the_interface_is_that_of_its_version():
    """Whoever changes it changes its version too, so that drivers and builds refuse each other: the major number where
    something moves or goes, the minor one where something comes.
    """
    words = [
        *(f"{field.name} {field.word} {field.lsb} {field.width}" for field in FIELDS),
        *(f"{register.name} {register.offset}" for register in REGISTERS),
        *(f"{register.name}.{field.name} {field.lsb} {field.width} {field.access.name}"
          for register in REGISTERS for field in register.fields),
        *(f"{member!r}" for kind in (Op, Source, Target, ErrorCode) for member in kind),
        f"{MAGIC:x} {PACKET_MAGIC:x} {HEADER_WORDS} {CHUNK_NUMBER_LSB} {LANE_LSB} {[name for name, _ in COUNTERS]}",
    ]
    digest = hashlib.sha256("\n".join(words).encode()).hexdigest()
    assert (f"{VERSION:08x}", digest[:16]) == ("00020001", "47b966d0ce44be39")


def test_names_and_offsets_are_unique():
    assert len(BY_NAME) == len(REGISTERS)
    assert len({register.offset for register in REGISTERS}) == len(REGISTERS)


@pytest.mark.parametrize("register", REGISTERS, ids=BY_NAME)
def test_register_is_an_aligned_word_in_reach(register):
    assert register.offset % 4 == 0
    assert 0 <= register.offset < 1 << OFFSET_BITS
    assert offset_of(register.name) == register.offset


@pytest.mark.parametrize("register", REGISTERS, ids=BY_NAME)
def test_fields_are_distinct_and_do_not_overlap(register):
    assert register.fields
    assert len({field.name for field in register.fields}) == len(register.fields)
    bits = list(itertools.chain(*(range(f.lsb, f.lsb + f.width) for f in register.fields)))
    assert bits == sorted(set(bits)), "fields overlap or are out of order"
    assert set(bits) <= set(range(32))


@pytest.mark.parametrize("register", REGISTERS, ids=BY_NAME)
def test_everything_is_explained(register):
    for text in (register.doc, *(field.doc for field in register.fields)):
        assert text[-1] == ".", text
    assert register.name.isidentifier()
    assert register.name.isupper()
    assert all(field.name.isidentifier() and field.name.islower() for field in register.fields)


def test_control_is_in_ap_ctrl_order():
    """Bits 0 to 3 of an AMD HLS block: ap_start, ap_done, ap_idle, ap_ready; interrupts follow at 4, 8 and C."""
    control = [(field.name, field.lsb, field.width) for field in BY_NAME["CONTROL"].fields]
    assert control[:4] == [("start", 0, 1), ("done", 1, 1), ("idle", 2, 1), ("ready", 3, 1)]
    assert [offset_of(name) for name in ("CONTROL", "INTERRUPT_GLOBAL", "INTERRUPT_ENABLE", "INTERRUPT_STATUS")] == [
        0x0, 0x4, 0x8, 0xC]
    bits = [[(field.name, field.lsb) for field in BY_NAME[f"INTERRUPT_{name}"].fields] for name in ("ENABLE", "STATUS")]
    assert bits[0] == bits[1]


def test_identity_starts_where_drivers_look_first():
    assert [offset_of(name) for name in ("MAGIC", "VERSION", "CONFIG_HASH", "MODEL_HASH")] == [0x10, 0x14, 0x18, 0x1C]
    assert MAGIC.to_bytes(4, "big") == b"FOLD"
    config = config_for(16)
    assert identity(config) == {"MAGIC": MAGIC, "VERSION": VERSION, "CONFIG_HASH": config.hash, "FEATURES": 5}
    for name in ("MAGIC", "VERSION", "CONFIG_HASH"):
        assert [(f.width, f.access) for f in BY_NAME[name].fields] == [(32, Access.RO)]


def test_features_say_what_the_build_knows():
    assert [(f.name, f.lsb, f.width, f.access) for f in BY_NAME["FEATURES"].fields] == [
        (name, place, 1, Access.RO)
        for place, name in enumerate((
            "masks", "ring", "protect", "total", "no_pool", "no_streams", "upsample", "no_watchdog",
        ))]
    assert identity(config_for(16, ring_words=16))["FEATURES"] == 7
    assert identity(config_for(16, protect=False))["FEATURES"] == 1
    assert identity(config_for(16, counters="total"))["FEATURES"] == 5 + 8
    assert identity(config_for(16, max_pool=False))["FEATURES"] == 5 + 16
    assert identity(config_for(16, upsample=True))["FEATURES"] == 5 + 64
    assert identity(config_for(16, streams=False))["FEATURES"] == 5 + 32
    assert identity(config_for(16, watchdog=False))["FEATURES"] == 5 + 128


def test_a_build_with_the_total_alone_has_no_registers_of_causes():
    every, few = config_for(16), config_for(16, counters="total")
    assert registers_of(every) == REGISTERS
    assert [r.name for r in registers_of(few) if r.counter] == ["TOTAL_LOW", "TOTAL_HIGH"]
    assert [r for r in registers_of(few) if not r.counter] == [r for r in REGISTERS if not r.counter]
    assert (counter_names(every), counter_names(few)) == (tuple(name for name, _ in COUNTERS), ("TOTAL",))


def test_a_build_without_watchdog_has_no_register_of_it():
    assert set(REGISTERS) - set(registers_of(config_for(16, watchdog=False))) == {BY_NAME["WATCHDOG"]}


def test_counters_are_pairs_in_order():
    assert [name for name, _ in COUNTERS] == [
        "TOTAL", "ARRAY", "WEIGHT_LOAD", "MASK_WAIT", "DRAIN", "REQUANTIZE", "POOL", "HOST", "SEQUENCER"]
    for index, (name, _) in enumerate(COUNTERS):
        assert offset_of(f"{name}_HIGH") == offset_of(f"{name}_LOW") + 4 == offset_of("TOTAL_LOW") + 8 * index + 4


def test_error_codes_are_consecutive_and_fit_their_field():
    assert [code.value for code in ErrorCode] == list(range(len(ErrorCode)))
    assert max(ErrorCode) < 1 << BY_NAME["ERROR"].fields[0].width


def test_unknown_register_has_no_offset():
    with pytest.raises(KeyError, match="NOWHERE"):
        offset_of("NOWHERE")
