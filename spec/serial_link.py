"""What crosses the wire between a host's serial port and an accelerator on a board.

Bytes are 8N1. Both directions carry *frames*: :data:`FLAG`, the content and its :func:`crc16` (lowest byte first), with
every :data:`FLAG` and :data:`ESCAPE` among them escaped, then :data:`FLAG`. Flags without anything between them mean
nothing. So whatever was lost or garbled before it, a flag begins a frame.

The host sends a *request* and waits for its *response* before it sends the next; a request that arrives while the board
is at work on another is lost. A request is its sequence number, its :class:`Request`, and

====================  ==========================================  =====================================================
kind                  payload                                     payload of the response
====================  ==========================================  =====================================================
``RESET``             none                                        :data:`LINK_VERSION`
``POLL``              none                                        none
``READ``              byte address of a register                  the register
``WRITE``             byte address of a register, then its value  none
``SEND, SEND_LAST``   1 to :data:`FRAME_WORDS` words              none
``FETCH``             none                                        0 to :data:`FRAME_WORDS` words, none after a ``LAST``
====================  ==========================================  =====================================================

where an address is a byte and everything else 32-bit words, lowest byte first. A response is the sequence number of its
request, the payload if the status is ``OK``, and a byte with :class:`Status` and :class:`Flag`.

- A request with the sequence number of the one before is that one, sent again because its response did not arrive. It
  is not executed again; its response comes again, with the same payload. ``RESET`` is always executed.
- A frame whose CRC is wrong, which is too short, or in which a byte had no stop bit is answered ``CORRUPT``, with the
  sequence number of the request executed last: the board cannot know whose it was. Nothing came of it; send it again.
- Words of ``SEND`` wait in a queue for the accelerator to take them. Where it has no room for all of them the board
  takes none and answers ``FULL``, so that registers can be read and written however long the accelerator leaves a
  packet waiting. To try again is a new request.
- Frames of the accelerator wait in another queue for ``FETCH``; when that is full the accelerator waits.

Ref: the frames are those of RFC 1662, section 4, without address and control.
"""

import enum
from dataclasses import dataclass

import numpy as np

__all__ = [
    "CRC_GOOD", "CRC_POLYNOMIAL", "CRC_START", "ESCAPE", "ESCAPE_XOR", "FLAG", "FRAME_WORDS", "LEAST_BYTES",
    "LINK_VERSION", "STATUS_BITS", "Flag", "Request", "Response", "Status", "crc16", "encode", "payload_bytes",
    "request", "response", "unescape",
]

LINK_VERSION = 0x0001_0000  #: Major in the upper, minor in the lower half; both ends need the same major.

FLAG = 0x7E  #: Begins and ends a frame.
ESCAPE = 0x7D  #: The next byte stands for itself XOR :data:`ESCAPE_XOR`.
ESCAPE_XOR = 0x20  #: See :data:`ESCAPE`.

CRC_POLYNOMIAL = 0x8408  #: x^16 + x^12 + x^5 + 1, lowest bit the highest power.
CRC_START = 0xFFFF  #: State before the first byte. The CRC is the complement of the state after the last.
CRC_GOOD = 0xF0B8  #: State after content and CRC.

LEAST_BYTES = 2  #: Content of the shortest frame: the sequence number, and kind or status.
FRAME_WORDS = 64  #: Most words of one frame.
STATUS_BITS = 3  #: Low bits of the last byte of a response; above them are flags.

_CRC_BYTES = 2
_WORD_BYTES = 4
_ADDRESS_BYTES = 1


class Request(enum.IntEnum):
    """What a request asks for."""

    RESET = 0  #: Reset the accelerator and both queues. Its memories keep their content.
    POLL = 1  #: Nothing but the flags.
    READ = 2  #: Read a register.
    WRITE = 3  #: Write a register.
    SEND = 4  #: Send words to ``s_axis``.
    SEND_LAST = 5  #: The same, and the last word ends the packet.
    FETCH = 6  #: Words of ``m_axis``, those that are there.


