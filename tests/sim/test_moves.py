"""What is drawn: every move, the same from the same seed, and accesses whose answers are known."""

from random import Random

import numpy as np
import pytest

from sim.moves import LASTING, MOVES, RECOVERIES, Access, accesses, cut, draw, drawn, is_refused, random_command
from spec.commands import COMMAND_WORDS, FIELDS, Op, decode
from spec.registers import OFFSET_BITS, REGISTERS


def test_thirty_sequences_draw_every_move_and_recovery():
    for seed in (1, 2):  # 1 is the command's own
        counts = drawn(draw(seed, number) for number in range(30))
        assert list(counts) == [*MOVES, *(f"recovery by {way}" for way in RECOVERIES)]
        assert [name for name, count in counts.items() if not count] == []
        assert counts["inference"] > counts["wait"]


def test_a_sequence_is_decided_by_its_number_and_the_seed():
    assert draw(1, 7) == draw(1, 7)
    assert len({draw(seed, number) for seed in range(3) for number in range(20)}) == 60
    assert {draw(1, number).recovery for number in range(20)} == set(RECOVERIES)
    assert set(LASTING) < set(MOVES)


@pytest.mark.parametrize(("access", "refused"), [
    (Access(0x00, 4), False), (Access(0x00, 4, bytes(4)), False), (Access(0x10, 8, bytes(8)), False),
    (Access(0x00, 3), False), (Access(0x00, 3, bytes(3)), True), (Access(0x01, 4), True), (Access(0x02, 2), True),
    (Access(0x02, 2, bytes(2)), True), (Access(0xFC, 4), True), (Access(0x38, 8), True), (Access(0x38, 4), False),
])
def test_what_is_refused(access, refused):
    assert is_refused(access) == refused


def test_accesses_stay_on_the_bus_and_are_what_they_are_called():
    rng, offsets = Random(1), {register.offset for register in REGISTERS}
    for _ in range(300):
        for kind in ("read", "write", "partial access", "unaligned access", "unknown register", "parallel accesses"):
            made = accesses(kind, rng)
            assert all(one.address + one.count <= 1 << OFFSET_BITS for one in made)
            assert all(one.data is None or len(one.data) == one.count for one in made)
            assert (len(made) > 1) == (kind == "parallel accesses")
            if kind in ("unaligned access", "unknown register"):
                assert is_refused(made[0])
            if kind in ("read", "write"):
                assert made[0].address in offsets
                assert not is_refused(made[0])
                assert (made[0].data is None) == (kind == "read")


def test_a_cut_packet_is_the_beginning_of_one():
    packet, rng = bytes(range(40)), Random(1)
    lengths = {len(cut(packet, rng)) for _ in range(200)}
    assert lengths == set(range(4, 40, 4))
    assert packet.startswith(cut(packet, rng))
    assert cut(packet[:4], rng) == packet[:4]


def test_random_commands_have_every_operation_and_every_bit_of_every_field():
    rng = Random(1)
    words = np.array([random_command(rng) for _ in range(900)])
    assert words.shape == (900, COMMAND_WORDS)
    assert {decode(command)["op"] for command in words} == set(range(16)) > set(Op)
    for field in FIELDS:
        found = words[:, field.word] >> np.uint32(field.lsb) & np.uint32((1 << field.width) - 1)
        ones, zeros, every = np.bitwise_or.reduce(found), np.bitwise_or.reduce(~found), (1 << field.width) - 1
        assert (int(ones) & every == int(zeros) & every == every), field.name
