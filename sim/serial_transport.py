"""The driver's transport over a serial port: the host's end of :mod:`spec.serial_link`, in plain Python."""

import itertools
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from sim.errors import RegisterAccessFailed
from spec.refusal import Refused
from spec.serial_link import (
    FLAG,
    FRAME_WORDS,
    LINK_VERSION,
    Flag,
    Request,
    Response,
    Status,
    request,
    response,
    unescape,
)

__all__ = ["LinkFailed", "SerialPort", "SerialTransport"]

_TRIES = 10  #: Times a request is sent before the line is given up.
_FRAME_BYTES = 4 * FRAME_WORDS


class LinkFailed(RuntimeError):
    """The board does not answer, or not as it should."""


class SerialPort(Protocol):
    """What of a pyserial port is used; ``read`` gives up after a time of the port's own."""

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes, fewer if no more came in time."""

    def write(self, data: bytes) -> int | None:
        """Send ``data``."""

    def reset_input_buffer(self) -> None:
        """Forget what has arrived."""


class SerialTransport:
    """:class:`sim.driver.Transport` over a serial port.

    Making one resets the accelerator, which so forgets what an earlier host left half done; its memories keep their
    content.

    Parameters
    ----------
    port : SerialPort
    polls : int
        Times the board is asked, without anything having moved, before an operation fails; each takes as long as a
        short request and its response.

    Raises
    ------
    Refused
        If the other end speaks another version of the link.
    LinkFailed
        If there is none. Any operation may raise it.
    """

    def __init__(self, port: SerialPort, polls: int = 100_000):
        self.port = port
        self.polls = polls
        self.repeats = 0  #: Requests that were sent again.
        self._sequence = 0
        self._packets: deque[bytes] = deque()  # not wholly in the board's queue
        self._gone = 0  # bytes of the first of them that are
        self._frames: deque[bytes] = deque()
        self._partial = b""
        port.reset_input_buffer()
        version = int.from_bytes(self._ask(Request.RESET).payload, "little")
        if version >> 16 != LINK_VERSION >> 16:
            raise Refused(
                f"Board speaks version {version >> 16}.{version & 0xFFFF} of the serial link, but this driver version "
                f"{LINK_VERSION >> 16}; use the driver that was generated with the build"
            )

    def read_register(self, offset: int) -> int:
        """Read a register."""
        answer = self._ask(Request.READ, bytes([offset]))
        if answer.status is Status.REFUSED:
            raise RegisterAccessFailed(f"Reading register {offset:#04x} was refused")
        return int.from_bytes(answer.payload, "little")

    def write_register(self, offset: int, value: int) -> None:
        """Write a register."""
        answer = self._ask(Request.WRITE, bytes([offset]) + value.to_bytes(4, "little"))
        if answer.status is Status.REFUSED:
            raise RegisterAccessFailed(f"Writing register {offset:#04x} was refused")

    def send(self, frame: bytes) -> None:
        """Send a packet, after those of :meth:`send_later`, and wait until it was taken."""
        self._packets.append(frame)
        self._drain(f"Sending a packet of {len(frame)} bytes")
        for _ in range(self.polls):
            if Flag.TAKEN in self._ask(Request.POLL).flags:
                return
        raise TimeoutError(f"The accelerator did not take a packet of {len(frame)} bytes in {self.polls} polls")

    def send_later(self, frames: Sequence[bytes]) -> None:
        """Send as much as there is room for; the rest goes while :meth:`wait_irq` and :meth:`receive` wait."""
        self._packets.extend(frames)
        self._push()

    def withdraw(self) -> None:
        """Send nothing more than the rest of the packet that is being sent, if any."""
        begun = [self._packets[0]] if self._gone else []
        self._packets = deque(begun)
        self._drain("Sending the rest of a packet")

    def receive(self) -> bytes:
        """Wait for a frame."""
        idle = 0
        while not self._frames:
            idle = 0 if self._push() | bool(self._fetch().payload) else idle + 1
            if idle > self.polls:
                raise TimeoutError(f"Receiving a frame did not end in {self.polls} polls")
        return self._frames.popleft()

    def discard(self) -> None:
        """Take what is still offered, then forget all frames, a half one included."""
        for _ in range(self.polls):
            if not self._fetch().payload:
                break
            self._frames.clear()
        else:
            raise TimeoutError(f"The accelerator still sent frames after {self.polls} polls; abort it or reset it")
        self._frames.clear()
        self._partial = b""

    def wait_irq(self) -> None:
        """Wait for the interrupt; frames are taken meanwhile, lest the accelerator wait for that."""
        idle = 0
        while Flag.IRQ not in (answer := self._fetch()).flags:
            idle = 0 if self._push() | bool(answer.payload) else idle + 1
            if idle > self.polls:
                raise TimeoutError(f"Waiting for the interrupt did not end in {self.polls} polls")

    def _push(self) -> bool:
        """Send words until there are none or no room; whether any went."""
        moved = False
        while self._packets:
            packet = self._packets[0]
            part = packet[self._gone : self._gone + _FRAME_BYTES]
            last = self._gone + len(part) == len(packet)
            if self._ask(Request.SEND_LAST if last else Request.SEND, part).status is Status.FULL:
                return moved
            moved, self._gone = True, self._gone + len(part)
            if last:
                self._packets.popleft()
                self._gone = 0
        return moved

    def _drain(self, what: str) -> None:
        """Send all words, waiting for room."""
        idle = 0
        while self._packets:
            idle = 0 if self._push() else idle + 1
            if idle > self.polls:
                raise TimeoutError(f"{what} did not end in {self.polls} polls: the accelerator takes no more of it")

    def _fetch(self) -> Response:
        """Take words of frames that are there, at most those of one."""
        answer = self._ask(Request.FETCH)
        self._partial += answer.payload
        if Flag.LAST in answer.flags:
            self._frames.append(self._partial)
            self._partial = b""
        return answer

    def _ask(self, kind: Request, payload: bytes = b"") -> Response:
        """The response to a request, which is sent until one comes. It is executed once."""
        self._sequence = (self._sequence + 1) % 256
        frame = request(self._sequence, kind, payload)
        for attempt in itertools.count():
            self.port.write(frame)
            answer = self._answer()
            if answer is not None and answer.status is Status.INVALID:
                raise LinkFailed(f"The board does not know the request {kind.name}; load a bitstream of this version")
            if answer is not None:
                return answer
            if attempt + 1 == _TRIES:
                raise LinkFailed(
                    f"The board did not answer the request {kind.name}, sent {_TRIES} times; check port, baud rate "
                    "and cable, and that the bitstream is loaded"
                )
            self.repeats += 1

    def _answer(self) -> Response | None:
        """The response to the request that was sent last; None if the board did not understand it, or no byte came."""
        body = bytearray()
        while byte := self.port.read(1):
            if byte[0] != FLAG:
                body += byte
                continue
            content = unescape(bytes(body))
            answer = None if content is None else response(content)
            body.clear()
            if answer is not None and answer.status is Status.CORRUPT:
                return None
            if answer is not None and answer.sequence == self._sequence:
                return answer
        return None