class Status(enum.IntEnum):
    """What came of a request."""

    OK = 0  #: Done.
    CORRUPT = 1  #: Something arrived that was no frame; nothing was done.
    INVALID = 2  #: Unknown kind, or a payload of the wrong length; nothing was done.
    REFUSED = 3  #: The accelerator answered the register access with an error.
    FULL = 4  #: No room for the words; none was taken.


class Flag(enum.IntFlag):
    """State of the accelerator when the response was sent, in the byte of its status."""

    IRQ = 1 << 4  #: ``irq`` is high.
    TAKEN = 1 << 5  #: No word waits to be taken by ``s_axis``.
    LAST = 1 << 6  #: The last word of the payload ends a frame of the accelerator.


@dataclass(frozen=True)
class Response:
    """A response, taken apart."""

    sequence: int
    status: Status
    flags: Flag
    payload: bytes


def crc16(content: bytes) -> int:
    """CRC of ``content``, 16 bit: ``~s`` after ``s = CRC_START`` took all its bits, lowest first, each by
    ``s = (s >> 1) ^ (CRC_POLYNOMIAL if (s ^ bit) & 1 else 0)``.
    """
    state = CRC_START
    for bit in np.unpackbits(np.frombuffer(content, np.uint8), bitorder="little").tolist():
        state = state >> 1 ^ (CRC_POLYNOMIAL if (state ^ bit) & 1 else 0)
    return state ^ 0xFFFF


def encode(content: bytes) -> bytes:
    """The frame of ``content``: flags, escapes and CRC added."""
    body = bytearray()
    for byte in content + crc16(content).to_bytes(_CRC_BYTES, "little"):
        body += bytes([ESCAPE, byte ^ ESCAPE_XOR]) if byte in (FLAG, ESCAPE) else bytes([byte])
    return bytes([FLAG, *body, FLAG])


def unescape(body: bytes) -> bytes | None:
    """Content of the frame whose bytes between the flags are ``body``; None if it is corrupt."""
    whole, escaped = bytearray(), False
    for byte in body:
        if byte == ESCAPE and not escaped:
            escaped = True
        else:
            whole.append(byte ^ ESCAPE_XOR if escaped else byte)
            escaped = False
    content, found = bytes(whole[:-_CRC_BYTES]), int.from_bytes(whole[-_CRC_BYTES:], "little")
    good = not escaped and len(content) >= LEAST_BYTES and crc16(content) == found
    return content if good else None


def payload_bytes(kind: Request) -> range:
    """How many bytes the payload of a request of ``kind`` may have."""
    if kind in (Request.SEND, Request.SEND_LAST):
        return range(_WORD_BYTES, FRAME_WORDS * _WORD_BYTES + 1, _WORD_BYTES)
    exactly = {Request.READ: _ADDRESS_BYTES, Request.WRITE: _ADDRESS_BYTES + _WORD_BYTES}.get(kind, 0)
    return range(exactly, exactly + 1)


def request(sequence: int, kind: Request, payload: bytes = b"") -> bytes:
    """The frame of a request; ``sequence`` is 0 to 255.

    Raises
    ------
    ValueError
        If the payload has a length that ``kind`` cannot have.
    """
    if len(payload) not in payload_bytes(kind):
        raise ValueError(f"A request {kind.name} cannot have a payload of {len(payload)} bytes")
    return encode(bytes([sequence, kind]) + payload)


def response(content: bytes) -> Response | None:
    """The response in the content of a frame; None if it is none."""
    sequence, *payload, last = content
    status, flags = last & (1 << STATUS_BITS) - 1, last >> STATUS_BITS << STATUS_BITS
    if status not in set(Status) or flags & ~sum(Flag):
        return None
    return Response(sequence, Status(status), Flag(flags), bytes(payload))
