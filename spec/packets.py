"""What the host sends into ``s_axis``: packets, each filling a part of one memory.

A packet is ``PACKET_MAGIC | target``, the address, the length (both in 32-bit words of that memory), then that many
words, ``tlast`` on the last. Memories wider than 32 bits hold their words lowest first.
"""

import enum

import numpy as np

from spec.config import AcceleratorConfig

__all__ = ["HEADER_WORDS", "PACKET_MAGIC", "Target", "memory_words", "packet"]

PACKET_MAGIC = 0xF01D_0000  #: Upper half of the first word of every packet.
HEADER_WORDS = 3  #: Words before the payload.


class Target(enum.IntEnum):
    """Memory that a packet fills."""

    PROGRAM = 0  #: Commands.
    MASK = 1  #: Supermasks, in fetch order.
    ENTRIES = 2  #: Batch-norm entries.
    X = 3  #: Residual-stream activations.
    T = 4  #: Temporary activations; images go here.


def memory_words(config: AcceleratorConfig) -> dict[Target, int]:
    """Size of every memory in the 32-bit words that packets address."""
    bits = config.memory_bits
    return {target: bits[target.name.lower()] // 32 for target in Target}


def packet(target: Target, address: int, payload: bytes) -> bytes:
    """Packet that writes ``payload`` (a multiple of 4 bytes, little endian) to ``target`` from word ``address`` on."""
    if len(payload) % 4:
        raise ValueError(f"Payload must be whole 32-bit words, not {len(payload)} bytes")
    header = np.array([PACKET_MAGIC | target, address, len(payload) // 4], "<u4")
    return header.tobytes() + payload
