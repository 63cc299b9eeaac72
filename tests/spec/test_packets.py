"""Packets byte by byte, and the sizes of what they fill."""

import struct

import numpy as np
import pytest

from spec.commands import LANES_MAX
from spec.config import SHAPES, config_for
from spec.packets import (
    HEADER_WORDS,
    LANE_LSB,
    PACKET_BYTES,
    PACKET_MAGIC,
    PER_LANE,
    Target,
    chunk_packet,
    clear_words,
    cut,
    memory_words,
    packet,
)

PACKETS = {
    "one-word": (Target.X, 7, b"\1\2\3\4", [0xF01D_0003, 7, 1, 0x0403_0201]),
    "program": (Target.PROGRAM, 16, bytes(8), [0xF01D_0000, 16, 2, 0, 0]),
    "far": (Target.T, 0xFF_FFFF, b"\xff" * 4, [0xF01D_0004, 0xFF_FFFF, 1, 0xFFFF_FFFF]),
    "empty": (Target.MASK, 0, b"", [0xF01D_0001, 0, 0]),
    "entries": (Target.ENTRIES, 1, b"abcdefghijkl", [0xF01D_0002, 1, 3, 0x6463_6261, 0x6867_6665, 0x6C6B_6A69]),
}


@pytest.mark.parametrize(("target", "address", "payload", "words"), PACKETS.values(), ids=PACKETS)
def test_packet(target, address, payload, words):
    made = packet(target, address, payload)
    assert list(struct.unpack(f"<{len(words)}I", made)) == words
    assert made[4 * HEADER_WORDS:] == payload


def written(packets):
    """Words in memory by (target, lane, address), and the order they came in."""
    memory = {}
    for sent in packets:
        header, place, length, *payload = np.frombuffer(sent, "<u4").tolist()
        assert header & 0xFFFF_0000 == PACKET_MAGIC
        assert len(payload) == length > 0
        for word, value in enumerate(payload):
            memory[header & 0xFFFF, place >> LANE_LSB, (place & 0xFF_FFFF) + word] = value
    return list(memory.items())


@pytest.mark.parametrize("most", [16, 20, 24, 100, 4 * 104 + 12, PACKET_BYTES])
@pytest.mark.parametrize(("target", "address", "lane"), [(Target.MASK, 5, 0), (Target.PROGRAM, 0, 0), (Target.T, 9, 3)])
def test_parts_write_what_the_whole_writes(target, address, lane, most):
    whole = packet(target, address, np.arange(105, dtype="<u4").tobytes(), lane)
    parts = cut(whole, most)
    assert max(map(len, parts)) <= most
    assert len(parts) == -(-105 // (most // 4 - HEADER_WORDS))
    assert written(parts) == written([whole])


def test_a_packet_that_is_short_enough_stays():
    whole = packet(Target.X, 3, bytes(PACKET_BYTES - 4 * HEADER_WORDS))
    assert cut(whole) == (whole,)
    assert [len(part) for part in cut(packet(Target.X, 3, bytes(PACKET_BYTES)))] == [PACKET_BYTES, 24]


def test_a_length_of_14_bits_holds_any_part():
    assert PACKET_BYTES < 1 << 14 <= PACKET_BYTES + 4


def test_a_chunk_stays_whole():
    whole = chunk_packet(3, 16, bytes(1 << 16))
    assert cut(whole) == (whole,)


def test_a_part_has_room_for_a_word():
    with pytest.raises(ValueError, match=r"^A packet takes at least 16 bytes, not 15$"):
        cut(packet(Target.X, 0, bytes(400)), 15)


@pytest.mark.parametrize(("target", "lane", "word"), [
    (Target.X, 0, 0x12), (Target.X, 1, 0x0100_0012), (Target.T, 7, 0x0700_0012), (Target.ENTRIES, 0, 0x12),
])
def test_lane_is_above_the_address(target, lane, word):
    assert list(struct.unpack("<4I", packet(target, 0x12, bytes(4), lane))) == [0xF01D_0000 | target, word, 1, 0]


@pytest.mark.parametrize(("memories", "words"), [
    ({}, 8192), ({"x_bytes": 256, "t_bytes": 1024}, 256), ({"x_bytes": 1040, "t_bytes": 1024}, 512),
    ({"x_bytes": 256, "t_bytes": 256, "psum_depth": 64}, 64), ({"x_bytes": 256, "t_bytes": 256, "psum_depth": 65}, 128),
])
def test_a_clear_is_as_long_as_the_largest_memory_it_writes(memories, words):
    assert clear_words(config_for(16, **memories)) == words


def test_memories_that_are_there_once_have_no_lanes():
    for target in set(Target) - set(PER_LANE):
        with pytest.raises(ValueError, match=rf"^Memory {target.name} is there once, not in every lane$"):
            packet(target, 0, bytes(4), 1)


def test_lanes_fit_above_every_address():
    most = {"x_bytes": 1 << 26, "t_bytes": 1 << 26, "lanes": LANES_MAX}
    words = memory_words(config_for(16 * LANES_MAX, **most))
    assert max(words[target] for target in PER_LANE) == 1 << LANE_LSB
    assert LANES_MAX <= 1 << 32 - LANE_LSB


@pytest.mark.parametrize("length", [1, 2, 3, 5, 4097])
def test_broken_word_is_refused(length):
    with pytest.raises(ValueError, match=rf"^Payload must be whole 32-bit words, not {length} bytes$"):
        packet(Target.X, 0, bytes(length))


def test_targets_fit_beside_the_magic():
    assert [target.value for target in Target] == list(range(len(Target)))
    assert PACKET_MAGIC & 0xFFFF == 0
    assert max(Target) < 1 << 16


@pytest.mark.parametrize("pe", SHAPES)
def test_memory_words(pe):
    """Of a lane, where every lane has one."""
    config = config_for(pe)
    assert memory_words(config) == {
        Target.PROGRAM: config.commands * 16,
        Target.MASK: config.mask_bits // 32,
        Target.ENTRIES: config.entries,
        Target.X: config.x_bytes // 4,
        Target.T: config.t_bytes // 4,
        Target.MASK_STREAM: config.mask_bits // 32,
    }


def test_a_build_without_streams_does_not_know_their_memory():
    every, few = (memory_words(config_for(16, ring_words=16, streams=streams)) for streams in (True, False))
    assert every == few | {Target.MASK_STREAM: every[Target.MASK]}
    assert Target.MASK_STREAM not in few


@pytest.mark.parametrize(("number", "word"), [(0, 0x1234), (7, 0x0700_1234), (255, 0xFF00_1234), (256, 0x1234)])
def test_chunk_packet(number, word):
    made = chunk_packet(number, 0x1234, b"\1\0\0\0")
    assert list(struct.unpack("<4I", made)) == [0xF01D_0005, word, 1, 1]
