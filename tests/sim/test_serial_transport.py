"""The host's end of the line against a board in Python: lost and late responses, full queues, and boards that are none.

What the hardware makes of the same requests is tested in ``tests/rtl/serial/test_bridge.py`` and ``sim``.
"""

import subprocess
import sys
from collections import deque

import pytest

from sim.errors import RegisterAccessFailed
from sim.serial_transport import LinkFailed, SerialTransport
from spec.refusal import Refused
from spec.serial_link import ESCAPE, FLAG, FRAME_WORDS, LINK_VERSION, Flag, Request, Status, encode, unescape


class Board:
    """A port with a board at its other end.

    Attributes
    ----------
    registers : dict
        Others are refused.
    room : int
        Bytes its queue takes; ``free`` of them become free with every request.
    frames : deque of (bytes, Flag)
        What each ``FETCH`` gets.
    irq : int
        Requests until the interrupt.
    mishaps : deque of str
        What happens to each of the next requests: "", "lost", "answer lost", "answer twice", "corrupt", "garbage".
    """

    def __init__(self):
        self.registers = {0x10: 7}
        self.room, self.free, self.irq = 10_000, 0, 0
        self.frames, self.mishaps = deque(), deque()
        self.executed, self.packets, self.partial, self.late = [], [], b"", False
        self.version = LINK_VERSION
        self._line, self._last = bytearray(b"rest of another session"), (None, b"")

    def reset_input_buffer(self):
        self._line.clear()

    def read(self, size):
        found = bytes(self._line[:size])
        del self._line[:size]
        return found

    def write(self, data):
        assert (data[0], data[-1]) == (FLAG, FLAG)
        mishap = self.mishaps.popleft() if self.mishaps else ""
        if mishap == "lost":
            return
        if mishap == "corrupt":
            self._line += encode(bytes([self._last[0] or 0, Status.CORRUPT]))
            return
        sequence, kind, *payload = unescape(data[1:-1])
        if sequence != self._last[0] or kind == Request.RESET:
            self._last = sequence, self._execute(Request(kind), bytes(payload), sequence)
        self._line += {"answer lost": b"", "garbage": bytes([FLAG, 1, ESCAPE, FLAG])}.get(mishap, self._last[1])
        self._line += self._last[1] * (mishap == "answer twice")

    def _execute(self, kind, payload, sequence):
        self.executed.append(kind)
        status, flags, answer = Status.OK, Flag(0), b""
        self.room, self.irq = self.room + self.free, self.irq - 1
        if kind is Request.RESET:
            answer = self.version.to_bytes(4, "little")
        elif kind is Request.READ and payload[0] in self.registers:
            answer = self.registers[payload[0]].to_bytes(4, "little")
        elif kind is Request.WRITE and payload[0] in self.registers:
            self.registers[payload[0]] = int.from_bytes(payload[1:], "little")
        elif kind in (Request.READ, Request.WRITE):
            status = Status.REFUSED
        elif kind in (Request.SEND, Request.SEND_LAST):
            assert len(payload) <= 4 * FRAME_WORDS
            if len(payload) > self.room:
                status = Status.FULL
            else:
                self.room, self.partial = self.room - len(payload), self.partial + payload
                if kind is Request.SEND_LAST:
                    self.packets.append(self.partial)
                    self.partial = b""
        elif kind is Request.FETCH and self.frames:
            answer, flags = self.frames.popleft()
        flags |= (Flag(0) if self.late else Flag.TAKEN) | (Flag.IRQ if self.irq < 0 else Flag(0))
        return encode(bytes([sequence]) + answer + bytes([status | flags]))


@pytest.fixture
def board():
    return Board()


@pytest.fixture
def transport(board):
    made = SerialTransport(board, polls=20)
    board.executed.clear()
    return made


def test_it_needs_neither_simulator_nor_pyserial():
    code = "import sys, sim.serial_transport; sys.exit(bool({'cocotb', 'serial'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_board_is_reset_first(board):
    SerialTransport(board)
    assert board.executed == [Request.RESET]


def test_another_version_of_the_link_is_refused(board):
    board.version += 1 << 16
    with pytest.raises(Refused, match=r"Board speaks version 2\.0 of the serial link, but this driver version 1"):
        SerialTransport(board)


def test_no_board_is_an_error_that_says_what_to_check(board):
    board.mishaps.extend(["lost"] * 10)
    with pytest.raises(LinkFailed, match="did not answer the request RESET, sent 10 times; check port, baud rate and"):
        SerialTransport(board)
    assert board.executed == []


