"""What the host sends into ``s_axis``: packets, each filling a part of one memory.

A packet is ``PACKET_MAGIC | target``, the address, the length (both in 32-bit words of that memory), then that many
words, ``tlast`` on the last. Memories wider than 32 bits hold their words lowest first. Packets for one memory may be
cut anywhere between words (:func:`cut`), for a DMA that cannot send as much at once; chunks may not.

X and T are there once per lane: the upper 8 bits of the address word of their packets are the lane, from 0. A lane that
is not there is an address beyond the memory.

Masks that do not stay on the chip come as *chunks*: packets for ``MASK_STREAM``, one per m-tile of a streamed layer, in
the order in which the program fetches them. Two may be on the chip at a time, so they go to two places by turns.

- Chunks are taken while an inference runs, all other packets while none runs. A packet whose time has not come waits:
  an image sent early is taken after the inference, a chunk sent early after the start.
- The upper 8 bits of the address of a chunk are its number in its inference, modulo 256. A chunk with another number
  is the error ``STREAM_ORDER``, and so is any other packet that comes when the program cannot go on without a chunk.
- A chunk holds the masks of its m-tile in fetch order and the zeros that fill up the last word of the mask memory. Any
  other length is the error ``STREAM_LENGTH``. These errors, and a bad chunk, stop the inference.
- A start finds no chunk of an earlier inference: when an inference ends, is stopped or aborted, its chunks are
  forgotten, and those still to come are dropped silently up to the next other packet (or the next start). An abort
  does so even when nothing runs: a host that has lost track aborts.
"""

import enum

import numpy as np

from spec.config import AcceleratorConfig

__all__ = [
    "CHUNK_NUMBER_LSB", "HEADER_WORDS", "LANE_LSB", "PACKET_BYTES", "PACKET_MAGIC", "PER_LANE", "Target",
    "chunk_packet", "clear_words", "cut", "memory_words", "packet",
]

PACKET_MAGIC = 0xF01D_0000  #: Upper half of the first word of every packet.
HEADER_WORDS = 3  #: Words before the payload.
PACKET_BYTES = 16_380  #: Of a packet, as hosts send them: words that a DMA with a length of 14 bits sends at once.
CHUNK_NUMBER_LSB = 24  #: Lowest bit of the number of a chunk in its address word.
LANE_LSB = 24  #: Lowest bit of the lane in the address word of a packet for a memory of :data:`PER_LANE`.


class Target(enum.IntEnum):
    """Memory that a packet fills."""

    PROGRAM = 0  #: Commands.
    MASK = 1  #: Supermasks, in fetch order.
    ENTRIES = 2  #: Batch-norm entries.
    X = 3  #: Residual-stream activations of a lane.
    T = 4  #: Temporary activations of a lane; images go here.
    MASK_STREAM = 5  #: A chunk of supermasks for the inference that runs, to the supermask memory.
    RING = 6  #: Planes of rings: 16 nonzero bits, then 16 negative bits. Unknown to a build without rings.


#: Memories that every lane has one of.
PER_LANE = (Target.X, Target.T)


def memory_words(config: AcceleratorConfig) -> dict[Target, int]:
    """Size of every memory the build has, those of :data:`PER_LANE` in each lane, in the 32-bit words that packets
    address.
    """
    bits = config.memory_bits | ({"mask_stream": config.mask_bits} if config.streams else {})
    lanes = {target: config.lanes if target in PER_LANE else 1 for target in Target}
    there = (target for target in Target if target.name.lower() in bits)
    return {target: bits[target.name.lower()] // lanes[target] // 32 for target in there}


def clear_words(config: AcceleratorConfig) -> int:
    """Words, and cycles, of a clear (register CONTROL): the least power of two that is no less than the words of an X
    or T memory of a lane and the depth of its psum memory. All of them are written at once.
    """
    most = max(*(memory_words(config)[target] for target in PER_LANE), config.psum_depth)
    return 1 << (most - 1).bit_length()


def packet(target: Target, address: int, payload: bytes, lane: int = 0) -> bytes:
    """Packet that writes ``payload`` (a multiple of 4 bytes, little endian) to ``target`` from word ``address`` on.

    ``lane`` says whose X or T; the other memories are there once.
    """
    if len(payload) % 4:
        raise ValueError(f"Payload must be whole 32-bit words, not {len(payload)} bytes")
    if lane and target not in PER_LANE:
        raise ValueError(f"Memory {target.name} is there once, not in every lane")
    header = np.array([PACKET_MAGIC | target, lane << LANE_LSB | address, len(payload) // 4], "<u4")
    return header.tobytes() + payload


def chunk_packet(number: int, address: int, payload: bytes) -> bytes:
    """Packet that streams chunk ``number`` of an inference (from 0) to the mask memory from word ``address`` on."""
    return packet(Target.MASK_STREAM, number % 256 << CHUNK_NUMBER_LSB | address, payload)


def cut(whole: bytes, most: int = PACKET_BYTES) -> tuple[bytes, ...]:
    """Packets of at most ``most`` bytes that together write what the packet ``whole`` writes, in its order.

    A chunk is an m-tile, no less: it is returned as it is, however long.

    Raises
    ------
    ValueError
        If ``most`` bytes have no room for a word of payload.
    """
    room = most // 4 - HEADER_WORDS  # words of payload
    if room < 1:
        raise ValueError(f"A packet takes at least {4 * (HEADER_WORDS + 1)} bytes, not {most}")
    header, address, length = np.frombuffer(whole, "<u4", HEADER_WORDS).tolist()
    target = Target(header - PACKET_MAGIC)
    if len(whole) <= most or target is Target.MASK_STREAM:
        return (whole,)
    payload = whole[4 * HEADER_WORDS :]
    lane, first = address >> LANE_LSB, address & (1 << LANE_LSB) - 1
    return tuple(
        packet(target, first + done, payload[4 * done : 4 * (done + room)], lane) for done in range(0, length, room)
    )