@pytest.mark.parametrize("mishap", ["lost", "answer lost", "answer twice", "corrupt", "garbage"])
@pytest.mark.parametrize("times", [1, 9])
def test_requests_are_sent_until_answered_and_executed_once(board, transport, mishap, times):
    board.mishaps.extend([mishap] * times)
    transport.write_register(0x10, 0x7E7D)
    assert transport.read_register(0x10) == 0x7E7D
    assert board.executed == [Request.WRITE, Request.READ]
    assert transport.repeats == (0 if mishap == "answer twice" else times)


def test_sequence_numbers_come_round(board, transport):
    for value in range(600):
        transport.write_register(0x10, value)
    assert board.registers[0x10] == 599
    assert board.executed == [Request.WRITE] * 600


def test_refused_registers(transport):
    with pytest.raises(RegisterAccessFailed, match="Reading register 0x14 was refused"):
        transport.read_register(0x14)
    with pytest.raises(RegisterAccessFailed, match="Writing register 0x14 was refused"):
        transport.write_register(0x14, 1)


@pytest.mark.parametrize("size", [4, 4 * FRAME_WORDS, 4 * FRAME_WORDS + 4, 12 * FRAME_WORDS])
def test_packets_are_cut_and_come_together(board, transport, size):
    packet = bytes(i % 251 for i in range(size))
    transport.send(packet)
    assert board.packets == [packet]


def test_a_full_queue_is_waited_for(board, transport):
    board.room, board.free = 0, 40
    packets = [bytes(4 * FRAME_WORDS + 4), bytes(8)]
    for packet in packets:
        transport.send(packet)
    assert board.packets == packets


def test_a_queue_that_stays_full_is_an_error(board, transport):
    board.room = 0
    with pytest.raises(TimeoutError, match="Sending a packet of 8 bytes did not end in 20 polls"):
        transport.send(bytes(8))


def test_a_packet_that_is_not_taken_is_an_error(board, transport):
    board.late = True
    with pytest.raises(TimeoutError, match="The accelerator did not take a packet of 8 bytes in 20 polls"):
        transport.send(bytes(8))


def test_later_packets_go_while_something_is_waited_for(board, transport):
    board.room = 12
    transport.send_later([b"a" * 8, b"b" * 8, b"c" * 8])
    assert board.packets == [b"a" * 8]
    board.free, board.irq = 4, 6
    transport.wait_irq()
    assert board.packets == [b"a" * 8, b"b" * 8, b"c" * 8]


def test_withdrawn_packets_are_not_begun(board, transport):
    first = bytes(4 * FRAME_WORDS) + b"rest"
    board.room = 4 * FRAME_WORDS
    transport.send_later([first, b"b" * 8])
    assert (board.packets, board.partial) == ([], first[:-4])
    board.free = 4
    transport.withdraw()
    transport.send(b"c" * 8)
    assert board.packets == [first, b"c" * 8]


def test_nothing_begun_is_nothing_to_finish(board, transport):
    board.room = 0
    transport.send_later([b"a" * 8])
    transport.withdraw()
    board.room = 8
    transport.send(b"c" * 8)
    assert board.packets == [b"c" * 8]


def test_frames_are_put_together_and_kept_in_order(board, transport):
    board.frames.extend([(b"abcd", Flag(0)), (b"efgh", Flag.LAST), (b"ijkl", Flag.LAST)])
    board.irq = 3
    transport.wait_irq()
    assert [transport.receive(), transport.receive()] == [b"abcdefgh", b"ijkl"]


def test_a_frame_that_does_not_come_is_an_error(transport):
    with pytest.raises(TimeoutError, match="Receiving a frame did not end in 20 polls"):
        transport.receive()


def test_an_interrupt_that_does_not_come_is_an_error(board, transport):
    board.irq = 1000
    with pytest.raises(TimeoutError, match="Waiting for the interrupt did not end in 20 polls"):
        transport.wait_irq()


def test_discarded_frames_are_gone_and_so_is_a_half_one(board, transport):
    board.frames.extend([(b"abcd", Flag.LAST), (b"efgh", Flag(0))])
    transport.discard()
    board.frames.append((b"ijkl", Flag.LAST))
    assert transport.receive() == b"ijkl"


def test_frames_without_end_are_not_discarded_for_ever(board, transport):
    board.frames.extend([(b"abcd", Flag.LAST)] * 100)
    with pytest.raises(TimeoutError, match="still sent frames after 20 polls; abort it or reset it"):
        transport.discard()
